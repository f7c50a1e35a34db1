/* SPDX-License-Identifier: Apache-2.0 */
/* Private to content*.c: the state of one block of the content stream and the functions that advance it. */
#ifndef DLFW_SDK_HOST_CONTENT_KERNELS_H
#define DLFW_SDK_HOST_CONTENT_KERNELS_H

#include <stdint.h>

enum {
    CONTENT_STEP_BYTES = 128,
    CONTENT_BLOCK_BYTES = 64 * 1024 /* seeded on its own */
};

/* docs/content.md's names. Words 0..3 are half 0, words 4..7 half 1; a half also is one 256-bit number. */
struct content_state {
    _Alignas(64) uint64_t a[8];
    _Alignas(64) uint64_t b[8];
    _Alignas(64) uint64_t c[4];
};

/* What is added to c in each step. */
#define CONTENT_INCREMENTS 7, 5, 3, 1

struct content_kernel {
    const char *name;
    void (*emit)(struct content_state *state, uint8_t *out, uint64_t steps); /* steps * 128 bytes, any alignment */
    void (*skip)(struct content_state *state, uint64_t steps);
};

/* NULL when this CPU lacks it. */
const struct content_kernel *content_kernel_avx2(void);
const struct content_kernel *content_kernel_avx512(void);

#endif
