/* SPDX-License-Identifier: Apache-2.0 */
/* Two runs side by side: A is the one that the rest of the page is about. */
#include <stdio.h>
#include <stdlib.h>

#include "report/result_read.h"
#include "view/chart.h"
#include "view/html_sections.h"
#include "view/html_text.h"
#include "view/text_report.h"

#define KEYS_SHOWN 500u
#define VALUE_SHOWN 300u

static void add_run(struct str *out, const char *name, const struct run_view *v)
{
    const char *start = result_text(v->summary, "start", NULL);

    str_add_format(out, "<li><strong>%s</strong>: ", name);
    html_text(out, v->model ? v->model : "a run");
    str_add(out, " in <code>");
    html_text(out, v->folder);
    str_add(out, "</code>");
    str_add(out, start ? ", " : "");
    html_text(out, start);
    if (is_known(v->ranks)) {
        str_add(out, ", ");
        text_add_count(out, v->ranks, "rank");
    }
    str_add(out, v->ok ? "</li>\n" : ", ended early</li>\n");
}

static void add_verdicts(struct str *out, const struct comparison *c)
{
    str_add(out, "<ul class=\"lines\">\n");
    for (uint32_t i = 0; i < c->row_count; i++) {
        struct str line = STR_EMPTY;

        if (!c->rows[i].judged)
            continue;
        compare_add_verdict(&line, &c->rows[i]);
        str_add(out, "<li>");
        html_text(out, line.data);
        str_add(out, ".</li>\n");
        str_free(&line);
    }
    str_add(out, "</ul>\n<p class=\"soft\">");
    html_text(out, compare_method);
    str_add(out, "</p>\n");
}

static void add_figures(struct str *out, const struct comparison *c)
{
    html_table_begin(out, "Figures of both runs", "Figure|#A|#B|#B / A|Difference");
    for (uint32_t i = 0; i < c->row_count; i++) {
        const struct compare_row *row = &c->rows[i];
        char ratio[32];

        snprintf(ratio, sizeof ratio, is_known(row->ratio) ? "%.4g" : "-", row->ratio);
        html_row_head(out, row->figure->label);
        html_number(out, figure_text(row->figure->unit, row->a).text);
        html_number(out, figure_text(row->figure->unit, row->b).text);
        html_number(out, ratio);
        html_cell(out, !row->judged                               ? ""
                       : row->judgement.verdict == VERDICT_LARGER ? "larger than the spread of epochs"
                       : row->judgement.verdict == VERDICT_WITHIN ? "within the spread of epochs"
                                                                  : "cannot be judged");
        str_add(out, "</tr>\n");
    }
    html_table_end(out);
}

static struct figure_text epoch_name(const void *ctx, uint32_t index)
{
    const struct run_view *v = ctx;
    struct figure_text t;

    snprintf(t.text, sizeof t.text, "epoch %lu", v->epochs[index].epoch);
    return t;
}

static void add_row(struct str *out, double top, const char *label, const struct run_view *v, const struct scale *scale)
{
    const struct run_figure *rate = run_figure_find("samples_per_second");
    double *values = xcalloc(v->epoch_count, sizeof *values);

    for (uint32_t i = 0; i < v->epoch_count; i++)
        values[i] = compare_epoch_value(rate, &v->epochs[i]);
    html_value_row(out, top,
                   &(struct value_row){.label = label,
                                       .unit = FIGURE_RATE,
                                       .scale = scale,
                                       .is_shared = true,
                                       .values = values,
                                       .count = v->epoch_count,
                                       .name = epoch_name,
                                       .ctx = v});
    free(values);
}

/* The epochs of both runs on one axis: whether they overlap is what the judgement is about. */
static void add_chart(struct str *out, const struct comparison *c)
{
    const struct run_figure *rate = run_figure_find("samples_per_second");
    double min = INFINITY, max = -INFINITY;
    struct scale scale;

    for (uint32_t side = 0; side < 2; side++) {
        const struct run_view *v = side ? c->b : c->a;

        for (uint32_t i = 0; i < v->epoch_count; i++) {
            double value = compare_epoch_value(rate, &v->epochs[i]);

            if (!is_known(value))
                continue;
            min = value < min ? value : min;
            max = value > max ? value : max;
        }
    }
    if (min > max)
        return;
    scale = scale_around(min, max);
    str_add(out, "<figure>\n");
    chart_begin(out, "wide", 2 * ROW_HEIGHT, "Samples per second of the epochs of both runs",
                "the table below has the figures");
    add_row(out, 0, "A", c->a, &scale);
    add_row(out, ROW_HEIGHT, "B", c->b, &scale);
    chart_end(out);
    str_add(out,
            "<figcaption>Samples per second of each epoch that counts, both runs on one axis.</figcaption></figure>\n");
}

static void add_value(struct str *out, const char *value)
{
    str_add(out, "<td class=\"long\">");
    if (value)
        html_text_cut(out, value, VALUE_SHOWN);
    else
        str_add(out, "<span class=\"soft\">not set</span>");
    str_add(out, "</td>");
}

static void add_keys(struct str *out, const struct comparison *c)
{
    str_add_format(out, "<h3>Configuration</h3>\n");
    if (!c->keys_known) {
        str_add(out, "<p>Not compared: one of the runs has no stored configuration.</p>\n");
        return;
    }
    str_add_format(out, "<p>%u keys differ, the results folder aside.</p>\n", c->key_count);
    if (!c->key_count)
        return;
    html_table_begin(out, "Keys of the configurations that differ", "Key|A|B");
    for (uint32_t i = 0; i < c->key_count && i < KEYS_SHOWN; i++) {
        html_row_head(out, c->keys[i].key);
        add_value(out, c->keys[i].a);
        add_value(out, c->keys[i].b);
        str_add(out, "</tr>\n");
    }
    html_table_end(out);
    if (c->key_count > KEYS_SHOWN)
        str_add_format(out, "<p class=\"soft\">%u more are not shown.</p>\n", c->key_count - KEYS_SHOWN);
}

void html_section_compare(struct str *out, const struct comparison *c)
{
    html_section_begin(out, "comparison", "Comparison");
    str_add(out, "<ul class=\"lines\">\n");
    add_run(out, "A", c->a);
    add_run(out, "B", c->b);
    str_add(out, "</ul>\n<p>The rest of this page is about A.</p>\n");
    add_verdicts(out, c);
    add_chart(out, c);
    add_figures(out, c);
    add_keys(out, c);
    for (uint32_t i = 0; i < c->b->missing_count; i++) {
        str_add(out, "<p class=\"soft\">Missing in B: ");
        html_text(out, c->b->missing[i]);
        str_add(out, "</p>\n");
    }
    html_section_end(out);
}
