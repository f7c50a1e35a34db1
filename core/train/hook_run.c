/* SPDX-License-Identifier: Apache-2.0 */
#include "train/hook_run.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "train/hook_services.h"

struct running_hook {
    const struct plugin_iface *iface;
    dlfw_hook *hook;
    bool initialized;
    struct host_instance instance;
    struct hook_service_ctx services;
    uint64_t calls, total_ns, max_ns;
};

struct hook_runner {
    struct running_hook *items;
    uint32_t count;
};

typedef dlfw_status hook_call(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *err);

/* Name and options of one list entry: "metrics" or {metrics: {...}}. */
static dlfw_status read_entry(const dlfw_node *entry, const char **ret_name, const dlfw_node **ret_options,
                              dlfw_error *err)
{
    *ret_options = NULL;
    if (entry->kind == DLFW_NODE_SCALAR && !node_is_null(entry)) {
        *ret_name = node_to_str(entry);
        return DLFW_OK;
    }
    if (entry->kind != DLFW_NODE_MAP || entry->count != 1)
        return node_fail(entry, err, DLFW_E_CONFIG, "an entry of 'hooks' is a name or one 'name: {options}'");
    *ret_name = entry->pairs[0].key;
    *ret_options = entry->pairs[0].value;
    entry->pairs[0].value->used = true;
    if (node_is_null(*ret_options))
        *ret_options = NULL;
    return DLFW_OK;
}

static dlfw_status create_one(struct job *job, const dlfw_node *entry, bool check_only, struct running_hook *h,
                              dlfw_error *err)
{
    uint32_t errors = job->problems->errors;
    dlfw_create_args args = {.struct_size = sizeof args, .numa_node = -1};
    const char *name = NULL;
    char path[80];
    dlfw_status st;

    st = read_entry(entry, &name, &args.config, err);
    if (st < 0)
        return st;
    st = registry_find(job->registry, DLFW_KIND_HOOK, name, &h->iface, err);
    if (st < 0)
        return st;
    snprintf(path, sizeof path, "hooks.%s", name);
    args.options = registry_options(h->iface, &job->cfg->tree, args.config, path, NULL, job->problems);
    if (job->problems->errors > errors)
        return dlfw_fail(err, DLFW_E_CONFIG, "the options of hook '%s' have mistakes", name);
    h->instance = (struct host_instance){.name = name, .config = args.config};
    h->services = (struct hook_service_ctx){.job = job, .hook_name = name};
    args.flags = check_only ? DLFW_CREATE_CHECK_ONLY : 0;
    args.host = host_table();
    args.host_ctx = &h->instance;
    args.instance = name;
    return h->iface->ops.hook.create(&args, &h->hook, err);
}

dlfw_status hooks_create(struct job *job, bool check_only, dlfw_error *err)
{
    const dlfw_node *list = job->cfg->hooks;
    struct hook_runner *runner = xcalloc(1, sizeof *runner);
    dlfw_status st = DLFW_OK;

    job->hooks = runner;
    if (!list || node_is_null(list))
        return DLFW_OK;
    if (list->kind != DLFW_NODE_LIST)
        return node_fail(list, err, DLFW_E_CONFIG, "'hooks' is a list");
    runner->items = xcalloc(list->count, sizeof *runner->items);
    for (uint32_t i = 0; i < list->count && st >= 0; i++) {
        st = create_one(job, list->pairs[i].value, check_only, &runner->items[i], err);
        if (st >= 0)
            runner->count++;
    }
    return st;
}

void hooks_destroy(struct job *job)
{
    struct hook_runner *runner = job->hooks;

    if (!runner)
        return;
    job->record.hooks = xcalloc(runner->count, sizeof *job->record.hooks);
    for (uint32_t i = 0; i < runner->count; i++) {
        struct running_hook *h = &runner->items[i];

        job->record.hooks[i] = (struct hook_record){
            .name = h->instance.name, .calls = h->calls, .total_ns = h->total_ns, .max_ns = h->max_ns};
        h->iface->ops.hook.destroy(h->hook);
    }
    job->record.hook_count = runner->count;
    free(runner->items);
    free(runner);
    job->hooks = NULL;
}

bool hooks_any(const struct job *job)
{
    return job->hooks && job->hooks->count;
}

static dlfw_status call(struct job *job, struct running_hook *h, hook_call *function, dlfw_hook_ctx *ctx,
                        dlfw_error *err)
{
    uint64_t start, took;
    dlfw_status st;

    if (!function)
        return DLFW_OK;
    ctx->struct_size = sizeof *ctx;
    ctx->rank = job->rank;
    ctx->world_size = job->rank_count;
    ctx->services = &hook_services;
    ctx->services_ctx = &h->services;
    start = clock_now_ns();
    ctx->now_ns = start;
    st = function(h->hook, ctx, err);
    took = clock_now_ns() - start;
    h->calls++;
    h->total_ns += took;
    if (took > h->max_ns)
        h->max_ns = took;
    if (st < 0 && err && !err->message_len)
        dlfw_fail(err, st, "it failed and did not say why (%s)", dlfw_status_text(st));
    if (st < 0)
        error_prefix(err, "hook '%s'", h->instance.name);
    return st;
}

dlfw_status hooks_initialize(struct job *job, dlfw_error *err)
{
    dlfw_hook_ctx ctx = {.phase = DLFW_PHASE_INITIALIZE};
    dlfw_status result = DLFW_OK;

    for (uint32_t i = 0; i < job->hooks->count; i++) {
        struct running_hook *h = &job->hooks->items[i];
        dlfw_status st = call(job, h, h->iface->ops.hook.initialize, &ctx, err);

        if (st < 0)
            return st;
        h->initialized = true;
        if (st == DLFW_STOP)
            result = DLFW_STOP;
    }
    return result;
}

static dlfw_status call_all(struct job *job, dlfw_hook_ctx *ctx, uint32_t phase, dlfw_error *err)
{
    dlfw_status result = DLFW_OK;

    ctx->phase = phase;
    for (uint32_t i = 0; i < job->hooks->count; i++) {
        struct running_hook *h = &job->hooks->items[i];
        dlfw_status st =
            call(job, h, phase == DLFW_PHASE_STEP ? h->iface->ops.hook.after_step : h->iface->ops.hook.after_epoch, ctx,
                 err);

        if (st < 0)
            return st;
        if (st == DLFW_STOP)
            result = DLFW_STOP;
    }
    return result;
}

dlfw_status hooks_after_step(struct job *job, dlfw_hook_ctx *ctx, dlfw_error *err)
{
    return call_all(job, ctx, DLFW_PHASE_STEP, err);
}

dlfw_status hooks_after_epoch(struct job *job, dlfw_hook_ctx *ctx, dlfw_error *err)
{
    return call_all(job, ctx, DLFW_PHASE_EPOCH, err);
}

bool hooks_end_block(struct job *job, dlfw_hook_ctx *ctx, uint32_t phase)
{
    bool ends = false;

    ctx->phase = phase;
    for (uint32_t i = 0; i < job->hooks->count; i++) {
        struct running_hook *h = &job->hooks->items[i];

        ctx->struct_size = sizeof *ctx;
        ctx->rank = job->rank;
        ctx->world_size = job->rank_count;
        ctx->services = &hook_services;
        ctx->services_ctx = &h->services;
        if (h->iface->ops.hook.ends_block && h->iface->ops.hook.ends_block(h->hook, ctx) > 0)
            ends = true;
    }
    return ends;
}

dlfw_status hooks_finalize(struct job *job, dlfw_hook_ctx *ctx, dlfw_error *err)
{
    dlfw_status first = DLFW_OK;

    ctx->phase = DLFW_PHASE_FINALIZE;
    for (uint32_t i = job->hooks ? job->hooks->count : 0; i-- > 0;) {
        struct running_hook *h = &job->hooks->items[i];
        dlfw_status st;

        if (!h->initialized)
            continue;
        st = call(job, h, h->iface->ops.hook.finalize, ctx, first < 0 ? NULL : err);
        if (st < 0 && first >= 0)
            first = st;
    }
    return first;
}
