/* SPDX-License-Identifier: Apache-2.0 */
/* What the backend gs asks for, and what it makes of answers, good ones and others. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test_gcs_fixture.h"

/* What the server answers to requests in turn; the last row stays. */
struct reply {
    const char *status;
    const char *headers;
    const char *body;
};

static struct {
    const struct reply *replies;
    uint32_t count;
    uint32_t requests;
    char line[16][512]; /* "GET /target" of each request */
    char head[4096];    /* of the last */
    char body[65536];
    size_t body_len;
} srv;

static bool answer(void *ctx, int fd, const struct served_request *r)
{
    const struct reply *reply = &srv.replies[srv.requests < srv.count ? srv.requests : srv.count - 1];

    (void)ctx;
    if (srv.requests < 16)
        snprintf(srv.line[srv.requests], sizeof *srv.line, "%.15s %.490s", r->method, r->target);
    srv.requests++;
    snprintf(srv.head, sizeof srv.head, "%.4000s", r->head);
    srv.body_len = r->body_len < sizeof srv.body ? r->body_len : sizeof srv.body;
    memcpy(srv.body, r->body, srv.body_len);
    serve_text(fd, reply->status, reply->headers, reply->body, strlen(reply->body));
    return true;
}

static void play(const struct reply *replies, uint32_t count)
{
    srv.replies = replies;
    srv.count = count;
    srv.requests = 0;
}

#define PLAY(...)                                                                                                      \
    do {                                                                                                               \
        static const struct reply rows[] = {__VA_ARGS__};                                                              \
        play(rows, sizeof rows / sizeof *rows);                                                                        \
    } while (0)

static void set_up(void)
{
    memset(&srv, 0, sizeof srv);
    gcs_start(answer, NULL);
    gcs_options.project = "proj 1";
}

static void tear_down(void)
{
    gcs_stop();
}

static void open_root(const char *root)
{
    ck_assert_msg(gcs_open(root) == DLFW_OK, "%s", gcs_message);
}

START_TEST(get_checks_the_hash)
{
    char buf[64];
    dlfw_req req = gcs_request(DLFW_OP_GET, "a b/c");
    dlfw_comp comp;

    open_root("bucket/p");
    req.flags = DLFW_REQ_WHOLE;
    req.buf = buf;
    req.buf_cap = req.length = sizeof buf;
    PLAY({"200 OK", "x-goog-hash: md5=JfnnlDI7RTiF9RgfG2JNCw==\r\nx-goog-hash: crc32c=4waSgw==\r\n", "123456789"},
         {"200 OK", "X-Goog-Hash: crc32c=4waSgw==,md5=x\r\n", "123456780"});
    comp = gcs_call(&req);
    ck_assert_msg(comp.status == DLFW_OK, "%s", gcs_message);
    ck_assert_uint_eq(comp.bytes, 9);
    ck_assert_str_eq(srv.line[0], "GET /storage/v1/b/bucket/o/p%2Fa%20b%2Fc?alt=media");
    ck_assert_ptr_nonnull(strstr(srv.head, "\r\nAccept-Encoding: gzip\r\n"));
    ck_assert_ptr_null(strstr(srv.head, "Authorization"));
    comp = gcs_call(&req);
    ck_assert_int_eq(comp.status, DLFW_E_CORRUPT);
    ck_assert_uint_eq(comp.flags & DLFW_ERR_RETRYABLE, DLFW_ERR_RETRYABLE);
    gcs_be->checksums = false;
    ck_assert_int_eq(gcs_call(&req).status, DLFW_OK);
}
END_TEST

START_TEST(range_is_asked_for)
{
    char buf[4];
    dlfw_req req = gcs_request(DLFW_OP_GET, "k");

    open_root("bucket");
    req.buf = buf;
    req.buf_cap = req.length = 4;
    req.offset = 2;
    PLAY({"206 Partial Content", "Content-Range: bytes 2-5/9\r\nx-goog-hash: crc32c=AAAAAA==\r\n", "3456"});
    ck_assert_int_eq(gcs_call(&req).status, DLFW_OK);
    ck_assert_mem_eq(buf, "3456", 4);
    ck_assert_ptr_nonnull(strstr(srv.head, "\r\nRange: bytes=2-5\r\n"));
}
END_TEST

START_TEST(put_is_one_message)
{
    char data[] = "123456789", boundary[128] = "", expected[1024];
    dlfw_req req = gcs_request(DLFW_OP_PUT, "q\"k");
    dlfw_comp comp;

    open_root("bucket/p");
    req.buf = data;
    req.buf_cap = req.length = 9;
    PLAY({"200 OK", "", "{\"size\":\"9\",\"crc32c\":\"4waSgw==\",\"generation\":\"5\"}"});
    comp = gcs_call(&req);
    ck_assert_msg(comp.status == DLFW_OK, "%s", gcs_message);
    ck_assert_uint_eq(comp.bytes, 9);
    ck_assert_uint_eq(comp.object_size, 9);
    ck_assert_str_eq(srv.line[0],
                     "POST /upload/storage/v1/b/bucket/o?uploadType=multipart&fields=size,crc32c,generation");
    ck_assert_int_eq(
        sscanf(strstr(srv.head, "multipart/related; boundary=\""), "multipart/related; boundary=\"%100[^\"]", boundary),
        1);
    snprintf(
        expected, sizeof expected,
        "--%s\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{\"name\":\"p/q\\\"k\",\"crc32c\":\"4waSgw==\"}"
        "\r\n--%s\r\nContent-Type: application/octet-stream\r\n\r\n123456789\r\n--%s--\r\n",
        boundary, boundary, boundary);
    ck_assert_uint_eq(srv.body_len, strlen(expected));
    ck_assert_mem_eq(srv.body, expected, srv.body_len);
    ck_assert_int_eq(gcs_do(DLFW_OP_PUT, "empty", NULL, 0, DLFW_REQ_EXCLUSIVE), DLFW_E_CORRUPT); /* 9 is not 0 */
    ck_assert_ptr_nonnull(strstr(srv.line[1], "&ifGenerationMatch=0"));
}
END_TEST

START_TEST(damaged_put_is_deleted)
{
    char data[] = "123456789";
    dlfw_req req = gcs_request(DLFW_OP_PUT, "k");
    dlfw_comp comp;

    open_root("bucket");
    req.buf = data;
    req.buf_cap = req.length = 9;
    PLAY({"200 OK", "", "{\"size\":\"9\",\"crc32c\":\"AAAAAA==\",\"generation\":\"5\"}"}, {"204 No Content", "", ""});
    comp = gcs_call(&req);
    ck_assert_int_eq(comp.status, DLFW_E_CORRUPT);
    ck_assert(comp.flags & DLFW_ERR_RETRYABLE);
    ck_assert_str_eq(srv.line[1], "DELETE /storage/v1/b/bucket/o/k?generation=5");
    ck_assert_ptr_nonnull(strstr(gcs_message, "it was deleted"));
    PLAY({"200 OK", "", "{\"size\":\"9\",\"crc32c\":\"AAAAAA==\",\"generation\":\"5\"}"}, {"403 Forbidden", "", ""});
    ck_assert_int_eq(gcs_call(&req).status, DLFW_E_CORRUPT);
    ck_assert_ptr_nonnull(strstr(gcs_message, "it was not deleted"));
    PLAY({"400 Bad Request", "", "{\"error\":{\"message\":\"Provided CRC32C \\\"x\\\" doesn't match\"}}"});
    comp = gcs_call(&req);
    ck_assert_int_eq(comp.status, DLFW_E_CORRUPT);
    ck_assert(comp.flags & DLFW_ERR_RETRYABLE);
}
END_TEST

/* A look at what was written deletes nothing: it may be another writer's by then. */
START_TEST(verified_put)
{
    char data[] = "123456789";

    open_root("bucket");
    gcs_be->cloud.verify_writes = true;
    PLAY({"200 OK", "", "{\"size\":\"9\"}"}, {"200 OK", "", "{\"size\":\"9\",\"crc32c\":\"4waSgw==\"}"});
    ck_assert_int_eq(gcs_do(DLFW_OP_PUT, "k", data, 9, 0), DLFW_OK);
    ck_assert_str_eq(srv.line[1], "GET /storage/v1/b/bucket/o/k?fields=size,crc32c,generation");
    PLAY({"200 OK", "", "{\"size\":\"9\",\"generation\":\"5\"}"},
         {"200 OK", "", "{\"size\":\"8\",\"generation\":\"6\"}"});
    ck_assert_int_eq(gcs_do(DLFW_OP_PUT, "k", data, 9, 0), DLFW_E_CORRUPT);
    ck_assert_uint_eq(srv.requests, 2);
    PLAY({"200 OK", "", "{\"size\":\"9\"}"}, {"404 Not Found", "", ""});
    ck_assert_int_eq(gcs_do(DLFW_OP_PUT, "k", data, 9, 0), DLFW_E_NOT_FOUND);
}
END_TEST

START_TEST(stat_tells_all)
{
    uint64_t room[128];
    dlfw_object_info info;
    dlfw_req req = gcs_request(DLFW_OP_STAT, "k");
    dlfw_comp comp;

    open_root("bucket");
    PLAY({"200 OK", "", "{\"size\":\"9\"}"},
         {"200 OK", "",
          "{\"size\":\"9\",\"crc32c\":\"4waSgw==\",\"md5Hash\":\"JfnnlDI7RTiF9RgfG2JNCw==\",\"updated\":"
          "\"1970-01-01T00:00:02Z\",\"generation\":\"55\",\"storageClass\":\"COLD\",\"metadata\":{\"a\":\"b\"}}"},
         {"200 OK", "", "{}"}, {"404 Not Found", "", "{\"error\":{\"message\":\"No such object: bucket/k\"}}"});
    comp = gcs_call(&req);
    ck_assert_int_eq(comp.status, DLFW_OK);
    ck_assert_uint_eq(comp.object_size, 9);
    ck_assert_str_eq(srv.line[0], "GET /storage/v1/b/bucket/o/k?fields=size");
    req.buf = room;
    req.buf_cap = sizeof room;
    comp = gcs_call(&req);
    ck_assert_int_eq(comp.status, DLFW_OK);
    memcpy(&info, room, sizeof info);
    ck_assert_uint_eq(info.flags, DLFW_INFO_CRC32C | DLFW_INFO_MD5);
    ck_assert_uint_eq(info.crc32c, 0xe3069283u);
    ck_assert_uint_eq(info.mtime_ns, 2000000000u);
    ck_assert_mem_eq((char *)room + info.version_off, "55", 2);
    ck_assert_mem_eq((char *)room + info.storage_class_off, "COLD", 4);
    ck_assert_mem_eq((char *)room + info.metadata_off, "a: b\n", 5);
    ck_assert_int_eq(gcs_call(&req).status, DLFW_E_CORRUPT);
    ck_assert_int_eq(gcs_call(&req).status, DLFW_E_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(gcs_message, "STAT 'gs://bucket/k' failed: 404: No such object"));
}
END_TEST

/* Names of a whole listing, each behind a blank. */
static dlfw_status list_all(const char *key, uint16_t flags, char *names, size_t cap)
{
    uint64_t page[64];
    void *handle = NULL;

    names[0] = '\0';
    for (;;) {
        dlfw_req req = gcs_request(DLFW_OP_LIST, key);
        dlfw_comp comp;

        req.handle = handle;
        req.flags = flags;
        req.buf = page;
        req.buf_cap = req.length = sizeof page;
        comp = gcs_call(&req);
        if (comp.status < 0)
            return comp.status;
        for (uint64_t at = 0; at < comp.bytes; at += sizeof(dlfw_list_entry)) {
            dlfw_list_entry entry;
            size_t len = strlen(names);

            memcpy(&entry, (char *)page + at, sizeof entry);
            snprintf(names + len, cap - len, " %.*s", (int)entry.name_len, (char *)page + entry.name_off);
        }
        if (!(comp.flags & DLFW_COMP_MORE))
            return DLFW_OK;
        handle = comp.handle;
    }
}

START_TEST(listings)
{
    char names[256];

    open_root("bucket/p");
    PLAY({"200 OK", "",
          "{\"prefixes\":[\"p/d/x/\"],\"items\":[{\"name\":\"p/d/a\",\"size\":\"1\"}],\"nextPageToken\":\"n/2\"}"},
         {"200 OK", "", "{\"nextPageToken\":\"n3\"}"},
         {"200 OK", "", "{\"items\":[{\"name\":\"p/d/b\",\"size\":\"1\"},{\"name\":\"elsewhere\",\"size\":\"1\"}]}"},
         {"200 OK", "", "{}"}, {"404 Not Found", "", ""});
    ck_assert_int_eq(list_all("d", 0, names, sizeof names), DLFW_OK);
    ck_assert_str_eq(names, " d/x/ d/a d/b");
    ck_assert_str_eq(srv.line[0], "GET /storage/v1/b/bucket/o?maxResults=1000&fields=nextPageToken,prefixes,"
                                  "items(name,size,updated)&prefix=p%2Fd%2F&delimiter=%2F");
    ck_assert_ptr_nonnull(strstr(srv.line[1], "&pageToken=n%2F2"));
    ck_assert_int_eq(list_all("none", DLFW_REQ_RECURSIVE, names, sizeof names), DLFW_E_NOT_FOUND);
    ck_assert_ptr_null(strstr(srv.line[3], "delimiter"));
    ck_assert_int_eq(list_all("d", 0, names, sizeof names), DLFW_E_NOT_FOUND);
}
END_TEST

START_TEST(all_buckets)
{
    char names[256];

    open_root("");
    PLAY({"200 OK", "", "{\"items\":[{\"name\":\"one\"},{\"name\":\"two\"}]}"},
         {"200 OK", "", "{\"items\":[{\"name\":\"d/a\",\"size\":\"1\"}]}"}, {"200 OK", "", "{}"},
         {"200 OK", "", "{\"size\":\"7\"}"});
    ck_assert_int_eq(list_all("", 0, names, sizeof names), DLFW_OK);
    ck_assert_str_eq(names, " one/ two/");
    ck_assert_str_eq(srv.line[0], "GET /storage/v1/b?fields=nextPageToken,items(name)&project=proj%201");
    ck_assert_int_eq(list_all("one/d", DLFW_REQ_RECURSIVE, names, sizeof names), DLFW_OK);
    ck_assert_str_eq(names, " one/d/a");
    ck_assert_str_eq(srv.line[1], "GET /storage/v1/b/one/o?maxResults=1000&fields=nextPageToken,prefixes,"
                                  "items(name,size,updated)&prefix=d%2F");
    ck_assert_int_eq(list_all("one", 0, names, sizeof names), DLFW_OK); /* an empty bucket is one */
    ck_assert_str_eq(names, "");
    ck_assert_int_eq(gcs_do(DLFW_OP_STAT, "two/k", NULL, 0, 0), DLFW_OK);
    ck_assert_str_eq(srv.line[3], "GET /storage/v1/b/two/o/k?fields=size");
    ck_assert_int_eq(gcs_do(DLFW_OP_STAT, "two", NULL, 0, 0), DLFW_E_INVALID);
    ck_assert_int_eq(list_all("", DLFW_REQ_RECURSIVE, names, sizeof names), DLFW_E_UNSUPPORTED);
    ck_assert_int_eq(gcs_do(DLFW_OP_MAKE_ROOT, "", NULL, 0, 0), DLFW_OK);
    ck_assert_uint_eq(srv.requests, 4);
}
END_TEST

START_TEST(copies_in_steps)
{
    char source[] = "from/a";
    dlfw_req req = gcs_request(DLFW_OP_COPY, "to b");
    dlfw_comp comp;

    open_root("bucket/p");
    req.buf = source;
    req.buf_cap = req.length = strlen(source);
    PLAY({"200 OK", "", "{\"done\":false,\"rewriteToken\":\"t+1\"}"},
         {"200 OK", "", "{\"done\":false,\"rewriteToken\":\"t2\"}"},
         {"200 OK", "", "{\"done\":true,\"objectSize\":\"70000000000\"}"}, {"200 OK", "", "{\"done\":false}"},
         {"200 OK", "", "{}"}, {"404 Not Found", "", ""});
    comp = gcs_call(&req);
    ck_assert_msg(comp.status == DLFW_OK, "%s", gcs_message);
    ck_assert_uint_eq(comp.object_size, 70000000000u);
    ck_assert_str_eq(srv.line[0], "POST /storage/v1/b/bucket/o/p%2Ffrom%2Fa/rewriteTo/b/bucket/o/p%2Fto%20b"
                                  "?fields=done,rewriteToken,objectSize");
    ck_assert_ptr_nonnull(strstr(srv.line[1], "&rewriteToken=t%2B1"));
    ck_assert_ptr_nonnull(strstr(srv.line[2], "&rewriteToken=t2"));
    ck_assert_int_eq(gcs_call(&req).status, DLFW_E_CORRUPT);
    ck_assert_int_eq(gcs_call(&req).status, DLFW_E_CORRUPT);
    ck_assert_int_eq(gcs_call(&req).status, DLFW_E_NOT_FOUND);
}
END_TEST

START_TEST(buckets_are_made)
{
    open_root("bucket/p");
    PLAY({"200 OK", "", "{}"});
    ck_assert_int_eq(gcs_do(DLFW_OP_MAKE_ROOT, "", NULL, 0, 0), DLFW_OK);
    ck_assert_uint_eq(srv.requests, 1);
    PLAY({"404 Not Found", "", ""}, {"200 OK", "", "{\"name\":\"bucket\"}"});
    ck_assert_int_eq(gcs_do(DLFW_OP_MAKE_ROOT, "sub", NULL, 0, 0), DLFW_OK);
    ck_assert_str_eq(srv.line[1], "POST /storage/v1/b?fields=name&project=proj%201");
    ck_assert_mem_eq(srv.body, "{\"name\":\"bucket\"}", srv.body_len);
    PLAY({"404 Not Found", "", ""}, {"409 Conflict", "", "{}"});
    ck_assert_int_eq(gcs_do(DLFW_OP_MAKE_ROOT, "", NULL, 0, 0), DLFW_OK);
    PLAY({"403 Forbidden", "", "{}"}); /* there, and not ours to look into */
    ck_assert_int_eq(gcs_do(DLFW_OP_MAKE_ROOT, "", NULL, 0, 0), DLFW_OK);
    PLAY({"404 Not Found", "", ""}, {"403 Forbidden", "", "{}"});
    ck_assert_int_eq(gcs_do(DLFW_OP_MAKE_ROOT, "", NULL, 0, 0), DLFW_E_PERMISSION);
    free(gcs_be->project);
    gcs_be->project = NULL;
    PLAY({"404 Not Found", "", ""}, {"200 OK", "", "{}"}); /* other servers may do without projects */
    ck_assert_int_eq(gcs_do(DLFW_OP_MAKE_ROOT, "", NULL, 0, 0), DLFW_OK);
    ck_assert_str_eq(srv.line[1], "POST /storage/v1/b?fields=name");
    gcs_be->is_google = true;
    PLAY({"404 Not Found", "", ""});
    ck_assert_int_eq(gcs_do(DLFW_OP_MAKE_ROOT, "", NULL, 0, 0), DLFW_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(gcs_message, "'project'"));
}
END_TEST

START_TEST(buckets_are_removed)
{
    open_root("bucket");
    PLAY({"204 No Content", "", ""});
    ck_assert_int_eq(gcs_do(DLFW_OP_REMOVE_ROOT, "", NULL, 0, 0), DLFW_OK);
    ck_assert_str_eq(srv.line[0], "DELETE /storage/v1/b/bucket");
    PLAY({"409 Conflict", "", "{\"error\":{\"message\":\"The bucket you tried to delete is not empty.\"}}"});
    ck_assert_int_eq(gcs_do(DLFW_OP_REMOVE_ROOT, "", NULL, 0, 0), DLFW_E_BUSY);
    PLAY({"404 Not Found", "", ""});
    ck_assert_int_eq(gcs_do(DLFW_OP_REMOVE_ROOT, "", NULL, 0, 0), DLFW_E_NOT_FOUND);
    /* a place in a bucket is there as long as something is below it */
    PLAY({"200 OK", "", "{\"items\":[{\"name\":\"d/x\"}]}"}, {"200 OK", "", "{}"});
    ck_assert_int_eq(gcs_do(DLFW_OP_REMOVE_ROOT, "d", NULL, 0, 0), DLFW_E_BUSY);
    ck_assert_ptr_nonnull(strstr(srv.line[0], "&prefix=d%2F"));
    ck_assert_int_eq(gcs_do(DLFW_OP_REMOVE_ROOT, "d", NULL, 0, 0), DLFW_OK);
}
END_TEST

START_TEST(errors)
{
    static const struct {
        struct reply reply;
        dlfw_status expected;
        uint32_t flags;
        const char *says;
    } rows[] = {
        {{"400 Bad Request", "", "{\"error\":{\"message\":\"odd\",\"errors\":[{\"reason\":\"invalid\"}]}}"},
         DLFW_E_INVALID,
         0,
         "400 invalid: odd"},
        {{"401 Unauthorized", "", "Anonymous caller"}, DLFW_E_AUTH, 0, "401: Anonymous caller"},
        {{"403 Forbidden", "", "{\"error\":{\"message\":\"no\",\"errors\":[{\"reason\":\"forbidden\"}]}}"},
         DLFW_E_PERMISSION,
         0,
         "403 forbidden: no"},
        {{"403 Forbidden", "", "{\"error\":{\"message\":\"slow\",\"errors\":[{\"reason\":\"rateLimitExceeded\"}]}}"},
         DLFW_E_THROTTLED,
         DLFW_ERR_RETRYABLE | DLFW_ERR_THROTTLED,
         "rateLimitExceeded"},
        {{"408 Timeout", "", ""}, DLFW_E_TIMEOUT, DLFW_ERR_RETRYABLE, "408"},
        {{"412 Precondition Failed", "", ""}, DLFW_E_UNAVAILABLE, DLFW_ERR_RETRYABLE, "412"},
        {{"429 Too Many", "Retry-After: 3\r\n", ""}, DLFW_E_THROTTLED, DLFW_ERR_RETRYABLE | DLFW_ERR_THROTTLED, "429"},
        {{"500 Oops", "X-GUploader-UploadID: req-7\r\n", "<html>"},
         DLFW_E_UNAVAILABLE,
         DLFW_ERR_RETRYABLE,
         "500 (request id 'req-7')"},
        {{"503 Later", "", ""}, DLFW_E_THROTTLED, DLFW_ERR_RETRYABLE | DLFW_ERR_THROTTLED, "503"},
        {{"200 OK", "", "nonsense"}, DLFW_E_CORRUPT, 0, "no JSON document"},
    };

    open_root("bucket");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        play(&rows[i].reply, 1);
        ck_assert_msg(gcs_do(DLFW_OP_STAT, "k", NULL, 0, 0) == rows[i].expected, "row %zu: %s", i, gcs_message);
        ck_assert_uint_eq(gcs_error.flags, rows[i].flags);
        ck_assert_msg(strstr(gcs_message, rows[i].says) != NULL, "row %zu: %s", i, gcs_message);
        ck_assert_uint_eq(srv.requests, 1);
    }
    ck_assert_uint_eq(gcs_error.retry_after_ms, 0);
    play(&rows[6].reply, 1);
    (void)gcs_do(DLFW_OP_STAT, "k", NULL, 0, 0);
    ck_assert_uint_eq(gcs_error.retry_after_ms, 3000);
}
END_TEST

/* A user's token that the service refuses is replaced once; the second refusal is an error. */
START_TEST(refused_token)
{
    char path[] = "gcs-user-XXXXXX", json[512];
    FILE *file = fdopen(mkstemp(path), "w");

    snprintf(json, sizeof json,
             "{\"type\":\"authorized_user\",\"client_id\":\"i\",\"client_secret\":\"very-secret\",\"refresh_token\":"
             "\"r-secret\",\"token_uri\":\"http://127.0.0.1:%u/token\"}",
             http_server_port(gcs_server));
    fputs(json, file);
    fclose(file);
    gcs_options.anonymous = 0;
    gcs_options.credentials = path;
    open_root("bucket");
    unlink(path);
    PLAY({"200 OK", "", "{\"access_token\":\"first-secret\",\"expires_in\":3600}"}, {"401 Unauthorized", "", ""},
         {"200 OK", "", "{\"access_token\":\"second-secret\",\"expires_in\":3600}"},
         {"200 OK", "", "{\"size\":\"3\"}"});
    ck_assert_msg(gcs_do(DLFW_OP_STAT, "k", NULL, 0, 0) == DLFW_OK, "%s", gcs_message);
    ck_assert_uint_eq(srv.requests, 4);
    ck_assert_ptr_nonnull(strstr(srv.head, "\r\nAuthorization: Bearer second-secret\r\n"));
    PLAY({"401 Unauthorized", "", ""}, {"200 OK", "", "{\"access_token\":\"third-secret\"}"},
         {"401 Unauthorized", "", "{\"error\":{\"message\":\"Invalid Credentials\"}}"});
    ck_assert_int_eq(gcs_do(DLFW_OP_STAT, "k", NULL, 0, 0), DLFW_E_AUTH);
    ck_assert_uint_eq(srv.requests, 3);
    ck_assert_ptr_null(strstr(gcs_message, "secret"));
    ck_assert_ptr_null(strstr(gcs_log, "secret"));
}
END_TEST

START_TEST(user_project_pays)
{
    gcs_options.user_project = "who pays";
    gcs_options.anonymous = 0;
    gcs_options.access_token = "tok";
    open_root("bucket");
    PLAY({"204 No Content", "", ""}, {"200 OK", "", "{\"size\":\"3\"}"});
    ck_assert_int_eq(gcs_do(DLFW_OP_DELETE, "k", NULL, 0, 0), DLFW_OK);
    ck_assert_str_eq(srv.line[0], "DELETE /storage/v1/b/bucket/o/k?userProject=who%20pays");
    ck_assert_int_eq(gcs_do(DLFW_OP_STAT, "k", NULL, 0, 0), DLFW_OK);
    ck_assert_str_eq(srv.line[1], "GET /storage/v1/b/bucket/o/k?fields=size&userProject=who%20pays");
    ck_assert_ptr_nonnull(strstr(srv.head, "\r\nAuthorization: Bearer tok\r\n"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gcs_calls");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, get_checks_the_hash);
    tcase_add_test(tc, range_is_asked_for);
    tcase_add_test(tc, put_is_one_message);
    tcase_add_test(tc, damaged_put_is_deleted);
    tcase_add_test(tc, verified_put);
    tcase_add_test(tc, stat_tells_all);
    tcase_add_test(tc, listings);
    tcase_add_test(tc, all_buckets);
    tcase_add_test(tc, copies_in_steps);
    tcase_add_test(tc, buckets_are_made);
    tcase_add_test(tc, buckets_are_removed);
    tcase_add_test(tc, errors);
    tcase_add_test(tc, refused_token);
    tcase_add_test(tc, user_project_pays);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
