/* SPDX-License-Identifier: Apache-2.0 */
/* How busy CPUs are, from the kernel's counters. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "sweep/cpu_watch.h"

START_TEST(first_line_of_proc_stat)
{
    struct cpu_ticks t;

    ck_assert(cpu_ticks_parse("cpu  100 20 30 400 50 6 7 8 9 10\ncpu0 1 2 3 4\n", &t));
    ck_assert_uint_eq(t.busy, 100 + 20 + 30 + 6 + 7 + 8); /* neither idle nor waiting for a disk; guests are in user */
    ck_assert_uint_eq(t.all, t.busy + 400 + 50);
    ck_assert(cpu_ticks_parse("cpu 1 2 3 4", &t)); /* a kernel that knows no more */
    ck_assert_uint_eq(t.busy, 6);
    ck_assert(!cpu_ticks_parse("intr 1 2 3 4", &t));
    ck_assert(!cpu_ticks_parse("cpu 1 2", &t));
    ck_assert(!cpu_ticks_parse("", &t));
}
END_TEST

START_TEST(median_forgets_beginning_and_end)
{
    static const uint64_t busy[] = {0, 5, 95, 95, 97, 95, 10};
    struct cpu_watch w = {0};
    struct cpu_ticks t = {0};

    ck_assert(isnan(cpu_watch_median(&w)));
    cpu_watch_add(&w, t);
    ck_assert(isnan(cpu_watch_median(&w)));
    for (uint32_t i = 0; i < sizeof busy / sizeof busy[0]; i++) {
        t.busy += busy[i];
        t.all += 100;
        cpu_watch_add(&w, t);
    }
    ck_assert_double_eq(cpu_watch_median(&w), 95);
}
END_TEST

START_TEST(few_ticks_are_gathered_first)
{
    struct cpu_watch w = {0};

    cpu_watch_add(&w, (struct cpu_ticks){.busy = 0, .all = 0});
    cpu_watch_add(&w, (struct cpu_ticks){.busy = 4, .all = 4});
    ck_assert_uint_eq(w.count, 0);
    cpu_watch_add(&w, (struct cpu_ticks){.busy = 5, .all = 10});
    ck_assert_uint_eq(w.count, 1);
    ck_assert_double_eq(cpu_watch_median(&w), 50);
}
END_TEST

/* Idle time may be corrected downwards; that is no share above 100 or below 0. */
START_TEST(counters_that_go_back)
{
    struct cpu_watch w = {0};

    cpu_watch_add(&w, (struct cpu_ticks){.busy = 100, .all = 200});
    cpu_watch_add(&w, (struct cpu_ticks){.busy = 90, .all = 220});
    cpu_watch_add(&w, (struct cpu_ticks){.busy = 140, .all = 240});
    cpu_watch_add(&w, (struct cpu_ticks){.busy = 140, .all = 230});
    ck_assert_uint_eq(w.count, 2);
    ck_assert_uint_eq(w.samples[0], 1);
    ck_assert_uint_eq(w.samples[100], 1);
}
END_TEST

START_TEST(quota_of_a_cgroup)
{
    ck_assert_double_eq(cpu_quota_parse("150000 100000\n"), 1.5);
    ck_assert_double_eq(cpu_quota_parse("max 100000\n"), 0);
    ck_assert_double_eq(cpu_quota_parse(""), 0);
    ck_assert_double_eq(cpu_quota_parse("100000 0"), 0);
}
END_TEST

START_TEST(this_machine)
{
    struct cpu_watch w = {0};

    cpu_watch_look(&w);
    ck_assert(w.has_last);
    ck_assert(w.last.all > 0);
    ck_assert(cpu_usable() > 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sweep_cpu");
    TCase *cases = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, first_line_of_proc_stat);
    tcase_add_test(cases, median_forgets_beginning_and_end);
    tcase_add_test(cases, few_ticks_are_gathered_first);
    tcase_add_test(cases, counters_that_go_back);
    tcase_add_test(cases, quota_of_a_cgroup);
    tcase_add_test(cases, this_machine);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
