/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks of a run: their order, who is told the end, what their answers do to the training, and the blocks they cut. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "config/yaml_read.h"
#include "ranks/coordinator.h"
#include "support/memory_dataset.h"
#include "train/hook_run.h"
#include "train/train_loop.h"

#define FILES 12u /* of one sample: 6 steps of 2 */
#define STEPS 6u

struct options {
    uint64_t level;
};

struct dlfw_hook {
    char name[16];
};

/* What one hook answers to one call. */
struct answer {
    const char *hook;
    uint32_t phase;
    uint64_t step; /* 0: any */
    dlfw_status status;
    bool silent;
};

static struct answer answers[4];
static const uint64_t *block_ends; /* steps, 0-terminated */
static struct str trace;
static dlfw_hook_ctx last_step, last_epoch, last_finalize;

static dlfw_status create(const dlfw_create_args *args, dlfw_hook **ret, dlfw_error *err)
{
    const struct options *o = args->options;

    if (o->level == 13)
        return dlfw_fail(err, DLFW_E_CONFIG, "13 is no level");
    *ret = calloc(1, sizeof **ret);
    strncpy((*ret)->name, args->instance, sizeof(*ret)->name - 1);
    str_add_format(&trace, "create %s %llu%s; ", args->instance, (unsigned long long)o->level,
                   args->flags & DLFW_CREATE_CHECK_ONLY ? " check" : "");
    return DLFW_OK;
}

static void destroy(dlfw_hook *hook)
{
    str_add_format(&trace, "destroy %s; ", hook->name);
    free(hook);
}

static dlfw_status answer(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *err)
{
    ck_assert_uint_eq(ctx->struct_size, sizeof *ctx);
    ck_assert_uint_eq(ctx->world_size, 1);
    ck_assert_ptr_nonnull(ctx->services);
    ck_assert_uint_gt(ctx->now_ns, 0);
    for (size_t i = 0; i < sizeof answers / sizeof *answers && answers[i].hook; i++) {
        if (strcmp(answers[i].hook, hook->name) != 0 || answers[i].phase != ctx->phase ||
            (answers[i].step && answers[i].step != ctx->step))
            continue;
        if (answers[i].status < 0 && !answers[i].silent)
            return dlfw_fail(err, answers[i].status, "no more %s", hook->name);
        return answers[i].status;
    }
    return DLFW_OK;
}

static dlfw_status initialize(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *err)
{
    ck_assert_uint_eq(ctx->phase, DLFW_PHASE_INITIALIZE);
    str_add_format(&trace, "initialize %s; ", hook->name);
    return answer(hook, ctx, err);
}

static dlfw_status after_step(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *err)
{
    ck_assert_uint_eq(ctx->phase, DLFW_PHASE_STEP);
    last_step = *ctx;
    return answer(hook, ctx, err);
}

static dlfw_status after_epoch(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *err)
{
    ck_assert_uint_eq(ctx->phase, DLFW_PHASE_EPOCH);
    last_epoch = *ctx;
    return answer(hook, ctx, err);
}

static dlfw_status finalize(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *err)
{
    ck_assert_uint_eq(ctx->phase, DLFW_PHASE_FINALIZE);
    last_finalize = *ctx;
    str_add_format(&trace, "finalize %s; ", hook->name);
    return answer(hook, ctx, err);
}

static int32_t ends_block(dlfw_hook *hook, const dlfw_hook_ctx *ctx)
{
    for (const uint64_t *s = block_ends; s && *s && strcmp(hook->name, "second") == 0; s++) {
        if (*s == ctx->step)
            return 1;
    }
    return 0;
}

static const dlfw_option rows[] = {DLFW_OPT_U64(struct options, level, .def = "1", .max = "20", .help = "how much")};
static const char *const names[] = {"first", "second", "third"};

/* A registry whose one file is part of this program. */
static dlfw_iface ifaces[3];
static struct plugin_iface plugin_ifaces[3];
static struct plugin_file file = {.iface_count = 3, .ifaces = plugin_ifaces};
static struct registry_entry entry = {.path = (char *)"builtin", .file = &file};
static struct registry registry = {.entries = &entry, .count = 1};
static struct problem_list problems;
static struct run_config cfg;
static struct job job;
static struct error_slot err;

static void setup(void)
{
    for (uint32_t i = 0; i < 3; i++) {
        ifaces[i] = (dlfw_iface){.struct_size = sizeof(dlfw_iface),
                                 .kind = DLFW_KIND_HOOK,
                                 .name = names[i],
                                 .options = rows,
                                 .option_count = 1,
                                 .options_size = sizeof(struct options)};
        plugin_ifaces[i] = (struct plugin_iface){.iface = &ifaces[i], .file = &file};
        plugin_ifaces[i].ops.hook = (dlfw_hook_ops){.struct_size = sizeof(dlfw_hook_ops),
                                                    .create = create,
                                                    .destroy = destroy,
                                                    .initialize = initialize,
                                                    .after_step = after_step,
                                                    .after_epoch = after_epoch,
                                                    .finalize = finalize,
                                                    .ends_block = ends_block};
        entry.note.ifaces[i].kind = DLFW_KIND_HOOK;
        memcpy(entry.note.ifaces[i].name, names[i], strlen(names[i]) + 1);
    }
    entry.note.iface_count = 3;
    trace = (struct str)STR_EMPTY;
    error_slot_init(&err);
    cfg.storage.storage_type = "local_fs";
    cfg.storage.storage_root = "./";
    cfg.dataset.data_folder = "./data/";
    job = (struct job){.cfg = &cfg,
                       .registry = &registry,
                       .problems = &problems,
                       .ranks = {.ops = &coordinator_single},
                       .rank_count = 1};
    job.results.cfg = &cfg;
    job.results.quiet_console = true;
}

static void teardown(void)
{
    hooks_destroy(&job);
    run_record_free(&job.record);
    results_close(&job.results);
    problem_list_free(&problems);
    node_tree_free(&cfg.tree);
    str_free(&trace);
}

static dlfw_status create_hooks(const char *yaml, bool check_only)
{
    if (yaml_read_text("run.yaml", yaml, strlen(yaml), &cfg.tree, &err.e) < 0)
        ck_abort_msg("%s", err.text);
    cfg.hooks = node_get(cfg.tree.root, "hooks");
    return hooks_create(&job, check_only, &err.e);
}

#define ALL "hooks: [first, {second: {level: 5}}, {third: }]"
#define CREATED "create first 1; create second 5; create third 1; "
#define DESTROYED "destroy first; destroy second; destroy third; "

static const struct {
    const char *what;
    struct answer answers[4];
    dlfw_status initialized, finalized;
    const char *trace, *text;
} lives[] = {
    {"all is well",
     {{NULL}},
     DLFW_OK,
     DLFW_OK,
     "initialize first; initialize second; initialize third; finalize third; finalize second; finalize first; ",
     ""},
    {"the first one does not start",
     {{"first", DLFW_PHASE_INITIALIZE, 0, DLFW_E_AUTH, false}},
     DLFW_E_AUTH,
     DLFW_OK,
     "initialize first; ",
     "hook 'first': no more first"},
    {"the second one does not start",
     {{"second", DLFW_PHASE_INITIALIZE, 0, DLFW_E_IO, false}},
     DLFW_E_IO,
     DLFW_OK,
     "initialize first; initialize second; finalize first; ",
     "hook 'second': no more second"},
    {"the second one does not say why",
     {{"second", DLFW_PHASE_INITIALIZE, 0, DLFW_E_IO, true}},
     DLFW_E_IO,
     DLFW_OK,
     "initialize first; initialize second; finalize first; ",
     "hook 'second': it failed and did not say why (input/output error)"},
    {"one wants no training",
     {{"second", DLFW_PHASE_INITIALIZE, 0, DLFW_STOP, false}},
     DLFW_STOP,
     DLFW_OK,
     "initialize first; initialize second; initialize third; finalize third; finalize second; finalize first; ",
     ""},
    {"all ends fail, the first failure counts",
     {{"first", DLFW_PHASE_FINALIZE, 0, DLFW_E_IO, false},
      {"second", DLFW_PHASE_FINALIZE, 0, DLFW_E_AUTH, false},
      {"third", DLFW_PHASE_FINALIZE, 0, DLFW_E_BUSY, false}},
     DLFW_OK,
     DLFW_E_BUSY,
     "initialize first; initialize second; initialize third; finalize third; finalize second; finalize first; ",
     "hook 'third': no more third"},
};

START_TEST(begin_in_order_and_end_in_reverse)
{
    struct str want = STR_EMPTY;
    dlfw_hook_ctx ctx = {.last_status = DLFW_E_NO_SPACE, .epoch = 7};

    memcpy(answers, lives[_i].answers, sizeof answers);
    ck_assert_msg(create_hooks(ALL, false) == DLFW_OK, "%s", err.text);
    ck_assert(hooks_any(&job));
    ck_assert_int_eq(hooks_initialize(&job, &err.e), lives[_i].initialized);
    ck_assert_int_eq(hooks_finalize(&job, &ctx, &err.e), lives[_i].finalized);
    hooks_destroy(&job);
    str_add_format(&want, "%s%s%s", CREATED, lives[_i].trace, DESTROYED);
    ck_assert_str_eq(trace.data, want.data);
    ck_assert_str_eq(err.text, lives[_i].text);
    if (lives[_i].initialized == DLFW_OK)
        ck_assert(last_finalize.last_status == DLFW_E_NO_SPACE && last_finalize.epoch == 7);
    ck_assert_uint_eq(job.record.hook_count, 3);
    ck_assert_str_eq(job.record.hooks[1].name, "second");
    ck_assert_uint_eq(job.record.hooks[0].calls, lives[_i].initialized < 0 && _i == 1 ? 1 : 2);
    str_free(&want);
}
END_TEST

static const struct {
    const char *yaml, *trace, *text;
    dlfw_status status;
} mistakes[] = {
    {"other: 1", "", "", DLFW_OK},
    {"hooks: ", "", "", DLFW_OK},
    {"hooks: []", "", "", DLFW_OK},
    {"hooks: first", "", "run.yaml:1:8: 'hooks' is a list", DLFW_E_CONFIG},
    {"hooks: [first, secnd]", "create first 1; destroy first; ",
     "no hook 'secnd'; did you mean 'second'?; searched nothing", DLFW_E_NOT_FOUND},
    {"hooks: [first, {second: {}, third: {}}]", "create first 1; destroy first; ",
     "run.yaml:1:16: an entry of 'hooks' is a name or one 'name: {options}'", DLFW_E_CONFIG},
    {"hooks: [first, {second: {level: 21}}, third]", "create first 1; destroy first; ",
     "the options of hook 'second' have mistakes", DLFW_E_CONFIG},
    {"hooks: [first, {second: {level: 13}}, third]", "create first 1; destroy first; ", "13 is no level",
     DLFW_E_CONFIG},
};

START_TEST(mistakes_leave_nothing_behind)
{
    ck_assert_int_eq(create_hooks(mistakes[_i].yaml, false), mistakes[_i].status);
    ck_assert_str_eq(err.text, mistakes[_i].text);
    hooks_destroy(&job);
    ck_assert_str_eq(trace.data, mistakes[_i].trace);
}
END_TEST

START_TEST(a_check_is_told_apart)
{
    ck_assert_int_eq(create_hooks("hooks: [first]", true), DLFW_OK);
    ck_assert_str_eq(trace.data, "create first 1 check; ");
}
END_TEST

/* A training of two epochs with hooks: which blocks, how many steps, how it ends. */
static const struct {
    const char *what;
    uint64_t ends[8];
    struct answer answers[4];
    uint64_t blocks[8]; /* steps of each block of the first epoch */
    uint64_t epochs, steps;
    dlfw_status status;
    const char *text;
} trainings[] = {
    {"no cuts", {0}, {{NULL}}, {6}, 2, 12, DLFW_OK, ""},
    {"two cuts", {2, 4, 0}, {{NULL}}, {2, 2, 2}, 2, 12, DLFW_OK, ""},
    {"every step", {1, 2, 3, 4, 5, 6, 0}, {{NULL}}, {1, 1, 1, 1, 1, 1}, 2, 12, DLFW_OK, ""},
    {"the last step opens no new block", {6, 0}, {{NULL}}, {6}, 2, 12, DLFW_OK, ""},
    {"a stop", {0}, {{"third", DLFW_PHASE_STEP, 4, DLFW_STOP, false}}, {4}, 1, 4, DLFW_OK, ""},
    {"a stop where a block ends", {4, 0}, {{"first", DLFW_PHASE_STEP, 4, DLFW_STOP, false}}, {4}, 1, 4, DLFW_OK, ""},
    {"a stop after the epoch", {0}, {{"second", DLFW_PHASE_EPOCH, 0, DLFW_STOP, false}}, {6}, 1, 6, DLFW_OK, ""},
    {"a failure",
     {0},
     {{"second", DLFW_PHASE_STEP, 3, DLFW_E_NO_SPACE, false}},
     {3},
     1,
     3,
     DLFW_E_NO_SPACE,
     "hook 'second': no more second"},
    {"a failure where a block ends",
     {3, 0},
     {{"second", DLFW_PHASE_STEP, 3, DLFW_E_NO_SPACE, true}},
     {3},
     1,
     3,
     DLFW_E_NO_SPACE,
     "hook 'second': it failed"},
    {"a failure after the epoch",
     {0},
     {{"first", DLFW_PHASE_EPOCH, 0, DLFW_E_IO, false}},
     {6},
     1,
     6,
     DLFW_E_IO,
     "hook 'first': no more first"},
};

static struct loader *open_loader(struct memory_dataset *md)
{
    struct loader_args args = memory_dataset_args(md, 2, 0, 1);
    struct loader *l = NULL;

    if (loader_create(&md->cfg, &args, &l, &err.e) < 0)
        ck_abort_msg("%s", err.text);
    return l;
}

static void check_blocks(const struct epoch_record *e, const uint64_t *steps)
{
    uint32_t count = 0;

    for (; steps[count]; count++) {
        ck_assert_uint_lt(count, e->block_count);
        ck_assert_uint_eq(e->blocks[count].step_count, steps[count]);
        ck_assert_uint_ge(e->blocks[count].end_ns, e->blocks[count].start_ns);
        ck_assert(!count || e->blocks[count].start_ns >= e->blocks[count - 1].end_ns);
    }
    ck_assert_uint_eq(e->block_count, count);
}

START_TEST(answers_steer_the_training)
{
    struct memory_dataset *md = memory_dataset_create(&(struct memory_config){.files = FILES,
                                                                              .samples_per_file = 1,
                                                                              .units = 1,
                                                                              .ranges = 1,
                                                                              .sample_bytes = 100,
                                                                              .backend = {.native = true}});
    struct train_run run = {.job = &job, .train_loader = open_loader(md), .steps = STEPS};
    uint64_t done = 0;

    memcpy(answers, trainings[_i].answers, sizeof answers);
    block_ends = trainings[_i].ends;
    cfg.train.epochs = 2;
    ck_assert_int_eq(create_hooks(ALL, false), DLFW_OK);
    ck_assert_msg(train_run_epochs(&run, &err.e) == trainings[_i].status, "%s: %s", trainings[_i].what, err.text);
    ck_assert_msg(strstr(err.text, trainings[_i].text) == err.text, "%s", err.text);
    ck_assert_uint_eq(job.record.epoch_count, trainings[_i].epochs);
    check_blocks(&job.record.epochs[0], trainings[_i].blocks);
    for (uint32_t i = 0; i < job.record.epoch_count; i++) {
        uint64_t steps = 0;

        for (uint32_t b = 0; b < job.record.epochs[i].block_count; b++)
            steps += job.record.epochs[i].blocks[b].step_count;
        done += steps;
        ck_assert_uint_ge(job.record.epochs[i].train_load.samples, steps * 2);
    }
    ck_assert_uint_eq(done, trainings[_i].steps);
    ck_assert_uint_eq(last_step.global_step, done);
    ck_assert_uint_eq(last_step.samples, done * 2);
    ck_assert_uint_ge(last_step.bytes, done * 2 * 100);
    ck_assert_uint_eq(last_step.epoch, trainings[_i].epochs);
    if (trainings[_i].status == DLFW_OK)
        ck_assert_uint_eq(last_epoch.step, last_step.step); /* the steps that were done */
    loader_destroy(run.train_loader);
    memory_dataset_destroy(md);
}
END_TEST

/* A file that cannot be read ends the run with what was measured until then. */
START_TEST(a_reader_that_fails_ends_the_training)
{
    struct memory_dataset *md = memory_dataset_create(&(struct memory_config){.files = FILES,
                                                                              .samples_per_file = 1,
                                                                              .units = 1,
                                                                              .ranges = 1,
                                                                              .sample_bytes = 9000,
                                                                              .backend = {.native = true}});
    struct train_run run = {.job = &job, .steps = STEPS};
    uint16_t op = _i ? DLFW_OP_CLOSE : DLFW_OP_GET;

    md->cfg.reader.read_threads = 0;
    md->cfg.reader.transfer_size = 4096;
    run.train_loader = open_loader(md);
    cfg.train.epochs = 1;
    ck_assert_int_eq(create_hooks("hooks: [first]", false), DLFW_OK);
    script_rule(md->script,
                (struct script_rule){.op = op, .from = _i ? FILES - 1 : FILES, .count = 100, .status = DLFW_E_IO});
    ck_assert_int_eq(train_run_epochs(&run, &err.e), DLFW_E_IO);
    ck_assert_msg(strstr(err.text, "train/img_") != NULL, "%s", err.text);
    ck_assert_uint_eq(job.record.epoch_count, 1);
    ck_assert_uint_eq(job.record.epochs[0].block_count, 1);
    /* the last file's failing CLOSE may be seen before or after its batch is taken */
    ck_assert_uint_ge(job.record.epochs[0].blocks[0].step_count, _i ? STEPS - 1 : 1);
    ck_assert_uint_le(job.record.epochs[0].blocks[0].step_count, _i ? STEPS : STEPS - 1);
    ck_assert_uint_eq(last_epoch.phase, 0); /* an epoch that failed is not over */
    loader_destroy(run.train_loader);
    memory_dataset_destroy(md);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

int main(void)
{
    Suite *s = suite_create("hook_run");
    TCase *tc = tcase_create("hook_run");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, begin_in_order_and_end_in_reverse, 0, COUNT(lives));
    tcase_add_loop_test(tc, mistakes_leave_nothing_behind, 0, COUNT(mistakes));
    tcase_add_test(tc, a_check_is_told_apart);
    tcase_add_loop_test(tc, answers_steer_the_training, 0, COUNT(trainings));
    tcase_add_loop_test(tc, a_reader_that_fails_ends_the_training, 0, 2);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
