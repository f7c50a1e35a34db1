/* SPDX-License-Identifier: Apache-2.0 */
/* Several ranks in one process: one name for all, shards of each, and the same end for all when one of them fails. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "test_checkpoint_store_fixture.h"

#define RANKS 3u
#define MESSAGE_MAX (1u << 20)

/* Where the ranks meet. */
struct meeting {
    pthread_barrier_t barrier;
    uint8_t *messages; /* MESSAGE_MAX of each rank */
    struct fake_services *storage;
    const char *fail_uri; /* a writer whose URI holds it does not open; NULL: none */
};

struct rank {
    struct meeting *meeting;
    uint32_t number;
    struct fake_services own; /* events and figures */
    dlfw_hook_services table;
    struct fake_host host;
    struct store_options options;
    dlfw_hook *hook;
    dlfw_hook_ctx ctx;
    uint64_t steps; /* 0: a run that only checkpoints */
    int64_t writes, reads;
    dlfw_status status;
    char text[512];
};

static dlfw_status rank_writer_open(void *ctx, const char *uri, uint64_t hint, uint32_t flags, dlfw_writer **ret,
                                    dlfw_error *err)
{
    const struct rank *r = ctx;
    const char *fail = r->meeting->fail_uri;

    if (fail && strstr(uri, fail))
        return dlfw_fail(err, DLFW_E_NO_SPACE, "'%s' fails on purpose", uri);
    return r->meeting->storage->table.writer_open(r->meeting->storage, uri, hint, flags, ret, err);
}

static dlfw_status rank_source_open(void *ctx, const char *uri, dlfw_source **ret, uint64_t *ret_size, dlfw_error *err)
{
    const struct rank *r = ctx;

    return r->meeting->storage->table.source_open(r->meeting->storage, uri, ret, ret_size, err);
}

static dlfw_status rank_remove(void *ctx, const char *uri, dlfw_error *err)
{
    const struct rank *r = ctx;

    return r->meeting->storage->table.remove(r->meeting->storage, uri, err);
}

static dlfw_status rank_remove_root(void *ctx, const char *uri, dlfw_error *err)
{
    const struct rank *r = ctx;

    return r->meeting->storage->table.remove_root(r->meeting->storage, uri, err);
}

static dlfw_status rank_list(void *ctx, const char *uri, uint32_t recursive,
                             int32_t (*each)(void *each_ctx, const dlfw_listed *item), void *each_ctx, dlfw_error *err)
{
    const struct rank *r = ctx;

    return r->meeting->storage->table.list(r->meeting->storage, uri, recursive, each, each_ctx, err);
}

static void meet(const struct rank *r)
{
    pthread_barrier_wait(&r->meeting->barrier);
}

static dlfw_status rank_barrier(void *ctx, dlfw_error *err)
{
    (void)err;
    meet(ctx);
    return DLFW_OK;
}

static dlfw_status rank_gather(void *ctx, const void *mine, void *all, uint64_t len, dlfw_error *err)
{
    struct rank *r = ctx;

    (void)err;
    ck_assert_uint_le(len, MESSAGE_MAX);
    memcpy(r->meeting->messages + (size_t)r->number * MESSAGE_MAX, mine, len);
    meet(r);
    for (uint32_t i = 0; i < RANKS; i++)
        memcpy((uint8_t *)all + i * len, r->meeting->messages + (size_t)i * MESSAGE_MAX, len);
    meet(r);
    return DLFW_OK;
}

static dlfw_status rank_broadcast(void *ctx, uint32_t root, void *buf, uint64_t len, dlfw_error *err)
{
    struct rank *r = ctx;

    (void)err;
    if (r->number == root)
        memcpy(r->meeting->messages, buf, len);
    meet(r);
    memcpy(buf, r->meeting->messages, len);
    meet(r);
    return DLFW_OK;
}

static void rank_put(void *ctx, const char *name, const char *unit, uint32_t kind, uint64_t value)
{
    (void)ctx, (void)name, (void)unit, (void)kind, (void)value;
}

static void rank_checkpoint(void *ctx, const dlfw_checkpoint_event *event)
{
    struct rank *r = ctx;

    r->own.table.checkpoint(&r->own, event);
}

static struct rank *rank_new(struct meeting *m, uint32_t number)
{
    struct rank *r = calloc(1, sizeof *r);

    ck_assert_ptr_nonnull(r);
    r->meeting = m;
    r->number = number;
    fixture_host(&r->host);
    fake_services_init(&r->own);
    fixture_options(&r->options);
    r->options.common.model = &fixture_sharded_model;
    r->table = m->storage->table;
    r->table.writer_open = rank_writer_open;
    r->table.source_open = rank_source_open;
    r->table.remove = rank_remove;
    r->table.remove_root = rank_remove_root;
    r->table.list = rank_list;
    r->table.barrier = rank_barrier;
    r->table.gather = rank_gather;
    r->table.broadcast = rank_broadcast;
    r->table.put = rank_put;
    r->table.checkpoint = rank_checkpoint;
    r->ctx = (dlfw_hook_ctx){.struct_size = sizeof r->ctx,
                             .rank = number,
                             .world_size = RANKS,
                             .epoch = 1,
                             .services = &r->table,
                             .services_ctx = r};
    return r;
}

/* Threads of Check's process cannot end the test: what goes wrong is in status and text. */
static void *rank_run(void *arg)
{
    extern const dlfw_plugin dlfw_plugin_v1;
    const dlfw_hook_ops *ops = dlfw_plugin_v1.ifaces[0]->ops;
    struct rank *r = arg;
    dlfw_error err = FAKE_ERROR(r->text);
    dlfw_create_args args = {.struct_size = sizeof args,
                             .host = &r->host.table,
                             .host_ctx = &r->host,
                             .instance = "checkpoint_store",
                             .options = &r->options};
    dlfw_status st;

    r->options.common.num_checkpoints_write = r->writes;
    r->options.common.num_checkpoints_read = r->reads;
    r->status = ops->create(&args, &r->hook, &err);
    if (r->status >= 0)
        r->status = ops->initialize(r->hook, &r->ctx, &err);
    r->ctx.phase = r->steps ? DLFW_PHASE_STEP : DLFW_PHASE_WORKLOAD;
    if (r->status >= 0 && !r->steps)
        r->status = ops->workload(r->hook, &r->ctx, &err);
    for (uint64_t step = 1; step <= r->steps && r->status >= 0; step++) {
        r->ctx.step = r->ctx.global_step = step;
        r->status = ops->after_step(r->hook, &r->ctx, &err);
    }
    r->ctx.phase = DLFW_PHASE_FINALIZE;
    st = r->hook ? ops->finalize(r->hook, &r->ctx, &err) : DLFW_OK;
    if (r->status >= 0)
        r->status = st;
    if (r->hook)
        ops->destroy(r->hook);
    return NULL;
}

struct world {
    struct store_fixture *f; /* its services are the storage of all */
    struct meeting meeting;
    struct rank *ranks[RANKS];
};

static struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof *w);

    ck_assert_ptr_nonnull(w);
    w->f = fixture_new();
    w->meeting.storage = &w->f->services;
    w->meeting.messages = malloc((size_t)RANKS * MESSAGE_MAX);
    pthread_barrier_init(&w->meeting.barrier, NULL, RANKS);
    for (uint32_t i = 0; i < RANKS; i++)
        w->ranks[i] = rank_new(&w->meeting, i);
    return w;
}

static void world_run(struct world *w)
{
    pthread_t threads[RANKS];

    for (uint32_t i = 0; i < RANKS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, rank_run, w->ranks[i]), 0);
    for (uint32_t i = 0; i < RANKS; i++)
        pthread_join(threads[i], NULL);
}

static void world_free(struct world *w)
{
    for (uint32_t i = 0; i < RANKS; i++) {
        fake_services_free(&w->ranks[i]->own);
        free(w->ranks[i]);
    }
    pthread_barrier_destroy(&w->meeting.barrier);
    free(w->meeting.messages);
    fixture_free(w->f);
    free(w);
}

static void expect_all(const struct world *w, dlfw_status status, const char *says)
{
    for (uint32_t i = 0; i < RANKS; i++) {
        ck_assert_msg(w->ranks[i]->status == status, "rank %u: %d '%s'", i, w->ranks[i]->status, w->ranks[i]->text);
        ck_assert_msg(strstr(w->ranks[i]->text, says) != NULL, "rank %u: '%s'", i, w->ranks[i]->text);
    }
}

START_TEST(all_ranks_save_one_checkpoint)
{
    struct world *w = world_new();

    for (uint32_t i = 0; i < RANKS; i++) {
        w->ranks[i]->options.compress = (uint32_t)_i % 3;
        w->ranks[i]->options.strategy = (uint32_t)_i % 3;
        w->ranks[i]->options.common.recovery_rank_shift = _i >= 3;
        w->ranks[i]->writes = 2;
        w->ranks[i]->reads = 2;
    }
    world_run(w);
    expect_all(w, DLFW_OK, "");
    ck_assert_uint_eq(fixture_verify_all(w->f), 2);
    ck_assert_uint_eq(fake_services_count(&w->f->services, FOLDER "/shards/"), 2 * RANKS);
    fixture_assert_tidy(w->f);
    world_free(w);
}
END_TEST

/* Ranks that have nothing to write (ZeRO 0) have shards that decode to nothing. */
START_TEST(idle_ranks_have_empty_shards)
{
    struct world *w = world_new();
    struct manifest m;
    struct store s;
    struct checkpoint_id id;

    for (uint32_t i = 0; i < RANKS; i++) {
        w->ranks[i]->options.compress = (uint32_t)_i;
        w->ranks[i]->options.common.model = &fixture_small_model;
        w->ranks[i]->writes = 1;
        w->ranks[i]->reads = 1;
    }
    world_run(w);
    expect_all(w, DLFW_OK, "");
    ck_assert_uint_eq(fixture_verify_all(w->f), 1);
    ck_assert_int_eq(store_init(&s, &w->f->host.table, NULL, FOLDER, NULL), DLFW_OK);
    s.services = &w->f->services.table;
    s.services_ctx = &w->f->services;
    ck_assert_int_eq(load_find_latest(&s, &id, NULL), DLFW_OK);
    ck_assert_int_eq(load_manifest(&s, id.name, &m, NULL), DLFW_OK);
    ck_assert_uint_eq(m.shard_count, RANKS);
    ck_assert_uint_gt(m.shards[0].raw_bytes, 0);
    ck_assert_uint_eq(m.shards[1].raw_bytes, 0);
    ck_assert_uint_eq(m.shards[2].raw_bytes, 0);
    manifest_free(&m);
    world_free(w);
}
END_TEST

static const struct {
    const char *uri, *says;
} failing[] = {
    {"/rank-1.bin", "rank 1: "},  {"/rank-0.bin", "rank 0: "},     {"/intents/", "intents"},
    {"/manifests/", "manifests"}, {"/latest.json", "latest.json"}, {"/latest/", "latest"},
};

START_TEST(one_failure_is_everybodys)
{
    const bool background = _i % 2;
    struct world *w = world_new();

    w->meeting.fail_uri = failing[_i / 2].uri;
    for (uint32_t i = 0; i < RANKS; i++) {
        w->ranks[i]->options.background = background;
        w->ranks[i]->options.common.steps_between_checkpoints = 2;
        w->ranks[i]->steps = 3;
    }
    world_run(w);
    expect_all(w, DLFW_E_NO_SPACE, failing[_i / 2].says);
    w->meeting.fail_uri = NULL;
    ck_assert_uint_eq(fixture_verify_all(w->f), 0);
    ck_assert_uint_eq(fake_services_count(&w->f->services, FOLDER), 0);
    world_free(w);
}
END_TEST

START_TEST(ranks_meet_in_the_background)
{
    struct world *w = world_new();

    for (uint32_t i = 0; i < RANKS; i++) {
        w->ranks[i]->options.background = 1;
        w->ranks[i]->options.compress = COMPRESS_ZSTD;
        w->ranks[i]->options.keep_last = 2;
        w->ranks[i]->options.common.steps_between_checkpoints = 5;
        w->ranks[i]->steps = 23;
    }
    world_run(w);
    expect_all(w, DLFW_OK, "");
    for (uint32_t i = 0; i < RANKS; i++) {
        uint32_t ended = 0;

        for (uint32_t k = 0; k < w->ranks[i]->own.event_count; k++)
            ended += w->ranks[i]->own.events[k].event.what == DLFW_CHECKPOINT_SAVE_END;
        ck_assert_uint_eq(ended, 4);
    }
    ck_assert_uint_eq(fixture_verify_all(w->f), 2);
    fixture_assert_tidy(w->f);
    world_free(w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checkpoint_store_ranks");
    TCase *t = tcase_create("ranks");
    SRunner *runner;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, all_ranks_save_one_checkpoint, 0, 6);
    tcase_add_loop_test(t, idle_ranks_have_empty_shards, 0, 3);
    tcase_add_loop_test(t, one_failure_is_everybodys, 0, (int)(sizeof failing / sizeof *failing) * 2);
    tcase_add_test(t, ranks_meet_in_the_background);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
