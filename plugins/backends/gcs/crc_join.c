/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CRC is a remainder of polynomials over GF(2): what comes before n bytes counts x^(8n) times. Remainders are held
 * with their bits reversed, as the CRC is.
 */
#include "crc_join.h"

#define POLYNOMIAL 0x82f63b78u
#define X_TO_0 0x80000000u
#define X_TO_8 0x00800000u

/* a * b modulo the polynomial. */
static uint32_t times(uint32_t a, uint32_t b)
{
    uint32_t sum = 0;

    for (; a; a <<= 1) {
        if (a & X_TO_0)
            sum ^= b;
        b = b & 1 ? b >> 1 ^ POLYNOMIAL : b >> 1;
    }
    return sum;
}

uint32_t gcs_crc32c_join(uint32_t first, uint32_t second, uint64_t second_bytes)
{
    uint32_t shift = X_TO_8;

    for (; second_bytes; second_bytes >>= 1) {
        if (second_bytes & 1)
            first = times(shift, first);
        shift = times(shift, shift);
    }
    return first ^ second;
}
