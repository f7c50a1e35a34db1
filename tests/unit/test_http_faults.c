/* SPDX-License-Identifier: Apache-2.0 */
/* Patience and its end: timeouts, deadlines, cancelling, servers that refuse early, die or are not there. */
#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test_http_fixture.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define LENGTH(n) "Content-Length: " #n "\r\n\r\n"
#define RETRY DLFW_ERR_RETRYABLE
/* A label of 64 bytes: no resolver needs to ask anybody. */
#define LONG_NAME "x123456789012345678901234567890123456789012345678901234567890123.invalid"

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * SECONDS + (uint64_t)ts.tv_nsec;
}

static void rig_impatient(struct rig *rig, const struct peer_script *script, uint64_t first_byte, uint64_t idle)
{
    peer_start(&rig->peer, script, 1);
    rig_args(rig);
    rig->args.first_byte_timeout = first_byte;
    rig->args.idle_timeout = idle;
    rig_open(rig, 4);
}

START_TEST(no_answer)
{
    const struct peer_script script = SCRIPT(HEAD, HOLD);
    uint64_t begin = now_ns();
    struct rig rig;
    struct trip t;

    rig_impatient(&rig, &script, 100 * MS, 5 * SECONDS);
    trip_get(&rig, &t, 10);
    trip_run(&rig, &t);
    trip_failed(&t, DLFW_E_TIMEOUT, RETRY, "no answer within 100 ms");
    ck_assert_uint_ge(now_ns() - begin, 100 * MS);
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

START_TEST(silence_in_the_body)
{
    const struct peer_script script = SCRIPT(HEAD, SAY(OK_HEAD LENGTH(100)), BYTES(60), HOLD);
    struct rig rig;
    struct trip t;

    rig_impatient(&rig, &script, 5 * SECONDS, 100 * MS);
    trip_get(&rig, &t, 100);
    trip_run(&rig, &t);
    trip_failed(&t, DLFW_E_TIMEOUT, RETRY, "nothing came for 100 ms after 60 of 100 bytes");
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

/* A byte each 5 ms is slow, not silent. */
START_TEST(slow_drip)
{
    const struct peer_script script = SCRIPT(HEAD, SAY(OK_HEAD LENGTH(60)), DRIP(60), HOLD);
    struct rig rig;
    struct trip t;

    rig_impatient(&rig, &script, 200 * MS, 200 * MS);
    trip_get(&rig, &t, 60);
    trip_run(&rig, &t);
    trip_is_whole(&t, 200, 60);
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

/* Also in a large body, where the kernel was asked to wake the loop only for much. */
START_TEST(slow_drip_of_a_large_body)
{
    const struct peer_script script = SCRIPT(HEAD, SAY(OK_HEAD LENGTH(4000000)), BYTES(1000), PAUSE(60), BYTES(1000),
                                             PAUSE(60), BYTES(1000), PAUSE(60), BYTES(1000), HOLD);
    struct rig rig;
    struct trip t;

    rig_impatient(&rig, &script, 5 * SECONDS, 100 * MS);
    trip_get(&rig, &t, 4000000);
    trip_run(&rig, &t);
    trip_failed(&t, DLFW_E_TIMEOUT, RETRY, "nothing came for 100 ms after 4000 of 4000000 bytes");
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

START_TEST(deadline_in_the_drip)
{
    const struct peer_script script = SCRIPT(HEAD, SAY(OK_HEAD LENGTH(1000)), DRIP(1000), HOLD);
    struct rig rig;
    struct trip t;

    rig_impatient(&rig, &script, 200 * MS, 200 * MS);
    trip_get(&rig, &t, 1000);
    t.x.deadline_ns = now_ns() + 150 * MS;
    trip_run(&rig, &t);
    trip_failed(&t, DLFW_E_TIMEOUT, 0, "deadline passed after");
    ck_assert_uint_lt(now_ns() - t.x.deadline_ns, 2000 * MS);
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

/* A server that takes nothing more. */
START_TEST(silence_while_sending)
{
    const struct peer_script script = SCRIPT(HEAD, PAUSE(5000));
    struct rig rig;
    struct trip t;

    rig_impatient(&rig, &script, 5 * SECONDS, 100 * MS);
    trip_put(&rig, &t, 32 << 20, 0);
    trip_run(&rig, &t);
    trip_failed(&t, DLFW_E_TIMEOUT, RETRY, "took nothing of the request for 100 ms");
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

/* Waiting for a connection has a deadline too. */
START_TEST(deadline_while_waiting)
{
    const struct peer_script script = SCRIPT(HEAD, HOLD);
    struct rig rig;
    struct trip first, second;

    peer_start(&rig.peer, &script, 1);
    rig_args(&rig);
    rig_open(&rig, 1);
    trip_get(&rig, &first, 10);
    trip_get(&rig, &second, 10);
    second.x.deadline_ns = now_ns() + 50 * MS;
    http_loop_send(rig.loop, &first.x);
    trip_run(&rig, &second);
    trip_failed(&second, DLFW_E_TIMEOUT, 0, "waited for a free connection");
    http_loop_cancel(rig.loop, &first.x);
    trip_wait(&rig, &first);
    trip_failed(&first, DLFW_E_CANCELLED, 0, "cancelled");
    trip_free(&first);
    trip_free(&second);
    rig_stop(&rig);
}
END_TEST

/* A listener whose queue is full does not answer: no connection. */
START_TEST(connect_timeout)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fillers[4];
    const struct peer_script script = SCRIPT(HOLD);
    struct rig rig;
    struct trip t;

    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(listen(listener, 0), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    for (int i = 0; i < 4; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (struct sockaddr *)&address, len);
    }
    (void)usleep(20000);
    peer_start(&rig.peer, &script, 1);
    rig_args(&rig);
    rig.args.connect_timeout = 100 * MS;
    rig_open(&rig, 4);
    trip_get(&rig, &t, 10);
    t.x.origin.port = ntohs(address.sin_port);
    trip_run(&rig, &t);
    trip_failed(&t, DLFW_E_TIMEOUT, RETRY, "no connection within 100 ms");
    t.x.deadline_ns = now_ns() + 30 * MS;
    trip_run(&rig, &t);
    trip_failed(&t, DLFW_E_TIMEOUT, 0, "deadline");
    trip_free(&t);
    rig_stop(&rig);
    for (int i = 0; i < 4; i++)
        close(fillers[i]);
    close(listener);
}
END_TEST

START_TEST(nobody_there)
{
    const struct peer_script script = SCRIPT(HOLD);
    struct rig rig;
    struct trip t;
    int refused = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;

    ck_assert_int_eq(bind(refused, (struct sockaddr *)&address, len), 0); /* and no listen */
    ck_assert_int_eq(getsockname(refused, (struct sockaddr *)&address, &len), 0);
    rig_start(&rig, &script, 1);
    trip_get(&rig, &t, 10);
    t.x.origin.port = ntohs(address.sin_port);
    trip_run(&rig, &t);
    trip_failed(&t, DLFW_E_UNAVAILABLE, RETRY, "no connection: ");
    (void)snprintf(t.x.origin.host, sizeof t.x.origin.host, "%s", LONG_NAME);
    trip_run(&rig, &t);
    trip_failed(&t, DLFW_E_UNAVAILABLE, RETRY, LONG_NAME);
    (void)snprintf(t.x.origin.host, sizeof t.x.origin.host, "%s", "user@127.0.0.1/x");
    trip_run(&rig, &t);
    trip_failed(&t, DLFW_E_INVALID, 0, "no valid host");
    trip_free(&t);
    rig_stop(&rig);
    close(refused);
}
END_TEST

/* 100-continue: as it should be, from a server that never says it, and with a refusal in its place. */
START_TEST(expect_continue)
{
    const struct peer_script script =
        SCRIPT(HEAD, PAUSE(30), SAY("HTTP/1.1 100 Continue\r\n\r\n"), BODY(100000), SAY(OK_HEAD LENGTH(0)), HOLD);
    struct rig rig;
    struct trip t;

    rig_start(&rig, &script, 1);
    trip_put(&rig, &t, 100000, HTTP_EXPECT_CONTINUE);
    trip_run(&rig, &t);
    trip_is_whole(&t, 200, 0);
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

/* Nothing to hold back: nothing to wait for. */
START_TEST(expect_without_body)
{
    const struct peer_script script = SCRIPT(HEAD, SAY(OK_HEAD LENGTH(0)), HOLD);
    struct rig rig;
    struct trip t;

    rig_start(&rig, &script, 1);
    trip_put(&rig, &t, 0, HTTP_EXPECT_CONTINUE);
    trip_run(&rig, &t);
    trip_is_whole(&t, 200, 0);
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

START_TEST(expect_ignored)
{
    const struct peer_script script = SCRIPT(HEAD, BODY(100000), SAY(OK_HEAD LENGTH(0)), HOLD);
    uint64_t begin = now_ns();
    struct rig rig;
    struct trip t;

    rig_start(&rig, &script, 1);
    trip_put(&rig, &t, 100000, HTTP_EXPECT_CONTINUE);
    trip_run(&rig, &t);
    trip_is_whole(&t, 200, 0);
    ck_assert_uint_ge(now_ns() - begin, 900 * MS);
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

/* None takes the whole body: where it lies in the server's kernel, the refusal would not be early. */
#define REFUSE SAY("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
static const struct peer_script refusals[] = {
    SCRIPT(HEAD, REFUSE, PAUSE(5000)),
    SCRIPT(HEAD, REFUSE, RESET),
    SCRIPT(HEAD, BODY(1000000), REFUSE, PAUSE(5000)),
    SCRIPT(HEAD, REFUSE),
};

/* A refusal while the body is on its way: delivered, and the connection not used again. */
START_TEST(early_refusal)
{
    const struct peer_script scripts[] = {refusals[_i % 4], SCRIPT(HEAD, SAY(OK_HEAD LENGTH(0)), HOLD)};
    struct rig rig;
    struct trip t, after;

    rig_start(&rig, scripts, 2);
    trip_put(&rig, &t, 32 << 20, _i >= 4 ? HTTP_EXPECT_CONTINUE : 0);
    trip_run(&rig, &t);
    ck_assert_msg(t.x.status == DLFW_OK, "%s", t.x.error);
    ck_assert_int_eq(t.x.code, 403);
    ck_assert_str_eq(t.x.reply.data, "no");
    trip_get(&rig, &after, 0);
    trip_run(&rig, &after);
    trip_is_whole(&after, 200, 0);
    ck_assert_uint_eq(peer_connections(&rig.peer), 2);
    trip_free(&t);
    trip_free(&after);
    rig_stop(&rig);
}
END_TEST

/* A success that cannot be true: most of the body was not sent yet. */
START_TEST(early_success)
{
    const struct peer_script script = SCRIPT(HEAD, SAY(OK_HEAD LENGTH(0)), HOLD);
    struct rig rig;
    struct trip t;

    rig_impatient(&rig, &script, 5 * SECONDS, 5 * SECONDS);
    trip_put(&rig, &t, 32 << 20, HTTP_EXPECT_CONTINUE);
    trip_run(&rig, &t);
    trip_failed(&t, DLFW_E_CORRUPT, RETRY, "answered 200 before it had the whole request");
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

/* The server dies while it takes a body. */
START_TEST(death_while_sending)
{
    const struct peer_script script = SCRIPT(HEAD, BODY(100000), RESET);
    struct rig rig;
    struct trip t;

    rig_start(&rig, &script, 1);
    trip_put(&rig, &t, 32 << 20, 0);
    trip_run(&rig, &t);
    trip_failed(&t, DLFW_E_UNAVAILABLE, RETRY, "before an answer came");
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

/* After this many turns of the loop: dialing, sending, waiting for an answer, in its body. */
START_TEST(cancel_anywhere)
{
    const struct peer_script script = SCRIPT(HEAD, SAY(OK_HEAD), PAUSE(10), SAY(LENGTH(100)), BYTES(50), HOLD);
    unsigned before = open_descriptors();
    struct rig rig;
    struct trip t;

    rig_start(&rig, &script, 1);
    for (uint64_t wait = 0; wait < 30; wait += 3) {
        trip_get(&rig, &t, 100);
        http_loop_send(rig.loop, &t.x);
        ck_assert_uint_eq(wait ? http_loop_run(rig.loop, wait * MS) : 0, 0);
        http_loop_cancel(rig.loop, &t.x);
        http_loop_cancel(rig.loop, &t.x);
        ck_assert_uint_eq(t.done, 0);
        ck_assert_uint_eq(http_loop_run(rig.loop, SECONDS), 1);
        ck_assert_uint_eq(t.done, 1);
        trip_failed(&t, DLFW_E_CANCELLED, 0, "cancelled");
        http_loop_cancel(rig.loop, &t.x); /* too late, nothing */
        trip_free(&t);
    }
    rig_stop(&rig);
    ck_assert_uint_eq(open_descriptors(), before);
}
END_TEST

static struct rig *cancelling;

static void cancel_in_headed(struct http_exchange *x)
{
    http_loop_cancel(cancelling->loop, x);
}

START_TEST(cancel_in_callback)
{
    const struct peer_script script = SCRIPT(HEAD, SAY(OK_HEAD LENGTH(10)), BYTES(10), HOLD);
    struct rig rig;
    struct trip t;

    rig_start(&rig, &script, 1);
    cancelling = &rig;
    trip_get(&rig, &t, 10);
    t.x.headed = cancel_in_headed;
    trip_run(&rig, &t);
    trip_failed(&t, DLFW_E_CANCELLED, 0, "cancelled");
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

static struct trip *victims;

/* The first to be done cancels all others, whatever they are at. */
static void cancel_others(struct http_exchange *x)
{
    struct trip *t = x->owner;

    t->done++;
    for (size_t i = 0; i < 16; i++)
        if (&victims[i] != t)
            http_loop_cancel(cancelling->loop, &victims[i].x);
}

START_TEST(cancel_others_when_done)
{
    const struct peer_script script = SCRIPT(HEAD, SAY(OK_HEAD LENGTH(10)), BYTES(10), AGAIN);
    struct trip trips[16];
    struct rig rig;
    uint32_t done = 0;

    rig_start(&rig, &script, 1);
    cancelling = &rig;
    victims = trips;
    for (size_t i = 0; i < 16; i++) {
        trip_get(&rig, &trips[i], 10);
        trips[i].x.done = cancel_others;
    }
    for (size_t i = 0; i < 16; i++)
        http_loop_send(rig.loop, &trips[i].x);
    while (done < 16) {
        uint32_t n = http_loop_run(rig.loop, 5 * SECONDS);

        ck_assert_uint_gt(n, 0);
        done += n;
    }
    for (size_t i = 0; i < 16; i++) {
        ck_assert_uint_eq(trips[i].done, 1);
        ck_assert(trips[i].x.status == DLFW_OK || trips[i].x.status == DLFW_E_CANCELLED);
        trip_free(&trips[i]);
    }
    rig_stop(&rig);
}
END_TEST

static uint32_t host_cancelled;

static int32_t is_cancelled(void *ctx)
{
    (void)ctx;
    return ++host_cancelled > 1;
}

START_TEST(fetch)
{
    const struct peer_script scripts[] = {SCRIPT(HEAD, SAY("HTTP/1.1 404 Not Found\r\n" LENGTH(2) "no"), HOLD),
                                          SCRIPT(HEAD, HOLD)};
    const dlfw_host host = {.struct_size = sizeof host, .cancelled = is_cancelled};
    char message[256];
    dlfw_error err = {.struct_size = sizeof err, .message = message, .message_cap = sizeof message};
    struct rig rig;
    struct trip t;

    peer_start(&rig.peer, scripts, 2);
    rig_args(&rig);
    rig.args.host = &host;
    rig_open(&rig, 1);
    trip_get(&rig, &t, 0);
    ck_assert_int_eq(http_fetch(rig.client, &t.x, &err), DLFW_OK);
    ck_assert_int_eq(t.x.code, 404);
    ck_assert_str_eq(t.x.reply.data, "no");
    ck_assert_ptr_eq(t.x.owner, &t);
    host_cancelled = 0;
    ck_assert_int_eq(http_fetch(rig.client, &t.x, &err), DLFW_E_CANCELLED);
    ck_assert_str_eq(message, "cancelled");
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_faults");
    TCase *t = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_add_test(t, no_answer);
    tcase_add_test(t, silence_in_the_body);
    tcase_add_test(t, slow_drip);
    tcase_add_test(t, slow_drip_of_a_large_body);
    tcase_add_test(t, deadline_in_the_drip);
    tcase_add_test(t, silence_while_sending);
    tcase_add_test(t, deadline_while_waiting);
    tcase_add_test(t, connect_timeout);
    tcase_add_test(t, nobody_there);
    tcase_add_test(t, expect_continue);
    tcase_add_test(t, expect_without_body);
    tcase_add_test(t, expect_ignored);
    tcase_add_loop_test(t, early_refusal, 0, 6);
    tcase_add_test(t, early_success);
    tcase_add_test(t, death_while_sending);
    tcase_add_test(t, cancel_anywhere);
    tcase_add_test(t, cancel_in_callback);
    tcase_add_test(t, cancel_others_when_done);
    tcase_add_test(t, fetch);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
