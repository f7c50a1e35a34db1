/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading. Tables of ordinary size are read once per object, checked as a whole and shared. Tables beyond table_memory
 * are never held: such files are taken to consist of equally long records, each unit brings its own part of the tables
 * with it, and every entry of it must say the same. Either way no sample is handed on that the tables did not describe.
 * With no_touch the tables are all that is read.
 */
#include "indexed_reader.h"

#include <inttypes.h>
#include <string.h>

#include "common/little_endian.h"
#include "common/span_set.h"

#define UNIT_BYTES (4u << 20)
#define UNIT_SAMPLES_MAX 65536u

uint64_t indexed_run(uint64_t record)
{
    uint64_t n = record ? UNIT_BYTES / record : 1;

    return n < 1 ? 1 : n > UNIT_SAMPLES_MAX ? UNIT_SAMPLES_MAX : n;
}

static dlfw_status fail(const dlfw_reader *r, dlfw_status status, const char *what, dlfw_error *err)
{
    return dlfw_fail(err, status, "'%.*s': %s", (int)r->object->name_len, r->object->name, what);
}

/* About an entry of a table. */
static dlfw_status fail_table(const dlfw_reader *r, dlfw_status status, uint32_t side, uint64_t offset,
                              const char *what, dlfw_error *err)
{
    return dlfw_fail(err, status, "'%.*s%s': %s (at offset %" PRIu64 ")", (int)r->object->name_len, r->object->name,
                     indexed_sides[side]->suffix, what, offset);
}

static dlfw_status check_tables(const dlfw_reader *r, const uint64_t *sizes, dlfw_error *err)
{
    for (uint32_t side = INDEXED_OFFSETS; side <= INDEXED_SIZES; side++) {
        const char *suffix = indexed_sides[side]->suffix;

        if (sizes[side] == UINT64_MAX)
            return dlfw_fail(
                err, DLFW_E_NOT_FOUND, "'%.*s%s': not found: samples of '%.*s' are found by this table only",
                (int)r->object->name_len, r->object->name, suffix, (int)r->object->name_len, r->object->name);
        if (!sizes[side] || sizes[side] % INDEXED_ENTRY_BYTES)
            return dlfw_fail(err, DLFW_E_CORRUPT,
                             "'%.*s%s': truncated: %" PRIu64 " bytes are no table of 8-byte entries",
                             (int)r->object->name_len, r->object->name, suffix, sizes[side]);
    }
    if (sizes[INDEXED_OFFSETS] != sizes[INDEXED_SIZES])
        return dlfw_fail(err, DLFW_E_CORRUPT,
                         "'%.*s': its tables differ in length: %" PRIu64 " offsets and %" PRIu64 " sizes",
                         (int)r->object->name_len, r->object->name, sizes[INDEXED_OFFSETS] / INDEXED_ENTRY_BYTES,
                         sizes[INDEXED_SIZES] / INDEXED_ENTRY_BYTES);
    return DLFW_OK;
}

/* A file whose tables are not loaded. */
static dlfw_status assume_records(dlfw_reader *r, dlfw_error *err)
{
    r->record = r->object->size / r->count;
    if (!r->record || r->object->size % r->count)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED,
                         "'%.*s': %" PRIu64 " bytes are not %" PRIu64
                         " equally long samples, and its tables of %" PRIu64 " bytes are over table_memory; raise it",
                         (int)r->object->name_len, r->object->name, r->object->size, r->count,
                         2 * r->count * INDEXED_ENTRY_BYTES);
    return DLFW_OK;
}

/* The number of samples per unit, once the length of samples is known. */
static void set_units(dlfw_reader *r)
{
    const dlfw_object *o = r->object;
    const bool is_told = DLFW_HAS(o, unit_samples) && o->unit_samples;

    r->per_unit = is_told ? o->unit_samples : indexed_run(r->record ? r->record : o->size / r->count);
    if (r->per_unit > r->samples)
        r->per_unit = r->samples;
}

/* Generated files are contiguous; a table that says otherwise would show the wrong bytes under good content. */
static dlfw_status take_table(dlfw_reader *r, dlfw_error *err)
{
    r->record = r->table->is_contiguous ? r->table->record : 0;
    if (DLFW_HAS(r->object, content_object) && (r->object->flags & DLFW_OBJECT_VERIFY_CONTENT) &&
        !(r->table->is_contiguous && r->table->record))
        return fail_table(r, DLFW_E_CORRUPT, INDEXED_OFFSETS, 0,
                          "the samples do not follow each other, as those of generated files do", err);
    set_units(r);
    return DLFW_OK;
}

dlfw_status indexed_reader_open(dlfw_format *fmt, dlfw_reader *r, const dlfw_object *object, dlfw_error *err)
{
    dlfw_status st;

    r->fmt = fmt;
    r->object = object;
    r->planned = r->check.unit = UINT64_MAX;
    if (!DLFW_HAS(object, side_count) || object->side_count <= INDEXED_SIZES)
        return fail(r, DLFW_E_UNSUPPORTED, "this program gives no side objects: its plugin ABI is older than 1.1", err);
    st = check_tables(r, object->side_sizes, err);
    if (st < 0)
        return st;
    r->count = object->side_sizes[INDEXED_OFFSETS] / INDEXED_ENTRY_BYTES;
    r->samples = object->samples ? object->samples : r->count;
    if (r->samples > r->count)
        return dlfw_fail(err, DLFW_E_CORRUPT, "'%.*s': its tables hold %" PRIu64 " samples, the run file says %" PRIu64,
                         (int)object->name_len, object->name, r->count, r->samples);
    if (!object->size)
        return fail(r, DLFW_E_CORRUPT, "truncated: there is no data", err);
    r->is_loadable = object->side_sizes[INDEXED_OFFSETS] <= fmt->options->table_memory / 2;
    if (r->is_loadable) {
        r->table = object_cache_get(fmt->cache, object->name, object->name_len, object->size);
        return DLFW_OK;
    }
    st = assume_records(r, err);
    set_units(r);
    return st;
}

void indexed_reader_close(dlfw_reader *r)
{
    object_cache_release(r->fmt->cache, r->table);
}

static dlfw_status load_table(dlfw_reader *r, const dlfw_span *have, uint32_t n_have, dlfw_error *err)
{
    const dlfw_object *o = r->object;
    struct indexed_table *table = NULL;
    struct indexed_reason reason;
    dlfw_status st = indexed_table_load(have, n_have, r->count, o->size, &table, &reason);

    if (st < 0)
        return fail_table(r, st, reason.side, reason.offset, reason.text, err);
    r->table = object_cache_put(r->fmt->cache, o->name, o->name_len, o->size, table, indexed_table_bytes(table),
                                indexed_table_free);
    if (!r->table)
        return fail(r, DLFW_E_NO_MEMORY, "out of memory for its tables", err);
    return DLFW_OK;
}

static dlfw_status step_metadata(dlfw_reader *r, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                                 uint32_t want_cap, uint32_t *n_want, dlfw_error *err)
{
    dlfw_status st;

    if (!r->is_loadable)
        return DLFW_OK;
    if (!r->table) {
        for (uint32_t side = INDEXED_OFFSETS; side <= INDEXED_SIZES; side++)
            *n_want += span_missing(have, n_have, DLFW_SIDE_OFFSET(side),
                                    DLFW_SIDE_OFFSET(side) + r->count * INDEXED_ENTRY_BYTES, want + *n_want,
                                    want_cap - *n_want);
        if (*n_want)
            return DLFW_NEED_IO;
        st = load_table(r, have, n_have, err);
        if (st < 0)
            return st;
    }
    return r->table->count == r->count ? take_table(r, err)
                                       : fail(r, DLFW_E_CORRUPT, "its tables have changed since they were read", err);
}

/* The data of a unit and, when the tables are not loaded, its part of them. */
static dlfw_status plan(dlfw_reader *r, uint64_t unit, dlfw_error *err)
{
    const uint64_t first = unit * r->per_unit;
    uint64_t n;

    if (r->planned == unit)
        return DLFW_OK;
    if (unit >= indexed_unit_count(r))
        return dlfw_fail(err, DLFW_E_INVALID, "'%.*s': unit %" PRIu64 " does not exist", (int)r->object->name_len,
                         r->object->name, unit);
    n = r->samples - first < r->per_unit ? r->samples - first : r->per_unit;
    if (r->table && r->fmt->options->no_touch) {
        r->range_count = 0;
    } else if (r->table) {
        if (indexed_table_ranges(r->table, first, n, r->ranges, INDEXED_MAX_RANGES, &r->range_count) < 0)
            return fail(r, DLFW_E_NO_MEMORY, "out of memory for the ranges of a unit", err);
    } else {
        r->ranges[0] = (dlfw_range){.offset = first * r->record, .length = n * r->record};
        for (uint32_t side = INDEXED_OFFSETS; side <= INDEXED_SIZES; side++)
            r->ranges[1 + side] = (dlfw_range){.offset = DLFW_SIDE_OFFSET(side) + first * INDEXED_ENTRY_BYTES,
                                               .length = n * INDEXED_ENTRY_BYTES};
        r->range_count = 3;
        if (r->fmt->options->no_touch)
            r->ranges[0].length = 0; /* an empty range is not asked for */
    }
    r->planned = unit;
    return DLFW_OK;
}

dlfw_status indexed_step(dlfw_reader *r, uint64_t goal, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                         uint32_t want_cap, uint32_t *n_want, dlfw_error *err)
{
    dlfw_status st;

    *n_want = 0;
    if (goal == DLFW_GOAL_METADATA)
        return step_metadata(r, have, n_have, want, want_cap, n_want, err);
    st = plan(r, goal, err);
    if (st < 0)
        return st;
    for (uint32_t i = 0; i < r->range_count; i++)
        *n_want += span_missing(have, n_have, r->ranges[i].offset, r->ranges[i].offset + r->ranges[i].length,
                                want + *n_want, want_cap - *n_want);
    return *n_want ? DLFW_NEED_IO : DLFW_OK;
}

uint64_t indexed_unit_count(dlfw_reader *r)
{
    return r->samples / r->per_unit + (r->samples % r->per_unit != 0);
}

dlfw_status indexed_unit_info(dlfw_reader *r, uint64_t unit, dlfw_unit_info *ret, dlfw_error *err)
{
    dlfw_status st = plan(r, unit, err);

    if (st < 0)
        return st;
    ret->flags = 0;
    ret->first_sample = unit * r->per_unit;
    ret->samples = r->samples - ret->first_sample < r->per_unit ? r->samples - ret->first_sample : r->per_unit;
    ret->stored_bytes = 0;
    for (uint32_t i = 0; i < r->range_count; i++)
        ret->stored_bytes += r->ranges[i].length;
    ret->out_bytes = r->fmt->options->no_touch; /* a place for views of no bytes */
    return DLFW_OK;
}

/* An entry of a table that is not loaded must say what equally long records say. */
static dlfw_status check_entry(dlfw_reader *r, uint32_t side, uint64_t index, const uint8_t *entry, dlfw_error *err)
{
    const uint64_t value = get_le64(entry), right = side == INDEXED_OFFSETS ? index * r->record : r->record;

    if (value == right)
        return DLFW_OK;
    return dlfw_fail(err, DLFW_E_CORRUPT,
                     "'%.*s%s': entry %" PRIu64 " is %" PRIu64 " where samples of equal length have %" PRIu64
                     "; if it is right, raise table_memory (at offset %" PRIu64 ")",
                     (int)r->object->name_len, r->object->name, indexed_sides[side]->suffix, index, value, right,
                     index * INDEXED_ENTRY_BYTES);
}

/* Bytes of a table from offset on; entries that pieces cut are put together. */
static dlfw_status check_entries(dlfw_reader *r, uint32_t side, uint64_t offset, const uint8_t *data, uint64_t len,
                                 dlfw_error *err)
{
    struct entry_check *c = &r->check;

    if (offset % INDEXED_ENTRY_BYTES == 0)
        c->carry_len = 0;
    if (offset % INDEXED_ENTRY_BYTES != c->carry_len)
        return fail_table(r, DLFW_E_INVALID, side, offset, "a piece of the table does not follow the one before", err);
    while (len) {
        const uint64_t index = offset / INDEXED_ENTRY_BYTES;
        const uint8_t *entry = data;
        uint64_t take = INDEXED_ENTRY_BYTES - c->carry_len;
        dlfw_status st;

        if (c->carry_len || len < INDEXED_ENTRY_BYTES) {
            take = take < len ? take : len;
            memcpy(c->carry + c->carry_len, data, take);
            c->carry_len += (uint32_t)take;
            entry = c->carry;
        }
        offset += take;
        data += take;
        len -= take;
        if (entry == c->carry && c->carry_len < INDEXED_ENTRY_BYTES)
            return DLFW_OK;
        c->carry_len = 0;
        st = check_entry(r, side, index, entry, err);
        if (st < 0)
            return st;
        c->entries++;
    }
    return DLFW_OK;
}

dlfw_status indexed_consume(dlfw_reader *r, uint64_t unit, const dlfw_span *piece, dlfw_payload *ret, dlfw_error *err)
{
    const uint64_t part = piece->offset >> DLFW_SIDE_SHIFT;
    dlfw_status st = plan(r, unit, err);

    if (st < 0)
        return st;
    if (part) {
        const uint32_t side = (uint32_t)part - 1;

        if (r->table)
            return DLFW_OK; /* a host that gives more than was asked for */
        if (r->check.unit != unit)
            r->check = (struct entry_check){.unit = unit};
        return check_entries(r, side, piece->offset - DLFW_SIDE_OFFSET(side), piece->data, piece->length, err);
    }
    if (!r->record)
        return DLFW_OK;
    ret->data = piece->data;
    ret->content_offset = piece->offset;
    ret->length = piece->length;
    return DLFW_OK;
}

/* A unit that was not consumed brings its entries here. */
static dlfw_status check_unit(dlfw_reader *r, uint64_t unit, uint64_t samples, const dlfw_span *have, uint32_t n_have,
                              dlfw_error *err)
{
    if (r->table || (r->check.unit == unit && r->check.entries == 2 * samples))
        return DLFW_OK;
    r->check = (struct entry_check){.unit = unit};
    for (uint32_t side = INDEXED_OFFSETS; side <= INDEXED_SIZES; side++) {
        const dlfw_range *range = &r->ranges[1 + side];
        const uint8_t *data = span_find(have, n_have, range->offset, range->length);
        dlfw_status st;

        if (!data)
            return fail(r, DLFW_E_INVALID, "decode without the unit's part of the tables", err);
        st = check_entries(r, side, range->offset - DLFW_SIDE_OFFSET(side), data, range->length, err);
        if (st < 0)
            return st;
    }
    return DLFW_OK;
}

/* Samples that were found and not read: they have no bytes. */
static dlfw_status decode_untouched(const dlfw_unit_info *info, const void *out, dlfw_view *views)
{
    for (uint64_t i = 0; i < info->samples; i++)
        views[i] = (dlfw_view){.data = out, .bytes = 0, .item_stride = 1, .item_size = 1};
    return DLFW_OK;
}

dlfw_status indexed_decode(dlfw_reader *r, uint64_t unit, const dlfw_span *have, uint32_t n_have, void *out,
                           dlfw_view *views, uint32_t view_cap, dlfw_error *err)
{
    dlfw_unit_info info = {.struct_size = sizeof info};
    const uint8_t *run = NULL;
    dlfw_status st = indexed_unit_info(r, unit, &info, err);

    if (st < 0)
        return st;
    if (view_cap < info.samples)
        return dlfw_fail(err, DLFW_E_BUFFER_TOO_SMALL, "'%.*s': %" PRIu64 " samples and room for %" PRIu32 " views",
                         (int)r->object->name_len, r->object->name, info.samples, view_cap);
    st = check_unit(r, unit, info.samples, have, n_have, err);
    if (st < 0)
        return st;
    if (r->fmt->options->no_touch)
        return decode_untouched(&info, out, views);
    if (r->record)
        run = span_find(have, n_have, r->ranges[0].offset, r->ranges[0].length);
    for (uint64_t i = 0; i < info.samples; i++) {
        struct indexed_sample s = {.offset = i * r->record, .size = r->record};
        const uint8_t *data = run ? run + s.offset : NULL;

        if (!r->record) {
            s = indexed_table_sample(r->table, info.first_sample + i);
            data = span_find(have, n_have, s.offset, s.size);
        }
        if (!data)
            return fail(r, DLFW_E_INVALID, "decode without all bytes of the unit", err);
        views[i] = (dlfw_view){.data = data, .bytes = s.size, .item_stride = 1, .item_size = 1};
    }
    return DLFW_OK;
}

dlfw_status indexed_describe(dlfw_reader *r, const dlfw_describe *out, dlfw_error *err)
{
    (void)err;
    out->begin(out->ctx, "records", "");
    out->number(out->ctx, "count", r->count);
    if (r->record) {
        out->number(out->ctx, "bytes", r->record);
    } else {
        out->number(out->ctx, "smallest", r->table->smallest);
        out->number(out->ctx, "largest", r->table->largest);
    }
    out->text(out->ctx, "order", !r->table || r->table->is_contiguous ? "one after the other" : "as the table says");
    out->text(out->ctx, "tables", r->table ? "checked" : "checked with the records, too large to be held");
    out->end(out->ctx);
    return DLFW_OK;
}
