/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: kept, shared, replaced when stale, never trusted after an answer too many, never leaked. */
#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test_http_fixture.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define LENGTH(n) "Content-Length: " #n "\r\n\r\n"
#define PLAIN(n) HEAD, SAY(OK_HEAD LENGTH(n)), BYTES(n)

START_TEST(kept_alive)
{
    const struct peer_script script = SCRIPT(PLAIN(4096), AGAIN);
    struct rig rig;
    struct trip t;

    rig_start(&rig, &script, 1);
    trip_get(&rig, &t, 4096);
    for (int i = 0; i < 50; i++) {
        trip_run(&rig, &t);
        trip_is_whole(&t, 200, 4096);
        ck_assert_uint_eq(t.x.connections, 1);
    }
    ck_assert_uint_eq(peer_connections(&rig.peer), 1);
    t.x.flags = HTTP_FRESH;
    trip_run(&rig, &t);
    trip_is_whole(&t, 200, 4096);
    ck_assert_uint_eq(peer_connections(&rig.peer), 2);
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

/* Ways for a server to end a connection after a whole answer, with or without saying so. */
static const struct peer_script endings[] = {
    SCRIPT(HEAD, SAY(OK_HEAD "Connection: close\r\n" LENGTH(3)), BYTES(3), HOLD),
    SCRIPT(HEAD, SAY(OK_HEAD "Connection: x, Close\r\n" LENGTH(3)), BYTES(3), HOLD),
    SCRIPT(HEAD, SAY("HTTP/1.0 200 OK\r\n" LENGTH(3)), BYTES(3), HOLD),
    SCRIPT(PLAIN(3)),
    SCRIPT(PLAIN(3), RESET),
    SCRIPT(PLAIN(3), SAY(OK_HEAD LENGTH(4) "evil"), HOLD),            /* two answers at once */
    SCRIPT(PLAIN(3), PAUSE(20), SAY(OK_HEAD LENGTH(4) "evil"), HOLD), /* the second one while the connection is idle */
    SCRIPT(PLAIN(3), SAY("\r\n"), HOLD),
    SCRIPT(HEAD, SAY(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\n"), BYTES(3),
           SAY("\r\n0\r\n\r\n" OK_HEAD LENGTH(4) "evil"), HOLD),
    SCRIPT(HEAD, SAY("HTTP/1.1 204 No Content\r\nX: y\r\nContent-Length: 4\r\n\r\nevil"), HOLD),
};

START_TEST(not_reused)
{
    const struct peer_script scripts[] = {endings[_i], SCRIPT(PLAIN(4096), HOLD)};
    struct rig rig;
    struct trip t;

    rig_start(&rig, scripts, 2);
    trip_get(&rig, &t, 4096);
    trip_run(&rig, &t);
    ck_assert_int_eq(t.x.status, DLFW_OK);
    (void)usleep(60000);
    trip_run(&rig, &t);
    trip_is_whole(&t, 200, 4096);
    ck_assert_uint_eq(t.x.connections, 1); /* noticed before the request was spent on it */
    ck_assert_uint_eq(peer_connections(&rig.peer), 2);
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

START_TEST(http10_keep_alive)
{
    const struct peer_script script =
        SCRIPT(HEAD, SAY("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" LENGTH(3)), BYTES(3), AGAIN);
    struct rig rig;
    struct trip t;

    rig_start(&rig, &script, 1);
    trip_get(&rig, &t, 3);
    trip_run(&rig, &t);
    trip_run(&rig, &t);
    trip_is_whole(&t, 200, 3);
    ck_assert_uint_eq(peer_connections(&rig.peer), 1);
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

/* The server closes as the second request arrives: HTTP's one lawful repetition. */
static const struct peer_script stale[] = {SCRIPT(PLAIN(3), HEAD), SCRIPT(PLAIN(3), HEAD, RESET)};

START_TEST(stale_replaced_once)
{
    const struct peer_script scripts[] = {stale[_i], SCRIPT(PLAIN(4096), HEAD)};
    struct rig rig;
    struct trip t;

    rig_start(&rig, scripts, 2);
    trip_get(&rig, &t, 4096);
    trip_run(&rig, &t);
    trip_run(&rig, &t);
    trip_is_whole(&t, 200, 4096);
    ck_assert_uint_eq(t.x.connections, 2);
    ck_assert_uint_eq(peer_connections(&rig.peer), 2);
    ck_assert_uint_eq(atomic_load(&rig.peer.requests), 3);
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

/* The replacement fails as well: that is the answer. */
START_TEST(stale_not_replaced_twice)
{
    const struct peer_script scripts[] = {SCRIPT(PLAIN(3), HEAD), SCRIPT(HEAD)};
    struct rig rig;
    struct trip t;

    rig_start(&rig, scripts, 2);
    trip_get(&rig, &t, 3);
    trip_run(&rig, &t);
    trip_run(&rig, &t);
    trip_failed(&t, DLFW_E_UNAVAILABLE, DLFW_ERR_RETRYABLE, "before an answer came");
    ck_assert_uint_eq(t.x.connections, 2);
    ck_assert_uint_eq(peer_connections(&rig.peer), 2);
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

/* A byte of the answer came: the request may have been carried out, no repetition. */
START_TEST(not_replaced_after_a_byte)
{
    const struct peer_script scripts[] = {SCRIPT(PLAIN(3), HEAD, SAY("H")), SCRIPT(PLAIN(3), HOLD)};
    struct rig rig;
    struct trip t;

    rig_start(&rig, scripts, 2);
    trip_get(&rig, &t, 3);
    trip_run(&rig, &t);
    trip_run(&rig, &t);
    trip_failed(&t, DLFW_E_IO, DLFW_ERR_RETRYABLE, "inside the answer's head");
    ck_assert_uint_eq(peer_connections(&rig.peer), 1);
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

/* A PUT whose body was partly taken by a stale connection is sent again from its begin. */
START_TEST(stale_put)
{
    const struct peer_script scripts[] = {SCRIPT(PLAIN(3), HEAD, BODY(1000), RESET),
                                          SCRIPT(HEAD, BODY(300000), SAY(OK_HEAD LENGTH(0)), HOLD)};
    struct rig rig;
    struct trip get, put;

    rig_start(&rig, scripts, 2);
    trip_get(&rig, &get, 3);
    trip_run(&rig, &get);
    trip_put(&rig, &put, 300000, 0);
    trip_run(&rig, &put);
    ck_assert_msg(put.x.status == DLFW_OK && put.x.code == 200, "%s", put.x.error);
    ck_assert_uint_eq(put.x.connections, 2);
    trip_free(&get);
    trip_free(&put);
    rig_stop(&rig);
}
END_TEST

struct crowd {
    struct rig *rig;
    struct trip trips[64];
    unsigned again;
};

static struct crowd crowd;

/* done() sends its own exchange again, three times. */
static void on_crowd_done(struct http_exchange *x)
{
    struct trip *t = x->owner;

    t->done++;
    trip_is_whole(t, 200, 20000);
    memset(t->buf, 0, 20000);
    if (t->done < 4)
        http_loop_send(crowd.rig->loop, x);
}

START_TEST(many_over_few)
{
    const struct peer_script script = SCRIPT(PLAIN(20000), AGAIN);
    unsigned before = open_descriptors();
    struct rig rig;
    uint32_t done = 0;

    rig_start(&rig, &script, 1);
    crowd.rig = &rig;
    for (size_t i = 0; i < 64; i++) {
        trip_get(&rig, &crowd.trips[i], 20000);
        crowd.trips[i].x.done = on_crowd_done;
        http_loop_send(rig.loop, &crowd.trips[i].x);
    }
    while (done < 256) {
        uint32_t n = http_loop_run(rig.loop, 10 * SECONDS);

        ck_assert_uint_gt(n, 0);
        done += n;
    }
    ck_assert_uint_eq(http_loop_run(rig.loop, 20 * MS), 0);
    for (size_t i = 0; i < 64; i++) {
        ck_assert_uint_eq(crowd.trips[i].done, 4);
        trip_free(&crowd.trips[i]);
    }
    ck_assert_uint_le(peer_connections(&rig.peer), 4);
    ck_assert_uint_eq(atomic_load(&rig.peer.requests), 256);
    rig_stop(&rig);
    ck_assert_uint_eq(open_descriptors(), before);
}
END_TEST

/* One connection in all, two servers: the idle one of the other must give way. */
START_TEST(two_origins)
{
    const struct peer_script script = SCRIPT(PLAIN(100), AGAIN);
    struct rig rig;
    struct peer other;
    struct trip a, b;

    peer_start(&rig.peer, &script, 1);
    peer_start(&other, &script, 1);
    rig_args(&rig);
    rig_open(&rig, 1);
    trip_get(&rig, &a, 100);
    trip_get(&rig, &b, 100);
    b.x.origin.port = other.port;
    for (int i = 0; i < 3; i++) {
        a.done = b.done = 0;
        http_loop_send(rig.loop, &a.x);
        http_loop_send(rig.loop, &b.x);
        trip_wait(&rig, &a);
        trip_wait(&rig, &b);
        trip_is_whole(&a, 200, 100);
        trip_is_whole(&b, 200, 100);
    }
    trip_free(&a);
    trip_free(&b);
    rig_stop(&rig);
    peer_stop(&other);
}
END_TEST

/* The descriptor tells that run would make progress; a stranger's wakeup ends a run. */
static void *wake_later(void *loop)
{
    (void)usleep(50000);
    http_loop_wakeup(loop);
    return NULL;
}

START_TEST(descriptor_and_wakeup)
{
    const struct peer_script script = SCRIPT(HEAD, PAUSE(50), SAY(OK_HEAD LENGTH(0)), HOLD);
    struct rig rig;
    struct trip t;
    struct pollfd readable;
    pthread_t thread;

    rig_start(&rig, &script, 1);
    readable = (struct pollfd){.fd = http_loop_fd(rig.loop), .events = POLLIN};
    ck_assert_int_eq(poll(&readable, 1, 0), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, wake_later, rig.loop), 0);
    ck_assert_uint_eq(http_loop_run(rig.loop, UINT64_MAX), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(poll(&readable, 1, 0), 0);
    trip_get(&rig, &t, 0);
    http_loop_send(rig.loop, &t.x);
    for (int i = 0; i < 1000 && !t.done; i++) {
        ck_assert_int_eq(poll(&readable, 1, 5000), 1);
        (void)http_loop_run(rig.loop, 0);
    }
    trip_is_whole(&t, 200, 0);
    ck_assert_int_eq(poll(&readable, 1, 0), 0);
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

/* Bodies of many pieces, larger than the socket takes at once. */
START_TEST(put_of_many_pieces)
{
    enum { PIECES = 300, PIECE = 40000 };
    const struct peer_script script =
        SCRIPT(HEAD, PAUSE(50), BODY((uint64_t)PIECES * PIECE), SAY(OK_HEAD LENGTH(0)), AGAIN);
    struct iovec *pieces = calloc(PIECES + 2, sizeof *pieces);
    struct rig rig;
    struct trip t;

    rig_start(&rig, &script, 1);
    trip_put(&rig, &t, (uint64_t)PIECES * PIECE, 0);
    for (size_t i = 0; i < PIECES; i++)
        pieces[i + 1] = (struct iovec){t.buf + i * PIECE, PIECE}; /* the first and the last are empty */
    t.x.body = pieces;
    t.x.body_count = PIECES + 2;
    for (int i = 0; i < 2; i++) {
        trip_run(&rig, &t);
        ck_assert_msg(t.x.status == DLFW_OK && t.x.code == 200, "%s", t.x.error);
    }
    ck_assert_uint_eq(peer_connections(&rig.peer), 1);
    trip_free(&t);
    free(pieces);
    rig_stop(&rig);
}
END_TEST

/* A large body, for which the loop asks the kernel to wake it less often. */
START_TEST(large_body)
{
    const struct peer_script script = SCRIPT(HEAD, SAY(OK_HEAD LENGTH(5000001)), BYTES(5000001), PLAIN(10), AGAIN);
    struct rig rig;
    struct trip t;

    rig_start(&rig, &script, 1);
    trip_get(&rig, &t, 5000001);
    for (int i = 0; i < 3; i++) {
        trip_run(&rig, &t);
        trip_is_whole(&t, 200, 5000001);
        trip_run(&rig, &t);
        trip_is_whole(&t, 200, 10);
    }
    ck_assert_uint_eq(peer_connections(&rig.peer), 1);
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_pool");
    TCase *t = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_add_test(t, kept_alive);
    tcase_add_loop_test(t, not_reused, 0, (int)(sizeof endings / sizeof endings[0]));
    tcase_add_test(t, http10_keep_alive);
    tcase_add_loop_test(t, stale_replaced_once, 0, 2);
    tcase_add_test(t, stale_not_replaced_twice);
    tcase_add_test(t, not_replaced_after_a_byte);
    tcase_add_test(t, stale_put);
    tcase_add_test(t, many_over_few);
    tcase_add_test(t, two_origins);
    tcase_add_test(t, descriptor_and_wakeup);
    tcase_add_test(t, put_of_many_pieces);
    tcase_add_test(t, large_body);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
