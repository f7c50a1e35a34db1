/* SPDX-License-Identifier: Apache-2.0 */
/* 80 columns hold every line; a figure that is not known is a dash, never a zero. */
#include <math.h>
#include <stdio.h>

#include "report/units.h"
#include "sweep/show.h"

struct cell {
    char text[40];
};

static struct cell number(double value)
{
    struct cell c = {"-"};

    if (isfinite(value))
        snprintf(c.text, sizeof c.text, "%.1f", value);
    return c;
}

static struct cell unit(double value, struct unit_text (*print)(double), const char *ending)
{
    struct cell c = {"-"};

    if (isfinite(value))
        snprintf(c.text, sizeof c.text, "%s%s", print(value).text, ending);
    return c;
}

static struct cell percent(double value)
{
    struct cell c = {"-"};

    if (isfinite(value))
        snprintf(c.text, sizeof c.text, "%.0f%%", value);
    return c;
}

static bool has_several_epochs(const struct sweep *s)
{
    for (uint32_t i = 0; i < s->range.count; i++) {
        const struct sweep_run *run = sweep_point_run(&s->points[i]);

        if (run && isfinite(run->figures.first_au))
            return true;
    }
    return false;
}

static void add_row(const struct sweep *s, const struct sweep_point *p, bool with_first, struct str *out)
{
    const struct sweep_figures *f = &sweep_point_run(p)->figures;
    char limit[32];

    str_add_format(out, "%4u %5s %6s", p->accelerators, number(f->au).text, number(f->strict_au).text);
    if (with_first)
        str_add_format(out, " %7s", number(f->first_au).text);
    str_add_format(out, " %9s %10s %8s %4s  %-4s  %s\n", unit(f->samples_per_second, unit_count, "").text,
                   unit(f->bytes_per_second, unit_bytes, "/s").text, unit(f->wait_p99_ns, unit_duration, "").text,
                   percent(f->cpu_run).text, sweep_point_passes(s, p) ? "ok" : "low",
                   sweep_limit_text(sweep_limit_of(f, s->threshold), limit, sizeof limit));
}

void sweep_table(const struct sweep *s, struct str *out)
{
    bool with_first = has_several_epochs(s);

    str_add_format(out, "%4s %5s %6s%s %9s %10s %8s %4s  %-4s  %s\n", "acc.", "AU %", "strict",
                   with_first ? " epoch 1" : "", "samples/s", "read", "wait p99", "CPU", "AU", "limited by");
    for (uint32_t i = 0; i < s->range.count; i++)
        if (s->points[i].run_count)
            add_row(s, &s->points[i], with_first, out);
}
