/* SPDX-License-Identifier: Apache-2.0 */
/* What the backend s3 asks for, and what it makes of answers, good ones and others. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_s3_fixture.h"

#define COUNT(rows) ((int)(sizeof rows / sizeof *rows))
#define ERROR_BODY(code) "<?xml version=\"1.0\"?><Error><Code>" code "</Code><Message>so it is</Message></Error>"

static void open_root(const char *root)
{
    ck_assert_msg(s3_open(root) == DLFW_OK, "%s", s3_message);
}

static void expect_line(uint32_t request, const char *line)
{
    ck_assert_uint_lt(request, s3_requests);
    ck_assert_str_eq(s3_asked[request].line, line);
}

static void expect_header(uint32_t request, const char *name, const char *value)
{
    char text[512] = "";
    bool there = s3_asked_header(request, name, text, sizeof text);

    ck_assert_msg(there == (value != NULL), "header '%s' in\n%s", name, s3_asked[request].head);
    if (value)
        ck_assert_str_eq(text, value);
}

/* ---- GET ---- */

START_TEST(get_is_signed_and_ranged)
{
    char buf[16], text[512];
    dlfw_req req;
    dlfw_comp comp;

    S3_PLAY({"206 Partial", "Content-Range: bytes 7-10/100\r\n", "abcd"});
    open_root("bucket/pre fix");
    req = s3_request_of(DLFW_OP_GET, "a+b/\xc3\xa4%");
    req.buf = buf;
    req.buf_cap = sizeof buf;
    req.offset = 7;
    req.length = 4;
    comp = s3_call(&req);
    ck_assert_msg(comp.status == DLFW_OK, "%s", s3_message);
    ck_assert_uint_eq(comp.bytes, 4);
    ck_assert_uint_eq(comp.object_size, 100);
    ck_assert_mem_eq(buf, "abcd", 4);
    expect_line(0, "GET /bucket/pre%20fix/a%2Bb/%C3%A4%25");
    expect_header(0, "range", "bytes=7-10");
    expect_header(0, "x-amz-content-sha256", S3_EMPTY_SHA256);
    expect_header(0, "x-amz-checksum-mode", NULL);
    ck_assert(s3_asked_header(0, "authorization", text, sizeof text));
    ck_assert_ptr_nonnull(strstr(text, "AWS4-HMAC-SHA256 Credential=" S3_TEST_ID "/20"));
    ck_assert_ptr_nonnull(
        strstr(text, "/us-east-1/s3/aws4_request,SignedHeaders=host;x-amz-content-sha256;x-amz-date,"));
}
END_TEST

/* The checksum of a whole object is compared; those of parts, of another kind or of nonsense are not. */
static const struct {
    const char *headers;
    dlfw_status status;
} checksums[] = {
    {"x-amz-checksum-crc32c: yZRlqg==\r\n", DLFW_OK}, /* of "hello world" */
    {"x-amz-checksum-crc32c: yZRlqg==\r\nx-amz-checksum-type: FULL_OBJECT\r\n", DLFW_OK},
    {"x-amz-checksum-crc32c: AAAAAA==\r\n", DLFW_E_CORRUPT},
    {"x-amz-checksum-crc32c: AAAAAA==\r\nx-amz-checksum-type: COMPOSITE\r\n", DLFW_OK},
    {"x-amz-checksum-crc32c: AAAAAA==-3\r\n", DLFW_OK},
    {"x-amz-checksum-crc32c: nonsense\r\n", DLFW_OK},
    {"x-amz-checksum-crc32: AAAAAA==\r\n", DLFW_OK},
    {"", DLFW_OK},
};

START_TEST(whole_objects_are_compared)
{
    struct s3_answer row = {"200 OK", checksums[_i].headers, "hello world"};
    char buf[64];

    s3_play(&row, 1);
    open_root("bucket");
    ck_assert_str_eq(s3_crc_text("hello world", 11), "yZRlqg==");
    ck_assert_int_eq(s3_do(DLFW_OP_GET, "k", buf, sizeof buf, DLFW_REQ_WHOLE), checksums[_i].status);
    expect_header(0, "x-amz-checksum-mode", "ENABLED");
    if (checksums[_i].status < 0)
        ck_assert_ptr_nonnull(strstr(s3_message, "'s3://bucket/k'"));
}
END_TEST

START_TEST(presigned_get)
{
    char buf[64];

    S3_PLAY({"200 OK", "", "hello"});
    s3_options.presigned = 1;
    s3_options.session_token = S3_TEST_TOKEN;
    open_root("bucket");
    ck_assert_int_eq(s3_do(DLFW_OP_GET, "k", buf, sizeof buf, DLFW_REQ_WHOLE), DLFW_OK);
    ck_assert_ptr_nonnull(strstr(s3_asked[0].line, "GET /bucket/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="));
    ck_assert_ptr_nonnull(
        strstr(s3_asked[0].line, "&X-Amz-Security-Token=" S3_TEST_TOKEN "&X-Amz-SignedHeaders=host&"));
    ck_assert_ptr_nonnull(strstr(s3_asked[0].line, "&x-amz-checksum-mode=ENABLED&X-Amz-Signature="));
    expect_header(0, "authorization", NULL);
    expect_header(0, "x-amz-security-token", NULL);
}
END_TEST

START_TEST(anonymous_signs_nothing)
{
    char buf[64];

    S3_PLAY({"200 OK", "", "hello"});
    s3_options.anonymous = 1;
    s3_options.access_key_id = s3_options.secret_access_key = NULL;
    open_root("bucket");
    ck_assert_int_eq(s3_do(DLFW_OP_GET, "k", buf, sizeof buf, DLFW_REQ_WHOLE), DLFW_OK);
    expect_header(0, "authorization", NULL);
    expect_header(0, "x-amz-date", NULL);
}
END_TEST

/* ---- errors ---- */

static const struct {
    const char *status, *body;
    dlfw_status want;
    uint32_t flags;
    const char *message;
} faults[] = {
    {"404 Not Found", ERROR_BODY("NoSuchKey"), DLFW_E_NOT_FOUND, 0, "404 NoSuchKey: so it is (request id 'id-1')"},
    {"404 Not Found", ERROR_BODY("NoSuchBucket"), DLFW_E_NOT_FOUND, 0, "NoSuchBucket"},
    {"403 Forbidden", ERROR_BODY("AccessDenied"), DLFW_E_PERMISSION, 0, "403 AccessDenied"},
    {"403 Forbidden", ERROR_BODY("InvalidAccessKeyId"), DLFW_E_AUTH, 0, "InvalidAccessKeyId"},
    {"403 Forbidden", ERROR_BODY("SignatureDoesNotMatch"), DLFW_E_AUTH, 0, "SignatureDoesNotMatch"},
    {"400 Bad Request", ERROR_BODY("ExpiredToken"), DLFW_E_AUTH, 0, "ExpiredToken"},
    {"503 Slow Down", ERROR_BODY("SlowDown"), DLFW_E_THROTTLED, DLFW_ERR_RETRYABLE | DLFW_ERR_THROTTLED, "SlowDown"},
    {"503 Gone Fishing", "", DLFW_E_THROTTLED, DLFW_ERR_RETRYABLE | DLFW_ERR_THROTTLED, "503"},
    {"500 Oops", ERROR_BODY("InternalError"), DLFW_E_UNAVAILABLE, DLFW_ERR_RETRYABLE, "InternalError"},
    {"500 Oops", "<html>nginx</html>", DLFW_E_UNAVAILABLE, DLFW_ERR_RETRYABLE, "500"},
    {"500 Oops", "<Error><Code>Inter", DLFW_E_UNAVAILABLE, DLFW_ERR_RETRYABLE, "500"},
    {"400 Bad Request", ERROR_BODY("RequestTimeout"), DLFW_E_TIMEOUT, DLFW_ERR_RETRYABLE, "RequestTimeout"},
    {"507 Full", ERROR_BODY("QuotaExceeded"), DLFW_E_NO_SPACE, 0, "QuotaExceeded"},
    {"400 Bad Request", ERROR_BODY("InvalidDigest"), DLFW_E_CORRUPT, DLFW_ERR_RETRYABLE, "InvalidDigest"},
    {"501 Not Yet", ERROR_BODY("NotImplemented"), DLFW_E_UNSUPPORTED, 0, "NotImplemented"},
    {"418 Teapot", ERROR_BODY("Teapot"), DLFW_E_IO, 0, "418 Teapot"},
};

START_TEST(errors_are_classified)
{
    struct s3_answer row = {faults[_i].status, "x-amz-request-id: id-1\r\n", faults[_i].body};
    dlfw_req req;
    dlfw_comp comp;
    char buf[64];

    s3_play(&row, 1);
    open_root("bucket/p");
    req = s3_request_of(DLFW_OP_GET, "k");
    req.buf = buf;
    req.buf_cap = req.length = sizeof buf;
    req.flags = DLFW_REQ_WHOLE;
    comp = s3_call(&req);
    ck_assert_int_eq(comp.status, faults[_i].want);
    ck_assert_uint_eq(comp.flags, faults[_i].flags);
    ck_assert_uint_eq(s3_error.flags, faults[_i].flags);
    ck_assert_msg(strstr(s3_message, faults[_i].message), "'%s' lacks '%s'", s3_message, faults[_i].message);
    ck_assert_ptr_nonnull(strstr(s3_message, "GET 's3://bucket/p/k' failed: "));
    ck_assert_uint_eq(s3_requests, 1);
}
END_TEST

START_TEST(stat_reads_the_headers)
{
    uint64_t buf[64];
    const dlfw_object_info *info = (const dlfw_object_info *)buf;
    dlfw_req req;
    dlfw_comp comp;

    S3_PLAY({"200 OK",
             "Content-Length: 6000000000\r\nETag: \"00112233445566778899aabbccddeeff\"\r\nContent-Type: text/x\r\n"
             "Last-Modified: Fri, 24 May 2013 00:00:00 GMT\r\nx-amz-checksum-crc32c: yZRlqg==\r\nX-Amz-Meta-Who: me\r\n"
             "x-amz-version-id: v1\r\n",
             ""},
            {"404 Not Found", "x-amz-request-id: id-2\r\n", ""});
    open_root("bucket");
    req = s3_request_of(DLFW_OP_STAT, "k");
    req.buf = buf;
    req.buf_cap = sizeof buf;
    comp = s3_call(&req);
    ck_assert_msg(comp.status == DLFW_OK, "%s", s3_message);
    ck_assert_uint_eq(comp.object_size, 6000000000);
    ck_assert_uint_eq(info->size, 6000000000);
    ck_assert_uint_eq(info->mtime_ns, 1369353600ull * 1000000000u);
    ck_assert_uint_eq(info->flags, DLFW_INFO_CRC32C | DLFW_INFO_MD5);
    ck_assert_uint_eq(info->crc32c, 0xc99465aa);
    ck_assert_uint_eq(info->md5[1], 0x11);
    ck_assert_mem_eq((const char *)buf + info->metadata_off, "Who: me\n", 8);
    ck_assert_mem_eq((const char *)buf + info->version_off, "v1", 2);
    expect_line(0, "HEAD /bucket/k");
    ck_assert_int_eq(s3_do(DLFW_OP_STAT, "k", NULL, 0, 0), DLFW_E_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(s3_message, "STAT 's3://bucket/k' failed: 404 (request id 'id-2')"));
}
END_TEST

/* An ETag that is no MD5 is not told as one. */
START_TEST(etags_that_are_no_md5)
{
    static const char *const headers[] = {
        "Content-Length: 1\r\nETag: \"00112233445566778899aabbccddeeff-2\"\r\n",
        "Content-Length: 1\r\nETag: \"00112233445566778899aabbccddeeff\"\r\nx-amz-server-side-encryption: aws:kms\r\n",
        "Content-Length: 1\r\nETag: \"zz112233445566778899aabbccddeeff\"\r\n",
        "Content-Length: 1\r\n",
    };
    struct s3_answer row = {"200 OK", headers[_i], ""};
    uint64_t buf[64];

    s3_play(&row, 1);
    open_root("bucket");
    ck_assert_int_eq(s3_do(DLFW_OP_STAT, "k", buf, sizeof buf, 0), DLFW_OK);
    ck_assert_uint_eq(((const dlfw_object_info *)buf)->flags & DLFW_INFO_MD5, 0);
}
END_TEST

/* ---- second tries ---- */

START_TEST(region_is_switched)
{
    static const struct s3_answer rows[][2] = {
        {{"400 Bad Request", "",
          "<Error><Code>AuthorizationHeaderMalformed</Code><Message>m</Message><Region>eu-west-3</Region></Error>"},
         {"200 OK", "", "hello"}},
        {{"301 Moved", "x-amz-bucket-region: eu-west-3\r\n", ERROR_BODY("PermanentRedirect")}, {"200 OK", "", "hello"}},
    };
    char buf[16], text[512];

    s3_play(rows[_i], 2);
    open_root("bucket");
    ck_assert_int_eq(s3_do(DLFW_OP_GET, "k", buf, sizeof buf, DLFW_REQ_WHOLE), DLFW_OK);
    ck_assert_uint_eq(s3_requests, 2);
    ck_assert(s3_asked_header(1, "authorization", text, sizeof text));
    ck_assert_ptr_nonnull(strstr(text, "/eu-west-3/s3/aws4_request"));
    ck_assert_ptr_nonnull(strstr(s3_log, "lives in region 'eu-west-3'"));
    /* and stays so */
    ck_assert_int_eq(s3_do(DLFW_OP_GET, "k", buf, sizeof buf, DLFW_REQ_WHOLE), DLFW_OK);
    ck_assert(s3_asked_header(2, "authorization", text, sizeof text));
    ck_assert_ptr_nonnull(strstr(text, "/eu-west-3/s3/aws4_request"));
}
END_TEST

START_TEST(a_region_that_changes_nothing_is_no_reason)
{
    char buf[16];

    S3_PLAY(
        {"400 Bad Request", "", "<Error><Code>AuthorizationHeaderMalformed</Code><Region>us-east-1</Region></Error>"});
    open_root("bucket");
    ck_assert_int_eq(s3_do(DLFW_OP_GET, "k", buf, sizeof buf, DLFW_REQ_WHOLE), DLFW_E_AUTH);
    ck_assert_uint_eq(s3_requests, 1);
}
END_TEST

/* A service that sends us round in circles is asked four times, no more. */
START_TEST(circles_end)
{
    static const struct s3_answer rows[] = {
        {"301 Moved", "x-amz-bucket-region: eu-west-1\r\n", ""},
        {"301 Moved", "x-amz-bucket-region: eu-west-2\r\n", ""},
        {"301 Moved", "x-amz-bucket-region: eu-west-1\r\n", ""},
        {"301 Moved", "x-amz-bucket-region: eu-west-2\r\n", ""},
        {"301 Moved", "x-amz-bucket-region: eu-west-1\r\n", ""},
        {"301 Moved", "x-amz-bucket-region: eu-west-2\r\n", ""},
    };
    char buf[16];

    s3_play(rows, 6);
    open_root("bucket");
    ck_assert_int_lt(s3_do(DLFW_OP_GET, "k", buf, sizeof buf, DLFW_REQ_WHOLE), 0);
    ck_assert_uint_eq(s3_requests, 4);
}
END_TEST

START_TEST(clock_is_corrected)
{
    char buf[16], text[64];

    S3_PLAY({"403 Forbidden", "Date: Fri, 24 May 2013 00:00:00 GMT\r\n", ERROR_BODY("RequestTimeTooSkewed")},
            {"200 OK", "", "hello"});
    open_root("bucket");
    ck_assert_int_eq(s3_do(DLFW_OP_GET, "k", buf, sizeof buf, DLFW_REQ_WHOLE), DLFW_OK);
    ck_assert(s3_asked_header(1, "x-amz-date", text, sizeof text));
    ck_assert_int_eq(strncmp(text, "20130524T0000", 13), 0);
    ck_assert_ptr_nonnull(strstr(s3_log, "the clock here differs by"));
}
END_TEST

START_TEST(checksums_are_dropped_where_they_are_refused)
{
    char body[] = "hello";

    S3_PLAY({"501 Not Implemented", "", ERROR_BODY("NotImplemented")}, {"200 OK", "", ""});
    open_root("bucket");
    ck_assert_int_eq(s3_do(DLFW_OP_PUT, "k", body, 5, 0), DLFW_OK);
    expect_header(0, "x-amz-checksum-crc32c", s3_crc_text("hello", 5));
    expect_header(1, "x-amz-checksum-crc32c", NULL);
    ck_assert_ptr_nonnull(strstr(s3_log, "set checksums: false"));
}
END_TEST

/* A redirect to another host takes no credentials along. */
START_TEST(redirect_carries_no_credentials)
{
    char headers[128], buf[16];
    struct s3_answer rows[] = {{"307 Temporary Redirect", headers, ""}, {"200 OK", "", "hello"}};

    snprintf(headers, sizeof headers, "Location: http://localhost:%u/elsewhere?a=1\r\n", http_server_port(s3_server));
    s3_play(rows, 2);
    s3_options.session_token = S3_TEST_TOKEN;
    open_root("bucket");
    ck_assert_msg(s3_do(DLFW_OP_GET, "k", buf, sizeof buf, DLFW_REQ_WHOLE) == DLFW_OK, "%s", s3_message);
    expect_line(1, "GET /elsewhere?a=1");
    expect_header(0, "x-amz-security-token", S3_TEST_TOKEN);
    expect_header(1, "x-amz-security-token", NULL);
    expect_header(1, "authorization", NULL);
}
END_TEST

START_TEST(redirect_on_the_same_host_is_signed)
{
    char headers[128], buf[16];
    struct s3_answer rows[] = {{"307 Temporary Redirect", headers, ""}, {"200 OK", "", "hello"}};

    snprintf(headers, sizeof headers, "Location: /else/where?b=2&a=1\r\n");
    s3_play(rows, 2);
    open_root("bucket");
    ck_assert_msg(s3_do(DLFW_OP_GET, "k", buf, sizeof buf, DLFW_REQ_WHOLE) == DLFW_OK, "%s", s3_message);
    expect_line(1, "GET /else/where?a=1&b=2");
    ck_assert(s3_asked_header(1, "authorization", headers, sizeof headers));
}
END_TEST

/* ---- PUT ---- */

START_TEST(put_carries_its_checksum)
{
    char body[] = "hello";

    S3_PLAY({"200 OK", "", ""});
    s3_options.storage_class = "STANDARD_IA";
    s3_options.server_side_encryption = "AES256";
    s3_options.request_payer = 1;
    open_root("bucket");
    ck_assert_int_eq(s3_do(DLFW_OP_PUT, "k", body, 5, 0), DLFW_OK);
    expect_line(0, "PUT /bucket/k");
    expect_header(0, "content-length", "5");
    expect_header(0, "x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    expect_header(0, "x-amz-checksum-crc32c", s3_crc_text("hello", 5));
    expect_header(0, "x-amz-storage-class", "STANDARD_IA");
    expect_header(0, "x-amz-server-side-encryption", "AES256");
    expect_header(0, "x-amz-request-payer", "requester");
    expect_header(0, "if-none-match", NULL);
    ck_assert_str_eq(s3_asked[0].body, "hello");
}
END_TEST

START_TEST(put_of_nothing)
{
    S3_PLAY({"200 OK", "", ""});
    open_root("bucket");
    ck_assert_int_eq(s3_do(DLFW_OP_PUT, "k", "", 0, 0), DLFW_OK);
    expect_header(0, "content-length", "0");
    expect_header(0, "x-amz-content-sha256", S3_EMPTY_SHA256);
}
END_TEST

/* Payload modes: what the signature covers, and the body on the wire. */
START_TEST(put_signed)
{
    char body[] = "Welcome to Amazon S3.";

    S3_PLAY({"200 OK", "", ""});
    s3_options.payload_signing = S3_PAYLOAD_SIGNED;
    open_root("bucket");
    ck_assert_int_eq(s3_do(DLFW_OP_PUT, "k", body, strlen(body), 0), DLFW_OK);
    expect_header(0, "x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
    ck_assert_str_eq(s3_asked[0].body, body);
}
END_TEST

START_TEST(put_streaming)
{
    size_t len = (2u << 20) + 5;
    char *body = malloc(len);
    const char *at;
    char text[64], expected[64];

    ck_assert_ptr_nonnull(body);
    memset(body, 'a', len);
    S3_PLAY({"200 OK", "", ""});
    s3_options.payload_signing = S3_PAYLOAD_STREAMING;
    open_root("bucket");
    ck_assert_msg(s3_do(DLFW_OP_PUT, "k", body, len, 0) == DLFW_OK, "%s", s3_message);
    expect_header(0, "x-amz-content-sha256", S3_STREAMING);
    expect_header(0, "content-encoding", "aws-chunked");
    expect_header(0, "x-amz-decoded-content-length", "2097157");
    ck_assert(s3_asked_header(0, "content-length", text, sizeof text));
    snprintf(expected, sizeof expected, "%zu", s3_asked[0].body_len);
    ck_assert_str_eq(text, expected);
    at = s3_asked[0].body;
    ck_assert_int_eq(strncmp(at, "100000;chunk-signature=", 23), 0);
    at = strstr(at + 23 + 64 + 2 + (1u << 20), "\r\n100000;chunk-signature=");
    ck_assert_ptr_nonnull(at);
    at = strstr(at + 25 + 64 + 2 + (1u << 20), "\r\n5;chunk-signature=");
    ck_assert_ptr_nonnull(at);
    at = strstr(at + 20, "aaaaa\r\n0;chunk-signature=");
    ck_assert_ptr_nonnull(at);
    ck_assert_str_eq(at + 25 + 64, "\r\n\r\n");
    free(body);
}
END_TEST

START_TEST(put_with_trailer)
{
    char body[] = "hello", expected[128];

    S3_PLAY({"200 OK", "", ""});
    s3_options.payload_signing = S3_PAYLOAD_UNSIGNED_TRAILER;
    open_root("bucket");
    ck_assert_int_eq(s3_do(DLFW_OP_PUT, "k", body, 5, 0), DLFW_OK);
    expect_header(0, "x-amz-content-sha256", S3_UNSIGNED_TRAILER);
    expect_header(0, "x-amz-trailer", "x-amz-checksum-crc32c");
    expect_header(0, "x-amz-checksum-crc32c", NULL);
    snprintf(expected, sizeof expected, "5\r\nhello\r\n0\r\nx-amz-checksum-crc32c:%s\r\n\r\n", s3_crc_text("hello", 5));
    ck_assert_str_eq(s3_asked[0].body, expected);
    snprintf(expected, sizeof expected, "%zu", s3_asked[0].body_len);
    expect_header(0, "content-length", expected);
}
END_TEST

static const struct {
    const char *put_headers, *head_headers;
    dlfw_status status;
    uint32_t requests;
    const char *message;
} verifies[] = {
    {"", "Content-Length: 5\r\n", DLFW_OK, 2, ""},
    {"", "Content-Length: 5\r\nx-amz-checksum-crc32c: mnG7TA==\r\n", DLFW_OK, 2, ""},
    {"", "Content-Length: 4\r\n", DLFW_E_CORRUPT, 2, "5 bytes were written, the service has 4"},
    {"", "Content-Length: 5\r\nx-amz-checksum-crc32c: AAAAAA==\r\n", DLFW_E_CORRUPT, 2, "CRC-32C 9a71bb4c"},
    {"x-amz-checksum-crc32c: AAAAAA==\r\n", "", DLFW_E_CORRUPT, 1, "the CRC-32C is 9a71bb4c, the service got 00000000"},
};

START_TEST(writes_are_verified)
{
    struct s3_answer rows[] = {{"200 OK", verifies[_i].put_headers, ""}, {"200 OK", verifies[_i].head_headers, ""}};
    char body[] = "hello";

    s3_play(rows, 2);
    s3_options.verify_writes = 1;
    open_root("bucket");
    ck_assert_str_eq(s3_crc_text("hello", 5), "mnG7TA==");
    ck_assert_int_eq(s3_do(DLFW_OP_PUT, "k", body, 5, 0), verifies[_i].status);
    ck_assert_uint_eq(s3_requests, verifies[_i].requests);
    ck_assert_msg(strstr(s3_message, verifies[_i].message), "'%s'", s3_message);
}
END_TEST

/* Own endpoints may take no notice of If-None-Match: an exclusive write looks first. */
static const struct {
    struct s3_answer rows[2];
    dlfw_status status;
    uint32_t requests;
} exclusives[] = {
    {{{"404 Not Found", "", ""}, {"200 OK", "", ""}}, DLFW_OK, 2},
    {{{"200 OK", "Content-Length: 3\r\n", ""}, {"200 OK", "", ""}}, DLFW_E_EXISTS, 1},
    {{{"404 Not Found", "", ""}, {"412 No", "", ERROR_BODY("PreconditionFailed")}}, DLFW_E_EXISTS, 2},
    {{{"404 Not Found", "", ""}, {"409 No", "", ERROR_BODY("ConditionalRequestConflict")}}, DLFW_E_EXISTS, 2},
    {{{"403 No", "", ""}, {"200 OK", "", ""}}, DLFW_E_PERMISSION, 1},
};

START_TEST(exclusive_put)
{
    char body[] = "hello";

    s3_play(exclusives[_i].rows, 2);
    open_root("bucket");
    ck_assert_int_eq(s3_do(DLFW_OP_PUT, "k", body, 5, DLFW_REQ_EXCLUSIVE), exclusives[_i].status);
    ck_assert_uint_eq(s3_requests, exclusives[_i].requests);
    if (s3_requests == 2)
        expect_header(1, "if-none-match", "*");
}
END_TEST

static void set_up(void)
{
    s3_start();
}

static void tear_down(void)
{
    s3_stop();
}

int main(void)
{
    Suite *suite = suite_create("s3_calls");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, get_is_signed_and_ranged);
    tcase_add_loop_test(tc, whole_objects_are_compared, 0, COUNT(checksums));
    tcase_add_test(tc, presigned_get);
    tcase_add_test(tc, anonymous_signs_nothing);
    tcase_add_loop_test(tc, errors_are_classified, 0, COUNT(faults));
    tcase_add_test(tc, stat_reads_the_headers);
    tcase_add_loop_test(tc, etags_that_are_no_md5, 0, 4);
    tcase_add_loop_test(tc, region_is_switched, 0, 2);
    tcase_add_test(tc, a_region_that_changes_nothing_is_no_reason);
    tcase_add_test(tc, circles_end);
    tcase_add_test(tc, clock_is_corrected);
    tcase_add_test(tc, checksums_are_dropped_where_they_are_refused);
    tcase_add_test(tc, redirect_carries_no_credentials);
    tcase_add_test(tc, redirect_on_the_same_host_is_signed);
    tcase_add_test(tc, put_carries_its_checksum);
    tcase_add_test(tc, put_of_nothing);
    tcase_add_test(tc, put_signed);
    tcase_add_test(tc, put_streaming);
    tcase_add_test(tc, put_with_trailer);
    tcase_add_loop_test(tc, writes_are_verified, 0, COUNT(verifies));
    tcase_add_loop_test(tc, exclusive_put, 0, COUNT(exclusives));
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
