/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is verified while the bytes of a unit arrive. Data that lie in one piece are shown to the host as payload. All
 * else is checked here: filtered chunks are put together, undone (which compares their checksums) and kept for
 * decode(); the content is compared run by run, of unfiltered data without a copy.
 */
#include "h5_reader.h"

#include "h5_runs.h"
#include "h5_source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A unit that is decoded while it is checked is kept up to that size; a larger one is decoded twice. */
#define KEEP_MAX (UINT64_C(8) << 20)

static dlfw_status no_memory(const dlfw_reader *r, dlfw_error *err)
{
    return dlfw_fail(err, DLFW_E_NO_MEMORY, "'%.*s': out of memory to check a chunk", (int)r->object->name_len,
                     r->object->name);
}

static dlfw_status differs(const dlfw_reader *r, uint64_t content, uint64_t offset, dlfw_error *err)
{
    return h5_fail(r->object, DLFW_E_CORRUPT, offset, err,
                   "does not hold the generated content: first difference at payload byte %" PRIu64
                   " (was it generated with another content.seed?)",
                   content);
}

/* Content of the sets before this one. */
static uint64_t content_begin(const struct h5_file *f, uint32_t set)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < set; i++)
        bytes += f->sets[i].bytes;
    return bytes;
}

static dlfw_status compare(dlfw_reader *r, uint64_t content, const uint8_t *data, uint64_t len, uint64_t offset,
                           dlfw_payload *ret, dlfw_error *err)
{
    uint64_t good;

    if (!r->content)
        r->content = h5_content_create(r->fmt->host, r->object->content_seed, r->object->content_object);
    if (!r->content)
        return no_memory(r, err);
    good = h5_content_compare(r->content, content, data, len);
    ret->length += good;
    return good == len ? DLFW_OK : differs(r, content + good, offset, err);
}

/* items: bytes [begin, end) of the chunk. offset: of the chunk in the file. */
static dlfw_status compare_chunk(dlfw_reader *r, const struct h5_part *part, const uint8_t *items, uint64_t begin,
                                 uint64_t end, dlfw_payload *ret, dlfw_error *err)
{
    const struct h5_set *set = &r->file->sets[part->set];
    const struct h5_box box = h5_set_box(set);
    const uint64_t content = content_begin(r->file, part->set);
    struct h5_runs run;
    dlfw_status st = DLFW_OK;

    h5_runs_begin(&run, &box, part->chunk->index, r->unit.first_row, r->unit.end_row, false);
    for (; run.has_run && run.in_chunk < end && st >= 0; h5_runs_next(&run)) {
        uint64_t from = run.in_chunk > begin ? run.in_chunk : begin;
        uint64_t to = run.in_chunk + run.run_bytes < end ? run.in_chunk + run.run_bytes : end;

        if (from < to)
            st = compare(r, content + run.in_set + (from - run.in_chunk), items + (from - begin), to - from,
                         part->offset, ret, err);
    }
    return st;
}

/* A whole filtered chunk. */
static dlfw_status check_chunk(dlfw_reader *r, const struct h5_part *part, const uint8_t *stored, dlfw_payload *ret,
                               dlfw_error *err)
{
    struct h5_progress *g = &r->progress;
    uint8_t *out = g->keeps ? g->kept : NULL;
    const uint8_t *items;
    dlfw_status st = h5_unit_undo(r, part, stored, out, &items, err);

    if (st < 0)
        return st;
    if (out)
        h5_unit_place(r, part, items, out);
    if (h5_reader_compares(r))
        st = compare_chunk(r, part, items, 0, r->file->sets[part->set].chunk_bytes, ret, err);
    return st;
}

static bool is_filtered(const dlfw_reader *r, const struct h5_part *part)
{
    return r->file->sets[part->set].filter_count > 0;
}

/* A filtered chunk is collected unless it lies in the piece as a whole. */
static dlfw_status feed_filtered(dlfw_reader *r, const struct h5_part *part, const uint8_t *data, uint64_t len,
                                 dlfw_payload *ret, dlfw_error *err)
{
    struct h5_progress *g = &r->progress;

    if (r->file->sets[part->set].library_decodes)
        return DLFW_OK;
    if (g->fed == 0 && len == part->bytes)
        return check_chunk(r, part, data, ret, err);
    if (g->carry_cap < part->bytes) {
        free(g->carry);
        g->carry = malloc(part->bytes);
        g->carry_cap = g->carry ? part->bytes : 0;
        if (!g->carry)
            return no_memory(r, err);
    }
    memcpy(g->carry + g->fed, data, len);
    return g->fed + len == part->bytes ? check_chunk(r, part, g->carry, ret, err) : DLFW_OK;
}

/* The next len bytes of a part. */
static dlfw_status feed(dlfw_reader *r, const struct h5_part *part, const uint8_t *data, uint64_t len,
                        dlfw_payload *ret, dlfw_error *err)
{
    const uint64_t fed = r->progress.fed;

    if (is_filtered(r, part))
        return feed_filtered(r, part, data, len, ret, err);
    if (!h5_reader_compares(r))
        return DLFW_OK;
    if (part->chunk)
        return compare_chunk(r, part, data, fed, fed + len, ret, err);
    return compare(r, content_begin(r->file, part->set) + (part->offset - r->file->sets[part->set].offset) + fed, data,
                   len, part->offset + fed, ret, err);
}

/* Then each item of a unit passes through check_chunk(). */
static bool all_filtered(const struct h5_file *f)
{
    for (uint32_t i = 0; i < f->set_count; i++)
        if (!f->sets[i].filter_count || f->sets[i].library_decodes)
            return false;
    return true;
}

static dlfw_status restart(dlfw_reader *r, uint64_t unit, dlfw_error *err)
{
    struct h5_progress *g = &r->progress;
    const uint64_t bytes = h5_unit_out_bytes(r);

    g->unit = unit;
    g->part = g->fed = 0;
    g->is_whole = false;
    g->keeps = bytes <= KEEP_MAX && all_filtered(r->file);
    if (!g->keeps || g->kept_cap >= bytes)
        return DLFW_OK;
    free(g->kept);
    g->kept = malloc(bytes);
    g->kept_cap = g->kept ? bytes : 0;
    return g->kept ? DLFW_OK : no_memory(r, err);
}

/* All parts that the piece holds some of. */
static dlfw_status feed_piece(dlfw_reader *r, const dlfw_span *piece, dlfw_payload *ret, dlfw_error *err)
{
    struct h5_progress *g = &r->progress;
    const uint64_t end = piece->offset + piece->length;

    while (g->part < r->unit.part_count) {
        const struct h5_part *part = &r->unit.parts[g->part];
        uint64_t at = part->offset + g->fed, n = part->bytes - g->fed;
        dlfw_status st;

        if (end <= at)
            return DLFW_OK;
        if (piece->offset > at)
            return dlfw_fail(err, DLFW_E_INVALID,
                             "'%.*s': piece at offset %" PRIu64 " where %" PRIu64 " is the next one",
                             (int)r->object->name_len, r->object->name, piece->offset, at);
        n = n < end - at ? n : end - at;
        st = feed(r, part, (const uint8_t *)piece->data + (at - piece->offset), n, ret, err);
        if (st < 0)
            return st;
        g->fed += n;
        if (g->fed == part->bytes) {
            g->part++;
            g->fed = 0;
        }
    }
    g->is_whole = true;
    return DLFW_OK;
}

/* The payload of a unit that lies in one piece. */
static void show_payload(const dlfw_reader *r, const dlfw_span *piece, dlfw_payload *ret)
{
    const struct h5_part *part = r->unit.parts;
    uint64_t begin = piece->offset, end = piece->offset + piece->length;

    if (!r->unit.part_count)
        return;
    begin = begin > part->offset ? begin : part->offset;
    end = end < part->offset + part->bytes ? end : part->offset + part->bytes;
    if (begin >= end)
        return;
    ret->data = (const uint8_t *)piece->data + (begin - piece->offset);
    ret->content_offset = begin - r->file->sets[0].offset;
    ret->length = end - begin;
}

static bool has_filters(const struct h5_file *f)
{
    for (uint32_t i = 0; i < f->set_count; i++)
        if (f->sets[i].filter_count)
            return true;
    return false;
}

dlfw_status hdf5_consume(dlfw_reader *r, uint64_t unit, const dlfw_span *piece, dlfw_payload *ret, dlfw_error *err)
{
    struct h5_progress *g = &r->progress;
    dlfw_status st = h5_unit_load(r, unit, err);

    if (st < 0 || !piece->length)
        return st;
    if (h5_reader_is_plain(r)) {
        show_payload(r, piece, ret);
        return DLFW_OK;
    }
    if (!r->unit.part_count || (!h5_reader_compares(r) && !(h5_reader_verifies(r) && has_filters(r->file))))
        return DLFW_OK;
    if (g->unit != unit || piece->offset <= r->unit.parts[0].offset) {
        st = restart(r, unit, err);
        if (st < 0)
            return st;
    }
    st = feed_piece(r, piece, ret, err);
    if (st < 0)
        g->unit = UINT64_MAX;
    return st;
}
