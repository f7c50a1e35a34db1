/* SPDX-License-Identifier: Apache-2.0 */
#include "train/hook_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "train/checkpoint_events.h"
#include "train/checkpoint_hook.h"
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
    char *root; /* URI that the services' relative ones lie below */
    char *data; /* URI of the dataset */
    struct service_set *services;
    struct running_hook *items;
    uint32_t count;
};

/* A figure for the report; the last value of a name counts. */
static void put_figure(void *report, const char *hook, const char *name, const char *unit, uint32_t kind,
                       uint64_t value)
{
    struct run_record *rec = &((struct job *)report)->record;
    struct named_figure *f = NULL;

    for (uint32_t i = 0; i < rec->figure_count; i++)
        if (strcmp(rec->figures[i].owner, hook) == 0 && strcmp(rec->figures[i].name, name) == 0)
            f = &rec->figures[i];
    if (!f) {
        rec->figures = xrealloc(rec->figures, (rec->figure_count + 1) * sizeof *rec->figures);
        f = &rec->figures[rec->figure_count++];
        snprintf(f->owner, sizeof f->owner, "%s", hook);
        snprintf(f->name, sizeof f->name, "%s", name);
        snprintf(f->unit, sizeof f->unit, "%s", unit);
    }
    f->kind = kind;
    f->value = value;
}

static void take_event(void *report, const char *hook, const dlfw_checkpoint_event *event)
{
    checkpoint_event_take(report, hook, event);
}

static struct service_set *open_services(struct job *job, const struct hook_runner *runner)
{
    const struct run_config *cfg = job->cfg;
    struct service_env env = {.registry = job->registry,
                              .storage_root = runner->root,
                              .data_uri = runner->data,
                              .storage_options = cfg->storage.storage_options,
                              .wrap = cfg->storage.wrap,
                              .retry = cfg->storage.retry,
                              .problems = job->problems,
                              .ranks_ops = job->ranks.ops,
                              .ranks = job->ranks.c,
                              .put = put_figure,
                              .checkpoint = take_event,
                              .report = job};

    return services_open(&env);
}

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

/* options: the entry's own. The implicit checkpoint hook has its options in sections of the run file instead. */
static dlfw_status create_named(struct job *job, const char *name, const dlfw_node *options, bool implicit,
                                bool check_only, struct running_hook *h, dlfw_error *err)
{
    uint32_t errors = job->problems->errors;
    dlfw_create_args args = {.struct_size = sizeof args, .numa_node = -1, .config = options};
    char path[80];
    dlfw_status st;

    st = registry_find(job->registry, DLFW_KIND_HOOK, name, &h->iface, err);
    if (st < 0)
        return st;
    if (implicit)
        args.config = checkpoint_hook_options(job->cfg, h->iface, job->problems);
    snprintf(path, sizeof path, implicit ? "checkpoint" : "hooks.%s", name);
    args.options = registry_options(h->iface, &job->cfg->tree, args.config, path, NULL, job->problems);
    if (job->problems->errors > errors)
        return dlfw_fail(err, DLFW_E_CONFIG, "the options of hook '%s' have mistakes", name);
    h->instance = (struct host_instance){.name = name, .config = args.config};
    h->services = (struct hook_service_ctx){.set = job->hooks->services, .hook_name = name};
    args.flags = check_only ? DLFW_CREATE_CHECK_ONLY : 0;
    args.host = host_table();
    args.host_ctx = &h->instance;
    args.instance = name;
    return h->iface->ops.hook.create(&args, &h->hook, err);
}

static dlfw_status create_entry(struct job *job, const dlfw_node *entry, bool check_only, struct running_hook *h,
                                dlfw_error *err)
{
    const dlfw_node *options = NULL;
    const char *name = NULL;
    dlfw_status st = read_entry(entry, &name, &options, err);

    return st < 0 ? st : create_named(job, name, options, false, check_only, h, err);
}

/* The hook of workflow.checkpoint comes before those of the list, so that their after_step sees a checkpoint done. */
static dlfw_status create_implicit(struct job *job, bool check_only, dlfw_error *err)
{
    struct hook_runner *runner = job->hooks;
    const char *name = checkpoint_hook_name(job->cfg);
    dlfw_status st;

    if (!name)
        return DLFW_OK;
    free(job->record.checkpoint_uri);
    job->record.checkpoint_uri = checkpoint_folder_uri(job->cfg);
    job->record.checkpoint_hook = name;
    services_add_root(runner->services, job->record.checkpoint_uri);
    st = create_named(job, name, NULL, true, check_only, &runner->items[0], err);
    if (st >= 0)
        runner->count++;
    return st;
}

dlfw_status hooks_create(struct job *job, bool check_only, dlfw_error *err)
{
    const dlfw_node *list = node_is_null(job->cfg->hooks) ? NULL : job->cfg->hooks;
    struct hook_runner *runner = xcalloc(1, sizeof *runner);
    dlfw_status st;

    runner->root = storage_root_uri(job->cfg);
    runner->data = data_folder_uri(job->cfg);
    runner->services = open_services(job, runner);
    job->hooks = runner;
    if (list && list->kind != DLFW_NODE_LIST)
        return node_fail(list, err, DLFW_E_CONFIG, "'hooks' is a list");
    runner->items = xcalloc((list ? list->count : 0) + 1, sizeof *runner->items);
    st = create_implicit(job, check_only, err);
    for (uint32_t i = 0; list && i < list->count && st >= 0; i++) {
        st = create_entry(job, list->pairs[i].value, check_only, &runner->items[runner->count], err);
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
    services_close(runner->services);
    free(runner->root);
    free(runner->data);
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

static hook_call *function_of(const dlfw_hook_ops *ops, uint32_t phase)
{
    switch (phase) {
    case DLFW_PHASE_STEP:
        return ops->after_step;
    case DLFW_PHASE_EPOCH:
        return ops->after_epoch;
    default:
        return ops->workload;
    }
}

static dlfw_status call_all(struct job *job, dlfw_hook_ctx *ctx, uint32_t phase, dlfw_error *err)
{
    dlfw_status result = DLFW_OK;

    ctx->phase = phase;
    for (uint32_t i = 0; i < job->hooks->count; i++) {
        struct running_hook *h = &job->hooks->items[i];
        dlfw_status st = call(job, h, function_of(&h->iface->ops.hook, phase), ctx, err);

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

dlfw_status hooks_workload(struct job *job, dlfw_error *err)
{
    dlfw_hook_ctx ctx = {0};

    return call_all(job, &ctx, DLFW_PHASE_WORKLOAD, err);
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

dlfw_status hooks_plan(struct job *job, uint32_t rank, uint32_t ranks, const dlfw_plan_sink *out, dlfw_error *err)
{
    struct running_hook *h = &job->hooks->items[0];
    dlfw_status st;

    if (!job->record.checkpoint_hook || !job->hooks->count)
        return dlfw_fail(err, DLFW_E_INVALID, "workflow.checkpoint is off: there are no checkpoints to plan");
    if (!h->iface->ops.hook.plan)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "hook '%s' cannot say what it would write", h->instance.name);
    st = h->iface->ops.hook.plan(h->hook, rank, ranks, out, err);
    if (st < 0)
        error_prefix(err, "hook '%s'", h->instance.name);
    return st;
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
