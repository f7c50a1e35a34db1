/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two bounded rings under one lock: requests that wait for a thread, completions that wait for reap. A request is in
 * exactly one of: the first ring, a thread's hands, the second ring; so each gives one completion. A thread hop costs
 * tens of microseconds, which is why the adapter chooses this only where requests are slower than that.
 */
#include "io/io_pool.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"

struct io_pool {
    struct backend_layer layer;
    pthread_mutex_t lock;
    pthread_cond_t work; /* waiting is not empty, or stop */
    pthread_cond_t done; /* finished has grown, or woken */
    dlfw_req **waiting;  /* ring */
    dlfw_comp *finished; /* ring */
    uint32_t depth;
    uint32_t waiting_head, waiting_count;
    uint32_t finished_head, finished_count;
    uint32_t running; /* in the threads' hands */
    bool stop;
    bool woken;
    uint32_t thread_count;
    pthread_t threads[IO_POOL_THREADS_MAX];
};

/* Under the lock. */
static void push_finished(struct io_pool *p, const dlfw_comp *comp)
{
    DLFW_BUG_IF(p->finished_count == p->depth);
    p->finished[(p->finished_head + p->finished_count++) % p->depth] = *comp;
}

static void fail_unstarted(dlfw_comp *comp, dlfw_status status, const char *why)
{
    comp->status = dlfw_fail(comp->req->error, status, "%s", why);
    comp->done_ns = clock_now_ns();
}

static void *pool_thread(void *arg)
{
    struct io_pool *p = arg;

    pthread_mutex_lock(&p->lock);
    for (;;) {
        dlfw_comp comp = {.object_size = UINT64_MAX};
        dlfw_req *req;

        while (!p->waiting_count && !p->stop)
            pthread_cond_wait(&p->work, &p->lock);
        if (!p->waiting_count)
            break;
        req = p->waiting[p->waiting_head];
        p->waiting_head = (p->waiting_head + 1) % p->depth;
        p->waiting_count--;
        p->running++;
        pthread_mutex_unlock(&p->lock);

        comp.req = req;
        if (req->deadline_ns && clock_now_ns() >= req->deadline_ns)
            fail_unstarted(&comp, DLFW_E_TIMEOUT, "no thread was free before the deadline");
        else
            adapter_perform(&p->layer, req, &comp);

        pthread_mutex_lock(&p->lock);
        p->running--;
        push_finished(p, &comp);
        pthread_cond_signal(&p->done);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

dlfw_status io_pool_create(const struct backend_layer *layer, uint32_t depth, uint32_t threads, struct io_pool **ret,
                           dlfw_error *err)
{
    struct io_pool *p = xcalloc(1, sizeof *p);
    pthread_condattr_t attr;
    dlfw_status st = DLFW_OK;

    p->layer = *layer;
    p->depth = depth;
    p->waiting = xcalloc(depth, sizeof(dlfw_req *));
    p->finished = xcalloc(depth, sizeof(dlfw_comp));
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->done, &attr);
    pthread_condattr_destroy(&attr);
    for (; p->thread_count < threads; p->thread_count++) {
        int e = pthread_create(&p->threads[p->thread_count], NULL, pool_thread, p);

        if (e) {
            st = dlfw_fail_errno(err, e, "cannot start %u threads for backend '%s'", threads, layer->name);
            goto out;
        }
    }
    *ret = p;
    p = NULL;
out:
    io_pool_destroy(p);
    return st;
}

void io_pool_destroy(struct io_pool *p)
{
    if (!p)
        return;
    DLFW_BUG_IF(p->waiting_count || p->finished_count);
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (uint32_t i = 0; i < p->thread_count; i++)
        pthread_join(p->threads[i], NULL);
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->done);
    pthread_mutex_destroy(&p->lock);
    free(p->waiting);
    free(p->finished);
    free(p);
}

int32_t io_pool_submit(struct io_pool *p, dlfw_req *const *reqs, uint32_t n)
{
    uint32_t room, i;

    pthread_mutex_lock(&p->lock);
    room = p->depth - p->waiting_count - p->running - p->finished_count;
    for (i = 0; i < n && i < room; i++)
        p->waiting[(p->waiting_head + p->waiting_count++) % p->depth] = reqs[i];
    if (i == 1)
        pthread_cond_signal(&p->work);
    else if (i)
        pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    return (int32_t)i;
}

/* Under the lock: sleeps until min completions are there, woken, or until_ns. */
static void wait_finished(struct io_pool *p, uint32_t min, uint64_t until_ns)
{
    struct timespec ts = {.tv_sec = (time_t)(until_ns / NS_PER_S), .tv_nsec = (long)(until_ns % NS_PER_S)};

    while (p->finished_count < min && !p->woken) {
        if (until_ns == UINT64_MAX)
            pthread_cond_wait(&p->done, &p->lock);
        else if (pthread_cond_timedwait(&p->done, &p->lock, &ts) == ETIMEDOUT)
            return;
    }
}

int32_t io_pool_reap(struct io_pool *p, dlfw_comp *comps, uint32_t max, uint32_t min, uint64_t timeout_ns)
{
    uint32_t there, n;

    pthread_mutex_lock(&p->lock);
    there = p->waiting_count + p->running + p->finished_count;
    min = min > there ? there : min;
    min = min > max ? max : min;
    if (p->finished_count < min && timeout_ns) {
        uint64_t now = timeout_ns == UINT64_MAX ? 0 : clock_now_ns();

        wait_finished(p, min, timeout_ns > UINT64_MAX - now ? UINT64_MAX : now + timeout_ns);
    }
    p->woken = false;
    for (n = 0; n < max && p->finished_count; n++) {
        comps[n] = p->finished[p->finished_head];
        p->finished_head = (p->finished_head + 1) % p->depth;
        p->finished_count--;
    }
    pthread_mutex_unlock(&p->lock);
    return (int32_t)n;
}

void io_pool_cancel(struct io_pool *p, dlfw_req *req)
{
    pthread_mutex_lock(&p->lock);
    for (uint32_t i = 0; i < p->waiting_count; i++) {
        dlfw_comp comp = {.req = req, .object_size = UINT64_MAX};

        if (p->waiting[(p->waiting_head + i) % p->depth] != req)
            continue;
        p->waiting_count--;
        for (; i < p->waiting_count; i++)
            p->waiting[(p->waiting_head + i) % p->depth] = p->waiting[(p->waiting_head + i + 1) % p->depth];
        fail_unstarted(&comp, DLFW_E_CANCELLED, "cancelled");
        push_finished(p, &comp);
        pthread_cond_signal(&p->done);
        break;
    }
    pthread_mutex_unlock(&p->lock);
}

void io_pool_wakeup(struct io_pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->woken = true;
    pthread_cond_signal(&p->done);
    pthread_mutex_unlock(&p->lock);
}
