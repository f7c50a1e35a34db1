/* SPDX-License-Identifier: Apache-2.0 */
/* Run files as a sweep sees them: steps, time, what is refused, what is noted, when two are the same. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "sweep/plan.h"

static const char run_file[] =
    "model: {name: unet3d}\n"
    "framework: pytorch\n"
    "workflow: {train: True}\n"
    "dataset: {data_folder: data, format: npz, num_files_train: 168, record_length_bytes: 1000000}\n"
    "reader: {data_loader: pytorch, batch_size: 7}\n"
    "train: {epochs: 5, computation_time: 0.5}\n"
    "metric: {au: 0.9}\n";

static char folder[] = "/tmp/dlfw-sweep-XXXXXX";
static char path[64];
static struct run_config *cfg;
static struct sweep_work work;
static struct error_slot err;

static void set_up(void)
{
    FILE *out;

    snprintf(folder, sizeof folder, "/tmp/dlfw-sweep-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/unet3d_h100.yaml", folder);
    out = fopen(path, "we");
    ck_assert_ptr_nonnull(out);
    fputs(run_file, out);
    fclose(out);
    error_slot_init(&err);
}

static void tear_down(void)
{
    unlink(path);
    rmdir(folder);
}

/* first and second may be NULL. */
static dlfw_status find(const char *first, const char *second)
{
    const char *overrides[] = {first ? first : second, first ? second : NULL, NULL};
    struct run_config_args args = {.path = path, .overrides = overrides};
    struct problem_list problems = {0};
    dlfw_status st;

    cfg = xcalloc(1, sizeof *cfg);
    st = run_config_read(&args, cfg, &problems);
    ck_assert_msg(st >= 0, "%s", problems.count ? problems.items[0].text : "");
    problem_list_free(&problems);
    st = sweep_work_find(cfg, &work, &err.e);
    run_config_free(cfg);
    free(cfg);
    return st;
}

START_TEST(what_a_run_file_says)
{
    ck_assert_int_eq(find(NULL, NULL), DLFW_OK);
    ck_assert_str_eq(work.name, "unet3d_h100");
    ck_assert_double_eq_tol(work.threshold, 90, 1e-9);
    ck_assert(work.is_cacheable);
    ck_assert_double_eq(work.dataset_bytes, 168e6);
    ck_assert_uint_eq(sweep_steps(&work, 1), 24);
    ck_assert_uint_eq(sweep_steps(&work, 5), 4);
    ck_assert_uint_eq(sweep_steps(&work, 24), 1);
    ck_assert_uint_eq(sweep_steps(&work, 25), 0);
    ck_assert_double_eq_tol(sweep_run_seconds(&work, 1), 5 * 24 * 0.5, 1);
    sweep_work_free(&work);
    ck_assert_int_eq(find("++train.total_training_steps=10", NULL), DLFW_OK);
    ck_assert_uint_eq(sweep_steps(&work, 1), 10);
    ck_assert_uint_eq(sweep_steps(&work, 5), 4);
    sweep_work_free(&work);
}
END_TEST

static const struct {
    const char *override, *error;
} refused[] = {{"++workflow.train=False", "workflow.train is off"},
               {"++train.computation_time=0", "train.computation_time is 0"},
               {"++dataset.data_folder=memory://data", "which each process has for itself"}};

START_TEST(nothing_to_sweep_over)
{
    ck_assert_int_eq(find(refused[_i].override, NULL), DLFW_E_CONFIG);
    ck_assert_msg(strstr(err.text, refused[_i].error) != NULL, "%s", err.text);
}
END_TEST

static const struct {
    const char *override;
    bool same;
} identities[] = {
    {"++output.folder=elsewhere", true}, {"++metric.au=0.5", true},        {"++workflow.generate_data=True", true},
    {"++train.epochs=5", true},          {"++train.epochs=6", false},      {"++reader.batch_size=8", false},
    {"++storage.storage_root=x", false}, {"++reader.queue_depth=3", false}};

/* Points of another sweep may be used exactly when no figure depends on the difference. */
START_TEST(identity_follows_what_figures_depend_on)
{
    char first[17];

    ck_assert_int_eq(find(NULL, NULL), DLFW_OK);
    snprintf(first, sizeof first, "%s", work.identity);
    ck_assert_uint_eq(strlen(first), 16);
    sweep_work_free(&work);
    ck_assert_int_eq(find(identities[_i].override, NULL), DLFW_OK);
    ck_assert_int_eq(strcmp(first, work.identity) == 0, identities[_i].same);
    sweep_work_free(&work);
}
END_TEST

static dlfw_status check(const char *text, double memory, struct sweep_notes *notes)
{
    struct sweep_range range = {0};
    dlfw_status st;

    *notes = (struct sweep_notes){0};
    ck_assert_int_eq(sweep_range_parse(text, &range, NULL), DLFW_OK);
    st = sweep_work_check(&work, &range, memory, notes, &err.e);
    sweep_range_free(&range);
    return st;
}

static bool has_note(const struct sweep_notes *notes, const char *text)
{
    for (uint32_t i = 0; i < notes->count; i++)
        if (strstr(notes->lines[i], text))
            return true;
    return false;
}

START_TEST(dataset_without_a_step)
{
    struct sweep_notes notes;

    ck_assert_int_eq(find(NULL, NULL), DLFW_OK);
    ck_assert_int_eq(check("1..24", 1, &notes), DLFW_OK);
    ck_assert(has_note(&notes, "with 1 or more accelerators an epoch has fewer than 30 steps (24 with 1, 1 with 24)"));
    sweep_notes_free(&notes);
    ck_assert_int_eq(check("1..25", 1, &notes), DLFW_E_CONFIG);
    ck_assert_msg(strstr(err.text, "sweep at most 24, or have at least 175 samples") != NULL, "%s", err.text);
    sweep_notes_free(&notes);
    sweep_work_free(&work);
}
END_TEST

START_TEST(notes_before_the_first_run)
{
    struct sweep_notes notes;

    ck_assert_int_eq(find("++dataset.num_files_train=2100", NULL), DLFW_OK);
    ck_assert_int_eq(check("1..10", 1e9, &notes), DLFW_OK);
    ck_assert_uint_eq(notes.count, 0);
    ck_assert_int_eq(check("1..10", 1e10, &notes), DLFW_OK);
    ck_assert(has_note(&notes, "fits into this host's memory"));
    sweep_notes_free(&notes);
    work.is_cacheable = false;
    work.takes_checkpoints = true;
    work.step_cap = 300;
    ck_assert_int_eq(check("1..10", 1e10, &notes), DLFW_OK);
    ck_assert(!has_note(&notes, "fits into"));
    ck_assert(has_note(&notes, "takes no checkpoints"));
    ck_assert(has_note(&notes, "10 get 30"));
    sweep_notes_free(&notes);
    sweep_work_free(&work);
}
END_TEST

static const char *const uncached[] = {"++reader.odirect=True", "++reader.drop_cache=True",
                                       "++dataset.data_folder=s3://bucket/data", "++storage.storage_type=s3"};

START_TEST(page_cache_is_only_of_files)
{
    ck_assert_int_eq(find(uncached[_i], NULL), DLFW_OK);
    ck_assert(!work.is_cacheable);
    sweep_work_free(&work);
}
END_TEST

/* 1..8: doubling alone 4 runs; every answer below 8 needs at most 2 more. */
START_TEST(plan_plays_the_search)
{
    struct sweep_runner runner = {.work = &work, .folder = folder, .config = path, .is_generated = true};
    struct sweep_range range = {0};
    struct str text = STR_EMPTY;
    struct sweep_estimate e;
    struct sweep s;

    ck_assert_int_eq(find(NULL, NULL), DLFW_OK);
    ck_assert_int_eq(sweep_range_parse("1..8", &range, NULL), DLFW_OK);
    sweep_init(&s, &range);
    s.name = work.name;
    s.threshold = 90;
    e = sweep_estimate(&s, &runner);
    ck_assert_uint_eq(e.least_runs, 1);
    ck_assert_uint_eq(e.most_runs, 6);
    ck_assert_double_eq_tol(e.least_seconds, 60, 1);
    ck_assert_double_gt(e.most_seconds, 60 + 30 + 15 + 7.5);
    s.repeat = 3;
    e = sweep_estimate(&s, &runner);
    ck_assert_uint_eq(e.least_runs, 3);
    ck_assert_uint_eq(e.most_runs, 6 + 4);
    s.repeat = 1;
    s.all = true;
    e = sweep_estimate(&s, &runner);
    ck_assert_uint_eq(e.least_runs, 8);
    ck_assert_uint_eq(e.most_runs, 8);
    sweep_plan_text(&s, &runner, &text);
    ck_assert_ptr_nonnull(strstr(text.data, "runs     8 to 8"));
    ck_assert_ptr_nonnull(strstr(text.data, "dlfw run --ranks N"));
    ck_assert_ptr_nonnull(strstr(text.data, "--steps 3 gives every number as many steps as 8 have"));
    str_free(&text);
    sweep_free(&s);
    sweep_work_free(&work);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sweep_work");
    TCase *cases = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, what_a_run_file_says);
    tcase_add_loop_test(cases, nothing_to_sweep_over, 0, sizeof refused / sizeof refused[0]);
    tcase_add_loop_test(cases, identity_follows_what_figures_depend_on, 0, sizeof identities / sizeof identities[0]);
    tcase_add_test(cases, dataset_without_a_step);
    tcase_add_test(cases, notes_before_the_first_run);
    tcase_add_loop_test(cases, page_cache_is_only_of_files, 0, sizeof uncached / sizeof uncached[0]);
    tcase_add_test(cases, plan_plays_the_search);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
