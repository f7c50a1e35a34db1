/* SPDX-License-Identifier: Apache-2.0 */
/* The hdf5 format's plugin object: rows of HDF5 data sets, read and generated. */
#include "h5_reader.h"

#include "common/object_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Layouts of files in use; each counts as at least 128 KiB, so these are 256 files or fewer large tables. */
#define CACHE_BYTES (UINT64_C(32) << 20)
#define SETS_MAX "60000"

static const char *const compressions[] = {"none", "gzip", "lzf", NULL};
static const char *const libraries[] = {"auto", "never", NULL};

/* The fuzzer's build has no library, whatever the option says. */
#ifdef HDF5_WITHOUT_LIBRARY
#define LIBRARY_DEFAULT "never"
#else
#define LIBRARY_DEFAULT "auto"
#endif

static const dlfw_option options[] = {
    DLFW_OPT_I64(struct hdf5_options, num_dset_per_record, .def = "1", .min = "1", .max = SETS_MAX,
                 .help = "data sets that generated samples are spread over, along their first dimension"),
    DLFW_OPT_LIST(struct hdf5_options, chunk_dims,
                  .help = "chunk shape of generated data sets, samples first; not given: one piece, or h5py's choice"),
    DLFW_OPT_LIST(struct hdf5_options, max_shape,
                  .help = "maximum shape of a sample in generated data sets; 'unlimited' where it has no limit"),
    DLFW_OPT_ENUM(struct hdf5_options, compression, .choices = compressions, .def = "none",
                  .help = "filter of generated chunks: none, gzip (deflate) or lzf"),
    DLFW_OPT_I64(struct hdf5_options, compression_level, .def = "4", .min = "0", .max = "9",
                 .help = "deflate level for compression: gzip"),
    DLFW_OPT_STR(struct hdf5_options, dataset,
                 .help = "path of the data set to read (default: records_0 ..., else the only one with numbers)"),
    DLFW_OPT_ENUM(struct hdf5_options, library, .choices = libraries, .def = LIBRARY_DEFAULT,
                  .help = "whether files that dlfw does not read itself go to the HDF5 library: auto or never"),
};

/* One item of a list; 0: it is none. */
static uint64_t list_number(const char *text, bool unlimited)
{
    char *end;
    unsigned long long n;

    if (unlimited && strcmp(text, "unlimited") == 0)
        return UINT64_MAX;
    if (*text < '1' || *text > '9' || strlen(text) > 18)
        return 0;
    n = strtoull(text, &end, 10);
    return *end ? 0 : n;
}

static dlfw_status read_shape(const dlfw_create_args *args, const char *option, const dlfw_str_list *list,
                              bool unlimited, struct hdf5_shape *ret, dlfw_error *err)
{
    if (list->count > H5_RANK_MAX)
        return args->host->config_fail(args->host_ctx, option, "has more than 32 dimensions", err);
    for (uint32_t i = 0; i < list->count; i++) {
        ret->dims[i] = list_number(list->items[i], unlimited);
        if (!ret->dims[i])
            return args->host->config_fail(args->host_ctx, option, "has a dimension that is no number from 1 on", err);
    }
    ret->count = list->count;
    return DLFW_OK;
}

static void destroy(dlfw_format *fmt)
{
    object_cache_destroy(fmt->cache);
    free(fmt);
}

static dlfw_status create(const dlfw_create_args *args, dlfw_format **ret, dlfw_error *err)
{
    struct dlfw_format *fmt = calloc(1, sizeof *fmt);
    dlfw_status st;

    if (!fmt)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for format '%s'", args->instance);
    fmt->host = args->host;
    fmt->host_ctx = args->host_ctx;
    fmt->options = args->options;
    st = read_shape(args, "chunk_dims", &fmt->options->chunk_dims, false, &fmt->chunk_dims, err);
    if (st >= 0)
        st = read_shape(args, "max_shape", &fmt->options->max_shape, true, &fmt->max_shape, err);
    if (st < 0)
        goto out;
    fmt->cache = object_cache_create(CACHE_BYTES);
    if (!fmt->cache)
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for format '%s'", args->instance);
out:
    if (st < 0)
        destroy(fmt);
    else
        *ret = fmt;
    return st;
}

static const dlfw_format_ops ops = {
    .struct_size = sizeof(dlfw_format_ops),
    .thread_class = DLFW_THREADS_PER_QUEUE,
    .caps = DLFW_FORMAT_SERIAL_INSIDE,
    .extension = "hdf5",
    .reader_size = sizeof(struct dlfw_reader),
    .create = create,
    .destroy = destroy,
    .reader_open = hdf5_reader_open,
    .reader_close = hdf5_reader_close,
    .step = hdf5_step,
    .unit_count = hdf5_unit_count,
    .unit_info = hdf5_unit_info,
    .consume = hdf5_consume,
    .decode = hdf5_decode,
    .file_size = hdf5_file_size,
    .encode = hdf5_encode,
    .unit_samples = hdf5_unit_samples,
    .describe = hdf5_describe,
};

static const dlfw_iface iface = {
    .struct_size = sizeof(dlfw_iface),
    .kind = DLFW_KIND_FORMAT,
    .name = "hdf5",
    .summary = "HDF5 files (h5py), samples as rows of data sets",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .options_size = sizeof(struct hdf5_options),
    .ops = &ops,
};

static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("0.1.0", "format=hdf5\n", .id = "org.dlfw.format-hdf5", .license = "Apache-2.0",
            .summary = "reads and generates HDF5 files", .url = "", .ifaces = ifaces);
