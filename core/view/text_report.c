/* SPDX-License-Identifier: Apache-2.0 */
/* One screen and a half: what ran, how busy and how fast it was, where the time went, what to do. */
#include "view/text_report.h"

#include <string.h>

#include "base/utf8.h"
#include "report/result_read.h"
#include "report/units.h"
#include "view/cache_facts.h"

#define LABEL "  %-15s "
#define EPOCHS_SHOWN 24u
#define EPOCHS_AT_END 4u

void text_add(struct str *out, const char *text)
{
    utf8_add_escaped(out, text, strlen(text));
}

void text_add_count(struct str *out, double count, const char *thing)
{
    str_add_format(out, "%.0f %s%s", count, thing, count == 1 ? "" : "s");
}

static void add_pair(struct str *out, const char *label, const char *text)
{
    if (!text)
        return;
    str_add_format(out, LABEL, label);
    text_add(out, text);
    str_add(out, "\n");
}

static void add_head(struct str *out, const struct run_view *v)
{
    const char *start = result_text(v->summary, "start", NULL), *end = result_text(v->summary, "end", NULL);
    const char *failure = result_text(v->dlfw, "failure", "text", NULL);
    const char *version = result_text(v->dlfw, "version", NULL), *status = result_text(v->dlfw, "status", NULL);

    text_add(out, v->model ? v->model : "a run");
    if (v->storage_uri) {
        str_add(out, " on ");
        text_add(out, v->storage_uri);
    }
    if (is_known(v->ranks)) {
        str_add(out, ", ");
        text_add_count(out, v->ranks, "rank");
    }
    if (is_known(v->hosts)) {
        str_add(out, " on ");
        text_add_count(out, v->hosts, "host");
    }
    str_add(out, "\n");
    add_pair(out, "folder", v->folder);
    if (start && end) {
        str_add_format(out, LABEL, "time");
        text_add(out, start);
        str_add(out, " to ");
        text_add(out, end);
        str_add(out, "\n");
    }
    add_pair(out, "version", version);
    if (!v->ok) {
        str_add_format(out, LABEL, "ENDED EARLY");
        text_add(out, status);
        str_add(out, failure ? ": " : "");
        text_add(out, failure ? failure : "");
        str_add(out, "\n");
    }
}

static void add_figures(struct str *out, const struct run_view *v)
{
    for (uint32_t i = 0; i < run_figure_count; i++) {
        const struct run_figure *f = &run_figures[i];
        double value = run_figure_value(v, f);

        if (f->unit == FIGURE_NS || !figure_is_news(f->unit, value)) /* percentiles are in the table of stages */
            continue;
        str_add_format(out, LABEL "%s", f->label, figure_text(f->unit, value).text);
        if (i == 0 && is_known(v->threshold_percent))
            str_add_format(out, ", %s the %.2f %% asked for", value >= v->threshold_percent ? "meets" : "below",
                           v->threshold_percent);
        str_add(out, "\n");
    }
}

static void add_epoch(struct str *out, const struct view_epoch *e)
{
    str_add_format(
        out, "  %6lu %10s %10s %14s %10s %8s %11s%s\n", e->epoch, figure_text(FIGURE_PERCENT, e->au_percent).text,
        figure_text(FIGURE_PERCENT, e->strict_au_percent).text, figure_text(FIGURE_RATE, e->samples_per_second).text,
        figure_text(FIGURE_SECONDS, e->seconds).text, figure_text(FIGURE_COUNT, e->steps).text,
        figure_text(FIGURE_BYTES, e->bytes).text, e->in_means ? "" : "  does not count");
}

static void add_epochs(struct str *out, const struct run_view *v)
{
    if (!v->epoch_count)
        return;
    str_add_format(out, "\n  %6s %10s %10s %14s %10s %8s %11s\n", "epoch", "AU", "strict AU", "samples/s", "time",
                   "steps", "bytes");
    for (uint32_t i = 0; i < v->epoch_count; i++) {
        if (v->epoch_count > EPOCHS_SHOWN && i == EPOCHS_SHOWN - EPOCHS_AT_END) {
            uint32_t skipped = v->epoch_count - EPOCHS_SHOWN;

            str_add_format(out, "  ... %u more\n", skipped);
            i += skipped;
        }
        add_epoch(out, &v->epochs[i]);
    }
}

static void add_stages(struct str *out, const struct run_view *v)
{
    if (!v->stage_count)
        return;
    str_add_format(out, "\n  %-15s %10s %9s %9s %9s %9s %9s\n", "latency", "count", "p50", "p90", "p99", "p99.9",
                   "max");
    for (uint32_t i = 0; i < v->stage_count; i++) {
        const struct view_stage *s = &v->stages[i];

        str_add_format(out, "  %-15s %10s %9s %9s %9s %9s %9s\n", s->label, unit_count(s->count).text,
                       figure_text(FIGURE_NS, s->p50).text, figure_text(FIGURE_NS, s->p90).text,
                       figure_text(FIGURE_NS, s->p99).text, figure_text(FIGURE_NS, s->p999).text,
                       figure_text(FIGURE_NS, s->max).text);
    }
}

static void add_shares(struct str *out, const char *label, const struct view_shares *s)
{
    if (!s->count)
        return;
    str_add_format(out, LABEL, label);
    for (uint32_t i = 0; i < s->count; i++)
        str_add_format(out, "%s%s %s", i ? ", " : "", s->items[i].label,
                       figure_text(FIGURE_PERCENT, s->items[i].percent).text);
    str_add(out, "\n");
}

static void add_limits(struct str *out, const struct run_view *v)
{
    if (v->window.count)
        str_add(out, "\n");
    add_pair(out, "limited by", result_text(v->dlfw, "au", "limited_by", NULL));
    add_shares(out, "time went to", &v->window);
    add_shares(out, "AU was lost to", &v->lost);
}

static void add_ranks(struct str *out, const struct run_view *v)
{
    double *values = xcalloc(v->rank_count, sizeof *values);

    if (v->rank_count > 1)
        str_add_format(out, "\n  %-15s %12s %12s %12s\n", "over ranks", "min", "median", "max");
    for (uint32_t m = 0; v->rank_count > 1 && m < RANK_MEASURES; m++) {
        const struct rank_measure *row = &rank_measures[m];
        struct view_spread s;

        for (uint32_t i = 0; i < v->rank_count; i++)
            values[i] = v->rank_list[i].values[m];
        s = view_spread_of(values, v->rank_count);
        if (s.count)
            str_add_format(out, "  %-15s %12s %12s %12s  rank %lu ... %lu\n", row->label,
                           figure_text(row->unit, s.min).text, figure_text(row->unit, s.median).text,
                           figure_text(row->unit, s.max).text, v->rank_list[s.min_at].rank,
                           v->rank_list[s.max_at].rank);
    }
    free(values);
}

static void add_timeline(struct str *out, const struct run_view *v)
{
    double rates[TIMELINE_BINS];
    uint32_t used = timeline_used(&v->timeline);
    struct view_spread s;

    for (uint32_t i = 0; i < used; i++)
        rates[i] =
            v->timeline.sums[TIMELINE_TRAIN][i] > 0 ? timeline_rate(&v->timeline, TIMELINE_TRAIN, i) : VIEW_UNKNOWN;
    s = view_spread_of(rates, used);
    if (s.count > 1)
        str_add_format(out, LABEL "median %.2f %s/s, the middle half %.2f to %.2f, by %s\n", "over time", s.median,
                       is_known(v->batch_size) ? "samples" : "steps", s.q1, s.q3,
                       figure_text(FIGURE_SECONDS, v->timeline.width_s).text);
}

static void add_checkpoints(struct str *out, const struct run_view *v)
{
    for (uint32_t load = 0; load < 2; load++) {
        double stall = 0, longest = 0, bytes = 0;
        uint32_t count = 0;

        for (uint32_t i = 0; i < v->checkpoint_count; i++) {
            const struct view_checkpoint *c = &v->checkpoints[i];

            if (c->is_load != (load == 1) || !is_known(c->seconds))
                continue;
            count++;
            stall += is_known(c->stall_ns) ? c->stall_ns : 0;
            bytes += is_known(c->bytes) ? c->bytes : 0;
            longest = c->seconds > longest ? c->seconds : longest;
        }
        if (count) {
            str_add_format(out, LABEL "%u, %s in all, longest %s", load ? "loads" : "saves", count,
                           unit_bytes(bytes).text, figure_text(FIGURE_SECONDS, longest).text);
            if (v->epoch_count) /* training, then */
                str_add_format(out, ", training waited %s", figure_text(FIGURE_NS, stall).text);
            str_add(out, "\n");
        }
    }
}

static void add_notes(struct str *out, const struct run_view *v)
{
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(v->dlfw, "advice"), i, item)
    {
        if (!json_is_string(item))
            continue;
        str_add(out, "  note: ");
        text_add(out, json_string_value(item));
        str_add(out, "\n");
    }
    for (i = 0; i < v->missing_count; i++) {
        str_add(out, "  missing: ");
        text_add(out, v->missing[i]);
        str_add(out, "\n");
    }
}

void text_report(struct str *out, const struct run_view *v)
{
    struct cache_facts cache;

    add_head(out, v);
    add_figures(out, v);
    add_timeline(out, v);
    add_checkpoints(out, v);
    add_epochs(out, v);
    add_stages(out, v);
    add_ranks(out, v);
    add_limits(out, v);
    cache_facts_of(v, &cache);
    for (uint32_t i = 0; i < cache.count; i++)
        add_pair(out, i ? "" : "page cache", cache.lines[i]);
    add_notes(out, v);
}
