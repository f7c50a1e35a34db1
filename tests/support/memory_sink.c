/* SPDX-License-Identifier: Apache-2.0 */
/* The sink of the format driver: collects an object in memory, or only what a test of a huge object looks at. */
#include "support/format_driver.h"

#include <stdlib.h>
#include <string.h>

static void append(uint8_t **data, uint64_t *len, uint64_t *cap, const void *more, uint64_t n)
{
    if (*len + n > *cap) {
        *cap = (*len + n) * 2;
        *data = realloc(*data, *cap);
        if (!*data)
            abort();
    }
    memcpy(*data + *len, more, n);
    *len += n;
}

static dlfw_status take(struct memory_sink *m, const void *data, uint64_t n, dlfw_error *err)
{
    if (m->fail_after && m->len + n > m->fail_after)
        return dlfw_fail(err, DLFW_E_NO_SPACE, "the sink is full");
    if (!m->discard) {
        append(&m->data, &m->len, &m->cap, data, n);
        return DLFW_OK;
    }
    if (m->len < DLFW_PATCH_LIMIT) {
        uint64_t kept = m->len, head = DLFW_PATCH_LIMIT - m->len;

        append(&m->data, &kept, &m->cap, data, n < head ? n : head);
    }
    m->len += n;
    return DLFW_OK;
}

static dlfw_status sink_window(void *ctx, void **ret, uint64_t *ret_len, dlfw_error *err)
{
    struct memory_sink *m = ctx;

    (void)err;
    if (!m->window)
        m->window = malloc(m->window_bytes);
    *ret = m->window;
    *ret_len = m->window_bytes;
    return m->window ? DLFW_OK : DLFW_E_NO_MEMORY;
}

static dlfw_status sink_advance(void *ctx, uint64_t n, dlfw_error *err)
{
    struct memory_sink *m = ctx;

    if (n > m->window_bytes)
        abort();
    return take(m, m->window, n, err);
}

static dlfw_status sink_write(void *ctx, const void *data, uint64_t len, dlfw_error *err)
{
    struct memory_sink *m = ctx;

    if (m->discard)
        append(&m->tail, &m->tail_len, &m->tail_cap, data, len);
    return take(m, data, len, err);
}

static dlfw_status sink_patch(void *ctx, uint64_t offset, const void *data, uint64_t len, dlfw_error *err)
{
    struct memory_sink *m = ctx;

    if (offset + len > DLFW_PATCH_LIMIT || offset + len > m->len)
        return dlfw_fail(err, DLFW_E_INVALID, "patch beyond the limit");
    memcpy(m->data + offset, data, len);
    return DLFW_OK;
}

void memory_sink_init(struct memory_sink *m)
{
    *m = (struct memory_sink){.window_bytes = 256 * 1024};
    m->sink = (dlfw_sink){.struct_size = sizeof m->sink,
                          .ctx = m,
                          .window = sink_window,
                          .advance = sink_advance,
                          .write = sink_write,
                          .patch = sink_patch};
}

void memory_sink_free(struct memory_sink *m)
{
    free(m->data);
    free(m->window);
    free(m->tail);
    *m = (struct memory_sink){0};
}
