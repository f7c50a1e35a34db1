/* SPDX-License-Identifier: Apache-2.0 */
#include "jpeg.h"

#include "common/image_shape.h"
#include "jpeg_pixels.h"
#include "jpeg_plan.h"

#define HOT_BYTES (256u * 1024u)

dlfw_status jpeg_file_size(dlfw_format *fmt, const dlfw_encode_spec *spec, uint64_t *ret, dlfw_error *err)
{
    struct image_shape shape;
    struct jpeg_plan plan;
    dlfw_status st = image_shape(spec, "jpeg", JPEG_MAX_SIDE, &shape, err);

    if (st < 0)
        return st;
    *ret = UINT64_MAX;
    if (fmt->options->size == JPEG_SIZE_EXACT) {
        jpeg_plan_make(shape.rows, shape.columns, &plan);
        *ret = plan.file_bytes;
    }
    return DLFW_OK;
}

static dlfw_status encode_exact(dlfw_format *fmt, const dlfw_encode_spec *spec, const struct image_shape *shape,
                                const dlfw_sink *sink, dlfw_error *err)
{
    const struct jpeg_content content = {.host = fmt->host, .seed = spec->seed, .object = spec->object};
    struct jpeg_plan plan;
    uint64_t done = 0;

    jpeg_plan_make(shape->rows, shape->columns, &plan);
    while (done < plan.file_bytes) {
        uint64_t n = 0;
        void *window = NULL;
        dlfw_status st = sink->window(sink->ctx, &window, &n, err);

        if (st < 0)
            return st;
        if (n > HOT_BYTES)
            n = HOT_BYTES;
        if (n > plan.file_bytes - done)
            n = plan.file_bytes - done;
        jpeg_plan_bytes(&plan, &content, done, window, n);
        st = sink->advance(sink->ctx, n, err);
        if (st < 0)
            return st;
        done += n;
    }
    return DLFW_OK;
}

dlfw_status jpeg_encode(dlfw_format *fmt, const dlfw_encode_spec *spec, const dlfw_sink *sink, dlfw_error *err)
{
    const int64_t quality = fmt->options->quality;
    struct image_shape shape;
    struct jpeg_noise noise;
    dlfw_status st = image_shape(spec, "jpeg", JPEG_MAX_SIDE, &shape, err);

    if (st < 0)
        return st;
    if (fmt->options->size == JPEG_SIZE_EXACT)
        return encode_exact(fmt, spec, &shape, sink, err);
    noise = (struct jpeg_noise){.host = fmt->host,
                                .seed = spec->seed,
                                .object = spec->object,
                                .rows = (uint32_t)shape.rows,
                                .columns = (uint32_t)shape.columns,
                                .quality = quality ? (int)quality : JPEG_QUALITY};
    return jpeg_encode_noise(&noise, sink->write, sink->ctx, err);
}
