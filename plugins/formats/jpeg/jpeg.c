/* SPDX-License-Identifier: Apache-2.0 */
/* The jpeg format's plugin object: one JPEG image per file, read and generated. */
#include "jpeg_reader.h"

#include <stdlib.h>

static const char *const decodings[] = {"pixels", "bytes", NULL};
static const char *const sizes[] = {"exact", "natural", NULL};

static const dlfw_option options[] = {
    DLFW_OPT_ENUM(struct jpeg_options, decode, .choices = decodings, .def = "pixels",
                  .help = "what a sample is: pixels (the decoded gray or RGB image) or bytes (the file as it is)"),
    DLFW_OPT_I64(struct jpeg_options, max_pixels, .def = "134217728", .min = "1",
                 .help = "images of more pixels are refused instead of decoded"),
    DLFW_OPT_ENUM(struct jpeg_options, size, .choices = sizes, .def = "exact",
                  .help =
                      "bytes of a generated file: exact (rows * columns) or natural (what noise of that many pixels "
                      "takes at the given quality)"),
    DLFW_OPT_I64(struct jpeg_options, quality, .min = "1", .max = "100",
                 .help = "quality of generated images with size: natural; 75 when it is not set"),
};

static dlfw_status create(const dlfw_create_args *args, dlfw_format **ret, dlfw_error *err)
{
    const struct jpeg_options *given = args->options;
    struct dlfw_format *fmt;

    if (given->quality && given->size != JPEG_SIZE_NATURAL)
        return args->host->config_fail(args->host_ctx, "quality", "it has an effect with size: natural only", err);
    fmt = calloc(1, sizeof *fmt);
    if (!fmt)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for format '%s'", args->instance);
    fmt->host = args->host;
    fmt->options = given;
    *ret = fmt;
    return DLFW_OK;
}

static void destroy(dlfw_format *fmt)
{
    free(fmt);
}

static const dlfw_format_ops ops = {
    .struct_size = sizeof(dlfw_format_ops),
    .thread_class = DLFW_THREADS_PER_QUEUE,
    .extension = "jpeg",
    .reader_size = sizeof(struct dlfw_reader),
    .create = create,
    .destroy = destroy,
    .reader_open = jpeg_reader_open,
    .reader_close = jpeg_reader_close,
    .step = jpeg_step,
    .unit_count = jpeg_unit_count,
    .unit_info = jpeg_unit_info,
    .consume = jpeg_consume,
    .decode = jpeg_decode,
    .file_size = jpeg_file_size,
    .encode = jpeg_encode,
    .describe = jpeg_describe,
};

static const dlfw_iface iface = {
    .struct_size = sizeof(dlfw_iface),
    .kind = DLFW_KIND_FORMAT,
    .name = "jpeg",
    .summary = "JPEG images, one per file",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .options_size = sizeof(struct jpeg_options),
    .ops = &ops,
};

static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("0.1.0", "format=jpeg\n", .id = "org.dlfw.format-jpeg", .license = "Apache-2.0",
            .summary = "reads and generates JPEG images", .url = "", .ifaces = ifaces);
