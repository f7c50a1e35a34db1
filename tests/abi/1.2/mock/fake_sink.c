/* SPDX-License-Identifier: Apache-2.0 */
/* The sink of tests: one growing array; it notes what a format does against the rules instead of hiding it. */
#include "fake_sink.h"

#include <stdlib.h>
#include <string.h>

static dlfw_status begin_call(struct fake_sink *sink, dlfw_error *reterr)
{
    struct fake_sink *owner = sink->owner ? sink->owner : sink;

    if (++owner->calls == owner->fail_at)
        return dlfw_fail(reterr, DLFW_E_NO_SPACE, "the sink fails on purpose");
    return DLFW_OK;
}

static dlfw_status blame(struct fake_sink *sink, const char *misuse, dlfw_error *reterr)
{
    (sink->owner ? sink->owner : sink)->misuse = misuse;
    return dlfw_fail(reterr, DLFW_E_INVALID, "%s", misuse);
}

static dlfw_status reserve(struct fake_sink *sink, uint64_t more, dlfw_error *reterr)
{
    uint64_t cap = sink->cap ? sink->cap : 4096;
    void *data;

    if (more <= sink->cap - sink->len)
        return DLFW_OK;
    while (cap - sink->len < more)
        cap *= 2;
    data = realloc(sink->data, cap);
    if (!data)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "the sink has no memory for %llu bytes", (unsigned long long)cap);
    sink->data = data;
    sink->cap = cap;
    return DLFW_OK;
}

static dlfw_status sink_window(void *ctx, void **ret, uint64_t *ret_len, dlfw_error *reterr)
{
    struct fake_sink *sink = ctx;
    dlfw_status st = begin_call(sink, reterr);

    if (st >= 0)
        st = reserve(sink, sink->window, reterr);
    if (st < 0)
        return st;
    memset(sink->data + sink->len, 0xA5, sink->window);
    sink->offered = sink->window;
    *ret = sink->data + sink->len;
    *ret_len = sink->window;
    return DLFW_OK;
}

static dlfw_status sink_advance(void *ctx, uint64_t n, dlfw_error *reterr)
{
    struct fake_sink *sink = ctx;
    dlfw_status st = begin_call(sink, reterr);

    if (st < 0)
        return st;
    if (n > sink->offered)
        return blame(sink, "advance() beyond the window", reterr);
    sink->len += n;
    sink->offered = 0;
    return DLFW_OK;
}

static dlfw_status sink_write(void *ctx, const void *data, uint64_t len, dlfw_error *reterr)
{
    struct fake_sink *sink = ctx;
    dlfw_status st = begin_call(sink, reterr);

    if (st >= 0)
        st = reserve(sink, len, reterr);
    if (st < 0)
        return st;
    if (len)
        memcpy(sink->data + sink->len, data, len);
    sink->len += len;
    sink->offered = 0;
    return DLFW_OK;
}

static dlfw_status sink_patch(void *ctx, uint64_t offset, const void *data, uint64_t len, dlfw_error *reterr)
{
    struct fake_sink *sink = ctx;
    dlfw_status st = begin_call(sink, reterr);

    if (st < 0)
        return st;
    if (len > DLFW_PATCH_LIMIT || offset > DLFW_PATCH_LIMIT - len || offset + len > sink->len)
        return blame(sink, "patch() outside the bytes that may be patched", reterr);
    if (len)
        memcpy(sink->data + offset, data, len);
    return DLFW_OK;
}

void fake_sink_init(struct fake_sink *sink, uint64_t window)
{
    *sink = (struct fake_sink){
        .table = {.struct_size = (uint32_t)sizeof(dlfw_sink),
                  .ctx = sink,
                  .window = sink_window,
                  .advance = sink_advance,
                  .write = sink_write,
                  .patch = sink_patch},
        .window = window,
    };
}

bool fake_sink_sides(struct fake_sink *sink, uint32_t side_count)
{
    if (!side_count)
        return true;
    sink->sides = calloc(side_count, sizeof *sink->sides);
    if (!sink->sides)
        return false;
    for (uint32_t i = 0; i < side_count; i++) {
        fake_sink_init(&sink->sides[i], sink->window);
        sink->sides[i].owner = sink;
        sink->side_tables[i] = &sink->sides[i].table;
    }
    sink->side_count = side_count;
    sink->table.sides = sink->side_tables;
    sink->table.side_count = side_count;
    return true;
}

void fake_sink_reset(struct fake_sink *sink)
{
    for (uint32_t i = 0; i < sink->side_count; i++)
        fake_sink_reset(&sink->sides[i]);
    sink->len = 0;
    sink->calls = 0;
    sink->offered = 0;
    sink->misuse = NULL;
}

void fake_sink_free(struct fake_sink *sink)
{
    for (uint32_t i = 0; i < sink->side_count; i++)
        fake_sink_free(&sink->sides[i]);
    free(sink->sides);
    free(sink->data);
    sink->sides = NULL;
    sink->side_count = 0;
    sink->table.sides = NULL;
    sink->table.side_count = 0;
    sink->data = NULL;
    sink->cap = 0;
    sink->len = 0;
}
