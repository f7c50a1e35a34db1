/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pixels through libspng: gray images give one channel of 8 bits, all others three. Alpha is dropped; of 16 bits the
 * upper eight are kept.
 */
#include "png_reader.h"

#include <spng.h>

#define CHUNK_LIMIT ((size_t)64 << 20) /* of what libspng keeps of other chunks, inflated */

uint32_t png_channels(const struct png_facts *f)
{
    return f->color == PNG_GRAY || f->color == PNG_GRAY_ALPHA ? 1 : 3;
}

/* libspng gives these only as RGB. */
static bool is_gray_by_rgb(const struct png_facts *f)
{
    return f->color == PNG_GRAY_ALPHA || (f->color == PNG_GRAY && f->depth == 16);
}

uint64_t png_out_bytes(const struct png_facts *f)
{
    return (uint64_t)f->rows * f->columns * (is_gray_by_rgb(f) ? 3 : png_channels(f));
}

static dlfw_status status_of(int code)
{
    switch (code) {
    case SPNG_EMEM:
        return DLFW_E_NO_MEMORY;
    case SPNG_ECHUNK_LIMITS:
    case SPNG_EFMT:
    case SPNG_EUSER_WIDTH:
    case SPNG_EUSER_HEIGHT:
        return DLFW_E_UNSUPPORTED;
    default:
        return DLFW_E_CORRUPT;
    }
}

static int decode(spng_ctx *c, const uint8_t *data, uint64_t len, const struct png_facts *f, uint8_t *out)
{
    const int format = f->color == PNG_GRAY && f->depth < 16 ? SPNG_FMT_G8 : SPNG_FMT_RGB8;
    struct spng_ihdr head;
    int code;

    code = spng_set_image_limits(c, f->columns, f->rows);
    if (!code)
        code = spng_set_chunk_limits(c, CHUNK_LIMIT, CHUNK_LIMIT);
    if (!code)
        code = spng_set_crc_action(c, SPNG_CRC_USE, SPNG_CRC_USE); /* the chunks were checked, or nobody wants it */
    if (!code)
        code = spng_set_png_buffer(c, data, len);
    if (!code)
        code = spng_get_ihdr(c, &head);
    if (!code && (head.width != f->columns || head.height != f->rows || head.color_type != f->color ||
                  head.bit_depth != f->depth))
        code = SPNG_EWIDTH;
    if (!code)
        code = spng_decode_image(c, out, png_out_bytes(f), format, 0);
    return code;
}

dlfw_status png_decode_pixels(const uint8_t *data, uint64_t len, const struct png_facts *f, uint8_t *out,
                              const char **problem)
{
    spng_ctx *c = spng_ctx_new(0);
    int code = c ? decode(c, data, len, f, out) : SPNG_EMEM;

    spng_ctx_free(c);
    if (code) {
        *problem = spng_strerror(code);
        return status_of(code);
    }
    if (is_gray_by_rgb(f))
        for (uint64_t i = 0, n = (uint64_t)f->rows * f->columns; i < n; i++)
            out[i] = out[3 * i];
    return DLFW_OK;
}
