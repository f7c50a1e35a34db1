/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From completion to operation: checks what the backend says, sends back what may be tried again, gives the rest to the
 * caller. Waiting for a backoff never keeps finished operations from being delivered.
 */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/str.h"
#include "io/io_queue_parts.h"
#include "io/storage_parts.h"

#define RESUBMIT_NS 1000000u /* an idle backend that takes nothing is asked again after this */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* A GET that the backend calls good: how many of the wanted bytes are there, and may any be missing? */
static dlfw_status judge_read(const struct io_slot *slot, const dlfw_comp *comp, uint64_t *ret_bytes, dlfw_error *err)
{
    const dlfw_req *req = &slot->req;
    const struct io_op *op = slot->op;
    bool whole = (op->flags & DLFW_REQ_WHOLE) != 0;
    uint64_t limit = whole ? req->buf_cap : req->length;
    uint64_t end;

    if (comp->bytes > limit)
        return dlfw_fail(err, DLFW_E_IO, "the backend says it read %" PRIu64 " bytes, %" PRIu64 " were asked for",
                         comp->bytes, limit);
    *ret_bytes = comp->bytes > slot->skip ? comp->bytes - slot->skip : 0;
    if (!whole && *ret_bytes > op->length)
        *ret_bytes = op->length;
    if (comp->object_size == UINT64_MAX)
        return DLFW_OK;
    end = whole ? comp->object_size : earlier(op->offset + op->length, comp->object_size);
    if (op->offset + *ret_bytes >= end)
        return DLFW_OK;
    return dlfw_fail(err, DLFW_E_IO,
                     "short read: %" PRIu64 " of %" PRIu64 " bytes at %" PRIu64 ", but the object has %" PRIu64,
                     *ret_bytes, end - op->offset, op->offset, comp->object_size);
}

/* A write that the backend calls good has to have moved all of it. */
static dlfw_status judge_write(const struct io_slot *slot, const dlfw_comp *comp, dlfw_error *err)
{
    if (comp->bytes == slot->req.length)
        return DLFW_OK;
    return dlfw_fail(err, DLFW_E_IO, "short write: %" PRIu64 " of %" PRIu64 " bytes", comp->bytes, slot->req.length);
}

static uint32_t failure_flags(const struct io_slot *slot, const dlfw_comp *comp)
{
    const dlfw_error *e = &slot->op->err.e;

    return comp->flags | (e->status == comp->status ? e->flags : 0);
}

/* True when the failed request waits for its next try. */
static bool try_again(struct io_queue *q, struct io_slot *slot, const dlfw_comp *comp, uint64_t now)
{
    const struct retry_policy *policy = &q->st->retry;
    uint32_t flags = failure_flags(slot, comp);
    uint64_t delay;

    if (flags & DLFW_ERR_THROTTLED)
        q->stats.throttled++;
    if (slot->cancelled || atomic_load_explicit(&host_cancel_level, memory_order_relaxed))
        return false;
    if (!retry_allowed(policy, &slot->req, flags, slot->attempts))
        return false;
    delay = retry_delay_ns(policy, slot->attempts, slot->op->err.e.retry_after_ms, hash_mix(q->draws++));
    if (wake_until(now, delay) >= slot->req.deadline_ns)
        return false;
    if (comp->handle && slot->req.op == DLFW_OP_LIST)
        slot->req.handle = comp->handle;
    error_slot_init(&slot->op->err);
    q->stats.retries++;
    atomic_fetch_add_explicit(&io_trouble, 1, memory_order_relaxed);
    slot->place = SLOT_BACKOFF;
    due_add(&q->backoff, now + delay, slot);
    return true;
}

static void fill_result(struct io_slot *slot, const dlfw_comp *comp, uint64_t now)
{
    struct io_op *op = slot->op;

    op->status = comp->status;
    op->comp_flags = comp->flags;
    op->data = op->op == DLFW_OP_GET && slot->req.buf ? (uint8_t *)slot->req.buf + slot->skip : op->buf;
    op->bytes = comp->bytes;
    op->object_size = comp->object_size;
    op->first_byte_ns = comp->first_byte_ns;
    op->done_ns = comp->done_ns ? comp->done_ns : now;
    op->attempts = slot->attempts + (comp->attempts > 1 ? comp->attempts - 1 : 0);
    if (op->op == DLFW_OP_OPEN || op->op == DLFW_OP_WRITE_BEGIN || op->op == DLFW_OP_LIST)
        op->handle = comp->handle;
}

/* True when the operation is finished and the slot's op goes to the caller. */
static bool finish(struct io_queue *q, struct io_slot *slot, const dlfw_comp *comp, uint64_t now)
{
    struct io_op *op = slot->op;

    if (comp->attempts > 1)
        q->stats.retries += comp->attempts - 1;
    if (comp->status < 0 && try_again(q, slot, comp, now))
        return false;
    fill_result(slot, comp, now);
    /* An earlier try has deleted it, only its answer was lost. */
    if (op->op == DLFW_OP_DELETE && op->status == DLFW_E_NOT_FOUND && slot->attempts > 1) {
        op->status = DLFW_OK;
        error_slot_init(&op->err);
    }
    if (op->op == DLFW_OP_GET && op->status >= 0)
        op->status = judge_read(slot, comp, &op->bytes, &op->err.e);
    if ((op->op == DLFW_OP_PUT || op->op == DLFW_OP_WRITE_PART) && op->status >= 0)
        op->status = judge_write(slot, comp, &op->err.e);
    if (op->status < 0) {
        op->comp_flags = failure_flags(slot, comp);
        if (op->op == DLFW_OP_GET)
            op->bytes = 0;
        op_error_finish(op);
    }
    if (q->st->sizes)
        queue_learn_size(q, op);
    if (slot->is_part)
        stats_count_part(&q->stats, op, comp->bytes);
    else
        stats_count(&q->stats, op, comp->bytes);
    return true;
}

/* The slot of a completion; NULL when there is no such request, which is the backend's mistake. */
static struct io_slot *slot_of(struct io_queue *q, const dlfw_comp *comp)
{
    uintptr_t first = (uintptr_t)q->slots, at = (uintptr_t)comp->req;
    struct io_slot *slot = (struct io_slot *)comp->req;

    if (at >= first && at < first + q->slot_count * sizeof *slot && (at - first) % sizeof *slot == 0 &&
        slot->place == SLOT_BELOW)
        return slot;
    log_error("backend '%s' has completed a request that it does not have; its completion is dropped",
              storage_base(q->st)->name);
    return NULL;
}

/* The backend says that nothing is in flight any more although some requests never came back. */
static void fail_lost(struct io_queue *q, dlfw_status status)
{
    q->dead = status;
    for (uint32_t i = 0; i < q->slot_count && q->below_count; i++) {
        struct io_slot *slot = &q->slots[i];

        if (slot->place != SLOT_BELOW)
            continue;
        q->below_count--;
        queue_fail(q, slot,
                   dlfw_fail(&slot->op->err.e, status, "the backend's queue has died: %s", dlfw_status_text(status)));
    }
}

static uint32_t collect(struct io_queue *q, struct io_op **done, uint32_t max, uint32_t min, uint64_t timeout_ns)
{
    uint32_t want = max < IO_REAP_BATCH ? max : IO_REAP_BATCH;
    int32_t got = adapter_reap(q->below, q->comps, want, min < want ? min : want, timeout_ns);
    uint64_t now = got > 0 ? clock_now_ns() : 0;
    uint32_t n = 0;

    if (got < 0) {
        fail_lost(q, got);
        return 0;
    }
    for (int32_t i = 0; i < got; i++) {
        dlfw_comp *comp = &q->comps[i];
        struct io_slot *slot = slot_of(q, comp);

        if (slot) {
            q->below_count--;
            if (finish(q, slot, comp, now)) {
                struct io_op *op = queue_settle(q, slot);

                if (op)
                    done[n++] = op;
            }
        }
        *comp = (dlfw_comp){.object_size = UINT64_MAX};
    }
    return n;
}

static uint32_t take_ready(struct io_queue *q, struct io_op **done, uint32_t max)
{
    uint32_t n = 0;

    while (n < max && q->ready_count) {
        struct io_op *op = queue_settle(q, q->ready[--q->ready_count]);

        if (op)
            done[n++] = op;
    }
    while (n < max && q->split_done_count) {
        done[n++] = q->split_done[--q->split_done_count];
        q->inflight--;
    }
    return n;
}

/* Requests whose backoff is over are tried again. */
static void resume_due(struct io_queue *q)
{
    uint64_t now;

    if (!q->backoff.count)
        return;
    now = clock_now_ns();
    while (due_next(&q->backoff) <= now) {
        struct io_slot *slot = due_take(&q->backoff);

        if (slot->cancelled)
            queue_fail(q, slot,
                       dlfw_fail(&slot->op->err.e, DLFW_E_CANCELLED, "cancelled while waiting to be tried again"));
        else
            queue_push(q, slot);
    }
}

/* How long the next wait may be: until the caller's timeout or the first backoff's end. */
static uint64_t wait_bound(const struct io_queue *q, uint64_t until)
{
    uint64_t first = earlier(until, due_next(&q->backoff));
    uint64_t now, wait;

    if (first == UINT64_MAX && !q->pending_count)
        return UINT64_MAX;
    now = clock_now_ns();
    wait = first > now ? first - now : 0;
    return q->pending_count && !q->below_count ? earlier(wait, RESUBMIT_NS) : wait;
}

uint32_t io_queue_reap(struct io_queue *q, struct io_op **done, uint32_t max, uint32_t min, uint64_t timeout_ns)
{
    uint64_t until = timeout_ns && timeout_ns != UINT64_MAX ? wake_until(clock_now_ns(), timeout_ns) : timeout_ns;
    uint32_t n = 0;

    min = min < q->inflight ? min : q->inflight;
    min = min < max ? min : max;
    for (;;) {
        uint64_t wait;

        resume_due(q);
        if (q->split_count)
            queue_split_feed(q);
        queue_flush(q);
        n += take_ready(q, done + n, max - n);
        if (n == max)
            break;
        wait = n >= min || wake_is_set(&q->wake) ? 0 : wait_bound(q, until);
        if (q->below_count)
            n += collect(q, done + n, max - n, n < min ? (q->split_count ? 1 : min - n) : 0, wait);
        else if (n < min)
            wake_sleep(&q->wake, wait);
        n += take_ready(q, done + n, max - n);
        if (n >= min || wake_is_set(&q->wake) || !until)
            break;
        if (until != UINT64_MAX && clock_now_ns() >= until)
            break;
    }
    wake_take(&q->wake);
    return n;
}
