/* SPDX-License-Identifier: Apache-2.0 */
/* Sweeps over storages of arithmetic: the answer, its words, the notes, and what failures and Ctrl-C leave. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sweep_fixture.h"

static void expect_answer(const struct sweep *s, const char *text)
{
    struct str out = STR_EMPTY;

    sweep_answer_text(s, &out);
    ck_assert_str_eq(out.data, text);
    str_free(&out);
}

/* One note holds the text; NULL: there is no note at all. */
static void expect_note(const struct sweep *s, const char *text)
{
    struct sweep_notes notes = {0};
    bool found = false;

    sweep_result_notes(s, &notes);
    for (uint32_t i = 0; i < notes.count && text; i++)
        found = found || strstr(notes.lines[i], text);
    if (text)
        ck_assert_msg(found, "no note says '%s'; the first is '%s'", text, notes.count ? notes.lines[0] : "");
    else
        ck_assert_msg(!notes.count, "there is a note: %s", notes.count ? notes.lines[0] : "");
    sweep_notes_free(&notes);
}

/* 11.2 accelerators' worth: 12 get 93.3 %, 13 get 86.2 %. */
START_TEST(answer_and_its_neighbour)
{
    struct fixture_storage storage = {.feeds = 11.2};
    struct sweep s;

    ck_assert_int_eq(fixture_sweep(&s, &storage, "1..64"), DLFW_OK);
    ck_assert_int_eq(s.state, SWEEP_DONE);
    ck_assert_uint_eq(storage.runs, 8);
    ck_assert_uint_eq(storage.told, 9);
    expect_answer(&s, "this storage feeds 12 unet3d_h100 accelerators at AU >= 90 % (12 got 93.3 %; 13 got 86.2 %, "
                      "limited by storage)");
    expect_note(&s, NULL);
    sweep_free(&s);
}
END_TEST

START_TEST(answer_of_all_is_the_same)
{
    struct fixture_storage storage = {.feeds = 11.2};
    struct sweep s;

    fixture_init(&s, "1..16");
    s.all = true;
    ck_assert_int_eq(fixture_go(&s, &storage), DLFW_OK);
    ck_assert_uint_eq(storage.runs, 16);
    ck_assert_uint_eq(sweep_answer(&s).best->accelerators, 12);
    ck_assert_uint_eq(sweep_answer(&s).next->accelerators, 13);
    sweep_free(&s);
}
END_TEST

START_TEST(more_than_was_asked_for)
{
    struct fixture_storage storage = {.feeds = 1000};
    struct sweep s;

    ck_assert_int_eq(fixture_sweep(&s, &storage, "1..8"), DLFW_OK);
    expect_answer(
        &s,
        "this storage feeds at least 8 unet3d_h100 accelerators at AU >= 90 % (8 got 100.0 %; more were not tried)");
    sweep_free(&s);
}
END_TEST

START_TEST(one_is_singular)
{
    struct fixture_storage storage = {.feeds = 1};
    struct sweep s;

    ck_assert_int_eq(fixture_sweep(&s, &storage, "1..8"), DLFW_OK);
    expect_answer(&s,
                  "this storage feeds 1 unet3d_h100 accelerator at AU >= 90 % (1 got 100.0 %; 2 got 50.0 %, limited "
                  "by storage)");
    sweep_free(&s);
}
END_TEST

/* 90.0 % that is not 90 % would be a riddle. */
static void by_a_hair(struct sweep_figures *f, uint32_t n, uint32_t k)
{
    (void)k;
    if (n == 2)
        *f = fixture_figures(89.97);
}

START_TEST(close_miss_is_shown_as_one)
{
    struct fixture_storage storage = {.feeds = 1, .change = by_a_hair};
    struct sweep s;

    ck_assert_int_eq(fixture_sweep(&s, &storage, "1..2"), DLFW_OK);
    expect_answer(&s,
                  "this storage feeds 1 unet3d_h100 accelerator at AU >= 90 % (1 got 100.0 %; 2 got 89.97 %, limited "
                  "by storage)");
    sweep_free(&s);
}
END_TEST

START_TEST(none)
{
    struct fixture_storage storage = {.feeds = 0.5};
    struct sweep s;

    ck_assert_int_eq(fixture_sweep(&s, &storage, "1..8"), DLFW_OK);
    ck_assert_ptr_null(sweep_answer(&s).best);
    expect_answer(&s, "this storage feeds no unet3d_h100 accelerator at AU >= 90 % (1 got 50.0 %, limited by storage)");
    sweep_free(&s);
}
END_TEST

/* Full CPUs at the step that missed: nobody may blame the storage. */
static void busy_cpus(struct sweep_figures *f, uint32_t n, uint32_t k)
{
    (void)k;
    f->cpu_run = n > 4 ? 97 : 20;
}

START_TEST(client_is_not_called_storage)
{
    struct fixture_storage storage = {.feeds = 4, .change = busy_cpus};
    struct sweep s;

    ck_assert_int_eq(fixture_sweep(&s, &storage, "1..8"), DLFW_OK);
    expect_answer(&s,
                  "this client feeds 4 unet3d_h100 accelerators at AU >= 90 % (4 got 100.0 %; 5 got 80.0 %, limited "
                  "by this client: cpu); the storage may feed more");
    sweep_free(&s);
}
END_TEST

/* Three runs of each decisive point; the middle one counts. */
static void spread(struct sweep_figures *f, uint32_t n, uint32_t k)
{
    static const double offsets[] = {-6, 3, 0};

    if (n == 4 || n == 5)
        f->au = 92 - 4 * (n - 4) + offsets[k];
}

START_TEST(median_of_repetitions)
{
    struct fixture_storage storage = {.feeds = 100, .change = spread};
    struct sweep s;

    fixture_init(&s, "1..5");
    s.repeat = 3;
    ck_assert_int_eq(fixture_go(&s, &storage), DLFW_OK);
    ck_assert_uint_eq(sweep_answer(&s).best->accelerators, 4);
    ck_assert_double_eq_tol(sweep_point_run(&s.points[3])->figures.au, 92, 1e-9);
    ck_assert_double_eq_tol(sweep_point_run(&s.points[4])->figures.au, 88, 1e-9);
    expect_note(&s, "4: 3 runs, AU 86.0 to 95.0 %");
    sweep_free(&s);
}
END_TEST

START_TEST(median_of_two_is_the_lower)
{
    struct sweep_run runs[2] = {{.figures = {.au = 95}}, {.figures = {.au = 85}}};
    struct sweep_point p = {.accelerators = 1, .runs = runs, .run_count = 2};

    ck_assert_ptr_eq(sweep_point_run(&p), &runs[1]);
    runs[1].figures.au = 95;
    ck_assert_ptr_nonnull(sweep_point_run(&p));
    p.run_count = 0;
    ck_assert_ptr_null(sweep_point_run(&p));
}
END_TEST

static void dip(struct sweep_figures *f, uint32_t n, uint32_t k)
{
    (void)k;
    if (n == 3)
        *f = fixture_figures(70);
}

START_TEST(dip_is_noted)
{
    struct fixture_storage storage = {.feeds = 5, .change = dip};
    struct sweep s;

    fixture_init(&s, "1..8");
    s.all = true;
    ck_assert_int_eq(fixture_go(&s, &storage), DLFW_OK);
    ck_assert_uint_eq(sweep_answer(&s).best->accelerators, 5);
    expect_note(&s, "3 accelerators missed the threshold (70.0 %) although 5 reached it (100.0 %)");
    sweep_free(&s);
}
END_TEST

static void near(struct sweep_figures *f, uint32_t n, uint32_t k)
{
    (void)n;
    (void)k;
    f->au = 90.4;
}

static void flattered(struct sweep_figures *f, uint32_t n, uint32_t k)
{
    (void)n;
    (void)k;
    f->strict_au = 80;
    f->lost_overshoot = 20;
}

static void cold(struct sweep_figures *f, uint32_t n, uint32_t k)
{
    (void)n;
    (void)k;
    f->first_au = 60;
}

static void disturbed(struct sweep_figures *f, uint32_t n, uint32_t k)
{
    (void)n;
    (void)k;
    f->cpu_machine = 99;
}

static void no_data(struct sweep_figures *f, uint32_t n, uint32_t k)
{
    (void)n;
    (void)k;
    f->no_data = true;
}

static void retried(struct sweep_figures *f, uint32_t n, uint32_t k)
{
    (void)n;
    (void)k;
    f->retries = 7;
}

static const struct {
    void (*change)(struct sweep_figures *f, uint32_t n, uint32_t k);
    const char *note;
} notes[] = {{near, "close to the threshold"},
             {flattered, "the strict AU is 80.0 %"},
             {cold, "the first epoch had an AU of 60.0 %"},
             {disturbed, "other programs kept this host's CPUs 99 % busy"},
             {no_data, "moves no data"},
             {retried, "7 were tried again"}};

START_TEST(figures_give_cause_for_notes)
{
    struct fixture_storage storage = {.feeds = 100, .change = notes[_i].change};
    struct sweep s;

    ck_assert_int_eq(fixture_sweep(&s, &storage, "1..2"), DLFW_OK);
    expect_note(&s, notes[_i].note);
    sweep_free(&s);
}
END_TEST

/* What was found before the failure stands, and is not called finished. */
START_TEST(failed_run_ends_the_sweep)
{
    struct fixture_storage storage = {.feeds = 100, .fails_at = 4};
    struct sweep s;

    ck_assert_int_eq(fixture_sweep(&s, &storage, "1..8"), DLFW_OK);
    ck_assert_int_eq(s.state, SWEEP_FAILED);
    ck_assert_str_eq(s.failure.text, "the run with 4 accelerators failed: no space left");
    ck_assert_uint_eq(storage.runs, 3);
    ck_assert_uint_eq(storage.told, 3);
    expect_answer(&s,
                  "not finished; so far: this storage feeds at least 2 unet3d_h100 accelerators at AU >= 90 % (2 got "
                  "100.0 %; more were not tried)");
    sweep_free(&s);
}
END_TEST

START_TEST(interrupted_before_anything_is_known)
{
    struct fixture_storage storage = {.feeds = 100, .stops_at = 1};
    struct sweep s;

    ck_assert_int_eq(fixture_sweep(&s, &storage, "1..8"), DLFW_OK);
    ck_assert_int_eq(s.state, SWEEP_INTERRUPTED);
    expect_answer(&s, "not finished; so far: nothing is known");
    expect_note(&s, NULL);
    sweep_free(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sweep_answer");
    TCase *cases = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, answer_and_its_neighbour);
    tcase_add_test(cases, answer_of_all_is_the_same);
    tcase_add_test(cases, more_than_was_asked_for);
    tcase_add_test(cases, one_is_singular);
    tcase_add_test(cases, close_miss_is_shown_as_one);
    tcase_add_test(cases, none);
    tcase_add_test(cases, client_is_not_called_storage);
    tcase_add_test(cases, median_of_repetitions);
    tcase_add_test(cases, median_of_two_is_the_lower);
    tcase_add_test(cases, dip_is_noted);
    tcase_add_loop_test(cases, figures_give_cause_for_notes, 0, sizeof notes / sizeof notes[0]);
    tcase_add_test(cases, failed_run_ends_the_sweep);
    tcase_add_test(cases, interrupted_before_anything_is_known);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
