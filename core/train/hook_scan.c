/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scan: a ring of pieces, each with its own buffer and request. Pieces are asked for in ascending order, come back in
 * any, and are handed over in ascending order, straight from the buffer they were read into; a piece handed over is
 * asked for again further on. So memory is the pieces in flight, and the device always has them to work on.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "train/hook_storage.h"

#define PIECE_BYTES ((uint64_t)1 << 20)

struct scan_slot {
    struct io_op op;
    struct buffer buf;
    bool is_back;
};

struct scan {
    struct place *place;
    struct io_queue *queue;
    void *handle; /* NULL: the backend has none, and every request names the key */
    dlfw_limits limits;
    uint64_t piece;
    uint64_t next, end; /* [next, end) is still to be asked for */
    struct scan_slot *slots;
    uint32_t count;
    bool failed; /* an operation of the queue did */
};

static struct io_op op_on(const struct scan *s, uint16_t op)
{
    return (struct io_op){
        .op = op, .key = s->place->key, .key_len = (uint32_t)strlen(s->place->key), .handle = s->handle};
}

/* Pieces end at multiples of the piece, so that all but the first and last are aligned wherever the scan begins. */
static uint64_t piece_end(const struct scan *s, uint64_t offset)
{
    uint64_t end = offset - offset % s->piece + s->piece;

    return end < s->end ? end : s->end;
}

static dlfw_status ask(struct scan *s, struct scan_slot *slot, dlfw_error *err)
{
    uint64_t end = piece_end(s, s->next);
    dlfw_status st;

    if (!slot->buf.data) {
        st = pool_take(s->place->shared->pool, s->piece + s->limits.read_offset_align + s->limits.read_length_align,
                       true, &slot->buf, err);
        if (st < 0)
            return st;
    }
    slot->op = op_on(s, DLFW_OP_GET);
    slot->op.buf = slot->buf.data;
    slot->op.buf_cap = slot->buf.cap;
    slot->op.mem_handle = slot->buf.mem_handle;
    slot->op.offset = s->next;
    slot->op.length = end - s->next;
    slot->op.user = slot;
    slot->is_back = false;
    s->next = end;
    DLFW_BUG_IF(!io_queue_submit(s->queue, &slot->op));
    return DLFW_OK;
}

static void wait_for(struct scan *s, const struct scan_slot *slot)
{
    struct io_op *done[8];

    while (!slot->is_back) {
        uint32_t n = io_queue_reap(s->queue, done, sizeof done / sizeof *done, 1, UINT64_MAX);

        for (uint32_t i = 0; i < n; i++)
            ((struct scan_slot *)done[i]->user)->is_back = true;
    }
}

static dlfw_status run(struct scan *s, scan_piece *piece, void *ctx, dlfw_error *err)
{
    uint64_t at = s->next;
    dlfw_status st = DLFW_OK;

    for (uint32_t i = 0; i < s->count && s->next < s->end && st >= 0; i++)
        st = ask(s, &s->slots[i], err);
    for (uint32_t i = 0; at < s->end && st >= 0; i = (i + 1) % s->count) {
        struct scan_slot *slot = &s->slots[i];

        wait_for(s, slot);
        if (slot->op.status < 0) {
            s->failed = true;
            error_copy(err, &slot->op.err.e);
            return slot->op.status;
        }
        if (slot->op.bytes < slot->op.length)
            return dlfw_fail(err, DLFW_E_CORRUPT,
                             "'%s' ends at %" PRIu64 ", bytes up to %" PRIu64 " were expected in it", s->place->key,
                             slot->op.offset + slot->op.bytes, s->end);
        st = piece(ctx, slot->op.data, slot->op.length, err);
        at += slot->op.length;
        if (st >= 0 && s->next < s->end)
            st = ask(s, slot, err);
    }
    return st < 0 ? st : DLFW_OK;
}

static dlfw_status open_handle(struct scan *s, dlfw_error *err)
{
    struct io_op op = op_on(s, DLFW_OP_OPEN);
    dlfw_status st;

    if (!(storage_op_mask(s->place->shared->storage) & DLFW_OP_BIT(DLFW_OP_OPEN)))
        return DLFW_OK;
    st = io_call(s->queue, &op, err);
    s->handle = op.handle;
    return st;
}

static void drain(struct scan *s)
{
    struct io_op *done[8];

    if (io_queue_inflight(s->queue))
        io_queue_cancel(s->queue);
    while (io_queue_inflight(s->queue))
        io_queue_reap(s->queue, done, sizeof done / sizeof *done, 1, UINT64_MAX);
    if (s->handle) {
        struct io_op op = op_on(s, DLFW_OP_CLOSE);

        s->failed |= io_call(s->queue, &op, NULL) < 0; /* what was read is right all the same */
    }
}

static dlfw_status plan(struct scan *s, uint64_t length, dlfw_error *err)
{
    uint64_t wished, pieces;
    dlfw_status st = storage_limits(s->place->shared->storage, s->place->key, strlen(s->place->key), &s->limits, err);

    if (st < 0)
        return st;
    wished = s->limits.preferred_io ? s->limits.preferred_io : PIECE_BYTES;
    if (s->limits.max_io && wished > s->limits.max_io / 2)
        wished = s->limits.max_io / 2; /* room for widening */
    while (wished & (wished - 1))
        wished &= wished - 1;
    s->piece = wished > s->limits.read_offset_align ? wished : s->limits.read_offset_align;
    pieces = length / s->piece + 2;
    s->count = io_queue_depth(s->queue);
    if (s->count > pieces)
        s->count = (uint32_t)pieces;
    s->slots = xcalloc(s->count, sizeof *s->slots);
    return DLFW_OK;
}

dlfw_status place_scan(struct place *p, uint64_t offset, uint64_t length, scan_piece *piece, void *ctx, dlfw_error *err)
{
    struct scan s = {.place = p, .next = offset, .end = offset + length};
    dlfw_status st;

    if (length > UINT64_MAX - offset)
        return dlfw_fail(err, DLFW_E_INVALID, "no object has the range %" PRIu64 " + %" PRIu64, offset, length);
    if (!length)
        return DLFW_OK;
    st = queue_take(p->shared, QUEUE_SCAN, &s.queue, err);
    if (st < 0)
        return st;
    st = plan(&s, length, err);
    if (st >= 0)
        st = open_handle(&s, err);
    if (st >= 0)
        st = run(&s, piece, ctx, err);
    drain(&s);
    for (uint32_t i = 0; i < s.count; i++)
        pool_give(p->shared->pool, &s.slots[i].buf);
    free(s.slots);
    queue_give(p->shared, QUEUE_SCAN, s.queue, s.failed);
    return st;
}
