/* SPDX-License-Identifier: Apache-2.0 */
/* What a server may answer and what the engine makes of it, each over a real socket. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "test_http_fixture.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define LENGTH(n) "Content-Length: " #n "\r\n\r\n"

struct answer_case {
    struct peer_script script;
    uint64_t cap; /* of the sink; 0: reply */
    uint32_t flags;
    dlfw_status status;
    uint32_t error_flags;
    const char *error;
    int32_t code;
    uint64_t bytes;
    const char *reply;
};

#define RETRY DLFW_ERR_RETRYABLE

static const struct answer_case cases[] = {
    {SCRIPT(HEAD, SAY(OK_HEAD LENGTH(0)), HOLD), 10, 0, 0, 0, NULL, 200, 0, ""},
    {SCRIPT(HEAD, SAY(OK_HEAD LENGTH(5)), BYTES(5), HOLD), 5, 0, 0, 0, NULL, 200, 5, ""},
    {SCRIPT(HEAD, SAY(OK_HEAD LENGTH(5) "hello"), HOLD), 0, 0, 0, 0, NULL, 200, 0, "hello"},
    {SCRIPT(HEAD, SAY("HTTP/1.1 200\r\n" LENGTH(2) "hi"), HOLD), 0, 0, 0, 0, NULL, 200, 0, "hi"},
    {SCRIPT(HEAD, SAY("HTTP/1.1 200 OK\ncontent-length:2\n\nhi"), HOLD), 0, 0, 0, 0, NULL, 200, 0, "hi"},
    {SCRIPT(HEAD, SAY(OK_HEAD "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi"), HOLD), 0, 0, 0, 0, NULL, 200, 0,
     "hi"},
    /* split anywhere */
    {SCRIPT(HEAD, SAY("HT"), PAUSE(20), SAY("TP/1.1 404 Not Found\r"), PAUSE(20), SAY("\nContent-Length: 4\r\n\r"),
            PAUSE(20), SAY("\nno"), PAUSE(20), SAY("pe"), HOLD),
     10, 0, 0, 0, NULL, 404, 0, "nope"},
    /* no body, whatever the head says */
    {SCRIPT(HEAD, SAY(OK_HEAD LENGTH(123456)), HOLD), 1, HTTP_NO_BODY, 0, 0, NULL, 200, 0, ""},
    {SCRIPT(HEAD, SAY("HTTP/1.1 204 No Content\r\n\r\n"), HOLD), 1, 0, 0, 0, NULL, 204, 0, ""},
    {SCRIPT(HEAD, SAY("HTTP/1.1 304 Not Modified\r\n" LENGTH(77)), HOLD), 1, 0, 0, 0, NULL, 304, 0, ""},
    /* chunks */
    {SCRIPT(HEAD,
            SAY(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nB;x=\"y\"\r\ndefghijklmn\r\n0\r\nX: y\r\n\r\n"),
            HOLD),
     0, 0, 0, 0, NULL, 200, 0, "abcdefghijklmn"},
    {SCRIPT(HEAD, SAY(OK_HEAD "transfer-encoding: Chunked\r\n\r\n0"), PAUSE(20), SAY("3\r"), PAUSE(20), SAY("\na"),
            PAUSE(20), SAY("bc"), PAUSE(20), SAY("\r"), PAUSE(20), SAY("\n0\r\n"), PAUSE(20), SAY("\r"), PAUSE(20),
            SAY("\n"), HOLD),
     0, 0, 0, 0, NULL, 200, 0, "abc"},
    {SCRIPT(HEAD, SAY(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n4e20\r\n"), BYTES(20000), SAY("\r\n0\r\n\r\n"), HOLD),
     20000, 0, 0, 0, NULL, 200, 20000, ""},
    {SCRIPT(HEAD, SAY(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n"), HOLD), 0, 0, DLFW_E_CORRUPT,
     RETRY, "chunks are malformed", 200, 0, NULL},
    {SCRIPT(HEAD, SAY(OK_HEAD "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"), HOLD), 10, 0, DLFW_E_CORRUPT,
     RETRY, "chunks are malformed", 200, 0, NULL},
    {SCRIPT(HEAD, SAY(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"), PAUSE(20)), 0, 0, DLFW_E_IO, RETRY,
     "closed after 3 bytes", 200, 0, NULL},
    /* until the connection ends */
    {SCRIPT(HEAD, SAY("HTTP/1.0 200 OK\r\n\r\n"), BYTES(3000)), 5000, 0, 0, 0, NULL, 200, 3000, ""},
    {SCRIPT(HEAD, SAY(OK_HEAD "Connection: close\r\n\r\n"), BYTES(100)), 100, 0, 0, 0, NULL, 200, 100, ""},
    /* bodies of the wrong size */
    {SCRIPT(HEAD, SAY(OK_HEAD LENGTH(65536)), BYTES(4096)), 65536, 0, DLFW_E_IO, RETRY,
     "closed after 4096 of 65536 bytes", 200, 4096, NULL},
    {SCRIPT(HEAD, SAY(OK_HEAD LENGTH(65536)), BYTES(4096), PAUSE(50), RESET), 65536, 0, DLFW_E_IO, RETRY,
     "reset after 4096 of 65536 bytes", 200, 4096, NULL},
    {SCRIPT(HEAD, SAY(OK_HEAD LENGTH(10)), BYTES(10), HOLD), 9, 0, DLFW_E_BUFFER_TOO_SMALL, 0, "10 bytes, the buffer 9",
     200, 0, NULL},
    {SCRIPT(HEAD, SAY(OK_HEAD "Connection: close\r\n\r\n"), BYTES(200)), 100, 0, DLFW_E_BUFFER_TOO_SMALL, 0,
     "buffer's 100", 200, 0, NULL},
    {SCRIPT(HEAD, SAY(OK_HEAD LENGTH(5000)), BYTES(5000), HOLD), 0, 0, DLFW_E_CORRUPT, 0, "5000 bytes, at most 4096",
     200, 0, NULL},
    {SCRIPT(HEAD, SAY(OK_HEAD "Connection: close\r\n\r\n"), BYTES(5000)), 0, 0, DLFW_E_CORRUPT, 0, "more than the 4096",
     200, 0, NULL},
    /* interim answers */
    {SCRIPT(HEAD, SAY("HTTP/1.1 102 Processing\r\nX: y\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" OK_HEAD LENGTH(2) "hi"),
            HOLD),
     0, 0, 0, 0, NULL, 200, 0, "hi"},
    {SCRIPT(HEAD, SAY("HTTP/1.1 101 Switching Protocols\r\n\r\n"), HOLD), 0, 0, DLFW_E_CORRUPT, RETRY,
     "switched protocols", 0, 0, NULL},
    /* no HTTP, or not to the letter where it matters */
    {SCRIPT(HEAD, SAY("SSH-2.0-OpenSSH_9.2\r\n\r\n"), HOLD), 0, 0, DLFW_E_CORRUPT, RETRY, "status line", 0, 0, NULL},
    {SCRIPT(HEAD, SAY("\r\n" OK_HEAD LENGTH(0)), HOLD), 0, 0, DLFW_E_CORRUPT, RETRY, "status line", 0, 0, NULL},
    {SCRIPT(HEAD, SAY("HTTP/2.0 200 OK\r\n" LENGTH(0)), HOLD), 0, 0, DLFW_E_CORRUPT, RETRY, "status line", 0, 0, NULL},
    {SCRIPT(HEAD, SAY("HTTP/1.1 99 OK\r\n" LENGTH(0)), HOLD), 0, 0, DLFW_E_CORRUPT, RETRY, "status line", 0, 0, NULL},
    {SCRIPT(HEAD, SAY(OK_HEAD "X: y\r\n folded\r\n" LENGTH(0)), HOLD), 0, 0, DLFW_E_CORRUPT, RETRY, "not 'name: value'",
     0, 0, NULL},
    {SCRIPT(HEAD, SAY(OK_HEAD "Content-Length : 3\r\n\r\nabc"), HOLD), 0, 0, DLFW_E_CORRUPT, RETRY, "not 'name: value'",
     0, 0, NULL},
    {SCRIPT(HEAD, SAY(OK_HEAD "nonsense\r\n" LENGTH(0)), HOLD), 0, 0, DLFW_E_CORRUPT, RETRY, "not 'name: value'", 0, 0,
     NULL},
    {SCRIPT(HEAD, SAY(OK_HEAD LENGTH(-1)), HOLD), 0, 0, DLFW_E_CORRUPT, RETRY, "Content-Length is not a number", 0, 0,
     NULL},
    {SCRIPT(HEAD, SAY(OK_HEAD LENGTH(99999999999999999999)), HOLD), 0, 0, DLFW_E_CORRUPT, RETRY, "not a number", 0, 0,
     NULL},
    {SCRIPT(HEAD, SAY(OK_HEAD "Content-Length: 2\r\n" LENGTH(3)), HOLD), 0, 0, DLFW_E_CORRUPT, RETRY, "differ", 0, 0,
     NULL},
    {SCRIPT(HEAD, SAY(OK_HEAD "Transfer-Encoding: chunked\r\n" LENGTH(3)), HOLD), 0, 0, DLFW_E_CORRUPT, RETRY, "both",
     0, 0, NULL},
    {SCRIPT(HEAD, SAY(OK_HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n"), HOLD), 0, 0, DLFW_E_CORRUPT, RETRY,
     "other than 'chunked'", 0, 0, NULL},
    {SCRIPT(HEAD, SAY(OK_HEAD "Content-Le"), PAUSE(20)), 0, 0, DLFW_E_IO, RETRY, "inside the answer's head", 0, 0,
     NULL},
    {SCRIPT(HEAD), 0, 0, DLFW_E_UNAVAILABLE, RETRY, "closed before an answer came", 0, 0, NULL},
    {SCRIPT(HEAD, RESET), 0, 0, DLFW_E_UNAVAILABLE, RETRY, "before an answer came", 0, 0, NULL},
};

START_TEST(one_answer)
{
    const struct answer_case *c = &cases[_i];
    struct rig rig;
    struct trip t;

    rig_start(&rig, &c->script, 1);
    trip_get(&rig, &t, c->cap);
    t.x.flags = c->flags;
    trip_run(&rig, &t);
    ck_assert_int_eq(t.x.code, c->code);
    if (c->status < 0) {
        trip_failed(&t, c->status, c->error_flags, c->error);
    } else {
        trip_is_whole(&t, c->code, c->bytes);
        ck_assert_str_eq(t.x.reply.data ? t.x.reply.data : "", c->reply);
        ck_assert_uint_ne(t.x.first_byte_ns, 0);
    }
    ck_assert_uint_eq(t.x.connections, 1);
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

static char long_head[70000];

START_TEST(head_too_long)
{
    const struct peer_script script = SCRIPT(HEAD, SAY(long_head), HOLD);
    struct rig rig;
    struct trip t;

    memset(long_head, 'x', sizeof long_head - 1);
    memcpy(long_head, OK_HEAD "X: ", 20);
    rig_start(&rig, &script, 1);
    trip_get(&rig, &t, 0);
    trip_run(&rig, &t);
    trip_failed(&t, DLFW_E_CORRUPT, RETRY, "longer than 64 KiB");
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

START_TEST(too_many_headers)
{
    const struct peer_script script = SCRIPT(HEAD, SAY(long_head), HOLD);
    struct rig rig;
    struct trip t;

    memset(long_head, 0, sizeof long_head);
    memcpy(long_head, OK_HEAD, 17);
    for (int i = 0; i < 201; i++)
        memcpy(long_head + 17 + i * 6, "X: y\r\n", 6);
    memcpy(long_head + 17 + 201 * 6, "\r\n", 2);
    rig_start(&rig, &script, 1);
    trip_get(&rig, &t, 0);
    trip_run(&rig, &t);
    trip_failed(&t, DLFW_E_CORRUPT, RETRY, "more than 200 header lines");
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

START_TEST(endless_interim)
{
    const struct peer_script script =
        SCRIPT(HEAD, SAY("HTTP/1.1 102 Processing\r\n\r\n"), {PEER_PAUSE, NULL, 1}, SAY(long_head), HOLD);
    static const char one[] = "HTTP/1.1 102 Processing\r\n\r\n";
    struct rig rig;
    struct trip t;

    memset(long_head, 0, sizeof long_head);
    for (size_t i = 0; i < 40; i++)
        memcpy(long_head + i * (sizeof one - 1), one, sizeof one - 1);
    rig_start(&rig, &script, 1);
    trip_get(&rig, &t, 0);
    trip_run(&rig, &t);
    trip_failed(&t, DLFW_E_CORRUPT, RETRY, "one interim answer after the other");
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

static uint64_t wanted_skip, wanted_limit;
static char *late_sink;

static void on_headed(struct http_exchange *x)
{
    ck_assert_int_eq(x->code, 200);
    x->sink_skip = wanted_skip;
    x->sink_limit = wanted_limit;
    if (late_sink) {
        x->sink = late_sink;
        x->sink_cap = 50000;
    }
}

/* The whole object comes where a range was asked for. */
START_TEST(skip_and_limit)
{
    static const struct {
        uint64_t skip, limit, bytes;
    } parts[] = {{0, 1000, 1000}, {10, 20, 20}, {30000, 500, 500}, {49999, 100, 1}, {60000, 5, 0}, {100, 0, 49900}};
    const struct peer_script script = SCRIPT(HEAD, SAY(OK_HEAD LENGTH(50000)), BYTES(50000), AGAIN);
    char *pattern = malloc(50000);
    struct rig rig;
    struct trip t;

    peer_pattern(pattern, 50000);
    rig_start(&rig, &script, 1);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        trip_get(&rig, &t, 50000);
        late_sink = i % 2 ? malloc(50000) : NULL;
        wanted_skip = parts[i].skip;
        wanted_limit = parts[i].limit;
        t.x.headed = on_headed;
        trip_run(&rig, &t);
        ck_assert_int_eq(t.x.status, DLFW_OK);
        ck_assert_uint_eq(t.x.bytes, parts[i].bytes);
        ck_assert(!parts[i].bytes || memcmp(t.x.sink, pattern + parts[i].skip, parts[i].bytes) == 0);
        free(late_sink);
        late_sink = NULL;
        trip_free(&t);
    }
    ck_assert_uint_eq(peer_connections(&rig.peer), 1); /* what was not wanted was dropped, not left behind */
    rig_stop(&rig);
    free(pattern);
}
END_TEST

/* Where dropping the rest would cost more than a connection. */
START_TEST(limit_of_a_huge_object)
{
    const struct peer_script script =
        SCRIPT(HEAD, SAY(OK_HEAD "Content-Length: 5000000000000\r\n\r\n"), BYTES(1 << 20), HOLD);
    struct rig rig;
    struct trip t;

    rig_start(&rig, &script, 1);
    trip_get(&rig, &t, 100);
    wanted_skip = 0;
    wanted_limit = 100;
    t.x.headed = on_headed;
    trip_run(&rig, &t);
    trip_is_whole(&t, 200, 100);
    ck_assert_uint_eq(t.x.content_length, 5000000000000);
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

/* An error's text is kept up to reply_max; what it says beyond does not end the connection. */
START_TEST(long_error)
{
    const struct peer_script script =
        SCRIPT(HEAD, SAY("HTTP/1.1 503 Slow Down\r\n" LENGTH(10000)), BYTES(10000), HEAD, SAY(OK_HEAD LENGTH(0)), HOLD);
    struct rig rig;
    struct trip t;

    rig_start(&rig, &script, 1);
    trip_get(&rig, &t, 100);
    trip_run(&rig, &t);
    ck_assert_int_eq(t.x.status, DLFW_OK);
    ck_assert_int_eq(t.x.code, 503);
    ck_assert_uint_eq(t.x.bytes, 0);
    ck_assert_uint_eq(t.x.reply.len, 4096);
    trip_run(&rig, &t);
    trip_is_whole(&t, 200, 0);
    ck_assert_uint_eq(peer_connections(&rig.peer), 1);
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

START_TEST(headers)
{
    const struct peer_script script = SCRIPT(
        HEAD, SAY(OK_HEAD "ETag:  \"a b\" \r\nx-amz-meta-One: 1\r\nX-Amz-Meta-two:\r\nETAG: second\r\n" LENGTH(0)),
        HOLD);
    const char *name, *value;
    size_t cursor = 0, name_len, value_len, count = 0;
    struct rig rig;
    struct trip t;
    char buf[6];

    rig_start(&rig, &script, 1);
    trip_get(&rig, &t, 0);
    ck_assert_ptr_null(http_header(&t.x, "etag", &value_len));
    trip_run(&rig, &t);
    ck_assert(http_header_copy(&t.x, "etag", buf, sizeof buf));
    ck_assert_str_eq(buf, "\"a b\"");
    ck_assert(!http_header_copy(&t.x, "etag", buf, 5));
    ck_assert(!http_header_copy(&t.x, "eta", buf, sizeof buf));
    ck_assert_ptr_nonnull(http_header(&t.x, "x-amz-meta-two", &value_len));
    ck_assert_uint_eq(value_len, 0);
    while (http_header_next(&t.x, &cursor, &name, &name_len, &value, &value_len))
        count++;
    ck_assert_uint_eq(count, 5);
    trip_free(&t);
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_answers");
    TCase *t = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, one_answer, 0, (int)(sizeof cases / sizeof cases[0]));
    tcase_add_test(t, head_too_long);
    tcase_add_test(t, too_many_headers);
    tcase_add_test(t, endless_interim);
    tcase_add_test(t, skip_and_limit);
    tcase_add_test(t, limit_of_a_huge_object);
    tcase_add_test(t, long_error);
    tcase_add_test(t, headers);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
