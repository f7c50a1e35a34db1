/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "file_pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define MESSAGE_MAX 1024u

struct file_pool {
    uint64_t tasks;
    file_task *task;
    void *ctx;
    atomic_uint_fast64_t next;
    atomic_int stop;
    pthread_mutex_t lock; /* of what follows */
    dlfw_status first;
    dlfw_error *reterr; /* of the caller, filled by the first failure */
};

dlfw_status file_pool_stopped(struct file_pool *pool)
{
    return atomic_load_explicit(&pool->stop, memory_order_relaxed) ? DLFW_E_CANCELLED : DLFW_OK;
}

static void keep_failure(struct file_pool *pool, const dlfw_error *err, dlfw_status st)
{
    pthread_mutex_lock(&pool->lock);
    if (pool->first >= 0) {
        pool->first = st;
        dlfw_fail(pool->reterr, st, "%s", err->message_len ? err->message : dlfw_status_text(st));
        if (pool->reterr) {
            pool->reterr->flags = err->flags;
            pool->reterr->sys_errno = err->sys_errno;
            pool->reterr->http_status = err->http_status;
        }
        atomic_store_explicit(&pool->stop, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&pool->lock);
}

static void *work(void *arg)
{
    struct file_pool *pool = arg;

    while (file_pool_stopped(pool) >= 0) {
        uint64_t index = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        char text[MESSAGE_MAX] = "";
        dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};
        dlfw_status st;

        if (index >= pool->tasks)
            break;
        st = pool->task(pool->ctx, pool, index, &err);
        if (st < 0)
            keep_failure(pool, &err, st);
    }
    return NULL;
}

dlfw_status file_pool_run(uint64_t tasks, uint32_t threads, file_task *task, void *ctx, dlfw_error *reterr)
{
    struct file_pool pool = {.tasks = tasks, .task = task, .ctx = ctx, .reterr = reterr};
    uint64_t helpers = (tasks < threads ? tasks : threads);
    pthread_t *ids = NULL;
    uint64_t begun = 0;

    helpers = helpers > 1 ? helpers - 1 : 0;
    if (helpers) {
        ids = calloc(helpers, sizeof *ids);
        if (!ids)
            return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate %u threads", (unsigned)helpers);
    }
    pthread_mutex_init(&pool.lock, NULL);
    /* fewer threads than asked for are slower, not wrong */
    while (begun < helpers && pthread_create(&ids[begun], NULL, work, &pool) == 0)
        begun++;
    work(&pool);
    for (uint64_t i = 0; i < begun; i++)
        pthread_join(ids[i], NULL);
    pthread_mutex_destroy(&pool.lock);
    free(ids);
    return pool.first;
}
