/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of the object `dlfw`: stages, where time went, checkpoints. */
#include "report/result_read.h"
#include "view/run_view.h"

static const struct {
    const char *key, *label;
} stage_names[] = {
    {"open", "open"},
    {"first_byte", "first byte"},
    {"read", "request"},
    {"decode", "decode"},
    {"sample", "file"},
    {"reader_stall", "reader stall"},
    {"batch_wait", "batch wait"},
    {"compute_error", "compute error"},
    {"barrier", "barrier"},
    {"write", "write"},
    {"commit", "commit"},
};
#define STAGES (sizeof stage_names / sizeof *stage_names)

void view_read_stages(struct run_view *v)
{
    const json_t *all = json_object_get(v->dlfw, "latency_ns");

    v->stages = arena_alloc(&v->arena, STAGES * sizeof *v->stages);
    for (size_t i = 0; i < STAGES; i++) {
        const json_t *o = json_object_get(all, stage_names[i].key);
        struct view_stage *s = &v->stages[v->stage_count];

        if (result_number(o, 0, "count", NULL) <= 0)
            continue;
        v->stage_count++;
        *s = (struct view_stage){.key = stage_names[i].key, .label = stage_names[i].label};
        s->count = result_number(o, 0, "count", NULL);
        s->mean = result_number(o, VIEW_UNKNOWN, "mean", NULL);
        s->p50 = result_number(o, VIEW_UNKNOWN, "p50", NULL);
        s->p90 = result_number(o, VIEW_UNKNOWN, "p90", NULL);
        s->p99 = result_number(o, VIEW_UNKNOWN, "p99", NULL);
        s->p999 = result_number(o, VIEW_UNKNOWN, "p999", NULL);
        s->max = result_number(o, VIEW_UNKNOWN, "max", NULL);
    }
    if (v->dlfw && !all)
        view_miss(v, "summary.json has no dlfw.latency_ns: no latencies of stages");
}

static void add_share(struct view_shares *s, const char *key, const char *label, double percent)
{
    if (is_known(percent))
        s->items[s->count++] = (struct view_share){key, label, percent};
}

void view_read_shares(struct run_view *v)
{
    const json_t *au = json_object_get(v->dlfw, "au"), *lost = json_object_get(au, "lost");

    add_share(&v->window, "compute", "compute", result_number(au, VIEW_UNKNOWN, "compute_percent", NULL));
    add_share(&v->window, "batch_wait", "batch wait", result_number(au, VIEW_UNKNOWN, "batch_wait_percent", NULL));
    add_share(&v->window, "barrier", "barrier", result_number(au, VIEW_UNKNOWN, "barrier_percent", NULL));
    add_share(&v->window, "hooks", "hooks", result_number(au, VIEW_UNKNOWN, "hooks_percent", NULL));
    add_share(&v->window, "other", "other", result_number(au, VIEW_UNKNOWN, "other_percent", NULL));
    add_share(&v->lost, "storage", "storage", result_number(lost, VIEW_UNKNOWN, "storage_percent", NULL));
    add_share(&v->lost, "barrier", "barrier", result_number(lost, VIEW_UNKNOWN, "barrier_percent", NULL));
    add_share(&v->lost, "overshoot", "compute overshoot", result_number(lost, VIEW_UNKNOWN, "overshoot_percent", NULL));
    add_share(&v->lost, "client", "client", result_number(lost, VIEW_UNKNOWN, "client_percent", NULL));
    if (au && !is_known(result_number(au, VIEW_UNKNOWN, "strict_percent", NULL)))
        view_miss(v, "summary.json has no dlfw.au.strict_percent: only the AU that DLIO defines is shown");
    if (au && !v->lost.count)
        view_miss(v, "summary.json has no dlfw.au.lost: where AU was lost is shown only as shares of the time");
}

static void read_checkpoint_list(struct run_view *v, const json_t *list, bool is_load)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        struct view_checkpoint *c = &v->checkpoints[v->checkpoint_count++];

        *c = (struct view_checkpoint){.is_load = is_load, .finished = json_is_true(json_object_get(item, "finished"))};
        c->epoch = result_number(item, VIEW_UNKNOWN, "epoch", NULL);
        c->step = result_number(item, VIEW_UNKNOWN, "step", NULL);
        c->seconds = result_number(item, VIEW_UNKNOWN, "seconds", NULL);
        c->bytes = result_number(item, VIEW_UNKNOWN, "bytes", NULL);
        c->stall_ns = result_number(item, VIEW_UNKNOWN, "stall_ns", NULL);
        c->name = result_text(item, "name", NULL);
    }
}

void view_read_checkpoints(struct run_view *v)
{
    const json_t *o = json_object_get(v->dlfw, "checkpoints");
    const json_t *saves = json_object_get(o, "saves"), *loads = json_object_get(o, "loads");

    v->checkpoints =
        arena_alloc(&v->arena, (json_array_size(saves) + json_array_size(loads) + 1) * sizeof *v->checkpoints);
    read_checkpoint_list(v, saves, false);
    read_checkpoint_list(v, loads, true);
}
