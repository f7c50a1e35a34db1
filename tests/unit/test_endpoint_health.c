/* SPDX-License-Identifier: Apache-2.0 */
/* The choice of an endpoint, with a clock of the test's own. */
#include <check.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "io/endpoints/endpoint_health.h"

#define MS 1000000u

static struct endpoint_choice choice;

static void open_choice(enum endpoint_strategy strategy, uint32_t count)
{
    endpoint_choice_init(&choice, strategy, count);
}

static void teardown(void)
{
    endpoint_choice_free(&choice);
}

static void fail_at(uint32_t i, uint64_t sent, uint64_t now)
{
    uint64_t rest;

    endpoint_begin(&choice, i);
    endpoint_failed(&choice, i, sent, now, &rest);
}

START_TEST(turns_are_even)
{
    uint32_t seen[5] = {0};

    open_choice(ENDPOINTS_ROUND_ROBIN, 5);
    for (uint32_t i = 0; i < 1000; i++)
        seen[endpoint_choose(&choice, 0, 0, 1)]++;
    for (uint32_t i = 0; i < 5; i++)
        ck_assert_uint_eq(seen[i], 200);
}
END_TEST

START_TEST(the_least_busy_is_taken)
{
    open_choice(ENDPOINTS_LEAST_CONNECTIONS, 3);
    for (uint32_t i = 0; i < 30; i++)
        endpoint_begin(&choice, endpoint_choose(&choice, 0, 0, 1));
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_uint_eq(choice.health[i].in_flight, 10);
    endpoint_answered(&choice, 1, MS, 2);
    ck_assert_uint_eq(endpoint_choose(&choice, 0, 0, 2), 1);
}
END_TEST

/* 16 workers, each busy with one request after the other: mean service time of 20 000 requests. */
static double mean_ms(enum endpoint_strategy strategy)
{
    static const uint64_t service[] = {5 * MS, 10 * MS, 50 * MS, 100 * MS};
    struct {
        uint64_t done, sent;
        uint32_t endpoint;
    } workers[16] = {{0}};
    uint64_t now = 1, sum = 0;

    open_choice(strategy, 4);
    for (uint32_t n = 0; n < 20000 + 16; n++) {
        uint32_t w = n;

        if (n >= 16) {
            w = 0;
            for (uint32_t k = 1; k < 16; k++)
                w = workers[k].done < workers[w].done ? k : w;
            now = workers[w].done;
            endpoint_answered(&choice, workers[w].endpoint, now - workers[w].sent, now);
            sum += now - workers[w].sent;
        }
        workers[w].endpoint = endpoint_choose(&choice, 0, 0, now);
        endpoint_begin(&choice, workers[w].endpoint);
        workers[w].sent = now;
        workers[w].done = now + service[workers[w].endpoint] + hash_mix(n) % MS;
    }
    endpoint_choice_free(&choice);
    return (double)sum / 20000 / MS;
}

START_TEST(latency_halves_the_time_where_endpoints_differ)
{
    double turns = mean_ms(ENDPOINTS_ROUND_ROBIN), latency = mean_ms(ENDPOINTS_LATENCY);

    ck_assert_msg(latency < 0.5 * turns, "%.1f ms against %.1f ms", latency, turns);
}
END_TEST

START_TEST(a_slow_endpoint_gets_another_chance)
{
    uint64_t now = 1;

    open_choice(ENDPOINTS_LATENCY, 2);
    endpoint_begin(&choice, 0);
    endpoint_answered(&choice, 0, 1000 * MS, now);
    endpoint_begin(&choice, 1);
    endpoint_answered(&choice, 1, 1 * MS, now);
    ck_assert_uint_eq(endpoint_choose(&choice, 0, 0, now), 1);
    ck_assert_uint_eq(endpoint_choose(&choice, 0, 0, now), 1);
    for (uint32_t i = 0; i < 60; i++) {
        now += 1000 * MS;
        if (endpoint_choose(&choice, 0, 0, now) == 0)
            return;
        endpoint_begin(&choice, 1);
        endpoint_answered(&choice, 1, 1 * MS, now);
    }
    ck_abort_msg("the slow endpoint was not tried for a minute");
}
END_TEST

START_TEST(a_choice_costs_less_than_half_a_microsecond)
{
    uint64_t best = UINT64_MAX;

    open_choice((enum endpoint_strategy)_i, ENDPOINTS_MAX);
    for (uint32_t round = 0; round < 20; round++) {
        uint64_t start = clock_now_ns(), took;

        for (uint32_t i = 0; i < 1000; i++)
            endpoint_begin(&choice, endpoint_choose(&choice, 0, 0, start));
        took = (clock_now_ns() - start) / 1000;
        best = took < best ? took : best;
    }
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    ck_assert_uint_lt(best, 20000);
#else
    ck_assert_uint_lt(best, 500);
#endif
}
END_TEST

START_TEST(failures_in_a_row_set_aside)
{
    uint64_t now = 1000, rest;

    open_choice((enum endpoint_strategy)_i, 2);
    for (uint32_t i = 1; i <= ENDPOINT_FAILURES_MAX; i++) {
        ck_assert(!endpoint_is_aside(&choice, 0));
        endpoint_begin(&choice, 0);
        endpoint_failed(&choice, 0, now, now, &rest);
        ck_assert_uint_eq(rest, i == ENDPOINT_FAILURES_MAX ? ENDPOINT_ASIDE_NS : 0);
    }
    ck_assert(endpoint_is_aside(&choice, 0));
    for (uint32_t i = 0; i < 10; i++)
        ck_assert_uint_eq(endpoint_choose(&choice, 0, 0, now), 1);
    ck_assert_uint_eq(choice.health[0].in_flight, 0);
    ck_assert_uint_eq(choice.health[0].errors, ENDPOINT_FAILURES_MAX);
}
END_TEST

START_TEST(an_answer_between_failures_forgives_them)
{
    open_choice(ENDPOINTS_ROUND_ROBIN, 2);
    for (uint32_t i = 0; i < 10; i++) {
        fail_at(0, i, i);
        fail_at(0, i, i);
        endpoint_begin(&choice, 0);
        ck_assert(!endpoint_answered(&choice, 0, 1, i));
    }
    ck_assert(!endpoint_is_aside(&choice, 0));
}
END_TEST

START_TEST(late_failures_do_not_count_twice)
{
    uint64_t until;

    open_choice(ENDPOINTS_ROUND_ROBIN, 2);
    for (uint32_t i = 0; i < 16; i++)
        endpoint_begin(&choice, 0);
    for (uint32_t i = 0; i < 16; i++) {
        uint64_t rest;

        endpoint_failed(&choice, 0, 1, 100 + i, &rest);
        if (i + 1 == ENDPOINT_FAILURES_MAX)
            until = choice.health[0].aside_until;
    }
    ck_assert_uint_eq(choice.health[0].aside_until, until);
    ck_assert_uint_eq(choice.health[0].set_aside, 1);
}
END_TEST

START_TEST(one_request_tries_it_again_and_the_time_doubles)
{
    uint64_t now = 1000, expected = ENDPOINT_ASIDE_NS;

    open_choice(ENDPOINTS_LEAST_CONNECTIONS, 2);
    for (uint32_t i = 0; i < ENDPOINT_FAILURES_MAX; i++)
        fail_at(0, now, now);
    for (uint32_t round = 0; round < 10; round++) {
        uint64_t rest;

        now += expected - 1;
        ck_assert_uint_eq(endpoint_choose(&choice, 0, 0, now), 1);
        now += 1;
        ck_assert_uint_eq(endpoint_choose(&choice, 0, 0, now), 0);
        ck_assert_uint_eq(endpoint_choose(&choice, 0, 0, now), 1); /* the others wait for its result */
        expected = expected * 2 < ENDPOINT_ASIDE_MAX_NS ? expected * 2 : ENDPOINT_ASIDE_MAX_NS;
        endpoint_begin(&choice, 0);
        endpoint_failed(&choice, 0, now, now, &rest);
        ck_assert_uint_eq(rest, expected);
    }
    now += expected;
    ck_assert_uint_eq(endpoint_choose(&choice, 0, 0, now), 0);
    endpoint_begin(&choice, 0);
    ck_assert(endpoint_answered(&choice, 0, MS, now));
    ck_assert(!endpoint_is_aside(&choice, 0));
    for (uint32_t i = 0; i < ENDPOINT_FAILURES_MAX; i++) /* the next time begins at the shortest rest */
        fail_at(0, now, now);
    ck_assert_uint_eq(choice.health[0].aside_until, now + ENDPOINT_ASIDE_NS);
}
END_TEST

START_TEST(a_second_try_goes_elsewhere)
{
    open_choice((enum endpoint_strategy)_i, 3);
    for (uint32_t round = 0; round < 12; round++) {
        ck_assert_uint_ne(endpoint_choose(&choice, 1u << 1, 1, 1), 1);
        ck_assert_uint_eq(endpoint_choose(&choice, 1u << 1 | 1u << 2, 2, 1), 0);
        ck_assert_uint_ne(endpoint_choose(&choice, 7, 2, 1), 2); /* all have failed: not the last one */
    }
}
END_TEST

START_TEST(what_is_set_aside_is_better_than_nothing)
{
    bool seen[2] = {false, false};

    open_choice((enum endpoint_strategy)_i, 2);
    for (uint32_t i = 0; i < ENDPOINT_FAILURES_MAX; i++) {
        fail_at(0, 1000, 1000);
        fail_at(1, 1000, 1000);
    }
    for (uint32_t i = 0; i < 10; i++)
        seen[endpoint_choose(&choice, 0, 0, 1001)] = true;
    ck_assert(seen[0] && seen[1]);
    ck_assert_uint_eq(endpoint_choose(&choice, 1u << 0, 0, 1001), 1);
    ck_assert_uint_eq(endpoint_choose(&choice, 1u << 1, 1, 1001), 0);
    ck_assert_uint_eq(endpoint_choose(&choice, 3, 1, 1001), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("endpoint_health");
    TCase *tc = tcase_create("endpoint_health");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, turns_are_even);
    tcase_add_test(tc, the_least_busy_is_taken);
    tcase_add_test(tc, latency_halves_the_time_where_endpoints_differ);
    tcase_add_test(tc, a_slow_endpoint_gets_another_chance);
    tcase_add_loop_test(tc, a_choice_costs_less_than_half_a_microsecond, 0, 3);
    tcase_add_loop_test(tc, failures_in_a_row_set_aside, 0, 3);
    tcase_add_test(tc, an_answer_between_failures_forgives_them);
    tcase_add_test(tc, late_failures_do_not_count_twice);
    tcase_add_test(tc, one_request_tries_it_again_and_the_time_doubles);
    tcase_add_loop_test(tc, a_second_try_goes_elsewhere, 0, 3);
    tcase_add_loop_test(tc, what_is_set_aside_is_better_than_nothing, 0, 3);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
