/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dlfw check-rules`: would MLPerf Storage take this? Before a run from its file and overrides, after it from its
 * results folder. Judges by tables and prints the reason; runs and changes nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/log.h"
#include "cmd/start.h"
#include "host/option_parse.h"
#include "report/json_put.h"
#include "rules/judge.h"
#include "rules/verdict_print.h"

#define DEFAULT_VERSION "2.0"
#define HOSTS_MAX 1000000u
#define ACCELERATORS_MAX 100000000u

struct flags {
    const struct rule_version *version;
    uint32_t division;
    struct run_size size;
    bool json;
    const char **folders; /* operands that are folders */
    uint32_t folder_count;
};

static bool take_count(const char *text, uint64_t max, uint64_t *ret)
{
    struct error_slot err;

    error_slot_init(&err);
    return text_u64(text, ret, &err.e) >= 0 && *ret >= 1 && *ret <= max;
}

static int take_division(const char *text, struct flags *flags)
{
    if (strcmp(text, "closed") != 0 && strcmp(text, "open") != 0)
        return cmd_usage_error(&cmd_check_rules, "--division takes closed or open, not '%s'", text);
    flags->division = strcmp(text, "open") == 0 ? VERDICT_OPEN : VERDICT_CLOSED;
    return EXIT_OK;
}

static int take_value(const char *name, const char *text, struct flags *flags)
{
    struct error_slot err;

    error_slot_init(&err);
    if (strcmp(name, "--division") == 0)
        return take_division(text, flags);
    if (strcmp(name, "--version") == 0) {
        flags->version = rule_version_find(text);
        if (!flags->version)
            return cmd_usage_error(&cmd_check_rules, "--version takes 1.0, 2.0 or 3.0, not '%s'", text);
    } else if (strcmp(name, "--hosts") == 0) {
        if (!take_count(text, HOSTS_MAX, &flags->size.hosts))
            return cmd_usage_error(&cmd_check_rules, "--hosts takes a number from 1 to %u, not '%s'", HOSTS_MAX, text);
    } else if (strcmp(name, "--accelerators") == 0) {
        if (!take_count(text, ACCELERATORS_MAX, &flags->size.accelerators))
            return cmd_usage_error(&cmd_check_rules, "--accelerators takes a number from 1 to %u, not '%s'",
                                   ACCELERATORS_MAX, text);
    } else if (text_size(text, &flags->size.memory_per_host, &err.e) < 0 || !flags->size.memory_per_host) {
        return cmd_usage_error(&cmd_check_rules, "--memory-per-host takes a size such as 256GiB, not '%s'", text);
    }
    return EXIT_OK;
}

static bool is_folder(const char *text)
{
    struct stat st;

    return stat(text, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Takes the flags of this command and the folders out of argv; the others are those of every command that reads a run
 * file. */
static int take_flags(int *argc, char **argv, struct flags *flags)
{
    static const char *const valued[] = {"--version", "--division", "--hosts", "--accelerators", "--memory-per-host"};
    int kept = 1, status = EXIT_OK;

    for (int i = 1; i < *argc && status == EXIT_OK; i++) {
        const char *name = NULL, *text = NULL;

        for (size_t k = 0; k < sizeof valued / sizeof valued[0] && !name; k++) {
            size_t len = strlen(valued[k]);

            if (strncmp(argv[i], valued[k], len) == 0 && (argv[i][len] == '\0' || argv[i][len] == '=')) {
                name = valued[k];
                text = argv[i][len] == '=' ? argv[i] + len + 1 : i + 1 < *argc ? argv[++i] : "";
            }
        }
        if (name)
            status = take_value(name, text, flags);
        else if (strcmp(argv[i], "--json") == 0)
            flags->json = true;
        else if (argv[i][0] != '-' && strcmp(argv[i - 1], "--config-dir") != 0 && is_folder(argv[i]))
            flags->folders[flags->folder_count++] = argv[i];
        else
            argv[kept++] = argv[i];
    }
    argv[kept] = NULL;
    *argc = kept;
    return status;
}

static int print(struct judgement *j, bool json)
{
    struct str text = STR_EMPTY;

    if (json)
        judgement_json(j, &text);
    else
        judgement_text(j, &text);
    fputs(text.data, stdout);
    str_free(&text);
    return judgement_verdict(j) <= j->division ? EXIT_OK : EXIT_FAILED;
}

static int check_config(const struct run_arguments *args, const struct flags *flags, struct rule_book *book)
{
    struct run_config_args config_args = {
        .path = args->config, .config_dir = args->config_dir, .overrides = args->overrides, .strict = args->strict};
    struct subject *s = xcalloc(1, sizeof *s);
    struct judgement j = {.version = flags->version, .division = flags->division, .subjects = s, .count = 1};
    int status = EXIT_FAILED;
    dlfw_status st;

    st = subject_read_config(&config_args, &flags->size, args->config ? args->config : "the configuration", s);
    if (!args->config && s->cfg.config_path)
        s->name = s->cfg.config_path;
    problems_print(&s->problems);
    if (st >= 0) {
        judge_subject(book, s);
        status = print(&j, flags->json);
    }
    subject_free(s);
    free(s);
    return status;
}

static int check_folders(const struct flags *flags, struct rule_book *book)
{
    struct subject *subjects = xcalloc(flags->folder_count, sizeof *subjects);
    struct judgement j = {
        .version = flags->version, .division = flags->division, .subjects = subjects, .count = flags->folder_count};
    int status;

    for (uint32_t i = 0; i < j.count; i++) {
        subject_read_results(flags->folders[i], &subjects[i]);
        judge_subject(book, &subjects[i]);
    }
    judge_together(book, subjects, j.count, &j.together);
    status = print(&j, flags->json);
    for (uint32_t i = 0; i < j.count; i++)
        subject_free(&subjects[i]);
    findings_free(&j.together);
    free(subjects);
    return status;
}

/* EXIT_OK, or the mistake, which has been printed; args owns nothing then. */
static int parse_rest(int argc, char **argv, struct run_arguments *args)
{
    int status = run_arguments_parse(&cmd_check_rules, argc, argv, args);

    if (status != EXIT_OK)
        return status;
    if (!args->plugin_dir && !args->check && !args->quiet && !args->force && !args->strict_au && !args->local_ranks &&
        !args->rank.world_size)
        return EXIT_OK;
    free(args->argv);
    free(args->overrides);
    return cmd_usage_error(&cmd_check_rules, "of the options of 'run', check-rules takes --strict and --config-dir; "
                                             "--accelerators says how many ranks there will be");
}

static int check(int argc, char **argv, const struct flags *flags)
{
    struct run_arguments args = {0};
    struct rule_book book;
    int status;

    if (flags->folder_count && argc > 1)
        return cmd_usage_error(&cmd_check_rules,
                               "'%s' does not go with a results folder; give folders, or one run file", argv[1]);
    if (flags->folder_count && (flags->size.hosts || flags->size.accelerators || flags->size.memory_per_host))
        return cmd_usage_error(&cmd_check_rules, "--hosts, --accelerators and --memory-per-host are for a run file; "
                                                 "results say them themselves");
    if (!flags->folder_count) {
        status = parse_rest(argc, argv, &args);
        if (status != EXIT_OK)
            return status;
    }
    put_begin();
    rule_book_open(flags->version, &book);
    status = flags->folder_count ? check_folders(flags, &book) : check_config(&args, flags, &book);
    rule_book_close(&book);
    free(args.overrides);
    return status;
}

static int check_rules(int argc, char **argv)
{
    struct flags flags = {.version = rule_version_find(DEFAULT_VERSION), .division = VERDICT_CLOSED};
    int status;

    flags.folders = xcalloc((size_t)argc + 1, sizeof *flags.folders);
    status = take_flags(&argc, argv, &flags);
    if (status == EXIT_OK)
        status = check(argc, argv, &flags);
    free(flags.folders);
    return status;
}

const struct command cmd_check_rules = {
    .name = "check-rules",
    .summary = "judge a run file or results by the rules of MLPerf Storage",
    .usage = "usage: dlfw check-rules [options] CONFIG [OVERRIDE...]\n"
             "       dlfw check-rules [options] --config-dir DIR workload=NAME [OVERRIDE...]\n"
             "       dlfw check-rules [options] RESULTS_DIR...\n"
             "\n"
             "Prints every rule with what was found, what is wanted and why; exit status 1 when the verdict is worse\n"
             "than the division asked for. Several folders are also judged together.\n"
             "\n"
             "  --version V             rules of MLPerf Storage 1.0, 2.0 (default) or 3.0\n"
             "  --division D            closed (default) or open\n"
             "  --hosts N               hosts of the run to come; 1 when it is not given\n"
             "  --accelerators N        accelerators of all hosts; one per host when it is not given\n"
             "  --memory-per-host SIZE  such as 256GiB; this machine's when it is not given\n"
             "  --json                  one JSON object\n"
             "  --strict                unknown keys are errors\n"
             "  --config-dir DIR        DIR/workload/NAME.yaml is the run file\n",
    .run = check_rules,
};
