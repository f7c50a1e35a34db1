/* SPDX-License-Identifier: Apache-2.0 */
/* What a checkpoint hook says about its checkpoints becomes log lines and records. */
#ifndef DLFW_CORE_TRAIN_CHECKPOINT_EVENTS_H
#define DLFW_CORE_TRAIN_CHECKPOINT_EVENTS_H

#include "dlfw/hook.h"
#include "train/job.h"

/* [main] */
void checkpoint_event_take(struct job *job, const char *hook, const dlfw_checkpoint_event *event);

#endif
