/* SPDX-License-Identifier: Apache-2.0 */
/* The parts without a socket: origins, growable text, and answers fed in pieces of every size. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/answer.h"
#include "http/http.h"

struct origin_case {
    const char *url;
    const char *host;
    uint16_t port;
    bool tls;
    const char *path;
    const char *header;
};

static const struct origin_case origins[] = {
    {"http://127.0.0.1:9000", "127.0.0.1", 9000, false, "", "127.0.0.1:9000"},
    {"HTTPS://s3.example.com/", "s3.example.com", 443, true, "/", "s3.example.com"},
    {"https://s3.example.com:443/a/b?c", "s3.example.com", 443, true, "/a/b?c", "s3.example.com"},
    {"http://h:443?x", "h", 443, false, "?x", "h:443"},
    {"http://[::1]:8080/x", "::1", 8080, false, "/x", "[::1]:8080"},
    {"https://[fe80::1]", "fe80::1", 443, true, "", "[fe80::1]"},
};

START_TEST(good_origin)
{
    const struct origin_case *c = &origins[_i];
    struct http_origin origin;
    const char *path;
    char header[64];

    ck_assert_int_eq(http_origin_parse(c->url, &origin, &path, NULL), DLFW_OK);
    ck_assert_str_eq(origin.host, c->host);
    ck_assert_uint_eq(origin.port, c->port);
    ck_assert(origin.tls == c->tls);
    ck_assert_str_eq(path, c->path);
    http_origin_host(&origin, header, sizeof header);
    ck_assert_str_eq(header, c->header);
}
END_TEST

static const char *const bad_origins[] = {
    "",           "localhost",      "ftp://x",       "http://",           "http:///x",    "http://a:0",
    "http://a:",  "http://a:65536", "http://a:8x",   "http://u:secret@a", "http://a b",   "http://[::1",
    "http://::1", "http://[a]",     "http://[::1]x", "http://a%41",       "http://a\r\nb"};

START_TEST(bad_origin)
{
    struct http_origin origin;
    char message[256] = "";
    dlfw_error err = {.struct_size = sizeof err, .message = message, .message_cap = sizeof message};

    ck_assert_int_eq(http_origin_parse(bad_origins[_i], &origin, NULL, &err), DLFW_E_INVALID);
    ck_assert_str_ne(message, "");
    ck_assert_ptr_null(strstr(message, "secret"));
}
END_TEST

START_TEST(text_of_all_kinds)
{
    struct text t = {0};

    text_str(&t, "a");
    text_char(&t, '-');
    text_u64(&t, 0);
    text_u64(&t, UINT64_MAX);
    text_printf(&t, "%s%d", "|", 7);
    text_add(&t, NULL, 0);
    text_encoded(&t, "a/b +\xc3\xa9~", 8, true);
    text_encoded(&t, "/", 1, false);
    ck_assert(!t.failed);
    ck_assert_str_eq(t.data, "a-018446744073709551615|7a/b%20%2B%C3%A9~%2F");
    ck_assert_uint_eq(t.len, strlen(t.data));
    text_clear(&t);
    ck_assert_str_eq(t.data, "");
    ck_assert_ptr_null(text_room(&t, SIZE_MAX / 2));
    ck_assert(t.failed);
    text_free(&t);
}
END_TEST

#define MESSAGE_LENGTH "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world"
#define MESSAGE_CHUNKED                                                                                                \
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"                               \
    "1\r\nh\r\n005;a=b\r\nello \r\n5 \r\nworld\r\n0\r\nA: b\r\nC: d\r\n\r\n"
#define MESSAGE_LF "HTTP/1.0 200\ntransfer-encoding: CHUNKED\n\nb\nhello world\n0\n\n"

static const char *const messages[] = {MESSAGE_LENGTH, MESSAGE_CHUNKED, MESSAGE_LF, MESSAGE_LENGTH "more"};

/* In pieces of 1, 2, ... bytes into the sink: the same answer always, and nothing behind it is taken. */
START_TEST(in_pieces)
{
    const char *message = messages[_i % 4];
    size_t len = strlen(message), piece = 1 + (size_t)_i / 4, at = 0, whole = _i % 4 == 3 ? len - 4 : len;
    char sink[16] = "";
    struct http_exchange x = {.sink = sink, .sink_cap = 11, .reply_max = 100};
    struct answer a;

    answer_begin(&a, &x);
    while (at < len && a.state != ANSWER_DONE) {
        size_t n = len - at < piece ? len - at : piece;
        int64_t used;

        a.now_ns++;
        used = answer_feed(&a, message + at, n);
        ck_assert_msg(used > 0, "%s", x.error);
        at += (size_t)used;
    }
    ck_assert_uint_eq(at, whole);
    ck_assert_uint_eq(a.state, ANSWER_DONE);
    ck_assert_int_eq(x.code, 200);
    ck_assert_uint_eq(x.bytes, 11);
    ck_assert_str_eq(sink, "hello world");
    ck_assert(a.keep_alive == (_i % 4 != 2));
    http_exchange_free(&x);
}
END_TEST

/* The direct way: what the window holds was received there. */
START_TEST(window)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhe";
    char sink[16] = "", *to = NULL;
    struct http_exchange x = {.sink = sink, .sink_cap = 11, .reply_max = 100};
    struct answer a;

    answer_begin(&a, &x);
    ck_assert_uint_eq(answer_window(&a, &to), 0);
    ck_assert_int_eq(answer_feed(&a, head, sizeof head - 1), sizeof head - 1);
    ck_assert_uint_eq(answer_window(&a, &to), 9);
    ck_assert_ptr_eq(to, sink + 2);
    memcpy(to, "llo wor", 7);
    answer_filled(&a, 7);
    ck_assert_uint_eq(answer_window(&a, &to), 2);
    memcpy(to, "ld", 2);
    answer_filled(&a, 2);
    ck_assert_uint_eq(a.state, ANSWER_DONE);
    ck_assert_str_eq(sink, "hello world");
    http_exchange_free(&x);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_parse");
    TCase *t = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, good_origin, 0, (int)(sizeof origins / sizeof origins[0]));
    tcase_add_loop_test(t, bad_origin, 0, (int)(sizeof bad_origins / sizeof bad_origins[0]));
    tcase_add_test(t, text_of_all_kinds);
    tcase_add_loop_test(t, in_pieces, 0, 4 * 20);
    tcase_add_test(t, window);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
