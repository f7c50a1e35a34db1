/* SPDX-License-Identifier: Apache-2.0 */
/* Generated files against what encode() writes for their shape, byte for byte. */
#include "png_reader.h"

#include <stdlib.h>
#include <string.h>

static dlfw_status differs(const dlfw_reader *r, uint64_t offset, dlfw_error *err)
{
    return png_fail(r, DLFW_E_CORRUPT, offset,
                    "it does not hold the generated content (was it generated with another content.seed or other "
                    "options in dataset.png?)",
                    err);
}

static dlfw_status prepare(dlfw_reader *r, dlfw_error *err)
{
    const struct png_content content = {
        .host = r->fmt->host, .seed = r->object->content_seed, .object = r->object->content_object};
    struct png_plan plan;
    struct png_expected *e;

    if (!r->has_shape)
        return png_fail(r, DLFW_E_INVALID, 0, "consume before the metadata", err);
    png_plan_make(r->shape.rows, r->shape.columns, r->fmt->options->size == PNG_SIZE_EXACT, &plan);
    if (plan.file_bytes != r->object->size) /* before memory is taken for a shape that nobody checked */
        return differs(r, 0, err);
    e = calloc(1, sizeof *e);
    if (e)
        e->maker = png_maker_create(&plan, &content);
    if (!e || !e->maker) {
        free(e);
        return png_fail(r, DLFW_E_NO_MEMORY, 0, "out of memory to compare its content", err);
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

dlfw_status png_verify(dlfw_reader *r, const dlfw_span *piece, dlfw_error *err)
{
    struct png_expected *e;

    if (!r->expected) {
        dlfw_status st = prepare(r, err);

        if (st < 0)
            return st;
    }
    e = r->expected;
    if (piece->offset == 0) {
        png_maker_restart(e->maker);
        e->part_len = 0;
    }
    for (uint64_t done = 0; done < piece->length;) {
        const uint8_t *data = (const uint8_t *)piece->data + done;
        uint64_t n = piece->length - done;

        if (!e->part_len)
            e->part = png_maker_next(e->maker, &e->part_len);
        n = n < e->part_len ? n : e->part_len;
        if (memcmp(data, e->part, n) != 0)
            return differs(r, piece->offset + done + first_difference(data, e->part, n), err);
        e->part += n;
        e->part_len -= n;
        done += n;
    }
    return DLFW_OK;
}

void png_verify_free(dlfw_reader *r)
{
    if (r->expected)
        png_maker_destroy(r->expected->maker);
    free(r->expected);
    r->expected = NULL;
}
