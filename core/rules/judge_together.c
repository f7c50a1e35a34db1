/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several results folders: a training result is the mean of five runs in a row after one to warm up, a checkpoint
 * result is ten writes and then ten reads. Runs are taken in the order in which they began.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/result_read.h"
#include "rules/judge.h"

#define WANTED_COUNT 10u
#define SPREAD_PERCENT 5.0

struct group {
    const struct rule_book *book;
    struct subject **runs; /* of one kind, by start */
    uint32_t count;
    struct finding_list *ret;
};

static int by_start(const void *a, const void *b)
{
    const struct subject *x = *(struct subject *const *)a, *y = *(struct subject *const *)b;

    return (x->start_seconds > y->start_seconds) - (x->start_seconds < y->start_seconds);
}

static double samples_per_second(const struct subject *s)
{
    return result_number(s->summary, NAN, "metric", "train_throughput_mean_samples_per_second", NULL);
}

/* The first run warms up when there is one more than is measured. */
static uint32_t warm_ups(const struct group *g)
{
    return g->count == g->book->version->runs + 1 ? 1 : 0;
}

static void judge_number(const struct group *g)
{
    const struct rule_version *v = g->book->version;
    struct arena *arena = &g->ret->arena;
    const char *found = arena_format(arena, "%u runs", g->count);
    const char *wanted = arena_format(arena, "%u, after one to warm up", v->runs);

    if (g->count == v->runs + 1)
        finding_add(g->ret, LEVEL_OK, RULE_RUNS, found, wanted, "the first one warms up");
    else if (g->count == v->runs && !v->counts_warm_up)
        finding_add(g->ret, LEVEL_NOTE, RULE_RUNS, found, wanted, "the one to warm up is not among them");
    else
        finding_add(g->ret, LEVEL_INVALID, RULE_RUNS, found, wanted, NULL);
}

/* Keys whose values may differ from run to run. */
static bool may_differ(const char *key)
{
    return strcmp(key, "train.seed") == 0 || strncmp(key, "output.", 7) == 0;
}

/* The two configurations as `dlfw config show` prints them, key by key. */
static const char *different_key(const struct subject *a, const struct subject *b, struct arena *arena)
{
    struct str texts[2] = {STR_EMPTY, STR_EMPTY};
    const char *found = NULL, *key;
    json_t *first, *second, *entry;

    run_config_show(&a->cfg, true, &texts[0]);
    run_config_show(&b->cfg, true, &texts[1]);
    first = json_loads(texts[0].data, 0, NULL);
    second = json_loads(texts[1].data, 0, NULL);
    json_object_foreach(first, key, entry)
    {
        const json_t *other = json_object_get(second, key);

        if (!found && !may_differ(key) && !json_equal(json_object_get(entry, "value"), json_object_get(other, "value")))
            found = arena_format(arena, "%s", key);
    }
    json_decref(first);
    json_decref(second);
    str_free(&texts[0]);
    str_free(&texts[1]);
    return found;
}

static void judge_same(const struct group *g)
{
    const struct subject *first = g->runs[0];
    struct arena *arena = &g->ret->arena;

    for (uint32_t i = 1; i < g->count; i++) {
        const struct subject *s = g->runs[i];
        const char *host = result_text(s->summary, "hostname", NULL),
                   *was = result_text(first->summary, "hostname", NULL);
        const char *what = NULL;

        if (s->accelerators != first->accelerators || s->hosts != first->hosts ||
            s->memory_bytes != first->memory_bytes)
            what = "other accelerators, hosts or memory";
        else if (!host || !was || strcmp(host, was) != 0)
            what = "another first host";
        else if (s->has_config && first->has_config && (what = different_key(first, s, arena)))
            what = arena_format(arena, "another %s", what);
        if (!what)
            continue;
        finding_add(g->ret, LEVEL_INVALID, RULE_SAME,
                    arena_format(arena, "'%s' has %s than '%s'", s->name, what, first->name), "the same in all runs",
                    NULL);
        return;
    }
    finding_add(g->ret, LEVEL_OK, RULE_SAME, "the same configuration, hosts and accelerators", NULL, NULL);
}

/* mlpstorage changes no seed between runs and its checker refuses one, so this cannot be more than a note. */
static void judge_seeds(const struct group *g)
{
    for (uint32_t i = 0; i < g->count; i++)
        for (uint32_t k = i + 1; k < g->count; k++)
            if (g->runs[i]->cfg.train.seed == g->runs[k]->cfg.train.seed) {
                finding_add(
                    g->ret, LEVEL_NOTE, RULE_SEED,
                    arena_format(&g->ret->arena, "train.seed is %lu more than once", g->runs[i]->cfg.train.seed),
                    "another seed in each run",
                    "the text of the rules asks for it; their driver does not change it and their checker "
                    "refuses an override");
                return;
            }
    finding_add(g->ret, LEVEL_OK, RULE_SEED, "another train.seed in each run", NULL, NULL);
}

static bool has_times(const struct subject *s)
{
    return s->start_seconds > 0 && s->end_seconds > 0;
}

static void judge_gaps(const struct group *g)
{
    struct arena *arena = &g->ret->arena;
    double longest = 0;

    for (uint32_t i = 0; i + 1 < g->count; i++) {
        const struct subject *a = g->runs[i], *b = g->runs[i + 1];
        double length = fmin(a->end_seconds - a->start_seconds, b->end_seconds - b->start_seconds);
        double gap = b->start_seconds - a->end_seconds;

        if (!has_times(a) || !has_times(b) || length < 0) {
            finding_add(g->ret, LEVEL_INVALID, RULE_CONSECUTIVE, "start or end of a run is not known",
                        "both in summary.json", NULL);
            return;
        }
        longest = fmax(longest, gap);
        if (gap < 0 || gap >= length) {
            finding_add(g->ret, LEVEL_INVALID, RULE_CONSECUTIVE,
                        gap < 0 ? arena_format(arena, "'%s' began %.1f s before '%s' ended", b->name, -gap, a->name)
                                : arena_format(arena, "%.1f s between '%s' and '%s'", gap, a->name, b->name),
                        arena_format(arena, "0 to %.1f s", length), "a gap is shorter than the shorter of its runs");
            return;
        }
    }
    finding_add(g->ret, LEVEL_OK, RULE_CONSECUTIVE, arena_format(arena, "gaps of at most %.1f s", longest),
                "shorter than a run", NULL);
}

static void judge_spread(const struct group *g)
{
    struct arena *arena = &g->ret->arena;
    uint32_t skip = warm_ups(g), n = g->count - skip;
    double mean = 0, worst = 0;

    for (uint32_t i = skip; i < g->count; i++)
        mean += samples_per_second(g->runs[i]) / n;
    for (uint32_t i = skip; i < g->count; i++)
        worst = fmax(worst, 100.0 * fabs(samples_per_second(g->runs[i]) - mean) / mean);
    if (!isfinite(mean) || mean <= 0) {
        finding_add(g->ret, LEVEL_INVALID, RULE_SPREAD, "a run has no train_throughput_mean_samples_per_second",
                    "samples per second of every run", NULL);
        return;
    }
    finding_add(g->ret, worst <= SPREAD_PERCENT ? LEVEL_OK : LEVEL_INVALID, RULE_SPREAD,
                arena_format(arena, "%.4f samples/s on average of %u runs, the farthest %.2f %% away", mean, n, worst),
                arena_format(arena, "at most %.0f %%", SPREAD_PERCENT), NULL);
}

static void judge_training_runs(const struct group *g)
{
    struct arena *arena = &g->ret->arena;

    if (g->count == 1) {
        finding_add(g->ret, LEVEL_NOTE, RULE_RUNS, "1 run",
                    arena_format(arena, "%u, after one to warm up", g->book->version->runs),
                    "give all folders to have them judged together");
        return;
    }
    judge_number(g);
    judge_same(g);
    judge_seeds(g);
    judge_gaps(g);
    judge_spread(g);
}

static void judge_phase_gap(const struct group *g, const struct subject *writer, const struct subject *reader)
{
    struct arena *arena = &g->ret->arena;
    double gap = reader->start_seconds - writer->end_seconds, limit = g->book->version->phase_gap_seconds;

    if (limit <= 0 || writer == reader)
        return;
    if (!has_times(reader) || !has_times(writer))
        finding_add(g->ret, LEVEL_INVALID, RULE_SEQUENCE, "start or end of a run is not known", "both in summary.json",
                    NULL);
    else
        finding_add(g->ret, gap > limit ? LEVEL_INVALID : LEVEL_OK, RULE_SEQUENCE,
                    arena_format(arena, "%.1f s from the end of the writes to the start of the reads", gap),
                    arena_format(arena, "at most %.0f s", limit), NULL);
}

static void judge_checkpoint_runs(const struct group *g)
{
    struct arena *arena = &g->ret->arena;
    const struct subject *writer = NULL, *reader = NULL;
    uint64_t written = 0, read = 0, read_before = 0;
    bool good;

    for (uint32_t i = 0; i < g->count; i++) {
        uint64_t w = subject_number(g->book, g->runs[i], "checkpoint.num_checkpoints_write");
        uint64_t r = subject_number(g->book, g->runs[i], "checkpoint.num_checkpoints_read");

        read_before += w && !written ? read : 0;
        written += w;
        read += r;
        writer = w ? g->runs[i] : writer;
        reader = r ? g->runs[i] : reader;
    }
    good = written == WANTED_COUNT && read == WANTED_COUNT && !read_before;
    finding_add(g->ret,
                good                                                                       ? LEVEL_OK
                : g->book->version->open_changes_counts && written && read && !read_before ? LEVEL_OPEN
                                                                                           : LEVEL_INVALID,
                RULE_SEQUENCE,
                read_before ? "reads before the writes" : arena_format(arena, "%lu written, %lu read", written, read),
                "10 written, then 10 read", good ? NULL : "give the folders of both phases");
    if (writer && reader)
        judge_phase_gap(g, writer, reader);
}

void judge_together(const struct rule_book *book, struct subject *subjects, uint32_t count, struct finding_list *ret)
{
    struct group g = {.book = book, .ret = ret};

    for (uint32_t kind = 0; kind < KIND_GENERATION; kind++) {
        g.runs = xcalloc(count ? count : 1, sizeof *g.runs);
        g.count = 0;
        for (uint32_t i = 0; i < count; i++)
            if (subjects[i].finished && subjects[i].has_config && subjects[i].kind == kind)
                g.runs[g.count++] = &subjects[i];
        qsort(g.runs, g.count, sizeof *g.runs, by_start);
        if (g.count && kind == KIND_TRAINING)
            judge_training_runs(&g);
        else if (g.count)
            judge_checkpoint_runs(&g);
        free(g.runs);
    }
}
