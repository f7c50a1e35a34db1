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
    for (uint32_t i = 0; i < DLFW_MAX_SIDES; i++) {
        if (m->sides[i])
            memory_sink_free(m->sides[i]);
        free(m->sides[i]);
    }
    *m = (struct memory_sink){0};
}

static uint32_t sides_of(const struct format_driver *d)
{
    const dlfw_side *const *rows = NULL;
    uint32_t n = DLFW_HAS(d->ops, sides) && d->ops->sides ? d->ops->sides(d->fmt, &rows) : 0;

    if (n > DLFW_MAX_SIDES)
        abort();
    return n;
}

void format_read_cut_sides(const struct format_driver *d, struct format_read_args *args)
{
    const uint8_t *p = args->data;
    uint64_t left = args->size;

    args->side_count = sides_of(d);
    for (uint32_t i = 0; i < args->side_count; i++) {
        uint64_t len = left < 2 ? 0 : p[0] | (uint64_t)p[1] << 8;

        p += left < 2 ? left : 2;
        left -= left < 2 ? left : 2;
        len = len < left ? len : left;
        args->sides[i] = (struct format_side){.data = p, .size = len ? len : FORMAT_SIDE_ABSENT};
        p += len;
        left -= len;
    }
    args->data = p;
    args->size = left;
}

uint32_t memory_sink_sides(struct memory_sink *m, const struct format_driver *d)
{
    uint32_t n = sides_of(d);

    for (uint32_t i = 0; i < n; i++) {
        m->sides[i] = malloc(sizeof *m->sides[i]);
        if (!m->sides[i])
            abort();
        memory_sink_init(m->sides[i]);
        m->side_sinks[i] = &m->sides[i]->sink;
    }
    m->sink.sides = n ? m->side_sinks : NULL;
    m->sink.side_count = n;
    return n;
}

void memory_sink_to_read(const struct memory_sink *m, struct format_read_args *args)
{
    args->data = m->data;
    args->size = m->len;
    args->side_count = m->sink.side_count;
    for (uint32_t i = 0; i < args->side_count; i++)
        args->sides[i] = (struct format_side){.data = m->sides[i]->data, .size = m->sides[i]->len};
}
