/* SPDX-License-Identifier: Apache-2.0 */
/* The section compat: what each switch does to the other sections, and that without it they are as they were. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/option_parse.h"
#include "workload/run_config_parts.h"

static char folder[64], path[128];
static struct run_config cfg;
static struct problem_list problems;

static void setup(void)
{
    snprintf(folder, sizeof folder, "/tmp/dlfw-compat-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/run.yaml", folder);
}

static void teardown(void)
{
    run_config_free(&cfg);
    problem_list_free(&problems);
    unlink(path);
    rmdir(folder);
}

/* text with "compat: {NAME: true}" behind it; name NULL: as it is. */
static dlfw_status read_with(const char *text, const char *name, bool legacy_keys)
{
    struct run_config_args args = {.path = path, .legacy_keys = legacy_keys};
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    if (name)
        fprintf(f, "compat: {%s: true}\n", name);
    fclose(f);
    run_config_free(&cfg);
    problem_list_free(&problems);
    return run_config_read(&args, &cfg, &problems);
}

static void read_good(const char *text, const char *name, uint32_t warnings)
{
    dlfw_status st = read_with(text, name, false);

    ck_assert_msg(st == DLFW_OK, "%s", problems.count ? problems.items[0].text : "");
    ck_assert_msg(problems.count == warnings, "%u warnings, first: %s", problems.count,
                  problems.count ? problems.items[0].text : "");
}

static bool has_problem(const char *text)
{
    for (uint32_t i = 0; i < problems.count; i++)
        if (strstr(problems.items[i].text, text))
            return true;
    return false;
}

#define SAVES                                                                                                          \
    "workflow: {train: no, checkpoint: yes}\ncheckpoint: {fsync: yes, recovery_rank_shift: yes, mode: default}\n"

/* The hook gets the section without the key; the tree, and so the stored configuration, keeps it. */
START_TEST(checkpoint_keys)
{
    static const struct {
        const char *name, *key, *other;
    } rows[] = {{"fsync_no_op", "fsync", "recovery_rank_shift"}, {"rank_shift_no_op", "recovery_rank_shift", "fsync"}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        read_good(SAVES, NULL, 0);
        ck_assert_ptr_nonnull(node_get(cfg.checkpoint, rows[i].key));
        read_good(SAVES, rows[i].name, 0);
        ck_assert_ptr_null(node_get(cfg.checkpoint, rows[i].key));
        ck_assert_ptr_nonnull(node_get(cfg.checkpoint, rows[i].other));
        ck_assert_ptr_nonnull(node_get(cfg.checkpoint, "mode"));
        ck_assert_ptr_nonnull(node_get(node_find(cfg.tree.root, "checkpoint"), rows[i].key));
    }
    read_good("workflow: {train: no, checkpoint: yes}\n", "fsync_no_op", 0); /* no such section */
    ck_assert_ptr_null(cfg.checkpoint);
}
END_TEST

START_TEST(compression)
{
    static const struct {
        const char *format, *codec, *with, *without;
    } rows[] = {{"npz", "zip", "none", "zip"},           {"npz", "gzip", "none", "gzip"},
                {"parquet", "snappy", "none", "snappy"}, {"parquet", "gzip", "gzip", "gzip"},
                {"hdf5", "gzip", "gzip", "gzip"},        {"npz", "none", "none", "none"}};
    char text[128];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(text, sizeof text, "dataset: {format: %s, compression: %s}\n", rows[i].format, rows[i].codec);
        read_good(text, NULL, 0);
        ck_assert_str_eq(cfg.dataset.compression, rows[i].without);
        read_good(text, "compression_no_op", strcmp(rows[i].format, "hdf5") == 0);
        ck_assert_str_eq(cfg.dataset.compression, rows[i].with);
        ck_assert_str_eq(node_find(cfg.tree.root, "dataset.compression")->text, rows[i].codec);
    }
    read_good("dataset: {format: hdf5, compression: gzip}\n", "compression_no_op", 1);
    ck_assert(has_problem("compat.compression_no_op has no effect with format 'hdf5'; it is for npz and parquet"));
}
END_TEST

START_TEST(model_size)
{
    static const char text[] = "model: {model_size: 499153191}\n";

    read_good(text, NULL, 1);
    ck_assert_uint_eq(cfg.model.model_size_bytes, 10240);
    read_good(text, "model_size_alias", 0);
    ck_assert_uint_eq(cfg.model.model_size_bytes, 499153191);
    ck_assert_str_eq(node_get(cfg.model.node, "model_size_bytes")->text, "499153191"); /* for the hook */
    ck_assert_ptr_null(node_get(cfg.model.node, "model_size"));
    read_good("model: {model_size: 5, model_size_bytes: 6}\n", "model_size_alias", 1);
    ck_assert_uint_eq(cfg.model.model_size_bytes, 6);
    ck_assert(has_problem("model.model_size has no effect"));
    read_good("model: unet3d\n", "model_size_alias", 1); /* a plain string has no keys */
}
END_TEST

#define OLD "dataset: {format: npz, record_length: 4096, record_length_stdev: 12, record_length_resize: 99}\n"

START_TEST(legacy_keys)
{
    read_good(OLD, NULL, 3);
    ck_assert_double_eq(cfg.dataset.record_length_bytes, 65536);
    read_good(OLD, "legacy_keys", 1);
    ck_assert(has_problem("dataset.record_length_bytes_resize has no effect: samples are handed over"));
    ck_assert_double_eq(cfg.dataset.record_length_bytes, 4096);
    ck_assert_double_eq(cfg.dataset.record_length_bytes_stdev, 12);
    ck_assert_int_eq(read_with(OLD, NULL, true), DLFW_OK); /* --legacy-keys */
    ck_assert_uint_eq(cfg.compat.legacy_keys, 1);
    ck_assert_double_eq(cfg.dataset.record_length_bytes, 4096);
    ck_assert_str_eq(node_find(cfg.tree.root, "compat.legacy_keys")->text, "true"); /* stored with the run */
    ck_assert_int_eq(read_with(OLD, "legacy_keys", true), DLFW_OK);
    read_good("dataset: {record_length: 4096, record_length_bytes: 8192}\n", "legacy_keys", 1);
    ck_assert_double_eq(cfg.dataset.record_length_bytes, 8192);
    ck_assert(has_problem("dataset.record_length has no effect"));
    ck_assert_int_eq(read_with("dataset: {record_length: many}\n", "legacy_keys", false), DLFW_E_CONFIG);
    ck_assert(has_problem("run.yaml:1:26: dataset.record_length_bytes: 'many' is not a number"));
}
END_TEST

START_TEST(mapping)
{
    static const char text[] = "dataset: {format: mmap_indexed_binary}\n";

    read_good(text, "mmap_no_touch", 0);
    ck_assert_uint_eq(cfg.compat.mmap_no_touch, 1);
    read_good("dataset: {format: mmap_indexed_binary, mmap_indexed_binary: {no_touch: yes}}\n", NULL, 0);
    ck_assert_uint_eq(cfg.compat.mmap_no_touch, 1); /* the plugin's own name for it is reported too */
    read_good("dataset: {format: npz}\n", "mmap_no_touch", 1);
    ck_assert(has_problem("compat.mmap_no_touch has no effect with format 'npz'"));
    ck_assert_int_eq(
        read_with("dataset: {format: mmap_indexed_binary}\nreader: {verify: all}\n", "mmap_no_touch", false),
        DLFW_E_CONFIG);
    ck_assert(has_problem("nothing can be verified with compat.mmap_no_touch"));
}
END_TEST

/* Every row of the section is a switch that the list can name, with words of its own. */
START_TEST(list)
{
    struct compat_line lines[COMPAT_LINES_MAX];

    read_good("dataset: {format: npz}\n", NULL, 0);
    ck_assert_uint_eq(run_config_compat_list(&cfg, lines), 0);
    ck_assert_uint_gt(rows_compat.count, 6);
    for (uint32_t i = 0; i < rows_compat.count; i++) {
        const char *name = rows_compat.rows[i].name;

        ck_assert_int_eq(read_with("dataset: {format: npz}\n", name, false), DLFW_OK);
        ck_assert_msg(run_config_compat_list(&cfg, lines) == 1, "%s is not listed", name);
        ck_assert_str_eq(lines[0].name, name);
        ck_assert_uint_gt(strlen(lines[0].text), 20);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("run_config_compat");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, checkpoint_keys);
    tcase_add_test(tc, compression);
    tcase_add_test(tc, model_size);
    tcase_add_test(tc, legacy_keys);
    tcase_add_test(tc, mapping);
    tcase_add_test(tc, list);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
