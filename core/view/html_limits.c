/* SPDX-License-Identifier: Apache-2.0 */
/* What limited AU, where it was lost, and the advice of the run. */
#include <stdio.h>
#include <string.h>

#include "report/result_read.h"
#include "view/chart.h"
#include "view/html_sections.h"
#include "view/html_text.h"

#define BAR_HEIGHT 28.0
#define ADVICE_MAX 50u

static const char *words_of(const char *limit)
{
    static const char *const rows[][2] = {
        {"compute", "compute: less than 1 % of the time was lost"},
        {"storage", "storage: batches came late because of it"},
        {"decode", "decoding: the read threads were busy with it"},
        {"prefetch", "prefetching: the read threads waited for memory or a free slot"},
        {"barrier", "barriers: ranks waited for the slowest one"},
        {"hooks", "hooks"},
        {"loop", "the loop itself: time went by between the steps"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(limit, rows[i][0]) == 0)
            return rows[i][1];
    return limit;
}

/* Parts of one bar, begun at x = 0; whole is what its length stands for. */
static void add_parts(struct str *out, const struct view_share *parts, uint32_t count, double whole)
{
    double x = 0;

    for (uint32_t i = 0; i < count; i++) {
        double width = parts[i].percent > 0 && whole > 0 ? parts[i].percent / whole : 0;
        char hover[96];

        width = x + width > 1 ? 1 - x : width;
        snprintf(hover, sizeof hover, "%s: %s", parts[i].label, figure_text(FIGURE_PERCENT, parts[i].percent).text);
        chart_rect(out, parts[i].key, x, 0, width, BAR_HEIGHT, hover);
        x += width;
    }
}

static void describe(struct str *text, const struct view_share *parts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        str_add_format(text, "%s%s %s", i ? ", " : "", parts[i].label,
                       figure_text(FIGURE_PERCENT, parts[i].percent).text);
}

static void add_bar(struct str *out, const char *title, const struct view_share *parts, uint32_t count, double whole)
{
    struct str text = STR_EMPTY;

    describe(&text, parts, count);
    str_add_format(out, "<h3>%s</h3>\n", title);
    chart_begin(out, "wide", BAR_HEIGHT, title, text.data);
    chart_rect(out, "track", 0, 0, 1, BAR_HEIGHT, NULL);
    add_parts(out, parts, count, whole);
    chart_end(out);
    str_free(&text);
}

static void add_legend(struct str *out, const struct view_share *parts, uint32_t count)
{
    str_add(out, "<ul class=\"legend\">");
    for (uint32_t i = 0; i < count; i++)
        str_add_format(out, "<li><i class=\"%s\"></i>%s %s</li>", parts[i].key, parts[i].label,
                       figure_text(FIGURE_PERCENT, parts[i].percent).text);
    str_add(out, "</ul>\n");
}

static void add_lost(struct str *out, const struct run_view *v)
{
    double strict = result_number(v->dlfw, VIEW_UNKNOWN, "au", "strict_percent", NULL), lost = 0;
    struct view_share parts[VIEW_SHARES_MAX + 1];
    uint32_t count = v->lost.count;

    if (!count || !is_known(strict))
        return;
    parts[0] = (struct view_share){"strict", "strict AU", strict};
    for (uint32_t i = 0; i < count; i++) {
        parts[i + 1] = v->lost.items[i];
        lost += v->lost.items[i].percent > 0 ? v->lost.items[i].percent : 0;
    }
    str_add(out, "<figure>\n");
    add_bar(out, "Where AU was lost", parts, count + 1, strict + lost);
    if (lost > 0 && lost < 25)
        add_bar(out, "The lost part alone, enlarged", parts + 1, count, lost);
    add_legend(out, parts, count + 1);
    str_add(out,
            "<figcaption>Of the time of the slowest rank in every epoch, all ranks together. Overshoot is compute "
            "that took longer than asked; client is hooks, the loop and the ends of epochs.</figcaption></figure>\n");
}

static void add_window(struct str *out, const struct run_view *v)
{
    double sum = 0;

    if (!v->window.count)
        return;
    for (uint32_t i = 0; i < v->window.count; i++)
        sum += v->window.items[i].percent > 0 ? v->window.items[i].percent : 0;
    str_add(out, "<figure>\n");
    add_bar(out, "Where the time of the measured window went", v->window.items, v->window.count, sum > 100 ? sum : 100);
    add_legend(out, v->window.items, v->window.count);
    str_add(out, "<figcaption>Compute is here what was measured, overshoot included.</figcaption></figure>\n");
}

static void add_advice(struct str *out, const struct run_view *v, bool headed)
{
    const json_t *list = json_object_get(v->dlfw, "advice"), *item;
    size_t i;

    if (!json_array_size(list)) {
        if (v->dlfw)
            str_add(out, "<p class=\"soft\">The run has no advice to give.</p>\n");
        return;
    }
    str_add(out, headed ? "<h3>Advice</h3>\n<ul class=\"lines\">\n" : "<ul class=\"lines\">\n");
    json_array_foreach(list, i, item)
    {
        if (i == ADVICE_MAX) {
            str_add_format(out, "<li>%zu more are in summary.json</li>\n", json_array_size(list) - i);
            break;
        }
        str_add(out, "<li>");
        html_text(out, json_string_value(item));
        str_add(out, "</li>\n");
    }
    str_add(out, "</ul>\n");
}

void html_section_limits(struct str *out, const struct run_view *v)
{
    const char *limit = result_text(v->dlfw, "au", "limited_by", NULL);

    if (!limit && !v->window.count && !v->lost.count && !json_array_size(json_object_get(v->dlfw, "advice")))
        return;
    html_section_begin(out, "limits", limit ? "What limited AU" : "Advice");
    if (limit) {
        str_add(out, "<p>Limited by <strong>");
        html_text(out, words_of(limit));
        str_add(out, "</strong>.</p>\n");
    }
    add_lost(out, v);
    add_window(out, v);
    add_advice(out, v, limit || v->window.count || v->lost.count);
    html_section_end(out);
}
