/* SPDX-License-Identifier: Apache-2.0 */
#include "hybrid.h"

#include <stddef.h>
#include <string.h>

#define GROUP 8u /* values that are bit-packed together */

static bool read_varint(struct hybrid *h, uint64_t *ret)
{
    *ret = 0;
    for (unsigned shift = 0; shift < 63 && h->at < h->end; shift += 7) {
        uint8_t byte = *h->at++;

        *ret |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

static bool read_packed(struct hybrid *h, uint64_t groups, uint64_t limit, struct hybrid_run *ret)
{
    uint64_t left = (uint64_t)(h->end - h->at), bytes;

    if (__builtin_mul_overflow(groups, h->width, &bytes))
        return false;
    ret->count = groups <= limit / GROUP ? groups * GROUP : limit;
    ret->bits = h->at;
    ret->bits_end = h->end;
    if (bytes > left) { /* some writers cut the padding of the last run off */
        uint64_t whole = h->width ? left * 8 / h->width : ret->count;

        bytes = left;
        ret->count = ret->count < whole ? ret->count : whole;
    }
    h->at += bytes;
    return ret->count > 0;
}

bool hybrid_next(struct hybrid *h, uint64_t limit, struct hybrid_run *ret)
{
    uint32_t bytes = (h->width + 7) / 8;
    uint64_t head;

    if (!limit || !read_varint(h, &head))
        return false;
    *ret = (struct hybrid_run){0};
    if (head & 1)
        return read_packed(h, head >> 1, limit, ret);
    if ((uint64_t)(h->end - h->at) < bytes)
        return false;
    for (uint32_t i = 0; i < bytes; i++)
        ret->value |= (uint32_t)*h->at++ << 8 * i;
    ret->count = head >> 1 < limit ? head >> 1 : limit;
    return ret->count > 0;
}

uint32_t hybrid_value(const struct hybrid_run *run, uint32_t width, uint64_t i)
{
    uint64_t bit = i * width, word = 0;
    const uint8_t *p = run->bits + bit / 8;
    size_t left = (size_t)(run->bits_end - p);

    if (left >= sizeof word)
        memcpy(&word, p, sizeof word);
    else
        memcpy(&word, p, left);
    return (uint32_t)(word >> bit % 8 & ((UINT64_C(1) << width) - 1));
}

static bool expand(const struct hybrid_run *run, uint32_t width, uint8_t max, uint8_t *out)
{
    if (!run->bits) {
        memset(out, (int)run->value, run->count);
        return run->value <= max;
    }
    for (uint64_t i = 0; i < run->count; i++) {
        uint32_t v = hybrid_value(run, width, i);

        if (v > max)
            return false;
        out[i] = (uint8_t)v;
    }
    return true;
}

bool hybrid_bytes(struct hybrid *h, uint64_t count, uint8_t max, uint8_t *out)
{
    struct hybrid_run run;

    while (count) {
        if (!hybrid_next(h, count, &run) || !expand(&run, h->width, max, out))
            return false;
        out += run.count;
        count -= run.count;
    }
    return true;
}

uint32_t hybrid_width(uint32_t max)
{
    uint32_t width = 0;

    while (width < 32 && max >> width)
        width++;
    return width;
}

static uint8_t *put_varint(uint8_t *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (uint8_t)(v | 0x80);
    *p++ = (uint8_t)v;
    return p;
}

static uint32_t varint_bytes(uint64_t v)
{
    uint32_t n = 1;

    for (; v >= 0x80; v >>= 7)
        n++;
    return n;
}

uint8_t *hybrid_put_rle(uint8_t *p, uint64_t count, uint8_t value)
{
    p = put_varint(p, count << 1);
    *p++ = value;
    return p;
}

uint32_t hybrid_rle_bytes(uint64_t count)
{
    return varint_bytes(count << 1) + 1;
}

uint8_t *hybrid_put_packed_head(uint8_t *p, uint64_t count)
{
    return put_varint(p, (count + GROUP - 1) / GROUP << 1 | 1);
}

uint32_t hybrid_packed_head_bytes(uint64_t count)
{
    return varint_bytes((count + GROUP - 1) / GROUP << 1 | 1);
}
