/* SPDX-License-Identifier: Apache-2.0 */
/* How far the ranks lie apart. Up to 64 ranks each is shown; beyond that quartiles and the slowest ones. */
#include <stdio.h>
#include <stdlib.h>

#include "view/chart.h"
#include "view/html_sections.h"
#include "view/html_text.h"

#define DOTS_MAX 64u
#define SLOWEST_SHOWN 16u
#define CHART_ROWS 7u /* the first of rank_measures */

static void add_box(struct str *out, double middle, const struct scale *scale, const struct view_spread *s,
                    enum figure_unit unit)
{
    double q1 = scale_at(scale, s->q1), q3 = scale_at(scale, s->q3);
    double min = scale_at(scale, s->min), max = scale_at(scale, s->max);
    char hover[224];

    snprintf(hover, sizeof hover, "a quarter below %s, median %s, a quarter above %s", figure_text(unit, s->q1).text,
             figure_text(unit, s->median).text, figure_text(unit, s->q3).text);
    str_add_format(out, "<line class=\"box\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%.1f\" y2=\"%.1f\"/>\n", 100 * min,
                   100 * max, middle, middle);
    chart_tick(out, "box", min, middle - 5, middle + 5);
    chart_tick(out, "box", max, middle - 5, middle + 5);
    chart_rect(out, "box", q1, middle - 8, q3 > q1 ? q3 - q1 : 0.002, 16, hover);
}

/* Below the line: the extremes, and whose they are. */
static void add_extremes(struct str *out, double y, const struct value_row *row, const struct view_spread *s)
{
    struct figure_text min = figure_text(row->unit, s->min), max = figure_text(row->unit, s->max);
    char low[128], high[128], both[288];

    snprintf(low, sizeof low, "%s, %s", min.text, row->name(row->ctx, s->min_at).text);
    snprintf(high, sizeof high, "%s, %s", max.text, row->name(row->ctx, s->max_at).text);
    snprintf(both, sizeof both, "%s to %s", low, high);
    chart_text(out, "", "start", 0, y, row->is_shared && s->max > s->min ? both : low);
    if (!row->is_shared && s->max > s->min)
        chart_text(out, "", "end", 1, y, high);
}

void html_value_row(struct str *out, double top, const struct value_row *row)
{
    struct view_spread s = view_spread_of(row->values, row->count);
    double middle = top + 28;
    char text[128];

    chart_text(out, "strong", "start", 0, top + 12, row->label);
    snprintf(text, sizeof text, "median %s", figure_text(row->unit, s.median).text);
    chart_text(out, "", "end", 1, top + 12, s.count ? text : "not known");
    chart_rule(out, "axis", middle);
    if (!s.count)
        return;
    if (s.count > DOTS_MAX)
        add_box(out, middle, row->scale, &s, row->unit);
    for (uint32_t i = 0; s.count <= DOTS_MAX && i < row->count; i++) {
        if (!is_known(row->values[i]))
            continue;
        snprintf(text, sizeof text, "%s: %s", row->name(row->ctx, i).text, figure_text(row->unit, row->values[i]).text);
        chart_dot(out, "dot", scale_at(row->scale, row->values[i]), middle, text);
    }
    chart_tick(out, "median", scale_at(row->scale, s.median), middle - 9, middle + 9);
    add_extremes(out, top + 48, row, &s);
}

static struct figure_text rank_name(const void *ctx, uint32_t index)
{
    const struct run_view *v = ctx;
    struct figure_text t;

    snprintf(t.text, sizeof t.text, "rank %lu", v->rank_list[index].rank);
    return t;
}

static struct view_spread measure_spread(const struct run_view *v, uint32_t measure, double *values)
{
    for (uint32_t i = 0; i < v->rank_count; i++)
        values[i] = v->rank_list[i].values[measure];
    return view_spread_of(values, v->rank_count);
}

static void add_chart(struct str *out, const struct run_view *v, double *values)
{
    struct str rows = STR_EMPTY, text = STR_EMPTY;
    double top = 0;

    for (uint32_t m = 0; m < CHART_ROWS; m++) {
        const struct rank_measure *measure = &rank_measures[m];
        struct view_spread s = measure_spread(v, m, values);
        struct scale scale;

        if (!s.count)
            continue;
        scale = scale_around(s.min, s.max);
        html_value_row(&rows, top,
                       &(struct value_row){.label = measure->label,
                                           .unit = measure->unit,
                                           .scale = &scale,
                                           .values = values,
                                           .count = v->rank_count,
                                           .name = rank_name,
                                           .ctx = v});
        str_add_format(&text, "%s%s %s to %s", top > 0 ? "; " : "", measure->label,
                       figure_text(measure->unit, s.min).text, figure_text(measure->unit, s.max).text);
        top += ROW_HEIGHT;
    }
    str_add(out, "<figure>\n");
    chart_begin(out, "wide", top, "Spread over the ranks", text.data);
    str_add_len(out, rows.data, rows.len);
    chart_end(out);
    str_add_format(out,
                   "<figcaption>%s; each row has its own axis from the smallest to the largest, whose ranks are named. "
                   "Dark line: median.</figcaption></figure>\n",
                   v->rank_count <= DOTS_MAX
                       ? "A dot is a rank"
                       : "Boxes hold the middle half of the ranks, whiskers reach to the extremes");
    str_free(&text);
    str_free(&rows);
}

static void add_spread_table(struct str *out, const struct run_view *v, double *values)
{
    html_table_begin(out, "Spread over the ranks",
                     "Figure|#Min|#Quarter below|#Median|#Quarter above|#Max|#Rank of min|#Rank of max");
    for (uint32_t m = 0; m < RANK_MEASURES; m++) {
        enum figure_unit unit = rank_measures[m].unit;
        struct view_spread s = measure_spread(v, m, values);
        const double shown[] = {s.min, s.q1, s.median, s.q3, s.max};

        if (!s.count)
            continue;
        html_row_head(out, rank_measures[m].label);
        for (uint32_t k = 0; k < sizeof shown / sizeof *shown; k++)
            html_number(out, figure_text(unit, shown[k]).text);
        str_add_format(out, "<td class=\"n\">%lu</td><td class=\"n\">%lu</td></tr>\n", v->rank_list[s.min_at].rank,
                       v->rank_list[s.max_at].rank);
    }
    html_table_end(out);
}

static double pace_of(const struct view_rank *r)
{
    return is_known(r->values[0]) ? r->values[0] : (double)INFINITY; /* AU */
}

static int by_pace(const void *a, const void *b)
{
    const struct view_rank *x = *(const struct view_rank *const *)a, *y = *(const struct view_rank *const *)b;

    if (pace_of(x) < pace_of(y) || pace_of(x) > pace_of(y))
        return pace_of(x) < pace_of(y) ? -1 : 1;
    return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static void add_rank_rows(struct str *out, const struct view_rank *const *ranks, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char number[24];

        snprintf(number, sizeof number, "%lu", ranks[i]->rank);
        html_row_head(out, number);
        html_cell(out, ranks[i]->host);
        for (uint32_t m = 0; m < RANK_MEASURES; m++)
            html_number(out, figure_text(rank_measures[m].unit, ranks[i]->values[m]).text);
        str_add(out, "</tr>\n");
    }
}

static void add_rank_table(struct str *out, const struct run_view *v)
{
    const struct view_rank **ranks = xcalloc(v->rank_count, sizeof *ranks);
    bool all = v->rank_count <= DOTS_MAX;
    struct str columns = STR_EMPTY;

    for (uint32_t i = 0; i < v->rank_count; i++)
        ranks[i] = &v->rank_list[i];
    if (!all)
        qsort(ranks, v->rank_count, sizeof *ranks, by_pace);
    str_add(&columns, "Rank|Host");
    for (uint32_t m = 0; m < RANK_MEASURES; m++)
        str_add_format(&columns, "|#%s", rank_measures[m].label);
    str_add_format(out, "<details><summary>%s</summary>\n", all ? "Every rank" : "The 16 ranks with the lowest AU");
    html_table_begin(out, all ? "Figures of every rank" : "Figures of the ranks with the lowest AU", columns.data);
    add_rank_rows(out, ranks, all ? v->rank_count : SLOWEST_SHOWN);
    html_table_end(out);
    str_add(out, "</details>\n");
    str_free(&columns);
    free(ranks);
}

void html_section_ranks(struct str *out, const struct run_view *v)
{
    double *values;

    if (v->rank_count < 2)
        return;
    values = xcalloc(v->rank_count, sizeof *values);
    html_section_begin(out, "ranks", "Spread over the ranks");
    add_chart(out, v, values);
    add_spread_table(out, v, values);
    add_rank_table(out, v);
    html_section_end(out);
    free(values);
}
