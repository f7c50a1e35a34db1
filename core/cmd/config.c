/* SPDX-License-Identifier: Apache-2.0 */
/* `dlfw config show`: what a run would use, key by key, and who said so. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/start.h"

/* Takes --json out of argv; the other options are those of every command that reads a run file. */
static bool take_json(int *argc, char **argv)
{
    bool found = false;
    int kept = 1;

    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            found = true;
        else
            argv[kept++] = argv[i];
    }
    argv[kept] = NULL;
    *argc = kept;
    return found;
}

static int show(const struct run_arguments *args, bool json)
{
    struct run_config_args config_args = {
        .path = args->config, .config_dir = args->config_dir, .overrides = args->overrides, .strict = args->strict};
    struct problem_list problems = {.strict = args->strict};
    struct run_config *cfg = xcalloc(1, sizeof *cfg);
    struct str text = STR_EMPTY;
    dlfw_status st = run_config_read(&config_args, cfg, &problems);

    problems_print(&problems);
    run_config_show(cfg, json, &text);
    fputs(text.data, stdout);
    str_free(&text);
    run_config_free(cfg);
    free(cfg);
    problem_list_free(&problems);
    return st < 0 ? EXIT_FAILED : EXIT_OK;
}

static int config(int argc, char **argv)
{
    struct run_arguments args;
    bool json;
    int status;

    if (argc < 2)
        return cmd_usage_error(&cmd_config, "a subcommand is missing; there is show");
    if (strcmp(argv[1], "show") != 0)
        return cmd_usage_error(&cmd_config, "'%s' is not a subcommand; there is show", argv[1]);
    argc--;
    argv++;
    json = take_json(&argc, argv);
    status = run_arguments_parse(&cmd_config, argc, argv, &args);
    if (status == EXIT_OK && (args.plugin_dir || args.check || args.quiet || args.force || args.strict_au))
        status = cmd_usage_error(&cmd_config, "'config show' takes --json, --strict and --config-dir only");
    if (status == EXIT_OK)
        status = show(&args, json);
    free(args.overrides);
    return status;
}

const struct command cmd_config = {
    .name = "config",
    .summary = "show every key of a run file with its value and where it came from",
    .usage = "usage: dlfw config show [--json] [--strict] CONFIG [OVERRIDE...]\n"
             "       dlfw config show [options] --config-dir DIR workload=NAME [OVERRIDE...]\n"
             "\n"
             "  --json            one object per key: {\"value\": ..., \"source\": ...}\n"
             "  --config-dir DIR  DIR/workload/NAME.yaml is the run file\n"
             "  --strict          unknown keys are errors\n",
    .run = config,
};
