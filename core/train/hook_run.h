/* SPDX-License-Identifier: Apache-2.0 */
/* The hooks of a run file, in order: created, called at their moments, timed. */
#ifndef DLFW_CORE_TRAIN_HOOK_RUN_H
#define DLFW_CORE_TRAIN_HOOK_RUN_H

#include "train/job.h"

/* Creates the hook of workflow.checkpoint, then those of cfg->hooks: a list of names or {name: {options}}. Mistakes
 * become problems and DLFW_E_CONFIG. */
dlfw_status hooks_create(struct job *job, bool check_only, dlfw_error *err);
void hooks_destroy(struct job *job); /* fills the record's figures */

/* ctx carries the counters; phase, services and rank are filled here. DLFW_STOP: the training ends after this call, or
 * does not begin. */
dlfw_status hooks_initialize(struct job *job, dlfw_error *err);
dlfw_status hooks_after_step(struct job *job, dlfw_hook_ctx *ctx, dlfw_error *err);
dlfw_status hooks_after_epoch(struct job *job, dlfw_hook_ctx *ctx, dlfw_error *err);
/* The work of a run that trains nothing. */
dlfw_status hooks_workload(struct job *job, dlfw_error *err);
bool hooks_end_block(struct job *job, dlfw_hook_ctx *ctx, uint32_t phase);
/* In reverse order, for every hook whose initialize succeeded; the first failure is reported, all are called. */
dlfw_status hooks_finalize(struct job *job, dlfw_hook_ctx *ctx, dlfw_error *err);
/* What one rank of so many would write per checkpoint, by the hook of workflow.checkpoint. No hook was initialized. */
dlfw_status hooks_plan(struct job *job, uint32_t rank, uint32_t ranks, const dlfw_plan_sink *out, dlfw_error *err);
bool hooks_any(const struct job *job);

#endif
