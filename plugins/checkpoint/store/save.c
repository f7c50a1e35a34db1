/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "save.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "intent.h"
#include "retire.h"

/* What rank 0 tells at the beginning. */
struct beginning {
    struct checkpoint_id id;
    struct rank_outcome outcome;
};

/* What rank 0 tells at the end. */
struct ending {
    struct rank_outcome outcome;
    uint32_t commit; /* enum commit_state */
    uint64_t end_ns;
};

static uint64_t now_ns(const struct save *s)
{
    return s->store->host->now_ns();
}

static dlfw_status name_it(struct save *s, const dlfw_hook_ctx *ctx, dlfw_error *reterr)
{
    struct beginning b = {.outcome.status = DLFW_OK};
    dlfw_status st;

    if (ctx->rank == 0)
        b.outcome.status = commit_begin(s->store, s->step, &b.id, OUTCOME_ERROR(&b.outcome));
    st = ranks_broadcast(ctx, &b, sizeof b, reterr);
    if (st >= 0 && b.outcome.status < 0)
        st = dlfw_fail(reterr, b.outcome.status, "%.255s", b.outcome.why);
    s->id = b.id;
    return st;
}

static void write_shard(struct save *s)
{
    char key[STORE_KEY_MAX];
    struct rank_outcome *o = &s->mine;

    layout_shard_key(s->settings->strategy, s->id.name, s->plan->rank, s->settings->shard.codec, key);
    o->status = shard_write(s->store, key, &s->settings->shard, s->plan, s->content, &s->written, OUTCOME_ERROR(o));
    o->codec = s->written.shard.codec;
    o->part_count = s->written.shard.part_count;
    o->crc = s->written.shard.crc;
    o->raw_bytes = s->written.shard.raw_bytes;
    o->size = s->written.shard.size;
    memcpy(o->key, key, sizeof key);
}

/* Rank 0: the manifest but for the parts of its shards. */
static dlfw_status begin_manifest(struct save *s, const struct rank_outcome *all, uint32_t world, dlfw_error *reterr)
{
    struct manifest *m = &s->manifest;
    char wall_time[24];

    layout_wall_time(s->id.time, wall_time);
    *m = (struct manifest){.step = s->step,
                           .epoch = s->moment.epoch,
                           .world_size = world,
                           .complete = true,
                           .framework = strdup(s->settings->framework),
                           .wall_time = strdup(wall_time),
                           .user_meta = s->settings->user_meta ? strdup(s->settings->user_meta) : NULL,
                           .shards = calloc(world, sizeof *m->shards)};
    if (!m->framework || !m->wall_time || (s->settings->user_meta && !m->user_meta) || !m->shards)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot make the manifest of '%s'", s->id.name);
    m->shard_count = world;
    for (uint32_t r = 0; r < world; r++) {
        struct manifest_shard *shard = &m->shards[r];

        *shard = (struct manifest_shard){.rank = r,
                                         .size = all[r].size,
                                         .has_crc = true,
                                         .crc = all[r].crc,
                                         .codec = (enum codec)all[r].codec,
                                         .raw_bytes = all[r].raw_bytes};
        memcpy(shard->key, all[r].key, sizeof shard->key);
    }
    return DLFW_OK;
}

/* All shards are there, or the failure of one is returned on every rank. */
static dlfw_status collect(struct save *s, const dlfw_hook_ctx *ctx, dlfw_error *reterr)
{
    struct rank_outcome *all = calloc(ctx->world_size, sizeof *all);
    dlfw_status st = all ? ranks_agree(ctx, &s->mine, all, reterr)
                         : dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot gather the outcomes of a save");

    if (st >= 0 && ctx->rank == 0)
        st = begin_manifest(s, all, ctx->world_size, reterr);
    if (st >= 0)
        st = ranks_gather_parts(ctx, s->written.shard.parts, all, s->manifest.shards, reterr);
    free(all);
    return st;
}

/* The same for the thread of a rank that is alone. */
static dlfw_status collect_alone(struct save *s, dlfw_error *reterr)
{
    struct manifest_shard *shard;
    dlfw_status st = begin_manifest(s, &s->mine, 1, reterr);

    if (st < 0)
        return st;
    shard = &s->manifest.shards[0];
    shard->parts = s->written.shard.parts;
    shard->part_count = s->written.shard.part_count;
    s->written.shard.parts = NULL;
    return DLFW_OK;
}

/* Rank 0, any thread. Retention comes after the checkpoint is there, and cannot undo it. */
static void commit(struct save *s)
{
    struct rank_outcome *o = &s->committed;

    o->status = commit_manifest(s->store, &s->id, &s->manifest, &s->commit, OUTCOME_ERROR(o));
    s->end_ns = now_ns(s);
    if (o->status >= 0)
        o->status = intent_end(s->store, s->id.name, OUTCOME_ERROR(o));
    if (o->status >= 0)
        o->status = checkpoints_retain(s->store, s->id.name, s->settings->keep_last, s->settings->keep_every,
                                       &s->retired, OUTCOME_ERROR(o));
}

/* Every rank removes its shard; the intent goes when nothing is left that it stands for. */
static void give_up(struct save *s, const dlfw_hook_ctx *ctx)
{
    bool gone = !s->mine.key[0] || store_remove(s->store, s->mine.key, NULL) >= 0, all_gone = false;
    char folder[STORE_KEY_MAX];

    memcpy(folder, s->mine.key, sizeof folder);
    if (strrchr(folder, '/')) {
        *strrchr(folder, '/') = '\0';
        store_remove_folder(s->store, folder);
    }
    if (ranks_all(ctx, gone, &all_gone, NULL) < 0 || !all_gone ||
        (ctx->rank == 0 && intent_end(s->store, s->id.name, NULL) < 0))
        dlfw_log(s->store->host, s->store->host_ctx, DLFW_LOG_WARNING,
                 "something of the failed checkpoint '%s' is left in '%s'; 'dlfw clean' removes it", s->id.name,
                 s->store->folder);
}

/* After rank 0's commit: every rank learns how it ended. */
static dlfw_status conclude(struct save *s, const dlfw_hook_ctx *ctx, dlfw_error *reterr)
{
    struct ending e = {.outcome = s->committed, .commit = s->commit, .end_ns = s->end_ns};
    dlfw_status st = ranks_broadcast(ctx, &e, sizeof e, reterr);

    manifest_free(&s->manifest);
    if (st < 0)
        return st;
    s->commit = (enum commit_state)e.commit;
    if (ctx->rank != 0)
        s->end_ns = now_ns(s); /* clocks of other machines are no use here */
    if (s->commit == COMMIT_UNDONE)
        give_up(s, ctx);
    if (e.outcome.status >= 0)
        return DLFW_OK;
    return dlfw_fail(reterr, e.outcome.status, "%s%.255s", s->commit == COMMIT_DONE ? "after the checkpoint: " : "",
                     e.outcome.why);
}

static void reset(struct save *s, const struct checkpoint_moment *moment, uint64_t step)
{
    shard_written_free(&s->written);
    s->moment = *moment;
    s->step = step;
    s->begin_ns = now_ns(s);
    s->end_ns = s->stall_ns = 0;
    s->mine = s->committed = (struct rank_outcome){0};
    s->commit = COMMIT_UNDONE;
    s->retired = 0;
    s->id = (struct checkpoint_id){0};
}

dlfw_status save_now(struct save *s, const dlfw_hook_ctx *ctx, const struct checkpoint_moment *moment, uint64_t step,
                     dlfw_error *reterr)
{
    dlfw_status st;

    reset(s, moment, step);
    st = name_it(s, ctx, reterr);
    if (st < 0)
        return st;
    write_shard(s);
    st = collect(s, ctx, reterr);
    if (st < 0) {
        manifest_free(&s->manifest);
        give_up(s, ctx);
        return st;
    }
    if (ctx->rank == 0)
        commit(s);
    return conclude(s, ctx, reterr);
}

static void *write_thread(void *arg)
{
    struct save *s = arg;

    write_shard(s);
    if (s->alone && s->mine.status >= 0) {
        s->committed.status = collect_alone(s, OUTCOME_ERROR(&s->committed));
        if (s->committed.status >= 0)
            commit(s);
    }
    atomic_store(&s->thread_done, true);
    return NULL;
}

static void *commit_thread(void *arg)
{
    struct save *s = arg;

    commit(s);
    atomic_store(&s->thread_done, true);
    return NULL;
}

/* A thread that cannot be started is a failure of its work. */
static void start(struct save *s, void *(*work)(void *arg), struct rank_outcome *outcome)
{
    sigset_t all, before;
    int failed;

    atomic_store(&s->thread_done, false);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the business of the host's threads */
    failed = pthread_create(&s->thread, NULL, work, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    s->has_thread = failed == 0;
    if (failed) {
        outcome->status = dlfw_fail_errno(OUTCOME_ERROR(outcome), failed, "cannot start the thread of a save");
        atomic_store(&s->thread_done, true);
    }
}

static void join(struct save *s)
{
    if (s->has_thread)
        pthread_join(s->thread, NULL);
    s->has_thread = false;
}

dlfw_status save_begin(struct save *s, const dlfw_hook_ctx *ctx, const struct checkpoint_moment *moment, uint64_t step,
                       dlfw_error *reterr)
{
    dlfw_status st;

    reset(s, moment, step);
    st = name_it(s, ctx, reterr);
    if (st < 0)
        return st;
    s->alone = ctx->world_size == 1;
    s->phase = SAVE_WRITING;
    start(s, write_thread, &s->mine);
    s->stall_ns += now_ns(s) - s->begin_ns;
    return DLFW_OK;
}

/* Once every rank has its shard, or failed with it. */
static dlfw_status poll_writing(struct save *s, const dlfw_hook_ctx *ctx, bool wait, dlfw_error *reterr)
{
    bool ready = true;
    dlfw_status st = wait ? DLFW_OK : ranks_all(ctx, atomic_load(&s->thread_done), &ready, reterr);

    if (st < 0 || !ready)
        return st;
    join(s);
    if (s->alone && s->mine.status >= 0) {
        s->phase = SAVE_COMMITTING; /* and done with that */
        return DLFW_OK;
    }
    st = collect(s, ctx, reterr);
    if (st < 0) {
        manifest_free(&s->manifest);
        give_up(s, ctx);
        return st;
    }
    s->phase = SAVE_COMMITTING;
    if (ctx->rank == 0 && wait)
        commit(s);
    else if (ctx->rank == 0)
        start(s, commit_thread, &s->committed);
    return DLFW_OK;
}

static dlfw_status poll_committing(struct save *s, const dlfw_hook_ctx *ctx, bool wait, bool *ret_ended,
                                   dlfw_error *reterr)
{
    uint8_t ready = wait || s->alone || atomic_load(&s->thread_done);
    dlfw_status st = ranks_broadcast(ctx, &ready, sizeof ready, reterr);

    if (st < 0 || !ready)
        return st;
    join(s);
    st = conclude(s, ctx, reterr);
    *ret_ended = st >= 0;
    if (st >= 0)
        s->phase = SAVE_IDLE;
    return st;
}

dlfw_status save_poll(struct save *s, const dlfw_hook_ctx *ctx, bool wait, bool *ret_ended, dlfw_error *reterr)
{
    const uint64_t begin_ns = now_ns(s);
    dlfw_status st = DLFW_OK;

    *ret_ended = false;
    if (s->phase == SAVE_WRITING)
        st = poll_writing(s, ctx, wait, reterr);
    if (st >= 0 && s->phase == SAVE_COMMITTING)
        st = poll_committing(s, ctx, wait, ret_ended, reterr);
    s->stall_ns += now_ns(s) - begin_ns;
    if (st < 0) {
        join(s);
        s->phase = SAVE_IDLE;
    }
    return st;
}

void save_destroy(struct save *s)
{
    join(s);
    manifest_free(&s->manifest);
    shard_written_free(&s->written);
    s->phase = SAVE_IDLE;
}
