/* SPDX-License-Identifier: Apache-2.0 */
/* The search against storages that feed a known number of accelerators, and against such that behave oddly. */
#include <check.h>
#include <stdlib.h>

#include "base/str.h"
#include "sweep/search.h"

#define MOST 64u
#define RUNS_CAP 128u

/* Whether the k-th run with n accelerators passes. */
typedef bool verdict(uint32_t n, uint32_t k);

struct played {
    struct str order; /* "1 2 4 3" */
    struct search_answer answer;
    uint32_t best, next; /* as numbers; 0: none */
    uint32_t runs;
};

/* A point passes when more than half of its runs do (of two: both), which is the median with the lower one of two. */
static struct played play(const uint32_t *candidates, uint32_t count, uint32_t repeat, bool all, verdict *passes)
{
    struct search_seen seen[RUNS_CAP] = {0};
    uint32_t good[RUNS_CAP] = {0};
    struct search s = {.candidates = candidates, .seen = seen, .count = count, .repeat = repeat, .all = all};
    struct played p = {.order = STR_EMPTY};
    uint32_t i;

    while ((i = search_next(&s)) != SEARCH_NONE) {
        if (i >= count || seen[i].runs >= repeat || p.runs == RUNS_CAP) /* ck_assert is slow */
            ck_abort_msg("run %u is of candidate %u", p.runs, i);
        str_add_format(&p.order, "%s%u", p.runs ? " " : "", candidates[i]);
        good[i] += passes(candidates[i], seen[i].runs);
        seen[i].runs++;
        seen[i].passes = good[i] * 2 > seen[i].runs;
        p.runs++;
    }
    p.answer = search_answer(&s);
    p.best = p.answer.best == SEARCH_NONE ? 0 : candidates[p.answer.best];
    p.next = p.answer.next == SEARCH_NONE ? 0 : candidates[p.answer.next];
    return p;
}

static void up_to(uint32_t *candidates, uint32_t from, uint32_t to)
{
    for (uint32_t n = from; n <= to; n++)
        candidates[n - from] = n;
}

static uint32_t limit;

static bool feeds_limit(uint32_t n, uint32_t k)
{
    (void)k;
    return n <= limit;
}

/* Every answer of every range is found exactly, with the neighbour that missed, in few runs. */
START_TEST(every_answer_is_found)
{
    uint32_t candidates[MOST];

    for (uint32_t from = 1; from <= 9; from++)
        for (uint32_t to = from; to <= MOST; to++)
            for (limit = from - 1; limit <= to; limit++) {
                struct played p;

                up_to(candidates, from, to);
                p = play(candidates, to - from + 1, 1, false, feeds_limit);
                ck_assert_uint_eq(p.best, limit < from ? 0 : limit);
                ck_assert_uint_eq(p.next, limit < to ? limit + 1 : 0);
                ck_assert_uint_eq(p.answer.missed, SEARCH_NONE);
                ck_assert_uint_le(p.runs, 13);
                str_free(&p.order);
            }
}
END_TEST

static const struct {
    uint32_t from, to, limit;
    const char *order;
} orders[] = {{1, 64, 12, "1 2 4 8 16 12 14 13"},
              {1, 64, 64, "1 2 4 8 16 32 64"},
              {1, 64, 0, "1"},
              {1, 1, 1, "1"},
              {1, 6, 6, "1 2 4 6"},
              {1, 6, 5, "1 2 4 6 5"},
              {3, 20, 20, "3 6 12 20"},
              {8, 8, 3, "8"}};

START_TEST(order_of_runs)
{
    uint32_t candidates[MOST];
    struct played p;

    up_to(candidates, orders[_i].from, orders[_i].to);
    limit = orders[_i].limit;
    p = play(candidates, orders[_i].to - orders[_i].from + 1, 1, false, feeds_limit);
    ck_assert_str_eq(p.order.data, orders[_i].order);
    str_free(&p.order);
}
END_TEST

/* A list with gaps: only its numbers are tried. */
START_TEST(only_what_is_listed_is_run)
{
    static const uint32_t candidates[] = {1, 3, 8, 24, 32, 64};
    struct played p;

    limit = 30;
    p = play(candidates, 6, 1, false, feeds_limit);
    ck_assert_str_eq(p.order.data, "1 3 8 24 64 32");
    ck_assert_uint_eq(p.best, 24);
    ck_assert_uint_eq(p.next, 32);
    str_free(&p.order);
}
END_TEST

START_TEST(all_runs_every_number_once)
{
    uint32_t candidates[8];
    struct played p;

    up_to(candidates, 1, 8);
    limit = 3;
    p = play(candidates, 8, 1, true, feeds_limit);
    ck_assert_str_eq(p.order.data, "1 2 3 4 5 6 7 8");
    ck_assert_uint_eq(p.best, 3);
    ck_assert_uint_eq(p.next, 4);
    str_free(&p.order);
}
END_TEST

/* 5 and 6 miss, 7 reaches it again: the answer is 7, and that 6 missed is told. */
static bool dips(uint32_t n, uint32_t k)
{
    (void)k;
    return n <= 4 || n == 7;
}

START_TEST(dip_is_told)
{
    uint32_t candidates[10];
    struct played p;

    up_to(candidates, 1, 10);
    p = play(candidates, 10, 1, true, dips);
    ck_assert_uint_eq(p.best, 7);
    ck_assert_uint_eq(p.next, 8);
    ck_assert_uint_eq(candidates[p.answer.missed], 6);
    str_free(&p.order);
}
END_TEST

/* Doubling cannot see what lies above the first miss: 1 2 4 8, then 6, 5. */
START_TEST(dip_that_doubling_does_not_meet)
{
    uint32_t candidates[10];
    struct played p;

    up_to(candidates, 1, 10);
    p = play(candidates, 10, 1, false, dips);
    ck_assert_str_eq(p.order.data, "1 2 4 8 6 5");
    ck_assert_uint_eq(p.best, 4);
    ck_assert_uint_eq(p.next, 5);
    str_free(&p.order);
}
END_TEST

/* What the answer rests on is repeated, nothing else. */
START_TEST(repeat_takes_both_sides_of_the_answer)
{
    uint32_t candidates[16];
    struct played p;

    up_to(candidates, 1, 16);
    limit = 5;
    p = play(candidates, 16, 3, false, feeds_limit);
    ck_assert_str_eq(p.order.data, "1 2 4 8 6 5 5 5 6 6");
    str_free(&p.order);
}
END_TEST

/* 4 misses once by accident; the repetition finds out, and doubling goes on from there. */
static bool one_bad_run(uint32_t n, uint32_t k)
{
    return n <= 9 && !(n == 4 && k == 0);
}

START_TEST(repeat_recovers_from_an_accident)
{
    uint32_t candidates[16];
    struct played p;

    up_to(candidates, 1, 16);
    p = play(candidates, 16, 3, false, one_bad_run);
    ck_assert_str_eq(p.order.data, "1 2 4 3 3 3 4 4 8 16 12 10 9 9 9 10 10");
    ck_assert_uint_eq(p.best, 9);
    ck_assert_uint_eq(p.next, 10);
    str_free(&p.order);
}
END_TEST

static bool by_noise(uint32_t n, uint32_t k)
{
    return hash_mix(n * 1000003u + k + limit * 77777u) % 16 >= n;
}

/* Whatever the runs say, the search ends, with an answer that they bear out. */
START_TEST(noise_ends)
{
    uint32_t candidates[16];

    up_to(candidates, 1, 16);
    for (limit = 0; limit < 500; limit++)
        for (uint32_t repeat = 1; repeat <= 5; repeat++) {
            struct played p = play(candidates, 16, repeat, limit % 2, by_noise);

            ck_assert_uint_le(p.runs, 16 * repeat);
            ck_assert(p.best || p.next);
            ck_assert(!p.best || !p.next || p.next > p.best);
            str_free(&p.order);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sweep_search");
    TCase *cases = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, every_answer_is_found);
    tcase_add_loop_test(cases, order_of_runs, 0, sizeof orders / sizeof orders[0]);
    tcase_add_test(cases, only_what_is_listed_is_run);
    tcase_add_test(cases, all_runs_every_number_once);
    tcase_add_test(cases, dip_is_told);
    tcase_add_test(cases, dip_that_doubling_does_not_meet);
    tcase_add_test(cases, repeat_takes_both_sides_of_the_answer);
    tcase_add_test(cases, repeat_recovers_from_an_accident);
    tcase_add_test(cases, noise_ends);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
