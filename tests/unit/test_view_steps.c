/* SPDX-License-Identifier: Apache-2.0 */
/* Reading {rank}_steps.csv: every row or an error with its line, in constant memory. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/str.h"
#include "view/steps_file.h"

#define HEAD "epoch,block,step,load_s,compute_s,barrier_s"

static char path[] = "/tmp/dlfw-steps-XXXXXX";
static struct error_slot err;

struct seen {
    uint64_t count;
    double load_s;
    struct step_row last;
};

static void setup(void)
{
    int fd;

    memcpy(path + sizeof path - 7, "XXXXXX", 6);
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    error_slot_init(&err);
}

static void teardown(void)
{
    unlink(path);
}

static void see(void *ctx, const struct step_row *row)
{
    struct seen *s = ctx;

    s->count++;
    s->load_s += row->load_s;
    s->last = *row;
}

static dlfw_status read_bytes(const char *data, size_t len, struct seen *ret)
{
    FILE *out = fopen(path, "we");

    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(data, 1, len, out), len);
    ck_assert_int_eq(fclose(out), 0);
    *ret = (struct seen){0};
    return steps_file_read(path, see, ret, &err.e);
}

START_TEST(rows_are_taken_as_they_are)
{
    static const char text[] =
        HEAD "\n1,1,1,0.006118891,0.005002826,0.000002108\n2,eval,7,12,0.5,999999999.000000001\n";
    struct seen seen;

    ck_assert_int_eq(read_bytes(text, sizeof text - 1, &seen), DLFW_OK);
    ck_assert_uint_eq(seen.count, 2);
    ck_assert_double_eq_tol(seen.load_s, 12.006118891, 1e-12);
    ck_assert_uint_eq(seen.last.epoch, 2);
    ck_assert_uint_eq(seen.last.block, 0);
    ck_assert_uint_eq(seen.last.step, 7);
    ck_assert_double_eq_tol(seen.last.barrier_s, 999999999.000000001, 1e-6);
}
END_TEST

START_TEST(further_columns_and_carriage_returns_are_fine)
{
    static const char text[] = HEAD ",more\r\n1,1,1,1,2,3,text\r\n";
    struct seen seen;

    ck_assert_int_eq(read_bytes(text, sizeof text - 1, &seen), DLFW_OK);
    ck_assert_uint_eq(seen.count, 1);
    ck_assert_double_eq_tol(seen.last.barrier_s, 3, 1e-12);
}
END_TEST

START_TEST(many_rows_over_the_ends_of_pieces)
{
    struct str text = STR_EMPTY;
    struct seen seen;

    str_add(&text, HEAD "\n");
    for (uint32_t i = 1; i <= 20000; i++)
        str_add_format(&text, "1,%u,%u,0.25,0.5,0.%0*u\n", 1 + i / 100, i, (int)(i % 9 + 1), 1u);
    ck_assert_int_eq(read_bytes(text.data, text.len, &seen), DLFW_OK);
    ck_assert_uint_eq(seen.count, 20000);
    ck_assert_double_eq_tol(seen.load_s, 5000, 1e-6);
    str_free(&text);
}
END_TEST

#define BYTES(text) text, sizeof text - 1

static const struct {
    const char *data;
    size_t len;
    const char *says;
} broken[] = {
    {BYTES(""), "ends inside line 1"},
    {BYTES("rank,step\n"), "does not begin with 'epoch,"},
    {BYTES("epoch,block,step,load_s,compute_s,barrier_step\n"), "does not begin with"},
    {BYTES(HEAD "\n1,1,1,1,1,1"), "ends inside line 2"},
    {BYTES(HEAD "\n1,1,1,1,1,1\n1,1\n"), "line 3 is no step"},
    {BYTES(HEAD "\n\n"), "line 2 is no step"},
    {BYTES(HEAD "\n1,0,1,1,1,1\n"), "line 2 is no step"},
    {BYTES(HEAD "\n-1,1,1,1,1,1\n"), "line 2 is no step"},
    {BYTES(HEAD "\n1,1,1,nan,1,1\n"), "line 2 is no step"},
    {BYTES(HEAD "\n1,1,1,1e3,1,1\n"), "line 2 is no step"},
    {BYTES(HEAD "\n1,1,1,.5,1,1\n"), "line 2 is no step"},
    {BYTES(HEAD "\n1,1,1,1.,1,1\n"), "line 2 is no step"},
    {BYTES(HEAD "\n1,1,1,1,1,1x\n"), "line 2 is no step"},
    {BYTES(HEAD "\n1,1,1,1.0000000001,1,1\n"), "line 2 is no step"},
    {BYTES(HEAD "\n1,1,1,1000000000,1,1\n"), "line 2 is no step"},
    {BYTES(HEAD "\n99999999999999999999,1,1,1,1,1\n"), "line 2 is no step"},
    {BYTES(HEAD "\n1,1,1,1,1,1\0,x\n"), "line 2 is no step"},
    {BYTES("\0\0\0\n"), "does not begin with"},
};

START_TEST(broken_files_are_refused_with_their_line)
{
    struct seen seen;

    ck_assert_int_eq(read_bytes(broken[_i].data, broken[_i].len, &seen), DLFW_E_CORRUPT);
    ck_assert_ptr_nonnull(strstr(err.text, broken[_i].says));
    ck_assert_ptr_null(strchr(err.text, '\n'));
}
END_TEST

/* A file without line ends must not be held in memory whole. */
START_TEST(an_endless_line_is_refused)
{
    char *data = xmalloc(1u << 20);
    struct seen seen;

    memset(data, '1', 1u << 20);
    ck_assert_int_eq(read_bytes(data, 1u << 20, &seen), DLFW_E_CORRUPT);
    ck_assert_ptr_nonnull(strstr(err.text, "line 1"));
    free(data);
}
END_TEST

START_TEST(a_missing_file_is_not_found)
{
    struct seen seen;

    ck_assert_int_eq(steps_file_read("/nonexistent/0_steps.csv", see, &seen, &err.e), DLFW_E_NOT_FOUND);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("view_steps");
    TCase *tcase = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, rows_are_taken_as_they_are);
    tcase_add_test(tcase, further_columns_and_carriage_returns_are_fine);
    tcase_add_test(tcase, many_rows_over_the_ends_of_pieces);
    tcase_add_loop_test(tcase, broken_files_are_refused_with_their_line, 0, (int)(sizeof broken / sizeof broken[0]));
    tcase_add_test(tcase, an_endless_line_is_refused);
    tcase_add_test(tcase, a_missing_file_is_not_found);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
