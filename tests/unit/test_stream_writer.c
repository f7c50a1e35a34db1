/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of every length against parts, patches, failures at each step, and backends that can do only one of PUT and
 * parts. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/part_size.h"
#include "io/stream_writer.h"
#include "support/script_backend.h"

#define PART 8192u

static struct script *script;
static struct storage *storage;
static struct io_queue *queue;
static struct buffer_pool *pool;
static struct error_slot err;
static uint8_t data[12 * PART];

static void open_config(const struct script_config *config, uint32_t depth, uint64_t pool_limit)
{
    error_slot_init(&err);
    script_fill(data, sizeof data, 0);
    script = script_create(config);
    storage = script_storage(script, "retry: {max_attempts: 2, backoff: 1ms}");
    ck_assert_int_eq(io_queue_create(storage, depth, &queue, &err.e), DLFW_OK);
    ck_assert_int_eq(pool_create(storage, pool_limit, &pool, &err.e), DLFW_OK);
}

static void close_all(void)
{
    ck_assert_uint_eq(io_queue_inflight(queue), 0);
    io_queue_destroy(queue);
    pool_destroy(pool);
    storage_close(storage);
    script_destroy(script); /* checks that no upload is left */
}

static struct stream_writer *open_writer(bool keep_head, uint16_t flags, uint64_t hint)
{
    struct stream_writer *w = NULL;
    struct stream_writer_args args = {
        .queue = queue, .pool = pool, .key = "o", .size_hint = hint, .flags = flags, .keep_head = keep_head};

    ck_assert_msg(writer_open(storage, &args, &w, &err.e) == DLFW_OK, "%s", err.text);
    return w;
}

/* Appends data[0 .. len) in steps of uneven size. */
static dlfw_status append_all(struct stream_writer *w, uint64_t len)
{
    uint64_t at = 0, step = 1;

    while (at < len) {
        uint64_t n = step < len - at ? step : len - at;
        dlfw_status st = writer_append(w, data + at, n, &err.e);

        if (st < 0)
            return st;
        at += n;
        step = step * 3 + 1;
    }
    return DLFW_OK;
}

static void check_object(uint64_t len)
{
    size_t there;
    const uint8_t *object = script_get(script, "o", &there);

    ck_assert_ptr_nonnull(object);
    ck_assert_uint_eq(there, len);
    ck_assert(len == 0 || memcmp(object, data, len) == 0);
}

#define LIMITS                                                                                                         \
    .limits = {.preferred_part = PART, .write_length_align = 512, .write_offset_align = 512, .mem_align = 512}

static const struct {
    const char *name;
    struct script_config config;
    uint32_t depth;
} shapes[] = {
    {"native", {.native = true, LIMITS}, 16},
    {"native out of order", {.native = true, .delay_ns = 50000, .jitter_ns = 500000, LIMITS}, 16},
    {"native depth 1", {.native = true, .delay_ns = 50000, LIMITS}, 1},
    {"native depth 2", {.native = true, LIMITS}, 2},
    {"pool", {.blocking = true, LIMITS}, 8},
    {"inline", {.blocking = true, .caps = DLFW_BACKEND_LOCAL, LIMITS}, 8},
    {"without put", {.native = true, .without = DLFW_OP_BIT(DLFW_OP_PUT), LIMITS}, 4},
};
#define SHAPES ((int)(sizeof shapes / sizeof *shapes))

static const uint64_t lengths[] = {0,
                                   1,
                                   511,
                                   512,
                                   PART - 1,
                                   PART,
                                   PART + 1,
                                   2 * PART,
                                   2 * PART + 7,
                                   5 * PART - 1,
                                   5 * PART,
                                   5 * PART + 1,
                                   11 * PART + 100};

START_TEST(every_length_arrives)
{
    bool can_put = !(shapes[_i].config.without & DLFW_OP_BIT(DLFW_OP_PUT));
    uint64_t puts = 0;

    open_config(&shapes[_i].config, shapes[_i].depth, 8 << 20);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (int keep_head = 0; keep_head < 2; keep_head++) {
            struct stream_writer *w = open_writer(keep_head, 0, keep_head ? lengths[i] : 0);

            ck_assert_msg(append_all(w, lengths[i]) == DLFW_OK, "%s", err.text);
            ck_assert_uint_eq(writer_size(w), lengths[i]);
            ck_assert_ptr_null(script_get(script, "o", &(size_t){0})); /* not visible yet */
            ck_assert_msg(writer_commit(w, &err.e) == DLFW_OK, "%s", err.text);
            check_object(lengths[i]);
            puts += lengths[i] <= PART && can_put;
            ck_assert_uint_eq(script_calls(script, DLFW_OP_PUT), puts);
            ck_assert_int_eq(io_delete(queue, "o", &err.e), DLFW_OK);
        }
    }
    ck_assert_uint_eq(script_calls(script, DLFW_OP_WRITE_ABORT), 0);
    close_all();
}
END_TEST

START_TEST(parts_go_out_together)
{
    struct stream_writer *w;

    open_config(&(struct script_config){.native = true, .delay_ns = 5000000, LIMITS}, 16, 8 << 20);
    w = open_writer(false, 0, 0);
    ck_assert_int_eq(append_all(w, 8 * PART), DLFW_OK);
    ck_assert_int_eq(writer_commit(w, &err.e), DLFW_OK);
    ck_assert_uint_ge(script_max_running(script), 4);
    ck_assert_uint_le(script_max_running(script), 5); /* the last one joins them at commit */
    check_object(8 * PART);
    close_all();
}
END_TEST

/* With two blocks of memory the writer waits for its parts instead of failing. */
START_TEST(little_memory_means_fewer_parts)
{
    struct stream_writer *w;

    open_config(&(struct script_config){.native = true, .delay_ns = 200000, LIMITS}, 16, 2 * PART);
    w = open_writer(false, 0, 0);
    ck_assert_msg(append_all(w, 10 * PART) == DLFW_OK, "%s", err.text);
    ck_assert_int_eq(writer_commit(w, &err.e), DLFW_OK);
    ck_assert_uint_le(script_max_running(script), 2);
    check_object(10 * PART);
    close_all();
}
END_TEST

START_TEST(no_memory_is_an_error)
{
    struct stream_writer *w;
    struct buffer all;

    open_config(&(struct script_config){.native = true, LIMITS}, 4, PART);
    ck_assert_int_eq(pool_take(pool, PART, true, &all, &err.e), DLFW_OK);
    w = open_writer(false, 0, 0);
    ck_assert_int_eq(append_all(w, 1), DLFW_E_NO_MEMORY);
    ck_assert_ptr_nonnull(strstr(err.text, "'o'"));
    ck_assert_int_eq(writer_commit(w, &err.e), DLFW_E_NO_MEMORY);
    pool_give(pool, &all);
    close_all();
}
END_TEST

START_TEST(the_head_can_be_patched_until_commit)
{
    static const uint64_t sizes[] = {100, 4096, PART, PART + 1, 4 * PART + 5};
    struct stream_writer *w;
    size_t len;
    const uint8_t *object;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        open_config(&shapes[_i].config, shapes[_i].depth, 8 << 20);
        w = open_writer(true, 0, 0);
        ck_assert_int_eq(append_all(w, sizes[i]), DLFW_OK);
        ck_assert_int_eq(writer_patch(w, 10, "PATCHED", 7, &err.e), DLFW_OK);
        ck_assert_int_eq(writer_patch(w, sizes[i] < 4096 ? sizes[i] - 1 : 4095, "!", 1, &err.e), DLFW_OK);
        ck_assert_int_eq(writer_patch(w, 4096, "!", 1, &err.e), DLFW_E_INVALID);
        ck_assert_int_eq(writer_patch(w, sizes[i], "!", 1, &err.e), DLFW_E_INVALID);
        ck_assert_int_eq(writer_patch(w, UINT64_MAX, "!!", 2, &err.e), DLFW_E_INVALID);
        ck_assert_int_eq(writer_commit(w, &err.e), DLFW_OK);
        object = script_get(script, "o", &len);
        ck_assert_uint_eq(len, sizes[i]);
        ck_assert_mem_eq(object + 10, "PATCHED", 7);
        ck_assert_uint_eq(object[17], data[17]);
        ck_assert_uint_eq(object[len - 1], len <= 4096 ? '!' : data[len - 1]);
        close_all();
    }
}
END_TEST

START_TEST(without_a_kept_head_nothing_is_patched)
{
    struct stream_writer *w;

    open_config(&shapes[0].config, 4, 8 << 20);
    w = open_writer(false, 0, 0);
    ck_assert_int_eq(append_all(w, 100), DLFW_OK);
    ck_assert_int_eq(writer_patch(w, 0, "x", 1, &err.e), DLFW_E_INVALID);
    writer_abort(w);
    ck_assert_uint_eq(script_objects(script), 0);
    close_all();
}
END_TEST

/* An abort after k bytes leaves nothing, in flight or not. */
START_TEST(abort_leaves_nothing)
{
    open_config(&shapes[_i].config, shapes[_i].depth, 8 << 20);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct stream_writer *w = open_writer(i % 2, 0, 0);

        ck_assert_int_eq(append_all(w, lengths[i]), DLFW_OK);
        writer_abort(w);
        ck_assert_uint_eq(script_uploads(script), 0);
        ck_assert_uint_eq(script_objects(script), 0);
    }
    writer_abort(NULL);
    close_all();
}
END_TEST

/* The k-th request fails for good, for every k: an error that names the object, and nothing left. */
START_TEST(any_failing_step_leaves_nothing)
{
    const uint64_t len = 6 * PART + 50;

    for (uint64_t k = 0; k < 9; k++) { /* begin, 7 parts, commit */
        struct stream_writer *w;
        dlfw_status st;

        open_config(&shapes[_i].config, shapes[_i].depth, 8 << 20);
        script_rule(script, (struct script_rule){.from = k, .count = 1, .status = DLFW_E_NO_SPACE});
        w = open_writer(k % 2, 0, 0);
        st = append_all(w, len);
        if (st < 0) {
            ck_assert_int_eq(st, DLFW_E_NO_SPACE);
            ck_assert_int_eq(append_all(w, 1), DLFW_E_NO_SPACE); /* it stays failed */
        }
        ck_assert_int_eq(writer_commit(w, &err.e), DLFW_E_NO_SPACE);
        ck_assert_msg(strstr(err.text, "'o'") && strstr(err.text, "scripted failure"), "%s", err.text);
        ck_assert_uint_eq(script_objects(script), 0);
        ck_assert_uint_eq(script_uploads(script), 0);
        close_all();
    }
}
END_TEST

START_TEST(a_failing_put_leaves_nothing)
{
    struct stream_writer *w;

    open_config(&shapes[_i].config, shapes[_i].depth, 8 << 20);
    script_rule(script, (struct script_rule){.op = DLFW_OP_PUT, .count = 1, .status = DLFW_E_PERMISSION});
    w = open_writer(false, 0, 0);
    ck_assert_int_eq(append_all(w, 10), DLFW_OK);
    ck_assert_int_eq(writer_commit(w, &err.e), DLFW_E_PERMISSION);
    ck_assert_str_eq(err.text, "cannot write 'o': scripted failure");
    ck_assert_uint_eq(script_objects(script), 0);
    close_all();
}
END_TEST

START_TEST(parts_are_retried)
{
    struct stream_writer *w;

    open_config(&shapes[_i].config, shapes[_i].depth, 8 << 20);
    script_rule(script, (struct script_rule){.op = DLFW_OP_WRITE_PART,
                                             .from = 2,
                                             .count = 1,
                                             .status = DLFW_E_UNAVAILABLE,
                                             .flags = DLFW_ERR_RETRYABLE});
    w = open_writer(true, 0, 0);
    ck_assert_int_eq(append_all(w, 6 * PART), DLFW_OK);
    ck_assert_msg(writer_commit(w, &err.e) == DLFW_OK, "%s", err.text);
    check_object(6 * PART);
    ck_assert_uint_eq(io_queue_stats(queue)->retries, 1);
    close_all();
}
END_TEST

START_TEST(exclusive_writers_fail_on_what_exists)
{
    static const uint64_t sizes[] = {10, 3 * PART};

    open_config(&shapes[0].config, 4, 8 << 20);
    script_set(script, "o", "old", 3);
    for (size_t i = 0; i < 2; i++) {
        struct stream_writer *w = open_writer(false, DLFW_REQ_EXCLUSIVE, 0);
        size_t len;

        ck_assert_int_eq(append_all(w, sizes[i]), DLFW_OK);
        ck_assert_int_eq(writer_commit(w, &err.e), DLFW_E_EXISTS);
        ck_assert_mem_eq(script_get(script, "o", &len), "old", 3);
    }
    close_all();
}
END_TEST

/* Without parts the buffer grows up to what one PUT may hold. */
START_TEST(one_put_grows_to_its_limit)
{
    const struct script_config config = {.native = true,
                                         .without = DLFW_OP_BIT(DLFW_OP_WRITE_BEGIN),
                                         .limits = {.preferred_part = PART, .max_io = 5 * PART}};
    struct stream_writer *w;

    open_config(&config, 4, 8 << 20);
    for (uint64_t hint = 0; hint <= 5 * PART; hint += 5 * PART) {
        w = open_writer(true, 0, hint);
        ck_assert_int_eq(append_all(w, 5 * PART), DLFW_OK);
        ck_assert_int_eq(writer_patch(w, 0, data, 16, &err.e), DLFW_OK);
        ck_assert_int_eq(writer_commit(w, &err.e), DLFW_OK);
        check_object(5 * PART);
    }
    ck_assert_uint_eq(script_calls(script, DLFW_OP_PUT), 2);
    ck_assert_int_eq(io_delete(queue, "o", &err.e), DLFW_OK);
    w = open_writer(false, 0, 0);
    ck_assert_int_eq(append_all(w, 5 * PART + 1), DLFW_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.text, "one piece of at most 40960 bytes"));
    ck_assert_int_eq(writer_commit(w, &err.e), DLFW_E_UNSUPPORTED);
    ck_assert_uint_eq(script_objects(script), 0);
    close_all();
}
END_TEST

START_TEST(a_backend_that_does_not_write_is_refused)
{
    struct stream_writer *w = NULL;
    struct stream_writer_args args = {.key = "o"};

    open_config(
        &(struct script_config){.native = true, .without = DLFW_OP_BIT(DLFW_OP_PUT) | DLFW_OP_BIT(DLFW_OP_WRITE_BEGIN)},
        4, PART);
    args.queue = queue;
    args.pool = pool;
    ck_assert_int_eq(writer_open(storage, &args, &w, &err.e), DLFW_E_UNSUPPORTED);
    ck_assert_ptr_null(w);
    ck_assert_ptr_nonnull(strstr(err.text, "does not write"));
    close_all();
}
END_TEST

START_TEST(too_many_parts_are_an_error)
{
    struct stream_writer *w;

    open_config(&(struct script_config){.native = true, .limits = {.preferred_part = PART, .max_parts = 3}}, 4,
                8 << 20);
    w = open_writer(false, 0, 0);
    ck_assert_int_eq(append_all(w, 5 * PART), DLFW_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.text, "was not told its size"));
    writer_abort(w);
    w = open_writer(false, 0, 10 * PART); /* told, it takes larger parts */
    ck_assert_int_eq(append_all(w, 10 * PART), DLFW_OK);
    ck_assert_msg(writer_commit(w, &err.e) == DLFW_OK, "%s", err.text);
    check_object(10 * PART);
    close_all();
}
END_TEST

START_TEST(the_sink_is_the_writer)
{
    struct stream_writer *w;
    dlfw_sink sink;
    uint64_t n;
    void *at;

    open_config(&shapes[0].config, 4, 8 << 20);
    w = open_writer(true, 0, 0);
    sink = writer_sink(w);
    ck_assert_int_eq(sink.window(sink.ctx, &at, &n, &err.e), DLFW_OK);
    ck_assert_uint_ge(n, 2);
    memcpy(at, "ab", 2);
    ck_assert_int_eq(sink.advance(sink.ctx, n + 1, &err.e), DLFW_E_INVALID);
    ck_assert_int_eq(sink.advance(sink.ctx, 2, &err.e), DLFW_OK);
    ck_assert_int_eq(sink.write(sink.ctx, "cd", 2, &err.e), DLFW_OK);
    ck_assert_int_eq(sink.patch(sink.ctx, 0, "A", 1, &err.e), DLFW_OK);
    ck_assert_int_eq(writer_commit(w, &err.e), DLFW_OK);
    ck_assert_mem_eq(script_get(script, "o", &(size_t){0}), "Abcd", 4);
    close_all();
}
END_TEST

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)

static const struct {
    const char *name;
    dlfw_limits limits;
    uint64_t caps, hint, at_least, part; /* part 0: refused */
} part_cases[] = {
    {"page cache", {0}, DLFW_BACKEND_LOCAL, 0, 0, 256 * KIB},
    {"direct", {0}, DLFW_BACKEND_LOCAL | DLFW_BACKEND_DIRECT, 0, 0, 8 * MIB},
    {"remote", {0}, 0, 0, 0, 8 * MIB},
    {"preferred", {.preferred_part = 3 * MIB}, 0, 0, 0, 3 * MIB},
    {"preferred, aligned up", {.preferred_part = 1000, .write_length_align = 512}, 0, 0, 0, 1024},
    {"min_part", {.preferred_part = MIB, .min_part = 5 * MIB}, 0, 0, 0, 5 * MIB},
    {"max_part", {.max_part = 4 * MIB}, 0, 0, 0, 4 * MIB},
    {"max_part, aligned down",
     {.max_part = 4 * MIB + 100, .write_length_align = 4096, .preferred_part = 9 * MIB},
     0,
     0,
     0,
     4 * MIB},
    {"max_io", {.max_io = 2 * MIB}, 0, 0, 0, 2 * MIB},
    {"s3, small", {.min_part = 5 * MIB, .max_parts = 10000, .max_part = 5120 * MIB}, 0, 100 * MIB, 0, 8 * MIB},
    {"s3, 1 TiB",
     {.min_part = 5 * MIB, .max_parts = 10000, .max_part = 5120 * MIB},
     0,
     1024 * 1024 * MIB,
     0,
     109951163},
    {"more than fits", {.max_parts = 10, .max_part = MIB}, 0, 10 * MIB + 1, 0, 0},
    {"exactly fits", {.max_parts = 10, .max_part = MIB}, 0, 10 * MIB, 0, MIB},
    {"head", {.preferred_part = 512}, 0, 0, 4096, 4096},
    {"head does not fit", {.max_part = 512}, 0, 0, 4096, 0},
};

START_TEST(part_sizes)
{
    dlfw_limits limits = part_cases[_i].limits;
    uint64_t part = 0;
    dlfw_status st;

    error_slot_init(&err);
    limits.write_length_align = limits.write_length_align ? limits.write_length_align : 1;
    limits.write_offset_align = 1;
    st = part_size(&limits, part_cases[_i].caps, part_cases[_i].hint, part_cases[_i].at_least, &part, &err.e);
    ck_assert_msg(part == part_cases[_i].part, "%s: %llu", part_cases[_i].name, (unsigned long long)part);
    ck_assert_int_eq(st, part ? DLFW_OK : DLFW_E_UNSUPPORTED);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("stream_writer");
    TCase *tc = tcase_create("stream_writer");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, every_length_arrives, 0, SHAPES);
    tcase_add_test(tc, parts_go_out_together);
    tcase_add_test(tc, little_memory_means_fewer_parts);
    tcase_add_test(tc, no_memory_is_an_error);
    tcase_add_loop_test(tc, the_head_can_be_patched_until_commit, 0, SHAPES);
    tcase_add_test(tc, without_a_kept_head_nothing_is_patched);
    tcase_add_loop_test(tc, abort_leaves_nothing, 0, SHAPES);
    tcase_add_loop_test(tc, any_failing_step_leaves_nothing, 0, SHAPES);
    tcase_add_loop_test(tc, a_failing_put_leaves_nothing, 0, SHAPES - 1);
    tcase_add_loop_test(tc, parts_are_retried, 0, SHAPES);
    tcase_add_test(tc, exclusive_writers_fail_on_what_exists);
    tcase_add_test(tc, one_put_grows_to_its_limit);
    tcase_add_test(tc, a_backend_that_does_not_write_is_refused);
    tcase_add_test(tc, too_many_parts_are_an_error);
    tcase_add_test(tc, the_sink_is_the_writer);
    tcase_add_loop_test(tc, part_sizes, 0, (int)(sizeof part_cases / sizeof *part_cases));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
