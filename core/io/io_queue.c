/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From operation to request: slots, widening, batching. Everything a request needs was allocated with the queue.
 * Requests are collected and handed over in one call at the next reap, so that a ring is rung once for a batch.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/str.h"
#include "io/io_align.h"
#include "io/io_queue_parts.h"
#include "io/storage_parts.h"

/* A backend that has not given its requests back after this is left alone with them. */
#define DRAIN_NS (30 * NS_PER_S)

static const char *backend_name(const struct io_queue *q)
{
    return storage_base(q->st)->name;
}

/* The limits of the root. Where it does not exist yet, the first read asks with its own key. */
static dlfw_status ask_limits(struct io_queue *q, dlfw_error *err)
{
    struct error_slot why;
    dlfw_status st;

    error_slot_init(&why);
    st = storage_limits(q->st, "", 0, &q->limits, &why.e);
    if (st == DLFW_E_NOT_FOUND)
        return DLFW_OK;
    if (st < 0)
        error_copy(err, &why.e);
    q->limits_known = st >= 0;
    q->align_matters = align_matters(&q->limits);
    return st;
}

static dlfw_status reserve_queue(struct io_queue *q, dlfw_error *err)
{
    uint32_t others = atomic_fetch_add(&q->st->queues, 1);

    if (!q->limits.max_queues || others < q->limits.max_queues)
        return DLFW_OK;
    atomic_fetch_sub(&q->st->queues, 1);
    return dlfw_fail(err, DLFW_E_BUSY, "backend '%s' allows %u queues at once; use fewer threads", backend_name(q),
                     q->limits.max_queues);
}

static void allocate(struct io_queue *q)
{
    const dlfw_backend_ops *top = storage_top(q->st)->ops;
    size_t stride = ((size_t)top->req_scratch + 63) & ~(size_t)63;

    queue_split_init(q);
    q->slot_count = q->split_from == UINT64_MAX ? q->depth : 2 * q->depth;
    q->slots = xcalloc(q->slot_count, sizeof *q->slots);
    q->free = xcalloc(q->slot_count, sizeof(struct io_slot *));
    q->pending = xcalloc(q->slot_count, sizeof(dlfw_req *));
    q->ready = xcalloc(q->slot_count, sizeof(struct io_slot *));
    due_create(&q->backoff, q->slot_count);
    if (stride) {
        q->scratch = aligned_alloc(64, stride * q->slot_count);
        DLFW_BUG_IF(!q->scratch);
        memset(q->scratch, 0, stride * q->slot_count);
    }
    for (uint32_t i = q->slot_count; i-- > 0;) {
        q->slots[i].req.scratch = stride ? q->scratch + stride * i : NULL;
        q->free[q->free_count++] = &q->slots[i];
    }
    for (uint32_t i = 0; i < IO_REAP_BATCH; i++)
        q->comps[i] = (dlfw_comp){.object_size = UINT64_MAX};
}

static void release_all(struct io_queue *q)
{
    adapter_destroy(q->below);
    due_destroy(&q->backoff);
    queue_split_free(q);
    free(q->slots);
    free(q->scratch);
    free(q->free);
    free(q->pending);
    free(q->ready);
    free(q);
}

static dlfw_status create(struct storage *st, uint32_t depth, uint32_t flags, struct io_queue **ret, dlfw_error *err)
{
    struct io_queue *q = xcalloc(1, sizeof *q);
    dlfw_status status;

    q->st = st;
    q->op_mask = storage_op_mask(st);
    q->draws = clock_now_ns() ^ (uintptr_t)q;
    status = ask_limits(q, err);
    if (status < 0)
        goto out;
    q->depth = depth ? depth : 1;
    if (q->limits.max_inflight && q->depth > q->limits.max_inflight)
        q->depth = q->limits.max_inflight;
    status = reserve_queue(q, err);
    if (status < 0)
        goto out;
    status = adapter_create(storage_top(st), q->depth, flags, &q->below, err);
    if (status < 0) {
        atomic_fetch_sub(&st->queues, 1);
        goto out;
    }
    if (adapter_is_inline(q->below))
        q->depth = 1;
    q->mode = adapter_mode(q->below);
    allocate(q);

    *ret = q;
    q = NULL;
out:
    if (q)
        release_all(q);
    if (status < 0)
        error_prefix(err, "cannot use storage '%s'", storage_uri(st));
    return status;
}

dlfw_status io_queue_create(struct storage *st, uint32_t depth, struct io_queue **ret, dlfw_error *err)
{
    return create(st, depth, 0, ret, err);
}

dlfw_status io_queue_create_moving(struct storage *st, uint32_t depth, struct io_queue **ret, dlfw_error *err)
{
    return create(st, depth, ADAPTER_MOVES, ret, err);
}

void io_queue_destroy(struct io_queue *q)
{
    struct io_op *done[IO_REAP_BATCH];
    uint64_t until;

    if (!q)
        return;
    io_queue_cancel(q);
    until = q->inflight ? clock_now_ns() + DRAIN_NS : 0;
    while (q->inflight && clock_now_ns() < until)
        io_queue_reap(q, done, IO_REAP_BATCH, 1, NS_PER_S);
    if (q->inflight) {
        log_error("storage '%s' has not given back %u requests after 30 s; they and their memory are left alone",
                  storage_uri(q->st), q->inflight);
        atomic_store(&q->st->leaked, true);
        return;
    }
    atomic_fetch_sub(&q->st->queues, 1);
    release_all(q);
}

uint32_t io_queue_depth(const struct io_queue *q)
{
    return q->depth;
}

uint32_t io_queue_inflight(const struct io_queue *q)
{
    return q->inflight;
}

const char *io_queue_mode(const struct io_queue *q)
{
    return q->mode;
}

const struct io_stats *io_queue_stats(const struct io_queue *q)
{
    return &q->stats;
}

/* The slot goes back, its op belongs to who submitted it. */
static void release(struct io_queue *q, struct io_slot *slot)
{
    slot->place = SLOT_FREE;
    slot->op->slot = NULL;
    slot->op = NULL;
    q->free[q->free_count++] = slot;
    q->inflight -= !slot->is_part;
}

static void tell_split(struct io_queue *q, const struct io_slot *slot)
{
    const struct io_op *op = slot->op;
    bool counts = op->status >= 0 && slot->attempts == 1 && op->bytes;

    split_done(q->st->split, slot->generation, counts ? op->bytes : 0,
               op->first_byte_ns > op->submit_ns ? op->first_byte_ns - op->submit_ns : 0,
               op->done_ns > op->submit_ns ? op->done_ns - op->submit_ns : 1, clock_now_ns());
}

struct io_op *queue_settle(struct io_queue *q, struct io_slot *slot)
{
    struct io_op *op = slot->op;

    if (slot->measured)
        tell_split(q, slot);
    release(q, slot);
    if (!slot->is_part)
        return op;
    queue_split_part_done(q, op);
    return NULL;
}

void queue_fail(struct io_queue *q, struct io_slot *slot, dlfw_status status)
{
    struct io_op *op = slot->op;

    op->status = status;
    op->comp_flags = 0;
    op->bytes = 0;
    op->data = NULL;
    op->object_size = UINT64_MAX;
    op->first_byte_ns = 0;
    op->done_ns = clock_now_ns();
    if (!op->submit_ns)
        op->submit_ns = op->done_ns;
    op->attempts = slot->attempts ? slot->attempts : 1;
    op_error_finish(op);
    if (q->st->sizes)
        queue_learn_size(q, op);
    if (slot->is_part)
        stats_count_part(&q->stats, op, 0);
    else
        stats_count(&q->stats, op, 0);
    slot->place = SLOT_READY;
    q->ready[q->ready_count++] = slot;
}

void queue_push(struct io_queue *q, struct io_slot *slot)
{
    slot->place = SLOT_PENDING;
    q->pending[q->pending_count++] = &slot->req;
}

static dlfw_status check_op(struct io_queue *q, const struct io_op *op, dlfw_error *err)
{
    if (op->op >= 64 || !(q->op_mask & DLFW_OP_BIT(op->op)))
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "backend '%s' cannot %s", backend_name(q), op_verb(op->op));
    if (op->op == DLFW_OP_GET && (op->flags & DLFW_REQ_WHOLE) && op->offset)
        return dlfw_fail(err, DLFW_E_INVALID, "a whole-object read starts at 0, not at %" PRIu64, op->offset);
    if (op->length > op->buf_cap && op->buf)
        return dlfw_fail(err, DLFW_E_INVALID, "the buffer has %" PRIu64 " bytes, %" PRIu64 " are asked for",
                         op->buf_cap, op->length);
    return DLFW_OK;
}

static dlfw_status fit_read(struct io_queue *q, struct io_slot *slot, dlfw_error *err)
{
    const struct io_op *op = slot->op;
    dlfw_status st;

    if (op->offset > INT64_MAX || op->length > INT64_MAX - op->offset)
        return dlfw_fail(err, DLFW_E_INVALID, "no object has the range %" PRIu64 " + %" PRIu64, op->offset, op->length);
    if (!q->limits_known) {
        st = storage_limits(q->st, op->key, op->key_len, &q->limits, err);
        if (st < 0)
            return st;
        q->limits_known = true;
        q->align_matters = align_matters(&q->limits);
    }
    if (q->align_matters) {
        st = align_get(&q->limits, op, &slot->req, &slot->skip, err);
        if (st < 0)
            return st;
    }
    if (q->limits.max_io && slot->req.length > q->limits.max_io)
        return dlfw_fail(err, DLFW_E_INVALID,
                         "%" PRIu64 " bytes in one read are more than the %" PRIu64 " that backend '%s' takes",
                         slot->req.length, q->limits.max_io, backend_name(q));
    return DLFW_OK;
}

static void fill_request(struct io_slot *slot, const struct io_op *op)
{
    void *scratch = slot->req.scratch;

    slot->req = (dlfw_req){.op = op->op,
                           .flags = op->flags,
                           .key_len = op->key_len,
                           .key = op->key,
                           .handle = op->handle,
                           .buf = op->buf,
                           .buf_cap = op->buf_cap,
                           .offset = op->offset,
                           .length = op->length,
                           .mem_handle = op->mem_handle,
                           .arg = op->arg,
                           .deadline_ns = op->deadline_ns,
                           .error = &((struct io_op *)op)->err.e,
                           .scratch = scratch};
    slot->skip = 0;
    slot->attempts = 0;
    slot->cancelled = false;
    slot->measured = false;
}

static void submit_in_slot(struct io_queue *q, struct io_op *op, bool is_part)
{
    struct io_slot *slot = q->free[--q->free_count];
    dlfw_status st;

    q->inflight += !is_part;
    slot->op = op;
    slot->is_part = is_part;
    op->slot = slot;
    op->submit_ns = 0;
    error_slot_init(&op->err);
    fill_request(slot, op);
    if (is_part || op->length >= q->split_from) {
        slot->measured = op->op == DLFW_OP_GET;
        slot->generation = slot->measured ? split_begin(q->st->split, clock_now_ns()) : 0;
    }
    st = check_op(q, op, &op->err.e);
    if (st >= 0 && op->op == DLFW_OP_GET)
        st = fit_read(q, slot, &op->err.e);
    if (st < 0) {
        queue_fail(q, slot, st);
        return;
    }
    queue_push(q, slot);
    if (q->pending_count >= IO_SUBMIT_BATCH)
        queue_flush(q);
}

void queue_submit_one(struct io_queue *q, struct io_op *op)
{
    submit_in_slot(q, op, false);
}

void queue_submit_part(struct io_queue *q, struct io_op *op)
{
    submit_in_slot(q, op, true);
}

bool io_queue_submit(struct io_queue *q, struct io_op *op)
{
    if (q->inflight == q->depth)
        return false;
    if (op->length < q->split_from || !queue_split_begin(q, op))
        submit_in_slot(q, op, false);
    return true;
}

static void fail_pending(struct io_queue *q, dlfw_status status, const char *why)
{
    uint32_t n = q->pending_count;

    q->pending_count = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct io_slot *slot = (struct io_slot *)q->pending[i];

        queue_fail(q, slot, dlfw_fail(&slot->op->err.e, status, "%s", why));
    }
}

/* Drops from pending what is past its deadline. */
static void expire_pending(struct io_queue *q, uint64_t now)
{
    uint32_t kept = 0, n = q->pending_count;

    for (uint32_t i = 0; i < n; i++) {
        struct io_slot *slot = (struct io_slot *)q->pending[i];

        if (now < slot->req.deadline_ns)
            q->pending[kept++] = q->pending[i];
        else
            queue_fail(q, slot,
                       dlfw_fail(&slot->op->err.e, DLFW_E_TIMEOUT, "the deadline passed before the backend took it"));
    }
    q->pending_count = kept;
}

void queue_flush(struct io_queue *q)
{
    bool late = false;
    uint64_t now;
    int32_t taken;

    if (!q->pending_count)
        return;
    if (q->dead) {
        fail_pending(q, q->dead, "the backend's queue is dead");
        return;
    }
    now = clock_now_ns();
    for (uint32_t i = 0; i < q->pending_count; i++) {
        struct io_slot *slot = (struct io_slot *)q->pending[i];

        if (!slot->op->submit_ns)
            slot->op->submit_ns = now;
        if (!slot->req.deadline_ns)
            slot->req.deadline_ns = wake_until(now, q->st->retry.timeout);
        slot->req.user = slot->attempts; /* a level between may want to go another way with a second try */
        late |= slot->req.deadline_ns <= now;
    }
    if (late)
        expire_pending(q, now);
    if (!q->pending_count)
        return;
    taken = adapter_submit(q->below, q->pending, q->pending_count);
    if (taken < 0) {
        q->dead = taken;
        fail_pending(q, q->dead, "the backend's queue is dead");
        return;
    }
    for (uint32_t i = 0; i < (uint32_t)taken; i++) {
        struct io_slot *slot = (struct io_slot *)q->pending[i];

        slot->place = SLOT_BELOW;
        slot->attempts++;
    }
    q->below_count += (uint32_t)taken;
    q->pending_count -= (uint32_t)taken;
    memmove(q->pending, q->pending + taken, q->pending_count * sizeof *q->pending);
}

void queue_give_up(struct io_queue *q, struct io_slot *slot)
{
    uint32_t i = 0;

    slot->cancelled = true;
    if (slot->place == SLOT_BELOW)
        adapter_cancel(q->below, &slot->req);
    if (slot->place == SLOT_BACKOFF)
        due_set_now(&q->backoff, slot); /* fails when it would be tried again */
    if (slot->place != SLOT_PENDING)
        return;
    while (q->pending[i] != &slot->req)
        i++;
    memmove(q->pending + i, q->pending + i + 1, (--q->pending_count - i) * sizeof *q->pending);
    queue_fail(q, slot, dlfw_fail(&slot->op->err.e, DLFW_E_CANCELLED, "cancelled"));
}

void io_queue_cancel(struct io_queue *q)
{
    void *waiting;

    queue_split_cancel(q);
    fail_pending(q, DLFW_E_CANCELLED, "cancelled");
    while ((waiting = due_take(&q->backoff))) {
        struct io_slot *slot = waiting;

        queue_fail(q, slot, dlfw_fail(&slot->op->err.e, DLFW_E_CANCELLED, "cancelled while waiting to be tried again"));
    }
    for (uint32_t i = 0; i < q->slot_count && q->below_count; i++) {
        struct io_slot *slot = &q->slots[i];

        if (slot->place != SLOT_BELOW || (slot->cancelled && slot->is_part))
            continue;
        slot->cancelled = true;
        adapter_cancel(q->below, &slot->req);
    }
}

void io_queue_wakeup(struct io_queue *q)
{
    wake_signal(&q->wake);
    adapter_wakeup(q->below);
}

int32_t io_queue_wait_fd(struct io_queue *q)
{
    return adapter_wait_fd(q->below);
}
