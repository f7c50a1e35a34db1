/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the hook `checkpoint_files`: its options, its state, its work. */
#ifndef DLFW_CHECKPOINT_FILES_H
#define DLFW_CHECKPOINT_FILES_H

#include "common/checkpoint_run.h"
#include "common/tensor_content.h"
#include "file_container.h"

#define FILES_URI_MAX 2048u

enum { VERIFY_NONE = 0, VERIFY_ALL = 1 };
enum { FRAMEWORK_TENSORFLOW = 0, FRAMEWORK_PYTORCH = 1 };

struct files_options {
    struct checkpoint_options common; /* first: CHECKPOINT_OPTION_ROWS */
    uint32_t framework;
    uint32_t container;
    uint32_t verify;
    uint32_t reserved0;
    uint64_t threads;
    uint64_t keep_last;
};

struct dlfw_hook {
    const struct files_options *options;
    const dlfw_host *host;
    void *host_ctx;
    struct checkpoint_run run;
    struct tensor_content content;
    struct checkpoint_moment *kept; /* with keep_last: complete checkpoints of this run, oldest first; owned */
    uint64_t kept_count;
    uint64_t saved, loaded, removed; /* checkpoints, for the report */
};

/* "FILE.pt" of a file of the plan */
void files_object_name(const struct files_options *options, const struct plan_file *file, char *buf, uint32_t cap);

/* As checkpoint_work. All files of the rank, or none. */
dlfw_status files_save(void *hook, const dlfw_hook_ctx *ctx, const struct checkpoint_moment *moment,
                       struct checkpoint_done *ret, dlfw_error *reterr);
dlfw_status files_load(void *hook, const dlfw_hook_ctx *ctx, const struct checkpoint_moment *moment,
                       struct checkpoint_done *ret, dlfw_error *reterr);
/* After a save has been reported: compares it when that was asked for, and removes what keep_last does not keep. */
dlfw_status files_saved(void *hook, const dlfw_hook_ctx *ctx, const struct checkpoint_moment *moment,
                        dlfw_error *reterr);
/* Removes this rank's files of a checkpoint, also those that are not there. */
dlfw_status files_remove(struct dlfw_hook *hook, const dlfw_hook_ctx *ctx, const char *name, dlfw_error *reterr);

#endif
