/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pixels through libjpeg. It calls back on errors and expects not to be returned to, so each job lives in one struct
 * and leaves through one longjmp. A warning that means lost pixels is an error here.
 */
#ifndef DLFW_JPEG_PIXELS_H
#define DLFW_JPEG_PIXELS_H

#include "dlfw/format.h"

#define JPEG_PROBLEM_BYTES 200u
#define JPEG_CMYK_COMPONENTS 4u

struct jpeg_image {
    uint32_t rows;
    uint32_t columns;
    uint32_t components; /* in the file: 1 gives gray, 3 and 4 give RGB */
};

static inline uint32_t jpeg_channels(uint32_t components)
{
    return components == 1 ? 1 : 3;
}

/* Why libjpeg gave up; its own words. */
struct jpeg_problem {
    char text[JPEG_PROBLEM_BYTES];
    uint64_t offset; /* in the file, about; decoding only */
};

/* The file data[0 .. len) into out, rows * columns * jpeg_channels bytes. DLFW_E_CORRUPT also when the file is of
 * another shape. */
dlfw_status jpeg_decode_pixels(const uint8_t *data, uint64_t len, const struct jpeg_image *image, uint8_t *out,
                               struct jpeg_problem *problem);

/* The next compressed bytes. */
typedef dlfw_status jpeg_put(void *ctx, const void *data, uint64_t len, dlfw_error *err);

struct jpeg_noise {
    const dlfw_host *host;
    uint64_t seed;
    uint64_t object;
    uint32_t rows;
    uint32_t columns;
    int quality;
};

/* A gray image whose pixels are the content stream. */
dlfw_status jpeg_encode_noise(const struct jpeg_noise *noise, jpeg_put *put, void *ctx, dlfw_error *err);

#endif
