/* SPDX-License-Identifier: Apache-2.0 */
/* A hook that adds two figures to the report of a run: the longest wait for data, and the step it came before. */
#include <stdlib.h>

#include "dlfw/hook.h"

struct dlfw_hook {
    uint64_t longest_ns;
    uint64_t at_step;
};

static dlfw_status slowest_create(const dlfw_create_args *args, dlfw_hook **ret, dlfw_error *reterr)
{
    (void)args;
    *ret = calloc(1, sizeof **ret);
    return *ret ? DLFW_OK : dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate an instance");
}

static void slowest_destroy(dlfw_hook *hook)
{
    free(hook);
}

static dlfw_status after_step(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr)
{
    (void)reterr;
    if (ctx->load_ns > hook->longest_ns) {
        hook->longest_ns = ctx->load_ns;
        hook->at_step = ctx->global_step;
    }
    return DLFW_OK;
}

static dlfw_status finalize(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr)
{
    (void)reterr;
    ctx->services->put(ctx->services_ctx, "longest_wait", "ns", DLFW_STAT_GAUGE, hook->longest_ns);
    ctx->services->put(ctx->services_ctx, "longest_wait_step", "steps", DLFW_STAT_GAUGE, hook->at_step);
    return DLFW_OK;
}

static const dlfw_hook_ops ops = {
    .struct_size = sizeof ops,
    .create = slowest_create,
    .destroy = slowest_destroy,
    .after_step = after_step,
    .finalize = finalize,
};

static const dlfw_iface iface = {
    .struct_size = sizeof iface,
    .kind = DLFW_KIND_HOOK,
    .name = "slowest",
    .summary = "reports the longest wait for data (example)",
    .ops = &ops,
};
static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("1.0.0", "hook=slowest\n", .id = "org.example.dlfw-slowest", .license = "Apache-2.0",
            .summary = "example of a hook", .url = "https://example.org", .ifaces = ifaces);
