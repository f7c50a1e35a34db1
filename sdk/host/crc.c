/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRC-32 and CRC-32C: tables and folding constants are computed at the first use from the two polynomials, so there is
 * no magic number to trust, and the best path of the CPU is chosen then. Portable path: eight tables, eight bytes at a
 * time.
 *
 * Notation: a register or message is a polynomial over GF(2), stored bit-reflected (the lowest bit of the first byte is
 * the highest power), P is the CRC's polynomial. Folding replaces a leading 16-byte part A of a message, D bits before
 * some other 16 bytes, by A * x^D mod P added to those: the remainder of the whole does not change. With A = L * x^64 +
 * H (L its first eight bytes), A * x^D = L * x^(D+64) + H * x^D. A carry-less product of two reflected 64-bit values,
 * read as a reflected 128-bit value, is the product of the polynomials times x; so the constants are x^(D+63) mod P for
 * L and x^(D-1) mod P for H, kept in the upper half of a 64-bit word (a reflected value of degree < 32).
 */
#include "host/crc.h"
#include "host/crc_kernels.h"

#include <pthread.h>
#include <stddef.h>

#define POLY_ZIP 0xedb88320u
#define POLY_CASTAGNOLI 0x82f63b78u

static uint32_t load_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t run_portable(const struct crc_poly *p, uint32_t reg, const uint8_t *data, uint64_t len)
{
    for (; len >= 8; data += 8, len -= 8) {
        uint32_t a = load_le32(data) ^ reg, b = load_le32(data + 4);

        reg = p->table[7][a & 0xff] ^ p->table[6][a >> 8 & 0xff] ^ p->table[5][a >> 16 & 0xff] ^ p->table[4][a >> 24] ^
              p->table[3][b & 0xff] ^ p->table[2][b >> 8 & 0xff] ^ p->table[1][b >> 16 & 0xff] ^ p->table[0][b >> 24];
    }
    for (; len; data++, len--)
        reg = reg >> 8 ^ p->table[0][(reg ^ *data) & 0xff];
    return reg;
}

/* v * x mod P */
static uint32_t times_x(uint32_t v, uint32_t poly)
{
    return v >> 1 ^ (v & 1 ? poly : 0);
}

static uint64_t power_of_x(uint32_t poly, unsigned power)
{
    uint32_t v = 0x80000000u; /* x^0 */

    while (power--)
        v = times_x(v, poly);
    return (uint64_t)v << 32;
}

static struct crc_fold fold_constants(uint32_t poly, unsigned bytes)
{
    unsigned bits = 8 * bytes;

    return (struct crc_fold){power_of_x(poly, bits + 63), power_of_x(poly, bits - 1)};
}

static void poly_init(struct crc_poly *p, uint32_t poly, crc_run *small)
{
    p->poly = poly;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t v = i;

        for (unsigned bit = 0; bit < 8; bit++)
            v = times_x(v, poly);
        p->table[0][i] = v;
    }
    for (unsigned k = 1; k < 8; k++)
        for (uint32_t i = 0; i < 256; i++)
            p->table[k][i] = p->table[k - 1][i] >> 8 ^ p->table[0][p->table[k - 1][i] & 0xff];
    p->by_16 = fold_constants(poly, 16);
    p->by_32 = fold_constants(poly, 32);
    p->by_48 = fold_constants(poly, 48);
    p->by_64 = fold_constants(poly, 64);
    p->by_128 = fold_constants(poly, 128);
    p->by_192 = fold_constants(poly, 192);
    p->by_256 = fold_constants(poly, 256);
    p->small = small ? small : run_portable;
}

static const struct crc_path portable = {"portable", run_portable};
static struct crc_poly zip, castagnoli;
static const struct crc_path *paths[CRC_PATHS_MAX];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init(void)
{
    unsigned n = 0;

    poly_init(&zip, POLY_ZIP, NULL);
    poly_init(&castagnoli, POLY_CASTAGNOLI, crc32c_instruction());
    crc_paths_x86(paths);
    while (paths[n])
        n++;
    paths[n] = &portable;
}

const struct crc_path *const *crc_paths(void)
{
    pthread_once(&once, init);
    return paths;
}

const struct crc_poly *crc_poly_zip(void)
{
    pthread_once(&once, init);
    return &zip;
}

const struct crc_poly *crc_poly_castagnoli(void)
{
    pthread_once(&once, init);
    return &castagnoli;
}

uint32_t crc32_update(uint32_t crc, const void *data, uint64_t len)
{
    const struct crc_path *path = crc_paths()[0];

    return ~path->run(&zip, ~crc, data, len);
}

uint32_t crc32c_update(uint32_t crc, const void *data, uint64_t len)
{
    const struct crc_path *path = crc_paths()[0];

    return ~path->run(&castagnoli, ~crc, data, len);
}

const char *crc32_path(void)
{
    return crc_paths()[0]->name;
}
