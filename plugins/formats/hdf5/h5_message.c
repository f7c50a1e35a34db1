/* SPDX-License-Identifier: Apache-2.0 */
#include "h5_message.h"

#include "common/little_endian.h"

#include <string.h>

enum { CLASS_INTEGER = 0, CLASS_FLOAT = 1, CLASS_STRING = 3, CLASS_ENUM = 8, CLASS_COUNT = 11 };

static const char *const classes[CLASS_COUNT] = {"integer",   "float",           "time",     "string",
                                                 "bit field", "opaque",          "compound", "reference",
                                                 "enum",      "variable length", "array"};

static dlfw_status too_short(struct h5_source *s, const struct h5_message *m, const char *what)
{
    return h5_fail(s->object, DLFW_E_CORRUPT, m->offset, s->err, "the message '%s' ends too early", what);
}

dlfw_status h5_message_dataspace(struct h5_source *s, const struct h5_message *m, struct h5_set *set)
{
    const uint8_t *p = m->data;
    uint32_t head;
    bool has_max;

    if (m->flags & H5_MSG_SHARED)
        return h5_beyond(s, "a shared data space");
    if (m->size < 4)
        return too_short(s, m, "data space");
    if (p[0] != 1 && p[0] != 2)
        return h5_fail(s->object, DLFW_E_UNSUPPORTED, m->offset, s->err, "data space of version %u", p[0]);
    head = p[0] == 1 ? 8 : 4;
    has_max = p[2] & 1;
    set->rank = p[1];
    if (set->rank > H5_RANK_MAX)
        return h5_fail(s->object, DLFW_E_CORRUPT, m->offset, s->err, "a data set of %u dimensions", p[1]);
    if (p[0] == 2 && p[3] == 2)
        return h5_fail(s->object, DLFW_E_UNSUPPORTED, m->offset, s->err, "a data set without a data space");
    if (m->size < head + set->rank * (has_max ? 16u : 8u))
        return too_short(s, m, "data space");
    for (uint32_t i = 0; i < set->rank; i++) {
        set->dims[i] = get_le64(p + head + 8 * i);
        set->max_dims[i] = has_max ? get_le64(p + head + 8 * (set->rank + i)) : set->dims[i];
        if (set->max_dims[i] < set->dims[i])
            return h5_corrupt(s, m->offset, "a data set larger than its maximum shape");
    }
    return DLFW_OK;
}

static const char *integer_type(const uint8_t *p, uint32_t size, struct h5_type *ret)
{
    static const uint8_t unsigned_types[] = {0, DLFW_DTYPE_UINT8, DLFW_DTYPE_UINT16, 0, DLFW_DTYPE_UINT32, 0, 0,
                                             0, DLFW_DTYPE_UINT64};
    static const uint8_t signed_types[] = {0, DLFW_DTYPE_INT8, DLFW_DTYPE_INT16, 0, DLFW_DTYPE_INT32, 0, 0,
                                           0, DLFW_DTYPE_INT64};

    if (size > 8 || !unsigned_types[size] || get_le16(p + 8) != 0 || get_le16(p + 10) != 8 * size)
        return "integer of an odd size";
    if ((p[1] & 1) && size > 1)
        return "big-endian integer";
    ret->dtype = p[1] & 8 ? signed_types[size] : unsigned_types[size];
    return NULL;
}

/* Where sign, exponent and mantissa of an IEEE number lie. */
static const char *float_type(const uint8_t *p, uint32_t size, struct h5_type *ret)
{
    static const struct {
        uint32_t size, dtype;
        uint8_t sign, exponent_at, exponent_bits, mantissa_bits;
        uint32_t bias;
    } known[] = {{2, DLFW_DTYPE_FLOAT16, 15, 10, 5, 10, 15},
                 {4, DLFW_DTYPE_FLOAT32, 31, 23, 8, 23, 127},
                 {8, DLFW_DTYPE_FLOAT64, 63, 52, 11, 52, 1023}};

    if (p[1] & 0x41)
        return "big-endian float";
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].size == size && p[2] == known[i].sign && get_le16(p + 8) == 0 && get_le16(p + 10) == 8 * size &&
            p[12] == known[i].exponent_at && p[13] == known[i].exponent_bits && p[14] == 0 &&
            p[15] == known[i].mantissa_bits && get_le32(p + 16) == known[i].bias) {
            ret->dtype = known[i].dtype;
            return NULL;
        }
    return "float of an odd form";
}

/* h5py's booleans: an enumeration of one byte, FALSE = 0 and TRUE = 1. */
static const char *enum_type(const uint8_t *p, uint32_t len, uint32_t size, struct h5_type *ret)
{
    static const char tight[] = "FALSE\0TRUE\0\0\1", padded[] = "FALSE\0\0\0TRUE\0\0\0\0\0\1";
    const bool is_tight = p[0] >> 4 >= 3;
    const uint32_t bytes = is_tight ? 13 : 18;

    if (size == 1 && get_le16(p + 1) == 2 && len >= 20 + bytes && (p[8] & 0xf) == CLASS_INTEGER &&
        get_le32(p + 12) == 1 && memcmp(p + 20, is_tight ? tight : padded, bytes) == 0) {
        ret->dtype = DLFW_DTYPE_BOOL;
        return NULL;
    }
    return "enum";
}

dlfw_status h5_message_datatype(struct h5_source *s, const struct h5_message *m, struct h5_set *set)
{
    const uint8_t *p = m->data;
    struct h5_type *type = &set->type;
    uint32_t class;

    if (m->flags & H5_MSG_SHARED)
        return h5_beyond(s, "a named data type");
    if (m->size < 8)
        return too_short(s, m, "data type");
    class = p[0] & 0xf;
    if (class >= CLASS_COUNT || p[0] >> 4 < 1 || p[0] >> 4 > 4)
        return h5_fail(s->object, DLFW_E_UNSUPPORTED, m->offset, s->err, "a data type of class %u, version %u", class,
                       (unsigned)(p[0] >> 4));
    type->bytes = get_le32(p + 4);
    type->refused = classes[class];
    if (!type->bytes)
        return h5_corrupt(s, m->offset, "a data type of no bytes");
    if (class == CLASS_INTEGER && m->size >= 12)
        type->refused = integer_type(p, type->bytes, type);
    else if (class == CLASS_FLOAT && m->size >= 20)
        type->refused = float_type(p, type->bytes, type);
    else if (class == CLASS_ENUM)
        type->refused = enum_type(p, m->size, type->bytes, type);
    else if (class <= CLASS_FLOAT)
        return too_short(s, m, "data type");
    return DLFW_OK;
}

dlfw_status h5_message_fill(struct h5_source *s, const struct h5_message *m, struct h5_set *set)
{
    const uint8_t *p = m->data;
    uint32_t at = 4, size;
    bool defined;

    if (m->type == H5_MSG_OLD_FILL) {
        at = 0;
        defined = true;
    } else {
        if (m->size < 2)
            return too_short(s, m, "fill value");
        if (p[0] < 1 || p[0] > 3)
            return h5_fail(s->object, DLFW_E_UNSUPPORTED, m->offset, s->err, "fill value of version %u", p[0]);
        at = p[0] == 3 ? 2 : 4;
        defined = p[0] == 3 ? p[1] & 0x20 : p[0] == 1 || (m->size > 3 && p[3]);
    }
    if (!defined || m->size < at + 4)
        return DLFW_OK;
    size = get_le32(p + at);
    if (!size || (m->flags & H5_MSG_SHARED))
        return DLFW_OK;
    if (size > m->size - at - 4)
        return too_short(s, m, "fill value");
    if (size == set->type.bytes && size <= H5_ITEM_MAX)
        memcpy(set->fill, p + at + 4, size);
    return DLFW_OK;
}

/* One filter at *at; moves *at behind it. */
static dlfw_status take_filter(struct h5_source *s, const struct h5_message *m, uint32_t *at, struct h5_filter *ret)
{
    const bool is_old = m->data[0] == 1;
    uint32_t name = 0, values, end;
    const uint8_t *p = m->data + *at;

    if (m->size - *at < 6)
        return too_short(s, m, "filters");
    ret->id = get_le16(p);
    end = *at + 2;
    if ((is_old || ret->id >= 256) && m->size - *at < 8)
        return too_short(s, m, "filters");
    if (is_old || ret->id >= 256) {
        name = get_le16(p + 2);
        name = is_old ? (name + 7) / 8 * 8 : name;
        end += 2;
    }
    values = get_le16(m->data + end + 2);
    end += 4 + name;
    if (end > m->size || values > (m->size - end) / 4)
        return too_short(s, m, "filters");
    ret->value = values ? get_le32(m->data + end) : 0;
    *at = end + 4 * (is_old ? values + values % 2 : values);
    if (*at > m->size)
        *at = m->size;
    return DLFW_OK;
}

dlfw_status h5_message_filters(struct h5_source *s, const struct h5_message *m, struct h5_set *set)
{
    const uint8_t *p = m->data;
    uint32_t at;

    if (m->flags & H5_MSG_SHARED)
        return h5_beyond(s, "shared filters");
    if (m->size < 2)
        return too_short(s, m, "filters");
    if (p[0] != 1 && p[0] != 2)
        return h5_fail(s->object, DLFW_E_UNSUPPORTED, m->offset, s->err, "filters of version %u", p[0]);
    if (p[1] > H5_FILTERS_MAX)
        return h5_corrupt(s, m->offset, "too many filters");
    at = p[0] == 1 ? 8 : 2;
    if (at > m->size)
        return too_short(s, m, "filters");
    for (uint32_t i = 0; i < p[1]; i++) {
        struct h5_filter *f = &set->filters[i];
        dlfw_status st = take_filter(s, m, &at, f);

        if (st < 0)
            return st;
        set->library_decodes |= f->id != H5_FILTER_DEFLATE && f->id != H5_FILTER_SHUFFLE &&
                                f->id != H5_FILTER_FLETCHER && f->id != H5_FILTER_LZF;
    }
    set->filter_count = p[1];
    return DLFW_OK;
}
