/* SPDX-License-Identifier: Apache-2.0 */
/* What ranks tell each other about a save. Alone, a rank needs no services for it. All [main], on all ranks alike. */
#ifndef DLFW_CHECKPOINT_STORE_RANKS_H
#define DLFW_CHECKPOINT_STORE_RANKS_H

#include "store.h"

/* How something ended on a rank. Crosses between processes of one program. */
struct rank_outcome {
    int32_t status;
    uint32_t codec;
    uint32_t part_count;
    uint32_t crc;
    uint64_t raw_bytes, size;
    char key[STORE_KEY_MAX];
    char why[256];
};

/* Runs what may fail with the outcome's own message. */
#define OUTCOME_ERROR(outcome)                                                                                         \
    (&(dlfw_error){.struct_size = sizeof(dlfw_error), .message = (outcome)->why, .message_cap = sizeof(outcome)->why})

dlfw_status ranks_broadcast(const dlfw_hook_ctx *ctx, void *buf, uint64_t len, dlfw_error *reterr);
dlfw_status ranks_gather(const dlfw_hook_ctx *ctx, const void *mine, void *all, uint64_t len, dlfw_error *reterr);
/* Whether flag is set on every rank. */
dlfw_status ranks_all(const dlfw_hook_ctx *ctx, bool flag, bool *ret, dlfw_error *reterr);
/* The outcomes of all ranks; the first failure is returned on each, with the rank's number. */
dlfw_status ranks_agree(const dlfw_hook_ctx *ctx, const struct rank_outcome *mine, struct rank_outcome *all,
                        dlfw_error *reterr);
/* The parts of every rank's shard go to rank 0, which has shards[rank].part_count and gets .parts. */
dlfw_status ranks_gather_parts(const dlfw_hook_ctx *ctx, const struct part_entry *mine, const struct rank_outcome *all,
                               struct manifest_shard *shards, dlfw_error *reterr);

#endif
