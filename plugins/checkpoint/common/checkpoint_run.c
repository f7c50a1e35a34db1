/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "common/checkpoint_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NS_PER_SECOND 1000000000ull
#define NAP_NS 20000000ull /* between looks at whether the run is being stopped */

const char *const checkpoint_mode_names[] = {"default", "subset", NULL};

dlfw_status checkpoint_run_create(struct checkpoint_run *run, const dlfw_create_args *args,
                                  const struct checkpoint_options *options, dlfw_error *reterr)
{
    *run = (struct checkpoint_run){.host = args->host, .host_ctx = args->host_ctx, .options = options};
    return model_config_read(args->host, options->model, options->mode, &run->model, reterr);
}

void checkpoint_run_destroy(struct checkpoint_run *run)
{
    model_plan_free(&run->load_plan);
    model_plan_free(&run->plan);
    model_config_free(&run->model);
}

static void report(const dlfw_hook_ctx *ctx, dlfw_checkpoint_event *event)
{
    event->struct_size = (uint32_t)sizeof *event;
    ctx->services->checkpoint(ctx->services_ctx, event);
}

static uint64_t bytes_of(const struct model_plan *plan)
{
    uint64_t model = 0, optimizer = 0;

    model_plan_rank_bytes(plan, &model, &optimizer);
    return model + optimizer;
}

dlfw_status checkpoint_run_begin(struct checkpoint_run *run, const dlfw_hook_ctx *ctx, dlfw_error *reterr)
{
    const uint64_t shift = run->options->recovery_rank_shift ? run->options->ranks_per_node : 0;
    const uint32_t load_rank = (uint32_t)((ctx->rank + shift) % ctx->world_size);
    const struct model_totals *t = &run->totals;
    dlfw_checkpoint_event event = {.what = DLFW_CHECKPOINT_MODEL};
    dlfw_status st = model_plan_totals(&run->model, ctx->world_size, &run->totals, reterr);

    if (st >= 0)
        st = model_plan_init(&run->plan, &run->model, ctx->rank, ctx->world_size, reterr);
    if (st >= 0)
        st = model_plan_init(&run->load_plan, &run->model, load_rank, ctx->world_size, reterr);
    if (st < 0)
        return st;
    event.bytes = t->model_bytes + t->optimizer_bytes;
    event.rank_bytes = bytes_of(&run->plan);
    event.parameters = t->parameters;
    event.model_bytes = t->model_bytes;
    event.optimizer_bytes = t->optimizer_bytes;
    event.subset_ranks = t->subset_ranks;
    event.subset_of = t->subset_of;
    report(ctx, &event);
    return DLFW_OK;
}

static void report_end(const struct checkpoint_run *run, const dlfw_hook_ctx *ctx,
                       const struct checkpoint_moment *moment, bool is_load, uint64_t begin_ns, uint64_t end_ns,
                       const struct checkpoint_done *done)
{
    dlfw_checkpoint_event event = {
        .what = is_load ? DLFW_CHECKPOINT_LOAD_END : DLFW_CHECKPOINT_SAVE_END,
        .epoch = moment->epoch,
        .number = moment->number,
        .step = moment->step,
        .bytes = run->totals.model_bytes + run->totals.optimizer_bytes,
        .rank_bytes = bytes_of(is_load ? &run->load_plan : &run->plan),
        .stored_bytes = done->stored_bytes,
        .begin_ns = begin_ns,
        .end_ns = end_ns,
        .model_ns = done->model_ns,
        .optimizer_ns = done->optimizer_ns,
        .stall_ns = done->in_background ? done->stall_ns : end_ns - begin_ns,
        .name = moment->name,
    };

    report(ctx, &event);
}

void checkpoint_report_end(const struct checkpoint_run *run, const dlfw_hook_ctx *ctx,
                           const struct checkpoint_moment *moment, uint64_t begin_ns, uint64_t end_ns,
                           const struct checkpoint_done *done)
{
    report_end(run, ctx, moment, false, begin_ns, end_ns, done);
}

/* sync: a barrier inside the timed part. */
static dlfw_status do_one(struct checkpoint_run *run, const dlfw_hook_ctx *ctx, const struct checkpoint_moment *moment,
                          bool is_load, bool sync, dlfw_error *reterr)
{
    dlfw_checkpoint_event event = {.what = is_load ? DLFW_CHECKPOINT_LOAD_BEGIN : DLFW_CHECKPOINT_SAVE_BEGIN,
                                   .epoch = moment->epoch,
                                   .number = moment->number,
                                   .step = moment->step,
                                   .name = moment->name};
    struct checkpoint_done done = {0};
    uint64_t begin_ns;
    dlfw_status st;

    report(ctx, &event);
    begin_ns = run->host->now_ns();
    st = (is_load ? run->load : run->save)(run->hook, ctx, moment, &done, reterr);
    if (st >= 0 && sync)
        st = ctx->services->barrier(ctx->services_ctx, reterr);
    if (st < 0)
        return st;
    if (!done.in_background)
        report_end(run, ctx, moment, is_load, begin_ns, run->host->now_ns(), &done);
    return is_load || !run->saved ? DLFW_OK : run->saved(run->hook, ctx, moment, reterr);
}

dlfw_status checkpoint_run_one(struct checkpoint_run *run, const dlfw_hook_ctx *ctx,
                               const struct checkpoint_moment *moment, bool is_load, dlfw_error *reterr)
{
    return do_one(run, ctx, moment, is_load, false, reterr);
}

static struct checkpoint_trigger trigger_of(const struct checkpoint_run *run)
{
    return (struct checkpoint_trigger){.after_epoch = run->options->checkpoint_after_epoch,
                                       .epochs_between = run->options->epochs_between_checkpoints,
                                       .steps_between = run->options->steps_between_checkpoints};
}

int32_t checkpoint_run_ends_block(const struct checkpoint_run *run, const dlfw_hook_ctx *ctx)
{
    struct checkpoint_trigger trigger = trigger_of(run);
    struct checkpoint_moment moment;

    return checkpoint_due(&trigger, ctx, &moment);
}

dlfw_status checkpoint_run_after(struct checkpoint_run *run, const dlfw_hook_ctx *ctx, dlfw_error *reterr)
{
    struct checkpoint_trigger trigger = trigger_of(run);
    struct checkpoint_moment moment;

    if (!checkpoint_due(&trigger, ctx, &moment))
        return DLFW_OK;
    return do_one(run, ctx, &moment, false, false, reterr);
}

/* Sleeps in naps, so that a run can be stopped. */
static dlfw_status pause_between(const struct checkpoint_run *run, const struct checkpoint_moment *moment,
                                 dlfw_error *reterr)
{
    const double seconds = run->options->time_between_checkpoints;
    const uint64_t end_ns = run->host->now_ns() + (seconds > 0 ? (uint64_t)(seconds * 1e9) : 0);

    for (;;) {
        uint64_t now = run->host->now_ns();
        uint64_t nap = now < end_ns ? end_ns - now : 0;
        struct timespec t;

        if (run->host->cancelled(run->host_ctx))
            return dlfw_fail(reterr, DLFW_E_CANCELLED, "stopped before checkpoint '%s'", moment->name);
        if (!nap)
            return DLFW_OK;
        nap = nap < NAP_NS ? nap : NAP_NS;
        t = (struct timespec){.tv_sec = (time_t)(nap / NS_PER_SECOND), .tv_nsec = (long)(nap % NS_PER_SECOND)};
        (void)nanosleep(&t, NULL);
    }
}

static dlfw_status do_phase(struct checkpoint_run *run, const dlfw_hook_ctx *ctx, bool is_load, dlfw_error *reterr)
{
    const int64_t count = is_load ? run->options->num_checkpoints_read : run->options->num_checkpoints_write;
    dlfw_checkpoint_event event = {.what = is_load ? DLFW_CHECKPOINT_READS_BEGIN : DLFW_CHECKPOINT_WRITES_BEGIN};
    dlfw_status st = DLFW_OK;

    if (count <= 0)
        return DLFW_OK;
    report(ctx, &event);
    for (int64_t i = 1; i <= count && st >= 0; i++) {
        struct checkpoint_moment moment;

        checkpoint_moment_of((uint64_t)i, &moment);
        st = pause_between(run, &moment, reterr);
        if (st >= 0)
            st = ctx->services->barrier(ctx->services_ctx, reterr);
        if (st >= 0)
            st = do_one(run, ctx, &moment, is_load, run->options->rank_sync != 0, reterr);
    }
    if (st < 0)
        return st;
    event.what = is_load ? DLFW_CHECKPOINT_READS_END : DLFW_CHECKPOINT_WRITES_END;
    report(ctx, &event);
    return DLFW_OK;
}

dlfw_status checkpoint_run_workload(struct checkpoint_run *run, const dlfw_hook_ctx *ctx, dlfw_error *reterr)
{
    dlfw_status st = do_phase(run, ctx, false, reterr);

    return st < 0 ? st : do_phase(run, ctx, true, reterr);
}

/* Length of folder without the slashes at its end; "/" and "scheme://" keep theirs */
static int folder_len(const char *folder)
{
    size_t n = strlen(folder);

    while (n > 1 && folder[n - 1] == '/' && !(n > 2 && folder[n - 2] == '/' && folder[n - 3] == ':'))
        n--;
    return (int)n;
}

dlfw_status checkpoint_uri(const struct checkpoint_options *options, const char *name, const char *file, char *buf,
                           uint32_t cap, dlfw_error *reterr)
{
    const char *folder = options->checkpoint_folder;
    const int n = folder_len(folder);
    const char *slash = n > 0 && folder[n - 1] != '/' ? "/" : "";
    int len = snprintf(buf, cap, "%.*s%s%s%s%s", n, folder, slash, name, file ? "/" : "", file ? file : "");

    if (len < 0 || (uint32_t)len >= cap)
        return dlfw_fail(reterr, DLFW_E_CONFIG,
                         "option 'checkpoint_folder': names in it are longer than %" PRIu32 " bytes", cap - 1);
    return DLFW_OK;
}

dlfw_status checkpoint_plan_figures(const struct model_config *model, uint32_t world, uint64_t memory,
                                    const dlfw_plan_sink *out, dlfw_error *reterr)
{
    struct model_totals t = {0};
    dlfw_status st = model_plan_totals(model, world, &t, reterr);

    if (st < 0)
        return st;
    out->figure(out->ctx, "parameters", "", t.parameters);
    out->figure(out->ctx, "model", "bytes", t.model_bytes);
    out->figure(out->ctx, "optimizer", "bytes", t.optimizer_bytes);
    out->figure(out->ctx, "memory", "bytes", memory);
    if (t.dlio_model_bytes != t.model_bytes || t.dlio_optimizer_bytes != t.optimizer_bytes) {
        out->figure(out->ctx, "dlio_model", "bytes", t.dlio_model_bytes);
        out->figure(out->ctx, "dlio_optimizer", "bytes", t.dlio_optimizer_bytes);
    }
    return DLFW_OK;
}
