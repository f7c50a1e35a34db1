/* SPDX-License-Identifier: Apache-2.0 */
/* Table, plot, SVG and JSON of sweeps over arithmetic. That the SVG is well formed, an XML parser says in tests/e2e. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "report/json_put.h"
#include "sweep/show.h"
#include "sweep_fixture.h"

static void sweep_of(struct sweep *s, double feeds, const char *range)
{
    struct fixture_storage storage = {.feeds = feeds};

    ck_assert_int_eq(fixture_sweep(s, &storage, range), DLFW_OK);
}

/* Columns of the longest line, as characters. */
static uint32_t widest(const char *text)
{
    uint32_t most = 0, columns = 0, c;

    for (const char *p = text; *p;) {
        size_t n = utf8_decode(p, strlen(p), &c);

        ck_assert_uint_gt(n, 0);
        columns = *p == '\n' ? 0 : columns + 1;
        most = columns > most ? columns : most;
        p += n;
    }
    return most;
}

static uint32_t count(const char *text, const char *what)
{
    uint32_t n = 0;

    for (const char *p = strstr(text, what); p; p = strstr(p + strlen(what), what))
        n++;
    return n;
}

START_TEST(table_of_two)
{
    struct str out = STR_EMPTY;
    struct sweep s;

    sweep_of(&s, 1, "1,2");
    sweep_table(&s, &out);
    ck_assert_str_eq(out.data, "acc.  AU % strict samples/s       read wait p99  CPU  AU    limited by\n"
                               "   1 100.0  100.0       400 95.4 MiB/s  1.50 ms  10%  ok    -\n"
                               "   2  50.0   50.0       200 95.4 MiB/s  1.50 ms  10%  low   storage\n");
    str_free(&out);
    sweep_free(&s);
}
END_TEST

static void everything_long(struct sweep_figures *f, uint32_t n, uint32_t k)
{
    (void)n;
    (void)k;
    f->first_au = 100;
    f->samples_per_second = 1.234e9;
    f->bytes_per_second = 1023.9 * 1073741824;
    f->wait_p99_ns = 999.4e6;
    f->cpu_run = 100;
    f->lost_overshoot = 60;
}

START_TEST(table_fits_a_terminal)
{
    struct fixture_storage storage = {.feeds = 1, .change = everything_long};
    struct str out = STR_EMPTY;
    struct sweep s;

    ck_assert_int_eq(fixture_sweep(&s, &storage, "4000..4096"), DLFW_OK);
    sweep_table(&s, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "epoch 1"));
    ck_assert_ptr_nonnull(strstr(out.data, "client: cpu"));
    ck_assert_msg(widest(out.data) <= SWEEP_COLUMNS, "%u columns:\n%s", widest(out.data), out.data);
    str_free(&out);
    sweep_free(&s);
}
END_TEST

static void nothing_known(struct sweep_figures *f, uint32_t n, uint32_t k)
{
    (void)n;
    (void)k;
    f->strict_au = f->bytes_per_second = f->samples_per_second = f->wait_p99_ns = f->cpu_run = NAN;
}

START_TEST(unknown_is_a_dash)
{
    struct fixture_storage storage = {.feeds = 1, .change = nothing_known};
    struct str out = STR_EMPTY;
    struct sweep s;

    ck_assert_int_eq(fixture_sweep(&s, &storage, "1"), DLFW_OK);
    sweep_table(&s, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "   1 100.0      -         -          -        -    -  ok    unknown\n"));
    str_free(&out);
    sweep_svg(&s, &out);
    ck_assert_ptr_null(strstr(out.data, "nan"));
    ck_assert_ptr_null(strstr(out.data, "inf"));
    str_free(&out);
    sweep_free(&s);
}
END_TEST

static const struct {
    double feeds;
    const char *range;
} plots[] = {{11.2, "1..64"}, {1000, "1..64"}, {0.1, "1..4"}, {1, "1"}, {3, "1..4096"}, {2500, "4000..4096"}};

START_TEST(plot_fits_a_terminal)
{
    struct str out = STR_EMPTY;
    uint32_t points = 0;
    struct sweep s;

    sweep_of(&s, plots[_i].feeds, plots[_i].range);
    sweep_plot(&s, false, &out);
    ck_assert_msg(widest(out.data) <= SWEEP_COLUMNS, "%u columns:\n%s", widest(out.data), out.data);
    str_clear(&out);
    sweep_plot(&s, true, &out);
    ck_assert_uint_le(widest(out.data), SWEEP_COLUMNS);
    for (const char *p = out.data; *p; p++)
        ck_assert_int_lt((unsigned char)*p, 0x80);
    for (uint32_t i = 0; i < s.range.count; i++)
        points += s.points[i].run_count > 0;
    ck_assert_uint_le(count(out.data, "o") + count(out.data, "x"), points + 12); /* letters of the head line */
    ck_assert_ptr_nonnull(strstr(out.data, "90 % |"));
    str_free(&out);
    sweep_free(&s);
}
END_TEST

/* The answer's number stands below its column, and the threshold's line is there. */
START_TEST(plot_of_a_small_sweep)
{
    struct str out = STR_EMPTY;
    struct sweep s;
    char *last;

    sweep_of(&s, 4, "1..8");
    sweep_plot(&s, true, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "AU over accelerators   o reached 90 %   x missed\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "100 % |o"));
    ck_assert_ptr_nonnull(strstr(out.data, "--------------------"));
    last = strrchr(out.data, '+');
    ck_assert_uint_eq(count(strchr(last, '\n'), "4"), 1);
    ck_assert_uint_eq(count(strchr(last, '\n'), "8"), 1);
    str_free(&out);
    sweep_free(&s);
}
END_TEST

START_TEST(nothing_to_plot)
{
    struct str out = STR_EMPTY;
    struct sweep s;

    fixture_init(&s, "1..8");
    sweep_plot(&s, true, &out);
    ck_assert_str_eq(out.data, "");
    sweep_svg(&s, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "</svg>"));
    str_free(&out);
    sweep_free(&s);
}
END_TEST

START_TEST(svg_has_every_point_and_no_markup_of_names)
{
    struct str out = STR_EMPTY;
    struct sweep s;

    sweep_of(&s, 11.2, "1..64");
    s.name = "<b>&\"\x01\xff";
    sweep_svg(&s, &out);
    ck_assert_ptr_null(strstr(out.data, "<b>"));
    ck_assert_ptr_nonnull(strstr(out.data, "&#60;b&#62;&#38;&#34;??"));
    ck_assert_uint_eq(count(out.data, "<circle"), 2 * 5);      /* 1 2 4 8 12, in both panels */
    ck_assert_uint_eq(count(out.data, "l10 10m0 -10"), 2 * 3); /* 16 14 13 */
    ck_assert_ptr_nonnull(strstr(out.data, "threshold 90 %"));
    ck_assert_ptr_nonnull(strstr(out.data, "12 accelerators: AU 93.3 %"));
    str_free(&out);
    sweep_free(&s);
}
END_TEST

static json_t *json_of(const struct sweep *s)
{
    static const char *const overrides[] = {"++train.epochs=1", NULL};
    static struct sweep_work work = {.identity = "0123456789abcdef"};
    const struct sweep_facts facts = {.config = "unet3d_h100.yaml",
                                      .overrides = overrides,
                                      .work = &work,
                                      .hostname = "here",
                                      .cpus = 2,
                                      .memory_bytes = 1e9,
                                      .started = "2026-01-31T12:00:00.123456",
                                      .seconds = 3};

    put_begin();
    return sweep_json(s, &facts);
}

START_TEST(json_of_an_answer)
{
    struct sweep s;
    json_t *root, *answer, *points;

    sweep_of(&s, 11.2, "1..64");
    root = json_of(&s);
    answer = json_object_get(root, "answer");
    points = json_object_get(root, "points");
    ck_assert_str_eq(json_string_value(json_object_get(root, "status")), "ok");
    ck_assert_int_eq(json_integer_value(json_object_get(answer, "accelerators")), 12);
    ck_assert_int_eq(json_integer_value(json_object_get(answer, "next")), 13);
    ck_assert_str_eq(json_string_value(json_object_get(answer, "next_limited_by")), "storage");
    ck_assert(json_is_true(json_object_get(answer, "is_final")));
    ck_assert(json_is_false(json_object_get(answer, "at_least")));
    ck_assert(json_is_true(json_object_get(answer, "monotone")));
    ck_assert_uint_eq(json_array_size(points), 8);
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(points, 5), "accelerators")), 13);
    ck_assert(json_is_false(json_object_get(json_array_get(points, 5), "passes")));
    ck_assert_uint_eq(json_array_size(json_object_get(root, "candidates")), 64);
    ck_assert_ptr_null(json_object_get(root, "failure"));
    json_decref(root);
    sweep_free(&s);
}
END_TEST

static const struct {
    struct fixture_storage storage;
    const char *status;
    bool is_final;
    int accelerators;
} states[] = {{{.feeds = 0.5}, "none", true, 0},
              {{.feeds = 100, .fails_at = 4}, "failed", false, 2},
              {{.feeds = 100, .stops_at = 4}, "interrupted", false, 2},
              {{.feeds = 100}, "ok", true, 8}};

START_TEST(json_says_how_it_ended)
{
    struct fixture_storage storage = states[_i].storage;
    struct sweep s;
    json_t *root, *answer;

    ck_assert_int_eq(fixture_sweep(&s, &storage, "1..8"), DLFW_OK);
    root = json_of(&s);
    answer = json_object_get(root, "answer");
    ck_assert_str_eq(json_string_value(json_object_get(root, "status")), states[_i].status);
    ck_assert_int_eq(json_is_true(json_object_get(answer, "is_final")), states[_i].is_final);
    ck_assert_int_eq(json_integer_value(json_object_get(answer, "accelerators")), states[_i].accelerators);
    ck_assert_int_eq(!!json_object_get(root, "failure"), strcmp(states[_i].status, "failed") == 0);
    json_decref(root);
    sweep_free(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sweep_show");
    TCase *cases = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, table_of_two);
    tcase_add_test(cases, table_fits_a_terminal);
    tcase_add_test(cases, unknown_is_a_dash);
    tcase_add_loop_test(cases, plot_fits_a_terminal, 0, sizeof plots / sizeof plots[0]);
    tcase_add_test(cases, plot_of_a_small_sweep);
    tcase_add_test(cases, nothing_to_plot);
    tcase_add_test(cases, svg_has_every_point_and_no_markup_of_names);
    tcase_add_test(cases, json_of_an_answer);
    tcase_add_loop_test(cases, json_says_how_it_ended, 0, sizeof states / sizeof states[0]);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
