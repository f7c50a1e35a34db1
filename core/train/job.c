/* SPDX-License-Identifier: Apache-2.0 */
#include "train/job.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/log.h"
#include "ranks/coordinator.h"
#include "train/hook_run.h"

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

static dlfw_status join_ranks(struct job *job, dlfw_error *err)
{
    dlfw_create_args args = {.struct_size = sizeof args, .host = host_table(), .instance = "single", .numa_node = -1};
    dlfw_status st;

    job->ranks_ops = &coordinator_single;
    st = job->ranks_ops->join(&args, &job->ranks, err);
    if (st < 0)
        return st;
    job->rank = job->ranks_ops->rank(job->ranks);
    job->rank_count = job->ranks_ops->world_size(job->ranks);
    return DLFW_OK;
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
    return cfg->workflow.train ? job_train(job, err) : hooks_workload(job, err);
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
    if (st == DLFW_OK)
        st = phases(job, err);
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
    const struct run_config *cfg = rec->cfg;
    double sum = 0;

    if (!rec->epoch_count || !cfg->workflow.train)
        return true;
    for (uint32_t i = 0; i < rec->epoch_count; i++)
        sum += epoch_metrics_train(&rec->epochs[i], cfg->reader.batch_size, cfg).au_percent;
    return sum / rec->epoch_count >= 100.0 * cfg->metric.au;
}

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

dlfw_status job_run(const struct job_args *args, bool *ret_au_met, dlfw_error *err)
{
    struct job *job = xcalloc(1, sizeof *job);
    struct error_slot report_err;
    dlfw_status st, reported;

    *ret_au_met = true;
    job->cfg = args->cfg;
    job->registry = args->registry;
    job->problems = args->problems;
    job->program_start_ns = args->program_start_ns;
    job->generate_only = args->generate_only || (args->cfg->workflow.generate_data && !args->cfg->workflow.train &&
                                                 !args->cfg->workflow.checkpoint);
    job->force = args->force;
    job->record.cfg = args->cfg;
    job->record.hosts = 1;
    error_slot_init(&job->record.failure);
    error_slot_init(&report_err);
    st = join_ranks(job, err);
    if (st < 0)
        goto out;
    job->record.rank = job->rank;
    job->record.ranks = job->rank_count;
    job->record.sample_bytes_nominal = (uint64_t)args->cfg->dataset.record_length_bytes;
    clock_timestamp(job->record.start_text, sizeof job->record.start_text);
    job->record.start_ns = clock_now_ns();
    st = results_open(args->cfg, job->rank, args->quiet, &job->results, err);
    if (st < 0)
        goto out;
    log_run_begin(&job->results, args->cfg, job->rank_count);
    st = phases_with_hooks(job, err);
    finish_record(job, st, err);
    reported = report(job, &report_err.e);
    if (reported < 0 && st >= 0) {
        error_copy(err, &report_err.e);
        st = reported;
    } else if (reported < 0) {
        log_error("%s", report_err.text);
    }
    *ret_au_met = au_met(&job->record);
    results_close(&job->results);
out:
    if (job->ranks)
        job->ranks_ops->leave(job->ranks);
    run_record_free(&job->record);
    free(job);
    return st;
}
