/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows a save: reading it back, and removing the oldest checkpoint that this run has written. Others, also
 * those of earlier runs, are never touched. No rank removes before all ranks have the newer checkpoint.
 */
#include <stdlib.h>
#include <string.h>

#include "checkpoint_files.h"

static dlfw_status remove_checkpoint(struct dlfw_hook *hook, const dlfw_hook_ctx *ctx, const char *name,
                                     dlfw_error *reterr)
{
    char uri[FILES_URI_MAX];
    dlfw_status st = checkpoint_uri(&hook->options->common, name, NULL, uri, sizeof uri, reterr);

    if (st >= 0)
        st = ctx->services->barrier(ctx->services_ctx, reterr);
    if (st >= 0)
        st = files_remove(hook, ctx, name, reterr);
    if (st >= 0)
        st = ctx->services->barrier(ctx->services_ctx, reterr);
    if (st < 0 || ctx->rank != 0)
        return st;
    st = ctx->services->remove_root(ctx->services_ctx, uri, reterr);
    return st == DLFW_E_BUSY || st == DLFW_E_NOT_FOUND ? DLFW_OK : st; /* something of the user's lies in it */
}

static dlfw_status retire(struct dlfw_hook *hook, const dlfw_hook_ctx *ctx, const struct checkpoint_moment *moment,
                          dlfw_error *reterr)
{
    const uint64_t keep = hook->options->keep_last;
    dlfw_status st;

    if (!hook->kept) {
        hook->kept = calloc(keep + 1, sizeof *hook->kept);
        if (!hook->kept)
            return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate the list of checkpoints to keep");
    }
    hook->kept[hook->kept_count++] = *moment;
    if (hook->kept_count <= keep)
        return DLFW_OK;
    st = remove_checkpoint(hook, ctx, hook->kept[0].name, reterr);
    if (st < 0)
        return st;
    hook->removed++;
    hook->kept_count--;
    memmove(hook->kept, hook->kept + 1, hook->kept_count * sizeof *hook->kept);
    return DLFW_OK;
}

dlfw_status files_saved(void *opaque, const dlfw_hook_ctx *ctx, const struct checkpoint_moment *moment,
                        dlfw_error *reterr)
{
    struct dlfw_hook *hook = opaque;
    dlfw_status st = DLFW_OK;

    if (hook->options->verify == VERIFY_ALL && ctx->phase != DLFW_PHASE_WORKLOAD)
        st = checkpoint_run_one(&hook->run, ctx, moment, true, reterr);
    if (st >= 0 && hook->options->keep_last)
        st = retire(hook, ctx, moment, reterr);
    return st;
}
