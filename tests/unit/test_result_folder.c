/* SPDX-License-Identifier: Apache-2.0 */
/* The results directory itself: where it is, who writes what, what an earlier run or a full disk leaves, the stored
 * configuration. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "config/yaml_read.h"
#include "report/result_file.h"
#include "report_fixture.h"

static struct fixture f;

static void setup(void)
{
    fixture_begin(&f);
}

static void teardown(void)
{
    fixture_end(&f);
}

/* Opens, writes and closes the results of the record. */
static void write_all(void)
{
    struct results r = {0};

    ck_assert_msg(results_open(&f.cfg, f.rec->rank, true, &r, &f.err.e) == 0, "%s", f.err.text);
    ck_assert_msg(results_write(&r, f.rec, &f.err.e) == 0, "%s", f.err.text);
    results_close(&r);
}

START_TEST(other_ranks_write_their_own_files)
{
    struct results r = {0};

    f.rec->rank = 3;
    f.rec->world.ranks = 4;
    ck_assert_int_eq(results_open(&f.cfg, 3, false, &r, &f.err.e), 0);
    results_log(&r, "nobody reads this");
    log_summary(&r, f.rec);
    ck_assert_int_eq(results_write(&r, f.rec, &f.err.e), 0);
    results_close(&r);
    ck_assert_uint_eq(fixture_files(&f), 3);
    ck_assert(fixture_has(&f, "3_per_epoch_stats.json"));
    ck_assert(fixture_has(&f, "3_output.json"));
    ck_assert(fixture_has(&f, "3_steps.csv"));
    ck_assert(!fixture_has(&f, "dlio_config"));
}
END_TEST

/* `dlfw report --html /dev/stdout`: who writes to a pipe wants the text in it, not a file in its place. */
START_TEST(a_pipe_is_written_and_stays)
{
    char path[96], text[16] = "";
    struct stat info;
    int fd;

    snprintf(path, sizeof path, "%s/pipe", f.folder);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(result_file_write(f.folder, "pipe", "the text", 8, &f.err.e), 0);
    ck_assert_int_eq(read(fd, text, sizeof text), 8);
    ck_assert_str_eq(text, "the text");
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert(S_ISFIFO(info.st_mode));
    close(fd);
}
END_TEST

START_TEST(a_link_stays_one)
{
    char path[96], target[96];
    struct stat info;

    snprintf(path, sizeof path, "%s/link", f.folder);
    snprintf(target, sizeof target, "%s/target", f.folder);
    ck_assert_int_eq(result_file_write(f.folder, "target", "old", 3, &f.err.e), 0);
    ck_assert_int_eq(symlink("target", path), 0);
    ck_assert_int_eq(result_file_write(f.folder, "link", "longer", 6, &f.err.e), 0);
    ck_assert_int_eq(lstat(path, &info), 0);
    ck_assert(S_ISLNK(info.st_mode));
    ck_assert_int_eq(stat(target, &info), 0);
    ck_assert_int_eq(info.st_size, 6);
}
END_TEST

START_TEST(nothing_of_an_earlier_run_stays)
{
    struct results r = {0};
    char *text;

    write_all();
    ck_assert(fixture_has(&f, "summary.json"));
    ck_assert_int_eq(results_open(&f.cfg, 0, true, &r, &f.err.e), 0);
    ck_assert_uint_eq(fixture_files(&f), 1);
    results_log(&r, "%s", "new");
    results_close(&r);
    text = fixture_read(&f, "dlio.log");
    ck_assert_msg(strncmp(text, "[OUTPUT] ", 9) == 0 && strstr(text, " new\n") == text + 9 + 26, "log is '%s'", text);
    free(text);
}
END_TEST

/* Where the results go when output.folder does not say it. */
START_TEST(folder_is_chosen)
{
    struct results r = {0};
    char *deep = xformat("%s/a//b/c/", f.folder);
    struct stat info;
    int year, month, day, hour, minute, second, end = 0;

    umask(022);
    f.cfg.output.folder = NULL;
    f.cfg.hydra_run_dir = deep;
    ck_assert_msg(results_open(&f.cfg, 0, true, &r, &f.err.e) == 0, "%s", f.err.text);
    ck_assert_str_eq(r.folder, deep);
    ck_assert_int_eq(stat(deep, &info), 0);
    ck_assert_int_eq(info.st_mode & 07777, 0755);
    results_close(&r);
    f.cfg.hydra_run_dir = NULL;
    f.cfg.hydra_output_subdir = NULL;
    ck_assert_int_eq(chdir(f.folder), 0);
    ck_assert_int_eq(results_open(&f.cfg, 0, true, &r, &f.err.e), 0);
    sscanf(r.folder, "./hydra_log/unet3d/%4d-%2d-%2d-%2d-%2d-%2d%n", &year, &month, &day, &hour, &minute, &second,
           &end);
    ck_assert_msg(end == (int)strlen(r.folder) && end > 0, "folder is '%s'", r.folder);
    ck_assert_int_eq(chdir(r.folder), 0);
    ck_assert_int_eq(access(".hydra/config.yaml", F_OK), 0);
    results_close(&r);
    ck_assert_int_eq(chdir("/"), 0);
    free(deep);
}
END_TEST

START_TEST(folder_that_cannot_be)
{
    struct results r = {0};
    char *file = xformat("%s/file", f.folder);
    char *below = xformat("%s/file/out", f.folder);

    fclose(fopen(file, "w"));
    f.cfg.output.folder = file;
    ck_assert_int_eq(results_open(&f.cfg, 0, true, &r, &f.err.e), DLFW_E_EXISTS);
    ck_assert_ptr_nonnull(strstr(f.err.text, file));
    f.cfg.output.folder = below;
    ck_assert_int_lt(results_open(&f.cfg, 0, true, &r, &f.err.e), 0);
    ck_assert_ptr_nonnull(strstr(f.err.text, file));
    ck_assert_ptr_null(r.folder);
    free(file);
    free(below);
}
END_TEST

/* A full disk, as this process sees it: no file may grow beyond 200 bytes. That holds for Check's own notes too, so
 * nothing is asserted meanwhile. */
static dlfw_status write_with_full_disk(struct results *r)
{
    struct rlimit before, limit;
    dlfw_status st = DLFW_OK;

    signal(SIGXFSZ, SIG_IGN);
    if (getrlimit(RLIMIT_FSIZE, &before) != 0)
        return st;
    limit = before;
    limit.rlim_cur = 200;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return st;
    st = results_write(r, f.rec, &f.err.e);
    setrlimit(RLIMIT_FSIZE, &before);
    return st;
}

START_TEST(full_disk_leaves_no_half_file)
{
    struct results r = {0};

    fixture_add_epoch(&f, 1, 10, 100, 300);
    ck_assert_int_eq(results_open(&f.cfg, 0, true, &r, &f.err.e), 0);
    ck_assert_int_lt(write_with_full_disk(&r), 0);
    ck_assert_msg(strncmp(f.err.text, "cannot write '", 14) == 0, "%s", f.err.text);
    ck_assert(!fixture_has(&f, "summary.json"));
    ck_assert_msg(fixture_files(&f) == 1, "only the log is left");
    results_close(&r);
}
END_TEST

static void overrides_are(const dlfw_node *list, const char *const *expected)
{
    uint32_t n = 0;

    ck_assert_uint_eq(list->kind, DLFW_NODE_LIST);
    for (; expected[n]; n++) {
        ck_assert_uint_lt(n, list->count);
        ck_assert_str_eq(node_to_str(list->pairs[n].value), expected[n]);
    }
    ck_assert_uint_eq(list->count, n);
}

static const dlfw_node *read_yaml(const char *name, struct node_tree *tree)
{
    char *text = fixture_read(&f, name);

    ck_assert_msg(yaml_read_text(name, text, strlen(text), tree, &f.err.e) == 0, "%s\n%s", f.err.text, text);
    free(text);
    return tree->root;
}

START_TEST(stored_configuration_reads_back)
{
    struct node_tree tree = {0};
    struct str before = STR_EMPTY, after = STR_EMPTY;
    const dlfw_node *root;
    char *text;

    write_all();
    root = read_yaml("dlio_config/config.yaml", &tree);
    ck_assert_uint_eq(root->count, 1);
    ck_assert_str_eq(root->pairs[0].key, "workload");
    node_print_yaml(f.cfg.tree.root, &before);
    node_print_yaml(root->pairs[0].value, &after);
    ck_assert_str_eq(after.data, before.data);
    ck_assert(node_find(root, "workload.dataset.file_prefix")->quoted);
    str_free(&before);
    str_free(&after);

    overrides_are(read_yaml("dlio_config/overrides.yaml", &tree), f.cfg.overrides);
    text = fixture_read(&f, "dlio_config/overrides.yaml");
    ck_assert_msg(strstr(text, "- ++workload.dataset.num_files_train=40\n") != NULL, "%s", text);
    free(text);

    root = read_yaml("dlio_config/hydra.yaml", &tree);
    ck_assert_str_eq(node_to_str(node_find(root, "hydra.run.dir")), f.folder);
    ck_assert_str_eq(node_to_str(node_find(root, "hydra.output_subdir")), "dlio_config");
    ck_assert_ptr_nonnull(node_find(root, "hydra.job.name"));
    overrides_are(node_find(root, "hydra.overrides.hydra"), f.cfg.hydra_overrides);
    node_tree_free(&tree);
}
END_TEST

START_TEST(stored_configuration_runs_again)
{
    char *path = xformat("%s/dlio_config/config.yaml", f.folder);
    struct run_config_args args = {.path = path};
    struct problem_list problems = {.strict = true};
    struct run_config again;
    dlfw_status st;

    write_all();
    st = run_config_read(&args, &again, &problems);
    ck_assert_msg(st == 0 && problems.count == 0, "%s", problems.count ? problems.items[0].text : "failed");
    ck_assert_str_eq(again.model.name, "unet3d");
    ck_assert_uint_eq(again.dataset.num_files_train, 40);
    ck_assert_str_eq(again.dataset.file_prefix, "on");
    ck_assert_uint_eq(again.reader.batch_size, 4);
    ck_assert_uint_eq(again.reader.file_shuffle, SHUFFLE_OFF);
    run_config_free(&again);
    problem_list_free(&problems);
    free(path);
}
END_TEST

START_TEST(chosen_workload_is_an_override)
{
    static const char *const typed[] = {"++workload.train.epochs=2", NULL};
    static const char *const expected[] = {"workload=resnet50", "++workload.train.epochs=2", NULL};
    static const char *const none[] = {NULL};
    struct node_tree tree = {0};

    f.cfg.overrides = typed;
    f.cfg.workload_name = "resnet50";
    write_all();
    overrides_are(read_yaml("dlio_config/overrides.yaml", &tree), expected);
    f.cfg.overrides = NULL;
    f.cfg.workload_name = NULL;
    write_all();
    overrides_are(read_yaml("dlio_config/overrides.yaml", &tree), none);
    node_tree_free(&tree);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("result_folder");
    TCase *cases = tcase_create("result_folder");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, other_ranks_write_their_own_files);
    tcase_add_test(cases, a_pipe_is_written_and_stays);
    tcase_add_test(cases, a_link_stays_one);
    tcase_add_test(cases, nothing_of_an_earlier_run_stays);
    tcase_add_test(cases, folder_is_chosen);
    tcase_add_test(cases, folder_that_cannot_be);
    tcase_add_test(cases, full_disk_leaves_no_half_file);
    tcase_add_test(cases, stored_configuration_reads_back);
    tcase_add_test(cases, stored_configuration_runs_again);
    tcase_add_test(cases, chosen_workload_is_an_override);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
