/* SPDX-License-Identifier: Apache-2.0 */
/* workflow.checkpoint from the run file to the results: which hook, with which options, what its events become, and
 * what a run does that only checkpoints. The hook is part of this program and does what each case says. */
#include <check.h>
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "train/checkpoint_events.h"
#include "train/checkpoint_hook.h"
#include "train/checkpoint_plan.h"
#include "train/hook_run.h"

#define GIB (1ull << 30)

struct options {
    const char *checkpoint_folder;
    int64_t num_checkpoints_write;
    uint8_t fsync;
    uint64_t level;
    const dlfw_node *model;
    const char *framework;
};

struct dlfw_hook {
    uint32_t checkpoints;
};

static struct str seen;         /* the options that create() got, on one line */
static dlfw_status fails_in;    /* workload fails with it in the second save */
static dlfw_status last_status; /* that finalize was told */
static uint32_t workloads;

static dlfw_status create(const dlfw_create_args *args, dlfw_hook **ret, dlfw_error *err)
{
    const struct options *o = args->options;

    (void)err;
    str_clear(&seen);
    node_print_flow(args->config, &seen);
    str_add_format(&seen, " %s%s", o->checkpoint_folder, args->flags & DLFW_CREATE_CHECK_ONLY ? " check" : "");
    *ret = calloc(1, sizeof **ret);
    (*ret)->checkpoints = (uint32_t)o->num_checkpoints_write;
    return DLFW_OK;
}

static void destroy(dlfw_hook *hook)
{
    free(hook);
}

static void send(const dlfw_hook_ctx *ctx, dlfw_checkpoint_event event)
{
    event.struct_size = sizeof event;
    ctx->services->checkpoint(ctx->services_ctx, &event);
}

static dlfw_status initialize(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *err)
{
    (void)hook, (void)err;
    send(ctx, (dlfw_checkpoint_event){.what = DLFW_CHECKPOINT_MODEL,
                                      .parameters = 1234,
                                      .model_bytes = GIB,
                                      .optimizer_bytes = 3 * GIB,
                                      .bytes = 4 * GIB,
                                      .rank_bytes = 2 * GIB,
                                      .subset_ranks = 1,
                                      .subset_of = 8});
    return DLFW_OK;
}

/* Checkpoint number of epoch 1 that took that many seconds. */
static void one(const dlfw_hook_ctx *ctx, bool is_load, uint32_t number, uint64_t seconds)
{
    uint64_t now = clock_now_ns();
    dlfw_checkpoint_event event = {.what = is_load ? DLFW_CHECKPOINT_LOAD_BEGIN : DLFW_CHECKPOINT_SAVE_BEGIN,
                                   .epoch = 1,
                                   .number = number,
                                   .step = number,
                                   .name = "global_epoch1_step1"};

    send(ctx, event);
    if (fails_in && !is_load && number == 2)
        return;
    event.what = is_load ? DLFW_CHECKPOINT_LOAD_END : DLFW_CHECKPOINT_SAVE_END;
    event.bytes = 4 * GIB;
    event.rank_bytes = 2 * GIB;
    event.stored_bytes = GIB;
    event.begin_ns = now - seconds * NS_PER_S;
    event.end_ns = now;
    event.model_ns = seconds * NS_PER_S / 4;
    event.optimizer_ns = seconds * NS_PER_S * 3 / 4;
    event.stall_ns = seconds * NS_PER_S / 2;
    send(ctx, event);
}

static dlfw_status workload(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *err)
{
    ck_assert_uint_eq(ctx->phase, DLFW_PHASE_WORKLOAD);
    workloads++;
    send(ctx, (dlfw_checkpoint_event){.what = DLFW_CHECKPOINT_WRITES_BEGIN});
    for (uint32_t i = 1; i <= hook->checkpoints; i++) {
        one(ctx, false, i, i);
        if (fails_in && i == 2)
            return dlfw_fail(err, fails_in, "the disk is full");
    }
    send(ctx, (dlfw_checkpoint_event){.what = DLFW_CHECKPOINT_WRITES_END});
    send(ctx, (dlfw_checkpoint_event){.what = DLFW_CHECKPOINT_READS_BEGIN});
    one(ctx, true, 1, 1);
    send(ctx, (dlfw_checkpoint_event){.what = DLFW_CHECKPOINT_READS_END});
    return DLFW_OK;
}

static dlfw_status finalize(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *err)
{
    (void)hook, (void)err;
    last_status = ctx->last_status;
    return DLFW_OK;
}

/* Rank r of n writes a file of 100 * (r + 1) bytes, but rank 2 none; 7 ranks do not go. */
static dlfw_status plan(dlfw_hook *hook, uint32_t rank, uint32_t world_size, const dlfw_plan_sink *out, dlfw_error *err)
{
    (void)hook;
    if (world_size == 7)
        return dlfw_fail(err, DLFW_E_CONFIG, "7 is no multiple of 2");
    if (rank != 2)
        out->file(out->ctx, "file", 100 * (rank + 1), rank == 5 ? UINT64_MAX : 100 * (rank + 1) + 8);
    out->figure(out->ctx, "parameters", "", 1234);
    out->figure(out->ctx, "memory", "bytes", 10 * (rank + 1));
    return DLFW_OK;
}

static const dlfw_option rows[] = {
    DLFW_OPT_URI(struct options, checkpoint_folder, .help = "where"),
    DLFW_OPT_I64(struct options, num_checkpoints_write, .def = "3", .help = "how many"),
    DLFW_OPT_BOOL(struct options, fsync, .def = "false", .help = "safe"),
    DLFW_OPT_U64(struct options, level, .def = "1", .help = "of compression"),
    DLFW_OPT_NODE(struct options, model, .help = "shape"),
    DLFW_OPT_STR(struct options, framework, .help = "which"),
};
static const char *const names[] = {"checkpoint_files", "checkpoint_store"};

/* A registry whose one file is part of this program. */
static dlfw_iface ifaces[2];
static struct plugin_iface plugin_ifaces[2];
static struct plugin_file file = {.iface_count = 2, .ifaces = plugin_ifaces};
static struct registry_entry entry = {.path = (char *)"builtin", .file = &file};
static struct registry registry = {.entries = &entry, .count = 1};
static struct problem_list problems;
static struct run_config cfg;
static struct error_slot err;
static char folder[64];

static void setup(void)
{
    for (uint32_t i = 0; i < 2; i++) {
        ifaces[i] = (dlfw_iface){.struct_size = sizeof(dlfw_iface),
                                 .kind = DLFW_KIND_HOOK,
                                 .name = names[i],
                                 .options = rows,
                                 .option_count = sizeof rows / sizeof *rows,
                                 .options_size = sizeof(struct options)};
        plugin_ifaces[i] = (struct plugin_iface){.iface = &ifaces[i], .file = &file};
        plugin_ifaces[i].ops.hook = (dlfw_hook_ops){.struct_size = sizeof(dlfw_hook_ops),
                                                    .create = create,
                                                    .destroy = destroy,
                                                    .initialize = initialize,
                                                    .finalize = finalize,
                                                    .workload = workload,
                                                    .plan = plan};
        entry.note.ifaces[i].kind = DLFW_KIND_HOOK;
        memcpy(entry.note.ifaces[i].name, names[i], strlen(names[i]) + 1);
    }
    entry.note.iface_count = 2;
    seen = (struct str)STR_EMPTY;
    error_slot_init(&err);
    snprintf(folder, sizeof folder, "/tmp/dlfw-checkpoint-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info, (void)type, (void)ftw;
    return remove(path);
}

static void teardown(void)
{
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    run_config_free(&cfg);
    problem_list_free(&problems);
    str_free(&seen);
}

static dlfw_status read_config(const char *yaml)
{
    char *path = xformat("%s/run.yaml", folder);
    struct run_config_args args = {.path = path};
    FILE *out = fopen(path, "w");
    dlfw_status st;

    fprintf(out, "%s\noutput: {folder: %s}\n", yaml, folder);
    fclose(out);
    st = run_config_read(&args, &cfg, &problems);
    free(path);
    return st;
}

static bool has_problem(const char *text)
{
    for (uint32_t i = 0; i < problems.count; i++)
        if (strstr(problems.items[i].text, text))
            return true;
    return false;
}

#define ONLY "framework: pytorch\nworkflow: {train: false, checkpoint: true}\n"

/* What the hook gets, and what is said about it. */
static const struct {
    const char *yaml, *options, *problem; /* problem NULL: none */
} mappings[] = {
    {ONLY, "{checkpoint_folder: \"file://./checkpoints\", framework: pytorch} file://./checkpoints", NULL},
    {ONLY "checkpoint: {checkpoint_folder: ck/x/, fsync: true, level: 3}\n",
     "{checkpoint_folder: \"file://ck/x\", fsync: true, level: 3, framework: pytorch} file://ck/x", NULL},
    {ONLY "checkpoint: {checkpoint_folder: /abs}\n",
     "{checkpoint_folder: \"file:///abs\", framework: pytorch} file:///abs", NULL},
    {ONLY "checkpoint: {checkpoint_folder: s3://b/x/}\nstorage: {storage_root: ignored}\n",
     "{checkpoint_folder: \"s3://b/x\", framework: pytorch} s3://b/x", NULL},
    {ONLY "checkpoint: {checkpoint_folder: x}\nstorage: {storage_type: direct_fs}\n",
     "{checkpoint_folder: \"direct://x\", framework: pytorch} direct://x", NULL},
    {ONLY "checkpoint: {plugin: checkpoint_store}\n",
     "{checkpoint_folder: \"file://./checkpoints\", framework: pytorch} file://./checkpoints", NULL},
    {ONLY "model: {name: m, num_layers: 2}\n",
     "{checkpoint_folder: \"file://./checkpoints\", model: {name: m, num_layers: 2}, framework: pytorch} "
     "file://./checkpoints",
     NULL},
    {ONLY "checkpoint: {rank_sync: true}\n",
     "{checkpoint_folder: \"file://./checkpoints\", framework: pytorch} file://./checkpoints",
     "checkpoint.rank_sync has no effect: hook 'checkpoint_files' does not know it"},
    {ONLY "checkpoint: {type: all_ranks}\n",
     "{checkpoint_folder: \"file://./checkpoints\", framework: pytorch} file://./checkpoints",
     "checkpoint.type has no effect: ignored by DLIO too"},
    {ONLY "checkpoint: {randomize_tensor: false, ksm: {}}\n",
     "{checkpoint_folder: \"file://./checkpoints\", framework: pytorch} file://./checkpoints",
     "checkpoint.ksm has no effect"},
    {ONLY "checkpoint: {levle: 3}\n",
     "{checkpoint_folder: \"file://./checkpoints\", levle: 3, framework: pytorch} file://./checkpoints",
     "checkpoint.levle is not a known key; did you mean 'level'?"},
};

START_TEST(sections_become_options)
{
    struct job job = {.cfg = &cfg, .registry = &registry, .problems = &problems};

    ck_assert_msg(read_config(mappings[_i].yaml) == DLFW_OK, "%s", problems.count ? problems.items[0].text : "");
    ck_assert_msg(hooks_create(&job, false, &err.e) == DLFW_OK, "%s", err.text);
    ck_assert_str_eq(seen.data, mappings[_i].options);
    ck_assert_uint_eq(problems.errors, 0);
    if (mappings[_i].problem)
        ck_assert_msg(has_problem(mappings[_i].problem), "%s", problems.count ? problems.items[0].text : "none");
    else
        ck_assert_msg(!problems.count, "%s", problems.items[0].text);
    hooks_destroy(&job);
    run_record_free(&job.record);
}
END_TEST

static const struct {
    const char *yaml, *text;
    dlfw_status status;
} refusals[] = {
    {ONLY "checkpoint: {level: many}\n", "the options of hook 'checkpoint_files' have mistakes", DLFW_E_CONFIG},
    {ONLY "checkpoint: {plugin: checkpoint_stor}\n", "no hook 'checkpoint_stor'; did you mean 'checkpoint_store'?",
     DLFW_E_NOT_FOUND},
};

START_TEST(mistakes_are_told)
{
    struct job job = {.cfg = &cfg, .registry = &registry, .problems = &problems};

    ck_assert_int_eq(read_config(refusals[_i].yaml), DLFW_OK);
    ck_assert_int_eq(hooks_create(&job, true, &err.e), refusals[_i].status);
    ck_assert_msg(strstr(err.text, refusals[_i].text) == err.text, "%s", err.text);
    hooks_destroy(&job);
    run_record_free(&job.record);
}
END_TEST

/* The hook comes first, and a check says so to it. */
START_TEST(it_comes_before_the_listed_hooks)
{
    struct job job = {.cfg = &cfg, .registry = &registry, .problems = &problems};

    ck_assert_int_eq(read_config(ONLY "hooks: [{checkpoint_store: {checkpoint_folder: y}}]\n"), DLFW_OK);
    ck_assert_msg(hooks_create(&job, true, &err.e) == DLFW_OK, "%s", err.text);
    ck_assert_str_eq(seen.data, "{checkpoint_folder: y} y check");
    ck_assert_str_eq(job.record.checkpoint_hook, "checkpoint_files");
    ck_assert_str_eq(job.record.checkpoint_uri, "file://./checkpoints");
    hooks_destroy(&job);
    ck_assert_uint_eq(job.record.hook_count, 2);
    ck_assert_str_eq(job.record.hooks[0].name, "checkpoint_files");
    run_record_free(&job.record);
}
END_TEST

static char *read_text(const char *name)
{
    char *path = xformat("%s/%s", folder, name), *text = xcalloc(1, 65536);
    FILE *in = fopen(path, "r");

    ck_assert_msg(in != NULL, "%s", path);
    ck_assert_uint_lt(fread(text, 1, 65535, in), 65535);
    fclose(in);
    free(path);
    return text;
}

static json_t *read_json(const char *name)
{
    char *text = read_text(name);
    json_t *root = json_loads(text, 0, NULL);

    ck_assert_msg(root != NULL, "%s: %s", name, text);
    free(text);
    return root;
}

/* Texts that stand in the log in this order. */
static void check_log(const char *const *texts)
{
    char *log = read_text("dlio.log"), *at = log;

    for (; *texts; texts++) {
        char *next = strstr(at, *texts);

        ck_assert_msg(next != NULL, "'%s' is missing after: %s", *texts, at);
        at = next + strlen(*texts);
    }
    free(log);
}

static dlfw_status run_it(const char *yaml)
{
    struct job_args args = {
        .cfg = &cfg, .registry = &registry, .problems = &problems, .quiet = true, .ranks = RANK_REQUEST_NONE};
    bool au_met = false;
    dlfw_status st;

    ck_assert_msg(read_config(yaml) == DLFW_OK, "%s", problems.count ? problems.items[0].text : "");
    workloads = 0;
    st = job_run(&args, &au_met, &err.e);
    ck_assert(au_met); /* nothing was trained */
    return st;
}

static double number(const json_t *o, const char *key)
{
    const json_t *value = json_object_get(o, key);

    ck_assert_msg(json_is_number(value), "%s", key);
    return json_number_value(value);
}

START_TEST(a_run_that_only_checkpoints)
{
    static const char *const log[] = {
        "Running DLIO [Checkpointing] with 1 process(es)",
        "Total number of parameters in the model: 1234; Model size: 1.000000 GB; Optimizer state size: 3.000000 GB; "
        "Total checkpoint size: 4.000000 GB (subset)",
        "Performing subset checkpointing: 1 of 8",
        "Checkpointing write started",
        "Starting saving checkpoint 1 after total step 1 for epoch 1",
        "Saved model checkpoint in 0.2500 seconds",
        "Saved optimizer checkpoint in 0.7500 seconds",
        "Finished saving checkpoint 1 for epoch 1 in 1.0000 s; Throughput: 4.0000 GB/s",
        "Finished saving checkpoint 2 for epoch 1 in 2.0000 s; Throughput: 2.0000 GB/s",
        "Checkpointing write finished",
        "Checkpointing read started",
        "Starting loading checkpoint 1 after total step 1 for epoch 1",
        "Loaded model checkpoint in 0.2500 seconds",
        "Loaded optimizer checkpoint in 0.7500 seconds",
        "Finished loading checkpoint 1 for epoch 1 in 1.0000 s; Throughput: 4.0000 GB/s",
        "Checkpointing read finished",
        "Saved outputs in",
        "[METRIC] Checkpoint save duration (seconds): 1.5000 (0.5000)",
        "[METRIC] Checkpoint save I/O Throughput (GB/second): 3.0000 (1.0000)",
        "[METRIC] Checkpoint load duration (seconds): 1.0000 (0.0000)",
        NULL};
    json_t *summary, *metric, *own, *stats, *epoch;
    const char *key;
    json_t *value;
    struct str order = STR_EMPTY;

    ck_assert_msg(run_it(ONLY "checkpoint: {num_checkpoints_write: 2}\n") == DLFW_OK, "%s", err.text);
    ck_assert_uint_eq(workloads, 1);
    ck_assert_int_eq(last_status, DLFW_OK);
    check_log(log);
    summary = read_json("summary.json");
    metric = json_object_get(summary, "metric");
    ck_assert(number(summary, "epochs") < 0.5);
    ck_assert_double_eq_tol(number(metric, "save_checkpoint_io_mean_GB_per_second"), 3.0, 1e-6);
    ck_assert_double_eq_tol(number(metric, "save_checkpoint_io_stdev_GB_per_second"), 1.0, 1e-6);
    ck_assert_double_eq_tol(number(metric, "save_checkpoint_duration_mean_seconds"), 1.5, 1e-6);
    ck_assert_double_eq_tol(number(metric, "load_checkpoint_duration_mean_seconds"), 1.0, 1e-6);
    ck_assert_double_eq_tol(number(metric, "checkpoint_size_GB"), 4.0, 1e-9);
    ck_assert_ptr_null(json_object_get(metric, "train_au_percentage"));

    own = json_object_get(json_object_get(summary, "dlfw"), "checkpoints");
    ck_assert_str_eq(json_string_value(json_object_get(own, "hook")), "checkpoint_files");
    ck_assert_double_eq_tol(number(json_object_get(own, "save"), "seconds_max"), 2.0, 1e-6);
    ck_assert_double_eq_tol(number(json_object_get(own, "save"), "GiB_per_s_min"), 2.0, 1e-6);
    ck_assert_double_eq_tol(number(json_object_get(own, "save"), "overlap_percent"), 50.0, 1e-6);
    value = json_array_get(json_object_get(own, "saves"), 1);
    ck_assert_double_eq_tol(number(value, "stored_bytes"), (double)GIB, 0.5);
    ck_assert_double_eq_tol(number(value, "stall_ns"), 1e9, 1e3);
    ck_assert_double_eq_tol(number(json_object_get(own, "model"), "subset_of"), 8, 0.1);
    json_decref(summary);

    stats = read_json("0_per_epoch_stats.json");
    epoch = json_object_get(stats, "1");
    json_object_foreach(epoch, key, value) str_add_format(&order, "%s ", key);
    ck_assert_str_eq(order.data, "start save_ckpt1 save_ckpt2 load_ckpt1 ");
    ck_assert_double_eq_tol(number(json_object_get(epoch, "save_ckpt2"), "throughput"), 2.0, 1e-6);
    ck_assert_double_eq_tol(number(json_object_get(epoch, "load_ckpt1"), "duration"), 1.0, 1e-6);
    json_decref(stats);
    json_decref(read_json("0_output.json"));
    str_free(&order);
}
END_TEST

START_TEST(a_save_that_fails_ends_the_run)
{
    static const char *const log[] = {"Finished saving checkpoint 1", "Starting saving checkpoint 2",
                                      "The run ended early: hook 'checkpoint_files': the disk is full", NULL};
    json_t *stats, *second;

    fails_in = DLFW_E_NO_SPACE;
    ck_assert_int_eq(run_it(ONLY), DLFW_E_NO_SPACE);
    ck_assert_int_eq(last_status, DLFW_E_NO_SPACE);
    check_log(log);
    stats = read_json("0_per_epoch_stats.json");
    second = json_object_get(json_object_get(stats, "1"), "save_ckpt2");
    ck_assert_ptr_nonnull(json_object_get(second, "start"));
    ck_assert_ptr_null(json_object_get(second, "duration"));
    json_decref(stats);
}
END_TEST

START_TEST(without_checkpoints_there_is_no_workload)
{
    ck_assert_int_eq(run_it("workflow: {train: false}\n"), DLFW_OK);
    ck_assert_uint_eq(workloads, 0);
}
END_TEST

/* A save in the background ends in a later epoch, and belongs to its own all the same. */
START_TEST(a_checkpoint_belongs_to_its_epoch)
{
    struct epoch_record *epochs = xcalloc(2, sizeof *epochs);
    struct job job = {.cfg = &cfg, .record = {.cfg = &cfg, .epochs = epochs, .epoch_count = 1}};
    dlfw_checkpoint_event event = {.struct_size = sizeof event,
                                   .what = DLFW_CHECKPOINT_SAVE_BEGIN,
                                   .epoch = 1,
                                   .number = 1,
                                   .step = 4,
                                   .name = "x"};

    cfg.workflow.train = 1;
    epochs[0].epoch = 1;
    epochs[0].block_count = 2;
    epochs[0].blocks = xcalloc(2, sizeof *epochs[0].blocks);
    checkpoint_event_take(&job, "hook", &event);
    job.record.epoch_count = 2;
    epochs[1].epoch = 2;
    event.what = DLFW_CHECKPOINT_SAVE_END;
    event.begin_ns = clock_now_ns() - 5;
    event.end_ns = event.begin_ns + 5;
    event.stall_ns = 1000; /* more than it took: as long as it took */
    checkpoint_event_take(&job, "hook", &event);
    ck_assert_uint_eq(epochs[0].checkpoint_count, 1);
    ck_assert_uint_eq(epochs[1].checkpoint_count, 0);
    ck_assert_uint_eq(epochs[0].checkpoints[0].block, 2);
    ck_assert_uint_eq(epochs[0].checkpoints[0].duration_ns, 5);
    ck_assert_uint_eq(epochs[0].checkpoints[0].stall_ns, 5);
    run_record_free(&job.record);
}
END_TEST

/* A hook of before knows fewer members; the rest is zero. An event of later is nothing to us. */
START_TEST(events_may_be_older_or_newer)
{
    struct epoch_record *epochs = xcalloc(1, sizeof *epochs);
    struct job job = {.cfg = &cfg, .record = {.cfg = &cfg, .epochs = epochs, .epoch_count = 1}};
    dlfw_checkpoint_event event = {.struct_size = offsetof(dlfw_checkpoint_event, bytes),
                                   .what = DLFW_CHECKPOINT_SAVE_END,
                                   .epoch = 1,
                                   .number = 1,
                                   .bytes = 99};

    cfg.workflow.train = 1;
    epochs[0].epoch = 1;
    checkpoint_event_take(&job, "hook", &event);
    ck_assert_uint_eq(epochs[0].checkpoint_count, 1);
    ck_assert_uint_eq(epochs[0].checkpoints[0].bytes, 0);
    event.what = 4711;
    checkpoint_event_take(&job, "hook", &event);
    ck_assert_uint_eq(epochs[0].checkpoint_count, 1);
    run_record_free(&job.record);
}
END_TEST

static void count_file(void *ctx, uint32_t rank, const char *name, uint64_t payload_bytes, uint64_t file_bytes)
{
    (void)rank, (void)name, (void)payload_bytes, (void)file_bytes;
    ++*(uint32_t *)ctx;
}

START_TEST(plans_add_up_the_ranks)
{
    struct job job = {.cfg = &cfg, .registry = &registry, .problems = &problems};
    struct checkpoint_plan *p = xcalloc(1, sizeof *p);
    uint32_t files = 0;

    ck_assert_int_eq(read_config(ONLY), DLFW_OK);
    ck_assert_int_eq(hooks_create(&job, false, &err.e), DLFW_OK);
    checkpoint_plan_make(&job, 4, count_file, &files, p);
    ck_assert_int_eq(p->failure.e.status, DLFW_OK);
    ck_assert(files == 3 && p->total.files == 3 && p->writing_ranks == 3);
    ck_assert(p->total.payload_bytes == 700 && p->total.exact && p->total.file_bytes == 724);
    ck_assert(p->first.payload_bytes == 100 && p->last.payload_bytes == 400);
    ck_assert(p->least_rank == 2 && p->least.files == 0 && p->most_rank == 3);
    ck_assert_uint_eq(checkpoint_plan_figure(p, "parameters")->value, 1234);
    ck_assert_uint_eq(checkpoint_plan_figure(p, "memory")->value, 40);
    ck_assert_ptr_null(checkpoint_plan_figure(p, "nothing"));
    checkpoint_plan_make(&job, 6, NULL, NULL, p);
    ck_assert(!p->total.exact && !p->last.exact && p->first.exact);
    checkpoint_plan_make(&job, 7, NULL, NULL, p);
    ck_assert_int_eq(p->failure.e.status, DLFW_E_CONFIG);
    ck_assert_str_eq(p->failure.text, "hook 'checkpoint_files': 7 is no multiple of 2");
    hooks_destroy(&job);
    run_record_free(&job.record);
    free(p);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

int main(void)
{
    Suite *suite = suite_create("checkpoint_phases");
    TCase *tcase = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, sections_become_options, 0, COUNT(mappings));
    tcase_add_loop_test(tcase, mistakes_are_told, 0, COUNT(refusals));
    tcase_add_test(tcase, it_comes_before_the_listed_hooks);
    tcase_add_test(tcase, a_run_that_only_checkpoints);
    tcase_add_test(tcase, a_save_that_fails_ends_the_run);
    tcase_add_test(tcase, without_checkpoints_there_is_no_workload);
    tcase_add_test(tcase, a_checkpoint_belongs_to_its_epoch);
    tcase_add_test(tcase, events_may_be_older_or_newer);
    tcase_add_test(tcase, plans_add_up_the_ranks);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
