/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the records lie. In this order: what is known of the object already; equal lengths, which need no byte of it;
 * an index; a scan of the headers.
 */
#include "tfrecord_reader.h"

#include "common/span_set.h"
#include "record_index.h"

#include <inttypes.h>

static dlfw_status fail(const dlfw_reader *r, dlfw_status status, const char *what, dlfw_error *err)
{
    return dlfw_fail(err, status, "'%.*s': %s", (int)r->object->name_len, r->object->name, what);
}

/* Units of about UNIT_BYTES unless the host has been told another number. A host that keeps all samples of the object
 * together takes them in any units. */
static void choose_unit(dlfw_reader *r)
{
    uint64_t average = r->records ? r->object->size / r->records : 0;

    r->unit_records = r->unit_samples;
    if (r->unit_samples && (r->unit_samples < r->object->samples || !r->object->samples))
        return;
    r->unit_records = average ? UNIT_BYTES / average : 1;
    if (!r->unit_records)
        r->unit_records = 1;
}

static dlfw_status too_few(const dlfw_reader *r, uint64_t records, dlfw_error *err)
{
    return dlfw_fail(err, DLFW_E_CORRUPT,
                     "'%.*s' ends after record %" PRIu64 " (at offset %" PRIu64 "); the run file says that it holds "
                     "%" PRIu32 " (dataset.num_samples_per_file)",
                     (int)r->object->name_len, r->object->name, records, r->object->size, r->object->samples);
}

/* The object's table becomes known; records beyond those of the run file are not used. */
static dlfw_status use_table(dlfw_reader *r, const struct record_table *table, bool cached, dlfw_error *err)
{
    r->table = table;
    r->table_is_cached = cached;
    if (!r->explore && table->count < r->object->samples)
        return too_few(r, table->count, err);
    if (r->where == WHERE_STREAM)
        return DLFW_OK; /* its one unit stays what it is */
    r->where = WHERE_TABLE;
    r->records = table->count;
    choose_unit(r);
    return DLFW_OK;
}

dlfw_status layout_build(dlfw_reader *r, dlfw_error *err)
{
    record_table_free(r->building);
    r->building = record_table_create();
    return r->building ? DLFW_OK : fail(r, DLFW_E_NO_MEMORY, "out of memory for the table of records", err);
}

dlfw_status layout_built(dlfw_reader *r, bool cached, dlfw_error *err)
{
    struct record_table *t = r->building;
    const struct record_table *known = t;

    r->building = NULL;
    if (cached)
        known = object_cache_put(r->fmt->tables, r->object->name, r->object->name_len, r->object->size, t,
                                 record_table_bytes(t), record_table_free);
    if (!known)
        return fail(r, DLFW_E_NO_MEMORY, "out of memory for the table of records", err);
    return use_table(r, known, cached, err);
}

bool layout_may_stream(const dlfw_reader *r)
{
    return r->explore || (r->object->samples && (!r->unit_samples || r->unit_samples >= r->object->samples));
}

void layout_stream(dlfw_reader *r)
{
    r->where = WHERE_STREAM;
    r->records = 0;
    r->unit_records = 0;
}

static dlfw_status use_uniform(dlfw_reader *r, dlfw_error *err)
{
    const uint64_t size = r->object->size, samples = r->object->samples;

    if (!samples)
        return fail(r, DLFW_E_UNSUPPORTED,
                    "tfrecord.layout: uniform needs to know how many records the file holds; set it to scan", err);
    if (size % samples || size / samples < FRAME_BYTES)
        return dlfw_fail(err, DLFW_E_CORRUPT,
                         "'%.*s': %" PRIu64 " bytes are not %" PRIu64
                         " records of equal length; set tfrecord.layout: scan or indexed",
                         (int)r->object->name_len, r->object->name, size, samples);
    r->where = WHERE_UNIFORM;
    r->records = samples;
    r->framed_bytes = size / samples;
    choose_unit(r);
    return DLFW_OK;
}

static bool may_be_uniform(const dlfw_reader *r)
{
    const uint64_t size = r->object->size, samples = r->object->samples;

    return samples && size % samples == 0 && size / samples >= FRAME_BYTES;
}

/* All of a small object is wanted together: its bytes tell all, also when lengths only seem equal. One record needs
 * not even that. */
static bool is_one_unit(const dlfw_reader *r)
{
    return layout_may_stream(r) && r->object->samples > 1 && r->object->size <= UNIT_BYTES;
}

/* UINT64_MAX: there is none. */
static uint64_t index_bytes(const dlfw_reader *r, uint32_t side)
{
    if (!DLFW_HAS(r->object, side_count) || side >= r->object->side_count || !r->object->side_sizes)
        return UINT64_MAX;
    return r->object->side_sizes[side];
}

static dlfw_status parse_index(dlfw_reader *r, uint32_t side, const uint8_t *data, uint64_t len, dlfw_error *err)
{
    struct index_reason reason;
    dlfw_status st = layout_build(r, err);

    if (st < 0)
        return st;
    st = index_parse(data, len, r->fmt->side_is_binary[side], r->object->size, r->building, &reason);
    if (st < 0)
        return dlfw_fail(err, st, "'%.*s': its index ('%s') does not fit: %s; `dlfw index` writes a new one",
                         (int)r->object->name_len, r->object->name, r->fmt->side_rows[side].suffix, reason.text);
    r->table_is_index = true;
    return layout_built(r, true, err);
}

static dlfw_status read_index(dlfw_reader *r, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                              uint32_t *n_want, dlfw_error *err)
{
    const uint32_t side = tfrecord_index_side(r->fmt);
    const uint64_t size = index_bytes(r, side), offset = DLFW_SIDE_OFFSET(side);
    const uint8_t *data;

    if (size == UINT64_MAX)
        return dlfw_fail(err, DLFW_E_NOT_FOUND,
                         "'%.*s' has no index ('%s'); `dlfw index` writes one, or set tfrecord.layout: scan",
                         (int)r->object->name_len, r->object->name, r->fmt->side_rows[side].suffix);
    if (size > index_max_bytes(r->object->size))
        return dlfw_fail(err, DLFW_E_CORRUPT,
                         "'%.*s': its index ('%s') has %" PRIu64 " bytes, more than any index of that file; `dlfw "
                         "index` writes a new one",
                         (int)r->object->name_len, r->object->name, r->fmt->side_rows[side].suffix, size);
    data = size ? span_find(have, n_have, offset, size) : (const uint8_t *)"";
    if (!data) {
        want[0] = (dlfw_range){.offset = offset, .length = size};
        *n_want = 1;
        return DLFW_NEED_IO;
    }
    return parse_index(r, side, data, size, err);
}

static bool find_cached(dlfw_reader *r, dlfw_status *ret, dlfw_error *err)
{
    const struct record_table *t =
        object_cache_get(r->fmt->tables, r->object->name, r->object->name_len, r->object->size);

    if (!t)
        return false;
    r->table_is_index = r->fmt->options->layout == LAYOUT_INDEXED;
    *ret = use_table(r, t, true, err);
    return true;
}

dlfw_status layout_find(dlfw_reader *r, const dlfw_span *have, uint32_t n_have, dlfw_range *want, uint32_t want_cap,
                        uint32_t *n_want, dlfw_error *err)
{
    const uint32_t layout = r->fmt->options->layout;
    const bool in_hand = span_find(have, n_have, 0, r->object->size) != NULL;
    dlfw_status st = DLFW_OK;

    if (r->where != WHERE_UNKNOWN)
        return DLFW_OK;
    if (r->explore) {
        layout_stream(r);
        return DLFW_OK;
    }
    if (!r->object->size && layout != LAYOUT_INDEXED)
        return layout_build(r, err) < 0 ? DLFW_E_NO_MEMORY : layout_built(r, false, err);
    if (!in_hand && layout != LAYOUT_UNIFORM && layout != LAYOUT_INDEXED && is_one_unit(r)) {
        layout_stream(r);
        return DLFW_OK;
    }
    if (layout == LAYOUT_UNIFORM || (layout == LAYOUT_AUTO && !in_hand && may_be_uniform(r)))
        return use_uniform(r, err);
    if (!in_hand && !r->building && find_cached(r, &st, err))
        return st;
    if (layout == LAYOUT_INDEXED)
        return read_index(r, have, n_have, want, n_want, err);
    return scan_step(r, have, n_have, want, want_cap, n_want, err);
}

uint64_t layout_unit_count(const dlfw_reader *r)
{
    if (r->where == WHERE_STREAM)
        return r->object->size ? 1 : 0;
    return r->records ? (r->records - 1) / r->unit_records + 1 : 0;
}

uint64_t layout_framed(const dlfw_reader *r, uint64_t record)
{
    if (r->where == WHERE_UNIFORM)
        return r->framed_bytes;
    if (r->where == WHERE_TABLE)
        return r->table->ends[record] - record_table_start(r->table, record);
    return 0;
}

static uint64_t start_of(const dlfw_reader *r, uint64_t record)
{
    return r->where == WHERE_UNIFORM ? record * r->framed_bytes : record_table_start(r->table, record);
}

dlfw_status layout_unit(const dlfw_reader *r, uint64_t unit, struct unit_extent *ret, dlfw_error *err)
{
    uint64_t left;

    if (r->where == WHERE_UNKNOWN || unit >= layout_unit_count(r))
        return dlfw_fail(err, DLFW_E_INVALID, "'%.*s': unit %" PRIu64 " %s", (int)r->object->name_len, r->object->name,
                         unit, r->where == WHERE_UNKNOWN ? "was asked for before the metadata" : "does not exist");
    if (r->where == WHERE_STREAM) {
        *ret = (struct unit_extent){.count = r->explore ? 0 : r->object->samples, .end = r->object->size};
        return DLFW_OK;
    }
    ret->first = unit * r->unit_records;
    left = r->records - ret->first;
    ret->count = left < r->unit_records ? left : r->unit_records;
    ret->begin = start_of(r, ret->first);
    ret->end = start_of(r, ret->first + ret->count);
    return DLFW_OK;
}
