/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a JPEG file. The metadata are the bytes up to the frame header, from which the memory for the pixels is
 * known; a sample of bytes needs none. consume() follows the file's structure, decode() hands the file to libjpeg.
 */
#include "jpeg_reader.h"

#include "common/span_set.h"

#include <inttypes.h>

#define FIRST_READ 4096u   /* usually reaches the frame header */
#define READ_GROWTH 16u    /* so that a header behind large profiles and thumbnails takes few requests */
#define BLOCKS_PER_BYTE 8u /* a block of 8 x 8 pixels takes one bit at least */

dlfw_status jpeg_fail(const dlfw_reader *r, dlfw_status status, uint64_t offset, const char *what, dlfw_error *err)
{
    return dlfw_fail(err, status, "'%.*s': %s (at offset %" PRIu64 ")", (int)r->object->name_len, r->object->name, what,
                     offset);
}

dlfw_status jpeg_reader_open(dlfw_format *fmt, dlfw_reader *r, const dlfw_object *object, dlfw_error *err)
{
    (void)err;
    r->fmt = fmt;
    r->object = object;
    r->next = UINT64_MAX;
    return DLFW_OK;
}

void jpeg_reader_close(dlfw_reader *r)
{
    jpeg_verify_free(r);
}

static bool gives_pixels(const dlfw_reader *r)
{
    return r->fmt->options->decode == JPEG_DECODE_PIXELS;
}

static bool needs_shape(const dlfw_reader *r)
{
    return gives_pixels(r) || (r->object->flags & (DLFW_OBJECT_VERIFY_CONTENT | DLFW_OBJECT_EXPLORE));
}

/* Whether an image of this shape may be decoded (people may look at any): within the limit, and not more than its bytes
 * can stand for. */
static dlfw_status check_shape(const dlfw_reader *r, dlfw_error *err)
{
    const struct jpeg_image *s = &r->shape;
    const uint64_t pixels = (uint64_t)s->rows * s->columns;
    const uint64_t blocks = (((uint64_t)s->rows + 7) / 8) * (((uint64_t)s->columns + 7) / 8);

    if (!gives_pixels(r) || (r->object->flags & DLFW_OBJECT_EXPLORE))
        return DLFW_OK;
    if (s->components == 2)
        return jpeg_fail(r, DLFW_E_UNSUPPORTED, r->parser.offset,
                         "an image of two components is not decoded; set decode: bytes", err);
    if (pixels > (uint64_t)r->fmt->options->max_pixels)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED,
                         "'%.*s': an image of %" PRIu32 " x %" PRIu32
                         " pixels is over dataset.jpeg.max_pixels: %" PRId64 " (frame header before offset %" PRIu64
                         ")",
                         (int)r->object->name_len, r->object->name, s->columns, s->rows, r->fmt->options->max_pixels,
                         r->parser.offset);
    if (blocks / BLOCKS_PER_BYTE > r->object->size)
        return dlfw_fail(err, DLFW_E_CORRUPT,
                         "'%.*s': %" PRIu64 " bytes are too few for the %" PRIu32 " x %" PRIu32
                         " pixels of its frame header (before offset %" PRIu64 ")",
                         (int)r->object->name_len, r->object->name, r->object->size, s->columns, s->rows,
                         r->parser.offset);
    return DLFW_OK;
}

/* Parses from the first byte as far as the spans reach without a gap, at most to the frame header. */
static dlfw_status find_frame(dlfw_reader *r, const dlfw_span *have, uint32_t n_have)
{
    struct jpeg_parser *p = &r->parser;
    dlfw_status st = DLFW_OK;

    *p = (struct jpeg_parser){.stop_at_frame = true};
    for (uint32_t i = 0; i < n_have && st >= 0 && !p->facts.frame; i++) {
        uint64_t skip = p->offset - have[i].offset;

        if (have[i].offset > p->offset || skip >= have[i].length)
            continue;
        st = jpeg_parse(p, (const uint8_t *)have[i].data + skip, have[i].length - skip);
    }
    return st;
}

static dlfw_status step_metadata(dlfw_reader *r, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                                 uint32_t *n_want, dlfw_error *err)
{
    const struct jpeg_facts *f = &r->parser.facts;
    uint64_t end;
    dlfw_status st;

    if (!r->object->size)
        return jpeg_fail(r, DLFW_E_CORRUPT, 0, "an empty file: it is truncated", err);
    if (!needs_shape(r) || r->has_shape)
        return DLFW_OK;
    st = find_frame(r, have, n_have);
    if (st < 0)
        return jpeg_fail(r, st, r->parser.problem_offset, r->parser.problem, err);
    if (!f->frame && r->parser.offset == r->object->size)
        return jpeg_fail(r, DLFW_E_CORRUPT, r->object->size, "truncated before the frame header", err);
    if (!f->frame) {
        end = r->parser.offset < FIRST_READ ? FIRST_READ : r->parser.offset * READ_GROWTH;
        end = end < r->object->size ? end : r->object->size;
        want[0] = (dlfw_range){.offset = r->parser.offset, .length = end - r->parser.offset};
        *n_want = 1;
        return DLFW_NEED_IO;
    }
    r->shape = (struct jpeg_image){.rows = f->rows, .columns = f->columns, .components = f->components};
    st = check_shape(r, err);
    r->has_shape = st >= 0;
    return st;
}

static dlfw_status check_unit(const dlfw_reader *r, uint64_t unit, dlfw_error *err)
{
    if (unit != 0)
        return dlfw_fail(err, DLFW_E_INVALID, "'%.*s': unit %" PRIu64 " does not exist: a jpeg file is one unit",
                         (int)r->object->name_len, r->object->name, unit);
    return DLFW_OK;
}

dlfw_status jpeg_step(dlfw_reader *r, uint64_t goal, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
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

uint64_t jpeg_unit_count(dlfw_reader *r)
{
    (void)r;
    return 1;
}

dlfw_status jpeg_unit_info(dlfw_reader *r, uint64_t unit, dlfw_unit_info *ret, dlfw_error *err)
{
    dlfw_status st = check_unit(r, unit, err);

    if (st < 0)
        return st;
    ret->flags = 0;
    ret->first_sample = 0;
    ret->samples = 1;
    ret->stored_bytes = r->object->size;
    ret->out_bytes =
        gives_pixels(r) ? (uint64_t)r->shape.rows * r->shape.columns * jpeg_channels(r->shape.components) : 0;
    return DLFW_OK;
}

/* The next bytes of the file; with the last one the structure must be complete. */
static dlfw_status feed(dlfw_reader *r, const uint8_t *data, uint64_t offset, uint64_t len, dlfw_error *err)
{
    struct jpeg_parser *p = &r->parser;
    dlfw_status st;

    if (offset == 0)
        *p = (struct jpeg_parser){0};
    st = jpeg_parse(p, data, len);
    if (st >= 0 && offset + len == r->object->size) {
        st = jpeg_parse_end(p);
        r->is_checked = st >= 0;
    }
    return st < 0 ? jpeg_fail(r, st, p->problem_offset, p->problem, err) : DLFW_OK;
}

dlfw_status jpeg_consume(dlfw_reader *r, uint64_t unit, const dlfw_span *piece, dlfw_payload *ret, dlfw_error *err)
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
        st = jpeg_verify(r, piece, err);
        ret->length = st < 0 ? 0 : piece->length;
    }
    if (st >= 0)
        r->next = piece->offset + piece->length;
    return st;
}

static dlfw_status decode_pixels(dlfw_reader *r, const uint8_t *data, void *out, dlfw_view *view, dlfw_error *err)
{
    struct jpeg_problem problem;
    dlfw_status st;

    if (!r->has_shape || !out)
        return jpeg_fail(r, DLFW_E_INVALID, 0, "decode without memory for the pixels or before the metadata", err);
    st = jpeg_decode_pixels(data, r->object->size, &r->shape, out, &problem);
    if (st < 0)
        return dlfw_fail(err, st, "'%.*s': libjpeg says: %s (at offset %" PRIu64 ")", (int)r->object->name_len,
                         r->object->name, problem.text, problem.offset);
    view->data = out;
    view->bytes = (uint64_t)r->shape.rows * r->shape.columns * jpeg_channels(r->shape.components);
    return DLFW_OK;
}

dlfw_status jpeg_decode(dlfw_reader *r, uint64_t unit, const dlfw_span *have, uint32_t n_have, void *out,
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
        return jpeg_fail(r, DLFW_E_INVALID, 0, "decode without all bytes in one span", err);
    if (!r->is_checked) {
        st = feed(r, data, 0, r->object->size, err);
        if (st < 0)
            return st;
    }
    views[0] = (dlfw_view){.data = data, .bytes = r->object->size, .item_stride = 1, .item_size = 1};
    return gives_pixels(r) ? decode_pixels(r, data, out, &views[0], err) : DLFW_OK;
}
