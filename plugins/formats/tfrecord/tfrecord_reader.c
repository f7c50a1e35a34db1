/* SPDX-License-Identifier: Apache-2.0 */
/* Reading runs of records: consume() checks them as they come and notes where the samples lie, while the bytes are hot;
 * decode() only points there. */
#include "tfrecord_reader.h"

#include "common/span_set.h"

#include <inttypes.h>
#include <stdlib.h>

dlfw_status tfrecord_reader_open(dlfw_format *fmt, dlfw_reader *r, const dlfw_object *object, dlfw_error *err)
{
    (void)err;
    r->fmt = fmt;
    r->host = fmt->host;
    r->object = object;
    r->unit = UINT64_MAX;
    r->mould.data_len = UINT64_MAX;
    r->verify = object->flags & DLFW_OBJECT_VERIFY;
    r->explore = object->flags & DLFW_OBJECT_EXPLORE;
    r->verify_content = (object->flags & DLFW_OBJECT_VERIFY_CONTENT) && DLFW_HAS(object, content_object);
    r->unit_samples = DLFW_HAS(object, unit_samples) ? object->unit_samples : 0;
    return DLFW_OK;
}

void tfrecord_reader_close(dlfw_reader *r)
{
    if (r->table_is_cached)
        object_cache_release(r->fmt->tables, r->table);
    else
        record_table_free((void *)(uintptr_t)r->table);
    record_table_free(r->building);
    content_block_free(&r->content);
    free(r->places);
    free(r->facts.first);
}

dlfw_status tfrecord_step(dlfw_reader *r, uint64_t goal, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                          uint32_t want_cap, uint32_t *n_want, dlfw_error *err)
{
    struct unit_extent e;
    dlfw_status st;

    *n_want = 0;
    if (goal == DLFW_GOAL_METADATA)
        return layout_find(r, have, n_have, want, want_cap, n_want, err);
    st = layout_unit(r, goal, &e, err);
    if (st < 0)
        return st;
    *n_want = span_missing(have, n_have, e.begin, e.end, want, want_cap);
    return *n_want ? DLFW_NEED_IO : DLFW_OK;
}

uint64_t tfrecord_unit_count(dlfw_reader *r)
{
    return layout_unit_count(r);
}

dlfw_status tfrecord_unit_info(dlfw_reader *r, uint64_t unit, dlfw_unit_info *ret, dlfw_error *err)
{
    struct unit_extent e;
    dlfw_status st = layout_unit(r, unit, &e, err);

    if (st < 0)
        return st;
    ret->flags = 0;
    ret->first_sample = e.first;
    ret->samples = e.count;
    ret->stored_bytes = e.end - e.begin;
    ret->out_bytes = 0;
    return DLFW_OK;
}

/* Room for the places of the unit's samples. What the run file says of their number is held against the bytes. */
static dlfw_status make_places(dlfw_reader *r, const struct unit_extent *e, dlfw_error *err)
{
    const uint64_t most = (e->end - e->begin) / FRAME_BYTES, need = e->count < most ? e->count : most;

    r->place_count = 0;
    if (need <= r->place_cap)
        return DLFW_OK;
    free(r->places);
    r->places = malloc(need * sizeof *r->places);
    r->place_cap = r->places ? need : 0;
    if (!r->places)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "'%.*s': out of memory for the places of %" PRIu64 " samples",
                         (int)r->object->name_len, r->object->name, need);
    return DLFW_OK;
}

/* Back to the first byte of the unit. */
static dlfw_status begin_unit(dlfw_reader *r, uint64_t unit, const struct unit_extent *e, dlfw_error *err)
{
    dlfw_status st;

    r->unit = unit;
    r->unit_end = e->end;
    record_walk_begin(r, e->first, e->begin);
    r->facts.payload = r->facts.largest = 0;
    st = make_places(r, e, err);
    if (st < 0)
        return st;
    return r->where == WHERE_STREAM && !r->table ? layout_build(r, err) : DLFW_OK;
}

/* The next bytes of the unit; after its last one everything about it has been checked. */
static dlfw_status feed_unit(dlfw_reader *r, const uint8_t *data, uint64_t len, uint64_t *compared, dlfw_error *err)
{
    dlfw_status st = record_walk_take(r, data, len, compared, err);

    if (st >= 0 && r->walk.next == r->unit_end && r->building)
        st = layout_built(r, !r->explore && r->object->size > UNIT_BYTES, err);
    if (st < 0)
        r->unit = UINT64_MAX;
    return st;
}

dlfw_status tfrecord_consume(dlfw_reader *r, uint64_t unit, const dlfw_span *piece, dlfw_payload *ret, dlfw_error *err)
{
    const uint64_t end = piece->offset + piece->length;
    struct unit_extent e;
    uint64_t from = piece->offset, to;
    dlfw_status st = layout_unit(r, unit, &e, err);

    if (st < 0 || !piece->length)
        return st;
    to = end < e.end ? end : e.end;
    if (from <= e.begin && end > e.begin) { /* the first one; the whole object where the host holds it */
        from = e.begin;
        st = begin_unit(r, unit, &e, err);
        if (st < 0)
            return st;
    }
    if (r->unit != unit || from != r->walk.next || from >= to)
        return dlfw_fail(err, DLFW_E_INVALID,
                         "'%.*s': piece at offset %" PRIu64 " is not the next one of unit %" PRIu64,
                         (int)r->object->name_len, r->object->name, piece->offset, unit);
    return feed_unit(r, (const uint8_t *)piece->data + (from - piece->offset), to - from, &ret->length, err);
}

static dlfw_status check_decode(dlfw_reader *r, uint64_t unit, const struct unit_extent *e, const uint8_t *data,
                                uint32_t view_cap, dlfw_error *err)
{
    uint64_t compared = 0;
    dlfw_status st;

    if (view_cap < e->count)
        return dlfw_fail(err, DLFW_E_BUFFER_TOO_SMALL, "'%.*s': %" PRIu64 " samples and room for %" PRIu32 " views",
                         (int)r->object->name_len, r->object->name, e->count, view_cap);
    if (!data)
        return dlfw_fail(err, DLFW_E_INVALID, "'%.*s': decode without all bytes of unit %" PRIu64 " in one span",
                         (int)r->object->name_len, r->object->name, unit);
    if (r->unit == unit && r->walk.next == e->end)
        return DLFW_OK; /* consume() has seen it all */
    st = begin_unit(r, unit, e, err);
    return st < 0 ? st : feed_unit(r, data, e->end - e->begin, &compared, err);
}

dlfw_status tfrecord_decode(dlfw_reader *r, uint64_t unit, const dlfw_span *have, uint32_t n_have, void *out,
                            dlfw_view *views, uint32_t view_cap, dlfw_error *err)
{
    struct unit_extent e;
    const uint8_t *data;
    dlfw_status st = layout_unit(r, unit, &e, err);

    (void)out;
    if (st < 0)
        return st;
    data = span_find(have, n_have, e.begin, e.end - e.begin);
    st = check_decode(r, unit, &e, data, view_cap, err);
    for (uint64_t i = 0; i < e.count && st >= 0; i++) {
        uint64_t at = r->places[i].at, len = r->places[i].len & ~PLACE_OF_DATA, skip = 0;

        if (r->places[i].len & PLACE_OF_DATA)
            st = record_sample(r, e.first + i, at - FRAME_HEADER, data + (at - e.begin), len, &skip, &len, err);
        views[i] = (dlfw_view){.data = data + (at - e.begin) + skip, .bytes = len, .item_stride = 1, .item_size = 1};
    }
    return st;
}
