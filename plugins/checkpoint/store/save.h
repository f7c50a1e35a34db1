/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A save, over all ranks: rank 0 names it, every rank writes its shard, rank 0 commits. In the background a thread of
 * each rank writes (and on rank 0 commits) while training goes on; ranks then meet in save_poll(), which all of them
 * call at the same moments. One save at a time.
 */
#ifndef DLFW_CHECKPOINT_STORE_SAVE_H
#define DLFW_CHECKPOINT_STORE_SAVE_H

#include <pthread.h>
#include <stdatomic.h>

#include "commit.h"
#include "common/trigger.h"
#include "ranks.h"
#include "shard_write.h"

struct save_settings {
    struct shard_settings shard;
    enum layout_strategy strategy;
    uint64_t keep_last, keep_every;
    const char *framework;
    const char *user_meta; /* JSON; NULL: null */
};

enum save_phase { SAVE_IDLE = 0, SAVE_WRITING, SAVE_COMMITTING };

struct save {
    /* set by the owner, in place while a save is under way */
    const struct store *store;
    const struct save_settings *settings;
    const struct model_plan *plan;
    const struct tensor_content *content;

    enum save_phase phase;
    struct checkpoint_moment moment;
    struct checkpoint_id id;
    uint64_t step;
    uint64_t begin_ns, end_ns; /* end: visible, and durable if that was asked for */
    uint64_t stall_ns;         /* that training waited */
    struct shard_written written;
    struct rank_outcome mine;
    struct manifest manifest; /* rank 0, once all shards are there */
    enum commit_state commit;
    struct rank_outcome committed; /* of rank 0 */
    uint32_t retired;
    /* in the background */
    bool has_thread;
    bool alone; /* one rank: the thread commits too */
    pthread_t thread;
    _Atomic bool thread_done;
};

/* Writes and commits. After a failure nothing of this attempt is visible. */
dlfw_status save_now(struct save *s, const dlfw_hook_ctx *ctx, const struct checkpoint_moment *moment, uint64_t step,
                     dlfw_error *reterr);
/* Begins in the background; no save is under way. */
dlfw_status save_begin(struct save *s, const dlfw_hook_ctx *ctx, const struct checkpoint_moment *moment, uint64_t step,
                       dlfw_error *reterr);
/* Goes on with a save in the background. *ret_ended: it has just been committed. wait: until it is. */
dlfw_status save_poll(struct save *s, const dlfw_hook_ctx *ctx, bool wait, bool *ret_ended, dlfw_error *reterr);
/* Waits for the thread and forgets the save, which is left to `clean`. */
void save_destroy(struct save *s);

#endif
