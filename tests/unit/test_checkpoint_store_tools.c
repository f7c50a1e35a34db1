/* SPDX-License-Identifier: Apache-2.0 */
/* What is done with checkpoints outside of a run: list, verify, restore, remove, clean. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "intent.h"
#include "test_checkpoint_store_fixture.h"

#define OLD "ckpt-9-20200101-000000" /* long gone */
#define NEW "ckpt-9-20990101-000000" /* from the future: younger than any age */

struct told {
    uint32_t count, done, failed;
    char names[1024]; /* each and a blank */
    char texts[2048];
};

static void take(void *ctx, const dlfw_checkpoint_report *r)
{
    struct told *t = ctx;

    t->count++;
    t->done += r->done;
    t->failed += r->status < 0;
    snprintf(t->names + strlen(t->names), sizeof t->names - strlen(t->names), "%s ", r->name);
    snprintf(t->texts + strlen(t->texts), sizeof t->texts - strlen(t->texts), "%s\n", r->text ? r->text : "");
}

/* Steps 1 to count. */
static struct store_fixture *with_checkpoints(int64_t count, uint32_t compress)
{
    struct store_fixture *f = fixture_new();

    f->options.common.model = &fixture_small_model;
    f->options.compress = compress;
    fixture_begin(f);
    if (count)
        ck_assert_msg(fixture_workload(f, count, 0) == DLFW_OK, "%s", f->text);
    return f;
}

static void put(struct store_fixture *f, const char *key, const char *text)
{
    char uri[200];

    snprintf(uri, sizeof uri, FOLDER "/%s", key);
    fake_services_put(&f->services, uri, text, strlen(text));
}

static bool has(struct store_fixture *f, const char *key)
{
    char uri[200];

    snprintf(uri, sizeof uri, FOLDER "/%s", key);
    return fake_services_object(&f->services, uri) != NULL;
}

/* The URI of the one object that holds both. */
static struct fake_object *object_with(struct store_fixture *f, const char *part, const char *more)
{
    for (uint32_t i = 0; i < FAKE_OBJECTS; i++)
        if (strstr(f->services.objects[i].uri, part) && strstr(f->services.objects[i].uri, more))
            return &f->services.objects[i];
    return NULL;
}

static bool latest_is(struct store_fixture *f, const char *begin)
{
    const struct fake_object *o = fake_services_object(&f->services, FOLDER "/latest.json");

    return o && memmem(o->data, o->len, begin, strlen(begin));
}

struct listed {
    uint32_t count;
    uint64_t steps[8];
    char problem[256];
    bool latest[8];
};

static int32_t take_info(void *ctx, const dlfw_checkpoint_info *info)
{
    struct listed *l = ctx;

    ck_assert_uint_lt(l->count, 8);
    l->latest[l->count] = (info->flags & DLFW_CHECKPOINT_IS_LATEST) != 0;
    l->steps[l->count++] = info->step;
    if (info->problem)
        snprintf(l->problem, sizeof l->problem, "%s", info->problem);
    ck_assert_int_eq(info->problem != NULL, (info->flags & DLFW_CHECKPOINT_INCOMPLETE) != 0);
    return 0;
}

START_TEST(list_is_in_order_and_keeps_what_is_broken)
{
    struct store_fixture *f = with_checkpoints(3, COMPRESS_ZSTD);
    dlfw_checkpoint_place place = fixture_place(f);
    struct listed l = {0};

    put(f, "manifests/" OLD ".json", "{\"format_version\":1,");
    put(f, "manifests/readme.txt", "not ours");
    ck_assert_int_eq(checkpoint_tools.list(&place, take_info, &l, NULL), DLFW_OK);
    ck_assert_uint_eq(l.count, 4);
    ck_assert_uint_eq(l.steps[0], 9);
    ck_assert_msg(strstr(l.problem, "no JSON") && strstr(l.problem, OLD), "%s", l.problem);
    ck_assert_uint_eq(l.steps[3], 3);
    ck_assert(l.latest[3] && !l.latest[2]);
    place.uri = "nothing/here";
    l = (struct listed){0};
    ck_assert_int_eq(checkpoint_tools.list(&place, take_info, &l, NULL), DLFW_OK);
    ck_assert_uint_eq(l.count, 0);
    fixture_free(f);
}
END_TEST

START_TEST(verify_reports_each)
{
    struct store_fixture *f = with_checkpoints(3, COMPRESS_FLOAT);
    dlfw_checkpoint_place place = fixture_place(f);
    dlfw_checkpoint_select all = {.struct_size = sizeof all, .flags = DLFW_CHECKPOINT_SELECT_ALL}, latest = {0};
    struct fake_object *shard = object_with(f, "/shards/", "ckpt-2-");
    struct told t = {0};
    dlfw_error err = FAKE_ERROR(f->text);

    shard->data[shard->len - 1] ^= 1;
    ck_assert_int_eq(checkpoint_tools.verify(&place, &all, take, &t, &err), DLFW_E_CORRUPT);
    ck_assert_msg(strstr(f->text, "ckpt-2-"), "%s", f->text);
    ck_assert_uint_eq(t.count, 3);
    ck_assert_uint_eq(t.failed, 1);
    t = (struct told){0};
    ck_assert_int_eq(checkpoint_tools.verify(&place, &latest, take, &t, &err), DLFW_OK);
    ck_assert_uint_eq(t.count, 1);
    ck_assert_int_eq(strncmp(t.names, "ckpt-3-", 7), 0);
    shard->data[shard->len - 1] ^= 1;
    fixture_free(f);
}
END_TEST

START_TEST(selection_says_what_is_missing)
{
    static const struct {
        dlfw_checkpoint_select select;
        dlfw_status status;
        const char *says;
    } rows[] = {
        {{.flags = DLFW_CHECKPOINT_SELECT_STEP, .step = 77}, DLFW_E_NOT_FOUND, "step 77"},
        {{.name = OLD}, DLFW_E_NOT_FOUND, OLD},
        {{.name = "../x"}, DLFW_E_INVALID, "'../x' is no name"},
    };
    struct store_fixture *f = with_checkpoints(1, COMPRESS_NONE);
    dlfw_checkpoint_place place = fixture_place(f);
    dlfw_error err = FAKE_ERROR(f->text);
    struct told t = {0};

    ck_assert_int_eq(checkpoint_tools.remove(&place, &rows[_i].select, take, &t, &err), rows[_i].status);
    ck_assert_msg(strstr(f->text, rows[_i].says), "%s", f->text);
    ck_assert_uint_eq(t.count, 0);
    fixture_free(f);
}
END_TEST

START_TEST(restore_gives_the_raw_shards)
{
    static const uint32_t compress[] = {COMPRESS_NONE, COMPRESS_ZSTD, COMPRESS_FLOAT};
    struct store_fixture *plain = with_checkpoints(1, COMPRESS_NONE), *f = with_checkpoints(1, compress[_i]);
    const struct fake_object *want = object_with(plain, "/shards/", "ckpt-1-"), *got;
    dlfw_checkpoint_place place = fixture_place(f);
    dlfw_checkpoint_select select = {.flags = DLFW_CHECKPOINT_SELECT_STEP, .step = 1};
    struct fake_object *shard = object_with(f, "/shards/", "ckpt-1-");
    struct told t = {0};

    ck_assert_int_eq(checkpoint_tools.restore(&place, &select, "out/", take, &t, NULL), DLFW_OK);
    ck_assert_str_eq(t.names, "rank-0.bin ");
    got = fake_services_object(&f->services, "out/rank-0.bin");
    ck_assert_ptr_nonnull(got);
    ck_assert_uint_eq(got->len, want->len);
    ck_assert_int_eq(memcmp(got->data, want->data, got->len), 0);

    shard->data[shard->len / 3] ^= 4; /* nothing appears of what does not verify */
    ck_assert_int_eq(checkpoint_tools.restore(&place, &select, "bad", take, &t, NULL), DLFW_E_CORRUPT);
    ck_assert_uint_eq(fake_services_count(&f->services, "bad"), 0);
    fixture_free(f);
    fixture_free(plain);
}
END_TEST

START_TEST(remove_moves_latest_before)
{
    struct store_fixture *f = with_checkpoints(3, COMPRESS_NONE);
    dlfw_checkpoint_place place = fixture_place(f);
    dlfw_checkpoint_select step = {.flags = DLFW_CHECKPOINT_SELECT_STEP | DLFW_CHECKPOINT_DRY_RUN, .step = 3},
                           all = {.flags = DLFW_CHECKPOINT_SELECT_ALL};
    struct told t = {0};

    ck_assert_int_eq(checkpoint_tools.remove(&place, &step, take, &t, NULL), DLFW_OK);
    ck_assert_uint_eq(t.count, 1);
    ck_assert_uint_eq(t.done, 0);
    ck_assert_uint_eq(fixture_verify_all(f), 3);
    step.flags = DLFW_CHECKPOINT_SELECT_STEP;
    ck_assert_int_eq(checkpoint_tools.remove(&place, &step, take, &t, NULL), DLFW_OK);
    ck_assert(latest_is(f, "ckpt-2-"));
    ck_assert_uint_eq(fixture_verify_all(f), 2);
    fixture_assert_tidy(f);
    step.step = 1; /* not the latest: it stays */
    ck_assert_int_eq(checkpoint_tools.remove(&place, &step, take, &t, NULL), DLFW_OK);
    ck_assert(latest_is(f, "ckpt-2-"));
    ck_assert_int_eq(checkpoint_tools.remove(&place, &all, take, &t, NULL), DLFW_OK);
    ck_assert_uint_eq(fake_services_count(&f->services, FOLDER), 0);
    fixture_free(f);
}
END_TEST

START_TEST(remove_passes_what_cannot_be_loaded)
{
    struct store_fixture *f = with_checkpoints(2, COMPRESS_NONE);
    dlfw_checkpoint_place place = fixture_place(f);
    dlfw_checkpoint_select step = {.flags = DLFW_CHECKPOINT_SELECT_STEP, .step = 2};
    struct told t = {0};

    put(f, "manifests/" NEW ".json", "{}"); /* the newest by its name, but `latest` must not name it */
    ck_assert_int_eq(checkpoint_tools.remove(&place, &step, take, &t, NULL), DLFW_OK);
    ck_assert(latest_is(f, "ckpt-1-"));
    step = (dlfw_checkpoint_select){.name = NEW}; /* what cannot be understood can still be removed */
    put(f, "shards/bin/0110/" NEW "/rank-6.bin", "x");
    ck_assert_int_eq(checkpoint_tools.remove(&place, &step, take, &t, NULL), DLFW_OK);
    ck_assert_uint_eq(fixture_verify_all(f), 1);
    fixture_assert_tidy(f);
    fixture_free(f);
}
END_TEST

START_TEST(work_under_way_is_not_removed)
{
    struct store_fixture *f = with_checkpoints(1, COMPRESS_NONE);
    dlfw_checkpoint_place place = fixture_place(f);
    dlfw_checkpoint_select all = {.flags = DLFW_CHECKPOINT_SELECT_ALL};
    char name[64];
    struct store s;
    struct told t = {0};
    dlfw_error err = FAKE_ERROR(f->text);

    snprintf(name, sizeof name, "%.*s", (int)strcspn(strstr(object_with(f, "/manifests/", "")->uri, "ckpt-"), "."),
             strstr(object_with(f, "/manifests/", "")->uri, "ckpt-"));
    ck_assert_int_eq(store_init(&s, &f->host.table, NULL, FOLDER, NULL), DLFW_OK);
    s.services = &f->services.table;
    s.services_ctx = &f->services;
    ck_assert_int_eq(intent_begin(&s, name, INTENT_REMOVE, NULL), DLFW_OK);
    ck_assert_int_eq(checkpoint_tools.remove(&place, &all, take, &t, &err), DLFW_E_BUSY);
    ck_assert_msg(strstr(f->text, "being removed by a process on this machine"), "%s", f->text);
    ck_assert_uint_eq(fixture_verify_all(f), 1);
    fixture_kill_owners(f);
    ck_assert_int_eq(checkpoint_tools.remove(&place, &all, take, &t, &err), DLFW_OK);
    ck_assert_uint_eq(fake_services_count(&f->services, FOLDER), 0);
    fixture_free(f);
}
END_TEST

#define HOUR 3600000000000ull

enum owner { NO_INTENT, ALIVE, GONE, ELSEWHERE };

static const struct {
    const char *name;
    enum owner owner;
    uint64_t min_age_ns;
    bool cleaned;
} unfinished[] = {
    {OLD, NO_INTENT, HOUR, true}, {OLD, ALIVE, HOUR, false},     {OLD, ALIVE, 0, false},
    {OLD, GONE, HOUR, true},      {OLD, ELSEWHERE, HOUR, true},  {NEW, NO_INTENT, HOUR, false},
    {NEW, NO_INTENT, 0, true},    {NEW, GONE, UINT64_MAX, true}, {NEW, ELSEWHERE, HOUR, false},
    {NEW, ELSEWHERE, 0, true},
};

static void begin_intent(struct store_fixture *f, const char *name, enum owner owner)
{
    char key[STORE_KEY_MAX];
    struct store s;

    layout_intent_key(name, key);
    if (owner == ELSEWHERE)
        put(f, key, "{\"intent\":\"save\",\"machine\":\"another\",\"pid\":1,\"start_time\":1}");
    if (owner != ALIVE && owner != GONE)
        return;
    ck_assert_int_eq(store_init(&s, &f->host.table, NULL, FOLDER, NULL), DLFW_OK);
    s.services = &f->services.table;
    s.services_ctx = &f->services;
    ck_assert_int_eq(intent_begin(&s, name, INTENT_SAVE, NULL), DLFW_OK);
    if (owner == GONE)
        fixture_kill_owners(f);
}

static dlfw_status clean(struct store_fixture *f, uint64_t min_age_ns, bool dry_run, struct told *t)
{
    dlfw_checkpoint_place place = fixture_place(f);
    dlfw_checkpoint_clean args = {
        .struct_size = sizeof args, .flags = dry_run ? DLFW_CHECKPOINT_DRY_RUN : 0, .min_age_ns = min_age_ns};
    dlfw_error err = FAKE_ERROR(f->text);

    *t = (struct told){0};
    return checkpoint_tools.clean(&place, &args, take, t, &err);
}

START_TEST(unfinished_saves_are_cleaned_when_nobody_works_on_them)
{
    struct store_fixture *f = with_checkpoints(2, COMPRESS_NONE);
    struct told t;
    char key[STORE_KEY_MAX];
    uint32_t before;

    begin_intent(f, unfinished[_i].name, unfinished[_i].owner);
    layout_shard_key(LAYOUT_FLAT, unfinished[_i].name, 0, CODEC_ZSTD, key);
    put(f, key, "half");
    layout_shard_key(LAYOUT_ROUND_ROBIN, unfinished[_i].name, 19, CODEC_NONE, key);
    put(f, key, "half");
    before = fake_services_count(&f->services, FOLDER);
    ck_assert_int_eq(clean(f, unfinished[_i].min_age_ns, true, &t), DLFW_OK);
    ck_assert_uint_eq(t.done, 0);
    ck_assert_uint_eq(fake_services_count(&f->services, FOLDER), before);
    ck_assert_int_eq(t.count > 0, unfinished[_i].cleaned);
    ck_assert_int_eq(clean(f, unfinished[_i].min_age_ns, false, &t), DLFW_OK);
    ck_assert_uint_eq(t.done, t.count);
    ck_assert_int_eq(has(f, key), !unfinished[_i].cleaned);
    if (unfinished[_i].cleaned)
        fixture_assert_tidy(f);
    ck_assert_uint_eq(fixture_verify_all(f), 2);
    fixture_free(f);
}
END_TEST

/* Killed between the manifest and `latest`: the checkpoint is there, cleaning finishes the save. */
START_TEST(a_committed_save_is_finished)
{
    struct store_fixture *f = with_checkpoints(2, COMPRESS_NONE);
    struct fake_object *marker = object_with(f, "/latest/", "ckpt-2-"), *latest = object_with(f, "/latest.json", "");
    struct fake_object *before = object_with(f, "/latest/", "ckpt-1-");
    char name[64];
    struct told t;

    snprintf(name, sizeof name, "%.*s", (int)strcspn(strstr(marker->uri, "ckpt-"), "."), strstr(marker->uri, "ckpt-"));
    fake_services_put(&f->services, latest->uri, before->data, before->len);
    f->services.table.remove(&f->services, marker->uri, NULL);
    begin_intent(f, name, GONE);
    ck_assert(latest_is(f, "ckpt-1-"));
    ck_assert_int_eq(clean(f, HOUR, false, &t), DLFW_OK);
    ck_assert(latest_is(f, "ckpt-2-"));
    ck_assert_ptr_nonnull(object_with(f, "/latest/", "ckpt-2-"));
    ck_assert_uint_eq(fixture_verify_all(f), 2);
    fixture_assert_tidy(f);
    fixture_free(f);
}
END_TEST

static const char *const dangling[] = {
    "{\"manifest_key\":\"manifests/" OLD ".json\",\"global_step\":9,\"ts\":\"20200101-000000\"}", "{", ""};

START_TEST(latest_is_mended)
{
    struct store_fixture *f = with_checkpoints(_i % 2 ? 2 : 0, COMPRESS_NONE);
    struct told t;

    put(f, "latest.json", dangling[_i / 2]);
    put(f, "latest/" NEW ".json", dangling[_i / 2]);
    ck_assert_int_eq(clean(f, HOUR, false, &t), DLFW_OK);
    ck_assert_uint_eq(t.count, 2);
    ck_assert_int_eq(latest_is(f, "ckpt-2-"), _i % 2);
    ck_assert_int_eq(has(f, "latest.json"), _i % 2);
    ck_assert(!has(f, "latest/" NEW ".json"));
    fixture_verify_all(f);
    fixture_free(f);
}
END_TEST

START_TEST(other_names_are_left_alone)
{
    static const char *const names[] = {
        "shards/notes.txt",
        "shards/" OLD "/notes.txt",
        "shards/" OLD "/rank-x.bin",
        "shards/other/rank-0.bin",
        "shards/rr/zz/a/rank-0.bin",
        "manifests/" OLD ".json.bak",
        "intents/readme",
        "latest/readme.json",
        "global_epoch1_step1/model.pt",
        "shards/" OLD "/rank-0.bin.gz",
    };
    struct store_fixture *f = with_checkpoints(1, COMPRESS_NONE);
    struct told t;

    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++)
        put(f, names[i], "mine");
    ck_assert_int_eq(clean(f, 0, false, &t), DLFW_OK);
    ck_assert_msg(t.count == 0, "%s", t.names);
    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_msg(has(f, names[i]), "%s", names[i]);
    fixture_free(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checkpoint_store_tools");
    TCase *t = tcase_create("tools");
    SRunner *runner;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_test(t, list_is_in_order_and_keeps_what_is_broken);
    tcase_add_test(t, verify_reports_each);
    tcase_add_loop_test(t, selection_says_what_is_missing, 0, 3);
    tcase_add_loop_test(t, restore_gives_the_raw_shards, 0, 3);
    tcase_add_test(t, remove_moves_latest_before);
    tcase_add_test(t, remove_passes_what_cannot_be_loaded);
    tcase_add_test(t, work_under_way_is_not_removed);
    tcase_add_loop_test(t, unfinished_saves_are_cleaned_when_nobody_works_on_them, 0,
                        (int)(sizeof unfinished / sizeof *unfinished));
    tcase_add_test(t, a_committed_save_is_finished);
    tcase_add_loop_test(t, latest_is_mended, 0, 6);
    tcase_add_test(t, other_names_are_left_alone);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
