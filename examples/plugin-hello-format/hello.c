/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest data format: an object is one sample, all its bytes as they are. It can only be read. */
#include <stdlib.h>

#include "dlfw/format.h"

struct dlfw_format {
    uint32_t unused; /* an instance needs an address, and this format needs nothing else */
};

struct dlfw_reader {
    const dlfw_object *object;
};

static dlfw_status hello_create(const dlfw_create_args *args, dlfw_format **ret, dlfw_error *reterr)
{
    (void)args;
    *ret = calloc(1, sizeof **ret);
    return *ret ? DLFW_OK : dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate an instance");
}

static void hello_destroy(dlfw_format *format)
{
    free(format);
}

static dlfw_status reader_open(dlfw_format *format, dlfw_reader *reader, const dlfw_object *object, dlfw_error *reterr)
{
    (void)format;
    if (object->size == 0)
        return dlfw_fail(reterr, DLFW_E_CORRUPT, "'%.*s' is empty", (int)object->name_len, object->name);
    reader->object = object;
    return DLFW_OK;
}

static void reader_close(dlfw_reader *reader)
{
    (void)reader;
}

/* The metadata need no bytes; the one unit needs all of them. */
static dlfw_status step(dlfw_reader *reader, uint64_t goal, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                        uint32_t want_cap, uint32_t *n_want, dlfw_error *reterr)
{
    (void)have, (void)want_cap, (void)reterr;
    if (goal == DLFW_GOAL_METADATA || n_have > 0)
        return DLFW_OK;
    want[0] = (dlfw_range){0, reader->object->size};
    *n_want = 1;
    return DLFW_NEED_IO;
}

static uint64_t unit_count(dlfw_reader *reader)
{
    return reader->object->size > 0;
}

static dlfw_status unit_info(dlfw_reader *reader, uint64_t unit, dlfw_unit_info *ret, dlfw_error *reterr)
{
    (void)unit, (void)reterr;
    ret->samples = 1;
    ret->stored_bytes = reader->object->size;
    return DLFW_OK;
}

static dlfw_status decode(dlfw_reader *reader, uint64_t unit, const dlfw_span *have, uint32_t n_have, void *out,
                          dlfw_view *views, uint32_t view_cap, dlfw_error *reterr)
{
    (void)reader, (void)unit, (void)n_have, (void)out, (void)view_cap, (void)reterr;
    views[0] = (dlfw_view){have[0].data, have[0].length, 1, 1, 0};
    return DLFW_OK;
}

static const dlfw_format_ops ops = {
    .struct_size = sizeof ops,
    .extension = "bin",
    .reader_size = sizeof(struct dlfw_reader),
    .create = hello_create,
    .destroy = hello_destroy,
    .reader_open = reader_open,
    .reader_close = reader_close,
    .step = step,
    .unit_count = unit_count,
    .unit_info = unit_info,
    .decode = decode,
};

static const dlfw_iface iface = {
    .struct_size = sizeof iface,
    .kind = DLFW_KIND_FORMAT,
    .name = "hello",
    .summary = "an object is one sample (example)",
    .ops = &ops,
};
static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("1.0.0", "format=hello\n", .id = "org.example.dlfw-hello", .license = "Apache-2.0",
            .summary = "example of a format", .url = "https://example.org", .ifaces = ifaces);
