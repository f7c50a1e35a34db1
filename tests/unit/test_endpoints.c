/* SPDX-License-Identifier: Apache-2.0 */
/* Several endpoints as one storage: where requests go, what a failing endpoint does to them, what a wait costs. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "io/stream_writer.h"
#include "support/script_backend.h"

#define MS 1000000u
#define OBJECTS 64u
#define OBJECT_BYTES 3000u
#define MAX 4u

static struct script *scripts[MAX];
static uint32_t count;
static struct storage *storage;
static struct io_queue *queue;
static struct error_slot err;

static void open_all(const struct script_config *configs, uint32_t n, uint32_t depth, const char *yaml)
{
    uint8_t data[OBJECT_BYTES];
    char key[32];

    error_slot_init(&err);
    count = n;
    for (uint32_t i = 0; i < n; i++)
        scripts[i] = script_create(&configs[i]);
    for (uint32_t k = 0; k < OBJECTS; k++) {
        snprintf(key, sizeof key, "k%u", k);
        script_fill(data, sizeof data, k);
        for (uint32_t i = 0; i < n; i++)
            script_set(scripts[i], key, data, sizeof data);
    }
    storage = script_endpoints(scripts, n, yaml ? yaml : "retry: {backoff: 1ms}");
    ck_assert_msg(io_queue_create(storage, depth, &queue, &err.e) == DLFW_OK, "%s", err.text);
}

static void open_same(const struct script_config *config, uint32_t n, uint32_t depth, const char *yaml)
{
    struct script_config configs[MAX];

    for (uint32_t i = 0; i < n; i++)
        configs[i] = *config;
    open_all(configs, n, depth, yaml);
}

static void close_all(void)
{
    io_queue_destroy(queue);
    storage_close(storage);
    for (uint32_t i = 0; i < count; i++)
        script_destroy(scripts[i]);
}

struct read {
    struct io_op op;
    char key[32];
    uint32_t number;
    _Alignas(64) uint8_t data[OBJECT_BYTES + 64];
};

static void begin_read(struct read *r, uint32_t number)
{
    r->number = number % OBJECTS;
    r->op = (struct io_op){.op = DLFW_OP_GET,
                           .flags = DLFW_REQ_WHOLE,
                           .key = r->key,
                           .key_len = (uint32_t)snprintf(r->key, sizeof r->key, "k%u", r->number),
                           .buf = r->data,
                           .buf_cap = sizeof r->data,
                           .length = OBJECT_BYTES,
                           .user = r};
    ck_assert(io_queue_submit(queue, &r->op));
}

static void check_read(const struct read *r)
{
    uint8_t expected[OBJECT_BYTES];

    script_fill(expected, sizeof expected, r->number);
    ck_assert_msg(r->op.status == DLFW_OK, "%s", r->op.err.text);
    ck_assert_uint_eq(r->op.bytes, OBJECT_BYTES);
    ck_assert_mem_eq(r->op.data, expected, OBJECT_BYTES);
}

/* total reads, depth in flight, each checked. */
static void read_many(uint32_t total)
{
    uint32_t depth = io_queue_depth(queue), begun = 0, ended = 0;
    struct read *reads = calloc(depth, sizeof *reads);
    struct io_op *done[16];

    for (; begun < depth && begun < total; begun++)
        begin_read(&reads[begun], begun);
    while (ended < total) {
        uint32_t n = io_queue_reap(queue, done, 16, 1, UINT64_MAX);

        for (uint32_t i = 0; i < n; i++, ended++) {
            struct read *r = done[i]->user;

            check_read(r);
            if (begun < total)
                begin_read(r, begun++);
        }
    }
    free(reads);
}

static const struct {
    struct script_config config;
    const char *yaml;
} kinds[] = {
    {{.native = true, .waits_on_fd = true, .delay_ns = MS / 4, .jitter_ns = MS}, NULL},
    {{.native = true, .delay_ns = MS / 4, .jitter_ns = MS}, NULL},
    {{.native = true}, NULL},
    {{.native = true, .waits_on_fd = true, .delay_ns = MS / 4, .submit_max = 1}, NULL},
    {{.blocking = true, .delay_ns = MS / 4, .jitter_ns = MS}, NULL},
    {{.blocking = true, .caps = DLFW_BACKEND_LOCAL}, NULL},
    {{.native = true, .thread_class = DLFW_THREADS_SERIAL_INSTANCE, .delay_ns = MS / 4}, NULL},
    {{.native = true, .waits_on_fd = true, .delay_ns = MS / 4, .jitter_ns = MS},
     "options: {endpoint_strategy: least_connections}"},
    {{.native = true, .waits_on_fd = true, .delay_ns = MS / 4, .jitter_ns = MS},
     "options: {endpoint_strategy: latency}"},
    {{.native = true, .waits_on_fd = true, .delay_ns = MS / 4}, "wrap: [{delay: {read: 1ms, jitter: 1ms}}]"},
    {{.native = true, .waits_on_fd = true, .limits = {.read_length_align = 8, .mem_align = 8}}, NULL},
};

START_TEST(every_way_of_waiting_reads_the_right_bytes)
{
    uint64_t sum = 0;

    open_same(&kinds[_i].config, 3, 8, kinds[_i].yaml);
    ck_assert_uint_eq(storage_endpoint_count(storage), 3);
    read_many(300);
    for (uint32_t i = 0; i < 3; i++) {
        struct storage_endpoint e;

        storage_endpoint_get(storage, i, &e);
        ck_assert_uint_eq(e.requests, script_calls(scripts[i], DLFW_OP_GET));
        ck_assert_uint_gt(e.requests, 0);
        ck_assert_uint_eq(e.bytes_read, e.requests * OBJECT_BYTES);
        ck_assert_uint_eq(e.in_flight, 0);
        ck_assert_uint_gt(e.service_ns, 0);
        sum += e.requests;
    }
    ck_assert_uint_eq(sum, 300);
    close_all();
}
END_TEST

START_TEST(turns_are_even)
{
    open_same(&(struct script_config){.native = true}, 4, 8, NULL);
    read_many(400);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_uint_eq(script_calls(scripts[i], DLFW_OP_GET), 100);
    close_all();
}
END_TEST

START_TEST(a_slow_endpoint_gets_less)
{
    const struct script_config configs[] = {{.native = true, .waits_on_fd = true, .delay_ns = 20 * MS},
                                            {.native = true, .waits_on_fd = true, .delay_ns = MS}};

    open_all(configs, 2, 4,
             _i ? "options: {endpoint_strategy: latency}" : "options: {endpoint_strategy: least_connections}");
    read_many(200);
    ck_assert_uint_lt(script_calls(scripts[0], DLFW_OP_GET) * 2, script_calls(scripts[1], DLFW_OP_GET));
    close_all();
}
END_TEST

START_TEST(waiting_costs_nothing)
{
    struct script_config config = {.native = true, .waits_on_fd = true, .delay_ns = 300 * MS};
    struct read reads[4];
    struct io_op *done[4];
    struct timespec before, after;
    uint64_t cpu;

    open_same(&config, 2, 4, NULL);
    for (uint32_t i = 0; i < 4; i++)
        begin_read(&reads[i], i);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    ck_assert_uint_eq(io_queue_reap(queue, done, 4, 4, UINT64_MAX), 4);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    cpu = (uint64_t)(after.tv_sec - before.tv_sec) * NS_PER_S + (uint64_t)after.tv_nsec - (uint64_t)before.tv_nsec;
    ck_assert_uint_lt(cpu, 30 * MS);
    close_all();
}
END_TEST

START_TEST(a_timeout_ends_the_wait)
{
    struct script_config config = {.native = true, .waits_on_fd = _i, .delay_ns = 1500 * MS};
    struct read reads[4];
    struct io_op *done[4];
    uint64_t start, took;

    open_same(&config, 2, 4, NULL);
    for (uint32_t i = 0; i < 4; i++)
        begin_read(&reads[i], i);
    start = clock_now_ns();
    ck_assert_uint_eq(io_queue_reap(queue, done, 4, 1, 30 * MS), 0);
    took = clock_now_ns() - start;
    ck_assert_uint_ge(took, 29 * MS);
    ck_assert_uint_lt(took, 1200 * MS);
    ck_assert_uint_eq(io_queue_reap(queue, done, 4, 4, UINT64_MAX), 4);
    close_all();
}
END_TEST

static void *wake_later(void *arg)
{
    nanosleep(&(struct timespec){.tv_nsec = 30 * MS}, NULL);
    io_queue_wakeup(arg);
    return NULL;
}

START_TEST(a_wakeup_ends_the_wait)
{
    struct script_config config = {.native = true, .waits_on_fd = _i, .delay_ns = 10000 * MS};
    struct read reads[4];
    struct io_op *done[4];
    uint64_t start;
    pthread_t thread;

    open_same(&config, 2, 4, NULL);
    for (uint32_t i = 0; i < 4; i++)
        begin_read(&reads[i], i);
    ck_assert_int_eq(pthread_create(&thread, NULL, wake_later, queue), 0);
    start = clock_now_ns();
    ck_assert_uint_eq(io_queue_reap(queue, done, 4, 1, UINT64_MAX), 0);
    ck_assert_uint_lt(clock_now_ns() - start, 5000 * MS);
    pthread_join(thread, NULL);
    start = clock_now_ns();
    io_queue_cancel(queue);
    ck_assert_uint_eq(io_queue_reap(queue, done, 4, 4, UINT64_MAX), 4);
    ck_assert_uint_lt(clock_now_ns() - start, 5000 * MS);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_int_eq(reads[i].op.status, DLFW_E_CANCELLED);
    close_all();
}
END_TEST

START_TEST(a_failed_request_goes_to_another_endpoint)
{
    struct storage_endpoint e;

    open_same(&(struct script_config){.native = true, .waits_on_fd = true}, 3, 4, NULL);
    script_set_down(scripts[1], true);
    read_many(100);
    ck_assert_uint_eq(io_queue_stats(queue)->errors, 0);
    storage_endpoint_get(storage, 1, &e);
    ck_assert_uint_ge(e.errors, 3);
    ck_assert_uint_lt(e.errors, 20); /* set aside: it is left alone */
    ck_assert(e.is_aside);
    ck_assert_uint_ge(e.times_set_aside, 1);
    ck_assert_uint_eq(e.bytes_read, 0);
    close_all();
}
END_TEST

START_TEST(an_endpoint_that_works_again_is_used_again)
{
    struct storage_endpoint e;
    uint64_t until = clock_now_ns() + 5 * NS_PER_S, before;

    open_same(&(struct script_config){.native = true, .waits_on_fd = true, .delay_ns = MS}, 2, 4, NULL);
    script_set_down(scripts[1], true);
    read_many(40);
    script_set_down(scripts[1], false);
    before = script_calls(scripts[1], DLFW_OP_GET);
    do {
        read_many(20);
        storage_endpoint_get(storage, 1, &e);
    } while (e.is_aside && clock_now_ns() < until);
    ck_assert(!e.is_aside);
    read_many(20);
    ck_assert_uint_gt(script_calls(scripts[1], DLFW_OP_GET), before + 5);
    close_all();
}
END_TEST

START_TEST(when_all_fail_the_error_names_them_all)
{
    uint64_t size;

    open_same(&(struct script_config){.native = true}, 3, 4, "retry: {backoff: 1ms, max_attempts: 4}");
    for (uint32_t i = 0; i < 3; i++)
        script_set_down(scripts[i], true);
    ck_assert_int_eq(io_stat(queue, "k1", &size, &err.e), DLFW_E_UNAVAILABLE);
    for (uint32_t i = 0; i < 3; i++) {
        char name[32];

        snprintf(name, sizeof name, "'script://%u'", i);
        ck_assert_msg(strstr(err.text, name) != NULL, "%s", err.text);
        ck_assert_uint_ge(script_calls(scripts[i], DLFW_OP_STAT), 1);
    }
    ck_assert_msg(strstr(err.text, "connection refused") && strstr(err.text, "'k1'") && strstr(err.text, "4 attempts"),
                  "%s", err.text);
    close_all();
}
END_TEST

START_TEST(failures_of_the_object_are_no_failures_of_the_endpoint)
{
    uint64_t size;

    open_same(&(struct script_config){.native = true}, 2, 4, NULL);
    for (uint32_t i = 0; i < 20; i++)
        ck_assert_int_eq(io_stat(queue, "none", &size, &err.e), DLFW_E_NOT_FOUND);
    ck_assert_str_eq(err.text, "cannot stat 'none': no such object");
    for (uint32_t i = 0; i < 2; i++) {
        struct storage_endpoint e;

        storage_endpoint_get(storage, i, &e);
        ck_assert_uint_eq(e.errors, 0);
        ck_assert(!e.is_aside);
        ck_assert_uint_eq(e.requests, 10);
    }
    close_all();
}
END_TEST

static bool see(void *ctx, const char *name, uint32_t name_len, uint64_t size)
{
    (void)name;
    (void)name_len;
    ck_assert_uint_eq(size, OBJECT_BYTES);
    return ++*(uint32_t *)ctx != 45;
}

START_TEST(a_listing_stays_where_it_began)
{
    uint32_t seen = 0;

    open_same(&(struct script_config){.native = true, .page_entries = 10}, 2, 4, NULL);
    script_rule(scripts[0], (struct script_rule){.op = DLFW_OP_LIST,
                                                 .from = 2,
                                                 .count = 1,
                                                 .status = DLFW_E_UNAVAILABLE,
                                                 .flags = DLFW_ERR_RETRYABLE,
                                                 .after = true});
    ck_assert_int_eq(io_list(queue, "k", true, see, &seen, &err.e), DLFW_OK);
    ck_assert_uint_eq(seen, 45);
    ck_assert_uint_eq(script_calls(scripts[0], DLFW_OP_LIST) == 0, script_calls(scripts[1], DLFW_OP_LIST) != 0);
    seen = 100;
    ck_assert_int_eq(io_list(queue, "k", true, see, &seen, &err.e), DLFW_OK);
    ck_assert_uint_eq(seen, 100 + OBJECTS);
    close_all();
}
END_TEST

START_TEST(an_upload_stays_where_it_began)
{
    struct buffer_pool *pool;
    uint8_t *data = malloc(200000);
    const uint8_t *there = NULL;
    uint32_t holders = 0;
    size_t len;

    open_same(
        &(struct script_config){
            .native = true, .waits_on_fd = true, .jitter_ns = MS, .limits = {.preferred_part = 10000}},
        3, 4, NULL);
    script_fill(data, 200000, 0);
    ck_assert_int_eq(pool_create(storage, 64 << 20, &pool, &err.e), DLFW_OK);
    for (uint32_t round = 0; round < 4; round++) {
        struct stream_writer_args args = {.queue = queue, .pool = pool, .key = round % 2 ? "up" : "aborted"};
        struct stream_writer *w;

        ck_assert_int_eq(writer_open(storage, &args, &w, &err.e), DLFW_OK);
        ck_assert_int_eq(writer_append(w, data, 200000, &err.e), DLFW_OK);
        if (round % 2)
            ck_assert_msg(writer_commit(w, &err.e) == DLFW_OK, "%s", err.text);
        else
            writer_abort(w);
    }
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(script_uploads(scripts[i]), 0);
        if (!script_get(scripts[i], "up", &len))
            continue;
        there = script_get(scripts[i], "up", &len);
        ck_assert_uint_eq(len, 200000);
        ck_assert_mem_eq(there, data, len);
        holders++;
    }
    ck_assert_uint_ge(holders, 1);
    pool_destroy(pool);
    close_all();
    free(data);
}
END_TEST

START_TEST(an_open_object_stays_where_it_was_opened)
{
    struct io_op op = {.op = DLFW_OP_OPEN, .key = "k7", .key_len = 2};
    uint8_t data[100];

    open_same(&(struct script_config){.native = true}, 3, 4, NULL);
    ck_assert_int_eq(io_call(queue, &op, &err.e), DLFW_OK);
    for (uint32_t i = 0; i < 9; i++) {
        op.op = DLFW_OP_GET;
        op.buf = data;
        op.buf_cap = op.length = sizeof data;
        op.offset = i * 10;
        ck_assert_int_eq(io_call(queue, &op, &err.e), DLFW_OK);
        ck_assert_uint_eq(data[5], script_byte(7 + i * 10 + 5));
    }
    op.op = DLFW_OP_CLOSE;
    op.buf = NULL;
    op.length = op.buf_cap = 0;
    ck_assert_int_eq(io_call(queue, &op, &err.e), DLFW_OK);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert(script_calls(scripts[i], 0) == 0 || script_calls(scripts[i], 0) == 11);
    close_all();
}
END_TEST

START_TEST(a_queue_that_dies_leaves_the_others)
{
    struct storage_endpoint e;

    open_same(&(struct script_config){.native = true, .waits_on_fd = true, .delay_ns = MS}, 3, 6, NULL);
    script_rule(scripts[2], (struct script_rule){.from = 2, .count = 1000, .dead = true});
    read_many(120);
    ck_assert_uint_eq(io_queue_stats(queue)->errors, 0);
    ck_assert_uint_gt(script_calls(scripts[0], DLFW_OP_GET), 30);
    ck_assert_uint_gt(script_calls(scripts[1], DLFW_OP_GET), 30);
    storage_endpoint_get(storage, 2, &e);
    ck_assert_uint_gt(e.errors, 0);
    close_all();
}
END_TEST

START_TEST(when_every_queue_dies_requests_fail)
{
    uint64_t size;

    open_same(&(struct script_config){.native = true}, 2, 4, "retry: {backoff: 1ms}");
    for (uint32_t i = 0; i < 2; i++)
        script_rule(scripts[i], (struct script_rule){.from = 0, .count = 1000, .dead = true});
    ck_assert_int_lt(io_stat(queue, "k1", &size, &err.e), 0);
    ck_assert_int_lt(io_stat(queue, "k1", &size, &err.e), 0);
    ck_assert_uint_eq(io_queue_inflight(queue), 0);
    close_all();
}
END_TEST

START_TEST(memory_is_registered_at_each)
{
    struct buffer_pool *pool;
    struct buffer b = {0};
    struct io_op op = {.op = DLFW_OP_GET, .key = "k3", .key_len = 2};

    open_same(&(struct script_config){.native = true}, 3, 4, NULL);
    ck_assert_int_eq(pool_create(storage, 64 << 20, &pool, &err.e), DLFW_OK);
    ck_assert_int_eq(pool_take(pool, 1 << 16, true, &b, &err.e), DLFW_OK);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_uint_gt(script_registered(scripts[i]), 0);
    op.buf = b.data;
    op.buf_cap = b.cap;
    op.length = 100;
    op.mem_handle = b.mem_handle;
    for (uint32_t i = 0; i < 6; i++)
        ck_assert_int_eq(io_call(queue, &op, &err.e), DLFW_OK);
    pool_give(pool, &b);
    pool_destroy(pool);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_uint_eq(script_registered(scripts[i]), 0);
    close_all();
}
END_TEST

static void put(void *ctx, const char *name, const char *unit, uint32_t kind, uint64_t value)
{
    (void)unit;
    (void)kind;
    if (strcmp(name, "endpoint2_requests") == 0)
        *(uint64_t *)ctx = value;
}

START_TEST(figures_are_told)
{
    uint64_t requests = 0;
    const dlfw_stat_sink sink = {.struct_size = sizeof sink, .ctx = &requests, .put = put};

    open_same(&(struct script_config){.native = true}, 2, 4, NULL);
    read_many(50);
    storage_stats(storage, &sink);
    ck_assert_uint_eq(requests, 25);
    close_all();
}
END_TEST

/* Several queues at once, endpoints that come and go. */
static void *reader(void *arg)
{
    struct io_queue *q;
    struct error_slot why;

    (void)arg;
    error_slot_init(&why);
    ck_assert_int_eq(io_queue_create(storage, 4, &q, &why.e), DLFW_OK);
    for (uint32_t i = 0; i < 150; i++) {
        char key[16], *text;
        uint64_t len;

        snprintf(key, sizeof key, "k%u", i % OBJECTS);
        ck_assert_msg(io_read_all(q, key, OBJECT_BYTES, &text, &len, &why.e) == DLFW_OK, "%s", why.text);
        ck_assert_uint_eq((uint8_t)text[9], script_byte(i % OBJECTS + 9));
        free(text);
    }
    io_queue_destroy(q);
    return NULL;
}

START_TEST(threads_share_what_is_known)
{
    pthread_t threads[4];

    open_same(&(struct script_config){.native = true, .waits_on_fd = true, .jitter_ns = MS / 4}, 4, 4,
              "retry: {backoff: 1ms, max_attempts: 20}\noptions: {endpoint_strategy: latency}");
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, reader, NULL), 0);
    for (uint32_t i = 0; i < 20; i++) {
        script_set_down(scripts[i % 4], i / 4 % 2 == 0);
        nanosleep(&(struct timespec){.tv_nsec = 2 * MS}, NULL);
    }
    for (uint32_t i = 0; i < 4; i++)
        script_set_down(scripts[i], false);
    for (uint32_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    close_all();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("endpoints");
    TCase *tc = tcase_create("endpoints");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, every_way_of_waiting_reads_the_right_bytes, 0, (int)(sizeof kinds / sizeof *kinds));
    tcase_add_test(tc, turns_are_even);
    tcase_add_loop_test(tc, a_slow_endpoint_gets_less, 0, 2);
    tcase_add_test(tc, waiting_costs_nothing);
    tcase_add_loop_test(tc, a_timeout_ends_the_wait, 0, 2);
    tcase_add_loop_test(tc, a_wakeup_ends_the_wait, 0, 2);
    tcase_add_test(tc, a_failed_request_goes_to_another_endpoint);
    tcase_add_test(tc, an_endpoint_that_works_again_is_used_again);
    tcase_add_test(tc, when_all_fail_the_error_names_them_all);
    tcase_add_test(tc, failures_of_the_object_are_no_failures_of_the_endpoint);
    tcase_add_test(tc, a_listing_stays_where_it_began);
    tcase_add_test(tc, an_upload_stays_where_it_began);
    tcase_add_test(tc, an_open_object_stays_where_it_was_opened);
    tcase_add_test(tc, a_queue_that_dies_leaves_the_others);
    tcase_add_test(tc, when_every_queue_dies_requests_fail);
    tcase_add_test(tc, memory_is_registered_at_each);
    tcase_add_test(tc, figures_are_told);
    tcase_add_test(tc, threads_share_what_is_known);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
