/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generated JPEG files of an exact size (size: exact). The file is not compressed from pixels: its coefficients are the
 * content stream. The Huffman tables are chosen so that every coefficient takes exactly one byte, code and extra bits
 * together, of which none is 0xff. So the size of a file is known from its dimensions, it is made at memory speed, any
 * of its bytes can be computed alone (which is how it is verified), and it costs a decoder the work of a real picture
 * of that many bytes.
 */
#ifndef DLFW_JPEG_PLAN_H
#define DLFW_JPEG_PLAN_H

#include "dlfw/format.h"

#define JPEG_HEADER_BYTES 170u /* start of image to start of scan */
#define JPEG_TRAILER_BYTES 2u  /* end of image */

struct jpeg_plan {
    uint64_t blocks;      /* of 8 x 8 pixels, in row order */
    uint64_t block_bytes; /* of a coded block; 2 .. 64 */
    uint64_t longer;      /* so many blocks, the first ones, have one byte more */
    uint64_t file_bytes;  /* rows * columns, or more when that is too little for any image of that size */
    uint8_t header[JPEG_HEADER_BYTES];
};

/* rows and columns from 1 to JPEG_MAX_SIDE */
void jpeg_plan_make(uint64_t rows, uint64_t columns, struct jpeg_plan *ret);

/* Which content stream. */
struct jpeg_content {
    const dlfw_host *host;
    uint64_t seed;
    uint64_t object;
};

/* The bytes [offset, offset + len) of the file; they lie inside it. */
void jpeg_plan_bytes(const struct jpeg_plan *plan, const struct jpeg_content *content, uint64_t offset, uint8_t *buf,
                     uint64_t len);

#endif
