/* SPDX-License-Identifier: Apache-2.0 */
/* The answer in words. Rule: nothing is claimed about numbers that were not run, and what limits is never guessed. */
#include <math.h>
#include <stdio.h>

#include "sweep/sweep.h"

#define NEAR_PERCENT 1.0    /* of AU: closer to the threshold than this, another run may decide otherwise */
#define WARM_UP_PERCENT 2.0 /* the first epoch is that much below the mean */
#define OVERSHOOT_MUCH 1.0

static const struct sweep_figures *figures_of(const struct sweep_point *p)
{
    return &sweep_point_run(p)->figures;
}

/* "13 got 84.1 %", with as many digits as tell it from the threshold. */
static void add_au(const struct sweep *s, const struct sweep_point *p, struct str *out)
{
    double au = figures_of(p)->au, away = fabs(au - s->threshold);

    str_add_format(out, "%u got %.*f %%", p->accelerators, away >= 0.1 ? 1 : away >= 0.01 ? 2 : 4, au);
}

/* The same with who was to blame. */
static void add_miss(const struct sweep *s, const struct sweep_point *p, struct str *out)
{
    struct sweep_limit limit = sweep_limit_of(figures_of(p), s->threshold);

    add_au(s, p, out);
    if (limit.side == SIDE_CLIENT)
        str_add_format(out, ", limited by this client: %s", limit.part);
    else if (limit.side == SIDE_STORAGE || limit.side == SIDE_BARRIER)
        str_add_format(out, ", limited by %s", limit.side == SIDE_BARRIER ? "uneven ranks" : "storage");
}

void sweep_answer_text(const struct sweep *s, struct str *out)
{
    struct sweep_answer a = sweep_answer(s);
    bool by_client = a.next && sweep_limit_of(figures_of(a.next), s->threshold).side == SIDE_CLIENT;
    uint32_t best = a.best ? a.best->accelerators : 0;

    if (s->state != SWEEP_DONE)
        str_add(out, "not finished; so far: ");
    if (!a.best && !a.next) {
        str_add(out, "nothing is known");
        return;
    }
    str_add_format(out, "this %s feeds ", by_client ? "client" : "storage");
    if (a.best)
        str_add_format(out, "%s%u", a.next ? "" : "at least ", best);
    else
        str_add(out, "no");
    str_add_format(out, " %s accelerator%s at AU >= %g %% (", s->name, best > 1 ? "s" : "", s->threshold);
    if (a.best) {
        add_au(s, a.best, out);
        str_add(out, "; ");
    }
    if (a.next)
        add_miss(s, a.next, out);
    else
        str_add(out, "more were not tried");
    str_add(out, by_client ? "); the storage may feed more" : ")");
}

static void note_monotone(const struct sweep *s, struct sweep_notes *ret)
{
    struct sweep_answer a = sweep_answer(s);

    if (a.missed)
        sweep_note(
            ret,
            "%u accelerators missed the threshold (%.1f %%) although %u reached it (%.1f %%): the AU does not only "
            "fall here, so the answer is less certain; --repeat 3 tells noise from a real dip",
            a.missed->accelerators, figures_of(a.missed)->au, a.best->accelerators, figures_of(a.best)->au);
}

/* Of a point that the answer rests on. */
static void note_point(const struct sweep *s, const struct sweep_point *p, struct sweep_notes *ret)
{
    const struct sweep_figures *f = figures_of(p);
    double least = f->au, most = f->au;

    for (uint32_t i = 0; i < p->run_count; i++) {
        least = fmin(least, p->runs[i].figures.au);
        most = fmax(most, p->runs[i].figures.au);
    }
    if (p->run_count > 1)
        sweep_note(ret, "%u: %u runs, AU %.1f to %.1f %%; the one with the median is shown", p->accelerators,
                   p->run_count, least, most);
    else if (fabs(f->au - s->threshold) < NEAR_PERCENT && s->repeat == 1)
        sweep_note(ret, "%u: %.1f %% is close to the threshold; --repeat 3 takes the median of three runs",
                   p->accelerators, f->au);
    if (f->au >= s->threshold && f->strict_au < s->threshold && f->lost_overshoot >= OVERSHOOT_MUCH)
        sweep_note(ret,
                   "%u: the strict AU is %.1f %%, below the threshold: emulated compute took longer than asked, which "
                   "flatters the AU; this client has too little CPU",
                   p->accelerators, f->strict_au);
    if (isfinite(f->first_au) && f->au - f->first_au > WARM_UP_PERCENT)
        sweep_note(ret,
                   "%u: the first epoch had an AU of %.1f %%, the mean is %.1f %%: later epochs were served faster",
                   p->accelerators, f->first_au, f->au);
    if (sweep_was_disturbed(f))
        sweep_note(ret, "%u: other programs kept this host's CPUs %.0f %% busy; run the sweep on an idle host",
                   p->accelerators, f->cpu_machine);
    if (f->errors || f->retries)
        sweep_note(ret, "%u: %lu requests failed and %lu were tried again", p->accelerators, f->errors, f->retries);
}

void sweep_result_notes(const struct sweep *s, struct sweep_notes *ret)
{
    struct sweep_answer a = sweep_answer(s);
    const struct sweep_point *any = a.best ? a.best : a.next;

    if (!any)
        return;
    if (figures_of(any)->no_data)
        sweep_note(ret, "the backend moves no data: this says what the client can do, nothing about a storage");
    note_monotone(s, ret);
    if (a.best)
        note_point(s, a.best, ret);
    if (a.next)
        note_point(s, a.next, ret);
}
