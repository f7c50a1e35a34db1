/* SPDX-License-Identifier: Apache-2.0 */
/* The hook checkpoint_store as the host calls it: what is saved, what reads back, what is kept, what is refused. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "test_checkpoint_store_fixture.h"

/* The only object whose URI holds all of part; ends the test when there is not exactly one. */
static struct fake_object *object_with(struct store_fixture *f, const char *part, const char *more)
{
    struct fake_object *found = NULL;

    for (uint32_t i = 0; i < FAKE_OBJECTS; i++) {
        struct fake_object *o = &f->services.objects[i];

        if (!strstr(o->uri, part) || !strstr(o->uri, more))
            continue;
        ck_assert_msg(!found, "'%s' and '%s'", found ? found->uri : "", o->uri);
        found = o;
    }
    ck_assert_msg(found != NULL, "no object with '%s' and '%s'", part, more);
    return found;
}

static struct fake_object *shard_of_step(struct store_fixture *f, uint32_t step)
{
    char name[32];

    snprintf(name, sizeof name, "/ckpt-%u-", step);
    return object_with(f, "/shards/", name);
}

static const struct {
    uint32_t compress, strategy;
    const char *begin, *end;
} ways[] = {
    {COMPRESS_NONE, LAYOUT_FLAT, "ck/shards/ckpt-2-", "/rank-0.bin"},
    {COMPRESS_ZSTD, LAYOUT_FLAT, "ck/shards/ckpt-2-", "/rank-0.bin.zst"},
    {COMPRESS_FLOAT, LAYOUT_FLAT, "ck/shards/ckpt-2-", "/rank-0.bin.dlf"},
    {COMPRESS_AUTO, LAYOUT_FLAT, "ck/shards/ckpt-2-", "/rank-0.bin.dlf"},
    {COMPRESS_ZSTD, LAYOUT_ROUND_ROBIN, "ck/shards/rr/00/ckpt-2-", "/rank-0.bin.zst"},
    {COMPRESS_NONE, LAYOUT_BINARY, "ck/shards/bin/0000/ckpt-2-", "/rank-0.bin"},
};

START_TEST(what_is_saved_loads)
{
    struct store_fixture *f = fixture_new();
    const char *uri;

    f->options.compress = ways[_i].compress;
    f->options.strategy = ways[_i].strategy;
    fixture_begin(f);
    ck_assert_msg(fixture_workload(f, 2, 2) == DLFW_OK, "%s", f->text);
    uri = shard_of_step(f, 2)->uri;
    ck_assert_int_eq(strncmp(uri, ways[_i].begin, strlen(ways[_i].begin)), 0);
    ck_assert_str_eq(uri + strlen(uri) - strlen(ways[_i].end), ways[_i].end);
    ck_assert_uint_eq(fixture_verify_all(f), 2);
    ck_assert_ptr_nonnull(memmem(fake_services_object(&f->services, FOLDER "/latest.json")->data, 60, "ckpt-2-", 7));
    ck_assert_uint_eq(fake_services_count(&f->services, FOLDER "/latest/ckpt-"), 2);
    fixture_assert_tidy(f);
    fixture_free(f);
}
END_TEST

/* All frames of a shard, as any Zstandard decoder sees them, are the tensors as compress: none writes them. */
START_TEST(zstd_shard_is_the_plain_shard)
{
    struct store_fixture *plain = fixture_new(), *coded = fixture_new();
    struct fake_object *a, *b;
    uint8_t *back;

    coded->options.compress = COMPRESS_ZSTD;
    fixture_begin(plain);
    fixture_begin(coded);
    ck_assert_int_eq(fixture_workload(plain, 1, 0), DLFW_OK);
    ck_assert_int_eq(fixture_workload(coded, 1, 0), DLFW_OK);
    a = shard_of_step(plain, 1);
    b = shard_of_step(coded, 1);
    ck_assert_uint_gt(a->len, 1u << 20);
    ck_assert_uint_lt(b->len, a->len);
    back = malloc(a->len);
    ck_assert_uint_eq(ZSTD_decompress(back, a->len, b->data, b->len), a->len);
    ck_assert_int_eq(memcmp(back, a->data, a->len), 0);
    free(back);
    fixture_free(plain);
    fixture_free(coded);
}
END_TEST

START_TEST(damage_is_named)
{
    static const uint32_t compress[] = {COMPRESS_NONE, COMPRESS_ZSTD, COMPRESS_FLOAT};
    struct store_fixture *f = fixture_new();
    struct fake_object *shard;

    f->options.compress = compress[_i];
    f->options.verify = VERIFY_CHECKSUM;
    fixture_begin(f);
    ck_assert_int_eq(fixture_workload(f, 1, 0), DLFW_OK);
    shard = shard_of_step(f, 1);
    shard->data[shard->len / 2] ^= 0x10;
    ck_assert_int_eq(fixture_workload(f, 0, 1), DLFW_E_CORRUPT);
    ck_assert_msg(strstr(f->text, "rank-0.bin") && strstr(f->text, "at byte"), "%s", f->text);
    shard->data[shard->len / 2] ^= 0x10;
    ck_assert_msg(fixture_workload(f, 0, 1) == DLFW_OK, "%s", f->text);
    shard->len--;
    ck_assert_int_eq(fixture_workload(f, 0, 1), DLFW_E_CORRUPT);
    shard->len++;
    fixture_free(f);
}
END_TEST

/* With the checksums forged only the comparison with the tensors' content finds that bytes are others. */
START_TEST(verify_all_compares_the_content)
{
    struct store_fixture *f = fixture_new();

    fixture_begin(f);
    ck_assert_int_eq(fixture_workload(f, 1, 1), DLFW_OK);
    ck_assert_int_eq(fixture_end(f), DLFW_OK);
    f->options.common.content_seed = 2;
    fixture_begin(f);
    ck_assert_int_eq(fixture_workload(f, 0, 1), DLFW_E_CORRUPT);
    ck_assert_msg(strstr(f->text, "is not what was saved"), "%s", f->text);
    ck_assert_int_eq(fixture_end(f), DLFW_OK);
    f->options.verify = VERIFY_CHECKSUM;
    fixture_begin(f);
    ck_assert_int_eq(fixture_workload(f, 0, 1), DLFW_OK);
    fixture_free(f);
}
END_TEST

#define NAME "ckpt-1-20260101-120000"
#define MANIFEST                                                                                                       \
    "{\"format_version\":1,\"framework\":\"jax\",\"global_step\":1,\"epoch\":0,\"wall_time\":\"2026-01-01T12:00:"      \
    "00Z\","                                                                                                           \
    "\"world_size\":1,\"shards\":[{\"rank\":0,\"key\":\"shards/" NAME "/rank-0.bin%s\",\"size\":%llu,\"etag\":null,"   \
    "\"checksum\":null}],\"status\":\"complete\",\"user_meta\":null}"
#define LATEST "{\"manifest_key\":\"manifests/" NAME ".json\",\"global_step\":1,\"ts\":\"20260101-120000\"}"

/* A folder as s3dlio writes it: whole objects, no checksums, zstd as one frame. */
static void put_foreign(struct store_fixture *f, const void *data, uint64_t len, const char *suffix)
{
    char json[600], uri[120];

    snprintf(uri, sizeof uri, FOLDER "/shards/" NAME "/rank-0.bin%s", suffix);
    fake_services_put(&f->services, uri, data, len);
    snprintf(json, sizeof json, MANIFEST, suffix, (unsigned long long)len);
    fake_services_put(&f->services, FOLDER "/manifests/" NAME ".json", json, strlen(json));
    fake_services_put(&f->services, FOLDER "/latest.json", LATEST, sizeof LATEST - 1);
}

START_TEST(shards_of_others_load)
{
    struct store_fixture *source = fixture_new(), *f = fixture_new();
    struct fake_object *shard;
    uint64_t bound, len;
    uint8_t *frame;

    fixture_begin(source);
    ck_assert_int_eq(fixture_workload(source, 1, 0), DLFW_OK);
    shard = shard_of_step(source, 1);
    f->options.load_from = LOAD_LATEST;
    fixture_begin(f);
    put_foreign(f, shard->data, shard->len, "");
    ck_assert_msg(fixture_workload(f, 0, 1) == DLFW_OK, "%s", f->text);

    bound = ZSTD_compressBound(shard->len) + 100;
    frame = malloc(bound);
    len = ZSTD_compress(frame, bound, shard->data, shard->len, 3);
    put_foreign(f, frame, len, ".zst");
    ck_assert_msg(fixture_workload(f, 0, 1) == DLFW_OK, "%s", f->text);
    ck_assert_uint_eq(fixture_verify_all(f), 1);
    put_foreign(f, frame, len - 1, ".zst"); /* ends inside its frame */
    ck_assert_int_eq(fixture_workload(f, 0, 1), DLFW_E_CORRUPT);
    frame[len / 2] ^= 1;
    put_foreign(f, frame, len, ".zst");
    ck_assert_int_eq(fixture_workload(f, 0, 1), DLFW_E_CORRUPT);
    len = ZSTD_compress(frame, bound, shard->data, shard->len / 2, 3); /* two frames, one after the other */
    len += ZSTD_compress(frame + len, bound - len, shard->data + shard->len / 2, shard->len - shard->len / 2, 1);
    put_foreign(f, frame, len, ".zst");
    ck_assert_msg(fixture_workload(f, 0, 1) == DLFW_OK, "%s", f->text);
    free(frame);
    fixture_free(f);
    fixture_free(source);
}
END_TEST

static const struct {
    uint64_t keep_last, keep_every;
    const char *kept; /* of steps 1 to 7 */
} retention[] = {
    {0, 0, "1234567"}, {1, 0, "7"},    {3, 0, "567"},     {100, 0, "1234567"},
    {0, 3, "367"},     {2, 2, "2467"}, {1, 1, "1234567"},
};

START_TEST(old_ones_are_retired)
{
    struct store_fixture *f = fixture_new();

    f->options.keep_last = retention[_i].keep_last;
    f->options.keep_every = retention[_i].keep_every;
    fixture_begin(f);
    ck_assert_msg(fixture_workload(f, 7, 0) == DLFW_OK, "%s", f->text);
    ck_assert_uint_eq(fixture_verify_all(f), strlen(retention[_i].kept));
    for (const char *step = retention[_i].kept; *step; step++)
        shard_of_step(f, (uint32_t)(*step - '0'));
    fixture_assert_tidy(f);
    fixture_free(f);
}
END_TEST

static dlfw_status train(struct store_fixture *f, uint64_t steps)
{
    dlfw_error err = FAKE_ERROR(f->text);
    dlfw_status st = DLFW_OK;

    f->ctx.phase = DLFW_PHASE_STEP;
    f->ctx.epoch = 1;
    for (f->ctx.step = 1; f->ctx.step <= steps && st >= 0; f->ctx.step++) {
        f->ctx.global_step = 100 + f->ctx.step;
        st = f->ops->after_step(f->hook, &f->ctx, &err);
    }
    return st;
}

START_TEST(background_saves_are_reported_when_they_end)
{
    struct store_fixture *f = fixture_new();
    uint32_t begun = 0, ended = 0;

    f->options.background = 1;
    f->options.compress = COMPRESS_ZSTD;
    f->options.common.steps_between_checkpoints = 3;
    fixture_begin(f);
    ck_assert_msg(train(f, 10) == DLFW_OK, "%s", f->text);
    ck_assert_msg(fixture_end(f) == DLFW_OK, "%s", f->text);
    ck_assert_uint_le(f->services.event_count, FAKE_EVENTS);
    for (uint32_t i = 0; i < f->services.event_count; i++) {
        const dlfw_checkpoint_event *e = &f->services.events[i].event;

        if (e->what == DLFW_CHECKPOINT_SAVE_BEGIN)
            ck_assert_uint_eq(e->step, 3 * ++begun);
        if (e->what != DLFW_CHECKPOINT_SAVE_END)
            continue;
        ck_assert_uint_eq(e->step, 3 * ++ended); /* in order, the next begins when this one has ended */
        ck_assert_uint_eq(ended, begun);
        ck_assert_uint_gt(e->end_ns, e->begin_ns);
        ck_assert_uint_gt(e->stall_ns, 0);
        ck_assert_uint_gt(e->stored_bytes, 0);
        ck_assert_uint_lt(e->stored_bytes, e->rank_bytes);
    }
    ck_assert_uint_eq(ended, 3);
    ck_assert_uint_eq(fixture_verify_all(f), 3);
    shard_of_step(f, 103);
    shard_of_step(f, 109);
    fixture_assert_tidy(f);
    fixture_free(f);
}
END_TEST

START_TEST(a_failed_background_save_is_told_once)
{
    struct store_fixture *f = fixture_new();
    dlfw_status in_training;

    f->options.background = 1;
    f->options.common.steps_between_checkpoints = 2;
    fixture_begin(f);
    f->services.fail_at = f->services.calls + 12; /* in the shard: name and intent take fewer calls */
    in_training = train(f, 3);
    if (in_training < 0)
        ck_assert_msg(strstr(f->text, "fails on purpose"), "%s", f->text);
    if (fixture_end(f) < 0)
        ck_assert_msg(in_training >= 0 && strstr(f->text, "fails on purpose"), "%s", f->text);
    else
        ck_assert_int_lt(in_training, 0);
    ck_assert_uint_eq(fixture_verify_all(f), 0);
    ck_assert_uint_eq(fake_services_count(&f->services, FOLDER), 0);
    fixture_free(f);
}
END_TEST

START_TEST(a_stopped_run_leaves_nothing_half)
{
    struct store_fixture *f = fixture_new();

    f->options.compress = COMPRESS_ZSTD;
    fixture_begin(f);
    ck_assert_int_eq(fixture_workload(f, 1, 0), DLFW_OK);
    f->host.cancel = 1;
    f->options.common.time_between_checkpoints = -1;
    ck_assert_int_eq(fixture_workload(f, 1, 0), DLFW_E_CANCELLED);
    f->host.cancel = 0;
    ck_assert_uint_eq(fixture_verify_all(f), 1);
    fixture_assert_tidy(f);
    fixture_free(f);
}
END_TEST

START_TEST(what_is_not_there_is_not_found)
{
    struct store_fixture *f = fixture_new();

    f->options.load_from = _i ? LOAD_LATEST : LOAD_STEP;
    fixture_begin(f);
    ck_assert_int_eq(fixture_workload(f, 0, 1), DLFW_E_NOT_FOUND);
    ck_assert_msg(strstr(f->text, "'ck'"), "%s", f->text);
    fixture_free(f);
}
END_TEST

START_TEST(names_that_are_taken_are_passed)
{
    struct store_fixture *f = fixture_new();

    fixture_begin(f);
    for (int i = 0; i < 4; i++) /* all of step 1, most of them in one second */
        ck_assert_msg(fixture_workload(f, 1, 0) == DLFW_OK, "%s", f->text);
    ck_assert_uint_eq(fixture_verify_all(f), 4);
    ck_assert_msg(fixture_workload(f, 0, 1) == DLFW_OK, "%s", f->text);
    fixture_free(f);
}
END_TEST

static const struct {
    uint64_t part_size;
    int64_t level;
    uint64_t memory_budget, keep_last;
    const char *says;
} wrong[] = {
    {65537, 1, 16u << 20, 0, "'part_size': is no multiple of 4KiB"},
    {65536, 0, 16u << 20, 0, "'level': is 0"},
    {8u << 20, 1, 8u << 20, 0, "'memory_budget': is 8388608 bytes"},
    {65536, 1, 16u << 20, 2, "'keep_last': checkpoints that num_checkpoints_read asks for"},
};

START_TEST(options_that_contradict_are_refused)
{
    struct store_fixture *f = fixture_new();

    f->options.compress = COMPRESS_ZSTD;
    f->options.part_size = wrong[_i].part_size;
    f->options.level = wrong[_i].level;
    f->options.memory_budget = wrong[_i].memory_budget;
    f->options.keep_last = wrong[_i].keep_last;
    f->options.common.num_checkpoints_write = f->options.common.num_checkpoints_read = 3;
    ck_assert_int_eq(fixture_create(f), DLFW_E_CONFIG);
    ck_assert_msg(strstr(f->text, wrong[_i].says), "%s", f->text);
    fixture_free(f);
}
END_TEST

START_TEST(high_levels_are_warned_of)
{
    struct store_fixture *f = fixture_new();

    f->options.compress = COMPRESS_ZSTD;
    f->options.level = 9;
    fixture_begin(f);
    ck_assert_msg(strstr(f->host.log, "warning: level 9"), "%s", f->host.log);
    fixture_free(f);
}
END_TEST

struct planned {
    uint32_t files;
    uint64_t payload, file_bytes, memory;
    char name[160];
};

static void take_file(void *ctx, const char *name, uint64_t payload_bytes, uint64_t file_bytes)
{
    struct planned *p = ctx;

    p->files++;
    p->payload = payload_bytes;
    p->file_bytes = file_bytes;
    snprintf(p->name, sizeof p->name, "%s", name);
}

static void take_figure(void *ctx, const char *name, const char *unit, uint64_t value)
{
    struct planned *p = ctx;

    (void)unit;
    if (strcmp(name, "memory") == 0)
        p->memory = value;
}

START_TEST(plan_says_what_is_written)
{
    struct store_fixture *f = fixture_new();
    struct planned p = {0};
    dlfw_plan_sink sink = {.struct_size = sizeof sink, .ctx = &p, .file = take_file, .figure = take_figure};

    f->options.compress = _i ? COMPRESS_ZSTD : COMPRESS_NONE;
    fixture_begin(f);
    ck_assert_int_eq(f->ops->plan(f->hook, 0, 1, &sink, NULL), DLFW_OK);
    ck_assert_int_eq(fixture_workload(f, 1, 0), DLFW_OK);
    ck_assert_uint_eq(p.files, 1);
    ck_assert_str_eq(p.name, _i ? "shards/ckpt-STEP-TIME/rank-0.bin.zst" : "shards/ckpt-STEP-TIME/rank-0.bin");
    ck_assert_uint_eq(p.file_bytes, _i ? UINT64_MAX : shard_of_step(f, 1)->len);
    ck_assert_uint_gt(p.payload, 1u << 20);
    ck_assert_uint_le(p.memory, f->options.memory_budget);
    ck_assert_uint_gt(p.memory, 0);
    fixture_free(f);
}
END_TEST

START_TEST(user_meta_goes_into_the_manifest)
{
    static const struct dlfw_node items[] = {{.kind = DLFW_NODE_SCALAR, .key = "run", .text = "a \"b\""}};
    static const struct dlfw_node map = {.kind = DLFW_NODE_MAP, .count = 1, .items = items};
    static const struct dlfw_node list = {.kind = DLFW_NODE_LIST, .count = 0};
    struct store_fixture *f = fixture_new();
    struct fake_object *manifest;

    f->options.user_meta = &list;
    ck_assert_int_eq(fixture_create(f), DLFW_E_CONFIG);
    f->options.user_meta = &map;
    fixture_begin(f);
    ck_assert_int_eq(fixture_workload(f, 1, 0), DLFW_OK);
    manifest = object_with(f, "/manifests/", "ckpt-1-");
    ck_assert_ptr_nonnull(memmem(manifest->data, manifest->len, "\"run\": \"a \\\"b\\\"\"", 16));
    fixture_free(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checkpoint_store");
    TCase *t = tcase_create("hook");
    SRunner *runner;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, what_is_saved_loads, 0, (int)(sizeof ways / sizeof *ways));
    tcase_add_test(t, zstd_shard_is_the_plain_shard);
    tcase_add_loop_test(t, damage_is_named, 0, 3);
    tcase_add_test(t, verify_all_compares_the_content);
    tcase_add_test(t, shards_of_others_load);
    tcase_add_loop_test(t, old_ones_are_retired, 0, (int)(sizeof retention / sizeof *retention));
    tcase_add_test(t, background_saves_are_reported_when_they_end);
    tcase_add_test(t, a_failed_background_save_is_told_once);
    tcase_add_test(t, a_stopped_run_leaves_nothing_half);
    tcase_add_loop_test(t, what_is_not_there_is_not_found, 0, 2);
    tcase_add_test(t, names_that_are_taken_are_passed);
    tcase_add_loop_test(t, options_that_contradict_are_refused, 0, (int)(sizeof wrong / sizeof *wrong));
    tcase_add_test(t, high_levels_are_warned_of);
    tcase_add_loop_test(t, plan_says_what_is_written, 0, 2);
    tcase_add_test(t, user_meta_goes_into_the_manifest);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
