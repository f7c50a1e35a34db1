/* SPDX-License-Identifier: Apache-2.0 */
#include "jpeg_pixels.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#define SCAN_LIMIT 500          /* no camera or program writes more; each costs the work of a whole image */
#define MEMORY_BASE (16l << 20) /* what libjpeg may use besides the coefficients of a progressive image */
#define COEFFICIENT_BYTES 24u   /* per pixel, at most: 4 components of 2 bytes, padded to whole MCUs */
#define SMALLEST_SIDE 64u       /* padding of tiny images counts more */

struct decoding {
    struct jpeg_decompress_struct c;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    struct jpeg_problem *problem;
    const uint8_t *data;
    dlfw_status status;
    uint8_t *row; /* of CMYK */
};

static dlfw_status status_of(int code)
{
    switch (code) {
    case JERR_OUT_OF_MEMORY:
        return DLFW_E_NO_MEMORY;
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_NO_BACKING_STORE:
    case JERR_SOF_UNSUPPORTED:
    case JERR_IMAGE_TOO_BIG:
        return DLFW_E_UNSUPPORTED;
    default:
        return DLFW_E_CORRUPT;
    }
}

static void leave(struct decoding *d, dlfw_status status)
{
    d->status = status;
    if (d->c.src)
        d->problem->offset = (uint64_t)(d->c.src->next_input_byte - d->data);
    longjmp(d->escape, 1);
}

static void on_error(j_common_ptr c)
{
    struct decoding *d = c->client_data;
    char text[JMSG_LENGTH_MAX];

    c->err->format_message(c, text);
    snprintf(d->problem->text, sizeof d->problem->text, "%s", text);
    leave(d, status_of(c->err->msg_code));
}

/* Warnings about metadata, and about bits that are left over when all pixels are there, cost no pixel. */
static void on_message(j_common_ptr c, int level)
{
    if (level >= 0)
        return;
    switch (c->err->msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_BOGUS_ICC:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
        return;
    default:
        on_error(c);
    }
}

static void on_output(j_common_ptr c)
{
    (void)c;
}

static void on_progress(j_common_ptr c)
{
    struct decoding *d = c->client_data;

    if (d->c.input_scan_number <= SCAN_LIMIT)
        return;
    snprintf(d->problem->text, sizeof d->problem->text, "more than %d scans", SCAN_LIMIT);
    leave(d, DLFW_E_UNSUPPORTED);
}

static long memory_limit(const struct jpeg_image *image)
{
    uint64_t rows = image->rows < SMALLEST_SIDE ? SMALLEST_SIDE : image->rows;
    uint64_t columns = image->columns < SMALLEST_SIDE ? SMALLEST_SIDE : image->columns;

    return MEMORY_BASE + (long)(rows * columns * COEFFICIENT_BYTES);
}

/* a * b / 255, rounded */
static uint8_t scaled(uint32_t a, uint32_t b)
{
    uint32_t t = a * b + 128;

    return (uint8_t)((t + (t >> 8)) >> 8);
}

/* CMYK as Adobe's programs store it, and everybody after them: inverted. */
static void cmyk_to_rgb(const uint8_t *cmyk, uint8_t *rgb, uint32_t pixels)
{
    for (uint32_t i = 0; i < pixels; i++, cmyk += 4, rgb += 3)
        for (uint32_t k = 0; k < 3; k++)
            rgb[k] = (uint8_t)(cmyk[3] - scaled(255u - cmyk[k], cmyk[3]));
}

static void read_rows(struct decoding *d, const struct jpeg_image *image, uint8_t *out)
{
    const uint64_t stride = (uint64_t)image->columns * jpeg_channels(image->components);

    while (d->c.output_scanline < d->c.output_height) {
        JSAMPROW row = d->row ? d->row : out + d->c.output_scanline * stride;
        uint32_t line = d->c.output_scanline;

        jpeg_read_scanlines(&d->c, &row, 1);
        if (d->row)
            cmyk_to_rgb(d->row, out + line * stride, image->columns);
    }
}

static void decode(struct decoding *d, uint64_t len, const struct jpeg_image *image, uint8_t *out)
{
    jpeg_create_decompress(&d->c);
    d->c.mem->max_memory_to_use = memory_limit(image);
    d->c.progress = &d->progress;
    jpeg_mem_src(&d->c, d->data, (unsigned long)len);
    jpeg_read_header(&d->c, TRUE);
    if (d->c.image_height != image->rows || d->c.image_width != image->columns ||
        (uint32_t)d->c.num_components != image->components) {
        snprintf(d->problem->text, sizeof d->problem->text, "the image has another shape than its frame header says");
        leave(d, DLFW_E_CORRUPT);
    }
    d->c.out_color_space = image->components == 1 ? JCS_GRAYSCALE : image->components == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_start_decompress(&d->c);
    read_rows(d, image, out);
    jpeg_finish_decompress(&d->c);
}

dlfw_status jpeg_decode_pixels(const uint8_t *data, uint64_t len, const struct jpeg_image *image, uint8_t *out,
                               struct jpeg_problem *problem)
{
    struct decoding *d = calloc(1, sizeof *d);
    dlfw_status st;

    *problem = (struct jpeg_problem){.text = "out of memory"};
    if (!d)
        return DLFW_E_NO_MEMORY;
    if (image->components == JPEG_CMYK_COMPONENTS) {
        d->row = malloc((size_t)image->columns * JPEG_CMYK_COMPONENTS);
        if (!d->row) {
            free(d);
            return DLFW_E_NO_MEMORY;
        }
    }
    d->data = data;
    d->problem = problem;
    d->c.err = jpeg_std_error(&d->errors);
    d->c.client_data = d;
    d->errors.error_exit = on_error;
    d->errors.emit_message = on_message;
    d->errors.output_message = on_output;
    d->progress.progress_monitor = on_progress;
    if (setjmp(d->escape) == 0)
        decode(d, len, image, out);
    jpeg_destroy_decompress(&d->c);
    st = d->status;
    free(d->row);
    free(d);
    return st;
}
