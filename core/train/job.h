/* SPDX-License-Identifier: Apache-2.0 */
/* One rank's part of a run: everything that is open while it lasts, and its phases in order (generate, train with
 * evaluation and hooks, report). */
#ifndef DLFW_CORE_TRAIN_JOB_H
#define DLFW_CORE_TRAIN_JOB_H

#include "dlfw/hook.h"
#include "ranks/ranks.h"
#include "report/progress.h"
#include "report/results.h"
#include "workload/dataset_access.h"

struct hook_runner;

#define DATASET_DESCRIPTION_KEY "dlfw-dataset.yaml" /* beside train/ and valid/: what generated them (generate.c) */

struct job {
    struct run_config *cfg;
    struct registry *registry;
    struct problem_list *problems;
    struct ranks ranks;
    uint32_t rank, rank_count;
    struct results results;
    struct run_record record;
    struct hook_runner *hooks;
    uint64_t program_start_ns;
    bool generate_only;
    bool force; /* generate files again although they are complete */
};

struct job_args {
    struct run_config *cfg;
    struct registry *registry;
    struct problem_list *problems;
    uint64_t program_start_ns;
    bool generate_only; /* `dlfw generate`: the data, nothing else */
    bool force;
    bool quiet; /* no copy of dlio.log's lines on stderr */
    struct rank_request ranks;
};

/* Returns 0, or why it failed, on this rank or on another; DLFW_E_CANCELLED after Ctrl-C. What was measured until then
 * is in the results folder. The human summary goes to rank 0's stdout. *ret_au_met: the AU threshold was reached (true
 * when nothing was trained). */
dlfw_status job_run(const struct job_args *args, bool *ret_au_met, dlfw_error *err);

/* What the report says about the storage; the last call wins. */
void job_note_storage(struct job *job, const struct storage *storage);
/* What its endpoints have done, added to what is known of them; when the storage's work is over. */
void job_note_endpoints(struct job *job, const struct storage *storage);

/* generate.c */
dlfw_status job_generate(struct job *job, dlfw_error *err);
/* train_loop.c */
dlfw_status job_train(struct job *job, dlfw_error *err);

#endif
