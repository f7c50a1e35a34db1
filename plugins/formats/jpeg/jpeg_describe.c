/* SPDX-License-Identifier: Apache-2.0 */
#include "jpeg_reader.h"

#include <stdio.h>

static const char *coding(uint8_t frame)
{
    static const char *const names[16] = {
        [0x0] = "baseline",
        [0x1] = "extended sequential",
        [0x2] = "progressive",
        [0x3] = "lossless",
        [0x5] = "differential sequential",
        [0x6] = "differential progressive",
        [0x7] = "differential lossless",
        [0x9] = "sequential, arithmetic",
        [0xa] = "progressive, arithmetic",
        [0xb] = "lossless, arithmetic",
        [0xd] = "differential sequential, arithmetic",
        [0xe] = "differential progressive, arithmetic",
        [0xf] = "differential lossless, arithmetic",
    };

    return names[frame & 15];
}

/* As libjpeg guesses it where nothing is said. */
static const char *color(const struct jpeg_facts *f)
{
    if (f->components == 1)
        return "gray";
    if (f->components == 3)
        return f->has_adobe && !f->adobe_transform && !f->has_jfif ? "RGB" : "YCbCr";
    if (f->components == JPEG_CMYK_COMPONENTS)
        return f->has_adobe && f->adobe_transform == 2 ? "YCCK" : "CMYK";
    return "unknown";
}

static void describe_sampling(const struct jpeg_facts *f, const dlfw_describe *out)
{
    char text[32];
    int n = 0;

    for (uint32_t i = 0; i < f->components; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%s%ux%u", i ? " " : "", f->sampling[i] >> 4,
                      f->sampling[i] & 15u);
    out->text(out->ctx, "sampling", text);
}

static void describe_frame(const struct jpeg_facts *f, const dlfw_describe *out)
{
    out->number(out->ctx, "width", f->columns);
    out->number(out->ctx, "height", f->rows);
    out->number(out->ctx, "channels", f->components);
    out->number(out->ctx, "bit depth", f->precision);
    out->text(out->ctx, "coding", coding(f->frame));
    out->text(out->ctx, "color", color(f));
    if (f->components > 1)
        describe_sampling(f, out);
}

/* What is known when all segments were seen. */
static void describe_segments(const struct jpeg_facts *f, const dlfw_describe *out)
{
    out->number(out->ctx, "scans", f->scans);
    if (f->restart_interval)
        out->number(out->ctx, "restart interval", f->restart_interval);
    if (f->application_bytes)
        out->number(out->ctx, "application bytes", f->application_bytes);
    if (f->comment_bytes)
        out->number(out->ctx, "comment bytes", f->comment_bytes);
    if (f->has_exif)
        out->text(out->ctx, "metadata", "exif");
    if (f->has_icc)
        out->text(out->ctx, "profile", "icc");
}

dlfw_status jpeg_describe(dlfw_reader *r, const dlfw_describe *out, dlfw_error *err)
{
    const struct jpeg_facts *f = &r->parser.facts;

    (void)err;
    out->begin(out->ctx, "image", "jpeg");
    if (f->frame)
        describe_frame(f, out);
    if (r->is_checked)
        describe_segments(f, out);
    if (r->is_checked && r->parser.offset < r->object->size)
        out->number(out->ctx, "trailing bytes", r->object->size - r->parser.offset);
    out->end(out->ctx);
    return DLFW_OK;
}
