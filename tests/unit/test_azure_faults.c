/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin against a server that says what Azure may say: refusals that have a way on, and those that have none. */
#include <check.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "azure/azure.h"
#include "mock/fake_host.h"
#include "support/http_server.h"

#define FAULT(code) "x-ms-error-code: " code "\r\nx-ms-request-id: req-1\r\n"

static struct fake_host host;
static struct http_server *server;
static struct az_options options;
static const dlfw_backend_ops *ops;
static dlfw_backend *be;
static dlfw_queue *queue;
static char message[512];
static _Atomic int step; /* the server's */

static void set_up(http_answer *answer)
{
    static char url[64];
    dlfw_create_args args = {.struct_size = sizeof args,
                             .host = &host.table,
                             .host_ctx = &host,
                             .instance = "test",
                             .options = &options,
                             .root = "acct/box/pre"};
    dlfw_queue_args queue_args = {.struct_size = sizeof queue_args, .depth = 16, .cpu = -1};
    dlfw_error err = FAKE_ERROR(message);
    void *so = dlopen(DLFW_TEST_PLUGIN_DIR "/dlfw-backend-azure.so", RTLD_NOW);
    const dlfw_plugin *plugin = so ? dlsym(so, "dlfw_plugin_v1") : NULL;

    ck_assert_msg(plugin, "%s", dlerror());
    ops = plugin->ifaces[0]->ops;
    fake_host_init(&host);
    host.log_level = DLFW_LOG_DEBUG;
    step = 0;
    server = http_server_start(answer, NULL);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", http_server_port(server));
    options.connect_timeout = options.first_byte_timeout = options.idle_timeout = 3000000000u;
    options.connections = 8;
    options.max_redirects = 5;
    options.endpoint_url = url;
    ck_assert_msg(ops->create(&args, &be, &err) == DLFW_OK, "%s", message);
    ck_assert_int_eq(ops->queue_create(be, &queue_args, &queue, &err), DLFW_OK);
}

static void with_key(http_answer *answer)
{
    options = (struct az_options){.account_key = "c0VjUmVU"};
    set_up(answer);
}

static void tear_down(void)
{
    ops->queue_destroy(queue);
    ops->destroy(be);
    http_server_stop(server);
    ck_assert_ptr_null(strstr(host.log, "sEcReT"));
    ck_assert_ptr_null(strstr(message, "sEcReT"));
}

/* Sends n requests together; comps in the order of reqs. */
static void call_all(dlfw_req *reqs, dlfw_comp *comps, uint32_t n)
{
    dlfw_req *list[16];
    uint32_t done = 0;

    for (uint32_t i = 0; i < n; i++)
        list[i] = &reqs[i];
    ck_assert_int_eq(ops->submit(queue, list, n), (int32_t)n);
    while (done < n) {
        dlfw_comp got[16] = {{0}};
        int32_t k = ops->reap(queue, got, 16, 1, 5000000000u);

        ck_assert_msg(k > 0, "no completion");
        for (int32_t i = 0; i < k; i++, done++)
            comps[got[i].req - reqs] = got[i];
    }
}

static dlfw_comp call(dlfw_req *req)
{
    static dlfw_error err;
    dlfw_comp comp = {0};

    message[0] = '\0';
    err = (dlfw_error)FAKE_ERROR(message);
    req->error = &err;
    call_all(req, &comp, 1);
    return comp;
}

static dlfw_req request(uint16_t op, const char *key)
{
    return (dlfw_req){.op = op, .key = key, .key_len = (uint32_t)strlen(key)};
}

static dlfw_status simple(uint16_t op, const char *key)
{
    dlfw_req req = request(op, key);

    return call(&req).status;
}

/* ---- refusals that have a way on ---- */

/* A server whose clock is a year behind takes nothing that is dated by ours. */
static bool other_clock(void *ctx, int fd, const struct served_request *r)
{
    char date[64];

    (void)ctx;
    ck_assert(served_header(r, "x-ms-date", date, sizeof date));
    if (strstr(date, "2020"))
        serve_text(fd, "202 Accepted", "", "", 0);
    else
        serve_text(fd, "403 Forbidden", FAULT("AuthenticationFailed") "Date: Sat, 21 Nov 2020 12:34:56 GMT\r\n", "", 0);
    return true;
}

START_TEST(clocks_are_corrected)
{
    with_key(other_clock);
    ck_assert_int_eq(simple(DLFW_OP_DELETE, "a"), DLFW_OK);
    ck_assert_uint_eq(http_server_requests(server), 2);
    ck_assert_ptr_nonnull(strstr(host.log, "apart"));
    ck_assert_int_eq(simple(DLFW_OP_DELETE, "b"), DLFW_OK); /* and stay so */
    ck_assert_uint_eq(http_server_requests(server), 3);
    tear_down();
}
END_TEST

static bool wrong_key(void *ctx, int fd, const struct served_request *r)
{
    static const char body[] =
        "<Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate the request."
        "\nRequestId:req-1</Message></Error>";

    (void)ctx;
    (void)r;
    serve_text(fd, "403 Forbidden", FAULT("AuthenticationFailed"), body, sizeof body - 1);
    return true;
}

START_TEST(a_wrong_key_is_asked_once)
{
    with_key(wrong_key);
    ck_assert_int_eq(simple(DLFW_OP_DELETE, "a"), DLFW_E_AUTH);
    ck_assert_uint_eq(http_server_requests(server), 1);
    ck_assert_str_eq(message,
                     "DELETE 'az://acct/box/pre/a' failed: 403 AuthenticationFailed: Server failed to authenticate the "
                     "request. (request id 'req-1')");
    tear_down();
}
END_TEST

/* Hands out tokens and refuses the first one. */
static bool short_token(void *ctx, int fd, const struct served_request *r)
{
    char value[64];

    (void)ctx;
    if (strncmp(r->target,
                "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fstorage.azure.com%2F",
                97) == 0) {
        const char *json = step++ == 0 ? "{\"access_token\":\"sEcReT-old\",\"expires_in\":\"86400\"}"
                                       : "{\"access_token\":\"sEcReT-new\",\"expires_in\":86400}";

        ck_assert(served_header(r, "metadata", value, sizeof value) && strcmp(value, "true") == 0);
        serve_text(fd, "200 OK", "", json, strlen(json));
        return true;
    }
    ck_assert(served_header(r, "authorization", value, sizeof value));
    if (strcmp(value, "Bearer sEcReT-new") == 0)
        serve_text(fd, "202 Accepted", "", "", 0);
    else
        serve_text(fd, "401 Unauthorized", FAULT("InvalidAuthenticationInfo"), "", 0);
    return true;
}

/* The machine's service is where the environment says. */
static void use_managed(http_answer *answer)
{
    char url[64];

    options = (struct az_options){.use_managed_identity = 1};
    set_up(answer);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", http_server_port(server));
    setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", url, 1);
}

START_TEST(refused_tokens_are_renewed)
{
    use_managed(short_token);
    ck_assert_int_eq(simple(DLFW_OP_DELETE, "a"), DLFW_OK);
    ck_assert_int_eq(step, 2);
    ck_assert_int_eq(simple(DLFW_OP_DELETE, "b"), DLFW_OK);
    ck_assert_int_eq(step, 2);
    tear_down();
}
END_TEST

static bool no_token(void *ctx, int fd, const struct served_request *r)
{
    static const char json[] =
        "{\"error\":\"invalid_request\",\"error_description\":\"Identity not found\\r\\nTrace\"}";

    (void)ctx;
    (void)r;
    serve_text(fd, "400 Bad Request", "", json, sizeof json - 1);
    return true;
}

START_TEST(tokens_that_do_not_come)
{
    use_managed(no_token);
    ck_assert_int_eq(simple(DLFW_OP_DELETE, "a"), DLFW_E_AUTH);
    ck_assert_ptr_nonnull(strstr(message,
                                 "no token from the managed identity service of the machine: 400: invalid_request: "
                                 "Identity not found"));
    tear_down();
}
END_TEST

static bool directory(void *ctx, int fd, const struct served_request *r)
{
    static const char json[] = "{\"access_token\":\"tok\",\"expires_in\":3600}";
    char value[64];

    (void)ctx;
    if (strcmp(r->method, "POST") == 0) {
        ck_assert_str_eq(r->target, "/tenant-1/oauth2/v2.0/token");
        ck_assert_ptr_nonnull(strstr(r->body,
                                     "grant_type=client_credentials&client_id=app&scope=https%3A%2F%2Fstorage.azure.com"
                                     "%2F.default&client_secret=sEcReT%26x"));
        serve_text(fd, "200 OK", "", json, sizeof json - 1);
        return true;
    }
    ck_assert(served_header(r, "authorization", value, sizeof value) && strcmp(value, "Bearer tok") == 0);
    serve_text(fd, "202 Accepted", "", "", 0);
    return true;
}

START_TEST(client_secrets)
{
    char url[64];

    options = (struct az_options){.tenant_id = "tenant-1", .client_id = "app", .client_secret = "sEcReT&x"};
    set_up(directory);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", http_server_port(server));
    setenv("AZURE_AUTHORITY_HOST", url, 1);
    ck_assert_int_eq(simple(DLFW_OP_DELETE, "a"), DLFW_OK);
    tear_down();
}
END_TEST

/* ---- containers ---- */

static bool container_is_there(void *ctx, int fd, const struct served_request *r)
{
    (void)ctx;
    ck_assert_str_eq(r->target, "/acct/box?restype=container");
    serve_text(fd, "409 Conflict", FAULT("ContainerAlreadyExists"), "", 0);
    return true;
}

static bool container_is_only_readable(void *ctx, int fd, const struct served_request *r)
{
    static const char empty[] = "<EnumerationResults><Blobs/></EnumerationResults>";

    (void)ctx;
    if (strcmp(r->method, "PUT") == 0)
        serve_text(fd, "403 Forbidden", FAULT("AuthorizationPermissionMismatch"), "", 0);
    else
        serve_text(fd, "200 OK", "", empty, sizeof empty - 1);
    return true;
}

static bool container_is_forbidden(void *ctx, int fd, const struct served_request *r)
{
    (void)ctx;
    (void)r;
    serve_text(fd, "403 Forbidden", FAULT("AuthorizationFailure"), "", 0);
    return true;
}

START_TEST(making_of_containers)
{
    with_key(container_is_there);
    ck_assert_int_eq(simple(DLFW_OP_MAKE_ROOT, ""), DLFW_OK);
    tear_down();
    with_key(container_is_only_readable);
    ck_assert_int_eq(simple(DLFW_OP_MAKE_ROOT, "deep"), DLFW_OK);
    tear_down();
    with_key(container_is_forbidden);
    ck_assert_int_eq(simple(DLFW_OP_MAKE_ROOT, ""), DLFW_E_PERMISSION);
    tear_down();
}
END_TEST

static bool one_name(void *ctx, int fd, const struct served_request *r)
{
    static const char page[] =
        "<EnumerationResults><Blobs><Blob><Name>pre/d/x</Name></Blob></Blobs></EnumerationResults>";

    (void)ctx;
    ck_assert_str_eq(r->method, "GET");
    ck_assert_ptr_nonnull(strstr(r->target, "prefix=pre%2Fd%2F"));
    serve_text(fd, "200 OK", "", page, sizeof page - 1);
    return true;
}

START_TEST(what_is_not_empty_stays)
{
    with_key(one_name);
    ck_assert_int_eq(simple(DLFW_OP_REMOVE_ROOT, "d"), DLFW_E_BUSY);
    tear_down();
}
END_TEST

/* ---- commits ---- */

/* Takes blocks; the first commit is made, but its answer is an error; the second one finds the blob there. */
static bool doubtful_commit(void *ctx, int fd, const struct served_request *r)
{
    static char list[512];

    (void)ctx;
    if (strstr(r->target, "blockid=")) {
        serve_text(fd, "201 Created", "", "", 0);
    } else if (strcmp(r->method, "GET") == 0) {
        serve_text(fd, "200 OK", "", list, strlen(list));
    } else if (step++ == 0) {
        const char *id = strstr(r->body, "<Latest>") + strlen("<Latest>");
        int len = (int)strcspn(id, "<");
        int other = strstr(r->target, "/other") != NULL;

        snprintf(list, sizeof list,
                 "<BlockList><CommittedBlocks><Block><Name>%.*s%s</Name><Size>5</Size></Block></CommittedBlocks></"
                 "BlockList>",
                 len - other, id, other ? "!" : "");
        serve_text(fd, "500 Internal Server Error", FAULT("InternalError"), "", 0);
    } else {
        serve_text(fd, "409 Conflict", FAULT("BlobAlreadyExists"), "", 0);
    }
    return true;
}

static void *begin(const char *key)
{
    dlfw_req req = request(DLFW_OP_WRITE_BEGIN, key);
    dlfw_comp comp;

    req.flags = DLFW_REQ_EXCLUSIVE;
    comp = call(&req);
    ck_assert_int_eq(comp.status, DLFW_OK);
    return comp.handle;
}

static dlfw_comp part(void *handle, uint64_t number, const char *text)
{
    dlfw_req req = {.op = DLFW_OP_WRITE_PART, .handle = handle, .arg = number, .buf = (void *)(uintptr_t)text};

    req.length = req.buf_cap = strlen(text);
    return call(&req);
}

static dlfw_comp end(void *handle, uint16_t op, uint64_t size)
{
    dlfw_req req = {.op = op, .handle = handle, .arg = size};

    return call(&req);
}

START_TEST(a_commit_that_was_made_is_known)
{
    void *handle;

    with_key(doubtful_commit);
    handle = begin("mine");
    ck_assert_int_eq(part(handle, 0, "hello").status, DLFW_OK);
    ck_assert_uint_ne(end(handle, DLFW_OP_WRITE_COMMIT, 5).flags & DLFW_ERR_RETRYABLE, 0);
    ck_assert_int_eq(end(handle, DLFW_OP_WRITE_COMMIT, 5).status, DLFW_OK);
    tear_down();
}
END_TEST

START_TEST(somebody_elses_blob_is_not_ours)
{
    void *handle;

    with_key(doubtful_commit);
    handle = begin("other");
    ck_assert_int_eq(part(handle, 0, "hello").status, DLFW_OK);
    ck_assert_int_lt(end(handle, DLFW_OP_WRITE_COMMIT, 5).status, 0);
    ck_assert_int_eq(end(handle, DLFW_OP_WRITE_COMMIT, 5).status, DLFW_E_EXISTS);
    ck_assert_int_eq(end(handle, DLFW_OP_WRITE_ABORT, 0).status, DLFW_OK);
    tear_down();
}
END_TEST

static bool takes_all(void *ctx, int fd, const struct served_request *r)
{
    (void)ctx;
    if (strcmp(r->method, "HEAD") == 0)
        dprintf(fd, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
    else
        serve_text(fd, "201 Created", "", "", 0);
    return true;
}

START_TEST(commits_are_whole_or_refused)
{
    void *handle;

    with_key(takes_all);
    handle = begin("x");
    ck_assert_int_eq(part(handle, 1, "hello").status, DLFW_OK);
    ck_assert_int_eq(end(handle, DLFW_OP_WRITE_COMMIT, 5).status, DLFW_E_INVALID);
    ck_assert_ptr_nonnull(strstr(message, "part 0 is missing"));
    ck_assert_int_eq(part(handle, 0, "").status, DLFW_OK); /* an empty part sends nothing */
    ck_assert_int_eq(end(handle, DLFW_OP_WRITE_COMMIT, 6).status, DLFW_E_INVALID);
    ck_assert_int_eq(part(handle, AZ_BLOCKS_MAX, "x").status, DLFW_E_INVALID);
    ck_assert_int_eq(end(handle, DLFW_OP_WRITE_COMMIT, 5).status, DLFW_OK);
    ck_assert_uint_eq(http_server_requests(server), 2);
    tear_down();
}
END_TEST

/* The server says four bytes, five were written. */
START_TEST(what_was_written_is_verified)
{
    void *handle;
    dlfw_comp comp;
    dlfw_req put = request(DLFW_OP_PUT, "x");

    options = (struct az_options){.account_key = "c0VjUmVU", .verify_writes = 1};
    set_up(takes_all);
    put.buf = (void *)(uintptr_t) "hello";
    put.length = put.buf_cap = 5;
    comp = call(&put);
    ck_assert_int_eq(comp.status, DLFW_E_CORRUPT);
    ck_assert_uint_ne(comp.flags & DLFW_ERR_RETRYABLE, 0);
    handle = begin("x");
    ck_assert_int_eq(part(handle, 0, "hello").status, DLFW_OK);
    ck_assert_int_eq(end(handle, DLFW_OP_WRITE_COMMIT, 5).status, DLFW_E_CORRUPT);
    put.length = put.buf_cap = 4;
    ck_assert_int_eq(call(&put).status, DLFW_OK);
    tear_down();
}
END_TEST

/* ---- checksums ---- */

static bool wrong_md5(void *ctx, int fd, const struct served_request *r)
{
    char value[64];

    (void)ctx;
    if (strcmp(r->method, "PUT") == 0)
        ck_assert(served_header(r, "content-md5", value, sizeof value) &&
                  strcmp(value, "XUFAKrxLKna5cZ2REBfFkg==") == 0);
    serve_text(fd, strcmp(r->method, "PUT") == 0 ? "201 Created" : "200 OK",
               "Content-MD5: AAAAAAAAAAAAAAAAAAAAAA==\r\n", "hello", 5);
    return true;
}

START_TEST(md5_is_compared_when_asked_for)
{
    char buf[8];
    dlfw_req req = request(DLFW_OP_GET, "x");

    options = (struct az_options){.account_key = "c0VjUmVU", .checksums = AZ_CHECKSUMS_MD5};
    set_up(wrong_md5);
    req.flags = DLFW_REQ_WHOLE;
    req.buf = buf;
    req.length = 5;
    req.buf_cap = sizeof buf;
    ck_assert_int_eq(call(&req).status, DLFW_E_CORRUPT);
    req = request(DLFW_OP_PUT, "x");
    req.buf = (void *)(uintptr_t) "hello";
    req.length = req.buf_cap = 5;
    ck_assert_int_eq(call(&req).status, DLFW_E_CORRUPT);
    tear_down();
}
END_TEST

/* ---- copies ---- */

static bool slow_copy(void *ctx, int fd, const struct served_request *r)
{
    char source[256];

    (void)ctx;
    if (strcmp(r->method, "PUT") == 0) {
        ck_assert(served_header(r, "x-ms-copy-source", source, sizeof source));
        ck_assert_ptr_nonnull(strstr(source, "/acct/box/pre/from%20here"));
        serve_text(fd, "202 Accepted", "x-ms-copy-status: pending\r\n", "", 0);
        return true;
    }
    dprintf(fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nx-ms-copy-status: %s\r\n\r\n",
            step++ < 2                      ? "pending"
            : strstr(r->target, "/aborted") ? "aborted"
                                            : "success");
    return true;
}

START_TEST(copies_are_waited_for)
{
    dlfw_req req = request(DLFW_OP_COPY, "to");
    uint64_t begun;

    with_key(slow_copy);
    req.buf = (void *)(uintptr_t) "from here";
    req.length = req.buf_cap = 9;
    begun = host.table.now_ns();
    ck_assert_int_eq(call(&req).status, DLFW_OK);
    ck_assert_uint_ge(host.table.now_ns() - begun, 150000000); /* asked every 50 ms, not all the time */
    ck_assert_uint_eq(http_server_requests(server), 4);
    req.key = "aborted";
    req.key_len = 7;
    ck_assert_int_eq(call(&req).status, DLFW_E_IO);
    step = -1000;
    req.deadline_ns = host.table.now_ns() + 120000000;
    ck_assert_int_eq(call(&req).status, DLFW_E_TIMEOUT);
    tear_down();
}
END_TEST

/* ---- batches ---- */

static bool batch(void *ctx, int fd, const struct served_request *r)
{
    static const char body[] =
        "--x\r\nContent-ID: 2\r\n\r\nHTTP/1.1 503 Busy\r\nx-ms-error-code: ServerBusy\r\n\r\n\r\n"
        "--x\r\nContent-ID: 0\r\n\r\nHTTP/1.1 202 Accepted\r\n\r\n\r\n"
        "--x\r\nContent-ID: 1\r\n\r\nHTTP/1.1 404 No\r\nx-ms-error-code: BlobNotFound\r\n\r\n\r\n"
        "--x\r\nContent-ID: 77\r\n\r\nHTTP/1.1 202 Accepted\r\n\r\n\r\n--x--\r\n";

    (void)ctx;
    ck_assert_str_eq(r->target, "/acct/box?comp=batch&restype=container");
    ck_assert_ptr_nonnull(strstr(r->body, "\r\nContent-ID: 0\r\n\r\nDELETE /acct/box/pre/0 HTTP/1.1\r\n"));
    ck_assert_ptr_null(strstr(r->body, ".."));
    serve_text(fd, "202 Accepted", "Content-Type: multipart/mixed; boundary=x\r\n", body, sizeof body - 1);
    return true;
}

START_TEST(each_delete_of_a_batch_ends_for_itself)
{
    static const char *const keys[] = {"0", "1", "2", "3", "../4"};
    static const dlfw_status expected[] = {DLFW_OK, DLFW_E_NOT_FOUND, DLFW_E_THROTTLED, DLFW_E_UNAVAILABLE,
                                           DLFW_E_INVALID};
    dlfw_req reqs[5];
    dlfw_comp comps[5];

    with_key(batch);
    for (uint32_t i = 0; i < 5; i++)
        reqs[i] = request(DLFW_OP_DELETE, keys[i]);
    call_all(reqs, comps, 5);
    ck_assert_uint_eq(http_server_requests(server), 1);
    for (uint32_t i = 0; i < 5; i++)
        ck_assert_msg(comps[i].status == expected[i], "%u: %d", i, comps[i].status);
    ck_assert_uint_ne(comps[2].flags & DLFW_ERR_THROTTLED, 0);
    ck_assert_uint_ne(comps[3].flags & DLFW_ERR_RETRYABLE, 0);
    tear_down();
}
END_TEST

static bool no_batches(void *ctx, int fd, const struct served_request *r)
{
    (void)ctx;
    if (strcmp(r->method, "POST") == 0)
        serve_text(fd, "501 Not Implemented", "", "", 0);
    else
        serve_text(fd, "202 Accepted", "", "", 0);
    return true;
}

START_TEST(services_without_batches)
{
    dlfw_req reqs[2] = {request(DLFW_OP_DELETE, "a"), request(DLFW_OP_DELETE, "b")};
    dlfw_comp comps[2];

    with_key(no_batches);
    call_all(reqs, comps, 2);
    ck_assert(comps[0].status < 0 && (comps[0].flags & DLFW_ERR_RETRYABLE));
    ck_assert(comps[1].status < 0 && (comps[1].flags & DLFW_ERR_RETRYABLE));
    call_all(reqs, comps, 2); /* as a host does */
    ck_assert_int_eq(comps[0].status, DLFW_OK);
    ck_assert_int_eq(comps[1].status, DLFW_OK);
    ck_assert_uint_eq(http_server_requests(server), 3);
    tear_down();
}
END_TEST

/* ---- secrets ---- */

static bool says_busy(void *ctx, int fd, const struct served_request *r)
{
    (void)ctx;
    ck_assert_ptr_nonnull(strstr(r->target, "sig=sEcReT"));
    serve_text(fd, "503 Service Unavailable", FAULT("ServerBusy") "Retry-After: 7\r\n", "", 0);
    return true;
}

START_TEST(signatures_stay_out_of_messages)
{
    dlfw_req req = request(DLFW_OP_STAT, "a");
    dlfw_comp comp;

    options = (struct az_options){.sas_token = "sv=1&sig=sEcReT"};
    set_up(says_busy);
    comp = call(&req);
    ck_assert_int_eq(comp.status, DLFW_E_THROTTLED);
    ck_assert_uint_eq(req.error->retry_after_ms, 7000);
    ck_assert_str_eq(message, "STAT 'az://acct/box/pre/a' failed: 503 ServerBusy (request id 'req-1')");
    tear_down();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("azure_faults");
    TCase *tests = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tests, clocks_are_corrected);
    tcase_add_test(tests, a_wrong_key_is_asked_once);
    tcase_add_test(tests, refused_tokens_are_renewed);
    tcase_add_test(tests, tokens_that_do_not_come);
    tcase_add_test(tests, client_secrets);
    tcase_add_test(tests, making_of_containers);
    tcase_add_test(tests, what_is_not_empty_stays);
    tcase_add_test(tests, a_commit_that_was_made_is_known);
    tcase_add_test(tests, somebody_elses_blob_is_not_ours);
    tcase_add_test(tests, commits_are_whole_or_refused);
    tcase_add_test(tests, what_was_written_is_verified);
    tcase_add_test(tests, md5_is_compared_when_asked_for);
    tcase_add_test(tests, copies_are_waited_for);
    tcase_add_test(tests, each_delete_of_a_batch_ends_for_itself);
    tcase_add_test(tests, services_without_batches);
    tcase_add_test(tests, signatures_stay_out_of_messages);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
