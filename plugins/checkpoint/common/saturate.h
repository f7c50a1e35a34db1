/* SPDX-License-Identifier: Apache-2.0 */
/* Sums and products of sizes from a configuration: what does not fit becomes UINT64_MAX, which every limit refuses. */
#ifndef DLFW_CHECKPOINT_SATURATE_H
#define DLFW_CHECKPOINT_SATURATE_H

#include <stdint.h>

static inline uint64_t sat_add(uint64_t a, uint64_t b)
{
    uint64_t r;

    return __builtin_add_overflow(a, b, &r) ? UINT64_MAX : r;
}

static inline uint64_t sat_mul(uint64_t a, uint64_t b)
{
    uint64_t r;

    return __builtin_mul_overflow(a, b, &r) ? UINT64_MAX : r;
}

#endif
