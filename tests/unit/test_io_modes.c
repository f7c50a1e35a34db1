/* SPDX-License-Identifier: Apache-2.0 */
/* How a queue reaches its backend, and what the backend's limits and thread class do to it. */
#include <check.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "support/script_backend.h"

#define MS 1000000ull

static const struct {
    const char *name;
    struct script_config config;
    uint32_t asked, depth;
    const char *mode;
} shapes[] = {
    {"native", {.native = true}, 64, 64, "native"},
    {"both: the queue wins", {.native = true, .blocking = true}, 64, 64, "native"},
    {"native depth 1", {.native = true}, 1, 1, "native"},
    {"depth 0 is 1", {.native = true}, 0, 1, "native"},
    {"native local", {.native = true, .caps = DLFW_BACKEND_LOCAL}, 8, 8, "native"},
    {"blocking depth 1", {.blocking = true}, 1, 1, "inline"},
    {"blocking deep", {.blocking = true}, 200, 200, "pool"},
    {"blocking local deep", {.blocking = true, .caps = DLFW_BACKEND_LOCAL}, 64, 1, "inline"},
    {"queue refused", {.native = true, .blocking = true, .no_queue = true}, 8, 8, "pool"},
    {"queue refused depth 1", {.native = true, .blocking = true, .no_queue = true}, 1, 1, "inline"},
    {"max_inflight", {.native = true, .limits = {.max_inflight = 5}}, 64, 5, "native"},
    {"max_inflight 1", {.blocking = true, .limits = {.max_inflight = 1}}, 64, 1, "inline"},
};

START_TEST(mode_and_depth)
{
    struct script *script = script_create(&shapes[_i].config);
    struct storage *storage = script_storage(script, NULL);
    struct io_queue *queue;

    ck_assert_int_eq(io_queue_create(storage, shapes[_i].asked, &queue, NULL), DLFW_OK);
    ck_assert_str_eq(io_queue_mode(queue), shapes[_i].mode);
    ck_assert_uint_eq(io_queue_depth(queue), shapes[_i].depth);
    io_queue_destroy(queue);
    storage_close(storage);
    script_destroy(script);
}
END_TEST

/* A queue that moves between threads: never the backend's own where perform() will do, threads where more than one
 * request in flight gains something. */
static const struct {
    struct script_config config;
    const char *mode, *yaml;
    uint32_t depth;
} moving[] = {
    {{.native = true, .blocking = true}, "pool", NULL, 4},
    {{.native = true, .blocking = true, .caps = DLFW_BACKEND_LOCAL}, "inline", NULL, 1},
    {{.native = true, .blocking = true, .caps = DLFW_BACKEND_LOCAL | DLFW_BACKEND_DIRECT}, "pool", NULL, 4},
    {{.native = true}, "native", NULL, 4},
    {{.blocking = true}, "pool", NULL, 4},
    {{.native = true, .blocking = true}, "pool", "wrap: [delay: {read: 1us}]", 4},
    {{.native = true, .blocking = true, .caps = DLFW_BACKEND_LOCAL}, "inline", "wrap: [delay: {read: 1us}]", 4},
};

static void *read_elsewhere(void *arg)
{
    uint8_t buf[16];
    struct io_op op = {.op = DLFW_OP_GET, .key = "k", .key_len = 1, .buf = buf, .buf_cap = 16, .length = 16};

    return io_call(arg, &op, NULL) == DLFW_OK && op.bytes == 16 ? arg : NULL;
}

START_TEST(queues_may_move_between_threads)
{
    struct script *script = script_create(&moving[_i].config);
    struct storage *storage = script_storage(script, moving[_i].yaml);
    struct io_queue *queue;

    script_set(script, "k", "0123456789abcdef", 16);
    ck_assert_int_eq(io_queue_create_moving(storage, 4, &queue, NULL), DLFW_OK);
    ck_assert_str_eq(io_queue_mode(queue), moving[_i].mode);
    ck_assert_uint_eq(io_queue_depth(queue), moving[_i].depth);
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        void *good = NULL;

        ck_assert_int_eq(pthread_create(&thread, NULL, read_elsewhere, queue), 0);
        pthread_join(thread, &good);
        ck_assert_ptr_nonnull(good);
        ck_assert_ptr_nonnull(read_elsewhere(queue));
    }
    io_queue_destroy(queue);
    storage_close(storage);
    script_destroy(script);
}
END_TEST

START_TEST(a_refused_queue_without_perform_is_an_error)
{
    struct script *script = script_create(&(struct script_config){.native = true, .no_queue = true});
    struct storage *storage = script_storage(script, NULL);
    struct io_queue *queue = NULL;
    struct error_slot err;

    error_slot_init(&err);
    ck_assert_int_eq(io_queue_create(storage, 4, &queue, &err.e), DLFW_E_UNSUPPORTED);
    ck_assert_ptr_null(queue);
    ck_assert_str_eq(err.text, "cannot use storage 'script://root': no queues today");
    storage_close(storage);
    script_destroy(script);
}
END_TEST

START_TEST(more_queues_than_allowed_are_refused)
{
    struct script *script = script_create(&(struct script_config){.native = true, .limits = {.max_queues = 2}});
    struct storage *storage = script_storage(script, NULL);
    struct io_queue *queues[3] = {NULL};
    struct error_slot err;

    error_slot_init(&err);
    ck_assert_int_eq(io_queue_create(storage, 4, &queues[0], NULL), DLFW_OK);
    ck_assert_int_eq(io_queue_create(storage, 4, &queues[1], NULL), DLFW_OK);
    ck_assert_int_eq(io_queue_create(storage, 4, &queues[2], &err.e), DLFW_E_BUSY);
    ck_assert_ptr_nonnull(strstr(err.text, "2 queues"));
    io_queue_destroy(queues[0]);
    ck_assert_int_eq(io_queue_create(storage, 4, &queues[0], NULL), DLFW_OK);
    io_queue_destroy(queues[0]);
    io_queue_destroy(queues[1]);
    storage_close(storage);
    script_destroy(script);
}
END_TEST

static struct io_op get(uint8_t *buf)
{
    return (struct io_op){.op = DLFW_OP_GET, .key = "k", .key_len = 1, .buf = buf, .buf_cap = 16, .length = 16};
}

/* count requests of 10 ms each through one queue; returns how long it took. */
static uint64_t run_slow(const struct script_config *config, uint32_t count, uint32_t depth, uint32_t *ret_max)
{
    struct script_config slow = *config;
    struct script *script;
    struct storage *storage;
    struct io_queue *queue;
    struct io_op ops[64];
    struct io_op *done[64];
    uint8_t bufs[64][16];
    uint64_t start;

    slow.delay_ns = 10 * MS;
    script = script_create(&slow);
    script_set(script, "k", "0123456789abcdef", 16);
    storage = script_storage(script, NULL);
    ck_assert_int_eq(io_queue_create(storage, depth, &queue, NULL), DLFW_OK);
    start = clock_now_ns();
    for (uint32_t i = 0; i < count; i++) {
        ops[i] = get(bufs[i]);
        ck_assert(io_queue_submit(queue, &ops[i]));
    }
    for (uint32_t n = 0; n < count;)
        n += io_queue_reap(queue, done, 64, count - n, UINT64_MAX);
    start = clock_now_ns() - start;
    for (uint32_t i = 0; i < count; i++)
        ck_assert_int_eq(ops[i].status, DLFW_OK);
    *ret_max = script_max_running(script);
    io_queue_destroy(queue);
    storage_close(storage);
    script_destroy(script);
    return start;
}

START_TEST(the_pool_works_in_parallel)
{
    uint32_t max;

    ck_assert_uint_lt(run_slow(&(struct script_config){.blocking = true}, 64, 64, &max), 500 * MS); /* 640 one by one */
    ck_assert_uint_gt(max, 8);
    ck_assert_uint_le(max, 64);
}
END_TEST

START_TEST(a_serial_backend_is_never_called_twice_at_once)
{
    uint32_t max;

    run_slow(&(struct script_config){.blocking = true, .thread_class = DLFW_THREADS_SERIAL_INSTANCE}, 8, 8, &max);
    ck_assert_uint_eq(max, 1);
}
END_TEST

struct worker {
    struct storage *storage;
    pthread_t thread;
};

static void *read_some(void *arg)
{
    struct worker *w = arg;
    struct io_queue *queue;
    uint8_t buf[16];

    if (io_queue_create(w->storage, 4, &queue, NULL) < 0)
        return w;
    for (uint32_t i = 0; i < 50; i++) {
        struct io_op op = get(buf);

        if (io_call(queue, &op, NULL) < 0)
            return w;
    }
    io_queue_destroy(queue);
    return NULL;
}

/* Several threads, each with its queue, on one backend that wants one call at a time. */
START_TEST(serial_classes_hold_over_all_queues)
{
    static const struct script_config configs[] = {
        {.blocking = true, .caps = DLFW_BACKEND_LOCAL, .thread_class = DLFW_THREADS_SERIAL_INSTANCE},
        {.blocking = true, .thread_class = DLFW_THREADS_SERIAL_PROCESS},
        {.native = true, .thread_class = DLFW_THREADS_SERIAL_INSTANCE},
    };
    struct script *script = script_create(&configs[_i]);
    struct worker workers[4];
    void *failed;

    script_set(script, "k", "0123456789abcdef", 16);
    for (uint32_t i = 0; i < 4; i++)
        workers[i].storage = i ? workers[0].storage : script_storage(script, NULL);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, read_some, &workers[i]), 0);
    for (uint32_t i = 0; i < 4; i++) {
        pthread_join(workers[i].thread, &failed);
        ck_assert_ptr_null(failed);
    }
    ck_assert_uint_eq(script_calls(script, DLFW_OP_GET), 200);
    if (configs[_i].blocking)
        ck_assert_uint_eq(script_max_running(script), 1);
    storage_close(workers[0].storage);
    script_destroy(script);
}
END_TEST

/* Where the root is still to be made, the limits are asked with the first key that is read. */
START_TEST(a_missing_root_does_not_stop_a_queue)
{
    struct script *script = script_create(&(struct script_config){
        .native = true, .root_missing = true, .limits = {.read_offset_align = 8, .read_length_align = 8}});
    struct storage *storage = script_storage(script, NULL);
    struct io_queue *queue;
    uint8_t buf[16];
    struct io_op op = get(buf);

    script_set(script, "k", "0123456789abcdef", 16);
    ck_assert_int_eq(io_queue_create(storage, 4, &queue, NULL), DLFW_OK);
    ck_assert_int_eq(io_make_root(queue, "", NULL), DLFW_OK);
    op.offset = 9;
    op.length = 4;
    ck_assert_int_eq(io_call(queue, &op, NULL), DLFW_OK);
    ck_assert_mem_eq(op.data, "9abc", 4);
    io_queue_destroy(queue);
    storage_close(storage);
    script_destroy(script);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io_modes");
    TCase *tc = tcase_create("io_modes");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, mode_and_depth, 0, (int)(sizeof shapes / sizeof *shapes));
    tcase_add_loop_test(tc, queues_may_move_between_threads, 0, (int)(sizeof moving / sizeof *moving));
    tcase_add_test(tc, a_refused_queue_without_perform_is_an_error);
    tcase_add_test(tc, more_queues_than_allowed_are_refused);
    tcase_add_test(tc, the_pool_works_in_parallel);
    tcase_add_test(tc, a_serial_backend_is_never_called_twice_at_once);
    tcase_add_loop_test(tc, serial_classes_hold_over_all_queues, 0, 3);
    tcase_add_test(tc, a_missing_root_does_not_stop_a_queue);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
