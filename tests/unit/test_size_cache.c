/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/size_cache.h"

#define TTL 1000u

static struct size_cache *cache;

static void put(uint64_t number, uint64_t size, uint64_t now)
{
    char key[64];

    size_cache_put(cache, key, (size_t)snprintf(key, sizeof key, "train/img_%llu.npz", (unsigned long long)number),
                   size, now);
}

static bool get(uint64_t number, uint64_t now, uint64_t *ret)
{
    char key[64];

    return size_cache_get(
        cache, key, (size_t)snprintf(key, sizeof key, "train/img_%llu.npz", (unsigned long long)number), now, ret);
}

START_TEST(what_was_put_is_there_until_its_time_is_over)
{
    uint64_t size = 7;

    cache = size_cache_create(TTL, 1000);
    ck_assert(!get(1, 5, &size));
    ck_assert_uint_eq(size, 7);
    put(1, 100, 5);
    put(2, 200, 10);
    ck_assert(get(1, 5 + TTL - 1, &size) && size == 100);
    ck_assert(!get(1, 5 + TTL, &size));
    ck_assert(get(2, 5 + TTL, &size) && size == 200);
    put(1, 101, 5 + TTL);
    ck_assert(get(1, 5 + 2 * TTL - 1, &size) && size == 101);
    size_cache_destroy(cache);
}
END_TEST

START_TEST(what_was_dropped_is_gone)
{
    uint64_t size;

    cache = size_cache_create(TTL, 1000);
    put(1, 100, 5);
    size_cache_drop(cache, "train/img_1.npz", 15);
    size_cache_drop(cache, "train/img_2.npz", 15);
    ck_assert(!get(1, 6, &size));
    put(1, 0, 6);
    ck_assert(get(1, 6, &size) && size == 0);
    size_cache_destroy(cache);
}
END_TEST

START_TEST(keys_are_any_bytes)
{
    uint64_t size;

    cache = size_cache_create(TTL, 100000); /* in a small one five of them may meet in one set of four */
    for (size_t len = 0; len <= 40; len++) {
        uint8_t key[40] = {0};

        size_cache_put(cache, key, len, len, 1); /* zeros of each length are keys of their own */
    }
    for (size_t len = 0; len <= 40; len++) {
        uint8_t key[40] = {0};

        ck_assert(size_cache_get(cache, key, len, 2, &size));
        ck_assert_uint_eq(size, len);
        if (len) {
            key[len - 1] = 1;
            ck_assert(!size_cache_get(cache, key, len, 2, &size));
        }
    }
    size_cache_destroy(cache);
}
END_TEST

START_TEST(it_grows_and_forgets_the_oldest)
{
    uint64_t size, there = 0, old = 0, mistaken = 0, hits, misses;

    cache = size_cache_create(1000000, 4096);
    for (uint64_t i = 0; i < 2000; i++)
        put(i, i * 3, i + 1);
    for (uint64_t i = 0; i < 2000; i++)
        there += get(i, 3000, &size) && size == i * 3;
    ck_assert_uint_ge(there, 1850); /* a set may be full before the others */
    for (uint64_t i = 2000; i < 50000; i++)
        put(i, i * 3, i + 1);
    there = 0;
    for (uint64_t i = 0; i < 50000; i++) {
        bool found = get(i, 50001, &size);

        mistaken += found && size != i * 3;
        there += found;
        old += found && i < 25000;
    }
    ck_assert_uint_eq(mistaken, 0);
    ck_assert_uint_le(there, 4096);
    ck_assert_uint_ge(there, 3900);
    ck_assert_uint_lt(old, 40);
    size_cache_figures(cache, &hits, &misses);
    ck_assert_uint_eq(hits + misses, 52000);
    size_cache_destroy(cache);
}
END_TEST

static void *worker(void *arg)
{
    uint64_t from = (uint64_t)(uintptr_t)arg, size, mistaken = 0;

    for (uint64_t i = from; i < from + 5000; i++) {
        put(i, i, 1);
        mistaken += get(i, 2, &size) && size != i;
        if (i % 3 == 0) {
            char key[64];

            size_cache_drop(cache, key,
                            (size_t)snprintf(key, sizeof key, "train/img_%llu.npz", (unsigned long long)(i - 1)));
        }
    }
    return (void *)(uintptr_t)mistaken;
}

START_TEST(threads_share_it)
{
    pthread_t threads[4];
    void *mistaken;

    cache = size_cache_create(TTL, 65536);
    for (uintptr_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, worker, (void *)(i * 2500)), 0);
    for (uintptr_t i = 0; i < 4; i++) {
        pthread_join(threads[i], &mistaken);
        ck_assert_ptr_null(mistaken);
    }
    size_cache_destroy(cache);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("size_cache");
    TCase *tc = tcase_create("size_cache");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, what_was_put_is_there_until_its_time_is_over);
    tcase_add_test(tc, what_was_dropped_is_gone);
    tcase_add_test(tc, keys_are_any_bytes);
    tcase_add_test(tc, it_grows_and_forgets_the_oldest);
    tcase_add_test(tc, threads_share_it);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
