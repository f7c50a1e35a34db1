/* SPDX-License-Identifier: Apache-2.0 */
/* Which failures are tried again, how often, when, and until when. */
#include <check.h>
#include <string.h>

#include "base/clock.h"
#include "io/io_retry.h"
#include "plugin/host_table.h"
#include "support/script_backend.h"

#define MS 1000000ull

static const struct retry_policy policy = {
    .max_attempts = 4, .backoff = 10 * MS, .max_backoff = 40 * MS, .timeout = 60 * NS_PER_S};

static const struct {
    const char *name;
    uint16_t op, req_flags;
    uint32_t flags, attempts;
    bool allowed;
} verdicts[] = {
    {"plain failure", DLFW_OP_GET, 0, 0, 1, false},
    {"retryable", DLFW_OP_GET, 0, DLFW_ERR_RETRYABLE, 1, true},
    {"throttled", DLFW_OP_GET, 0, DLFW_ERR_THROTTLED, 1, true},
    {"third attempt", DLFW_OP_GET, 0, DLFW_ERR_RETRYABLE, 3, true},
    {"last attempt", DLFW_OP_GET, 0, DLFW_ERR_RETRYABLE, 4, false},
    {"fatal", DLFW_OP_GET, 0, DLFW_ERR_RETRYABLE | DLFW_ERR_FATAL, 1, false},
    {"put", DLFW_OP_PUT, 0, DLFW_ERR_THROTTLED, 1, true},
    {"exclusive put, throttled", DLFW_OP_PUT, DLFW_REQ_EXCLUSIVE, DLFW_ERR_THROTTLED, 1, false},
    {"exclusive put, retryable", DLFW_OP_PUT, DLFW_REQ_EXCLUSIVE, DLFW_ERR_RETRYABLE, 1, true},
    {"commit, throttled", DLFW_OP_WRITE_COMMIT, 0, DLFW_ERR_THROTTLED, 1, false},
    {"commit, retryable", DLFW_OP_WRITE_COMMIT, 0, DLFW_ERR_RETRYABLE, 1, true},
    {"delete, throttled", DLFW_OP_DELETE, 0, DLFW_ERR_THROTTLED, 1, false},
};

START_TEST(verdict)
{
    dlfw_req req = {.op = verdicts[_i].op, .flags = verdicts[_i].req_flags};

    ck_assert_msg(retry_allowed(&policy, &req, verdicts[_i].flags, verdicts[_i].attempts) == verdicts[_i].allowed, "%s",
                  verdicts[_i].name);
}
END_TEST

START_TEST(a_page_is_tried_again_only_with_its_cursor)
{
    dlfw_req first = {.op = DLFW_OP_LIST}, next = {.op = DLFW_OP_LIST, .handle = &first};

    ck_assert(retry_allowed(&policy, &first, DLFW_ERR_RETRYABLE, 1));
    ck_assert(!retry_allowed(&policy, &next, DLFW_ERR_RETRYABLE, 1));
    ck_assert(retry_allowed(&policy, &next, DLFW_ERR_RETRYABLE | DLFW_COMP_MORE, 1));
}
END_TEST

START_TEST(backoff_is_drawn_within_its_bound)
{
    static const uint64_t bounds[] = {10 * MS, 20 * MS, 40 * MS, 40 * MS, 40 * MS};
    uint64_t largest = 0;

    for (uint64_t i = 0; i < 2000; i++) {
        uint64_t delay = retry_delay_ns(&policy, (uint32_t)_i + 1, 0, hash_mix(i));

        ck_assert_uint_le(delay, bounds[_i]);
        largest = delay > largest ? delay : largest;
    }
    ck_assert_uint_gt(largest, bounds[_i] / 10 * 9);
    ck_assert_uint_ge(retry_delay_ns(&policy, 1, 700, 5), 700 * MS);
    ck_assert_uint_le(retry_delay_ns(&policy, 1000000, 0, UINT64_MAX), 40 * MS);
}
END_TEST

static struct script *script;
static struct storage *storage;
static struct io_queue *queue;
static uint8_t buf[64];

static void open_with(const char *retry, struct script_rule rule)
{
    script = script_create(&(struct script_config){.native = true});
    script_set(script, "k", "0123456789", 10);
    script_rule(script, rule);
    storage = script_storage(script, retry);
    ck_assert_int_eq(io_queue_create(storage, 8, &queue, NULL), DLFW_OK);
}

static void close_all(void)
{
    io_queue_destroy(queue);
    storage_close(storage);
    script_destroy(script);
}

static struct io_op get(void)
{
    return (struct io_op){.op = DLFW_OP_GET, .key = "k", .key_len = 1, .buf = buf, .buf_cap = sizeof buf, .length = 10};
}

/* n failures in a row, at most 3 attempts. */
START_TEST(attempts_are_counted)
{
    struct io_op op = get();
    uint32_t failures = (uint32_t)_i;
    bool works = failures < 3;

    open_with(
        "retry: {max_attempts: 3, backoff: 1ms}",
        (struct script_rule){.op = DLFW_OP_GET, .count = failures, .status = DLFW_E_IO, .flags = DLFW_ERR_RETRYABLE});
    ck_assert_int_eq(io_call(queue, &op, NULL), works ? DLFW_OK : DLFW_E_IO);
    ck_assert_uint_eq(op.attempts, works ? failures + 1 : 3);
    ck_assert_uint_eq(script_calls(script, DLFW_OP_GET), works ? failures + 1 : 3);
    ck_assert_uint_eq(io_queue_stats(queue)->retries, works ? failures : 2);
    ck_assert_uint_eq(io_queue_stats(queue)->errors, works ? 0 : 1);
    ck_assert_uint_eq(io_queue_stats(queue)->requests[DLFW_OP_GET], 1);
    if (works)
        ck_assert_mem_eq(op.data, "0123456789", 10);
    else
        ck_assert_str_eq(op.err.text, "cannot read 'k': after 3 attempts: scripted failure");
    close_all();
}
END_TEST

START_TEST(what_may_not_be_retried_fails_at_once)
{
    struct io_op op = get();

    open_with(NULL, (struct script_rule){.op = DLFW_OP_GET, .count = 1, .status = DLFW_E_PERMISSION, .silent = true});
    ck_assert_int_eq(io_call(queue, &op, NULL), DLFW_E_PERMISSION);
    ck_assert_uint_eq(op.attempts, 1);
    ck_assert_str_eq(op.err.text, "cannot read 'k': permission denied");
    close_all();
}
END_TEST

START_TEST(retry_after_is_honoured_and_counted_as_throttling)
{
    struct io_op op = get();
    uint64_t start = clock_now_ns(), took;

    open_with("retry: {backoff: 1ms}", (struct script_rule){.op = DLFW_OP_GET,
                                                            .count = 1,
                                                            .status = DLFW_E_THROTTLED,
                                                            .flags = DLFW_ERR_THROTTLED,
                                                            .retry_after_ms = 60});
    ck_assert_int_eq(io_call(queue, &op, NULL), DLFW_OK);
    took = clock_now_ns() - start;
    ck_assert_uint_ge(took, 60 * MS);
    ck_assert_uint_lt(took, 5000 * MS);
    ck_assert_uint_eq(io_queue_stats(queue)->throttled, 1);
    ck_assert_uint_ge(op.done_ns - op.submit_ns, 60 * MS);
    close_all();
}
END_TEST

START_TEST(no_try_begins_after_the_deadline)
{
    struct io_op op = get();
    uint64_t start = clock_now_ns();

    open_with("retry: {timeout: 500ms}", (struct script_rule){.op = DLFW_OP_GET,
                                                              .count = 9,
                                                              .status = DLFW_E_UNAVAILABLE,
                                                              .flags = DLFW_ERR_RETRYABLE,
                                                              .retry_after_ms = 5000});
    ck_assert_int_eq(io_call(queue, &op, NULL), DLFW_E_UNAVAILABLE);
    ck_assert_uint_lt(clock_now_ns() - start, 4000 * MS);
    ck_assert_uint_eq(op.attempts, 1);
    close_all();
}
END_TEST

START_TEST(the_deadline_ends_the_attempts)
{
    struct io_op op = get();
    uint64_t start = clock_now_ns();

    open_with(
        "retry: {timeout: 200ms, max_attempts: 1000, backoff: 4ms, max_backoff: 4ms}",
        (struct script_rule){.op = DLFW_OP_GET, .count = UINT64_MAX, .status = DLFW_E_IO, .flags = DLFW_ERR_RETRYABLE});
    ck_assert_int_lt(io_call(queue, &op, NULL), 0);
    ck_assert_uint_ge(clock_now_ns() - start, 190 * MS);
    ck_assert_uint_lt(clock_now_ns() - start, 3000 * MS);
    ck_assert_uint_gt(op.attempts, 5);
    ck_assert_ptr_nonnull(strstr(op.err.text, "attempts"));
    close_all();
}
END_TEST

START_TEST(an_own_deadline_in_the_past_is_a_timeout)
{
    struct io_op op = get();

    open_with(NULL, (struct script_rule){.op = DLFW_OP_PUT, .count = 0});
    op.deadline_ns = clock_now_ns() - 1;
    ck_assert_int_eq(io_call(queue, &op, NULL), DLFW_E_TIMEOUT);
    ck_assert_ptr_nonnull(strstr(op.err.text, "'k'"));
    ck_assert_uint_eq(script_calls(script, 0), 0);
    close_all();
}
END_TEST

/* One operation waits long for its next try; the others come back meanwhile, and it wakes in time. */
START_TEST(waiting_for_a_retry_does_not_hold_up_others)
{
    struct io_op ops[8];
    struct io_op *done[8];
    uint64_t start = clock_now_ns();
    uint32_t n;

    open_with(
        "retry: {backoff: 1ms}",
        (struct script_rule){
            .op = DLFW_OP_GET, .count = 1, .status = DLFW_E_BUSY, .flags = DLFW_ERR_RETRYABLE, .retry_after_ms = 2000});
    for (uint32_t i = 0; i < 8; i++) {
        ops[i] = get();
        ck_assert(io_queue_submit(queue, &ops[i]));
    }
    n = io_queue_reap(queue, done, 8, 7, UINT64_MAX);
    ck_assert_uint_eq(n, 7);
    ck_assert_uint_lt(clock_now_ns() - start, 1500 * MS);
    for (uint32_t i = 0; i < 7; i++)
        ck_assert_ptr_ne(done[i], &ops[0]);
    ck_assert_uint_eq(io_queue_reap(queue, done, 8, 1, 5 * MS), 0);
    ck_assert_uint_eq(io_queue_reap(queue, done, 8, 1, UINT64_MAX), 1);
    ck_assert_ptr_eq(done[0], &ops[0]);
    ck_assert_int_eq(ops[0].status, DLFW_OK);
    ck_assert_uint_eq(ops[0].attempts, 2);
    ck_assert_uint_ge(clock_now_ns() - start, 2000 * MS);
    ck_assert_uint_lt(clock_now_ns() - start, 10000 * MS);
    close_all();
}
END_TEST

START_TEST(cancel_ends_the_waiting)
{
    struct io_op op = get();
    struct io_op *done;
    uint64_t start = clock_now_ns();

    open_with(
        NULL,
        (struct script_rule){
            .op = DLFW_OP_GET, .count = 1, .status = DLFW_E_BUSY, .flags = DLFW_ERR_RETRYABLE, .retry_after_ms = 5000});
    ck_assert(io_queue_submit(queue, &op));
    ck_assert_uint_eq(io_queue_reap(queue, &done, 1, 1, 10 * MS), 0);
    io_queue_cancel(queue);
    ck_assert_uint_eq(io_queue_reap(queue, &done, 1, 1, UINT64_MAX), 1);
    ck_assert_int_eq(op.status, DLFW_E_CANCELLED);
    ck_assert_uint_lt(clock_now_ns() - start, 2000 * MS);
    close_all();
}
END_TEST

START_TEST(nothing_is_retried_once_the_run_is_being_stopped)
{
    struct io_op op = get();

    open_with(NULL,
              (struct script_rule){.op = DLFW_OP_GET, .count = 1, .status = DLFW_E_BUSY, .flags = DLFW_ERR_RETRYABLE});
    atomic_store(&host_cancel_level, 1);
    ck_assert_int_eq(io_call(queue, &op, NULL), DLFW_E_BUSY);
    atomic_store(&host_cancel_level, 0);
    ck_assert_uint_eq(op.attempts, 1);
    close_all();
}
END_TEST

START_TEST(every_operation_survives_a_failure_in_passing)
{
    static const uint16_t ops[] = {DLFW_OP_GET,         DLFW_OP_PUT,        DLFW_OP_STAT,         DLFW_OP_DELETE,
                                   DLFW_OP_WRITE_BEGIN, DLFW_OP_WRITE_PART, DLFW_OP_WRITE_COMMIT, DLFW_OP_COPY};
    struct io_op up = {.op = DLFW_OP_WRITE_BEGIN, .key = "up", .key_len = 2};
    uint64_t size;
    size_t len;

    open_with(
        "{max_attempts: 3, backoff: 1ms}",
        (struct script_rule){
            .op = ops[_i], .count = 2, .status = DLFW_E_UNAVAILABLE, .flags = DLFW_ERR_RETRYABLE, .retry_after_ms = 1});
    ck_assert_int_eq(io_put(queue, "a", "abc", 3, 0, NULL), DLFW_OK);
    ck_assert_int_eq(io_stat(queue, "a", &size, NULL), DLFW_OK);
    ck_assert_int_eq(io_copy(queue, "a", "b", NULL), DLFW_OK);
    ck_assert_int_eq(io_call(queue, &up, NULL), DLFW_OK);
    up.op = DLFW_OP_WRITE_PART;
    up.buf = (void *)(uintptr_t) "part";
    up.length = up.buf_cap = 4;
    ck_assert_int_eq(io_call(queue, &up, NULL), DLFW_OK);
    up.op = DLFW_OP_WRITE_COMMIT;
    up.buf = NULL;
    up.length = up.buf_cap = 0;
    up.arg = 4;
    ck_assert_int_eq(io_call(queue, &up, NULL), DLFW_OK);
    up = (struct io_op){.op = DLFW_OP_GET, .key = "up", .key_len = 2, .buf = buf, .buf_cap = sizeof buf, .length = 4};
    ck_assert_int_eq(io_call(queue, &up, NULL), DLFW_OK);
    ck_assert_mem_eq(up.data, "part", 4);
    ck_assert_int_eq(io_delete(queue, "b", NULL), DLFW_OK);
    ck_assert_ptr_null(script_get(script, "b", &len));
    ck_assert_uint_eq(io_queue_stats(queue)->retries, 2);
    ck_assert_uint_eq(io_queue_stats(queue)->errors, 0);
    close_all();
}
END_TEST

START_TEST(a_delete_whose_answer_was_lost_has_succeeded)
{
    open_with("{max_attempts: 3, backoff: 1ms}",
              (struct script_rule){
                  .op = DLFW_OP_DELETE, .count = 1, .status = DLFW_E_IO, .flags = DLFW_ERR_RETRYABLE, .after = true});
    ck_assert_int_eq(io_delete(queue, "k", NULL), DLFW_OK);
    ck_assert_int_eq(io_delete(queue, "k", NULL), DLFW_E_NOT_FOUND);
    ck_assert_uint_eq(io_queue_stats(queue)->errors, 1);
    close_all();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io_retry");
    TCase *tc = tcase_create("io_retry");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, verdict, 0, (int)(sizeof verdicts / sizeof *verdicts));
    tcase_add_test(tc, a_page_is_tried_again_only_with_its_cursor);
    tcase_add_loop_test(tc, backoff_is_drawn_within_its_bound, 0, 5);
    tcase_add_loop_test(tc, attempts_are_counted, 0, 6);
    tcase_add_test(tc, what_may_not_be_retried_fails_at_once);
    tcase_add_test(tc, retry_after_is_honoured_and_counted_as_throttling);
    tcase_add_test(tc, no_try_begins_after_the_deadline);
    tcase_add_test(tc, the_deadline_ends_the_attempts);
    tcase_add_test(tc, an_own_deadline_in_the_past_is_a_timeout);
    tcase_add_test(tc, waiting_for_a_retry_does_not_hold_up_others);
    tcase_add_test(tc, cancel_ends_the_waiting);
    tcase_add_test(tc, nothing_is_retried_once_the_run_is_being_stopped);
    tcase_add_loop_test(tc, every_operation_survives_a_failure_in_passing, 0, 8);
    tcase_add_test(tc, a_delete_whose_answer_was_lost_has_succeeded);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
