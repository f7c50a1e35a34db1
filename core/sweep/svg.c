/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sweep.svg: two panels with one axis of accelerators, AU above and throughput below. Passed and missed points differ
 * in shape as well as in colour. Text of users (the workload's name) is escaped, so the document is well formed
 * whatever they wrote.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "report/units.h"
#include "sweep/show.h"

#define WIDTH 760
#define HEIGHT 590
#define MARGIN 16
#define LEFT 76
#define RIGHT 736

struct panel {
    double top, bottom;   /* of the field, in pixels */
    double least, most;   /* values there */
    uint32_t first, last; /* accelerators at LEFT and RIGHT */
};

#define COLOR_PASS "#1d6fb8"
#define COLOR_MISS "#c2410c"
#define COLOR_INK "#1f2933"
#define COLOR_MUTED "#66727f"
#define COLOR_GRID "#e3e7eb"

static void add_escaped(struct str *out, const char *text)
{
    for (const char *p = text; *p;) {
        uint32_t c = 0;
        size_t n = utf8_decode(p, strlen(p), &c);

        if (!n || utf8_is_control(c))
            str_add(out, "?");
        else if (c == '<' || c == '>' || c == '&' || c == '"')
            str_add_format(out, "&#%u;", c);
        else
            str_add_len(out, p, n);
        p += n ? n : 1;
    }
}

static double x_of(const struct panel *p, double accelerators)
{
    if (p->last == p->first)
        return (LEFT + RIGHT) / 2.0;
    return LEFT + (RIGHT - LEFT) * (accelerators - p->first) / (double)(p->last - p->first);
}

static double y_of(const struct panel *p, double value)
{
    double share = (fmin(p->most, fmax(p->least, value)) - p->least) / (p->most - p->least);

    return p->bottom - share * (p->bottom - p->top);
}

static void add_text(struct str *out, double x, double y, const char *anchor, const char *color, const char *text)
{
    str_add_format(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"%s\">", x, y, anchor, color);
    add_escaped(out, text);
    str_add(out, "</text>\n");
}

static void add_line(struct str *out, double x1, double y1, double x2, double y2, const char *style)
{
    str_add_format(out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", x1, y1, x2, y2, style);
}

static double value_of(const struct sweep_run *run, bool of_au)
{
    return of_au ? run->figures.au : run->figures.bytes_per_second;
}

/* "12 accelerators: AU 93.0 %, 1.21 GiB/s, limited by storage": what a browser shows over a point. */
static void add_title(const struct sweep *s, const struct sweep_point *p, struct str *out)
{
    const struct sweep_figures *f = &sweep_point_run(p)->figures;
    char limit[32];

    str_add_format(out, "<title>%u accelerators: AU %.1f %%", p->accelerators, f->au);
    if (isfinite(f->bytes_per_second))
        str_add_format(out, ", %s/s", unit_bytes(f->bytes_per_second).text);
    str_add_format(out, ", limited by %s</title>",
                   sweep_limit_text(sweep_limit_of(f, s->threshold), limit, sizeof limit));
}

static void add_mark(const struct sweep *s, const struct sweep_point *p, double x, double y, struct str *out)
{
    str_add(out, "<g>");
    add_title(s, p, out);
    if (sweep_point_passes(s, p))
        str_add_format(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"" COLOR_PASS "\"/>", x, y);
    else
        str_add_format(out,
                       "<path d=\"M%.1f %.1fl10 10m0 -10l-10 10\" stroke=\"" COLOR_MISS
                       "\" stroke-width=\"2.5\" fill=\"none\"/>",
                       x - 5, y - 5);
    str_add(out, "</g>\n");
}

/* From the least to the largest value of a point's runs. */
static void add_spread(const struct panel *panel, const struct sweep_point *p, bool of_au, struct str *out)
{
    double least = INFINITY, most = -INFINITY, x = x_of(panel, p->accelerators);

    for (uint32_t i = 0; i < p->run_count; i++) {
        least = fmin(least, value_of(&p->runs[i], of_au));
        most = fmax(most, value_of(&p->runs[i], of_au));
    }
    if (p->run_count > 1 && isfinite(least) && isfinite(most))
        add_line(out, x, y_of(panel, least), x, y_of(panel, most), "stroke=\"" COLOR_MUTED "\" stroke-width=\"2\"");
}

static void add_points(const struct sweep *s, const struct panel *panel, bool of_au, struct str *out)
{
    bool any = false;

    str_add(out,
            "<polyline fill=\"none\" stroke=\"" COLOR_PASS "\" stroke-width=\"1.5\" stroke-opacity=\"0.5\" points=\"");
    for (uint32_t i = 0; i < s->range.count; i++) {
        const struct sweep_run *run = sweep_point_run(&s->points[i]);

        if (run && isfinite(value_of(run, of_au))) {
            str_add_format(out, "%s%.1f,%.1f", any ? " " : "", x_of(panel, s->points[i].accelerators),
                           y_of(panel, value_of(run, of_au)));
            any = true;
        }
    }
    str_add(out, "\"/>\n");
    for (uint32_t i = 0; i < s->range.count; i++) {
        const struct sweep_point *p = &s->points[i];
        const struct sweep_run *run = sweep_point_run(p);

        if (!run || !isfinite(value_of(run, of_au)))
            continue;
        add_spread(panel, p, of_au, out);
        add_mark(s, p, x_of(panel, p->accelerators), y_of(panel, value_of(run, of_au)), out);
    }
}

/* A step of 1, 2 or 5 times a power of ten that gives at most so many lines. */
static double grid_step(double extent, double lines)
{
    double step = pow(10, floor(log10(extent / lines)));
    double ratio = extent / lines / step;

    return step * (ratio <= 1 ? 1 : ratio <= 2 ? 2 : ratio <= 5 ? 5 : 10);
}

static void add_grid(const struct panel *p, double step, struct unit_text (*print)(double), const char *ending,
                     struct str *out)
{
    for (double value = p->least; value <= p->most + step / 1e6; value += step) {
        char text[48];

        if (print)
            snprintf(text, sizeof text, "%s%s", print(value).text, ending);
        else
            snprintf(text, sizeof text, "%g%s", value, ending);
        add_line(out, LEFT, y_of(p, value), RIGHT, y_of(p, value), "stroke=\"" COLOR_GRID "\"");
        add_text(out, LEFT - 8, y_of(p, value) + 4, "end", COLOR_MUTED, text);
    }
}

static void add_axis(const struct panel *p, struct str *out)
{
    double step = fmax(1, grid_step(fmax(1, p->last - p->first), 12));

    for (double n = p->first; n <= p->last; n = floor(n / step + 1) * step) {
        char text[16];

        snprintf(text, sizeof text, "%.0f", n);
        add_line(out, x_of(p, n), p->bottom, x_of(p, n), p->bottom + 4, "stroke=\"" COLOR_MUTED "\"");
        add_text(out, x_of(p, n), p->bottom + 18, "middle", COLOR_MUTED, text);
    }
}

/* The number that the answer names. */
static void add_answer(const struct sweep *s, const struct panel *p, struct str *out)
{
    struct sweep_answer a = sweep_answer(s);

    if (a.best)
        add_line(out, x_of(p, a.best->accelerators), p->top, x_of(p, a.best->accelerators), p->bottom,
                 "stroke=\"" COLOR_INK "\" stroke-width=\"1\" stroke-dasharray=\"2 4\"");
}

static void find_extent(const struct sweep *s, struct panel *au, struct panel *rate)
{
    double least = s->threshold - 5, most = 0;

    for (uint32_t i = 0; i < s->range.count; i++) {
        const struct sweep_run *run = sweep_point_run(&s->points[i]);

        if (!run)
            continue;
        au->first = au->first ? au->first : s->points[i].accelerators;
        au->last = s->points[i].accelerators;
        least = fmin(least, run->figures.au);
        if (isfinite(run->figures.bytes_per_second))
            most = fmax(most, run->figures.bytes_per_second);
    }
    au->least = fmax(0, fmin(90, 10 * floor(least / 10)));
    au->most = 100;
    rate->first = au->first;
    rate->last = au->last;
    rate->most = most > 0 ? most * 1.08 : 1;
}

/* Multiples of 1, 2, 5 ... of the binary unit that fits, so that the labels are round. */
static double rate_step(double most)
{
    double base = 1;

    while (most / base >= 1024)
        base *= 1024;
    return base * grid_step(most / base, 4);
}

/* The answer, and what it rests on in a line of its own. */
static void add_head(const struct sweep *s, struct str *out)
{
    struct str answer = STR_EMPTY;
    char *rest;

    str_add_format(out,
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
                   "role=\"img\" font-family=\"system-ui, sans-serif\" font-size=\"12\">\n",
                   WIDTH, HEIGHT, WIDTH, HEIGHT);
    sweep_answer_text(s, &answer);
    str_add(out, "<title>");
    add_escaped(out, answer.data);
    str_add_format(out, "</title>\n<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n", WIDTH, HEIGHT);
    rest = strstr(answer.data, " (");
    if (rest)
        *rest = '\0';
    str_add(out, "<g font-size=\"15\">\n");
    add_text(out, MARGIN, 26, "start", COLOR_INK, answer.data);
    str_add(out, "</g>\n");
    if (rest)
        add_text(out, MARGIN, 44, "start", COLOR_MUTED, rest + 1);
    str_free(&answer);
}

void sweep_svg(const struct sweep *s, struct str *out)
{
    struct panel au = {.top = 90, .bottom = 320}, rate = {.top = 380, .bottom = 540};
    char text[64];

    find_extent(s, &au, &rate);
    add_head(s, out);
    if (au.first) {
        add_grid(&au, au.least >= 50 ? 10 : 20, NULL, " %", out);
        add_text(out, LEFT, au.top - 14, "start", COLOR_INK, "AU (accelerator utilization)");
        add_line(out, LEFT, y_of(&au, s->threshold), RIGHT, y_of(&au, s->threshold),
                 "stroke=\"" COLOR_MISS "\" stroke-width=\"1.5\" stroke-dasharray=\"6 4\"");
        snprintf(text, sizeof text, "threshold %g %%", s->threshold);
        add_text(out, RIGHT, y_of(&au, s->threshold) - 6, "end", COLOR_MISS, text);
        add_answer(s, &au, out);
        add_points(s, &au, true, out);
        add_axis(&au, out);
        add_grid(&rate, rate_step(rate.most), unit_bytes, "/s", out);
        add_text(out, LEFT, rate.top - 14, "start", COLOR_INK, "read from the storage");
        add_answer(s, &rate, out);
        add_points(s, &rate, false, out);
        add_axis(&rate, out);
        add_text(out, (LEFT + RIGHT) / 2.0, rate.bottom + 38, "middle", COLOR_INK, "accelerators");
    }
    str_add(out, "</svg>\n");
}
