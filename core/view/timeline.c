/* SPDX-License-Identifier: Apache-2.0 */
/* Invariant: whatever order amounts come in, the bins of a kind sum up to what was added. */
#include "view/timeline.h"

#include <math.h>

static void join_neighbours(struct timeline *t)
{
    for (uint32_t kind = 0; kind < TIMELINE_KINDS; kind++) {
        double *sums = t->sums[kind];

        for (uint32_t i = 0; i < TIMELINE_BINS / 2; i++)
            sums[i] = sums[2 * i] + sums[2 * i + 1];
        for (uint32_t i = TIMELINE_BINS / 2; i < TIMELINE_BINS; i++)
            sums[i] = 0;
    }
    t->width_s *= 2;
}

static uint32_t bin_of(const struct timeline *t, double s)
{
    double bin = s / t->width_s;

    return bin < TIMELINE_BINS ? (uint32_t)bin : TIMELINE_BINS - 1;
}

void timeline_add(struct timeline *t, enum timeline_kind kind, double start_s, double end_s, double amount)
{
    uint32_t first, last;

    if (!isfinite(start_s) || !isfinite(end_s))
        return;
    start_s = start_s > 0 ? start_s : 0;
    end_s = end_s > start_s ? end_s : start_s;
    if (t->width_s <= 0)
        t->width_s = TIMELINE_FIRST_WIDTH_S;
    while (end_s > t->width_s * TIMELINE_BINS)
        join_neighbours(t);
    t->end_s = end_s > t->end_s ? end_s : t->end_s;
    first = bin_of(t, start_s);
    last = bin_of(t, end_s);
    if (first == last) {
        t->sums[kind][first] += amount;
        return;
    }
    for (uint32_t i = first; i <= last; i++) {
        double from = i == first ? start_s : (double)i * t->width_s;
        double to = i == last ? end_s : (double)(i + 1) * t->width_s;

        t->sums[kind][i] += amount * (to - from) / (end_s - start_s);
    }
}

uint32_t timeline_used(const struct timeline *t)
{
    double bins = t->width_s > 0 ? ceil(t->end_s / t->width_s) : 0;

    return bins < TIMELINE_BINS ? (uint32_t)bins : TIMELINE_BINS;
}

double timeline_span(const struct timeline *t, uint32_t bin)
{
    double begin = (double)bin * t->width_s;

    return t->end_s - begin < t->width_s ? t->end_s - begin : t->width_s;
}

double timeline_rate(const struct timeline *t, enum timeline_kind kind, uint32_t bin)
{
    double span = timeline_span(t, bin);

    return span > 0 ? t->sums[kind][bin] / span : 0;
}

double timeline_wait_percent(const struct timeline *t, uint32_t bin)
{
    double busy = t->sums[TIMELINE_BUSY][bin];

    return busy > 0 ? 100.0 * t->sums[TIMELINE_WAIT][bin] / busy : (double)NAN;
}
