/* SPDX-License-Identifier: Apache-2.0 */
/* A list of files that went through pages is the same list; damaged pages are refused. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "workload/file_list_pages.h"

static void fill(struct file_list *list, uint64_t count, bool names)
{
    char name[64];

    file_list_begin(NULL, "npz", count, names, list);
    for (uint64_t i = 0; i < count; i++) {
        list->sizes[i] = i % 7 == 3 ? UINT64_MAX : hash_mix(i) >> (i % 60);
        snprintf(name, sizeof name, "train/%lu/other_%lu.npz", i % 10, hash_mix(i) % 100000);
        if (names)
            list->keys[i] = arena_strndup(&list->arena, name, strlen(name));
    }
}

static void through_pages(bool names, uint64_t count, uint64_t page)
{
    struct file_list list, again;

    fill(&list, count, names);
    file_list_begin(NULL, "npz", count, names, &again);
    for (uint64_t i = 0; i < count; i += page) {
        uint64_t n = count - i < page ? count - i : page;
        struct str text = STR_EMPTY;

        file_list_page_write(&list, i, n, &text);
        ck_assert(file_list_page_read(&again, i, n, text.data, text.len));
        str_free(&text);
    }
    for (uint64_t i = 0; i < count; i++) {
        ck_assert_uint_eq(list.sizes[i], again.sizes[i]);
        if (names)
            ck_assert_str_eq(list.keys[i], again.keys[i]);
    }
    file_list_free(&list);
    file_list_free(&again);
}

START_TEST(a_list_survives)
{
    static const uint64_t counts[] = {0, 1, 2, 99, 1000};

    for (uint32_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (uint64_t page = 1; page <= 100; page += 33) {
            through_pages(false, counts[i], page);
            through_pages(true, counts[i], page);
        }
}
END_TEST

START_TEST(equal_sizes_cost_a_byte_each)
{
    struct file_list list;
    struct str text = STR_EMPTY;

    file_list_begin(NULL, "npz", 1000, false, &list);
    for (uint64_t i = 0; i < 1000; i++)
        list.sizes[i] = 1ull << 40;
    file_list_page_write(&list, 0, 1000, &text);
    ck_assert_uint_lt(text.len, 1010);
    str_free(&text);
    file_list_free(&list);
}
END_TEST

START_TEST(damage_is_refused)
{
    struct file_list list, again;
    struct str text = STR_EMPTY;

    fill(&list, 50, true);
    file_list_page_write(&list, 0, 50, &text);
    for (uint64_t len = 0; len < text.len; len++) {
        file_list_begin(NULL, "npz", 50, true, &again);
        ck_assert(!file_list_page_read(&again, 0, 50, text.data, len));
        file_list_free(&again);
    }
    file_list_begin(NULL, "npz", 50, true, &again);
    ck_assert(!file_list_page_read(&again, 1, 50, text.data, text.len));
    ck_assert(!file_list_page_read(&again, 0, 49, text.data, text.len));
    file_list_free(&again);
    str_free(&text);
    file_list_free(&list);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file_list_pages");
    TCase *tc = tcase_create("pages");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tc);
    tcase_add_test(tc, a_list_survives);
    tcase_add_test(tc, equal_sizes_cost_a_byte_each);
    tcase_add_test(tc, damage_is_refused);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
