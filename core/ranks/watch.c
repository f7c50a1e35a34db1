/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariant: the line about a peer is printed once. Until rank_watch_stop() it may come from here, afterwards only from
 * the caller; both sides decide under the lock. A stop that the user asked for is not the peers' doing: when all ranks
 * got Ctrl-C, those that leave first have not failed, so the watch finds nothing then.
 */
#include "ranks/watch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/str.h"
#include "plugin/host_table.h"

#define CHECK_INTERVAL_NS 200000000ull
#define END_BY_FORCE_NS NS_PER_S
#define STACK_BYTES (256u << 10)
#define EXIT_FORCED 1

struct rank_watch {
    const dlfw_coordinator_ops *ops;
    dlfw_coordinator *c;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping;           /* under lock */
    bool found;              /* under lock; set once, after err */
    struct error_slot error; /* under lock */
};

/* Under the lock. Waits until the watch is to stop, false when it was not within ns. */
static bool wait_for_stop(struct rank_watch *w, uint64_t ns)
{
    uint64_t end = clock_now_ns() + ns;
    struct timespec ts = {.tv_sec = (time_t)(end / NS_PER_S), .tv_nsec = (long)(end % NS_PER_S)};

    while (!w->stopping)
        if (pthread_cond_timedwait(&w->wake, &w->lock, &ts) == ETIMEDOUT)
            break;
    return w->stopping;
}

/* Under the lock. Whether the run now ends because of what check() said. */
static bool stop_run(struct rank_watch *w, const struct error_slot *said)
{
    uint32_t running = 0;

    if (said->e.status == DLFW_E_CANCELLED || !atomic_compare_exchange_strong(&host_cancel_level, &running, 1))
        return false;
    error_copy(&w->error.e, &said->e);
    w->found = true;
    return true;
}

static void *watch_main(void *arg)
{
    struct rank_watch *w = arg;
    struct error_slot said;
    dlfw_status st = DLFW_OK;

    pthread_mutex_lock(&w->lock);
    while (st >= 0 && !wait_for_stop(w, CHECK_INTERVAL_NS)) {
        pthread_mutex_unlock(&w->lock);
        error_slot_init(&said);
        st = w->ops->check(w->c, &said.e);
        said.e.status = st;
        pthread_mutex_lock(&w->lock);
    }
    if (st < 0 && stop_run(w, &said) && !wait_for_stop(w, END_BY_FORCE_NS)) {
        log_error("%s", w->error.text);
        _exit(EXIT_FORCED);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static int create_thread(struct rank_watch *w)
{
    pthread_attr_t attr;
    sigset_t all, old;
    int rc;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    sigfillset(&all); /* signals are the main thread's: they interrupt what it waits for */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&w->thread, &attr, watch_main, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return rc;
}

static void watch_free(struct rank_watch *w)
{
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

dlfw_status rank_watch_start(const dlfw_coordinator_ops *ops, dlfw_coordinator *c, struct rank_watch **ret,
                             dlfw_error *err)
{
    pthread_condattr_t monotonic;
    struct rank_watch *w;
    int rc;

    *ret = NULL;
    if (!ops->check || ops->world_size(c) < 2)
        return DLFW_OK;
    w = xcalloc(1, sizeof *w);
    w->ops = ops;
    w->c = c;
    error_slot_init(&w->error);
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    rc = create_thread(w);
    if (rc) {
        watch_free(w);
        return dlfw_fail_errno(err, rc, "cannot start the thread that watches the other ranks");
    }
    *ret = w;
    return DLFW_OK;
}

bool rank_watch_found(struct rank_watch *w, dlfw_error *err)
{
    bool found;

    if (!w)
        return false;
    pthread_mutex_lock(&w->lock);
    found = w->found;
    if (found)
        error_copy(err, &w->error.e);
    pthread_mutex_unlock(&w->lock);
    return found;
}

void rank_watch_stop(struct rank_watch *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    watch_free(w);
}
