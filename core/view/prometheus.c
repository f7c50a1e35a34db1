/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gauges, because a finished run's figures do not count on: the next run of the same model replaces them. Invariant: a
 * family whose values are not known is left out whole, and every value is finite.
 */
#include "view/prometheus.h"

#include <string.h>

#include "base/utf8.h"
#include "report/result_read.h"

void prometheus_label(struct str *out, const char *text)
{
    struct str line = STR_EMPTY;

    utf8_add_escaped(&line, text, strlen(text));
    for (const char *c = line.data; *c; c++) {
        if (*c == '\\' || *c == '"')
            str_add_len(out, "\\", 1);
        str_add_len(out, c, 1);
    }
    str_free(&line);
}

static void add_family(struct str *out, const char *name, const char *type, const char *help)
{
    str_add_format(out, "# HELP dlfw_%s %s\n# TYPE dlfw_%s %s\n", name, help, name, type);
}

static void add_label(struct str *out, const char *key, const char *text)
{
    str_add_format(out, ",%s=\"", key);
    prometheus_label(out, text);
    str_add(out, "\"");
}

/* dlfw_NAME{model="..." */
static void begin_sample(struct str *out, const struct run_view *v, const char *name)
{
    str_add_format(out, "dlfw_%s{model=\"", name);
    prometheus_label(out, v->model ? v->model : "");
    str_add(out, "\"");
}

static void end_sample(struct str *out, double value)
{
    str_add_format(out, "} %.15g\n", value);
}

static void add_info(struct str *out, const struct run_view *v)
{
    static const struct {
        const char *label, *path[3];
    } rows[] = {{"version", {"dlfw", "version"}},
                {"status", {"dlfw", "status"}},
                {"scheme", {"dlfw", "storage", "scheme"}},
                {"limited_by", {"dlfw", "au", "limited_by"}},
                {"host", {"hostname"}},
                {"start", {"start"}}};

    add_family(out, "run_info", "gauge", "The run that the other figures are of; always 1.");
    begin_sample(out, v, "run_info");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *const *p = rows[i].path;
        const char *text = result_text(v->summary, p[0], p[1], p[1] ? p[2] : NULL, NULL);

        if (text)
            add_label(out, rows[i].label, text);
    }
    end_sample(out, 1);
}

static void add_number(struct str *out, const struct run_view *v, const char *name, const char *help, double value)
{
    if (!is_known(value))
        return;
    add_family(out, name, "gauge", help);
    begin_sample(out, v, name);
    end_sample(out, value);
}

static void add_figures(struct str *out, const struct run_view *v)
{
    add_number(out, v, "run_ok", "1 when the run ended well, else 0.", v->ok);
    add_number(out, v, "ranks", "Ranks of the run.", v->ranks);
    add_number(out, v, "hosts", "Hosts of the run.", v->hosts);
    add_number(out, v, "au_threshold_ratio", "Accelerator utilization that was asked for.", v->threshold_percent / 100);
    for (uint32_t i = 0; i < run_figure_count; i++) {
        const struct run_figure *f = &run_figures[i];

        if (f->metric)
            add_number(out, v, f->metric, f->help, figure_base(f->unit, run_figure_value(v, f)));
    }
}

static void add_shares(struct str *out, const struct run_view *v, const char *name, const char *help, const char *label,
                       const struct view_shares *s)
{
    if (s->count)
        add_family(out, name, "gauge", help);
    for (uint32_t i = 0; i < s->count; i++) {
        begin_sample(out, v, name);
        add_label(out, label, s->items[i].key);
        end_sample(out, s->items[i].percent / 100);
    }
}

/* Counts of operations are numbers below dlfw.io.requests. */
static void add_requests(struct str *out, const struct run_view *v)
{
    json_t *all = json_object_get(json_object_get(v->dlfw, "io"), "requests"), *count;
    const char *operation;

    if (!json_object_size(all))
        return;
    add_family(out, "requests", "gauge", "Storage requests of the whole run.");
    json_object_foreach(all, operation, count)
    {
        if (!json_is_number(count))
            continue;
        begin_sample(out, v, "requests");
        add_label(out, "operation", operation);
        end_sample(out, json_number_value(count));
    }
}

static void add_quantile(struct str *out, const struct run_view *v, const struct view_stage *s, const char *quantile,
                         double ns)
{
    if (!is_known(ns))
        return;
    begin_sample(out, v, "latency_seconds");
    add_label(out, "stage", s->key);
    add_label(out, "quantile", quantile);
    end_sample(out, ns / 1e9);
}

static void add_stages(struct str *out, const struct run_view *v)
{
    if (v->stage_count)
        add_family(out, "latency_seconds", "summary", "Duration of the stages of loading, all ranks.");
    for (uint32_t i = 0; i < v->stage_count; i++) {
        const struct view_stage *s = &v->stages[i];

        add_quantile(out, v, s, "0.5", s->p50);
        add_quantile(out, v, s, "0.9", s->p90);
        add_quantile(out, v, s, "0.99", s->p99);
        add_quantile(out, v, s, "0.999", s->p999);
        add_quantile(out, v, s, "1", s->max);
        if (is_known(s->mean * s->count)) {
            begin_sample(out, v, "latency_seconds_sum");
            add_label(out, "stage", s->key);
            end_sample(out, s->mean * s->count / 1e9);
        }
        begin_sample(out, v, "latency_seconds_count");
        add_label(out, "stage", s->key);
        end_sample(out, s->count);
    }
}

/* One family per measure. */
static void add_ranks(struct str *out, const struct run_view *v)
{
    for (uint32_t m = 0; m < RANK_MEASURES; m++) {
        const struct rank_measure *measure = &rank_measures[m];
        char name[64];
        bool begun = false;

        snprintf(name, sizeof name, "rank_%s", measure->metric);
        for (uint32_t i = 0; i < v->rank_count; i++) {
            const struct view_rank *r = &v->rank_list[i];

            if (!is_known(r->values[m]))
                continue;
            if (!begun)
                add_family(out, name, "gauge", measure->help);
            begun = true;
            begin_sample(out, v, name);
            str_add_format(out, ",rank=\"%lu\"", r->rank);
            if (r->host)
                add_label(out, "host", r->host);
            end_sample(out, figure_base(measure->unit, r->values[m]));
        }
    }
}

void prometheus_report(struct str *out, const struct run_view *v)
{
    add_info(out, v);
    add_figures(out, v);
    add_shares(out, v, "window_ratio", "Where the time of the measured window went.", "part", &v->window);
    add_shares(out, v, "lost_au_ratio", "What strict accelerator utilization was lost to.", "cause", &v->lost);
    add_requests(out, v);
    add_stages(out, v);
    add_ranks(out, v);
}
