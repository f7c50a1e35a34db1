/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "io/buffer_pool.h"
#include "support/script_backend.h"

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)

static struct buffer_pool *pool;
static struct error_slot err;

static void open_pool(uint64_t limit)
{
    error_slot_init(&err);
    ck_assert_int_eq(pool_create(NULL, limit, &pool, &err.e), DLFW_OK);
}

static struct buffer take(uint64_t bytes)
{
    struct buffer b = {0};

    ck_assert_msg(pool_take(pool, bytes, false, &b, &err.e) == DLFW_OK, "%llu: %s", (unsigned long long)bytes,
                  err.text);
    return b;
}

static const uint64_t sizes[] = {
    0,       1,           4095,          4096,      4097,         8192,     12288,   12289,       16384,
    65535,   100 * KIB,   128 * KIB + 1, 256 * KIB, 1000 * KIB,   MIB,      MIB + 1, 5 * MIB / 4, 2 * MIB - 1,
    2 * MIB, 2 * MIB + 1, 9 * MIB / 4,   3 * MIB,   10 * MIB + 7, 16 * MIB, 33 * MIB};

START_TEST(blocks_are_large_enough_aligned_and_not_wasteful)
{
    uint64_t bytes = sizes[_i];
    struct buffer b[3];

    open_pool(256 * MIB);
    for (uint8_t i = 0; i < 3; i++) {
        b[i] = take(bytes);
        ck_assert_uint_ge(b[i].cap, bytes);
        ck_assert_uint_le(b[i].cap, bytes + bytes / 4 + 4096);
        ck_assert_uint_eq((uintptr_t)b[i].data % 4096, 0);
        if (b[i].cap >= 2 * MIB)
            ck_assert_uint_eq((uintptr_t)b[i].data % (2 * MIB), 0);
        ck_assert_uint_eq(b[i].mem_handle, 0);
        memset(b[i].data, i + 1, b[i].cap);
    }
    for (uint8_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(b[i].data[0], i + 1);
        ck_assert_uint_eq(b[i].data[b[i].cap - 1], i + 1);
        pool_give(pool, &b[i]);
        ck_assert_ptr_null(b[i].data);
    }
    pool_destroy(pool);
}
END_TEST

START_TEST(the_last_block_given_is_the_next_one_taken)
{
    struct buffer a, b;
    uint8_t *first, *second;
    uint64_t mapped;

    open_pool(64 * MIB);
    a = take(sizes[_i]);
    b = take(sizes[_i]);
    first = a.data;
    second = b.data;
    mapped = pool_mapped(pool);
    pool_give(pool, &a);
    pool_give(pool, &b);
    ck_assert_uint_eq(pool_mapped(pool), mapped);
    a = take(sizes[_i]);
    b = take(sizes[_i]);
    ck_assert_ptr_eq(a.data, second);
    ck_assert_ptr_eq(b.data, first);
    ck_assert_uint_eq(pool_mapped(pool), mapped);
    pool_give(pool, &a);
    pool_give(pool, &b);
    pool_give(pool, &a); /* empty is fine */
    pool_destroy(pool);
}
END_TEST

START_TEST(small_blocks_share_slabs)
{
    struct buffer b[100];

    open_pool(64 * MIB);
    for (int i = 0; i < 100; i++)
        b[i] = take(20 * KIB);
    ck_assert_uint_eq(pool_mapped(pool), 2 * MIB);
    for (int i = 0; i < 100; i++)
        pool_give(pool, &b[i]);
    pool_destroy(pool);
}
END_TEST

START_TEST(the_limit_holds_and_is_named)
{
    struct buffer a, b = {0};

    open_pool(10 * MIB);
    a = take(8 * MIB);
    ck_assert_int_eq(pool_take(pool, 4 * MIB, false, &b, &err.e), DLFW_E_NO_MEMORY);
    ck_assert_ptr_null(b.data);
    ck_assert_ptr_nonnull(strstr(err.text, "4194304"));
    ck_assert_ptr_nonnull(strstr(err.text, "10485760"));
    ck_assert_uint_eq(pool_mapped(pool), 8 * MIB);
    b = take(64 * KIB); /* what is left is enough for this */
    ck_assert_uint_eq(pool_mapped(pool), 10 * MIB);
    pool_give(pool, &a);
    pool_give(pool, &b);
    ck_assert_int_eq(pool_take(pool, UINT64_MAX, false, &b, &err.e), DLFW_E_NO_MEMORY);
    ck_assert_int_eq(pool_take(pool, 11 * MIB, false, &b, &err.e), DLFW_E_NO_MEMORY);
    pool_destroy(pool);
}
END_TEST

START_TEST(idle_blocks_make_room_largest_first)
{
    struct buffer four, two, want;

    open_pool(12 * MIB);
    four = take(4 * MIB);
    two = take(2 * MIB);
    pool_give(pool, &four);
    pool_give(pool, &two);
    want = take(8 * MIB);
    ck_assert_uint_eq(pool_mapped(pool), 10 * MIB); /* the 4 MiB went, the 2 MiB stayed */
    pool_give(pool, &want);
    want = take(12 * MIB);
    ck_assert_uint_eq(pool_mapped(pool), 12 * MIB);
    pool_give(pool, &want);
    pool_destroy(pool);
}
END_TEST

START_TEST(blocks_in_use_are_never_taken_away)
{
    struct buffer a, b = {0}, c;

    open_pool(8 * MIB);
    a = take(100 * KIB); /* its slab stays */
    c = take(100 * KIB);
    pool_give(pool, &c);
    memset(a.data, 7, a.cap);
    ck_assert_int_eq(pool_take(pool, 7 * MIB, false, &b, &err.e), DLFW_E_NO_MEMORY);
    ck_assert_uint_eq(a.data[a.cap - 1], 7);
    b = take(6 * MIB);
    pool_give(pool, &b);
    pool_give(pool, &a);
    b = take(8 * MIB);
    pool_give(pool, &b);
    pool_destroy(pool);
}
END_TEST

START_TEST(a_larger_free_block_is_better_than_none)
{
    struct buffer a[2], b;

    open_pool(2 * MIB);
    a[0] = take(512 * KIB);
    a[1] = take(512 * KIB);
    pool_give(pool, &a[1]); /* the slab is in use, so nothing can be mapped or unmapped */
    b = take(4 * KIB);
    ck_assert_uint_ge(b.cap, 512 * KIB);
    pool_give(pool, &b);
    pool_give(pool, &a[0]);
    pool_destroy(pool);
}
END_TEST

START_TEST(a_tiny_limit_still_gives_blocks_that_fit)
{
    struct buffer a, b = {0};

    open_pool(64 * KIB);
    a = take(40 * KIB);
    ck_assert_uint_le(pool_mapped(pool), 64 * KIB);
    ck_assert_int_eq(pool_take(pool, 32 * KIB, false, &b, &err.e), DLFW_E_NO_MEMORY);
    pool_give(pool, &a);
    a = take(64 * KIB);
    pool_give(pool, &a);
    pool_destroy(pool);
    ck_assert_int_eq(pool_create(NULL, 4095, &pool, &err.e), DLFW_E_INVALID);
}
END_TEST

START_TEST(registered_blocks_carry_their_handle)
{
    struct script *script = script_create(&(struct script_config){.native = true});
    struct storage *storage = script_storage(script, NULL);
    struct buffer plain, reg[2], big;

    error_slot_init(&err);
    ck_assert_int_eq(pool_create(storage, 16 * MIB, &pool, &err.e), DLFW_OK);
    plain = take(256 * KIB);
    ck_assert_uint_eq(plain.mem_handle, 0);
    ck_assert_uint_eq(script_registered(script), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pool_take(pool, 256 * KIB, true, &reg[i], &err.e), DLFW_OK);
    ck_assert_uint_ne(reg[0].mem_handle, 0);
    ck_assert_uint_eq(reg[0].mem_handle, reg[1].mem_handle); /* one slab, one registration */
    ck_assert_uint_eq(script_registered(script), 2 * MIB);
    for (int i = 0; i < 2; i++)
        pool_give(pool, &reg[i]);
    pool_give(pool, &plain);
    big = take(16 * MIB); /* everything else is unmapped, and unregistered before */
    ck_assert_uint_eq(script_registered(script), 0);
    pool_give(pool, &big);
    pool_destroy(pool);
    storage_close(storage);
    script_destroy(script);
}
END_TEST

static void *take_and_give(void *arg)
{
    uint64_t draw = (uintptr_t)arg;
    struct buffer held[8] = {{0}};

    for (int n = 0; n < 4000; n++) {
        struct buffer *b = &held[n % 8];

        draw = hash_mix(draw + 1);
        if (b->data && b->data[0] != (uint8_t)(uintptr_t)arg)
            return (void *)1;
        pool_give(pool, b);
        if (pool_take(pool, draw % (400 * KIB), draw % 7 == 0, b, NULL) < 0)
            return (void *)1;
        b->data[0] = (uint8_t)(uintptr_t)arg;
    }
    for (int i = 0; i < 8; i++)
        pool_give(pool, &held[i]);
    return NULL;
}

START_TEST(threads_share_a_pool)
{
    pthread_t threads[4];
    void *bad;

    open_pool(256 * MIB);
    for (uintptr_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, take_and_give, (void *)(i + 1));
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &bad);
        ck_assert_ptr_null(bad);
    }
    pool_destroy(pool);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("buffer_pool");
    TCase *tc = tcase_create("buffer_pool");
    SRunner *sr;
    int count = (int)(sizeof sizes / sizeof *sizes);
    int failed;

    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, blocks_are_large_enough_aligned_and_not_wasteful, 0, count);
    tcase_add_loop_test(tc, the_last_block_given_is_the_next_one_taken, 0, count - 2);
    tcase_add_test(tc, small_blocks_share_slabs);
    tcase_add_test(tc, the_limit_holds_and_is_named);
    tcase_add_test(tc, idle_blocks_make_room_largest_first);
    tcase_add_test(tc, blocks_in_use_are_never_taken_away);
    tcase_add_test(tc, a_larger_free_block_is_better_than_none);
    tcase_add_test(tc, a_tiny_limit_still_gives_blocks_that_fit);
    tcase_add_test(tc, registered_blocks_carry_their_handle);
    tcase_add_test(tc, threads_share_a_pool);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
