/* SPDX-License-Identifier: Apache-2.0 */
/* What a run file means for a sweep: steps for each number of accelerators, how long a run takes, what to distrust. */
#ifndef DLFW_CORE_SWEEP_WORK_H
#define DLFW_CORE_SWEEP_WORK_H

#include <stdbool.h>

#include "sweep/notes.h"
#include "sweep/range.h"
#include "workload/run_config.h"

struct sweep_work {
    uint64_t samples, batch, epochs;
    uint64_t step_cap;      /* of each epoch; 0: none */
    double compute_seconds; /* of a step, mean */
    double threshold;       /* AU, percent */
    bool generates;
    bool takes_checkpoints;
    bool is_cacheable; /* reads go through this host's page cache */
    double dataset_bytes;
    char *name;        /* "unet3d_h100": of the workload, for people */
    char identity[17]; /* of everything in the run file that a point's figures depend on */
};

/* cfg was read with the overrides that every point gets. Fails when there is nothing to sweep over. */
dlfw_status sweep_work_find(const struct run_config *cfg, struct sweep_work *ret, dlfw_error *err);
void sweep_work_free(struct sweep_work *w);

/* Full steps of an epoch, the cap included. */
uint64_t sweep_steps(const struct sweep_work *w, uint32_t accelerators);
/* At least, when no accelerator waits. */
double sweep_run_seconds(const struct sweep_work *w, uint32_t accelerators);
/* Every candidate has a full step in each epoch; notes say where there are few, and what the page cache may do. */
dlfw_status sweep_work_check(const struct sweep_work *w, const struct sweep_range *range, double memory_bytes,
                             struct sweep_notes *notes, dlfw_error *err);

#endif
