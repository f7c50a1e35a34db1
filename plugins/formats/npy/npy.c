/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The npy format: one NumPy array per file, nothing around it. The unit is the whole file, so no metadata are read
 * ahead; the header is checked with the first bytes that arrive. The format carries no checksum: what can be verified
 * is that header and file size agree.
 */
#include "dlfw/format.h"

#include "common/array_content.h"
#include "common/byte_carry.h"
#include "common/npy_describe.h"
#include "common/npy_describe.h"
#include "common/npy_samples.h"
#include "common/span_set.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#define EXPLORE_BYTES 256u /* holds the header of nearly every file */

struct dlfw_format {
    const dlfw_host *host;
};

struct dlfw_reader {
    const dlfw_object *object;
    uint64_t samples;
    uint64_t next;  /* offset of the next byte that consume() expects */
    bool has_array; /* array is complete and fits the file */
    struct npy_header array;
    struct byte_carry carry;
};

static dlfw_status fail(const dlfw_reader *r, dlfw_status status, uint64_t offset, const char *what, dlfw_error *err)
{
    return dlfw_fail(err, status, "'%.*s': %s (at offset %" PRIu64 ")", (int)r->object->name_len, r->object->name, what,
                     offset);
}

static dlfw_status create(const dlfw_create_args *args, dlfw_format **ret, dlfw_error *err)
{
    struct dlfw_format *fmt = calloc(1, sizeof *fmt);

    if (!fmt)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for format '%s'", args->instance);
    fmt->host = args->host;
    *ret = fmt;
    return DLFW_OK;
}

static void destroy(dlfw_format *fmt)
{
    free(fmt);
}

static dlfw_status reader_open(dlfw_format *fmt, dlfw_reader *r, const dlfw_object *object, dlfw_error *err)
{
    (void)fmt;
    (void)err;
    r->object = object;
    r->samples = npy_sample_count(object->samples);
    r->next = UINT64_MAX;
    return DLFW_OK;
}

static void reader_close(dlfw_reader *r)
{
    byte_carry_free(&r->carry);
}

static dlfw_status check_unit(const dlfw_reader *r, uint64_t unit, dlfw_error *err)
{
    if (unit != 0)
        return dlfw_fail(err, DLFW_E_INVALID, "'%.*s': unit %" PRIu64 " does not exist: an npy file is one unit",
                         (int)r->object->name_len, r->object->name, unit);
    return DLFW_OK;
}

/* A complete header against the file and the run. */
static dlfw_status check_array(dlfw_reader *r, dlfw_error *err)
{
    const uint64_t held = r->object->size - r->array.header_bytes;
    struct npy_reason reason;
    dlfw_status st;

    if (held != r->array.payload_bytes)
        return dlfw_fail(err, DLFW_E_CORRUPT,
                         "'%.*s': %s: its array takes %" PRIu64 " bytes, the file holds %" PRIu64
                         " from offset %" PRIu64 " on",
                         (int)r->object->name_len, r->object->name,
                         held < r->array.payload_bytes ? "truncated" : "bytes behind the array", r->array.payload_bytes,
                         held, r->array.header_bytes);
    st = npy_samples_check(&r->array, r->samples, &reason);
    if (st < 0)
        return fail(r, st, 0, reason.text, err);
    r->has_array = true;
    return DLFW_OK;
}

/* The next bytes of the file; those of the header are collected until it is complete. */
static dlfw_status feed(dlfw_reader *r, const uint8_t *data, uint64_t len, dlfw_error *err)
{
    while (!r->has_array) {
        struct npy_reason reason;
        dlfw_status st = npy_header_parse(byte_carry_data(&r->carry), r->carry.len, &r->array, &reason);

        if (st < 0)
            return fail(r, st, 0, reason.text, err);
        if (st == DLFW_OK)
            return check_array(r, err);
        if (r->array.header_bytes > r->object->size)
            return fail(r, DLFW_E_CORRUPT, r->object->size, "truncated inside the array header", err);
        if (!len)
            return DLFW_OK;
        if (byte_carry_take(&r->carry, r->array.header_bytes, &data, &len) < 0)
            return fail(r, DLFW_E_NO_MEMORY, 0, "out of memory for a long header", err);
    }
    return DLFW_OK;
}

/* The header alone, for people: nobody else needs it before the rest of the file. */
static dlfw_status explore(dlfw_reader *r, const dlfw_span *have, uint32_t n_have, dlfw_range *want, uint32_t *n_want,
                           dlfw_error *err)
{
    uint64_t end;

    if (r->has_array)
        return DLFW_OK;
    byte_carry_clear(&r->carry);
    for (uint32_t i = 0; i < n_have && !r->has_array; i++) {
        uint64_t skip = r->carry.len - have[i].offset;
        dlfw_status st;

        if (have[i].offset > r->carry.len || skip >= have[i].length)
            continue;
        st = feed(r, (const uint8_t *)have[i].data + skip, have[i].length - skip, err);
        if (st < 0)
            return st;
    }
    if (r->has_array)
        return DLFW_OK;
    end = r->array.header_bytes > EXPLORE_BYTES ? r->array.header_bytes : EXPLORE_BYTES;
    end = end < r->object->size ? end : r->object->size;
    if (end <= r->carry.len)
        return fail(r, DLFW_E_CORRUPT, r->object->size, "truncated inside the array header", err);
    want[0] = (dlfw_range){.offset = r->carry.len, .length = end - r->carry.len};
    *n_want = 1;
    return DLFW_NEED_IO;
}

static dlfw_status step(dlfw_reader *r, uint64_t goal, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                        uint32_t want_cap, uint32_t *n_want, dlfw_error *err)
{
    dlfw_status st;

    *n_want = 0;
    if (goal == DLFW_GOAL_METADATA) {
        if (r->object->size < NPY_MIN_BYTES)
            return dlfw_fail(err, DLFW_E_CORRUPT,
                             "'%.*s': %" PRIu64 " bytes are too few for an npy file: it is truncated",
                             (int)r->object->name_len, r->object->name, r->object->size);
        return r->object->flags & DLFW_OBJECT_EXPLORE ? explore(r, have, n_have, want, n_want, err) : DLFW_OK;
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

static dlfw_status unit_info(dlfw_reader *r, uint64_t unit, dlfw_unit_info *ret, dlfw_error *err)
{
    dlfw_status st = check_unit(r, unit, err);

    if (st < 0)
        return st;
    ret->flags = 0;
    ret->first_sample = 0;
    ret->samples = r->samples;
    ret->stored_bytes = r->object->size;
    ret->out_bytes = 0;
    return DLFW_OK;
}

static dlfw_status consume(dlfw_reader *r, uint64_t unit, const dlfw_span *piece, dlfw_payload *ret, dlfw_error *err)
{
    const uint64_t end = piece->offset + piece->length;
    uint64_t skip;
    dlfw_status st;

    st = check_unit(r, unit, err);
    if (st < 0)
        return st;
    if (!piece->length)
        return DLFW_OK;
    if (piece->offset == 0) {
        byte_carry_clear(&r->carry);
        r->has_array = false;
        r->next = 0;
    }
    if (piece->offset != r->next)
        return dlfw_fail(err, DLFW_E_INVALID, "'%.*s': piece at offset %" PRIu64 " where %" PRIu64 " is the next one",
                         (int)r->object->name_len, r->object->name, piece->offset, r->next);
    st = feed(r, piece->data, piece->length, err);
    r->next = st < 0 ? UINT64_MAX : end;
    if (st < 0 || !r->has_array || end <= r->array.header_bytes)
        return st;
    skip = piece->offset < r->array.header_bytes ? r->array.header_bytes - piece->offset : 0;
    ret->data = (const uint8_t *)piece->data + skip;
    ret->content_offset = piece->offset + skip - r->array.header_bytes;
    ret->length = piece->length - skip;
    return DLFW_OK;
}

static dlfw_status decode(dlfw_reader *r, uint64_t unit, const dlfw_span *have, uint32_t n_have, void *out,
                          dlfw_view *views, uint32_t view_cap, dlfw_error *err)
{
    const uint8_t *data;
    dlfw_status st;

    (void)out;
    st = check_unit(r, unit, err);
    if (st < 0)
        return st;
    if (view_cap < r->samples)
        return dlfw_fail(err, DLFW_E_BUFFER_TOO_SMALL, "'%.*s': %" PRIu64 " samples and room for %" PRIu32 " views",
                         (int)r->object->name_len, r->object->name, r->samples, view_cap);
    data = span_find(have, n_have, 0, r->object->size);
    if (!data)
        return fail(r, DLFW_E_INVALID, 0, "decode without all bytes in one span", err);
    if (!r->has_array) {
        byte_carry_clear(&r->carry);
        st = feed(r, data, r->object->size, err);
        if (st < 0)
            return st;
    }
    npy_samples_view(&r->array, r->samples, data + r->array.header_bytes, views);
    return DLFW_OK;
}

static dlfw_status describe(dlfw_reader *r, const dlfw_describe *out, dlfw_error *err)
{
    (void)err;
    out->begin(out->ctx, "array", "");
    if (r->has_array)
        npy_describe(&r->array, out);
    out->end(out->ctx);
    return DLFW_OK;
}

static dlfw_status file_size(dlfw_format *fmt, const dlfw_encode_spec *spec, uint64_t *ret, dlfw_error *err)
{
    struct array_plan plan;
    dlfw_status st = array_plan(spec, &plan, err);

    (void)fmt;
    if (st < 0)
        return st;
    *ret = plan.header_len + plan.payload_bytes;
    return DLFW_OK;
}

static dlfw_status encode(dlfw_format *fmt, const dlfw_encode_spec *spec, const dlfw_sink *sink, dlfw_error *err)
{
    struct array_plan plan;
    dlfw_status st = array_plan(spec, &plan, err);

    if (st < 0)
        return st;
    st = sink->write(sink->ctx, plan.header, plan.header_len, err);
    if (st < 0)
        return st;
    return array_write_content(fmt->host, spec, plan.payload_bytes, sink, NULL, err);
}

static const dlfw_format_ops ops = {
    .struct_size = sizeof(dlfw_format_ops),
    .thread_class = DLFW_THREADS_PER_QUEUE,
    .extension = "npy",
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
    .describe = describe,
};

static const dlfw_iface iface = {
    .struct_size = sizeof(dlfw_iface),
    .kind = DLFW_KIND_FORMAT,
    .name = "npy",
    .summary = "single NumPy arrays (np.save)",
    .ops = &ops,
};

static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("0.1.0", "format=npy\n", .id = "org.dlfw.format-npy", .license = "Apache-2.0",
            .summary = "reads and generates NumPy .npy files", .url = "", .ifaces = ifaces);
