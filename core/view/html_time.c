/* SPDX-License-Identifier: Apache-2.0 */
/* Throughput over time, with what else happened. */
#include <stdio.h>
#include <stdlib.h>

#include "view/chart.h"
#include "view/html_sections.h"
#include "view/html_text.h"
#include "view/spread.h"

#define RATE_HEIGHT 220.0
#define WAIT_HEIGHT 70.0
#define EPOCHS_NUMBERED 12u
#define EPOCHS_MARKED 60u
#define MARK_WIDTH 0.002 /* at least, so that a short save is seen */

struct time_chart {
    const struct run_view *v;
    uint32_t bins, epochs, saves, loads, evals;
    double end_s;
    struct scale time;
    double train[TIMELINE_BINS], eval[TIMELINE_BINS], wait[TIMELINE_BINS];
    bool has_eval;
};

static void prepare(const struct run_view *v, struct time_chart *c)
{
    uint32_t *counts[] = {
        [MARK_EPOCH] = &c->epochs, [MARK_SAVE] = &c->saves, [MARK_LOAD] = &c->loads, [MARK_EVAL] = &c->evals};

    *c = (struct time_chart){.v = v, .bins = timeline_used(&v->timeline), .end_s = v->timeline.end_s};
    for (uint32_t i = 0; i < c->bins; i++) {
        bool eval = v->timeline.sums[TIMELINE_EVAL][i] > 0;

        c->train[i] = timeline_rate(&v->timeline, TIMELINE_TRAIN, i);
        c->eval[i] = eval ? timeline_rate(&v->timeline, TIMELINE_EVAL, i) : VIEW_UNKNOWN;
        c->wait[i] = timeline_wait_percent(&v->timeline, i);
        c->has_eval = c->has_eval || eval;
    }
    for (uint32_t i = 0; i < v->mark_count; i++)
        ++*counts[v->marks[i].kind];
    c->time = (struct scale){.max = c->end_s};
}

static double x_of(const struct time_chart *c, double s)
{
    return scale_at(&c->time, s);
}

/* Checkpoints and evaluations as bands, epochs as numbered lines. */
static void add_marks(struct str *out, const struct time_chart *c, double height, bool numbered)
{
    static const char *const classes[] = {
        [MARK_SAVE] = "mark save", [MARK_LOAD] = "mark load", [MARK_EVAL] = "mark eval"};
    static const char *const names[] = {[MARK_SAVE] = "save", [MARK_LOAD] = "load", [MARK_EVAL] = "evaluation"};

    for (uint32_t i = 0; i < c->v->mark_count; i++) {
        const struct view_mark *m = &c->v->marks[i];
        double x = x_of(c, m->start_s), width = x_of(c, m->end_s) - x;
        char hover[96];

        if (m->kind == MARK_EPOCH) {
            if (c->epochs > EPOCHS_MARKED || m->start_s > c->end_s)
                continue;
            chart_tick(out, "epoch", x, 0, height);
            if (numbered && c->epochs <= EPOCHS_NUMBERED)
                chart_text(out, "", x > 0.9 ? "end" : "start", x, -6, m->label);
            continue;
        }
        width = width < MARK_WIDTH ? MARK_WIDTH : width;
        snprintf(hover, sizeof hover, "%s in epoch %.20s, %s", names[m->kind], m->label,
                 figure_text(FIGURE_SECONDS, m->end_s - m->start_s).text);
        chart_rect(out, classes[m->kind], x > 1 - width ? 1 - width : x, 0, width, height, hover);
    }
}

static void add_hovers(struct str *out, const struct time_chart *c, double height)
{
    const struct timeline *t = &c->v->timeline;

    for (uint32_t i = 0; i < c->bins; i++) {
        char hover[224];
        double bytes = c->train[i] * c->v->bytes_per_sample;

        snprintf(hover, sizeof hover, "%s: %.4g/s%s%s%s%s", figure_text(FIGURE_SECONDS, i * t->width_s).text,
                 c->train[i], is_known(bytes) ? ", " : "",
                 is_known(bytes) ? figure_text(FIGURE_BYTES_RATE, bytes).text : "",
                 is_known(c->eval[i]) ? ", evaluation " : "",
                 is_known(c->eval[i]) ? figure_text(FIGURE_RATE, c->eval[i]).text : "");
        chart_rect(out, "hover", x_of(c, i * t->width_s), 0, t->width_s / c->end_s, height, hover);
    }
}

static void describe(struct str *text, const struct time_chart *c, const char *unit)
{
    double rates[TIMELINE_BINS];
    struct view_spread s;

    for (uint32_t i = 0; i < c->bins; i++)
        rates[i] = c->train[i] > 0 ? c->train[i] : VIEW_UNKNOWN;
    s = view_spread_of(rates, c->bins);
    str_add_format(
        text,
        "%u intervals of %s over %s; where there was training, median %.4g %s per second, the middle half %.4g "
        "to %.4g; %u saves, %u loads, %u evaluations",
        c->bins, figure_text(FIGURE_SECONDS, c->v->timeline.width_s).text, figure_text(FIGURE_SECONDS, c->end_s).text,
        s.median, unit, s.q1, s.q3, c->saves, c->loads, c->evals);
}

static void add_legend(struct str *out, const struct time_chart *c)
{
    str_add(out, "<ul class=\"legend\"><li><i class=\"train\"></i>training</li>");
    if (c->has_eval)
        str_add(out, "<li><i class=\"eval\"></i>evaluation</li>");
    if (c->saves)
        str_add(out, "<li><i class=\"save\"></i>checkpoint saved</li>");
    if (c->loads)
        str_add(out, "<li><i class=\"load\"></i>checkpoint loaded</li>");
    str_add(out, "</ul>\n");
}

static void add_rate_chart(struct str *out, const struct time_chart *c)
{
    const struct run_view *v = c->v;
    const char *unit = is_known(v->batch_size) ? "samples" : "steps";
    struct str text = STR_EMPTY;
    struct scale y;
    double most = 0;

    for (uint32_t i = 0; i < c->bins; i++) {
        most = c->train[i] > most ? c->train[i] : most;
        most = is_known(c->eval[i]) && c->eval[i] > most ? c->eval[i] : most;
    }
    y = scale_from_zero(most, 5);
    describe(&text, c, unit);
    str_add_format(out, "<figure>\n<p class=\"soft\">%s/s, left%s; epochs are numbered above</p>\n", unit,
                   is_known(v->bytes_per_sample) ? "; bytes/s, right" : "");
    chart_begin(out, "plot", RATE_HEIGHT, "Throughput over time", text.data);
    add_marks(out, c, RATE_HEIGHT, true);
    chart_axis_y(out, &y, RATE_HEIGHT, FIGURE_RATE, 1, CHART_LEFT);
    if (is_known(v->bytes_per_sample) && is_known(v->batch_size))
        chart_axis_y(out, &y, RATE_HEIGHT, FIGURE_BYTES_RATE, v->bytes_per_sample, CHART_RIGHT);
    chart_axis_time(out, &c->time, RATE_HEIGHT);
    chart_steps(out, "train", &y, c->train, c->bins, v->timeline.width_s / c->end_s, RATE_HEIGHT, true);
    if (c->has_eval)
        chart_steps(out, "eval", &y, c->eval, c->bins, v->timeline.width_s / c->end_s, RATE_HEIGHT, true);
    add_hovers(out, c, RATE_HEIGHT);
    chart_end(out);
    add_legend(out, c);
    str_add_format(out, "<figcaption>%u intervals of %s, all ranks. A step counts evenly over its time.", c->bins,
                   figure_text(FIGURE_SECONDS, v->timeline.width_s).text);
    if (is_known(v->bytes_per_sample))
        str_add_format(out, " Bytes at the mean of %s asked for per sample.",
                       figure_text(FIGURE_BYTES, v->bytes_per_sample).text);
    if (v->marks_left_out)
        str_add_format(out, " %u further epochs, checkpoints and evaluations are not marked.", v->marks_left_out);
    str_add(out, "</figcaption></figure>\n");
    str_free(&text);
}

static void add_wait_chart(struct str *out, const struct time_chart *c)
{
    struct scale y = {.max = 100};
    struct view_spread s = view_spread_of(c->wait, c->bins);
    struct str text = STR_EMPTY;

    str_add_format(&text, "from %s to %s of the time, median %s", figure_text(FIGURE_PERCENT, s.min).text,
                   figure_text(FIGURE_PERCENT, s.max).text, figure_text(FIGURE_PERCENT, s.median).text);
    str_add(out, "<h3>Waiting for batches</h3>\n<figure>\n");
    chart_begin(out, "plot", WAIT_HEIGHT, "Share of the time that ranks waited for batches", text.data);
    add_marks(out, c, WAIT_HEIGHT, false);
    chart_axis_y(out, &y, WAIT_HEIGHT, FIGURE_PERCENT, 1, CHART_LEFT);
    chart_axis_time(out, &c->time, WAIT_HEIGHT);
    chart_steps(out, "wait", &y, c->wait, c->bins, c->v->timeline.width_s / c->end_s, WAIT_HEIGHT, true);
    chart_end(out);
    str_add_format(out, "<figcaption>Share of the steps' time, all ranks: %s.</figcaption></figure>\n", text.data);
    str_free(&text);
}

void html_section_time(struct str *out, const struct run_view *v)
{
    struct time_chart *c;

    if (!timeline_used(&v->timeline))
        return;
    c = xmalloc(sizeof *c);
    prepare(v, c);
    html_section_begin(out, "time", "Throughput over time");
    add_rate_chart(out, c);
    add_wait_chart(out, c);
    html_section_end(out);
    free(c);
}
