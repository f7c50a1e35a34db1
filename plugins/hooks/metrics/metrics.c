/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hook `metrics`: one line per step and per epoch, as CSV or as JSON lines, into an object of any storage. Lines are
 * gathered and handed to the host's writer in blocks, so that a step costs microseconds; the object appears when the
 * run ends, also when it ended badly, because the lines up to then are true.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dlfw/backend.h"
#include "dlfw/hook.h"

#define BLOCK_BYTES 16384u
#define LINE_MAX_BYTES 512u

enum { STYLE_CSV = 0, STYLE_JSONL = 1 };

struct metrics_options {
    const char *output;
    uint64_t every;
    uint32_t style;
    uint8_t durable;
};

static const char *const style_names[] = {"csv", "jsonl", NULL};

static const dlfw_option option_rows[] = {
    DLFW_OPT_URI(struct metrics_options, output, .def = "metrics.csv",
                 .help = "object that gets the lines; with more than one rank '.RANK' is added"),
    DLFW_OPT_ENUM(struct metrics_options, style, .def = "csv", .choices = style_names, .help = "how a line is written"),
    DLFW_OPT_U64(struct metrics_options, every, .def = "1", .max = "1000000000",
                 .help = "steps per step line; 0: lines for epochs only"),
    DLFW_OPT_BOOL(struct metrics_options, durable, .def = "false",
                  .help = "on stable storage before the run counts as ended"),
};

struct dlfw_hook {
    const struct metrics_options *options;
    dlfw_writer *writer; /* NULL: not begun, or given up after an error that was reported */
    uint64_t begin_ns;
    uint64_t lines;
    uint64_t epoch_load_ns; /* sums over the steps of the epoch */
    uint64_t epoch_compute_ns;
    uint32_t used;
    char block[BLOCK_BYTES];
};

static dlfw_status metrics_create(const dlfw_create_args *args, dlfw_hook **ret, dlfw_error *reterr)
{
    struct dlfw_hook *hook = calloc(1, sizeof *hook);

    if (!hook)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate the metrics hook");
    hook->options = args->options;
    *ret = hook;
    return DLFW_OK;
}

static void metrics_destroy(dlfw_hook *hook)
{
    free(hook);
}

static dlfw_status flush(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr)
{
    dlfw_status st = DLFW_OK;

    if (hook->used)
        st = ctx->services->writer_append(hook->writer, hook->block, hook->used, reterr);
    hook->used = 0;
    if (st < 0) {
        ctx->services->writer_abort(hook->writer);
        hook->writer = NULL;
    }
    return st;
}

static dlfw_status add_line(dlfw_hook *hook, const dlfw_hook_ctx *ctx, const char *event, uint64_t load_ns,
                            uint64_t compute_ns, dlfw_error *reterr)
{
    double seconds = (double)(ctx->now_ns - hook->begin_ns) / 1e9;
    dlfw_status st = hook->used + LINE_MAX_BYTES > BLOCK_BYTES ? flush(hook, ctx, reterr) : DLFW_OK;
    char *at = hook->block + hook->used;
    int n;

    if (st < 0)
        return st;
    if (hook->options->style == STYLE_JSONL)
        n = snprintf(at, LINE_MAX_BYTES,
                     "{\"event\":\"%s\",\"epoch\":%" PRIu32 ",\"step\":%" PRIu64 ",\"global_step\":%" PRIu64
                     ",\"time_s\":%.6f,\"samples\":%" PRIu64 ",\"bytes\":%" PRIu64
                     ",\"load_s\":%.6f,\"compute_s\":%.6f}\n",
                     event, ctx->epoch, ctx->step, ctx->global_step, seconds, ctx->samples, ctx->bytes,
                     (double)load_ns / 1e9, (double)compute_ns / 1e9);
    else
        n = snprintf(at, LINE_MAX_BYTES,
                     "%s,%" PRIu32 ",%" PRIu64 ",%" PRIu64 ",%.6f,%" PRIu64 ",%" PRIu64 ",%.6f,%.6f\n", event,
                     ctx->epoch, ctx->step, ctx->global_step, seconds, ctx->samples, ctx->bytes, (double)load_ns / 1e9,
                     (double)compute_ns / 1e9);
    hook->used += (uint32_t)n;
    hook->lines++;
    return DLFW_OK;
}

static dlfw_status metrics_initialize(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr)
{
    static const char header[] = "event,epoch,step,global_step,time_s,samples,bytes,load_s,compute_s\n";
    char uri[1024];
    int n = ctx->world_size > 1 ? snprintf(uri, sizeof uri, "%s.%" PRIu32, hook->options->output, ctx->rank)
                                : snprintf(uri, sizeof uri, "%s", hook->options->output);
    dlfw_status st;

    if (n >= (int)sizeof uri)
        return dlfw_fail(reterr, DLFW_E_CONFIG, "option 'output' is longer than %zu bytes", sizeof uri - 1);
    st = ctx->services->writer_open(ctx->services_ctx, uri, 0, hook->options->durable ? DLFW_REQ_DURABLE : 0,
                                    &hook->writer, reterr);
    if (st < 0)
        return st;
    hook->begin_ns = ctx->now_ns;
    if (hook->options->style == STYLE_CSV) {
        memcpy(hook->block, header, sizeof header - 1);
        hook->used = sizeof header - 1;
    }
    return DLFW_OK;
}

static dlfw_status metrics_after_step(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr)
{
    hook->epoch_load_ns += ctx->load_ns;
    hook->epoch_compute_ns += ctx->compute_ns;
    if (!hook->writer || hook->options->every == 0 || ctx->global_step % hook->options->every != 0)
        return DLFW_OK;
    return add_line(hook, ctx, "step", ctx->load_ns, ctx->compute_ns, reterr);
}

static dlfw_status metrics_after_epoch(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr)
{
    uint64_t load_ns = hook->epoch_load_ns, compute_ns = hook->epoch_compute_ns;

    hook->epoch_load_ns = hook->epoch_compute_ns = 0;
    if (!hook->writer)
        return DLFW_OK;
    return add_line(hook, ctx, "epoch", load_ns, compute_ns, reterr);
}

static dlfw_status metrics_finalize(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr)
{
    dlfw_writer *writer;
    dlfw_status st;

    ctx->services->put(ctx->services_ctx, "lines", "lines", DLFW_STAT_COUNTER, hook->lines);
    if (!hook->writer)
        return DLFW_OK;
    st = flush(hook, ctx, reterr);
    if (st < 0)
        return st;
    writer = hook->writer;
    hook->writer = NULL;
    return ctx->services->writer_commit(writer, reterr);
}

static const dlfw_hook_ops ops = {
    .struct_size = sizeof ops,
    .create = metrics_create,
    .destroy = metrics_destroy,
    .initialize = metrics_initialize,
    .after_step = metrics_after_step,
    .after_epoch = metrics_after_epoch,
    .finalize = metrics_finalize,
};

static const dlfw_iface iface = {
    .struct_size = sizeof iface,
    .kind = DLFW_KIND_HOOK,
    .name = "metrics",
    .summary = "one line per step and epoch, as CSV or JSON lines",
    .options = option_rows,
    .option_count = sizeof option_rows / sizeof *option_rows,
    .options_size = sizeof(struct metrics_options),
    .ops = &ops,
};
static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("0.1.0", "hook=metrics\n", .id = "org.dlfw.hook-metrics", .license = "Apache-2.0",
            .summary = "one line per step and epoch, as CSV or JSON lines", .url = "", .ifaces = ifaces);
