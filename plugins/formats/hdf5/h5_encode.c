/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file front to back. Without a filter every address is known beforehand, so the headers come first and a reader
 * finds them with its first request. With one, only the superblock does; it is patched when the headers, which are at
 * the end, have their place.
 */
#include "h5_write.h"

#include <stdlib.h>

#define DATA_ALIGN UINT64_C(2048) /* where the library's first block of data begins */

/* Where things lie in a file without filters. */
struct places {
    uint64_t root, headers, indexes, data, labels, end;
};

static struct places lay_out(const struct h5_plan *plan)
{
    struct places p = {.root = H5_SUPERBLOCK_BYTES};

    p.headers = p.root + h5_root_header_bytes(plan);
    p.indexes = p.headers + plan->sets * h5_set_header_bytes(plan) + h5_labels_header_bytes();
    p.data = p.indexes + plan->sets * h5_index_bytes(plan);
    p.data = (p.data + DATA_ALIGN - 1) / DATA_ALIGN * DATA_ALIGN;
    p.labels = p.data + plan->sets * plan->stored_bytes;
    p.end = p.labels + 8 * plan->samples;
    return p;
}

dlfw_status hdf5_file_size(dlfw_format *fmt, const dlfw_encode_spec *spec, uint64_t *ret, dlfw_error *err)
{
    struct h5_plan plan;
    dlfw_status st = h5_plan(fmt, spec, &plan, err);

    if (st < 0)
        return st;
    *ret = plan.filter ? UINT64_MAX : lay_out(&plan).end;
    return DLFW_OK;
}

static struct h5_written plain_set(const struct h5_plan *plan, const struct places *p, uint32_t set)
{
    struct h5_written w = {.data = p->data + set * plan->stored_bytes};

    w.index = h5_index_bytes(plan) ? p->indexes + set * h5_index_bytes(plan) : w.data;
    return w;
}

static dlfw_status write_plain(struct h5_out *o, const struct h5_plan *plan, const dlfw_host *host,
                               const dlfw_encode_spec *spec)
{
    const struct places p = lay_out(plan);
    uint8_t superblock[H5_SUPERBLOCK_BYTES];
    dlfw_status st;

    h5_build_superblock(superblock, p.root, p.end);
    st = h5_out_write(o, superblock, sizeof superblock);
    if (st >= 0)
        st = h5_write_root(o, plan, p.headers);
    for (uint32_t i = 0; i < plan->sets && st >= 0; i++) {
        struct h5_written w = plain_set(plan, &p, i);

        st = h5_write_set(o, plan, &w);
    }
    if (st >= 0)
        st = h5_write_labels(o, plan, p.labels);
    for (uint32_t i = 0; i < plan->sets && st >= 0; i++) {
        struct h5_written w = plain_set(plan, &p, i);

        st = h5_write_index(o, plan, &w);
    }
    if (st >= 0)
        st = h5_out_zeros(o, p.data - o->offset);
    for (uint32_t i = 0; i < plan->sets && st >= 0; i++)
        st = h5_write_items(o, plan, i, host, spec, NULL);
    return st < 0 ? st : h5_out_zeros(o, 8 * plan->samples);
}

/* The chunks of all sets, each set's index behind them. */
static dlfw_status write_filtered_data(struct h5_out *o, const struct h5_plan *plan, const dlfw_host *host,
                                       const dlfw_encode_spec *spec, struct h5_chunk_place *places,
                                       struct h5_written *sets)
{
    dlfw_status st = DLFW_OK;

    for (uint32_t i = 0; i < plan->sets && st >= 0; i++) {
        sets[i].places = places;
        st = h5_write_items(o, plan, i, host, spec, places);
        sets[i].only = places[0];
        sets[i].index = plan->index == H5_INDEX_SINGLE ? places[0].offset : o->offset;
        if (st >= 0)
            st = h5_write_index(o, plan, &sets[i]);
    }
    return st;
}

static dlfw_status write_filtered(struct h5_out *o, const struct h5_plan *plan, const dlfw_host *host,
                                  const dlfw_encode_spec *spec)
{
    uint8_t superblock[H5_SUPERBLOCK_BYTES] = {0};
    struct h5_chunk_place *places = calloc(plan->chunk_count, sizeof *places);
    struct h5_written *sets = calloc(plan->sets, sizeof *sets);
    uint64_t labels, root;
    dlfw_status st;

    if (!places || !sets) {
        st = dlfw_fail(o->err, DLFW_E_NO_MEMORY, "out of memory for the table of chunks of a file");
        goto out;
    }
    st = h5_out_write(o, superblock, sizeof superblock); /* patched below */
    if (st >= 0)
        st = write_filtered_data(o, plan, host, spec, places, sets);
    labels = o->offset;
    if (st >= 0)
        st = h5_out_zeros(o, 8 * plan->samples);
    root = o->offset;
    if (st >= 0)
        st = h5_write_root(o, plan, root + h5_root_header_bytes(plan));
    for (uint32_t i = 0; i < plan->sets && st >= 0; i++)
        st = h5_write_set(o, plan, &sets[i]);
    if (st >= 0)
        st = h5_write_labels(o, plan, labels);
    if (st >= 0) {
        h5_build_superblock(superblock, root, o->offset);
        st = o->sink->patch(o->sink->ctx, 0, superblock, sizeof superblock, o->err);
    }
out:
    free(places);
    free(sets);
    return st;
}

dlfw_status hdf5_encode(dlfw_format *fmt, const dlfw_encode_spec *spec, const dlfw_sink *sink, dlfw_error *err)
{
    struct h5_out o = {.sink = sink, .err = err};
    struct h5_plan plan;
    dlfw_status st = h5_plan(fmt, spec, &plan, err);

    if (st < 0)
        return st;
    st = plan.filter ? write_filtered(&o, &plan, fmt->host, spec) : write_plain(&o, &plan, fmt->host, spec);
    return st < 0 ? st : h5_out_flush(&o);
}
