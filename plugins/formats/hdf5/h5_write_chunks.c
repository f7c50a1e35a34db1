/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The items of a data set. Contiguous data and unfiltered chunks are made in the sink's own memory; a filtered chunk is
 * made, compressed and written one at a time. Chunks at the edge are padded with zeros.
 */
#include "h5_write.h"

#include "h5_lzf.h"
#include "h5_runs.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* What stays in the second-level cache between making and writing. */
#define HOT_BYTES (256u * 1024u)

struct chunks {
    struct h5_out *o;
    const struct h5_plan *plan;
    struct h5_content *content;
    uint64_t first; /* content byte of the data set */
    struct h5_box box;
    uint8_t *items, *packed; /* of a filtered chunk */
    uint64_t packed_cap;
};

dlfw_status h5_out_flush(struct h5_out *o)
{
    dlfw_status st = DLFW_OK;

    if (o->used)
        st = o->sink->advance(o->sink->ctx, o->used, o->err);
    o->window = NULL;
    o->used = o->room = 0;
    return st;
}

dlfw_status h5_out_room(struct h5_out *o, uint8_t **ret, uint64_t *ret_len)
{
    dlfw_status st;

    if (o->used == o->room) {
        void *window = NULL;

        st = h5_out_flush(o);
        if (st < 0)
            return st;
        st = o->sink->window(o->sink->ctx, &window, &o->room, o->err);
        if (st < 0) {
            o->room = 0;
            return st;
        }
        o->window = window;
        if (o->room > HOT_BYTES)
            o->room = HOT_BYTES;
    }
    *ret = o->window + o->used;
    if (*ret_len > o->room - o->used)
        *ret_len = o->room - o->used;
    return DLFW_OK;
}

void h5_out_made(struct h5_out *o, uint64_t len)
{
    o->used += len;
    o->offset += len;
}

dlfw_status h5_out_write(struct h5_out *o, const void *data, uint64_t len)
{
    dlfw_status st = h5_out_flush(o);

    if (st < 0)
        return st;
    o->offset += len;
    return o->sink->write(o->sink->ctx, data, len, o->err);
}

dlfw_status h5_out_zeros(struct h5_out *o, uint64_t len)
{
    while (len) {
        uint64_t n = len;
        uint8_t *p;
        dlfw_status st = h5_out_room(o, &p, &n);

        if (st < 0)
            return st;
        memset(p, 0, n);
        h5_out_made(o, n);
        len -= n;
    }
    return DLFW_OK;
}

static dlfw_status write_content(struct chunks *c, uint64_t offset, uint64_t len)
{
    while (len) {
        uint64_t n = len;
        uint8_t *p;
        dlfw_status st = h5_out_room(c->o, &p, &n);

        if (st < 0)
            return st;
        h5_content_copy(c->content, offset, p, n);
        h5_out_made(c->o, n);
        offset += n;
        len -= n;
    }
    return DLFW_OK;
}

static dlfw_status write_plain(struct chunks *c, uint64_t index)
{
    struct h5_runs run;
    uint64_t done = 0;
    dlfw_status st = DLFW_OK;

    h5_runs_begin(&run, &c->box, index, 0, UINT64_MAX, false);
    for (; run.has_run && st >= 0; h5_runs_next(&run)) {
        st = h5_out_zeros(c->o, run.in_chunk - done);
        if (st >= 0)
            st = write_content(c, c->first + run.in_set, run.run_bytes);
        done = run.in_chunk + run.run_bytes;
    }
    return st < 0 ? st : h5_out_zeros(c->o, c->plan->chunk_bytes - done);
}

static void make_items(struct chunks *c, uint64_t index)
{
    struct h5_runs run;
    uint64_t done = 0;

    h5_runs_begin(&run, &c->box, index, 0, UINT64_MAX, false);
    for (; run.has_run; h5_runs_next(&run)) {
        memset(c->items + done, 0, run.in_chunk - done);
        h5_content_copy(c->content, c->first + run.in_set, c->items + run.in_chunk, run.run_bytes);
        done = run.in_chunk + run.run_bytes;
    }
    memset(c->items + done, 0, c->plan->chunk_bytes - done);
}

static dlfw_status write_filtered(struct chunks *c, uint64_t index, struct h5_chunk_place *ret)
{
    const uint64_t bytes = c->plan->chunk_bytes;
    uLongf packed = c->packed_cap;

    make_items(c, index);
    *ret = (struct h5_chunk_place){.offset = c->o->offset};
    if (c->plan->filter == H5_FILTER_LZF)
        packed = h5_lzf_compress(c->items, bytes, c->packed, bytes);
    else if (compress2(c->packed, &packed, c->items, bytes, c->plan->level) != Z_OK)
        return dlfw_fail(c->o->err, DLFW_E_NO_MEMORY, "out of memory to deflate a chunk");
    if (packed && packed <= UINT32_MAX) {
        ret->bytes = (uint32_t)packed;
        return h5_out_write(c->o, c->packed, packed);
    }
    ret->bytes = (uint32_t)bytes; /* stored without the filter, as its mask says */
    ret->mask = 1;
    return h5_out_write(c->o, c->items, bytes);
}

static dlfw_status write_chunks(struct chunks *c, struct h5_chunk_place *places)
{
    dlfw_status st = DLFW_OK;

    if (c->plan->filter) {
        c->packed_cap = compressBound(c->plan->chunk_bytes);
        c->items = malloc(c->plan->chunk_bytes);
        c->packed = malloc(c->packed_cap);
        if (!c->items || !c->packed)
            st = dlfw_fail(c->o->err, DLFW_E_NO_MEMORY, "out of memory to compress a chunk");
    }
    for (uint64_t i = 0; i < c->plan->chunk_count && st >= 0; i++)
        st = c->plan->filter ? write_filtered(c, i, &places[i]) : write_plain(c, i);
    free(c->items);
    free(c->packed);
    return st;
}

dlfw_status h5_write_items(struct h5_out *o, const struct h5_plan *plan, uint32_t set, const dlfw_host *host,
                           const dlfw_encode_spec *spec, struct h5_chunk_place *places)
{
    struct chunks c = {.o = o,
                       .plan = plan,
                       .content = h5_content_create(host, spec->seed, spec->object),
                       .first = set * plan->set_bytes,
                       .box = {plan->rank, plan->item, plan->dims, plan->chunk_dims, plan->grid}};
    dlfw_status st;

    if (!c.content)
        return dlfw_fail(o->err, DLFW_E_NO_MEMORY, "out of memory for the content of a file");
    st = plan->is_chunked ? write_chunks(&c, places) : write_content(&c, c.first, plan->set_bytes);
    h5_content_destroy(c.content);
    return st;
}
