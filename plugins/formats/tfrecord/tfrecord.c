/* SPDX-License-Identifier: Apache-2.0 */
/* The tfrecord format's plugin object: files of framed records, each a tf.train.Example, and their indexes. */
#include "tfrecord.h"

#include "record_plan.h"
#include "tfrecord_reader.h"

#include <stdlib.h>
#include <string.h>

#define TABLES_BYTES ((uint64_t)64 << 20)

static const char *const payloads[] = {"example", "raw", NULL};
static const char *const layouts[] = {"auto", "uniform", "scan", "indexed", NULL};
static const char *const indexes[] = {"dali", "binary", "both", "none", NULL};

static const dlfw_option options[] = {
    DLFW_OPT_STR(struct tfrecord_options, feature, .def = "image",
                 .help = "bytes feature of the Example that is the sample"),
    DLFW_OPT_ENUM(struct tfrecord_options, payload, .choices = payloads, .def = "example",
                  .help = "what a record holds: example (a tf.train.Example) or raw (the sample and nothing else)"),
    DLFW_OPT_ENUM(struct tfrecord_options, layout, .choices = layouts, .def = "auto",
                  .help = "how the places of records are found: uniform (equally long), scan, indexed, or auto "
                          "(uniform where the file size allows it, else scan)"),
    DLFW_OPT_ENUM(struct tfrecord_options, index, .choices = indexes, .def = "dali",
                  .help = "index files to generate and, with layout: indexed, to read: dali (text), binary, both or "
                          "none"),
    DLFW_OPT_STR(struct tfrecord_options, binary_suffix, .def = ".idx",
                 .help = "what follows the file's name in the name of its binary index, which lies beside it"),
};

static void add_side(dlfw_format *fmt, bool binary)
{
    uint32_t i = fmt->side_count++;

    fmt->side_rows[i] = (dlfw_side){
        .struct_size = sizeof(dlfw_side),
        .folder = binary ? NULL : "index",
        .suffix = binary ? fmt->options->binary_suffix : ".idx",
        .summary = binary ? "index: offset and length of each record as 64-bit numbers" : "index: DALI's text",
    };
    fmt->sides[i] = &fmt->side_rows[i];
    fmt->side_is_binary[i] = binary;
}

uint32_t tfrecord_index_side(const dlfw_format *fmt)
{
    return fmt->options->layout == LAYOUT_INDEXED && fmt->side_count ? fmt->side_count - 1 : UINT32_MAX;
}

static void choose_sides(dlfw_format *fmt)
{
    const uint32_t index = fmt->options->index;

    if (index == INDEX_DALI || index == INDEX_BOTH)
        add_side(fmt, false);
    if (index == INDEX_BINARY || index == INDEX_BOTH)
        add_side(fmt, true);
    if (tfrecord_index_side(fmt) != UINT32_MAX)
        fmt->side_rows[tfrecord_index_side(fmt)].flags = DLFW_SIDE_READ;
}

static dlfw_status check_options(const dlfw_create_args *args, dlfw_error *err)
{
    const struct tfrecord_options *o = args->options;
    const dlfw_host *host = args->host;

    if (!o->feature || !*o->feature || strlen(o->feature) > FEATURE_NAME_MAX)
        return host->config_fail(args->host_ctx, "feature", "the name of a feature has 1 to 128 bytes", err);
    if (!o->binary_suffix || !*o->binary_suffix || strchr(o->binary_suffix, '/'))
        return host->config_fail(args->host_ctx, "binary_suffix", "a suffix such as '.idx' is needed, without a slash",
                                 err);
    if (o->layout == LAYOUT_INDEXED && o->index == INDEX_NONE)
        return host->config_fail(args->host_ctx, "layout",
                                 "'indexed' needs an index to read; set index: dali or binary", err);
    return DLFW_OK;
}

static dlfw_status create(const dlfw_create_args *args, dlfw_format **ret, dlfw_error *err)
{
    dlfw_status st = check_options(args, err);
    struct dlfw_format *fmt;

    if (st < 0)
        return st;
    fmt = calloc(1, sizeof *fmt);
    if (fmt)
        fmt->tables =
            object_cache_create(args->max_memory && args->max_memory < TABLES_BYTES ? args->max_memory : TABLES_BYTES);
    if (!fmt || !fmt->tables) {
        free(fmt);
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for format '%s'", args->instance);
    }
    fmt->host = args->host;
    fmt->options = args->options;
    fmt->feature_len = (uint32_t)strlen(fmt->options->feature);
    choose_sides(fmt);
    *ret = fmt;
    return DLFW_OK;
}

static void destroy(dlfw_format *fmt)
{
    object_cache_destroy(fmt->tables);
    free(fmt);
}

static uint32_t sides(dlfw_format *fmt, const dlfw_side *const **ret)
{
    *ret = fmt->sides;
    return fmt->side_count;
}

/* Only an index makes one record cost its own bytes and nothing else, wherever it lies; a scan needs the whole file. */
static uint64_t unit_samples(dlfw_format *fmt, const dlfw_encode_spec *spec, uint32_t shuffled)
{
    struct record_plan plan;
    uint64_t n;

    if (fmt->options->layout == LAYOUT_SCAN || record_plan(fmt, spec, &plan, NULL) < 0)
        return 0;
    if (fmt->options->layout == LAYOUT_INDEXED && shuffled)
        return 1;
    n = UNIT_BYTES / plan.framed_bytes;
    n = n < spec->samples ? n : spec->samples;
    return n ? n : 1;
}

static const dlfw_format_ops ops = {
    .struct_size = sizeof(dlfw_format_ops),
    .thread_class = DLFW_THREADS_PER_QUEUE,
    .extension = "tfrecord",
    .reader_size = sizeof(struct dlfw_reader),
    .create = create,
    .destroy = destroy,
    .reader_open = tfrecord_reader_open,
    .reader_close = tfrecord_reader_close,
    .step = tfrecord_step,
    .unit_count = tfrecord_unit_count,
    .unit_info = tfrecord_unit_info,
    .consume = tfrecord_consume,
    .decode = tfrecord_decode,
    .file_size = tfrecord_file_size,
    .encode = tfrecord_encode,
    .sides = sides,
    .unit_samples = unit_samples,
    .describe = tfrecord_describe,
    .write_side = tfrecord_write_side,
};

static const dlfw_iface iface = {
    .struct_size = sizeof(dlfw_iface),
    .kind = DLFW_KIND_FORMAT,
    .name = "tfrecord",
    .summary = "TFRecord files of tf.train.Example",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .options_size = sizeof(struct tfrecord_options),
    .ops = &ops,
};

static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("0.1.0", "format=tfrecord\n", .id = "org.dlfw.format-tfrecord", .license = "Apache-2.0",
            .summary = "reads and generates TFRecord files and their indexes", .url = "", .ifaces = ifaces);
