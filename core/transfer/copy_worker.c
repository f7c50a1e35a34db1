/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop of a worker: take items, send parts, wait for whatever ends first. It waits for two queues at once by
 * their descriptors where both have one, else for one after the other in short slices. Invariant: when it leaves,
 * nothing is in flight and no object is half-way.
 */
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/futex.h"
#include "base/str.h"
#include "transfer/copy_parts.h"

#define REAP_BATCH 64u
#define SLICE_NS 500000u       /* of waiting for one queue while the other has something in flight too */
#define FEED_WAIT_NS 10000000u /* new items and the end are looked for this often */
#define MEMORY_WAIT_NS 1000000u

static void flush_lane(struct copy_lane *lane)
{
    while (lane->head && io_queue_submit(lane->queue, &lane->head->io))
        lane->head = lane->head->next;
    if (!lane->head)
        lane->tail = NULL;
}

void copy_send(struct copy_worker *w, struct copy_lane *lane, struct copy_op *op)
{
    (void)w;
    op->next = NULL;
    op->io.user = op;
    if (lane->tail)
        lane->tail->next = op;
    else
        lane->head = op;
    lane->tail = op;
    flush_lane(lane);
}

static uint32_t reap_lane(struct copy_worker *w, struct copy_lane *lane, uint32_t min, uint64_t timeout_ns)
{
    struct io_op *done[REAP_BATCH];
    uint32_t n;

    if (!lane->queue || !io_queue_inflight(lane->queue))
        return 0;
    n = io_queue_reap(lane->queue, done, REAP_BATCH, min, timeout_ns);
    for (uint32_t i = 0; i < n; i++) {
        struct copy_op *op = done[i]->user;

        op->done(w, op);
    }
    flush_lane(lane);
    return n;
}

static uint32_t inflight(const struct copy_lane *lane)
{
    return lane->queue ? io_queue_inflight(lane->queue) : 0;
}

static void wait_both(struct copy_worker *w)
{
    struct pollfd fds[2];

    for (int i = 0; i < 2; i++)
        fds[i] = (struct pollfd){.fd = io_queue_wait_fd(w->lanes[i].queue), .events = POLLIN};
    if (fds[0].fd >= 0 && fds[1].fd >= 0) {
        poll(fds, 2, (int)(FEED_WAIT_NS / 1000000u)); /* a signal ends it early: the loop looks again */
        return;
    }
    reap_lane(w, &w->lanes[w->waited_in], 1, SLICE_NS);
    w->waited_in = !w->waited_in;
}

/* Takes what has ended; waits when nothing has. */
static void serve_lanes(struct copy_worker *w)
{
    uint32_t n = reap_lane(w, &w->lanes[0], 0, 0);

    n += reap_lane(w, &w->lanes[1], 0, 0);
    if (n)
        return;
    if (inflight(&w->lanes[0]) && inflight(&w->lanes[1]))
        wait_both(w);
    else
        reap_lane(w, &w->lanes[inflight(&w->lanes[0]) ? 0 : 1], 1, FEED_WAIT_NS);
}

/* Undoes or ends what was begun: goes out whatever happens. */
static bool is_cleaning(const struct copy_op *op)
{
    return op->io.op == DLFW_OP_WRITE_ABORT || op->io.op == DLFW_OP_CLOSE || op->io.op == DLFW_OP_DELETE;
}

/* What waits in a lane ends without having been sent. */
static void drop_waiting(struct copy_worker *w, struct copy_lane *lane)
{
    struct copy_op *op = lane->head, *next;

    lane->head = lane->tail = NULL;
    for (; op; op = next) {
        next = op->next;
        if (is_cleaning(op)) {
            copy_send(w, lane, op);
            continue;
        }
        error_slot_init(&op->io.err);
        op->io.status = dlfw_fail(&op->io.err.e, DLFW_E_CANCELLED, "stopped before it began");
        op->done(w, op);
    }
}

/* Once: everything under way ends as soon as it can, and undoes what it has begun. */
static void cancel_all(struct copy_worker *w)
{
    struct error_slot why;

    if (w->is_cancelled)
        return;
    w->is_cancelled = true;
    error_slot_init(&why);
    dlfw_fail(&why.e, DLFW_E_CANCELLED, "stopped");
    for (struct copy_object *o = w->first; o; o = o->next)
        if (!o->is_committed || o->in_parts) /* else it is there, and only to be closed */
            object_fail(o, &why.e);
    for (int i = 0; i < 2; i++) {
        drop_waiting(w, &w->lanes[i]);
        if (w->lanes[i].queue)
            io_queue_cancel(w->lanes[i].queue);
    }
}

static void issue_parts(struct copy_worker *w)
{
    for (struct copy_object *o = w->first, *next; o && w->free; o = next) {
        next = o->next; /* part_issue may end the object when it returns false */
        while (o->in_parts && part_issue(o) && w->free)
            ;
    }
}

/* Takes items while there is room for them. True: the last one has been taken. */
static bool take_items(struct copy_worker *w)
{
    while (w->active < w->active_max && w->free) {
        struct copy_feed_item taken;

        switch (feed_take(&w->c->feed, &taken, w->active ? 0 : FEED_WAIT_NS)) {
        case FEED_ITEM:
            object_begin(w, &taken.item, taken.source_key, taken.target_key);
            break;
        case FEED_EMPTY:
            return false;
        case FEED_END:
            return true;
        }
    }
    return false;
}

/* The memory is in other workers' hands. */
static void wait_for_memory(void)
{
    const struct timespec ts = {.tv_nsec = MEMORY_WAIT_NS};

    nanosleep(&ts, NULL);
}

static void loop(struct copy_worker *w)
{
    for (;;) {
        bool is_last = false;

        if (copy_is_stopping(w->c))
            cancel_all(w);
        issue_parts(w);
        if (!w->is_cancelled)
            is_last = take_items(w);
        if (!w->active && (is_last || w->is_cancelled))
            return;
        issue_parts(w);
        if (inflight(&w->lanes[0]) || inflight(&w->lanes[1]))
            serve_lanes(w);
        else if (w->active)
            wait_for_memory();
    }
}

static dlfw_status open_lanes(struct copy_worker *w, dlfw_error *err)
{
    struct copy *c = w->c;
    uint32_t depth = 2 * w->part_count; /* each part, and an operation of each object */
    struct copy_lane *next = w->lanes;
    dlfw_status st = DLFW_OK;

    if (c->source.st) {
        w->in = next++;
        st = io_queue_create(c->source.st, depth, &w->in->queue, err);
    }
    if (st >= 0 && c->target.st == c->source.st) {
        w->out = w->in;
    } else if (st >= 0 && c->target.st) {
        w->out = next;
        st = io_queue_create(c->target.st, depth, &w->out->queue, err);
    }
    return st;
}

static void prepare(struct copy_worker *w)
{
    w->part_count = w->active_max = w->c->parts_per_worker;
    w->parts = xcalloc(w->part_count, sizeof *w->parts);
    for (uint32_t i = 0; i < w->part_count; i++) {
        w->parts[i].next = w->free;
        w->free = &w->parts[i];
    }
}

static void leave(struct copy_worker *w)
{
    struct copy *c = w->c;

    pthread_mutex_lock(&c->lock);
    for (int i = 0; i < 2; i++) {
        const struct io_stats *stats = w->lanes[i].queue ? io_queue_stats(w->lanes[i].queue) : NULL;

        if (stats)
            c->totals.retries += stats->retries;
        if (stats && &w->lanes[i] == w->in)
            histogram_merge(&c->totals.read_ns, &stats->read_ns);
    }
    pthread_mutex_unlock(&c->lock);
    for (int i = 0; i < 2; i++)
        io_queue_destroy(w->lanes[i].queue);
    free(w->parts);
}

void *copy_worker_main(void *worker)
{
    struct copy_worker *w = worker;
    struct copy *c = w->c;
    struct error_slot err;

    error_slot_init(&err);
    prepare(w);
    if (open_lanes(w, &err.e) < 0)
        copy_stop(c, &err.e);
    else if (c->args.compress)
        copy_stream_loop(w);
    else
        loop(w);
    leave(w);
    atomic_fetch_sub(&c->running, 1);
    futex_wake_all(&c->running);
    return NULL;
}
