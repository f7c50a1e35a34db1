/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues under watch: every accepted request completes exactly once, and only one thread uses the queue. Requests are
 * copied before they are given away, because from acceptance to completion they belong to the backend.
 */
#include "plugin/plugin_check_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static struct check_queue *of(dlfw_queue *q)
{
    return (struct check_queue *)(void *)q;
}

/* The first thread that submits or reaps is the owner; creating and destroying may be somebody else's job. */
static void enter(struct check_queue *q, const char *function)
{
    if (q->owned && !pthread_equal(q->owner, pthread_self()))
        check_fail(q->be->shim, "host fault: %s from a second thread; a queue belongs to one", function);
    q->owner = pthread_self();
    q->owned = true;
    check_enter(q->be, function);
}

static struct check_flight *find_flight(struct check_queue *q, const dlfw_req *req)
{
    for (uint32_t i = 0; i < q->flying; i++) {
        if (q->flights[i].req == req)
            return &q->flights[i];
    }
    return NULL;
}

dlfw_status check_queue_create(dlfw_backend *backend, const dlfw_queue_args *args, dlfw_queue **ret, dlfw_error *reterr)
{
    struct check_backend *be = (struct check_backend *)(void *)backend;
    dlfw_queue *under = NULL;
    struct check_queue *q;
    dlfw_status st;

    check_enter(be, "queue_create");
    st = be->shim->under->queue_create(be->under, args, &under, reterr);
    check_leave(be);
    check_status(be->shim, "queue_create", st);
    if (st < 0) {
        check_error(be->shim, "queue_create", reterr);
        return st;
    }
    if (!under)
        check_fail(be->shim, "queue_create returned DLFW_OK but no queue");
    q = xcalloc(1, sizeof *q + args->depth * sizeof *q->flights);
    q->be = be;
    q->under = under;
    q->depth = args->depth;
    atomic_fetch_add(&be->queues, 1);
    *ret = (dlfw_queue *)(void *)q;
    return DLFW_OK;
}

void check_queue_destroy(dlfw_queue *queue)
{
    struct check_queue *q = of(queue);
    struct check_backend *be = q->be;

    if (q->flying)
        check_fail(be->shim, "host fault: queue_destroy with %u requests in flight", q->flying);
    check_enter(be, "queue_destroy");
    be->shim->under->queue_destroy(q->under);
    check_leave(be);
    atomic_fetch_sub(&be->queues, 1);
    free(q);
}

int32_t check_queue_submit(dlfw_queue *queue, dlfw_req *const *reqs, uint32_t n)
{
    struct check_queue *q = of(queue);
    const struct check_shim *shim = q->be->shim;
    int32_t taken;

    if (n > q->depth - q->flying)
        check_fail(shim, "host fault: submit of %u requests with %u of %u in flight", n, q->flying, q->depth);
    for (uint32_t i = 0; i < n; i++) {
        check_request(shim, reqs[i]);
        if (find_flight(q, reqs[i]))
            check_fail(shim, "host fault: a request was submitted while it is in flight");
        /* entered one after the other, so that one given twice in this call is noticed too */
        q->flights[q->flying++] = (struct check_flight){reqs[i], *reqs[i]};
    }
    enter(q, "submit");
    taken = shim->under->submit(q->under, reqs, n);
    check_leave(q->be);
    if (taken > 0 && (uint32_t)taken > n)
        check_fail(shim, "submit accepted %d of %u requests", taken, n);
    if (taken < 0)
        check_status(shim, "submit", taken);
    /* the first so many were accepted: the others are the host's again */
    q->flying -= n - (taken > 0 ? (uint32_t)taken : 0);
    return taken;
}

static void complete(struct check_queue *q, const dlfw_comp *comp)
{
    struct check_flight *flight = find_flight(q, comp->req);

    if (!flight)
        check_fail(q->be->shim, "a completion for a request that is not in flight: completed twice, or never accepted");
    check_completion(q->be->shim, &flight->as_submitted, flight->req, comp);
    *flight = q->flights[--q->flying];
}

/* Fewer than were asked for is right only after the timeout or a wakeup. */
static void check_count(struct check_queue *q, uint32_t got, uint32_t want, uint64_t timeout_ns)
{
    if (got >= want || timeout_ns != UINT64_MAX)
        return;
    if (atomic_exchange(&q->woken, 0) == 0)
        check_fail(q->be->shim, "reap without a timeout returned %u completions of at least %u, and nobody woke it",
                   got, want);
}

int32_t check_queue_reap(dlfw_queue *queue, dlfw_comp *comps, uint32_t max, uint32_t min, uint64_t timeout_ns)
{
    struct check_queue *q = of(queue);
    const struct check_shim *shim = q->be->shim;
    uint32_t flying = q->flying;
    uint32_t want = min < max ? min : max;
    int32_t got;

    for (uint32_t i = 0; i < max; i++) {
        if (comps[i].req || comps[i].status || comps[i].bytes || comps[i].object_size != UINT64_MAX)
            check_fail(shim, "host fault: reap with completions that are not zeroed (object_size UINT64_MAX)");
    }
    enter(q, "reap");
    got = shim->under->reap(q->under, comps, max, min, timeout_ns);
    check_leave(q->be);
    if (got < 0) {
        check_status(shim, "reap", got);
        if (q->flying)
            check_fail(shim, "reap says that the queue is dead (%s) with %u requests lost in it", dlfw_status_name(got),
                       q->flying);
        return got;
    }
    if ((uint32_t)got > max)
        check_fail(shim, "reap returned %d completions into room for %u", got, max);
    for (int32_t i = 0; i < got; i++)
        complete(q, &comps[i]);
    check_count(q, (uint32_t)got, want < flying ? want : flying, timeout_ns);
    return got;
}

void check_queue_cancel(dlfw_queue *queue, dlfw_req *req)
{
    struct check_queue *q = of(queue);

    if (!find_flight(q, req))
        check_fail(q->be->shim, "host fault: cancel of a request that is not in flight");
    enter(q, "cancel");
    q->be->shim->under->cancel(q->under, req);
    check_leave(q->be);
}

void check_queue_wakeup(dlfw_queue *queue)
{
    struct check_queue *q = of(queue);

    /* before the call: the reap that it ends may look at once */
    atomic_store(&q->woken, 1);
    q->be->shim->under->wakeup(q->under);
}

int32_t check_queue_wait_fd(dlfw_queue *queue)
{
    struct check_queue *q = of(queue);
    int32_t fd;

    enter(q, "wait_fd");
    fd = q->be->shim->under->wait_fd(q->under);
    check_leave(q->be);
    if (fd < -1)
        check_fail(q->be->shim, "wait_fd returned %d, which is neither a descriptor nor -1", fd);
    return fd;
}
