/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/start.h"

static int generate(int argc, char **argv)
{
    struct run_arguments args;
    int status = run_arguments_parse(&cmd_generate, argc, argv, &args);

    return status == EXIT_OK ? run_job(&args, true) : status;
}

const struct command cmd_generate = {
    .name = "generate",
    .summary = "generate the dataset of a run file",
    .usage = "usage: dlfw generate [--plugin-dir DIR] [--strict] [--force] [--check] [--quiet] [--ranks N]\n"
             "                CONFIG [OVERRIDE...]\n"
             "       dlfw generate [options] --config-dir DIR workload=NAME [OVERRIDE...]\n"
             "\n"
             "Files that are complete are kept; a stopped generation goes on where it ended.\n"
             "\n"
             "  --plugin-dir DIR  look for plugins here first\n"
             "  --config-dir DIR  DIR/workload/NAME.yaml is the run file\n"
             "  --strict          unknown keys are errors\n"
             "  --legacy-keys     record_length and other old names of keys have their old effect\n"
             "  --force           generate every file again\n"
             "  --check           watch the plugins for breaches of the ABI (slower)\n"
             "  --quiet           no copy of dlio.log's lines on stderr\n"
             "  --ranks N         start N ranks here, one process each\n"
             "  --world-size N --rank R [--run-id ID]\n"
             "                    be rank R of N that are started by hand\n"
             "  --coordinator C   what ties ranks together: shm, openmpi, mpich; chosen by itself otherwise\n",
    .run = generate,
};
