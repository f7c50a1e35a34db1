/* SPDX-License-Identifier: Apache-2.0 */
/* Objects in parts, copies, and the uploads that killed writers leave. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crc_join.h"
#include "test_s3_fixture.h"

#define COUNT(rows) ((int)(sizeof rows / sizeof *rows))
#define BEGUN                                                                                                          \
    {                                                                                                                  \
        "200 OK", "", "<InitiateMultipartUploadResult><UploadId>up/1+</UploadId></InitiateMultipartUploadResult>"      \
    }
#define TAG_A "\"0cc175b9c0f1b6a831c399e269772661\"" /* MD5 of "a" */
#define TAG_B "\"92eb5ffee6ae2fec3ad71c777531578f\"" /* of "b" */
#define TAG_AB "\"96e024ba2074fe77e8e965ba43a704be-2\""
#define PART(tag)                                                                                                      \
    {                                                                                                                  \
        "200 OK", "ETag: " tag "\r\n", ""                                                                              \
    }
#define DONE                                                                                                           \
    {                                                                                                                  \
        "200 OK", "", "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"                  \
    }
#define ERROR_BODY(code) "<?xml version=\"1.0\"?><Error><Code>" code "</Code><Message>so it is</Message></Error>"

static void open_root(const char *root)
{
    ck_assert_msg(s3_open(root) == DLFW_OK, "%s", s3_message);
}

static void *begin(const char *key, uint16_t flags)
{
    dlfw_req req = s3_request_of(DLFW_OP_WRITE_BEGIN, key);
    dlfw_comp comp;

    req.flags = flags;
    comp = s3_call(&req);
    ck_assert_msg(comp.status == DLFW_OK, "%s", s3_message);
    ck_assert_ptr_nonnull(comp.handle);
    return comp.handle;
}

static dlfw_comp with_handle(uint16_t op, void *handle, uint64_t arg, const char *data)
{
    dlfw_req req = s3_request_of(op, "");

    req.handle = handle;
    req.arg = arg;
    req.buf = (void *)(uintptr_t)data;
    req.length = req.buf_cap = data ? strlen(data) : 0;
    return s3_call(&req);
}

static void *begin_two_parts(void)
{
    void *handle = begin("k k", 0);

    ck_assert_int_eq(with_handle(DLFW_OP_WRITE_PART, handle, 1, "b").status, DLFW_OK);
    ck_assert_int_eq(with_handle(DLFW_OP_WRITE_PART, handle, 0, "a").status, DLFW_OK);
    return handle;
}

START_TEST(parts_are_named_by_the_commit)
{
    void *handle;

    S3_PLAY(BEGUN, PART(TAG_B), PART(TAG_A), DONE);
    open_root("bucket/p");
    handle = begin_two_parts();
    ck_assert_msg(with_handle(DLFW_OP_WRITE_COMMIT, handle, 2, NULL).status == DLFW_OK, "%s", s3_message);
    ck_assert_str_eq(s3_asked[0].line, "POST /bucket/p/k%20k?uploads=");
    ck_assert_ptr_nonnull(strstr(s3_asked[0].head, "x-amz-checksum-algorithm: CRC32C\r\n"));
    ck_assert_str_eq(s3_asked[1].line, "PUT /bucket/p/k%20k?partNumber=2&uploadId=up%2F1%2B");
    ck_assert_str_eq(s3_asked[2].line, "PUT /bucket/p/k%20k?partNumber=1&uploadId=up%2F1%2B");
    ck_assert_str_eq(s3_asked[3].line, "POST /bucket/p/k%20k?uploadId=up%2F1%2B");
    ck_assert_ptr_nonnull(strstr(
        s3_asked[3].body, "<Part><PartNumber>1</PartNumber><ETag>&quot;0cc175b9c0f1b6a831c399e269772661&quot;</ETag>"
                          "<ChecksumCRC32C>wdBDMA==</ChecksumCRC32C></Part><Part><PartNumber>2</PartNumber>"));
    ck_assert_uint_eq(s3_requests, 4);
}
END_TEST

/* Commits whose answer is bad, late or strange. */
static const struct {
    struct s3_answer rows[2]; /* the commit and what follows */
    dlfw_status status;
    uint32_t flags;
    uint32_t requests; /* from the commit on */
    const char *message;
} commits[] = {
    /* blanks keep the connection awake while the service works */
    {{{"200 OK", "", "  \n \r\n<?xml version=\"1.0\"?>\n <Error><Code>InternalError</Code></Error>"}},
     DLFW_E_UNAVAILABLE,
     DLFW_ERR_RETRYABLE,
     1,
     "200, then InternalError"},
    {{{"200 OK", "", "<Error><Code>InternalError</Code><Message>late</Message><RequestId>r</RequestId></Error>"}},
     DLFW_E_UNAVAILABLE,
     DLFW_ERR_RETRYABLE,
     1,
     "200, then InternalError: late (request id 'r')"},
    {{{"200 OK", "", "<Error><Code>InvalidPart</Code></Error>"}}, DLFW_E_INVALID, 0, 1, "200, then InvalidPart"},
    {{{"200 OK", "", ""}}, DLFW_E_CORRUPT, DLFW_ERR_RETRYABLE, 1, "no 'CompleteMultipartUpload'"},
    {{{"200 OK", "", "<html></html>"}}, DLFW_E_CORRUPT, DLFW_ERR_RETRYABLE, 1, "no 'CompleteMultipartUpload'"},
    {{{"500 Oops", "", ""}}, DLFW_E_UNAVAILABLE, DLFW_ERR_RETRYABLE, 1, "500"},
    /* the upload is gone: the answer to an earlier try was lost, if the object is ours */
    {{{"404 No", "", ERROR_BODY("NoSuchUpload")}, {"200 OK", "Content-Length: 2\r\nETag: " TAG_AB "\r\n", ""}},
     DLFW_OK,
     0,
     2,
     ""},
    {{{"404 No", "", ERROR_BODY("NoSuchUpload")}, {"200 OK", "Content-Length: 2\r\nETag: \"opaque\"\r\n", ""}},
     DLFW_OK,
     0,
     2,
     ""},
    {{{"404 No", "", ERROR_BODY("NoSuchUpload")}, {"200 OK", "Content-Length: 3\r\nETag: " TAG_AB "\r\n", ""}},
     DLFW_E_NOT_FOUND,
     0,
     2,
     "another one"},
    {{{"404 No", "", ERROR_BODY("NoSuchUpload")},
      {"200 OK", "Content-Length: 2\r\nETag: \"00000000000000000000000000000000-2\"\r\n", ""}},
     DLFW_E_NOT_FOUND,
     0,
     2,
     "another one"},
    {{{"404 No", "", ERROR_BODY("NoSuchUpload")}, {"404 No", "", ""}}, DLFW_E_NOT_FOUND, 0, 2, "the upload is gone"},
    {{{"404 No", "", ERROR_BODY("NoSuchBucket")}}, DLFW_E_NOT_FOUND, 0, 1, "NoSuchBucket"},
};

START_TEST(bad_commits)
{
    static const struct s3_answer before[] = {BEGUN, PART(TAG_B), PART(TAG_A)};
    struct s3_answer rows[6];
    dlfw_comp comp;
    void *handle;

    memcpy(rows, before, sizeof before);
    memcpy(rows + 3, commits[_i].rows, sizeof commits[_i].rows);
    rows[5] = (struct s3_answer){"204 No Content", "", ""};
    s3_play(rows, 6);
    open_root("bucket");
    handle = begin_two_parts();
    comp = with_handle(DLFW_OP_WRITE_COMMIT, handle, 2, NULL);
    ck_assert_msg(comp.status == commits[_i].status, "%d: %s", comp.status, s3_message);
    ck_assert_uint_eq(comp.flags, commits[_i].flags);
    ck_assert_msg(strstr(s3_message, commits[_i].message), "'%s'", s3_message);
    ck_assert_uint_eq(s3_requests, 3 + commits[_i].requests);
    if (comp.status < 0) {
        s3_play(&rows[5], 1);
        ck_assert_int_eq(with_handle(DLFW_OP_WRITE_ABORT, handle, 0, NULL).status, DLFW_OK);
        ck_assert_str_eq(s3_asked[0].line, "DELETE /bucket/k%20k?uploadId=up%2F1%2B");
    }
}
END_TEST

/* The whole's CRC-32C is known from the parts', and compared with what the service has. */
static const struct {
    const char *headers;
    dlfw_status status;
} verifies[] = {
    {"Content-Length: 2\r\nx-amz-checksum-crc32c: 4qIpNg==\r\n", DLFW_OK},
    {"Content-Length: 2\r\nx-amz-checksum-crc32c: AAAAAA==\r\n", DLFW_E_CORRUPT},
    {"Content-Length: 2\r\nx-amz-checksum-crc32c: AAAAAA==-2\r\n",
     DLFW_OK}, /* of the parts' checksums: another number */
    {"Content-Length: 1\r\n", DLFW_E_CORRUPT},
};

START_TEST(commit_is_verified)
{
    struct s3_answer rows[] = {BEGUN, PART(TAG_B), PART(TAG_A), DONE, {"200 OK", verifies[_i].headers, ""}};
    void *handle;

    s3_play(rows, 5);
    s3_options.verify_writes = 1;
    open_root("bucket");
    ck_assert_str_eq(s3_crc_text("ab", 2), "4qIpNg==");
    handle = begin_two_parts();
    ck_assert_int_eq(with_handle(DLFW_OP_WRITE_COMMIT, handle, 2, NULL).status, verifies[_i].status);
    ck_assert_str_eq(s3_asked[4].line, "HEAD /bucket/k%20k");
}
END_TEST

START_TEST(an_upload_of_nothing_is_an_empty_object)
{
    void *handle;

    S3_PLAY(BEGUN, {"204 No Content", "", ""}, {"200 OK", "", ""});
    open_root("bucket");
    handle = begin("k", 0);
    ck_assert_int_eq(with_handle(DLFW_OP_WRITE_COMMIT, handle, 0, NULL).status, DLFW_OK);
    ck_assert_str_eq(s3_asked[1].line, "DELETE /bucket/k?uploadId=up%2F1%2B");
    ck_assert_str_eq(s3_asked[2].line, "PUT /bucket/k");
    ck_assert_uint_eq(s3_asked[2].body_len, 0);
}
END_TEST

START_TEST(a_missing_part_is_told)
{
    void *handle;

    S3_PLAY(BEGUN, PART(TAG_B));
    open_root("bucket");
    handle = begin("k", 0);
    ck_assert_int_eq(with_handle(DLFW_OP_WRITE_PART, handle, 1, "b").status, DLFW_OK);
    ck_assert_int_eq(with_handle(DLFW_OP_WRITE_COMMIT, handle, 2, NULL).status, DLFW_E_INVALID);
    ck_assert_ptr_nonnull(strstr(s3_message, "part 1 of 2 was not written"));
    ck_assert_uint_eq(s3_requests, 2);
}
END_TEST

START_TEST(a_part_without_tag_is_refused)
{
    void *handle;

    S3_PLAY(BEGUN, {"200 OK", "", ""});
    open_root("bucket");
    handle = begin("k", 0);
    ck_assert_int_eq(with_handle(DLFW_OP_WRITE_PART, handle, 0, "b").status, DLFW_E_CORRUPT);
    ck_assert_ptr_nonnull(strstr(s3_message, "upload of a part 's3://bucket/k' failed: the answer has no ETag"));
}
END_TEST

static const char *const no_ids[] = {"", "<InitiateMultipartUploadResult/>",
                                     "<InitiateMultipartUploadResult><UploadId/></InitiateMultipartUploadResult>",
                                     "<Error><Code>AccessDenied</Code></Error>", "nothing"};

START_TEST(an_upload_without_id_is_refused)
{
    struct s3_answer row = {"200 OK", "", no_ids[_i]};

    s3_play(&row, 1);
    open_root("bucket");
    ck_assert_int_lt(s3_do(DLFW_OP_WRITE_BEGIN, "k", NULL, 0, 0), 0);
}
END_TEST

START_TEST(abort_of_what_is_gone)
{
    void *handle;

    S3_PLAY(BEGUN, {"404 No", "", ERROR_BODY("NoSuchUpload")});
    open_root("bucket");
    handle = begin("k", 0);
    ck_assert_int_eq(with_handle(DLFW_OP_WRITE_ABORT, handle, 0, NULL).status, DLFW_OK);
}
END_TEST

START_TEST(exclusive_upload)
{
    void *handle;

    S3_PLAY({"404 No", "", ""}, BEGUN, PART(TAG_A), {"404 No", "", ""}, DONE, {"200 OK", "Content-Length: 1\r\n", ""});
    open_root("bucket");
    handle = begin("k", DLFW_REQ_EXCLUSIVE);
    ck_assert_int_eq(with_handle(DLFW_OP_WRITE_PART, handle, 0, "a").status, DLFW_OK);
    ck_assert_int_eq(with_handle(DLFW_OP_WRITE_COMMIT, handle, 1, NULL).status, DLFW_OK);
    ck_assert_ptr_nonnull(strstr(s3_asked[4].head, "if-none-match: *\r\n"));
    ck_assert_int_eq(s3_do(DLFW_OP_WRITE_BEGIN, "k", NULL, 0, DLFW_REQ_EXCLUSIVE), DLFW_E_EXISTS);
}
END_TEST

/* ---- COPY ---- */

static const struct {
    struct s3_answer row;
    dlfw_status status;
    const char *message;
} copies[] = {
    {{"200 OK", "", "<CopyObjectResult><ETag>x</ETag></CopyObjectResult>"}, DLFW_OK, ""},
    {{"200 OK", "", "<Error><Code>InternalError</Code></Error>"}, DLFW_E_UNAVAILABLE, "200, then InternalError"},
    {{"200 OK", "", ""}, DLFW_E_CORRUPT, "no 'Copy'"},
    {{"404 No", "", ERROR_BODY("NoSuchKey")}, DLFW_E_NOT_FOUND, "NoSuchKey"},
};

START_TEST(copy_by_the_service)
{
    char from[] = "from/\xc3\xa4+";
    char text[128];

    s3_play(&copies[_i].row, 1);
    open_root("bucket/p");
    ck_assert_int_eq(s3_do(DLFW_OP_COPY, "to", from, strlen(from), 0), copies[_i].status);
    ck_assert_str_eq(s3_asked[0].line, "PUT /bucket/p/to");
    ck_assert(s3_asked_header(0, "x-amz-copy-source", text, sizeof text));
    ck_assert_str_eq(text, "/bucket/p/from/%C3%A4%2B");
    ck_assert_msg(strstr(s3_message, copies[_i].message), "%s", s3_message);
}
END_TEST

#define TOO_LARGE                                                                                                      \
    {                                                                                                                  \
        "400 Bad Request", "", ERROR_BODY("InvalidRequest")                                                            \
    }
#define SIZE                                                                                                           \
    {                                                                                                                  \
        "200 OK", "Content-Length: 2147483649\r\n", "" /* 2 GiB and a byte: three parts */                             \
    }
#define COPIED                                                                                                         \
    {                                                                                                                  \
        "200 OK", "", "<CopyPartResult><ETag>\"t\"</ETag></CopyPartResult>"                                            \
    }

START_TEST(copy_in_parts)
{
    char text[128];

    S3_PLAY(TOO_LARGE, SIZE, BEGUN, COPIED, COPIED, COPIED, DONE);
    open_root("bucket");
    ck_assert_msg(s3_do(DLFW_OP_COPY, "to", "from", 4, 0) == DLFW_OK, "%s", s3_message);
    ck_assert_str_eq(s3_asked[1].line, "HEAD /bucket/from");
    ck_assert_str_eq(s3_asked[2].line, "POST /bucket/to?uploads=");
    ck_assert_str_eq(s3_asked[5].line, "PUT /bucket/to?partNumber=3&uploadId=up%2F1%2B");
    ck_assert(s3_asked_header(5, "x-amz-copy-source-range", text, sizeof text));
    ck_assert_str_eq(text, "bytes=2147483648-2147483648");
    ck_assert_ptr_nonnull(
        strstr(s3_asked[6].body, "<PartNumber>3</PartNumber><ETag>&quot;t&quot;</ETag></Part></Complete"));
}
END_TEST

/* Nothing stays behind when a part fails. */
START_TEST(copy_in_parts_that_fails_is_aborted)
{
    static const struct s3_answer bad[] = {
        {"403 No", "", ERROR_BODY("AccessDenied")},
        {"200 OK", "", "<Error><Code>AccessDenied</Code><Message>so it is</Message></Error>"},
    };
    struct s3_answer rows[] = {TOO_LARGE, SIZE, BEGUN, COPIED, bad[_i], {"204 No Content", "", ""}};

    s3_play(rows, 6);
    open_root("bucket");
    ck_assert_int_eq(s3_do(DLFW_OP_COPY, "to", "from", 4, 0), DLFW_E_PERMISSION);
    ck_assert_str_eq(s3_asked[5].line, "DELETE /bucket/to?uploadId=up%2F1%2B");
    ck_assert_msg(strstr(s3_message, "COPY to 's3://bucket/to' failed: ") && strstr(s3_message, "AccessDenied"), "%s",
                  s3_message);
    ck_assert_uint_eq(s3_requests, 6);
}
END_TEST

START_TEST(copy_refused_for_another_reason)
{
    S3_PLAY(TOO_LARGE, {"200 OK", "Content-Length: 5\r\n", ""});
    open_root("bucket");
    ck_assert_int_eq(s3_do(DLFW_OP_COPY, "to", "from", 4, 0), DLFW_E_INVALID);
    ck_assert_ptr_nonnull(strstr(s3_message, "400 InvalidRequest: so it is"));
    ck_assert_uint_eq(s3_requests, 2);
}
END_TEST

/* ---- leftovers ---- */

struct names {
    char text[512];
    int32_t answer;
};

static int32_t found(void *ctx, const char *name, uint32_t len, uint64_t size)
{
    struct names *n = ctx;
    size_t at = strlen(n->text);

    snprintf(n->text + at, sizeof n->text - at, "%.*s %llu;", (int)len, name, (unsigned long long)size);
    return n->answer;
}

START_TEST(old_uploads_are_left_over)
{
    struct names n = {.answer = 1};

    S3_PLAY(
        {"200 OK", "",
         "<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
         "<NextKeyMarker>p/b</NextKeyMarker><NextUploadIdMarker>u2</NextUploadIdMarker>"
         "<Upload><Key>p/a%2Bb</Key><UploadId>u1</UploadId><Initiated>2013-05-24T00:00:00.000Z</Initiated></Upload>"
         "<Upload><Key>p/young</Key><UploadId>u2</UploadId><Initiated>2540-05-24T00:00:00.000Z</Initiated></Upload>"
         "<Upload><Key>p/undated</Key><UploadId>u3</UploadId></Upload>"
         "</ListMultipartUploadsResult>"},
        {"200 OK", "", "<ListPartsResult><Part><Size>7</Size></Part><Part><Size>5</Size></Part></ListPartsResult>"},
        {"204 No Content", "", ""},
        {"200 OK", "", "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>"});
    open_root("bucket/p");
    ck_assert_int_eq(s3_leftovers(s3_be, "", found, &n, &s3_error), DLFW_OK);
    ck_assert_str_eq(n.text, "a+b 12;");
    ck_assert_str_eq(s3_asked[0].line, "GET /bucket?prefix=p%2F&uploads=");
    ck_assert_str_eq(s3_asked[2].line, "DELETE /bucket/p/a%2Bb?uploadId=u1");
    ck_assert_str_eq(s3_asked[3].line, "GET /bucket?key-marker=p%2Fb&prefix=p%2F&upload-id-marker=u2&uploads=");
    ck_assert_uint_eq(s3_requests, 4);
}
END_TEST

/* A slow writer of this process is not a killed one. */
START_TEST(own_uploads_are_not_left_over)
{
    struct names n = {.answer = 1};
    void *handle;

    S3_PLAY(BEGUN,
            {"200 OK", "",
             "<ListMultipartUploadsResult><Upload><Key>k</Key><UploadId>up/1+</UploadId>"
             "<Initiated>2013-05-24T00:00:00Z</Initiated></Upload></ListMultipartUploadsResult>"},
            {"204 No Content", "", ""});
    open_root("bucket");
    handle = begin("k", 0);
    ck_assert_int_eq(s3_leftovers(s3_be, "", found, &n, &s3_error), DLFW_OK);
    ck_assert_str_eq(n.text, "");
    ck_assert_int_eq(with_handle(DLFW_OP_WRITE_ABORT, handle, 0, NULL).status, DLFW_OK);
}
END_TEST

START_TEST(leftovers_that_cannot_be_listed)
{
    struct names n = {.answer = 1};

    S3_PLAY({"403 No", "", ERROR_BODY("AccessDenied")});
    open_root("bucket");
    ck_assert_int_eq(s3_leftovers(s3_be, "", found, &n, &s3_error), DLFW_E_PERMISSION);
    ck_assert_ptr_nonnull(strstr(s3_message, "AccessDenied"));
}
END_TEST

START_TEST(checksums_join)
{
    static const char text[] = "The quick brown fox jumps over the lazy dog";
    const dlfw_host *host = s3_args.host;

    for (size_t cut = 0; cut <= strlen(text); cut++) {
        uint32_t a = host->crc32c(0, text, cut), b = host->crc32c(0, text + cut, strlen(text) - cut);

        ck_assert_uint_eq(s3_crc32c_join(a, b, strlen(text) - cut), host->crc32c(0, text, strlen(text)));
    }
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
    Suite *suite = suite_create("s3_upload");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, parts_are_named_by_the_commit);
    tcase_add_loop_test(tc, bad_commits, 0, COUNT(commits));
    tcase_add_loop_test(tc, commit_is_verified, 0, COUNT(verifies));
    tcase_add_test(tc, an_upload_of_nothing_is_an_empty_object);
    tcase_add_test(tc, a_missing_part_is_told);
    tcase_add_test(tc, a_part_without_tag_is_refused);
    tcase_add_loop_test(tc, an_upload_without_id_is_refused, 0, COUNT(no_ids));
    tcase_add_test(tc, abort_of_what_is_gone);
    tcase_add_test(tc, exclusive_upload);
    tcase_add_loop_test(tc, copy_by_the_service, 0, COUNT(copies));
    tcase_add_test(tc, copy_in_parts);
    tcase_add_loop_test(tc, copy_in_parts_that_fails_is_aborted, 0, 2);
    tcase_add_test(tc, copy_refused_for_another_reason);
    tcase_add_test(tc, old_uploads_are_left_over);
    tcase_add_test(tc, own_uploads_are_not_left_over);
    tcase_add_test(tc, leftovers_that_cannot_be_listed);
    tcase_add_test(tc, checksums_join);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
