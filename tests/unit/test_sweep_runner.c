/* SPDX-License-Identifier: Apache-2.0 */
/* Runs as children: their command lines, what is kept of them, what their failures say. The program is a shell script
 * here, which writes the results that `dlfw run` would. */
#include <check.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "plugin/host_table.h"
#include "report/json_put.h"
#include "sweep/runner.h"

static char folder[] = "/tmp/dlfw-sweep-XXXXXX";
static struct sweep_work work;
static struct sweep_runner runner;
static struct error_slot err;

static const char *path(const char *name)
{
    static char text[256];

    snprintf(text, sizeof text, "%s/%s", folder, name);
    return text;
}

/* The text of a file; caller frees. */
static char *read_file(const char *name)
{
    FILE *in = fopen(path(name), "re");
    char *text = xcalloc(1, 4096);

    ck_assert_ptr_nonnull(in);
    ck_assert_uint_lt(fread(text, 1, 4095, in), 4095);
    fclose(in);
    return text;
}

static void write_program(const char *body)
{
    FILE *out = fopen(path("program"), "we");

    ck_assert_ptr_nonnull(out);
    fprintf(out, "#!/bin/sh\n%s\n", body);
    fchmod(fileno(out), 0755);
    fclose(out);
}

/* Notes its words, and writes good results of as many ranks as it was asked for into the last word's folder. */
static const char good_program[] =
    "for last; do :; done\n"
    "folder=${last#++output.folder=\\'}; folder=${folder%\\'}\n"
    "printf '%s\\n' \"$@\" >\"$folder/words\"\n"
    "echo >>\"$folder/count\"\n"
    "[ \"$1\" = generate ] && exit 0\n"
    "cat >\"$folder/summary.json\" <<END\n"
    "{\"num_accelerators\": $3, \"metric\": {\"train_au_mean_percentage\": 95.0}, \"dlfw\": {\"status\": \"ok\"}}\n"
    "END\n";

static void set_up(void)
{
    snprintf(folder, sizeof folder, "/tmp/dlfw-sweep-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    put_begin();
    error_slot_init(&err);
    work = (struct sweep_work){.samples = 100, .batch = 5, .epochs = 2, .identity = "0123456789abcdef"};
    runner = (struct sweep_runner){.config = "run.yaml",
                                   .work = &work,
                                   .folder = folder,
                                   .program = xstrdup(path("program")),
                                   .is_generated = true};
    write_program(good_program);
}

static void tear_down(void)
{
    char *command = xformat("rm -r '%s'", folder);
    FILE *rm = popen(command, "re");

    ck_assert_ptr_nonnull(rm);
    pclose(rm);
    free(command);
    free((void *)(uintptr_t)runner.program);
}

static dlfw_status make(uint32_t accelerators, uint32_t repetition, struct sweep_run *ret)
{
    *ret = (struct sweep_run){0};
    return sweep_runner_run(&runner, accelerators, repetition, ret, &err.e);
}

/* The words that the program got, one in a line; the last one is the folder of its results. */
static void expect_words(const char *name, const char *words)
{
    char *words_path = xformat("%s/words", name), *text = read_file(words_path);
    char *wanted = xformat("%s++output.folder='%s/%s'\n", words, folder, name);

    ck_assert_str_eq(text, wanted);
    free(text);
    free(wanted);
    free(words_path);
}

START_TEST(command_line_of_a_run)
{
    static const char *const overrides[] = {"++train.epochs=2", NULL};
    struct sweep_run run;

    work.generates = work.takes_checkpoints = true;
    work.step_cap = 7;
    runner.overrides = overrides;
    runner.plugin_dir = "plugins";
    runner.config_dir = "configs";
    runner.strict = runner.check = true;
    ck_assert_msg(make(4, 0, &run) == DLFW_OK, "%s", err.text);
    expect_words("4", "run\n--ranks\n4\n--plugin-dir\nplugins\n--config-dir\nconfigs\n--strict\n--check\nrun.yaml\n"
                      "++train.epochs=2\n++workflow.generate_data=False\n++workflow.checkpoint=False\n"
                      "++train.total_training_steps=5\n"); /* 100 samples are 5 steps of 5 on 4 */
    ck_assert_double_eq(run.figures.au, 95);
    ck_assert(isfinite(run.figures.cpu_run));
    ck_assert(run.figures.seconds > 0);
    ck_assert(!run.is_stored);
    free(run.folder);
    ck_assert_int_eq(sweep_runner_generate(&runner, &err.e), DLFW_OK);
    expect_words("generate", "generate\n--plugin-dir\nplugins\n--config-dir\nconfigs\n--strict\n--check\nrun.yaml\n"
                             "++train.epochs=2\n");
}
END_TEST

START_TEST(command_for_people)
{
    static const char *const shown[] = {"++storage.storage_options.secret=***", "++a=it's", NULL};
    static const char *const overrides[] = {"++storage.storage_options.secret=hunter2", "++a=it's", NULL};
    struct str out = STR_EMPTY;

    runner.overrides = overrides;
    runner.shown = shown;
    runner.folder = "out";
    sweep_runner_command(&runner, 0, &out);
    ck_assert_str_eq(out.data, "dlfw run --ranks N run.yaml '++storage.storage_options.secret=***' '++a=it'\\''s' "
                               "'++output.folder='\\''out/N'\\'''");
    str_free(&out);
}
END_TEST

START_TEST(folder_with_any_character)
{
    struct str out = STR_EMPTY;

    runner.folder = "a'b\\c d";
    sweep_runner_command(&runner, 3, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "++output.folder='\\''a\\'\\''b\\\\c d/3'\\''"));
    str_free(&out);
}
END_TEST

static uint32_t runs_of(const char *name)
{
    char *text = read_file(name);
    uint32_t n = (uint32_t)strlen(text);

    free(text);
    return n;
}

START_TEST(finished_run_is_not_made_again)
{
    struct sweep_run run;

    ck_assert(!sweep_runner_has(&runner, 2, 0));
    ck_assert_int_eq(make(2, 0, &run), DLFW_OK);
    free(run.folder);
    ck_assert(sweep_runner_has(&runner, 2, 0));
    ck_assert(!sweep_runner_has(&runner, 2, 1));
    ck_assert_int_eq(make(2, 0, &run), DLFW_OK);
    ck_assert(run.is_stored);
    ck_assert_double_eq(run.figures.au, 95);
    ck_assert(isfinite(run.figures.cpu_run));
    free(run.folder);
    ck_assert_uint_eq(runs_of("2/count"), 1);
    ck_assert_int_eq(make(2, 1, &run), DLFW_OK);
    ck_assert_str_eq(strrchr(run.folder, '/'), "/2.2");
    ck_assert(!run.is_stored);
    free(run.folder);
}
END_TEST

START_TEST(what_makes_a_run_again)
{
    struct sweep_run run;

    ck_assert_int_eq(make(2, 0, &run), DLFW_OK);
    free(run.folder);
    runner.force = true;
    ck_assert(!sweep_runner_has(&runner, 2, 0));
    ck_assert_int_eq(make(2, 0, &run), DLFW_OK);
    free(run.folder);
    ck_assert_uint_eq(runs_of("2/count"), 2);
    runner.force = false;
    ck_assert(sweep_runner_has(&runner, 2, 0));
    snprintf(work.identity, sizeof work.identity, "%s", "fedcba9876543210");
    ck_assert(!sweep_runner_has(&runner, 2, 0));
    snprintf(work.identity, sizeof work.identity, "%s", "0123456789abcdef");
    unlink(path("2/summary.json"));
    ck_assert(!sweep_runner_has(&runner, 2, 0));
}
END_TEST

static const struct {
    const char *program, *error;
} failures[] = {
    {"echo 'some line'; echo 'dlfw: error: no space left on the device' >&2; echo 'dlfw: error: later'; exit 1",
     "the run with 3 accelerators failed: no space left on the device ('"},
    {"echo 'rank 2: dlfw: error: cannot read' >&2; exit 1", "the run with 3 accelerators failed: cannot read ('"},
    {"echo first; echo last; echo; exit 7", "failed: last ('"},
    {"exit 1", "failed: it gave no reason ('"},
    {"kill -9 $$", "the run with 3 accelerators was ended by signal 9; '"},
    {"exit 0", "the run with 3 accelerators: cannot open '"},
};

/* A run that failed leaves nothing that the next sweep would take for its results. */
START_TEST(failure_names_the_first_error)
{
    struct sweep_run run;

    write_program(failures[_i].program);
    ck_assert_int_lt(make(3, 0, &run), 0);
    ck_assert_msg(strstr(err.text, failures[_i].error) != NULL, "%s", err.text);
    ck_assert(!sweep_runner_has(&runner, 3, 0));
}
END_TEST

START_TEST(program_that_cannot_be_started)
{
    struct sweep_run run;

    unlink(path("program"));
    ck_assert_int_lt(make(1, 0, &run), 0);
    ck_assert_msg(strstr(err.text, "the program cannot be started again") != NULL, "%s", err.text);
}
END_TEST

static void stop_after_a_while(void *ctx, double seconds)
{
    (void)ctx;
    if (seconds > 0.1)
        atomic_store(&host_cancel_level, 1);
}

/* Ctrl-C: the child is told once, and waited for. */
START_TEST(stopping_stops_the_child)
{
    struct sweep_run run;
    char *said;

    write_program("trap 'echo told >>'\"$0\"'.said; sleep 0.2; exit 130' INT\nwhile :; do sleep 0.02; done");
    runner.tick = stop_after_a_while;
    ck_assert_int_eq(make(1, 0, &run), DLFW_E_CANCELLED);
    atomic_store(&host_cancel_level, 0);
    said = read_file("program.said");
    ck_assert_str_eq(said, "told\n");
    free(said);
    ck_assert(!sweep_runner_has(&runner, 1, 0));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sweep_runner");
    TCase *cases = tcase_create("all");
    SRunner *srunner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, command_line_of_a_run);
    tcase_add_test(cases, command_for_people);
    tcase_add_test(cases, folder_with_any_character);
    tcase_add_test(cases, finished_run_is_not_made_again);
    tcase_add_test(cases, what_makes_a_run_again);
    tcase_add_loop_test(cases, failure_names_the_first_error, 0, sizeof failures / sizeof failures[0]);
    tcase_add_test(cases, program_that_cannot_be_started);
    tcase_add_test(cases, stopping_stops_the_child);
    suite_add_tcase(suite, cases);
    srunner_run_all(srunner, CK_NORMAL);
    failed = srunner_ntests_failed(srunner);
    srunner_free(srunner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
