/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amounts over time in at most TIMELINE_BINS bins of one width, whose length need not be known before: when time goes
 * beyond the last bin, neighbours are joined and the width doubles. Constant memory, and sums are kept.
 */
#ifndef DLFW_CORE_VIEW_TIMELINE_H
#define DLFW_CORE_VIEW_TIMELINE_H

#include <stdint.h>

#define TIMELINE_BINS 400u
#define TIMELINE_FIRST_WIDTH_S 0.0005

enum timeline_kind { TIMELINE_TRAIN, TIMELINE_EVAL, TIMELINE_WAIT, TIMELINE_BUSY, TIMELINE_KINDS };

struct timeline {
    double width_s; /* 0: nothing was added yet */
    double end_s;   /* of the latest amount */
    double sums[TIMELINE_KINDS][TIMELINE_BINS];
};

/* Spreads amount evenly over [start, end); times are seconds from 0 on, others are moved there. */
void timeline_add(struct timeline *t, enum timeline_kind kind, double start_s, double end_s, double amount);
uint32_t timeline_used(const struct timeline *t); /* bins up to end_s */
/* Seconds that a bin covers: its width, less for the last one. */
double timeline_span(const struct timeline *t, uint32_t bin);
/* Amount per second in a bin; kinds before TIMELINE_WAIT. */
double timeline_rate(const struct timeline *t, enum timeline_kind kind, uint32_t bin);
/* Part of the ranks' time that was spent waiting, 0 to 100; VIEW_UNKNOWN (NAN) where nobody was busy. */
double timeline_wait_percent(const struct timeline *t, uint32_t bin);

#endif
