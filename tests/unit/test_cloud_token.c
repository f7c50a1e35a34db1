/* SPDX-License-Identifier: Apache-2.0 */
/* A token is fetched once for everybody, renewed before it ends, and a fetch that fails harms nobody too early. */
#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloud/cloud.h"

#define THREADS 8

static struct cloud_token token;

/* What the next fetches do. */
static struct {
    _Atomic uint32_t calls;
    uint64_t life_s;
    dlfw_status status;
    uint32_t flags;
    uint32_t delay_ms;
} script;

static void pause_ms(uint32_t ms)
{
    struct timespec t = {.tv_nsec = (long)ms * 1000000};

    nanosleep(&t, NULL);
}

static dlfw_status fetch(void *ctx, struct text *value, uint64_t *expires_s, dlfw_error *err)
{
    uint32_t n = atomic_fetch_add(&script.calls, 1) + 1;

    ck_assert_ptr_eq(ctx, &script);
    pause_ms(script.delay_ms);
    if (script.status < 0) {
        dlfw_fail(err, script.status, "the token server said no, time %u", n);
        err->flags = script.flags;
        return script.status;
    }
    text_printf(value, "token-%u", n);
    *expires_s = script.life_s == UINT64_MAX ? UINT64_MAX : cloud_now_s() + script.life_s;
    return DLFW_OK;
}

static void set_up(void)
{
    cloud_token_init(&token);
    script.calls = 0;
    script.life_s = 3600;
    script.status = DLFW_OK;
    script.flags = 0;
    script.delay_ms = 0;
}

static void tear_down(void)
{
    cloud_token_fini(&token);
    ck_assert_ptr_null(token.value.data);
}

/* The token, or the text of the failure. */
static dlfw_status get(char ret[256])
{
    struct text value = {0};
    dlfw_error err = {.struct_size = sizeof err, .message = ret, .message_cap = 256};
    dlfw_status st;

    ret[0] = '\0';
    st = cloud_token_get(&token, fetch, &script, &value, &err);
    if (st == DLFW_OK)
        snprintf(ret, 256, "%s", value.data);
    else
        ck_assert_int_eq(err.flags, script.flags);
    text_free(&value);
    return st;
}

START_TEST(is_fetched_once)
{
    char text[256];

    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(get(text), DLFW_OK);
        ck_assert_str_eq(text, "token-1");
    }
    ck_assert_uint_eq(script.calls, 1);
}
END_TEST

START_TEST(never_ends)
{
    char text[256];

    script.life_s = UINT64_MAX;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(get(text), DLFW_OK);
    ck_assert_uint_eq(script.calls, 1);
}
END_TEST

/* With less than four minutes left it is renewed; with five it is not. */
START_TEST(is_renewed_before_it_ends)
{
    char text[256];

    script.life_s = 300;
    ck_assert_int_eq(get(text), DLFW_OK);
    ck_assert_int_eq(get(text), DLFW_OK);
    ck_assert_str_eq(text, "token-1");
    token.expires_s = cloud_now_s() + 200;
    ck_assert_int_eq(get(text), DLFW_OK);
    ck_assert_str_eq(text, "token-2");
}
END_TEST

START_TEST(failed_renewal_keeps_the_old_one)
{
    char text[256];

    ck_assert_int_eq(get(text), DLFW_OK);
    token.expires_s = cloud_now_s() + 200;
    script.status = DLFW_E_UNAVAILABLE;
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(get(text), DLFW_OK);
        ck_assert_str_eq(text, "token-1");
    }
    ck_assert_uint_eq(script.calls, 2); /* not again for a while */
    token.expires_s = cloud_now_s() + 30;
    ck_assert_int_eq(get(text), DLFW_E_UNAVAILABLE);
}
END_TEST

START_TEST(failure_is_told)
{
    char text[256];

    script.status = DLFW_E_AUTH;
    script.flags = DLFW_ERR_RETRYABLE;
    ck_assert_int_eq(get(text), DLFW_E_AUTH);
    ck_assert_str_eq(text, "the token server said no, time 1");
    script.status = DLFW_OK;
    ck_assert_int_eq(get(text), DLFW_OK);
    ck_assert_str_eq(text, "token-2");
}
END_TEST

START_TEST(refused_one_is_dropped)
{
    char text[256];

    ck_assert_int_eq(get(text), DLFW_OK);
    cloud_token_drop(&token, "another");
    ck_assert_int_eq(get(text), DLFW_OK);
    ck_assert_uint_eq(script.calls, 1);
    cloud_token_drop(&token, "token-1");
    ck_assert_int_eq(get(text), DLFW_OK);
    ck_assert_str_eq(text, "token-2");
    cloud_token_drop(&token, "token-1"); /* somebody who is late */
    ck_assert_int_eq(get(text), DLFW_OK);
    ck_assert_uint_eq(script.calls, 2);
}
END_TEST

/* One that lives for seconds only is used all the same, once. */
START_TEST(short_lived_one_is_used)
{
    char text[256];

    script.life_s = 2;
    ck_assert_int_eq(get(text), DLFW_OK);
    ck_assert_str_eq(text, "token-1");
    ck_assert_int_eq(get(text), DLFW_OK);
    ck_assert_str_eq(text, "token-2");
}
END_TEST

static _Atomic uint32_t good, bad;

static void *many(void *arg)
{
    char text[256];

    (void)arg;
    if (get(text) == DLFW_OK && strncmp(text, "token-", 6) == 0)
        atomic_fetch_add(&good, 1);
    else
        atomic_fetch_add(&bad, 1);
    return NULL;
}

static void run_threads(void)
{
    pthread_t threads[THREADS];

    good = bad = 0;
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, many, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

START_TEST(threads_share_a_fetch)
{
    script.delay_ms = 100;
    run_threads();
    ck_assert_uint_eq(good, THREADS);
    ck_assert_uint_eq(script.calls, 1);
}
END_TEST

/* All that waited fail with the one fetch; only who came after it ended tries again. */
START_TEST(threads_share_a_failure)
{
    script.delay_ms = 200;
    script.status = DLFW_E_UNAVAILABLE;
    run_threads();
    ck_assert_uint_eq(bad, THREADS);
    ck_assert_uint_le(script.calls, 2);
}
END_TEST

START_TEST(nobody_waits_for_a_renewal)
{
    pthread_t renewer;
    char text[256];

    ck_assert_int_eq(get(text), DLFW_OK);
    token.expires_s = cloud_now_s() + 200;
    script.delay_ms = 300;
    ck_assert_int_eq(pthread_create(&renewer, NULL, many, NULL), 0);
    while (script.calls < 2)
        pause_ms(1);
    ck_assert_int_eq(get(text), DLFW_OK);
    ck_assert_str_eq(text, "token-1");
    pthread_join(renewer, NULL);
    ck_assert_int_eq(get(text), DLFW_OK);
    ck_assert_str_eq(text, "token-2");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cloud_token");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, is_fetched_once);
    tcase_add_test(tc, never_ends);
    tcase_add_test(tc, is_renewed_before_it_ends);
    tcase_add_test(tc, failed_renewal_keeps_the_old_one);
    tcase_add_test(tc, failure_is_told);
    tcase_add_test(tc, refused_one_is_dropped);
    tcase_add_test(tc, short_lived_one_is_used);
    tcase_add_test(tc, threads_share_a_fetch);
    tcase_add_test(tc, threads_share_a_failure);
    tcase_add_test(tc, nobody_waits_for_a_renewal);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
