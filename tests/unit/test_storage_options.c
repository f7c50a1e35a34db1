/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's own options beside a plugin's: from the run file to the storage. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "io/storage.h"
#include "io/storage_options.h"
#include "workload/run_config.h"

static struct run_config cfg;
static struct problem_list problems;
static struct engine_options options;
static const dlfw_node *plugin;

/* section: the lines of storage, each with two blanks in front. */
static dlfw_status read_section(const char *section)
{
    char path[] = "/tmp/options-XXXXXX";
    const struct run_config_args args = {.path = path};
    FILE *file = fdopen(mkstemp(path), "w");
    dlfw_status st;

    fprintf(file,
            "model: {name: m}\nframework: pytorch\nworkflow: {train: true}\ndataset: {data_folder: d, format: npz, "
            "num_files_train: 1}\nreader: {data_loader: pytorch}\nstorage:\n  storage_type: local_fs\n%s",
            section);
    fclose(file);
    st = run_config_read(&args, &cfg, &problems);
    unlink(path);
    if (st >= 0)
        engine_options_read(&cfg.tree, cfg.storage.storage_options, &options, &plugin, &problems);
    return st;
}

static void teardown(void)
{
    problem_list_free(&problems);
    run_config_free(&cfg);
}

START_TEST(every_key_is_one_of_the_run_file)
{
    char path[100];

    for (const char *const *key = engine_keys; *key; key++) {
        snprintf(path, sizeof path, "storage.%s", *key);
        ck_assert_msg(run_config_known(path), "%s", path);
    }
    /* the rows after them are accepted in storage_options only, and have no effect */
    for (uint32_t i = 0; i < engine_row_count; i++) {
        bool has_effect = engine_rows[i].offset != DLFW_OPT_UNBOUND;

        ck_assert_int_eq(has_effect, i < 5);
        if (has_effect)
            ck_assert_str_eq(engine_rows[i].name, engine_keys[i]);
    }
    ck_assert_ptr_null(engine_keys[5]);
}
END_TEST

START_TEST(knobs_of_client_libraries_are_named_and_do_nothing)
{
    ck_assert_int_eq(read_section("  storage_options: {storage_library: minio, prefetch_window: 64, region: x}\n"),
                     DLFW_OK);
    ck_assert_uint_eq(problems.count, 2);
    ck_assert_ptr_nonnull(strstr(problems.items[0].text, "storage_library has no effect: the scheme of the location"));
    ck_assert_uint_eq(plugin->count, 1);
    ck_assert_str_eq(plugin->pairs[0].key, "region");
}
END_TEST

START_TEST(nothing_said_means_auto)
{
    ck_assert_int_eq(read_section(""), DLFW_OK);
    ck_assert_int_eq(options.split_mode, SPLIT_AUTO);
    ck_assert(options.sizes_by_default);
    ck_assert_ptr_null(options.endpoint_uris);
    ck_assert_ptr_null(plugin);
}
END_TEST

START_TEST(keys_of_the_section_and_of_the_options_come_together)
{
    ck_assert_int_eq(read_section("  endpoint_uris: [http://a, http://b]\n  endpoint_strategy: latency\n"
                                  "  use_mpi_endpoint_distribution: yes\n"
                                  "  storage_options: {region: eu, split: 8MiB, size_cache: 5s}\n"),
                     DLFW_OK);
    ck_assert_uint_eq(problems.count, 0);
    ck_assert_uint_eq(options.endpoint_uris->count, 2);
    ck_assert_uint_eq(options.endpoint_strategy, 2);
    ck_assert_uint_eq(options.use_mpi_endpoint_distribution, 1);
    ck_assert_int_eq(options.split_mode, SPLIT_FIXED);
    ck_assert_uint_eq(options.split_bytes, 8 << 20);
    ck_assert(!options.sizes_by_default);
    ck_assert_uint_eq(options.size_cache_ns, 5000000000u);
    ck_assert_uint_eq(plugin->count, 1);
    ck_assert_str_eq(plugin->pairs[0].key, "region");
}
END_TEST

START_TEST(a_plugins_own_options_stay_as_they_are)
{
    ck_assert_int_eq(read_section("  storage_options: {region: eu}\n"), DLFW_OK);
    ck_assert_ptr_eq(plugin, cfg.storage.storage_options);
}
END_TEST

static const struct {
    const char *text;
    enum split_mode split;
    uint64_t sizes;
} words[] = {
    {"  split: off\n  size_cache: off\n", SPLIT_OFF, 0},
    {"  split: 'no'\n  size_cache: 0\n", SPLIT_OFF, 0},
    {"  split: auto\n  size_cache: 2min\n", SPLIT_AUTO, 120000000000u},
    {"  split: 64KiB\n  size_cache: 10\n", SPLIT_FIXED, 10000000000u},
};

START_TEST(words_mean_what_they_say)
{
    ck_assert_int_eq(read_section(words[_i].text), DLFW_OK);
    ck_assert_uint_eq(problems.count, 0);
    ck_assert_int_eq(options.split_mode, words[_i].split);
    ck_assert_uint_eq(options.size_cache_ns, words[_i].sizes);
}
END_TEST

static const char *const bad[] = {
    "  split: often\n",
    "  split: 1KiB\n",
    "  size_cache: long\n",
    "  size_cache: -1s\n",
    "  endpoint_strategy: random\n",
    "  use_mpi_endpoint_distribution: perhaps\n",
    "  split: off\n  storage_options: {split: off}\n",
    "  endpoint_uris: [http://a]\n  storage_options: {endpoint_uris: [http://b]}\n",
};

START_TEST(mistakes_are_reported)
{
    read_section(bad[_i]);
    ck_assert_uint_ge(problems.errors, 1);
    ck_assert_msg(strstr(problems.items[0].text, "storage.") != NULL, "%s", problems.items[0].text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("storage_options");
    TCase *tc = tcase_create("storage_options");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, every_key_is_one_of_the_run_file);
    tcase_add_test(tc, knobs_of_client_libraries_are_named_and_do_nothing);
    tcase_add_test(tc, nothing_said_means_auto);
    tcase_add_test(tc, keys_of_the_section_and_of_the_options_come_together);
    tcase_add_test(tc, a_plugins_own_options_stay_as_they_are);
    tcase_add_loop_test(tc, words_mean_what_they_say, 0, (int)(sizeof words / sizeof *words));
    tcase_add_loop_test(tc, mistakes_are_reported, 0, (int)(sizeof bad / sizeof *bad));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
