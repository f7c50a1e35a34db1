/* SPDX-License-Identifier: Apache-2.0 */
/* Latency percentiles per stage. */
#include <stdio.h>

#include "report/units.h"
#include "view/chart.h"
#include "view/html_sections.h"
#include "view/html_text.h"

#define STAGE_HEIGHT 30.0
#define STAGE_BAR 16.0

static struct scale scale_of(const struct run_view *v)
{
    double min = INFINITY, max = 0;

    for (uint32_t i = 0; i < v->stage_count; i++) {
        const struct view_stage *s = &v->stages[i];

        min = s->p50 > 0 && s->p50 < min ? s->p50 : min;
        max = s->max > max ? s->max : max;
        max = s->p99 > max ? s->p99 : max;
    }
    /* a bar from the lowest decade on, so that the shortest one is seen as well */
    return scale_decades(isfinite(min) ? min / 2 : 1, max);
}

static void add_stage(struct str *out, const struct view_stage *s, const struct scale *x, double top)
{
    static const char *const classes[] = {"stage p99", "stage p90", "stage p50"};
    const double values[] = {s->p99, s->p90, s->p50};
    const char *const names[] = {"p99", "p90", "p50"};
    char hover[96];

    str_add_format(out, "<text class=\"strong\" text-anchor=\"end\" x=\"0\" dx=\"-8\" y=\"%.1f\">",
                   top + STAGE_BAR - 4);
    html_text(out, s->label);
    str_add(out, "</text>\n");
    for (uint32_t i = 0; i < 3; i++) {
        double from = i < 2 && is_known(values[i + 1]) ? scale_at(x, values[i + 1]) : 0;

        if (!is_known(values[i]))
            continue;
        snprintf(hover, sizeof hover, "%s %s: %s", s->label, names[i], figure_text(FIGURE_NS, values[i]).text);
        if (scale_at(x, values[i]) > from)
            chart_rect(out, classes[i], from, top, scale_at(x, values[i]) - from, STAGE_BAR, hover);
    }
    if (is_known(s->max))
        chart_tick(out, "max", scale_at(x, s->max), top - 1, top + STAGE_BAR + 1);
    str_add_format(out, "<text text-anchor=\"start\" x=\"100%%\" dx=\"8\" y=\"%.1f\">", top + STAGE_BAR - 4);
    html_text(out, figure_text(FIGURE_NS, s->p99).text);
    str_add(out, "</text>\n");
}

static void add_chart(struct str *out, const struct run_view *v)
{
    double height = STAGE_HEIGHT * v->stage_count + 4;
    struct scale x = scale_of(v);
    struct str text = STR_EMPTY;

    for (uint32_t i = 0; i < v->stage_count; i++)
        str_add_format(&text, "%s%s p50 %s, p99 %s", i ? "; " : "", v->stages[i].label,
                       figure_text(FIGURE_NS, v->stages[i].p50).text, figure_text(FIGURE_NS, v->stages[i].p99).text);
    str_add(out, "<figure>\n");
    chart_begin(out, "bars", height, "Latency of the stages", text.data);
    chart_axis_x(out, &x, height, FIGURE_NS);
    for (uint32_t i = 0; i < v->stage_count; i++)
        add_stage(out, &v->stages[i], &x, STAGE_HEIGHT * i + 6);
    chart_end(out);
    str_add(
        out,
        "<ul class=\"legend\"><li><i class=\"stage p50\"></i>to p50</li><li><i class=\"stage p90\"></i>to p90</li>"
        "<li><i class=\"stage p99\"></i>to p99, whose figure is at the right</li><li>line: longest</li></ul>"
        "<figcaption>Logarithmic; all ranks, training, evaluation and generation together.</figcaption></figure>\n");
    str_free(&text);
}

void html_section_stages(struct str *out, const struct run_view *v)
{
    if (!v->stage_count)
        return;
    html_section_begin(out, "stages", "Latency of the stages");
    add_chart(out, v);
    html_table_begin(out, "Latency percentiles per stage", "Stage|#Count|#Mean|#p50|#p90|#p99|#p99.9|#Longest");
    for (uint32_t i = 0; i < v->stage_count; i++) {
        const struct view_stage *s = &v->stages[i];
        const double values[] = {s->mean, s->p50, s->p90, s->p99, s->p999, s->max};

        html_row_head(out, s->label);
        html_number(out, unit_count(s->count).text);
        for (uint32_t k = 0; k < sizeof values / sizeof *values; k++)
            html_number(out, figure_text(FIGURE_NS, values[k]).text);
        str_add(out, "</tr>\n");
    }
    html_table_end(out);
    html_section_end(out);
}
