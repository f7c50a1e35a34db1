/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes of the parts of a PNG file. */
#ifndef DLFW_PNG_PARTS_H
#define DLFW_PNG_PARTS_H

#include <stdint.h>

#define PNG_SIGNATURE_BYTES 8u
#define PNG_CHUNK_FRAME 12u /* length, type, CRC */
#define PNG_IHDR_DATA 13u
#define PNG_HEAD_BYTES (PNG_SIGNATURE_BYTES + PNG_CHUNK_FRAME + PNG_IHDR_DATA)
#define PNG_END_BYTES PNG_CHUNK_FRAME
#define PNG_ZLIB_HEAD_BYTES 2u
#define PNG_ZLIB_CHECK_BYTES 4u
#define PNG_BLOCK_HEAD_BYTES 5u
#define PNG_BLOCK_BYTES 65535u /* of a stored deflate block */

static inline uint32_t png_get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void png_put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

extern const uint8_t png_signature[PNG_SIGNATURE_BYTES];

/* Bits of a deflate block of fixed codes that holds zeros bytes of zero (at least one), and what it is made of. */
uint64_t png_black_bits(uint64_t zeros, uint64_t *ret_runs, uint64_t *ret_singles);

#endif
