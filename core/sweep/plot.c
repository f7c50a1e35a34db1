/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plot made of characters. The field holds one mark per cell; later marks cover earlier ones, so that the points come
 * last. Marks are ASCII inside and become UTF-8 when they are printed.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sweep/show.h"

enum { LABEL_COLUMNS = 7, WIDTH = SWEEP_COLUMNS - LABEL_COLUMNS - 3, ROWS = 15 };

struct field {
    char cells[ROWS][WIDTH]; /* ' ', '-' threshold, ':' answer, 'o' passed, 'x' missed */
    double lowest;           /* AU of the last row; the first is 100 */
    uint32_t first, last;    /* accelerators of the first and last column */
};

static uint32_t column_of(const struct field *f, uint32_t accelerators)
{
    if (f->last == f->first)
        return WIDTH / 2;
    return (uint32_t)lround((double)(accelerators - f->first) * (WIDTH - 1) / (double)(f->last - f->first));
}

static uint32_t row_of(const struct field *f, double au)
{
    double share = (100.0 - fmin(100.0, fmax(f->lowest, au))) / (100.0 - f->lowest);

    return (uint32_t)lround(share * (ROWS - 1));
}

static void find_extent(const struct sweep *s, struct field *f)
{
    double least = s->threshold - 5;

    for (uint32_t i = 0; i < s->range.count; i++) {
        const struct sweep_run *run = sweep_point_run(&s->points[i]);

        if (!run)
            continue;
        least = fmin(least, run->figures.au);
        f->first = f->first ? f->first : s->points[i].accelerators;
        f->last = s->points[i].accelerators;
    }
    f->lowest = fmax(0, fmin(90, 10 * floor(least / 10)));
}

static void draw(const struct sweep *s, struct field *f)
{
    struct sweep_answer a = sweep_answer(s);
    uint32_t threshold = row_of(f, s->threshold);

    memset(f->cells, ' ', sizeof f->cells);
    memset(f->cells[threshold], '-', WIDTH);
    if (a.best)
        for (uint32_t row = 0; row < ROWS; row++)
            f->cells[row][column_of(f, a.best->accelerators)] = ':';
    for (uint32_t i = 0; i < s->range.count; i++) {
        const struct sweep_run *run = sweep_point_run(&s->points[i]);

        if (run)
            f->cells[row_of(f, run->figures.au)][column_of(f, s->points[i].accelerators)] =
                sweep_point_passes(s, &s->points[i]) ? 'o' : 'x';
    }
}

static const char *mark(char cell, bool ascii)
{
    static const struct {
        char cell;
        const char *plain, *utf8;
    } marks[] = {{'-', "-", "\u2504"}, {':', ":", "\u250a"}, {'o', "o", "\u25cf"}, {'x', "x", "\u25cb"}};

    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (marks[i].cell == cell)
            return ascii ? marks[i].plain : marks[i].utf8;
    return " ";
}

static void add_row(const struct sweep *s, const struct field *f, uint32_t row, bool ascii, struct str *out)
{
    double au = 100.0 - (100.0 - f->lowest) * row / (ROWS - 1);
    uint32_t end = WIDTH;

    while (end && f->cells[row][end - 1] == ' ')
        end--;
    if (row == row_of(f, s->threshold))
        str_add_format(out, "%*.4g %%", LABEL_COLUMNS - 2, s->threshold);
    else if (row % 7 == 0)
        str_add_format(out, "%*.0f %%", LABEL_COLUMNS - 2, au);
    else
        str_add_format(out, "%*s", LABEL_COLUMNS, "");
    str_add(out, ascii ? " |" : " \u2502");
    for (uint32_t column = 0; column < end; column++)
        str_add(out, mark(f->cells[row][column], ascii));
    str_add(out, "\n");
}

/* Puts a number under its column when there is room for it. */
static void label(char line[WIDTH + 8], uint32_t column, uint32_t accelerators)
{
    char text[16];
    uint32_t len = (uint32_t)snprintf(text, sizeof text, "%u", accelerators);
    uint32_t from = column > len / 2 ? column - len / 2 : 0;

    for (uint32_t i = from ? from - 1 : 0; i < from + len + 1; i++)
        if (line[i] != ' ')
            return;
    memcpy(line + from, text, len);
}

/* The answer's number first, so that it is never the one without room. */
static void add_axis(const struct sweep *s, const struct field *f, bool ascii, struct str *out)
{
    struct sweep_answer a = sweep_answer(s);
    char line[WIDTH + 8];
    uint32_t end = WIDTH + 7;

    str_add_format(out, "%*s %s", LABEL_COLUMNS, "", ascii ? "+" : "\u2514");
    for (uint32_t i = 0; i < WIDTH; i++)
        str_add(out, ascii ? "-" : "\u2500");
    memset(line, ' ', sizeof line);
    line[sizeof line - 1] = '\0';
    if (a.best)
        label(line, column_of(f, a.best->accelerators), a.best->accelerators);
    label(line, column_of(f, f->last), f->last);
    for (uint32_t i = 0; i < s->range.count; i++)
        if (s->points[i].run_count)
            label(line, column_of(f, s->points[i].accelerators), s->points[i].accelerators);
    while (end && line[end - 1] == ' ')
        line[--end] = '\0';
    str_add_format(out, "\n%*s  %s\n", LABEL_COLUMNS, "", line);
}

void sweep_plot(const struct sweep *s, bool ascii, struct str *out)
{
    struct field f = {.first = 0};

    find_extent(s, &f);
    if (!f.first)
        return;
    draw(s, &f);
    str_add_format(out, "AU over accelerators   %s reached %g %%   %s missed\n", mark('o', ascii), s->threshold,
                   mark('x', ascii));
    for (uint32_t row = 0; row < ROWS; row++)
        add_row(s, &f, row, ascii, out);
    add_axis(s, &f, ascii, out);
}
