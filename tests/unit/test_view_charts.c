/* SPDX-License-Identifier: Apache-2.0 */
/* Scales, ticks and the SVG that charts are made of. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/chart.h"

static const struct {
    double max;
    uint32_t ticks;
    double end; /* of the scale */
    double step;
} from_zero[] = {
    {100, 5, 100, 20}, {800, 5, 800, 200}, {3300, 5, 4000, 1000}, {0.07, 5, 0.08, 0.02}, {1e-9, 4, 1e-9, 5e-10},
    {0, 5, 1, 0.2},    {-3, 5, 1, 0.2},    {7, 5, 8, 2},          {1e12, 5, 1e12, 2e11},
};

START_TEST(a_scale_from_zero_ends_at_a_round_number)
{
    struct scale s = scale_from_zero(from_zero[_i].max, from_zero[_i].ticks);
    double ticks[SCALE_TICKS_MAX];
    uint32_t count = scale_ticks(&s, from_zero[_i].ticks, ticks);

    ck_assert_double_eq_tol(s.max, from_zero[_i].end, from_zero[_i].end * 1e-9);
    ck_assert_uint_ge(count, 2);
    ck_assert_double_eq_tol(ticks[0], 0, 1e-12);
    ck_assert_double_eq_tol(ticks[1], from_zero[_i].step, from_zero[_i].step * 1e-6);
    ck_assert_double_eq_tol(ticks[count - 1], s.max, s.max * 1e-6);
}
END_TEST

START_TEST(values_have_places)
{
    struct scale linear = {.min = 10, .max = 20}, decades = scale_decades(30, 4e6);

    ck_assert_double_eq_tol(scale_at(&linear, 10), 0, 1e-12);
    ck_assert_double_eq_tol(scale_at(&linear, 12.5), 0.25, 1e-12);
    ck_assert_double_eq_tol(scale_at(&linear, 99), 1, 1e-12);
    ck_assert_double_eq_tol(scale_at(&linear, -99), 0, 1e-12);
    ck_assert_double_eq_tol(scale_at(&linear, (double)NAN), 0, 1e-12);
    ck_assert_double_eq_tol(decades.min, 10, 1e-9);
    ck_assert_double_eq_tol(decades.max, 1e7, 1e-3);
    ck_assert_double_eq_tol(scale_at(&decades, 1e4), 0.5, 1e-9);
    ck_assert_double_eq_tol(scale_at(&decades, 0), 0, 1e-12);
}
END_TEST

START_TEST(decades_are_ticks)
{
    struct scale s = scale_decades(20, 5e7);
    double ticks[SCALE_TICKS_MAX];

    ck_assert_uint_eq(scale_ticks(&s, 20, ticks), 8);
    ck_assert_double_eq_tol(ticks[7], 1e8, 1);
    ck_assert_uint_eq(scale_ticks(&s, 3, ticks), 3); /* every third */
    ck_assert_double_eq_tol(ticks[1], 1e4, 1e-3);
}
END_TEST

/* Whatever comes from a file, a scale is one that can be drawn with. */
START_TEST(strange_bounds_still_make_a_scale)
{
    const double odd[] = {0, -1, 1, 1e308, -1e308, 1e-320, (double)NAN, (double)INFINITY, -(double)INFINITY};
    double ticks[SCALE_TICKS_MAX];

    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
            struct scale all[] = {scale_from_zero(odd[i], 5), scale_decades(odd[i], odd[k]),
                                  scale_around(odd[i] < odd[k] ? odd[i] : odd[k], odd[i] < odd[k] ? odd[k] : odd[i])};

            for (size_t n = 0; n < sizeof all / sizeof *all; n++) {
                double at = scale_at(&all[n], odd[k]);

                ck_assert(at >= 0 && at <= 1);
                ck_assert_uint_le(scale_ticks(&all[n], 5, ticks), SCALE_TICKS_MAX);
                ck_assert_uint_le(scale_time_ticks(&all[n], 5, ticks), SCALE_TICKS_MAX);
            }
        }
}
END_TEST

static const struct {
    double end, step;
} spans[] = {{1, 0.2}, {30, 10}, {90, 30}, {600, 120}, {5400, 1800}, {86400, 21600}, {864000, 172800}};

START_TEST(time_has_round_steps_of_its_own)
{
    struct scale s = {.max = spans[_i].end};
    double ticks[SCALE_TICKS_MAX];

    ck_assert_uint_ge(scale_time_ticks(&s, 5, ticks), 3);
    ck_assert_double_eq_tol(ticks[1], spans[_i].step, spans[_i].step * 1e-6);
}
END_TEST

START_TEST(lines_have_gaps_where_nothing_is_known)
{
    const double values[] = {0, 10, VIEW_UNKNOWN, 5};
    struct scale y = {.max = 10};
    struct str out = STR_EMPTY;

    chart_steps(&out, "train", &y, values, 4, 0.25, 100, false);
    ck_assert_ptr_nonnull(strstr(out.data, "d=\"M0 1000H2500L2500 0H5000M7500 500H10000\""));
    str_clear(&out);
    chart_line(&out, "au", &y, values, 4, 100);
    ck_assert_ptr_nonnull(strstr(out.data, "d=\"M1250 1000L3750 0M8750 500\""));
    str_free(&out);
}
END_TEST

START_TEST(areas_are_closed_piece_by_piece)
{
    const double values[] = {5, VIEW_UNKNOWN, 5, 10};
    struct scale y = {.max = 10};
    struct str out = STR_EMPTY;

    chart_steps(&out, "train", &y, values, 4, 0.25, 100, true);
    ck_assert_ptr_nonnull(
        strstr(out.data, "d=\"M0 1000L0 500H2500V1000ZM5000 1000L5000 500H7500L7500 0H10000V1000Z\""));
    str_free(&out);
}
END_TEST

START_TEST(hostile_names_stay_text)
{
    struct str out = STR_EMPTY;

    chart_begin(&out, "wide", 10, "a\"b", "<script>");
    chart_rect(&out, "dot", 0, 0, 1, 1, "</title><script>x</script>");
    chart_text(&out, "", "start", 0, 0, "<b>");
    chart_end(&out);
    ck_assert_ptr_null(strstr(out.data, "<script>"));
    ck_assert_ptr_null(strstr(out.data, "<b>"));
    ck_assert_ptr_nonnull(strstr(out.data, "aria-label=\"a&quot;b: &lt;script&gt;\""));
    str_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("view_charts");
    TCase *tcase = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tcase, a_scale_from_zero_ends_at_a_round_number, 0,
                        (int)(sizeof from_zero / sizeof from_zero[0]));
    tcase_add_test(tcase, values_have_places);
    tcase_add_test(tcase, decades_are_ticks);
    tcase_add_test(tcase, strange_bounds_still_make_a_scale);
    tcase_add_loop_test(tcase, time_has_round_steps_of_its_own, 0, (int)(sizeof spans / sizeof spans[0]));
    tcase_add_test(tcase, lines_have_gaps_where_nothing_is_known);
    tcase_add_test(tcase, areas_are_closed_piece_by_piece);
    tcase_add_test(tcase, hostile_names_stay_text);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
