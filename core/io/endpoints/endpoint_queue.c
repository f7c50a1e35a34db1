/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue over several endpoints: one line per endpoint, each with an adapter of its own. As in wrappers, what goes
 * down is a copy in the scratch of the request that came in. A request is pending (its line had no room yet), below, or
 * ready (failed here). While one line alone is busy the wait is inside it; else on the descriptors of all busy lines.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "io/endpoints/endpoint_queue.h"

#define SLICE_NS 10000000u     /* of a wait on descriptors: deadlines below are kept by asking again */
#define BLIND_SLICE_NS 200000u /* of a wait in one line while others have no descriptor */
#define RESEND_NS 1000000u     /* an idle line that takes nothing is asked again after this */

static void reset_comp(dlfw_comp *comp)
{
    *comp = (dlfw_comp){.object_size = UINT64_MAX};
}

static void queue_destroy(dlfw_queue *queue)
{
    struct endpoint_queue *q = (struct endpoint_queue *)queue;

    for (uint32_t i = 0; i < q->e->count; i++) {
        adapter_destroy(q->lines[i].below);
        free(q->lines[i].pending);
    }
    if (q->wake_fd >= 0)
        close(q->wake_fd);
    free(q->ready);
    free(q);
}

static dlfw_status queue_create(dlfw_backend *be, const dlfw_queue_args *args, dlfw_queue **ret, dlfw_error *err)
{
    struct endpoint_queue *q = xcalloc(1, sizeof *q);
    dlfw_status st = DLFW_OK;

    q->e = (struct endpoints *)be;
    q->depth = args->depth;
    q->ready = xcalloc(args->depth, sizeof *q->ready);
    q->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (q->wake_fd < 0) {
        st = dlfw_fail_errno(err, errno, "cannot create an eventfd");
        goto out;
    }
    for (uint32_t i = 0; i < q->e->count; i++) {
        q->lines[i].pending = xcalloc(args->depth, sizeof(dlfw_req *));
        st = adapter_create(&q->e->items[i].layer, args->depth, args->flags, &q->lines[i].below, err);
        if (st < 0) {
            if (err)
                error_prefix(err, "endpoint '%s'", q->e->items[i].name);
            goto out;
        }
    }

    *ret = (dlfw_queue *)q;
    q = NULL;
out:
    if (q)
        queue_destroy((dlfw_queue *)q);
    return st;
}

const char *endpoint_queue_mode(const dlfw_queue *queue)
{
    return adapter_mode(((const struct endpoint_queue *)queue)->lines[0].below);
}

static void make_ready(struct endpoint_queue *q, struct endpoint_item *item)
{
    item->place = ITEM_READY;
    q->ready[(q->ready_head + q->ready_count++) % q->depth] = item;
}

/* The item never got an answer: it fails here. */
static void fail_here(struct endpoint_queue *q, struct endpoint_item *item, dlfw_status status, uint32_t flags)
{
    reset_comp(&item->comp);
    item->comp.req = item->upper;
    item->comp.status = status;
    item->comp.flags = flags;
    make_ready(q, item);
}

/* Everything of a line fails: its queue has died. */
static void line_dies(struct endpoint_queue *q, uint32_t i, dlfw_status status)
{
    struct endpoint_line *line = &q->lines[i];

    line->dead = status;
    q->dead_lines++;
    for (struct endpoint_item *item = line->items, *next; item; item = next) {
        uint32_t flags = endpoint_item_may_move(q, item) ? DLFW_ERR_RETRYABLE : 0;

        next = item->next;
        if (item->place == ITEM_BELOW)
            line->below_count--;
        else
            line->pending_count--;
        dlfw_fail(item->upper->error, status, "the queue of endpoint '%s' has died: %s", q->e->items[i].name,
                  dlfw_status_text(status));
        endpoint_note_failure(q, item);
        fail_here(q, item, status, flags);
    }
    line->items = NULL;
}

static void send_line(struct endpoint_queue *q, uint32_t i)
{
    struct endpoint_line *line = &q->lines[i];
    int32_t taken = line->dead ? 0 : adapter_submit(line->below, line->pending, line->pending_count);

    if (taken < 0) {
        line_dies(q, i, taken);
        return;
    }
    for (uint32_t k = 0; k < (uint32_t)taken; k++)
        ((struct endpoint_item *)line->pending[k])->place = ITEM_BELOW;
    line->below_count += (uint32_t)taken;
    line->pending_count -= (uint32_t)taken;
    memmove(line->pending, line->pending + taken, line->pending_count * sizeof *line->pending);
}

static void send_all(struct endpoint_queue *q)
{
    for (uint32_t i = 0; i < q->e->count; i++) {
        if (q->lines[i].pending_count)
            send_line(q, i);
    }
}

static uint32_t in_flight(const struct endpoint_queue *q)
{
    uint32_t n = q->ready_count;

    for (uint32_t i = 0; i < q->e->count; i++)
        n += q->lines[i].pending_count + q->lines[i].below_count;
    return n;
}

static void add_item(struct endpoint_line *line, struct endpoint_item *item)
{
    item->previous = NULL;
    item->next = line->items;
    if (line->items)
        line->items->previous = item;
    line->items = item;
}

static void drop_item(struct endpoint_line *line, struct endpoint_item *item)
{
    if (item->previous)
        item->previous->next = item->next;
    else
        line->items = item->next;
    if (item->next)
        item->next->previous = item->previous;
}

static int32_t queue_submit(dlfw_queue *queue, dlfw_req *const *reqs, uint32_t n)
{
    struct endpoint_queue *q = (struct endpoint_queue *)queue;
    uint32_t there = in_flight(q), taken;
    uint64_t now = clock_now_ns();

    if (q->dead_lines == q->e->count)
        return q->lines[0].dead;
    for (taken = 0; taken < n && there + taken < q->depth; taken++) {
        struct endpoint_item *item = endpoint_item_begin(q, reqs[taken], now);
        struct endpoint_line *line = &q->lines[item->endpoint];

        if (line->dead) { /* a handle whose endpoint is gone */
            dlfw_fail(reqs[taken]->error, line->dead, "the queue of endpoint '%s' has died",
                      q->e->items[item->endpoint].name);
            endpoint_note_failure(q, item);
            fail_here(q, item, line->dead, 0);
            continue;
        }
        item->place = ITEM_PENDING;
        add_item(line, item);
        line->pending[line->pending_count++] = &item->lower;
    }
    send_all(q);
    return (int32_t)taken;
}

static uint32_t collect(struct endpoint_queue *q, uint32_t i, dlfw_comp *comps, uint32_t max, uint32_t min,
                        uint64_t timeout_ns)
{
    struct endpoint_line *line = &q->lines[i];
    int32_t got = adapter_reap(line->below, comps, max, min, timeout_ns);
    uint64_t now = got > 0 ? clock_now_ns() : 0;

    if (got < 0) {
        line_dies(q, i, got);
        return 0;
    }
    for (int32_t k = 0; k < got; k++) {
        struct endpoint_item *item = (struct endpoint_item *)comps[k].req;

        line->below_count--;
        drop_item(line, item);
        endpoint_item_end(q, item, &comps[k], now);
    }
    return (uint32_t)got;
}

static uint32_t deliver(struct endpoint_queue *q, dlfw_comp *comps, uint32_t max)
{
    uint32_t n = 0;

    while (n < max && q->ready_count) {
        comps[n++] = q->ready[q->ready_head]->comp;
        q->ready_head = (q->ready_head + 1) % q->depth;
        q->ready_count--;
    }
    return n;
}

/* How many lines are busy; one of them, if any. */
static uint32_t busy_lines(const struct endpoint_queue *q, uint32_t *ret_one, bool *ret_pending)
{
    uint32_t n = 0;

    *ret_pending = false;
    for (uint32_t i = 0; i < q->e->count; i++) {
        *ret_pending |= q->lines[i].pending_count && !q->lines[i].below_count;
        if (!q->lines[i].below_count)
            continue;
        *ret_one = i;
        n++;
    }
    return n;
}

/* One look at each busy line. */
static uint32_t collect_all(struct endpoint_queue *q, dlfw_comp *comps, uint32_t max)
{
    uint32_t n = 0;

    for (uint32_t k = 0; k < q->e->count && n < max; k++) {
        uint32_t i = (q->first_look + k) % q->e->count;

        if (q->lines[i].below_count)
            n += collect(q, i, comps + n, max - n, 0, 0);
    }
    q->first_look = (q->first_look + 1) % q->e->count;
    return n;
}

static void sleep_on(struct pollfd *fds, uint32_t count, uint64_t wait_ns)
{
    struct timespec ts = {.tv_sec = (time_t)(wait_ns / NS_PER_S), .tv_nsec = (long)(wait_ns % NS_PER_S)};

    (void)ppoll(fds, count, &ts, NULL); /* whatever it says, all lines are asked next */
}

/* Until something may have happened in one of the busy lines. All of them have just been asked. */
static uint32_t wait_for_any(struct endpoint_queue *q, dlfw_comp *comps, uint32_t max, uint64_t wait_ns)
{
    struct pollfd fds[ENDPOINTS_MAX + 1];
    uint32_t count = 0;

    for (uint32_t k = 0; k < q->e->count; k++) {
        uint32_t i = (q->first_look + k) % q->e->count;
        int32_t fd = q->lines[i].below_count ? adapter_wait_fd(q->lines[i].below) : 0;

        if (!q->lines[i].below_count)
            continue;
        if (fd < 0)
            return collect(q, i, comps, max, 1, wait_ns < BLIND_SLICE_NS ? wait_ns : BLIND_SLICE_NS);
        fds[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    fds[count++] = (struct pollfd){.fd = q->wake_fd, .events = POLLIN};
    sleep_on(fds, count, wait_ns < SLICE_NS ? wait_ns : SLICE_NS);
    return 0;
}

static bool take_wake(struct endpoint_queue *q)
{
    eventfd_t counter;

    if (!wake_take(&q->wake))
        return false;
    (void)eventfd_read(q->wake_fd, &counter); /* only sets it back to zero */
    return true;
}

static uint64_t time_left(uint64_t until)
{
    uint64_t now;

    if (until == 0 || until == UINT64_MAX)
        return until;
    now = clock_now_ns();
    return until > now ? until - now : 0;
}

static int32_t queue_reap(dlfw_queue *queue, dlfw_comp *comps, uint32_t max, uint32_t min, uint64_t timeout_ns)
{
    struct endpoint_queue *q = (struct endpoint_queue *)queue;
    uint64_t until = timeout_ns && timeout_ns != UINT64_MAX ? wake_until(clock_now_ns(), timeout_ns) : timeout_ns;
    uint32_t there = in_flight(q), n = 0;

    if (!there && q->dead_lines == q->e->count)
        return q->lines[0].dead;
    min = min < there ? min : there;
    min = min < max ? min : max;
    for (;;) {
        uint32_t one = 0, busy;
        bool pending;
        uint64_t left;

        send_all(q);
        n += deliver(q, comps + n, max - n);
        if (n == max)
            break;
        left = n >= min || wake_is_set(&q->wake) ? 0 : time_left(until);
        busy = busy_lines(q, &one, &pending);
        if (pending && left > RESEND_NS)
            left = RESEND_NS;
        if (busy == 1)
            n += collect(q, one, comps + n, max - n, n < min ? min - n : 0, left);
        else
            n += collect_all(q, comps + n, max - n);
        n += deliver(q, comps + n, max - n);
        if (n >= min || take_wake(q) || !time_left(until))
            break;
        if (busy != 1 && left)
            n += wait_for_any(q, comps + n, max - n, left);
    }
    return (int32_t)n;
}

static void queue_cancel(dlfw_queue *queue, dlfw_req *req)
{
    struct endpoint_queue *q = (struct endpoint_queue *)queue;
    struct endpoint_item *item = req->scratch;
    struct endpoint_line *line = &q->lines[item->endpoint];
    uint32_t i = 0;

    if (item->place == ITEM_BELOW) {
        adapter_cancel(line->below, &item->lower);
        return;
    }
    if (item->place == ITEM_READY)
        return;
    while (line->pending[i] != &item->lower)
        i++;
    line->pending_count--;
    for (; i < line->pending_count; i++)
        line->pending[i] = line->pending[i + 1];
    drop_item(line, item);
    endpoint_passed(&q->e->choice, item->endpoint);
    fail_here(q, item, dlfw_fail(req->error, DLFW_E_CANCELLED, "cancelled"), 0);
}

static void queue_wakeup(dlfw_queue *queue)
{
    struct endpoint_queue *q = (struct endpoint_queue *)queue;

    wake_signal(&q->wake);
    (void)eventfd_write(q->wake_fd, 1); /* fails only when it is set already */
    for (uint32_t i = 0; i < q->e->count; i++)
        adapter_wakeup(q->lines[i].below);
}

void endpoint_queue_fill_ops(dlfw_backend_ops *ops, uint32_t under_scratch)
{
    ops->req_scratch = ENDPOINT_ITEM_BYTES + under_scratch;
    ops->queue_create = queue_create;
    ops->queue_destroy = queue_destroy;
    ops->submit = queue_submit;
    ops->reap = queue_reap;
    ops->cancel = queue_cancel;
    ops->wakeup = queue_wakeup;
}
