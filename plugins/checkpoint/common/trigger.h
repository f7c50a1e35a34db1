/* SPDX-License-Identifier: Apache-2.0 */
/* When a training run takes a checkpoint, and its name: pure functions of the counters, so that asking has no effect.
 */
#ifndef DLFW_CHECKPOINT_TRIGGER_H
#define DLFW_CHECKPOINT_TRIGGER_H

#include <stdbool.h>

#include "dlfw/hook.h"

#define CHECKPOINT_NAME_MAX 64u

struct checkpoint_trigger {
    uint64_t after_epoch;    /* the first epoch with a checkpoint */
    uint64_t epochs_between; /* at least 1 */
    int64_t steps_between;   /* >= 0: by steps, not by epochs; 0: never */
};

/* One checkpoint of a run. */
struct checkpoint_moment {
    uint32_t epoch;
    uint32_t number;                /* in its epoch, from 1 */
    uint64_t step;                  /* after which it is taken */
    char name[CHECKPOINT_NAME_MAX]; /* "global_epoch1_step250" */
};

/* Whether the after_step or after_epoch call with this ctx takes a checkpoint (ctx->phase tells which); fills *ret. */
bool checkpoint_due(const struct checkpoint_trigger *trigger, const dlfw_hook_ctx *ctx, struct checkpoint_moment *ret);
/* The number-th checkpoint (from 1) of a run that only checkpoints. */
void checkpoint_moment_of(uint64_t number, struct checkpoint_moment *ret);

#endif
