/* SPDX-License-Identifier: Apache-2.0 */
/* The last words of `dlfw run`: one screen that answers how fast, how busy, how sure, and what to change. */
#include "report/advice.h"
#include "report/coverage.h"
#include "report/results.h"
#include "report/units.h"

#define LABEL "  %-14s "

static void print_head(const struct run_record *rec, FILE *out)
{
    const struct loader_stats *l = rec->train_stats.queue_mode ? &rec->train_stats : &rec->eval_stats;

    fputs(rec->cfg->model.name ? rec->cfg->model.name : "default", out);
    if (rec->storage_uri)
        fprintf(out, " on %s", rec->storage_uri);
    if (rec->storage_scheme)
        fprintf(out, ", %s", rec->storage_scheme);
    if (l->queue_mode)
        fprintf(out, " with a %s queue of %u", l->queue_mode, l->queue_depth);
    fprintf(out, ", %u rank%s\n", rec->world.ranks, rec->world.ranks == 1 ? "" : "s");
    if (rec->status < 0)
        fprintf(out, LABEL "%s: %s\n", "ended early", rec->status == DLFW_E_CANCELLED ? "interrupted" : "failed",
                *rec->failure.text ? rec->failure.text : dlfw_status_text(rec->status));
}

static void print_generation(const struct run_record *rec, FILE *out)
{
    const struct generate_record *g = &rec->generate;
    double seconds = (double)g->elapsed_ns / 1e9;

    if (!run_generated(rec))
        return;
    fprintf(out, LABEL "%lu files, %s", "generated", g->files, unit_bytes((double)g->bytes).text);
    if (g->elapsed_ns)
        fprintf(out, " in %s: %s/s, %s files/s", unit_duration((double)g->elapsed_ns).text,
                unit_bytes((double)g->bytes / seconds).text, unit_count((double)g->files / seconds).text);
    if (g->files_skipped)
        fprintf(out, "; %lu were complete already", g->files_skipped);
    fprintf(out, "%s\n", g->done ? "" : "; not finished");
}

static void print_phase(const char *au_label, const char *rate_label, const struct phase_metrics *p, double threshold,
                        FILE *out)
{
    fprintf(out, LABEL "%.2f %% +/- %.2f, %s the %.2f %% asked for\n", au_label, p->au_spread.mean, p->au_spread.stdev,
            p->meets ? "meets" : "below", 100.0 * threshold);
    fprintf(out, LABEL "%.2f +/- %.2f\n", rate_label, p->throughput_spread.mean, p->throughput_spread.stdev);
}

/* An interrupted first epoch still says something, as long as nobody takes it for a result. */
static void print_partial(const struct run_record *rec, FILE *out)
{
    const struct epoch_record *e = &rec->epochs[rec->epoch_count - 1];
    struct block_metrics m = epoch_metrics_train(e, rec->cfg->reader.batch_size, rec->cfg);

    if (m.window_steps)
        fprintf(out, LABEL "%.2f %%, %.2f samples/s over %lu of %lu steps of an epoch that did not finish\n",
                "AU so far", m.au_percent, m.samples_per_second, epoch_steps(e), e->expected_steps);
}

static void print_reading(const struct run_record *rec, FILE *out)
{
    const struct io_stats *io = &rec->train_stats.io;
    bool real = !(rec->storage_caps & DLFW_BACKEND_NO_DATA);

    fprintf(out, LABEL "%s/s, %s in all%s\n", "read", unit_bytes(train_bytes_per_second(rec)).text,
            unit_bytes((double)io->bytes_read).text, real ? "" : ", counted only: this backend moves no data");
    if (rec->batch_wait_ns.count)
        fprintf(out, LABEL "p50 %s, p99 %s, longest %s\n", "batch wait",
                unit_duration((double)histogram_percentile(&rec->batch_wait_ns, 50)).text,
                unit_duration((double)histogram_percentile(&rec->batch_wait_ns, 99)).text,
                unit_duration((double)rec->batch_wait_ns.max).text);
}

static void print_coverage(const struct run_record *rec, FILE *out)
{
    bool proven = true;

    for (uint32_t i = 0; i < rec->epoch_count; i++) {
        const struct epoch_record *e = &rec->epochs[i];

        proven = proven && (!e->block_count || coverage_train(rec, e).is_proven);
        proven = proven && (!e->has_eval || coverage_eval(rec, e).is_proven);
    }
    fprintf(out, LABEL "%s\n", "coverage",
            !coverage_is_complete(rec) ? "INCOMPLETE, see dlfw.coverage in summary.json"
            : proven                   ? "every sample exactly once per epoch"
                                       : "as many samples as expected in every epoch");
}

static void print_limit(const struct run_record *rec, FILE *out)
{
    struct time_shares s = train_time_shares(rec);
    double window = (double)s.window_ns / 100.0;

    if (!s.window_ns)
        return;
    fprintf(out, LABEL "%s (compute %.2f %%, batch wait %.2f %%, barrier %.2f %%, hooks %.2f %%, other %.2f %%)\n",
            "limited by", limit_name(limit_of(rec, &s)), (double)s.compute_ns / window, (double)s.load_ns / window,
            (double)s.barrier_ns / window, (double)s.hook_ns / window, (double)s.other_ns / window);
}

static void print_training(const struct run_record *rec, const struct run_metrics *m, FILE *out)
{
    if (rec->cfg->workflow.train && m->train.epochs)
        print_phase("AU", "samples/s", &m->train, rec->cfg->metric.au, out);
    else if (rec->cfg->workflow.train)
        print_partial(rec, out);
    if (m->eval.epochs)
        print_phase("eval AU", "eval samples/s", &m->eval, rec->cfg->metric.au, out);
    if (rec->cfg->workflow.train)
        print_reading(rec, out);
    print_coverage(rec, out);
    print_limit(rec, out);
}

static void print_checkpoints(const char *label, const struct checkpoint_metrics *c, bool trains, FILE *out)
{
    if (!c->count)
        return;
    fprintf(out, LABEL "%u of %s, mean %s, longest %s, %s/s", label, c->count,
            unit_bytes((double)c->bytes / (double)c->count).text, unit_duration(c->seconds.mean * 1e9).text,
            unit_duration(c->seconds_max * 1e9).text, unit_bytes(c->gib_per_second.mean * 1073741824.0).text);
    if (trains)
        fprintf(out, "; training waited %s", unit_duration((double)c->stall_ns).text);
    fputc('\n', out);
}

void results_print_human(const struct run_record *rec, FILE *out)
{
    struct host_facts host = {0};
    struct run_metrics metrics = {0};
    struct advice advice = {0};

    host_facts_read(&host);
    run_metrics_init(rec, &metrics);
    advice_collect(rec, &host, &metrics, &advice);
    print_head(rec, out);
    print_generation(rec, out);
    if (rec->epoch_count && rec->cfg->workflow.train)
        print_training(rec, &metrics, out);
    if (rec->checkpoint_uri)
        fprintf(out, LABEL "%s, by %s\n", "checkpoints", rec->checkpoint_uri, rec->checkpoint_hook);
    print_checkpoints("saves", &metrics.save, rec->cfg->workflow.train != 0, out);
    print_checkpoints("loads", &metrics.load, rec->cfg->workflow.train != 0, out);
    fprintf(out, LABEL "%s", "peak memory", unit_bytes((double)rec->peak_memory).text);
    if (rec->memory_budget)
        fprintf(out, " (sample budget %s)", unit_bytes((double)rec->memory_budget).text);
    fputc('\n', out);
    for (uint32_t i = 0; i < advice.count; i++)
        fprintf(out, "  note: %s\n", advice.lines[i]);
    advice_free(&advice);
    run_metrics_free(&metrics);
    host_facts_free(&host);
}
