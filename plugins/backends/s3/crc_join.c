/* SPDX-License-Identifier: Apache-2.0 */
/* The checksum of an object out of those of its parts, so that what was uploaded in parts can be compared as a whole.
 */
#include "crc_join.h"

#define POLYNOMIAL 0x82f63b78u /* Castagnoli, reflected: bit 31 is x^0 */

/* a * b modulo the polynomial. */
static uint32_t multiply(uint32_t a, uint32_t b)
{
    uint32_t product = 0;

    for (uint32_t bit = 0x80000000u; bit; bit >>= 1) {
        if (a & bit)
            product ^= b;
        b = b & 1 ? b >> 1 ^ POLYNOMIAL : b >> 1;
    }
    return product;
}

uint32_t s3_crc32c_join(uint32_t a, uint32_t b, uint64_t b_len)
{
    uint32_t power = 0x00800000u; /* x^8: one byte */
    uint32_t shift = 0x80000000u; /* x^0 */

    for (; b_len; b_len >>= 1) {
        if (b_len & 1)
            shift = multiply(shift, power);
        power = multiply(power, power);
    }
    return multiply(shift, a) ^ b;
}
