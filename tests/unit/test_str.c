/* SPDX-License-Identifier: Apache-2.0 */
/* Growing strings, arenas and the allocators that end the program instead of failing. */
#include "base/str.h"

#include <check.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sanitizers end the program by themselves when a request is absurd; here it must come back as NULL, as from libc. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__tsan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

START_TEST(appending)
{
    struct str s = STR_EMPTY;

    ck_assert_str_eq(s.data, "");
    str_add(&s, "");
    ck_assert_str_eq(s.data, "");
    str_add(&s, "batch");
    str_add_len(&s, "es of samples", 2);
    str_add_format(&s, " %d/%s", 7, "x");
    ck_assert_str_eq(s.data, "batches 7/x");
    ck_assert_uint_eq(s.len, 11);
    str_clear(&s);
    ck_assert_str_eq(s.data, "");
    ck_assert_uint_gt(s.cap, 0);
    str_add(&s, "again");
    ck_assert_str_eq(s.data, "again");
    str_free(&s);
    ck_assert_str_eq(s.data, "");
    ck_assert_uint_eq(s.len, 0);
    str_clear(&s);
    str_free(&s); /* nothing to free */
    str_add(&s, "usable");
    ck_assert_str_eq(s.data, "usable");
    str_free(&s);
}
END_TEST

START_TEST(bytes_with_zeros)
{
    struct str s = STR_EMPTY;

    str_add_len(&s, "a\0b", 3);
    ck_assert_uint_eq(s.len, 3);
    ck_assert_int_eq(memcmp(s.data, "a\0b", 4), 0);
    str_free(&s);
}
END_TEST

/* Every length around the points where the memory grows, by each of the three calls. */
START_TEST(growing)
{
    for (unsigned step = 1; step < 200; step += 7) {
        struct str s = STR_EMPTY;
        char piece[256];

        memset(piece, 'x', sizeof piece);
        piece[step] = '\0';
        for (unsigned i = 0; i < 60; i++) {
            if (i % 3 == 0)
                str_add(&s, piece);
            else if (i % 3 == 1)
                str_add_len(&s, piece, step);
            else
                str_add_format(&s, "%s", piece);
            ck_assert_uint_eq(s.len, (size_t)step * (i + 1));
            ck_assert_uint_lt(s.len, s.cap);
            ck_assert_uint_eq(strspn(s.data, "x"), s.len);
            ck_assert_int_eq(s.data[s.len], '\0');
        }
        str_free(&s);
    }
}
END_TEST

START_TEST(copies)
{
    char *a = xstrdup("rank"), *b = xstrndup("rank 0", 4), *c = xformat("%s-%03u", "rank", 7u);
    char *d = xcalloc(0, 8), *e = xmalloc(0);
    uint64_t *zeros = xcalloc(100, sizeof *zeros);

    ck_assert_str_eq(a, "rank");
    ck_assert_str_eq(b, "rank");
    ck_assert_str_eq(c, "rank-007");
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(zeros[i], 0);
    zeros = xrealloc(zeros, 1000 * sizeof *zeros);
    ck_assert_uint_eq(zeros[99], 0);
    free(zeros);
    free(e);
    free(d);
    free(c);
    free(b);
    free(a);
}
END_TEST

START_TEST(no_memory_ends_the_program)
{
    static volatile size_t more_than_there_is = SIZE_MAX / 2;

    free(xmalloc(more_than_there_is));
}
END_TEST

static bool all_are(const unsigned char *p, size_t n, unsigned value)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != value)
            return false;
    return true;
}

START_TEST(arena_gives_zeroed_aligned_memory)
{
    static const size_t sizes[] = {0, 1, 15, 16, 17, 100, 16000, 16384, 16385, 100000, 3};
    enum { ROUNDS = 5, N = sizeof sizes / sizeof *sizes };
    struct arena a = {0};
    unsigned char *p[ROUNDS * N];

    for (unsigned i = 0; i < ROUNDS * N; i++) {
        size_t n = sizes[i % N];

        p[i] = arena_alloc(&a, n);
        ck_assert_uint_eq((uintptr_t)p[i] % 16, 0);
        ck_assert(all_are(p[i], n, 0));
        memset(p[i], (int)(i + 1), n);
    }
    for (unsigned i = 0; i < ROUNDS * N; i++) /* nobody wrote over anybody */
        ck_assert(all_are(p[i], sizes[i % N], i + 1));
    arena_free(&a);
    ck_assert_ptr_null(a.blocks);
    arena_free(&a);
}
END_TEST

START_TEST(arena_text)
{
    struct arena a = {0};
    char *first = arena_strndup(&a, "train/img", 5), *second = arena_format(&a, "%d of %s", 3, "64"), *third;
    char expected[3001];

    memset(expected, 'y', sizeof expected - 1);
    expected[sizeof expected - 1] = '\0';
    third = arena_format(&a, "%s", expected);
    ck_assert_str_eq(first, "train");
    ck_assert_str_eq(second, "3 of 64");
    ck_assert_str_eq(third, expected);
    ck_assert_str_eq(arena_strndup(&a, "", 0), "");
    arena_free(&a);
}
END_TEST

START_TEST(hash_mix_spreads)
{
    ck_assert_uint_eq(hash_mix(0), 0);
    /* splitmix64 with seed 0: its published first output */
    ck_assert_uint_eq(hash_mix(0x9e3779b97f4a7c15u), 0xe220a8397b1dcdafu);
    for (unsigned bit = 0; bit < 64; bit++) {
        int changed = __builtin_popcountll(hash_mix(12345) ^ hash_mix(12345 ^ (uint64_t)1 << bit));

        ck_assert_msg(changed > 12 && changed < 52, "bit %u changes %d bits", bit, changed);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("str");
    TCase *t = tcase_create("str");
    SRunner *r;
    int failed;

    tcase_add_test(t, appending);
    tcase_add_test(t, bytes_with_zeros);
    tcase_add_test(t, growing);
    tcase_add_test(t, copies);
    tcase_add_test_raise_signal(t, no_memory_ends_the_program, SIGABRT);
    tcase_add_test(t, arena_gives_zeroed_aligned_memory);
    tcase_add_test(t, arena_text);
    tcase_add_test(t, hash_mix_spreads);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
