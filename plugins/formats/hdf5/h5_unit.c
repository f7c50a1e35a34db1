/* SPDX-License-Identifier: Apache-2.0 */
/* Which bytes of the file a unit is made of, and where each of its items goes. */
#include "h5_reader.h"

#include "h5_runs.h"
#include "h5_source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void h5_unit_free(struct h5_unit *u)
{
    if (u->parts != u->few)
        free(u->parts);
    if (u->ranges != u->few_ranges)
        free(u->ranges);
    u->parts = u->few;
    u->ranges = u->few_ranges;
    u->part_cap = H5_PARTS_FEW;
}

static dlfw_status no_memory(const dlfw_reader *r, dlfw_error *err)
{
    return dlfw_fail(err, DLFW_E_NO_MEMORY, "'%.*s': out of memory for the parts of a unit", (int)r->object->name_len,
                     r->object->name);
}

static dlfw_status add_part(dlfw_reader *r, const struct h5_part *part, dlfw_error *err)
{
    struct h5_unit *u = &r->unit;

    if (u->part_count == u->part_cap) {
        uint64_t cap = u->part_cap * 4;
        struct h5_part *parts = malloc(cap * sizeof *parts);
        dlfw_range *ranges = malloc(cap * sizeof *ranges);

        if (!parts || !ranges) {
            free(parts);
            free(ranges);
            return no_memory(r, err);
        }
        memcpy(parts, u->parts, u->part_count * sizeof *parts);
        h5_unit_free(u);
        u->parts = parts;
        u->ranges = ranges;
        u->part_cap = cap;
    }
    u->parts[u->part_count++] = *part;
    return DLFW_OK;
}

/* The chunks of a set that hold some of the unit's rows. */
static dlfw_status add_chunks(dlfw_reader *r, uint32_t number, dlfw_error *err)
{
    const struct h5_set *set = &r->file->sets[number];
    struct h5_unit *u = &r->unit;
    const uint64_t per_row = h5_set_row_chunks(set);
    const uint64_t end = ((u->end_row - 1) / set->chunk_dims[0] + 1) * per_row;

    for (uint64_t i = u->first_row / set->chunk_dims[0] * per_row; i < end; i++) {
        const struct h5_chunk *c = h5_set_chunk(set, i);
        dlfw_status st;

        if (!c) {
            u->misses = true;
            continue;
        }
        st = add_part(r, &(struct h5_part){c->offset, c->bytes, c, number}, err);
        if (st < 0)
            return st;
    }
    return DLFW_OK;
}

static dlfw_status add_set(dlfw_reader *r, uint32_t number, dlfw_error *err)
{
    const struct h5_set *set = &r->file->sets[number];
    struct h5_unit *u = &r->unit;

    if (set->layout == H5_CHUNKED)
        return add_chunks(r, number, err);
    if (set->offset == H5_UNDEFINED) { /* or where only the library finds it */
        u->misses = true;
        return DLFW_OK;
    }
    return add_part(r,
                    &(struct h5_part){.offset = set->offset + u->first_row * set->row_bytes,
                                      .bytes = (u->end_row - u->first_row) * set->row_bytes,
                                      .set = number},
                    err);
}

static int by_offset(const void *a, const void *b)
{
    const struct h5_part *left = a, *right = b;

    return left->offset < right->offset ? -1 : left->offset > right->offset;
}

static dlfw_status make_ranges(dlfw_reader *r, dlfw_error *err)
{
    struct h5_unit *u = &r->unit;
    uint64_t end = 0;

    for (uint64_t i = 0; i < u->part_count; i++) {
        if (u->parts[i].offset < end)
            return h5_fail(r->object, DLFW_E_CORRUPT, u->parts[i].offset, err, "two data sets lie over each other");
        end = u->parts[i].offset + u->parts[i].bytes;
        u->ranges[i] = (dlfw_range){.offset = u->parts[i].offset, .length = u->parts[i].bytes};
    }
    u->range_count = h5_merge_ranges(u->ranges, (uint32_t)u->part_count, 0, H5_UNIT_RANGES);
    return DLFW_OK;
}

/* Content can only be compared when it was written, and by filters that are known here. */
static dlfw_status check_comparable(const dlfw_reader *r, dlfw_error *err)
{
    if (!(r->object->flags & DLFW_OBJECT_VERIFY_CONTENT))
        return DLFW_OK;
    if (r->unit.misses)
        return h5_fail(r->object, DLFW_E_CORRUPT, 0, err,
                       "some of the rows from %" PRIu64 " on were never written, so they hold no generated content",
                       r->unit.first_row);
    for (uint32_t i = 0; i < r->file->set_count; i++)
        if (r->file->sets[i].library_decodes)
            return h5_fail(r->object, DLFW_E_CORRUPT, 0, err,
                           "'%s' has filters that generated files never have, so its content is another",
                           r->file->sets[i].name);
    return DLFW_OK;
}

uint64_t h5_unit_row_offset(const dlfw_reader *r, uint64_t row)
{
    const struct h5_set *set = &r->file->sets[0];

    if (set->layout != H5_CHUNKED)
        return set->offset + row * set->row_bytes;
    return h5_set_chunk(set, row / set->chunk_dims[0] * h5_set_row_chunks(set))->offset +
           row % set->chunk_dims[0] * set->row_bytes;
}

/* The chunks of each sample follow each other in the file as in the data set. */
static bool chunks_follow(const dlfw_reader *r)
{
    const struct h5_set *set = &r->file->sets[0];
    const uint64_t per_row = h5_set_row_chunks(set), per_sample = per_row * r->rows_per_sample;

    for (uint64_t i = r->unit.first_row * per_row; i < r->unit.end_row * per_row; i++)
        if (i % per_sample && h5_set_chunk(set, i)->offset != h5_set_chunk(set, i - 1)->offset + set->chunk_bytes)
            return false;
    return true;
}

static bool is_plain(const dlfw_reader *r)
{
    const struct h5_set *set = &r->file->sets[0];

    if (r->file->set_count > 1 || r->unit.misses)
        return false;
    if (set->layout != H5_CHUNKED)
        return true;
    return (r->rows_per_sample == 1 && h5_set_chunks_hold_rows(set)) ||
           (h5_set_rows_hold_chunks(set) && chunks_follow(r));
}

dlfw_status h5_unit_load(dlfw_reader *r, uint64_t unit, dlfw_error *err)
{
    struct h5_unit *u = &r->unit;
    uint64_t end;
    dlfw_status st = DLFW_OK;

    if (unit == u->number)
        return DLFW_OK;
    if (unit >= r->units)
        return dlfw_fail(err, DLFW_E_INVALID, "'%.*s': unit %" PRIu64 " of %" PRIu64 " does not exist",
                         (int)r->object->name_len, r->object->name, unit, r->units);
    end = (unit + 1) * r->unit_samples;
    u->number = UINT64_MAX;
    u->first_row = unit * r->unit_samples * r->rows_per_sample;
    u->end_row = (end < r->samples ? end : r->samples) * r->rows_per_sample;
    u->part_count = 0;
    u->misses = false;
    for (uint32_t i = 0; i < r->file->set_count && st >= 0; i++)
        st = add_set(r, i, err);
    if (st < 0)
        return st;
    if (u->part_count > UINT32_MAX)
        return no_memory(r, err);
    for (uint64_t i = 1; i < u->part_count; i++)
        if (u->parts[i - 1].offset > u->parts[i].offset) {
            qsort(u->parts, u->part_count, sizeof *u->parts, by_offset);
            break;
        }
    u->is_plain = is_plain(r);
    st = make_ranges(r, err);
    if (st >= 0)
        st = check_comparable(r, err);
    if (st >= 0)
        u->number = unit;
    return st;
}

uint64_t h5_unit_out_bytes(const dlfw_reader *r)
{
    return r->unit.is_plain ? 0 : (r->unit.end_row - r->unit.first_row) * r->file->row_bytes;
}

/* Where a set begins in a row of all sets. */
static uint64_t place_in_row(const struct h5_file *f, uint32_t set)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < set; i++)
        bytes += f->sets[i].row_bytes;
    return bytes;
}

static void place_rows(const dlfw_reader *r, const struct h5_set *set, const uint8_t *items, uint8_t *out)
{
    const uint64_t rows = r->unit.end_row - r->unit.first_row;

    for (uint64_t i = 0; i < rows; i++)
        memcpy(out + i * r->file->row_bytes, items + i * set->row_bytes, set->row_bytes);
}

void h5_unit_place(const dlfw_reader *r, const struct h5_part *part, const uint8_t *items, uint8_t *out)
{
    const struct h5_file *f = r->file;
    const struct h5_set *set = &f->sets[part->set];
    const struct h5_box box = h5_set_box(set);
    const bool one_set = f->set_count == 1;
    struct h5_runs run;

    out += place_in_row(f, part->set);
    if (!part->chunk) {
        place_rows(r, set, items, out);
        return;
    }
    h5_runs_begin(&run, &box, part->chunk->index, r->unit.first_row, r->unit.end_row, !one_set);
    for (; run.has_run; h5_runs_next(&run)) {
        const uint64_t from = run.in_set - r->unit.first_row * set->row_bytes;
        uint8_t *to = one_set ? out + from : out + from / set->row_bytes * f->row_bytes + from % set->row_bytes;

        if (to != items + run.in_chunk)
            memcpy(to, items + run.in_chunk, run.run_bytes);
    }
}

/* Where the chunk's items go as they are; NULL: they have to be spread. */
static uint8_t *own_place(const dlfw_reader *r, const struct h5_part *part, uint8_t *out)
{
    const struct h5_set *set = &r->file->sets[part->set];
    const struct h5_box box = h5_set_box(set);
    struct h5_runs run;

    if (!out || r->file->set_count > 1)
        return NULL;
    h5_runs_begin(&run, &box, part->chunk->index, r->unit.first_row, r->unit.end_row, false);
    if (!run.has_run || run.run_bytes != set->chunk_bytes)
        return NULL;
    return out + (run.in_set - r->unit.first_row * set->row_bytes);
}

dlfw_status h5_unit_undo(dlfw_reader *r, const struct h5_part *part, const uint8_t *stored, uint8_t *out,
                         const uint8_t **ret, dlfw_error *err)
{
    const struct h5_set *set = &r->file->sets[part->set];
    const char *problem = NULL;
    dlfw_status st = h5_filters_undo(set, part->chunk, stored, h5_reader_verifies(r), own_place(r, part, out),
                                     &r->memory, ret, &problem);

    if (st < 0)
        return h5_fail(r->object, st, part->offset, err, "%s in '%s'", problem, set->name);
    return DLFW_OK;
}
