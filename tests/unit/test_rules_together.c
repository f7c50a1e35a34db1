/* SPDX-License-Identifier: Apache-2.0 */
/* Several results folders: runs in a row, the halves of a checkpoint benchmark, and what is printed of all of it. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/verdict_print.h"
#include "unit/rules_fixture.h"

#define RUNS_MAX 7

struct together_case {
    const char *name, *version;
    unsigned count;     /* runs of ten minutes, one minute apart */
    unsigned odd;       /* the run that is unlike the others, from 1; 0: none */
    double start_shift; /* seconds that the odd run begins and ends later */
    const char *rate;   /* its samples per second */
    const char *edit[2];
    const char *files;
    bool reversed; /* the folders are given in another order */
    uint32_t verdict, rule, level;
    const char *text;
};

static const struct together_case cases[] = {
    {.name = "six runs",
     .version = "2.0",
     .count = 6,
     .verdict = VERDICT_CLOSED,
     .rule = RULE_RUNS,
     .level = LEVEL_OK,
     .text = "warms up"},
    {.name = "six runs, v3",
     .version = "3.0",
     .count = 6,
     .verdict = VERDICT_CLOSED,
     .rule = RULE_RUNS,
     .level = LEVEL_OK,
     .text = "6 runs"},
    {.name = "in any order",
     .version = "2.0",
     .count = 6,
     .reversed = true,
     .verdict = VERDICT_CLOSED,
     .rule = RULE_CONSECUTIVE,
     .level = LEVEL_OK,
     .text = "60.0 s"},
    {.name = "five runs",
     .version = "2.0",
     .count = 5,
     .verdict = VERDICT_CLOSED,
     .rule = RULE_RUNS,
     .level = LEVEL_NOTE,
     .text = "not among them"},
    {.name = "five runs, v3",
     .version = "3.0",
     .count = 5,
     .verdict = VERDICT_INVALID,
     .rule = RULE_RUNS,
     .level = LEVEL_INVALID,
     .text = "5 runs"},
    {.name = "four runs",
     .version = "2.0",
     .count = 4,
     .verdict = VERDICT_INVALID,
     .rule = RULE_RUNS,
     .level = LEVEL_INVALID,
     .text = "4 runs"},
    {.name = "seven runs",
     .version = "2.0",
     .count = 7,
     .verdict = VERDICT_INVALID,
     .rule = RULE_RUNS,
     .level = LEVEL_INVALID,
     .text = "7 runs"},
    {.name = "one run",
     .version = "2.0",
     .count = 1,
     .verdict = VERDICT_CLOSED,
     .rule = RULE_RUNS,
     .level = LEVEL_NOTE,
     .text = "give all folders"},
    {.name = "the same seed",
     .version = "2.0",
     .count = 6,
     .verdict = VERDICT_CLOSED,
     .rule = RULE_SEED,
     .level = LEVEL_NOTE,
     .text = "123 more than once"},
    {.name = "within five percent",
     .version = "2.0",
     .count = 6,
     .odd = 3,
     .rate = "20.9",
     .verdict = VERDICT_CLOSED,
     .rule = RULE_SPREAD,
     .level = LEVEL_OK,
     .text = "20.1800 samples/s"},
    {.name = "not within five percent",
     .version = "2.0",
     .count = 6,
     .odd = 3,
     .rate = "22",
     .verdict = VERDICT_INVALID,
     .rule = RULE_SPREAD,
     .level = LEVEL_INVALID,
     .text = "7.84 %"},
    {.name = "a slow one to warm up",
     .version = "2.0",
     .count = 6,
     .odd = 1,
     .rate = "2",
     .verdict = VERDICT_CLOSED,
     .rule = RULE_SPREAD,
     .level = LEVEL_OK,
     .text = "0.00 %"},
    {.name = "a long gap",
     .version = "2.0",
     .count = 6,
     .odd = 6,
     .start_shift = 541,
     .verdict = VERDICT_INVALID,
     .rule = RULE_CONSECUTIVE,
     .level = LEVEL_INVALID,
     .text = "601.0 s between"},
    {.name = "just short enough",
     .version = "2.0",
     .count = 6,
     .odd = 6,
     .start_shift = 539,
     .verdict = VERDICT_CLOSED,
     .rule = RULE_CONSECUTIVE,
     .level = LEVEL_OK,
     .text = "599.0 s"},
    {.name = "side by side",
     .version = "2.0",
     .count = 6,
     .odd = 6,
     .start_shift = -61,
     .verdict = VERDICT_INVALID,
     .rule = RULE_CONSECUTIVE,
     .level = LEVEL_INVALID,
     .text = "1.0 s before"},
    {.name = "another file count",
     .version = "2.0",
     .count = 6,
     .odd = 2,
     .files = "4000000",
     .verdict = VERDICT_INVALID,
     .rule = RULE_SAME,
     .level = LEVEL_INVALID,
     .text = "another dataset.num_files_train"},
    {.name = "another number of threads",
     .version = "2.0",
     .count = 6,
     .odd = 6,
     .edit = {"read_threads: 8", "read_threads: 9"},
     .verdict = VERDICT_INVALID,
     .rule = RULE_SAME,
     .level = LEVEL_INVALID,
     .text = "another reader.read_threads"},
    {.name = "another seed in one",
     .version = "2.0",
     .count = 6,
     .odd = 6,
     .edit = {"epochs: ", "seed: 7\n  epochs: "},
     .verdict = VERDICT_CLOSED,
     .rule = RULE_SAME,
     .level = LEVEL_OK,
     .text = "the same configuration"},
};

/* Seconds after noon. */
static void put_time(char *buf, size_t cap, double seconds)
{
    unsigned whole = (unsigned)seconds;

    snprintf(buf, cap, "2026-01-31T%02u:%02u:%02u.000000", 12 + whole / 3600, whole / 60 % 60, whole % 60);
}

static void make_run(struct results_folder *folder, const struct together_case *c, unsigned i)
{
    bool odd = c->odd == i + 1;
    double start = i * 660.0 + (odd ? c->start_shift : 0);
    char begins[40], ends[40], metric[160];
    struct results_shape shape = {.files = odd && c->files ? c->files : "3500000",
                                  .start = begins,
                                  .end = ends,
                                  .metric = metric,
                                  .example = strcmp(c->version, "3.0") == 0 ? "retinanet_b200" : "resnet50_h100"};

    put_time(begins, sizeof begins, start);
    put_time(ends, sizeof ends, start + 600);
    snprintf(metric, sizeof metric,
             "{\"train_au_mean_percentage\": 95.5, \"train_throughput_mean_samples_per_second\": %s}",
             odd && c->rate ? c->rate : "20");
    if (odd && c->edit[0]) {
        shape.config_edit[0] = c->edit[0];
        shape.config_edit[1] = c->edit[1];
    }
    results_make(folder, &shape);
}

static void judge_all(struct judgement *j, const struct results_folder *folders)
{
    struct rule_book book;

    rule_book_open(j->version, &book);
    for (uint32_t i = 0; i < j->count; i++) {
        subject_read_results(folders[i].path, &j->subjects[i]);
        judge_subject(&book, &j->subjects[i]);
    }
    judge_together(&book, j->subjects, j->count, &j->together);
    rule_book_close(&book);
}

static void drop(struct judgement *j, struct results_folder *folders)
{
    for (uint32_t i = 0; i < j->count; i++) {
        subject_free(&j->subjects[i]);
        results_remove(&folders[i]);
    }
    findings_free(&j->together);
}

START_TEST(test_training)
{
    const struct together_case *c = &cases[_i];
    struct results_folder folders[RUNS_MAX];
    struct subject subjects[RUNS_MAX];
    struct judgement j = {.version = rule_version_find(c->version), .subjects = subjects, .count = c->count};
    char *all;

    for (unsigned i = 0; i < c->count; i++)
        make_run(&folders[c->reversed ? c->count - 1 - i : i], c, i);
    judge_all(&j, folders);
    all = findings_text(&j.together);
    ck_assert_msg(findings_verdict(&j.together) == c->verdict, "%s: not %s:%s", c->name, judged_name(c->verdict), all);
    ck_assert_msg(has_finding(&j.together, c->rule, c->level, c->text), "%s:%s", c->name, all);
    free(all);
    drop(&j, folders);
}
END_TEST

#define WRITES                                                                                                         \
    {                                                                                                                  \
        "num_checkpoints_read: 10", "num_checkpoints_read: 0"                                                          \
    }
#define READS                                                                                                          \
    {                                                                                                                  \
        "num_checkpoints_write: 10", "num_checkpoints_write: 0"                                                        \
    }

static const struct {
    const char *name, *version;
    unsigned count;
    const char *edit[2][2];
    double gap; /* from the first to the second */
    uint32_t verdict, level;
    const char *text;
} phases[] = {
    {"one run", "2.0", 1, {{NULL}}, 0, VERDICT_CLOSED, LEVEL_OK, "10 written, 10 read"},
    {"two runs", "2.0", 2, {WRITES, READS}, 600, VERDICT_CLOSED, LEVEL_OK, "10 written, 10 read"},
    {"two runs, v3", "3.0", 2, {WRITES, READS}, 30, VERDICT_CLOSED, LEVEL_OK, "30.0 s"},
    {"too late, v3", "3.0", 2, {WRITES, READS}, 31, VERDICT_INVALID, LEVEL_INVALID, "31.0 s"},
    {"only the writes", "2.0", 1, {WRITES}, 0, VERDICT_INVALID, LEVEL_INVALID, "10 written, 0 read"},
    {"reads before writes", "2.0", 2, {READS, WRITES}, 60, VERDICT_INVALID, LEVEL_INVALID, "before the writes"},
    {"twice as much", "2.0", 2, {{NULL}, {NULL}}, 60, VERDICT_INVALID, LEVEL_INVALID, "20 written"},
};

START_TEST(test_checkpoints)
{
    struct results_folder folders[2];
    struct subject subjects[2];
    struct judgement j = {
        .version = rule_version_find(phases[_i].version), .subjects = subjects, .count = phases[_i].count};
    char *all;

    for (unsigned i = 0; i < phases[_i].count; i++) {
        double start = i * (600 + phases[_i].gap);
        char begins[40], ends[40];
        struct results_shape shape = {.example = "llama_8b_zero3",
                                      .ranks = 8,
                                      .start = begins,
                                      .end = ends,
                                      .config_edit = {phases[_i].edit[i][0], phases[_i].edit[i][1]}};

        put_time(begins, sizeof begins, start);
        put_time(ends, sizeof ends, start + 600);
        results_make(&folders[i], &shape);
    }
    judge_all(&j, folders);
    all = findings_text(&j.together);
    ck_assert_msg(findings_verdict(&j.together) == phases[_i].verdict, "%s:%s", phases[_i].name, all);
    ck_assert_msg(has_finding(&j.together, RULE_SEQUENCE, phases[_i].level, phases[_i].text), "%s:%s", phases[_i].name,
                  all);
    free(all);
    drop(&j, folders);
}
END_TEST

START_TEST(test_print)
{
    static const struct together_case c = {.version = "2.0"};
    struct results_folder folders[1];
    struct subject subjects[1];
    struct judgement j = {.version = rule_version_find("2.0"), .subjects = subjects, .count = 1};
    struct str text = STR_EMPTY;
    json_t *root, *item;
    size_t i;

    make_run(&folders[0], &c, 0);
    judge_all(&j, folders);
    judgement_text(&j, &text);
    ck_assert_ptr_nonnull(strstr(text.data, "  ok       accelerator utilization: 95.5000 %; wanted: at least 90 % "
                                            "(MLPerf Storage v2.0 rules, 4 and 11)\n"));
    ck_assert_ptr_nonnull(strstr(text.data, "verdict: CLOSED; CLOSED was asked for"));
    str_clear(&text);
    judgement_json(&j, &text);
    root = json_loads(text.data, 0, NULL);
    ck_assert_ptr_nonnull(root);
    ck_assert_str_eq(json_string_value(json_object_get(root, "verdict")), "CLOSED");
    ck_assert(json_is_true(json_object_get(root, "ok")));
    json_array_foreach(json_object_get(json_array_get(json_object_get(root, "subjects"), 0), "findings"), i, item)
    {
        ck_assert_ptr_nonnull(json_object_get(item, "rule"));
        ck_assert_ptr_nonnull(json_object_get(item, "found"));
        ck_assert_ptr_nonnull(json_object_get(item, "source"));
    }
    ck_assert_uint_gt(i, 5);
    json_decref(root);
    str_free(&text);
    drop(&j, folders);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rules_together");
    TCase *t = tcase_create("together");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(t, test_training, 0, sizeof cases / sizeof cases[0]);
    tcase_add_loop_test(t, test_checkpoints, 0, sizeof phases / sizeof phases[0]);
    tcase_add_test(t, test_print);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
