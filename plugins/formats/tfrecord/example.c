/* SPDX-License-Identifier: Apache-2.0 */
/* Every position is checked against the end of the message around it before it is moved there, so that a length from
 * the data can neither leave its message nor stop the walk from going forward. */
#include "example.h"

#include <string.h>

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

#define VARINT_MAX 10u

/* A field: its payload is [pos, pos + len) for WIRE_BYTES and the fixed ones, value for WIRE_VARINT. */
struct field {
    uint32_t number;
    uint32_t wire;
    uint64_t value;
    uint64_t len; /* 0 for WIRE_VARINT: pos is already behind it */
};

static enum example_status bad(struct example_walk *w, const char *reason)
{
    w->reason = reason;
    return EXAMPLE_BAD;
}

static enum example_status take_varint(struct example_walk *w, uint64_t end, uint64_t *ret)
{
    uint64_t value = 0;

    for (uint32_t i = 0; i < VARINT_MAX; i++) {
        uint8_t byte;

        if (w->pos >= end)
            return bad(w, "a number is cut off by the end of its message");
        if (w->pos >= w->avail)
            return EXAMPLE_SHORT;
        byte = w->data[w->pos++];
        value |= (uint64_t)(byte & 0x7f) << 7 * i;
        if (byte < 0x80) {
            *ret = value;
            return EXAMPLE_OK;
        }
    }
    return bad(w, "a number is longer than 10 bytes");
}

/* Tag and length of the field at pos; leaves pos at its payload. */
static enum example_status take_field(struct example_walk *w, uint64_t end, struct field *ret)
{
    uint64_t tag = 0;
    enum example_status st = take_varint(w, end, &tag);

    if (st != EXAMPLE_OK)
        return st;
    ret->number = tag >> 3 <= UINT32_MAX ? (uint32_t)(tag >> 3) : 0;
    ret->wire = (uint32_t)(tag & 7);
    ret->value = 0;
    ret->len = 0;
    if (!ret->number)
        return bad(w, "a field has no valid number");
    switch (ret->wire) {
    case WIRE_VARINT:
        return take_varint(w, end, &ret->value);
    case WIRE_FIXED64:
        ret->len = 8;
        break;
    case WIRE_FIXED32:
        ret->len = 4;
        break;
    case WIRE_BYTES:
        st = take_varint(w, end, &ret->len);
        if (st != EXAMPLE_OK)
            return st;
        break;
    default:
        return bad(w, "a field has a wire type that is not used");
    }
    return ret->len <= end - w->pos ? EXAMPLE_OK : bad(w, "a field is longer than its message");
}

void example_begin(struct example_walk *w, const uint8_t *data, uint64_t avail, uint64_t total)
{
    *w = (struct example_walk){.data = data, .avail = avail, .total = total, .reason = ""};
}

/* One map entry of len bytes at pos; leaves pos behind it. */
static enum example_status take_entry(struct example_walk *w, uint64_t len, struct example_entry *ret)
{
    const uint64_t end = w->pos + len;

    *ret = (struct example_entry){.name = "", .value = end, .value_end = end};
    while (w->pos < end) {
        struct field f;
        enum example_status st = take_field(w, end, &f);

        if (st != EXAMPLE_OK)
            return st;
        if (f.number == 1 && f.wire == WIRE_BYTES) {
            if (w->pos + f.len > w->avail)
                return EXAMPLE_SHORT;
            ret->name = (const char *)w->data + w->pos;
            ret->name_len = f.len;
        } else if (f.number == 2 && f.wire == WIRE_BYTES) {
            ret->value = w->pos;
            ret->value_end = w->pos + f.len;
        }
        w->pos += f.len;
    }
    return EXAMPLE_OK;
}

enum example_status example_next(struct example_walk *w, struct example_entry *ret)
{
    for (;;) {
        uint64_t end = w->features_end ? w->features_end : w->total;
        struct field f;
        enum example_status st;

        if (w->pos == end) {
            if (!w->features_end || end == w->total)
                return EXAMPLE_END;
            w->features_end = 0;
            continue;
        }
        st = take_field(w, end, &f);
        if (st != EXAMPLE_OK)
            return st;
        if (f.number != 1 || f.wire != WIRE_BYTES)
            w->pos += f.len;
        else if (w->features_end)
            return take_entry(w, f.len, ret);
        else if (f.len)
            w->features_end = w->pos + f.len;
    }
}

/* How many numbers a packed list of int64 holds: each ends in a byte without the top bit. */
static enum example_status count_varints(const struct example_walk *w, uint64_t at, uint64_t len, uint64_t *ret)
{
    if (at + len > w->avail)
        return EXAMPLE_SHORT;
    for (uint64_t i = 0; i < len; i++)
        *ret += w->data[at + i] < 0x80;
    return EXAMPLE_OK;
}

/* One list of a Feature, len bytes at pos; its values are added. only_first: stop at the first bytes value. */
static enum example_status take_list(struct example_walk *w, uint64_t len, bool only_first, struct example_values *ret)
{
    const uint64_t end = w->pos + len;

    while (w->pos < end) {
        struct field f;
        enum example_status st = take_field(w, end, &f);

        if (st != EXAMPLE_OK)
            return st;
        if (f.number != 1) {
            w->pos += f.len;
            continue;
        }
        if (ret->kind == FEATURE_BYTES && f.wire == WIRE_BYTES) {
            if (!ret->count++) {
                ret->first = w->pos;
                ret->first_len = f.len;
            }
            if (only_first)
                return EXAMPLE_OK;
        } else if (ret->kind == FEATURE_FLOAT && (f.wire == WIRE_FIXED32 || f.wire == WIRE_BYTES)) {
            ret->count += f.len / 4;
        } else if (ret->kind == FEATURE_INT64 && f.wire == WIRE_BYTES) {
            st = count_varints(w, w->pos, f.len, &ret->count);
        } else if (ret->kind == FEATURE_INT64 && f.wire == WIRE_VARINT) {
            ret->count++;
        } else {
            return bad(w, "a list holds a value of another kind");
        }
        if (st != EXAMPLE_OK)
            return st;
        w->pos += f.len;
    }
    return EXAMPLE_OK;
}

static enum example_status take_values(struct example_walk *w, const struct example_entry *entry, bool only_first,
                                       struct example_values *ret)
{
    *ret = (struct example_values){0};
    w->pos = entry->value;
    while (w->pos < entry->value_end) {
        struct field f;
        enum example_status st = take_field(w, entry->value_end, &f);

        if (st != EXAMPLE_OK)
            return st;
        if (f.wire != WIRE_BYTES || f.number > FEATURE_INT64) {
            w->pos += f.len;
            continue;
        }
        /* the kinds exclude each other: the last one counts, the same one again adds to it */
        if (ret->kind != f.number)
            *ret = (struct example_values){.kind = f.number};
        st = take_list(w, f.len, only_first, ret);
        if (st != EXAMPLE_OK || (only_first && ret->count))
            return st;
    }
    return EXAMPLE_OK;
}

enum example_status example_values(struct example_walk *w, const struct example_entry *entry,
                                   struct example_values *ret)
{
    struct example_walk at = *w;
    enum example_status st = take_values(&at, entry, false, ret);

    if (st == EXAMPLE_BAD) {
        w->pos = at.pos;
        w->reason = at.reason;
    }
    return st;
}

enum example_status example_first_bytes(struct example_walk *w, const struct example_entry *entry, uint64_t *ret_at,
                                        uint64_t *ret_len)
{
    struct example_walk at = *w;
    struct example_values values;
    enum example_status st = take_values(&at, entry, true, &values);

    if (st == EXAMPLE_BAD) {
        w->pos = at.pos;
        w->reason = at.reason;
    }
    if (st != EXAMPLE_OK)
        return st;
    if (values.kind != FEATURE_BYTES || !values.count)
        return bad(w, "the feature holds no bytes");
    *ret_at = values.first;
    *ret_len = values.first_len;
    return EXAMPLE_OK;
}

bool example_is_named(const struct example_entry *entry, const char *name, uint64_t name_len)
{
    return entry->name_len == name_len && memcmp(entry->name, name, name_len) == 0;
}
