/* SPDX-License-Identifier: Apache-2.0 */
#include "png_reader.h"

#include <stdio.h>

static const char *color_name(uint8_t color)
{
    static const char *const names[] = {[PNG_GRAY] = "gray",
                                        [PNG_RGB] = "RGB",
                                        [PNG_PALETTE] = "palette",
                                        [PNG_GRAY_ALPHA] = "gray and alpha",
                                        [PNG_RGBA] = "RGB and alpha"};

    return names[color];
}

static void describe_chunks(const struct png_facts *f, const dlfw_describe *out)
{
    char text[PNG_NAMED_CHUNKS * 5 + 1];
    int n = 0;

    out->number(out->ctx, "image data chunks", f->data_chunks);
    out->number(out->ctx, "image data bytes", f->data_bytes);
    for (uint32_t i = 0; i < f->ancillary_count; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%s%.4s", i ? " " : "", f->ancillary[i]);
    if (!n)
        return;
    out->text(out->ctx, "ancillary", text);
    out->number(out->ctx, "ancillary bytes", f->ancillary_bytes);
}

static void describe_header(const struct png_facts *f, const dlfw_describe *out)
{
    out->number(out->ctx, "width", f->columns);
    out->number(out->ctx, "height", f->rows);
    out->number(out->ctx, "channels", png_pixel_bits(f) / f->depth);
    out->number(out->ctx, "bit depth", f->depth);
    out->text(out->ctx, "color", color_name(f->color));
    out->text(out->ctx, "interlace", f->interlace ? "adam7" : "none");
}

dlfw_status png_describe(dlfw_reader *r, const dlfw_describe *out, dlfw_error *err)
{
    const struct png_facts *f = r->parser.facts.has_header ? &r->parser.facts : &r->shape;

    (void)err;
    out->begin(out->ctx, "image", "png");
    if (f->has_header)
        describe_header(f, out);
    if (r->is_checked)
        describe_chunks(f, out);
    if (r->is_checked && r->parser.offset < r->object->size)
        out->number(out->ctx, "trailing bytes", r->object->size - r->parser.offset);
    out->end(out->ctx);
    return DLFW_OK;
}
