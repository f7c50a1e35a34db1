/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "report/units.h"
#include "view/chart.h"
#include "view/html_text.h"

#define PIXELS_PER_TICK 36.0
#define X_TICKS 5u
#define TIME_TICKS 5u

/* Ticks are round numbers: "4.00k" says no more than "4k". */
static void cut_zeros(char *text)
{
    char *point = strchr(text, '.');
    size_t digits = point ? strspn(point + 1, "0123456789") : 0, zeros = 0;

    while (zeros < digits && point[digits - zeros] == '0')
        zeros++;
    if (!zeros)
        return;
    if (zeros == digits) /* the point goes as well */
        memmove(point, point + 1 + digits, strlen(point + 1 + digits) + 1);
    else
        memmove(point + 1 + digits - zeros, point + 1 + digits, strlen(point + 1 + digits) + 1);
}

/* "20 %", "1.5k", "3 ms": as short as an axis wants it. */
static struct figure_text tick_text(enum figure_unit unit, double value)
{
    struct figure_text t;

    if (unit == FIGURE_PERCENT)
        snprintf(t.text, sizeof t.text, "%.4g %%", value);
    else if (unit != FIGURE_RATE && unit != FIGURE_COUNT)
        t = figure_text(unit, value);
    else if (value < 1000)
        snprintf(t.text, sizeof t.text, "%.3g", value);
    else
        snprintf(t.text, sizeof t.text, "%s", unit_count(value).text);
    cut_zeros(t.text);
    return t;
}

void chart_axis_y(struct str *out, const struct scale *scale, double height, enum figure_unit unit, double factor,
                  enum chart_side side)
{
    double ticks[SCALE_TICKS_MAX];
    uint32_t count = scale_ticks(scale, (uint32_t)(height / PIXELS_PER_TICK), ticks);

    for (uint32_t i = 0; i < count; i++) {
        double y = height * (1 - scale_at(scale, ticks[i]));
        struct figure_text label = tick_text(unit, ticks[i] * factor);

        if (side == CHART_LEFT)
            chart_rule(out, "grid", y);
        str_add_format(out, "<text text-anchor=\"%s\" x=\"%s\" dx=\"%d\" y=\"%.1f\" dy=\"4\">",
                       side == CHART_LEFT ? "end" : "start", side == CHART_LEFT ? "0" : "100%",
                       side == CHART_LEFT ? -6 : 6, y);
        html_text(out, label.text);
        str_add(out, "</text>\n");
    }
}

/* The outermost labels stay inside the chart's width; every second one is spare: a narrow screen has no room for it. */
static void add_labels_x(struct str *out, const struct scale *scale, double height, const double *ticks, uint32_t count,
                         struct figure_text (*label)(enum figure_unit unit, double value), enum figure_unit unit)
{
    for (uint32_t i = 0; i < count; i++) {
        double x = scale_at(scale, ticks[i]);

        chart_tick(out, "grid", x, 0, height);
        chart_text(out, i % 2 ? "spare" : "",
                   x < 0.04   ? "start"
                   : x > 0.96 ? "end"
                              : "middle",
                   x, height + 16, label(unit, ticks[i]).text);
    }
}

void chart_axis_x(struct str *out, const struct scale *scale, double height, enum figure_unit unit)
{
    double ticks[SCALE_TICKS_MAX];
    uint32_t count = scale_ticks(scale, X_TICKS, ticks);

    add_labels_x(out, scale, height, ticks, count, tick_text, unit);
}

static struct figure_text time_label(enum figure_unit unit, double seconds)
{
    struct figure_text t;

    (void)unit;
    if (seconds < 60 || seconds >= 1e15)
        snprintf(t.text, sizeof t.text, "%.3g s", seconds);
    else
        snprintf(t.text, sizeof t.text, "%s", unit_clock((uint64_t)seconds).text);
    return t;
}

void chart_axis_time(struct str *out, const struct scale *seconds, double height)
{
    double ticks[SCALE_TICKS_MAX];
    uint32_t count = scale_time_ticks(seconds, TIME_TICKS, ticks);

    add_labels_x(out, seconds, height, ticks, count, time_label, FIGURE_SECONDS);
}
