/* SPDX-License-Identifier: Apache-2.0 */
/* Every way to write a time, what it draws, how it is printed, and what is refused. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "config/yaml_read.h"
#include "workload/time_distribution.h"

static struct node_tree tree;
static struct problem_list problems;

static struct time_distribution read_text(const char *text)
{
    struct time_distribution d = {0};
    struct error_slot err;

    node_tree_free(&tree);
    problem_list_free(&problems);
    error_slot_init(&err);
    ck_assert_msg(yaml_read_text("t", text, strlen(text), &tree, &err.e) == DLFW_OK, "%s", err.text);
    time_distribution_read(node_get(tree.root, "t"), node_get(tree.root, "s"), &d, &problems);
    return d;
}

static const struct {
    const char *text;
    uint32_t kind;
    double mean, stdev; /* of many draws */
    const char *printed;
} forms[] = {
    {"x: 1", TIME_NONE, 0, 0, "{}"},
    {"t: {}", TIME_NONE, 0, 0, "{}"},
    {"t: null", TIME_NONE, 0, 0, "{}"},
    {"t: 0.323", TIME_CONSTANT, 0.323, 0, "{'mean': 0.323}"},
    {"t: 1.00", TIME_CONSTANT, 1, 0, "{'mean': 1.0}"},
    {"t: 20", TIME_CONSTANT, 20, 0, "{'mean': 20.0}"},
    {"t: -0.5", TIME_CONSTANT, 0.5, 0, "{'mean': -0.5}"},
    {"t: 0.00350", TIME_CONSTANT, 0.0035, 0, "{'mean': 0.0035}"},
    {"t: {mean: 0.25}", TIME_CONSTANT, 0.25, 0, "{'mean': 0.25}"},
    {"t: {mean: 4, stdev: 0.5}", TIME_NORMAL, 4, 0.5, "{'mean': 4.0, 'stdev': 0.5}"},
    {"t: {type: normal, mean: 4, stdev: 0.5}", TIME_NORMAL, 4, 0.5, "{'mean': 4.0, 'stdev': 0.5}"},
    {"t: 4\ns: 0.5", TIME_NORMAL, 4, 0.5, "{'mean': 4.0, 'stdev': 0.5}"},
    {"t: {mean: 4}\ns: 0.5", TIME_NORMAL, 4, 0.5, "{'mean': 4.0, 'stdev': 0.5}"},
    {"t: {type: uniform, min: 1, max: 3}", TIME_UNIFORM, 2, 0.5774, "{'type': 'uniform', 'min': 1.0, 'max': 3.0}"},
    {"t: {type: gamma, shape: 2, scale: 3}", TIME_GAMMA, 6, 4.2426, "{'type': 'gamma', 'shape': 2.0, 'scale': 3.0}"},
    {"t: {type: exponential, scale: 2}", TIME_EXPONENTIAL, 2, 2, "{'type': 'exponential', 'scale': 2.0}"},
    {"t: {type: poisson, lam: 5}", TIME_POISSON, 5, 2.2361, "{'type': 'poisson', 'lam': 5.0}"},
};

START_TEST(test_forms)
{
    struct time_distribution d = read_text(forms[_i].text);
    struct legacy_random random;
    double sum = 0, squares = 0, mean, stdev;
    const int n = 20000;
    char text[160];

    ck_assert_msg(problems.count == 0, "%s: %s", forms[_i].text, problems.count ? problems.items[0].text : "");
    ck_assert_uint_eq(d.kind, forms[_i].kind);
    legacy_seed(&random, 7);
    for (int i = 0; i < n; i++) {
        double seconds = (double)time_distribution_draw(&d, &random) / 1e9;

        sum += seconds;
        squares += seconds * seconds;
    }
    mean = sum / n;
    stdev = sqrt(fmax(0, squares / n - mean * mean));
    ck_assert_double_le(fabs(mean - forms[_i].mean), 0.05 * forms[_i].mean + 1e-9);
    ck_assert_double_le(fabs(stdev - forms[_i].stdev), 0.05 * forms[_i].stdev + 1e-4);
    time_distribution_print(&d, text, sizeof text);
    ck_assert_str_eq(text, forms[_i].printed);
}
END_TEST

START_TEST(test_a_constant_is_exact_and_negative_draws_count_positive)
{
    struct time_distribution d = read_text("t: 0.00350");
    struct legacy_random random;

    legacy_seed(&random, 1);
    ck_assert_uint_eq(time_distribution_draw(&d, &random), 3500000);
    d = read_text("t: {mean: 0, stdev: 1}");
    for (int i = 0; i < 1000; i++)
        ck_assert_uint_lt(time_distribution_draw(&d, &random), 10000000000ull);
    d = (struct time_distribution){.kind = TIME_CONSTANT, .a = 1e30};
    ck_assert_uint_eq(time_distribution_draw(&d, &random), INT64_MAX);
}
END_TEST

static const struct {
    const char *text, *message;
} mistakes[] = {
    {"t: soon", "t:1:4: 'soon' is not a number"},
    {"t: [1, 2]", "t:1:4: a number or a distribution is wanted, not a list"},
    {"t: {type: normall, mean: 1}", "t:1:11: 'normall' is no distribution; there are normal, uniform, gamma, "
                                    "exponential and poisson; did you mean 'normal'?"},
    {"t: {stdev: 1}", "t:1:4: 'mean' is missing in this distribution"},
    {"t: {type: normal, mean: 1}", "t:1:4: 'stdev' is missing in this distribution"},
    {"t: {type: uniform, min: 3, max: 1}", "t:1:4: min must not be above max"},
    {"t: {mean: 1, stdev: -1}", "t:1:4: stdev must not be negative"},
    {"t: {type: gamma, shape: 0, scale: 1}", "t:1:4: shape must be above 0 and scale not negative"},
    {"t: {type: exponential, scale: -1}", "t:1:4: scale must not be negative"},
    {"t: {type: poisson, lam: 1e12}", "t:1:4: lam must lie between 0 and 1e9"},
    {"t: {mean: x}", "t:1:11: 'x' is not a number"},
    {"s: 1", "t:1:4: a standard deviation without the time that it belongs to"},
    {"t: 1\ns: -1", "t:2:4: a standard deviation must not be negative"},
};

START_TEST(test_mistakes)
{
    struct time_distribution d = read_text(mistakes[_i].text);

    ck_assert_uint_eq(problems.errors, 1);
    ck_assert_str_eq(problems.items[0].text, mistakes[_i].message);
    if (strcmp(mistakes[_i].text, "t: 1\ns: -1") != 0)
        ck_assert_uint_eq(d.kind, TIME_NONE);
}
END_TEST

START_TEST(test_foreign_parameters)
{
    read_text("t: {type: exponential, scale: 1, mean: 2}");
    ck_assert_uint_eq(problems.count, 1);
    ck_assert_uint_eq(problems.errors, 0);
    ck_assert_str_eq(problems.items[0].text, "t:1:34: 'mean' is not a parameter of this distribution (scale)");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("time_distribution");
    TCase *tcase = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tcase, test_forms, 0, (int)(sizeof forms / sizeof forms[0]));
    tcase_add_test(tcase, test_a_constant_is_exact_and_negative_draws_count_positive);
    tcase_add_loop_test(tcase, test_mistakes, 0, (int)(sizeof mistakes / sizeof mistakes[0]));
    tcase_add_test(tcase, test_foreign_parameters);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    node_tree_free(&tree);
    problem_list_free(&problems);
    return failed ? 1 : 0;
}
