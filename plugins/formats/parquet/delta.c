/* SPDX-License-Identifier: Apache-2.0 */
/* DELTA_BINARY_PACKED: differences of neighbours, less the smallest of their block, bit-packed in miniblocks. */
#include "values.h"

#include "parquet_format.h"

#include <string.h>

#define BLOCK_MAX 65536u /* values of a block; writers use 128 */
#define MINIBLOCKS_MAX 512u

struct delta {
    const uint8_t *at, *end;
    const char *problem;
};

static uint64_t varint(struct delta *d)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 64 && d->at < d->end; shift += 7) {
        uint8_t byte = *d->at++;

        v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return v;
    }
    d->problem = "a page of differences is cut off";
    return 0;
}

static uint64_t zigzag(uint64_t v)
{
    return v >> 1 ^ (0 - (v & 1));
}

/* Value i of width bits each, at most 64. */
static uint64_t packed(const uint8_t *data, const uint8_t *end, uint32_t width, uint64_t i)
{
    const uint64_t bit = i * width;
    const uint8_t *p = data + bit / 8;
    uint64_t low = 0, high = 0;
    size_t left = (size_t)(end - p);

    memcpy(&low, p, left < 8 ? left : 8);
    low >>= bit % 8;
    if (bit % 8 + width > 64 && left > 8) {
        high = p[8];
        low |= high << (64 - bit % 8);
    }
    return width == 64 ? low : low & ((UINT64_C(1) << width) - 1);
}

static void store(uint8_t *out, uint64_t v, uint32_t width)
{
    for (uint32_t k = 0; k < width; k++, v >>= 8)
        out[k] = (uint8_t)v;
}

/* One miniblock of n values, of which count are wanted. Values wrap around as the writer's did. */
static void decode_miniblock(struct delta *d, uint32_t bits, uint64_t n, uint64_t count, uint64_t smallest,
                             uint64_t *value, uint32_t width, uint8_t *out)
{
    uint64_t bytes = n / 8 * bits;

    if (bits > 64 || bytes > (uint64_t)(d->end - d->at)) {
        d->problem = "a page of differences is cut off";
        return;
    }
    for (uint64_t i = 0; i < count; i++) {
        *value += smallest + (bits ? packed(d->at, d->at + bytes, bits, i) : 0);
        store(out + i * width, *value, width);
    }
    d->at += bytes;
}

static void decode_block(struct delta *d, uint64_t per_miniblock, uint64_t miniblocks, uint64_t count, uint64_t *value,
                         uint32_t width, uint8_t *out)
{
    uint64_t smallest = zigzag(varint(d));
    const uint8_t *widths = d->at;

    if (d->problem || miniblocks > (uint64_t)(d->end - d->at)) {
        d->problem = "a page of differences is cut off";
        return;
    }
    d->at += miniblocks;
    for (uint64_t m = 0; m < miniblocks && count && !d->problem; m++) {
        uint64_t n = per_miniblock < count ? per_miniblock : count;

        decode_miniblock(d, widths[m], per_miniblock, n, smallest, value, width, out);
        out += n * width;
        count -= n;
    }
}

dlfw_status delta_decode(const struct value_source *s, uint8_t *out, const char **ret_problem)
{
    struct delta d = {.at = s->data, .end = s->data + s->len};
    const uint32_t width = s->leaf->width;
    uint64_t block, miniblocks, total, value;

    if (s->leaf->type != PARQUET_INT32 && s->leaf->type != PARQUET_INT64) {
        *ret_problem = "its values are encoded as DELTA_BINARY_PACKED, which is only for integers";
        return DLFW_E_CORRUPT;
    }
    block = varint(&d);
    miniblocks = varint(&d);
    total = varint(&d);
    value = zigzag(varint(&d));
    if (!d.problem && (!block || block > BLOCK_MAX || !miniblocks || miniblocks > MINIBLOCKS_MAX ||
                       block % miniblocks || block / miniblocks % 32 || total < s->count))
        d.problem = "a page of differences has an impossible head";
    if (!d.problem)
        store(out, value, width);
    for (uint64_t done = 1; done < s->count && !d.problem; done += block) {
        uint64_t n = s->count - done < block ? s->count - done : block;

        decode_block(&d, block / miniblocks, miniblocks, n, &value, width, out + done * width);
    }
    *ret_problem = d.problem;
    return d.problem ? DLFW_E_CORRUPT : DLFW_OK;
}
