/* SPDX-License-Identifier: Apache-2.0 */
/* The number of streams, against models of servers and links: time is the model's, every figure is exact. */
#include <check.h>
#include <stdlib.h>

#include "base/str.h"
#include "io/split.h"

#define MB 1000000u
#define MS 1000000u

struct model {
    double stream_rate; /* bytes per second of one stream at most */
    double total_rate;  /* of all together */
    uint64_t first_byte_ns;
    uint64_t object;
    double noise; /* relative, of each read */
};

static struct split_control control;
static uint64_t now = 1000, draws;

static double noisy(double value, double noise)
{
    double unit = (double)(hash_mix(++draws) >> 11) * 0x1p-53;

    return value * (1 + noise * (2 * unit - 1));
}

/* One object after the other, each in as many streams as the control says. Returns the requests made. */
static uint64_t read_objects(const struct model *m, uint32_t objects)
{
    uint64_t requests = 0;

    for (uint32_t i = 0; i < objects; i++) {
        uint32_t streams = split_streams(&control, m->object), generations[SPLIT_STREAMS_MAX];
        double share = m->total_rate / streams, rate = noisy(share < m->stream_rate ? share : m->stream_rate, m->noise);
        uint64_t part = m->object / streams;
        uint64_t took = m->first_byte_ns + (uint64_t)((double)part * 1e9 / rate);

        for (uint32_t k = 0; k < streams; k++)
            generations[k] = split_begin(&control, now);
        now += took;
        for (uint32_t k = 0; k < streams; k++)
            split_done(&control, generations[k], part, m->first_byte_ns, took, now);
        requests += streams;
    }
    return requests;
}

static void setup(void)
{
    split_init(&control, SPLIT_AUTO, 0);
}

static void teardown(void)
{
    split_fini(&control);
}

START_TEST(slow_streams_are_added_until_the_link_is_full)
{
    struct model m = {100.0 * MB, 1200.0 * MB, 5 * MS, 256 * MB, 0.03};

    read_objects(&m, 200);
    ck_assert_uint_ge(control.base, 8);
    ck_assert_double_gt(control.base_rate, 700.0 * MB);
}
END_TEST

START_TEST(one_stream_that_fills_the_link_stays_alone)
{
    struct model m = {1200.0 * MB, 1200.0 * MB, MS, 256 * MB, 0.03};

    read_objects(&m, 200);
    ck_assert_uint_eq(control.base, 1);
    ck_assert_uint_lt(read_objects(&m, 2000), 2000 * 105 / 100); /* tries cost a twentieth at most */
    ck_assert_uint_eq(control.base, 1);
}
END_TEST

START_TEST(two_streams_that_fill_the_link_are_enough)
{
    struct model m = {600.0 * MB, 1200.0 * MB, MS, 256 * MB, 0.03};

    read_objects(&m, 500);
    ck_assert_uint_eq(control.base, 2);
}
END_TEST

START_TEST(a_link_that_changes_is_followed)
{
    struct model narrow = {100.0 * MB, 100.0 * MB, 5 * MS, 256 * MB, 0.03};
    struct model wide = {100.0 * MB, 2000.0 * MB, 5 * MS, 256 * MB, 0.03};

    read_objects(&narrow, 300);
    ck_assert_uint_eq(control.base, 1);
    read_objects(&wide, 4000);
    ck_assert_uint_ge(control.base, 8);
    read_objects(&narrow, 1000);
    ck_assert_uint_le(control.base, 2);
}
END_TEST

START_TEST(noise_moves_little)
{
    struct model m = {1000.0 * MB, 1000.0 * MB, MS, 128 * MB, 0.30};

    read_objects(&m, 500);
    ck_assert_uint_lt(read_objects(&m, 4000), 4000 * 150 / 100);
}
END_TEST

START_TEST(a_part_lasts_longer_than_its_first_byte_takes)
{
    struct model far = {1000.0 * MB, 1000.0 * MB, 10 * MS, 32 * MB, 0};

    ck_assert_uint_eq(split_from(&control), 2 * SPLIT_PART_LEAST);
    read_objects(&far, 50);
    ck_assert_uint_ge(control.part_least, 39 * MB);
    ck_assert_uint_le(control.part_least, 41 * MB);
    ck_assert_uint_eq(split_streams(&control, 32 * MB), 1);
}
END_TEST

START_TEST(parts_cover_the_object)
{
    static const uint64_t sizes[] = {8 << 20, (8 << 20) + 1, 100 * MB, 1000 * MB, 5000000000u, 12345678};

    for (uint32_t streams = 1; streams <= SPLIT_STREAMS_MAX; streams *= 2) {
        control.streams = streams;
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            uint64_t left = sizes[i], parts = 0;

            while (left) {
                uint64_t part = split_part(&control, left, _i ? 16 << 20 : 0);

                ck_assert_uint_gt(part, 0);
                ck_assert_uint_le(part, left);
                ck_assert_uint_le(part, _i ? 16 << 20 : SPLIT_PART_MOST + SPLIT_PART_MOST / 2);
                ck_assert(part == left || part >= SPLIT_PART_LEAST);
                left -= part;
                parts++;
            }
            ck_assert_uint_le(parts, sizes[i] / SPLIT_PART_LEAST + 1);
        }
    }
}
END_TEST

START_TEST(fixed_parts_are_fixed)
{
    split_fini(&control);
    split_init(&control, SPLIT_FIXED, 1 << 20);
    ck_assert_uint_eq(split_from(&control), (1 << 20) + 1);
    ck_assert_uint_eq(split_part(&control, 10 << 20, 0), 1 << 20);
    ck_assert_uint_eq(split_part(&control, 100, 0), 100);
    ck_assert_uint_eq(split_streams(&control, 10 << 20), SPLIT_STREAMS_MAX);
    read_objects(&(struct model){100.0 * MB, 100.0 * MB, MS, 64 * MB, 0}, 100);
    ck_assert_uint_eq(split_streams(&control, 10 << 20), SPLIT_STREAMS_MAX);
}
END_TEST

START_TEST(off_is_off)
{
    split_fini(&control);
    split_init(&control, SPLIT_OFF, 0);
    ck_assert(split_from(&control) == UINT64_MAX);
}
END_TEST

START_TEST(failures_are_no_measure)
{
    uint32_t streams = control.streams;

    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t generation = split_begin(&control, now);

        now += 100 * MS;
        split_done(&control, generation, 0, 0, 100 * MS, now);
    }
    ck_assert_uint_eq(control.streams, streams);
    ck_assert_uint_eq(control.active, 0);
    ck_assert_uint_eq(control.window_requests, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("split");
    TCase *tc = tcase_create("split");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, slow_streams_are_added_until_the_link_is_full);
    tcase_add_test(tc, one_stream_that_fills_the_link_stays_alone);
    tcase_add_test(tc, two_streams_that_fill_the_link_are_enough);
    tcase_add_test(tc, a_link_that_changes_is_followed);
    tcase_add_test(tc, noise_moves_little);
    tcase_add_test(tc, a_part_lasts_longer_than_its_first_byte_takes);
    tcase_add_loop_test(tc, parts_cover_the_object, 0, 2);
    tcase_add_test(tc, fixed_parts_are_fixed);
    tcase_add_test(tc, off_is_off);
    tcase_add_test(tc, failures_are_no_measure);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
