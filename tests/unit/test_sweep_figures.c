/* SPDX-License-Identifier: Apache-2.0 */
/* summary.json to figures; a run that did not do what was asked gives none. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "sweep/figures.h"

static const char good[] =
    "{'num_accelerators': 4, 'potential_caching': [true],"
    " 'metric': {'train_au_mean_percentage': 91.5, 'train_throughput_mean_samples_per_second': 112.0},"
    " 'dlfw': {'status': 'ok', 'storage': {'scheme': 'file', 'direct': false, 'real_data': true},"
    "  'epochs': [{'au_percent': 80.0}, {'au_percent': 95.0}],"
    "  'io': {'train_bytes_per_second': 5e8, 'errors': 1, 'retries': 2},"
    "  'latency_ns': {'batch_wait': {'p99': 1500000}},"
    "  'ranks': {'count': 4, 'au_percent': {'min': 90.0, 'max': 93.0}},"
    "  'au': {'limited_by': 'storage', 'window_steps': 58, 'strict_percent': 90.5,"
    "   'lost': {'storage_percent': 6.0, 'barrier_percent': 2.0, 'overshoot_percent': 1.0, 'client_percent': 0.5}}}}";

/* The document with one piece of it replaced; quotes are single ones here. */
static json_t *document(const char *from, const char *to)
{
    char text[2048], *at;
    json_error_t where;
    json_t *root;

    snprintf(text, sizeof text, "%s", good);
    if (from) {
        at = strstr(text, from);
        ck_assert_ptr_nonnull(at);
        memmove(at + strlen(to), at + strlen(from), strlen(at + strlen(from)) + 1);
        memcpy(at, to, strlen(to));
    }
    for (at = text; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    root = json_loads(text, 0, &where);
    ck_assert_msg(root != NULL, "%s", where.text);
    return root;
}

START_TEST(figures_of_a_good_run)
{
    json_t *root = document(NULL, NULL);
    struct sweep_figures f = {.cpu_machine = 33, .cpu_run = 22, .seconds = 11};

    ck_assert_int_eq(sweep_figures_take(root, 4, &f, NULL), DLFW_OK);
    ck_assert_double_eq(f.au, 91.5);
    ck_assert_double_eq(f.strict_au, 90.5);
    ck_assert_double_eq(f.first_au, 80);
    ck_assert_double_eq(f.slowest_au, 90);
    ck_assert_double_eq(f.samples_per_second, 112);
    ck_assert_double_eq(f.bytes_per_second, 5e8);
    ck_assert_double_eq(f.wait_p99_ns, 1500000);
    ck_assert_double_eq(f.lost_storage, 6);
    ck_assert_double_eq(f.lost_barrier, 2);
    ck_assert_double_eq(f.lost_overshoot, 1);
    ck_assert_double_eq(f.lost_client, 0.5);
    ck_assert_str_eq(f.limited_by, "storage");
    ck_assert_uint_eq(f.epochs, 2);
    ck_assert_uint_eq(f.window_steps, 58);
    ck_assert_uint_eq(f.errors, 1);
    ck_assert_uint_eq(f.retries, 2);
    ck_assert(f.may_be_cached);
    ck_assert(!f.no_data);
    ck_assert_double_eq(f.cpu_machine, 33); /* not the results' to say */
    ck_assert_double_eq(f.cpu_run, 22);
    ck_assert_double_eq(f.seconds, 11);
    json_decref(root);
}
END_TEST

static const struct {
    const char *from, *to, *error;
} bad[] = {{"'status': 'ok'", "'status': 'failed'", "say 'failed'"},
           {"'status': 'ok',", "", "say 'nothing'"},
           {"'num_accelerators': 4", "'num_accelerators': 1", "of 1 accelerators, not of 4"},
           {"'num_accelerators': 4,", "", "not of 4"},
           {"'train_au_mean_percentage': 91.5,", "", "no AU"}};

START_TEST(half_a_run_has_none)
{
    json_t *root = document(bad[_i].from, bad[_i].to);
    struct sweep_figures f = {.au = 12345};
    struct error_slot err;

    error_slot_init(&err);
    ck_assert_int_eq(sweep_figures_take(root, 4, &f, &err.e), DLFW_E_CORRUPT);
    ck_assert_msg(strstr(err.text, bad[_i].error) != NULL, "%s", err.text);
    ck_assert_double_eq(f.au, 12345);
    json_decref(root);
}
END_TEST

/* What is not there is not a zero. */
START_TEST(what_is_missing_is_not_known)
{
    json_t *root = document("'strict_percent': 90.5,", "");
    struct sweep_figures f = {0};

    json_object_del(json_object_get(root, "dlfw"), "latency_ns");
    json_object_del(json_object_get(root, "dlfw"), "ranks");
    json_array_remove(json_object_get(json_object_get(root, "dlfw"), "epochs"), 0);
    ck_assert_int_eq(sweep_figures_take(root, 4, &f, NULL), DLFW_OK);
    ck_assert(isnan(f.strict_au));
    ck_assert(isnan(f.wait_p99_ns));
    ck_assert(isnan(f.slowest_au));
    ck_assert(isnan(f.first_au)); /* one epoch: it is the mean */
    json_decref(root);
}
END_TEST

static const struct {
    const char *from, *to;
} uncached[] = {{"[true]", "[false]"},
                {"[true]", "[0]"},
                {"'scheme': 'file'", "'scheme': 's3'"},
                {"'direct': false", "'direct': true"}};

START_TEST(page_cache_is_for_local_files_that_fit)
{
    json_t *root = document(uncached[_i].from, uncached[_i].to);
    struct sweep_figures f = {0};

    ck_assert_int_eq(sweep_figures_take(root, 4, &f, NULL), DLFW_OK);
    ck_assert(!f.may_be_cached);
    json_decref(root);
}
END_TEST

START_TEST(backend_without_data)
{
    json_t *root = document("'real_data': true", "'real_data': false");
    struct sweep_figures f = {0};

    ck_assert_int_eq(sweep_figures_take(root, 4, &f, NULL), DLFW_OK);
    ck_assert(f.no_data);
    json_decref(root);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sweep_figures");
    TCase *cases = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, figures_of_a_good_run);
    tcase_add_loop_test(cases, half_a_run_has_none, 0, sizeof bad / sizeof bad[0]);
    tcase_add_test(cases, what_is_missing_is_not_known);
    tcase_add_loop_test(cases, page_cache_is_for_local_files_that_fit, 0, sizeof uncached / sizeof uncached[0]);
    tcase_add_test(cases, backend_without_data);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
