/* SPDX-License-Identifier: Apache-2.0 */
/* Figures over several ranks: means, sums, coverage, strict AU and where the rest of the time went. */
#include <check.h>
#include <stdlib.h>

#include "report/coverage.h"
#include "report/result_parts.h"
#include "report_fixture.h"

#define RANKS 2

/* Rank 0 waited 100 ms for each batch, rank 1 none but for rank 0: 10 steps of 300 ms compute, 299 of them asked for.
 */
static struct rank_epoch epoch_of(uint32_t rank)
{
    struct time_shares s = {.window_ns = 3600 * MS,
                            .window_steps = 9,
                            .compute_ns = 2700 * MS,
                            .overshoot_ns = 9 * MS,
                            .load_ns = rank ? 0 : 900 * MS,
                            .barrier_ns = rank ? 900 * MS : 0};

    return (struct rank_epoch){.shares = s,
                               .au_percent = rank ? 90 : 80,
                               .samples_per_second = rank ? 12 : 10,
                               .samples = 40,
                               .counts = true,
                               .eval_counts = true};
}

static void two_ranks(struct fixture *f)
{
    struct world *w;

    fixture_begin(f);
    w = &f->rec->world;
    free(w->places);
    *w = (struct world){.coordinator = "shm", .ranks = RANKS, .hosts = 2, .host_ranks = 1, .reporting = RANKS};
    w->places = xcalloc(RANKS, sizeof *w->places);
    w->figures = xcalloc(RANKS, sizeof *w->figures);
    w->epochs = xcalloc(RANKS, sizeof *w->epochs);
    w->epoch_count = 1;
    f->cfg.dataset.num_files_train = 80;
    fixture_add_epoch(f, 1, 10, 100, 300);
    for (uint32_t r = 0; r < RANKS; r++) {
        snprintf(w->places[r].host, HOST_NAME_CAP, "node%u", r);
        w->places[r].cpus = 2 + r;
        w->places[r].memory_gib = 64;
        w->epochs[r] = epoch_of(r);
        w->figures[r] = (struct rank_figures){.shares = w->epochs[r].shares,
                                              .au_percent = w->epochs[r].au_percent,
                                              .samples_per_second = w->epochs[r].samples_per_second};
    }
}

/* docs/metrics.md: AU is the mean over ranks, throughput the sum. */
START_TEST(au_is_the_mean_and_throughput_the_sum)
{
    struct fixture f;
    struct run_metrics m;

    two_ranks(&f);
    run_metrics_init(f.rec, &m);
    ck_assert_uint_eq(m.train.epochs, 1);
    ck_assert_double_eq_tol(m.train.au[0], 85, 1e-9);
    ck_assert_double_eq_tol(m.train.throughput[0], 22, 1e-9);
    run_metrics_free(&m);
    fixture_end(&f);
}
END_TEST

START_TEST(an_epoch_counts_when_it_counts_on_every_rank)
{
    struct fixture f;
    struct run_metrics m;

    two_ranks(&f);
    f.rec->world.epochs[1].counts = false;
    run_metrics_init(f.rec, &m);
    ck_assert_uint_eq(m.train.epochs, 0);
    run_metrics_free(&m);
    fixture_end(&f);
}
END_TEST

START_TEST(strict_au_and_its_losses_are_a_hundred)
{
    struct fixture f;
    struct strict_au s;

    two_ranks(&f);
    world_strict_au(f.rec, &s);
    ck_assert_double_eq_tol(s.percent, 100.0 * 2691 / 3600, 1e-9);
    ck_assert_double_eq_tol(s.storage_percent, 12.5, 1e-9);
    ck_assert_double_eq_tol(s.barrier_percent, 12.5, 1e-9);
    ck_assert_double_eq_tol(s.overshoot_percent, 0.25, 1e-9);
    ck_assert_double_eq_tol(s.client_percent, 0, 1e-9);
    world_epoch_strict_au(f.rec, 0, &s);
    ck_assert_double_eq_tol(s.percent, 100.0 * 2691 / 3600, 1e-9);
    ck_assert_double_eq_tol(s.percent + s.storage_percent + s.barrier_percent + s.overshoot_percent + s.client_percent,
                            100, 1e-9);
    fixture_end(&f);
}
END_TEST

/* A rank that was ready earlier lost that time to the others. */
START_TEST(the_slowest_rank_sets_the_time)
{
    struct fixture f;
    struct strict_au s;

    two_ranks(&f);
    f.rec->world.epochs[1].shares.window_ns = 2700 * MS;
    f.rec->world.epochs[1].shares.barrier_ns = 0;
    world_strict_au(f.rec, &s);
    ck_assert_double_eq_tol(s.percent, 100.0 * 2691 / 3600, 1e-9);
    ck_assert_double_eq_tol(s.barrier_percent, 12.5, 1e-9);
    fixture_end(&f);
}
END_TEST

START_TEST(no_window_gives_zeros)
{
    struct fixture f;
    struct strict_au s;

    two_ranks(&f);
    for (uint32_t r = 0; r < RANKS; r++)
        f.rec->world.epochs[r].shares = (struct time_shares){0};
    world_strict_au(f.rec, &s);
    ck_assert_double_eq(s.percent, 0);
    ck_assert_double_eq(s.barrier_percent, 0);
    fixture_end(&f);
}
END_TEST

/* The halves of the dataset, and what happens when both ranks read the same half. */
START_TEST(coverage_is_proven_over_ranks)
{
    struct fixture f;
    struct coverage c;

    two_ranks(&f);
    f.rec->world.epochs[0].hash = fixture_hash(40);
    f.rec->world.epochs[1].hash = fixture_hash(80) - fixture_hash(40);
    c = coverage_train(f.rec, &f.rec->epochs[0]);
    ck_assert_uint_eq(c.samples, 80);
    ck_assert_uint_eq(c.expected, 80);
    ck_assert(c.is_proven && c.ok);
    f.rec->world.epochs[1].hash = fixture_hash(40);
    c = coverage_train(f.rec, &f.rec->epochs[0]);
    ck_assert(c.is_proven && !c.ok);
    ck_assert(!coverage_is_complete(f.rec));
    fixture_end(&f);
}
END_TEST

START_TEST(a_failed_run_reports_its_own_rank)
{
    struct fixture f;
    struct epoch_sum sum;

    two_ranks(&f);
    world_alone(f.rec);
    ck_assert_uint_eq(f.rec->world.reporting, 1);
    world_epoch(f.rec, 0, &sum);
    ck_assert_uint_eq(sum.samples, 40);
    ck_assert_uint_eq(f.rec->world.figures[0].shares.window_steps, 9);
    fixture_end(&f);
}
END_TEST

START_TEST(hosts_in_the_order_of_their_first_ranks)
{
    struct rank_place places[] = {{.host = "b"}, {.host = "a"}, {.host = "b"}, {.host = "c"}, {.host = "a"}};
    struct world w = {.ranks = 5, .places = places};
    uint32_t first[5];

    ck_assert_uint_eq(world_hosts(&w, first), 3);
    ck_assert_uint_eq(first[0], 0);
    ck_assert_uint_eq(first[1], 1);
    ck_assert_uint_eq(first[2], 3);
}
END_TEST

START_TEST(summary_names_every_rank)
{
    struct fixture f;
    json_t *o, *list;

    two_ranks(&f);
    o = ranks_json(f.rec);
    list = json_object_get(o, "per_rank");
    ck_assert_uint_eq(json_array_size(list), RANKS);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(list, 1), "host")), "node1");
    ck_assert_double_eq(json_number_value(json_object_get(json_object_get(o, "au_percent"), "min")), 80);
    ck_assert_double_eq(json_number_value(json_object_get(json_object_get(o, "au_percent"), "max")), 90);
    json_decref(o);
    fixture_end(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("world");
    TCase *tc = tcase_create("ranks");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tc);
    tcase_add_test(tc, au_is_the_mean_and_throughput_the_sum);
    tcase_add_test(tc, an_epoch_counts_when_it_counts_on_every_rank);
    tcase_add_test(tc, strict_au_and_its_losses_are_a_hundred);
    tcase_add_test(tc, the_slowest_rank_sets_the_time);
    tcase_add_test(tc, no_window_gives_zeros);
    tcase_add_test(tc, coverage_is_proven_over_ranks);
    tcase_add_test(tc, a_failed_run_reports_its_own_rank);
    tcase_add_test(tc, hosts_in_the_order_of_their_first_ranks);
    tcase_add_test(tc, summary_names_every_rank);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
