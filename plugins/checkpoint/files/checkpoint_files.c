/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hook `checkpoint_files`: checkpoints as DLIO writes them, one file per rank and part of the model, in PyTorch's
 * container or as raw tensors. Tensors are generated while they are written and compared while they are read, so a
 * model of any size needs no memory.
 */
#include "checkpoint_files.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *const framework_names[] = {"tensorflow", "pytorch", NULL};
static const char *const container_names[] = {"torch", "raw", NULL};
static const char *const verify_names[] = {"none", "all", NULL};

static const dlfw_option option_rows[] = {
    CHECKPOINT_OPTION_ROWS,
    DLFW_OPT_ENUM(struct files_options, framework, .def = "pytorch", .choices = framework_names,
                  .help = "the ending of the files: .pt or .pb; the run file's 'framework'"),
    DLFW_OPT_ENUM(struct files_options, container, .def = "torch", .choices = container_names,
                  .help = "torch: torch.load() reads the files; raw: the tensors' bytes alone"),
    DLFW_OPT_ENUM(struct files_options, verify, .def = "none", .choices = verify_names,
                  .help =
                      "all: what is loaded is compared with what was saved, and in training every save is read back"),
    DLFW_OPT_U64(struct files_options, threads, .def = "4", .min = "1", .max = "256",
                 .help = "files of a rank written or read at the same time"),
    DLFW_OPT_U64(struct files_options, keep_last, .def = "0", .max = "1000000",
                 .help = "checkpoints of this run to keep, older ones are removed; 0: all"),
};

static dlfw_status check_options(const dlfw_create_args *args, const struct files_options *o, dlfw_error *reterr)
{
    const struct checkpoint_options *c = &o->common;

    if (o->keep_last && c->num_checkpoints_read > 0 && c->num_checkpoints_write > (int64_t)o->keep_last)
        return args->host->config_fail(
            args->host_ctx, "keep_last",
            "checkpoints that num_checkpoints_read asks for would be removed before: keep as "
            "many as num_checkpoints_write, or all",
            reterr);
    return DLFW_OK;
}

static dlfw_status files_create(const dlfw_create_args *args, dlfw_hook **ret, dlfw_error *reterr)
{
    const struct files_options *options = args->options;
    struct dlfw_hook *hook = calloc(1, sizeof *hook);
    dlfw_status st;

    if (!hook)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate the checkpoint hook");
    st = checkpoint_run_create(&hook->run, args, &options->common, reterr);
    if (st >= 0)
        st = check_options(args, options, reterr);
    if (st < 0) {
        checkpoint_run_destroy(&hook->run);
        free(hook);
        return st;
    }
    hook->options = options;
    hook->host = args->host;
    hook->host_ctx = args->host_ctx;
    hook->content = (struct tensor_content){
        .host = args->host, .seed = options->common.content_seed, .random = options->common.randomize_tensor != 0};
    hook->run.hook = hook;
    hook->run.save = files_save;
    hook->run.load = files_load;
    hook->run.saved = files_saved;
    *ret = hook;
    return DLFW_OK;
}

static void files_destroy(dlfw_hook *hook)
{
    checkpoint_run_destroy(&hook->run);
    free(hook->kept);
    free(hook);
}

static dlfw_status files_initialize(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr)
{
    return checkpoint_run_begin(&hook->run, ctx, reterr);
}

static dlfw_status files_after(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr)
{
    return checkpoint_run_after(&hook->run, ctx, reterr);
}

static dlfw_status files_finalize(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr)
{
    (void)reterr;
    ctx->services->put(ctx->services_ctx, "saved", "checkpoints", DLFW_STAT_COUNTER, hook->saved);
    ctx->services->put(ctx->services_ctx, "loaded", "checkpoints", DLFW_STAT_COUNTER, hook->loaded);
    ctx->services->put(ctx->services_ctx, "removed", "checkpoints", DLFW_STAT_COUNTER, hook->removed);
    return DLFW_OK;
}

static int32_t files_ends_block(dlfw_hook *hook, const dlfw_hook_ctx *ctx)
{
    return checkpoint_run_ends_block(&hook->run, ctx);
}

static dlfw_status files_workload(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr)
{
    return checkpoint_run_workload(&hook->run, ctx, reterr);
}

/* What the host's streams hold at most: the parts in flight and the one that is filled, where they are largest
 * (services). */
#define STREAM_MOST (5u * ((uint64_t)8 << 20))

static dlfw_status files_plan(dlfw_hook *hook, uint32_t rank, uint32_t world_size, const dlfw_plan_sink *out,
                              dlfw_error *reterr)
{
    const uint32_t container = hook->options->container;
    uint64_t largest = 0, threads;
    struct model_plan plan = {0};
    dlfw_status st = model_plan_init(&plan, &hook->run.model, rank, world_size, reterr);

    if (st < 0)
        return st;
    for (uint64_t i = 0; i < plan.file_count; i++) {
        char name[PLAN_NAME_MAX + 8];
        struct plan_file file;
        uint64_t memory;

        model_plan_file(&plan, i, &file);
        memory = container_write_memory(container, &file);
        largest = memory > largest ? memory : largest;
        files_object_name(hook->options, &file, name, sizeof name);
        out->file(out->ctx, name, file.payload_bytes, container_file_bytes(container, &plan, &file));
    }
    threads = hook->options->threads < plan.file_count ? hook->options->threads : plan.file_count;
    st = checkpoint_plan_figures(&hook->run.model, world_size, plan.file_count + threads * (largest + STREAM_MOST), out,
                                 reterr);
    model_plan_free(&plan);
    return st;
}

static const dlfw_hook_ops ops = {
    .struct_size = sizeof ops,
    .create = files_create,
    .destroy = files_destroy,
    .initialize = files_initialize,
    .after_step = files_after,
    .after_epoch = files_after,
    .finalize = files_finalize,
    .ends_block = files_ends_block,
    .workload = files_workload,
    .plan = files_plan,
};

static const dlfw_iface iface = {
    .struct_size = sizeof iface,
    .kind = DLFW_KIND_HOOK,
    .name = "checkpoint_files",
    .summary = "checkpoints in DLIO's files, readable by torch.load()",
    .options = option_rows,
    .option_count = sizeof option_rows / sizeof *option_rows,
    .options_size = sizeof(struct files_options),
    .ops = &ops,
};
static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("0.1.0", "hook=checkpoint_files\n", .need_minor = 1, .id = "org.dlfw.hook-checkpoint-files",
            .license = "Apache-2.0", .summary = "checkpoints in DLIO's files, readable by torch.load()", .url = "",
            .ifaces = ifaces);
