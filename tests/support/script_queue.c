/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The native queue of the scripted backend: each request is due at its own time, so completions come out of order. The
 * operation is carried out when it is due, so whatever it points to must still be there.
 */
#include "support/script_parts.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/wake.h"

/* At the start of the request's scratch. */
struct item {
    uint64_t magic;
    dlfw_req *req;
    uint64_t due_ns;
    bool cancelled;
};
#define MAGIC 0x5c819700de1a7edull

struct script_queue {
    struct script *s;
    uint32_t depth, count;
    bool dead;
    struct item **items;
    int timer; /* waits_on_fd: readable when the first item is due */
    struct wake wake;
};

static dlfw_status queue_create(dlfw_backend *be, const dlfw_queue_args *args, dlfw_queue **ret, dlfw_error *err)
{
    struct script *s = (struct script *)be;
    struct script_queue *q;

    if (s->config.no_queue)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "no queues today");
    q = calloc(1, sizeof *q);
    q->s = s;
    q->depth = args->depth;
    q->items = calloc(args->depth, sizeof(struct item *));
    q->timer = s->config.waits_on_fd ? timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC) : -1;
    *ret = (dlfw_queue *)q;
    return DLFW_OK;
}

static void queue_destroy(dlfw_queue *queue)
{
    struct script_queue *q = (struct script_queue *)queue;

    ck_assert_uint_eq(q->count, 0);
    if (q->timer >= 0)
        close(q->timer);
    free(q->items);
    free(q);
}

static const struct script_rule *submit_rule(struct script *s)
{
    for (uint32_t i = 0; i < s->rule_count; i++) {
        const struct script_rule *r = &s->rules[i];

        if ((r->refuse_submit || r->dead) && s->submits >= r->from && s->submits - r->from < r->count)
            return r;
    }
    return NULL;
}

static void accept_one(struct script_queue *q, dlfw_req *req)
{
    struct item *item = req->scratch;

    if ((uintptr_t)req->scratch % 64 || q->count >= q->depth)
        ck_abort_msg("scratch %p, %u of %u in flight", req->scratch, q->count, q->depth);
    memset(req->scratch, 0x5a, SCRIPT_SCRATCH);
    *item = (struct item){.magic = MAGIC, .req = req, .due_ns = script_due(q->s, req, clock_now_ns())};
    q->items[q->count++] = item;
    script_begin_one(q->s);
}

static int32_t queue_submit(dlfw_queue *queue, dlfw_req *const *reqs, uint32_t n)
{
    struct script_queue *q = (struct script_queue *)queue;
    const struct script_rule *rule = submit_rule(q->s);
    uint32_t i;

    q->s->submits++;
    q->dead |= rule && rule->dead;
    if (q->dead)
        return DLFW_E_UNAVAILABLE;
    if (rule)
        return 0;
    if (q->s->config.submit_max && n > q->s->config.submit_max)
        n = q->s->config.submit_max;
    for (i = 0; i < n && q->count < q->depth; i++)
        accept_one(q, reqs[i]);
    return (int32_t)i;
}

static void complete(struct script_queue *q, struct item *item, dlfw_comp *comp)
{
    dlfw_req *req = item->req;

    if (item->magic != MAGIC)
        ck_abort_msg("the scratch of a request was overwritten");
    if (comp->object_size != UINT64_MAX || comp->req || comp->status || comp->bytes || comp->flags || comp->handle)
        ck_abort_msg("a completion was handed in that is not zeroed");
    item->magic = 0;
    comp->req = req;
    if (item->cancelled)
        comp->status = dlfw_fail(req->error, DLFW_E_CANCELLED, "cancelled");
    else if (req->deadline_ns && clock_now_ns() > req->deadline_ns)
        comp->status = dlfw_fail(req->error, DLFW_E_TIMEOUT, "too late");
    else
        script_execute(q->s, req, comp);
    script_end_one(q->s);
}

static uint32_t take_due(struct script_queue *q, dlfw_comp *comps, uint32_t max)
{
    uint64_t now = clock_now_ns();
    uint32_t n = 0;

    for (uint32_t i = 0; i < q->count && n < max;) {
        struct item *item = q->items[i];

        if (!item->cancelled && item->due_ns > now) {
            i++;
            continue;
        }
        q->items[i] = q->items[--q->count];
        complete(q, item, &comps[n++]);
    }
    return n;
}

static int32_t queue_reap(dlfw_queue *queue, dlfw_comp *comps, uint32_t max, uint32_t min, uint64_t timeout_ns)
{
    struct script_queue *q = (struct script_queue *)queue;
    uint64_t until = wake_until(clock_now_ns(), timeout_ns);
    uint32_t n = 0;

    if (q->dead && !q->count)
        return DLFW_E_UNAVAILABLE;
    min = min < q->count ? min : q->count;
    for (;;) {
        uint64_t next = until, now;

        n += take_due(q, comps + n, max - n);
        now = clock_now_ns();
        if (n >= min || n == max || now >= until || wake_take(&q->wake))
            return (int32_t)n;
        for (uint32_t i = 0; i < q->count; i++)
            next = q->items[i]->due_ns < next ? q->items[i]->due_ns : next;
        if (next > now)
            wake_sleep(&q->wake, next == UINT64_MAX ? next : next - now);
    }
}

static void queue_cancel(dlfw_queue *queue, dlfw_req *req)
{
    struct item *item = req->scratch;

    (void)queue;
    ck_assert_uint_eq(item->magic, MAGIC);
    item->cancelled = true;
}

/* Set to the first due time: what the descriptor promises holds until something is submitted. */
static int32_t queue_wait_fd(dlfw_queue *queue)
{
    struct script_queue *q = (struct script_queue *)queue;
    struct itimerspec when = {0};
    uint64_t first = UINT64_MAX;

    for (uint32_t i = 0; i < q->count; i++)
        first = q->items[i]->due_ns < first ? q->items[i]->due_ns : first;
    if (q->timer >= 0 && first != UINT64_MAX) {
        when.it_value = (struct timespec){.tv_sec = (time_t)(first / NS_PER_S), .tv_nsec = (long)(first % NS_PER_S)};
        timerfd_settime(q->timer, TFD_TIMER_ABSTIME, &when, NULL);
    }
    return q->timer;
}

static void queue_wakeup(dlfw_queue *queue)
{
    wake_signal(&((struct script_queue *)queue)->wake);
}

void script_queue_fill_ops(dlfw_backend_ops *ops)
{
    ops->req_scratch = SCRIPT_SCRATCH;
    ops->queue_create = queue_create;
    ops->queue_destroy = queue_destroy;
    ops->submit = queue_submit;
    ops->reap = queue_reap;
    ops->cancel = queue_cancel;
    ops->wakeup = queue_wakeup;
    ops->wait_fd = queue_wait_fd;
}
