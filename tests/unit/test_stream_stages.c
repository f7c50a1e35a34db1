/* SPDX-License-Identifier: Apache-2.0 */
/* What a stream writer does with the bytes on their way: compression that loses nothing, the checksum of what is
 * stored. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/str.h"
#include "host/crc.h"
#include "io/crc_join.h"
#include "io/stream_writer.h"
#include "support/script_backend.h"

#define PART 8192u
#define DATA (1u << 18)

static struct script *script;
static struct storage *storage;
static struct io_queue *queue;
static struct buffer_pool *pool;
static struct error_slot err;
static uint8_t *data;

/* One byte of 8 kinds, or any byte, in runs: what compresses, but not to nothing. */
static void fill_data(void)
{
    data = malloc(DATA);
    for (uint32_t i = 0; i < DATA; i++)
        data[i] = (uint8_t)(i >> 14 & 1 ? hash_mix(i) : hash_mix(i) & 7);
}

static void open_config(const struct script_config *config, uint32_t depth)
{
    error_slot_init(&err);
    fill_data();
    script = script_create(config);
    storage = script_storage(script, "retry: {max_attempts: 3, backoff: 1ms}");
    ck_assert_int_eq(io_queue_create(storage, depth, &queue, &err.e), DLFW_OK);
    ck_assert_int_eq(pool_create(storage, 64 << 20, &pool, &err.e), DLFW_OK);
}

static void close_all(void)
{
    io_queue_destroy(queue);
    pool_destroy(pool);
    storage_close(storage);
    script_destroy(script); /* checks that no upload is left */
    free(data);
}

static struct stream_writer *open_writer(int32_t level, uint64_t hint, bool keep_head, struct writer_result *result)
{
    struct stream_writer *w = NULL;
    struct stream_writer_args args = {.queue = queue,
                                      .pool = pool,
                                      .key = "o",
                                      .size_hint = hint,
                                      .keep_head = keep_head,
                                      .compress = level,
                                      .result = result};

    ck_assert_msg(writer_open(storage, &args, &w, &err.e) == DLFW_OK, "%s", err.text);
    return w;
}

static void append_all(struct stream_writer *w, uint64_t len)
{
    for (uint64_t at = 0, step = 1; at < len; step = step * 3 + 1) {
        uint64_t n = step < len - at ? step : len - at;

        ck_assert_msg(writer_append(w, data + at, n, &err.e) == DLFW_OK, "%s", err.text);
        at += n;
    }
    ck_assert_uint_eq(writer_size(w), len);
}

static void check_stored(const struct writer_result *result, uint64_t len, bool told)
{
    size_t there;
    const uint8_t *object = script_get(script, "o", &there);
    uint8_t *back = malloc(len + 1);

    ck_assert_ptr_nonnull(object);
    ck_assert_uint_eq(result->stored_bytes, there);
    ck_assert_uint_eq(result->crc32c, crc32c_update(0, object, there));
    ck_assert_uint_eq(ZSTD_getFrameContentSize(object, there), told || !len ? len : ZSTD_CONTENTSIZE_UNKNOWN);
    ck_assert_uint_eq(ZSTD_findFrameCompressedSize(object, there), there); /* one frame, whole */
    ck_assert_uint_eq(ZSTD_decompress(back, len + 1, object, there), len);
    ck_assert(memcmp(back, data, len) == 0);
    free(back);
}

#define LIMITS                                                                                                         \
    .limits = {.preferred_part = PART, .write_length_align = 512, .write_offset_align = 512, .mem_align = 512}

static const struct {
    struct script_config config;
    uint32_t depth;
} shapes[] = {
    {{.native = true, LIMITS}, 16},
    {{.native = true, .delay_ns = 50000, .jitter_ns = 300000, LIMITS}, 16},
    {{.native = true, LIMITS}, 1},
    {{.blocking = true, LIMITS}, 8},
    {{.blocking = true, .caps = DLFW_BACKEND_LOCAL, LIMITS}, 8},
    {{.native = true, .without = DLFW_OP_BIT(DLFW_OP_PUT), LIMITS}, 4},
};
#define SHAPES ((int)(sizeof shapes / sizeof *shapes))

static const uint64_t lengths[] = {0, 1, 100, PART, 3 * PART + 1, 131072, 131073, DATA};

START_TEST(compression_loses_nothing)
{
    static const int32_t levels[] = {1, 3, 9};

    open_config(&shapes[_i].config, shapes[_i].depth);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (uint32_t k = 0; k < 3; k++) {
            bool told = (i + k) % 2;
            struct writer_result result = {0};
            struct stream_writer *w = open_writer(levels[k], told ? lengths[i] : 0, false, &result);

            append_all(w, lengths[i]);
            ck_assert_msg(writer_commit(w, &err.e) == DLFW_OK, "%s", err.text);
            check_stored(&result, lengths[i], told);
        }
    }
    close_all();
}
END_TEST

START_TEST(windows_are_compressed_too)
{
    struct writer_result result;
    struct stream_writer *w;
    uint64_t at = 0;

    open_config(&shapes[_i].config, shapes[_i].depth);
    w = open_writer(3, 0, false, &result);
    while (at < DATA) {
        uint64_t room, n;
        void *to;

        ck_assert_int_eq(writer_window(w, &to, &room, &err.e), DLFW_OK);
        n = room < 100000 ? room : 100000;
        n = n < DATA - at ? n : DATA - at;
        memcpy(to, data + at, n);
        ck_assert_int_eq(writer_advance(w, room + 1, &err.e), DLFW_E_INVALID);
        ck_assert_int_eq(writer_advance(w, n, &err.e), DLFW_OK);
        at += n;
    }
    ck_assert_msg(writer_commit(w, &err.e) == DLFW_OK, "%s", err.text);
    check_stored(&result, DATA, false);
    close_all();
}
END_TEST

START_TEST(a_small_object_is_one_put)
{
    struct writer_result result;
    struct stream_writer *w;

    open_config(&shapes[0].config, 4);
    w = open_writer(3, 10000, false, &result);
    append_all(w, 10000);
    ck_assert_int_eq(writer_commit(w, &err.e), DLFW_OK);
    ck_assert_uint_eq(script_calls(script, DLFW_OP_PUT), 1);
    ck_assert_uint_eq(script_calls(script, DLFW_OP_WRITE_BEGIN), 0);
    check_stored(&result, 10000, true);
    close_all();
}
END_TEST

START_TEST(a_size_that_was_wrong_fails)
{
    struct writer_result result = {.stored_bytes = 77};
    struct stream_writer *w;
    size_t there;

    open_config(&shapes[0].config, 4);
    w = open_writer(3, 50000, false, &result);
    if (_i) {
        ck_assert_int_eq(writer_append(w, data, 50001, &err.e), DLFW_E_INVALID);
        ck_assert_int_eq(writer_commit(w, &err.e), DLFW_E_INVALID);
    } else {
        append_all(w, 49999);
        ck_assert_int_eq(writer_commit(w, &err.e), DLFW_E_INVALID);
    }
    ck_assert_msg(strstr(err.text, "'o'") && strstr(err.text, "50000 bytes were announced"), "%s", err.text);
    ck_assert_ptr_null(script_get(script, "o", &there));
    ck_assert_uint_eq(result.stored_bytes, 77);
    close_all();
}
END_TEST

START_TEST(what_cannot_be_is_refused)
{
    static const struct {
        int32_t level;
        bool keep_head;
        dlfw_status status;
    } rows[] = {{20, false, DLFW_E_INVALID}, {-1, false, DLFW_E_INVALID}, {3, true, DLFW_E_UNSUPPORTED}};
    struct stream_writer *w = NULL;
    struct stream_writer_args args = {.key = "o", .compress = rows[_i].level, .keep_head = rows[_i].keep_head};

    open_config(&shapes[0].config, 4);
    args.queue = queue;
    args.pool = pool;
    ck_assert_int_eq(writer_open(storage, &args, &w, &err.e), rows[_i].status);
    ck_assert_ptr_null(w);
    close_all();
}
END_TEST

START_TEST(a_failed_part_fails_the_stream)
{
    struct writer_result result;
    struct stream_writer *w;
    dlfw_status st = DLFW_OK;
    size_t there;

    open_config(&shapes[_i].config, shapes[_i].depth);
    script_rule(script,
                (struct script_rule){.op = DLFW_OP_WRITE_PART, .from = 3, .count = 1000, .status = DLFW_E_NO_SPACE});
    w = open_writer(1, 0, false, &result);
    for (uint32_t i = 0; i < 20 && st >= 0; i++)
        st = writer_append(w, data, DATA / 4, &err.e);
    if (st >= 0)
        st = writer_commit(w, &err.e);
    else
        writer_abort(w);
    ck_assert_int_eq(st, DLFW_E_NO_SPACE);
    ck_assert_ptr_null(script_get(script, "o", &there));
    close_all();
}
END_TEST

START_TEST(the_checksum_is_that_of_the_stored_bytes)
{
    open_config(&shapes[_i].config, shapes[_i].depth);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (int keep_head = 0; keep_head < 2; keep_head++) {
            struct writer_result result;
            struct stream_writer *w = open_writer(0, lengths[i], keep_head, &result);
            const uint8_t *object;
            size_t there;

            append_all(w, lengths[i]);
            if (keep_head && lengths[i] >= 100)
                ck_assert_int_eq(writer_patch(w, 20, "patched", 7, &err.e), DLFW_OK);
            ck_assert_msg(writer_commit(w, &err.e) == DLFW_OK, "%s", err.text);
            object = script_get(script, "o", &there);
            ck_assert_uint_eq(there, lengths[i]);
            ck_assert_uint_eq(result.stored_bytes, there);
            ck_assert_uint_eq(result.crc32c, crc32c_update(0, object, there));
        }
    }
    close_all();
}
END_TEST

START_TEST(checksums_join)
{
    fill_data();
    for (uint32_t i = 0; i < 500; i++) {
        uint64_t a = hash_mix(i) % 5000, b = i % 10 == 0 ? DATA - a : hash_mix(i + 1000) % 9000;
        uint32_t first = crc32c_update(0, data, a), second = crc32c_update(0, data + a, b);

        ck_assert_uint_eq(crc32c_join(first, second, b), crc32c_update(0, data, a + b));
    }
    ck_assert_uint_eq(crc32c_join(0x12345678, 0, 0), 0x12345678);
    free(data);
}
END_TEST

START_TEST(memory_is_that_of_the_parts)
{
    struct script_config config = {.native = true, .delay_ns = 100000, .limits = {.preferred_part = 1 << 20}};
    struct writer_result result;
    struct stream_writer *w;

    open_config(&config, 16);
    w = open_writer(_i, 0, false, &result);
    for (uint32_t i = 0; i < 100; i++)
        ck_assert_int_eq(writer_append(w, data, DATA, &err.e), DLFW_OK);
    ck_assert_uint_le(pool_mapped(pool), 8 << 20); /* four in flight, one being filled; slabs are 2 MiB */
    ck_assert_int_eq(writer_commit(w, &err.e), DLFW_OK);
    close_all();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("stream_stages");
    TCase *tc = tcase_create("stream_stages");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, compression_loses_nothing, 0, SHAPES);
    tcase_add_loop_test(tc, windows_are_compressed_too, 0, SHAPES);
    tcase_add_test(tc, a_small_object_is_one_put);
    tcase_add_loop_test(tc, a_size_that_was_wrong_fails, 0, 2);
    tcase_add_loop_test(tc, what_cannot_be_is_refused, 0, 3);
    tcase_add_loop_test(tc, a_failed_part_fails_the_stream, 0, SHAPES);
    tcase_add_loop_test(tc, the_checksum_is_that_of_the_stored_bytes, 0, SHAPES);
    tcase_add_test(tc, checksums_join);
    tcase_add_loop_test(tc, memory_is_that_of_the_parts, 0, 2);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
