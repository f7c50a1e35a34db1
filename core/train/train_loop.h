/* SPDX-License-Identifier: Apache-2.0 */
/* A training that is set up (training.c) and its loop (train_loop.c). */
#ifndef DLFW_CORE_TRAIN_TRAIN_LOOP_H
#define DLFW_CORE_TRAIN_TRAIN_LOOP_H

#include "loader/loader.h"
#include "train/job.h"
#include "train/rank_progress.h"

/* A finished step on its way into the records. */
struct step_done {
    struct step_record *record; /* where it goes; NULL: nothing is waiting */
    struct step_record times;
    uint64_t bytes;
};

struct train_run {
    struct job *job;
    struct dataset_access access;
    struct dataset train, eval;
    struct file_list train_files, eval_files;
    struct loader *train_loader, *eval_loader; /* eval_loader NULL: no evaluation */
    uint64_t steps, eval_steps;                /* per epoch and rank */
    struct legacy_random random;               /* of the compute times */
    uint64_t global_step, samples, bytes;
    uint64_t mark_ns; /* when the wait for the next batch began */
    struct progress progress;
    struct rank_progress rank_progress;
    struct rank_progress_part shown; /* of this rank, since the phase began */
    uint64_t phase_step;             /* done in it */
    struct step_done last;           /* not yet entered into the records */
};

/* Runs all epochs; DLFW_STOP of a hook ends them cleanly. What was measured is in job->record, also after a failure. */
dlfw_status train_run_epochs(struct train_run *run, dlfw_error *err);

#endif
