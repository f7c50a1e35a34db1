/* SPDX-License-Identifier: Apache-2.0 */
#include "test_gcs_fixture.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "gcs/resource.h"
#include "host/crc.h"

struct dlfw_backend *gcs_be;
struct http_server *gcs_server;
struct gcs_options gcs_options;
char gcs_message[512];
dlfw_error gcs_error;
char gcs_log[8192];

static char endpoint[64];

extern const dlfw_plugin dlfw_plugin_v1;

static void log_line(void *ctx, uint32_t level, const char *text, uint32_t len)
{
    size_t at = strlen(gcs_log);

    (void)ctx;
    (void)level;
    snprintf(gcs_log + at, sizeof gcs_log - at, "%.*s\n", (int)len, text);
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

static void fresh_error(void)
{
    gcs_message[0] = '\0';
    gcs_error =
        (dlfw_error){.struct_size = sizeof gcs_error, .message = gcs_message, .message_cap = sizeof gcs_message};
}

void gcs_start(http_answer *answer, void *ctx)
{
    gcs_be = NULL;
    gcs_log[0] = '\0';
    gcs_server = http_server_start(answer, ctx);
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%u", http_server_port(gcs_server));
    gcs_options = (struct gcs_options){.connect_timeout = 20000000000,
                                       .first_byte_timeout = 30000000000,
                                       .idle_timeout = 30000000000,
                                       .connections = 4,
                                       .max_redirects = 5,
                                       .proxy = "",
                                       .verify_tls = 1,
                                       .anonymous = 1,
                                       .endpoint_url = endpoint,
                                       .checksums = 1};
}

static const dlfw_backend_ops *ops_of_plugin(void)
{
    return dlfw_plugin_v1.ifaces[0]->ops;
}

dlfw_status gcs_open(const char *root)
{
    dlfw_create_args args = {.struct_size = sizeof args,
                             .host = &host,
                             .instance = "test",
                             .options = &gcs_options,
                             .root = root,
                             .numa_node = -1};
    dlfw_status st;

    fresh_error();
    st = ops_of_plugin()->create(&args, &gcs_be, &gcs_error);
    ck_assert(st == DLFW_OK || (gcs_be == NULL && gcs_message[0]));
    return st;
}

void gcs_stop(void)
{
    if (gcs_be)
        ops_of_plugin()->destroy(gcs_be);
    http_server_stop(gcs_server);
}

dlfw_req gcs_request(uint16_t op, const char *key)
{
    return (dlfw_req){.op = op, .key = key, .key_len = (uint32_t)strlen(key)};
}

dlfw_comp gcs_call(dlfw_req *req)
{
    dlfw_comp comp = {.object_size = UINT64_MAX};

    fresh_error();
    req->error = &gcs_error;
    (void)cloud_perform(&gcs_be->cloud, req, &comp);
    ck_assert_msg(comp.status >= 0 || gcs_message[0], "a failure without a message");
    ck_assert_ptr_null(strchr(gcs_message, '\n'));
    return comp;
}

dlfw_status gcs_do(uint16_t op, const char *key, void *buf, uint64_t len, uint16_t flags)
{
    dlfw_req req = gcs_request(op, key);

    req.buf = buf;
    req.buf_cap = req.length = len;
    req.flags = flags;
    return gcs_call(&req).status;
}

const char *gcs_crc_text(const void *data, size_t len)
{
    static char text[16];
    struct text t = {0};

    gcs_add_crc32c(&t, crc32c_update(0, data, len));
    snprintf(text, sizeof text, "%s", t.data);
    text_free(&t);
    return text;
}
