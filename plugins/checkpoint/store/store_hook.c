/* SPDX-License-Identifier: Apache-2.0 */
#include "store_hook.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec_choice.h"
#include "load.h"

/* The step that names a checkpoint: of the whole run, since steps of epochs come again. */
static uint64_t step_of(const dlfw_hook_ctx *ctx, const struct checkpoint_moment *moment)
{
    return ctx->phase == DLFW_PHASE_WORKLOAD ? moment->step : ctx->global_step;
}

/* The services of this call are those of every call; a thread may be using them in between. */
static void attach(struct dlfw_hook *hook, const dlfw_hook_ctx *ctx)
{
    if (hook->store.services)
        return;
    hook->store.services = ctx->services;
    hook->store.services_ctx = ctx->services_ctx;
}

/* Goes on with a save in the background, and reports it once it is there. */
static dlfw_status go_on(struct dlfw_hook *hook, const dlfw_hook_ctx *ctx, bool wait, dlfw_error *reterr)
{
    struct save *s = &hook->save;
    struct checkpoint_done done = {.in_background = true};
    bool ended = false;
    dlfw_status st = save_poll(s, ctx, wait, &ended, reterr);

    if (st < 0 || !ended)
        return st;
    done.stored_bytes = s->mine.size;
    done.model_ns = s->written.model_ns;
    done.optimizer_ns = s->written.optimizer_ns;
    done.stall_ns = s->stall_ns;
    hook->saved++;
    hook->retired += s->retired;
    hook->raw_bytes += s->mine.raw_bytes;
    hook->stored_bytes += s->mine.size;
    hook->background_ns += s->end_ns - s->begin_ns;
    hook->stall_ns += s->stall_ns;
    checkpoint_report_end(&hook->run, ctx, &s->moment, s->begin_ns, s->end_ns, &done);
    return DLFW_OK;
}

static dlfw_status save(void *arg, const dlfw_hook_ctx *ctx, const struct checkpoint_moment *moment,
                        struct checkpoint_done *ret, dlfw_error *reterr)
{
    struct dlfw_hook *hook = arg;
    struct save *s = &hook->save;
    dlfw_status st = go_on(hook, ctx, true, reterr);

    if (st < 0)
        return st;
    if (hook->options->background && ctx->phase != DLFW_PHASE_WORKLOAD) { /* else nothing goes on meanwhile */
        ret->in_background = true;
        return save_begin(s, ctx, moment, step_of(ctx, moment), reterr);
    }
    st = save_now(s, ctx, moment, step_of(ctx, moment), reterr);
    if (st < 0)
        return st;
    hook->saved++;
    hook->retired += s->retired;
    hook->raw_bytes += s->mine.raw_bytes;
    hook->stored_bytes += s->mine.size;
    ret->stored_bytes = s->mine.size;
    ret->model_ns = s->written.model_ns;
    ret->optimizer_ns = s->written.optimizer_ns;
    return DLFW_OK;
}

/* Rank 0 looks, so that all ranks load the same one. */
static dlfw_status find(struct dlfw_hook *hook, const dlfw_hook_ctx *ctx, uint64_t step, struct checkpoint_id *ret,
                        dlfw_error *reterr)
{
    struct {
        struct checkpoint_id id;
        struct rank_outcome outcome;
    } found = {.outcome.status = DLFW_OK};
    dlfw_status st;

    if (ctx->rank == 0 && hook->options->load_from == LOAD_LATEST)
        found.outcome.status = load_find_latest(&hook->store, &found.id, OUTCOME_ERROR(&found.outcome));
    else if (ctx->rank == 0)
        found.outcome.status = load_find_step(&hook->store, step, &found.id, OUTCOME_ERROR(&found.outcome));
    st = ranks_broadcast(ctx, &found, sizeof found, reterr);
    if (st >= 0 && found.outcome.status < 0)
        st = dlfw_fail(reterr, found.outcome.status, "%.255s", found.outcome.why);
    *ret = found.id;
    return st;
}

static dlfw_status load_shard(struct dlfw_hook *hook, const struct manifest *m, const char *name,
                              struct checkpoint_done *ret, dlfw_error *reterr)
{
    const uint32_t rank = hook->run.load_plan.rank, verify = hook->options->verify;
    const struct manifest_shard *shard = manifest_shard_of(m, rank);
    struct shard_read_args args = {.store = &hook->store,
                                   .shard = shard,
                                   .threads = hook->threads,
                                   .memory_budget = hook->memory_budget,
                                   .compare_checksums = verify != VERIFY_NONE,
                                   .plan = verify == VERIFY_ALL ? &hook->run.load_plan : NULL,
                                   .content = &hook->content};
    struct shard_was_read was = {0};
    dlfw_status st;

    if (!shard)
        return dlfw_fail(reterr, DLFW_E_NOT_FOUND, "checkpoint '%s' is of %" PRIu32 " ranks, and has no shard %" PRIu32,
                         name, m->world_size, rank);
    st = shard_read(&args, &was, reterr);
    if (st < 0)
        return st;
    hook->loaded++;
    hook->checksums += was.checksums;
    ret->stored_bytes = shard->size;
    return DLFW_OK;
}

static dlfw_status load(void *arg, const dlfw_hook_ctx *ctx, const struct checkpoint_moment *moment,
                        struct checkpoint_done *ret, dlfw_error *reterr)
{
    struct dlfw_hook *hook = arg;
    struct checkpoint_id id;
    struct manifest m = {0};
    dlfw_status st = go_on(hook, ctx, true, reterr);

    if (st >= 0)
        st = find(hook, ctx, step_of(ctx, moment), &id, reterr);
    if (st >= 0)
        st = load_manifest(&hook->store, id.name, &m, reterr);
    if (st >= 0)
        st = load_shard(hook, &m, id.name, ret, reterr);
    manifest_free(&m);
    return st;
}

dlfw_status store_hook_create(struct dlfw_hook *hook, const dlfw_create_args *args, dlfw_error *reterr)
{
    const struct store_options *o = args->options;
    dlfw_status st;

    hook->options = o;
    hook->host = args->host;
    hook->host_ctx = args->host_ctx;
    st = checkpoint_run_create(&hook->run, args, &o->common, reterr);
    if (st >= 0)
        st = store_hook_settings(hook, args, reterr);
    if (st >= 0)
        st = store_init(&hook->store, args->host, args->host_ctx, o->common.checkpoint_folder, reterr);
    if (st < 0)
        return st;
    hook->store.flags = o->common.fsync ? DLFW_REQ_DURABLE : 0;
    hook->content = (struct tensor_content){
        .host = args->host, .seed = o->common.content_seed, .random = o->common.randomize_tensor != 0};
    hook->save = (struct save){
        .store = &hook->store, .settings = &hook->settings, .plan = &hook->run.plan, .content = &hook->content};
    hook->run.hook = hook;
    hook->run.save = save;
    hook->run.load = load;
    return DLFW_OK;
}

void store_hook_destroy(struct dlfw_hook *hook)
{
    save_destroy(&hook->save);
    checkpoint_run_destroy(&hook->run);
    free(hook->user_meta);
}

dlfw_status store_hook_initialize(struct dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr)
{
    struct shard_settings *shard = &hook->settings.shard;
    dlfw_status st;

    attach(hook, ctx);
    st = checkpoint_run_begin(&hook->run, ctx, reterr);
    if (st >= 0 && hook->options->compress == COMPRESS_AUTO)
        st = codec_choose(hook->host, &hook->run.plan, &hook->content, shard->level, shard->part_bytes, &shard->codec,
                          reterr);
    return st;
}

dlfw_status store_hook_after(struct dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr)
{
    dlfw_status st;

    attach(hook, ctx);
    st = go_on(hook, ctx, checkpoint_run_ends_block(&hook->run, ctx), reterr); /* the next save waits for the last */
    return st < 0 ? st : checkpoint_run_after(&hook->run, ctx, reterr);
}

dlfw_status store_hook_workload(struct dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr)
{
    dlfw_status st;

    attach(hook, ctx);
    st = checkpoint_run_workload(&hook->run, ctx, reterr);
    return st < 0 ? st : go_on(hook, ctx, true, reterr);
}

static void put(const dlfw_hook_ctx *ctx, const char *name, const char *unit, uint64_t value)
{
    ctx->services->put(ctx->services_ctx, name, unit, DLFW_STAT_COUNTER, value);
}

dlfw_status store_hook_finalize(struct dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr)
{
    dlfw_status st;

    attach(hook, ctx);
    st = go_on(hook, ctx, true, reterr);
    put(ctx, "saved", "checkpoints", hook->saved);
    put(ctx, "loaded", "checkpoints", hook->loaded);
    put(ctx, "removed", "checkpoints", hook->retired);
    put(ctx, "raw", "bytes", hook->raw_bytes);
    put(ctx, "stored", "bytes", hook->stored_bytes);
    put(ctx, "checksums", "checksums", hook->checksums);
    if (hook->options->background) {
        put(ctx, "stall", "ns", hook->stall_ns);
        put(ctx, "overlap", "ns", hook->background_ns > hook->stall_ns ? hook->background_ns - hook->stall_ns : 0);
    }
    return st;
}

dlfw_status store_hook_plan(struct dlfw_hook *hook, uint32_t rank, uint32_t world_size, const dlfw_plan_sink *out,
                            dlfw_error *reterr)
{
    const struct shard_settings *shard = &hook->settings.shard;
    const bool coded = hook->options->compress != COMPRESS_NONE;
    uint64_t model = 0, optimizer = 0, memory = shard->part_bytes;
    struct model_plan plan = {0};
    char key[STORE_KEY_MAX];
    dlfw_status st = model_plan_init(&plan, &hook->run.model, rank, world_size, reterr);

    if (st < 0)
        return st;
    model_plan_rank_bytes(&plan, &model, &optimizer);
    layout_shard_key(hook->settings.strategy, "ckpt-STEP-TIME", rank,
                     hook->options->compress == COMPRESS_AUTO ? CODEC_NONE : shard->codec, key);
    out->file(out->ctx, key, model + optimizer, coded ? UINT64_MAX : model + optimizer);
    if (coded)
        memory = shard->slots * (shard->part_bytes + part_bound(shard->codec, shard->part_bytes));
    st = checkpoint_plan_figures(&hook->run.model, world_size, memory, out, reterr);
    model_plan_free(&plan);
    return st;
}
