/* SPDX-License-Identifier: Apache-2.0 */
/* From values to places on an axis, and where the axis has its numbers. */
#ifndef DLFW_CORE_VIEW_CHART_SCALE_H
#define DLFW_CORE_VIEW_CHART_SCALE_H

#include <stdbool.h>
#include <stdint.h>

#define SCALE_TICKS_MAX 16u

struct scale {
    double min, max; /* min < max; of a logarithmic one 0 < min */
    bool is_log;
};

/* 0 at min, 1 at max; values beyond are moved to the end, an unknown one to 0. */
double scale_at(const struct scale *s, double value);

/* From 0 to a round number that is at least max. */
struct scale scale_from_zero(double max, uint32_t ticks);
/* Whole decades around [min, max]. */
struct scale scale_decades(double min, double max);
/* Around [min, max] with a little air; never empty. */
struct scale scale_around(double min, double max);

/* Round numbers (1, 2 or 5 times a power of ten; decades of a logarithmic scale), about as many as wanted. */
uint32_t scale_ticks(const struct scale *s, uint32_t wanted, double ticks[SCALE_TICKS_MAX]);
/* The same for seconds: minutes, hours and days where these are rounder. */
uint32_t scale_time_ticks(const struct scale *s, uint32_t wanted, double ticks[SCALE_TICKS_MAX]);

#endif
