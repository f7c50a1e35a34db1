/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shards of the ranks against a model that counts every sample: disjoint, equally many steps, and together the
 * dataset but for a surplus that is smaller than one step of all ranks.
 */
#include <check.h>
#include <stdlib.h>

#include "base/str.h"
#include "loader/sample_order.h"

struct work {
    uint64_t files, samples_per_file, unit, batch;
    uint32_t ranks;
    bool shuffle_files, shuffle_samples;
};

static void check_work(const struct work *w)
{
    const uint64_t samples = w->files * w->samples_per_file;
    const uint64_t steps = samples / (w->batch * w->ranks);
    uint8_t *seen = xcalloc(samples, 1);
    uint64_t taken = 0;

    for (uint32_t rank = 0; rank < w->ranks; rank++) {
        struct shard shard = shard_of(samples, w->batch, rank, w->ranks);
        struct sample_order order;

        sample_order_init(&order, w->files, w->samples_per_file, w->unit, w->shuffle_files, w->shuffle_samples, 7, 3);
        ck_assert_uint_eq(shard.steps, steps);
        ck_assert_uint_eq(shard.dropped, samples - steps * w->batch * w->ranks);
        ck_assert_uint_lt(shard.dropped, w->batch * w->ranks);
        for (uint64_t i = 0; i < shard.steps * w->batch; i++) {
            struct sample_place place = sample_order_at(&order, shard.first + i);

            ck_assert_uint_lt(place.file, w->files);
            ck_assert_uint_lt(place.sample, w->samples_per_file);
            ck_assert_msg(!seen[place.file * w->samples_per_file + place.sample], "a sample has two owners");
            seen[place.file * w->samples_per_file + place.sample] = 1;
            taken++;
        }
    }
    ck_assert_uint_eq(taken, steps * w->batch * w->ranks);
    free(seen);
}

static const struct {
    uint64_t files, batch;
    uint32_t ranks;
    uint64_t steps;
} known[] = {
    {13, 4, 3, 1},
    {24, 4, 3, 2},
    {25, 4, 3, 2},
    {145, 16, 3, 3},
    {64, 4, 2, 8},
    {64, 4, 4, 4},
    {168, 7, 2, 12},
    {168, 7, 8, 3},
    {168, 7, 24, 1},
    {524288, 1, 8, 65536},
    {1170301, 24, 8, 6095},
    {1024 * 1251, 400, 8, 400},
    {11, 4, 3, 0},
    {4296 * 288, 48, 8, 3222},
    {1024ull * 4718592, 16384, 8, 36864},
};

START_TEST(known_steps)
{
    for (uint32_t r = 0; r < known[_i].ranks; r++)
        ck_assert_uint_eq(shard_of(known[_i].files, known[_i].batch, r, known[_i].ranks).steps, known[_i].steps);
}
END_TEST

START_TEST(known_shards_are_disjoint)
{
    struct work w = {known[_i].files, 1, 1, known[_i].batch, known[_i].ranks, true, true};

    if (w.files < 1000)
        check_work(&w);
}
END_TEST

static uint64_t draw(uint64_t *state, uint64_t below)
{
    return hash_mix(++*state) % below;
}

START_TEST(random_works_are_disjoint)
{
    uint64_t state = 11;

    for (int i = 0; i < 600; i++) {
        struct work w = {.files = 1 + draw(&state, 60),
                         .samples_per_file = 1 + draw(&state, 20),
                         .batch = 1 + draw(&state, 17),
                         .ranks = 1 + (uint32_t)draw(&state, 9),
                         .shuffle_files = draw(&state, 2),
                         .shuffle_samples = draw(&state, 2)};

        w.unit = 1 + draw(&state, w.samples_per_file);
        check_work(&w);
    }
}
END_TEST

/* Shards of a dataset that nobody could keep in a table. */
START_TEST(billions_of_samples)
{
    const uint64_t samples = 1700000000ull;
    struct sample_order order;
    uint64_t last_end = 0;

    sample_order_init(&order, samples / 1000, 1000, 1, true, true, 1, 1);
    for (uint32_t rank = 0; rank < 1000; rank++) {
        struct shard shard = shard_of(samples, 512, rank, 1000);

        ck_assert_uint_eq(shard.first, last_end);
        last_end = shard.first + shard.steps * 512;
        ck_assert_uint_lt(sample_order_at(&order, last_end - 1).file, samples / 1000);
    }
    ck_assert_uint_eq(last_end, samples - shard_of(samples, 512, 0, 1000).dropped);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shards");
    TCase *tc = tcase_create("shards");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tc);
    tcase_add_loop_test(tc, known_steps, 0, sizeof known / sizeof *known);
    tcase_add_loop_test(tc, known_shards_are_disjoint, 0, sizeof known / sizeof *known);
    tcase_add_test(tc, random_works_are_disjoint);
    tcase_add_test(tc, billions_of_samples);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
