/* SPDX-License-Identifier: Apache-2.0 */
/* One process per rank: this program again, with its place in the run on the command line. */
#ifndef DLFW_CORE_RANKS_LAUNCH_SPAWN_H
#define DLFW_CORE_RANKS_LAUNCH_SPAWN_H

#include <signal.h>
#include <sys/types.h>

#include "ranks/launch.h"
#include "ranks/launch_output.h"

struct launch_rank {
    pid_t pid;       /* 0: not started */
    int status;      /* of waitpid */
    uint64_t end_ns; /* 0: runs */
};

/* How the launcher was to take signals before it changed that for itself; a rank begins with the first two. */
struct launch_signals {
    sigset_t mask;
    struct sigaction pipe;
    struct sigaction child;
};

/*
 * Starts all ranks; ranks[i].pid is set for each that runs, also when this fails. When it returns DLFW_OK all of them
 * have become the program.
 */
dlfw_status launch_spawn(const struct launch_args *args, const struct launch_signals *signals, struct launch_output *o,
                         struct launch_rank *ranks, dlfw_error *err);

#endif
