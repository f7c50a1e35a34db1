/* SPDX-License-Identifier: Apache-2.0 */
/* The profiler of workflow.profiling. Of DLIO's there is iostat, a child process that writes iostat.json into the
 * results folder; darshan comes with LD_PRELOAD and needs nothing from here. Rank 0 of a run has one. */
#ifndef DLFW_CORE_TRAIN_PROFILER_H
#define DLFW_CORE_TRAIN_PROFILER_H

#include <sys/types.h>

#include "workload/run_config.h"

struct profiler {
    pid_t pid; /* 0: nothing is running */
    char *file;
};

/* Does nothing unless workflow.profiling asks for iostat. After generation, before the first epoch. */
dlfw_status profiler_start(const struct run_config *cfg, const char *folder, struct profiler *ret, dlfw_error *err);
/* Ends it and waits for its last words, 3 s at most; also good for a profiler that was never started. Fails when it did
 * not run to the end: its file is then not what it looks like. */
dlfw_status profiler_stop(struct profiler *p, dlfw_error *err);

#endif
