/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/start.h"

static int run(int argc, char **argv)
{
    struct run_arguments args;
    int status = run_arguments_parse(&cmd_run, argc, argv, &args);

    return status == EXIT_OK ? run_job(&args, false) : status;
}

const struct command cmd_run = {
    .name = "run",
    .summary = "generate, train and evaluate as a run file says",
    .usage = "usage: dlfw run [--plugin-dir DIR] [--strict] [--strict-au] [--check] [--quiet] [--ranks N]\n"
             "                CONFIG [OVERRIDE...]\n"
             "       dlfw run [options] --config-dir DIR workload=NAME [OVERRIDE...]\n"
             "\n"
             "  --plugin-dir DIR  look for plugins here first\n"
             "  --config-dir DIR  DIR/workload/NAME.yaml is the run file\n"
             "  --strict          unknown keys are errors\n"
             "  --legacy-keys     record_length and other old names of keys have their old effect\n"
             "  --strict-au       fail when the accelerator utilization is below metric.au\n"
             "  --check           watch the plugins for breaches of the ABI (slower)\n"
             "  --quiet           no copy of dlio.log's lines on stderr\n"
             "  --ranks N         start N ranks here, one process each\n"
             "  --world-size N --rank R [--run-id ID]\n"
             "                    be rank R of N that are started by hand\n"
             "  --coordinator C   what ties ranks together: shm, openmpi, mpich; chosen by itself otherwise\n"
             "\n"
             "An OVERRIDE is key=value, +key=value, ++key=value or ~key, for instance ++train.epochs=2.\n",
    .run = run,
};
