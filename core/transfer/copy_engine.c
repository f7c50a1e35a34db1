/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine as its caller sees it. Workers are started as items come, so that one object costs one thread and one
 * queue per storage. Invariant: every item that was pushed is counted once, as copied, same, failed or stopped.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/futex.h"
#include "base/str.h"
#include "plugin/host_table.h"
#include "transfer/copy_parts.h"

#define JOBS_DEFAULT 64u
#define LOCAL_PARTS 4u                    /* of a worker whose buffers shall stay in the CPU's cache */
#define STREAM_BYTES ((uint64_t)48 << 20) /* of a worker that compresses: the parts of a stream writer, and more */
#define TICK_NS 100000000u

bool copy_is_stopping(const struct copy *c)
{
    return atomic_load_explicit(&c->stop, memory_order_relaxed) ||
           atomic_load_explicit(&host_cancel_level, memory_order_relaxed);
}

void copy_stop(struct copy *c, const dlfw_error *err)
{
    pthread_mutex_lock(&c->lock);
    if (err && c->failure.e.status >= 0)
        error_copy(&c->failure.e, err);
    atomic_store(&c->stop, true);
    pthread_mutex_unlock(&c->lock);
}

static enum copy_outcome outcome_of(const struct copy_object *o)
{
    if (!object_has_failed(o))
        return o->same ? COPY_SAME : COPY_DONE;
    return o->err.e.status == DLFW_E_CANCELLED && copy_is_stopping(o->w->c) ? COPY_STOPPED : COPY_FAILED;
}

uint64_t copy_wanted(const struct copy_item *item)
{
    uint64_t left = item->size > item->offset ? item->size - item->offset : 0;

    if (item->size == UINT64_MAX)
        return UINT64_MAX;
    return left < item->length ? left : item->length;
}

void copy_expect(struct copy_object *o)
{
    if (o->expected != UINT64_MAX)
        return;
    o->expected = o->total;
    atomic_fetch_add(&o->w->c->bytes_expected, o->total);
    atomic_fetch_sub(&o->w->c->sizes_unknown, 1);
}

void copy_count(struct copy *c, const struct copy_object *o)
{
    enum copy_outcome outcome = outcome_of(o);

    if (o->expected == UINT64_MAX)
        atomic_fetch_sub(&c->sizes_unknown, 1);
    else if (outcome != COPY_DONE)
        atomic_fetch_sub(&c->bytes_expected, o->expected);

    pthread_mutex_lock(&c->lock);
    c->totals.copied += outcome == COPY_DONE;
    c->totals.same += outcome == COPY_SAME;
    c->totals.failed += outcome == COPY_FAILED;
    c->totals.stopped += outcome == COPY_STOPPED;
    c->totals.verified += outcome == COPY_DONE && o->verified;
    c->totals.by_service += outcome == COPY_DONE && o->moved_by_service;
    if (c->args.each)
        c->args.each(c->args.each_ctx, &o->item, outcome, o->total, &o->err.e);
    pthread_mutex_unlock(&c->lock);
    atomic_fetch_add_explicit(&c->objects_done, 1, memory_order_relaxed);
    if (outcome == COPY_FAILED && c->args.fail_fast)
        copy_stop(c, NULL);
}

void copy_count_stored(struct copy *c, uint64_t bytes)
{
    pthread_mutex_lock(&c->lock);
    c->totals.stored_bytes += bytes;
    pthread_mutex_unlock(&c->lock);
}

static dlfw_status side_init(struct copy_side *side, struct storage *st, bool may_be_missing, dlfw_error *err)
{
    const dlfw_limits none = {.struct_size = sizeof none,
                              .mem_align = 1,
                              .read_offset_align = 1,
                              .read_length_align = 1,
                              .write_offset_align = 1,
                              .write_length_align = 1};
    dlfw_status status;

    side->limits = none;
    if (!st)
        return DLFW_OK;
    side->st = st;
    side->caps = storage_caps(st);
    side->mask = storage_op_mask(st);
    status = storage_limits(st, "", 0, &side->limits, may_be_missing ? NULL : err);
    if (status != DLFW_E_NOT_FOUND || !may_be_missing)
        return status;
    side->limits = none;
    return DLFW_OK;
}

static dlfw_status check_sides(const struct copy *c, dlfw_error *err)
{
    const uint64_t writes = DLFW_OP_BIT(DLFW_OP_PUT) | DLFW_OP_BIT(DLFW_OP_WRITE_BEGIN);
    const struct copy_side *from = &c->source, *to = &c->target;

    if (from->st && !(from->mask & DLFW_OP_BIT(DLFW_OP_GET)))
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "backend '%s' of '%s' cannot read", storage_scheme(from->st),
                         storage_uri(from->st));
    if (to->st && !(to->mask & writes))
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "backend '%s' of '%s' cannot write", storage_scheme(to->st),
                         storage_uri(to->st));
    if (to->st && (from->caps & DLFW_BACKEND_NO_DATA))
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "backend '%s' of '%s' has no bytes that could be copied",
                         storage_scheme(from->st), storage_uri(from->st));
    if ((to->caps & DLFW_BACKEND_NO_DATA) && (c->args.checksum || c->args.read_back))
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "backend '%s' of '%s' keeps no bytes that could be compared",
                         storage_scheme(to->st), storage_uri(to->st));
    if (!from->st && (!c->args.generate || !to->st))
        return dlfw_fail(err, DLFW_E_INVALID, "there is nothing to copy");
    return DLFW_OK;
}

static bool is_cached(const struct copy_side *side)
{
    return !side->st || ((side->caps & DLFW_BACKEND_LOCAL) && !(side->caps & DLFW_BACKEND_DIRECT));
}

/* Workers that the sides' queues allow: one more queue is the listing's. */
static uint32_t queue_limit(const struct copy_side *side, uint32_t workers)
{
    uint32_t most = side->limits.max_queues;

    if (!side->st || !most || most > workers + 1)
        return workers;
    return most > 2 ? most - 1 : 1;
}

/* Each compresses one object, and has its parts in memory. */
static uint32_t stream_limit(const struct copy *c, uint32_t workers)
{
    uint64_t memory = c->args.memory ? c->args.memory : COPY_MEMORY, fit = memory / STREAM_BYTES;

    return fit < workers ? (fit ? (uint32_t)fit : 1) : workers;
}

static void plan_workers(struct copy *c)
{
    uint32_t jobs = c->args.jobs ? c->args.jobs : JOBS_DEFAULT;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t workers = cpus > 0 ? (uint32_t)cpus : 1;

    workers = workers < COPY_WORKERS_MAX ? workers : COPY_WORKERS_MAX;
    workers = workers < jobs ? workers : jobs;
    workers = queue_limit(&c->source, workers);
    workers = queue_limit(&c->target, workers);
    if (c->args.compress)
        workers = stream_limit(c, workers);
    c->worker_max = workers;
    c->parts_per_worker = jobs / workers;
    if (is_cached(&c->source) && is_cached(&c->target) && c->parts_per_worker > LOCAL_PARTS)
        c->parts_per_worker = LOCAL_PARTS;
}

dlfw_status copy_start(const struct copy_args *args, struct copy **ret, dlfw_error *err)
{
    struct copy *c = xcalloc(1, sizeof *c);
    dlfw_status st;

    c->args = *args;
    error_slot_init(&c->failure);
    feed_init(&c->feed);
    pthread_mutex_init(&c->lock, NULL);
    pthread_mutex_init(&c->start_lock, NULL);
    c->owner = pthread_self();
    st = side_init(&c->source, args->source, false, err);
    if (st >= 0)
        st = side_init(&c->target, args->target, args->dry_run, err);
    if (st >= 0)
        st = check_sides(c, err);
    if (st >= 0)
        st = pool_create(NULL, args->memory ? args->memory : COPY_MEMORY, &c->pool, err);
    if (st < 0)
        goto out;
    plan_workers(c);
    atomic_store(&c->service_copies, args->source && args->source == args->target && !args->checksum &&
                                         !args->read_back && (c->target.mask & DLFW_OP_BIT(DLFW_OP_COPY)));
    *ret = c;
    c = NULL;
out:
    copy_destroy(c);
    return st;
}

static void start_worker(struct copy *c)
{
    struct copy_worker *w = &c->workers[c->started];
    struct error_slot err;
    int rc;

    error_slot_init(&err);
    w->c = c;
    atomic_fetch_add(&c->running, 1);
    rc = pthread_create(&w->thread, NULL, copy_worker_main, w);
    if (!rc) {
        c->started++;
        return;
    }
    atomic_fetch_sub(&c->running, 1);
    c->worker_max = c->started; /* those that run do it all */
    if (!c->started) {
        dlfw_fail_errno(&err.e, rc, "cannot start a thread that copies");
        copy_stop(c, &err.e);
    }
}

static void tick(const struct copy *c)
{
    if (c->args.tick && pthread_equal(c->owner, pthread_self()))
        c->args.tick(c->args.tick_ctx);
}

dlfw_status copy_push(struct copy *c, const struct copy_item *item)
{
    uint64_t wanted = copy_wanted(item);
    bool pushed = false;

    if (wanted == UINT64_MAX)
        atomic_fetch_add(&c->sizes_unknown, 1);
    else
        atomic_fetch_add(&c->bytes_expected, wanted);
    while (!pushed && !copy_is_stopping(c)) {
        pushed = feed_push(&c->feed, item, TICK_NS);
        pthread_mutex_lock(&c->start_lock);
        if (c->started < c->worker_max && (!c->started || feed_is_busy(&c->feed)))
            start_worker(c);
        pthread_mutex_unlock(&c->start_lock);
        tick(c);
    }
    return pushed ? DLFW_OK : DLFW_E_CANCELLED;
}

static void join_workers(struct copy *c)
{
    uint32_t left;

    feed_close(&c->feed);
    while ((left = atomic_load(&c->running)) > 0) {
        futex_wait(&c->running, left, TICK_NS);
        tick(c);
    }
    for (uint32_t i = 0; i < c->started; i++)
        pthread_join(c->workers[i].thread, NULL);
    c->started = 0;
    c->worker_max = 0;
    while (feed_drop(&c->feed))
        c->totals.stopped++;
}

dlfw_status copy_finish(struct copy *c, struct copy_totals *ret, dlfw_error *err)
{
    join_workers(c);
    *ret = c->totals;
    ret->bytes = atomic_load(&c->bytes_done);
    if (c->failure.e.status < 0) {
        error_copy(err, &c->failure.e);
        return c->failure.e.status;
    }
    if (atomic_load(&host_cancel_level))
        return dlfw_fail(err, DLFW_E_CANCELLED, "stopped by the user");
    return DLFW_OK;
}

void copy_destroy(struct copy *c)
{
    if (!c)
        return;
    if (c->started)
        copy_stop(c, NULL);
    join_workers(c);
    pool_destroy(c->pool);
    feed_destroy(&c->feed);
    pthread_mutex_destroy(&c->lock);
    pthread_mutex_destroy(&c->start_lock);
    free(c);
}

uint64_t copy_objects_done(const struct copy *c)
{
    return atomic_load_explicit(&c->objects_done, memory_order_relaxed);
}

uint64_t copy_bytes_done(const struct copy *c)
{
    return atomic_load_explicit(&c->bytes_done, memory_order_relaxed);
}

uint64_t copy_bytes_expected(const struct copy *c)
{
    return atomic_load(&c->sizes_unknown) ? 0 : atomic_load(&c->bytes_expected);
}
