/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream writer. A full part stays at hand until more bytes come, so that an object of one part is one PUT; with
 * the second part the upload begins. Part n is bytes [n * part_bytes, (n + 1) * part_bytes); the head, when it is kept,
 * goes out last. After the first failure every call returns that failure, and the object never becomes visible.
 */
#include "io/stream_writer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "host/crc.h"
#include "io/crc_join.h"
#include "io/part_size.h"
#include "io/stream_zstd.h"

#define PARTS_IN_FLIGHT 4u
#define ONE_PUT_MAX ((uint64_t)1 << 30) /* of backends that take objects in one piece only and state no limit */

struct writer_part {
    struct io_op op;
    struct buffer buf;
    uint64_t fill;
    uint64_t number;
    bool in_flight;
};

struct stream_writer {
    struct storage *st;
    struct io_queue *queue;
    struct buffer_pool *pool;
    char *key;
    uint16_t flags;
    bool keep_head;
    bool in_parts; /* the backend can write in parts */
    bool can_put;
    bool begun;
    void *handle;
    uint64_t size_hint;
    uint64_t part_bytes;
    uint64_t part_limit;     /* of part numbers, 0: none */
    uint64_t put_limit;      /* !in_parts: how large the one buffer may grow */
    uint64_t size;           /* bytes in the parts */
    uint64_t raw_size;       /* bytes appended */
    struct zstd_stage *zstd; /* NULL: what is appended goes into the parts as it is */
    struct writer_result *result;
    uint32_t crc, head_crc;      /* of the parts that were sent, without the head; of the head */
    uint64_t crc_bytes;          /* of the parts in crc */
    struct writer_part *current; /* being filled; NULL before the first byte and after each part has gone out */
    struct writer_part *head;    /* part 0 while it is kept */
    struct writer_part parts[PARTS_IN_FLIGHT + 2]; /* in flight, current, head */
    uint32_t part_count;                           /* of parts that may be used */
    struct error_slot failure;                     /* status 0: none yet */
};

static dlfw_status fail_writer(struct stream_writer *w, const dlfw_error *why, dlfw_error *err)
{
    if (w->failure.e.status >= 0)
        error_copy(&w->failure.e, why);
    error_copy(err, &w->failure.e);
    return w->failure.e.status;
}

static struct io_op op_for(const struct stream_writer *w, uint16_t op)
{
    return (struct io_op){.op = op, .key = w->key, .key_len = (uint32_t)strlen(w->key), .handle = w->handle};
}

/* Parts at work: enough to keep the backend busy; one where the queue performs inline, so that its memory stays in the
 * cache. */
static uint32_t usable_parts(const struct stream_writer *w)
{
    uint32_t depth = io_queue_depth(w->queue);
    uint32_t in_flight = depth < PARTS_IN_FLIGHT ? depth : PARTS_IN_FLIGHT;

    return in_flight + (depth > 1 ? 1 : 0) + (w->keep_head ? 1 : 0);
}

static dlfw_status check_head(const struct stream_writer *w, dlfw_error *err)
{
    if (!w->keep_head || w->part_bytes >= DLFW_PATCH_LIMIT || !w->in_parts)
        return DLFW_OK;
    return dlfw_fail(err, DLFW_E_UNSUPPORTED,
                     "cannot write '%s': parts of %" PRIu64 " bytes are too small to keep its head back", w->key,
                     w->part_bytes);
}

static dlfw_status plan(struct stream_writer *w, dlfw_error *err)
{
    uint64_t mask = storage_op_mask(w->st);
    dlfw_limits limits;
    dlfw_status st = storage_limits(w->st, w->key, strlen(w->key), &limits, err);

    if (st < 0)
        return st;
    w->in_parts = (mask & DLFW_OP_BIT(DLFW_OP_WRITE_BEGIN)) != 0;
    w->can_put = (mask & DLFW_OP_BIT(DLFW_OP_PUT)) != 0;
    if (!w->in_parts && !w->can_put)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "cannot write '%s': backend '%s' does not write", w->key,
                         storage_scheme(w->st));
    w->part_limit = limits.max_parts;
    w->put_limit = limits.max_io ? limits.max_io : ONE_PUT_MAX;
    st = part_size(&limits, storage_caps(w->st), w->zstd ? zstd_stage_bound(w->size_hint) : w->size_hint,
                   w->keep_head ? DLFW_PATCH_LIMIT : 0, &w->part_bytes, err);
    if (st < 0) {
        error_prefix(err, "cannot write '%s'", w->key);
        return st;
    }
    w->part_count = usable_parts(w);
    return check_head(w, err);
}

static dlfw_status add_compression(struct stream_writer *w, int32_t level, dlfw_error *err)
{
    dlfw_status st;

    if (!level)
        return DLFW_OK;
    if (w->keep_head)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "cannot write '%s': what is compressed cannot be patched", w->key);
    st = zstd_stage_create(level, w->size_hint, &w->zstd, err);
    if (st < 0)
        error_prefix(err, "cannot write '%s'", w->key);
    return st;
}

dlfw_status writer_open(struct storage *st, const struct stream_writer_args *args, struct stream_writer **ret,
                        dlfw_error *err)
{
    struct stream_writer *w = xcalloc(1, sizeof *w);
    dlfw_status status;

    w->st = st;
    w->queue = args->queue;
    w->pool = args->pool;
    w->key = xstrdup(args->key);
    w->flags = args->flags;
    w->keep_head = args->keep_head;
    w->size_hint = args->size_hint;
    w->result = args->result;
    error_slot_init(&w->failure);
    status = add_compression(w, args->compress, err);
    if (status >= 0)
        status = plan(w, err);
    if (status < 0)
        goto out;

    *ret = w;
    w = NULL;
out:
    writer_abort(w);
    return status;
}

/* Ends the writer's memory; nothing is in flight. */
static void release(struct stream_writer *w)
{
    for (uint32_t i = 0; i < sizeof w->parts / sizeof *w->parts; i++)
        pool_give(w->pool, &w->parts[i].buf);
    zstd_stage_destroy(w->zstd);
    free(w->key);
    free(w);
}

/* Takes finished parts off the queue: at least min of them. Remembers the first failure. */
static void reap_parts(struct stream_writer *w, uint32_t min)
{
    struct io_op *done[PARTS_IN_FLIGHT];
    uint32_t got = 0;

    do {
        uint32_t n =
            io_queue_reap(w->queue, done, PARTS_IN_FLIGHT, min > got ? min - got : 0, min > got ? UINT64_MAX : 0);

        for (uint32_t i = 0; i < n; i++) {
            struct writer_part *part = done[i]->user;

            part->in_flight = false;
            part->fill = 0;
            if (done[i]->status < 0)
                fail_writer(w, &done[i]->err.e, NULL);
        }
        got += n;
    } while (got < min && io_queue_inflight(w->queue));
}

static dlfw_status begin(struct stream_writer *w, dlfw_error *err)
{
    struct io_op op = op_for(w, DLFW_OP_WRITE_BEGIN);

    op.flags = w->flags;
    op.arg = w->zstd ? 0 : w->size_hint;
    if (io_call(w->queue, &op, NULL) < 0)
        return fail_writer(w, &op.err.e, err);
    w->handle = op.handle;
    w->begun = true;
    return DLFW_OK;
}

/* Parts come in their order, but for the head, which is the last. */
static void add_checksum(struct stream_writer *w, const struct writer_part *part)
{
    if (!w->result)
        return;
    if (part == w->head) {
        w->head_crc = crc32c_update(0, part->buf.data, part->fill);
        return;
    }
    w->crc = crc32c_update(w->crc, part->buf.data, part->fill);
    w->crc_bytes += part->fill;
}

/* Sends a part on its way. The queue has room: part_count leaves none of its operations over. */
static dlfw_status send_part(struct stream_writer *w, struct writer_part *part, dlfw_error *err)
{
    if (w->part_limit && part->number >= w->part_limit) {
        dlfw_fail(&part->op.err.e, DLFW_E_UNSUPPORTED,
                  "cannot write '%s': more than %" PRIu64 " parts of %" PRIu64 " bytes%s", w->key, w->part_limit,
                  w->part_bytes, w->size_hint ? "" : "; the writer was not told its size");
        return fail_writer(w, &part->op.err.e, err);
    }
    add_checksum(w, part);
    part->op = op_for(w, DLFW_OP_WRITE_PART);
    part->op.buf = part->buf.data;
    part->op.buf_cap = part->buf.cap;
    part->op.mem_handle = part->buf.mem_handle;
    part->op.offset = part->number * w->part_bytes;
    part->op.length = part->fill;
    part->op.arg = part->number;
    part->op.user = part;
    part->in_flight = true;
    if (io_queue_inflight(w->queue) == io_queue_depth(w->queue))
        reap_parts(w, 1);
    DLFW_BUG_IF(!io_queue_submit(w->queue, &part->op));
    reap_parts(w, 0);
    return w->failure.e.status < 0 ? fail_writer(w, &w->failure.e, err) : DLFW_OK;
}

/* A part with memory that nobody uses; NULL: all are in flight. *ret_dry: memory for one more was refused. */
static struct writer_part *idle_part(struct stream_writer *w, bool *ret_dry, struct error_slot *why)
{
    struct writer_part *without = NULL;

    *ret_dry = false;
    for (uint32_t i = 0; i < w->part_count; i++) {
        struct writer_part *part = &w->parts[i];

        if (part->in_flight || part == w->head || part == w->current)
            continue;
        if (part->buf.data)
            return part;
        without = without ? without : part;
    }
    if (!without)
        return NULL;
    if (pool_take(w->pool, w->part_bytes, true, &without->buf, &why->e) >= 0)
        return without;
    *ret_dry = true;
    return NULL;
}

/* Makes an idle part the current one. When memory has run out, a part in flight gives its own as soon as it is done. */
static dlfw_status next_part(struct stream_writer *w, uint64_t number, dlfw_error *err)
{
    struct error_slot why;
    bool dry;

    error_slot_init(&why);
    while (!(w->current = idle_part(w, &dry, &why))) {
        if (dry && !io_queue_inflight(w->queue)) {
            error_prefix(&why.e, "cannot write '%s'", w->key);
            return fail_writer(w, &why.e, err);
        }
        reap_parts(w, 1);
        if (w->failure.e.status < 0)
            return fail_writer(w, &w->failure.e, err);
    }
    w->current->number = number;
    w->current->fill = 0;
    return DLFW_OK;
}

/* The one buffer of an object that cannot be written in parts grows. */
static dlfw_status grow_put(struct stream_writer *w, dlfw_error *err)
{
    struct writer_part *part = w->current;
    struct buffer larger = {0};
    struct error_slot why;
    uint64_t want = w->part_bytes * 2;
    dlfw_status st;

    error_slot_init(&why);
    if (want < w->size_hint)
        want = w->size_hint;
    if (want > w->put_limit)
        want = w->put_limit;
    if (want <= part->fill)
        st = dlfw_fail(&why.e, DLFW_E_UNSUPPORTED,
                       "cannot write '%s': backend '%s' takes objects in one piece of at most %" PRIu64 " bytes",
                       w->key, storage_scheme(w->st), w->put_limit);
    else
        st = pool_take(w->pool, want, true, &larger, &why.e);
    if (st < 0)
        return fail_writer(w, &why.e, err);
    memcpy(larger.data, part->buf.data, part->fill);
    pool_give(w->pool, &part->buf);
    part->buf = larger;
    w->part_bytes = want;
    return DLFW_OK;
}

/* The current part is full and more bytes come. */
static dlfw_status turn_part(struct stream_writer *w, dlfw_error *err)
{
    struct writer_part *full = w->current;
    dlfw_status st;

    if (!w->in_parts)
        return grow_put(w, err);
    if (!w->begun) {
        st = begin(w, err);
        if (st < 0)
            return st;
    }
    w->current = NULL;
    if (w->keep_head && full->number == 0)
        w->head = full;
    else {
        st = send_part(w, full, err);
        if (st < 0)
            return st;
    }
    return next_part(w, full->number + 1, err);
}

static dlfw_status part_window(struct stream_writer *w, void **ret, uint64_t *ret_len, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;

    if (w->failure.e.status < 0)
        return fail_writer(w, &w->failure.e, err);
    if (!w->current)
        st = next_part(w, 0, err);
    else if (w->current->fill == w->part_bytes)
        st = turn_part(w, err);
    if (st < 0)
        return st;
    *ret = w->current->buf.data + w->current->fill;
    *ret_len = w->part_bytes - w->current->fill;
    return DLFW_OK;
}

/* Compresses len bytes into the parts; end: and all that the compressor still holds. */
static dlfw_status compress(struct stream_writer *w, const void *data, uint64_t len, bool end, dlfw_error *err)
{
    struct error_slot why;
    bool done = false;

    error_slot_init(&why);
    while (!done) {
        uint64_t room, used = 0;
        void *to;
        dlfw_status st = part_window(w, &to, &room, err);

        if (st < 0)
            return st;
        st = zstd_stage_run(w->zstd, &data, &len, end, to, room, &used, &done, &why.e);
        if (st < 0) {
            error_prefix(&why.e, "cannot write '%s'", w->key);
            return fail_writer(w, &why.e, err);
        }
        w->current->fill += used;
        w->size += used;
    }
    return DLFW_OK;
}

dlfw_status writer_window(struct stream_writer *w, void **ret, uint64_t *ret_len, dlfw_error *err)
{
    if (!w->zstd)
        return part_window(w, ret, ret_len, err);
    if (w->failure.e.status < 0)
        return fail_writer(w, &w->failure.e, err);
    *ret = zstd_stage_input(w->zstd, ret_len);
    return DLFW_OK;
}

dlfw_status writer_advance(struct stream_writer *w, uint64_t n, dlfw_error *err)
{
    uint64_t room = 0;
    void *input = w->zstd ? zstd_stage_input(w->zstd, &room) : NULL;

    if (w->failure.e.status < 0)
        return fail_writer(w, &w->failure.e, err);
    if (!w->zstd && w->current)
        room = w->part_bytes - w->current->fill;
    if (n > room)
        return dlfw_fail(err, DLFW_E_INVALID, "more bytes were appended to '%s' than its window had", w->key);
    w->raw_size += n;
    if (w->zstd)
        return n ? compress(w, input, n, false, err) : DLFW_OK;
    if (n)
        w->current->fill += n;
    w->size += n;
    return DLFW_OK;
}

dlfw_status writer_append(struct stream_writer *w, const void *data, uint64_t len, dlfw_error *err)
{
    const uint8_t *from = data;

    if (w->zstd && len) {
        w->raw_size += len;
        return compress(w, data, len, false, err);
    }
    while (len) {
        uint64_t n;
        void *to;
        dlfw_status st = writer_window(w, &to, &n, err);

        if (st < 0)
            return st;
        n = n < len ? n : len;
        memcpy(to, from, n);
        st = writer_advance(w, n, err);
        if (st < 0)
            return st;
        from += n;
        len -= n;
    }
    return DLFW_OK;
}

dlfw_status writer_patch(struct stream_writer *w, uint64_t offset, const void *data, uint64_t len, dlfw_error *err)
{
    struct writer_part *part = w->head ? w->head : w->current;

    if (w->failure.e.status < 0)
        return fail_writer(w, &w->failure.e, err);
    if (!w->keep_head || offset > DLFW_PATCH_LIMIT || len > DLFW_PATCH_LIMIT - offset || offset + len > w->size)
        return dlfw_fail(err, DLFW_E_INVALID,
                         "bytes %" PRIu64 " to %" PRIu64
                         " of '%s' cannot be patched; only what was appended of the first %u",
                         offset, offset + len, w->key, DLFW_PATCH_LIMIT);
    if (len)
        memcpy(part->buf.data + offset, data, len);
    return DLFW_OK;
}

uint64_t writer_size(const struct stream_writer *w)
{
    return w->raw_size;
}

static void drain(struct stream_writer *w)
{
    reap_parts(w, io_queue_inflight(w->queue));
}

static dlfw_status put_whole(struct stream_writer *w, dlfw_error *err)
{
    struct io_op op = op_for(w, DLFW_OP_PUT);

    op.flags = w->flags;
    if (w->current) {
        add_checksum(w, w->current);
        op.buf = w->current->buf.data;
        op.buf_cap = w->current->buf.cap;
        op.mem_handle = w->current->buf.mem_handle;
        op.length = w->current->fill;
    }
    return io_call(w->queue, &op, NULL) < 0 ? fail_writer(w, &op.err.e, err) : DLFW_OK;
}

static dlfw_status commit_parts(struct stream_writer *w, dlfw_error *err)
{
    struct io_op op;
    dlfw_status st = w->begun ? DLFW_OK : begin(w, err);

    if (st >= 0 && w->current && w->current->fill)
        st = send_part(w, w->current, err);
    if (st >= 0 && w->head)
        st = send_part(w, w->head, err);
    drain(w);
    if (w->failure.e.status < 0)
        return fail_writer(w, &w->failure.e, err);
    if (st < 0)
        return st;
    op = op_for(w, DLFW_OP_WRITE_COMMIT);
    op.arg = w->size;
    if (io_call(w->queue, &op, NULL) < 0)
        return fail_writer(w, &op.err.e, err);
    w->begun = false;
    return DLFW_OK;
}

static void tell_result(const struct stream_writer *w)
{
    if (!w->result)
        return;
    w->result->stored_bytes = w->size;
    w->result->crc32c = w->head ? crc32c_join(w->head_crc, w->crc, w->crc_bytes) : w->crc;
}

dlfw_status writer_commit(struct stream_writer *w, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;

    if (w->failure.e.status >= 0 && w->zstd)
        st = compress(w, NULL, 0, true, err);
    if (w->failure.e.status < 0)
        st = fail_writer(w, &w->failure.e, err);
    else if (!w->begun && w->can_put)
        st = put_whole(w, err);
    else
        st = commit_parts(w, err);
    if (st >= 0)
        tell_result(w);
    if (st < 0)
        writer_abort(w);
    else
        release(w);
    return st;
}

void writer_abort(struct stream_writer *w)
{
    struct io_op op;

    if (!w)
        return;
    if (io_queue_inflight(w->queue)) {
        io_queue_cancel(w->queue);
        drain(w);
    }
    if (w->begun) {
        op = op_for(w, DLFW_OP_WRITE_ABORT);
        if (io_call(w->queue, &op, NULL) < 0)
            log_warning("something of the unfinished '%s' may be left: %s", w->key, op.err.text);
    }
    release(w);
}

static dlfw_status sink_window(void *ctx, void **ret, uint64_t *ret_len, dlfw_error *err)
{
    return writer_window(ctx, ret, ret_len, err);
}

static dlfw_status sink_advance(void *ctx, uint64_t n, dlfw_error *err)
{
    return writer_advance(ctx, n, err);
}

static dlfw_status sink_write(void *ctx, const void *data, uint64_t len, dlfw_error *err)
{
    return writer_append(ctx, data, len, err);
}

static dlfw_status sink_patch(void *ctx, uint64_t offset, const void *data, uint64_t len, dlfw_error *err)
{
    return writer_patch(ctx, offset, data, len, err);
}

dlfw_sink writer_sink(struct stream_writer *w)
{
    return (dlfw_sink){.struct_size = sizeof(dlfw_sink),
                       .ctx = w,
                       .window = sink_window,
                       .advance = sink_advance,
                       .write = sink_write,
                       .patch = sink_patch};
}
