/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dlfw plan`: what a run file means in files, bytes, steps and memory, before anything is written or read. Sizes come
 * from the plugins that would write the files, so they are the sizes that a run has.
 */
#include "cmd/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cmd/start.h"
#include "loader/sample_order.h"
#include "train/hook_run.h"
#include "workload/dataset.h"

#define RANKS_MAX 65536u
#define COUNTS_MAX 64u

struct flags {
    bool json, files;
    uint32_t ranks[COUNTS_MAX];
    uint32_t rank_count;
};

static bool take_ranks(const char *text, struct flags *flags)
{
    while (*text) {
        char *end = NULL;
        unsigned long n = strtoul(text, &end, 10);

        if (end == text || n < 1 || n > RANKS_MAX || (*end && *end != ',') || flags->rank_count == COUNTS_MAX)
            return false;
        flags->ranks[flags->rank_count++] = (uint32_t)n;
        text = *end ? end + 1 : end;
    }
    return flags->rank_count > 0;
}

/* Takes plan's own flags out of argv; the others are those of every command that reads a run file. */
static int take_flags(int *argc, char **argv, struct flags *flags)
{
    int kept = 1;

    for (int i = 1; i < *argc; i++) {
        const char *ranks = strncmp(argv[i], "--ranks=", 8) == 0 ? argv[i] + 8 : NULL;

        if (strcmp(argv[i], "--ranks") == 0)
            ranks = i + 1 < *argc ? argv[++i] : "";
        if (ranks && !take_ranks(ranks, flags))
            return cmd_usage_error(&cmd_plan, "--ranks takes up to %u numbers from 1 to %u, such as 8 or 1,8,64",
                                   COUNTS_MAX, RANKS_MAX);
        if (ranks)
            continue;
        if (strcmp(argv[i], "--json") == 0)
            flags->json = true;
        else if (strcmp(argv[i], "--files") == 0)
            flags->files = true;
        else
            argv[kept++] = argv[i];
    }
    argv[kept] = NULL;
    *argc = kept;
    if (!flags->rank_count)
        flags->ranks[flags->rank_count++] = 1;
    return EXIT_OK;
}

static uint64_t sample_bytes(const dlfw_encode_spec *spec)
{
#define DTYPE_BYTES(name, number, bytes, text, descr) [(number)] = (bytes),
    static const uint64_t item_bytes[] = {DLFW_DTYPE_LIST(DTYPE_BYTES)};
    uint64_t bytes = item_bytes[spec->dtype];

    for (uint32_t i = 0; i < spec->ndim; i++)
        bytes *= spec->dims[i];
    return bytes;
}

/* Bytes of one file; *exact becomes false when only writing it tells. */
static dlfw_status file_bytes(const struct dataset_access *access, const struct dataset *ds, uint64_t file,
                              uint64_t *ret, bool *exact, dlfw_error *err)
{
    const dlfw_format_ops *ops = &access->format_iface->ops.format;
    dlfw_encode_spec spec;
    uint64_t dims[32];

    *ret = UINT64_MAX;
    dataset_spec(ds, file, ops->extension, dims, &spec);
    if (ops->file_size) {
        dlfw_status st = ops->file_size(access->format, &spec, ret, err);

        if (st < 0)
            return st;
    }
    if (*ret == UINT64_MAX) {
        *exact = false;
        *ret = sample_bytes(&spec) * ds->samples_per_file;
    }
    return DLFW_OK;
}

/* Files of one shape have one size. */
static dlfw_status plan_split(const struct dataset_access *access, const struct run_config *cfg, uint32_t split,
                              struct plan_split *ret, uint64_t *ret_largest, dlfw_error *err)
{
    struct dataset ds = {0};
    uint64_t bytes = 0, shapes;
    dlfw_status st = dataset_init(&ds, cfg, split, err);

    *ret = (struct plan_split){.exact = true};
    if (st < 0)
        return st;
    ret->files = ds.files;
    ret->samples = ds.files * ds.samples_per_file;
    shapes = ds.dims ? ds.files : ds.files ? 1 : 0;
    for (uint64_t i = 0; i < shapes && st >= 0; i++) {
        st = file_bytes(access, &ds, i, &bytes, &ret->exact, err);
        ret->bytes += bytes;
        *ret_largest = bytes > *ret_largest ? bytes : *ret_largest;
    }
    if (!ds.dims)
        ret->bytes = bytes * ds.files;
    dataset_free(&ds);
    return st;
}

/* How many samples of a file are read together (the loader's rule). */
static uint64_t unit_of(const struct dataset_access *access, const struct run_config *cfg)
{
    const dlfw_format_ops *ops = &access->format_iface->ops.format;
    uint64_t per_file = cfg->dataset.num_samples_per_file, n = 0, dims[32];
    struct dataset ds = {0};
    dlfw_encode_spec spec;

    if (ops->unit_samples && dataset_init(&ds, cfg, SPLIT_TRAIN, NULL) >= 0) {
        dataset_spec(&ds, 0, ops->extension, dims, &spec);
        n = ops->unit_samples(access->format, &spec, cfg->reader.sample_shuffle != SHUFFLE_OFF);
        dataset_free(&ds);
    }
    if (!n && (ops->caps & DLFW_FORMAT_SAMPLE_RANGES))
        n = 1;
    return n && n < per_file ? n : per_file;
}

/* As many batches as PyTorch's workers would hold, each of the largest files (docs/loader.md). */
static void plan_memory(const struct dataset_access *access, const struct run_config *cfg, uint64_t largest,
                        struct plan_memory *ret)
{
    uint64_t threads = cfg->reader.read_threads, prefetch = cfg->reader.prefetch_size ? cfg->reader.prefetch_size : 2;
    uint64_t per_file = cfg->dataset.num_samples_per_file, unit = unit_of(access, cfg);
    uint64_t unit_bytes = unit < per_file ? largest / per_file * unit : largest;

    ret->streamed = cfg->reader.samples == SAMPLES_STREAM;
    ret->batches = threads ? threads * ((prefetch + threads - 1) / threads) + 1 : 1;
    ret->batch_bytes = (cfg->reader.batch_size + unit - 1) / unit * unit_bytes;
    ret->is_set = cfg->reader.memory_budget != 0;
    ret->budget_bytes = ret->is_set ? cfg->reader.memory_budget : ret->batches * ret->batch_bytes;
}

static dlfw_status plan_dataset(struct run_config *cfg, struct registry *registry, struct problem_list *problems,
                                struct run_plan *plan, dlfw_error *err)
{
    struct dataset_access *access = xcalloc(1, sizeof *access);
    uint64_t largest = 0, largest_eval = 0;
    dlfw_status st = dataset_access_open_format(cfg, registry, problems, access, err);

    if (st < 0)
        goto out;
    plan->has_dataset = true;
    plan->dataset_uri = xstrdup(access->uri);
    st = plan_split(access, cfg, SPLIT_TRAIN, &plan->train, &largest, err);
    if (st >= 0)
        st = plan_split(access, cfg, SPLIT_EVAL, &plan->eval, &largest_eval, err);
    if (st >= 0)
        plan_memory(access, cfg, largest, &plan->memory);
    dataset_access_close(access);
out:
    free(access);
    return st;
}

static void plan_steps(const struct run_plan *plan, struct plan_ranks *r)
{
    const struct run_config *cfg = plan->cfg;
    struct shard train = shard_of(plan->train.samples, cfg->reader.batch_size, 0, r->ranks);
    struct shard eval = shard_of(plan->eval.samples, cfg->reader.batch_size_eval, 0, r->ranks);
    int64_t cap = cfg->train.total_training_steps;

    r->steps = cap > 0 && (uint64_t)cap < train.steps ? (uint64_t)cap : train.steps;
    r->eval_steps = eval.steps;
    r->dropped = plan->train.samples - r->steps * cfg->reader.batch_size * r->ranks;
    r->eval_dropped = plan->eval.samples - eval.steps * cfg->reader.batch_size_eval * r->ranks;
}

static void keep_file(void *ctx, uint32_t rank, const char *name, uint64_t payload_bytes, uint64_t bytes)
{
    struct plan_ranks *r = ctx;

    if (r->file_count == r->file_cap) {
        r->file_cap = r->file_cap ? r->file_cap * 2 : 256;
        r->files = xrealloc(r->files, r->file_cap * sizeof *r->files);
    }
    r->files[r->file_count++] = (struct plan_file_line){
        .rank = rank, .name = xstrdup(name), .payload_bytes = payload_bytes, .file_bytes = bytes};
}

/* False: some number of ranks cannot take checkpoints. */
static bool plan_all_ranks(struct job *job, struct run_plan *plan, const struct flags *flags)
{
    bool good = true;

    plan->rank_count = flags->rank_count;
    plan->ranks = xcalloc(flags->rank_count, sizeof *plan->ranks);
    for (uint32_t i = 0; i < flags->rank_count; i++) {
        struct plan_ranks *r = &plan->ranks[i];

        r->ranks = flags->ranks[i];
        plan_steps(plan, r);
        if (!plan->checkpoint_hook)
            continue;
        checkpoint_plan_make(job, r->ranks, flags->files ? keep_file : NULL, r, &r->checkpoint);
        good = good && r->checkpoint.failure.e.status >= 0;
    }
    return good;
}

static void plan_free(struct run_plan *plan)
{
    for (uint32_t i = 0; i < plan->rank_count; i++) {
        for (uint64_t k = 0; k < plan->ranks[i].file_count; k++)
            free(plan->ranks[i].files[k].name);
        free(plan->ranks[i].files);
    }
    free(plan->ranks);
    free(plan->dataset_uri);
}

/* The hooks of the run's list take no part in a plan. */
static dlfw_status plan_run(struct run_config *cfg, struct registry *registry, struct problem_list *problems,
                            const struct flags *flags, dlfw_error *err)
{
    const dlfw_node *hooks = cfg->hooks;
    struct run_plan plan = {.cfg = cfg, .list_files = flags->files};
    struct job *job = xcalloc(1, sizeof *job);
    dlfw_status st = DLFW_OK;

    if (cfg->workflow.train || cfg->workflow.evaluation || cfg->workflow.generate_data)
        st = plan_dataset(cfg, registry, problems, &plan, err);
    cfg->hooks = NULL;
    job->cfg = cfg;
    job->registry = registry;
    job->problems = problems;
    if (st >= 0)
        st = hooks_create(job, false, err);
    if (st >= 0) {
        plan.checkpoint_hook = job->record.checkpoint_hook;
        plan.checkpoint_uri = job->record.checkpoint_uri;
        if (!plan_all_ranks(job, &plan, flags)) /* what can be planned is printed all the same */
            st = dlfw_fail(err, DLFW_E_CONFIG, "not every number of ranks can take these checkpoints");
        if (flags->json)
            plan_print_json(&plan);
        else
            plan_print_text(&plan);
    }
    hooks_destroy(job);
    run_record_free(&job->record);
    free(job);
    cfg->hooks = hooks;
    plan_free(&plan);
    return st;
}

static int plan(const struct run_arguments *args, const struct flags *flags)
{
    struct run_config_args config_args = {
        .path = args->config, .config_dir = args->config_dir, .overrides = args->overrides, .strict = args->strict};
    struct problem_list problems = {.strict = args->strict};
    struct registry registry = {0};
    struct run_config *cfg = xcalloc(1, sizeof *cfg);
    struct error_slot err;
    uint32_t shown;
    dlfw_status st;

    error_slot_init(&err);
    st = run_config_read(&config_args, cfg, &problems);
    problems_print(&problems);
    shown = problems.count;
    if (st < 0)
        goto out;
    st = registry_scan(&registry, args->plugin_dir, &err.e);
    if (st >= 0)
        st = plan_run(cfg, &registry, &problems, flags, &err.e);
    for (uint32_t i = shown; i < problems.count; i++)
        log_line(problems.items[i].is_error ? DLFW_LOG_ERROR : DLFW_LOG_WARNING, "%s", problems.items[i].text);
    if (st < 0)
        log_error("%s", err.text);
out:
    registry_free(&registry);
    run_config_free(cfg);
    free(cfg);
    problem_list_free(&problems);
    return st < 0 ? EXIT_FAILED : EXIT_OK;
}

static int run(int argc, char **argv)
{
    struct flags flags = {0};
    struct run_arguments args = {0};
    int status = take_flags(&argc, argv, &flags);

    if (status != EXIT_OK)
        return status;
    status = run_arguments_parse(&cmd_plan, argc, argv, &args);
    if (status != EXIT_OK)
        return status;
    if (args.check || args.quiet || args.force || args.strict_au)
        status = cmd_usage_error(&cmd_plan,
                                 "'plan' takes --ranks, --files, --json, --strict, --plugin-dir and --config-dir only");
    else
        status = plan(&args, &flags);
    free(args.overrides);
    return status;
}

const struct command cmd_plan = {
    .name = "plan",
    .summary = "say what a run file means in files, bytes, steps and memory",
    .usage =
        "usage: dlfw plan [--ranks N[,N...]] [--files] [--json] [--strict] [--plugin-dir DIR] CONFIG [OVERRIDE...]\n"
        "       dlfw plan [options] --config-dir DIR workload=NAME [OVERRIDE...]\n"
        "\n"
        "Writes and reads no data.\n"
        "\n"
        "  --ranks N[,N...]  numbers of ranks to plan for; 1 when it is not given\n"
        "  --files           every file of a checkpoint\n"
        "  --json            one JSON object\n"
        "  --strict          unknown keys are errors\n"
        "  --plugin-dir DIR  look for plugins here first\n"
        "  --config-dir DIR  DIR/workload/NAME.yaml is the run file\n",
    .run = run,
};
