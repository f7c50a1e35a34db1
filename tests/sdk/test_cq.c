/* SPDX-License-Identifier: Apache-2.0 */
/* dlfw_cq: every completion that was pushed comes out once, waiting ends when it should, and full means full. */
#define _GNU_SOURCE
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dlfw/backend.h"

enum { PRODUCERS = 4, PER_PRODUCER = 20000 };

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static dlfw_comp numbered(uint64_t number)
{
    return (dlfw_comp){.bytes = number, .object_size = number * 3};
}

START_TEST(keeps_order_and_says_when_full)
{
    static const struct {
        uint32_t asked, holds;
    } rows[] = {{0, 2}, {1, 2}, {2, 2}, {3, 4}, {64, 64}, {100, 128}};

    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        dlfw_cq *cq = dlfw_cq_create(rows[r].asked);
        dlfw_comp out[256];

        ck_assert_ptr_nonnull(cq);
        for (int lap = 0; lap < 3; lap++) {
            for (uint32_t i = 0; i < rows[r].holds; i++) {
                dlfw_comp comp = numbered(i);

                ck_assert_int_eq(dlfw_cq_push(cq, &comp), 0);
            }
            ck_assert_int_eq(dlfw_cq_push(cq, &(dlfw_comp){.bytes = 1}), -1);
            ck_assert_int_eq(dlfw_cq_pop(cq, out, 256, 1, 0), (int)rows[r].holds);
            for (uint32_t i = 0; i < rows[r].holds; i++) {
                ck_assert_uint_eq(out[i].bytes, i);
                ck_assert_uint_eq(out[i].object_size, i * 3u);
            }
            ck_assert_int_eq(dlfw_cq_pop(cq, out, 256, 0, UINT64_MAX), 0);
        }
        dlfw_cq_destroy(cq);
    }
    dlfw_cq_destroy(NULL);
    ck_assert_ptr_null(dlfw_cq_create(UINT32_MAX));
}
END_TEST

START_TEST(pops_no_more_than_max)
{
    dlfw_cq *cq = dlfw_cq_create(8);
    dlfw_comp out[8];

    for (uint64_t i = 0; i < 8; i++) {
        dlfw_comp comp = numbered(i);

        dlfw_cq_push(cq, &comp);
    }
    ck_assert_int_eq(dlfw_cq_pop(cq, out, 3, 8, UINT64_MAX), 3); /* min is capped by max */
    ck_assert_uint_eq(out[2].bytes, 2);
    ck_assert_int_eq(dlfw_cq_pop(cq, out, 8, 1, UINT64_MAX), 5);
    ck_assert_uint_eq(out[0].bytes, 3);
    dlfw_cq_destroy(cq);
}
END_TEST

START_TEST(times_out)
{
    dlfw_cq *cq = dlfw_cq_create(4);
    uint64_t begin = now_ns();
    dlfw_comp out[4];

    ck_assert_int_eq(dlfw_cq_pop(cq, out, 4, 1, 30000000), 0);
    ck_assert_uint_ge(now_ns() - begin, 30000000);
    ck_assert_uint_lt(now_ns() - begin, 2000000000);
    dlfw_cq_push(cq, &(dlfw_comp){.bytes = 7});
    ck_assert_int_eq(dlfw_cq_pop(cq, out, 4, 2, 1000000), 1); /* what was there comes out with the timeout */
    dlfw_cq_destroy(cq);
}
END_TEST

static void *wake_later(void *arg)
{
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    dlfw_cq_wakeup(arg);
    return NULL;
}

START_TEST(wakeup_ends_the_wait)
{
    dlfw_cq *cq = dlfw_cq_create(4);
    dlfw_comp out[4];
    pthread_t thread;

    pthread_create(&thread, NULL, wake_later, cq);
    ck_assert_int_eq(dlfw_cq_pop(cq, out, 4, 1, UINT64_MAX), 0);
    pthread_join(thread, NULL);
    dlfw_cq_wakeup(cq); /* before the wait: not lost, and answered once */
    ck_assert_int_eq(dlfw_cq_pop(cq, out, 4, 1, UINT64_MAX), 0);
    ck_assert_int_eq(dlfw_cq_pop(cq, out, 4, 1, 1000000), 0);
    dlfw_cq_destroy(cq);
}
END_TEST

struct producer {
    dlfw_cq *cq;
    uint64_t first;
};

static void *produce(void *arg)
{
    const struct producer *p = arg;

    for (uint64_t i = 0; i < PER_PRODUCER; i++) {
        dlfw_comp comp = numbered(p->first + i);

        while (dlfw_cq_push(p->cq, &comp) != 0)
            sched_yield();
    }
    return NULL;
}

START_TEST(loses_and_repeats_nothing_under_load)
{
    static uint8_t seen[PRODUCERS * PER_PRODUCER];
    dlfw_cq *cq = dlfw_cq_create(64);
    struct producer producers[PRODUCERS];
    pthread_t threads[PRODUCERS];
    uint32_t total = 0;
    dlfw_comp out[16];

    for (uint64_t i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){cq, i * PER_PRODUCER};
        pthread_create(&threads[i], NULL, produce, &producers[i]);
    }
    while (total < PRODUCERS * PER_PRODUCER) {
        int32_t n = dlfw_cq_pop(cq, out, 16, 1, 5000000000);

        ck_assert_int_gt(n, 0); /* 0: a push was missed and the wait ran into its timeout */
        for (int32_t i = 0; i < n; i++) {
            ck_assert_uint_lt(out[i].bytes, PRODUCERS * PER_PRODUCER);
            ck_assert_uint_eq(out[i].object_size, out[i].bytes * 3);
            ck_assert_uint_eq(seen[out[i].bytes]++, 0);
        }
        total += (uint32_t)n;
    }
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(dlfw_cq_pop(cq, out, 16, 0, 0), 0);
    dlfw_cq_destroy(cq);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cq");
    TCase *tc = tcase_create("cq");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, keeps_order_and_says_when_full);
    tcase_add_test(tc, pops_no_more_than_max);
    tcase_add_test(tc, times_out);
    tcase_add_test(tc, wakeup_ends_the_wait);
    tcase_add_test(tc, loses_and_repeats_nothing_under_load);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
