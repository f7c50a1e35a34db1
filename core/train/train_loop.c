/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Epochs, blocks and steps: wait for a batch, compute, barrier, hooks; evaluation after epochs. Everything is measured
 * with one clock; nothing is allocated inside the loop of steps.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "train/compute.h"
#include "train/hook_run.h"
#include "train/residency.h"
#include "train/train_loop.h"

/* Returns when it was over. */
static uint64_t barrier(struct job *job, dlfw_status *st, dlfw_error *err)
{
    *st = ranks_barrier(&job->ranks, err);
    return clock_now_ns();
}

static struct block_record *block_begin(struct epoch_record *e, uint64_t step_cap)
{
    struct block_record *b;

    e->blocks = xrealloc(e->blocks, (e->block_count + 1) * sizeof *e->blocks);
    b = &e->blocks[e->block_count++];
    *b = (struct block_record){.step_cap = step_cap};
    b->steps = xcalloc(step_cap, sizeof *b->steps);
    clock_timestamp(b->start_text, sizeof b->start_text);
    b->start_ns = clock_now_ns();
    return b;
}

static void block_end(struct block_record *b)
{
    b->end_ns = clock_now_ns();
    clock_timestamp(b->end_text, sizeof b->end_text);
}

static void begin_progress(struct train_run *run, const char *what, uint64_t steps, uint64_t batch)
{
    progress_begin(&run->progress, what, steps);
    run->progress.samples_each = batch * run->job->rank_count;
    rank_progress_begin(&run->rank_progress);
    run->shown = (struct rank_progress_part){0};
    run->phase_step = 0;
}

static void show_progress(struct train_run *run, const struct step_record *step, uint64_t bytes)
{
    struct progress *p = &run->progress;
    struct rank_progress_part *own = &run->shown;

    own->bytes += bytes;
    own->compute_ns += step->compute_ns;
    own->wall_ns += step->load_ns + step->compute_ns + step->barrier_ns;
    own->errors = atomic_load_explicit(&io_trouble, memory_order_relaxed);
    atomic_fetch_add_explicit(&p->done, 1, memory_order_relaxed);
    if (run->job->rank_count == 1 && progress_is_due(p)) { /* else the ranks' common figures stand there */
        atomic_store_explicit(&p->wait_p99_ns, histogram_percentile(&run->job->record.batch_wait_ns, 99),
                              memory_order_relaxed);
        atomic_store_explicit(&p->bytes, own->bytes, memory_order_relaxed);
        if (own->wall_ns)
            atomic_store_explicit(&p->au_permille, own->compute_ns * 1000 / own->wall_ns, memory_order_relaxed);
        atomic_store_explicit(&p->trouble, own->errors, memory_order_relaxed);
    }
    progress_draw(p);
}

/* The percentile costs a walk over the histogram, so it is only taken when it will be shown. */
static dlfw_status meet_ranks(struct train_run *run, dlfw_error *err)
{
    run->phase_step++;
    if (!run->rank_progress.enabled || run->phase_step < run->rank_progress.next_step)
        return DLFW_OK;
    run->shown.batch_wait_p99_ns = histogram_percentile(&run->job->record.batch_wait_ns, 99);
    return rank_progress_meet(&run->rank_progress, run->phase_step, &run->shown, &run->progress, err);
}

/* Enters the finished step into the records. Called inside the next step's compute, where it costs no AU: histograms
 * and fresh pages of the step list are cold after a compute. */
static void enter_last_step(struct train_run *run)
{
    struct run_record *rec = &run->job->record;
    struct step_done *d = &run->last;

    if (!d->record)
        return;
    *d->record = d->times;
    d->record = NULL;
    histogram_record(&rec->batch_wait_ns, d->times.load_ns);
    histogram_record(&rec->barrier_ns, d->times.barrier_ns);
    if (d->times.asked_ns && d->times.compute_ns >= d->times.asked_ns)
        histogram_record(&rec->compute_error_ns, d->times.compute_ns - d->times.asked_ns);
    show_progress(run, &d->times, d->bytes);
}

/* One step: batch, compute, barrier. The wait for the batch counts from run->mark_ns: the begin of the block, or the
 * end of the step and hooks before, so that no time of the loop is left out. The batch's memory is free when its
 * compute begins, as after a copy to the accelerator. */
static dlfw_status do_step(struct train_run *run, struct loader *loader, const struct time_distribution *compute,
                           struct step_record *record, struct batch *batch, dlfw_error *err)
{
    struct job *job = run->job;
    uint64_t t0 = run->mark_ns, t1, t2, t3, asked;
    dlfw_status st;

    st = loader_next(loader, batch, err);
    if (st != DLFW_OK)
        return st;
    t1 = clock_now_ns();
    loader_release(loader, batch);
    enter_last_step(run);
    asked = time_distribution_draw(compute, &run->random);
    t2 = asked ? compute_until(t1 + asked) : t1;
    t3 = barrier(job, &st, err);
    if (st == DLFW_OK && run->rank_progress.enabled) {
        st = meet_ranks(run, err);
        t3 = clock_now_ns();
    }
    run->mark_ns = t3;
    run->last = (struct step_done){
        .record = record,
        .times = {.load_ns = t1 - t0, .compute_ns = t2 - t1, .barrier_ns = t3 - t2, .asked_ns = asked},
        .bytes = batch->bytes};
    return st;
}

static void fill_ctx(const struct train_run *run, const struct epoch_record *e, uint64_t step,
                     const struct step_record *last, dlfw_hook_ctx *ctx)
{
    *ctx = (dlfw_hook_ctx){.epoch = e->epoch,
                           .step = step,
                           .global_step = run->global_step,
                           .samples = run->samples,
                           .bytes = run->bytes,
                           .load_ns = last ? last->load_ns : 0,
                           .compute_ns = last ? last->compute_ns : 0};
}

/* A hook that stops the training on one rank stops it on all of them, at the same step. */
static dlfw_status agree_stop(struct job *job, dlfw_status st, dlfw_error *err)
{
    bool stop = st == DLFW_STOP;

    if (st < 0)
        return st;
    st = ranks_any(&job->ranks, &stop, err);
    return st < 0 ? st : stop ? DLFW_STOP : DLFW_OK;
}

/* Hooks after a step. A hook that saves something ends the block first, and the next steps open a new one. */
static dlfw_status step_hooks(struct train_run *run, struct epoch_record *e, struct block_record **block, uint64_t step,
                              const struct step_record *last, dlfw_error *err)
{
    struct job *job = run->job;
    uint64_t start = clock_now_ns();
    dlfw_hook_ctx ctx;
    dlfw_status st;

    enter_last_step(run);
    fill_ctx(run, e, step, last, &ctx);
    if (!hooks_end_block(job, &ctx, DLFW_PHASE_STEP)) {
        st = agree_stop(job, hooks_after_step(job, &ctx, err), err);
        (*block)->hook_ns += clock_now_ns() - start;
        return st;
    }
    block_end(*block);
    log_block_end(&job->results, job->cfg, e->epoch, e->block_count, *block, e->expected_steps, job->rank_count);
    st = agree_stop(job, hooks_after_step(job, &ctx, err), err);
    if (st == DLFW_OK && step < e->expected_steps) {
        *block = block_begin(e, e->expected_steps - step);
        log_block_begin(&job->results, e->block_count);
    }
    return st;
}

static bool block_is_open(const struct block_record *b)
{
    return b->end_ns == 0;
}

static dlfw_status run_steps(struct train_run *run, struct epoch_record *e, struct block_record *block, dlfw_error *err)
{
    struct job *job = run->job;
    struct batch batch;
    dlfw_status st = DLFW_OK;

    run->mark_ns = block->start_ns;
    for (uint64_t step = 1; step <= e->expected_steps && st == DLFW_OK; step++) {
        struct step_record *record = &block->steps[block->step_count];

        st = do_step(run, run->train_loader, &job->cfg->train.computation_time, record, &batch, err);
        if (st != DLFW_OK)
            break;
        block->step_count++;
        run->global_step++;
        run->samples += batch.samples;
        run->bytes += batch.bytes;
        if (hooks_any(job)) {
            st = step_hooks(run, e, &block, step, record, err);
            run->mark_ns = clock_now_ns();
        }
    }
    if (block_is_open(block)) {
        block_end(block);
        enter_last_step(run);
        log_block_end(&job->results, job->cfg, e->epoch, e->block_count, block, e->expected_steps, job->rank_count);
    }
    return st;
}

static dlfw_status evaluate(struct train_run *run, struct epoch_record *e, dlfw_error *err)
{
    struct job *job = run->job;
    struct block_record *b = &e->eval;
    struct batch batch;
    dlfw_status st = ranks_barrier(&job->ranks, err), ended;

    e->has_eval = true;
    e->eval_expected_steps = run->eval_steps;
    log_eval_begin(&job->results, run->eval_steps);
    b->step_cap = run->eval_steps;
    b->steps = xcalloc(run->eval_steps, sizeof *b->steps);
    clock_timestamp(b->start_text, sizeof b->start_text);
    b->start_ns = clock_now_ns();
    run->mark_ns = b->start_ns;
    loader_begin_epoch(run->eval_loader, e->epoch, run->eval_steps);
    begin_progress(run, "evaluating", run->eval_steps, job->cfg->reader.batch_size_eval);
    for (uint64_t step = 0; step < run->eval_steps && st == DLFW_OK; step++) {
        st = do_step(run, run->eval_loader, &job->cfg->evaluation.eval_time, &b->steps[b->step_count], &batch, err);
        if (st == DLFW_OK)
            b->step_count++;
    }
    block_end(b);
    enter_last_step(run);
    progress_end(&run->progress);
    ended = loader_end_epoch(run->eval_loader, &e->eval_load, st < 0 ? NULL : err);
    log_eval_end(&job->results, job->cfg, e, job->rank_count);
    return st < 0 || ended >= 0 ? st : ended;
}

static bool evaluates_after(const struct job *job, uint64_t epoch)
{
    uint64_t first = job->cfg->evaluation.eval_after_epoch, every = job->cfg->evaluation.epochs_between_evals;

    return job->cfg->workflow.evaluation && epoch >= first && (every <= 1 || (epoch - first) % every == 0);
}

static dlfw_status epoch_hooks(struct train_run *run, struct epoch_record *e, dlfw_error *err)
{
    dlfw_hook_ctx ctx;
    uint64_t steps = 0;

    if (!hooks_any(run->job))
        return DLFW_OK;
    for (uint32_t i = 0; i < e->block_count; i++)
        steps += e->blocks[i].step_count; /* fewer than expected after DLFW_STOP */
    fill_ctx(run, e, steps, NULL, &ctx);
    return agree_stop(run->job, hooks_after_epoch(run->job, &ctx, err), err);
}

static dlfw_status run_epoch(struct train_run *run, struct epoch_record *e, dlfw_error *err)
{
    struct job *job = run->job;
    struct block_record *block;
    char what[48];
    dlfw_status st, ended;

    if (job->rank == 0)
        residency_note(run, e); /* before the barrier: it delays all ranks alike, and is in nobody's figures */
    st = ranks_barrier(&job->ranks, err);
    if (st < 0)
        return st;
    e->expected_steps = run->steps;
    legacy_seed(&run->random, (uint32_t)(job->cfg->train.seed + (job->cfg->train.seed_change_epoch ? e->epoch : 0)));
    clock_timestamp(e->start_text, sizeof e->start_text);
    e->start_ns = clock_now_ns();
    log_epoch_begin(&job->results, e->epoch, run->steps);
    snprintf(what, sizeof what, "epoch %u/%llu", e->epoch, (unsigned long long)job->cfg->train.epochs);
    begin_progress(run, what, run->steps, job->cfg->reader.batch_size);
    block = block_begin(e, run->steps);
    log_block_begin(&job->results, 1);
    loader_begin_epoch(run->train_loader, e->epoch, run->steps);
    st = run_steps(run, e, block, err);
    progress_end(&run->progress);
    ended = loader_end_epoch(run->train_loader, &e->train_load, st < 0 ? NULL : err);
    if (st >= 0 && ended < 0)
        st = ended;
    if (st >= 0) { /* a checkpoint after the epoch's steps is part of the epoch */
        dlfw_status hook = epoch_hooks(run, e, err);

        st = hook == DLFW_OK ? st : hook;
    }
    e->end_ns = clock_now_ns();
    clock_timestamp(e->end_text, sizeof e->end_text);
    log_epoch_end(&job->results, e);
    if (st == DLFW_OK && evaluates_after(job, e->epoch)) {
        st = evaluate(run, e, err);
        clock_timestamp(e->end_text, sizeof e->end_text);
        e->end_ns = clock_now_ns();
    }
    return st;
}

dlfw_status train_run_epochs(struct train_run *run, dlfw_error *err)
{
    struct job *job = run->job;
    uint64_t epochs = job->cfg->train.epochs;
    dlfw_status st = DLFW_OK;

    compute_prepare();
    st = rank_progress_open(&run->rank_progress, &job->ranks, err);
    job->record.epochs = xcalloc(epochs, sizeof *job->record.epochs);
    for (uint64_t i = 0; i < epochs && st == DLFW_OK; i++) {
        struct epoch_record *e = &job->record.epochs[job->record.epoch_count++];

        e->epoch = (uint32_t)(i + 1);
        st = run_epoch(run, e, err);
    }
    rank_progress_close(&run->rank_progress);
    loader_stats(run->train_loader, &job->record.train_stats);
    if (run->eval_loader)
        loader_stats(run->eval_loader, &job->record.eval_stats);
    return st < 0 ? st : DLFW_OK;
}
