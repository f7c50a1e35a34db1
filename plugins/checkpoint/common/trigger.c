/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DLIO keeps "the next step" and "the next epoch" and compares for equality; as every step and epoch is visited, that
 * is division. The directory of an epoch's checkpoint carries the number of steps plus one, as DLIO's does.
 */
#include "common/trigger.h"

#include <inttypes.h>
#include <stdio.h>

static void fill(struct checkpoint_moment *ret, uint32_t epoch, uint64_t number, uint64_t step, uint64_t name_step)
{
    ret->epoch = epoch;
    ret->number = number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
    ret->step = step;
    snprintf(ret->name, sizeof ret->name, "global_epoch%" PRIu32 "_step%" PRIu64, epoch, name_step);
}

bool checkpoint_due(const struct checkpoint_trigger *t, const dlfw_hook_ctx *ctx, struct checkpoint_moment *ret)
{
    if (ctx->phase == DLFW_PHASE_STEP) {
        uint64_t between = t->steps_between > 0 ? (uint64_t)t->steps_between : 0;

        if (!between || ctx->step == 0 || ctx->step % between != 0)
            return false;
        fill(ret, ctx->epoch, ctx->step / between, ctx->step, ctx->step);
        return true;
    }
    if (ctx->phase != DLFW_PHASE_EPOCH || t->steps_between >= 0 || ctx->epoch < t->after_epoch ||
        (ctx->epoch - t->after_epoch) % t->epochs_between != 0)
        return false;
    fill(ret, ctx->epoch, 1, ctx->step, ctx->step + 1);
    return true;
}

void checkpoint_moment_of(uint64_t number, struct checkpoint_moment *ret)
{
    fill(ret, 1, number, number, number);
}
