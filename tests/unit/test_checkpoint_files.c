/* SPDX-License-Identifier: Apache-2.0 */
/* The hook checkpoint_files as the host calls it, with services in memory: saves, loads, failures, retention. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint_files.h"
#include "dlfw/plugin.h"
#include "test_checkpoint_files_fixture.h"

extern const dlfw_plugin dlfw_plugin_v1;

struct files_fixture {
    struct checkpoint_fixture *base;
    struct files_options options;
    const dlfw_hook_ops *ops;
    dlfw_hook *hook;
    dlfw_hook_ctx ctx;
    char text[512];
};

/* fp16 model of 3 layers with blob: three files in ZeRO 0, layer files in ZeRO 1 with two stages. */
static const struct dlfw_node shape[] = {
    {.kind = DLFW_NODE_SCALAR, .key = "vocab_size", .text = "100"},
    {.kind = DLFW_NODE_SCALAR, .key = "hidden_size", .text = "32"},
    {.kind = DLFW_NODE_SCALAR, .key = "ffn_hidden_size", .text = "48"},
    {.kind = DLFW_NODE_SCALAR, .key = "num_attention_heads", .text = "4"},
    {.kind = DLFW_NODE_SCALAR, .key = "num_kv_heads", .text = "2"},
};
static const struct dlfw_node model_items[] = {
    {.kind = DLFW_NODE_SCALAR, .key = "num_layers", .text = "3"},
    {.kind = DLFW_NODE_SCALAR, .key = "model_size_bytes", .text = "5000"},
    {.kind = DLFW_NODE_MAP, .key = "transformer", .count = 5, .items = shape},
};
static const struct dlfw_node model = {.kind = DLFW_NODE_MAP, .count = 3, .items = model_items};
static const struct dlfw_node stages[] = {
    {.kind = DLFW_NODE_SCALAR, .key = "pipeline", .text = "2"},
    {.kind = DLFW_NODE_SCALAR, .key = "data", .text = "1"},
    {.kind = DLFW_NODE_SCALAR, .key = "zero_stage", .text = "1"},
};
static const struct dlfw_node staged_items[] = {
    {.kind = DLFW_NODE_SCALAR, .key = "num_layers", .text = "9"},
    {.kind = DLFW_NODE_SCALAR, .key = "model_size_bytes", .text = "5000"},
    {.kind = DLFW_NODE_MAP, .key = "transformer", .count = 5, .items = shape},
    {.kind = DLFW_NODE_MAP, .key = "parallelism", .count = 3, .items = stages},
};
static const struct dlfw_node staged = {.kind = DLFW_NODE_MAP, .count = 4, .items = staged_items};

static struct files_fixture *fixture_new(void)
{
    struct files_fixture *f = calloc(1, sizeof *f);

    f->base = checkpoint_fixture_new();
    f->options = (struct files_options){.common = {.checkpoint_folder = "ck/",
                                                   .checkpoint_after_epoch = 1,
                                                   .epochs_between_checkpoints = 1,
                                                   .steps_between_checkpoints = -1,
                                                   .randomize_tensor = 1,
                                                   .time_between_checkpoints = -1,
                                                   .num_checkpoints_write = -1,
                                                   .num_checkpoints_read = -1,
                                                   .content_seed = 1,
                                                   .ranks_per_node = 1,
                                                   .model = &model},
                                        .framework = FRAMEWORK_PYTORCH,
                                        .threads = 4};
    f->ops = dlfw_plugin_v1.ifaces[0]->ops;
    f->ctx = (dlfw_hook_ctx){.struct_size = sizeof f->ctx,
                             .world_size = 1,
                             .services = &f->base->services.table,
                             .services_ctx = &f->base->services};
    return f;
}

static dlfw_status create(struct files_fixture *f)
{
    dlfw_create_args args = {.struct_size = sizeof args,
                             .host = &f->base->host.table,
                             .host_ctx = &f->base->host,
                             .instance = "checkpoint_files",
                             .options = &f->options};
    dlfw_error err = FAKE_ERROR(f->text);

    return f->ops->create(&args, &f->hook, &err);
}

typedef dlfw_status hook_call(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr);

static dlfw_status call(struct files_fixture *f, hook_call *function, uint32_t phase)
{
    dlfw_error err = FAKE_ERROR(f->text);

    f->text[0] = '\0';
    f->ctx.phase = phase;
    return function(f->hook, &f->ctx, &err);
}

static void begin(struct files_fixture *f)
{
    ck_assert_msg(create(f) >= 0, "%s", f->text);
    ck_assert_msg(call(f, f->ops->initialize, DLFW_PHASE_INITIALIZE) >= 0, "%s", f->text);
}

static void end(struct files_fixture *f)
{
    if (f->hook) {
        ck_assert_int_eq(call(f, f->ops->finalize, DLFW_PHASE_FINALIZE), DLFW_OK);
        f->ops->destroy(f->hook);
    }
    ck_assert_uint_eq(f->base->services.writers_open, 0);
    ck_assert_uint_eq(f->base->services.sources_open, 0);
    checkpoint_fixture_free(f->base);
    free(f);
}

static dlfw_status train(struct files_fixture *f, uint32_t epochs, uint64_t steps)
{
    dlfw_status st = DLFW_OK;

    for (uint32_t epoch = 1; epoch <= epochs && st >= 0; epoch++) {
        f->ctx.epoch = epoch;
        for (uint64_t step = 1; step <= steps && st >= 0; step++) {
            f->ctx.step = step;
            st = call(f, f->ops->after_step, DLFW_PHASE_STEP);
        }
        if (st >= 0)
            st = call(f, f->ops->after_epoch, DLFW_PHASE_EPOCH);
    }
    return st;
}

static dlfw_status work(struct files_fixture *f)
{
    return call(f, f->ops->workload, DLFW_PHASE_WORKLOAD);
}

static uint32_t count(const struct files_fixture *f, const char *prefix)
{
    return fake_services_count(&f->base->services, prefix);
}

static bool has(const struct files_fixture *f, const char *uri)
{
    return fake_services_object(&f->base->services, uri) != NULL;
}

START_TEST(training_with_a_checkpoint_per_epoch)
{
    struct files_fixture *f = fixture_new();

    begin(f);
    ck_assert_msg(train(f, 2, 3) >= 0, "%s", f->text);
    ck_assert_uint_eq(count(f, ""), 6);
    ck_assert(has(f, "ck/global_epoch1_step4/model_states-0.pt"));
    ck_assert(has(f, "ck/global_epoch1_step4/zero_pp_rank_0_mp_rank_0_model_states.pt"));
    ck_assert(has(f, "ck/global_epoch2_step4/zero_pp_rank_0_mp_rank_0_optim_states.pt"));
    end(f);
}
END_TEST

START_TEST(the_block_ends_before_a_checkpoint)
{
    struct files_fixture *f = fixture_new();

    f->options.common.steps_between_checkpoints = 2;
    begin(f);
    f->ctx.epoch = 1;
    for (uint64_t step = 1; step <= 5; step++) {
        f->ctx.phase = DLFW_PHASE_STEP;
        f->ctx.step = step;
        ck_assert_int_eq(f->ops->ends_block(f->hook, &f->ctx), step % 2 == 0);
        ck_assert_int_eq(f->ops->ends_block(f->hook, &f->ctx), step % 2 == 0); /* asking changes nothing */
    }
    f->ctx.phase = DLFW_PHASE_EPOCH;
    ck_assert_int_eq(f->ops->ends_block(f->hook, &f->ctx), 0);
    end(f);
}
END_TEST

static const dlfw_checkpoint_event *event_at(const struct files_fixture *f, uint32_t i)
{
    ck_assert_uint_lt(i, f->base->services.event_count);
    return &f->base->services.events[i].event;
}

START_TEST(checkpoint_only_run)
{
    static const uint32_t expected[] = {
        DLFW_CHECKPOINT_MODEL,      DLFW_CHECKPOINT_WRITES_BEGIN, DLFW_CHECKPOINT_SAVE_BEGIN,
        DLFW_CHECKPOINT_SAVE_END,   DLFW_CHECKPOINT_SAVE_BEGIN,   DLFW_CHECKPOINT_SAVE_END,
        DLFW_CHECKPOINT_WRITES_END, DLFW_CHECKPOINT_READS_BEGIN,  DLFW_CHECKPOINT_LOAD_BEGIN,
        DLFW_CHECKPOINT_LOAD_END,   DLFW_CHECKPOINT_READS_END};
    struct files_fixture *f = fixture_new();
    const dlfw_checkpoint_event *e;
    uint64_t stored = 0;

    f->options.common.num_checkpoints_write = 2;
    f->options.common.num_checkpoints_read = 1;
    f->options.verify = VERIFY_ALL;
    f->options.container = (uint32_t)_i;
    begin(f);
    ck_assert_msg(work(f) >= 0, "%s", f->text);
    ck_assert_uint_eq(f->base->services.event_count, sizeof expected / sizeof *expected);
    for (uint32_t i = 0; i < sizeof expected / sizeof *expected; i++)
        ck_assert_uint_eq(event_at(f, i)->what, expected[i]);
    for (uint32_t i = 0; i < FAKE_OBJECTS; i++)
        stored += strstr(f->base->services.objects[i].uri, "step2/") ? f->base->services.objects[i].len : 0;
    e = event_at(f, 5);
    ck_assert_str_eq(e->name, "global_epoch1_step2");
    ck_assert_uint_eq(e->number, 2);
    ck_assert_uint_eq(e->step, 2);
    ck_assert_uint_eq(e->stored_bytes, stored);
    ck_assert_uint_eq(e->bytes, e->rank_bytes);
    ck_assert_uint_eq(e->bytes, event_at(f, 0)->bytes);
    ck_assert_uint_eq(e->stall_ns, e->end_ns - e->begin_ns);
    ck_assert_uint_gt(e->model_ns, 0);
    ck_assert_uint_le(e->model_ns, e->end_ns - e->begin_ns);
    ck_assert_uint_gt(e->optimizer_ns, 0);
    ck_assert_uint_eq(event_at(f, 9)->stored_bytes, stored);
    ck_assert_str_eq(event_at(f, 9)->name, "global_epoch1_step1");
    end(f);
}
END_TEST

/* Whatever call of the services fails, the checkpoint is there as a whole or not at all, and the error is reported. */
START_TEST(every_service_fails_once)
{
    uint64_t calls;
    struct files_fixture *f = fixture_new();

    f->options.common.model = &staged;
    f->options.common.mode = CHECKPOINT_MODE_SUBSET;
    f->options.threads = 1;
    begin(f);
    ck_assert_msg(train(f, 2, 1) >= 0, "%s", f->text);
    calls = f->base->services.calls;
    ck_assert_uint_eq(count(f, "ck/global_epoch1_step2/"), 8); /* blob, embedding, five layers, optimizer */
    end(f);
    for (uint64_t nth = 1; nth <= calls; nth++) {
        uint32_t first, second;

        f = fixture_new();
        f->options.common.model = &staged;
        f->options.common.mode = CHECKPOINT_MODE_SUBSET;
        f->options.threads = (uint64_t)_i;
        begin(f);
        f->base->services.fail_at = nth;
        ck_assert_int_eq(train(f, 2, 1), DLFW_E_NO_SPACE);
        ck_assert_msg(strstr(f->text, "on purpose"), "%s", f->text);
        first = count(f, "ck/global_epoch1_step2/");
        second = count(f, "ck/global_epoch2_step2/");
        ck_assert_msg(second == 0 && (first == 0 || first == 8), "call %lu: %u and %u files", (unsigned long)nth, first,
                      second);
        end(f);
    }
}
END_TEST

/* With the storage gone for good nothing can be taken back: that is said. */
START_TEST(files_that_cannot_be_removed)
{
    struct files_fixture *f = fixture_new();

    f->options.threads = 1;
    begin(f);
    f->base->services.fail_after = 12;
    ck_assert_int_eq(train(f, 1, 1), DLFW_E_NO_SPACE);
    ck_assert_uint_ge(count(f, "ck/"), 1);
    ck_assert_msg(strstr(f->base->host.log, "cannot be removed"), "%s", f->base->host.log);
    end(f);
}
END_TEST

START_TEST(what_was_there_before_is_replaced)
{
    struct files_fixture *f = fixture_new();
    const char *mine = "ck/global_epoch1_step2/model_states-0.pt", *other = "ck/global_epoch1_step2/notes.txt";

    fake_services_put(&f->base->services, mine, "old", 3);
    fake_services_put(&f->base->services, other, "keep", 4);
    begin(f);
    ck_assert_msg(train(f, 1, 1) >= 0, "%s", f->text);
    ck_assert_uint_gt(fake_services_object(&f->base->services, mine)->len, 5000);
    ck_assert(has(f, other));
    ck_assert_uint_eq(count(f, "ck/"), 4);
    ck_assert_msg(strstr(f->base->host.log, "was there before"), "%s", f->base->host.log);
    end(f);
}
END_TEST

START_TEST(keep_last)
{
    struct files_fixture *f = fixture_new();

    f->options.keep_last = 2;
    fake_services_put(&f->base->services, "ck/global_epoch0_step9/model_states-0.pt", "old", 3);
    begin(f);
    ck_assert_msg(train(f, 5, 1) >= 0, "%s", f->text);
    ck_assert_uint_eq(count(f, "ck/global_epoch3"), 0);
    ck_assert_uint_eq(count(f, "ck/global_epoch4"), 3);
    ck_assert_uint_eq(count(f, "ck/global_epoch5"), 3);
    ck_assert_uint_eq(count(f, "ck/global_epoch0"), 1); /* of another run */
    end(f);
}
END_TEST

START_TEST(keep_last_that_removes_what_is_to_be_read)
{
    struct files_fixture *f = fixture_new();

    f->options.keep_last = 2;
    f->options.common.num_checkpoints_write = 3;
    f->options.common.num_checkpoints_read = 1;
    ck_assert_int_eq(create(f), DLFW_E_CONFIG);
    ck_assert_msg(strstr(f->text, "num_checkpoints_read"), "%s", f->text);
    end(f);
}
END_TEST

/* In training every save is read back, and reported as a load. */
START_TEST(verify_in_training)
{
    struct files_fixture *f = fixture_new();

    f->options.verify = VERIFY_ALL;
    begin(f);
    ck_assert_msg(train(f, 1, 1) >= 0, "%s", f->text);
    ck_assert_uint_eq(f->base->services.event_count, 5);
    ck_assert_uint_eq(event_at(f, 4)->what, DLFW_CHECKPOINT_LOAD_END);
    end(f);
}
END_TEST

static void damage(struct files_fixture *f, const char *uri, uint64_t from_end)
{
    const struct fake_object *o = fake_services_object(&f->base->services, uri);

    ck_assert_ptr_nonnull(o);
    o->data[o->len - from_end] ^= 1;
}

START_TEST(damage_is_found_when_loading)
{
    struct files_fixture *f = fixture_new();

    f->options.common.num_checkpoints_write = 1;
    f->options.container = CONTAINER_RAW;
    begin(f);
    ck_assert_msg(work(f) >= 0, "%s", f->text);
    f->options.common.num_checkpoints_write = 0;
    f->options.common.num_checkpoints_read = 1;
    damage(f, "ck/global_epoch1_step1/model_states-0.pt", 10);
    ck_assert_int_eq(work(f), DLFW_OK); /* raw bytes carry no checksum */
    f->options.verify = VERIFY_ALL;
    ck_assert_int_eq(work(f), DLFW_E_CORRUPT);
    ck_assert_msg(strstr(f->text, "model_states-0.pt") && strstr(f->text, "offset 4990"), "%s", f->text);
    end(f);
}
END_TEST

START_TEST(checkpoint_that_is_not_there)
{
    struct files_fixture *f = fixture_new();

    f->options.common.num_checkpoints_read = 1;
    begin(f);
    ck_assert_int_eq(work(f), DLFW_E_NOT_FOUND);
    ck_assert_msg(strstr(f->text, "global_epoch1_step1"), "%s", f->text);
    end(f);
}
END_TEST

/* Two ranks: rank 0 loads, with the shift, what rank 1 has saved. */
START_TEST(recovery_rank_shift)
{
    struct files_fixture *f = fixture_new();
    static const struct dlfw_node zero3[] = {{.kind = DLFW_NODE_SCALAR, .key = "zero_stage", .text = "3"}};
    static const struct dlfw_node items[] = {{.kind = DLFW_NODE_SCALAR, .key = "num_layers", .text = "3"},
                                             {.kind = DLFW_NODE_MAP, .key = "transformer", .count = 5, .items = shape},
                                             {.kind = DLFW_NODE_MAP, .key = "parallelism", .count = 1, .items = zero3}};
    static const struct dlfw_node sharded = {.kind = DLFW_NODE_MAP, .count = 3, .items = items};

    f->options.common.model = &sharded;
    f->options.common.num_checkpoints_write = 1;
    f->ctx.world_size = f->base->services.world_size = 2;
    f->ctx.rank = 1;
    begin(f);
    ck_assert_msg(work(f) >= 0, "%s", f->text);
    ck_assert(has(f, "ck/global_epoch1_step1/model_states-1.pt"));
    ck_assert(has(f, "ck/global_epoch1_step1/zero_pp_rank_1_mp_rank_0_model_states.pt"));
    f->ops->destroy(f->hook);
    f->options.common.num_checkpoints_write = 0;
    f->options.common.num_checkpoints_read = 1;
    f->options.verify = VERIFY_ALL;
    f->ctx.rank = 0;
    begin(f);
    ck_assert_int_eq(work(f), DLFW_E_NOT_FOUND); /* nobody was rank 0 */
    f->ops->destroy(f->hook);
    f->options.common.recovery_rank_shift = 1;
    begin(f);
    ck_assert_msg(work(f) >= 0, "%s", f->text);
    end(f);
}
END_TEST

static int32_t cancel_at_once(void *ctx)
{
    (void)ctx;
    return 1;
}

/* Stopped while it waits or while it writes: nothing half remains. */
START_TEST(stopped)
{
    struct files_fixture *f = fixture_new();

    f->options.common.num_checkpoints_write = 1;
    f->options.common.time_between_checkpoints = _i ? 60 : -1;
    begin(f);
    f->base->host.table.cancelled = cancel_at_once;
    ck_assert_int_eq(work(f), DLFW_E_CANCELLED);
    f->ctx.epoch = 1;
    ck_assert_int_eq(call(f, f->ops->after_epoch, DLFW_PHASE_EPOCH), DLFW_E_CANCELLED);
    ck_assert_uint_eq(count(f, ""), 0);
    end(f);
}
END_TEST

/* ---- plan ---- */

struct planned {
    struct files_fixture *f;
    uint32_t files, figures;
    uint64_t payload, model, optimizer, memory;
};

static void plan_file_found(void *ctx, const char *name, uint64_t payload_bytes, uint64_t file_bytes)
{
    struct planned *p = ctx;
    const struct fake_object *o;
    char uri[512];

    snprintf(uri, sizeof uri, "ck/global_epoch1_step2/%s", name);
    o = fake_services_object(&p->f->base->services, uri);
    ck_assert_ptr_nonnull(o);
    ck_assert_uint_eq(o->len, file_bytes);
    p->payload += payload_bytes;
    p->files++;
}

static void plan_figure(void *ctx, const char *name, const char *unit, uint64_t value)
{
    struct planned *p = ctx;

    ck_assert_ptr_nonnull(unit);
    p->figures++;
    if (strcmp(name, "model") == 0)
        p->model = value;
    else if (strcmp(name, "optimizer") == 0)
        p->optimizer = value;
    else if (strcmp(name, "memory") == 0)
        p->memory = value;
}

START_TEST(plan_is_what_is_written)
{
    struct files_fixture *f = fixture_new();
    struct planned p = {.f = f};
    dlfw_plan_sink sink = {.struct_size = sizeof sink, .ctx = &p, .file = plan_file_found, .figure = plan_figure};
    dlfw_error err = FAKE_ERROR(f->text);

    f->options.container = (uint32_t)_i;
    begin(f);
    ck_assert_msg(train(f, 1, 1) >= 0, "%s", f->text);
    ck_assert_msg(f->ops->plan(f->hook, 0, 1, &sink, &err) >= 0, "%s", f->text);
    ck_assert_uint_eq(p.files, count(f, "ck/"));
    ck_assert_uint_eq(p.payload, p.model + p.optimizer);
    ck_assert_uint_gt(p.memory, 40u << 20); /* parts in flight of a stream */
    ck_assert_uint_lt(p.memory % (40u << 20), 4096);
    ck_assert_uint_ge(p.figures, 4);
    end(f);
}
END_TEST

START_TEST(plan_of_many_ranks)
{
    struct files_fixture *f = fixture_new();
    dlfw_error err = FAKE_ERROR(f->text);
    struct planned p = {.f = f};
    dlfw_plan_sink sink = {.struct_size = sizeof sink, .ctx = &p, .file = NULL, .figure = plan_figure};

    ck_assert_int_eq(create(f), DLFW_OK);
    ck_assert_msg(f->ops->plan(f->hook, 4095, 4096, &sink, &err) >= 0, "%s", f->text); /* ZeRO 0: no file */
    ck_assert_uint_gt(p.model, 0);
    ck_assert_uint_eq(f->base->services.calls, 0);
    end(f);
}
END_TEST

START_TEST(ranks_that_do_not_fit)
{
    struct files_fixture *f = fixture_new();

    f->options.common.model = &staged;
    f->options.common.mode = CHECKPOINT_MODE_SUBSET;
    f->ctx.world_size = 3;
    ck_assert_int_eq(create(f), DLFW_OK);
    ck_assert_int_eq(call(f, f->ops->initialize, DLFW_PHASE_INITIALIZE), DLFW_E_CONFIG);
    f->ops->destroy(f->hook);
    f->hook = NULL;
    end(f);
}
END_TEST

struct uri_case {
    const char *folder, *uri;
};

static const struct uri_case uris[] = {
    {"checkpoints/x", "checkpoints/x/a/b"}, {"./checkpoints//", "./checkpoints/a/b"}, {"/", "/a/b"},
    {"s3://bucket", "s3://bucket/a/b"},     {"file:///tmp/x/", "file:///tmp/x/a/b"},  {"s3://", "s3://a/b"},
};

START_TEST(names_below_the_folder)
{
    struct checkpoint_options o = {.checkpoint_folder = uris[_i].folder};
    char buf[64];

    ck_assert_int_eq(checkpoint_uri(&o, "a", "b", buf, sizeof buf, NULL), DLFW_OK);
    ck_assert_str_eq(buf, uris[_i].uri);
    ck_assert_int_eq(checkpoint_uri(&o, "a", "b", buf, 4, NULL), DLFW_E_CONFIG);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checkpoint_files");
    TCase *tc = tcase_create("files");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tc, training_with_a_checkpoint_per_epoch);
    tcase_add_test(tc, the_block_ends_before_a_checkpoint);
    tcase_add_loop_test(tc, checkpoint_only_run, 0, 2);
    tcase_add_loop_test(tc, every_service_fails_once, 1, 5);
    tcase_add_test(tc, files_that_cannot_be_removed);
    tcase_add_test(tc, what_was_there_before_is_replaced);
    tcase_add_test(tc, keep_last);
    tcase_add_test(tc, keep_last_that_removes_what_is_to_be_read);
    tcase_add_test(tc, verify_in_training);
    tcase_add_test(tc, damage_is_found_when_loading);
    tcase_add_test(tc, checkpoint_that_is_not_there);
    tcase_add_test(tc, recovery_rank_shift);
    tcase_add_loop_test(tc, stopped, 0, 2);
    tcase_add_loop_test(tc, plan_is_what_is_written, 0, 2);
    tcase_add_test(tc, plan_of_many_ranks);
    tcase_add_test(tc, ranks_that_do_not_fit);
    tcase_add_loop_test(tc, names_below_the_folder, 0, sizeof uris / sizeof *uris);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
