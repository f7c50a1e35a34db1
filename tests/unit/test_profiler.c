/* SPDX-License-Identifier: Apache-2.0 */
/* iostat as a child: how it is called, that its file is complete, and that none of its ways to fail is lost. A script
 * of that name stands in for it. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "train/profiler.h"

static char folder[64], script[128], file[128], ready[128];
static struct run_config cfg;
static struct profiler profiler;
static struct error_slot err;

static void setup(void)
{
    snprintf(folder, sizeof folder, "/tmp/dlfw-profiler-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(script, sizeof script, "%s/iostat", folder);
    snprintf(file, sizeof file, "%s/iostat.json", folder);
    snprintf(ready, sizeof ready, "%s/ready", folder);
    setenv("PATH", folder, 1);
    cfg = (struct run_config){.workflow.profiling = 1, .profiling.profiler = PROFILER_IOSTAT};
    error_slot_init(&err);
}

static void teardown(void)
{
    unlink(script);
    unlink(file);
    unlink(ready);
    rmdir(folder);
}

static void write_script(const char *text)
{
    FILE *f = fopen(script, "w");

    ck_assert_ptr_nonnull(f);
    fprintf(f, "#!/bin/sh\n%s\n", text);
    fclose(f);
    ck_assert_int_eq(chmod(script, 0755), 0);
}

static void start(void)
{
    ck_assert_msg(profiler_start(&cfg, folder, &profiler, &err.e) == DLFW_OK, "%s", err.text);
    ck_assert_int_gt(profiler.pid, 0);
}

static void wait_for(const char *name)
{
    for (int i = 0; i < 2000 && access(name, F_OK) != 0; i++)
        usleep(5000);
    ck_assert_int_eq(access(name, F_OK), 0);
}

/* The script's file in one line. */
static void file_is(const char *expected)
{
    char text[512] = "";
    FILE *f = fopen(file, "r");
    size_t n;

    ck_assert_ptr_nonnull(f);
    n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    fclose(f);
    ck_assert_str_eq(text, expected);
}

START_TEST(called_as_dlio_does)
{
    const char *devices[] = {"nvme0n1", "sda"};

    setenv("LC_ALL", "de_DE.UTF-8", 1);
    cfg.profiling.iostat_devices = (dlfw_str_list){.items = devices, .count = 2};
    write_script("trap 'echo end; exit 0' INT\necho \"$0 $*\" $LC_ALL | /bin/sed 's:.*/::'\n: > \"${0%/*}/ready\"\n"
                 "while :; do /bin/sleep 0.05; done");
    start();
    wait_for(ready);
    ck_assert_int_eq(getpgid(profiler.pid), profiler.pid); /* Ctrl-C goes to the run alone */
    ck_assert_msg(profiler_stop(&profiler, &err.e) == DLFW_OK, "%s", err.text);
    ck_assert_int_eq(profiler.pid, 0);
    file_is("iostat -mdxtcy -o JSON nvme0n1 sda 1 C\nend\n");
    ck_assert_msg(profiler_stop(&profiler, &err.e) == DLFW_OK, "stopping twice");
}
END_TEST

START_TEST(only_when_asked_for)
{
    write_script("exit 1");
    for (uint32_t i = 0; i < 3; i++) {
        cfg.workflow.profiling = i > 0;
        cfg.profiling.profiler = i == 0 ? PROFILER_IOSTAT : i == 1 ? PROFILER_NONE : PROFILER_DARSHAN;
        ck_assert_int_eq(profiler_start(&cfg, folder, &profiler, &err.e), DLFW_OK);
        ck_assert_int_eq(profiler.pid, 0);
        ck_assert_int_eq(profiler_stop(&profiler, &err.e), DLFW_OK);
        ck_assert_int_ne(access(file, F_OK), 0);
    }
}
END_TEST

START_TEST(missing_program_names_the_package)
{
    ck_assert_int_eq(profiler_start(&cfg, folder, &profiler, &err.e), DLFW_E_NOT_FOUND);
    ck_assert_msg(strstr(err.text, "install the package sysstat"), "%s", err.text);
    ck_assert_int_eq(profiler.pid, 0);
    ck_assert_int_ne(access(file, F_OK), 0);
    ck_assert_int_eq(profiler_stop(&profiler, &err.e), DLFW_OK);
    ck_assert_int_eq(profiler_start(&cfg, "/nowhere", &profiler, &err.e), DLFW_E_NOT_FOUND);
    ck_assert_msg(strstr(err.text, "'/nowhere/iostat.json'"), "%s", err.text);
}
END_TEST

START_TEST(early_end_is_an_error)
{
    write_script("exit 3");
    start();
    for (int i = 0; i < 400; i++) /* until it is a zombie: its group has nobody to signal */
        usleep(1000);
    ck_assert_int_eq(profiler_stop(&profiler, &err.e), DLFW_E_IO);
    ck_assert_msg(strstr(err.text, "ended before the run did, with status 3"), "%s", err.text);
}
END_TEST

START_TEST(failure_at_the_end_is_an_error)
{
    write_script("trap 'exit 4' INT\n: > \"${0%/*}/ready\"\nwhile :; do /bin/sleep 0.05; done");
    start();
    wait_for(ready);
    ck_assert_int_eq(profiler_stop(&profiler, &err.e), DLFW_E_IO);
    ck_assert_msg(strstr(err.text, "failed with status 4"), "%s", err.text);
}
END_TEST

/* A run of milliseconds: the signal finds no handler yet, and half a file is no file. */
START_TEST(too_short_a_run_leaves_no_file)
{
    write_script(": > \"${0%/*}/ready\"\nexec /bin/sleep 30");
    start();
    wait_for(ready);
    usleep(50000);
    ck_assert_msg(profiler_stop(&profiler, &err.e) == DLFW_OK, "%s", err.text);
    ck_assert_int_ne(access(file, F_OK), 0);
}
END_TEST

START_TEST(one_that_will_not_end_is_killed)
{
    uint64_t begin = clock_now_ns();
    pid_t pid;

    write_script("trap '' INT\n: > \"${0%/*}/ready\"\nexec /bin/sleep 30");
    start();
    pid = profiler.pid;
    wait_for(ready);
    ck_assert_int_eq(profiler_stop(&profiler, &err.e), DLFW_E_TIMEOUT);
    ck_assert_uint_lt(clock_now_ns() - begin, 15 * NS_PER_S);
    ck_assert_int_ne(kill(pid, 0), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("profiler");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, called_as_dlio_does);
    tcase_add_test(tc, only_when_asked_for);
    tcase_add_test(tc, missing_program_names_the_package);
    tcase_add_test(tc, early_end_is_an_error);
    tcase_add_test(tc, failure_at_the_end_is_an_error);
    tcase_add_test(tc, too_short_a_run_leaves_no_file);
    tcase_add_test(tc, one_that_will_not_end_is_killed);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
