/* SPDX-License-Identifier: Apache-2.0 */
#include "view/spread.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double quantile(const double *sorted, uint32_t count, double q)
{
    double at = q * (double)(count - 1);
    uint32_t below = (uint32_t)at;

    if (below + 1 >= count)
        return sorted[count - 1];
    return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

struct view_spread view_spread_of(const double *values, uint32_t count)
{
    double *sorted = xcalloc(count, sizeof *sorted);
    struct view_spread s = {0};

    for (uint32_t i = 0; i < count; i++) {
        if (!isfinite(values[i]))
            continue;
        if (!s.count || values[i] < values[s.min_at])
            s.min_at = i;
        if (!s.count || values[i] > values[s.max_at])
            s.max_at = i;
        sorted[s.count++] = values[i];
    }
    if (s.count) {
        qsort(sorted, s.count, sizeof *sorted, by_value);
        s.min = sorted[0];
        s.q1 = quantile(sorted, s.count, 0.25);
        s.median = quantile(sorted, s.count, 0.5);
        s.q3 = quantile(sorted, s.count, 0.75);
        s.max = sorted[s.count - 1];
    }
    free(sorted);
    return s;
}

/* Mean and the squared standard error of it. */
static void mean_of(const double *values, uint32_t count, uint32_t *ret_count, double *mean, double *error2)
{
    double sum = 0, squares = 0;
    uint32_t n = 0;

    for (uint32_t i = 0; i < count; i++)
        if (isfinite(values[i])) {
            sum += values[i];
            n++;
        }
    *ret_count = n;
    *mean = n ? sum / n : (double)NAN;
    for (uint32_t i = 0; i < count; i++)
        if (isfinite(values[i]))
            squares += (values[i] - *mean) * (values[i] - *mean);
    *error2 = n > 1 ? squares / (n - 1) / n : (double)NAN;
}

/* Two-sided 95 % points of Student's t; between the rows the smaller number of degrees counts, which is the safe side.
 */
static double student_95(double degrees)
{
    static const struct {
        double degrees, t;
    } table[] = {{1, 12.706}, {2, 4.303},  {3, 3.182},  {4, 2.776},  {5, 2.571},  {6, 2.447},
                 {7, 2.365},  {8, 2.306},  {9, 2.262},  {10, 2.228}, {12, 2.179}, {15, 2.131},
                 {20, 2.086}, {30, 2.042}, {60, 2.000}, {120, 1.980}};
    uint32_t i = sizeof table / sizeof *table - 1;

    while (i && degrees < table[i].degrees)
        i--;
    return table[i].t;
}

struct judgement judge(const double *a, uint32_t a_count, const double *b, uint32_t b_count)
{
    struct judgement j = {.verdict = VERDICT_UNKNOWN, .noise = (double)NAN};
    double a_error2, b_error2, error2, degrees;

    mean_of(a, a_count, &j.a_count, &j.a_mean, &a_error2);
    mean_of(b, b_count, &j.b_count, &j.b_mean, &b_error2);
    if (j.a_count < 2 || j.b_count < 2)
        return j;
    error2 = a_error2 + b_error2;
    degrees = a_error2 * a_error2 / (j.a_count - 1) + b_error2 * b_error2 / (j.b_count - 1);
    degrees = degrees > 0 ? error2 * error2 / degrees : 1;
    j.noise = student_95(degrees) * sqrt(error2);
    if (!isfinite(j.noise))
        return j;
    j.verdict = fabs(j.a_mean - j.b_mean) > j.noise ? VERDICT_LARGER : VERDICT_WITHIN;
    return j;
}

const char *verdict_name(enum verdict v)
{
    return v == VERDICT_LARGER ? "larger" : v == VERDICT_WITHIN ? "within" : "unknown";
}
