/* SPDX-License-Identifier: Apache-2.0 */
/* Binning over time: sums are kept, whatever the order, and the length need not be known before. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "base/str.h"
#include "view/local_time.h"
#include "view/timeline.h"

static double sum_of(const struct timeline *t, enum timeline_kind kind)
{
    double sum = 0;

    for (uint32_t i = 0; i < TIMELINE_BINS; i++)
        sum += t->sums[kind][i];
    return sum;
}

START_TEST(an_empty_one_has_no_bins)
{
    struct timeline t = {0};

    ck_assert_uint_eq(timeline_used(&t), 0);
}
END_TEST

START_TEST(amounts_are_spread_evenly_over_their_time)
{
    struct timeline t = {0};

    timeline_add(&t, TIMELINE_TRAIN, 0.0, 0.1, 100);
    ck_assert_uint_eq(timeline_used(&t), 200); /* 0.1 s of 0.5 ms each */
    for (uint32_t i = 0; i < 200; i++)
        ck_assert_double_eq_tol(timeline_rate(&t, TIMELINE_TRAIN, i), 1000, 1e-6);
}
END_TEST

START_TEST(longer_times_double_the_width_and_keep_sums)
{
    struct timeline t = {0};

    for (uint32_t i = 0; i < 10000; i++)
        timeline_add(&t, TIMELINE_TRAIN, i * 0.1, i * 0.1 + 0.1, 4);
    ck_assert_double_eq_tol(sum_of(&t, TIMELINE_TRAIN), 40000, 1e-6);
    ck_assert_double_eq_tol(t.end_s, 1000, 1e-6);
    ck_assert_double_ge(t.width_s * TIMELINE_BINS, 1000);
    ck_assert_double_lt(t.width_s * TIMELINE_BINS / 2, 1000);
    for (uint32_t i = 0; i < timeline_used(&t); i++)
        ck_assert_double_eq_tol(timeline_rate(&t, TIMELINE_TRAIN, i), 40, 1e-6);
}
END_TEST

START_TEST(the_order_of_amounts_does_not_matter)
{
    struct timeline there = {0}, back = {0};

    for (uint32_t i = 0; i < 1000; i++) {
        timeline_add(&there, TIMELINE_EVAL, i * 0.01, i * 0.01 + 0.007, i);
        timeline_add(&back, TIMELINE_EVAL, (999 - i) * 0.01, (999 - i) * 0.01 + 0.007, 999 - i);
    }
    ck_assert_double_eq_tol(there.width_s, back.width_s, 1e-12);
    for (uint32_t i = 0; i < TIMELINE_BINS; i++)
        ck_assert_double_eq_tol(there.sums[TIMELINE_EVAL][i], back.sums[TIMELINE_EVAL][i], 1e-6);
}
END_TEST

/* The last bin is shorter than the others; a rate over its whole width would look like a drop at the end. */
START_TEST(the_last_bin_covers_what_is_left)
{
    struct timeline t = {0};

    timeline_add(&t, TIMELINE_TRAIN, 0, 0.0007, 7);
    ck_assert_uint_eq(timeline_used(&t), 2);
    ck_assert_double_eq_tol(timeline_span(&t, 1), 0.0002, 1e-9);
    ck_assert_double_eq_tol(timeline_rate(&t, TIMELINE_TRAIN, 1), 10000, 1e-6);
}
END_TEST

START_TEST(waiting_is_a_share_of_the_busy_time)
{
    struct timeline t = {0};

    timeline_add(&t, TIMELINE_BUSY, 0, 0.0005, 4);
    timeline_add(&t, TIMELINE_WAIT, 0, 0.0005, 1);
    ck_assert_double_eq_tol(timeline_wait_percent(&t, 0), 25, 1e-9);
    ck_assert(isnan(timeline_wait_percent(&t, 3)));
}
END_TEST

START_TEST(strange_times_do_no_harm)
{
    struct timeline t = {0};

    timeline_add(&t, TIMELINE_TRAIN, -5, -1, 1);
    timeline_add(&t, TIMELINE_TRAIN, (double)NAN, 1, 1);
    timeline_add(&t, TIMELINE_TRAIN, 0, (double)INFINITY, 1);
    timeline_add(&t, TIMELINE_TRAIN, 2, 1, 1);
    timeline_add(&t, TIMELINE_TRAIN, 0, 1e18, 1);
    ck_assert_double_eq_tol(sum_of(&t, TIMELINE_TRAIN), 3, 1e-9);
    ck_assert_uint_le(timeline_used(&t), TIMELINE_BINS);
}
END_TEST

static const struct {
    const char *from, *to;
    double seconds; /* NAN: one of them is no time */
} times[] = {
    {"2026-01-31T12:00:00.000000", "2026-01-31T12:00:00.123456", 0.123456},
    {"2026-01-31T12:00:00", "2026-01-31 12:00:01", 1},
    {"2026-02-28T23:59:59.5", "2026-03-01T00:00:00.5", 1},
    {"2028-02-28T23:59:59.5", "2028-03-01T00:00:00.5", 86401},
    {"2025-12-31T23:59:59", "2026-01-01T00:00:00", 1},
    {"2026-01-31T12:00:00", "2026-01-31T12:00:00 ", (double)NAN},
    {"2026-01-31T12:00:00", "2026-13-31T12:00:00", (double)NAN},
    {"2026-01-31T12:00:00", "2026-01-31", (double)NAN},
    {"2026-01-31T12:00:00", "", (double)NAN},
};

START_TEST(times_of_day)
{
    double seconds = local_time_seconds(times[_i].to) - local_time_seconds(times[_i].from);

    if (isnan(times[_i].seconds))
        ck_assert(isnan(seconds));
    else
        ck_assert_double_eq_tol(seconds, times[_i].seconds, 1e-4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("view_timeline");
    TCase *tcase = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tcase, an_empty_one_has_no_bins);
    tcase_add_test(tcase, amounts_are_spread_evenly_over_their_time);
    tcase_add_test(tcase, longer_times_double_the_width_and_keep_sums);
    tcase_add_test(tcase, the_order_of_amounts_does_not_matter);
    tcase_add_test(tcase, the_last_bin_covers_what_is_left);
    tcase_add_test(tcase, waiting_is_a_share_of_the_busy_time);
    tcase_add_test(tcase, strange_times_do_no_harm);
    tcase_add_loop_test(tcase, times_of_day, 0, (int)(sizeof times / sizeof times[0]));
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
