/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workers of a walk. Invariant: the walk is over when nothing waits and nobody is busy, for only busy workers find
 * more. Threads are started as work turns up, so that a small listing has one.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "plugin/host_table.h"
#include "transfer/listing_parts.h"

#define STREAMS_WORKERS 16u
#define LOCAL_WORKERS_MIN 4u
#define LOCAL_WORKERS_MAX 32u
#define TICK_NS 100000000u

static enum listing_plan plan_of(const struct listing_args *args)
{
    uint64_t caps = storage_caps(args->storage);

    if (!args->recursive)
        return PLAN_LEVEL;
    if (caps & DLFW_BACKEND_LOCAL)
        return PLAN_FOLDERS;
    return caps & DLFW_BACKEND_STREAMS && listing_workers(args) > 1 ? PLAN_SPREAD : PLAN_WHOLE;
}

uint32_t listing_workers(const struct listing_args *args)
{
    uint64_t caps = storage_caps(args->storage);
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t count = cpus > 0 && cpus < (long)LOCAL_WORKERS_MAX ? (uint32_t)cpus : LOCAL_WORKERS_MAX;
    dlfw_limits limits = {0};

    if (caps & DLFW_BACKEND_STREAMS)
        count = STREAMS_WORKERS;
    else if (caps & DLFW_BACKEND_LOCAL)
        count = count < LOCAL_WORKERS_MIN ? LOCAL_WORKERS_MIN : count;
    else
        count = 2;
    if (args->workers)
        count = args->workers;
    if (count > LISTING_WORKERS_MAX)
        count = LISTING_WORKERS_MAX;
    if (storage_limits(args->storage, "", 0, &limits, NULL) >= 0 && limits.max_queues && count > limits.max_queues)
        count = limits.max_queues;
    return count;
}

void walk_fail(struct walk *walk, dlfw_status st, const dlfw_error *err)
{
    pthread_mutex_lock(&walk->lock);
    /* what a stopped walk has given up is not worth a word */
    if (!(st == DLFW_E_CANCELLED && atomic_load(&walk->stop))) {
        walk->failed++;
        if (walk->status >= 0) {
            walk->status = st;
            error_copy(&walk->err.e, err);
        }
    }
    pthread_mutex_unlock(&walk->lock);
}

static void *work(void *arg);

struct worker_start {
    struct walk *walk;
    uint32_t index;
};

/* With the lock held: somebody will take the work that was added. */
static void wake_worker(struct walk *walk)
{
    struct worker_start *start;

    if (atomic_load(&walk->idle)) {
        pthread_cond_signal(&walk->work);
        return;
    }
    if (walk->started == walk->worker_max)
        return;
    start = xmalloc(sizeof *start);
    *start = (struct worker_start){walk, walk->started};
    if (pthread_create(&walk->threads[walk->started], NULL, work, start) == 0)
        walk->started++;
    else
        free(start); /* those that run do it all; listing_run has seen to it that there is one */
}

void walk_add_folder(struct walk *walk, struct listing_folder *f)
{
    pthread_mutex_lock(&walk->lock);
    f->next = walk->folders;
    walk->folders = f;
    atomic_fetch_add(&walk->waiting, 1);
    wake_worker(walk);
    pthread_mutex_unlock(&walk->lock);
}

bool walk_give_page(struct walk *walk, struct page_buffer *b)
{
    bool given;

    pthread_mutex_lock(&walk->lock);
    /* two pages per worker are enough to keep it busy */
    given = walk->worker_max > 1 && walk->buffers < 2 * walk->worker_max;
    if (given) {
        b->next = walk->pages;
        walk->pages = b;
        wake_worker(walk);
    }
    pthread_mutex_unlock(&walk->lock);
    return given;
}

struct page_buffer *walk_take_buffer(struct walk *walk)
{
    struct page_buffer *b;

    pthread_mutex_lock(&walk->lock);
    b = walk->spare;
    if (b)
        walk->spare = b->next;
    walk->buffers++;
    pthread_mutex_unlock(&walk->lock);
    return b ? b : xmalloc(sizeof *b);
}

void walk_put_buffer(struct walk *walk, struct page_buffer *b)
{
    pthread_mutex_lock(&walk->lock);
    b->next = walk->spare;
    walk->spare = b;
    walk->buffers--;
    pthread_mutex_unlock(&walk->lock);
}

/* The next thing to do, pages first, which frees their memory. False: the walk is over. */
static bool take_work(struct walk *walk, struct page_buffer **page, struct listing_folder **folder)
{
    pthread_mutex_lock(&walk->lock);
    atomic_fetch_add(&walk->idle, 1);
    while (!walk->pages && !walk->folders && atomic_load(&walk->busy))
        pthread_cond_wait(&walk->work, &walk->lock);
    atomic_fetch_sub(&walk->idle, 1);
    *page = walk->pages;
    *folder = *page ? NULL : walk->folders;
    if (*page) {
        walk->pages = (*page)->next;
    } else if (*folder) {
        walk->folders = (*folder)->next;
        atomic_fetch_sub(&walk->waiting, 1);
    }
    atomic_fetch_add(&walk->busy, *page || *folder);
    pthread_mutex_unlock(&walk->lock);
    return *page || *folder;
}

static void end_work(struct walk *walk)
{
    pthread_mutex_lock(&walk->lock);
    if (atomic_fetch_sub(&walk->busy, 1) == 1 && !walk->pages && !walk->folders)
        pthread_cond_broadcast(&walk->work);
    pthread_mutex_unlock(&walk->lock);
}

static dlfw_status open_queue(struct walk *walk, struct io_queue **ret, dlfw_error *err)
{
    struct storage *st = walk->args->storage;
    uint32_t depth = walk->args->depth ? walk->args->depth : 1;

    /* names of local files are system calls, which the thread makes itself */
    if (storage_caps(st) & DLFW_BACKEND_LOCAL)
        return io_queue_create_moving(st, 1, ret, err);
    return io_queue_create(st, depth, ret, err);
}

static void *work(void *arg)
{
    struct worker_start *start = arg;
    struct walk *walk = start->walk;
    struct listing_worker w = {.index = start->index};
    struct page_buffer *page;
    struct listing_folder *folder;
    struct error_slot err;
    dlfw_status st;

    free(start);
    error_slot_init(&err);
    st = open_queue(walk, &w.queue, &err.e);
    if (st < 0) {
        walk_fail(walk, st, &err.e);
        atomic_store(&walk->stop, true);
    }
    while (take_work(walk, &page, &folder)) {
        if (page)
            walk_page(walk, &w, page);
        else if (atomic_load(&walk->stop))
            folder_done(walk, &w, folder);
        else
            walk_list(walk, &w, folder, 0);
        end_work(walk);
    }
    io_queue_destroy(w.queue);
    pthread_mutex_lock(&walk->lock);
    walk->ended++;
    pthread_cond_signal(&walk->progress);
    pthread_mutex_unlock(&walk->lock);
    return NULL;
}

/* Until all workers have ended; Ctrl-C makes them. */
static void wait_for_workers(struct walk *walk)
{
    pthread_mutex_lock(&walk->lock);
    while (walk->ended < walk->started) {
        uint64_t until = clock_now_ns() + TICK_NS;
        struct timespec t = {.tv_sec = (time_t)(until / NS_PER_S), .tv_nsec = (long)(until % NS_PER_S)};

        pthread_cond_timedwait(&walk->progress, &walk->lock, &t);
        pthread_mutex_unlock(&walk->lock);
        if (atomic_load(&host_cancel_level))
            atomic_store(&walk->stop, true);
        if (walk->args->tick)
            walk->args->tick(walk->args->ctx);
        pthread_mutex_lock(&walk->lock);
    }
    pthread_mutex_unlock(&walk->lock);
    for (uint32_t i = 0; i < walk->started; i++)
        pthread_join(walk->threads[i], NULL);
}

static void init_locks(struct walk *walk)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&walk->lock, NULL);
    pthread_cond_init(&walk->work, NULL);
    pthread_cond_init(&walk->progress, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static void free_walk(struct walk *walk)
{
    while (walk->spare) {
        struct page_buffer *b = walk->spare;

        walk->spare = b->next;
        free(b);
    }
    pthread_cond_destroy(&walk->progress);
    pthread_cond_destroy(&walk->work);
    pthread_mutex_destroy(&walk->lock);
    free(walk);
}

/* False: there is no thread to be had. */
static bool begin(struct walk *walk, struct listing_folder *root)
{
    bool begun;

    walk_add_folder(walk, root);
    pthread_mutex_lock(&walk->lock);
    begun = walk->started > 0;
    pthread_mutex_unlock(&walk->lock);
    return begun;
}

dlfw_status listing_run(const struct listing_args *args, uint64_t *ret_failed, dlfw_error *err)
{
    struct walk *walk = xcalloc(1, sizeof *walk);
    struct listing_folder *root = folder_new(NULL, args->prefix, (uint32_t)strlen(args->prefix));
    dlfw_status st;

    walk->args = args;
    walk->plan = plan_of(args);
    walk->worker_max = listing_workers(args);
    error_slot_init(&walk->err);
    init_locks(walk);
    if (!begin(walk, root)) {
        free(root);
        free_walk(walk);
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "cannot start a thread to list with");
    }
    wait_for_workers(walk);

    st = walk->status;
    *ret_failed = walk->failed;
    if (st < 0)
        error_copy(err, &walk->err.e);
    else if (atomic_load(&host_cancel_level))
        st = dlfw_fail(err, DLFW_E_CANCELLED, "the listing was interrupted");
    free_walk(walk);
    return st;
}
