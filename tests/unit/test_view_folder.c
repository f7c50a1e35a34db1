/* SPDX-License-Identifier: Apache-2.0 */
/* Results directories as they come: whole, from other programs, with parts missing, broken, hostile. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "report/json_put.h"
#include "view/html_report.h"
#include "view/json_report.h"
#include "view/prometheus.h"
#include "view/text_report.h"

#define HEAD "epoch,block,step,load_s,compute_s,barrier_s\n"

static char *folder;
static struct error_slot err;
static struct run_view view;

static void setup(void)
{
    folder = xstrdup("/tmp/dlfw-view-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    error_slot_init(&err);
    put_begin();
}

static void empty(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    while ((entry = readdir(dir))) {
        char *below = xformat("%s/%s", path, entry->d_name);

        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && remove(below) != 0) {
            empty(below);
            ck_assert_int_eq(rmdir(below), 0);
        }
        free(below);
    }
    closedir(dir);
}

static void teardown(void)
{
    run_view_free(&view);
    empty(folder);
    rmdir(folder);
    free(folder);
}

static void put(const char *name, const char *text)
{
    char *path = xformat("%s/%s", folder, name);
    char *slash = strrchr(path, '/');
    FILE *out;

    *slash = '\0';
    mkdir(path, 0755);
    *slash = '/';
    out = fopen(path, "we");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    ck_assert_int_eq(fclose(out), 0);
    free(path);
}

static void open_good(void)
{
    ck_assert_msg(run_view_open(folder, &view, &err.e) == 0, "%s", err.text);
}

/* Every output of the view: none may crash, whatever is in it. */
static void show_all(void)
{
    struct str out = STR_EMPTY;
    struct arena arena = {0};
    struct comparison c;
    json_t *json;

    compare_runs(&arena, &view, &view, &c);
    text_report(&out, &view);
    text_comparison(&out, &c);
    ck_assert_uint_gt(out.len, 0);
    str_clear(&out);
    html_report(&out, &view, &c);
    ck_assert_ptr_nonnull(strstr(out.data, "</html>"));
    ck_assert_ptr_null(strstr(out.data, "<script"));
    str_clear(&out);
    prometheus_report(&out, &view);
    ck_assert_ptr_null(strstr(out.data, "nan"));
    json = json_report(&view, &c);
    ck_assert_ptr_nonnull(json);
    json_decref(json);
    str_free(&out);
    arena_free(&arena);
}

static bool misses(const char *what)
{
    for (uint32_t i = 0; i < view.missing_count; i++)
        if (strstr(view.missing[i], what))
            return true;
    return false;
}

START_TEST(an_empty_object_is_a_run_of_which_nothing_is_known)
{
    put("summary.json", "{}");
    open_good();
    ck_assert(misses("no object 'dlfw'"));
    ck_assert(misses("no stored configuration"));
    ck_assert(misses("steps.csv"));
    ck_assert_uint_eq(view.epoch_count, 0);
    show_all();
}
END_TEST

START_TEST(a_folder_of_dlio_is_shown_as_far_as_it_goes)
{
    put("summary.json", "{\"num_accelerators\": 4, \"num_hosts\": 1, \"metric\": {\"train_au_percentage\": [90.5, 91],"
                        " \"train_au_mean_percentage\": 90.75, \"train_throughput_samples_per_second\": [10, 12],"
                        " \"save_checkpoint_io_mean_GB_per_second\": NaN, \"a\": [-Infinity, \"NaN \\\" NaN\"]}}");
    put("dlio_config/config.yaml", "workload:\n  model: {name: unet3d}\n  metric: {au: 0.9}\n"
                                   "  storage: {secret_access_key: abc, keys: [1, {password: p}]}\n");
    put("dlio_config/overrides.yaml", "[]\n");
    open_good();
    ck_assert_str_eq(view.model, "unet3d");
    ck_assert_double_eq_tol(view.threshold_percent, 90, 1e-9);
    ck_assert_uint_eq(view.epoch_count, 2);
    ck_assert_double_eq_tol(view.epochs[1].au_percent, 91, 1e-9);
    ck_assert_double_eq_tol(view.epochs[1].samples_per_second, 12, 1e-9);
    ck_assert_str_eq(stored_key_find(&view.config, "storage.secret_access_key"), "***");
    ck_assert_ptr_null(strstr(stored_key_find(&view.config, "storage.keys"), "password: p"));
    ck_assert(misses("no object 'dlfw'"));
    show_all();
}
END_TEST

/* Two blocks with a checkpoint between them: the samples of a step lie where the step was. */
START_TEST(steps_stand_where_their_blocks_began)
{
    put("summary.json", "{\"num_accelerators\": 2, \"dlfw\": {}}");
    put(".hydra/config.yaml", "workload: {reader: {batch_size: 4, batch_size_eval: 2}}\n");
    put(".hydra/hydra.yaml", "{}\n");
    put("0_per_epoch_stats.json",
        "{\"1\": {\"start\": \"2026-01-31T12:00:00\", \"block1\": {\"start\": \"2026-01-31T12:00:00\"},"
        " \"save_ckpt1\": {\"start\": \"2026-01-31T12:00:01\", \"end\": \"2026-01-31T12:00:03\"},"
        " \"block2\": {\"start\": \"2026-01-31T12:00:03\"}, \"eval\": {\"start\": \"2026-01-31T12:00:04\","
        " \"end\": \"2026-01-31T12:00:05\"}}}");
    put("0_steps.csv", HEAD "1,1,1,0.25,0.75,0\n1,2,1,0,1,0\n1,eval,1,0,1,0\n");
    open_good();
    ck_assert(misses("is there for 1 of 2 ranks"));
    ck_assert_double_eq_tol(view.timeline.end_s, 5, 1e-4);
    for (uint32_t i = 0; i < timeline_used(&view.timeline); i++) {
        double middle = ((double)i + 0.5) * view.timeline.width_s;
        bool trains = middle < 1 || (middle > 3 && middle < 4);

        if (fabs(middle - round(middle)) < view.timeline.width_s)
            continue;
        ck_assert_double_eq_tol(timeline_rate(&view.timeline, TIMELINE_TRAIN, i), trains ? 4 : 0, 1e-3);
        ck_assert_double_eq_tol(timeline_rate(&view.timeline, TIMELINE_EVAL, i), middle > 4 ? 2 : 0, 1e-3);
    }
    ck_assert_uint_eq(view.mark_count, 3);
    ck_assert_int_eq(view.marks[1].kind, MARK_SAVE);
    ck_assert_double_eq_tol(view.marks[1].start_s, 1, 1e-4);
    ck_assert_double_eq_tol(view.marks[1].end_s, 3, 1e-4);
    show_all();
}
END_TEST

START_TEST(clocks_of_ranks_may_differ_and_go_back)
{
    put("summary.json", "{\"num_accelerators\": 2, \"dlfw\": {}}");
    put("0_per_epoch_stats.json",
        "{\"1\": {\"start\": \"2026-01-31T12:00:00\", \"block1\": {\"start\": \"2026-01-31T12:00:00\"}},"
        " \"2\": {\"start\": \"2026-01-31T11:00:00\", \"block1\": {\"start\": \"2026-01-31T11:00:00\"}}}");
    put("1_per_epoch_stats.json",
        "{\"1\": {\"start\": \"2031-01-31T12:00:00\", \"block1\": {\"start\": \"2031-01-31T12:00:00\"}}}");
    put("0_steps.csv", HEAD "1,1,1,0,1,0\n2,1,1,0,1,0\n");
    put("1_steps.csv", HEAD "1,1,1,0,1,0\n2,1,1,0,1,0\n");
    open_good();
    ck_assert_double_eq_tol(view.timeline.end_s, 2, 1e-4);
    show_all();
}
END_TEST

static const struct {
    const char *name, *text, *says;
    dlfw_status status;
} broken[] = {
    {"other.json", "{}", "has no summary.json", DLFW_E_NOT_FOUND},
    {"summary.json", "", "is not JSON", DLFW_E_CORRUPT},
    {"summary.json", "[]", "holds no JSON object", DLFW_E_CORRUPT},
    {"summary.json", "{\"a\": 1, \"a\": 2}", "is not JSON", DLFW_E_CORRUPT},
    {"summary.json", "{\"a\": NaNa}", "is not JSON", DLFW_E_CORRUPT},
    {"summary.json", "{\"a\": \"NaN", "is not JSON", DLFW_E_CORRUPT},
    {"summary.json", "{\"a\": 1e999}", "is not JSON", DLFW_E_CORRUPT},
};

START_TEST(what_is_no_summary_is_refused)
{
    put(broken[_i].name, broken[_i].text);
    ck_assert_int_eq(run_view_open(folder, &view, &err.e), broken[_i].status);
    ck_assert_ptr_nonnull(strstr(err.text, broken[_i].says));
    ck_assert_ptr_null(strchr(err.text, '\n'));
}
END_TEST

static const struct {
    const char *name, *text, *says;
} broken_parts[] = {
    {".hydra/config.yaml", "a: [", "config.yaml"},
    {"0_steps.csv", "x\n", "0_steps.csv"},
    {"0_per_epoch_stats.json", "{", "0_per_epoch_stats.json"},
    {"0_output.json", "{", "0_output.json"},
};

START_TEST(a_broken_part_is_an_error_too)
{
    put("summary.json", "{\"dlfw\": {\"epochs\": [{\"epoch\": 1}]}}");
    put(".hydra/hydra.yaml", "{}\n");
    put(".hydra/config.yaml", "{}\n");
    put("0_steps.csv", HEAD);
    put(broken_parts[_i].name, broken_parts[_i].text);
    ck_assert_int_lt(run_view_open(folder, &view, &err.e), 0);
    ck_assert_ptr_nonnull(strstr(err.text, broken_parts[_i].says));
}
END_TEST

START_TEST(a_folder_that_is_none_is_an_error)
{
    ck_assert_int_eq(run_view_open("/nonexistent", &view, &err.e), DLFW_E_NOT_FOUND);
}
END_TEST

/* Every key that is read, with a value of a kind that nobody expects. */
static const char *const odd[] = {
    "null", "-1", "1e308", "\"x\"", "[]", "{}", "[[1]]", "[null, -1e308, {}, \"<script>\"]", "{\"min\": []}", "true",
};

START_TEST(odd_values_do_no_harm)
{
    static const char *const keys[] = {"status",   "failure",     "storage",    "au",         "epochs",
                                       "coverage", "ranks",       "io",         "latency_ns", "memory",
                                       "advice",   "checkpoints", "generation", "version"};
    struct str text = STR_EMPTY;
    const char *v = odd[_i];

    str_add_format(&text,
                   "{\"start\": %s, \"num_accelerators\": %s, \"metric\": {\"train_au_percentage\": %s,"
                   " \"train_throughput_samples_per_second\": %s, \"train_au_mean_percentage\": %s},"
                   " \"host_memory_GB\": %s, \"data_size_per_host_GB\": %s, \"potential_caching\": %s,"
                   " \"hostname\": %s, \"host_meminfo\": %s, \"dlfw\": {\"x\": 0",
                   v, v, v, v, v, v, v, v, v, v);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        str_add_format(&text, ", \"%s\": %s", keys[i], v);
    str_add(&text, "}}");
    put("summary.json", text.data);
    open_good();
    show_all();
    str_free(&text);
}
END_TEST

START_TEST(odd_values_further_down_do_no_harm)
{
    struct str text = STR_EMPTY;
    const char *v = odd[_i];

    str_add_format(
        &text,
        "{\"dlfw\": {\"au\": {\"limited_by\": %s, \"strict_percent\": %s, \"compute_percent\": %s,"
        " \"lost\": {\"storage_percent\": %s, \"client_percent\": -5}},"
        " \"epochs\": [{\"epoch\": %s, \"au_percent\": %s, \"seconds\": %s}, {\"epoch\": 1, \"au_percent\": 1e308}],"
        " \"latency_ns\": {\"read\": {\"count\": 3, \"p50\": %s, \"p99\": -1, \"max\": 1e308}},"
        " \"ranks\": {\"hosts\": %s, \"per_rank\": [{\"rank\": %s, \"host\": %s, \"au_percent\": %s},"
        " {\"rank\": -7, \"au_percent\": 1e308}, {\"rank\": 0, \"au_percent\": -1e308}]},"
        " \"checkpoints\": {\"saves\": [%s], \"loads\": [{\"seconds\": 0, \"bytes\": %s}], \"save\": {\"count\": %s}},"
        " \"io\": {\"requests\": {\"get\": %s}}}}",
        v, v, v, v, v, v, v, v, v, v, v, v, v, v, v, v);
    put("summary.json", text.data);
    open_good();
    ck_assert_uint_eq(view.rank_count, 3);
    ck_assert_uint_lt(view.rank_list[0].rank, view.rank_list[1].rank);
    ck_assert_uint_lt(view.rank_list[1].rank, view.rank_list[2].rank);
    show_all();
    str_free(&text);
}
END_TEST

static const struct {
    const char *name;
    bool is;
    uint64_t rank;
} names[] = {
    {"0_steps.csv", true, 0},           {"12_steps.csv", true, 12},    {"_steps.csv", false, 0},
    {"x_steps.csv", false, 0},          {"1_steps.csv.tmp", false, 0}, {"01_steps.csv", false, 0},
    {"9999999999_steps.csv", false, 0}, {"-1_steps.csv", false, 0},
};

START_TEST(names_of_ranks_files)
{
    uint64_t rank = 0;

    ck_assert_int_eq(steps_file_rank(names[_i].name, &rank), names[_i].is);
    if (names[_i].is)
        ck_assert_uint_eq(rank, names[_i].rank);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("view_folder");
    TCase *tcase = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, an_empty_object_is_a_run_of_which_nothing_is_known);
    tcase_add_test(tcase, a_folder_of_dlio_is_shown_as_far_as_it_goes);
    tcase_add_test(tcase, steps_stand_where_their_blocks_began);
    tcase_add_test(tcase, clocks_of_ranks_may_differ_and_go_back);
    tcase_add_loop_test(tcase, what_is_no_summary_is_refused, 0, (int)(sizeof broken / sizeof broken[0]));
    tcase_add_loop_test(tcase, a_broken_part_is_an_error_too, 0, (int)(sizeof broken_parts / sizeof broken_parts[0]));
    tcase_add_test(tcase, a_folder_that_is_none_is_an_error);
    tcase_add_loop_test(tcase, odd_values_do_no_harm, 0, (int)(sizeof odd / sizeof odd[0]));
    tcase_add_loop_test(tcase, odd_values_further_down_do_no_harm, 0, (int)(sizeof odd / sizeof odd[0]));
    tcase_add_loop_test(tcase, names_of_ranks_files, 0, (int)(sizeof names / sizeof names[0]));
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
