/* SPDX-License-Identifier: Apache-2.0 */
/* The sub-commands. Each parses its own arguments with getopt_long, prints results on stdout and diagnostics through
 * log_*(), and returns the exit status. */
#ifndef DLFW_CORE_CMD_CMD_H
#define DLFW_CORE_CMD_CMD_H

enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1,       /* the work failed; one line on stderr says why */
    EXIT_USAGE = 2,        /* the command line is wrong */
    EXIT_INTERRUPTED = 130 /* Ctrl-C */
};

struct command {
    const char *name;                  /* "run", "plugins" */
    const char *summary;               /* one line for `dlfw help` */
    const char *usage;                 /* what `dlfw NAME --help` prints, ending in a newline */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name */
    int has_h;                         /* -h is an option of its own and does not ask for the usage */
};

extern const struct command cmd_run, cmd_generate, cmd_validate, cmd_config, cmd_plan, cmd_sweep, cmd_plugins,
    cmd_clean, cmd_index, cmd_inspect, cmd_checkpoint, cmd_check_rules, cmd_report, cmd_complete;
/* the storage tools */
extern const struct command cmd_ls, cmd_stat, cmd_cat, cmd_get, cmd_put, cmd_cp, cmd_sync, cmd_rm, cmd_mb, cmd_rb,
    cmd_du;

/* Every command, NULL-terminated, in the order of `dlfw help`. */
extern const struct command *const cmd_all[];

/* Prints usage on stderr with the reason and returns EXIT_USAGE. */
int cmd_usage_error(const struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
