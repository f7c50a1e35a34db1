/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resumable uploads against a server that keeps to the protocol's documents and has a bad day now and then: it keeps
 * less than was sent, loses connections before or after it took the bytes, loses bytes, answers with the wrong object.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_gcs_fixture.h"

#define CHUNK 262144u
#define OBJECT_MAX (3u << 20)

static uint8_t content[OBJECT_MAX];

/* The one session the server knows. */
static struct {
    uint8_t data[OBJECT_MAX];
    size_t kept;
    bool is_open, is_done, is_deleted, is_cancelled;
    uint32_t puts, asks, begins, object_gets;
    size_t bytes_received;
    /* the bad day */
    size_t keep_at_most;  /* of one request; 0: all */
    uint32_t lose_before; /* number of the PUT whose connection ends before its bytes are taken, from 1 */
    uint32_t lose_after;  /* the same after they were taken */
    uint32_t fail_put;    /* the PUT that is answered with 503 */
    size_t forget;        /* the first question is answered with so many bytes less */
    bool wrong_crc, wrong_size, no_generation, refuse_hash, forget_session, complete_early;
    bool exists;          /* preconditions fail */
    const char *location; /* instead of the right one */
    const char *begin_status;
    char hash[64];
    char problem[256];
} srv;

static void object_json(int fd)
{
    char json[256], gen[64] = "\"generation\":\"77\",";

    if (srv.no_generation)
        gen[0] = '\0';
    snprintf(json, sizeof json, "{%s\"size\":\"%zu\",\"crc32c\":\"%s\"}", gen, srv.kept + (srv.wrong_size ? 1 : 0),
             srv.wrong_crc ? "AAAAAA==" : gcs_crc_text(srv.data, srv.kept));
    serve_text(fd, "200 OK", "Content-Type: application/json\r\n", json, strlen(json));
}

static void incomplete(int fd)
{
    char range[64] = "";
    size_t kept = srv.kept > srv.forget ? srv.kept - srv.forget : 0;

    srv.forget = 0;
    if (kept)
        snprintf(range, sizeof range, "Range: bytes=0-%zu\r\n", kept - 1);
    serve_text(fd, "308 Resume Incomplete", range, "", 0);
}

static void complain(const char *what)
{
    snprintf(srv.problem, sizeof srv.problem, "%s", what);
}

static bool begin(int fd, const struct served_request *r)
{
    char headers[256];

    srv.begins++;
    if (!strstr(r->target, "uploadType=resumable") || !strstr(r->body, "\"name\":\"data/key one\""))
        complain("begin without type or name");
    if (strstr(r->target, "ifGenerationMatch=0") && srv.exists) {
        serve_text(fd, "412 Precondition Failed", "", "{}", 2);
        return true;
    }
    srv.is_open = true;
    snprintf(headers, sizeof headers, "Location: http://127.0.0.1:%u/session?upload_id=secret-id\r\n",
             http_server_port(gcs_server));
    if (srv.location)
        snprintf(headers, sizeof headers, "Location: %s\r\n", srv.location);
    serve_text(fd, srv.begin_status ? srv.begin_status : "200 OK", headers, "", 0);
    return true;
}

/* Takes bytes [first, first + len). total SIZE_MAX: not known yet. */
static void take(const struct served_request *r, size_t first, size_t total)
{
    size_t len = r->body_len;

    if (total == SIZE_MAX && len % CHUNK != 0)
        complain("a chunk that is not the last is no multiple of 256 KiB");
    if (first > srv.kept)
        complain("a gap");
    if (first > srv.kept || first + len > sizeof srv.data)
        return;
    srv.bytes_received += len;
    if (srv.keep_at_most && total == SIZE_MAX && len > srv.keep_at_most)
        len = srv.keep_at_most;
    memcpy(srv.data + first, r->body, len);
    if (srv.kept < first + len)
        srv.kept = first + len;
}

static bool put(int fd, const struct served_request *r)
{
    unsigned long long first = 0, last = 0, total = 0;
    char range[96] = "", hash[64];
    size_t size = SIZE_MAX;
    bool asks = false;

    if (srv.is_done && !srv.forget_session) {
        object_json(fd);
        return true;
    }
    if (!srv.is_open || srv.is_done) {
        serve_text(fd, "404 Not Found", "", "", 0);
        return true;
    }
    served_header(r, "content-range", range, sizeof range);
    if (served_header(r, "x-goog-hash", hash, sizeof hash))
        snprintf(srv.hash, sizeof srv.hash, "%s", hash);
    if (sscanf(range, "bytes %llu-%llu/%llu", &first, &last, &total) == 3)
        size = total;
    else if (sscanf(range, "bytes */%llu", &total) == 1)
        size = total;
    else if (strcmp(range, "bytes */*") == 0)
        asks = true;
    else if (sscanf(range, "bytes %llu-%llu/*", &first, &last) != 2)
        complain("no range");
    if (!asks && r->body_len && last - first + 1 != r->body_len)
        complain("range and body differ");
    if (asks) {
        srv.asks++;
    } else {
        srv.puts++;
        if (srv.puts == srv.lose_before)
            return false;
        if (srv.puts == srv.fail_put) {
            serve_text(fd, "503 Later", "Retry-After: 2\r\n", "busy", 4);
            return true;
        }
        if (r->body_len)
            take(r, first, size);
    }
    if (size != SIZE_MAX && srv.kept > size)
        complain("more bytes than the total");
    if (size != SIZE_MAX && srv.kept == size) {
        if (srv.refuse_hash) {
            static const char json[] = "{\"error\":{\"code\":400,\"message\":\"Provided CRC32C doesn't match\"}}";

            serve_text(fd, "400 Bad Request", "", json, sizeof json - 1);
            return true;
        }
        srv.is_done = true;
    }
    if (!asks && srv.puts == srv.lose_after)
        return false;
    if (srv.is_done || srv.complete_early)
        object_json(fd);
    else
        incomplete(fd);
    return true;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of srv */

static bool answer_locked(int fd, const struct served_request *r)
{
    if (strcmp(r->method, "POST") == 0 && strncmp(r->target, "/upload/storage/v1/b/bucket/o?", 30) == 0)
        return begin(fd, r);
    if (strcmp(r->method, "PUT") == 0 && strcmp(r->target, "/session?upload_id=secret-id") == 0)
        return put(fd, r);
    if (strcmp(r->method, "DELETE") == 0 && strncmp(r->target, "/session?", 9) == 0) {
        srv.is_cancelled = true;
        srv.is_open = false;
        serve_text(fd, "499 Client Closed Request", "", "", 0);
        return true;
    }
    if (strcmp(r->method, "DELETE") == 0 &&
        strcmp(r->target, "/storage/v1/b/bucket/o/data%2Fkey%20one?generation=77") == 0) {
        srv.is_deleted = true;
        serve_text(fd, "204 No Content", "", "", 0);
        return true;
    }
    if (strcmp(r->method, "GET") == 0 && srv.is_done) {
        srv.object_gets++;
        object_json(fd);
        return true;
    }
    serve_text(fd, "404 Not Found", "", "", 0);
    return true;
}

static bool answer(void *ctx, int fd, const struct served_request *r)
{
    bool more;

    (void)ctx;
    pthread_mutex_lock(&lock);
    more = answer_locked(fd, r);
    pthread_mutex_unlock(&lock);
    return more;
}

static void fresh_server(void)
{
    pthread_mutex_lock(&lock);
    memset(&srv, 0, sizeof srv);
    pthread_mutex_unlock(&lock);
}

static void set_up(void)
{
    fresh_server();
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (uint8_t)(i * 13 + i / 4099);
    gcs_start(answer, NULL);
    ck_assert_int_eq(gcs_open("bucket/data"), DLFW_OK);
}

static void tear_down(void)
{
    ck_assert_str_eq(srv.problem, "");
    gcs_stop();
}

static dlfw_status begin_upload(uint16_t flags, void **handle)
{
    dlfw_req req = gcs_request(DLFW_OP_WRITE_BEGIN, "key one");
    dlfw_comp comp;

    req.flags = flags;
    comp = gcs_call(&req);
    *handle = comp.handle;
    return comp.status;
}

/* One part, asked for again as a host does it while the failure says it may be. */
static dlfw_comp part(void *handle, uint64_t number, uint64_t offset, uint64_t len)
{
    dlfw_comp comp = {0};

    for (int i = 0; i < 4; i++) {
        dlfw_req req = gcs_request(DLFW_OP_WRITE_PART, "");

        req.handle = handle;
        req.arg = number;
        req.offset = offset;
        req.buf = content + offset;
        req.buf_cap = req.length = len;
        comp = gcs_call(&req);
        if (comp.status >= 0)
            ck_assert_uint_eq(comp.bytes, len);
        if (comp.status >= 0 || !(comp.flags & DLFW_ERR_RETRYABLE))
            break;
    }
    return comp;
}

static dlfw_comp end_upload(uint16_t op, void *handle, uint64_t total)
{
    dlfw_comp comp = {0};

    for (int i = 0; i < 4; i++) {
        dlfw_req req = gcs_request(op, "");

        req.handle = handle;
        req.arg = total;
        comp = gcs_call(&req);
        if (comp.status >= 0 || !(comp.flags & DLFW_ERR_RETRYABLE))
            break;
    }
    return comp;
}

/* All of an object in parts of part_size. */
static void upload(uint64_t size, uint64_t part_size)
{
    void *handle;
    uint64_t number = 0;

    ck_assert_msg(begin_upload(0, &handle) == DLFW_OK, "%s", gcs_message);
    for (uint64_t at = 0; at < size; at += part_size)
        ck_assert_msg(part(handle, number++, at, at + part_size < size ? part_size : size - at).status == DLFW_OK, "%s",
                      gcs_message);
    ck_assert_msg(end_upload(DLFW_OP_WRITE_COMMIT, handle, size).status == DLFW_OK, "%s", gcs_message);
    pthread_mutex_lock(&lock); /* the server's threads have written what is looked at now */
    pthread_mutex_unlock(&lock);
    ck_assert(srv.is_done);
    ck_assert_uint_eq(srv.kept, size);
    ck_assert_mem_eq(srv.data, content, size);
}

START_TEST(sizes)
{
    static const struct {
        uint64_t size, part;
    } rows[] = {
        {0, CHUNK},         {1, CHUNK},         {CHUNK - 1, CHUNK},  {CHUNK, CHUNK},
        {CHUNK + 1, CHUNK}, {4 * CHUNK, CHUNK}, {1000000, CHUNK},    {1000000, 2 * CHUNK},
        {2000000, 300000},  {1000000, 100000},  {3 * CHUNK, 777777}, {OBJECT_MAX, 1 << 20},
        {CHUNK + 7, 1000},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char hash[64];

        fresh_server();
        upload(rows[i].size, rows[i].part);
        ck_assert_uint_eq(srv.bytes_received, rows[i].size); /* nothing was sent twice */
        snprintf(hash, sizeof hash, "crc32c=%s", gcs_crc_text(content, rows[i].size));
        ck_assert_str_eq(srv.hash, hash);
        ck_assert_uint_eq(srv.asks, 0);
    }
}
END_TEST

START_TEST(server_keeps_less_than_was_sent)
{
    srv.keep_at_most = CHUNK;
    upload(2500000, 1 << 20);
    ck_assert_uint_gt(srv.bytes_received, 2500000);
}
END_TEST

START_TEST(server_keeps_nothing)
{
    void *handle;

    ck_assert_int_eq(begin_upload(0, &handle), DLFW_OK);
    srv.forget = SIZE_MAX;
    srv.keep_at_most = 1; /* less than a chunk is none */
    ck_assert_int_eq(part(handle, 0, 0, CHUNK).status, DLFW_E_UNAVAILABLE);
    ck_assert_uint_lt(srv.puts, 20);
    ck_assert_int_eq(end_upload(DLFW_OP_WRITE_ABORT, handle, 0).status, DLFW_OK);
}
END_TEST

/* The connection ends before, or after, the server has taken the bytes of request number _i. */
START_TEST(connection_ends)
{
    srv.lose_before = (uint32_t)_i;
    upload(800000, CHUNK);
    ck_assert_uint_eq(srv.bytes_received, 800000);
    fresh_server();
    srv.lose_after = (uint32_t)_i;
    upload(800000, CHUNK);
    ck_assert_uint_eq(srv.bytes_received, 800000); /* it was asked what had arrived */
    fresh_server();
    srv.fail_put = (uint32_t)_i;
    upload(800000, CHUNK);
}
END_TEST

/* The answer to the last request got lost, and the session is not known any more. */
START_TEST(session_gone_after_the_end)
{
    srv.lose_after = 4;
    srv.forget_session = true;
    upload(800000, CHUNK);
    ck_assert_uint_eq(srv.object_gets, 1);
}
END_TEST

START_TEST(session_gone_before_the_end)
{
    void *handle;

    ck_assert_int_eq(begin_upload(0, &handle), DLFW_OK);
    ck_assert_int_eq(part(handle, 0, 0, CHUNK).status, DLFW_OK);
    srv.is_open = false;
    ck_assert_int_eq(part(handle, 1, CHUNK, CHUNK).status, DLFW_E_IO);
    ck_assert_ptr_nonnull(strstr(gcs_message, "uploadGone"));
    ck_assert_ptr_null(strstr(gcs_message, "secret-id"));
    ck_assert_int_eq(end_upload(DLFW_OP_WRITE_COMMIT, handle, CHUNK).status, DLFW_E_IO);
    ck_assert_int_eq(end_upload(DLFW_OP_WRITE_ABORT, handle, 0).status, DLFW_OK);
}
END_TEST

START_TEST(server_loses_bytes)
{
    void *handle;
    dlfw_comp comp;

    ck_assert_int_eq(begin_upload(0, &handle), DLFW_OK);
    ck_assert_int_eq(part(handle, 0, 0, CHUNK).status, DLFW_OK);
    srv.forget = 2 * CHUNK;
    comp = part(handle, 1, CHUNK, CHUNK);
    ck_assert_int_eq(comp.status, DLFW_E_IO);
    ck_assert(!(comp.flags & DLFW_ERR_RETRYABLE)); /* nobody has those bytes any more */
    ck_assert_int_eq(end_upload(DLFW_OP_WRITE_ABORT, handle, 0).status, DLFW_OK);
    ck_assert(srv.is_cancelled);
}
END_TEST

START_TEST(wrong_object_is_deleted)
{
    void *handle;
    dlfw_comp comp;

    srv.wrong_crc = true;
    ck_assert_int_eq(begin_upload(0, &handle), DLFW_OK);
    ck_assert_int_eq(part(handle, 0, 0, 1000).status, DLFW_OK);
    comp = end_upload(DLFW_OP_WRITE_COMMIT, handle, 1000);
    ck_assert_int_eq(comp.status, DLFW_E_CORRUPT);
    ck_assert(!(comp.flags & DLFW_ERR_RETRYABLE));
    ck_assert(srv.is_deleted);
    ck_assert_int_eq(end_upload(DLFW_OP_WRITE_ABORT, handle, 0).status, DLFW_OK);
    /* without a generation nobody knows which object that is */
    fresh_server();
    srv.wrong_size = srv.no_generation = true;
    ck_assert_int_eq(begin_upload(0, &handle), DLFW_OK);
    ck_assert_int_eq(part(handle, 0, 0, 1000).status, DLFW_OK);
    ck_assert_int_eq(end_upload(DLFW_OP_WRITE_COMMIT, handle, 1000).status, DLFW_E_CORRUPT);
    ck_assert(!srv.is_deleted);
    ck_assert_int_eq(end_upload(DLFW_OP_WRITE_ABORT, handle, 0).status, DLFW_OK);
}
END_TEST

START_TEST(service_refuses_the_hash)
{
    void *handle;

    srv.refuse_hash = true;
    ck_assert_int_eq(begin_upload(0, &handle), DLFW_OK);
    ck_assert_int_eq(part(handle, 0, 0, 1000).status, DLFW_OK);
    ck_assert_int_eq(end_upload(DLFW_OP_WRITE_COMMIT, handle, 1000).status, DLFW_E_CORRUPT);
    ck_assert_int_eq(end_upload(DLFW_OP_WRITE_ABORT, handle, 0).status, DLFW_OK);
}
END_TEST

START_TEST(complete_before_its_time)
{
    void *handle;

    srv.complete_early = true;
    ck_assert_int_eq(begin_upload(0, &handle), DLFW_OK);
    ck_assert_int_eq(part(handle, 0, 0, CHUNK).status, DLFW_E_CORRUPT);
    ck_assert_int_eq(end_upload(DLFW_OP_WRITE_ABORT, handle, 0).status, DLFW_OK);
}
END_TEST

START_TEST(exclusive)
{
    void *handle;

    srv.exists = true;
    ck_assert_int_eq(begin_upload(0, &handle), DLFW_OK);
    ck_assert_int_eq(end_upload(DLFW_OP_WRITE_ABORT, handle, 0).status, DLFW_OK);
    ck_assert(srv.is_cancelled);
    ck_assert_int_eq(begin_upload(DLFW_REQ_EXCLUSIVE, &handle), DLFW_E_EXISTS);
}
END_TEST

START_TEST(mistakes_of_the_caller)
{
    void *handle;

    ck_assert_int_eq(begin_upload(0, &handle), DLFW_OK);
    ck_assert_int_eq(part(handle, 0, 0, 5000).status, DLFW_OK);
    ck_assert_int_eq(part(handle, 1, 6000, 5000).status, DLFW_E_INVALID);
    ck_assert_int_eq(part(handle, 0, 0, 5000).status, DLFW_OK); /* once more is no harm */
    ck_assert_int_eq(end_upload(DLFW_OP_WRITE_COMMIT, handle, 4999).status, DLFW_E_INVALID);
    ck_assert_int_eq(end_upload(DLFW_OP_WRITE_ABORT, handle, 0).status, DLFW_OK);
    ck_assert(!srv.is_done);
}
END_TEST

START_TEST(verified)
{
    gcs_be->cloud.verify_writes = true;
    upload(CHUNK, CHUNK);
    ck_assert_uint_eq(srv.object_gets, 1);
}
END_TEST

START_TEST(locations)
{
    static const struct {
        const char *location;
        dlfw_status expected;
    } rows[] = {
        {"/session?upload_id=secret-id", DLFW_OK},
        {"ftp://x/y", DLFW_E_CORRUPT},
        {"nonsense", DLFW_E_CORRUPT},
        {"http://evil@127.0.0.1/x", DLFW_E_CORRUPT},
        {"http://127.0.0.1/a b", DLFW_E_CORRUPT},
        {"", DLFW_E_CORRUPT},
    };
    void *handle;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        srv.location = rows[i].location;
        ck_assert_msg(begin_upload(0, &handle) == rows[i].expected, "'%s': %s", rows[i].location, gcs_message);
        ck_assert_ptr_null(strstr(gcs_message, "secret-id"));
        if (rows[i].expected == DLFW_OK)
            ck_assert_int_eq(end_upload(DLFW_OP_WRITE_ABORT, handle, 0).status, DLFW_OK);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gcs_upload");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, sizes);
    tcase_add_test(tc, server_keeps_less_than_was_sent);
    tcase_add_test(tc, server_keeps_nothing);
    tcase_add_loop_test(tc, connection_ends, 1, 5);
    tcase_add_test(tc, session_gone_after_the_end);
    tcase_add_test(tc, session_gone_before_the_end);
    tcase_add_test(tc, server_loses_bytes);
    tcase_add_test(tc, wrong_object_is_deleted);
    tcase_add_test(tc, service_refuses_the_hash);
    tcase_add_test(tc, complete_before_its_time);
    tcase_add_test(tc, exclusive);
    tcase_add_test(tc, mistakes_of_the_caller);
    tcase_add_test(tc, verified);
    tcase_add_test(tc, locations);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
