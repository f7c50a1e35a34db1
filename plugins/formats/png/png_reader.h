/* SPDX-License-Identifier: Apache-2.0 */
/* The state of one open PNG file. The unit is the whole file; its shape is known from the metadata on. */
#ifndef DLFW_PNG_READER_H
#define DLFW_PNG_READER_H

#include "png.h"

#include "png_chunk.h"
#include "png_plan.h"

/* What a generated file must hold. */
struct png_expected {
    struct png_maker *maker;
    uint64_t file_bytes;
    const uint8_t *part; /* what is left of the current one */
    uint64_t part_len;
};

struct dlfw_reader {
    struct dlfw_format *fmt;
    const dlfw_object *object;
    bool has_shape;
    bool is_checked; /* consume() has seen the whole file */
    uint64_t next;   /* offset of the next byte that consume() expects */
    struct png_facts shape;
    struct png_parser parser;
    struct png_expected *expected; /* with DLFW_OBJECT_VERIFY_CONTENT */
};

dlfw_status png_fail(const dlfw_reader *r, dlfw_status status, uint64_t offset, const char *what, dlfw_error *err);

/* png_verify.c: the bytes of piece, which follow those of the call before, against what was generated; needs the shape.
 */
dlfw_status png_verify(dlfw_reader *r, const dlfw_span *piece, dlfw_error *err);
void png_verify_free(dlfw_reader *r);

/* png_pixels.c: channels of the decoded image; bytes of memory that decoding needs for it. */
uint32_t png_channels(const struct png_facts *f);
uint64_t png_out_bytes(const struct png_facts *f);
/* The file data[0 .. len), whose chunks were checked, into out. DLFW_E_CORRUPT also when it is of another shape;
 * *problem are libspng's words. */
dlfw_status png_decode_pixels(const uint8_t *data, uint64_t len, const struct png_facts *f, uint8_t *out,
                              const char **problem);

#endif
