/* SPDX-License-Identifier: Apache-2.0 */
/* Percentiles against sorted values, from nanoseconds to hours. */
#include "base/clock.h"
#include "base/histogram.h"
#include "base/str.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES = 20000 };
static uint64_t values[VALUES];
static struct histogram h, other;

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Even in the logarithm from 1 ns to 2^bits ns. */
static void draw_values(unsigned bits)
{
    for (uint64_t i = 0; i < VALUES; i++)
        values[i] = (uint64_t)exp2((double)(hash_mix(i + 1) >> 11) / 9007199254740992.0 * bits);
}

static void reset(struct histogram *which)
{
    memset(which, 0, sizeof *which);
}

START_TEST(percentiles_are_near_the_exact_ones)
{
    static const unsigned bits[] = {6, 10, 20, 30, 43}; /* 2^43 ns are 2.4 hours */
    static const double wanted[] = {0.001, 1, 10, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 100};

    draw_values(bits[_i]);
    reset(&h);
    for (unsigned i = 0; i < VALUES; i++)
        histogram_record(&h, values[i]);
    qsort(values, VALUES, sizeof *values, by_value);
    for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        uint64_t rank = (uint64_t)ceil(VALUES * wanted[i] / 100.0 - 1e-6), got = histogram_percentile(&h, wanted[i]);
        double exact = (double)values[rank ? rank - 1 : 0];

        ck_assert_msg((double)got >= exact && (double)got <= exact * 1.016, "p%g of 2^%u: %lu, exactly %.0f", wanted[i],
                      bits[_i], (unsigned long)got, exact);
    }
    ck_assert_uint_eq(h.count, VALUES);
    ck_assert_uint_eq(h.min, values[0]);
    ck_assert_uint_eq(h.max, values[VALUES - 1]);
    ck_assert_uint_eq(histogram_percentile(&h, 100), values[VALUES - 1]);
}
END_TEST

START_TEST(every_bucket_edge)
{
    for (unsigned bit = 0; bit < 64; bit++)
        for (int step = -1; step <= 1; step++) {
            uint64_t v = ((uint64_t)1 << bit) + (uint64_t)(int64_t)step;

            reset(&h);
            histogram_record(&h, v);
            ck_assert_uint_eq(histogram_percentile(&h, 50), v); /* capped by max */
            histogram_record(&h, UINT64_MAX);
            ck_assert_uint_ge(histogram_percentile(&h, 50), v);
            ck_assert(v >= UINT64_MAX - 1 || (double)histogram_percentile(&h, 50) <= (double)v * 1.016);
        }
}
END_TEST

START_TEST(empty)
{
    reset(&h);
    ck_assert_uint_eq(histogram_percentile(&h, 50), 0);
    ck_assert_double_eq(histogram_mean(&h), 0.0);
    reset(&other);
    histogram_record(&other, 7);
    histogram_merge(&h, &other); /* into an empty one */
    ck_assert_uint_eq(h.min, 7);
    ck_assert_uint_eq(h.max, 7);
    reset(&other);
    histogram_merge(&h, &other); /* of an empty one */
    ck_assert_uint_eq(h.count, 1);
    ck_assert_uint_eq(h.min, 7);
}
END_TEST

START_TEST(mean_is_exact)
{
    reset(&h);
    histogram_record(&h, 0);
    histogram_record(&h, 1000000007);
    histogram_record(&h, 1000000009);
    ck_assert_double_eq_tol(histogram_mean(&h), 2000000016.0 / 3, 1e-6);
    ck_assert_uint_eq(h.min, 0);
}
END_TEST

START_TEST(merged_is_as_recorded_together)
{
    static struct histogram together;

    draw_values(40);
    reset(&h);
    reset(&other);
    reset(&together);
    for (unsigned i = 0; i < VALUES; i++) {
        histogram_record(i % 3 ? &h : &other, values[i]);
        histogram_record(&together, values[i]);
    }
    histogram_merge(&h, &other);
    ck_assert_int_eq(memcmp(&h, &together, sizeof h), 0);
}
END_TEST

/* A figure for the reader; a busy machine must not fail the test. */
START_TEST(cost)
{
    uint64_t begin, ns;

    draw_values(30);
    reset(&h);
    begin = clock_now_ns();
    for (unsigned round = 0; round < 20; round++)
        for (unsigned i = 0; i < VALUES; i++)
            histogram_record(&h, values[i]);
    ns = clock_now_ns() - begin;
    printf("histogram_record: %.1f ns\n", (double)ns / (20.0 * VALUES));
    ck_assert_uint_eq(h.count, 20 * VALUES);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("histogram");
    TCase *t = tcase_create("histogram");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, percentiles_are_near_the_exact_ones, 0, 5);
    tcase_add_test(t, every_bucket_edge);
    tcase_add_test(t, empty);
    tcase_add_test(t, mean_is_exact);
    tcase_add_test(t, merged_is_as_recorded_together);
    tcase_add_test(t, cost);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
