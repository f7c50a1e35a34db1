/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker of copies that are compressed on their way: one object after the other, from its first byte to its last,
 * since the size of what is stored is only known at the end. Objects go side by side in the workers, of which there are
 * as many as compress at once.
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "host/crc.h"
#include "io/stream_writer.h"
#include "transfer/copy_parts.h"

#define READ_BYTES ((uint64_t)1 << 20)
#define FEED_WAIT_NS 100000000u

/* What a worker has, beside its lanes: one buffer to read into. */
struct streamer {
    struct copy_worker *w;
    struct buffer buf;
};

static dlfw_status stopped(const struct copy_worker *w, dlfw_error *err)
{
    return copy_is_stopping(w->c) ? dlfw_fail(err, DLFW_E_CANCELLED, "stopped") : DLFW_OK;
}

/* The size, and whether something is there that must not be replaced. */
static dlfw_status look(struct copy_object *o, dlfw_error *err)
{
    struct io_object_info info = {0};
    dlfw_status st = DLFW_OK;

    if (o->item.size == UINT64_MAX) {
        st = io_info(o->w->in->queue, o->source_key, &info, err);
        o->item.size = info.size;
        io_object_info_free(&info);
    }
    if (st >= 0 && o->item.size == UINT64_MAX)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "cannot copy '%s': its storage does not tell its size",
                         o->source_key);
    object_cut_range(o);
    if (st >= 0 && (o->w->c->args.write_flags & DLFW_REQ_EXCLUSIVE)) {
        uint64_t size;

        o->same = io_stat(o->w->out->queue, o->target_key, &size, NULL) >= 0; /* the commit is exclusive even so */
    }
    return st;
}

/* Bytes of a read when left are left. */
static uint64_t step(const struct copy_side *side, uint64_t left)
{
    uint64_t most = side->limits.max_io && side->limits.max_io < READ_BYTES ? side->limits.max_io : READ_BYTES;

    return left < most ? left : most;
}

/* len bytes at offset of the object, or of its copy; *ret points to them. */
static dlfw_status read_at(struct streamer *s, struct io_queue *q, const char *key, uint64_t offset, uint64_t len,
                           uint64_t size, const uint8_t **ret, dlfw_error *err)
{
    struct io_op op = {.op = DLFW_OP_GET,
                       .key = key,
                       .key_len = (uint32_t)strlen(key),
                       .buf = s->buf.data,
                       .buf_cap = s->buf.cap,
                       .offset = offset,
                       .length = len};
    dlfw_status st = io_call(q, &op, err);

    if (st < 0)
        return st;
    if (op.bytes != len || (op.object_size != UINT64_MAX && op.object_size != size))
        return dlfw_fail(err, DLFW_E_BUSY, "'%s' changed its size while it was copied", key);
    *ret = op.data;
    return DLFW_OK;
}

static dlfw_status append(struct streamer *s, struct copy_object *o, struct stream_writer *writer, dlfw_error *err)
{
    const struct copy_args *args = &s->w->c->args;
    dlfw_status st = DLFW_OK;

    for (uint64_t at = 0; at < o->total && st >= 0;) {
        uint64_t n = step(&s->w->c->source, o->total - at);
        const uint8_t *data = s->buf.data;

        st = stopped(s->w, err);
        if (st >= 0 && s->w->in)
            st = read_at(s, s->w->in->queue, o->source_key, o->item.offset + at, n, o->item.size, &data, err);
        else if (st >= 0)
            args->generate(args->generate_ctx, &o->item, at, s->buf.data, n);
        if (st >= 0)
            st = writer_append(writer, data, n, err);
        at += n;
        if (st >= 0)
            atomic_fetch_add_explicit(&s->w->c->bytes_done, n, memory_order_relaxed);
    }
    return st;
}

/* A local file that grows is not noticed by reading it. */
static dlfw_status recheck(struct streamer *s, const struct copy_object *o, dlfw_error *err)
{
    uint64_t size;
    dlfw_status st;

    if (!s->w->in || !(s->w->c->source.caps & DLFW_BACKEND_LOCAL))
        return DLFW_OK;
    st = io_stat(s->w->in->queue, o->source_key, &size, err);
    if (st >= 0 && size != o->item.size)
        return dlfw_fail(err, DLFW_E_BUSY, "'%s' changed its size while it was copied", o->source_key);
    return st;
}

/* The copy as it is stored, read again. */
static dlfw_status read_back(struct streamer *s, struct copy_object *o, const struct writer_result *stored,
                             uint32_t *ret, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;

    *ret = 0;
    for (uint64_t at = 0; at < stored->stored_bytes && st >= 0;) {
        uint64_t n = step(&s->w->c->target, stored->stored_bytes - at);
        const uint8_t *data = NULL;

        st = read_at(s, s->w->out->queue, o->target_key, at, n, stored->stored_bytes, &data, err);
        if (st >= 0)
            *ret = crc32c_update(*ret, data, n);
        at += n;
    }
    return st;
}

/* As asked for: what the target says of the copy, or what is read back. */
static dlfw_status verify(struct streamer *s, struct copy_object *o, const struct writer_result *stored,
                          dlfw_error *err)
{
    const struct copy_args *args = &s->w->c->args;
    struct io_object_info info = {0};
    uint32_t crc = 0;
    dlfw_status st = DLFW_OK;

    if (!args->checksum && !args->read_back)
        return DLFW_OK;
    if (!args->read_back) {
        st = io_info(s->w->out->queue, o->target_key, &info, err);
        crc = info.crc32c;
    }
    if (st >= 0 && !info.has_crc32c)
        st = read_back(s, o, stored, &crc, err);
    io_object_info_free(&info);
    if (st < 0)
        return st;
    o->verified = crc == stored->crc32c;
    if (o->verified)
        return DLFW_OK;
    (void)io_delete(s->w->out->queue, o->target_key, NULL); /* that it was wrong is the failure to tell */
    return dlfw_fail(err, DLFW_E_CORRUPT, "the copy '%s' has the CRC-32C %08x instead of %08x; it was removed",
                     o->target_key, crc, stored->crc32c);
}

static dlfw_status copy_one(struct streamer *s, struct copy_object *o, dlfw_error *err)
{
    struct copy *c = s->w->c;
    struct writer_result stored = {0};
    const struct stream_writer_args args = {.queue = s->w->out->queue,
                                            .pool = c->pool,
                                            .key = o->target_key,
                                            .size_hint = o->total,
                                            .flags = c->args.write_flags,
                                            .compress = c->args.compress,
                                            .result = &stored};
    struct stream_writer *writer = NULL;
    dlfw_status st = writer_open(c->target.st, &args, &writer, err);

    if (st < 0)
        return st;
    st = append(s, o, writer, err);
    if (st >= 0)
        st = recheck(s, o, err);
    if (st < 0) {
        writer_abort(writer);
        return st;
    }
    st = writer_commit(writer, err);
    if (st < 0)
        return st;
    copy_count_stored(c, stored.stored_bytes);
    return verify(s, o, &stored, err);
}

static void take(struct streamer *s, struct copy_feed_item *taken)
{
    struct copy_object *o = xcalloc(1, sizeof *o);
    struct error_slot err;
    dlfw_status st;

    error_slot_init(&err);
    error_slot_init(&o->err);
    o->w = s->w;
    o->item = taken->item;
    o->expected = copy_wanted(&taken->item);
    o->item.source_key = o->source_key = taken->source_key;
    o->item.target_key = o->target_key = taken->target_key;
    st = look(o, &err.e);
    if (st >= 0 && !object_has_failed(o) && !o->same && !s->w->c->args.dry_run)
        st = copy_one(s, o, &err.e);
    if (st == DLFW_E_EXISTS && (s->w->c->args.write_flags & DLFW_REQ_EXCLUSIVE))
        o->same = true;
    else if (st < 0)
        object_fail(o, &err.e);
    copy_count(s->w->c, o);
    free(o->source_key);
    free(o->target_key);
    free(o);
}

void copy_stream_loop(struct copy_worker *w)
{
    struct streamer s = {.w = w};
    struct copy_feed_item taken;
    struct error_slot err;
    enum feed_answer answer = FEED_EMPTY;
    const dlfw_limits *reads = w->in ? &w->c->source.limits : &w->c->target.limits;

    error_slot_init(&err);
    /* one more block on each side than is asked for, for reads that are widened */
    if (pool_take(w->c->pool, READ_BYTES + 2 * (uint64_t)reads->read_length_align + reads->mem_align, false, &s.buf,
                  &err.e) < 0) {
        copy_stop(w->c, &err.e);
        return;
    }
    while (answer != FEED_END && !copy_is_stopping(w->c)) {
        answer = feed_take(&w->c->feed, &taken, FEED_WAIT_NS);
        if (answer == FEED_ITEM)
            take(&s, &taken);
    }
    pool_give(w->c->pool, &s.buf);
}
