/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chooses how requests reach a backend. Measured: a hop to another thread costs 30 us and more, a read of a local file
 * from the page cache 1 to 3 us; so local files and depth 1 are performed inline and only remote blocking backends get
 * threads.
 */
#include "io/io_adapter.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "io/io_pool.h"
#include "io/wake.h"

/* A backend that allows one call at a time must not sleep inside reap, or nobody else could submit: it is polled. */
#define SERIAL_POLL_NS 50000u

enum adapter_kind { ADAPTER_NATIVE, ADAPTER_INLINE, ADAPTER_POOL };

struct io_adapter {
    enum adapter_kind kind;
    struct backend_layer layer;
    dlfw_queue *queue; /* native */
    uint32_t inflight; /* native under a serial class */
    struct wake wake;  /* native under a serial class */
    struct io_pool *pool;
    dlfw_req **waiting;   /* inline: a ring */
    dlfw_comp *cancelled; /* inline: completions of requests cancelled before they were performed */
    uint32_t cancelled_count;
    uint32_t depth, head, count;
};

static void enter(const struct backend_layer *layer)
{
    if (layer->serial)
        pthread_mutex_lock(layer->serial);
}

static void leave(const struct backend_layer *layer)
{
    if (layer->serial)
        pthread_mutex_unlock(layer->serial);
}

void adapter_perform(const struct backend_layer *layer, dlfw_req *req, dlfw_comp *comp)
{
    comp->req = req;
    enter(layer);
    layer->ops->perform(layer->be, req, comp);
    leave(layer);
    if (!comp->done_ns)
        comp->done_ns = clock_now_ns();
}

static dlfw_status create_native(struct io_adapter *a, uint32_t flags, dlfw_error *err)
{
    dlfw_queue_args args = {
        .struct_size = sizeof args, .depth = a->depth, .cpu = -1, .flags = a->layer.queue_mode ? flags : 0};
    dlfw_status st;

    enter(&a->layer);
    st = a->layer.ops->queue_create(a->layer.be, &args, &a->queue, err);
    leave(&a->layer);
    return st;
}

/* A queue that moves gets threads for direct files too, where its backend's own queue would have worked in parallel. */
static dlfw_status create_performing(struct io_adapter *a, uint32_t flags, dlfw_error *err)
{
    uint64_t caps = a->layer.ops->caps;
    bool is_local = (caps & DLFW_BACKEND_LOCAL) && !((flags & ADAPTER_MOVES) && (caps & DLFW_BACKEND_DIRECT));
    uint32_t threads = a->depth < IO_POOL_THREADS_MAX ? a->depth : IO_POOL_THREADS_MAX;

    if (a->depth > 1 && !is_local) {
        a->kind = ADAPTER_POOL;
        return io_pool_create(&a->layer, a->depth, a->layer.serial ? 1 : threads, &a->pool, err);
    }
    a->kind = ADAPTER_INLINE;
    a->waiting = xcalloc(a->depth, sizeof(dlfw_req *));
    a->cancelled = xcalloc(a->depth, sizeof(dlfw_comp));
    return DLFW_OK;
}

/* An io_uring may belong to the thread that made it, so a queue that moves uses perform() where there is one. */
static bool wants_native(const struct backend_layer *layer, uint32_t flags)
{
    if (!layer->ops->queue_create)
        return false;
    return layer->queue_mode || !(flags & ADAPTER_MOVES) || !layer->ops->perform;
}

dlfw_status adapter_create(const struct backend_layer *layer, uint32_t depth, uint32_t flags, struct io_adapter **ret,
                           dlfw_error *err)
{
    struct io_adapter *a = xcalloc(1, sizeof *a);
    dlfw_status st = DLFW_E_UNSUPPORTED;

    a->layer = *layer;
    a->depth = depth;
    if (wants_native(layer, flags)) {
        st = create_native(a, flags, err);
        if (st < 0 && (st != DLFW_E_UNSUPPORTED || !layer->ops->perform))
            goto out;
    }
    if (st < 0 && !layer->ops->perform) {
        st = dlfw_fail(err, DLFW_E_ABI, "backend '%s' has neither perform() nor a queue", layer->name);
        goto out;
    }
    if (st < 0)
        st = create_performing(a, flags, err);
    if (st < 0)
        goto out;

    *ret = a;
    a = NULL;
out:
    adapter_destroy(a);
    return st;
}

void adapter_destroy(struct io_adapter *a)
{
    if (!a)
        return;
    if (a->queue) {
        enter(&a->layer);
        a->layer.ops->queue_destroy(a->queue);
        leave(&a->layer);
    }
    io_pool_destroy(a->pool);
    free(a->waiting);
    free(a->cancelled);
    free(a);
}

const char *adapter_mode(const struct io_adapter *a)
{
    if (a->layer.queue_mode)
        return a->layer.queue_mode(a->queue);
    return a->kind == ADAPTER_NATIVE ? "native" : a->kind == ADAPTER_POOL ? "pool" : "inline";
}

bool adapter_is_inline(const struct io_adapter *a)
{
    return a->kind == ADAPTER_INLINE;
}

static int32_t submit_inline(struct io_adapter *a, dlfw_req *const *reqs, uint32_t n)
{
    uint32_t i;

    for (i = 0; i < n && a->count + a->cancelled_count < a->depth; i++)
        a->waiting[(a->head + a->count++) % a->depth] = reqs[i];
    return (int32_t)i;
}

int32_t adapter_submit(struct io_adapter *a, dlfw_req *const *reqs, uint32_t n)
{
    int32_t taken;

    if (a->kind == ADAPTER_INLINE)
        return submit_inline(a, reqs, n);
    if (a->kind == ADAPTER_POOL)
        return io_pool_submit(a->pool, reqs, n);
    enter(&a->layer);
    taken = a->layer.ops->submit(a->queue, reqs, n);
    leave(&a->layer);
    if (taken > 0)
        a->inflight += (uint32_t)taken;
    return taken;
}

static int32_t reap_inline(struct io_adapter *a, dlfw_comp *comps, uint32_t max, uint32_t min)
{
    uint32_t n = 0;

    while (n < max && a->cancelled_count)
        comps[n++] = a->cancelled[--a->cancelled_count];
    while (n < max && a->count && (n < min || n == 0)) {
        dlfw_req *req = a->waiting[a->head];

        a->head = (a->head + 1) % a->depth;
        a->count--;
        adapter_perform(&a->layer, req, &comps[n++]);
    }
    return (int32_t)n;
}

static int32_t reap_serial(struct io_adapter *a, dlfw_comp *comps, uint32_t max, uint32_t min, uint64_t timeout_ns)
{
    uint64_t until = timeout_ns ? wake_until(clock_now_ns(), timeout_ns) : 0;
    uint32_t n = 0;

    min = min > a->inflight ? a->inflight : min;
    for (;;) {
        int32_t got;

        enter(&a->layer);
        got = a->layer.ops->reap(a->queue, comps + n, max - n, 0, 0);
        leave(&a->layer);
        if (got < 0)
            return n ? (int32_t)n : got;
        n += (uint32_t)got;
        a->inflight -= (uint32_t)got;
        if (n >= min || n == max || wake_take(&a->wake) || !timeout_ns || clock_now_ns() >= until)
            return (int32_t)n;
        wake_sleep(&a->wake, SERIAL_POLL_NS);
    }
}

int32_t adapter_reap(struct io_adapter *a, dlfw_comp *comps, uint32_t max, uint32_t min, uint64_t timeout_ns)
{
    if (a->kind == ADAPTER_INLINE)
        return reap_inline(a, comps, max, min);
    if (a->kind == ADAPTER_POOL)
        return io_pool_reap(a->pool, comps, max, min, timeout_ns);
    if (a->layer.serial)
        return reap_serial(a, comps, max, min, timeout_ns);
    return a->layer.ops->reap(a->queue, comps, max, min, timeout_ns);
}

static void cancel_inline(struct io_adapter *a, dlfw_req *req)
{
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->waiting[(a->head + i) % a->depth] != req)
            continue;
        a->count--;
        for (; i < a->count; i++)
            a->waiting[(a->head + i) % a->depth] = a->waiting[(a->head + i + 1) % a->depth];
        a->cancelled[a->cancelled_count++] = (dlfw_comp){
            .req = req, .object_size = UINT64_MAX, .status = dlfw_fail(req->error, DLFW_E_CANCELLED, "cancelled")};
        return;
    }
}

void adapter_cancel(struct io_adapter *a, dlfw_req *req)
{
    if (a->kind == ADAPTER_INLINE) {
        cancel_inline(a, req);
    } else if (a->kind == ADAPTER_POOL) {
        io_pool_cancel(a->pool, req);
    } else {
        enter(&a->layer);
        a->layer.ops->cancel(a->queue, req);
        leave(&a->layer);
    }
}

void adapter_wakeup(struct io_adapter *a)
{
    if (a->kind == ADAPTER_POOL)
        io_pool_wakeup(a->pool);
    else if (a->kind == ADAPTER_NATIVE && a->layer.serial)
        wake_signal(&a->wake);
    else if (a->kind == ADAPTER_NATIVE)
        a->layer.ops->wakeup(a->queue);
}

int32_t adapter_wait_fd(struct io_adapter *a)
{
    /* A serial class is polled inside reap: what is ready may have to wait for its lock. */
    if (a->kind != ADAPTER_NATIVE || a->layer.serial || !a->layer.ops->wait_fd)
        return -1;
    return a->layer.ops->wait_fd(a->queue);
}
