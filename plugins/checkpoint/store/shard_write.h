/* SPDX-License-Identifier: Apache-2.0 */
/* A rank's shard written from nothing but its plan: made, checksummed and encoded part by part while earlier parts are
 * on their way to the storage. */
#ifndef DLFW_CHECKPOINT_STORE_SHARD_WRITE_H
#define DLFW_CHECKPOINT_STORE_SHARD_WRITE_H

#include "shard_parts.h"
#include "store.h"

/* How shards are cut and coded, and what that may use. */
struct shard_settings {
    enum codec codec;
    int32_t level;
    uint64_t part_bytes; /* a multiple of 8 */
    uint32_t threads;
    uint32_t slots; /* parts in memory */
};

struct shard_written {
    struct manifest_shard shard; /* parts: owned */
    uint64_t model_ns, optimizer_ns;
};

/* key: of the object. Nothing is left of it after a failure. [any] */
dlfw_status shard_write(const struct store *store, const char *key, const struct shard_settings *settings,
                        const struct model_plan *plan, const struct tensor_content *content, struct shard_written *ret,
                        dlfw_error *reterr);
void shard_written_free(struct shard_written *w); /* zeroed is fine */

#endif
