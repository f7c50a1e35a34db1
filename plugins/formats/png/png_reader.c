/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a PNG file. The metadata are signature and header, from which the memory for the pixels is known; a sample of
 * bytes needs none. consume() follows the chunks and checks their CRCs, decode() hands the file to libspng.
 */
#include "png_reader.h"

#include "common/span_set.h"
#include "png_parts.h"

#include <inttypes.h>

#define INFLATE_RATIO 1032u /* deflate codes at most 258 bytes in two bits */

dlfw_status png_fail(const dlfw_reader *r, dlfw_status status, uint64_t offset, const char *what, dlfw_error *err)
{
    return dlfw_fail(err, status, "'%.*s': %s (at offset %" PRIu64 ")", (int)r->object->name_len, r->object->name, what,
                     offset);
}

dlfw_status png_reader_open(dlfw_format *fmt, dlfw_reader *r, const dlfw_object *object, dlfw_error *err)
{
    (void)err;
    r->fmt = fmt;
    r->object = object;
    r->next = UINT64_MAX;
    return DLFW_OK;
}

void png_reader_close(dlfw_reader *r)
{
    png_verify_free(r);
}

static bool gives_pixels(const dlfw_reader *r)
{
    return r->fmt->options->decode == PNG_DECODE_PIXELS;
}

static bool needs_shape(const dlfw_reader *r)
{
    return gives_pixels(r) || (r->object->flags & (DLFW_OBJECT_VERIFY_CONTENT | DLFW_OBJECT_EXPLORE));
}

/* Whether an image of this shape may be decoded (people may look at any): within the limit, and not more than its bytes
 * can inflate to. */
static dlfw_status check_shape(const dlfw_reader *r, dlfw_error *err)
{
    const struct png_facts *f = &r->shape;
    const uint64_t pixels = (uint64_t)f->rows * f->columns;

    if (!gives_pixels(r) || (r->object->flags & DLFW_OBJECT_EXPLORE))
        return DLFW_OK;
    if (pixels > (uint64_t)r->fmt->options->max_pixels)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED,
                         "'%.*s': an image of %" PRIu32 " x %" PRIu32 " pixels is over dataset.png.max_pixels: %" PRId64
                         " (header at offset 8)",
                         (int)r->object->name_len, r->object->name, f->columns, f->rows, r->fmt->options->max_pixels);
    /* pixels are at most 2^62, a pixel has at most 64 bits */
    if (pixels / INFLATE_RATIO / 8 * png_pixel_bits(f) > r->object->size)
        return dlfw_fail(err, DLFW_E_CORRUPT,
                         "'%.*s': %" PRIu64 " bytes are too few for the %" PRIu32 " x %" PRIu32
                         " pixels of its header (at offset 8)",
                         (int)r->object->name_len, r->object->name, r->object->size, f->columns, f->rows);
    return DLFW_OK;
}

static dlfw_status step_metadata(dlfw_reader *r, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                                 uint32_t *n_want, dlfw_error *err)
{
    struct png_parser p = {.size = r->object->size};
    uint8_t head[PNG_HEAD_BYTES];
    dlfw_status st;

    if (r->object->size < PNG_HEAD_BYTES)
        return png_fail(r, DLFW_E_CORRUPT, r->object->size, "truncated before the end of the header", err);
    if (!needs_shape(r) || r->has_shape)
        return DLFW_OK;
    if (!span_copy(have, n_have, 0, head, sizeof head)) {
        want[0] = (dlfw_range){.offset = 0, .length = sizeof head};
        *n_want = 1;
        return DLFW_NEED_IO;
    }
    st = png_parse(&p, head, sizeof head);
    if (st < 0)
        return png_fail(r, st, p.problem_offset, p.problem, err);
    r->shape = p.facts;
    st = check_shape(r, err);
    r->has_shape = st >= 0;
    return st;
}

static dlfw_status check_unit(const dlfw_reader *r, uint64_t unit, dlfw_error *err)
{
    if (unit != 0)
        return dlfw_fail(err, DLFW_E_INVALID, "'%.*s': unit %" PRIu64 " does not exist: a png file is one unit",
                         (int)r->object->name_len, r->object->name, unit);
    return DLFW_OK;
}

dlfw_status png_step(dlfw_reader *r, uint64_t goal, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                     uint32_t want_cap, uint32_t *n_want, dlfw_error *err)
{
    dlfw_status st;

    *n_want = 0;
    if (goal == DLFW_GOAL_METADATA)
        return step_metadata(r, have, n_have, want, n_want, err);
    st = check_unit(r, goal, err);
    if (st < 0)
        return st;
    *n_want = span_missing(have, n_have, 0, r->object->size, want, want_cap);
    return *n_want ? DLFW_NEED_IO : DLFW_OK;
}

uint64_t png_unit_count(dlfw_reader *r)
{
    (void)r;
    return 1;
}

dlfw_status png_unit_info(dlfw_reader *r, uint64_t unit, dlfw_unit_info *ret, dlfw_error *err)
{
    dlfw_status st = check_unit(r, unit, err);

    if (st < 0)
        return st;
    ret->flags = 0;
    ret->first_sample = 0;
    ret->samples = 1;
    ret->stored_bytes = r->object->size;
    ret->out_bytes = gives_pixels(r) ? png_out_bytes(&r->shape) : 0;
    return DLFW_OK;
}

/* The next bytes of the file; with the last one the structure must be complete. */
static dlfw_status feed(dlfw_reader *r, const uint8_t *data, uint64_t offset, uint64_t len, dlfw_error *err)
{
    struct png_parser *p = &r->parser;
    dlfw_status st;

    if (offset == 0)
        *p = (struct png_parser){.host = r->object->flags & DLFW_OBJECT_VERIFY ? r->fmt->host : NULL,
                                 .size = r->object->size};
    st = png_parse(p, data, len);
    if (st >= 0 && offset + len == r->object->size) {
        st = png_parse_end(p);
        r->is_checked = st >= 0;
    }
    return st < 0 ? png_fail(r, st, p->problem_offset, p->problem, err) : DLFW_OK;
}

dlfw_status png_consume(dlfw_reader *r, uint64_t unit, const dlfw_span *piece, dlfw_payload *ret, dlfw_error *err)
{
    dlfw_status st = check_unit(r, unit, err);

    if (st < 0 || !piece->length)
        return st;
    if (piece->offset == 0) {
        r->is_checked = false;
        r->next = 0;
    }
    if (piece->offset != r->next)
        return dlfw_fail(err, DLFW_E_INVALID, "'%.*s': piece at offset %" PRIu64 " where %" PRIu64 " is the next one",
                         (int)r->object->name_len, r->object->name, piece->offset, r->next);
    r->next = UINT64_MAX;
    st = feed(r, piece->data, piece->offset, piece->length, err);
    if (st >= 0 && (r->object->flags & DLFW_OBJECT_VERIFY_CONTENT)) {
        st = png_verify(r, piece, err);
        ret->length = st < 0 ? 0 : piece->length;
    }
    if (st >= 0)
        r->next = piece->offset + piece->length;
    return st;
}

static dlfw_status decode_pixels(dlfw_reader *r, const uint8_t *data, void *out, dlfw_view *view, dlfw_error *err)
{
    const char *problem = NULL;
    dlfw_status st;

    if (!r->has_shape || !out)
        return png_fail(r, DLFW_E_INVALID, 0, "decode without memory for the pixels or before the metadata", err);
    st = png_decode_pixels(data, r->object->size, &r->shape, out, &problem);
    if (st < 0)
        return dlfw_fail(err, st, "'%.*s': libspng says: %s (image data from offset %" PRIu64 " on)",
                         (int)r->object->name_len, r->object->name, problem, r->parser.facts.data_offset);
    view->data = out;
    view->bytes = (uint64_t)r->shape.rows * r->shape.columns * png_channels(&r->shape);
    return DLFW_OK;
}

dlfw_status png_decode(dlfw_reader *r, uint64_t unit, const dlfw_span *have, uint32_t n_have, void *out,
                       dlfw_view *views, uint32_t view_cap, dlfw_error *err)
{
    const uint8_t *data;
    dlfw_status st = check_unit(r, unit, err);

    if (st < 0)
        return st;
    if (view_cap < 1)
        return dlfw_fail(err, DLFW_E_BUFFER_TOO_SMALL, "'%.*s': one sample and no view", (int)r->object->name_len,
                         r->object->name);
    data = span_find(have, n_have, 0, r->object->size);
    if (!data)
        return png_fail(r, DLFW_E_INVALID, 0, "decode without all bytes in one span", err);
    if (!r->is_checked) {
        st = feed(r, data, 0, r->object->size, err);
        if (st < 0)
            return st;
    }
    views[0] = (dlfw_view){.data = data, .bytes = r->object->size, .item_stride = 1, .item_size = 1};
    return gives_pixels(r) ? decode_pixels(r, data, out, &views[0], err) : DLFW_OK;
}
