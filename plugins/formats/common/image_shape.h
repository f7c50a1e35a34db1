/* SPDX-License-Identifier: Apache-2.0 */
/* The picture that an encode spec asks for: one sample, 8 bits, gray, rows by columns. */
#ifndef DLFW_FORMATS_IMAGE_SHAPE_H
#define DLFW_FORMATS_IMAGE_SHAPE_H

#include "dlfw/format.h"

struct image_shape {
    uint64_t rows;
    uint64_t columns;
    uint64_t bytes; /* rows * columns; no overflow */
};

/* format: "jpeg", for messages. max_side: of rows and columns, at most INT32_MAX. */
dlfw_status image_shape(const dlfw_encode_spec *spec, const char *format, uint64_t max_side, struct image_shape *ret,
                        dlfw_error *err);

#endif
