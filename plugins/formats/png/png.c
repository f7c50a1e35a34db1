/* SPDX-License-Identifier: Apache-2.0 */
/* The png format's plugin object: one PNG image per file, read and generated. */
#include "png_reader.h"

#include <stdlib.h>

static const char *const decodings[] = {"pixels", "bytes", NULL};
static const char *const sizes[] = {"natural", "exact", NULL};

static const dlfw_option options[] = {
    DLFW_OPT_ENUM(struct png_options, decode, .choices = decodings, .def = "pixels",
                  .help = "what a sample is: pixels (the decoded gray or RGB image) or bytes (the file as it is)"),
    DLFW_OPT_I64(struct png_options, max_pixels, .def = "134217728", .min = "1",
                 .help = "images of more pixels are refused instead of decoded"),
    DLFW_OPT_ENUM(struct png_options, size, .choices = sizes, .def = "natural",
                  .help =
                      "bytes of a generated file: natural (all pixels random; a little over rows * columns) or exact "
                      "(rows * columns; the last rows are black)"),
};

static dlfw_status create(const dlfw_create_args *args, dlfw_format **ret, dlfw_error *err)
{
    struct dlfw_format *fmt = calloc(1, sizeof *fmt);

    if (!fmt)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for format '%s'", args->instance);
    fmt->host = args->host;
    fmt->options = args->options;
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
    .extension = "png",
    .reader_size = sizeof(struct dlfw_reader),
    .create = create,
    .destroy = destroy,
    .reader_open = png_reader_open,
    .reader_close = png_reader_close,
    .step = png_step,
    .unit_count = png_unit_count,
    .unit_info = png_unit_info,
    .consume = png_consume,
    .decode = png_decode,
    .file_size = png_file_size,
    .encode = png_encode,
    .describe = png_describe,
};

static const dlfw_iface iface = {
    .struct_size = sizeof(dlfw_iface),
    .kind = DLFW_KIND_FORMAT,
    .name = "png",
    .summary = "PNG images, one per file",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .options_size = sizeof(struct png_options),
    .ops = &ops,
};

static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("0.1.0", "format=png\n", .id = "org.dlfw.format-png", .license = "Apache-2.0",
            .summary = "reads and generates PNG images", .url = "", .ifaces = ifaces);
