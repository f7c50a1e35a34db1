/* SPDX-License-Identifier: Apache-2.0 */
/* AU per epoch against the threshold, and the figures of each epoch. */
#include <stdio.h>
#include <stdlib.h>

#include "report/result_read.h"
#include "view/chart.h"
#include "view/html_sections.h"
#include "view/html_text.h"

#define AU_HEIGHT 180.0
#define EPOCHS_AS_BARS 60u
#define EPOCHS_IN_TABLE 200u
#define EPOCHS_UNFOLDED 24u

static double most_au(const struct run_view *v)
{
    double most = 100;

    for (uint32_t i = 0; i < v->epoch_count; i++) {
        most = v->epochs[i].au_percent > most ? v->epochs[i].au_percent : most;
        most = v->epochs[i].strict_au_percent > most ? v->epochs[i].strict_au_percent : most;
    }
    return most;
}

static void add_bar(struct str *out, const struct scale *y, const char *class, const char *label, uint64_t epoch,
                    double x, double width, double value)
{
    double height = AU_HEIGHT * scale_at(y, value);
    char hover[96];

    if (!is_known(value))
        return;
    snprintf(hover, sizeof hover, "epoch %lu, %s: %s", epoch, label, figure_text(FIGURE_PERCENT, value).text);
    chart_rect(out, class, x, AU_HEIGHT - height, width, height, hover);
}

static void add_bars(struct str *out, const struct run_view *v, const struct scale *y, bool has_strict)
{
    double part = 1.0 / v->epoch_count, width = part * (has_strict ? 0.36 : 0.6),
           left = part * (has_strict ? 0.13 : 0.2);

    for (uint32_t i = 0; i < v->epoch_count; i++) {
        const struct view_epoch *e = &v->epochs[i];

        add_bar(out, y, "au", "AU", e->epoch, i * part + left, width, e->au_percent);
        add_bar(out, y, "strictau", "strict AU", e->epoch, i * part + left + width, width, e->strict_au_percent);
    }
}

static void add_lines(struct str *out, const struct run_view *v, const struct scale *y)
{
    double *values = xcalloc(v->epoch_count, sizeof *values);

    for (uint32_t i = 0; i < v->epoch_count; i++)
        values[i] = v->epochs[i].au_percent;
    chart_line(out, "au", y, values, v->epoch_count, AU_HEIGHT);
    for (uint32_t i = 0; i < v->epoch_count; i++)
        values[i] = v->epochs[i].strict_au_percent;
    chart_line(out, "strictau", y, values, v->epoch_count, AU_HEIGHT);
    free(values);
}

static void add_numbers(struct str *out, const struct run_view *v)
{
    uint32_t every = 1 + (v->epoch_count - 1) / 10;

    for (uint32_t i = 0; i < v->epoch_count; i += every) {
        char number[24];

        snprintf(number, sizeof number, "%lu", v->epochs[i].epoch);
        chart_text(out, "", "middle", (i + 0.5) / v->epoch_count, AU_HEIGHT + 16, number);
    }
}

/* What was asked for, with its number in the right margin, where no bar is. */
static void add_threshold(struct str *out, const struct scale *y, double percent)
{
    double at = AU_HEIGHT * (1 - scale_at(y, percent));

    if (!is_known(percent))
        return;
    chart_rule(out, "threshold", at);
    str_add_format(out, "<text class=\"asked\" x=\"100%%\" dx=\"6\" y=\"%.1f\" dy=\"4\">%.4g %%</text>\n", at, percent);
}

static void add_chart(struct str *out, const struct run_view *v)
{
    struct scale y = scale_from_zero(most_au(v), 5);
    double strict = result_number(v->dlfw, VIEW_UNKNOWN, "au", "strict_percent", NULL);
    double *values = xcalloc(v->epoch_count, sizeof *values);
    struct str text = STR_EMPTY;
    bool has_strict = false;
    struct view_spread s;

    for (uint32_t i = 0; i < v->epoch_count; i++) {
        values[i] = v->epochs[i].au_percent;
        has_strict = has_strict || is_known(v->epochs[i].strict_au_percent);
    }
    s = view_spread_of(values, v->epoch_count);
    free(values);
    str_add_format(&text, "%u epochs, AU %.2f to %.2f %%", s.count, s.min, s.max);
    if (is_known(v->threshold_percent))
        str_add_format(&text, ", threshold %.4g %%", v->threshold_percent);
    str_add(out, "<figure>\n");
    chart_begin(out, "plot", AU_HEIGHT, "AU per epoch", text.data);
    chart_axis_y(out, &y, AU_HEIGHT, FIGURE_PERCENT, 1, CHART_LEFT);
    if (v->epoch_count <= EPOCHS_AS_BARS)
        add_bars(out, v, &y, has_strict);
    else
        add_lines(out, v, &y);
    add_numbers(out, v);
    add_threshold(out, &y, v->threshold_percent);
    chart_end(out);
    str_add(out, "<ul class=\"legend\"><li><i class=\"au\"></i>AU, as DLIO defines it</li>");
    if (has_strict)
        str_add(out, "<li><i class=\"strictau\"></i>strict AU</li>");
    if (is_known(v->threshold_percent))
        str_add(out, "<li><i class=\"asked\"></i>threshold (metric.au)</li>");
    str_add(out, "</ul><figcaption>");
    html_text(out, text.data);
    if (is_known(strict) && !has_strict)
        str_add_format(out, "; strict AU is known for the whole run only: %.2f %%", strict);
    str_add(out, ".</figcaption></figure>\n");
    str_free(&text);
}

static void add_table(struct str *out, const struct run_view *v)
{
    bool folded = v->epoch_count > EPOCHS_UNFOLDED;

    if (folded)
        str_add_format(out, "<details><summary>Figures of each of %u epochs</summary>\n", v->epoch_count);
    html_table_begin(
        out, "Figures of each epoch",
        "#Epoch|#AU|#Strict AU|#Samples/s|#Time|#Steps|#Bytes asked|#Page cache at start|#Data in it|Remark");
    for (uint32_t i = 0; i < v->epoch_count && i < EPOCHS_IN_TABLE; i++) {
        const struct view_epoch *e = &v->epochs[i];
        char number[24];

        snprintf(number, sizeof number, "%lu", e->epoch);
        str_add_format(out, "<tr><th scope=\"row\" class=\"n\">%s</th>", number);
        html_number(out, figure_text(FIGURE_PERCENT, e->au_percent).text);
        html_number(out, figure_text(FIGURE_PERCENT, e->strict_au_percent).text);
        html_number(out, figure_text(FIGURE_RATE, e->samples_per_second).text);
        html_number(out, figure_text(FIGURE_SECONDS, e->seconds).text);
        html_number(out, figure_text(FIGURE_COUNT, e->steps).text);
        html_number(out, figure_text(FIGURE_BYTES, e->bytes).text);
        html_number(out, figure_text(FIGURE_BYTES, e->page_cache).text);
        html_number(out, figure_text(FIGURE_PERCENT, e->resident_percent).text);
        html_cell(out, e->in_means ? "" : "does not count");
        str_add(out, "</tr>\n");
    }
    html_table_end(out);
    if (v->epoch_count > EPOCHS_IN_TABLE)
        str_add_format(out, "<p class=\"soft\">%u further epochs are in summary.json.</p>\n",
                       v->epoch_count - EPOCHS_IN_TABLE);
    if (folded)
        str_add(out, "</details>\n");
}

void html_section_epochs(struct str *out, const struct run_view *v)
{
    bool has_au = false;

    for (uint32_t i = 0; i < v->epoch_count; i++)
        has_au = has_au || is_known(v->epochs[i].au_percent);
    if (!v->epoch_count)
        return;
    html_section_begin(out, "epochs", "AU per epoch");
    if (has_au)
        add_chart(out, v);
    else
        str_add(out, "<p>No epoch has a measured window, so there is no AU.</p>\n");
    add_table(out, v);
    html_section_end(out);
}
