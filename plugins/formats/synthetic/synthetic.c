/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The synthetic format: a file names samples instead of holding them. It is one line of text, "object samples bytes",
 * and the samples that it stands for are zeros made in memory: the cost of storage is left out, that of everything else
 * stays. The reference writes nothing but the number of the file; such files are read when sample_bytes is set.
 */
#include "dlfw/format.h"

#include "common/array_content.h"
#include "common/span_set.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 80u /* three numbers of 20 digits, two spaces, a newline */

struct synthetic_options {
    uint64_t sample_bytes;
};

struct dlfw_format {
    const struct synthetic_options *options;
};

struct dlfw_reader {
    const dlfw_format *fmt;
    const dlfw_object *object;
    uint64_t samples;
    uint64_t sample_bytes;
    uint64_t number; /* of the object */
};

static const dlfw_option options[] = {
    DLFW_OPT_SIZE(struct synthetic_options, sample_bytes, .def = "0", .min = "0",
                  .help = "bytes of each sample of files that hold nothing but a number"),
};

static dlfw_status create(const dlfw_create_args *args, dlfw_format **ret, dlfw_error *err)
{
    struct dlfw_format *fmt = calloc(1, sizeof *fmt);

    if (!fmt)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for format '%s'", args->instance);
    fmt->options = args->options;
    *ret = fmt;
    return DLFW_OK;
}

static void destroy(dlfw_format *fmt)
{
    free(fmt);
}

static dlfw_status fail(const dlfw_reader *r, dlfw_status status, uint64_t offset, const char *what, dlfw_error *err)
{
    return dlfw_fail(err, status, "'%.*s': %s (at offset %" PRIu64 ")", (int)r->object->name_len, r->object->name, what,
                     offset);
}

static dlfw_status reader_open(dlfw_format *fmt, dlfw_reader *r, const dlfw_object *object, dlfw_error *err)
{
    r->fmt = fmt;
    r->object = object;
    if (!object->size || object->size > LINE_MAX_BYTES)
        return dlfw_fail(err, DLFW_E_CORRUPT, "'%.*s': %" PRIu64 " bytes are no synthetic file: it is one line of text",
                         (int)object->name_len, object->name, object->size);
    return DLFW_OK;
}

static void reader_close(dlfw_reader *r)
{
    (void)r;
}

/* A decimal number without sign, leading zero or overflow; NULL when there is none. */
static const char *number_at(const char *p, const char *end, uint64_t *ret)
{
    const char *begin = p;

    *ret = 0;
    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        const uint64_t digit = (uint64_t)(*p - '0');

        if (*ret > (UINT64_MAX - digit) / 10)
            return NULL;
        *ret = *ret * 10 + digit;
    }
    return p == begin || (*begin == '0' && p > begin + 1) ? NULL : p;
}

static dlfw_status parse(dlfw_reader *r, const char *text, uint64_t len, dlfw_error *err)
{
    const char *end = text + len, *p = number_at(text, end, &r->number);
    const uint64_t told = r->object->samples;
    uint64_t bytes = 0;

    if (!p)
        return fail(r, DLFW_E_CORRUPT, 0, "no number, so no synthetic file", err);
    if (p == end) {
        r->samples = told ? told : 1;
        r->sample_bytes = r->fmt->options->sample_bytes;
        if (!r->sample_bytes)
            return fail(r, DLFW_E_CORRUPT, len,
                        "the length of samples is missing: truncated, or written by another program; then set "
                        "synthetic.sample_bytes",
                        err);
    } else {
        if (*p == ' ')
            p = number_at(p + 1, end, &r->samples);
        if (p && p < end && *p == ' ')
            p = number_at(p + 1, end, &r->sample_bytes);
        if (!p || p + 1 != end || *p != '\n' || !r->samples || !r->sample_bytes)
            return fail(r, DLFW_E_CORRUPT, p ? (uint64_t)(p - text) : 0, "not of the form 'object samples bytes'", err);
    }
    if (told && told != r->samples)
        return dlfw_fail(err, DLFW_E_CORRUPT, "'%.*s': holds %" PRIu64 " samples, the run file says %" PRIu64,
                         (int)r->object->name_len, r->object->name, r->samples, told);
    if (__builtin_mul_overflow(r->samples, r->sample_bytes, &bytes) || bytes > INT64_MAX || r->samples > UINT32_MAX)
        return fail(r, DLFW_E_CORRUPT, 0, "more samples than any memory can hold", err);
    return DLFW_OK;
}

static dlfw_status step(dlfw_reader *r, uint64_t goal, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                        uint32_t want_cap, uint32_t *n_want, dlfw_error *err)
{
    char line[LINE_MAX_BYTES];

    *n_want = span_missing(have, n_have, 0, r->object->size, want, want_cap);
    if (*n_want)
        return DLFW_NEED_IO;
    if (goal != DLFW_GOAL_METADATA)
        return DLFW_OK;
    if (!span_copy(have, n_have, 0, line, r->object->size))
        return fail(r, DLFW_E_INVALID, 0, "the line was not read", err);
    return parse(r, line, r->object->size, err);
}

static uint64_t unit_count(dlfw_reader *r)
{
    (void)r;
    return 1;
}

static dlfw_status check_unit(const dlfw_reader *r, uint64_t unit, dlfw_error *err)
{
    if (unit != 0)
        return dlfw_fail(err, DLFW_E_INVALID, "'%.*s': unit %" PRIu64 " does not exist: a synthetic file is one unit",
                         (int)r->object->name_len, r->object->name, unit);
    return DLFW_OK;
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
    ret->out_bytes = r->samples * r->sample_bytes;
    return DLFW_OK;
}

static dlfw_status decode(dlfw_reader *r, uint64_t unit, const dlfw_span *have, uint32_t n_have, void *out,
                          dlfw_view *views, uint32_t view_cap, dlfw_error *err)
{
    dlfw_status st = check_unit(r, unit, err);

    (void)have;
    (void)n_have;
    if (st < 0)
        return st;
    if (view_cap < r->samples || !out)
        return dlfw_fail(err, DLFW_E_BUFFER_TOO_SMALL, "'%.*s': %" PRIu64 " samples and room for %" PRIu32 " views",
                         (int)r->object->name_len, r->object->name, r->samples, out ? view_cap : 0);
    memset(out, 0, r->samples * r->sample_bytes);
    for (uint64_t i = 0; i < r->samples; i++)
        views[i] = (dlfw_view){
            .data = (uint8_t *)out + i * r->sample_bytes, .bytes = r->sample_bytes, .item_stride = 1, .item_size = 1};
    return DLFW_OK;
}

static dlfw_status compose(const dlfw_encode_spec *spec, char line[LINE_MAX_BYTES], uint64_t *ret_len, dlfw_error *err)
{
    struct array_plan plan;
    dlfw_status st = array_plan(spec, &plan, err);

    if (st < 0)
        return st;
    if (!plan.payload_bytes || spec->samples > UINT32_MAX)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "samples without bytes, or more than 2^32 of them, are not written");
    *ret_len = (uint64_t)snprintf(line, LINE_MAX_BYTES, "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", spec->object,
                                  spec->samples, plan.payload_bytes / spec->samples);
    return DLFW_OK;
}

static dlfw_status file_size(dlfw_format *fmt, const dlfw_encode_spec *spec, uint64_t *ret, dlfw_error *err)
{
    char line[LINE_MAX_BYTES];

    (void)fmt;
    return compose(spec, line, ret, err);
}

static dlfw_status encode(dlfw_format *fmt, const dlfw_encode_spec *spec, const dlfw_sink *sink, dlfw_error *err)
{
    char line[LINE_MAX_BYTES];
    uint64_t len = 0;
    dlfw_status st = compose(spec, line, &len, err);

    (void)fmt;
    return st < 0 ? st : sink->write(sink->ctx, line, len, err);
}

static dlfw_status describe(dlfw_reader *r, const dlfw_describe *out, dlfw_error *err)
{
    (void)err;
    out->begin(out->ctx, "records", "");
    out->number(out->ctx, "object", r->number);
    out->number(out->ctx, "count", r->samples);
    out->number(out->ctx, "bytes", r->sample_bytes);
    out->text(out->ctx, "payload", "synthetic: zeros that are made in memory");
    out->end(out->ctx);
    return DLFW_OK;
}

static const dlfw_format_ops ops = {
    .struct_size = sizeof(dlfw_format_ops),
    .thread_class = DLFW_THREADS_PER_QUEUE,
    .extension = "synthetic",
    .reader_size = sizeof(struct dlfw_reader),
    .create = create,
    .destroy = destroy,
    .reader_open = reader_open,
    .reader_close = reader_close,
    .step = step,
    .unit_count = unit_count,
    .unit_info = unit_info,
    .decode = decode,
    .file_size = file_size,
    .encode = encode,
    .describe = describe,
};

static const dlfw_iface iface = {
    .struct_size = sizeof(dlfw_iface),
    .kind = DLFW_KIND_FORMAT,
    .name = "synthetic",
    .summary = "files that stand for samples of zeros made in memory",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .options_size = sizeof(struct synthetic_options),
    .ops = &ops,
};

static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("0.1.0", "format=synthetic\n", .id = "org.dlfw.format-synthetic", .license = "Apache-2.0",
            .summary = "reads and generates files whose samples are made in memory", .url = "", .ifaces = ifaces);
