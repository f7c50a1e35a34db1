/* SPDX-License-Identifier: Apache-2.0 */
/* The sink of tests: one growing array; it notes what a format does against the rules instead of hiding it. */
#include "fake_sink.h"

#include <stdlib.h>
#include <string.h>

static dlfw_status begin_call(struct fake_sink *sink, dlfw_error *reterr)
{
    if (++sink->calls == sink->fail_at)
        return dlfw_fail(reterr, DLFW_E_NO_SPACE, "the sink fails on purpose");
    return DLFW_OK;
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
    if (n > sink->offered) {
        sink->misuse = "advance() beyond the window";
        return dlfw_fail(reterr, DLFW_E_INVALID, "advance beyond the window");
    }
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
    if (len > DLFW_PATCH_LIMIT || offset > DLFW_PATCH_LIMIT - len || offset + len > sink->len) {
        sink->misuse = "patch() outside the bytes that may be patched";
        return dlfw_fail(reterr, DLFW_E_INVALID, "patch outside the bytes that may be patched");
    }
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

void fake_sink_reset(struct fake_sink *sink)
{
    sink->len = 0;
    sink->calls = 0;
    sink->offered = 0;
    sink->misuse = NULL;
}

void fake_sink_free(struct fake_sink *sink)
{
    free(sink->data);
    sink->data = NULL;
    sink->cap = 0;
    sink->len = 0;
}
