/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The RLE / bit-packing hybrid: levels, dictionary indices and RLE booleans. Read as a series of runs, so that a run of
 * a million equal levels costs one step.
 */
#ifndef DLFW_PARQUET_HYBRID_H
#define DLFW_PARQUET_HYBRID_H

#include <stdbool.h>
#include <stdint.h>

struct hybrid {
    const uint8_t *at, *end;
    uint32_t width; /* bits of a value, 0 .. 32 */
};

struct hybrid_run {
    uint64_t count;          /* of values, 1 or more */
    uint32_t value;          /* of all of them, when bits is NULL */
    const uint8_t *bits;     /* packed values, lowest bit first; at least count * width bits */
    const uint8_t *bits_end; /* of what may be read */
};

/* The next run, cut to at most limit values; false: the bytes end or are no run. Repeated until limit values are there.
 */
bool hybrid_next(struct hybrid *h, uint64_t limit, struct hybrid_run *ret);
/* Value i of a bit-packed run. */
uint32_t hybrid_value(const struct hybrid_run *run, uint32_t width, uint64_t i);
/* Expands count values of at most 8 bits to bytes; false when there are not so many, or one is above max. */
bool hybrid_bytes(struct hybrid *h, uint64_t count, uint8_t max, uint8_t *out);
/* Bits that hold a value of 0 .. max. */
uint32_t hybrid_width(uint32_t max);

/* Writing. Each returns the byte behind what it wrote; the length functions say how many there will be. */
uint8_t *hybrid_put_rle(uint8_t *p, uint64_t count, uint8_t value);
uint32_t hybrid_rle_bytes(uint64_t count);
uint8_t *hybrid_put_packed_head(uint8_t *p, uint64_t count); /* values follow, padded to a multiple of 8 */
uint32_t hybrid_packed_head_bytes(uint64_t count);

#endif
