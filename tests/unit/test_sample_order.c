/* SPDX-License-Identifier: Apache-2.0 */
/* The order of an epoch: a bijection, evenly spread, different in every epoch; shards disjoint and equal. */
#include "base/clock.h"
#include "base/str.h"
#include "loader/sample_order.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

START_TEST(small_sizes_are_bijections)
{
    static uint8_t seen[2048];

    ck_assert_uint_eq(permute_index(0, 0, 5), 0);
    for (uint64_t n = 1; n <= 2000; n++) {
        memset(seen, 0, n);
        for (uint64_t i = 0; i < n; i++) {
            uint64_t to = permute_index(i, n, n * 7919);

            if (to >= n || seen[to]++)
                ck_abort_msg("n %lu: %lu comes twice or is too large", (unsigned long)n, (unsigned long)to);
        }
    }
}
END_TEST

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

START_TEST(big_sizes_stay_inside_and_apart)
{
    static const uint64_t sizes[] = {
        65535, 65536, 65537, 1700000000, (1ull << 32) + 1, 1ull << 40, (1ull << 62) + 12345, UINT64_MAX};
    enum { SAMPLES = 20000 };
    static uint64_t to[SAMPLES];
    uint64_t n = sizes[_i];

    for (uint64_t i = 0; i < SAMPLES; i++) {
        uint64_t at = i < SAMPLES / 2 ? i : n - 1 - (i - SAMPLES / 2); /* both ends */

        to[i] = permute_index(at, n, 3);
        ck_assert_uint_lt(to[i], n);
    }
    qsort(to, SAMPLES, sizeof *to, by_value);
    for (uint64_t i = 1; i < SAMPLES; i++)
        ck_assert_uint_ne(to[i], to[i - 1]);
}
END_TEST

/* Where an index goes, over many keys: chi-square against even, five standard deviations. */
static void check_even(const uint32_t *counts, uint32_t cells, uint32_t draws, const char *what)
{
    double expected = (double)draws / cells, chi = 0, freedom = cells - 1;

    for (uint32_t i = 0; i < cells; i++)
        chi += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
    ck_assert_msg((chi - freedom) * (chi - freedom) < 25 * 2 * freedom + 25,
                  "%s: chi-square %f for %f degrees of freedom", what, chi, freedom);
}

START_TEST(positions_are_even_over_keys)
{
    enum { DRAWS = 12000 };
    static const uint32_t sizes[] = {2, 3, 4, 5, 7, 8, 10, 17, 64, 100, 1000};
    uint32_t n = sizes[_i], places[] = {0, n / 2, n - 1};

    for (unsigned p = 0; p < COUNT(places); p++) {
        static uint32_t counts[1000];
        char what[64];

        memset(counts, 0, sizeof counts);
        for (uint64_t key = 0; key < DRAWS; key++)
            counts[permute_index(places[p], n, hash_mix(key))]++;
        snprintf(what, sizeof what, "index %u of %u", places[p], n);
        check_even(counts, n, DRAWS, what);
    }
}
END_TEST

START_TEST(pairs_are_even_over_keys)
{
    enum { N = 10, DRAWS = 30000 };
    uint32_t counts[N * (N - 1)] = {0};

    for (uint64_t key = 0; key < DRAWS; key++) {
        uint64_t a = permute_index(3, N, hash_mix(key)), b = permute_index(4, N, hash_mix(key));

        counts[a * (N - 1) + (b > a ? b - 1 : b)]++;
    }
    check_even(counts, N * (N - 1), DRAWS, "neighbours 3 and 4 of 10");
}
END_TEST

/* Neighbours in the order are no neighbours in the dataset, and the first half of an epoch comes from all over it. */
START_TEST(order_looks_random)
{
    enum { N = 100000 };
    uint32_t quarters[4] = {0}, followers = 0;
    uint64_t last = N;

    for (uint64_t i = 0; i < N; i++) {
        uint64_t to = permute_index(i, N, 17);

        followers += to == last + 1;
        last = to;
        if (i < N / 2)
            quarters[to / (N / 4)]++;
    }
    ck_assert_uint_lt(followers, 10); /* one is expected */
    check_even(quarters, 4, N / 2, "quarters of the first half");
}
END_TEST

START_TEST(order_is_a_function_of_seed_and_epoch)
{
    enum { N = 1000 };
    static const uint64_t rows[][2] = {{1, 1}, {1, 2}, {2, 1}, {0, 0}, {0, 1}, {1, 0}, {123, 1}, {122, 2}};
    struct sample_order orders[COUNT(rows)], again;

    for (unsigned i = 0; i < COUNT(rows); i++) {
        sample_order_init(&orders[i], N, 1, 1, true, false, rows[i][0], rows[i][1]);
        sample_order_init(&again, N, 1, 1, true, false, rows[i][0], rows[i][1]);
        for (uint64_t p = 0; p < N; p++)
            ck_assert_uint_eq(sample_order_at(&orders[i], p).file, sample_order_at(&again, p).file);
        for (unsigned j = 0; j < i; j++) {
            unsigned same = 0;

            for (uint64_t p = 0; p < N; p++)
                same += sample_order_at(&orders[i], p).file == sample_order_at(&orders[j], p).file;
            ck_assert_msg(same < 12, "orders %u and %u agree in %u of %d places", i, j, same, N); /* one is expected */
        }
    }
}
END_TEST

START_TEST(units)
{
    static const struct {
        uint64_t files, per_file, unit;
        bool shuffle_files, shuffle_samples;
    } rows[] = {
        {50, 1, 1, false, false},  {50, 1, 1, true, true},   {20, 12, 12, false, false}, {20, 12, 12, true, false},
        {20, 12, 12, false, true}, {20, 12, 12, true, true}, {20, 12, 4, true, true},    {20, 12, 4, false, true},
        {20, 12, 1, true, false},  {1, 60, 60, true, true},  {7, 30, 3, true, false},    {9, 31, 4, true, true},
        {9, 31, 30, true, true},   {9, 31, 4, false, false},
    };
    static uint8_t seen[1000];
    const uint64_t per_file = rows[_i].per_file, unit = rows[_i].unit, total = rows[_i].files * per_file;
    uint64_t moved_files = 0, moved_units = 0, moved_inside = 0, unit_now = 0, run = 0;
    struct sample_order o;

    memset(seen, 0, sizeof seen);
    sample_order_init(&o, rows[_i].files, per_file, unit, rows[_i].shuffle_files, rows[_i].shuffle_samples, 5, 6);
    for (uint64_t p = 0; p < total; p++) {
        struct sample_place at = sample_order_at(&o, p);
        uint64_t at_unit = at.sample / unit, inside = p % per_file;

        ck_assert_uint_lt(at.file, rows[_i].files);
        ck_assert_uint_lt(at.sample, per_file);
        ck_assert_uint_eq(seen[at.file * per_file + at.sample]++, 0);
        if (inside == 0)
            moved_files += at.file != p / per_file;
        if (run == 0) {
            run = sample_order_run(&o, p);
            unit_now = at.file * per_file + at_unit;
            ck_assert_uint_eq(run, inside + unit > per_file ? per_file % unit : unit);
        }
        ck_assert_uint_eq(sample_order_run(&o, p), run--);
        ck_assert_uint_eq(at.file * per_file + at_unit, unit_now);                     /* a unit stays together */
        ck_assert_uint_eq(sample_order_at(&o, p / per_file * per_file).file, at.file); /* and so does a file */
        moved_units += at_unit != inside / unit;
        moved_inside += at.sample % unit != inside % unit;
    }
    ck_assert_int_eq(moved_files > 0, rows[_i].shuffle_files && rows[_i].files > 1);
    ck_assert_int_eq(moved_units > 0, rows[_i].shuffle_samples && per_file / unit > 1);
    ck_assert_int_eq(moved_inside > 0, rows[_i].shuffle_samples && unit > 1);
}
END_TEST

/* Read alone and shuffled, samples do not keep their file's company. */
START_TEST(single_samples_are_permuted_over_all_files)
{
    enum { FILES = 20, PER_FILE = 12 };
    static uint8_t seen[FILES * PER_FILE];
    unsigned neighbours = 0;
    struct sample_order o;

    sample_order_init(&o, FILES, PER_FILE, 1, true, true, 5, 6);
    for (uint64_t p = 0; p < FILES * PER_FILE; p++) {
        struct sample_place at = sample_order_at(&o, p);

        ck_assert_uint_eq(seen[at.file * PER_FILE + at.sample]++, 0);
        ck_assert_uint_eq(sample_order_run(&o, p), 1);
        neighbours += p && at.file == sample_order_at(&o, p - 1).file;
    }
    ck_assert_uint_lt(neighbours, 40); /* 12 are expected */
}
END_TEST

START_TEST(steps)
{
    static const struct {
        uint64_t samples, batch;
        uint32_t ranks;
        uint64_t steps;
    } rows[] = {
        {13, 4, 3, 1},
        {145, 16, 3, 3},
        {168, 7, 2, 12},
        {168, 7, 8, 3},
        {168, 7, 24, 1},
        {64, 4, 2, 8},
        {64, 4, 4, 4},
        {8, 1, 2, 4},
        {1281024, 400, 8, 400},
        {524288, 1, 8, 65536},
        {0, 4, 2, 0},
        {7, 4, 2, 0},
        {8, 4, 2, 1},
        {UINT64_MAX, 1, 1, UINT64_MAX},
        {100, UINT64_MAX, 7, 0},
        {5, 0, 1, 0},
        {5, 1, 0, 0},
    };

    for (unsigned i = 0; i < COUNT(rows); i++) {
        struct shard s = shard_of(rows[i].samples, rows[i].batch, 0, rows[i].ranks);

        ck_assert_uint_eq(s.steps, rows[i].steps);
        ck_assert_uint_eq(s.dropped, rows[i].samples - rows[i].steps * rows[i].batch * rows[i].ranks);
    }
}
END_TEST

/* Marks each rank's positions in a table: each at most once, as many as steps say, and what is left was declared
 * dropped. */
START_TEST(shards_are_disjoint)
{
    static uint8_t seen[1500];
    uint64_t x = 1;

    for (int round = 0; round < 2000; round++) {
        uint64_t samples = (x = hash_mix(x + 1)) % sizeof seen, batch = (x = hash_mix(x + 1)) % 40 + 1, taken = 0;
        uint32_t ranks = (uint32_t)((x = hash_mix(x + 1)) % 20 + 1);

        memset(seen, 0, sizeof seen);
        for (uint32_t rank = 0; rank < ranks; rank++) {
            struct shard s = shard_of(samples, batch, rank, ranks);

            ck_assert_uint_eq(s.steps, samples / (batch * ranks));
            ck_assert_uint_eq(s.dropped, samples - s.steps * batch * ranks);
            ck_assert_uint_lt(s.dropped, batch * ranks);
            for (uint64_t p = s.first; p < s.first + s.steps * batch; p++, taken++) {
                if (p >= samples || seen[p]++)
                    ck_abort_msg("position %lu of %lu is taken twice or does not exist", (unsigned long)p,
                                 (unsigned long)samples);
            }
        }
        ck_assert_uint_eq(taken + shard_of(samples, batch, 0, ranks).dropped, samples);
    }
}
END_TEST

/* A figure for the reader; a busy machine must not fail the test. */
START_TEST(cost)
{
    enum { CALLS = 200000 };
    uint64_t sum = 0, begin = clock_now_ns(), ns;

    for (uint64_t i = 0; i < CALLS; i++)
        sum += permute_index(i, 1700000000, 9);
    ns = clock_now_ns() - begin;
    printf("permute_index: %.1f ns per index of 1.7e9\n", (double)ns / CALLS);
    ck_assert_uint_gt(sum, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sample_order");
    TCase *t = tcase_create("sample_order");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_test(t, small_sizes_are_bijections);
    tcase_add_loop_test(t, big_sizes_stay_inside_and_apart, 0, 8);
    tcase_add_loop_test(t, positions_are_even_over_keys, 0, 11);
    tcase_add_test(t, pairs_are_even_over_keys);
    tcase_add_test(t, order_looks_random);
    tcase_add_test(t, order_is_a_function_of_seed_and_epoch);
    tcase_add_loop_test(t, units, 0, 14);
    tcase_add_test(t, single_samples_are_permuted_over_all_files);
    tcase_add_test(t, steps);
    tcase_add_test(t, shards_are_disjoint);
    tcase_add_test(t, cost);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
