/* SPDX-License-Identifier: Apache-2.0 */
/* DLIO's log lines, word for word (docs/results.md): people and tools search for them. A changed word here breaks
 * somebody's script. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "dlfw/hook.h"
#include "report/result_parts.h"
#include "report/results.h"

#define GIB 1073741824.0
#define RULE "=========================================================="

static double seconds(uint64_t start_ns, uint64_t end_ns)
{
    return end_ns > start_ns ? (double)(end_ns - start_ns) / (double)NS_PER_S : 0.0;
}

void log_run_begin(struct results *r, const struct run_config *cfg, uint32_t ranks)
{
    const struct {
        bool on;
        const char *name;
    } phases[] = {{cfg->workflow.generate_data != 0, "Generating data"},
                  {cfg->workflow.train != 0, "Training"},
                  {cfg->workflow.evaluation != 0, "Evaluation"},
                  {cfg->workflow.checkpoint != 0, "Checkpointing"}};
    struct str names = STR_EMPTY;

    for (uint32_t i = 0; i < sizeof phases / sizeof *phases; i++)
        if (phases[i].on)
            str_add_format(&names, "%s%s", names.len ? " & " : "", phases[i].name);
    results_log(r, "Running DLIO [%s] with %u process(es)", names.data, ranks);
    str_free(&names);
}

void log_generate_begin(struct results *r)
{
    results_log(r, "Starting data generation");
}

void log_generate_end(struct results *r)
{
    results_log(r, "Generation done");
}

void log_max_steps(struct results *r, const struct run_config *cfg, uint64_t train_steps, uint64_t eval_steps,
                   uint32_t ranks)
{
    int64_t cap = cfg->train.total_training_steps;
    uint64_t per_file = cfg->dataset.num_samples_per_file;

    if (cfg->workflow.train) {
        results_log(r,
                    "Max steps per epoch: %lu = %lu * %lu / %lu / %u (samples per file * num files / batch size / comm "
                    "size)",
                    train_steps, per_file, cfg->dataset.num_files_train, cfg->reader.batch_size, ranks);
        if (cap > 0)
            results_log(r, "Total training steps is set to be %ld. Will only run up to %lu", cap,
                        (uint64_t)cap < train_steps ? (uint64_t)cap : train_steps);
    }
    if (cfg->workflow.evaluation)
        results_log(r,
                    "Steps per eval: %lu = %lu * %lu / %lu / %u (samples per file * num files / batch size eval / comm "
                    "size)",
                    eval_steps, per_file, cfg->dataset.num_files_eval, cfg->reader.batch_size_eval, ranks);
}

static void keep_memory(struct results *r, uint32_t epoch)
{
    r->memory = xrealloc(r->memory, (r->memory_count + 1) * sizeof *r->memory);
    r->memory[r->memory_count++] = (struct epoch_memory){.epoch = epoch, .text = host_meminfo_text()};
}

void log_epoch_begin(struct results *r, uint32_t epoch, uint64_t steps)
{
    keep_memory(r, epoch);
    r->epoch_steps = 0;
    if (r->cfg->train.total_training_steps > 0)
        results_log(r, "Starting epoch %u: Overriding number of steps to %lu.", epoch, steps);
    else
        results_log(r, "Starting epoch %u: %lu steps expected", epoch, steps);
}

void log_block_begin(struct results *r, uint32_t block)
{
    results_log(r, "Starting block %u", block);
}

/* Of every step of the block, as measured. */
static struct spread step_compute_seconds(const struct block_record *b)
{
    double *values = xcalloc(b->step_count, sizeof *values);
    struct spread s;

    for (uint64_t i = 0; i < b->step_count; i++)
        values[i] = (double)b->steps[i].compute_ns / (double)NS_PER_S;
    s = spread_of(values, b->step_count);
    free(values);
    return s;
}

/* With the level info, DLIO's two lines for every step. They come when the steps are over: writing them takes longer
 * than a short step. */
static void log_steps(struct results *r, const struct block_record *b, uint64_t before, uint64_t batch)
{
    if (log_level < DLFW_LOG_INFO)
        return;
    for (uint64_t i = 0; i < b->step_count; i++) {
        const struct step_record *s = &b->steps[i];
        double load = seconds(0, s->load_ns), whole = seconds(0, s->load_ns + s->compute_ns);

        results_log_as(r, "INFO", "Rank %u step %lu: loaded %lu samples in %.9f s", r->rank, before + i + 1, batch,
                       load);
        results_log_as(r, "INFO", "Rank %u step %lu processed %lu samples in %.9f s)", r->rank, before + i + 1, batch,
                       whole);
    }
}

void log_block_end(struct results *r, const struct run_config *cfg, uint32_t epoch, uint32_t block,
                   const struct block_record *b, uint64_t expected_steps, uint32_t ranks)
{
    struct block_metrics m = block_metrics_train(b, expected_steps, cfg->reader.batch_size, cfg);
    struct spread compute = step_compute_seconds(b);
    char set_value[160];

    time_distribution_print(&cfg->train.computation_time, set_value, sizeof set_value);
    log_steps(r, b, r->epoch_steps, cfg->reader.batch_size);
    r->epoch_steps += b->step_count;
    results_log(r, "Ending block %u - %lu steps completed in %.2f s", block, b->step_count,
                seconds(b->start_ns, b->end_ns));
    results_log(r, "Epoch %u - Block %u [Training] Accelerator Utilization [AU] (%%): %.4f", epoch, block,
                m.au_percent);
    results_log(r, "Epoch %u - Block %u [Training] Throughput (samples/second): %.4f", epoch, block,
                m.samples_per_second * ranks);
    results_log(r, "Epoch %u - Block %u [Training] Computation time per step (second): %.4f+/-%.4f (set value: %s)",
                epoch, block, compute.mean, compute.stdev, set_value);
}

void log_epoch_end(struct results *r, const struct epoch_record *e)
{
    results_log(r, "Ending epoch %u - %lu steps completed in %.2f s", e->epoch, epoch_steps(e),
                seconds(e->start_ns, e->end_ns));
}

void log_eval_begin(struct results *r, uint64_t steps)
{
    results_log(r, "Starting eval - %lu steps expected", steps);
}

void log_eval_end(struct results *r, const struct run_config *cfg, const struct epoch_record *e, uint32_t ranks)
{
    struct block_metrics m = block_metrics_eval(&e->eval, e->eval_expected_steps, cfg->reader.batch_size_eval, cfg);

    log_steps(r, &e->eval, 0, cfg->reader.batch_size_eval);
    results_log(r, "Ending eval - %lu steps completed in %.2f s", e->eval.step_count,
                seconds(e->eval.start_ns, e->eval.end_ns));
    results_log(r, "Epoch %u [Eval] Accelerator Utilization [AU] (%%): %.4f", e->epoch, m.au_percent);
    results_log(r, "Epoch %u [Eval] Throughput (samples/second): %.4f", e->epoch, m.samples_per_second * ranks);
}

void log_checkpoint_model(struct results *r, const struct checkpoint_model *m)
{
    bool subset = m->subset_ranks != 0;

    results_log(r,
                "Total number of parameters in the model: %lu; Model size: %.6f GB; Optimizer state size: %.6f GB; "
                "Total checkpoint size: %.6f GB%s",
                m->parameters, (double)m->model_bytes / GIB, (double)m->optimizer_bytes / GIB, (double)m->bytes / GIB,
                subset ? " (subset)" : "");
    if (subset)
        results_log(r, "Performing subset checkpointing: %u of %u", m->subset_ranks, m->subset_of);
}

void log_checkpoint_begin(struct results *r, uint32_t epoch, const struct checkpoint_record *c)
{
    results_log(r, "Starting %s checkpoint %u after total step %lu for epoch %u", c->is_load ? "loading" : "saving",
                c->number, c->step, epoch);
}

void log_checkpoint_end(struct results *r, uint32_t epoch, const struct checkpoint_record *c)
{
    const char *past = c->is_load ? "Loaded" : "Saved";
    double took = (double)c->duration_ns / (double)NS_PER_S;

    if (c->model_ns)
        results_log(r, "%s model checkpoint in %.4f seconds", past, (double)c->model_ns / (double)NS_PER_S);
    if (c->optimizer_ns)
        results_log(r, "%s optimizer checkpoint in %.4f seconds", past, (double)c->optimizer_ns / (double)NS_PER_S);
    results_log(r, "Finished %s checkpoint %u for epoch %u in %.4f s; Throughput: %.4f GB/s",
                c->is_load ? "loading" : "saving", c->number, epoch, took, (double)c->bytes / GIB / took);
}

void log_checkpoint_phase(struct results *r, uint32_t what)
{
    bool reads = what == DLFW_CHECKPOINT_READS_BEGIN || what == DLFW_CHECKPOINT_READS_END;
    bool begins = what == DLFW_CHECKPOINT_WRITES_BEGIN || what == DLFW_CHECKPOINT_READS_BEGIN;

    results_log(r, "Checkpointing %s %s", reads ? "read" : "write", begins ? "started" : "finished");
}

static void add_metric(struct str *s, const char *name, int digits, struct spread value)
{
    str_add_format(s, "[METRIC] %s: %.*f (%.*f)\n", name, digits, value.mean, digits, value.stdev);
}

static const char *verdict(const struct phase_metrics *p)
{
    return p->meets ? "success" : "fail";
}

static void add_checkpoints(struct str *s, const char *what, const struct checkpoint_metrics *c)
{
    if (!c->count)
        return;
    str_add_format(s, "[METRIC] Checkpoint %s duration (seconds): %.4f (%.4f)\n", what, c->seconds.mean,
                   c->seconds.stdev);
    str_add_format(s, "[METRIC] Checkpoint %s I/O Throughput (GB/second): %.4f (%.4f)\n", what, c->gib_per_second.mean,
                   c->gib_per_second.stdev);
}

static void add_metrics(struct str *s, const struct run_record *rec, const struct run_metrics *m)
{
    str_add_format(s, "Averaged metric over all steps/epochs\n[METRIC] %s\n", RULE);
    str_add_format(s, "[METRIC] Number of Simulated Accelerators: %u\n", rec->world.ranks);
    if (rec->cfg->workflow.train && m->train.epochs) {
        add_metric(s, "Training Accelerator Utilization [AU] (%)", 4, m->train.au_spread);
        add_metric(s, "Training Throughput (samples/second)", 4, m->train.throughput_spread);
        add_metric(s, "Training I/O Throughput (MB/second)", 4, m->train.mib_per_second);
        str_add_format(s, "[METRIC] train_au_meet_expectation: %s\n", verdict(&m->train));
    }
    add_checkpoints(s, "save", &m->save);
    add_checkpoints(s, "load", &m->load);
    if (rec->cfg->workflow.evaluation && m->eval.epochs) {
        add_metric(s, "Eval Accelerator Utilization [AU] (%)", 4, m->eval.au_spread);
        add_metric(s, "Eval Throughput (samples/second)", 6, m->eval.throughput_spread);
        add_metric(s, "Eval Throughput (MB/second)", 6, m->eval.mib_per_second);
        str_add_format(s, "[METRIC] eval_au_meet_expectation: %s\n", verdict(&m->eval));
    }
    str_add_format(s, "[METRIC] %s", RULE);
}

static void log_data_size(struct results *r, const struct run_record *rec, const struct host_facts *host)
{
    if (log_level >= DLFW_LOG_INFO && rec->cfg->workflow.train)
        results_log_as(r, "INFO", "Total amount of data each host will consume is %g GB; each host has [%g] GB memory",
                       data_gib_per_host(rec), host->memory_gib);
    if (may_be_cached(rec, host))
        results_log_as(r, "WARNING",
                       "The amount of dataset is smaller than the host memory; data might be cached after the first "
                       "epoch. Increase the size of dataset to eliminate the caching effect!!!");
}

void log_summary(struct results *r, const struct run_record *rec)
{
    struct host_facts host = {0};
    struct run_metrics metrics = {0};
    struct str text = STR_EMPTY;
    char *folder;

    if (!r->log)
        return;
    host_facts_read(&host);
    run_metrics_init(rec, &metrics);
    if (rec->status < 0)
        results_log_as(r, "ERROR", "The run ended early: %s",
                       *rec->failure.text ? rec->failure.text : dlfw_status_text(rec->status));
    log_data_size(r, rec, &host);
    folder = realpath(r->folder, NULL);
    results_log(r, "Saved outputs in %s", folder ? folder : r->folder);
    if (metrics.train.epochs || metrics.eval.epochs || metrics.save.count || metrics.load.count) {
        add_metrics(&text, rec, &metrics);
        results_log(r, "%s", text.data);
    }
    results_log(r, "outputs saved in RANKID_output.json");
    free(folder);
    str_free(&text);
    run_metrics_free(&metrics);
    host_facts_free(&host);
}
