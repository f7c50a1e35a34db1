/* SPDX-License-Identifier: Apache-2.0 */
/* Every call to the storage fails once, or from there on for good: what was there stays, nothing half appears, and what
 * is left is found. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_checkpoint_store_fixture.h"

enum { ONCE, FOR_GOOD, MODES };

static const struct {
    uint32_t compress, strategy;
    uint64_t keep_last;
} ways[] = {
    {COMPRESS_NONE, LAYOUT_FLAT, 0}, {COMPRESS_ZSTD, LAYOUT_ROUND_ROBIN, 1}, {COMPRESS_FLOAT, LAYOUT_BINARY, 1}};

static struct store_fixture *with_one_checkpoint(int way)
{
    struct store_fixture *f = fixture_new();

    f->options.compress = ways[way].compress;
    f->options.strategy = ways[way].strategy;
    f->options.keep_last = ways[way].keep_last;
    f->options.common.model = &fixture_small_model;
    fixture_begin(f);
    ck_assert_msg(fixture_workload(f, 1, 0) == DLFW_OK, "%s", f->text);
    return f;
}

static uint64_t calls_of_a_save(int way)
{
    struct store_fixture *f = with_one_checkpoint(way);
    uint64_t before = f->services.calls, calls;

    ck_assert_int_eq(fixture_workload(f, 1, 0), DLFW_OK);
    calls = f->services.calls - before;
    fixture_free(f);
    return calls;
}

static void ignore(void *ctx, const dlfw_checkpoint_report *report)
{
    (void)ctx, (void)report;
}

static void clean(struct store_fixture *f)
{
    dlfw_checkpoint_place place = fixture_place(f);
    dlfw_checkpoint_clean args = {.struct_size = sizeof args, .min_age_ns = UINT64_MAX};
    dlfw_error err = FAKE_ERROR(f->text);

    fixture_kill_owners(f);
    ck_assert_msg(checkpoint_tools.clean(&place, &args, ignore, NULL, &err) >= 0, "%s", f->text);
}

static void fail_call(int way, int mode, uint64_t number, uint64_t of)
{
    struct store_fixture *f = with_one_checkpoint(way);
    uint32_t before, after;
    dlfw_status st;

    if (mode == ONCE)
        f->services.fail_at = f->services.calls + number;
    else
        f->services.fail_after = f->services.calls + number;
    st = fixture_workload(f, 1, 0);
    f->services.fail_at = f->services.fail_after = 0;
    if (st < 0)
        ck_assert_msg(strstr(f->text, "fails on purpose"), "call %lu of %lu: '%s'", number, of, f->text);
    else /* only removals of folders, which need not be empty, may fail unnoticed */
        ck_assert_msg(mode == ONCE || number >= of, "call %lu of %lu", number, of);
    before = fixture_verify_all(f);
    ck_assert_uint_ge(before, 1);
    clean(f);
    fixture_assert_tidy(f);
    after = fixture_verify_all(f);
    ck_assert_msg(before == after, "call %lu of %lu: %u checkpoints, %u after cleaning", number, of, before, after);
    ck_assert_msg(fixture_workload(f, 1, 1) == DLFW_OK, "%s", f->text); /* and it goes on */
    fixture_free(f);
}

START_TEST(no_failure_does_harm)
{
    int way = _i / MODES, mode = _i % MODES;
    uint64_t calls = calls_of_a_save(way);

    for (uint64_t n = 1; n <= calls + 1; n++) {
        fail_call(way, mode, n, calls);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checkpoint_store_failures");
    TCase *t = tcase_create("failures");
    SRunner *runner;
    int failed;

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, no_failure_does_harm, 0, (int)(sizeof ways / sizeof *ways) * MODES);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
