/* SPDX-License-Identifier: Apache-2.0 */
/* The number of files that a run needs: golden values, rounding per version, numbers that do not fit. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "rules/dataset_size.h"

#define GIB (1ull << 30)

static const struct {
    const char *name;
    struct size_request request;
    uint64_t for_memory, for_steps, files;
} cases[] = {
    {"unet3d, 2 x 64 GiB, 8, v2", {128 * GIB, 8, 7, 1, 146600628, false}, 4687, 28000, 28000},
    {"unet3d, 2 x 64 GiB, 8, v3", {128 * GIB, 8, 7, 1, 146600628, true}, 4688, 28000, 28000},
    {"resnet50, 256 GiB, 4, v2", {256 * GIB, 4, 400, 1251, 114660.07, false}, 9581, 639, 9581},
    {"resnet50, 256 GiB, 4, v3", {256 * GIB, 4, 400, 1251, 114660.07, true}, 9582, 640, 9582},
    {"one file short of nothing", {1, 0, 1, 1, 10, false}, 0, 0, 0},
    {"one byte needs one file in v3", {1, 0, 1, 1, 10, true}, 1, 0, 1},
    {"an exact quotient is not rounded up", {1000, 1, 1, 1, 5, true}, 1000, 500, 1000},
    {"one byte more is", {1001, 1, 1, 1, 5, true}, 1001, 500, 1001},
    {"an exact quotient is not rounded down", {1000, 1, 1, 10, 5, false}, 100, 50, 100},
    {"beyond the whole numbers of a double",
     {3689348814741910323ull, 1, 1, 1, 1, false},
     18446744073709551615ull,
     500,
     18446744073709551615ull},
    {"a fraction that a double holds", {3, 1, 1, 1, 2.5, true}, 6, 500, 500},
    {"generation has no steps", {128 * GIB, 0, 7, 1, 146600628, false}, 4687, 0, 4687},
    {"steps of several samples per file, v2", {1, 3, 7, 4, 1e9, false}, 0, 2625, 2625},
    {"steps that fill no file, v3", {1, 1, 1, 1000, 1e9, true}, 1, 1, 1},
};

START_TEST(test_required)
{
    struct size_answer answer;
    struct error_slot err;

    error_slot_init(&err);
    ck_assert_msg(dataset_size_required(&cases[_i].request, &answer, &err.e) == DLFW_OK, "%s: %s", cases[_i].name,
                  err.text);
    ck_assert_msg(answer.files_for_memory == cases[_i].for_memory, "%s: memory %lu", cases[_i].name,
                  answer.files_for_memory);
    ck_assert_msg(answer.files_for_steps == cases[_i].for_steps, "%s: steps %lu", cases[_i].name,
                  answer.files_for_steps);
    ck_assert_uint_eq(answer.files, cases[_i].files);
}
END_TEST

static const struct size_request refused[] = {
    {UINT64_MAX, 1, 1, 1, 1, false},     /* five times the memory */
    {1, UINT64_MAX, 2, 1, 1, false},     /* accelerators x batch */
    {1, UINT64_MAX / 2, 1, 1, 1, false}, /* x steps */
    {1, 1, 0, 1, 1, false},              /* no batch */
    {1, 1, 1, 0, 1, false},              /* no samples */
    {1, 1, 1, 1, 0, false},              /* no bytes */
    {1, 1, 1, 1, (double)NAN, false},
    {1, 1, 1, 1, (double)INFINITY, false},
    {1, 1, 1, UINT64_MAX, 4096, false}, /* bytes of a file */
};

START_TEST(test_refused)
{
    struct size_answer answer;
    struct error_slot err;

    error_slot_init(&err);
    ck_assert_int_eq(dataset_size_required(&refused[_i], &answer, &err.e), DLFW_E_CONFIG);
    ck_assert_str_ne(err.text, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rules_size");
    TCase *t = tcase_create("size");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(t, test_required, 0, sizeof cases / sizeof cases[0]);
    tcase_add_loop_test(t, test_refused, 0, sizeof refused / sizeof refused[0]);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
