/* SPDX-License-Identifier: Apache-2.0 */
#include "train/hook_services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/stream_writer.h"
#include "io/uri.h"

#define STREAM_DEPTH 8u
#define STREAM_MEMORY (256ull << 20)

/* One object and the way to it: a storage whose root is the object's folder. */
struct stream {
    struct storage *storage;
    struct io_queue *queue;
    struct buffer_pool *pool;
    char *key;
};

struct dlfw_writer {
    struct stream stream;
    struct stream_writer *writer;
};

struct dlfw_source {
    struct stream stream;
    uint64_t size;
};

static void stream_close(struct stream *s)
{
    pool_destroy(s->pool);
    io_queue_destroy(s->queue);
    storage_close(s->storage);
    free(s->key);
    *s = (struct stream){0};
}

/* uri: absolute, with a scheme, or below the storage root. Its last component is the key, the rest the root of the
 * storage. */
static dlfw_status stream_open(struct job *job, const char *uri, struct stream *ret, dlfw_error *err)
{
    struct run_config *cfg = job->cfg;
    char *joined = uri_join(cfg->storage.storage_root, uri);
    char *slash = strrchr(joined, '/');
    struct storage_args args = {
        .registry = job->registry, .tree = &cfg->tree, .name = "hook", .problems = job->problems};
    char *root = NULL;
    dlfw_status st;

    if (slash && slash[1] == '\0') {
        st = dlfw_fail(err, DLFW_E_INVALID, "'%s' names a folder, not an object", uri);
        goto out;
    }
    ret->key = xstrdup(slash ? slash + 1 : joined);
    root = slash ? xstrndup(joined, slash == joined ? 1 : (size_t)(slash - joined)) : xstrdup(".");
    if (uri_has_scheme(joined))
        args.options = cfg->storage.storage_options;
    args.retry = cfg->storage.retry;
    args.uri = root;
    st = storage_open(&args, &ret->storage, err);
    if (st < 0)
        goto out;
    st = io_queue_create(ret->storage, STREAM_DEPTH, &ret->queue, err);
    if (st < 0)
        goto out;
    st = pool_create(ret->storage, STREAM_MEMORY, &ret->pool, err);
out:
    if (st < 0)
        stream_close(ret);
    free(root);
    free(joined);
    return st;
}

static dlfw_status writer_open_service(void *ctx, const char *uri, uint64_t size_hint, uint32_t flags,
                                       dlfw_writer **ret, dlfw_error *err)
{
    struct hook_service_ctx *c = ctx;
    dlfw_writer *w = xcalloc(1, sizeof *w);
    struct stream_writer_args args = {.size_hint = size_hint, .flags = (uint16_t)flags};
    dlfw_status st;

    st = stream_open(c->job, uri, &w->stream, err);
    if (st < 0)
        goto out;
    st = io_make_root(w->stream.queue, "", err);
    if (st < 0)
        goto out;
    args.queue = w->stream.queue;
    args.pool = w->stream.pool;
    args.key = w->stream.key;
    st = writer_open(w->stream.storage, &args, &w->writer, err);
    if (st < 0)
        goto out;
    *ret = w;
    return DLFW_OK;
out:
    stream_close(&w->stream);
    free(w);
    return st;
}

static dlfw_status writer_append_service(dlfw_writer *w, const void *data, uint64_t len, dlfw_error *err)
{
    return writer_append(w->writer, data, len, err);
}

static void writer_free(dlfw_writer *w)
{
    stream_close(&w->stream);
    free(w);
}

static dlfw_status writer_commit_service(dlfw_writer *w, dlfw_error *err)
{
    dlfw_status st = writer_commit(w->writer, err);

    writer_free(w);
    return st;
}

static void writer_abort_service(dlfw_writer *w)
{
    writer_abort(w->writer);
    writer_free(w);
}

static dlfw_status source_open_service(void *ctx, const char *uri, dlfw_source **ret, uint64_t *ret_size,
                                       dlfw_error *err)
{
    struct hook_service_ctx *c = ctx;
    dlfw_source *s = xcalloc(1, sizeof *s);
    dlfw_status st;

    st = stream_open(c->job, uri, &s->stream, err);
    if (st < 0)
        goto out;
    st = io_stat(s->stream.queue, s->stream.key, &s->size, err);
    if (st < 0)
        goto out;
    *ret = s;
    *ret_size = s->size;
    return DLFW_OK;
out:
    stream_close(&s->stream);
    free(s);
    return st;
}

static dlfw_status source_read_service(dlfw_source *s, uint64_t offset, void *buf, uint64_t len, uint64_t *ret_bytes,
                                       dlfw_error *err)
{
    struct io_op op = {
        .op = DLFW_OP_GET, .key = s->stream.key, .key_len = (uint32_t)strlen(s->stream.key), .offset = offset};
    struct buffer b = {0};
    dlfw_limits limits;
    dlfw_status st;

    *ret_bytes = 0;
    if (offset >= s->size || !len)
        return DLFW_OK;
    op.length = len < s->size - offset ? len : s->size - offset;
    st = storage_limits(s->stream.storage, op.key, op.key_len, &limits, err);
    if (st < 0)
        return st;
    st = pool_take(s->stream.pool, io_read_cap(&limits, offset, op.length), false, &b, err);
    if (st < 0)
        return st;
    op.buf = b.data;
    op.buf_cap = b.cap;
    st = io_call(s->stream.queue, &op, err);
    if (st >= 0) {
        memcpy(buf, op.data, op.bytes);
        *ret_bytes = op.bytes;
    }
    pool_give(s->stream.pool, &b);
    return st;
}

static void source_close_service(dlfw_source *s)
{
    stream_close(&s->stream);
    free(s);
}

static dlfw_status remove_service(void *ctx, const char *uri, dlfw_error *err)
{
    struct hook_service_ctx *c = ctx;
    struct stream s = {0};
    dlfw_status st = stream_open(c->job, uri, &s, err);

    if (st >= 0)
        st = io_delete(s.queue, s.key, err);
    stream_close(&s);
    return st;
}

static dlfw_status barrier_service(void *ctx, dlfw_error *err)
{
    struct hook_service_ctx *c = ctx;

    return c->job->ranks_ops->barrier(c->job->ranks, 0, err);
}

static void put_service(void *ctx, const char *name, const char *unit, uint32_t kind, uint64_t value)
{
    struct hook_service_ctx *c = ctx;
    struct run_record *rec = &c->job->record;
    struct named_figure *f = NULL;

    for (uint32_t i = 0; i < rec->figure_count; i++)
        if (strcmp(rec->figures[i].owner, c->hook_name) == 0 && strcmp(rec->figures[i].name, name) == 0)
            f = &rec->figures[i];
    if (!f) {
        rec->figures = xrealloc(rec->figures, (rec->figure_count + 1) * sizeof *rec->figures);
        f = &rec->figures[rec->figure_count++];
        snprintf(f->owner, sizeof f->owner, "%s", c->hook_name);
        snprintf(f->name, sizeof f->name, "%s", name);
        snprintf(f->unit, sizeof f->unit, "%s", unit);
    }
    f->kind = kind;
    f->value = value;
}

const dlfw_hook_services hook_services = {
    .struct_size = sizeof hook_services,
    .writer_open = writer_open_service,
    .writer_append = writer_append_service,
    .writer_commit = writer_commit_service,
    .writer_abort = writer_abort_service,
    .source_open = source_open_service,
    .source_read = source_read_service,
    .source_close = source_close_service,
    .remove = remove_service,
    .barrier = barrier_service,
    .put = put_service,
};
