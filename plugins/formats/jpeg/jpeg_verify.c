/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generated files against what encode() writes for their shape. Every byte is compared, since every byte follows from
 * the content stream. Files of natural size are compressed again as a whole.
 */
#include "jpeg_reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SCRATCH_BYTES (16u * 1024u)

static dlfw_status keep(void *ctx, const void *data, uint64_t len, dlfw_error *err)
{
    struct jpeg_expected *e = ctx;

    if (len > e->cap - e->len) {
        uint64_t cap = 2 * e->cap + len;
        uint8_t *bytes = realloc(e->bytes, cap);

        if (!bytes)
            return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory to compare a generated image");
        e->bytes = bytes;
        e->cap = cap;
    }
    memcpy(e->bytes + e->len, data, len);
    e->len += len;
    return DLFW_OK;
}

static dlfw_status make_expected(dlfw_reader *r, struct jpeg_expected *e, dlfw_error *err)
{
    const struct jpeg_options *options = r->fmt->options;
    const struct jpeg_noise noise = {.host = r->fmt->host,
                                     .seed = r->object->content_seed,
                                     .object = r->object->content_object,
                                     .rows = r->shape.rows,
                                     .columns = r->shape.columns,
                                     .quality = options->quality ? (int)options->quality : JPEG_QUALITY};

    e->content = (struct jpeg_content){.host = noise.host, .seed = noise.seed, .object = noise.object};
    if (options->size == JPEG_SIZE_NATURAL)
        return jpeg_encode_noise(&noise, keep, e, err);
    jpeg_plan_make(r->shape.rows, r->shape.columns, &e->plan);
    e->len = e->plan.file_bytes;
    return DLFW_OK;
}

static dlfw_status differs(const dlfw_reader *r, uint64_t offset, dlfw_error *err)
{
    return jpeg_fail(r, DLFW_E_CORRUPT, offset,
                     "it does not hold the generated content (was it generated with another content.seed or other "
                     "options in dataset.jpeg?)",
                     err);
}

static dlfw_status prepare(dlfw_reader *r, dlfw_error *err)
{
    const struct jpeg_image *s = &r->shape;
    struct jpeg_expected *e;
    dlfw_status st;

    if (!r->has_shape)
        return jpeg_fail(r, DLFW_E_INVALID, 0, "consume before the metadata", err);
    if (s->rows > JPEG_MAX_SIDE || s->columns > JPEG_MAX_SIDE ||
        (uint64_t)s->rows * s->columns > (uint64_t)r->fmt->options->max_pixels)
        return differs(r, 0, err);
    e = calloc(1, sizeof *e);
    if (!e)
        return jpeg_fail(r, DLFW_E_NO_MEMORY, 0, "out of memory to compare its content", err);
    st = make_expected(r, e, err);
    if (st < 0) {
        free(e->bytes);
        free(e);
        return st;
    }
    r->expected = e;
    return DLFW_OK;
}

static uint64_t first_difference(const uint8_t *a, const uint8_t *b, uint64_t len)
{
    uint64_t i = 0;

    while (i < len && a[i] == b[i])
        i++;
    return i;
}

dlfw_status jpeg_verify(dlfw_reader *r, const dlfw_span *piece, dlfw_error *err)
{
    uint8_t scratch[SCRATCH_BYTES];
    const uint8_t *expected = scratch;

    if (!r->expected) {
        dlfw_status st = prepare(r, err);

        if (st < 0)
            return st;
    }
    for (uint64_t done = 0; done < piece->length;) {
        const uint8_t *data = (const uint8_t *)piece->data + done;
        uint64_t offset = piece->offset + done, n = piece->length - done;

        if (offset >= r->expected->len)
            return differs(r, offset, err);
        n = n < SCRATCH_BYTES ? n : SCRATCH_BYTES;
        n = n < r->expected->len - offset ? n : r->expected->len - offset;
        if (r->expected->bytes)
            expected = r->expected->bytes + offset;
        else
            jpeg_plan_bytes(&r->expected->plan, &r->expected->content, offset, scratch, n);
        if (memcmp(data, expected, n) != 0)
            return differs(r, offset + first_difference(data, expected, n), err);
        done += n;
    }
    if (piece->offset + piece->length == r->object->size && r->object->size != r->expected->len)
        return differs(r, r->object->size, err);
    return DLFW_OK;
}

void jpeg_verify_free(dlfw_reader *r)
{
    if (r->expected)
        free(r->expected->bytes);
    free(r->expected);
    r->expected = NULL;
}
