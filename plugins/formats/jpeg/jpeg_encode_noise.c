/* SPDX-License-Identifier: Apache-2.0 */
#include "jpeg_pixels.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include <jerror.h>

#define OUT_BYTES (64u * 1024u)

struct encoding {
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr destination;
    jmp_buf escape;
    jpeg_put *put;
    void *put_ctx;
    dlfw_error *err;
    dlfw_status status;
    uint8_t *row;
    uint8_t out[OUT_BYTES];
};

static void on_error(j_common_ptr c)
{
    struct encoding *e = c->client_data;
    char text[JMSG_LENGTH_MAX];

    c->err->format_message(c, text);
    e->status = dlfw_fail(e->err, c->err->msg_code == JERR_OUT_OF_MEMORY ? DLFW_E_NO_MEMORY : DLFW_E_INTERNAL,
                          "cannot compress an image with libjpeg: %s", text);
    longjmp(e->escape, 1);
}

static void on_message(j_common_ptr c, int level)
{
    (void)c;
    (void)level;
}

static void put(struct encoding *e, uint64_t len)
{
    e->status = e->put(e->put_ctx, e->out, len, e->err);
    if (e->status < 0)
        longjmp(e->escape, 1);
    e->destination.next_output_byte = e->out;
    e->destination.free_in_buffer = OUT_BYTES;
}

static void begin_output(j_compress_ptr c)
{
    c->dest->next_output_byte = ((struct encoding *)c->client_data)->out;
    c->dest->free_in_buffer = OUT_BYTES;
}

/* libjpeg's rule: the whole buffer goes, whatever free_in_buffer says. */
static boolean flush_output(j_compress_ptr c)
{
    put(c->client_data, OUT_BYTES);
    return TRUE;
}

static void end_output(j_compress_ptr c)
{
    put(c->client_data, OUT_BYTES - c->dest->free_in_buffer);
}

static void encode(struct encoding *e, const struct jpeg_noise *noise)
{
    jpeg_create_compress(&e->c);
    e->destination.init_destination = begin_output;
    e->destination.empty_output_buffer = flush_output;
    e->destination.term_destination = end_output;
    e->c.dest = &e->destination;
    e->c.image_width = noise->columns;
    e->c.image_height = noise->rows;
    e->c.input_components = 1;
    e->c.in_color_space = JCS_GRAYSCALE;
    jpeg_set_defaults(&e->c);
    jpeg_set_quality(&e->c, noise->quality, TRUE);
    jpeg_start_compress(&e->c, TRUE);
    while (e->c.next_scanline < e->c.image_height) {
        JSAMPROW row = e->row;

        noise->host->content_fill(noise->seed, noise->object, (uint64_t)e->c.next_scanline * noise->columns, e->row,
                                  noise->columns);
        jpeg_write_scanlines(&e->c, &row, 1);
    }
    jpeg_finish_compress(&e->c);
}

dlfw_status jpeg_encode_noise(const struct jpeg_noise *noise, jpeg_put *put_bytes, void *ctx, dlfw_error *err)
{
    struct encoding *e = calloc(1, sizeof *e);
    uint8_t *row = malloc(noise->columns);
    dlfw_status st;

    if (!e || !row) {
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory to compress an image");
        goto out;
    }
    e->put = put_bytes;
    e->put_ctx = ctx;
    e->err = err;
    e->row = row;
    e->c.err = jpeg_std_error(&e->errors);
    e->c.client_data = e;
    e->errors.error_exit = on_error;
    e->errors.emit_message = on_message;
    if (setjmp(e->escape) == 0)
        encode(e, noise);
    jpeg_destroy_compress(&e->c);
    st = e->status;
out:
    free(row);
    free(e);
    return st;
}
