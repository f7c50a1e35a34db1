/* SPDX-License-Identifier: Apache-2.0 */
/* Spread, and when a difference of two runs is one. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "view/compare.h"

#define NONE VIEW_UNKNOWN
#define CAP 8

static const struct {
    double values[CAP];
    uint32_t count;
    uint32_t known;
    double min, q1, median, q3, max;
    uint32_t min_at, max_at;
} spreads[] = {
    {{5}, 1, 1, 5, 5, 5, 5, 5, 0, 0},
    {{3, 1, 2}, 3, 3, 1, 1.5, 2, 2.5, 3, 1, 0},
    {{4, 1, 3, 2, 5}, 5, 5, 1, 2, 3, 4, 5, 1, 4},
    {{NONE, 2, NONE, 1}, 4, 2, 1, 1.25, 1.5, 1.75, 2, 3, 1},
    {{7, 7, 7}, 3, 3, 7, 7, 7, 7, 7, 0, 0},
};

START_TEST(quartiles)
{
    struct view_spread s = view_spread_of(spreads[_i].values, spreads[_i].count);

    ck_assert_uint_eq(s.count, spreads[_i].known);
    ck_assert_double_eq_tol(s.min, spreads[_i].min, 1e-12);
    ck_assert_double_eq_tol(s.q1, spreads[_i].q1, 1e-12);
    ck_assert_double_eq_tol(s.median, spreads[_i].median, 1e-12);
    ck_assert_double_eq_tol(s.q3, spreads[_i].q3, 1e-12);
    ck_assert_double_eq_tol(s.max, spreads[_i].max, 1e-12);
    ck_assert_uint_eq(s.min_at, spreads[_i].min_at);
    ck_assert_uint_eq(s.max_at, spreads[_i].max_at);
}
END_TEST

START_TEST(nothing_known_has_no_spread)
{
    const double unknown[] = {NONE, (double)INFINITY};

    ck_assert_uint_eq(view_spread_of(unknown, 2).count, 0);
    ck_assert_uint_eq(view_spread_of(NULL, 0).count, 0);
}
END_TEST

/* noise: worked out by hand with Student's table, degrees of freedom rounded down to a row of it. */
static const struct {
    double a[CAP], b[CAP];
    uint32_t a_count, b_count;
    enum verdict verdict;
    double noise; /* NONE: not looked at */
} judgements[] = {
    {{100, 101, 99}, {100.5, 101.5, 99.5}, 3, 3, VERDICT_WITHIN, 2.776 * 0.816496580927726},
    {{100, 101, 99}, {110, 111, 109}, 3, 3, VERDICT_LARGER, 2.776 * 0.816496580927726},
    {{100, 101, 99}, {50}, 3, 1, VERDICT_UNKNOWN, NONE},
    {{100}, {50}, 1, 1, VERDICT_UNKNOWN, NONE},
    {{100, NONE}, {50, 51}, 2, 2, VERDICT_UNKNOWN, NONE},
    {{100, 100}, {100, 100}, 2, 2, VERDICT_WITHIN, 0},
    {{100, 100}, {100.001, 100.001}, 2, 2, VERDICT_LARGER, 0},
    /* one run is steady, the other is not: the uneasy one decides */
    {{100, 100, 100, 100}, {80, 120, 70, 110}, 4, 4, VERDICT_WITHIN, 3.182 * 11.902380714238083},
    /* two epochs say little: twice as fast is still no proof when they differ that much */
    {{10, 11}, {15, 28}, 2, 2, VERDICT_WITHIN, NONE},
};

START_TEST(differences_are_judged_by_the_epochs)
{
    struct judgement j = judge(judgements[_i].a, judgements[_i].a_count, judgements[_i].b, judgements[_i].b_count);

    ck_assert_int_eq(j.verdict, judgements[_i].verdict);
    if (is_known(judgements[_i].noise))
        ck_assert_double_eq_tol(j.noise, judgements[_i].noise, 1e-6);
}
END_TEST

/* A run as its files would give it. */
static void make_view(struct run_view *v, const char *summary, struct stored_key *keys, uint32_t key_count)
{
    *v = (struct run_view){.folder = "x", .ok = true};
    v->summary = json_loads(summary, 0, NULL);
    ck_assert_ptr_nonnull(v->summary);
    v->dlfw = json_object_get(v->summary, "dlfw");
    v->config = (struct stored_keys){keys, key_count, key_count};
    v->files.config_folder = keys ? ".hydra" : NULL;
    view_read_epochs(v);
}

#define RUN(rate, more)                                                                                                \
    "{\"metric\":{\"train_throughput_mean_samples_per_second\":" rate "},\"dlfw\":{\"epochs\":[" more "]}}"
#define EPOCH(n, rate, counts) "{\"epoch\":" n ",\"in_means\":" counts ",\"samples_per_second\":" rate "}"

START_TEST(runs_are_compared_figure_by_figure)
{
    static const char a[] =
        RUN("100", EPOCH("1", "99", "true") "," EPOCH("2", "101", "true") "," EPOCH("3", "5", "false"));
    static const char b[] = RUN("200", EPOCH("1", "199", "true") "," EPOCH("2", "201", "true"));
    struct stored_key ka[] = {{"a", "1"}, {"output.folder", "x"}, {"same", "s"}, {"z", "1"}};
    struct stored_key kb[] = {{"b", "2"}, {"output.folder", "y"}, {"same", "s"}, {"z", "2"}};
    struct str line = STR_EMPTY;
    struct arena arena = {0};
    struct run_view va, vb;
    struct comparison c;

    make_view(&va, a, ka, 4);
    make_view(&vb, b, kb, 4);
    compare_runs(&arena, &va, &vb, &c);
    ck_assert_uint_eq(c.row_count, 1);
    ck_assert_str_eq(c.rows[0].figure->key, "samples_per_second");
    ck_assert_double_eq_tol(c.rows[0].ratio, 2, 1e-12);
    ck_assert(c.rows[0].judged);
    ck_assert_uint_eq(c.rows[0].judgement.a_count, 2); /* the third epoch does not count */
    ck_assert_int_eq(c.rows[0].judgement.verdict, VERDICT_LARGER);
    compare_add_verdict(&line, &c.rows[0]);
    ck_assert_ptr_nonnull(strstr(line.data, "samples/s: 100.00 /s and 200.00 /s, ratio 2; the difference is larger"));
    ck_assert(c.keys_known);
    ck_assert_uint_eq(c.key_count, 3); /* a, b, z; not the results folder */
    ck_assert_str_eq(c.keys[0].key, "a");
    ck_assert_ptr_null(c.keys[0].b);
    ck_assert_str_eq(c.keys[1].key, "b");
    ck_assert_ptr_null(c.keys[1].a);
    ck_assert_str_eq(c.keys[2].a, "1");
    ck_assert_str_eq(c.keys[2].b, "2");
    str_free(&line);
    arena_free(&arena);
    run_view_free(&va);
    run_view_free(&vb);
}
END_TEST

START_TEST(what_one_run_lacks_is_no_difference)
{
    struct arena arena = {0};
    struct run_view va, vb;
    struct comparison c;

    make_view(&va, RUN("0", ""), NULL, 0);
    make_view(&vb, "{}", NULL, 0);
    compare_runs(&arena, &va, &vb, &c);
    ck_assert_uint_eq(c.row_count, 1);
    ck_assert(!c.rows[0].judged);
    ck_assert(!is_known(c.rows[0].ratio));
    ck_assert(!c.keys_known);
    ck_assert_uint_eq(c.key_count, 0);
    arena_free(&arena);
    run_view_free(&va);
    run_view_free(&vb);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("view_compare");
    TCase *tcase = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tcase, quartiles, 0, (int)(sizeof spreads / sizeof spreads[0]));
    tcase_add_test(tcase, nothing_known_has_no_spread);
    tcase_add_loop_test(tcase, differences_are_judged_by_the_epochs, 0,
                        (int)(sizeof judgements / sizeof judgements[0]));
    tcase_add_test(tcase, runs_are_compared_figure_by_figure);
    tcase_add_test(tcase, what_one_run_lacks_is_no_difference);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
