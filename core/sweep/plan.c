/* SPDX-License-Identifier: Apache-2.0 */
/* The search is played through for every possible answer, with the search itself, so the plan cannot drift from it. */
#include "sweep/plan.h"

#include <math.h>
#include <stdlib.h>

#include "report/units.h"

#define ROWS_ALL 16 /* so many candidates are all listed */
#define MANY_TIMES 4

struct play {
    const struct sweep *s;
    const struct sweep_runner *runner;
    bool *is_there; /* per candidate and repetition */
};

/* The first `feeds` candidates pass, the others do not. */
static void play_through(const struct play *p, uint32_t feeds, uint32_t *ret_runs, double *ret_seconds)
{
    struct search_seen *seen = xcalloc(p->s->range.count, sizeof *seen);
    struct search search = {.candidates = p->s->range.values,
                            .seen = seen,
                            .count = p->s->range.count,
                            .repeat = p->s->repeat,
                            .all = p->s->all};
    uint32_t i;

    *ret_runs = 0;
    *ret_seconds = 0;
    while ((i = search_next(&search)) != SEARCH_NONE) {
        if (!p->is_there[i * p->s->repeat + seen[i].runs]) {
            (*ret_runs)++;
            *ret_seconds += sweep_run_seconds(p->runner->work, p->s->range.values[i]);
        }
        seen[i].passes = i < feeds;
        seen[i].runs++;
    }
    free(seen);
}

struct sweep_estimate sweep_estimate(const struct sweep *s, const struct sweep_runner *runner)
{
    struct sweep_estimate e = {.least_runs = UINT32_MAX, .least_seconds = INFINITY};
    struct play p = {.s = s, .runner = runner};
    uint32_t step = s->all ? s->range.count : 1; /* with all, the answer only decides what is repeated */

    p.is_there = xcalloc((size_t)s->range.count * s->repeat, sizeof *p.is_there);
    for (uint32_t i = 0; i < s->range.count; i++)
        for (uint32_t k = 0; k < s->repeat; k++)
            p.is_there[i * s->repeat + k] = sweep_runner_has(runner, s->range.values[i], k);
    for (uint32_t feeds = 0; feeds <= s->range.count; feeds += step) {
        double seconds;
        uint32_t runs;

        play_through(&p, feeds, &runs, &seconds);
        e.least_runs = runs < e.least_runs ? runs : e.least_runs;
        e.most_runs = runs > e.most_runs ? runs : e.most_runs;
        e.least_seconds = fmin(e.least_seconds, seconds);
        e.most_seconds = fmax(e.most_seconds, seconds);
    }
    free(p.is_there);
    return e;
}

/* Candidates that doubling comes by, or all where they are few. */
static bool is_listed(const struct sweep *s, uint32_t i, uint32_t last)
{
    return s->all || s->range.count <= ROWS_ALL || i == 0 || i + 1 == s->range.count ||
           s->range.values[i] >= 2 * (uint64_t)last;
}

/* Few accelerators read the whole dataset for long, and say no more than a part of it would. */
static void add_hint(const struct sweep *s, const struct sweep_work *work, struct str *out)
{
    uint32_t first = s->range.values[0], last = s->range.values[s->range.count - 1];

    if (sweep_steps(work, first) >= MANY_TIMES * sweep_steps(work, last))
        str_add_format(out, "  hint     --steps %lu gives every number as many steps as %u have, in less time\n",
                       sweep_steps(work, last), last);
}

static void add_points(const struct sweep *s, const struct sweep_runner *runner, struct str *out)
{
    uint32_t last = 0;

    str_add_format(out, "\n%12s %12s %12s\n", "accelerators", "steps/epoch", "takes");
    for (uint32_t i = 0; i < s->range.count; i++) {
        uint32_t n = s->range.values[i];

        if (!is_listed(s, i, last))
            continue;
        last = n;
        str_add_format(out, "%12u %12lu %12s%s\n", n, sweep_steps(runner->work, n),
                       unit_clock((uint64_t)ceil(sweep_run_seconds(runner->work, n))).text,
                       sweep_runner_has(runner, n, 0) ? "  is there already" : "");
    }
}

void sweep_plan_text(const struct sweep *s, const struct sweep_runner *runner, struct str *out)
{
    struct sweep_estimate e = sweep_estimate(s, runner);
    uint32_t last = s->range.values[s->range.count - 1];

    str_add_format(out, "sweep %s, %u to %u accelerators (%u numbers), AU >= %g %%\n", s->name, s->range.values[0],
                   last, s->range.count, s->threshold);
    str_add_format(out, "  search   %s\n", s->all ? "every number" : "doubling, then bisection");
    if (s->repeat > 1)
        str_add_format(out, "  repeat   what the answer rests on %u times; the median counts\n", s->repeat);
    str_add_format(out, "  epochs   %lu in each run\n", runner->work->epochs);
    if (!runner->is_generated) {
        str_add(out, "  first    ");
        sweep_runner_generate_command(runner, out);
        str_add(out, "\n");
    }
    str_add(out, "  each     ");
    sweep_runner_command(runner, 0, out);
    str_add_format(out, "\n  runs     %u to %u, depending on the answer\n", e.least_runs, e.most_runs);
    str_add_format(out, "  takes    %s to %s when no accelerator waits, longer where they do\n",
                   unit_clock((uint64_t)ceil(e.least_seconds)).text, unit_clock((uint64_t)ceil(e.most_seconds)).text);
    add_hint(s, runner->work, out);
    add_points(s, runner, out);
}
