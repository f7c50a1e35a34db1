/* SPDX-License-Identifier: Apache-2.0 */
/* What `dlfw sweep` is asked for: its own options beside those of every command that reads a run file. */
#ifndef DLFW_CORE_CMD_SWEEP_FLAGS_H
#define DLFW_CORE_CMD_SWEEP_FLAGS_H

#include "cmd/start.h"
#include "sweep/range.h"

struct sweep_flags {
    struct sweep_range range; /* sweep_range_free() by the caller, also after a mistake */
    double au;                /* a share; 0: metric.au */
    uint32_t repeat;          /* 1 when not given */
    uint32_t epochs, steps;   /* 0: as the run file says */
    bool all, plan, ascii, json;
};

/* EXIT_OK, or the status to exit with (after a mistake, which has been printed). args: as run_arguments_parse() leaves
 * it; its memory is the caller's. */
int sweep_flags_parse(int argc, char **argv, struct sweep_flags *flags, struct run_arguments *args);

#endif
