/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formats indexed_binary and mmap_indexed_binary: samples back to back in one file, and two tables beside it that
 * say where each begins and how long it is. Both names stand for the same files and are read in the same way, unless
 * the mapping one is told to do as a map does of which nobody touches a page.
 */
#include "indexed_reader.h"

#include <stdlib.h>

static const dlfw_side offsets = {.struct_size = sizeof offsets,
                                  .flags = DLFW_SIDE_READ | DLFW_SIDE_REQUIRED,
                                  .suffix = ".off.idx",
                                  .summary = "where each sample begins, 64 bits each"};
static const dlfw_side sizes = {.struct_size = sizeof sizes,
                                .flags = DLFW_SIDE_READ | DLFW_SIDE_REQUIRED,
                                .suffix = ".sz.idx",
                                .summary = "how many bytes each sample has, 64 bits each"};
const dlfw_side *const indexed_sides[] = {[INDEXED_OFFSETS] = &offsets, [INDEXED_SIZES] = &sizes};

#define TABLE_MEMORY                                                                                                   \
    DLFW_OPT_SIZE(struct indexed_options, table_memory, .def = "64MiB", .min = "0", .max = "64GiB",                    \
                  .help = "memory for tables; those of larger files are checked piece by piece")

static const dlfw_option plain_options[] = {TABLE_MEMORY};
static const dlfw_option mmap_options[] = {
    TABLE_MEMORY,
    DLFW_OPT_BOOL(struct indexed_options, no_touch, .def = "false",
                  .help =
                      "only the tables are read, never a byte of the data, as in DLIO; compat.mmap_no_touch sets it"),
};

static void destroy(dlfw_format *fmt)
{
    object_cache_destroy(fmt->cache);
    free(fmt);
}

static dlfw_status create(const dlfw_create_args *args, dlfw_format **ret, dlfw_error *err)
{
    struct dlfw_format *fmt = calloc(1, sizeof *fmt);

    if (fmt) {
        fmt->host = args->host;
        fmt->options = args->options;
        fmt->cache = object_cache_create(fmt->options->table_memory);
    }
    if (!fmt || !fmt->cache) {
        free(fmt);
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for format '%s'", args->instance);
    }
    *ret = fmt;
    return DLFW_OK;
}

static uint32_t sides(dlfw_format *fmt, const dlfw_side *const **ret)
{
    (void)fmt;
    *ret = indexed_sides;
    return sizeof indexed_sides / sizeof indexed_sides[0];
}

#define INDEXED_OPS(ext)                                                                                               \
    {                                                                                                                  \
        .struct_size = sizeof(dlfw_format_ops), .thread_class = DLFW_THREADS_PER_QUEUE,                                \
        .caps = DLFW_FORMAT_SAMPLE_RANGES, .extension = (ext), .reader_size = sizeof(struct dlfw_reader),              \
        .create = create, .destroy = destroy, .reader_open = indexed_reader_open,                                      \
        .reader_close = indexed_reader_close, .step = indexed_step, .unit_count = indexed_unit_count,                  \
        .unit_info = indexed_unit_info, .consume = indexed_consume, .decode = indexed_decode,                          \
        .file_size = indexed_file_size, .encode = indexed_encode, .sides = sides,                                      \
        .unit_samples = indexed_unit_samples, .describe = indexed_describe,                                            \
    }

static const dlfw_format_ops plain_ops = INDEXED_OPS("indexed_binary");
static const dlfw_format_ops mmap_ops = INDEXED_OPS("mmap_indexed_binary");

#define INDEXED_IFACE(text, about, table, rows)                                                                        \
    {                                                                                                                  \
        .struct_size = sizeof(dlfw_iface), .kind = DLFW_KIND_FORMAT, .name = (text), .summary = (about),               \
        .options = (rows), .option_count = sizeof(rows) / sizeof((rows)[0]),                                           \
        .options_size = sizeof(struct indexed_options), .ops = (table),                                                \
    }

static const dlfw_iface plain =
    INDEXED_IFACE("indexed_binary", "samples back to back with tables of offsets and sizes", &plain_ops, plain_options);
static const dlfw_iface mapped = INDEXED_IFACE(
    "mmap_indexed_binary", "the files of indexed_binary under the name of the mapping reader", &mmap_ops, mmap_options);

static const dlfw_iface *const ifaces[] = {&plain, &mapped, NULL};

DLFW_PLUGIN("0.1.0", "format=indexed_binary\nformat=mmap_indexed_binary\n", .id = "org.dlfw.format-indexed-binary",
            .license = "Apache-2.0", .summary = "reads and generates samples indexed by tables", .url = "",
            .ifaces = ifaces);
