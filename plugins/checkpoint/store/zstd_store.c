/* SPDX-License-Identifier: Apache-2.0 */
#include "zstd_store.h"

#include <string.h>

#define FRAME_HEADER_BYTES 9u /* magic, descriptor, content size */
#define BLOCK_HEADER_BYTES 3u
#define BLOCK_BYTES ((uint64_t)128 << 10) /* the most a block may hold */

/* One segment, content size in four bytes, no dictionary, no checksum. */
#define DESCRIPTOR 0xa0u

static uint64_t block_count(uint64_t len)
{
    return len ? (len + BLOCK_BYTES - 1) / BLOCK_BYTES : 1;
}

uint64_t zstd_store_bound(uint64_t len)
{
    return FRAME_HEADER_BYTES + block_count(len) * BLOCK_HEADER_BYTES + len;
}

static uint8_t *put_le(uint8_t *to, uint32_t value, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++)
        *to++ = (uint8_t)(value >> 8 * i);
    return to;
}

uint64_t zstd_store(const void *data, uint64_t len, void *out)
{
    const uint8_t *from = data;
    uint8_t *to = out;
    uint64_t left = len;

    to = put_le(to, 0xfd2fb528u, 4);
    *to++ = DESCRIPTOR;
    to = put_le(to, (uint32_t)len, 4);
    do {
        uint64_t n = left < BLOCK_BYTES ? left : BLOCK_BYTES;

        left -= n;
        to = put_le(to, (uint32_t)n << 3 | (left == 0), BLOCK_HEADER_BYTES); /* type 0, raw; bit 0: last */
        if (n)
            memcpy(to, from, n);
        to += n;
        from += n;
    } while (left);
    return (uint64_t)(to - (uint8_t *)out);
}
