/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures against the examples that Amazon publishes for S3 (bucket examplebucket, 24 May 2013). */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sign.h"

#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

static uint8_t signing_key[32];

static struct s3_scope example_scope(void)
{
    struct s3_scope scope = {.time = "20130524T000000Z",
                             .region = "us-east-1",
                             .service = "s3",
                             .access_key_id = "AKIAIOSFODNN7EXAMPLE",
                             .key = signing_key};

    s3_signing_key(SECRET, scope.time, scope.region, scope.service, signing_key);
    return scope;
}

static const struct {
    const char *method, *path, *query, *payload;
    const char *headers[7][2];
    const char *signature;
} requests[] = {
    {"GET",
     "/test.txt",
     "",
     S3_EMPTY_SHA256,
     {{"x-amz-date", "20130524T000000Z"},
      {"range", "bytes=0-9"},
      {"x-amz-content-sha256", S3_EMPTY_SHA256},
      {"host", "examplebucket.s3.amazonaws.com"}},
     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    {"PUT",
     "/test%24file.text",
     "",
     "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
     {{"host", "examplebucket.s3.amazonaws.com"},
      {"date", "Fri, 24 May 2013 00:00:00 GMT"},
      {"x-amz-date", "20130524T000000Z"},
      {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
      {"x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"}},
     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
    {"GET",
     "/",
     "lifecycle=",
     S3_EMPTY_SHA256,
     {{"host", "examplebucket.s3.amazonaws.com"},
      {"x-amz-date", "20130524T000000Z"},
      {"x-amz-content-sha256", S3_EMPTY_SHA256}},
     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {"GET",
     "/",
     "max-keys=2&prefix=J",
     S3_EMPTY_SHA256,
     {{"host", "examplebucket.s3.amazonaws.com"},
      {"x-amz-date", "20130524T000000Z"},
      {"x-amz-content-sha256", S3_EMPTY_SHA256}},
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
    {"PUT",
     "/examplebucket/chunkObject.txt",
     "",
     S3_STREAMING,
     {{"host", "s3.amazonaws.com"},
      {"x-amz-date", "20130524T000000Z"},
      {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
      {"x-amz-content-sha256", S3_STREAMING},
      {"content-encoding", "aws-chunked"},
      {"x-amz-decoded-content-length", "66560"},
      {"content-length", "66824"}},
     "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"},
    {"PUT",
     "/examplebucket/chunkObject.txt",
     "",
     S3_STREAMING_TRAILER,
     {{"host", "s3.amazonaws.com"},
      {"x-amz-date", "20130524T000000Z"},
      {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
      {"x-amz-content-sha256", S3_STREAMING_TRAILER},
      {"content-encoding", "aws-chunked"},
      {"x-amz-decoded-content-length", "66560"},
      {"x-amz-trailer", "x-amz-checksum-crc32c"}},
     "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"},
};

static void add_headers(struct s3_headers *h, const char *const (*rows)[2])
{
    for (int i = 0; i < 7 && rows[i][0]; i++)
        s3_headers_str(h, rows[i][0], rows[i][1]);
}

START_TEST(published_requests)
{
    struct s3_scope scope = example_scope();
    struct s3_headers headers = {0};
    struct text canonical = {0};
    char signature[65];

    add_headers(&headers, requests[_i].headers);
    s3_canonical_request(&canonical, requests[_i].method, requests[_i].path, requests[_i].query, &headers,
                         requests[_i].payload);
    ck_assert(s3_signature(&scope, &canonical, signature));
    ck_assert_msg(strcmp(signature, requests[_i].signature) == 0, "'%s' for\n%s", signature, canonical.data);
    text_free(&canonical);
    s3_headers_free(&headers);
}
END_TEST

START_TEST(authorization_header)
{
    struct s3_scope scope = example_scope();
    struct s3_headers headers = {0};
    struct text line = {0};

    add_headers(&headers, requests[0].headers);
    s3_authorization(&line, &scope, &headers, "f0");
    ck_assert_str_eq(line.data, "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                                "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0");
    text_clear(&line);
    s3_headers_write(&headers, &line);
    ck_assert_str_eq(line.data, "host: examplebucket.s3.amazonaws.com\r\nrange: bytes=0-9\r\n"
                                "x-amz-content-sha256: " S3_EMPTY_SHA256 "\r\nx-amz-date: 20130524T000000Z\r\n");
    text_free(&line);
    s3_headers_free(&headers);
}
END_TEST

/* The published upload of 65 KiB of 'a' in chunks of 64 KiB, 1 KiB and none. */
START_TEST(published_chunks)
{
    struct s3_scope scope = example_scope();
    char *body = malloc(65536);
    char one[65], two[65], last[65];

    ck_assert_ptr_nonnull(body);
    memset(body, 'a', 65536);
    s3_chunk_signature(&scope, requests[4].signature, body, 65536, one);
    ck_assert_str_eq(one, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
    s3_chunk_signature(&scope, one, body, 1024, two);
    ck_assert_str_eq(two, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497");
    s3_chunk_signature(&scope, two, "", 0, last);
    ck_assert_str_eq(last, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9");
    free(body);
}
END_TEST

START_TEST(published_trailer)
{
    static const char trailer[] = "x-amz-checksum-crc32c:sOO8/Q==\n";
    struct s3_scope scope = example_scope();
    char *body = malloc(65536);
    char one[65], two[65], last[65], end[65];

    ck_assert_ptr_nonnull(body);
    memset(body, 'a', 65536);
    s3_chunk_signature(&scope, requests[5].signature, body, 65536, one);
    ck_assert_str_eq(one, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2");
    s3_chunk_signature(&scope, one, body, 1024, two);
    ck_assert_str_eq(two, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7");
    s3_chunk_signature(&scope, two, "", 0, last);
    ck_assert_str_eq(last, "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992");
    s3_trailer_signature(&scope, last, trailer, strlen(trailer), end);
    ck_assert_str_eq(end, "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435");
    free(body);
}
END_TEST

START_TEST(published_presigned)
{
    struct s3_scope scope = example_scope();
    struct s3_headers headers = {0};
    struct text query = {0};

    s3_headers_str(&headers, "host", "examplebucket.s3.amazonaws.com");
    s3_presign(&query, &scope, "GET", "/test.txt", "", NULL, 86400, &headers);
    ck_assert_str_eq(query.data,
                     "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2F"
                     "s3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&"
                     "X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    text_free(&query);
    s3_headers_free(&headers);
}
END_TEST

static const struct {
    const char *query, *canonical; /* NULL: refused */
} queries[] = {
    {"", ""},
    {"b=2&a=1", "a=1&b=2"},
    {"uploads", "uploads="},
    {"a=2&a=1&a-b=0", "a=1&a=2&a-b=0"},
    {"prefix=a%20b%2fc&delimiter=/", "delimiter=%2F&prefix=a%20b%2Fc"},
    {"a=x~y-z_.", "a=x~y-z_."},
    {"&&a=1&", "a=1"},
    {"a=%2", NULL},
    {"a=%zz", NULL},
    {"a=b=c", "a=b%3Dc"},
};

START_TEST(foreign_queries_become_canonical)
{
    struct text t = {0};
    bool ok = s3_canonical_query(&t, queries[_i].query, strlen(queries[_i].query));

    ck_assert_int_eq(ok, queries[_i].canonical != NULL);
    if (ok)
        ck_assert_str_eq(t.data ? t.data : "", queries[_i].canonical);
    text_free(&t);
}
END_TEST

START_TEST(too_many_parameters_are_refused)
{
    struct text query = {0}, t = {0};

    for (int i = 0; i < 65; i++)
        text_printf(&query, "p%d=1&", i);
    ck_assert(!s3_canonical_query(&t, query.data, query.len));
    text_free(&query);
    text_free(&t);
}
END_TEST

START_TEST(too_many_headers_are_no_message)
{
    struct s3_headers headers = {0};
    struct text t = {0};

    for (uint32_t i = 0; i < S3_HEADERS_MAX; i++)
        s3_headers_str(&headers, "x-amz-meta", "1");
    s3_headers_write(&headers, &t);
    ck_assert(!t.failed);
    s3_headers_str(&headers, "x-amz-meta", "1");
    s3_headers_write(&headers, &t);
    ck_assert(t.failed);
    text_free(&t);
    s3_headers_free(&headers);
}
END_TEST

#define COUNT(rows) ((int)(sizeof rows / sizeof *rows))

int main(void)
{
    Suite *suite = suite_create("s3_sign");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, published_requests, 0, COUNT(requests));
    tcase_add_test(tc, authorization_header);
    tcase_add_test(tc, published_chunks);
    tcase_add_test(tc, published_trailer);
    tcase_add_test(tc, published_presigned);
    tcase_add_loop_test(tc, foreign_queries_become_canonical, 0, COUNT(queries));
    tcase_add_test(tc, too_many_parameters_are_refused);
    tcase_add_test(tc, too_many_headers_are_no_message);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
