/* SPDX-License-Identifier: Apache-2.0 */
/* Which run file a command line means, what a primary configuration adds to it, and what is refused. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "dropin/compose.h"
#include "workload/run_config.h"

static char folder[64];
static struct composition c;
static struct error_slot err;
static const char *const files[] = {
    "stock/workload/default.yaml", "stock/workload/unet3d.yaml", "mine/workload/unet3d.yaml",
    "mine/workload/tiny.yaml",     "mine/config.yaml",           "mine/other.yaml",
    "stored/config.yaml"};
static const char *const folders[] = {"stock", "stock/workload", "mine", "mine/workload", "stored"};

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");

    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
}

static void setup(void)
{
    snprintf(folder, sizeof folder, "/tmp/dlfw-dropin-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        ck_assert_int_eq(mkdir(folders[i], 0755), 0);
    for (size_t i = 0; i < 4; i++)
        write_file(files[i], "model: {name: m}\ndataset: {format: npz}\n");
    unsetenv("DLIO_OUTPUT_FOLDER");
    unsetenv("DLIO_STORAGE_TYPE");
    error_slot_init(&err);
}

static void teardown(void)
{
    composition_free(&c);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        unlink(files[i]);
    for (size_t i = sizeof folders / sizeof folders[0]; i; i--)
        ck_assert_int_eq(rmdir(folders[i - 1]), 0);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

static dlfw_status make(const struct dropin_arguments *args)
{
    static const char *none[] = {NULL};
    struct dropin_arguments a = *args;

    if (!a.overrides)
        a.overrides = none;
    while (a.overrides[a.override_count])
        a.override_count++;
    composition_free(&c);
    return composition_make(&a, "stock", &c, &err.e);
}

static void makes(const struct dropin_arguments *args)
{
    ck_assert_msg(make(args) >= 0, "%s", err.text);
}

/* Is refused with a message that has all texts. */
static void refuses(const struct dropin_arguments *args, const char *first, const char *second)
{
    ck_assert_int_lt(make(args), 0);
    ck_assert_msg(strstr(err.text, first) && strstr(err.text, second), "said: %s", err.text);
    ck_assert_ptr_null(c.overrides);
}

static const char *joined(void)
{
    static char text[1024];

    text[0] = '\0';
    for (const char **o = c.overrides; *o; o++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", o == c.overrides ? "" : " ", *o);
    return text;
}

START_TEST(without_anything_the_stock_default)
{
    makes(&(struct dropin_arguments){0});
    ck_assert_str_eq(c.folder, "stock");
    ck_assert_str_eq(c.workload, "default");
    ck_assert_ptr_null(c.file);
    ck_assert_ptr_null(c.primary);
    ck_assert_str_eq(joined(), "workload=default");
}
END_TEST

START_TEST(own_workloads_come_before_stock_ones)
{
    const char *unet3d[] = {"++workload.train.epochs=2", "workload=unet3d", NULL};
    const char *both[] = {"workload=tiny", "+workload=default", NULL};
    const char *ending[] = {"workload='unet3d.yaml'", NULL};

    makes(&(struct dropin_arguments){.config_dir = "mine", .overrides = unet3d});
    ck_assert_str_eq(c.folder, "mine");
    ck_assert_str_eq(joined(), "++workload.train.epochs=2 workload=unet3d");
    makes(&(struct dropin_arguments){.config_dir = "mine", .overrides = both});
    ck_assert_str_eq(c.folder, "stock"); /* the last choice counts, and only the stock has it */
    makes(&(struct dropin_arguments){.config_dir = "mine", .overrides = ending});
    ck_assert_str_eq(c.folder, "mine");
    makes(&(struct dropin_arguments){.overrides = unet3d});
    ck_assert_str_eq(c.folder, "stock");
}
END_TEST

START_TEST(unknown_workload)
{
    const char *near[] = {"workload=unet3", NULL};

    refuses(&(struct dropin_arguments){.config_dir = "mine", .overrides = near},
            "there is no 'unet3.yaml' in 'mine/workload' or 'stock/workload'", "did you mean 'unet3d'?");
    refuses(&(struct dropin_arguments){.config_dir = "nowhere"}, "--config-dir", "there is no folder 'nowhere'");
}
END_TEST

START_TEST(all_workloads_are_listed_once)
{
    static const char *const expected[] = {"default", "tiny", "unet3d", NULL};
    const char *const *names;

    makes(&(struct dropin_arguments){.config_dir = "mine"});
    names = composition_workloads(&c);
    for (size_t i = 0; expected[i]; i++)
        ck_assert_str_eq(names[i], expected[i]);
    ck_assert_ptr_null(names[3]);
}
END_TEST

START_TEST(primary_configuration)
{
    const char *typed[] = {"workload=unet3d", "++hydra.run.dir=out", NULL};
    const struct dropin_arguments args = {.config_dir = "mine", .config_name = "config"};

    write_file("mine/config.yaml",
               "defaults:\n  - _self_\n  - workload: tiny\n  - override hydra/job_logging: disabled\n"
               "hydra:\n  run:\n    dir: results/${workload.model.name}/${now:%Y}\n"
               "  output_subdir: conf\n");
    makes(&args);
    ck_assert_str_eq(c.primary, "mine/config.yaml");
    ck_assert_str_eq(c.workload, "tiny");
    ck_assert_str_eq(joined(), "workload=tiny hydra.run.dir='results/${workload.model.name}/${now:%Y}' "
                               "hydra.output_subdir=conf");
    makes(&(struct dropin_arguments){.config_dir = "mine", .config_name = "config.yaml", .overrides = typed});
    ck_assert_str_eq(joined(), "workload=unet3d ++hydra.run.dir=out hydra.output_subdir=conf");
    /* only when it is asked for by name */
    makes(&(struct dropin_arguments){.config_dir = "mine"});
    ck_assert_str_eq(joined(), "workload=default");
}
END_TEST

START_TEST(primary_configuration_without_a_workload)
{
    const char *typed[] = {"workload=tiny", NULL};

    write_file("mine/config.yaml", "defaults:\n  - _self_\n  - workload: null\nworkload: null\n");
    refuses(&(struct dropin_arguments){.config_dir = "mine", .config_name = "config"},
            "'mine/config.yaml' leaves the workload open", "workload=NAME");
    makes(&(struct dropin_arguments){.config_dir = "mine", .config_name = "config", .overrides = typed});
    ck_assert_str_eq(c.workload, "tiny");
    makes(&(struct dropin_arguments){.config_path = "mine", .overrides = typed});
    ck_assert_str_eq(c.primary, "mine/config.yaml");
}
END_TEST

START_TEST(primary_configurations_that_are_refused)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"defaults: 3\n", "defaults: a list is wanted"},
        {"defaults:\n  - base\n", "the defaults list may name _self_"},
        {"defaults:\n  - dataset: imagenet\n", "the defaults list may name _self_"},
        {"- a\n", "a primary configuration is a mapping"},
        {"hydra:\n  run:\n    dir: [a]\n", "hydra.run.dir: one value is wanted"},
        {"defaults: [\n", "mine/config.yaml:"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_file("mine/config.yaml", bad[i].text);
        refuses(&(struct dropin_arguments){.config_dir = "mine", .config_name = "config"}, bad[i].message, "");
    }
    refuses(&(struct dropin_arguments){.config_dir = "mine", .config_name = "nosuch"},
            "there is no 'nosuch.yaml' in 'mine'", "--config-path");
    refuses(&(struct dropin_arguments){.config_path = "stock"}, "there is no 'config.yaml' in 'stock'", "");
}
END_TEST

START_TEST(stored_configuration_is_run_again)
{
    const char *typed[] = {"workload=tiny", NULL};

    write_file("stored/config.yaml", "workload:\n  model: {name: m}\n");
    makes(&(struct dropin_arguments){.config_path = "stored", .config_name = "config"});
    ck_assert_str_eq(c.file, "stored/config.yaml");
    ck_assert_ptr_null(c.folder);
    ck_assert_str_eq(joined(), "");
    refuses(&(struct dropin_arguments){.config_path = "stored", .overrides = typed}, "has the sections itself",
            "'tiny'");
}
END_TEST

START_TEST(environment_is_an_override)
{
    const char *typed[] = {"workload=tiny", NULL};
    struct problem_list problems = {0};
    struct run_config cfg;

    setenv("DLIO_OUTPUT_FOLDER", "a ${b},'c", 1);
    setenv("DLIO_STORAGE_TYPE", "memory", 1);
    setenv("DLIO_SOMETHING", "ignored", 1);
    makes(&(struct dropin_arguments){.config_dir = "mine", .overrides = typed});
    ck_assert_ptr_nonnull(strstr(joined(), " ++workload.storage.storage_type=memory"));
    ck_assert_int_eq(
        run_config_read(&(struct run_config_args){.config_dir = c.folder, .overrides = c.overrides}, &cfg, &problems),
        DLFW_OK);
    ck_assert_str_eq(cfg.output.folder, "a ${b},'c");
    ck_assert_str_eq(cfg.storage.storage_type, "memory");
    run_config_free(&cfg);
    problem_list_free(&problems);
    unsetenv("DLIO_SOMETHING");
}
END_TEST

/* The run file's reader says what is wrong with a choice that is no name. */
START_TEST(choice_that_is_no_name_is_left_to_the_reader)
{
    static const char *choices[] = {"workload=a,b", "workload=[a,b]", "workload=null", "workload="};

    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        const char *typed[] = {choices[i], NULL};
        struct problem_list problems = {0};
        struct run_config cfg;

        makes(&(struct dropin_arguments){.overrides = typed});
        ck_assert_int_eq(run_config_read(&(struct run_config_args){.config_dir = c.folder, .overrides = c.overrides},
                                         &cfg, &problems),
                         DLFW_E_CONFIG);
        ck_assert_msg(problems.errors == 1, "'%s': %u errors", choices[i], problems.errors);
        run_config_free(&cfg);
        problem_list_free(&problems);
    }
}
END_TEST

START_TEST(hydra_settings_of_the_reader)
{
    static const char *const typed[] = {"workload=unet3d.yaml", "hydra.output_subdir=null", NULL};
    static const char *const bad[] = {"workload=unet3d", "hydra.run.dir=null", NULL};
    struct run_config_args args = {.config_dir = "mine", .overrides = typed};
    struct problem_list problems = {0};
    struct run_config cfg;

    ck_assert_int_eq(run_config_read(&args, &cfg, &problems), DLFW_OK);
    ck_assert_str_eq(cfg.config_path, "mine/workload/unet3d.yaml");
    ck_assert_str_eq(cfg.hydra_output_subdir, "");
    run_config_free(&cfg);
    args.overrides = bad;
    ck_assert_int_eq(run_config_read(&args, &cfg, &problems), DLFW_E_CONFIG);
    run_config_free(&cfg);
    problem_list_free(&problems);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dropin_compose");
    TCase *cases = tcase_create("dropin_compose");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, without_anything_the_stock_default);
    tcase_add_test(cases, own_workloads_come_before_stock_ones);
    tcase_add_test(cases, unknown_workload);
    tcase_add_test(cases, all_workloads_are_listed_once);
    tcase_add_test(cases, primary_configuration);
    tcase_add_test(cases, primary_configuration_without_a_workload);
    tcase_add_test(cases, primary_configurations_that_are_refused);
    tcase_add_test(cases, stored_configuration_is_run_again);
    tcase_add_test(cases, environment_is_an_override);
    tcase_add_test(cases, choice_that_is_no_name_is_left_to_the_reader);
    tcase_add_test(cases, hydra_settings_of_the_reader);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
