/* SPDX-License-Identifier: Apache-2.0 */
/* The queue functions of the backends on io_uring: set-up, submission, waiting, wake-up. */
#include "ring.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SQES_PER_REQUEST 4u /* a chain of three, and a cancellation */

/* With the flags that let the kernel leave completions to the waiting thread, where it knows them. */
static int ring_init(struct io_uring *ring, uint32_t entries)
{
    static const uint32_t wishes[] = {
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN,
        IORING_SETUP_COOP_TASKRUN,
        0,
    };
    int rc = -EINVAL;

    for (size_t i = 0; i < sizeof wishes / sizeof wishes[0] && rc == -EINVAL; i++) {
        struct io_uring_params params = {.flags = wishes[i] | IORING_SETUP_CQSIZE, .cq_entries = 2 * entries};

        rc = io_uring_queue_init_params(entries, ring, &params);
    }
    return rc;
}

/* A ring with all that this backend relies on. places: of its file table. */
static dlfw_status ring_open(struct io_uring *ring, uint32_t entries, uint32_t places, dlfw_error *err)
{
    int rc = ring_init(ring, entries);

    if (rc < 0)
        return dlfw_fail_errno(err, -rc, "cannot create an io_uring");
    if (!(ring->features & IORING_FEAT_EXT_ARG)) {
        io_uring_queue_exit(ring);
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "the kernel's io_uring cannot wait with a timeout (Linux 5.11 can)");
    }
    rc = io_uring_register_files_sparse(ring, places);
    if (rc < 0) {
        io_uring_queue_exit(ring);
        if (rc == -EINVAL)
            return dlfw_fail(err, DLFW_E_UNSUPPORTED,
                             "the kernel's io_uring has no sparse file tables (Linux 5.19 has)");
        return dlfw_fail_errno(err, -rc, "cannot give an io_uring a table of %u files", places);
    }
    return DLFW_OK;
}

dlfw_status ring_try(dlfw_error *err)
{
    struct io_uring ring;
    dlfw_status st = ring_open(&ring, 4, 1, err);

    if (st == DLFW_OK)
        io_uring_queue_exit(&ring);
    return st;
}

static void slots_init(dlfw_queue *q)
{
    for (uint32_t i = 0; i < q->depth; i++)
        q->free[i] = q->depth - 1 - i;
}

dlfw_status ring_create(dlfw_backend *be, const dlfw_queue_args *args, dlfw_queue **ret, dlfw_error *err)
{
    uint32_t depth = args->depth < 1 ? 1 : args->depth < RING_DEPTH_MAX ? args->depth : RING_DEPTH_MAX;
    dlfw_queue *q = calloc(1, sizeof *q);
    dlfw_status st;

    if (!q)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a queue");
    q->be = be;
    q->depth = depth;
    q->wake_fd = -1;
    q->ring.ring_fd = -1;
    q->slots = calloc(depth, sizeof *q->slots);
    q->free = calloc(depth, sizeof *q->free);
    q->done = calloc(depth, sizeof *q->done);
    if (!q->slots || !q->free || !q->done) {
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a queue of depth %u", depth);
        goto out;
    }
    slots_init(q);
    q->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (q->wake_fd < 0) {
        st = dlfw_fail_errno(err, errno, "cannot create an eventfd");
        goto out;
    }
    st = ring_open(&q->ring, SQES_PER_REQUEST * depth, depth, err);
    if (st < 0) {
        q->ring.ring_fd = -1;
        goto out;
    }
    q->has_buffers = io_uring_register_buffers_sparse(&q->ring, MAX_REGIONS) == 0;
    *ret = q;
    q = NULL;
out:
    ring_destroy(q);
    return st;
}

void ring_destroy(dlfw_queue *q)
{
    if (!q)
        return;
    if (q->ring.ring_fd >= 0)
        io_uring_queue_exit(&q->ring);
    if (q->wake_fd >= 0)
        close(q->wake_fd);
    free(q->slots);
    free(q->free);
    free(q->done);
    free(q);
}

/* What the kernel did not take now it takes with the next call. */
static bool is_passing(int rc)
{
    return rc >= 0 || rc == -EINTR || rc == -EAGAIN || rc == -EBUSY || rc == -ETIME;
}

/* No further kernel completion will come: everything in flight fails now. */
static void die(dlfw_queue *q, int rc)
{
    if (q->is_dead)
        return;
    q->is_dead = true;
    dlfw_log(q->be->host, q->be->host_ctx, DLFW_LOG_ERROR, "an io_uring failed: %s", strerror(-rc));
    io_uring_queue_exit(&q->ring);
    q->ring.ring_fd = -1;
    for (uint32_t i = 0; i < q->depth; i++) {
        struct ring_slot *slot = &q->slots[i];

        if (slot->req && slot->pending > 0) {
            slot->comp.flags |= DLFW_ERR_FATAL;
            ring_finish(q, slot, dlfw_fail_errno(slot->req->error, -rc, "the io_uring of this request failed"));
        }
    }
}

bool ring_reserve(dlfw_queue *q, uint32_t count)
{
    int rc = 0;

    while (!q->is_dead && io_uring_sq_space_left(&q->ring) < count) {
        rc = io_uring_submit(&q->ring);
        if (!is_passing(rc))
            die(q, rc);
    }
    return !q->is_dead;
}

struct io_uring_sqe *ring_sqe(dlfw_queue *q)
{
    return ring_reserve(q, 1) ? io_uring_get_sqe(&q->ring) : NULL;
}

void ring_finish(dlfw_queue *q, struct ring_slot *slot, dlfw_status status)
{
    slot->pending = 0;
    slot->comp.status = status;
    if (status < 0) {
        slot->comp.bytes = 0;
        comp_fail(&slot->comp, slot->req, status);
    }
    if (slot->own_fd)
        close(slot->fd);
    free(slot->tail);
    free(slot->tail_sent);
    slot->own_fd = false;
    slot->tail = NULL;
    slot->tail_sent = NULL;
    q->done[(q->done_head + q->done_count++) % q->depth] = (uint32_t)(slot - q->slots);
}

int32_t ring_submit(dlfw_queue *q, dlfw_req *const *reqs, uint32_t n)
{
    uint32_t taken = 0;

    if (q->is_dead)
        return DLFW_E_IO;
    for (; taken < n && q->used < q->depth && !q->is_dead; taken++) {
        struct ring_slot *slot = &q->slots[q->free[q->depth - 1 - q->used]];

        q->used++;
        memset(slot, 0, offsetof(struct ring_slot, path));
        slot->req = reqs[taken];
        slot->comp.req = reqs[taken];
        slot->comp.object_size = UINT64_MAX;
        slot->fd = -1;
        q->deadlines += slot->req->deadline_ns != 0;
        ring_start(q, slot);
    }
    if (!q->is_dead && io_uring_sq_ready(&q->ring) > 0) {
        int rc = io_uring_submit(&q->ring);

        if (!is_passing(rc))
            die(q, rc);
    }
    return (int32_t)taken;
}

/* Handles what the kernel has completed. */
static void drain(dlfw_queue *q)
{
    struct io_uring_cqe *cqe;
    unsigned head;
    unsigned count = 0;

    io_uring_for_each_cqe(&q->ring, head, cqe)
    {
        enum ring_step step = (enum ring_step)(cqe->user_data >> 32);
        int32_t result = cqe->res;
        eventfd_t counter;

        count++;
        if (step == STEP_WAKE) {
            q->wake_armed = false;
            q->woken = true;
            eventfd_read(q->wake_fd, &counter); /* only sets it back to zero */
        } else if (step == STEP_CANCEL) {
            ring_stop_done(q, &q->slots[(uint32_t)cqe->user_data], result);
        } else {
            ring_step_done(q, &q->slots[(uint32_t)cqe->user_data], step, result);
        }
        if (q->is_dead)
            return;
    }
    io_uring_cq_advance(&q->ring, count);
}

static uint32_t give(dlfw_queue *q, dlfw_comp *comps, uint32_t max)
{
    uint32_t n = 0;

    for (; n < max && q->done_count > 0; n++) {
        uint32_t place = q->done[q->done_head];
        struct ring_slot *slot = &q->slots[place];

        q->done_head = (q->done_head + 1) % q->depth;
        q->done_count--;
        comps[n] = slot->comp;
        counters_add(&q->counters, slot->req, &slot->comp);
        q->deadlines -= slot->req->deadline_ns != 0;
        slot->req = NULL;
        q->used--;
        q->free[q->depth - 1 - q->used] = place;
    }
    return n;
}

/* Stops requests that are late; returns when the next one will be, UINT64_MAX: none. */
static uint64_t check_deadlines(dlfw_queue *q)
{
    uint64_t next = UINT64_MAX;
    uint64_t now;

    if (q->deadlines == 0)
        return next;
    now = q->be->host->now_ns();
    for (uint32_t i = 0; i < q->depth; i++) {
        struct ring_slot *slot = &q->slots[i];

        if (!slot->req || slot->req->deadline_ns == 0 || slot->pending == 0 || slot->cancelled)
            continue;
        if (slot->req->deadline_ns <= now) {
            slot->late = true;
            ring_stop(q, slot);
        } else if (slot->req->deadline_ns < next) {
            next = slot->req->deadline_ns;
        }
    }
    return next;
}

static void arm_wake(dlfw_queue *q)
{
    struct io_uring_sqe *sqe;

    if (q->wake_armed || !(sqe = ring_sqe(q)))
        return;
    io_uring_prep_poll_add(sqe, q->wake_fd, POLLIN);
    sqe->user_data = ring_tag(0, STEP_WAKE);
    q->wake_armed = true;
}

/* Waits for count kernel completions, at most until end; count 0: only takes what is there. */
static void wait_kernel(dlfw_queue *q, uint32_t count, uint64_t end)
{
    struct __kernel_timespec ts;
    struct io_uring_cqe *cqe = NULL;
    uint64_t now;
    int rc;

    if (count == 0) {
        rc = io_uring_submit_and_get_events(&q->ring);
    } else if (end == UINT64_MAX) {
        rc = io_uring_submit_and_wait_timeout(&q->ring, &cqe, count, NULL, NULL);
    } else {
        now = q->be->host->now_ns();
        now = end > now ? end - now : 0;
        ts.tv_sec = (long long)(now / 1000000000u);
        ts.tv_nsec = (long long)(now % 1000000000u);
        rc = io_uring_submit_and_wait_timeout(&q->ring, &cqe, count, &ts, NULL);
    }
    if (!is_passing(rc))
        die(q, rc);
}

/* One wait of reap(): for the kernel, a wake-up, the next deadline or end, whatever comes first. */
static void wait_once(dlfw_queue *q, uint32_t count, uint64_t end)
{
    uint64_t next = check_deadlines(q);

    if (count > 0)
        arm_wake(q);
    if (!q->is_dead)
        wait_kernel(q, count, next < end ? next : end);
}

int32_t ring_reap(dlfw_queue *q, dlfw_comp *comps, uint32_t max, uint32_t min, uint64_t timeout_ns)
{
    uint64_t end = UINT64_MAX;
    uint32_t n = 0;
    bool is_poll;
    bool is_over = false;

    if (q->used == 0)
        return q->is_dead ? DLFW_E_IO : 0;
    min = min < max ? min : max;
    min = min < q->used ? min : q->used;
    is_poll = min == 0 || timeout_ns == 0;
    if (!is_poll && timeout_ns < UINT64_MAX / 2)
        end = q->be->host->now_ns() + timeout_ns;
    q->woken = false;
    for (;;) {
        if (!q->is_dead)
            drain(q);
        n += give(q, comps + n, max - n);
        if (is_over || n == max || n >= (min > 0 ? min : 1) || q->woken || q->is_dead)
            break;
        wait_once(q, is_poll ? 0 : min - n, end);
        is_over = is_poll || (end != UINT64_MAX && q->be->host->now_ns() >= end);
    }
    request_count(q->be, &q->counters);
    q->counters = (struct file_counters){0};
    return (int32_t)n;
}

void ring_cancel(dlfw_queue *q, dlfw_req *req)
{
    for (uint32_t i = 0; i < q->depth; i++)
        if (q->slots[i].req == req && q->slots[i].pending > 0)
            ring_stop(q, &q->slots[i]);
    if (!q->is_dead && io_uring_sq_ready(&q->ring) > 0) {
        int rc = io_uring_submit(&q->ring);

        if (!is_passing(rc))
            die(q, rc);
    }
}

void ring_wakeup(dlfw_queue *q)
{
    eventfd_write(q->wake_fd, 1); /* fails only when the counter is full, and then a wake-up is waiting already */
}

/* An io_uring polls readable when it has completions, or work that a call into it would turn into some. */
int32_t ring_wait_fd(dlfw_queue *q)
{
    return q->is_dead ? -1 : q->ring.ring_fd;
}
