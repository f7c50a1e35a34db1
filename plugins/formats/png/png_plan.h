/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generated PNG files: gray, 8 bits, pixels are the content stream, unfiltered in stored deflate blocks, one per chunk,
 * so the size of a file is known beforehand. Of exact size (rows * columns), the last rows are black and compressed,
 * and a private chunk fills what is left.
 */
#ifndef DLFW_PNG_PLAN_H
#define DLFW_PNG_PLAN_H

#include "dlfw/format.h"

struct png_plan {
    uint64_t rows, columns;
    uint64_t noise_bytes; /* of the image stream (a filter byte before each row) that hold content */
    uint64_t black_bytes; /* that follow them */
    uint64_t blocks;      /* stored ones, of the noise */
    uint64_t black_data;  /* bytes of the chunk data of the black rows, 0: none */
    uint64_t fill_bytes;  /* of the private chunk, framing included; 0: none */
    uint64_t file_bytes;
};

/* rows and columns from 1 to PNG_MAX_SIDE. exact: where it is possible, else as if it were not set. */
void png_plan_make(uint64_t rows, uint64_t columns, int exact, struct png_plan *ret);

/* The file front to back, a part at a time. */
struct png_maker;

struct png_content {
    const dlfw_host *host;
    uint64_t seed;
    uint64_t object;
};

/* NULL: out of memory. */
struct png_maker *png_maker_create(const struct png_plan *plan, const struct png_content *content);
void png_maker_destroy(struct png_maker *m); /* NULL is fine */
void png_maker_restart(struct png_maker *m);
/* The next part, valid until the next call; NULL behind the last one. */
const uint8_t *png_maker_next(struct png_maker *m, uint64_t *ret_len);

#endif
