/* SPDX-License-Identifier: Apache-2.0 */
/* How far values lie apart, and whether two runs differ by more than their epochs do. */
#ifndef DLFW_CORE_VIEW_SPREAD_H
#define DLFW_CORE_VIEW_SPREAD_H

#include <stdbool.h>
#include <stdint.h>

struct view_spread {
    uint32_t count; /* of the values that are known; 0: the rest is nothing */
    double min, q1, median, q3, max;
    uint32_t min_at, max_at; /* the first index with that value */
};

/* Values that are not finite are left out. Quartiles are interpolated between neighbours. */
struct view_spread view_spread_of(const double *values, uint32_t count);

/*
 * Welch's t-test on the epochs of two runs, at 95 %: does the difference of the means stand out against how much the
 * epochs of each run differ among themselves? Needs two epochs of each.
 */
enum verdict { VERDICT_UNKNOWN, VERDICT_WITHIN, VERDICT_LARGER };

struct judgement {
    enum verdict verdict;
    uint32_t a_count, b_count;
    double a_mean, b_mean;
    double noise; /* differences of the means up to here may be chance; NAN when unknown */
};

struct judgement judge(const double *a, uint32_t a_count, const double *b, uint32_t b_count);
const char *verdict_name(enum verdict v); /* "unknown", "within", "larger" */

#endif
