/* SPDX-License-Identifier: Apache-2.0 */
/* AU and samples/s: the arithmetic of docs/metrics.md, with its worked examples. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "report/advice.h"
#include "report/coverage.h"
#include "report/metrics.h"
#include "report_fixture.h"

/* Step times in ms; all steps of a block alike. */
struct block_case {
    const char *name;
    uint64_t steps, expected, load, compute, barrier;
    uint64_t exclude_start, exclude_end;
    const char *formula;
    double au, rate;
    uint64_t window;
};

static const struct block_case blocks[] = {
    {"one block of an epoch", 10, 10, 100, 300, 0, 1, 0, "window", 75.0, 10.0, 9},
    {"the same with DLIO's count", 10, 10, 100, 300, 0, 1, 0, "dlio2", 75.0, 8.0 / 3.6 * 4, 9},
    {"half of an epoch", 5, 10, 100, 300, 0, 1, 0, "window", 75.0, 10.0, 4},
    {"half of an epoch with DLIO's count", 5, 10, 100, 300, 0, 1, 0, "dlio2", 75.0, 7.5, 4},
    {"last step excluded", 10, 10, 100, 300, 0, 1, 1, "window", 75.0, 10.0, 8},
    {"end excluded by the epoch's steps, not the block's", 5, 10, 100, 300, 0, 1, 1, "window", 75.0, 10.0, 4},
    {"nothing excluded", 10, 10, 100, 300, 0, 0, 0, "window", 75.0, 10.0, 10},
    {"barriers stay in the window, also the first one", 10, 10, 100, 300, 10, 1, 0, "window", 100 * 2.7 / 3.7,
     9 / 3.7 * 4, 9},
    {"no waiting", 4, 4, 0, 300, 0, 1, 0, "window", 100.0, 4 / 0.3, 3},
    {"no compute", 4, 4, 100, 0, 0, 1, 0, "window", 0.0, 40.0, 3},
    {"no step", 0, 10, 100, 300, 0, 1, 0, "window", 0, 0, 0},
    {"no step with DLIO's count", 0, 10, 100, 300, 0, 1, 0, "dlio2", 0, 0, 0},
    {"only the excluded step", 1, 1, 100, 300, 0, 1, 0, "window", 0, 0, 0},
    {"everything excluded from the end", 5, 10, 100, 300, 0, 1, 10, "window", 0, 0, 0},
    {"more excluded than there is", 5, 5, 100, 300, 0, 7, 9, "window", 0, 0, 0},
    {"nothing expected", 3, 0, 100, 300, 0, 1, 0, "window", 0, 0, 0},
    {"steps that take no time", 5, 5, 0, 0, 0, 1, 0, "window", 0, 0, 4},
};

START_TEST(block_of_training)
{
    const struct block_case *c = &blocks[_i];
    struct run_config cfg = {0};
    struct block_record b = fixture_block(c->steps, c->load, c->compute, c->barrier);
    struct block_metrics m;

    cfg.output.exclude_start_steps = c->exclude_start;
    cfg.output.exclude_end_steps = c->exclude_end;
    cfg.output.formula = c->formula;
    m = block_metrics_train(&b, c->expected, 4, &cfg);
    ck_assert_msg(fabs(m.au_percent - c->au) < 1e-9, "%s: AU %f, not %f", c->name, m.au_percent, c->au);
    ck_assert_msg(fabs(m.samples_per_second - c->rate) < 1e-9, "%s: rate %f, not %f", c->name, m.samples_per_second,
                  c->rate);
    ck_assert_msg(m.window_steps == c->window, "%s: window %lu", c->name, m.window_steps);
    free(b.steps);
}
END_TEST

START_TEST(block_that_never_ended_has_no_figures)
{
    struct run_config cfg = {0};
    struct block_record b = fixture_block(5, 100, 300, 0);
    struct block_metrics m;

    b.end_ns = 0;
    m = block_metrics_train(&b, 5, 4, &cfg);
    ck_assert_double_eq(m.au_percent, 0);
    ck_assert_double_eq(m.samples_per_second, 0);
    m = block_metrics_eval(&b, 5, 4, &cfg);
    ck_assert_double_eq(m.au_percent, 0);
    ck_assert_double_eq(m.samples_per_second, 0);
    free(b.steps);
}
END_TEST

/* Evaluation: AU over the window, samples/s over all steps and the whole wall time. */
START_TEST(block_of_evaluation)
{
    struct run_config cfg = {0};
    struct block_record b = fixture_block(10, 100, 300, 0);
    struct block_metrics m;

    cfg.output.exclude_start_steps = 1;
    m = block_metrics_eval(&b, 10, 4, &cfg);
    ck_assert_double_eq_tol(m.au_percent, 75.0, 1e-9);
    ck_assert_double_eq_tol(m.samples_per_second, 10.0, 1e-9);
    b.end_ns += 4000 * MS;
    m = block_metrics_eval(&b, 10, 4, &cfg);
    ck_assert_double_eq_tol(m.samples_per_second, 5.0, 1e-9);
    ck_assert_double_eq_tol(m.au_percent, 100 * 2.7 / 7.6, 1e-9);
    free(b.steps);
}
END_TEST

START_TEST(epoch_is_the_step_weighted_mean_of_its_blocks)
{
    struct run_config cfg = {0};
    struct block_record list[3] = {fixture_block(6, 100, 300, 0), fixture_block(2, 300, 100, 0),
                                   fixture_block(0, 0, 0, 0)};
    struct epoch_record e = {.expected_steps = 8, .blocks = list, .block_count = 3};
    struct block_metrics m;

    cfg.output.exclude_start_steps = 1;
    list[2].end_ns += 700 * MS; /* a block opened after the last checkpoint: weight 0 */
    m = epoch_metrics_train(&e, 4, &cfg);
    ck_assert_double_eq_tol(m.au_percent, (6 * 75.0 + 2 * 25.0) / 8, 1e-9);
    ck_assert_double_eq_tol(m.samples_per_second, 10.0, 1e-9);
    ck_assert_uint_eq(m.window_steps, 6);
    for (int i = 0; i < 3; i++)
        free(list[i].steps);
}
END_TEST

START_TEST(epoch_without_steps_is_zero)
{
    struct run_config cfg = {0};
    struct block_record b = fixture_block(0, 0, 0, 0);
    struct epoch_record e = {.blocks = &b, .block_count = 1};
    struct block_metrics m = epoch_metrics_train(&e, 4, &cfg);

    ck_assert_double_eq(m.au_percent, 0);
    ck_assert_double_eq(m.samples_per_second, 0);
    e.block_count = 0;
    m = epoch_metrics_train(&e, 4, &cfg);
    ck_assert_double_eq(m.au_percent, 0);
    free(b.steps);
}
END_TEST

START_TEST(spread_divides_by_the_count)
{
    static const double values[] = {80, 90};
    struct spread s = spread_of(values, 2);

    ck_assert_double_eq_tol(s.mean, 85, 1e-12);
    ck_assert_double_eq_tol(s.stdev, 5, 1e-12);
    s = spread_of(values, 1);
    ck_assert_double_eq(s.stdev, 0);
    s = spread_of(NULL, 0);
    ck_assert_double_eq(s.mean, 0);
}
END_TEST

START_TEST(run_takes_mean_and_spread_over_epochs)
{
    struct fixture f;
    struct run_metrics m;

    fixture_begin(&f);
    f.cfg.metric.au = 0.5;
    fixture_add_epoch(&f, 1, 10, 100, 300);
    fixture_add_eval(&f, fixture_add_epoch(&f, 2, 5, 300, 100), 4, 100, 100);
    run_metrics_init(f.rec, &m);
    ck_assert_uint_eq(m.train.epochs, 2);
    ck_assert_double_eq_tol(m.train.au_spread.mean, 50, 1e-9);
    ck_assert_double_eq_tol(m.train.au_spread.stdev, 25, 1e-9);
    ck_assert_double_eq_tol(m.train.throughput_spread.mean, 10, 1e-9);
    ck_assert_double_eq_tol(m.train.mib_per_second.mean, 10, 1e-9);
    ck_assert(m.train.meets);
    ck_assert_uint_eq(m.eval.epochs, 1);
    ck_assert_double_eq_tol(m.eval.throughput_spread.mean, 10, 1e-9);
    run_metrics_free(&m);
    f.cfg.metric.au = 0.501;
    run_metrics_init(f.rec, &m);
    ck_assert(!m.train.meets);
    run_metrics_free(&m);
    fixture_end(&f);
}
END_TEST

START_TEST(failed_epoch_does_not_count)
{
    struct fixture f;
    struct run_metrics m;

    fixture_begin(&f);
    fixture_add_epoch(&f, 1, 10, 100, 300);
    fixture_add_epoch(&f, 1, 4, 300, 100)->expected_steps = 10;
    run_metrics_init(f.rec, &m);
    ck_assert_msg(m.train.epochs == 2, "a hook may end a good run early");
    run_metrics_free(&m);
    f.rec->status = DLFW_E_CANCELLED;
    run_metrics_init(f.rec, &m);
    ck_assert_uint_eq(m.train.epochs, 1);
    ck_assert_double_eq_tol(m.train.au_spread.mean, 75, 1e-9);
    run_metrics_free(&m);
    fixture_end(&f);
}
END_TEST

START_TEST(checkpoints_by_their_own_time)
{
    struct fixture f;
    struct epoch_record *e;
    struct run_metrics m;

    fixture_begin(&f);
    e = fixture_add_epoch(&f, 1, 10, 100, 300);
    fixture_add_checkpoint(e, false, 1, 1000, 2ull << 30);
    fixture_add_checkpoint(e, false, 1, 2000, 2ull << 30);
    fixture_add_checkpoint(e, true, 1, 500, 2ull << 30);
    run_metrics_init(f.rec, &m);
    ck_assert_uint_eq(m.save.count, 2);
    ck_assert_double_eq_tol(m.save.gib_per_second.mean, 1.5, 1e-9);
    ck_assert_double_eq_tol(m.save.seconds.mean, 1.5, 1e-9);
    ck_assert_double_eq_tol(m.save.seconds.stdev, 0.5, 1e-9);
    ck_assert_double_eq_tol(m.save.size_gib, 2, 1e-9);
    ck_assert_uint_eq(m.load.count, 1);
    ck_assert_double_eq_tol(m.load.gib_per_second.mean, 4, 1e-9);
    run_metrics_free(&m);
    fixture_end(&f);
}
END_TEST

START_TEST(shares_sum_to_the_window)
{
    struct fixture f;
    struct time_shares s;
    struct block_record *b;

    fixture_begin(&f);
    b = fixture_add_epoch(&f, 1, 0, 0, 0)->blocks;
    free(b->steps);
    *b = fixture_block(10, 100, 300, 20);
    f.rec->epochs[0].expected_steps = 10;
    b->hook_ns = 50 * MS;
    b->end_ns += 50 * MS + 30 * MS;
    for (uint64_t i = 0; i < 10; i++)
        b->steps[i].asked_ns -= 1 * MS;
    s = train_time_shares(f.rec);
    ck_assert_uint_eq(s.window_ns, 3880 * MS);
    ck_assert_uint_eq(s.compute_ns, 2700 * MS);
    ck_assert_uint_eq(s.load_ns, 900 * MS);
    ck_assert_uint_eq(s.barrier_ns, 200 * MS);
    ck_assert_uint_eq(s.hook_ns, 50 * MS);
    ck_assert_uint_eq(s.other_ns, 30 * MS);
    ck_assert_uint_eq(s.compute_ns + s.load_ns + s.barrier_ns + s.hook_ns + s.other_ns, s.window_ns);
    ck_assert_uint_eq(s.overshoot_ns, 9 * MS);
    fixture_end(&f);
}
END_TEST

/* ms per step, and what the readers did meanwhile in a window of 1000 ms and two read threads. */
struct limit_case {
    enum limit_kind kind;
    struct time_shares shares;
    uint64_t stall_ms, decode_ms;
};

static const struct limit_case limits[] = {
    {LIMIT_UNKNOWN, {0}, 0, 0},
    {LIMIT_COMPUTE, {.window_ns = 1000 * MS, .compute_ns = 991 * MS, .load_ns = 9 * MS}, 0, 0},
    {LIMIT_STORAGE, {.window_ns = 1000 * MS, .compute_ns = 500 * MS, .load_ns = 500 * MS}, 100, 100},
    {LIMIT_DECODE, {.window_ns = 1000 * MS, .compute_ns = 500 * MS, .load_ns = 500 * MS}, 100, 1100},
    {LIMIT_PREFETCH, {.window_ns = 1000 * MS, .compute_ns = 500 * MS, .load_ns = 500 * MS}, 1100, 100},
    {LIMIT_BARRIER,
     {.window_ns = 1000 * MS, .compute_ns = 500 * MS, .load_ns = 200 * MS, .barrier_ns = 300 * MS},
     0,
     0},
    {LIMIT_HOOKS, {.window_ns = 1000 * MS, .compute_ns = 500 * MS, .hook_ns = 500 * MS}, 0, 0},
    {LIMIT_LOOP, {.window_ns = 1000 * MS, .compute_ns = 500 * MS, .other_ns = 500 * MS}, 0, 0},
};

START_TEST(limit_is_the_largest_loss)
{
    const struct limit_case *c = &limits[_i];
    struct fixture f;

    fixture_begin(&f);
    histogram_record(&f.rec->train_stats.stall_ns, c->stall_ms * MS);
    histogram_record(&f.rec->train_stats.decode_ns, c->decode_ms * MS);
    ck_assert_str_eq(limit_name(limit_of(f.rec, &c->shares)), limit_name(c->kind));
    fixture_end(&f);
}
END_TEST

START_TEST(coverage_notices_lost_and_doubled_samples)
{
    struct fixture f;
    struct epoch_record *e;
    struct coverage c;

    fixture_begin(&f);
    e = fixture_add_epoch(&f, 1, 10, 100, 300);
    c = coverage_train(f.rec, e);
    ck_assert(c.ok && c.is_proven);
    ck_assert_uint_eq(c.samples, 40);
    e->train_load.sample_count_hash += hash_mix(7) - hash_mix(8); /* sample 7 came instead of 6 */
    c = coverage_train(f.rec, e);
    ck_assert(!c.ok && c.is_proven);
    ck_assert(!coverage_is_complete(f.rec));
    e->train_load.samples = 39;
    c = coverage_train(f.rec, e);
    ck_assert(!c.ok && !c.is_proven);
    fixture_end(&f);
}
END_TEST

START_TEST(coverage_counts_where_the_order_decides)
{
    struct fixture f;
    struct epoch_record *e;
    struct coverage c;

    fixture_begin(&f);
    f.cfg.dataset.num_files_train = 43; /* three are dropped, the order says which */
    e = fixture_add_epoch(&f, 1, 10, 100, 300);
    c = coverage_train(f.rec, e);
    ck_assert(c.ok && !c.is_proven);
    fixture_add_eval(&f, e, 4, 100, 100);
    c = coverage_eval(f.rec, e);
    ck_assert(c.ok && c.is_proven);
    fixture_end(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics");
    TCase *cases = tcase_create("metrics");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(cases, block_of_training, 0, sizeof blocks / sizeof *blocks);
    tcase_add_test(cases, block_that_never_ended_has_no_figures);
    tcase_add_test(cases, block_of_evaluation);
    tcase_add_test(cases, epoch_is_the_step_weighted_mean_of_its_blocks);
    tcase_add_test(cases, epoch_without_steps_is_zero);
    tcase_add_test(cases, spread_divides_by_the_count);
    tcase_add_test(cases, run_takes_mean_and_spread_over_epochs);
    tcase_add_test(cases, failed_epoch_does_not_count);
    tcase_add_test(cases, checkpoints_by_their_own_time);
    tcase_add_test(cases, shares_sum_to_the_window);
    tcase_add_loop_test(cases, limit_is_the_largest_loss, 0, sizeof limits / sizeof *limits);
    tcase_add_test(cases, coverage_notices_lost_and_doubled_samples);
    tcase_add_test(cases, coverage_counts_where_the_order_decides);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
