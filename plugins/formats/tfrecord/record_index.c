/* SPDX-License-Identifier: Apache-2.0 */
#include "record_index.h"

#include "common/little_endian.h"
#include "record_frame.h"

#include <inttypes.h>
#include <stdio.h>

#define ENTRY_BYTES 16u /* of the binary index */
#define LINE_CAP 42u    /* two numbers of 20 digits, a blank, a newline */

static uint8_t *put_decimal(uint8_t *p, uint64_t value)
{
    uint8_t digits[20];
    uint32_t n = 0;

    do {
        digits[n++] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (value);
    while (n)
        *p++ = digits[--n];
    return p;
}

dlfw_status index_out_flush(struct index_out *o, dlfw_error *err)
{
    uint32_t len = o->len;

    o->len = 0;
    return len ? o->sink->write(o->sink->ctx, o->text, len, err) : DLFW_OK;
}

dlfw_status index_out_add(struct index_out *o, uint64_t offset, uint64_t framed, dlfw_error *err)
{
    uint8_t *p;

    if (o->len > INDEX_OUT_BYTES - LINE_CAP) {
        dlfw_status st = index_out_flush(o, err);

        if (st < 0)
            return st;
    }
    p = o->text + o->len;
    if (o->binary) {
        p = put_le64(put_le64(p, offset), framed);
    } else {
        p = put_decimal(p, offset);
        *p++ = ' ';
        p = put_decimal(p, framed);
        *p++ = '\n';
    }
    o->len = (uint32_t)(p - o->text);
    return DLFW_OK;
}

uint64_t index_max_bytes(uint64_t object_size)
{
    return (object_size / FRAME_BYTES + 1) * LINE_CAP;
}

static dlfw_status wrong(struct index_reason *reason, uint64_t record, const char *what)
{
    snprintf(reason->text, sizeof reason->text, "its entry %" PRIu64 " %s", record, what);
    return DLFW_E_CORRUPT;
}

/* Decimal digits up to a byte that is none. */
static bool take_number(const uint8_t **p, const uint8_t *end, uint64_t *ret)
{
    const uint8_t *first = *p;
    uint64_t value = 0;

    for (; *p < end && **p >= '0' && **p <= '9'; ++*p) {
        uint64_t digit = **p - (uint64_t)'0';

        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *ret = value;
    return *p > first;
}

static bool take_line(const uint8_t **p, const uint8_t *end, uint64_t *offset, uint64_t *framed)
{
    if (!take_number(p, end, offset) || *p == end || *(*p)++ != ' ' || !take_number(p, end, framed))
        return false;
    if (*p < end && **p == '\r')
        ++*p;
    return *p == end || *(*p)++ == '\n';
}

dlfw_status index_parse(const uint8_t *data, uint64_t len, bool binary, uint64_t object_size, struct record_table *ret,
                        struct index_reason *reason)
{
    const uint8_t *p = data, *end = data + len;
    uint64_t next = 0;

    while (p < end) {
        uint64_t offset = 0, framed = 0;

        if (binary && (uint64_t)(end - p) >= ENTRY_BYTES) {
            offset = get_le64(p);
            framed = get_le64(p + 8);
            p += ENTRY_BYTES;
        } else if (binary || !take_line(&p, end, &offset, &framed)) {
            return wrong(reason, ret->count, binary ? "is cut off" : "is not a line 'offset length'");
        }
        if (offset != next)
            return wrong(reason, ret->count, "does not begin where the record before it ends");
        if (framed < FRAME_BYTES || framed > object_size - next)
            return wrong(reason, ret->count, "has a length that cannot be");
        next += framed;
        if (record_table_add(ret, next) < 0) {
            snprintf(reason->text, sizeof reason->text, "out of memory for its entries");
            return DLFW_E_NO_MEMORY;
        }
    }
    if (next != object_size) {
        snprintf(reason->text, sizeof reason->text,
                 "its records end at byte %" PRIu64 ", the file has %" PRIu64 " bytes", next, object_size);
        return DLFW_E_CORRUPT;
    }
    return DLFW_OK;
}
