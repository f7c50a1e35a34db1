/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that run a job share: their arguments, the signals, the printing of problems. */
#ifndef DLFW_CORE_CMD_START_H
#define DLFW_CORE_CMD_START_H

#include <stdbool.h>

#include "cmd/cmd.h"
#include "plugin/registry.h"
#include "ranks/identity.h"
#include "workload/run_config.h"

extern uint64_t program_start_ns; /* CLOCK_MONOTONIC at main() */

struct run_arguments {
    const char *plugin_dir;
    const char *config_dir;
    const char *config;     /* path, or NULL with config_dir */
    const char **overrides; /* NULL-terminated, in argv's order */
    bool strict;
    bool check; /* put the checking layer between host and plugins */
    bool quiet;
    bool force;
    bool strict_au;
    bool legacy_keys;
    uint32_t local_ranks; /* --ranks: how many to start here; 0: this process is a rank itself */
    struct rank_request rank;
    char **argv; /* of one rank, when local_ranks is set: "dlfw", then the arguments without --ranks; NULL-terminated */
};

/* Fills args; EXIT_OK, or the status to exit with (after --help or a mistake, which has been printed). */
int run_arguments_parse(const struct command *command, int argc, char **argv, struct run_arguments *args);
/* Problems as log lines, warnings first come first served. */
void problems_print(const struct problem_list *problems);
/* Ctrl-C once: stop and report; twice: leave at once. SIGPIPE is ignored: write errors are reported where they happen.
 */
void signals_install(void);

/* The whole of `dlfw run` and `dlfw generate`. */
/* Takes what args owns (overrides, argv). */
int run_job(const struct run_arguments *args, bool generate_only);

#endif
