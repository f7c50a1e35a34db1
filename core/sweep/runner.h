/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the runs of a sweep: `dlfw run --ranks N` as a child, its results in <folder>/N (repetitions: N.2, N.3 ...). A
 * finished run leaves point.json there, and is not made again while that says the same identity.
 */
#ifndef DLFW_CORE_SWEEP_RUNNER_H
#define DLFW_CORE_SWEEP_RUNNER_H

#include "sweep/child.h"
#include "sweep/sweep.h"
#include "sweep/work.h"

struct sweep_runner {
    /* command line of every run */
    const char *plugin_dir, *config_dir, *config; /* NULL: not given */
    const char *const *overrides;                 /* as typed, with those of --epochs; NULL-terminated */
    const char *const *shown;                     /* the same for people: secrets are ***, hydra.* left out */
    bool strict, check;
    const struct sweep_work *work;
    const char *folder;  /* of the sweep */
    const char *program; /* NULL: this program */
    bool force;          /* make runs again that are there */
    bool is_generated;   /* the dataset was generated, or need not be */
    child_tick *tick;    /* while a run lasts; may be NULL */
    void *tick_ctx;
};

/* Makes the dataset; done once before the first run that is made. */
dlfw_status sweep_runner_generate(struct sweep_runner *r, dlfw_error *err);
/* A sweep_make_run with a struct sweep_runner as ctx. */
dlfw_status sweep_runner_run(void *runner, uint32_t accelerators, uint32_t repetition, struct sweep_run *ret,
                             dlfw_error *err);
/* Whether the results of that run are there, so that it will not be made. */
bool sweep_runner_has(const struct sweep_runner *r, uint32_t accelerators, uint32_t repetition);
/* "dlfw run --ranks 4 run.yaml ++output.folder=...", as a shell takes it; accelerators 0: N instead of the number. */
void sweep_runner_command(const struct sweep_runner *r, uint32_t accelerators, struct str *out);
/* The same for `dlfw generate`. */
void sweep_runner_generate_command(const struct sweep_runner *r, struct str *out);

#endif
