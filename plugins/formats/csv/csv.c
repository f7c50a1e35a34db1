/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The csv format: a row of numbers per sample, no header. A file is one unit; its text is parsed into the element type
 * as a whole. gzip is recognised by its first bytes, whatever the name, but only looked for when the data set is said
 * to be compressed: the metadata of plain files cost no read.
 */
#include "csv.h"

#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "common/span_set.h"

static const char *const compressions[] = {"none", "gzip", NULL};
static const char *const newlines[] = {"required", "optional", NULL};
#define DTYPE_CHOICE(name, number, bytes, text, descr) [number] = (text),
static const char *const dtypes[] = {"auto", DLFW_DTYPE_LIST(DTYPE_CHOICE) NULL};

static const dlfw_option options[] = {
    DLFW_OPT_ENUM(struct csv_options, dtype, .choices = dtypes, .def = "auto",
                  .help =
                      "element type of the values; auto: that of the data set's samples, float64 where none is known"),
    DLFW_OPT_ENUM(struct csv_options, last_newline, .choices = newlines, .def = "required",
                  .help = "whether the last line must have an end; without it a truncated file looks whole"),
    DLFW_OPT_ENUM(struct csv_options, compression, .choices = compressions, .def = "none",
                  .help = "none or gzip; names end in .csv either way, and gzip is recognised by its first bytes"),
    DLFW_OPT_I64(struct csv_options, compression_level, .def = "-1", .min = "-1", .max = "9",
                 .help = "deflate level for compression: gzip; -1 is zlib's default"),
};

dlfw_status csv_fail(const dlfw_reader *r, dlfw_status status, uint64_t offset, const char *what, dlfw_error *err)
{
    return dlfw_fail(err, status, "'%.*s': %s (at offset %" PRIu64 ")", (int)r->object->name_len, r->object->name, what,
                     offset);
}

dlfw_status csv_fail_at(const dlfw_reader *r, const struct csv_fault *fault, dlfw_error *err)
{
    return dlfw_fail(err, fault->status, "'%.*s':%" PRIu64 ":%" PRIu64 ": %s (at offset %" PRIu64 "%s)",
                     (int)r->object->name_len, r->object->name, fault->line, fault->column, fault->text, fault->offset,
                     r->is_gzip ? " of its text" : "");
}

dlfw_status csv_check_rows(const dlfw_reader *r, uint64_t rows, dlfw_error *err)
{
    if (r->samples > 1 && rows != r->samples)
        return dlfw_fail(
            err, DLFW_E_CORRUPT, "'%.*s': %s: holds %" PRIu64 " rows, the run file says %" PRIu64 " samples",
            (int)r->object->name_len, r->object->name, rows < r->samples ? "truncated" : "too long", rows, r->samples);
    return DLFW_OK;
}

dlfw_status csv_check_plain(const dlfw_reader *r, uint8_t first, dlfw_error *err)
{
    if (first == GZIP_FIRST_BYTE)
        return csv_fail(r, DLFW_E_UNSUPPORTED, 0, "no text, but gzip: set dataset.compression: gzip", err);
    return DLFW_OK;
}

dlfw_status csv_need_inflate(dlfw_reader *r, dlfw_error *err)
{
    if (!r->inflate)
        r->inflate = csv_inflate_create();
    return r->inflate ? DLFW_OK : csv_fail(r, DLFW_E_NO_MEMORY, 0, "out of memory to inflate it", err);
}

static dlfw_status create(const dlfw_create_args *args, dlfw_format **ret, dlfw_error *err)
{
    struct dlfw_format *fmt;

    if (strcmp(localeconv()->decimal_point, ".") != 0)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "format '%s' works in locales whose decimal point is '.' only",
                         args->instance);
    fmt = calloc(1, sizeof *fmt);
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

static dlfw_status reader_open(dlfw_format *fmt, dlfw_reader *r, const dlfw_object *object, dlfw_error *err)
{
    r->fmt = fmt;
    r->object = object;
    r->next = UINT64_MAX;
    r->samples = object->samples ? object->samples : 1;
    r->text_bytes = object->size;
    r->dtype = fmt->options->dtype ? fmt->options->dtype : atomic_load_explicit(&fmt->dtype, memory_order_relaxed);
    if (!r->dtype)
        r->dtype = DLFW_DTYPE_FLOAT64;
    if (!object->size)
        return csv_fail(r, DLFW_E_CORRUPT, 0, "truncated: it is empty", err);
    return DLFW_OK;
}

static void reader_close(dlfw_reader *r)
{
    csv_compare_free(r->compare);
    csv_inflate_free(r->inflate);
}

/* Finds out whether the file is compressed, and how much text it holds. */
static dlfw_status look_for_gzip(dlfw_reader *r, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                                 uint32_t want_cap, uint32_t *n_want, dlfw_error *err)
{
    const uint64_t size = r->object->size;
    uint8_t first[2], last[4];

    if (size < GZIP_MIN_BYTES)
        return DLFW_OK; /* shorter than the shortest gzip file */
    *n_want = span_missing(have, n_have, 0, sizeof first, want, want_cap);
    *n_want += span_missing(have, n_have, size - sizeof last, size, want + *n_want, want_cap - *n_want);
    if (*n_want)
        return DLFW_NEED_IO;
    if (!span_copy(have, n_have, 0, first, sizeof first) ||
        !span_copy(have, n_have, size - sizeof last, last, sizeof last))
        return csv_fail(r, DLFW_E_INVALID, 0, "metadata without the bytes that were asked for", err);
    r->is_gzip = gzip_is_magic(first);
    if (r->is_gzip && !gzip_text_bytes(last, size, &r->text_bytes))
        return csv_fail(r, DLFW_E_CORRUPT, size - sizeof last, "its gzip trailer names more text than it can hold",
                        err);
    return DLFW_OK;
}

static dlfw_status check_unit(const dlfw_reader *r, uint64_t unit, dlfw_error *err)
{
    if (unit != 0)
        return dlfw_fail(err, DLFW_E_INVALID, "'%.*s': unit %" PRIu64 " does not exist: a csv file is one unit",
                         (int)r->object->name_len, r->object->name, unit);
    return DLFW_OK;
}

static dlfw_status step(dlfw_reader *r, uint64_t goal, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                        uint32_t want_cap, uint32_t *n_want, dlfw_error *err)
{
    dlfw_status st;

    *n_want = 0;
    if (goal == DLFW_GOAL_METADATA) {
        if (r->fmt->options->compression == CSV_COMPRESSION_NONE && !(r->object->flags & DLFW_OBJECT_EXPLORE))
            return DLFW_OK;
        return look_for_gzip(r, have, n_have, want, want_cap, n_want, err);
    }
    st = check_unit(r, goal, err);
    if (st < 0)
        return st;
    *n_want = span_missing(have, n_have, 0, r->object->size, want, want_cap);
    return *n_want ? DLFW_NEED_IO : DLFW_OK;
}

static uint64_t unit_count(dlfw_reader *r)
{
    (void)r;
    return 1;
}

/* Every value takes a byte and all but the last one a separator. */
static uint64_t most_values(const dlfw_reader *r)
{
    return r->text_bytes / 2 + 1;
}

static dlfw_status unit_info(dlfw_reader *r, uint64_t unit, dlfw_unit_info *ret, dlfw_error *err)
{
    dlfw_status st = check_unit(r, unit, err);

    if (st < 0)
        return st;
    ret->flags = 0;
    ret->first_sample = 0;
    ret->samples = r->samples;
    ret->stored_bytes = r->object->size;
    ret->out_bytes = most_values(r) * csv_item_bytes(r->dtype);
    return DLFW_OK;
}

struct parsing {
    struct csv_parse parse;
    struct csv_fault fault;
};

static dlfw_status parse_text(void *ctx, const uint8_t *text, uint64_t len)
{
    struct parsing *p = ctx;

    return csv_parse_feed(&p->parse, text, len, &p->fault);
}

static dlfw_status parse_file(dlfw_reader *r, const uint8_t *data, struct parsing *p, dlfw_error *err)
{
    const uint64_t size = r->object->size;
    const char *wrong = NULL;
    dlfw_status st;

    if (r->is_gzip) {
        st = csv_need_inflate(r, err);
        if (st < 0)
            return st;
        csv_inflate_begin(r->inflate, r->text_bytes);
        wrong = csv_inflate_feed(r->inflate, data, size, parse_text, p, &st);
        if (!wrong && st >= 0)
            wrong = csv_inflate_end(r->inflate);
    } else {
        st = csv_check_plain(r, data[0], err);
        if (st < 0)
            return st;
        st = parse_text(p, data, size);
    }
    if (wrong)
        return csv_fail(r, DLFW_E_CORRUPT, 0, wrong, err);
    if (st >= 0)
        st = csv_parse_end(&p->parse, &p->fault);
    return st < 0 ? csv_fail_at(r, &p->fault, err) : csv_check_rows(r, p->parse.rows, err);
}

static dlfw_status decode(dlfw_reader *r, uint64_t unit, const dlfw_span *have, uint32_t n_have, void *out,
                          dlfw_view *views, uint32_t view_cap, dlfw_error *err)
{
    const uint32_t item = csv_item_bytes(r->dtype);
    struct parsing p = {.parse = {.dtype = r->dtype,
                                  .may_end_open = r->fmt->options->last_newline == CSV_NEWLINE_OPTIONAL,
                                  .out = out,
                                  .out_cap = most_values(r)}};
    const uint8_t *data;
    uint64_t bytes;
    dlfw_status st = check_unit(r, unit, err);

    if (st < 0)
        return st;
    if (view_cap < r->samples || !out)
        return dlfw_fail(err, DLFW_E_BUFFER_TOO_SMALL, "'%.*s': %" PRIu64 " samples and room for %" PRIu32 " views",
                         (int)r->object->name_len, r->object->name, r->samples, out ? view_cap : 0);
    data = span_find(have, n_have, 0, r->object->size);
    if (!data)
        return csv_fail(r, DLFW_E_INVALID, 0, "decode without all bytes in one span", err);
    st = parse_file(r, data, &p, err);
    if (st < 0)
        return st;
    bytes = p.parse.filled * item / r->samples;
    for (uint64_t i = 0; i < r->samples; i++)
        views[i] =
            (dlfw_view){.data = (uint8_t *)out + i * bytes, .bytes = bytes, .item_stride = item, .item_size = item};
    return DLFW_OK;
}

static uint64_t unit_samples(dlfw_format *fmt, const dlfw_encode_spec *spec, uint32_t shuffled)
{
    (void)shuffled;
    atomic_store_explicit(&fmt->dtype, spec->dtype, memory_order_relaxed);
    return 0;
}

static dlfw_status describe(dlfw_reader *r, const dlfw_describe *out, dlfw_error *err)
{
    const bool is_whole = r->next == r->object->size;

    (void)err;
    out->begin(out->ctx, "table", "");
    out->text(out->ctx, "compression", compressions[r->is_gzip]);
    out->number(out->ctx, "text bytes", r->text_bytes);
    if (is_whole)
        out->number(out->ctx, "rows", r->is_parsed ? r->parse.rows : r->newlines + !r->ends_with_newline);
    if (is_whole && r->is_parsed) {
        out->number(out->ctx, "columns", r->parse.columns);
        out->text(out->ctx, "dtype", csv_type_name(r->dtype));
    }
    out->end(out->ctx);
    return DLFW_OK;
}

static const dlfw_format_ops ops = {
    .struct_size = sizeof(dlfw_format_ops),
    .thread_class = DLFW_THREADS_PER_QUEUE,
    .extension = "csv",
    .reader_size = sizeof(struct dlfw_reader),
    .create = create,
    .destroy = destroy,
    .reader_open = reader_open,
    .reader_close = reader_close,
    .step = step,
    .unit_count = unit_count,
    .unit_info = unit_info,
    .consume = csv_consume,
    .decode = decode,
    .file_size = csv_file_size,
    .encode = csv_encode,
    .unit_samples = unit_samples,
    .describe = describe,
};

static const dlfw_iface iface = {
    .struct_size = sizeof(dlfw_iface),
    .kind = DLFW_KIND_FORMAT,
    .name = "csv",
    .summary = "rows of numbers as text, plain or gzip",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .options_size = sizeof(struct csv_options),
    .ops = &ops,
};

static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("0.1.0", "format=csv\n", .id = "org.dlfw.format-csv", .license = "Apache-2.0",
            .summary = "reads and generates tables of numbers as text", .url = "", .ifaces = ifaces);
