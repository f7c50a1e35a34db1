/* SPDX-License-Identifier: Apache-2.0 */
/* The content stream: the vectors of docs/content.md, all paths alike, any range alike, and randomness enough for
 * storage. */
#include "host/content.h"
#include "host/crc.h"

#include <check.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { BLOCK = 65536, SPAN = 3 * BLOCK };

static const char *const paths[] = {"portable", "avx2", "avx512"};
enum { PATHS = sizeof paths / sizeof *paths };

/* For tests that loop over all paths: false where this CPU lacks it; "portable" always runs. */
static bool use(int path)
{
    return content_use_path(paths[path]) == 0;
}

static uint64_t next(uint64_t *x)
{
    *x = *x * 6364136223846793005u + 1442695040888963407u;
    return *x >> 24;
}

static uint8_t *allocate(uint64_t len)
{
    uint8_t *p = malloc(len);

    ck_assert_ptr_nonnull(p);
    return p;
}

START_TEST(vectors)
{
    static const struct {
        uint64_t seed, object, offset;
        unsigned len;
        const char *hex;
    } rows[] = {
        {0, 0, 0, 16, "907679fb3f19664f5fbe097235f9ea10"},
        {1, 2, 0, 16, "064e47d7eee5d68a3ba696681cce5fc3"},
        {1, 2, 65536, 16, "5f323a667dbecf64a4daa6e42603b07c"},
        {1, 2, 65530, 12, "81590774452b5f323a667dbe"},
        {2, 1, 12345, 16, "af29ba4e5d10d4ed4518665563da537d"},
        {UINT64_MAX, UINT64_MAX, 1000000000000007, 16, "45291a76743e46cbff73fc6746f4faa1"},
    };
    uint8_t *big = allocate(200000);

    if (use(_i)) {
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
            uint8_t bytes[16];
            char hex[33];

            content_fill(rows[i].seed, rows[i].object, rows[i].offset, bytes, rows[i].len);
            for (unsigned k = 0; k < rows[i].len; k++)
                snprintf(hex + 2 * k, 3, "%02x", bytes[k]);
            ck_assert_str_eq(hex, rows[i].hex);
        }
        content_fill(0, 0, 0, big, BLOCK);
        ck_assert_uint_eq(crc32_update(0, big, BLOCK), 0x624603cd);
        content_fill(1, 2, 100, big, 200000);
        ck_assert_uint_eq(crc32_update(0, big, 200000), 0xddabe855);
    }
    free(big);
}
END_TEST

START_TEST(any_range_is_a_part_of_the_whole)
{
    uint8_t *whole = allocate(SPAN), *part = allocate(SPAN + 64);
    uint64_t x = 5 + (uint64_t)_i;

    content_use_path("portable");
    content_fill(3, 4, 0, whole, SPAN);
    for (int round = 0; use(_i) && round < 200; round++) {
        uint64_t offset = next(&x) % SPAN, len = next(&x) % (round % 8 ? 300 : SPAN), shift = next(&x) % 64;

        if (round % 5 == 0)
            offset = offset / BLOCK * BLOCK + (uint64_t)(round % 3); /* at and just after the start of a block */
        if (len > SPAN - offset)
            len = SPAN - offset;
        memset(part, 0xa5, SPAN + 64);
        content_fill(3, 4, offset, part + shift, len);
        ck_assert_int_eq(memcmp(part + shift, whole + offset, len), 0);
        ck_assert(shift == 0 || part[shift - 1] == 0xa5);
        ck_assert(part[shift + len] == 0xa5 || shift + len == SPAN + 64);
        ck_assert_uint_eq(content_check(3, 4, offset, part + shift, len), len);
    }
    free(part);
    free(whole);
}
END_TEST

START_TEST(nothing_is_written_for_length_0)
{
    uint8_t byte = 0x5a;

    if (!use(_i))
        return;
    content_fill(1, 2, 77, &byte, 0);
    ck_assert_uint_eq(byte, 0x5a);
    ck_assert_uint_eq(content_check(1, 2, 77, &byte, 0), 0);
    content_fill(1, 2, 77, NULL, 0);
}
END_TEST

START_TEST(check_names_the_first_difference)
{
    static const uint64_t offsets[] = {0, 1, 127, 128, 65530, 65536, 70001};
    uint64_t len = 2 * BLOCK + 77, x = 11;
    uint8_t *data = allocate(len);

    for (unsigned i = 0; use(_i) && i < sizeof offsets / sizeof *offsets; i++) {
        content_fill(9, 8, offsets[i], data, len);
        for (int round = 0; round < 12; round++) {
            uint64_t at = round == 0 ? 0 : round == 1 ? len - 1 : next(&x) % len, later = at + next(&x) % (len - at);
            uint8_t at_byte = data[at], later_byte = data[later];

            data[later] ^= 0x80;
            data[at] = (uint8_t)(at_byte ^ (1u << round % 8));
            ck_assert_uint_eq(content_check(9, 8, offsets[i], data, len), at);
            data[later] = later_byte;
            data[at] = at_byte;
        }
    }
    free(data);
}
END_TEST

/* Blocks of neighbouring seeds, objects and places differ in about half of their bits. */
START_TEST(neighbours_do_not_correlate)
{
    enum { KINDS = 9, LEN = 4096 };
    static const uint64_t rows[KINDS][3] = {{1, 1, 0},     {2, 1, 0},         {1, 2, 0}, {2, 2, 0},         {0, 0, 0},
                                            {1, 1, BLOCK}, {1, 1, 2 * BLOCK}, {3, 1, 0}, {1ull << 63, 1, 0}};
    static uint64_t blocks[KINDS][LEN / 8];

    for (unsigned i = 0; i < KINDS; i++)
        content_fill(rows[i][0], rows[i][1], rows[i][2], blocks[i], LEN);
    for (unsigned i = 0; i < KINDS; i++)
        for (unsigned j = 0; j < i; j++) {
            long differing = 0;

            for (unsigned k = 0; k < LEN / 8; k++)
                differing += __builtin_popcountll(blocks[i][k] ^ blocks[j][k]);
            /* 32768 bits: six standard deviations are 543 */
            ck_assert_msg(labs(differing - LEN * 4) < 543, "rows %u and %u differ in %ld of %d bits", i, j, differing,
                          LEN * 8);
        }
}
END_TEST

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

START_TEST(no_two_blocks_begin_alike)
{
    enum { OBJECTS = 60, BLOCKS = 60, N = OBJECTS * BLOCKS };
    static uint64_t first[N];

    for (unsigned i = 0; i < N; i++)
        content_fill(42, i / BLOCKS, (uint64_t)(i % BLOCKS) * BLOCK, &first[i], sizeof first[i]);
    qsort(first, N, sizeof *first, by_value);
    for (unsigned i = 1; i < N; i++)
        ck_assert_uint_ne(first[i], first[i - 1]);
}
END_TEST

START_TEST(bytes_are_even_and_do_not_compress)
{
    enum { LEN = 1 << 20 };
    uint8_t *data = allocate(LEN), *packed = allocate(compressBound(LEN));
    uint64_t counts[256] = {0}, pairs[256] = {0}, ones[64] = {0};
    uLongf packed_len = compressBound(LEN);
    double chi = 0, chi_pairs = 0;

    content_fill(1, content_object("train/img_0_of_8.npz", 20), 0, data, LEN);
    for (unsigned i = 0; i < LEN; i++) {
        counts[data[i]]++;
        pairs[(data[i] & 15) << 4 | (data[(i + 1) % LEN] & 15)]++;
        for (unsigned bit = 0; bit < 8; bit++)
            ones[i % 8 * 8 + bit] += data[i] >> bit & 1;
    }
    for (unsigned i = 0; i < 256; i++) {
        chi += ((double)counts[i] - LEN / 256.0) * ((double)counts[i] - LEN / 256.0) / (LEN / 256.0);
        chi_pairs += ((double)pairs[i] - LEN / 256.0) * ((double)pairs[i] - LEN / 256.0) / (LEN / 256.0);
    }
    ck_assert_msg(chi > 150 && chi < 380, "chi-square of bytes is %f, 255 degrees of freedom", chi);
    ck_assert_msg(chi_pairs > 150 && chi_pairs < 380, "chi-square of neighbours is %f, 255 degrees of freedom",
                  chi_pairs);
    for (unsigned bit = 0; bit < 64; bit++) /* of 131072: six standard deviations are 1086 */
        ck_assert_msg(labs((long)ones[bit] - LEN / 16) < 1086, "bit %u of words is 1 in %lu of %d", bit,
                      (unsigned long)ones[bit], LEN / 8);
    ck_assert_int_eq(compress2(packed, &packed_len, data, LEN, 9), Z_OK);
    ck_assert_uint_ge(packed_len, LEN);
    free(packed);
    free(data);
}
END_TEST

START_TEST(object_number_is_fnv1a)
{
    ck_assert_uint_eq(content_object("", 0), 0xcbf29ce484222325u);
    ck_assert_uint_eq(content_object("a", 1), 0xaf63dc4c8601ec8cu);
    ck_assert_uint_eq(content_object("foobar", 6), 0x85944171f73967e8u);
    ck_assert_uint_eq(content_object("\xff", 1), (0xcbf29ce484222325u ^ 0xff) * 0x100000001b3u);
}
END_TEST

START_TEST(paths_have_names)
{
    ck_assert_int_ne(content_use_path("abacus"), 0);
    ck_assert_int_eq(content_use_path("portable"), 0);
    ck_assert_str_eq(content_path(), "portable");
    ck_assert_int_ne(content_use_path("abacus"), 0);
    ck_assert_str_eq(content_path(), "portable"); /* a refused name changes nothing */
    ck_assert_int_eq(content_use_path(NULL), 0);
    for (int i = PATHS - 1; i >= 0; i--) {
        const char *best = content_path();

        if (use(i)) {
            ck_assert_str_eq(best, paths[i]);
            break;
        }
    }
}
END_TEST

static void *use_first(void *expected)
{
    uint8_t data[1000];

    content_fill(1, 2, 100, data, sizeof data);
    return crc32_update(0, data, sizeof data) == *(const uint32_t *)expected ? expected : NULL;
}

/* In a process of its own: paths and tables are chosen and built while all threads ask for them. */
START_TEST(first_use_by_many_threads)
{
    uint32_t expected = 0x0e6d4471;
    pthread_t threads[8];

    for (unsigned i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, use_first, &expected), 0);
    for (unsigned i = 0; i < 8; i++) {
        void *result;

        ck_assert_int_eq(pthread_join(threads[i], &result), 0);
        ck_assert_ptr_eq(result, &expected);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("content");
    TCase *t = tcase_create("content");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, vectors, 0, PATHS);
    tcase_add_loop_test(t, any_range_is_a_part_of_the_whole, 0, PATHS);
    tcase_add_loop_test(t, nothing_is_written_for_length_0, 0, PATHS);
    tcase_add_loop_test(t, check_names_the_first_difference, 0, PATHS);
    tcase_add_test(t, first_use_by_many_threads);
    tcase_add_test(t, neighbours_do_not_correlate);
    tcase_add_test(t, no_two_blocks_begin_alike);
    tcase_add_test(t, bytes_are_even_and_do_not_compress);
    tcase_add_test(t, object_number_is_fnv1a);
    tcase_add_test(t, paths_have_names);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
