/* SPDX-License-Identifier: Apache-2.0 */
/* The npz format's plugin object: ZIP archives of NumPy arrays, read and generated. */
#include "npz_reader.h"

#include <stdlib.h>

static const char *const compressions[] = {"none", "zip", NULL};

static const dlfw_option options[] = {
    DLFW_OPT_STR(struct npz_options, member,
                 .help = "array to read, with or without .npy (default: x, else the first array of the file)"),
    DLFW_OPT_ENUM(struct npz_options, compression, .choices = compressions, .def = "none",
                  .help = "how generated members are compressed: none (stored) or zip (deflate)"),
    DLFW_OPT_I64(struct npz_options, compression_level, .def = "-1", .min = "-1", .max = "9",
                 .help = "deflate level for compression: zip; -1 is zlib's default"),
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
    .extension = "npz",
    .reader_size = sizeof(struct dlfw_reader),
    .create = create,
    .destroy = destroy,
    .reader_open = npz_reader_open,
    .reader_close = npz_reader_close,
    .step = npz_step,
    .unit_count = npz_unit_count,
    .unit_info = npz_unit_info,
    .consume = npz_consume,
    .decode = npz_decode,
    .file_size = npz_file_size,
    .encode = npz_encode,
    .describe = npz_describe,
};

static const dlfw_iface iface = {
    .struct_size = sizeof(dlfw_iface),
    .kind = DLFW_KIND_FORMAT,
    .name = "npz",
    .summary = "ZIP archives of NumPy arrays (np.savez, np.savez_compressed)",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .options_size = sizeof(struct npz_options),
    .ops = &ops,
};

static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("0.1.0", "format=npz\n", .id = "org.dlfw.format-npz", .license = "Apache-2.0",
            .summary = "reads and generates NumPy .npz files", .url = "", .ifaces = ifaces);
