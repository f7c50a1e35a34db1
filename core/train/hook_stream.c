/* SPDX-License-Identifier: Apache-2.0 */
/* Writers and sources of the services: each a place in a shared storage, a writer with a queue of its own while it
 * lives. */
#include <stdlib.h>
#include <string.h>

#include "io/stream_writer.h"
#include "train/hook_storage.h"

#define WRITER_FLAGS (DLFW_REQ_DURABLE | DLFW_REQ_EXCLUSIVE | DLFW_REQ_DROP_CACHE)
#define SINGLE_READ_MAX ((uint64_t)4 << 20) /* more is read with several requests in flight */

struct dlfw_writer {
    struct place place;
    struct io_queue *queue;
    struct stream_writer *writer;
};

struct dlfw_source {
    struct place place;
    uint64_t size;
};

static void writer_end(dlfw_writer *w, bool broken)
{
    if (w->place.shared)
        queue_give(w->place.shared, QUEUE_MOVING, w->queue, broken);
    place_close(&w->place);
    free(w);
}

dlfw_status stream_writer_open(struct service_set *set, const char *uri, uint64_t size_hint, uint32_t flags,
                               dlfw_writer **ret, dlfw_error *err)
{
    dlfw_writer *w = xcalloc(1, sizeof *w);
    struct stream_writer_args args = {.size_hint = size_hint, .flags = (uint16_t)flags};
    dlfw_status st = DLFW_OK;

    if (flags & ~(uint32_t)WRITER_FLAGS)
        st = dlfw_fail(err, DLFW_E_INVALID, "a writer has no flags 0x%x", flags & ~(uint32_t)WRITER_FLAGS);
    if (st >= 0)
        st = place_open(set, uri, PLACE_OBJECT, &w->place, err);
    if (st >= 0)
        st = queue_take(w->place.shared, QUEUE_MOVING, &w->queue, err);
    if (st >= 0)
        st = place_make_root(&w->place, w->queue, err);
    if (st < 0)
        goto out;
    args.queue = w->queue;
    args.pool = w->place.shared->pool;
    args.key = w->place.key;
    st = writer_open(w->place.shared->storage, &args, &w->writer, err);
    if (st < 0)
        goto out;

    *ret = w;
    w = NULL;
out:
    if (w)
        writer_end(w, true);
    return st;
}

dlfw_status stream_writer_append(dlfw_writer *w, const void *data, uint64_t len, dlfw_error *err)
{
    return writer_append(w->writer, data, len, err);
}

dlfw_status stream_writer_window(dlfw_writer *w, void **ret, uint64_t *ret_len, dlfw_error *err)
{
    return writer_window(w->writer, ret, ret_len, err);
}

dlfw_status stream_writer_advance(dlfw_writer *w, uint64_t n, dlfw_error *err)
{
    return writer_advance(w->writer, n, err);
}

dlfw_status stream_writer_commit(dlfw_writer *w, dlfw_error *err)
{
    dlfw_status st = writer_commit(w->writer, err);

    writer_end(w, st < 0);
    return st;
}

void stream_writer_abort(dlfw_writer *w)
{
    writer_abort(w->writer);
    writer_end(w, true);
}

dlfw_status stream_source_open(struct service_set *set, const char *uri, dlfw_source **ret, uint64_t *ret_size,
                               dlfw_error *err)
{
    dlfw_source *s = xcalloc(1, sizeof *s);
    struct io_queue *q = NULL;
    dlfw_status st = place_open(set, uri, PLACE_OBJECT, &s->place, err);

    if (st >= 0)
        st = queue_take(s->place.shared, QUEUE_MOVING, &q, err);
    if (st >= 0)
        st = io_stat(q, s->place.key, &s->size, err);
    if (q)
        queue_give(s->place.shared, QUEUE_MOVING, q, st < 0 && st != DLFW_E_NOT_FOUND);
    if (st < 0)
        goto out;

    *ret_size = s->size;
    *ret = s;
    s = NULL;
out:
    if (s)
        stream_source_close(s);
    return st;
}

/* One request, into the caller's memory where the backend takes any. */
static dlfw_status read_once(dlfw_source *s, uint64_t offset, void *buf, uint64_t len, uint64_t *ret_bytes,
                             dlfw_error *err)
{
    struct shared_storage *shared = s->place.shared;
    struct io_op op = {
        .op = DLFW_OP_GET, .key = s->place.key, .key_len = (uint32_t)strlen(s->place.key), .offset = offset};
    struct io_queue *q = NULL;
    struct buffer b = {0};
    dlfw_limits limits;
    dlfw_status st = storage_limits(shared->storage, op.key, op.key_len, &limits, err);
    bool in_place = limits.mem_align <= 1 && limits.read_offset_align <= 1 && limits.read_length_align <= 1;

    if (st < 0)
        return st;
    op.length = len;
    op.buf = buf;
    op.buf_cap = len;
    if (!in_place) {
        st = pool_take(shared->pool, io_read_cap(&limits, offset, len), false, &b, err);
        op.buf = b.data;
        op.buf_cap = b.cap;
    }
    if (st >= 0)
        st = queue_take(shared, QUEUE_MOVING, &q, err);
    if (st >= 0)
        st = io_call(q, &op, err);
    if (st >= 0 && op.data != buf)
        memcpy(buf, op.data, op.bytes);
    if (st >= 0)
        *ret_bytes = op.bytes;
    queue_give(shared, QUEUE_MOVING, q, st < 0);
    pool_give(shared->pool, &b);
    return st;
}

static dlfw_status copy_piece(void *ctx, const void *data, uint64_t len, dlfw_error *err)
{
    uint8_t **to = ctx;

    (void)err;
    memcpy(*to, data, len);
    *to += len;
    return DLFW_OK;
}

dlfw_status stream_source_read(dlfw_source *s, uint64_t offset, void *buf, uint64_t len, uint64_t *ret_bytes,
                               dlfw_error *err)
{
    uint8_t *to = buf;
    dlfw_status st;

    *ret_bytes = 0;
    if (offset >= s->size || !len)
        return DLFW_OK;
    len = len < s->size - offset ? len : s->size - offset;
    if (len <= SINGLE_READ_MAX)
        return read_once(s, offset, buf, len, ret_bytes, err);
    st = place_scan(&s->place, offset, len, copy_piece, &to, err);
    if (st >= 0)
        *ret_bytes = len;
    return st;
}

dlfw_status stream_source_scan(dlfw_source *s, uint64_t offset, uint64_t length, scan_piece *piece, void *ctx,
                               dlfw_error *err)
{
    return place_scan(&s->place, offset, length, piece, ctx, err);
}

void stream_source_close(dlfw_source *s)
{
    place_close(&s->place);
    free(s);
}
