/* SPDX-License-Identifier: Apache-2.0 */
/* Museum piece of ABI 1.1: a hook with a workload and a plan. Built against the frozen headers beside it; never changed, whatever comes. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "dlfw/hook.h"

#define LINES_MAX 1000u

struct options {
    const char *output; /* owned by the host, lives as long as the instance */
    uint64_t limit;     /* ns */
};

static const dlfw_option option_rows[] = {
    DLFW_OPT_URI(struct options, output, .def = "slow_steps.txt", .help = "object that gets one line per slow step"),
    DLFW_OPT_DURATION(struct options, limit, .def = "100ms", .min = "0s", .help = "wait for data that makes a step slow"),
};

struct slow_step {
    uint32_t epoch;
    uint64_t step, load_ns;
};

struct dlfw_hook {
    const struct options *options;
    const dlfw_host *host;
    void *host_ctx;
    uint64_t seen; /* slow steps, also those that found no room */
    uint32_t count;
    struct slow_step steps[LINES_MAX];
};

static dlfw_status my_create(const dlfw_create_args *args, dlfw_hook **ret, dlfw_error *reterr)
{
    struct dlfw_hook *hook = calloc(1, sizeof *hook);

    if (!hook)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate an instance");
    hook->options = args->options;
    hook->host = args->host;
    hook->host_ctx = args->host_ctx; /* names this instance in the log */
    *ret = hook;
    return DLFW_OK;
}

static void my_destroy(dlfw_hook *hook)
{
    free(hook);
}

/* Runs between two steps of the training, and its time is reported as the hook's: keep it short. */
static dlfw_status after_step(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr)
{
    (void)reterr;
    if (ctx->load_ns <= hook->options->limit)
        return DLFW_OK;
    hook->seen++;
    if (hook->count < LINES_MAX)
        hook->steps[hook->count++] = (struct slow_step){ctx->epoch, ctx->step, ctx->load_ns};
    return DLFW_OK;
}

static dlfw_status write_lines(const dlfw_hook *hook, const dlfw_hook_services *services, dlfw_writer *writer, dlfw_error *reterr)
{
    dlfw_status st = DLFW_OK;
    char line[128];

    for (uint32_t i = 0; i < hook->count && st >= 0; i++) {
        int n = snprintf(line, sizeof line, "epoch %" PRIu32 " step %" PRIu64 " waited %" PRIu64 " us\n", hook->steps[i].epoch,
                         hook->steps[i].step, hook->steps[i].load_ns / 1000);

        st = services->writer_append(writer, line, (uint64_t)n, reterr);
    }
    return st;
}

/* Called once for every successful initialize, also after an error or Ctrl-C: ctx->last_status tells. */
static dlfw_status finalize(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr)
{
    const dlfw_hook_services *services = ctx->services;
    dlfw_writer *writer = NULL;
    dlfw_status st;

    services->put(ctx->services_ctx, "slow_steps", "steps", DLFW_STAT_COUNTER, hook->seen);
    if (ctx->rank != 0 || ctx->last_status < 0)
        return DLFW_OK;
    if (hook->seen > hook->count)
        dlfw_log(hook->host, hook->host_ctx, DLFW_LOG_WARNING, "%" PRIu64 " slow steps, the first %u are listed", hook->seen,
                 LINES_MAX);
    st = services->writer_open(ctx->services_ctx, hook->options->output, 0, 0, &writer, reterr);
    if (st < 0)
        return st;
    st = write_lines(hook, services, writer, reterr);
    if (st < 0) {
        services->writer_abort(writer); /* nothing is visible */
        return st;
    }
    return services->writer_commit(writer, reterr); /* ends the writer, whatever comes of it */
}

/* A run that trains nothing: one object written in place. */
static dlfw_status workload(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr)
{
    const dlfw_hook_services *services = ctx->services;
    dlfw_writer *writer = NULL;
    uint64_t room = 0;
    void *window = NULL;
    dlfw_status st = services->writer_open(ctx->services_ctx, hook->options->output, 0, 0, &writer, reterr);

    if (st < 0)
        return st;
    st = services->writer_window(writer, &window, &room, reterr);
    if (st >= 0) {
        hook->host->content_fill(1, 1, 0, window, room < 4096 ? room : 4096);
        st = services->writer_advance(writer, room < 4096 ? room : 4096, reterr);
    }
    if (st < 0) {
        services->writer_abort(writer);
        return st;
    }
    return services->writer_commit(writer, reterr);
}

static dlfw_status plan(dlfw_hook *hook, uint32_t rank, uint32_t world_size, const dlfw_plan_sink *out, dlfw_error *reterr)
{
    (void)rank, (void)world_size, (void)reterr;
    out->file(out->ctx, hook->options->output, 4096, 4096);
    out->figure(out->ctx, "memory", "bytes", 4096);
    return DLFW_OK;
}

static const dlfw_hook_ops ops = {.struct_size = sizeof ops, .create = my_create, .destroy = my_destroy, .after_step = after_step,
                                  .finalize = finalize, .workload = workload, .plan = plan};

static const dlfw_iface iface = {.struct_size = sizeof iface, .kind = DLFW_KIND_HOOK, .name = "museum-hook-1_1",
                                 .summary = "lists steps that waited long for data", .options = option_rows,
                                 .option_count = sizeof option_rows / sizeof *option_rows,
                                 .options_size = sizeof(struct options), .ops = &ops};
static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("1.0.0", "hook=museum-hook-1_1\n", .id = "org.example.dlfw-museum-hook-1_1", .license = "Apache-2.0",
            .summary = "ABI 1.0 museum: a lifecycle hook", .url = "https://example.org", .ifaces = ifaces);
