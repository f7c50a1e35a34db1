/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See csv_parse.h. Integers of up to 15 digits are found and converted eight bytes at a time: the only dependence from
 * one value to the next is where the digits end. Everything unusual (signs of unsigned types, spaces, carriage returns,
 * longer numbers, mistakes) takes the way through csv_number_read, one field at a time.
 */
#include "csv_parse.h"

#include <stdio.h>
#include <string.h>

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define SHOWN 24u /* bytes of a wrong value in a message */

static dlfw_status fault_at(const struct csv_parse *p, uint64_t offset, const char *what, struct csv_fault *fault)
{
    fault->status = DLFW_E_CORRUPT;
    fault->line = p->rows + 1;
    fault->column = offset - p->row_begin + 1;
    fault->offset = offset;
    snprintf(fault->text, sizeof fault->text, "%s", what);
    return fault->status;
}

static dlfw_status wrong_value(const struct csv_parse *p, uint64_t offset, const uint8_t *field, uint64_t len,
                               const char *what, struct csv_fault *fault)
{
    char shown[SHOWN + 4], text[160];
    uint64_t n = len < SHOWN ? len : SHOWN;

    for (uint64_t i = 0; i < n; i++)
        shown[i] = field[i] >= 0x20 && field[i] < 0x7f ? (char)field[i] : '?';
    memcpy(shown + n, len > SHOWN ? "..." : "", len > SHOWN ? 4 : 1);
    snprintf(text, sizeof text, "'%s' is %s (%s)", shown, what, csv_type_name(p->dtype));
    return fault_at(p, offset, text, fault);
}

static dlfw_status make_room(struct csv_parse *p, uint64_t offset, struct csv_fault *fault)
{
    dlfw_status st;

    if (!p->flush)
        return fault_at(p, offset, "more values than the file can hold by its size", fault);
    st = p->flush(p->ctx, p, fault);
    p->items += p->filled;
    p->filled = 0;
    return st;
}

static dlfw_status end_row(struct csv_parse *p, uint64_t next, struct csv_fault *fault)
{
    if (!p->rows)
        p->columns = p->in_row;
    if (p->in_row != p->columns) {
        char text[96];

        snprintf(text, sizeof text, "a row of %llu values where the first has %llu", (unsigned long long)p->in_row,
                 (unsigned long long)p->columns);
        return fault_at(p, next - 1, text, fault);
    }
    p->rows++;
    p->in_row = 0;
    p->row_begin = next;
    return DLFW_OK;
}

/* One complete field of any kind; sep is what ends it. */
static dlfw_status take_field(struct csv_parse *p, const uint8_t *field, uint64_t len, uint8_t sep, uint64_t offset,
                              struct csv_fault *fault)
{
    const uint32_t bytes = csv_item_bytes(p->dtype);
    const uint64_t next = offset + len + 1;
    const char *what;
    dlfw_status st;

    if (p->filled == p->out_cap) {
        st = make_room(p, offset, fault);
        if (st < 0)
            return st;
    }
    if (sep == '\n' && len && field[len - 1] == '\r')
        len--;
    if (sep == '\n' && !len && !p->in_row)
        return fault_at(p, offset, "an empty line", fault);
    what = csv_number_read(p->dtype, field, len, p->out + p->filled * bytes);
    if (what)
        return wrong_value(p, offset, field, len, what, fault);
    if (p->places)
        p->places[p->filled] = (struct csv_place){.offset = offset, .column = offset - p->row_begin + 1};
    p->filled++;
    p->in_row++;
    return sep == '\n' ? end_row(p, next, fault) : DLFW_OK;
}

/* The highest bit of each byte that is no digit. Bytes behind one that is neither digit, comma nor newline may be
 * wrong. */
static ALWAYS_INLINE uint64_t no_digits(uint64_t bytes)
{
    const uint64_t x = bytes ^ UINT64_C(0x3030303030303030); /* digits become 0..9 */

    return (x | (x + UINT64_C(0x7676767676767676))) & UINT64_C(0x8080808080808080);
}

/* How many of the eight bytes, from the first on, are digits. */
static ALWAYS_INLINE uint32_t digit_count(uint64_t bytes)
{
    const uint64_t no_digit = no_digits(bytes);

    return no_digit ? (uint32_t)__builtin_ctzll(no_digit) / 8 : 8;
}

/* The number of the first n digits, n in 1..8. */
static ALWAYS_INLINE uint64_t digits_value(uint64_t bytes, uint32_t n)
{
    uint64_t x = (bytes ^ UINT64_C(0x3030303030303030)) << (64 - 8 * n); /* leading zeros in front */

    x = x * 10 + (x >> 8); /* pairs in every other byte */
    return ((x & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
            (x >> 16 & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001)) >>
           32;
}

struct int_type {
    uint64_t max;
    uint32_t bytes;
    bool is_signed;
};

static const uint64_t tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};

/*
 * An unsigned number of up to 15 digits at q, 16 bytes of which may be read; the length of its digits, 0: it is none,
 * or longer.
 */
static ALWAYS_INLINE uint32_t short_number(const uint8_t *q, uint64_t *ret)
{
    uint64_t bytes;
    uint32_t n, more;

    memcpy(&bytes, q, sizeof bytes);
    n = digit_count(bytes);
    if (__builtin_expect(n < 8, 1)) {
        *ret = n ? digits_value(bytes, n) : 0;
        return n;
    }
    *ret = digits_value(bytes, 8);
    memcpy(&bytes, q + 8, sizeof bytes);
    more = digit_count(bytes);
    if (more == 8)
        return 0;
    if (more)
        *ret = *ret * tens[more] + digits_value(bytes, more);
    return 8 + more;
}

/* The number of the last three of eight bytes, which are digits minus '0'. */
static ALWAYS_INLINE uint32_t three_digits(uint64_t x)
{
    return (uint32_t)(x >> 56) + 10 * (uint32_t)(x >> 48 & 0xff) + 100 * (uint32_t)(x >> 40 & 0xff);
}

/* Two values of uint8, each with its comma, from eight bytes at q: "12,255,1". Their length, 0: something else. */
static ALWAYS_INLINE uint32_t byte_pair(const uint8_t *q, uint8_t *out)
{
    uint64_t bytes, x, marks, second;
    uint32_t a, b, i, k;

    memcpy(&bytes, q, sizeof bytes);
    marks = no_digits(bytes);
    second = marks & (marks - 1);
    if (!second)
        return 0;
    i = (uint32_t)__builtin_ctzll(marks) / 8;
    k = (uint32_t)__builtin_ctzll(second) / 8;
    if (i - 1 > 2 || k - i - 2 > 2 || q[i] != ',' || q[k] != ',') /* one to three digits each */
        return 0;
    x = bytes ^ UINT64_C(0x3030303030303030);
    a = three_digits(x << (64 - 8 * i));
    b = three_digits(x >> (8 * i + 8) << (64 - 8 * (k - i - 1)));
    if ((a | b) > UINT8_MAX)
        return 0;
    out[0] = (uint8_t)a;
    out[1] = (uint8_t)b;
    return k + 1;
}

/*
 * The usual fields from q on, at least 17 bytes before end; stops at one that is not, at the end of a row and when out
 * is full. What it takes is noted in p; *ret_is_row: it stopped behind a newline.
 */
static ALWAYS_INLINE const uint8_t *take_usual(struct csv_parse *p, const uint8_t *q, uint64_t offset,
                                               const uint8_t *end, struct int_type type, bool *ret_is_row)
{
    uint8_t *const begin = p->out + p->filled * type.bytes, *const full = p->out + p->out_cap * type.bytes;
    const uint8_t *const text = q;
    struct csv_place *place = p->places ? p->places + p->filled : NULL;
    uint8_t *out = begin, sep = 0;

    while (end - q >= 17 && out < full && sep != '\n') {
        uint64_t value = 0;
        uint32_t n, sign;

        if (type.max == UINT8_MAX && !place && full - out >= 2) {
            n = byte_pair(q, out);
            q += n;
            out += n ? 2 : 0;
            if (n)
                continue;
        }
        sign = type.is_signed && *q == '-';
        n = short_number(q + sign, &value);
        sep = q[sign + n];
        if (__builtin_expect(!n || value > type.max + sign || (sep != ',' && sep != '\n'), 0))
            break;
        value = sign ? 0 - value : value;
        memcpy(out, &value, type.bytes);
        if (place) {
            const uint64_t at = offset + (uint64_t)(q - text);

            *place++ = (struct csv_place){.offset = at, .column = at - p->row_begin + 1};
        }
        out += type.bytes;
        q += sign + n + 1;
    }
    *ret_is_row = q > text && q[-1] == '\n';
    p->filled += (uint64_t)(out - begin) / type.bytes;
    p->in_row += (uint64_t)(out - begin) / type.bytes;
    return q;
}

/* Fields of integers from text to stop, which is behind a separator; end: how far may be read. */
static ALWAYS_INLINE dlfw_status take_integers(struct csv_parse *p, const uint8_t *text, const uint8_t *stop,
                                               const uint8_t *end, struct int_type type, struct csv_fault *fault)
{
    const uint64_t base = p->offset;
    const uint8_t *q = text;

    while (q < stop) {
        dlfw_status st = DLFW_OK;
        bool is_row = false;

        q = take_usual(p, q, base + (uint64_t)(q - text), end, type, &is_row);
        if (is_row) {
            st = end_row(p, base + (uint64_t)(q - text), fault);
        } else if (q < stop) {
            const uint8_t *begin = q;

            while (*q != ',' && *q != '\n')
                q++;
            st = take_field(p, begin, (uint64_t)(q - begin), *q, base + (uint64_t)(begin - text), fault);
            q++;
        }
        if (st < 0)
            return st;
    }
    return DLFW_OK;
}

static dlfw_status take_others(struct csv_parse *p, const uint8_t *text, const uint8_t *stop, struct csv_fault *fault)
{
    const uint8_t *q = text;

    while (q < stop) {
        const uint8_t *begin = q;
        dlfw_status st;

        while (*q != ',' && *q != '\n')
            q++;
        st = take_field(p, begin, (uint64_t)(q - begin), *q, p->offset + (uint64_t)(begin - text), fault);
        if (st < 0)
            return st;
        q++;
    }
    return DLFW_OK;
}

static dlfw_status take_fields(struct csv_parse *p, const uint8_t *text, const uint8_t *stop, const uint8_t *end,
                               struct csv_fault *fault)
{
    switch (p->dtype) {
    case DLFW_DTYPE_UINT8:
        return take_integers(p, text, stop, end, (struct int_type){UINT8_MAX, 1, false}, fault);
    case DLFW_DTYPE_INT8:
        return take_integers(p, text, stop, end, (struct int_type){INT8_MAX, 1, true}, fault);
    case DLFW_DTYPE_UINT16:
        return take_integers(p, text, stop, end, (struct int_type){UINT16_MAX, 2, false}, fault);
    case DLFW_DTYPE_INT16:
        return take_integers(p, text, stop, end, (struct int_type){INT16_MAX, 2, true}, fault);
    case DLFW_DTYPE_UINT32:
        return take_integers(p, text, stop, end, (struct int_type){UINT32_MAX, 4, false}, fault);
    case DLFW_DTYPE_INT32:
        return take_integers(p, text, stop, end, (struct int_type){INT32_MAX, 4, true}, fault);
    case DLFW_DTYPE_UINT64:
        return take_integers(p, text, stop, end, (struct int_type){UINT64_MAX, 8, false}, fault);
    case DLFW_DTYPE_INT64:
        return take_integers(p, text, stop, end, (struct int_type){INT64_MAX, 8, true}, fault);
    default:
        return take_others(p, text, stop, fault);
    }
}

static dlfw_status too_long(const struct csv_parse *p, struct csv_fault *fault)
{
    return wrong_value(p, p->offset - p->carry_len, p->carry, p->carry_len, "longer than any number", fault);
}

/* Completes the value that the piece before cut; *ret_used bytes of the piece belong to it. */
static dlfw_status finish_carry(struct csv_parse *p, const uint8_t *text, uint64_t len, uint64_t *ret_used,
                                struct csv_fault *fault)
{
    const uint64_t begin = p->offset - p->carry_len;
    uint64_t n = 0;
    dlfw_status st;

    while (n < len && text[n] != ',' && text[n] != '\n') {
        if (p->carry_len >= CSV_FIELD_MAX)
            return too_long(p, fault);
        p->carry[p->carry_len++] = text[n++];
        p->offset++;
    }
    *ret_used = n;
    if (n == len)
        return DLFW_OK;
    st = take_field(p, p->carry, p->carry_len, text[n], begin, fault);
    p->carry_len = 0;
    p->offset++;
    *ret_used = n + 1;
    return st;
}

dlfw_status csv_parse_feed(struct csv_parse *p, const uint8_t *text, uint64_t len, struct csv_fault *fault)
{
    const uint8_t *end = text + len, *stop = end;
    dlfw_status st;

    if (p->carry_len) {
        uint64_t used = 0;

        st = finish_carry(p, text, len, &used, fault);
        if (st < 0)
            return st;
        text += used;
    }
    while (stop > text && stop[-1] != ',' && stop[-1] != '\n')
        stop--;
    st = take_fields(p, text, stop, end, fault);
    if (st < 0)
        return st;
    p->offset += (uint64_t)(stop - text);
    for (; stop < end; stop++) {
        if (p->carry_len >= CSV_FIELD_MAX)
            return too_long(p, fault);
        p->carry[p->carry_len++] = *stop;
        p->offset++;
    }
    return DLFW_OK;
}

dlfw_status csv_parse_end(struct csv_parse *p, struct csv_fault *fault)
{
    dlfw_status st = DLFW_OK;

    if (p->carry_len || p->in_row) {
        if (!p->may_end_open)
            return fault_at(p, p->offset,
                            "the last line has no end: truncated, or whole; then set csv.last_newline: optional",
                            fault);
        st = take_field(p, p->carry, p->carry_len, '\n', p->offset - p->carry_len, fault);
        p->carry_len = 0;
    } else if (!p->rows) {
        st = fault_at(p, 0, "no values: it is empty", fault);
    }
    if (st >= 0 && p->flush && p->filled)
        st = make_room(p, p->offset, fault);
    return st;
}
