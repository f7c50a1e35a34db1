/* SPDX-License-Identifier: Apache-2.0 */
/* Advice. Rule: no sentence without a figure of this run behind it, and each says what to change. */
#include "report/advice.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/coverage.h"
#include "report/units.h"

#define LOST_LITTLE 0.01    /* of the window */
#define OVERSHOOT_MUCH 0.01 /* of the window */
#define BUSY_MOST 0.5       /* of the readers' time */
#define WINDOW_STEPS_FEW 10
#define RESIDENT_MUCH 20.0 /* percent of what an epoch was to read */

const char *limit_name(enum limit_kind kind)
{
    static const char *const names[] = {"unknown",  "compute", "storage", "decode",
                                        "prefetch", "barrier", "hooks",   "loop"};

    return names[kind];
}

/* Batches came late: why? The readers' time is read_threads times the window. */
static enum limit_kind limit_of_loading(const struct run_record *rec, const struct time_shares *s)
{
    const struct loader_stats *l = &rec->train_stats;
    uint64_t threads = rec->cfg->reader.read_threads ? rec->cfg->reader.read_threads : 1;
    double readers_ns = (double)threads * (double)s->window_ns;

    if ((double)l->stall_ns.sum > BUSY_MOST * readers_ns)
        return LIMIT_PREFETCH;
    if ((double)l->decode_ns.sum > BUSY_MOST * readers_ns)
        return LIMIT_DECODE;
    return LIMIT_STORAGE;
}

enum limit_kind limit_of(const struct run_record *rec, const struct time_shares *s)
{
    const struct {
        uint64_t ns;
        enum limit_kind kind;
    } parts[] = {{s->load_ns, LIMIT_STORAGE},
                 {s->barrier_ns, LIMIT_BARRIER},
                 {s->hook_ns, LIMIT_HOOKS},
                 {s->other_ns, LIMIT_LOOP}};
    uint32_t most = 0;

    if (!s->window_ns)
        return LIMIT_UNKNOWN;
    if ((double)(s->window_ns - s->compute_ns) < LOST_LITTLE * (double)s->window_ns)
        return LIMIT_COMPUTE;
    for (uint32_t i = 1; i < sizeof parts / sizeof *parts; i++)
        if (parts[i].ns > parts[most].ns)
            most = i;
    return parts[most].kind == LIMIT_STORAGE ? limit_of_loading(rec, s) : parts[most].kind;
}

static void say(struct advice *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct advice *a, const char *format, ...)
{
    char line[400];
    va_list args;

    DLFW_BUG_IF(a->count == ADVICE_CAP);
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    a->lines[a->count++] = xstrdup(line);
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0.0;
}

static void say_storage(struct advice *a, const struct run_record *rec, double share)
{
    const struct loader_stats *l = &rec->train_stats;

    if (l->queue_depth <= 1)
        say(a,
            "%.1f %% of the measured time was spent waiting for batches from storage, with one request in flight per "
            "read "
            "thread; try more reader.read_threads (now %lu) or reader.queue_depth above 1",
            share, rec->cfg->reader.read_threads);
    else
        say(a,
            "%.1f %% of the measured time was spent waiting for batches from storage; try more reader.read_threads "
            "(now "
            "%lu) or a larger reader.queue_depth (now %u); if neither helps, the storage is at its limit",
            share, rec->cfg->reader.read_threads, l->queue_depth);
}

static const struct hook_record *slowest_hook(const struct run_record *rec)
{
    const struct hook_record *slowest = NULL;

    for (uint32_t i = 0; i < rec->hook_count; i++)
        if (!slowest || rec->hooks[i].total_ns > slowest->total_ns)
            slowest = &rec->hooks[i];
    return slowest;
}

static void say_limit(struct advice *a, const struct run_record *rec, const struct time_shares *s)
{
    double load_share = percent(s->load_ns, s->window_ns);
    const struct hook_record *hook;

    switch (limit_of(rec, s)) {
    case LIMIT_STORAGE:
        say_storage(a, rec, load_share);
        break;
    case LIMIT_DECODE:
        say(a,
            "%.1f %% of the measured time was spent waiting for batches while the read threads were busy decoding; try "
            "more "
            "reader.read_threads (now %lu), or reader.verify: none",
            load_share, rec->cfg->reader.read_threads);
        break;
    case LIMIT_PREFETCH:
        say(a,
            "%.1f %% of the measured time was spent waiting for batches while the read threads waited for memory; try "
            "a "
            "larger reader.prefetch_size (now %lu) or reader.memory_budget",
            load_share, rec->cfg->reader.prefetch_size);
        break;
    case LIMIT_BARRIER:
        say(a, "%.1f %% of the measured time was spent in barriers: the slowest rank sets the pace of all %u",
            percent(s->barrier_ns, s->window_ns), rec->world.ranks);
        break;
    case LIMIT_HOOKS:
        hook = slowest_hook(rec);
        say(a,
            "%.1f %% of the measured time was spent in hooks, most of it in '%s'; make it cheaper or call it less "
            "often",
            percent(s->hook_ns, s->window_ns), hook ? hook->name : "?");
        break;
    case LIMIT_LOOP:
        say(a, "%.1f %% of the measured time went by between the steps; is the machine busy with something else?",
            percent(s->other_ns, s->window_ns));
        break;
    case LIMIT_COMPUTE:
    case LIMIT_UNKNOWN:
        break;
    }
}

static void say_training(struct advice *a, const struct run_record *rec, const struct run_metrics *m)
{
    struct time_shares s = train_time_shares(rec);
    double threshold = 100.0 * rec->cfg->metric.au;

    if (!s.window_steps) {
        say(a,
            "no step lies in the measured window, so there is no AU; use more files, a smaller reader.batch_size or a "
            "smaller "
            "output.metric.exclude_start_steps (now %lu)",
            rec->cfg->output.exclude_start_steps);
        return;
    }
    if (m->train.epochs && !m->train.meets) {
        say(a, "AU %.2f %% is below metric.au (%.2f %%)", m->train.au_spread.mean, threshold);
        say_limit(a, rec, &s);
    }
    if (s.window_steps < WINDOW_STEPS_FEW)
        say(a, "AU rests on only %lu steps; more files or epochs make it repeatable", s.window_steps);
    if ((double)s.overshoot_ns > OVERSHOOT_MUCH * (double)s.window_ns)
        say(a,
            "emulated compute took %s per step longer than asked, which raises AU by about %.1f points; is the machine "
            "oversubscribed?",
            unit_duration(histogram_mean(&rec->compute_error_ns)).text, percent(s.overshoot_ns, s.window_ns));
}

static void say_trouble(struct advice *a, const struct run_record *rec)
{
    const struct io_stats *io[] = {&rec->train_stats.io, &rec->eval_stats.io, &rec->generate.io};
    uint64_t retries = 0, throttled = 0;

    for (uint32_t i = 0; i < 3; i++) {
        retries += io[i]->retries;
        throttled += io[i]->throttled;
    }
    if (throttled)
        say(a,
            "the storage asked %lu times to slow down; try fewer reader.read_threads or a smaller reader.queue_depth",
            throttled);
    else if (retries)
        say(a, "%lu requests were tried again; the retry times are part of the read latency", retries);
}

/* Blocks that checkpoints cut so short that all their steps are left out: they count as AU 0, as in DLIO. */
static uint64_t empty_windows(const struct run_record *rec)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < rec->epoch_count; i++)
        for (uint32_t k = 0; k < rec->epochs[i].block_count; k++) {
            const struct epoch_record *e = &rec->epochs[i];

            count += e->block_count > 1 && e->blocks[k].step_count &&
                     !block_metrics_train(&e->blocks[k], e->expected_steps, rec->cfg->reader.batch_size, rec->cfg)
                          .window_steps;
        }
    return count;
}

/* The page cache takes what is not synced, and gives back what was just written. */
static void say_checkpoints(struct advice *a, const struct run_record *rec, const struct run_metrics *m)
{
    const dlfw_node *fsync = node_get(rec->cfg->checkpoint, "fsync");
    bool cached = rec->checkpoint_uri && strncmp(rec->checkpoint_uri, "file://", 7) == 0;
    dlfw_error quiet = {.struct_size = sizeof quiet};
    uint64_t empty = empty_windows(rec);
    uint8_t synced = 0;

    if (fsync)
        (void)node_to_bool(fsync, &synced, &quiet);
    if (cached && m->save.count && !synced)
        say(a, "%u saves count as done before they are on stable storage; checkpoint.fsync: true waits for that",
            m->save.count);
    if (cached && m->save.count && m->load.count)
        say(a,
            "%u checkpoints were loaded by the host that had just saved them, so from its page cache as far as they "
            "fit; a checkpoint_folder of direct:// reads from the storage",
            m->load.count);
    if (empty)
        say(a,
            "%lu blocks between checkpoints have no steps inside the window (output.metric.exclude_start_steps) and "
            "count as AU 0",
            empty);
}

/* What was measured when epochs began is better than the size of the memory, which only says what can happen. */
static void say_cached(struct advice *a, const struct run_record *rec, const struct host_facts *host)
{
    const struct epoch_record *most = NULL;
    uint32_t known = 0, much = 0;

    for (uint32_t i = 0; i < rec->epoch_count; i++) {
        const struct epoch_record *e = &rec->epochs[i];

        if (!e->resident_files)
            continue;
        known++;
        much += e->resident_percent > RESIDENT_MUCH;
        if (!most || e->resident_percent > most->resident_percent)
            most = e;
    }
    if (much)
        say(a,
            "%u of %u epochs began with more than %.0f %% of their data in this host's page cache (epoch %u: "
            "%.1f %% of %u files) and measured memory to that extent; %s",
            much, known, RESIDENT_MUCH, most->epoch, most->resident_percent, most->resident_files,
            rec->cfg->reader.drop_cache
                ? "reader.drop_cache takes out what was read, if it is on stable storage (storage.durable)"
                : "use reader.drop_cache, reader.odirect or more data than memory holds");
    else if (!known && may_be_cached(rec, host))
        say(a,
            "the dataset (%.2f GiB per host) fits into this host's memory (%.2f GiB), so reads may come from the page "
            "cache; "
            "use more files, reader.drop_cache or the direct backend",
            data_gib_per_host(rec), host->memory_gib);
}

void advice_collect(const struct run_record *rec, const struct host_facts *host, const struct run_metrics *m,
                    struct advice *ret)
{
    *ret = (struct advice){0};
    if (rec->storage_caps & DLFW_BACKEND_NO_DATA)
        say(ret, "the backend '%s' moves no data: rates say what the client could do, nothing about a storage",
            rec->storage_scheme ? rec->storage_scheme : "?");
    if (rec->cfg->workflow.train && rec->epoch_count)
        say_training(ret, rec, m);
    say_checkpoints(ret, rec, m);
    if (rec->status >= 0 && !coverage_is_complete(rec))
        say(ret, "not every expected sample was delivered exactly once; see dlfw.coverage in summary.json");
    say_cached(ret, rec, host);
    say_trouble(ret, rec);
}

void advice_free(struct advice *a)
{
    for (uint32_t i = 0; i < a->count; i++)
        free(a->lines[i]);
    *a = (struct advice){0};
}
