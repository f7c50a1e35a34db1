/* SPDX-License-Identifier: Apache-2.0 */
/* The same rule as in summary.json: what is not known has no key. */
#include "view/json_report.h"

#include <stdlib.h>

#include "report/json_put.h"
#include "report/result_read.h"
#include "view/cache_facts.h"

static json_t *figures_json(const struct run_view *v)
{
    json_t *o = json_object();

    for (uint32_t i = 0; i < run_figure_count; i++)
        put_real(o, run_figures[i].key, run_figure_value(v, &run_figures[i]));
    return o;
}

static json_t *epochs_json(const struct run_view *v)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < v->epoch_count; i++) {
        const struct view_epoch *e = &v->epochs[i];
        json_t *o = json_object();

        put_u64(o, "epoch", e->epoch);
        put_flag(o, "in_means", e->in_means);
        put_real(o, "seconds", e->seconds);
        put_real(o, "steps", e->steps);
        put_real(o, "au_percent", e->au_percent);
        put_real(o, "strict_au_percent", e->strict_au_percent);
        put_real(o, "samples_per_second", e->samples_per_second);
        put_real(o, "bytes_asked", e->bytes);
        put_real(o, "page_cache_bytes", e->page_cache);
        put_real(o, "resident_percent", e->resident_percent);
        put_real(o, "resident_files_looked_at", e->resident_files);
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *stages_json(const struct run_view *v)
{
    json_t *all = json_object();

    for (uint32_t i = 0; i < v->stage_count; i++) {
        const struct view_stage *s = &v->stages[i];
        json_t *o = json_object();

        put_real(o, "count", s->count);
        put_real(o, "mean", s->mean);
        put_real(o, "p50", s->p50);
        put_real(o, "p90", s->p90);
        put_real(o, "p99", s->p99);
        put_real(o, "p999", s->p999);
        put_real(o, "max", s->max);
        put_value(all, s->key, o);
    }
    return all;
}

static json_t *shares_json(const struct view_shares *s)
{
    json_t *o = json_object();

    for (uint32_t i = 0; i < s->count; i++)
        put_real(o, s->items[i].key, s->items[i].percent);
    return o;
}

static json_t *spreads_json(const struct run_view *v)
{
    double *values = xcalloc(v->rank_count, sizeof *values);
    json_t *all = json_object();

    for (uint32_t m = 0; m < RANK_MEASURES; m++) {
        struct view_spread s;
        json_t *o;

        for (uint32_t i = 0; i < v->rank_count; i++)
            values[i] = v->rank_list[i].values[m];
        s = view_spread_of(values, v->rank_count);
        if (!s.count)
            continue;
        o = json_object();
        put_u64(o, "count", s.count);
        put_real(o, "min", s.min);
        put_real(o, "q1", s.q1);
        put_real(o, "median", s.median);
        put_real(o, "q3", s.q3);
        put_real(o, "max", s.max);
        put_u64(o, "min_rank", v->rank_list[s.min_at].rank);
        put_u64(o, "max_rank", v->rank_list[s.max_at].rank);
        put_value(all, rank_measures[m].key, o);
    }
    free(values);
    return all;
}

static json_t *timeline_json(const struct run_view *v)
{
    uint32_t used = timeline_used(&v->timeline);
    json_t *o = json_object(), *train = json_array(), *eval = json_array(), *wait = json_array();

    for (uint32_t i = 0; i < used; i++) {
        double waited = timeline_wait_percent(&v->timeline, i);

        json_array_append_new(train, json_real(timeline_rate(&v->timeline, TIMELINE_TRAIN, i)));
        json_array_append_new(eval, json_real(timeline_rate(&v->timeline, TIMELINE_EVAL, i)));
        json_array_append_new(wait, is_known(waited) ? json_real(waited) : json_null());
    }
    put_real(o, "bin_seconds", v->timeline.width_s);
    put_text(o, "unit", is_known(v->batch_size) ? "samples_per_second" : "steps_per_second");
    put_real(o, "bytes_per_sample", v->bytes_per_sample);
    put_value(o, "train", train);
    put_value(o, "eval", eval);
    put_value(o, "batch_wait_percent", wait);
    return o;
}

static json_t *config_json(const struct stored_keys *k)
{
    json_t *o = json_object();

    for (uint32_t i = 0; i < k->count; i++)
        put_text(o, k->items[i].key, k->items[i].value);
    return o;
}

static json_t *cache_json(const struct run_view *v)
{
    json_t *o = json_object(), *lines = json_array();
    struct cache_facts f;

    cache_facts_of(v, &f);
    put_real(o, "host_memory_bytes", f.memory_bytes);
    put_real(o, "data_bytes_per_host", f.data_bytes);
    put_real(o, "page_cache_first_epoch_bytes", f.first_cache);
    put_real(o, "page_cache_last_epoch_bytes", f.last_cache);
    put_real(o, "resident_first_epoch_percent", f.first_resident);
    put_real(o, "resident_last_epoch_percent", f.last_resident);
    put_real(o, "resident_most_percent", f.most_resident);
    for (uint32_t i = 0; i < f.count; i++)
        json_array_append_new(lines, put_new_text(f.lines[i]));
    put_value(o, "known", lines);
    return o;
}

static json_t *missing_json(const struct run_view *v)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < v->missing_count; i++)
        json_array_append_new(list, put_new_text(v->missing[i]));
    return list;
}

static json_t *row_json(const struct compare_row *row)
{
    const struct judgement *j = &row->judgement;
    json_t *o = json_object();

    put_text(o, "figure", row->figure->key);
    put_real(o, "a", row->a);
    put_real(o, "b", row->b);
    put_real(o, "ratio", row->ratio);
    if (!row->judged)
        return o;
    put_text(o, "difference", verdict_name(j->verdict));
    put_real(o, "may_be_chance", j->noise);
    put_u64(o, "epochs_a", j->a_count);
    put_u64(o, "epochs_b", j->b_count);
    return o;
}

static json_t *comparison_json(const struct comparison *c)
{
    json_t *o = json_object(), *rows = json_array(), *keys = json_array();

    for (uint32_t i = 0; i < c->row_count; i++)
        json_array_append_new(rows, row_json(&c->rows[i]));
    for (uint32_t i = 0; i < c->key_count; i++) {
        json_t *key = json_object();

        put_text(key, "key", c->keys[i].key);
        put_text(key, "a", c->keys[i].a);
        put_text(key, "b", c->keys[i].b);
        json_array_append_new(keys, key);
    }
    put_text(o, "folder", c->b->folder);
    put_text(o, "judged_by", compare_method);
    put_value(o, "figures", rows);
    put_flag(o, "configurations_known", c->keys_known);
    put_value(o, "configuration_differences", keys);
    put_value(o, "missing", missing_json(c->b));
    return o;
}

json_t *json_report(const struct run_view *v, const struct comparison *c)
{
    const json_t *advice = json_object_get(v->dlfw, "advice");
    json_t *o = json_object();

    put_text(o, "folder", v->folder);
    put_text(o, "model", v->model);
    put_text(o, "storage", v->storage_uri);
    put_text(o, "start", result_text(v->summary, "start", NULL));
    put_text(o, "end", result_text(v->summary, "end", NULL));
    put_text(o, "version", result_text(v->dlfw, "version", NULL));
    put_text(o, "status", result_text(v->dlfw, "status", NULL));
    put_text(o, "failure", result_text(v->dlfw, "failure", "text", NULL));
    put_real(o, "ranks", v->ranks);
    put_real(o, "hosts", v->hosts);
    put_real(o, "threshold_percent", v->threshold_percent);
    put_text(o, "limited_by", result_text(v->dlfw, "au", "limited_by", NULL));
    put_value(o, "figures", figures_json(v));
    put_value(o, "epochs", epochs_json(v));
    put_value(o, "latency_ns", stages_json(v));
    put_value(o, "window_percent", shares_json(&v->window));
    put_value(o, "lost_au_percent", shares_json(&v->lost));
    put_value(o, "over_ranks", spreads_json(v));
    put_value(o, "over_time", timeline_json(v));
    put_value(o, "page_cache", cache_json(v));
    put_value(o, "advice", json_is_array(advice) ? json_deep_copy(advice) : json_array());
    put_value(o, "configuration", config_json(&v->config));
    put_value(o, "missing", missing_json(v));
    if (c)
        put_value(o, "comparison", comparison_json(c));
    return o;
}
