/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appending n zero bytes multiplies a CRC by x^8n modulo the polynomial, which takes as many steps as n has bits; the
 * second piece's CRC is then added. Bits are reflected: the highest one is x^0.
 */
#include "io/crc_join.h"

#define POLYNOMIAL 0x82f63b78u
#define ONE 0x80000000u

static uint32_t multiply(uint32_t a, uint32_t b)
{
    uint32_t product = 0;

    for (uint32_t bit = ONE; bit; bit >>= 1) {
        if (a & bit)
            product ^= b;
        b = b & 1 ? b >> 1 ^ POLYNOMIAL : b >> 1;
    }
    return product;
}

uint32_t crc32c_join(uint32_t first, uint32_t second, uint64_t second_bytes)
{
    uint32_t power = ONE >> 8, factor = ONE; /* x^8 */

    for (; second_bytes; second_bytes >>= 1) {
        if (second_bytes & 1)
            factor = multiply(factor, power);
        power = multiply(power, power);
    }
    return multiply(first, factor) ^ second;
}
