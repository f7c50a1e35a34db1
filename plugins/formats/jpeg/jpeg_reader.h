/* SPDX-License-Identifier: Apache-2.0 */
/* The state of one open JPEG file. The unit is the whole file; its shape is known from the metadata on. */
#ifndef DLFW_JPEG_READER_H
#define DLFW_JPEG_READER_H

#include "jpeg.h"

#include "jpeg_marker.h"
#include "jpeg_pixels.h"
#include "jpeg_plan.h"

/* What a generated file must hold. */
struct jpeg_expected {
    struct jpeg_content content;
    struct jpeg_plan plan; /* size: exact */
    uint8_t *bytes;        /* size: natural; made again as a whole */
    uint64_t len;
    uint64_t cap;
};

struct dlfw_reader {
    struct dlfw_format *fmt;
    const dlfw_object *object;
    bool has_shape;
    bool is_checked; /* consume() has seen the whole file */
    uint64_t next;   /* offset of the next byte that consume() expects */
    struct jpeg_image shape;
    struct jpeg_parser parser;
    struct jpeg_expected *expected; /* with DLFW_OBJECT_VERIFY_CONTENT */
};

dlfw_status jpeg_fail(const dlfw_reader *r, dlfw_status status, uint64_t offset, const char *what, dlfw_error *err);

/* jpeg_verify.c: the bytes of piece against what was generated; needs the shape. */
dlfw_status jpeg_verify(dlfw_reader *r, const dlfw_span *piece, dlfw_error *err);
void jpeg_verify_free(dlfw_reader *r);

#endif
