/* SPDX-License-Identifier: Apache-2.0 */
/* The parquet format's plugin object: columnar files, read by row group and generated. */
#include "reader.h"

#include "common/object_cache.h"
#include "parquet_format.h"

#include <stdatomic.h>
#include <stdlib.h>

static const char *const compressions[] = {"none", "snappy", "gzip", "zstd", NULL};
static const char *const decodes[] = {"raw", "columns", NULL};
static const char *const read_modes[] = {"row_group", "file", "default", NULL};

#define UNBOUND(opt_type, opt_name, ...)                                                                               \
    {                                                                                                                  \
        .struct_size = (uint32_t)sizeof(dlfw_option), .type = (opt_type), .offset = DLFW_OPT_UNBOUND,                  \
        .name = (opt_name), __VA_ARGS__                                                                                \
    }

static const dlfw_option options[] = {
    DLFW_OPT_NODE(struct parquet_options, columns,
                  .help = "list of {name, dtype, size: 1, read: true}; none: one column 'data', a list of the sample's "
                          "bytes"),
    DLFW_OPT_U64(struct parquet_options, row_group_size, .def = "1024", .min = "1", .max = "2147483647",
                 .help = "rows of a generated row group; rows that the loader keeps together"),
    UNBOUND(DLFW_TYPE_U64, "generation_batch_size",
            .help = "accepted for DLIO's sake; files are generated page by page"),
    DLFW_OPT_ENUM(struct parquet_options, compression, .choices = compressions, .def = "none",
                  .help = "codec of generated pages"),
    DLFW_OPT_I64(struct parquet_options, compression_level, .def = "-1", .min = "-1", .max = "22",
                 .help = "level for gzip (up to 9) and zstd; -1 is the codec's default"),
    DLFW_OPT_LIST(struct parquet_options, select,
                  .help = "names of the columns to read (default: those without read: false, else all of the file)"),
    DLFW_OPT_ENUM(struct parquet_options, decode, .choices = decodes, .def = "raw",
                  .help = "raw: samples are views of the stored bytes; columns: samples are rows of decoded values"),
    DLFW_OPT_ENUM(struct parquet_options, read_mode, .choices = read_modes, .def = "row_group",
                  .help = "what the loader keeps together when it shuffles: the rows of a row group, or of a file; "
                          "default is row_group"),
    DLFW_OPT_STR(struct parquet_options, partition_by, .help = "partitioned data sets are not supported: leave it out"),
    UNBOUND(DLFW_TYPE_BOOL, "use_s3dlio_gen",
            .help = "accepted for DLIO's sake; content is generated in one way, see content.seed"),
    DLFW_OPT_SIZE(struct parquet_options, page_limit, .def = "1GiB", .min = "1",
                  .help = "largest page that is decompressed"),
    DLFW_OPT_SIZE(struct parquet_options, footer_cache, .def = "256MiB",
                  .help = "memory for what is known of files seen before"),
};

uint32_t parquet_codec(const struct parquet_options *o)
{
    static const uint8_t codecs[] = {PARQUET_UNCOMPRESSED, PARQUET_SNAPPY, PARQUET_GZIP, PARQUET_ZSTD};

    return codecs[o->compression];
}

bool parquet_says(dlfw_format *fmt, uint32_t what)
{
    return fmt->host->log && fmt->host->log_level && !(atomic_fetch_or(&fmt->said, what) & what);
}

static void destroy(dlfw_format *fmt)
{
    object_cache_destroy(fmt->footers);
    pthread_mutex_destroy(&fmt->known.lock);
    parquet_columns_free(fmt);
    free(fmt);
}

static dlfw_status check_options(const struct dlfw_format *fmt, dlfw_error *err)
{
    const struct parquet_options *o = fmt->options;

    if (o->partition_by && *o->partition_by)
        return fmt->host->config_fail(fmt->host_ctx, "partition_by",
                                      "partitioned data sets are not supported; leave the key out", err);
    if (parquet_codec(o) == PARQUET_GZIP && o->compression_level > 9)
        return fmt->host->config_fail(fmt->host_ctx, "compression_level", "gzip has levels up to 9", err);
    return DLFW_OK;
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
    pthread_mutex_init(&fmt->known.lock, NULL);
    fmt->footers = object_cache_create(fmt->options->footer_cache);
    st = fmt->footers ? check_options(fmt, err)
                      : dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for format '%s'", args->instance);
    if (st >= 0)
        st = parquet_columns_init(fmt, err);
    if (st < 0) {
        destroy(fmt);
        return st;
    }
    *ret = fmt;
    return DLFW_OK;
}

static const dlfw_format_ops ops = {
    .struct_size = sizeof(dlfw_format_ops),
    .thread_class = DLFW_THREADS_PER_QUEUE,
    .extension = "parquet",
    .reader_size = sizeof(struct dlfw_reader),
    .create = create,
    .destroy = destroy,
    .reader_open = parquet_reader_open,
    .reader_close = parquet_reader_close,
    .step = parquet_step,
    .unit_count = parquet_unit_count,
    .unit_info = parquet_unit_info,
    .consume = parquet_consume,
    .decode = parquet_decode,
    .file_size = parquet_file_size,
    .encode = parquet_encode,
    .unit_samples = parquet_unit_samples,
    .describe = parquet_describe,
};

static const dlfw_iface iface = {
    .struct_size = sizeof(dlfw_iface),
    .kind = DLFW_KIND_FORMAT,
    .name = "parquet",
    .summary = "Parquet files, by row group and column",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .options_size = sizeof(struct parquet_options),
    .ops = &ops,
};

static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("0.1.0", "format=parquet\n", .id = "org.dlfw.format-parquet", .license = "Apache-2.0",
            .summary = "reads and generates Parquet files", .url = "", .ifaces = ifaces);
