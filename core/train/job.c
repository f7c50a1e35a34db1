/* SPDX-License-Identifier: Apache-2.0 */
#include "train/job.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/log.h"
#include "report/compat_json.h"
#include "report/metrics.h"
#include "report/world_gather.h"
#include "train/hook_run.h"
#include "train/profiler.h"

void job_note_storage(struct job *job, const struct storage *storage)
{
    struct run_record *rec = &job->record;

    free(rec->storage_uri);
    free(rec->storage_scheme);
    rec->storage_uri = xstrdup(storage_uri(storage));
    rec->storage_scheme = xstrdup(storage_scheme(storage));
    rec->storage_caps = storage_caps(storage);
}

void job_note_endpoints(struct job *job, const struct storage *storage)
{
    struct run_record *rec = &job->record;
    uint32_t count = storage_endpoint_count(storage);

    if (count < 2)
        return;
    if (!rec->endpoints)
        rec->endpoints = xcalloc(count, sizeof *rec->endpoints);
    rec->endpoint_count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct endpoint_record *to = &rec->endpoints[i];
        struct storage_endpoint e;

        storage_endpoint_get(storage, i, &e);
        if (!to->name)
            to->name = xstrdup(e.name);
        to->requests += e.requests;
        to->bytes_read += e.bytes_read;
        to->bytes_written += e.bytes_written;
        to->errors += e.errors;
        to->times_set_aside += e.times_set_aside;
        to->service_ns = e.service_ns;
        to->is_aside = e.is_aside;
    }
}

/* Training, or the hooks' own work, watched by the profiler of the run file. */
static dlfw_status measured_phase(struct job *job, dlfw_error *err)
{
    struct profiler profiler = {0};
    struct error_slot stopped;
    dlfw_status st = DLFW_OK, last;

    error_slot_init(&stopped);
    if (job->rank == 0)
        st = profiler_start(job->cfg, job->results.folder, &profiler, err);
    if (st >= 0)
        st = job->cfg->workflow.train ? job_train(job, err) : hooks_workload(job, err);
    last = profiler_stop(&profiler, &stopped.e);
    if (last < 0 && st >= 0) {
        error_copy(err, &stopped.e);
        st = last;
    }
    return st;
}

static dlfw_status phases(struct job *job, dlfw_error *err)
{
    const struct run_config *cfg = job->cfg;
    dlfw_status st = DLFW_OK;

    if (cfg->workflow.generate_data || job->generate_only) {
        log_generate_begin(&job->results);
        st = job_generate(job, err);
        if (st < 0)
            return st;
        log_generate_end(&job->results);
    }
    if (job->generate_only)
        return st;
    return measured_phase(job, err);
}

/* Hooks around the phases: finalize for every hook that was initialized, whatever happened in between. */
static dlfw_status phases_with_hooks(struct job *job, dlfw_error *err)
{
    struct error_slot hook_err;
    dlfw_hook_ctx ctx = {0};
    dlfw_status st, hook;

    error_slot_init(&hook_err);
    if (job->generate_only)
        return phases(job, err);
    st = hooks_create(job, false, err);
    if (st >= 0)
        st = hooks_initialize(job, err);
    if (st >= 0) {
        bool stop = st == DLFW_STOP;

        st = ranks_any(&job->ranks, &stop, err);
        if (st >= 0 && !stop)
            st = phases(job, err);
    }
    if (st == DLFW_STOP)
        st = DLFW_OK;
    ctx.last_status = st;
    ctx.epoch = job->record.epoch_count;
    hook = hooks_finalize(job, &ctx, &hook_err.e);
    if (hook < 0 && st < 0)
        log_error("%s", hook_err.text);
    if (hook < 0 && st >= 0) {
        error_copy(err, &hook_err.e);
        st = hook;
    }
    hooks_destroy(job);
    return st;
}

static void finish_record(struct job *job, dlfw_status st, const dlfw_error *err)
{
    struct run_record *rec = &job->record;
    uint64_t first = rec->train_stats.first_request_ns;
    struct rusage usage;

    rec->end_ns = clock_now_ns();
    clock_timestamp(rec->end_text, sizeof rec->end_text);
    rec->status = st;
    if (st < 0)
        error_copy(&rec->failure.e, err);
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        rec->peak_memory = (uint64_t)usage.ru_maxrss * 1024;
    rec->memory_budget = rec->train_stats.memory_budget;
    rec->first_request_ns = first > job->program_start_ns ? first - job->program_start_ns : 0;
}

static bool au_met(const struct run_record *rec)
{
    struct run_metrics metrics;
    bool met;

    if (!rec->epoch_count || !rec->cfg->workflow.train)
        return true;
    run_metrics_init(rec, &metrics);
    met = metrics.train.meets;
    run_metrics_free(&metrics);
    return met;
}

/* All ranks write into the folder of rank 0, whose clock and environment may have gone into its name. */
static dlfw_status agree_folder(struct job *job, dlfw_error *err)
{
    char path[PATH_MAX] = "";
    char *own = results_choose_folder(job->cfg);
    dlfw_status st = DLFW_OK;

    if (snprintf(path, sizeof path, "%s", own) >= (int)sizeof path)
        st = dlfw_fail(err, DLFW_E_CONFIG, "the results folder '%.60s...' has too long a name", own);
    free(own);
    if (st >= 0)
        st = ranks_broadcast(&job->ranks, 0, path, sizeof path, err);
    if (st >= 0)
        job->cfg->output.folder = arena_strndup(&job->cfg->tree.arena, path, strlen(path));
    return st;
}

/* Who are we, and where do the results go? After this every rank has its part of the results folder. */
static dlfw_status begin(struct job *job, const struct job_args *args, dlfw_error *err)
{
    struct run_record *rec = &job->record;
    dlfw_status st = ranks_join(&args->ranks, job->registry, &job->ranks, err);

    if (st < 0)
        return st;
    job->rank = rec->rank = job->ranks.identity.rank;
    job->rank_count = job->ranks.identity.world_size;
    st = world_meet(&job->ranks, &rec->world, err);
    if (st >= 0)
        st = agree_folder(job, err);
    if (st < 0)
        return st;
    rec->sample_bytes_nominal = (uint64_t)job->cfg->dataset.record_length_bytes;
    clock_timestamp(rec->start_text, sizeof rec->start_text);
    rec->start_ns = clock_now_ns();
    st = results_open(job->cfg, job->rank, args->quiet, &job->results, err);
    return st < 0 ? st : ranks_barrier(&job->ranks, err);
}

/* The results of every rank are written before any rank leaves. */
static dlfw_status report(struct job *job, dlfw_error *err)
{
    dlfw_status st = results_write(&job->results, &job->record, err);

    if (st < 0)
        return st;
    log_summary(&job->results, &job->record);
    if (job->rank == 0)
        results_print_human(&job->record, stdout);
    return DLFW_OK;
}

/* What went wrong, on all ranks; what they measured, while nothing has. */
static dlfw_status end(struct job *job, dlfw_status st, dlfw_error *err)
{
    struct error_slot report_err;
    dlfw_status reported;

    error_slot_init(&report_err);
    st = ranks_reason(&job->ranks, st, err);
    finish_record(job, st, err);
    if (st >= 0) {
        st = world_gather(&job->ranks, &job->record, err);
        st = ranks_reason(&job->ranks, st, err);
    }
    if (st < 0) {
        ranks_abort(&job->ranks, st == DLFW_E_CANCELLED ? "stopped by the user" : err->message);
        job->record.status = st;
        error_copy(&job->record.failure.e, err);
        world_alone(&job->record);
    }
    reported = report(job, &report_err.e);
    if (reported < 0 && st >= 0) {
        error_copy(err, &report_err.e);
        ranks_abort(&job->ranks, err->message);
        return reported;
    }
    if (reported < 0)
        log_error("%s", report_err.text);
    return st < 0 ? st : ranks_barrier(&job->ranks, err);
}

dlfw_status job_run(const struct job_args *args, bool *ret_au_met, dlfw_error *err)
{
    struct job *job = xcalloc(1, sizeof *job);
    dlfw_status st;

    *ret_au_met = true;
    job->cfg = args->cfg;
    job->registry = args->registry;
    job->problems = args->problems;
    job->program_start_ns = args->program_start_ns;
    job->generate_only = args->generate_only || (args->cfg->workflow.generate_data && !args->cfg->workflow.train &&
                                                 !args->cfg->workflow.checkpoint);
    job->force = args->force;
    job->record.cfg = args->cfg;
    error_slot_init(&job->record.failure);
    st = begin(job, args, err);
    if (st < 0) {
        ranks_abort(&job->ranks, err->message);
        goto out;
    }
    log_run_begin(&job->results, args->cfg, job->rank_count);
    log_compat(&job->results, args->cfg);
    st = phases_with_hooks(job, err);
    st = end(job, st, err);
    *ret_au_met = au_met(&job->record);
out:
    results_close(&job->results);
    ranks_leave(&job->ranks);
    run_record_free(&job->record);
    free(job);
    return st;
}
