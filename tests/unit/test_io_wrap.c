/* SPDX-License-Identifier: Apache-2.0 */
/* What the wrappers do to operations, and how their options are read. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "config/yaml_read.h"
#include "support/script_backend.h"

#define MS 1000000ull
#define OBJECT 4096u

static struct script *script;
static struct storage *storage;
static struct io_queue *queue;
static uint8_t bufs[64][OBJECT];

static void open_config(const struct script_config *config, const char *yaml)
{
    uint8_t data[OBJECT];

    script = script_create(config);
    script_fill(data, OBJECT, 0);
    script_set(script, "k", data, OBJECT);
    storage = script_storage(script, yaml);
    ck_assert_int_eq(io_queue_create(storage, 64, &queue, NULL), DLFW_OK);
}

static void close_all(void)
{
    io_queue_destroy(queue);
    storage_close(storage);
    script_destroy(script);
}

static struct io_op get(uint32_t i)
{
    return (struct io_op){
        .op = DLFW_OP_GET, .key = "k", .key_len = 1, .buf = bufs[i], .buf_cap = OBJECT, .length = OBJECT};
}

/* Reads the object count times at once; returns how long it took and how many failed. */
static uint64_t read_many(uint32_t count, uint32_t *ret_failed)
{
    struct io_op *ops = calloc(count, sizeof *ops);
    struct io_op *done[64];
    uint64_t start = clock_now_ns();

    for (uint32_t i = 0; i < count; i++) {
        ops[i] = get(i);
        ck_assert(io_queue_submit(queue, &ops[i]));
    }
    for (uint32_t n = 0; n < count;)
        n += io_queue_reap(queue, done, 64, count - n, UINT64_MAX);
    start = clock_now_ns() - start;
    *ret_failed = 0;
    for (uint32_t i = 0; i < count; i++)
        *ret_failed += ops[i].status < 0;
    free(ops);
    return start;
}

static const struct script_config kinds[] = {
    {.native = true}, {.blocking = true}, {.blocking = true, .caps = DLFW_BACKEND_LOCAL}};

/* 40 reads of 500 ms at once take 500 ms, not 20 s: the delay holds nothing else up, in any mode. */
START_TEST(delay_adds_time_without_a_sleep_per_operation)
{
    uint32_t failed;
    uint64_t took;
    uint64_t size;

    open_config(&kinds[_i], "wrap: [{delay: {read: 500ms}}]");
    took = read_many(40, &failed);
    ck_assert_uint_eq(failed, 0);
    ck_assert_uint_ge(took, 500 * MS);
    ck_assert_uint_lt(took, 5000 * MS);
    ck_assert_uint_ge(io_queue_stats(queue)->read_ns.min, 500 * MS);
    took = clock_now_ns();
    ck_assert_int_eq(io_stat(queue, "k", &size, NULL), DLFW_OK); /* not delayed */
    ck_assert_uint_lt(clock_now_ns() - took, 400 * MS);
    close_all();
}
END_TEST

START_TEST(delays_are_per_kind_of_operation)
{
    uint64_t start, size;

    open_config(&(struct script_config){.native = true}, "wrap: [{delay: {write: 15ms, open: 30ms, jitter: 5ms}}]");
    start = clock_now_ns();
    ck_assert_int_eq(io_put(queue, "w", "x", 1, 0, NULL), DLFW_OK);
    ck_assert_uint_ge(clock_now_ns() - start, 15 * MS);
    start = clock_now_ns();
    ck_assert_int_eq(io_stat(queue, "w", &size, NULL), DLFW_OK);
    ck_assert_uint_ge(clock_now_ns() - start, 30 * MS);
    close_all();
}
END_TEST

START_TEST(error_strikes_every_nth)
{
    uint32_t failed;
    struct io_op op = get(0);

    open_config(&kinds[_i], "wrap: [{error: {every: 10, ops: [read], status: permission}}]");
    read_many(40, &failed);
    ck_assert_uint_eq(failed, 4);
    ck_assert_uint_eq(script_calls(script, DLFW_OP_GET), 36);
    for (uint32_t i = 0; i < 9; i++)
        ck_assert_int_eq(io_call(queue, &op, NULL), DLFW_OK);
    ck_assert_int_eq(io_put(queue, "w", "x", 1, 0, NULL), DLFW_OK); /* not counted */
    ck_assert_int_eq(io_call(queue, &op, NULL), DLFW_E_PERMISSION);
    ck_assert_str_eq(op.err.text, "cannot read 'k': failed by the error wrapper: permission denied");
    close_all();
}
END_TEST

START_TEST(error_rate_follows_its_seed)
{
    char yaml[100];
    uint32_t failed[3];

    for (uint32_t i = 0; i < 3; i++) {
        snprintf(yaml, sizeof yaml, "wrap: [{error: {rate: 0.25, seed: %d}}]", i == 2 ? 7 : 3);
        open_config(&(struct script_config){.native = true}, yaml);
        failed[i] = 0;
        for (uint32_t k = 0; k < 20; k++) {
            uint32_t n;

            read_many(50, &n);
            failed[i] += n;
        }
        ck_assert_uint_gt(failed[i], 180);
        ck_assert_uint_lt(failed[i], 320);
        close_all();
    }
    ck_assert_uint_eq(failed[0], failed[1]);
}
END_TEST

START_TEST(retryable_errors_are_retried)
{
    uint32_t failed;

    open_config(
        &(struct script_config){.native = true},
        "wrap: [{error: {every: 5, retryable: true, status: unavailable}}]\nretry: {backoff: 1ms, max_attempts: 20}");
    read_many(40, &failed);
    ck_assert_uint_eq(failed, 0);
    ck_assert_uint_ge(io_queue_stats(queue)->retries, 8);
    close_all();
}
END_TEST

START_TEST(error_waits_for_its_bytes)
{
    struct io_op op = get(0);

    open_config(&(struct script_config){.native = true},
                "wrap: [{error: {after_bytes: 10KiB, status: no_space, ops: put}}]");
    ck_assert_int_eq(io_put(queue, "a", bufs[0], 4096, 0, NULL), DLFW_OK);
    ck_assert_int_eq(io_put(queue, "b", bufs[0], 4096, 0, NULL), DLFW_OK);
    ck_assert_int_eq(io_put(queue, "c", bufs[0], 4096, 0, NULL), DLFW_OK);
    ck_assert_int_eq(io_put(queue, "d", bufs[0], 4096, 0, NULL), DLFW_E_NO_SPACE);
    ck_assert_int_eq(io_put(queue, "d", bufs[0], 1, 0, NULL), DLFW_E_NO_SPACE);
    ck_assert_int_eq(io_call(queue, &op, NULL), DLFW_OK);
    ck_assert_uint_eq(script_objects(script), 4);
    close_all();
}
END_TEST

static const struct {
    const char *yaml;
    uint64_t least_ms;
} throttles[] = {
    {"wrap: [{throttle: {rate: 4MiB/s}}]", 39}, /* 40 x 4 KiB */
    {"wrap: [{throttle: {ops: 1000}}]", 40},
    {"wrap: [{throttle: {rate: 4MiB/s, ops: 800}}]", 50}, /* the tighter one counts */
};

START_TEST(throttle_keeps_its_rate)
{
    uint32_t failed;
    uint64_t took;

    open_config(&(struct script_config){.native = true}, throttles[_i].yaml);
    took = read_many(40, &failed);
    ck_assert_uint_eq(failed, 0);
    ck_assert_uint_ge(took, throttles[_i].least_ms * MS);
    ck_assert_uint_lt(took, (throttles[_i].least_ms + 1000) * MS);
    close_all();
}
END_TEST

START_TEST(idle_time_earns_no_credit)
{
    struct timespec pause = {.tv_nsec = 30000000};
    uint32_t failed;

    open_config(&(struct script_config){.native = true}, "wrap: [{throttle: {ops: 1000}}]");
    read_many(1, &failed);
    nanosleep(&pause, NULL);
    ck_assert_uint_ge(read_many(30, &failed), 30 * MS);
    close_all();
}
END_TEST

/* The first of the list is the outermost: a delay outside sees the failures of an error wrapper inside. */
START_TEST(the_order_of_the_list_matters)
{
    struct io_op op = get(0);
    uint64_t start = clock_now_ns();

    open_config(&(struct script_config){.native = true}, _i ? "wrap: [{error: {every: 1}}, {delay: {read: 1s}}]"
                                                            : "wrap: [{delay: {read: 1s}}, {error: {every: 1}}]");
    ck_assert_int_eq(io_call(queue, &op, NULL), DLFW_E_IO);
    if (_i)
        ck_assert_uint_lt(clock_now_ns() - start, 900 * MS);
    else
        ck_assert_uint_ge(clock_now_ns() - start, 1000 * MS);
    close_all();
}
END_TEST

START_TEST(many_wrappers_stack)
{
    uint32_t failed;

    open_config(
        &kinds[_i],
        "wrap: [{delay: {read: 1ms}}, {error: {every: 1000}}, {throttle: {ops: 100000}}, {delay: {read: 2ms, jitter: "
        "3ms}},"
        " {delay: {open: 1ms}}, {throttle: {rate: 1GB/s}}, {error: {rate: 0.0001, ops: put}}, {delay: {write: 1s}}]");
    ck_assert_uint_ge(read_many(40, &failed), 3 * MS);
    ck_assert_uint_eq(failed, 0);
    close_all();
}
END_TEST

static const struct {
    const char *yaml, *message;
} mistakes[] = {
    {"wrap: {delay: {read: 5ms}}", "must be a list"},
    {"wrap: [delay]", "one wrapper with its options"},
    {"wrap: [{delay: {read: 5ms}, error: {every: 1}}]", "one wrapper with its options"},
    {"wrap: [{dealy: {read: 5ms}}]", "did you mean 'delay'"},
    {"wrap: [{cache: {}}]", "there are delay, error and throttle"},
    {"wrap: [{delay: 5ms}]", "needs a mapping"},
    {"wrap: [{delay: {}}]", "nothing is delayed"},
    {"wrap: [{delay: }]", "nothing is delayed"},
    {"wrap: [{delay: {read: soon}}]", "read"},
    {"wrap: [{error: {rate: 2}}]", "rate"},
    {"wrap: [{error: {ops: read}}]", "nothing fails"},
    {"wrap: [{error: {every: 2, ops: [read, wriet]}}]", "unknown name"},
    {"wrap: [{error: {every: 2, status: bad}}]", "status"},
    {"wrap: [{throttle: {}}]", "nothing is throttled"},
    {"wrap: [{throttle: {ops: -1}}]", "ops"},
    {"retry: {max_attempts: 0}", "max_attempts"},
    {"retry: 5", "must be a mapping"},
};

START_TEST(mistakes_become_problems)
{
    struct node_tree tree = {0};
    struct problem_list problems = {0};
    struct storage *st = NULL;
    struct error_slot err;
    struct storage_args args = {.tree = &tree, .problems = &problems};

    error_slot_init(&err);
    script = script_create(&(struct script_config){.native = true});
    ck_assert_msg(yaml_read_text("t.yaml", mistakes[_i].yaml, strlen(mistakes[_i].yaml), &tree, &err.e) >= 0, "%s",
                  err.text);
    args.wrap = node_get(tree.root, "wrap");
    args.retry = node_get(tree.root, "retry");
    ck_assert_int_eq(storage_open_ops(script_ops(script), script_instance(script), "script://x", &args, &st, &err.e),
                     DLFW_E_CONFIG);
    ck_assert_ptr_null(st);
    ck_assert_uint_eq(problems.errors, 1);
    ck_assert_msg(strstr(problems.items[0].text, mistakes[_i].message) != NULL, "%s", problems.items[0].text);
    ck_assert_msg(strstr(problems.items[0].text, "t.yaml:1:") == problems.items[0].text, "%s", problems.items[0].text);
    problem_list_free(&problems);

    args.problems = NULL; /* nobody prints the list: the first mistake is the message */
    ck_assert_int_eq(storage_open_ops(script_ops(script), script_instance(script), "script://x", &args, &st, &err.e),
                     DLFW_E_CONFIG);
    ck_assert_msg(strstr(err.text, mistakes[_i].message) != NULL, "%s", err.text);
    node_tree_free(&tree);
    script_destroy(script);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io_wrap");
    TCase *tc = tcase_create("io_wrap");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, delay_adds_time_without_a_sleep_per_operation, 0, 3);
    tcase_add_test(tc, delays_are_per_kind_of_operation);
    tcase_add_loop_test(tc, error_strikes_every_nth, 0, 3);
    tcase_add_test(tc, error_rate_follows_its_seed);
    tcase_add_test(tc, retryable_errors_are_retried);
    tcase_add_test(tc, error_waits_for_its_bytes);
    tcase_add_loop_test(tc, throttle_keeps_its_rate, 0, 3);
    tcase_add_test(tc, idle_time_earns_no_credit);
    tcase_add_loop_test(tc, the_order_of_the_list_matters, 0, 2);
    tcase_add_loop_test(tc, many_wrappers_stack, 0, 3);
    tcase_add_loop_test(tc, mistakes_become_problems, 0, (int)(sizeof mistakes / sizeof *mistakes));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
