/* SPDX-License-Identifier: Apache-2.0 */
/* Widening against a model: every offset and length around the edges, read through a backend that refuses what is not
 * aligned. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/script_backend.h"

#define OBJECT 70u

static const dlfw_limits shapes[] = {
    {.read_offset_align = 8, .read_length_align = 8, .mem_align = 16},
    {.read_offset_align = 16, .read_length_align = 4, .mem_align = 1},
    {.read_offset_align = 4, .read_length_align = 16, .mem_align = 64},
    {.read_offset_align = 1, .read_length_align = 1, .mem_align = 32},
    {.read_offset_align = 1, .read_length_align = 8, .mem_align = 1},
    {.read_offset_align = 8, .read_length_align = 1, .mem_align = 1},
    {.read_offset_align = 1, .read_length_align = 1, .mem_align = 1},
};
#define SHAPES ((int)(sizeof shapes / sizeof *shapes))

static struct script *script;
static struct storage *storage;
static struct io_queue *queue;

static void open_shape(int i, bool sizes_unknown)
{
    uint8_t data[OBJECT];

    script =
        script_create(&(struct script_config){.native = true, .limits = shapes[i], .sizes_unknown = sizes_unknown});
    script_fill(data, OBJECT, 0);
    script_set(script, "k", data, OBJECT);
    storage = script_storage(script, NULL);
    ck_assert_int_eq(io_queue_create(storage, 4, &queue, NULL), DLFW_OK);
}

static void close_shape(void)
{
    io_queue_destroy(queue);
    storage_close(storage);
    script_destroy(script);
}

/* Index of the first byte that is not value; len: none. (Check's macros are too slow for inner loops: each writes to a
 * pipe.) */
static uint64_t first_other(const uint8_t *data, uint64_t len, uint8_t value)
{
    uint64_t i = 0;

    while (i < len && data[i] == value)
        i++;
    return i;
}

static uint64_t first_wrong(const uint8_t *data, uint64_t len, uint64_t offset)
{
    uint64_t i = 0;

    while (i < len && data[i] == script_byte(offset + i))
        i++;
    return i;
}

/* shift: how far the caller's buffer is off the alignment. */
static void read_one(const dlfw_limits *limits, uint64_t offset, uint64_t length, uint64_t shift)
{
    uint64_t need = io_read_cap(limits, offset, length), there = offset < OBJECT ? OBJECT - offset : 0;
    struct io_op op = {.op = DLFW_OP_GET, .key = "k", .key_len = 1, .offset = offset, .length = length};
    _Alignas(64) uint8_t memory[512];
    uint64_t behind;
    bool good;

    memset(memory, 0x77, sizeof memory);
    if (shift)
        need += limits->mem_align - shift % limits->mem_align;
    op.buf = memory + 64 + shift;
    op.buf_cap = need > length ? need : length;
    behind = sizeof memory - 64 - shift - op.buf_cap;
    there = there < length ? there : length;
    good = io_call(queue, &op, NULL) == DLFW_OK && op.bytes == there;
    good = good && op.data >= (uint8_t *)op.buf && op.data + length <= (uint8_t *)op.buf + op.buf_cap;
    good = good && first_wrong(op.data, there, offset) == there;
    good = good && first_other(memory, 64 + shift, 0x77) == 64 + shift;
    good = good && first_other((uint8_t *)op.buf + op.buf_cap, behind, 0x77) == behind;
    if (!good)
        ck_abort_msg("offset %u length %u shift %u: status %d, %u bytes of %u; %s", (unsigned)offset, (unsigned)length,
                     (unsigned)shift, op.status, (unsigned)op.bytes, (unsigned)there, op.err.text);
}

START_TEST(every_range_gives_its_bytes)
{
    dlfw_limits limits;

    open_shape(_i, false);
    ck_assert_int_eq(storage_limits(storage, "k", 1, &limits, NULL), DLFW_OK);
    for (uint64_t offset = 0; offset < OBJECT + 18; offset++) {
        for (uint64_t length = 0; length < 34; length++)
            read_one(&limits, offset, length, 0);
    }
    close_shape();
}
END_TEST

START_TEST(misaligned_buffers_are_shifted)
{
    dlfw_limits limits;

    open_shape(_i, true);
    ck_assert_int_eq(storage_limits(storage, "k", 1, &limits, NULL), DLFW_OK);
    for (uint64_t shift = 1; shift < 20; shift++)
        read_one(&limits, 13, 29, shift);
    close_shape();
}
END_TEST

START_TEST(aligned_ranges_pass_untouched)
{
    _Alignas(64) uint8_t memory[64];
    struct io_op op = {
        .op = DLFW_OP_GET, .key = "k", .key_len = 1, .buf = memory, .buf_cap = 16, .offset = 16, .length = 16};

    open_shape(_i, false);
    ck_assert_int_eq(io_call(queue, &op, NULL), DLFW_OK);
    ck_assert_ptr_eq(op.data, memory);
    ck_assert_uint_eq(script_last_offset(script), 16);
    ck_assert_uint_eq(script_last_length(script), 16);
    close_shape();
}
END_TEST

START_TEST(a_small_buffer_is_the_callers_mistake)
{
    _Alignas(64) uint8_t memory[64];
    struct io_op op = {
        .op = DLFW_OP_GET, .key = "k", .key_len = 1, .buf = memory, .buf_cap = 15, .offset = 3, .length = 9};

    open_shape(0, false);
    ck_assert_int_eq(io_call(queue, &op, NULL), DLFW_E_INVALID);
    ck_assert_ptr_nonnull(strstr(op.err.text, "'k'"));
    ck_assert_uint_eq(script_calls(script, 0), 0);
    op.buf_cap = 16;
    ck_assert_int_eq(io_call(queue, &op, NULL), DLFW_OK);
    close_shape();
}
END_TEST

START_TEST(ranges_that_wrap_are_refused)
{
    _Alignas(64) uint8_t memory[64];
    struct io_op op = {.op = DLFW_OP_GET,
                       .key = "k",
                       .key_len = 1,
                       .buf = memory,
                       .buf_cap = 64,
                       .offset = UINT64_MAX - 3,
                       .length = 9};

    open_shape(0, false);
    ck_assert_int_eq(io_call(queue, &op, NULL), DLFW_E_INVALID);
    close_shape();
}
END_TEST

START_TEST(whole_objects_are_rounded_inside_the_buffer)
{
    _Alignas(64) uint8_t memory[128];
    struct io_op op = {.op = DLFW_OP_GET, .flags = DLFW_REQ_WHOLE, .key = "k", .key_len = 1, .buf = memory};

    open_shape(_i, false);
    for (uint64_t cap = OBJECT; cap <= sizeof memory; cap++) {
        dlfw_limits limits;
        dlfw_status st;

        storage_limits(storage, "k", 1, &limits, NULL);
        op.length = OBJECT;
        op.buf_cap = cap;
        memset(memory, 0x77, sizeof memory);
        st = io_call(queue, &op, NULL);
        if (cap / limits.read_length_align * limits.read_length_align < OBJECT) {
            ck_assert_int_eq(st, DLFW_E_BUFFER_TOO_SMALL);
            ck_assert_uint_eq(op.object_size, OBJECT);
            continue;
        }
        ck_assert_msg(st == DLFW_OK, "%s", op.err.text);
        ck_assert_uint_eq(op.bytes, OBJECT);
        ck_assert_uint_eq(first_wrong(op.data, OBJECT, 0), OBJECT);
        ck_assert_uint_eq(first_other(memory + cap, sizeof memory - cap, 0x77), sizeof memory - cap);
    }
    close_shape();
}
END_TEST

START_TEST(strange_alignments_are_refused)
{
    struct error_slot err;
    dlfw_limits limits;

    error_slot_init(&err);
    script = script_create(&(struct script_config){.native = true, .limits = {.read_offset_align = 12}});
    storage = script_storage(script, NULL);
    ck_assert_int_eq(storage_limits(storage, "", 0, &limits, &err.e), DLFW_E_ABI);
    ck_assert_ptr_nonnull(strstr(err.text, "12"));
    ck_assert_int_eq(io_queue_create(storage, 4, &queue, &err.e), DLFW_E_ABI);
    storage_close(storage);
    script_destroy(script);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io_align");
    TCase *tc = tcase_create("io_align");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, every_range_gives_its_bytes, 0, SHAPES);
    tcase_add_loop_test(tc, misaligned_buffers_are_shifted, 0, SHAPES);
    tcase_add_loop_test(tc, aligned_ranges_pass_untouched, 0, SHAPES);
    tcase_add_loop_test(tc, whole_objects_are_rounded_inside_the_buffer, 0, SHAPES);
    tcase_add_test(tc, a_small_buffer_is_the_callers_mistake);
    tcase_add_test(tc, ranges_that_wrap_are_refused);
    tcase_add_test(tc, strange_alignments_are_refused);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
