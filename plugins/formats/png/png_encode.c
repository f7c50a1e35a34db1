/* SPDX-License-Identifier: Apache-2.0 */
#include "png.h"

#include "common/image_shape.h"
#include "png_plan.h"

static dlfw_status plan_of(const dlfw_format *fmt, const dlfw_encode_spec *spec, struct png_plan *ret, dlfw_error *err)
{
    struct image_shape shape;
    dlfw_status st = image_shape(spec, "png", PNG_MAX_SIDE, &shape, err);

    if (st < 0)
        return st;
    png_plan_make(shape.rows, shape.columns, fmt->options->size == PNG_SIZE_EXACT, ret);
    return DLFW_OK;
}

dlfw_status png_file_size(dlfw_format *fmt, const dlfw_encode_spec *spec, uint64_t *ret, dlfw_error *err)
{
    struct png_plan plan;
    dlfw_status st = plan_of(fmt, spec, &plan, err);

    if (st >= 0)
        *ret = plan.file_bytes;
    return st;
}

dlfw_status png_encode(dlfw_format *fmt, const dlfw_encode_spec *spec, const dlfw_sink *sink, dlfw_error *err)
{
    const struct png_content content = {.host = fmt->host, .seed = spec->seed, .object = spec->object};
    struct png_maker *maker;
    struct png_plan plan;
    const uint8_t *part;
    uint64_t len;
    dlfw_status st = plan_of(fmt, spec, &plan, err);

    if (st < 0)
        return st;
    maker = png_maker_create(&plan, &content);
    if (!maker)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory to write a png image");
    while (st >= 0 && (part = png_maker_next(maker, &len)))
        st = sink->write(sink->ctx, part, len, err);
    png_maker_destroy(maker);
    return st;
}
