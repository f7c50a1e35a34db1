/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading one member of an npz file: the unit is that whole member. consume() feeds pieces as they arrive; decode()
 * feeds the whole range itself only when consume() has not seen it all, so nothing is checked twice.
 */
#include "npz_reader.h"

#include "common/npy_samples.h"
#include "common/span_set.h"
#include "zip_local.h"

#include <inttypes.h>

dlfw_status npz_reader_open(dlfw_format *fmt, dlfw_reader *r, const dlfw_object *object, dlfw_error *err)
{
    (void)err;
    r->host = fmt->host;
    r->object = object;
    r->wanted = fmt->options->member && *fmt->options->member ? fmt->options->member : NULL;
    r->samples = npy_sample_count(object->samples);
    r->next = UINT64_MAX;
    return DLFW_OK;
}

void npz_reader_close(dlfw_reader *r)
{
    byte_carry_free(&r->carry);
    inflater_destroy(r->inflater);
    r->inflater = NULL;
    npz_contents_free(r->contents);
    r->contents = NULL;
}

static dlfw_status step_metadata(dlfw_reader *r, struct zip_search *s)
{
    dlfw_status st;

    if (r->has_member || r->contents)
        return DLFW_OK;
    if (r->object->flags & DLFW_OBJECT_EXPLORE)
        return npz_contents_read(s, &r->contents);
    st = zip_find_member(s, &r->member);
    if (st != DLFW_OK)
        return st;
    if (r->member.bytes < NPY_MIN_BYTES)
        return npz_fail(r, DLFW_E_CORRUPT, r->member.local_offset, "too short to hold an array", s->err);
    r->has_member = true;
    return DLFW_OK;
}

/* When all members are units, the reader works on one of them at a time. */
static dlfw_status select_entry(dlfw_reader *r, uint64_t unit, dlfw_error *err)
{
    struct npz_entry *e = npz_contents_unit(r->contents, unit);

    if (!e)
        return dlfw_fail(err, DLFW_E_INVALID, "'%.*s': unit %" PRIu64 " of %" PRIu64 " does not exist",
                         (int)r->object->name_len, r->object->name, unit, r->contents->units);
    if (e == r->entry)
        return DLFW_OK;
    r->entry = e;
    r->member = e->member;
    r->has_member = true;
    r->is_raw = !e->is_array;
    r->stage = STAGE_LOCAL_HEADER;
    r->next = UINT64_MAX;
    return DLFW_OK;
}

static dlfw_status check_unit(dlfw_reader *r, uint64_t unit, dlfw_error *err)
{
    if (r->contents)
        return select_entry(r, unit, err);
    if (!r->has_member || unit != 0)
        return dlfw_fail(
            err, DLFW_E_INVALID, "'%.*s': unit %" PRIu64 " %s", (int)r->object->name_len, r->object->name, unit,
            r->has_member ? "does not exist: an npz file is one unit" : "was asked for before the metadata");
    return DLFW_OK;
}

dlfw_status npz_step(dlfw_reader *r, uint64_t goal, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                     uint32_t want_cap, uint32_t *n_want, dlfw_error *err)
{
    dlfw_status st;

    *n_want = 0;
    if (goal == DLFW_GOAL_METADATA) {
        struct zip_search s = {r->object, r->wanted, have, n_have, want, want_cap, n_want, err};

        return step_metadata(r, &s);
    }
    st = check_unit(r, goal, err);
    if (st < 0)
        return st;
    *n_want = span_missing(have, n_have, r->member.local_offset, r->member.end_bound, want, want_cap);
    return *n_want ? DLFW_NEED_IO : DLFW_OK;
}

uint64_t npz_unit_count(dlfw_reader *r)
{
    return r->contents ? r->contents->units : 1;
}

dlfw_status npz_unit_info(dlfw_reader *r, uint64_t unit, dlfw_unit_info *ret, dlfw_error *err)
{
    dlfw_status st = check_unit(r, unit, err);

    if (st < 0)
        return st;
    ret->flags = 0;
    ret->first_sample = r->contents ? unit : 0;
    ret->samples = r->samples;
    ret->stored_bytes = r->member.end_bound - r->member.local_offset;
    ret->out_bytes = npz_is_deflated(r) ? r->member.bytes : 0;
    return DLFW_OK;
}

/* The generated content among the bytes [begin, end) of piece. */
static void find_payload(const dlfw_reader *r, const dlfw_span *piece, uint64_t begin, uint64_t end, dlfw_payload *ret)
{
    uint64_t first, last;

    if (npz_is_deflated(r) || r->stage < STAGE_PAYLOAD || r->entry)
        return;
    first = r->data_offset + r->array.header_bytes;
    last = first + r->array.payload_bytes;
    begin = begin > first ? begin : first;
    end = end < last ? end : last;
    if (begin >= end)
        return;
    ret->data = (const uint8_t *)piece->data + (begin - piece->offset);
    ret->content_offset = begin - first;
    ret->length = end - begin;
}

dlfw_status npz_consume(dlfw_reader *r, uint64_t unit, const dlfw_span *piece, dlfw_payload *ret, dlfw_error *err)
{
    const struct zip_member *m = &r->member;
    uint64_t begin, end;
    dlfw_status st;

    st = check_unit(r, unit, err);
    if (st < 0)
        return st;
    /* a host that widened the range to its alignment, or holds the whole object, gives more than the unit */
    begin = piece->offset > m->local_offset ? piece->offset : m->local_offset;
    end = piece->offset + piece->length < m->end_bound ? piece->offset + piece->length : m->end_bound;
    if (begin >= end)
        return DLFW_OK;
    if (begin == m->local_offset) {
        st = npz_feed_restart(r, err);
        if (st < 0)
            return st;
    }
    if (begin != r->next)
        return dlfw_fail(err, DLFW_E_INVALID, "'%.*s': piece at offset %" PRIu64 " where %" PRIu64 " is the next one",
                         (int)r->object->name_len, r->object->name, begin, r->next);
    st = npz_feed(r, (const uint8_t *)piece->data + (begin - piece->offset), end - begin, err);
    if (st >= 0 && end == m->end_bound && r->stage != STAGE_DONE)
        st = npz_fail(r, DLFW_E_CORRUPT, m->local_offset, "its data reach into what follows", err);
    r->next = st < 0 ? UINT64_MAX : end;
    if (st < 0)
        return st;
    find_payload(r, piece, begin, end, ret);
    return DLFW_OK;
}

/* *ret: the array's first item inside data, which holds the whole unit. */
static dlfw_status decode_stored(dlfw_reader *r, const uint8_t *data, const uint8_t **ret, dlfw_error *err)
{
    if (r->stage != STAGE_DONE) {
        dlfw_span whole = {
            .data = data, .offset = r->member.local_offset, .length = r->member.end_bound - r->member.local_offset};
        dlfw_payload ignored = {0};
        dlfw_status st = npz_consume(r, 0, &whole, &ignored, err);

        if (st < 0)
            return st;
    }
    *ret = data + (r->data_offset - r->member.local_offset) + (r->is_raw ? 0 : r->array.header_bytes);
    return DLFW_OK;
}

static dlfw_status decode_deflated(dlfw_reader *r, const uint8_t *data, uint8_t *out, const uint8_t **ret,
                                   dlfw_error *err)
{
    const bool is_checked = r->stage == STAGE_DONE;
    const struct zip_member *m = &r->member;
    const char *problem = NULL;
    struct npy_reason reason;
    uint64_t head = 0;
    dlfw_status st;

    if (!out)
        return npz_fail(r, DLFW_E_INVALID, m->local_offset, "no memory was given to inflate it to", err);
    st = zip_local_parse(r->object, m, data, m->end_bound - m->local_offset, &head, err);
    if (st < 0)
        return st;
    r->data_offset = m->local_offset + head;
    st = inflate_whole(data + head, m->stored_bytes, out, m->bytes, &problem);
    if (st < 0)
        return npz_fail(r, st, r->data_offset, problem, err);
    if (npz_verifies(r) && !is_checked) {
        uint32_t crc = r->host->crc32(0, out, m->bytes);

        if (crc != m->crc)
            return npz_fail_crc(r, crc, err);
    }
    *ret = out;
    if (r->is_raw)
        return DLFW_OK;
    st = npy_header_parse(out, m->bytes, &r->array, &reason);
    if (st == DLFW_NEED_IO)
        return npz_fail(r, DLFW_E_CORRUPT, r->data_offset, "ends inside its array header", err);
    if (st < 0)
        return npz_fail(r, st, r->data_offset, reason.text, err);
    *ret = out + r->array.header_bytes;
    return npz_check_array(r, err);
}

dlfw_status npz_decode(dlfw_reader *r, uint64_t unit, const dlfw_span *have, uint32_t n_have, void *out,
                       dlfw_view *views, uint32_t view_cap, dlfw_error *err)
{
    const struct zip_member *m = &r->member;
    const uint8_t *data, *payload = NULL;
    dlfw_status st;

    st = check_unit(r, unit, err);
    if (st < 0)
        return st;
    if (view_cap < r->samples)
        return dlfw_fail(err, DLFW_E_BUFFER_TOO_SMALL, "'%.*s': %" PRIu64 " samples and room for %" PRIu32 " views",
                         (int)r->object->name_len, r->object->name, r->samples, view_cap);
    data = span_find(have, n_have, m->local_offset, m->end_bound - m->local_offset);
    if (!data)
        return npz_fail(r, DLFW_E_INVALID, m->local_offset, "decode without all its bytes in one span", err);
    st = npz_is_deflated(r) ? decode_deflated(r, data, out, &payload, err) : decode_stored(r, data, &payload, err);
    if (st < 0)
        return st;
    if (r->is_raw)
        views[0] = (dlfw_view){.data = payload, .bytes = m->bytes, .item_stride = 1, .item_size = 1};
    else
        npy_samples_view(&r->array, r->samples, payload, views);
    return DLFW_OK;
}

dlfw_status npz_describe(dlfw_reader *r, const dlfw_describe *out, dlfw_error *err)
{
    struct npz_entry one = {.member = r->member, .is_array = true, .has_array = r->stage >= STAGE_PAYLOAD};

    (void)err;
    if (r->contents) {
        out->number(out->ctx, "members", r->contents->total);
        if (r->contents->total > r->contents->count)
            out->number(out->ctx, "members not listed", r->contents->total - r->contents->count);
        for (uint64_t i = 0; i < r->contents->count; i++)
            npz_entry_describe(&r->contents->entries[i], out);
    } else if (r->has_member) {
        one.array = r->array;
        npz_entry_describe(&one, out);
    }
    return DLFW_OK;
}
