/* SPDX-License-Identifier: Apache-2.0 */
/* Storage or client: the rules of docs/sweep.md, one by one. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sweep/limit.h"

static const struct {
    const char *name, *limited_by;
    double storage, barrier, overshoot, client, cpu_machine, cpu_run;
    const char *text;
} cases[] = {
    {"nothing lost", "compute", 0.2, 0.1, 0.1, 0.1, 20, 10, "-"},
    {"nothing lost, though busy", "compute", 0.2, 0.1, 0.1, 0.1, 99, 99, "-"},
    {"slow storage", "storage", 20, 1, 1, 1, 20, 10, "storage"},
    {"slow storage, uneven ranks", "storage", 5, 15, 1, 1, 20, 10, "storage"},
    {"one late rank of eight", "barrier", 2, 14, 0.5, 0, 20, 10, "storage"},
    {"slow storage seen at barriers first", "barrier", 5, 15, 1, 1, 20, 10, "storage"},
    {"ranks wait for each other for no reason of their own", "barrier", 0.5, 15, 0.5, 0.5, 20, 10, "barrier"},
    {"late wake-ups", "compute", 2, 0, 8, 1, 20, 10, "client: compute"},
    {"late wake-ups seen at barriers", "barrier", 0, 15, 1.5, 1, 20, 10, "client: compute"},
    {"decoding", "decode", 20, 1, 1, 1, 60, 55, "client: decode"},
    {"no memory to prefetch into", "prefetch", 20, 1, 1, 1, 20, 10, "client: memory"},
    {"hooks", "hooks", 1, 1, 1, 20, 20, 10, "client: hooks"},
    {"the loop", "loop", 1, 1, 1, 20, 20, 10, "client: loop"},
    {"the client by a word that says nothing", "unknown", 1, 1, 1, 20, 20, 10, "client: loop"},
    {"this run fills the CPUs", "storage", 20, 1, 1, 1, 90, 88, "client: cpu"},
    {"this run fills its quota on a large host", "storage", 20, 1, 1, 1, 5, 95, "client: cpu"},
    {"the host is full, a part of it this run", "storage", 20, 1, 1, 1, 95, 35, "client: cpu"},
    {"the host is full of other programs", "storage", 20, 1, 1, 1, 95, 10, "storage"},
    {"CPUs not known", "storage", 20, 1, 1, 1, NAN, NAN, "storage"},
    {"losses not known", "storage", NAN, NAN, NAN, NAN, 20, 10, "unknown"},
    {"losses not known and full CPUs", "storage", NAN, NAN, NAN, NAN, 99, 99, "unknown"},
};

START_TEST(who_kept_the_accelerators_waiting)
{
    struct sweep_figures f = {.accelerators = 8,
                              .lost_storage = cases[_i].storage,
                              .lost_barrier = cases[_i].barrier,
                              .lost_overshoot = cases[_i].overshoot,
                              .lost_client = cases[_i].client,
                              .cpu_machine = cases[_i].cpu_machine,
                              .cpu_run = cases[_i].cpu_run};
    char text[32];

    f.strict_au = 100 - f.lost_storage - f.lost_barrier - f.lost_overshoot - f.lost_client;
    f.au = f.strict_au;
    snprintf(f.limited_by, sizeof f.limited_by, "%s", cases[_i].limited_by);
    sweep_limit_text(sweep_limit_of(&f, 90), text, sizeof text);
    ck_assert_msg(strcmp(text, cases[_i].text) == 0, "%s: '%s', not '%s'", cases[_i].name, text, cases[_i].text);
}
END_TEST

/* What is little beside a threshold of 90 % is what missed one of 99.9 %. */
START_TEST(high_threshold_has_somebody_to_name)
{
    struct sweep_figures f = {.au = 99.6, .strict_au = 99.6, .lost_storage = 0.4, .limited_by = "compute"};

    ck_assert_int_eq(sweep_limit_of(&f, 90).side, SIDE_NONE);
    ck_assert_int_eq(sweep_limit_of(&f, 99.9).side, SIDE_STORAGE);
}
END_TEST

START_TEST(others_on_the_host)
{
    struct sweep_figures f = {.cpu_machine = 95, .cpu_run = 10};

    ck_assert(sweep_was_disturbed(&f));
    f.cpu_run = 80; /* it is this run that fills the host */
    ck_assert(!sweep_was_disturbed(&f));
    f.cpu_machine = f.cpu_run = 20;
    ck_assert(!sweep_was_disturbed(&f));
    f.cpu_machine = NAN;
    ck_assert(!sweep_was_disturbed(&f));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sweep_limit");
    TCase *all = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(all, who_kept_the_accelerators_waiting, 0, sizeof cases / sizeof cases[0]);
    tcase_add_test(all, high_threshold_has_somebody_to_name);
    tcase_add_test(all, others_on_the_host);
    suite_add_tcase(suite, all);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
