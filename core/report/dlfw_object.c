/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The object `dlfw` of summary.json: what DLIO's keys leave out. Units are in the key names. Invariant: nothing here is
 * derived from nominal sizes; bytes are bytes that moved.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "report/advice.h"
#include "report/compat_json.h"
#include "report/coverage.h"
#include "report/json_put.h"
#include "report/result_parts.h"

#define GIB 1073741824.0

static double seconds_of(uint64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

static void put_status(json_t *o, const struct run_record *rec)
{
    json_t *failure;

    if (rec->status >= 0) {
        put_text(o, "status", "ok");
        return;
    }
    put_text(o, "status", rec->status == DLFW_E_CANCELLED ? "interrupted" : "failed");
    failure = json_object();
    put_text(failure, "status", dlfw_status_name(rec->status));
    put_text(failure, "text", *rec->failure.text ? rec->failure.text : dlfw_status_text(rec->status));
    put_value(o, "failure", failure);
}

static void put_strict_au(json_t *o, const struct run_record *rec)
{
    json_t *lost = json_object();
    struct strict_au strict;

    world_strict_au(rec, &strict);
    put_real(o, "strict_percent", strict.percent);
    put_real(lost, "storage_percent", strict.storage_percent);
    put_real(lost, "barrier_percent", strict.barrier_percent);
    put_real(lost, "overshoot_percent", strict.overshoot_percent);
    put_real(lost, "client_percent", strict.client_percent);
    put_value(o, "lost", lost);
}

static json_t *au_json(const struct run_record *rec, const struct time_shares *s)
{
    double window = (double)s->window_ns;
    json_t *o = json_object();

    put_real(o, "threshold_percent", 100.0 * rec->cfg->metric.au);
    put_text(o, "limited_by", limit_name(limit_of(rec, s)));
    put_u64(o, "window_steps", s->window_steps);
    put_real(o, "window_seconds", seconds_of(s->window_ns));
    if (s->window_ns) {
        put_real(o, "compute_percent", 100.0 * (double)s->compute_ns / window);
        put_real(o, "batch_wait_percent", 100.0 * (double)s->load_ns / window);
        put_real(o, "barrier_percent", 100.0 * (double)s->barrier_ns / window);
        put_real(o, "hooks_percent", 100.0 * (double)s->hook_ns / window);
        put_real(o, "other_percent", 100.0 * (double)s->other_ns / window);
        put_real(o, "compute_overshoot_percent", 100.0 * (double)s->overshoot_ns / window);
        put_strict_au(o, rec);
    }
    return o;
}

static json_t *coverage_json(struct coverage c)
{
    char hash[24];
    json_t *o = json_object();

    snprintf(hash, sizeof hash, "%016lx", c.hash);
    put_u64(o, "samples", c.samples);
    put_u64(o, "expected", c.expected);
    put_text(o, "hash", hash);
    put_flag(o, "hash_checked", c.is_proven);
    put_flag(o, "ok", c.ok);
    return o;
}

static json_t *coverage_list(const struct run_record *rec)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < rec->epoch_count; i++) {
        const struct epoch_record *e = &rec->epochs[i];
        json_t *o = json_object();

        put_u64(o, "epoch", e->epoch);
        if (e->block_count)
            put_value(o, "train", coverage_json(coverage_train(rec, e)));
        if (e->has_eval)
            put_value(o, "eval", coverage_json(coverage_eval(rec, e)));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *epoch_list(const struct run_record *rec)
{
    const struct run_config *cfg = rec->cfg;
    json_t *list = json_array();

    for (uint32_t i = 0; i < rec->epoch_count; i++) {
        const struct epoch_record *e = &rec->epochs[i];
        json_t *o = json_object();
        struct epoch_sum sum;

        world_epoch(rec, i, &sum);
        put_u64(o, "epoch", e->epoch);
        put_flag(o, "in_means", sum.counts);
        if (e->end_ns > e->start_ns)
            put_real(o, "seconds", seconds_of(e->end_ns - e->start_ns));
        put_u64(o, "steps", epoch_steps(e));
        put_u64(o, "expected_steps", e->expected_steps);
        put_u64(o, "blocks", e->block_count);
        if (epoch_metrics_train(e, cfg->reader.batch_size, cfg).window_steps) {
            struct strict_au strict;

            world_epoch_strict_au(rec, i, &strict);
            put_real(o, "au_percent", sum.au_percent);
            put_real(o, "strict_au_percent", strict.percent);
            put_real(o, "samples_per_second", sum.samples_per_second);
        }
        put_u64(o, "files_opened", sum.files);
        put_u64(o, "bytes_asked", sum.bytes_asked);
        put_u64(o, "bytes_sample", sum.bytes_sample);
        put_u64(o, "bytes_verified", sum.bytes_verified);
        if (e->resident_files) {
            put_real(o, "resident_percent", e->resident_percent);
            put_u64(o, "resident_files_looked_at", e->resident_files);
        }
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *order_json(const struct run_config *cfg)
{
    static const char *const names[] = {[SHUFFLE_OFF] = "off", [SHUFFLE_SEED] = "seed", [SHUFFLE_RANDOM] = "random"};
    json_t *o = json_object();

    put_text(o, "file_shuffle", names[cfg->reader.file_shuffle]);
    put_text(o, "sample_shuffle", names[cfg->reader.sample_shuffle]);
    put_flag(o, "sequential_order", cfg->compat.sequential_order != 0);
    return o;
}

static json_t *generation_json(const struct generate_record *g)
{
    double seconds = seconds_of(g->elapsed_ns);
    json_t *o = json_object();

    put_flag(o, "done", g->done);
    put_u64(o, "files", g->files);
    put_u64(o, "skipped", g->files_skipped);
    put_u64(o, "bytes", g->bytes);
    put_real(o, "seconds", seconds);
    if (g->elapsed_ns) {
        put_real(o, "GiB_per_s", (double)g->bytes / GIB / seconds);
        put_real(o, "files_per_s", (double)g->files / seconds);
    }
    return o;
}

static json_t *hooks_json(const struct run_record *rec)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < rec->hook_count; i++) {
        const struct hook_record *h = &rec->hooks[i];
        json_t *o = json_object();

        put_text(o, "name", h->name);
        put_u64(o, "calls", h->calls);
        put_u64(o, "total_ns", h->total_ns);
        if (h->calls)
            put_real(o, "mean_ns", (double)h->total_ns / (double)h->calls);
        put_u64(o, "max_ns", h->max_ns);
        json_array_append_new(list, o);
    }
    return list;
}

/* What plugins and hooks said about themselves. */
static json_t *figures_json(const struct run_record *rec)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < rec->figure_count; i++) {
        const struct named_figure *f = &rec->figures[i];
        json_t *o = json_object();

        put_text(o, "owner", f->owner);
        put_text(o, "name", f->name);
        put_text(o, "unit", f->unit);
        put_text(o, "kind", f->kind == DLFW_STAT_COUNTER ? "counter" : "gauge");
        put_u64(o, "value", f->value);
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *advice_json(const struct run_record *rec, const struct host_facts *host, const struct run_metrics *m)
{
    struct advice advice;
    json_t *list = json_array();

    advice_collect(rec, host, m, &advice);
    for (uint32_t i = 0; i < advice.count; i++)
        json_array_append_new(list, put_new_text(advice.lines[i]));
    advice_free(&advice);
    return list;
}

json_t *dlfw_object_json(const struct run_record *rec, const struct host_facts *host, const struct run_metrics *m)
{
    struct time_shares shares = train_time_shares(rec);
    json_t *o = json_object();

    put_text(o, "version", DLFW_VERSION);
    put_status(o, rec);
    if (rec->end_ns > rec->start_ns)
        put_real(o, "seconds", seconds_of(rec->end_ns - rec->start_ns));
    if (rec->first_request_ns)
        put_real(o, "startup_ms", (double)rec->first_request_ns / 1e6);
    put_text(o, "formula", rec->cfg->output.formula ? rec->cfg->output.formula : "window");
    put_value(o, "compat", compat_json(rec));
    put_value(o, "storage", storage_json(rec));
    if (run_generated(rec))
        put_value(o, "generation", generation_json(&rec->generate));
    if (rec->cfg->workflow.train && rec->epoch_count)
        put_value(o, "au", au_json(rec, &shares));
    if (rec->checkpoint_hook || m->save.count || m->load.count)
        put_value(o, "checkpoints", checkpoints_json(rec, m));
    if (rec->cfg->workflow.train && rec->epoch_count) {
        put_value(o, "order", order_json(rec->cfg));
        put_value(o, "epochs", epoch_list(rec));
        put_value(o, "coverage", coverage_list(rec));
    }
    put_value(o, "ranks", ranks_json(rec));
    put_value(o, "io", io_json(rec));
    put_value(o, "latency_ns", latency_json(rec));
    put_value(o, "memory", memory_json(rec));
    put_value(o, "hooks", hooks_json(rec));
    put_value(o, "figures", figures_json(rec));
    put_value(o, "advice", advice_json(rec, host, m));
    return o;
}
