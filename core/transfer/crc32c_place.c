/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CRC of "AB" is that of A, multiplied by x^(8 * length of B), plus that of B, all modulo the generator. Applied to
 * every piece, the CRC of the whole is a sum whose terms do not depend on each other. Polynomials are kept
 * bit-reversed, as the CRC is: the highest bit is x^0.
 */
#include "transfer/crc32c_place.h"

#define GENERATOR 0x82f63b78u
#define ONE 0x80000000u
#define X8 0x00800000u

static uint32_t multiply(uint32_t a, uint32_t b)
{
    uint32_t product = 0;

    for (uint32_t bit = ONE; bit; bit >>= 1) {
        if (a & bit)
            product ^= b;
        b = b & 1 ? b >> 1 ^ GENERATOR : b >> 1;
    }
    return product;
}

uint32_t crc32c_in_place(uint32_t crc, uint64_t behind)
{
    uint32_t square = X8;

    for (; behind; behind >>= 1) {
        if (behind & 1)
            crc = multiply(crc, square);
        square = multiply(square, square);
    }
    return crc;
}
