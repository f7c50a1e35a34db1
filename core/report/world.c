/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic over ranks. Invariant: with one rank every value is that rank's own. */
#include "report/world.h"

#include <stdlib.h>
#include <string.h>

#include "report/metrics.h"

void time_shares_add(struct time_shares *into, const struct time_shares *from)
{
    into->window_ns += from->window_ns;
    into->window_steps += from->window_steps;
    into->compute_ns += from->compute_ns;
    into->load_ns += from->load_ns;
    into->barrier_ns += from->barrier_ns;
    into->hook_ns += from->hook_ns;
    into->other_ns += from->other_ns;
    into->overshoot_ns += from->overshoot_ns;
}

void world_free(struct world *w)
{
    free(w->places);
    free(w->figures);
    free(w->epochs);
    *w = (struct world){0};
}

uint32_t world_hosts(const struct world *w, uint32_t *first_ranks)
{
    uint32_t count = 0, k;

    for (uint32_t i = 0; i < w->ranks; i++) {
        for (k = 0; k < count; k++)
            if (strcmp(w->places[first_ranks[k]].host, w->places[i].host) == 0)
                break;
        if (k == count)
            first_ranks[count++] = i;
    }
    return count;
}

void rank_epoch_of(const struct run_record *rec, uint32_t epoch_index, struct rank_epoch *ret)
{
    const struct epoch_record *e = &rec->epochs[epoch_index];
    const struct run_config *cfg = rec->cfg;
    struct block_metrics train = epoch_metrics_train(e, cfg->reader.batch_size, cfg);
    struct block_metrics eval = {0};

    if (e->has_eval)
        eval = block_metrics_eval(&e->eval, e->eval_expected_steps, cfg->reader.batch_size_eval, cfg);
    *ret = (struct rank_epoch){
        .shares = epoch_time_shares(rec, e),
        .au_percent = train.au_percent,
        .samples_per_second = train.samples_per_second,
        .eval_au_percent = eval.au_percent,
        .eval_samples_per_second = eval.samples_per_second,
        .samples = e->train_load.samples,
        .hash = e->train_load.sample_count_hash,
        .eval_samples = e->eval_load.samples,
        .eval_hash = e->eval_load.sample_count_hash,
        .files = e->train_load.files + e->eval_load.files,
        .bytes_asked = e->train_load.bytes_asked + e->eval_load.bytes_asked,
        .bytes_sample = e->train_load.bytes_sample + e->eval_load.bytes_sample,
        .bytes_verified = e->train_load.bytes_verified + e->eval_load.bytes_verified,
        .counts = epoch_counts(rec, e),
        .eval_counts = eval_counts(rec, e),
    };
}

void rank_figures_of(const struct run_record *rec, struct rank_figures *ret)
{
    const struct io_stats *io[] = {&rec->train_stats.io, &rec->eval_stats.io, &rec->generate.io};
    uint32_t counted = 0;

    *ret = (struct rank_figures){.peak_memory = rec->peak_memory,
                                 .batch_wait_p99_ns = histogram_percentile(&rec->batch_wait_ns, 99),
                                 .request_p99_ns = histogram_percentile(&rec->train_stats.io.read_ns, 99)};
    for (uint32_t i = 0; i < 3; i++) {
        ret->bytes_read += io[i]->bytes_read;
        ret->errors += io[i]->errors;
        ret->retries += io[i]->retries;
    }
    for (uint32_t i = 0; i < rec->epoch_count; i++) {
        struct rank_epoch e;

        rank_epoch_of(rec, i, &e);
        time_shares_add(&ret->shares, &e.shares);
        ret->samples += e.samples + e.eval_samples;
        if (!e.counts)
            continue;
        counted++;
        ret->au_percent += e.au_percent;
        ret->samples_per_second += e.samples_per_second;
    }
    if (counted) {
        ret->au_percent /= counted;
        ret->samples_per_second /= counted;
    }
}

void world_alone(struct run_record *rec)
{
    struct world *w = &rec->world;

    free(w->figures);
    free(w->epochs);
    w->reporting = 1;
    w->epoch_count = rec->epoch_count;
    w->figures = xcalloc(1, sizeof *w->figures);
    w->epochs = xcalloc(rec->epoch_count, sizeof *w->epochs);
    rank_figures_of(rec, w->figures);
    for (uint32_t i = 0; i < rec->epoch_count; i++)
        rank_epoch_of(rec, i, &w->epochs[i]);
}

void world_epoch(const struct run_record *rec, uint32_t epoch_index, struct epoch_sum *ret)
{
    const struct world *w = &rec->world;
    struct rank_epoch own;
    const struct rank_epoch *ranks = &own;
    uint32_t count = w->reporting;

    if (!count) {
        rank_epoch_of(rec, epoch_index, &own);
        count = 1;
    } else {
        ranks = &w->epochs[(uint64_t)epoch_index * count];
    }
    *ret = (struct epoch_sum){.counts = true, .eval_counts = true};
    for (uint32_t r = 0; r < count; r++) {
        ret->au_percent += ranks[r].au_percent / count;
        ret->samples_per_second += ranks[r].samples_per_second;
        ret->eval_au_percent += ranks[r].eval_au_percent / count;
        ret->eval_samples_per_second += ranks[r].eval_samples_per_second;
        ret->samples += ranks[r].samples;
        ret->hash += ranks[r].hash;
        ret->eval_samples += ranks[r].eval_samples;
        ret->eval_hash += ranks[r].eval_hash;
        ret->files += ranks[r].files;
        ret->bytes_asked += ranks[r].bytes_asked;
        ret->bytes_sample += ranks[r].bytes_sample;
        ret->bytes_verified += ranks[r].bytes_verified;
        ret->counts = ret->counts && ranks[r].counts;
        ret->eval_counts = ret->eval_counts && ranks[r].eval_counts;
    }
}

static void strict_of(const struct time_shares *s, double whole_ns, struct strict_au *ret)
{
    const double to_percent = whole_ns > 0 ? 100.0 / whole_ns : 0.0;

    *ret = (struct strict_au){
        .percent = (double)(s->compute_ns - s->overshoot_ns) * to_percent,
        .storage_percent = (double)s->load_ns * to_percent,
        /* a rank whose window was shorter than the slowest one's waited for it, or could have */
        .barrier_percent = (whole_ns - (double)s->window_ns + (double)s->barrier_ns) * to_percent,
        .overshoot_percent = (double)s->overshoot_ns * to_percent,
        .client_percent = (double)(s->hook_ns + s->other_ns) * to_percent,
    };
}

void rank_strict_au(const struct time_shares *shares, struct strict_au *ret)
{
    strict_of(shares, (double)shares->window_ns, ret);
}

/* Adds an epoch of all ranks; returns the time that it took them, by the slowest one. */
static double add_epoch(const struct world *w, uint32_t epoch_index, struct time_shares *all)
{
    uint64_t slowest = 0;

    for (uint32_t r = 0; r < w->reporting; r++) {
        const struct time_shares *s = &w->epochs[(uint64_t)epoch_index * w->reporting + r].shares;

        time_shares_add(all, s);
        slowest = s->window_ns > slowest ? s->window_ns : slowest;
    }
    return (double)slowest * w->reporting;
}

void world_strict_au(const struct run_record *rec, struct strict_au *ret)
{
    struct time_shares all = {0};
    double whole_ns = 0;

    for (uint32_t i = 0; i < rec->world.epoch_count; i++)
        whole_ns += add_epoch(&rec->world, i, &all);
    strict_of(&all, whole_ns, ret);
}

void world_epoch_strict_au(const struct run_record *rec, uint32_t epoch_index, struct strict_au *ret)
{
    struct time_shares all = {0};
    double whole_ns = epoch_index < rec->world.epoch_count ? add_epoch(&rec->world, epoch_index, &all) : 0;

    strict_of(&all, whole_ns, ret);
}
