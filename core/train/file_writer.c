/* SPDX-License-Identifier: Apache-2.0 */
#include "train/file_writer.h"

#include <string.h>

#include "plugin/host_table.h"
#include "plugin/serial_lock.h"

#define KEY_CAP 1024
#define WRITER_DEPTH 8u

dlfw_status file_writer_open(struct file_writer *fw, const struct dataset_access *access, struct buffer_pool *pool,
                             bool durable, dlfw_error *err)
{
    const dlfw_format_ops *ops = &access->format_iface->ops.format;

    *fw = (struct file_writer){.access = access, .pool = pool, .durable = durable};
    if (ops->sides)
        fw->side_count = ops->sides(access->format, &fw->sides);
    return io_queue_create(access->storage, WRITER_DEPTH, &fw->queue, err);
}

static void close_queue(struct io_queue *queue, struct io_stats *into)
{
    if (queue)
        io_stats_merge(into, io_queue_stats(queue));
    io_queue_destroy(queue);
}

void file_writer_close(struct file_writer *fw, struct io_stats *into)
{
    close_queue(fw->queue, into);
    for (uint32_t i = 0; i < DLFW_MAX_SIDES; i++)
        close_queue(fw->side_queues[i], into);
}

static dlfw_status cancellable_window(void *ctx, void **ret, uint64_t *ret_len, dlfw_error *err)
{
    struct file_writer *fw = ctx;

    if (atomic_load_explicit(&host_cancel_level, memory_order_relaxed))
        return dlfw_fail(err, DLFW_E_CANCELLED, "stopped by the user");
    return fw->stream.window(fw->stream.ctx, ret, ret_len, err);
}

static dlfw_status pass_advance(void *ctx, uint64_t n, dlfw_error *err)
{
    struct file_writer *fw = ctx;

    return fw->stream.advance(fw->stream.ctx, n, err);
}

static dlfw_status pass_write(void *ctx, const void *data, uint64_t len, dlfw_error *err)
{
    struct file_writer *fw = ctx;

    return fw->stream.write(fw->stream.ctx, data, len, err);
}

static dlfw_status pass_patch(void *ctx, uint64_t offset, const void *data, uint64_t len, dlfw_error *err)
{
    struct file_writer *fw = ctx;

    return fw->stream.patch(fw->stream.ctx, offset, data, len, err);
}

static dlfw_status open_stream(struct file_writer *fw, struct io_queue *queue, const char *key, uint64_t size,
                               struct stream_writer **ret, dlfw_error *err)
{
    struct stream_writer_args args = {.queue = queue,
                                      .pool = fw->pool,
                                      .key = key,
                                      .size_hint = size == UINT64_MAX ? 0 : size,
                                      .flags = fw->durable ? DLFW_REQ_DURABLE : 0,
                                      .keep_head = true};

    return writer_open(fw->access->storage, &args, ret, err);
}

/* One file and its side objects, while they are written. */
struct object_streams {
    struct stream_writer *main;
    struct stream_writer *sides[DLFW_MAX_SIDES];
    dlfw_sink side_sinks[DLFW_MAX_SIDES];
    const dlfw_sink *side_pointers[DLFW_MAX_SIDES];
};

static dlfw_status open_streams(struct file_writer *fw, const char *key, uint64_t size, struct object_streams *s,
                                dlfw_error *err)
{
    char side_key[KEY_CAP];
    dlfw_status st = open_stream(fw, fw->queue, key, size, &s->main, err);

    for (uint32_t i = 0; i < fw->side_count && st >= 0; i++) {
        dataset_side_key(fw->sides[i], key, side_key, sizeof side_key);
        if (!fw->side_queues[i])
            st = io_queue_create(fw->access->storage, WRITER_DEPTH, &fw->side_queues[i], err);
        if (st >= 0)
            st = open_stream(fw, fw->side_queues[i], side_key, UINT64_MAX, &s->sides[i], err);
        if (st < 0)
            break;
        s->side_sinks[i] = writer_sink(s->sides[i]);
        s->side_pointers[i] = &s->side_sinks[i];
    }
    return st;
}

static void abort_streams(struct object_streams *s)
{
    for (uint32_t i = 0; i < DLFW_MAX_SIDES; i++)
        writer_abort(s->sides[i]);
    writer_abort(s->main);
}

/* The side objects first: a file that is there has all of them. */
static dlfw_status commit_streams(struct object_streams *s, uint64_t *ret_bytes, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;

    *ret_bytes = writer_size(s->main);
    for (uint32_t i = 0; i < DLFW_MAX_SIDES && st >= 0; i++) {
        if (!s->sides[i])
            continue;
        *ret_bytes += writer_size(s->sides[i]);
        st = writer_commit(s->sides[i], err);
        s->sides[i] = NULL;
    }
    if (st >= 0) {
        st = writer_commit(s->main, err);
        s->main = NULL;
    }
    if (st < 0)
        abort_streams(s);
    return st;
}

dlfw_status file_writer_write(struct file_writer *fw, const char *key, const dlfw_encode_spec *spec, uint64_t size,
                              uint64_t *ret_bytes, dlfw_error *err)
{
    struct object_streams streams = {0};
    dlfw_sink sink = {.struct_size = sizeof sink,
                      .ctx = fw,
                      .window = cancellable_window,
                      .advance = pass_advance,
                      .write = pass_write,
                      .patch = pass_patch};
    uint64_t bytes;
    dlfw_status st;

    st = open_streams(fw, key, size, &streams, err);
    if (st < 0)
        goto out;
    fw->stream = writer_sink(streams.main);
    sink.sides = fw->side_count ? streams.side_pointers : NULL;
    sink.side_count = fw->side_count;
    serial_enter(fw->access->format_serial);
    st = fw->access->format_iface->ops.format.encode(fw->access->format, spec, &sink, err);
    serial_leave(fw->access->format_serial);
    bytes = writer_size(streams.main);
    if (st >= 0 && size != UINT64_MAX && bytes != size)
        st = dlfw_fail(err, DLFW_E_INTERNAL, "format '%s' wrote %llu bytes of '%s' but announced %llu",
                       fw->access->format_iface->iface->name, (unsigned long long)bytes, key, (unsigned long long)size);
out:
    if (st < 0) {
        abort_streams(&streams);
        return st;
    }
    return commit_streams(&streams, ret_bytes, err);
}

dlfw_status file_writer_find(struct file_writer *fw, const char *key, uint64_t size, bool *ret, dlfw_error *err)
{
    char side_key[KEY_CAP];
    uint64_t found;
    dlfw_status st;

    *ret = false;
    st = io_stat(fw->queue, key, &found, err);
    if (st >= 0 && size != UINT64_MAX && found != size)
        return DLFW_OK;
    for (uint32_t i = 0; i < fw->side_count && st >= 0; i++) {
        dataset_side_key(fw->sides[i], key, side_key, sizeof side_key);
        st = io_stat(fw->queue, side_key, &found, err);
    }
    *ret = st >= 0;
    return st == DLFW_E_NOT_FOUND ? DLFW_OK : st;
}
