/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of dlio_benchmark: every spelling of Hydra's flags, overrides anywhere between them. */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dropin/arguments.h"

enum { WORDS_MAX = 8 };

static struct dropin_arguments args;

/* One command line, its words separated by blanks. */
static int parse(const char *line)
{
    static char text[512];
    char *argv[WORDS_MAX + 2] = {(char *)"dlio_benchmark"}, *save = NULL;
    int argc = 1;

    ck_assert_uint_lt(strlen(line), sizeof text);
    memcpy(text, line, strlen(line) + 1);
    for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        ck_assert_int_le(argc, WORDS_MAX);
        argv[argc++] = word;
    }
    return dropin_arguments_parse(argc, argv, &args);
}

struct good {
    const char *line;
    enum dropin_action action;
    const char *what, *package, *dir, *path, *name;
    const char *overrides; /* joined by blanks */
};

static const struct good good[] = {
    {"", DROPIN_RUN, NULL, NULL, NULL, NULL, NULL, ""},
    {"workload=unet3d_h100 ++hydra.run.dir=out ++workload.dataset.num_files_train=7 --config-dir=configs/dlio",
     DROPIN_RUN, NULL, NULL, "configs/dlio", NULL, NULL,
     "workload=unet3d_h100 ++hydra.run.dir=out ++workload.dataset.num_files_train=7"},
    {"--config-dir d workload=w ~workload.checkpoint", DROPIN_RUN, NULL, NULL, "d", NULL, NULL,
     "workload=w ~workload.checkpoint"},
    {"-cd d -cn n -cp p a=1", DROPIN_RUN, NULL, NULL, "d", "p", "n", "a=1"},
    {"-cd=d -cn=n -cp=p", DROPIN_RUN, NULL, NULL, "d", "p", "n", ""},
    {"--config-d d --config-n=n --config-p p", DROPIN_RUN, NULL, NULL, "d", "p", "n", ""},
    {"--config-dir=a=b", DROPIN_RUN, NULL, NULL, "a=b", NULL, NULL, ""},
    {"--config-dir a --config-dir b", DROPIN_RUN, NULL, NULL, "b", NULL, NULL, ""},
    {"--cfg job", DROPIN_CFG, "job", NULL, NULL, NULL, NULL, ""},
    {"--cfg=hydra --resolve", DROPIN_CFG, "hydra", NULL, NULL, NULL, NULL, ""},
    {"-c all a=1", DROPIN_CFG, "all", NULL, NULL, NULL, NULL, "a=1"},
    {"-cjob", DROPIN_CFG, "job", NULL, NULL, NULL, NULL, ""},
    {"--cfg job -p workload.reader", DROPIN_CFG, "job", "workload.reader", NULL, NULL, NULL, ""},
    {"--cfg job --package=workload", DROPIN_CFG, "job", "workload", NULL, NULL, NULL, ""},
    {"--info", DROPIN_INFO, "all", NULL, NULL, NULL, NULL, ""},
    {"--info searchpath a=1", DROPIN_INFO, "searchpath", NULL, NULL, NULL, NULL, "a=1"},
    {"--info=defaults-tree", DROPIN_INFO, "defaults-tree", NULL, NULL, NULL, NULL, ""},
    {"-i a=1", DROPIN_INFO, "all", NULL, NULL, NULL, NULL, "a=1"},
    {"--help", DROPIN_HELP, NULL, NULL, NULL, NULL, NULL, ""},
    {"-h", DROPIN_HELP, NULL, NULL, NULL, NULL, NULL, ""},
    {"--hydra-help", DROPIN_HYDRA_HELP, NULL, NULL, NULL, NULL, NULL, ""},
    {"--version", DROPIN_VERSION, NULL, NULL, NULL, NULL, NULL, ""},
    {"--run a=1 -r", DROPIN_RUN, NULL, NULL, NULL, NULL, NULL, "a=1"},
    {"-- --config-dir", DROPIN_RUN, NULL, NULL, NULL, NULL, NULL, "--config-dir"},
    {"junk -", DROPIN_RUN, NULL, NULL, NULL, NULL, NULL, "junk -"},
};

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

START_TEST(understood)
{
    const struct good *g = &good[_i];
    char joined[512] = "";

    ck_assert_msg(parse(g->line) == EXIT_OK, "'%s' is refused", g->line);
    ck_assert_msg(args.action == g->action, "'%s': action %d", g->line, (int)args.action);
    ck_assert_msg(same(args.what, g->what) && same(args.package, g->package), "'%s'", g->line);
    ck_assert_msg(same(args.config_dir, g->dir) && same(args.config_path, g->path) && same(args.config_name, g->name),
                  "'%s': dir %s, path %s, name %s", g->line, args.config_dir, args.config_path, args.config_name);
    for (uint32_t i = 0; i < args.override_count; i++)
        snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s%s", i ? " " : "", args.overrides[i]);
    ck_assert_str_eq(joined, g->overrides);
    ck_assert_ptr_null(args.overrides[args.override_count]);
    free(args.overrides);
}
END_TEST

static const struct {
    const char *line, *message;
} bad[] = {
    {"--nosuch", "'--nosuch' is not an option"},
    {"-x", "'-x' is not an option"},
    {"--config d", "'--config' is not an option"}, /* the beginning of three */
    {"--cfg", "'--cfg' needs a value"},
    {"a=1 -cd", "'--config-dir' needs a value"},
    {"--cfg tree", "--cfg: 'tree' is not a choice"},
    {"--info=tree", "--info: 'tree' is not a choice"},
    {"--version=1", "'--version' takes no value"},
    {"-m a=1,2", "--multirun: sweeps are not run here; call dlio_benchmark once for each value"},
    {"--multirun", "--multirun: sweeps are not run here"},
    {"-sc install=bash", "--shell-completion: there is none"},
    {"--shell-completion", "--shell-completion: there is none"},
    {"--experimental-rerun x.pickle", "give the stored configuration instead"},
};

START_TEST(refused)
{
    char said[4096];
    int ends[2], status;
    ssize_t n;

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    status = parse(bad[_i].line);
    n = read(ends[0], said, sizeof said - 1);
    ck_assert_int_gt(n, 0);
    said[n] = '\0';
    ck_assert_msg(status == EXIT_USAGE, "'%s': status %d", bad[_i].line, status);
    ck_assert_msg(strstr(said, bad[_i].message) != NULL, "'%s' said: %s", bad[_i].line, said);
    ck_assert_ptr_null(args.overrides);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dropin_arguments");
    TCase *cases = tcase_create("dropin_arguments");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(cases, understood, 0, sizeof good / sizeof good[0]);
    tcase_add_loop_test(cases, refused, 0, sizeof bad / sizeof bad[0]);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
