/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of every wrapper. A request is in one of three places: pending (the level below had no room yet), below, or
 * held (done, waiting for its due time). The request that goes down is a copy in the scratch of the one that came in,
 * so nothing of the caller's is changed and nothing is allocated.
 */
#include "io/wrap/wrap.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "io/due_heap.h"
#include "io/wake.h"

#define COMP_BATCH 32u
#define RESEND_NS 1000000u /* an idle level below that takes nothing is asked again after this */

enum item_place { PENDING, BELOW, HELD };

/* At the start of a request's scratch; the scratch of the level below follows. */
struct wrap_item {
    dlfw_req lower;
    dlfw_req *upper;
    dlfw_comp comp;
    enum item_place place;
};
#define ITEM_BYTES ((uint32_t)((sizeof(struct wrap_item) + 63) & ~(size_t)63))

struct wrap_queue {
    struct wrap_backend *w;
    struct io_adapter *below;
    struct due_heap held;
    dlfw_req **pending; /* lower requests, oldest first */
    uint32_t pending_count;
    uint32_t below_count;
    uint32_t depth;
    dlfw_status dead; /* what the level below said when its queue died */
    struct wake wake;
    dlfw_comp comps[COMP_BATCH]; /* always ready to be handed down */
};

static void reset_comp(dlfw_comp *comp)
{
    *comp = (dlfw_comp){.object_size = UINT64_MAX};
}

static void queue_destroy(dlfw_queue *queue)
{
    struct wrap_queue *q = (struct wrap_queue *)queue;

    adapter_destroy(q->below);
    due_destroy(&q->held);
    free(q->pending);
    free(q);
}

static dlfw_status queue_create(dlfw_backend *be, const dlfw_queue_args *args, dlfw_queue **ret, dlfw_error *err)
{
    struct wrap_queue *q = xcalloc(1, sizeof *q);
    dlfw_status st;

    q->w = (struct wrap_backend *)be;
    q->depth = args->depth;
    due_create(&q->held, args->depth);
    q->pending = xcalloc(args->depth, sizeof(dlfw_req *));
    for (uint32_t i = 0; i < COMP_BATCH; i++)
        reset_comp(&q->comps[i]);
    st = adapter_create(&q->w->under, args->depth, args->flags, &q->below, err);
    if (st < 0)
        goto out;

    *ret = (dlfw_queue *)q;
    q = NULL;
out:
    if (q)
        queue_destroy((dlfw_queue *)q);
    return st;
}

const char *wrap_queue_mode(const dlfw_queue *queue)
{
    return adapter_mode(((const struct wrap_queue *)queue)->below);
}

static void hold(struct wrap_queue *q, struct wrap_item *item, uint64_t due_ns)
{
    item->comp.req = item->upper;
    item->place = HELD;
    due_add(&q->held, due_ns, item);
}

static struct wrap_item *item_of(dlfw_req *upper)
{
    return upper->scratch;
}

static void fail_here(struct wrap_queue *q, struct wrap_item *item, dlfw_status status, uint32_t flags)
{
    reset_comp(&item->comp);
    item->comp.status = status;
    item->comp.flags = flags;
    hold(q, item, 0);
}

/* Hands down what is pending. */
static void send(struct wrap_queue *q)
{
    uint32_t taken = 0;
    int32_t n;

    if (!q->pending_count)
        return;
    n = q->dead ? q->dead : adapter_submit(q->below, q->pending, q->pending_count);
    if (n < 0) {
        q->dead = n;
        for (; taken < q->pending_count; taken++) {
            struct wrap_item *item = (struct wrap_item *)q->pending[taken];

            fail_here(q, item, dlfw_fail(item->upper->error, n, "the backend's queue is dead: %s", dlfw_status_text(n)),
                      0);
        }
        q->pending_count = 0;
        return;
    }
    for (; taken < (uint32_t)n; taken++)
        ((struct wrap_item *)q->pending[taken])->place = BELOW;
    q->below_count += taken;
    q->pending_count -= taken;
    for (uint32_t i = 0; i < q->pending_count; i++)
        q->pending[i] = q->pending[i + taken];
}

static int32_t queue_submit(dlfw_queue *queue, dlfw_req *const *reqs, uint32_t n)
{
    struct wrap_queue *q = (struct wrap_queue *)queue;
    const struct wrap_kind *kind = q->w->kind;
    uint32_t i;

    if (q->dead)
        return q->dead;
    for (i = 0; i < n && q->pending_count + q->below_count + q->held.count < q->depth; i++) {
        struct wrap_item *item = item_of(reqs[i]);
        uint32_t flags = 0;
        dlfw_status st;

        item->lower = *reqs[i];
        item->lower.scratch = (char *)reqs[i]->scratch + ITEM_BYTES;
        item->upper = reqs[i];
        st = kind->enter ? kind->enter(q->w->state, reqs[i], &flags, reqs[i]->error) : DLFW_OK;
        if (st < 0) {
            fail_here(q, item, st, flags);
            continue;
        }
        item->place = PENDING;
        q->pending[q->pending_count++] = &item->lower;
    }
    send(q);
    return (int32_t)i;
}

/* Takes completions from below and holds each until it is due. min, timeout_ns: as for reap. Negative: all that was
 * below is lost. */
static int32_t collect(struct wrap_queue *q, uint32_t min, uint64_t timeout_ns)
{
    uint32_t max = q->below_count < COMP_BATCH ? q->below_count : COMP_BATCH;
    int32_t n = adapter_reap(q->below, q->comps, max, min < max ? min : max, timeout_ns);
    uint64_t now = n > 0 ? clock_now_ns() : 0;

    for (int32_t i = 0; i < n; i++) {
        struct wrap_item *item = (struct wrap_item *)q->comps[i].req;
        uint64_t due;

        item->comp = q->comps[i];
        reset_comp(&q->comps[i]);
        due = q->w->kind->leave ? q->w->kind->leave(q->w->state, &item->lower, &item->comp, now) : 0;
        if (due > now)
            item->comp.done_ns = 0; /* done when the caller gets it */
        q->below_count--;
        hold(q, item, due);
    }
    return n;
}

static uint32_t deliver(struct wrap_queue *q, dlfw_comp *comps, uint32_t max)
{
    uint64_t now = 0;
    uint32_t n = 0;

    while (n < max && q->held.count) {
        uint64_t due = due_next(&q->held);

        if (due && !now)
            now = clock_now_ns();
        if (due > now)
            break;
        comps[n++] = ((struct wrap_item *)due_take(&q->held))->comp;
    }
    return n;
}

static uint64_t time_left(uint64_t until, uint64_t next_due)
{
    uint64_t first = next_due < until ? next_due : until;
    uint64_t now;

    if (first == UINT64_MAX)
        return UINT64_MAX;
    now = clock_now_ns();
    return first > now ? first - now : 0;
}

static int32_t queue_reap(dlfw_queue *queue, dlfw_comp *comps, uint32_t max, uint32_t min, uint64_t timeout_ns)
{
    struct wrap_queue *q = (struct wrap_queue *)queue;
    uint32_t inflight = q->pending_count + q->below_count + q->held.count;
    uint64_t until = timeout_ns ? wake_until(clock_now_ns(), timeout_ns) : 0;
    uint32_t n = 0;

    min = min < inflight ? min : inflight;
    min = min < max ? min : max;
    for (;;) {
        uint64_t wait;

        send(q);
        n += deliver(q, comps + n, max - n);
        if (n == max)
            break;
        wait = n >= min || wake_is_set(&q->wake) ? 0 : time_left(until, due_next(&q->held));
        if (q->below_count) {
            int32_t got = collect(q, n < min ? 1 : 0, wait);

            if (got < 0)
                return n ? (int32_t)n : got;
            n += deliver(q, comps + n, max - n);
        } else {
            wake_sleep(&q->wake, q->pending_count && wait > RESEND_NS ? RESEND_NS : wait);
            n += deliver(q, comps + n, max - n);
        }
        if (n >= min || wake_take(&q->wake) || !until || clock_now_ns() >= until)
            break;
    }
    return (int32_t)n;
}

static void queue_cancel(dlfw_queue *queue, dlfw_req *req)
{
    struct wrap_queue *q = (struct wrap_queue *)queue;
    struct wrap_item *item = item_of(req);
    uint32_t i = 0;

    if (item->place == BELOW) {
        adapter_cancel(q->below, &item->lower);
        return;
    }
    if (item->place == HELD) {
        due_set_now(&q->held, item);
        return;
    }
    while (q->pending[i] != &item->lower)
        i++;
    q->pending_count--;
    for (; i < q->pending_count; i++)
        q->pending[i] = q->pending[i + 1];
    fail_here(q, item, dlfw_fail(req->error, DLFW_E_CANCELLED, "cancelled"), 0);
}

static void queue_wakeup(dlfw_queue *queue)
{
    struct wrap_queue *q = (struct wrap_queue *)queue;

    wake_signal(&q->wake);
    adapter_wakeup(q->below);
}

/* What is held becomes due by the clock; whoever waits on the descriptor comes back every 10 ms anyway. */
static int32_t queue_wait_fd(dlfw_queue *queue)
{
    return adapter_wait_fd(((struct wrap_queue *)queue)->below);
}

void wrap_queue_fill_ops(dlfw_backend_ops *ops, uint32_t under_scratch)
{
    ops->req_scratch = ITEM_BYTES + under_scratch;
    ops->queue_create = queue_create;
    ops->queue_destroy = queue_destroy;
    ops->submit = queue_submit;
    ops->reap = queue_reap;
    ops->cancel = queue_cancel;
    ops->wakeup = queue_wakeup;
    ops->wait_fd = queue_wait_fd;
}
