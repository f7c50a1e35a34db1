/* SPDX-License-Identifier: Apache-2.0 */
/* Results folders after a run: a good one is CLOSED, and each thing that can be wrong with one is found. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "unit/rules_fixture.h"

#define OK_METRIC(au) "{\"train_au_mean_percentage\": " au ", \"train_throughput_mean_samples_per_second\": 20}"

struct results_case {
    const char *version;
    struct results_shape shape;
    uint32_t verdict, rule, level;
    const char *text;
};

static const struct results_case cases[] = {
    {"2.0", {.files = "3500"}, VERDICT_CLOSED, RULE_SIZE, LEVEL_OK, "at least 3500"},
    {"2.0", {.files = "3499"}, VERDICT_INVALID, RULE_SIZE, LEVEL_INVALID, "at least 3500"},
    {"2.0", {.files = "28000", .ranks = 8}, VERDICT_CLOSED, RULE_SIZE, LEVEL_OK, "at least 28000"},
    /* what the summary says */
    {"2.0",
     {.files = "3500", .summary = "\"host_memory_GB\": [1024.0],"},
     VERDICT_INVALID,
     RULE_FILES,
     LEVEL_INVALID,
     "summary.json"},
    {"2.0", {.files = "3500", .leave_out = "summary.json"}, VERDICT_INVALID, RULE_FILES, LEVEL_INVALID, "summary.json"},
    {"2.0", {.files = "3500", .metric = "{}"}, VERDICT_INVALID, RULE_AU, LEVEL_INVALID, "no train_au"},
    {"2.0", {.files = "3500", .metric = OK_METRIC("90.0")}, VERDICT_CLOSED, RULE_AU, LEVEL_OK, "90.0000 %"},
    {"2.0",
     {.files = "3500", .metric = OK_METRIC("89.9999")},
     VERDICT_INVALID,
     RULE_AU,
     LEVEL_INVALID,
     "at least 90 %"},
    {"2.0",
     {.example = "cosmoflow_a100", .files = "524288", .metric = OK_METRIC("70.1")},
     VERDICT_CLOSED,
     RULE_AU,
     LEVEL_OK,
     "at least 70 %"},
    {"3.0",
     {.example = "retinanet_b200", .files = "1170301", .metric = OK_METRIC("84")},
     VERDICT_INVALID,
     RULE_AU,
     LEVEL_INVALID,
     "at least 85 %"},
    /* files */
    {"2.0", {.files = "3500", .leave_out = "dlio.log"}, VERDICT_INVALID, RULE_FILES, LEVEL_INVALID, "dlio.log"},
    {"2.0",
     {.files = "28000", .ranks = 8, .leave_out = "7_output.json"},
     VERDICT_INVALID,
     RULE_FILES,
     LEVEL_INVALID,
     "7_output.json"},
    {"2.0",
     {.files = "3500", .leave_out = "0_per_epoch_stats.json"},
     VERDICT_INVALID,
     RULE_FILES,
     LEVEL_INVALID,
     "0_per_epoch_stats.json"},
    {"2.0",
     {.files = "3500", .leave_out = "dlio_config/hydra.yaml"},
     VERDICT_INVALID,
     RULE_FILES,
     LEVEL_INVALID,
     "hydra.yaml"},
    {"2.0",
     {.files = "3500", .leave_out = "dlio_config/overrides.yaml"},
     VERDICT_INVALID,
     RULE_FILES,
     LEVEL_INVALID,
     "overrides.yaml"},
    {"2.0",
     {.files = "3500", .leave_out = "dlio_config/config.yaml"},
     VERDICT_INVALID,
     RULE_FILES,
     LEVEL_INVALID,
     "no stored configuration"},
    {"2.0", {.files = "3500", .subdir = ".hydra"}, VERDICT_CLOSED, RULE_FILES, LEVEL_NOTE, "++hydra.output_subdir"},
    {"1.0", {.files = "3500", .subdir = "configs"}, VERDICT_CLOSED, RULE_FILES, LEVEL_OK, "log, summary"},
    /* overrides and configuration */
    {"2.0",
     {.files = "3500", .overrides = "- workload=unet3d_h100\n- ++workload.dataset.num_files_train=3500\n"},
     VERDICT_CLOSED,
     RULE_OVERRIDES,
     LEVEL_OK,
     "dataset.num_files_train"},
    {"2.0",
     {.files = "3500", .overrides = "- ++workload.train.epochs=5\n"},
     VERDICT_INVALID,
     RULE_OVERRIDES,
     LEVEL_INVALID,
     "train.epochs"},
    {"2.0", {.files = "3500", .overrides = "{a: b}\n"}, VERDICT_INVALID, RULE_FILES, LEVEL_INVALID, "no list"},
    {"2.0", {.files = "3500", .overrides = "- {a: b}\n"}, VERDICT_INVALID, RULE_FILES, LEVEL_INVALID, "item 1"},
    {"2.0",
     {.files = "3500", .config_edit = {"epochs: 5", "epochs: many"}},
     VERDICT_INVALID,
     RULE_DEFINITION,
     LEVEL_INVALID,
     "whole number"},
    {"2.0",
     {.files = "3500", .config_edit = {"batch_size: 7", "batch_size: 8"}},
     VERDICT_INVALID,
     RULE_DEFINITION,
     LEVEL_INVALID,
     "reader.batch_size is 8"},
    /* what dlfw knows */
    {"2.0", {.files = "3500"}, VERDICT_CLOSED, RULE_COMPLETE, LEVEL_OK, "all of its work"},
    {"2.0", {.files = "3500"}, VERDICT_CLOSED, RULE_CODE, LEVEL_NOTE, "made by dlfw"},
    {"3.0",
     {.example = "llama_8b_zero3",
      .ranks = 8,
      .dlfw = "\"checkpoints\": {\"save\": {\"count\": 9}, \"load\": {\"count\": 10}},"},
     VERDICT_INVALID,
     RULE_COMPLETE,
     LEVEL_INVALID,
     "9 checkpoints by 'save'"},
    {"2.0",
     {.example = "llama_8b_zero3",
      .ranks = 8,
      .dlfw = "\"checkpoints\": {\"save\": {\"count\": 10}, \"load\": {\"count\": 10}},"},
     VERDICT_CLOSED,
     RULE_COUNTS,
     LEVEL_OK,
     "10 written, 10 read"},
    {"2.0",
     {.example = "llama_8b_zero3",
      .ranks = 8,
      .dlfw = "\"checkpoints\": {\"save\": {\"count\": 10}, \"load\": {\"count\": 10}},"},
     VERDICT_CLOSED,
     RULE_PROCESSES,
     LEVEL_OK,
     "8 processes"},
};

/* The same member twice is refused by the reader, so these edits replace members instead of adding them. */
static const struct {
    const char *from, *to;
    uint32_t verdict, rule, level;
    const char *text;
} summary_edits[] = {
    {"\"status\": \"ok\"", "\"status\": \"failed\", \"failure\": {\"text\": \"disk full\"}", VERDICT_INVALID,
     RULE_COMPLETE, LEVEL_INVALID, "disk full"},
    {"\"ok\": true", "\"ok\": false", VERDICT_INVALID, RULE_COMPLETE, LEVEL_INVALID, "1 epochs"},
    {"\"real_data\": true", "\"real_data\": false", VERDICT_INVALID, RULE_COMPLETE, LEVEL_INVALID, "moved no data"},
    {"\"epochs\": 5", "\"epochs\": 4", VERDICT_INVALID, RULE_COMPLETE, LEVEL_INVALID, "4 epochs"},
    {"[64.0]", "[1024.0]", VERDICT_INVALID, RULE_SIZE, LEVEL_INVALID, "at least 37500"},
    {"[64.0]", "[64.0, 64.0]", VERDICT_INVALID, RULE_SIZE, LEVEL_INVALID, "num_hosts is 1"},
    {"[64.0]", "[]", VERDICT_INVALID, RULE_SIZE, LEVEL_INVALID, "not known"},
    {"[64.0]", "[-1]", VERDICT_INVALID, RULE_SIZE, LEVEL_INVALID, "not known"},
    {"\"num_hosts\": 1", "\"num_hosts\": 0", VERDICT_INVALID, RULE_HOSTS, LEVEL_INVALID, "not known"},
    {"\"num_hosts\": 1", "\"num_hosts\": 1.5", VERDICT_INVALID, RULE_HOSTS, LEVEL_INVALID, "not known"},
    {"\"num_accelerators\": 8", "\"num_accelerators\": 1e300", VERDICT_INVALID, RULE_SIZE, LEVEL_INVALID, "not known"},
    {"\"num_hosts\": 1", "\"num_hosts\": 3", VERDICT_INVALID, RULE_HOSTS, LEVEL_INVALID, "2 to 3 accelerators"},
    {"\"num_files_train\": 28000", "\"num_files_train\": 28001", VERDICT_INVALID, RULE_FILES, LEVEL_INVALID, "28001"},
    {"\"potential_caching\": [0]", "\"potential_caching\": [1]", VERDICT_CLOSED, RULE_CACHE, LEVEL_NOTE, "fits into"},
    {"\"dlfw\": {", "\"dlfw\": {\"generation\": {\"done\": true},", VERDICT_CLOSED, RULE_PHASE, LEVEL_NOTE,
     "generation, with workflow.train"},
    {"\"dlfw\"", "\"other\"", VERDICT_CLOSED, RULE_COMPLETE, LEVEL_NOTE, "another engine"},
    {"\"dlfw\": {", "\"dlfw\": {\"ranks\": {\"per_rank\": [{\"host\": \"a\"}, {\"host\": \"a\"}, {\"host\": \"b\"}]},",
     VERDICT_INVALID, RULE_HOSTS, LEVEL_INVALID, "1 to 2 accelerators per host"},
    {"\"dlfw\": {", "\"dlfw\": {\"ranks\": {\"per_rank\": [{\"host\": \"a\"}, {\"host\": \"b\"}]},", VERDICT_CLOSED,
     RULE_HOSTS, LEVEL_OK, "1 accelerators on each"},
    {"}", "", VERDICT_INVALID, RULE_FILES, LEVEL_INVALID, "not JSON"},
};

static void judge(const char *version, const char *folder, struct subject *s)
{
    struct rule_book book;

    rule_book_open(rule_version_find(version), &book);
    subject_read_results(folder, s);
    judge_subject(&book, s);
    rule_book_close(&book);
}

static void expect(struct subject *s, uint32_t verdict, uint32_t rule, uint32_t level, const char *text)
{
    char *all = findings_text(&s->findings);

    ck_assert_msg(findings_verdict(&s->findings) == verdict, "not %s:%s", judged_name(verdict), all);
    ck_assert_msg(has_finding(&s->findings, rule, level, text), "no %s %s '%s':%s", finding_level_name(level),
                  rule_name(rule), text, all);
    free(all);
}

START_TEST(test_case)
{
    const struct results_case *c = &cases[_i];
    struct results_folder folder;
    struct subject s;

    results_make(&folder, &c->shape);
    judge(c->version, folder.path, &s);
    expect(&s, c->verdict, c->rule, c->level, c->text);
    subject_free(&s);
    results_remove(&folder);
}
END_TEST

START_TEST(test_summary)
{
    static const struct results_shape shape = {.files = "28000", .ranks = 8};
    struct results_folder folder;
    struct subject s;
    char path[256], text[4096], *at;
    FILE *f;
    size_t n;

    results_make(&folder, &shape);
    snprintf(path, sizeof path, "%s/summary.json", folder.path);
    f = fopen(path, "r");
    n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    fclose(f);
    at = strstr(text, summary_edits[_i].from);
    ck_assert_msg(at != NULL, "no %s in %s", summary_edits[_i].from, text);
    f = fopen(path, "w");
    fprintf(f, "%.*s%s%s", (int)(at - text), text, summary_edits[_i].to, at + strlen(summary_edits[_i].from));
    fclose(f);
    judge("2.0", folder.path, &s);
    expect(&s, summary_edits[_i].verdict, summary_edits[_i].rule, summary_edits[_i].level, summary_edits[_i].text);
    subject_free(&s);
    results_remove(&folder);
}
END_TEST

/* v3.0: the data of the stored configuration beside the results, where that can be seen. */
START_TEST(test_file_systems)
{
    static const struct {
        const char *data;
        uint32_t level;
        const char *text;
    } places[] = {
        {"/tmp", LEVEL_INVALID, "the same one"},
        {"/proc", LEVEL_OK, "two file systems"},
        {"/nonexistent/folder", LEVEL_NOTE, "not on this machine"},
        {"s3://bucket/data", LEVEL_OK, "no file system"},
    };

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct results_shape shape = {
            .example = "retinanet_b200", .files = "2000000", .config_edit = {"data/retinanet", places[i].data}};
        struct results_folder folder;
        struct subject s;

        results_make(&folder, &shape);
        judge("3.0", folder.path, &s);
        ck_assert_msg(has_finding(&s.findings, RULE_FILE_SYSTEMS, places[i].level, places[i].text), "%s",
                      places[i].data);
        subject_free(&s);
        results_remove(&folder);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rules_results");
    TCase *t = tcase_create("results");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(t, test_case, 0, sizeof cases / sizeof cases[0]);
    tcase_add_loop_test(t, test_summary, 0, sizeof summary_edits / sizeof summary_edits[0]);
    tcase_add_test(t, test_file_systems);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
