/* SPDX-License-Identifier: Apache-2.0 */
/* A reader of the results sees which switches of compat were on, in summary.json and in the log. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "report/compat_json.h"
#include "report/json_put.h"
#include "report_fixture.h"

static struct fixture f;

static void setup(void)
{
    fixture_begin(&f);
    put_begin();
}

static void teardown(void)
{
    fixture_end(&f);
}

START_TEST(only_those_that_are_on)
{
    json_t *o = compat_json(f.rec);

    ck_assert_uint_eq(json_object_size(o), 0);
    json_decref(o);
    f.cfg.compat.fsync_no_op = 1;
    f.cfg.compat.model_size_alias = 1;
    o = compat_json(f.rec);
    ck_assert_uint_eq(json_object_size(o), 2);
    ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(o, "fsync_no_op")), "checkpoint.fsync"));
    ck_assert_ptr_nonnull(json_object_get(o, "model_size_alias"));
    json_decref(o);
}
END_TEST

START_TEST(named_in_the_log)
{
    struct results r;
    char *text;

    f.cfg.compat.sequential_order = 1;
    f.cfg.output.formula = "dlio2";
    ck_assert_msg(results_open(&f.cfg, 0, true, &r, &f.err.e) == 0, "%s", f.err.text);
    log_compat(&r, &f.cfg);
    results_close(&r);
    text = fixture_read(&f, "dlio.log");
    ck_assert_ptr_nonnull(strstr(text, " compat.sequential_order is on: samples are read in order"));
    ck_assert_ptr_nonnull(strstr(text, " output.metric.formula is dlio2: "));
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("compat_json");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, only_those_that_are_on);
    tcase_add_test(tc, named_in_the_log);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
