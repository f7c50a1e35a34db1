/* SPDX-License-Identifier: Apache-2.0 */
/* Large reads in parts, as the caller sees them: one operation with one result. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "support/script_backend.h"

#define MS 1000000u
#define PART 65536u
#define SIZE 1000000u

static struct script *script;
static struct storage *storage;
static struct io_queue *queue;
static struct error_slot err;
static uint8_t *data, *buffer;

static void open_config(const struct script_config *config, uint32_t depth, const char *yaml)
{
    error_slot_init(&err);
    script = script_create(config);
    data = malloc(SIZE);
    buffer = malloc(4 * SIZE);
    memset(buffer, 0x77, 4 * SIZE);
    script_fill(data, SIZE, 0);
    script_set(script, "k", data, SIZE);
    storage = script_storage(script, yaml ? yaml : "retry: {backoff: 1ms}\noptions: {split: 64KiB}");
    ck_assert_int_eq(io_queue_create(storage, depth, &queue, NULL), DLFW_OK);
}

static void close_all(void)
{
    io_queue_destroy(queue);
    storage_close(storage);
    script_destroy(script);
    free(data);
    free(buffer);
}

static struct io_op get(uint64_t offset, uint64_t length, uint64_t cap, uint16_t flags)
{
    return (struct io_op){.op = DLFW_OP_GET,
                          .flags = flags,
                          .key = "k",
                          .key_len = 1,
                          .buf = buffer,
                          .buf_cap = cap,
                          .offset = offset,
                          .length = length};
}

static void check_bytes(const struct io_op *op, uint64_t offset, uint64_t bytes)
{
    ck_assert_msg(op->status == DLFW_OK, "%s", op->err.text);
    ck_assert_uint_eq(op->bytes, bytes);
    ck_assert_ptr_eq(op->data, buffer);
    ck_assert(memcmp(buffer, data + offset, bytes) == 0);
    ck_assert_uint_eq(io_queue_inflight(queue), 0);
}

static const struct {
    struct script_config config;
    uint32_t depth;
} kinds[] = {
    {{.native = true}, 8},
    {{.native = true, .delay_ns = MS / 4, .jitter_ns = MS}, 8},
    {{.native = true, .delay_ns = MS / 4, .jitter_ns = MS}, 2},
    {{.native = true, .delay_ns = MS / 4, .jitter_ns = MS}, 64},
    {{.native = true, .submit_max = 1, .jitter_ns = MS}, 8},
    {{.blocking = true, .jitter_ns = MS}, 8},
    {{.native = true, .sizes_unknown = true, .jitter_ns = MS}, 8},
    {{.native = true, .limits = {.max_io = 50000}}, 8},
};
#define KINDS ((int)(sizeof kinds / sizeof *kinds))

START_TEST(ranges_are_whole)
{
    static const struct {
        uint64_t offset, length, bytes;
    } rows[] = {{0, SIZE, SIZE},     {1, SIZE - 1, SIZE - 1}, {0, 2 * SIZE, SIZE},         {SIZE - 10, 3 * PART, 10},
                {SIZE, 3 * PART, 0}, {2 * SIZE, 3 * PART, 0}, {12345, 4 * PART, 4 * PART}, {0, PART + 1, PART + 1}};

    open_config(&kinds[_i].config, kinds[_i].depth, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct io_op op = get(rows[i].offset, rows[i].length, 2 * SIZE, 0);

        io_call(queue, &op, &err.e);
        check_bytes(&op, rows[i].offset < SIZE ? rows[i].offset : 0, rows[i].bytes);
        ck_assert_uint_gt(op.done_ns, op.submit_ns);
    }
    ck_assert_uint_eq(io_queue_stats(queue)->split_reads, sizeof rows / sizeof *rows);
    ck_assert_uint_eq(io_queue_stats(queue)->requests[DLFW_OP_GET], script_calls(script, DLFW_OP_GET));
    ck_assert_uint_eq(script_calls(script, DLFW_OP_STAT), 0);
    ck_assert_uint_le(script_max_running(script), kinds[_i].depth);
    close_all();
}
END_TEST

START_TEST(whole_objects_are_whole)
{
    static const struct {
        uint64_t length, cap;
    } rows[] = {{SIZE, SIZE},         {SIZE, SIZE + 1},     {SIZE, 2 * SIZE},
                {SIZE - 1, 2 * SIZE}, {SIZE + 1, 2 * SIZE}, {3 * PART, 2 * SIZE},
                {2 * SIZE, 4 * SIZE}, {2 * SIZE, 2 * SIZE}, {SIZE / 2, SIZE}};

    open_config(&kinds[_i].config, kinds[_i].depth, NULL);
    if (kinds[_i].config.limits.max_io || kinds[_i].config.sizes_unknown)
        goto out; /* these say how much a whole object may be, or cannot be split */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct io_op op = get(0, rows[i].length, rows[i].cap, DLFW_REQ_WHOLE);

        io_call(queue, &op, &err.e);
        check_bytes(&op, 0, SIZE);
        ck_assert_uint_eq(op.object_size, SIZE);
    }
    ck_assert_uint_eq(io_queue_stats(queue)->split_reads, sizeof rows / sizeof *rows);
    ck_assert_uint_eq(script_calls(script, DLFW_OP_STAT), 0);
out:
    close_all();
}
END_TEST

START_TEST(a_whole_object_without_a_told_size_is_one_request)
{
    struct io_op op = {0};

    open_config(&(struct script_config){.native = true, .sizes_unknown = true}, 8, NULL);
    op = get(0, 2 * SIZE, 2 * SIZE, DLFW_REQ_WHOLE);
    io_call(queue, &op, &err.e);
    check_bytes(&op, 0, SIZE);
    ck_assert_uint_eq(script_calls(script, DLFW_OP_GET), 2);
    op = get(0, 2 * SIZE, 2 * SIZE, DLFW_REQ_WHOLE);
    io_call(queue, &op, &err.e);
    check_bytes(&op, 0, SIZE);
    ck_assert_uint_eq(script_calls(script, DLFW_OP_GET), 3);
    close_all();
}
END_TEST

START_TEST(an_object_larger_than_the_room_tells_its_size)
{
    struct io_op op;
    uint64_t strays = 0;

    open_config(&kinds[_i].config, kinds[_i].depth, NULL);
    op = get(0, _i % 2 ? SIZE / 2 : SIZE / 4, SIZE / 2, DLFW_REQ_WHOLE);
    ck_assert_int_eq(io_call(queue, &op, &err.e), DLFW_E_BUFFER_TOO_SMALL);
    ck_assert_uint_eq(op.object_size, SIZE);
    ck_assert_msg(strstr(err.text, "'k'") != NULL, "%s", err.text);
    for (uint64_t i = SIZE / 2; i < 4 * (uint64_t)SIZE; i++)
        strays += buffer[i] != 0x77;
    ck_assert_msg(!strays, "%llu bytes behind the room were written", (unsigned long long)strays);
    close_all();
}
END_TEST

START_TEST(small_reads_are_left_alone)
{
    struct io_op op;

    open_config(&(struct script_config){.native = true}, 8, NULL);
    op = get(0, PART, 2 * SIZE, 0);
    io_call(queue, &op, &err.e);
    check_bytes(&op, 0, PART);
    ck_assert_uint_eq(script_calls(script, DLFW_OP_GET), 1);
    ck_assert_uint_eq(io_queue_stats(queue)->split_reads, 0);
    close_all();
}
END_TEST

START_TEST(off_and_local_storages_do_not_split)
{
    struct io_op op;

    open_config(&(struct script_config){.native = true, .caps = _i ? DLFW_BACKEND_STREAMS : DLFW_BACKEND_LOCAL}, 8,
                _i ? "options: {split: off}" : "options: {split: auto}");
    op = get(0, SIZE, SIZE, 0);
    io_call(queue, &op, &err.e);
    check_bytes(&op, 0, SIZE);
    ck_assert_uint_eq(script_calls(script, DLFW_OP_GET), 1);
    close_all();
}
END_TEST

START_TEST(parts_are_tried_again_one_by_one)
{
    struct io_op op;

    open_config(&(struct script_config){.native = true, .jitter_ns = MS}, 8, NULL);
    script_rule(script,
                (struct script_rule){
                    .op = DLFW_OP_GET, .from = 3, .count = 4, .status = DLFW_E_IO, .flags = DLFW_ERR_RETRYABLE});
    op = get(0, SIZE, SIZE, DLFW_REQ_WHOLE);
    io_call(queue, &op, &err.e);
    check_bytes(&op, 0, SIZE);
    ck_assert_uint_eq(script_calls(script, DLFW_OP_GET), (SIZE + PART - 1) / PART + 4);
    ck_assert_uint_ge(op.attempts, 2);
    ck_assert_uint_eq(io_queue_stats(queue)->retries, 4);
    close_all();
}
END_TEST

START_TEST(the_first_failure_is_the_result)
{
    struct io_op op;

    open_config(&kinds[_i].config, kinds[_i].depth, NULL);
    script_rule(script, (struct script_rule){.op = DLFW_OP_GET, .from = 2, .count = 1000, .status = DLFW_E_PERMISSION});
    op = get(0, SIZE, 2 * SIZE, 0);
    ck_assert_int_eq(io_call(queue, &op, &err.e), DLFW_E_PERMISSION);
    ck_assert_str_eq(err.text, "cannot read 'k': scripted failure");
    ck_assert_uint_eq(op.bytes, 0);
    ck_assert_uint_eq(io_queue_stats(queue)->errors, 1);
    ck_assert_uint_le(script_calls(script, DLFW_OP_GET), 2 + kinds[_i].depth + 1); /* no new parts after it */
    close_all();
}
END_TEST

START_TEST(a_missing_object_is_not_found)
{
    struct io_op op;

    open_config(&(struct script_config){.native = true}, 8, NULL);
    op = get(0, SIZE, SIZE, DLFW_REQ_WHOLE);
    op.key = "none";
    op.key_len = 4;
    ck_assert_int_eq(io_call(queue, &op, &err.e), DLFW_E_NOT_FOUND);
    ck_assert_str_eq(err.text, "cannot read 'none': no such object");
    close_all();
}
END_TEST

START_TEST(an_object_replaced_meanwhile_is_an_error)
{
    struct io_op op = {0}, *done = NULL;

    open_config(&(struct script_config){.native = true, .delay_ns = 5 * MS}, 4, NULL);
    op = get(0, SIZE, 2 * SIZE, DLFW_REQ_WHOLE);
    ck_assert(io_queue_submit(queue, &op));
    while (script_calls(script, DLFW_OP_GET) < 5)
        ck_assert_uint_eq(io_queue_reap(queue, &done, 1, 1, MS), 0);
    script_set(script, "k", data, _i ? SIZE / 2 : SIZE - 1);
    while (!io_queue_reap(queue, &done, 1, 1, UINT64_MAX))
        ;
    ck_assert_ptr_eq(done, &op);
    ck_assert_int_eq(op.status, DLFW_E_IO);
    ck_assert_msg(strstr(op.err.text, "'k' was replaced while it was read") != NULL, "%s", op.err.text);
    close_all();
}
END_TEST

START_TEST(cancelling_ends_it)
{
    struct io_op op, *done = NULL;
    uint64_t start;

    open_config(&(struct script_config){.native = true, .delay_ns = 5000 * MS}, 4, NULL);
    op = get(0, SIZE, SIZE, DLFW_REQ_WHOLE);
    ck_assert(io_queue_submit(queue, &op));
    ck_assert_uint_eq(io_queue_reap(queue, &done, 1, 1, 10 * MS), 0);
    start = clock_now_ns();
    io_queue_cancel(queue);
    while (!io_queue_reap(queue, &done, 1, 1, UINT64_MAX))
        ;
    ck_assert_uint_lt(clock_now_ns() - start, 3000 * MS);
    ck_assert_int_eq(op.status, DLFW_E_CANCELLED);
    ck_assert_uint_eq(io_queue_inflight(queue), 0);
    ck_assert(io_queue_submit(queue, &op)); /* destroy cancels what is left */
    ck_assert_uint_eq(io_queue_reap(queue, &done, 1, 1, 10 * MS), 0);
    close_all();
}
END_TEST

/* The caller has all of the depth for itself whatever parts are under way. */
START_TEST(parts_take_no_room_from_the_caller)
{
    struct io_op ops[8], *done[8];
    static uint8_t small[8][100];
    uint32_t ended = 0;

    open_config(&(struct script_config){.native = true, .jitter_ns = MS}, 8, NULL);
    for (uint32_t round = 0; round < 20; round++) {
        for (uint32_t i = 0; i < 8; i++) {
            ops[i] = get(i == 0 ? 0 : i * 1000, i == 0 ? SIZE : 100, i == 0 ? 2 * SIZE : 100, 0);
            if (i)
                ops[i].buf = small[i];
            ck_assert(io_queue_submit(queue, &ops[i]));
        }
        ck_assert(!io_queue_submit(queue, &ops[0]));
        ck_assert_uint_eq(io_queue_inflight(queue), 8);
        for (ended = 0; ended < 8;)
            ended += io_queue_reap(queue, done, 8, 8 - ended, UINT64_MAX);
        check_bytes(&ops[0], 0, SIZE);
        for (uint32_t i = 1; i < 8; i++) {
            ck_assert_int_eq(ops[i].status, DLFW_OK);
            ck_assert(memcmp(small[i], data + i * 1000, 100) == 0);
        }
    }
    ck_assert_uint_le(script_max_running(script), 8);
    close_all();
}
END_TEST

START_TEST(a_queue_that_dies_ends_it)
{
    struct io_op op;

    open_config(&(struct script_config){.native = true, .delay_ns = MS}, 4, NULL);
    script_rule(script, (struct script_rule){.from = 2, .count = 1000, .dead = true});
    op = get(0, SIZE, SIZE, DLFW_REQ_WHOLE);
    ck_assert_int_lt(io_call(queue, &op, &err.e), 0);
    ck_assert_uint_eq(io_queue_inflight(queue), 0);
    close_all();
}
END_TEST

#define BIG (16u << 20)

/* Bytes per second of reading one big object after the other. */
static double rate_of(const char *yaml, uint64_t stream_rate, uint64_t total_rate, uint32_t warm,
                      uint64_t *ret_requests)
{
    const struct script_config config = {.native = true,
                                         .caps = DLFW_BACKEND_STREAMS,
                                         .delay_ns = MS / 2,
                                         .stream_rate = stream_rate,
                                         .total_rate = total_rate};
    uint8_t *room = malloc(BIG);
    uint64_t start = 0, before = 0;

    open_config(&config, 16, yaml);
    memset(room, 1, BIG);
    script_set(script, "k", room, BIG);
    for (uint32_t i = 0; i < warm + 4; i++) {
        struct io_op op = get(0, BIG, BIG, 0);

        if (i == warm) {
            start = clock_now_ns();
            before = script_calls(script, DLFW_OP_GET);
        }
        op.buf = room;
        ck_assert_int_eq(io_call(queue, &op, &err.e), DLFW_OK);
    }
    *ret_requests = script_calls(script, DLFW_OP_GET) - before;
    start = clock_now_ns() - start;
    close_all();
    free(room);
    return 4.0 * BIG * 1e9 / (double)start;
}

/* Only their results count where a sanitizer takes the time. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_MEASURED false
#else
#define IS_MEASURED true
#endif

/* The gain is measured against the clock, so a busy machine may hide it for a while: it has to show once. */
START_TEST(slow_streams_gain)
{
    uint64_t requests;
    double one = rate_of("options: {split: off}", 300000000u, 0, 0, &requests), many = 0;

    ck_assert_uint_eq(requests, 4);
    for (int attempt = 0; attempt < 5; attempt++) {
        many = rate_of("options: {split: auto}", 300000000u, 0, IS_MEASURED ? 24 : 2, &requests);
        if (!IS_MEASURED || (requests > 4 && many > 1.4 * one))
            return;
    }
    ck_abort_msg("%llu requests; %.0f MB/s in parts, %.0f MB/s as one", (unsigned long long)requests, many / 1e6,
                 one / 1e6);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io_split");
    TCase *tc = tcase_create("io_split");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, ranges_are_whole, 0, KINDS);
    tcase_add_loop_test(tc, whole_objects_are_whole, 0, KINDS);
    tcase_add_test(tc, a_whole_object_without_a_told_size_is_one_request);
    tcase_add_loop_test(tc, an_object_larger_than_the_room_tells_its_size, 0, 6);
    tcase_add_test(tc, small_reads_are_left_alone);
    tcase_add_loop_test(tc, off_and_local_storages_do_not_split, 0, 2);
    tcase_add_test(tc, parts_are_tried_again_one_by_one);
    tcase_add_loop_test(tc, the_first_failure_is_the_result, 0, KINDS);
    tcase_add_test(tc, a_missing_object_is_not_found);
    tcase_add_loop_test(tc, an_object_replaced_meanwhile_is_an_error, 0, 2);
    tcase_add_test(tc, cancelling_ends_it);
    tcase_add_test(tc, parts_take_no_room_from_the_caller);
    tcase_add_test(tc, a_queue_that_dies_ends_it);
    tcase_add_test(tc, slow_streams_gain);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
