/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hook `checkpoint_store`: one shard per rank, compressed or not, with checksums of every part, and a manifest that
 * makes the checkpoint visible when all shards are there. The layout is that of the s3dlio checkpoint store.
 */
#include <stdlib.h>
#include <string.h>

#include "store_hook.h"
#include "tools.h"

static const char *const compress_names[] = {"none", "zstd", "float", "auto", NULL};
static const char *const verify_names[] = {"none", "checksum", "all", NULL};
static const char *const load_names[] = {"step", "latest", NULL};

static const dlfw_option option_rows[] = {
    CHECKPOINT_OPTION_ROWS,
    DLFW_OPT_STR(struct store_options, framework, .def = "pytorch",
                 .help = "stands in the manifest; the run file's 'framework'"),
    DLFW_OPT_ENUM(
        struct store_options, compress, .def = "none", .choices = compress_names,
        .help = "zstd: any tool decodes it; float: smaller and faster for weights; auto: what a sample likes best"),
    DLFW_OPT_I64(struct store_options, level, .def = "1", .min = "-5", .max = "19",
                 .help = "of zstd, not 0; above 3 weights become no smaller, only slower"),
    DLFW_OPT_SIZE(struct store_options, part_size, .def = "1MiB", .min = "64KiB", .max = "64MiB",
                  .help = "raw bytes with one checksum, and one frame when compressed; a multiple of 4KiB"),
    DLFW_OPT_ENUM(struct store_options, strategy, .def = "flat", .choices = layout_strategy_names,
                  .help = "where shards go: one folder per checkpoint, or one per 16 prefixes"),
    DLFW_OPT_U64(struct store_options, threads, .def = "2", .min = "1", .max = "64",
                 .help = "that make and compress, or decompress, parts of a rank"),
    DLFW_OPT_SIZE(struct store_options, memory_budget, .def = "256MiB", .min = "1MiB",
                  .help = "for parts on their way through these threads"),
    DLFW_OPT_BOOL(struct store_options, background, .def = "false",
                  .help =
                      "training goes on while a checkpoint is saved; the next one and the end of the run wait for it"),
    DLFW_OPT_U64(struct store_options, keep_last, .def = "0", .max = "1000000",
                 .help = "checkpoints to keep in the folder, whoever wrote them; older ones are removed; 0: all"),
    DLFW_OPT_U64(
        struct store_options, keep_every, .def = "0", .max = "1000000000",
        .help =
            "checkpoints whose step is a multiple of it stay for good; alone, the newest stays too; 0: no such rule"),
    DLFW_OPT_ENUM(struct store_options, verify, .def = "checksum", .choices = verify_names,
                  .help = "what a load compares; all: every byte with the tensors' content, too"),
    DLFW_OPT_ENUM(struct store_options, load_from, .def = "step", .choices = load_names,
                  .help = "the n-th load without training reads the newest checkpoint of step n, or the latest"),
    DLFW_OPT_NODE(struct store_options, user_meta,
                  .help = "mapping of texts that goes into the manifest as 'user_meta'"),
};

static dlfw_status store_create(const dlfw_create_args *args, dlfw_hook **ret, dlfw_error *reterr)
{
    struct dlfw_hook *hook = calloc(1, sizeof *hook);
    dlfw_status st;

    if (!hook)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate the checkpoint hook");
    st = store_hook_create(hook, args, reterr);
    if (st < 0) {
        store_hook_destroy(hook);
        free(hook);
        return st;
    }
    *ret = hook;
    return DLFW_OK;
}

static void store_destroy(dlfw_hook *hook)
{
    store_hook_destroy(hook);
    free(hook);
}

static int32_t store_ends_block(dlfw_hook *hook, const dlfw_hook_ctx *ctx)
{
    return checkpoint_run_ends_block(&hook->run, ctx);
}

static const dlfw_hook_ops ops = {
    .struct_size = sizeof ops,
    .create = store_create,
    .destroy = store_destroy,
    .initialize = store_hook_initialize,
    .after_step = store_hook_after,
    .after_epoch = store_hook_after,
    .finalize = store_hook_finalize,
    .ends_block = store_ends_block,
    .workload = store_hook_workload,
    .plan = store_hook_plan,
};

static const dlfw_iface iface = {
    .struct_size = sizeof iface,
    .kind = DLFW_KIND_HOOK,
    .name = "checkpoint_store",
    .summary = "checkpoints as checksummed shards with a manifest, compressed if asked",
    .options = option_rows,
    .option_count = sizeof option_rows / sizeof *option_rows,
    .options_size = sizeof(struct store_options),
    .ops = &ops,
};
static const dlfw_iface *const ifaces[] = {&iface, NULL};

static dlfw_status load(const dlfw_host *host, dlfw_error *reterr)
{
    (void)reterr;
    checkpoint_tools_set_host(host);
    return DLFW_OK;
}

static const void *extension(const char *id)
{
    return strcmp(id, DLFW_CHECKPOINT_TOOLS) == 0 ? &checkpoint_tools : NULL;
}

DLFW_PLUGIN("0.1.0", "hook=checkpoint_store\n", .need_minor = 1, .id = "org.dlfw.hook-checkpoint-store",
            .license = "Apache-2.0", .summary = "checkpoints as checksummed shards with a manifest", .url = "",
            .ifaces = ifaces, .load = load, .extension = extension);
