/* SPDX-License-Identifier: Apache-2.0 */
/* --accelerators: what is a list of numbers, and what is not. */
#include <check.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/str.h"
#include "sweep/range.h"

static const struct {
    const char *text, *values;
} good[] = {{"1", "1"},
            {"8", "8"},
            {"1..4", "1 2 3 4"},
            {"4..4", "4"},
            {"1,2,4..6", "1 2 4 5 6"},
            {"8,4,2,1", "1 2 4 8"},
            {"1..3,2..4", "1 2 3 4"},
            {"4095..4096", "4095 4096"}};

START_TEST(lists)
{
    struct sweep_range range = {0};
    struct str text = STR_EMPTY;

    ck_assert_int_eq(sweep_range_parse(good[_i].text, &range, NULL), DLFW_OK);
    for (uint32_t i = 0; i < range.count; i++)
        str_add_format(&text, "%s%u", i ? " " : "", range.values[i]);
    ck_assert_str_eq(text.data, good[_i].values);
    str_free(&text);
    sweep_range_free(&range);
}
END_TEST

static const char *const bad[] = {
    "",       "0",   "0..4", "4..1", "1..",  "..4", "1...4", "1,,2",  ",1",   "1,",      "-1",
    "+1",     "1-4", "1.5",  "a",    "1..b", "1 2", " 1",    "1..2 ", "4097", "1..4097", "99999999999999999999",
    "1..2..3"};

START_TEST(what_is_none)
{
    struct sweep_range range = {0};
    struct error_slot err;

    error_slot_init(&err);
    ck_assert_msg(sweep_range_parse(bad[_i], &range, &err.e) == DLFW_E_INVALID, "'%s' was taken", bad[_i]);
    ck_assert_ptr_null(range.values);
    ck_assert_ptr_nonnull(strstr(err.text, "1..64"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sweep_range");
    TCase *cases = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(cases, lists, 0, sizeof good / sizeof good[0]);
    tcase_add_loop_test(cases, what_is_none, 0, sizeof bad / sizeof bad[0]);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
