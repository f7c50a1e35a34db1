/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/object_cache.h"

static _Atomic int freed;

static void free_value(void *value)
{
    freed++;
    free(value);
}

static const void *put(struct object_cache *cache, unsigned number, uint64_t bytes)
{
    unsigned *value = malloc(sizeof *value);
    char name[32];

    *value = number;
    return object_cache_put(cache, name, (uint32_t)snprintf(name, sizeof name, "file_%u", number), number, value, bytes,
                            free_value);
}

static const void *get(struct object_cache *cache, unsigned number)
{
    char name[32];

    return object_cache_get(cache, name, (uint32_t)snprintf(name, sizeof name, "file_%u", number), number);
}

START_TEST(values_are_found_by_name_and_size)
{
    struct object_cache *cache = object_cache_create(1 << 20);

    freed = 0;
    for (unsigned i = 0; i < 1000; i++)
        object_cache_release(cache, put(cache, i, 10));
    for (unsigned i = 0; i < 1000; i++) {
        const unsigned *value = get(cache, i);

        ck_assert_ptr_nonnull(value);
        ck_assert_uint_eq(*value, i);
        object_cache_release(cache, value);
    }
    ck_assert_ptr_null(get(cache, 1000));
    ck_assert_ptr_null(object_cache_get(cache, "file_7", 6, 8)); /* another size: another object */
    ck_assert_int_eq(freed, 0);
    object_cache_destroy(cache);
    ck_assert_int_eq(freed, 1000);
}
END_TEST

START_TEST(the_first_of_two_stays)
{
    struct object_cache *cache = object_cache_create(1 << 20);
    const void *first, *second;

    freed = 0;
    first = put(cache, 1, 10);
    second = put(cache, 1, 10);
    ck_assert_ptr_eq(first, second);
    ck_assert_int_eq(freed, 1);
    object_cache_release(cache, first);
    object_cache_release(cache, second);
    object_cache_release(cache, NULL);
    object_cache_destroy(cache);
    ck_assert_int_eq(freed, 2);
}
END_TEST

START_TEST(the_least_recently_used_go_first_but_never_one_in_use)
{
    struct object_cache *cache = object_cache_create(10000);
    const void *held, *used;

    freed = 0;
    held = put(cache, 0, 3000);
    object_cache_release(cache, put(cache, 1, 3000));
    object_cache_release(cache, put(cache, 2, 3000));
    used = get(cache, 1);
    object_cache_release(cache, used);
    object_cache_release(cache, put(cache, 3, 3000)); /* over the limit: 2 is the oldest that nobody holds */
    ck_assert_int_eq(freed, 1);
    ck_assert_ptr_null(get(cache, 2));
    used = get(cache, 1);
    ck_assert_ptr_nonnull(used);
    object_cache_release(cache, used);
    ck_assert_uint_eq(*(const unsigned *)held, 0);
    object_cache_release(cache, put(cache, 4, 50000)); /* alone too large: everything that may go is gone at release */
    ck_assert_ptr_null(get(cache, 4));
    object_cache_release(cache, held);
    object_cache_destroy(cache);
    ck_assert_int_eq(freed, 5);
}
END_TEST

static void *use(void *arg)
{
    struct object_cache *cache = arg;

    for (unsigned i = 0; i < 20000; i++) {
        unsigned number = i * 7 % 97;
        const unsigned *value = get(cache, number);

        if (!value)
            value = put(cache, number, 100);
        if (*value != number)
            return "another object's value";
        object_cache_release(cache, value);
    }
    return NULL;
}

START_TEST(threads_share_it)
{
    struct object_cache *cache = object_cache_create(5000);
    pthread_t threads[4];

    for (unsigned i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, use, cache), 0);
    for (unsigned i = 0; i < 4; i++) {
        void *problem;

        pthread_join(threads[i], &problem);
        ck_assert_ptr_null(problem);
    }
    object_cache_destroy(cache);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("object_cache");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, values_are_found_by_name_and_size);
    tcase_add_test(tc, the_first_of_two_stays);
    tcase_add_test(tc, the_least_recently_used_go_first_but_never_one_in_use);
    tcase_add_test(tc, threads_share_it);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
