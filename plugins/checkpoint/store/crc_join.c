/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appending n bytes multiplies the polynomial of what came before by x^(8n) modulo the generator; then the CRC of the n
 * bytes is added. Polynomials are kept bit-reversed, as the CRC is: the highest bit is x^0.
 */
#include "crc_join.h"

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

uint32_t crc32c_join(uint32_t first, uint32_t second, uint64_t second_bytes)
{
    uint32_t square = X8, power = ONE;

    for (uint64_t n = second_bytes; n; n >>= 1) {
        if (n & 1)
            power = multiply(power, square);
        square = multiply(square, square);
    }
    return multiply(power, first) ^ second;
}
