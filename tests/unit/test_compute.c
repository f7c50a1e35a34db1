/* SPDX-License-Identifier: Apache-2.0 */
/* Computing to a deadline: never early, hardly late, and over at once after Ctrl-C. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "plugin/host_table.h"
#include "train/compute.h"

#define US 1000ull
#define MS 1000000ull
#define REPEATS 41

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static const uint64_t durations[] = {0, 1, 999, 20 * US, 60 * US - 1, 60 * US, 61 * US, 375 * US, 3500 * US, 20 * MS};

START_TEST(never_early_and_hardly_late)
{
    uint64_t late[REPEATS];

    compute_prepare();
    for (size_t i = 0; i < REPEATS; i++) {
        uint64_t deadline = clock_now_ns() + durations[_i], end = compute_until(deadline);

        ck_assert_uint_ge(end, deadline);
        ck_assert_uint_ge(clock_now_ns(), end);
        late[i] = end - deadline;
    }
    qsort(late, REPEATS, sizeof *late, by_value);
    ck_assert_uint_lt(late[REPEATS / 2], MS);
}
END_TEST

START_TEST(a_deadline_that_has_passed_costs_nothing)
{
    uint64_t start = clock_now_ns();

    for (uint32_t i = 0; i < 1000; i++)
        ck_assert_uint_ge(compute_until(start - 1), start);
    ck_assert_uint_ge(compute_until(0), start);
    ck_assert_uint_lt(clock_now_ns() - start, 5 * NS_PER_S);
}
END_TEST

static void *press_ctrl_c(void *arg)
{
    nanosleep(&(struct timespec){.tv_nsec = 30 * MS}, NULL);
    atomic_store(&host_cancel_level, 1);
    return arg;
}

START_TEST(ctrl_c_ends_it_early)
{
    uint64_t start = clock_now_ns(), end;
    pthread_t thread;

    pthread_create(&thread, NULL, press_ctrl_c, NULL);
    end = compute_until(start + 60 * NS_PER_S);
    ck_assert_uint_ge(end - start, 30 * MS);
    ck_assert_uint_lt(end - start, 10 * NS_PER_S);
    pthread_join(thread, NULL);
    start = clock_now_ns();
    compute_until(start + 60 * NS_PER_S);
    ck_assert_uint_lt(clock_now_ns() - start, 10 * NS_PER_S);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("compute");
    TCase *tc = tcase_create("compute");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, never_early_and_hardly_late, 0, sizeof durations / sizeof *durations);
    tcase_add_test(tc, a_deadline_that_has_passed_costs_nothing);
    tcase_add_test(tc, ctrl_c_ends_it_early);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
