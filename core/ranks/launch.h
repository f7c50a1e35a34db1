/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts the ranks of a run on this host, one process each, and waits for all of them. What they print comes through
 * the launcher in whole lines (launch_output.h says how); rank 0 keeps the launcher's stdin and, where there is one, a
 * terminal; the other ranks read nothing.
 *
 * Signals: each rank has a process group of its own, so a Ctrl-C on the terminal, `timeout` and `kill -- -PGID` reach
 * the launcher only, which hands SIGINT, SIGTERM, Ctrl-Z and its end on, once each; a rank takes a second SIGINT for
 * "leave at once".
 *
 * A rank that ended badly: the others notice through the coordinator and end by themselves. The launcher waits 5 s for
 * that, then sends SIGTERM and 3 s later SIGKILL. Who is killed by a signal in the first 2 s may not have joined yet,
 * and then nobody else can notice: the others have 1.5 s. When no rank was left to say which one died, the launcher
 * does.
 */
#ifndef DLFW_CORE_RANKS_LAUNCH_H
#define DLFW_CORE_RANKS_LAUNCH_H

#include <stdint.h>

#include "dlfw/base.h"

struct launch_args {
    uint32_t ranks;
    char *const *argv; /* of one rank, NULL-terminated; argv[0] is replaced by this program. The launcher inserts
                          --world-size N --rank R --run-id ID after argv[insert_at - 1] */
    uint32_t insert_at;
};

/*
 * *ret_exit: 0 when all ranks ended with 0, else the exit status of the first one that ended otherwise (128 + number
 * for a signal); 130 when a signal was handed on and a rank ended with that. Fails when a rank cannot be started (those
 * that were are stopped) or when what the ranks printed cannot be written. No rank outlives the launcher, whatever ends
 * it. [main, in a process without other threads]
 */
dlfw_status ranks_launch(const struct launch_args *args, int *ret_exit, dlfw_error *err);

#endif
