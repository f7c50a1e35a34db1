/* SPDX-License-Identifier: Apache-2.0 */
#include "sweep/sweep.h"

#include <stdlib.h>

void sweep_init(struct sweep *s, struct sweep_range *range)
{
    *s = (struct sweep){.range = *range, .repeat = 1};
    *range = (struct sweep_range){0};
    error_slot_init(&s->failure);
    s->points = xcalloc(s->range.count, sizeof *s->points);
    for (uint32_t i = 0; i < s->range.count; i++)
        s->points[i].accelerators = s->range.values[i];
}

void sweep_free(struct sweep *s)
{
    for (uint32_t i = 0; i < s->range.count; i++) {
        for (uint32_t k = 0; k < s->points[i].run_count; k++)
            free(s->points[i].runs[k].folder);
        free(s->points[i].runs);
    }
    free(s->points);
    s->points = NULL;
    sweep_range_free(&s->range);
    sweep_notes_free(&s->notes);
}

const struct sweep_run *sweep_point_run(const struct sweep_point *p)
{
    for (uint32_t i = 0; i < p->run_count; i++) {
        double au = p->runs[i].figures.au;
        uint32_t below = 0, equal = 0;

        for (uint32_t k = 0; k < p->run_count; k++) {
            below += p->runs[k].figures.au < au;
            equal += p->runs[k].figures.au <= au && p->runs[k].figures.au >= au;
        }
        if (below <= (p->run_count - 1) / 2 && (p->run_count - 1) / 2 < below + equal)
            return &p->runs[i];
    }
    return NULL;
}

bool sweep_point_passes(const struct sweep *s, const struct sweep_point *p)
{
    const struct sweep_run *run = sweep_point_run(p);

    return run && run->figures.au >= s->threshold;
}

/* Caller frees the search's seen. */
static struct search search_of(const struct sweep *s)
{
    struct search_seen *seen = xcalloc(s->range.count, sizeof *seen);

    for (uint32_t i = 0; i < s->range.count; i++)
        seen[i] = (struct search_seen){.runs = s->points[i].run_count, .passes = sweep_point_passes(s, &s->points[i])};
    return (struct search){
        .candidates = s->range.values, .seen = seen, .count = s->range.count, .repeat = s->repeat, .all = s->all};
}

static struct sweep_point *next_point(const struct sweep *s)
{
    struct search search = search_of(s);
    uint32_t i = search_next(&search);

    free((void *)(uintptr_t)search.seen);
    return i == SEARCH_NONE ? NULL : &s->points[i];
}

struct sweep_answer sweep_answer(const struct sweep *s)
{
    struct search search = search_of(s);
    struct search_answer a = search_answer(&search);

    free((void *)(uintptr_t)search.seen);
    return (struct sweep_answer){.best = a.best == SEARCH_NONE ? NULL : &s->points[a.best],
                                 .next = a.next == SEARCH_NONE ? NULL : &s->points[a.next],
                                 .missed = a.missed == SEARCH_NONE ? NULL : &s->points[a.missed]};
}

static dlfw_status make_run(struct sweep *s, const struct sweep_calls *calls, struct sweep_point *p)
{
    struct sweep_run run = {0};
    dlfw_status st = calls->make_run(calls->ctx, p->accelerators, p->run_count, &run, &s->failure.e);

    if (st < 0)
        return st;
    p->runs = xrealloc(p->runs, (p->run_count + 1) * sizeof *p->runs);
    p->runs[p->run_count++] = run;
    return DLFW_OK;
}

dlfw_status sweep_execute(struct sweep *s, const struct sweep_calls *calls, dlfw_error *err)
{
    struct sweep_point *p = next_point(s);

    for (; p && s->state == SWEEP_RUNNING; p = next_point(s)) {
        dlfw_status st = make_run(s, calls, p);

        if (st == DLFW_E_CANCELLED)
            s->state = SWEEP_INTERRUPTED;
        else if (st < 0)
            s->state = SWEEP_FAILED;
        else
            st = calls->told(calls->ctx, s, p, err);
        if (st < 0 && s->state == SWEEP_RUNNING)
            return st;
    }
    if (s->state == SWEEP_RUNNING)
        s->state = SWEEP_DONE;
    return calls->told(calls->ctx, s, NULL, err);
}
