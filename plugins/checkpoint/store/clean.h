/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What killed saves and removals have left: shards and markers of checkpoints that have no manifest, intents whose
 * process is gone, a `latest` that names nothing. Work that goes on is never touched; see intent.h for how it is told
 * apart.
 */
#ifndef DLFW_CHECKPOINT_STORE_CLEAN_H
#define DLFW_CHECKPOINT_STORE_CLEAN_H

#include "store.h"

struct clean_args {
    bool dry_run;
    uint64_t min_age_ns; /* of work whose process cannot be looked at from here */
    /* key: below the folder; size UINT64_MAX: not known; why: "a shard without a manifest" */
    void (*report)(void *ctx, const char *key, uint64_t size, const char *why);
    void *ctx;
};

dlfw_status store_clean(const struct store *s, const struct clean_args *args, dlfw_error *reterr);

#endif
