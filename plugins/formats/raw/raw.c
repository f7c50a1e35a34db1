/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The raw format: samples back to back and nothing else, for blobs that other programs wrote. All samples of an object
 * have the same length, which is the object's size over their number; sample_bytes states it, so that an object that
 * was cut at a sample's end is noticed too.
 */
#include "dlfw/format.h"

#include "common/array_content.h"
#include "common/span_set.h"

#include <inttypes.h>
#include <stdlib.h>

#define UNIT_BYTES (4u << 20)
#define UNIT_SAMPLES_MAX 65536u

struct raw_options {
    uint64_t sample_bytes;
};

struct dlfw_format {
    const dlfw_host *host;
    const struct raw_options *options;
};

struct dlfw_reader {
    const dlfw_object *object;
    uint64_t samples;
    uint64_t per_unit;
    uint64_t record; /* bytes of a sample */
};

static const dlfw_option options[] = {
    DLFW_OPT_SIZE(struct raw_options, sample_bytes, .def = "0", .min = "0",
                  .help = "bytes of each sample; 0: the file's size over its number of samples"),
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

static uint64_t run_of(uint64_t record)
{
    uint64_t n = record ? UNIT_BYTES / record : 1;

    return n < 1 ? 1 : n > UNIT_SAMPLES_MAX ? UNIT_SAMPLES_MAX : n;
}

/* The length of a sample, from what is known of it. */
static dlfw_status measure(dlfw_reader *r, uint64_t stated, dlfw_error *err)
{
    const dlfw_object *o = r->object;
    const int name_len = (int)o->name_len;

    if (!o->size)
        return dlfw_fail(err, DLFW_E_CORRUPT, "'%.*s': truncated: it is empty", name_len, o->name);
    r->samples = o->samples ? o->samples : stated ? o->size / stated : 1;
    r->record = stated ? stated : o->size / r->samples;
    if (!r->samples || !r->record || o->size / r->samples != r->record || o->size % r->samples) {
        if (stated)
            return dlfw_fail(err, DLFW_E_CORRUPT,
                             "'%.*s': %" PRIu64 " bytes are not %" PRIu64 " samples of %" PRIu64
                             " bytes (raw.sample_bytes): truncated, or another kind of file",
                             name_len, o->name, o->size, r->samples ? r->samples : 1, stated);
        return dlfw_fail(err, DLFW_E_CORRUPT,
                         "'%.*s': %" PRIu64 " bytes are not %" PRIu64
                         " equally long samples: truncated, or another number of samples",
                         name_len, o->name, o->size, r->samples);
    }
    return DLFW_OK;
}

static dlfw_status reader_open(dlfw_format *fmt, dlfw_reader *r, const dlfw_object *object, dlfw_error *err)
{
    dlfw_status st;

    r->object = object;
    st = measure(r, fmt->options->sample_bytes, err);
    if (st < 0)
        return st;
    r->per_unit = DLFW_HAS(object, unit_samples) && object->unit_samples ? object->unit_samples : run_of(r->record);
    if (r->per_unit > r->samples)
        r->per_unit = r->samples;
    return DLFW_OK;
}

static void reader_close(dlfw_reader *r)
{
    (void)r;
}

static uint64_t unit_count(dlfw_reader *r)
{
    return r->samples / r->per_unit + (r->samples % r->per_unit != 0);
}

static dlfw_status unit_info(dlfw_reader *r, uint64_t unit, dlfw_unit_info *ret, dlfw_error *err)
{
    uint64_t left;

    if (unit >= unit_count(r))
        return dlfw_fail(err, DLFW_E_INVALID, "'%.*s': unit %" PRIu64 " does not exist", (int)r->object->name_len,
                         r->object->name, unit);
    ret->flags = 0;
    ret->first_sample = unit * r->per_unit;
    left = r->samples - ret->first_sample;
    ret->samples = left < r->per_unit ? left : r->per_unit;
    ret->stored_bytes = ret->samples * r->record;
    ret->out_bytes = 0;
    return DLFW_OK;
}

static dlfw_status step(dlfw_reader *r, uint64_t goal, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                        uint32_t want_cap, uint32_t *n_want, dlfw_error *err)
{
    dlfw_unit_info info = {.struct_size = sizeof info};
    dlfw_status st;

    *n_want = 0;
    if (goal == DLFW_GOAL_METADATA)
        return DLFW_OK;
    st = unit_info(r, goal, &info, err);
    if (st < 0)
        return st;
    *n_want = span_missing(have, n_have, info.first_sample * r->record,
                           info.first_sample * r->record + info.stored_bytes, want, want_cap);
    return *n_want ? DLFW_NEED_IO : DLFW_OK;
}

static dlfw_status consume(dlfw_reader *r, uint64_t unit, const dlfw_span *piece, dlfw_payload *ret, dlfw_error *err)
{
    (void)r;
    (void)unit;
    (void)err;
    ret->data = piece->data;
    ret->content_offset = piece->offset;
    ret->length = piece->length;
    return DLFW_OK;
}

static dlfw_status decode(dlfw_reader *r, uint64_t unit, const dlfw_span *have, uint32_t n_have, void *out,
                          dlfw_view *views, uint32_t view_cap, dlfw_error *err)
{
    dlfw_unit_info info = {.struct_size = sizeof info};
    const uint8_t *data;
    dlfw_status st = unit_info(r, unit, &info, err);

    (void)out;
    if (st < 0)
        return st;
    if (view_cap < info.samples)
        return dlfw_fail(err, DLFW_E_BUFFER_TOO_SMALL, "'%.*s': %" PRIu64 " samples and room for %" PRIu32 " views",
                         (int)r->object->name_len, r->object->name, info.samples, view_cap);
    data = span_find(have, n_have, info.first_sample * r->record, info.stored_bytes);
    if (!data)
        return dlfw_fail(err, DLFW_E_INVALID, "'%.*s': decode without all bytes of the unit", (int)r->object->name_len,
                         r->object->name);
    for (uint64_t i = 0; i < info.samples; i++)
        views[i] = (dlfw_view){.data = data + i * r->record, .bytes = r->record, .item_stride = 1, .item_size = 1};
    return DLFW_OK;
}

static dlfw_status file_size(dlfw_format *fmt, const dlfw_encode_spec *spec, uint64_t *ret, dlfw_error *err)
{
    struct array_plan plan;
    dlfw_status st = array_plan(spec, &plan, err);
    const uint64_t stated = fmt->options->sample_bytes;

    if (st < 0)
        return st;
    if (stated && stated != plan.payload_bytes / spec->samples)
        return dlfw_fail(err, DLFW_E_CONFIG,
                         "samples of %" PRIu64 " bytes are to be generated where raw.sample_bytes says %" PRIu64,
                         plan.payload_bytes / spec->samples, stated);
    *ret = plan.payload_bytes;
    return DLFW_OK;
}

static dlfw_status encode(dlfw_format *fmt, const dlfw_encode_spec *spec, const dlfw_sink *sink, dlfw_error *err)
{
    uint64_t bytes = 0;
    dlfw_status st = file_size(fmt, spec, &bytes, err);

    if (st < 0)
        return st;
    return array_write_content(fmt->host, spec, bytes, sink, NULL, err);
}

static uint64_t unit_samples(dlfw_format *fmt, const dlfw_encode_spec *spec, uint32_t shuffled)
{
    struct array_plan plan;
    uint64_t n;

    (void)fmt;
    if (shuffled || array_plan(spec, &plan, NULL) < 0)
        return 1;
    n = run_of(plan.payload_bytes / spec->samples);
    return n < spec->samples ? n : spec->samples;
}

static dlfw_status describe(dlfw_reader *r, const dlfw_describe *out, dlfw_error *err)
{
    (void)err;
    out->begin(out->ctx, "records", "");
    out->number(out->ctx, "count", r->samples);
    out->number(out->ctx, "bytes", r->record);
    out->end(out->ctx);
    return DLFW_OK;
}

static const dlfw_format_ops ops = {
    .struct_size = sizeof(dlfw_format_ops),
    .thread_class = DLFW_THREADS_PER_QUEUE,
    .caps = DLFW_FORMAT_SAMPLE_RANGES,
    .extension = "raw",
    .reader_size = sizeof(struct dlfw_reader),
    .create = create,
    .destroy = destroy,
    .reader_open = reader_open,
    .reader_close = reader_close,
    .step = step,
    .unit_count = unit_count,
    .unit_info = unit_info,
    .consume = consume,
    .decode = decode,
    .file_size = file_size,
    .encode = encode,
    .unit_samples = unit_samples,
    .describe = describe,
};

static const dlfw_iface iface = {
    .struct_size = sizeof(dlfw_iface),
    .kind = DLFW_KIND_FORMAT,
    .name = "raw",
    .summary = "equally long samples back to back, without any structure",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .options_size = sizeof(struct raw_options),
    .ops = &ops,
};

static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("0.1.0", "format=raw\n", .id = "org.dlfw.format-raw", .license = "Apache-2.0",
            .summary = "reads and generates files of bare samples", .url = "", .ifaces = ifaces);
