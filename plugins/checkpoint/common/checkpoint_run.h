/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every checkpoint hook does around its own save and load: events for the report, the moments of a training run,
 * the loop of a run that only checkpoints.
 */
#ifndef DLFW_CHECKPOINT_RUN_H
#define DLFW_CHECKPOINT_RUN_H

#include "common/checkpoint_options.h"
#include "common/model_plan.h"
#include "common/trigger.h"

/* What a save or load did; 0 where it cannot tell. */
struct checkpoint_done {
    uint64_t stored_bytes;
    uint64_t model_ns, optimizer_ns;
    uint64_t stall_ns;  /* 0: it was not in the background, training waited for all of it */
    bool in_background; /* begun only: END comes from checkpoint_report_end() */
};

typedef dlfw_status checkpoint_work(void *hook, const dlfw_hook_ctx *ctx, const struct checkpoint_moment *moment,
                                    struct checkpoint_done *ret, dlfw_error *reterr);
typedef dlfw_status checkpoint_after_save(void *hook, const dlfw_hook_ctx *ctx, const struct checkpoint_moment *moment,
                                          dlfw_error *reterr);

struct checkpoint_run {
    const dlfw_host *host;
    void *host_ctx;
    const struct checkpoint_options *options;
    struct model_config model;
    struct model_totals totals;  /* after checkpoint_run_begin */
    struct model_plan plan;      /* of this rank */
    struct model_plan load_plan; /* of the rank whose files it loads */
    void *hook;
    checkpoint_work *save, *load;
    checkpoint_after_save *saved; /* after a save was reported: retention; may be NULL */
};

/* In create(): reads the model. The caller sets hook, save, load and saved. */
dlfw_status checkpoint_run_create(struct checkpoint_run *run, const dlfw_create_args *args,
                                  const struct checkpoint_options *options, dlfw_error *reterr);
void checkpoint_run_destroy(struct checkpoint_run *run);
/* In initialize(): plans for the run's ranks and reports the MODEL event. */
dlfw_status checkpoint_run_begin(struct checkpoint_run *run, const dlfw_hook_ctx *ctx, dlfw_error *reterr);
/* ends_block(), after_step() and after_epoch(): saves when a checkpoint is due. */
int32_t checkpoint_run_ends_block(const struct checkpoint_run *run, const dlfw_hook_ctx *ctx);
dlfw_status checkpoint_run_after(struct checkpoint_run *run, const dlfw_hook_ctx *ctx, dlfw_error *reterr);
/* workload(): num_checkpoints_write saves, then num_checkpoints_read loads. */
dlfw_status checkpoint_run_workload(struct checkpoint_run *run, const dlfw_hook_ctx *ctx, dlfw_error *reterr);
/* One save or load with its events. */
dlfw_status checkpoint_run_one(struct checkpoint_run *run, const dlfw_hook_ctx *ctx,
                               const struct checkpoint_moment *moment, bool is_load, dlfw_error *reterr);
/* The END event of a save in the background. */
void checkpoint_report_end(const struct checkpoint_run *run, const dlfw_hook_ctx *ctx,
                           const struct checkpoint_moment *moment, uint64_t begin_ns, uint64_t end_ns,
                           const struct checkpoint_done *done);
/* "FOLDER/NAME" or with file "FOLDER/NAME/FILE"; CONFIG when it does not fit. */
dlfw_status checkpoint_uri(const struct checkpoint_options *options, const char *name, const char *file, char *buf,
                           uint32_t cap, dlfw_error *reterr);
/* plan(): the figures of the whole checkpoint. memory: what the hook itself holds while it saves. */
dlfw_status checkpoint_plan_figures(const struct model_config *model, uint32_t world, uint64_t memory,
                                    const dlfw_plan_sink *out, dlfw_error *reterr);

#endif
