/* SPDX-License-Identifier: Apache-2.0 */
/* sweep.json (docs/sweep.md has its schema): all that is known, units in the names of the keys. */
#include <math.h>

#include "report/json_put.h"
#include "sweep/show.h"

#define SCHEMA 1

const char *sweep_state_name(const struct sweep *s)
{
    switch (s->state) {
    case SWEEP_FAILED:
        return "failed";
    case SWEEP_INTERRUPTED:
        return "interrupted";
    case SWEEP_DONE:
        return sweep_answer(s).best ? "ok" : "none";
    case SWEEP_RUNNING:
        break;
    }
    return "running";
}

static void put_figures(json_t *o, const struct sweep *s, const struct sweep_figures *f)
{
    struct sweep_limit limit = sweep_limit_of(f, s->threshold);
    json_t *lost = json_object();

    put_real(o, "au_percent", f->au);
    put_real(o, "strict_au_percent", f->strict_au);
    put_real(o, "first_epoch_au_percent", f->first_au);
    put_real(o, "slowest_rank_au_percent", f->slowest_au);
    put_real(o, "samples_per_second", f->samples_per_second);
    put_real(o, "bytes_per_second", f->bytes_per_second);
    put_real(o, "batch_wait_p99_ns", f->wait_p99_ns);
    put_real(lost, "storage_percent", f->lost_storage);
    put_real(lost, "barrier_percent", f->lost_barrier);
    put_real(lost, "overshoot_percent", f->lost_overshoot);
    put_real(lost, "client_percent", f->lost_client);
    put_value(o, "lost", lost);
    put_text(o, "limited_by", sweep_side_name(limit.side));
    put_text(o, "limited_by_part", limit.part);
    put_text(o, "run_limited_by", f->limited_by);
    put_real(o, "cpu_machine_percent", f->cpu_machine);
    put_real(o, "cpu_run_percent", f->cpu_run);
    put_u64(o, "epochs", f->epochs);
    put_u64(o, "window_steps", f->window_steps);
    put_u64(o, "errors", f->errors);
    put_u64(o, "retries", f->retries);
    put_flag(o, "real_data", !f->no_data);
    put_flag(o, "may_be_cached", f->may_be_cached);
    put_real(o, "seconds", f->seconds);
}

static json_t *point_json(const struct sweep *s, const struct sweep_point *p)
{
    const struct sweep_run *shown = sweep_point_run(p);
    json_t *o = json_object(), *runs = json_array();

    put_u64(o, "accelerators", p->accelerators);
    put_flag(o, "passes", sweep_point_passes(s, p));
    put_u64(o, "run", (uint64_t)(shown - p->runs));
    put_figures(o, s, &shown->figures);
    for (uint32_t i = 0; i < p->run_count; i++) {
        json_t *run = json_object();

        put_text(run, "folder", p->runs[i].folder);
        put_flag(run, "stored", p->runs[i].is_stored);
        put_figures(run, s, &p->runs[i].figures);
        json_array_append_new(runs, run);
    }
    put_value(o, "runs", runs);
    return o;
}

static json_t *answer_json(const struct sweep *s)
{
    struct sweep_answer a = sweep_answer(s);
    json_t *o = json_object();
    struct str text = STR_EMPTY;

    sweep_answer_text(s, &text);
    put_text(o, "text", text.data);
    str_free(&text);
    put_u64(o, "accelerators", a.best ? a.best->accelerators : 0);
    put_flag(o, "is_final", s->state == SWEEP_DONE);
    put_flag(o, "at_least", a.best && !a.next);
    put_flag(o, "monotone", !a.missed);
    if (a.best)
        put_real(o, "au_percent", sweep_point_run(a.best)->figures.au);
    if (a.next) {
        const struct sweep_figures *f = &sweep_point_run(a.next)->figures;

        put_u64(o, "next", a.next->accelerators);
        put_real(o, "next_au_percent", f->au);
        put_text(o, "next_limited_by", sweep_side_name(sweep_limit_of(f, s->threshold).side));
    }
    return o;
}

static json_t *notes_json(const struct sweep *s)
{
    struct sweep_notes found = {0};
    json_t *list = json_array();

    sweep_result_notes(s, &found);
    for (uint32_t i = 0; i < s->notes.count; i++)
        json_array_append_new(list, put_new_text(s->notes.lines[i]));
    for (uint32_t i = 0; i < found.count; i++)
        json_array_append_new(list, put_new_text(found.lines[i]));
    sweep_notes_free(&found);
    return list;
}

static void put_asked(json_t *root, const struct sweep *s, const struct sweep_facts *facts)
{
    json_t *overrides = json_array(), *candidates = json_array(), *client = json_object();

    for (const char *const *o = facts->overrides; o && *o; o++)
        json_array_append_new(overrides, put_new_text(*o));
    for (uint32_t i = 0; i < s->range.count; i++)
        json_array_append_new(candidates, put_new_u64(s->range.values[i]));
    put_text(root, "workload", s->name);
    put_text(root, "config", facts->config);
    put_value(root, "overrides", overrides);
    put_text(root, "identity", facts->work->identity);
    put_real(root, "threshold_percent", s->threshold);
    put_text(root, "search", s->all ? "all" : "adaptive");
    put_value(root, "candidates", candidates);
    put_u64(root, "repeat", s->repeat);
    put_text(root, "repeat_rule", "median");
    put_text(client, "hostname", facts->hostname);
    put_real(client, "cpus", facts->cpus);
    put_real(client, "memory_bytes", facts->memory_bytes);
    put_value(root, "client", client);
}

json_t *sweep_json(const struct sweep *s, const struct sweep_facts *facts)
{
    json_t *root = json_object(), *points = json_array();

    put_u64(root, "schema", SCHEMA);
    put_text(root, "dlfw", DLFW_VERSION);
    put_text(root, "status", sweep_state_name(s));
    if (s->state == SWEEP_FAILED)
        put_text(root, "failure", s->failure.text);
    put_text(root, "started", facts->started);
    if (*facts->ended)
        put_text(root, "ended", facts->ended);
    put_real(root, "seconds", facts->seconds);
    put_asked(root, s, facts);
    put_value(root, "answer", answer_json(s));
    for (uint32_t i = 0; i < s->range.count; i++)
        if (s->points[i].run_count)
            json_array_append_new(points, point_json(s, &s->points[i]));
    put_value(root, "points", points);
    put_value(root, "notes", notes_json(s));
    return root;
}
