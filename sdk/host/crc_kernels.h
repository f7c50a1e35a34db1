/* SPDX-License-Identifier: Apache-2.0 */
/* Private to crc*.c and their tests: the constants of a polynomial and the functions that use them. */
#ifndef DLFW_SDK_HOST_CRC_KERNELS_H
#define DLFW_SDK_HOST_CRC_KERNELS_H

#include <stdint.h>

struct crc_poly;
/* Moves the raw register (no inversion at either end) over len bytes. */
typedef uint32_t crc_run(const struct crc_poly *p, uint32_t reg, const uint8_t *data, uint64_t len);

/* Multipliers that carry a 128-bit accumulator over a distance: low for its first eight bytes, high for the others. */
struct crc_fold {
    uint64_t low, high;
};

struct crc_poly {
    uint32_t poly; /* bit-reflected */
    uint32_t table[8][256];
    struct crc_fold by_16, by_32, by_48, by_64, by_128, by_192, by_256; /* distance in bytes */
    crc_run *small;                       /* for short pieces and what folding leaves */
};

struct crc_path {
    const char *name;
    crc_run *run;
};

/* Best first, portable last, NULL at the end; only what this CPU has. */
enum { CRC_PATHS_MAX = 5 };
void crc_paths_x86(const struct crc_path *ret[CRC_PATHS_MAX]);
crc_run *crc32c_instruction(void); /* NULL when the CPU has none */
/* All paths of this CPU, and both polynomials, ready for use. */
const struct crc_path *const *crc_paths(void);
const struct crc_poly *crc_poly_zip(void);
const struct crc_poly *crc_poly_castagnoli(void);

#endif
