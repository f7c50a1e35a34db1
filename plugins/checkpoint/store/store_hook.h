/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the hook `checkpoint_store`: its options and its state. The functions are those of dlfw_hook_ops. */
#ifndef DLFW_CHECKPOINT_STORE_HOOK_H
#define DLFW_CHECKPOINT_STORE_HOOK_H

#include "common/checkpoint_run.h"
#include "save.h"

enum { COMPRESS_NONE = 0, COMPRESS_ZSTD, COMPRESS_FLOAT, COMPRESS_AUTO };
enum { VERIFY_NONE = 0, VERIFY_CHECKSUM, VERIFY_ALL };
enum { LOAD_STEP = 0, LOAD_LATEST };

struct store_options {
    struct checkpoint_options common; /* first: CHECKPOINT_OPTION_ROWS */
    const char *framework;
    uint32_t compress;
    uint32_t strategy;
    int64_t level;
    uint64_t part_size;
    uint64_t threads;
    uint64_t memory_budget;
    uint8_t background;
    uint8_t reserved0[7];
    uint64_t keep_last, keep_every;
    uint32_t verify;
    uint32_t load_from;
    const dlfw_node *user_meta;
};

struct dlfw_hook {
    const struct store_options *options;
    const dlfw_host *host;
    void *host_ctx;
    struct checkpoint_run run;
    struct tensor_content content;
    struct store store;
    struct save_settings settings;
    struct save save;
    char *user_meta; /* JSON; NULL: none */
    uint32_t threads;
    uint64_t memory_budget;
    /* for the report */
    uint64_t saved, loaded, retired;
    uint64_t raw_bytes, stored_bytes; /* of this rank's saves */
    uint64_t background_ns, stall_ns; /* of saves in the background: how long they took, how long training waited */
    uint64_t checksums;               /* compared by loads */
};

dlfw_status store_hook_create(struct dlfw_hook *hook, const dlfw_create_args *args, dlfw_error *reterr);
void store_hook_destroy(struct dlfw_hook *hook);
dlfw_status store_hook_initialize(struct dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr);
dlfw_status store_hook_after(struct dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr);
dlfw_status store_hook_workload(struct dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr);
dlfw_status store_hook_finalize(struct dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr);
dlfw_status store_hook_plan(struct dlfw_hook *hook, uint32_t rank, uint32_t world_size, const dlfw_plan_sink *out,
                            dlfw_error *reterr);

/* store_settings.c: options that mean something only together */
dlfw_status store_hook_settings(struct dlfw_hook *hook, const dlfw_create_args *args, dlfw_error *reterr);

#endif
