/* SPDX-License-Identifier: Apache-2.0 */
#include "ranks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PARTS_AT_ONCE 4096u /* per rank and gather, so that many ranks with many parts need little memory */

dlfw_status ranks_broadcast(const dlfw_hook_ctx *ctx, void *buf, uint64_t len, dlfw_error *reterr)
{
    return ctx->world_size > 1 ? ctx->services->broadcast(ctx->services_ctx, 0, buf, len, reterr) : DLFW_OK;
}

dlfw_status ranks_gather(const dlfw_hook_ctx *ctx, const void *mine, void *all, uint64_t len, dlfw_error *reterr)
{
    if (ctx->world_size > 1)
        return ctx->services->gather(ctx->services_ctx, mine, all, len, reterr);
    memcpy(all, mine, len);
    return DLFW_OK;
}

dlfw_status ranks_all(const dlfw_hook_ctx *ctx, bool flag, bool *ret, dlfw_error *reterr)
{
    uint8_t mine = flag, *all = calloc(ctx->world_size, 1);
    dlfw_status st;

    *ret = false;
    if (!all)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot ask %" PRIu32 " ranks", ctx->world_size);
    st = ranks_gather(ctx, &mine, all, 1, reterr);
    *ret = st >= 0;
    for (uint32_t i = 0; i < ctx->world_size; i++)
        *ret = *ret && all[i];
    free(all);
    return st;
}

dlfw_status ranks_agree(const dlfw_hook_ctx *ctx, const struct rank_outcome *mine, struct rank_outcome *all,
                        dlfw_error *reterr)
{
    dlfw_status st = ranks_gather(ctx, mine, all, sizeof *mine, reterr);

    for (uint32_t i = 0; i < ctx->world_size && st >= 0; i++) {
        if (all[i].status >= 0)
            continue;
        all[i].why[sizeof all[i].why - 1] = '\0';
        if (ctx->world_size > 1)
            return dlfw_fail(reterr, all[i].status, "rank %" PRIu32 ": %s", i, all[i].why);
        return dlfw_fail(reterr, all[i].status, "%s", all[i].why);
    }
    return st;
}

/* Parts [from, from + PARTS_AT_ONCE) of every rank. */
static dlfw_status gather_some(const dlfw_hook_ctx *ctx, const struct part_entry *mine, uint32_t from,
                               const struct rank_outcome *all, struct part_entry *block, struct part_entry *blocks,
                               struct manifest_shard *shards, dlfw_error *reterr)
{
    uint32_t count = all[ctx->rank].part_count;
    dlfw_status st;

    if (from < count)
        memcpy(block, mine + from, (count - from < PARTS_AT_ONCE ? count - from : PARTS_AT_ONCE) * sizeof *block);
    st = ranks_gather(ctx, block, blocks, PARTS_AT_ONCE * sizeof *block, reterr);
    for (uint32_t r = 0; r < ctx->world_size && st >= 0 && ctx->rank == 0; r++) {
        uint32_t left = all[r].part_count > from ? all[r].part_count - from : 0;

        if (left)
            memcpy(shards[r].parts + from, blocks + (size_t)r * PARTS_AT_ONCE,
                   (left < PARTS_AT_ONCE ? left : PARTS_AT_ONCE) * sizeof *block);
    }
    return st;
}

dlfw_status ranks_gather_parts(const dlfw_hook_ctx *ctx, const struct part_entry *mine, const struct rank_outcome *all,
                               struct manifest_shard *shards, dlfw_error *reterr)
{
    struct part_entry *block = calloc(PARTS_AT_ONCE, sizeof *block);
    struct part_entry *blocks = calloc((size_t)PARTS_AT_ONCE * ctx->world_size, sizeof *blocks);
    dlfw_status st = DLFW_OK;
    uint32_t most = 0;

    if (!block || !blocks)
        st = dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot gather the parts of %" PRIu32 " ranks", ctx->world_size);
    for (uint32_t r = 0; r < ctx->world_size && st >= 0; r++) {
        most = all[r].part_count > most ? all[r].part_count : most;
        if (ctx->rank != 0)
            continue;
        shards[r].parts = calloc(all[r].part_count + 1, sizeof *shards[r].parts);
        shards[r].part_count = all[r].part_count;
        if (!shards[r].parts)
            st = dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot keep %" PRIu32 " parts", all[r].part_count);
    }
    for (uint32_t from = 0; from < most && st >= 0; from += PARTS_AT_ONCE)
        st = gather_some(ctx, mine, from, all, block, blocks, shards, reterr);
    free(blocks);
    free(block);
    return st;
}
