/* SPDX-License-Identifier: Apache-2.0 */
#include "test_s3_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "host/crc.h"

struct dlfw_backend *s3_be;
struct http_server *s3_server;
struct s3_options s3_options;
dlfw_create_args s3_args;
char s3_message[512];
dlfw_error s3_error;
char s3_log[16384];
struct s3_asked s3_asked[S3_ASKED_MAX];
uint32_t s3_requests;

static char endpoint[64];
static const struct s3_answer *script;
static uint32_t script_len;
static pthread_mutex_t script_lock = PTHREAD_MUTEX_INITIALIZER;

extern const dlfw_plugin dlfw_plugin_v1;

static void log_line(void *ctx, uint32_t level, const char *text, uint32_t len)
{
    size_t at = strlen(s3_log);

    (void)ctx;
    (void)level;
    snprintf(s3_log + at, sizeof s3_log - at, "%.*s\n", (int)len, text);
}

static int32_t not_cancelled(void *ctx)
{
    (void)ctx;
    return 0;
}

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint32_t crc32c(uint32_t crc, const void *data, uint64_t len)
{
    return crc32c_update(crc, data, len);
}

static dlfw_status config_fail(void *ctx, const char *option, const char *text, dlfw_error *err)
{
    (void)ctx;
    return dlfw_fail(err, DLFW_E_CONFIG, "option '%s': %s", option, text);
}

static const uint32_t log_level = DLFW_LOG_DEBUG;
static const dlfw_host host = {.struct_size = sizeof(dlfw_host),
                               .version = "test",
                               .log_level = &log_level,
                               .log = log_line,
                               .cancelled = not_cancelled,
                               .now_ns = now_ns,
                               .config_fail = config_fail,
                               .crc32c = crc32c};

static void keep(const struct served_request *r)
{
    struct s3_asked *a = &s3_asked[s3_requests];

    snprintf(a->line, sizeof a->line, "%.15s %.1000s", r->method, r->target);
    snprintf(a->head, sizeof a->head, "%.4095s", r->head);
    free(a->body);
    a->body = malloc(r->body_len + 1);
    ck_assert_ptr_nonnull(a->body);
    if (r->body_len)
        memcpy(a->body, r->body, r->body_len);
    a->body[r->body_len] = '\0';
    a->body_len = r->body_len;
}

static bool answer(void *ctx, int fd, const struct served_request *r)
{
    const struct s3_answer *row;

    (void)ctx;
    pthread_mutex_lock(&script_lock);
    row = &script[s3_requests < script_len ? s3_requests : script_len - 1];
    if (s3_requests < S3_ASKED_MAX)
        keep(r);
    s3_requests++;
    pthread_mutex_unlock(&script_lock);
    if (strcmp(r->method, "HEAD") == 0) {
        char head[2048];
        int n = snprintf(head, sizeof head, "HTTP/1.1 %s\r\n%s%s\r\n", row->status, row->headers,
                         strstr(row->headers, "ontent-") ? "" : "Content-Length: 0\r\n");

        return write(fd, head, (size_t)n) == n;
    }
    serve_text(fd, row->status, row->headers, row->body, strlen(row->body));
    return true;
}

void s3_play(const struct s3_answer *answers, uint32_t count)
{
    pthread_mutex_lock(&script_lock);
    script = answers;
    script_len = count;
    s3_requests = 0;
    pthread_mutex_unlock(&script_lock);
}

extern char **environ;

/* What the machine has set must not reach a test. */
static void clear_environment(void)
{
    for (char **at = environ; at && *at;) {
        char name[256];

        snprintf(name, sizeof name, "%.*s", (int)strcspn(*at, "="), *at);
        if (strncmp(name, "AWS_", 4) == 0) {
            unsetenv(name);
            at = environ;
        } else {
            at++;
        }
    }
    setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials", 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
}

void s3_start(void)
{
    static const struct s3_answer nothing = {"500 Nothing", "", ""};

    clear_environment();
    s3_be = NULL;
    s3_log[0] = '\0';
    s3_play(&nothing, 1);
    s3_server = http_server_start(answer, NULL);
    s3_endpoint(endpoint, sizeof endpoint);
    s3_options = (struct s3_options){.connect_timeout = 2000000000,
                                     .first_byte_timeout = 3000000000,
                                     .idle_timeout = 3000000000,
                                     .connections = 4,
                                     .max_redirects = 5,
                                     .proxy = "",
                                     .verify_tls = 1,
                                     .endpoint_url = endpoint,
                                     .access_key_id = S3_TEST_ID,
                                     .secret_access_key = S3_TEST_SECRET,
                                     .delete_batch = 1000,
                                     .stale_upload_age = 86400ull * 1000000000u,
                                     .checksums = 1};
    s3_args = (dlfw_create_args){
        .struct_size = sizeof s3_args, .host = &host, .instance = "test", .options = &s3_options, .numa_node = -1};
}

void s3_endpoint(char *buf, size_t cap)
{
    snprintf(buf, cap, "http://127.0.0.1:%u", http_server_port(s3_server));
}

static void fresh_error(void)
{
    s3_message[0] = '\0';
    s3_error = (dlfw_error){.struct_size = sizeof s3_error, .message = s3_message, .message_cap = sizeof s3_message};
}

static const dlfw_backend_ops *ops_of_plugin(void)
{
    return dlfw_plugin_v1.ifaces[0]->ops;
}

dlfw_status s3_open(const char *root)
{
    dlfw_status st;

    fresh_error();
    s3_args.root = root;
    st = ops_of_plugin()->create(&s3_args, &s3_be, &s3_error);
    ck_assert(st == DLFW_OK || (s3_be == NULL && s3_message[0]));
    return st;
}

void s3_stop(void)
{
    if (s3_be)
        ops_of_plugin()->destroy(s3_be);
    http_server_stop(s3_server);
    for (uint32_t i = 0; i < S3_ASKED_MAX; i++)
        free(s3_asked[i].body);
    s3_check_secrets();
}

dlfw_req s3_request_of(uint16_t op, const char *key)
{
    fresh_error();
    return (dlfw_req){.op = op, .key = key, .key_len = (uint32_t)strlen(key), .error = &s3_error};
}

dlfw_comp s3_call(dlfw_req *req)
{
    dlfw_comp comp = {0};

    cloud_perform((struct cloud *)s3_be, req, &comp);
    ck_assert(comp.status >= 0 || s3_message[0]);
    return comp;
}

dlfw_status s3_check_instance(void)
{
    return ops_of_plugin()->check(s3_be, &s3_error);
}

dlfw_status s3_do(uint16_t op, const char *key, const void *buf, uint64_t len, uint16_t flags)
{
    dlfw_req req = s3_request_of(op, key);

    req.buf = (void *)(uintptr_t)buf;
    req.buf_cap = req.length = len;
    req.flags = flags;
    return s3_call(&req).status;
}

const char *s3_crc_text(const void *data, size_t len)
{
    static char buf[16];
    uint32_t crc = crc32c(0, data, len);
    const uint8_t bytes[4] = {(uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8), (uint8_t)crc};
    struct text t = {0};

    cloud_base64(&t, bytes, 4, false);
    snprintf(buf, sizeof buf, "%s", t.data);
    text_free(&t);
    return buf;
}

bool s3_asked_header(uint32_t request, const char *name, char *buf, size_t cap)
{
    const char *line = s3_asked[request].head;
    size_t len = strlen(name);

    ck_assert_uint_lt(request, s3_requests);
    while ((line = strstr(line, "\r\n"))) {
        line += 2;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            snprintf(buf, cap, "%.*s", (int)strcspn(line + len + 2, "\r"), line + len + 2);
            return true;
        }
    }
    return false;
}

void s3_check_secrets(void)
{
    static const char *const secrets[] = {S3_TEST_SECRET, S3_TEST_TOKEN, "Signature=", "X-Amz-Signature"};

    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        ck_assert_msg(!strstr(s3_message, secrets[i]), "a secret in '%s'", s3_message);
        ck_assert_msg(!strstr(s3_log, secrets[i]), "a secret in the log");
    }
}
