/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cloud_toy.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/crc.h"

struct dlfw_backend {
    struct cloud cloud;
    struct http_origin origin;
};

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int32_t never_cancelled(void *ctx)
{
    (void)ctx;
    return 0;
}

static void no_log(void *ctx, uint32_t level, const char *text, uint32_t len)
{
    (void)ctx, (void)level, (void)text, (void)len;
}

static const uint32_t log_level_off;
const dlfw_host toy_host = {.struct_size = sizeof toy_host,
                            .now_ns = now_ns,
                            .cancelled = never_cancelled,
                            .log = no_log,
                            .log_level = &log_level_off,
                            .crc32c = crc32c_update};

/* ---- the toy service: a key is a path, a part is a query ---- */

static void toy_head(struct cloud_call *call, const char *method, const char *query, size_t body)
{
    const struct dlfw_backend *be = (const struct dlfw_backend *)call->cloud;
    struct text *head = &call->x.head;

    call->x.origin = call->redirect_origin.port ? call->redirect_origin : be->origin;
    text_printf(head, "%s ", method);
    if (call->redirect_target.len)
        text_add(head, call->redirect_target.data, call->redirect_target.len);
    else
        text_printf(head, "/%.*s%s", (int)call->key.len, call->key.data ? call->key.data : "", query);
    text_printf(head, " HTTP/1.1\r\nHost: toy\r\nContent-Length: %zu\r\n", body);
    if (!call->no_credentials)
        text_str(head, "Authorization: toy secret\r\n");
}

static void toy_body(struct cloud_call *call, const void *data, size_t len)
{
    call->body[0] = (struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = len};
    call->x.body = call->body;
    call->x.body_count = 1;
}

static dlfw_status toy_build(struct cloud_call *call, dlfw_error *err)
{
    char query[256];

    switch (call->req->op) {
    case DLFW_OP_GET:
        toy_head(call, "GET", "", 0);
        cloud_build_get(call, &call->x.head);
        break;
    case DLFW_OP_LIST:
        snprintf(query, sizeof query, "?list=%.*s", (int)call->list->token.len,
                 call->list->token.data ? call->list->token.data : "");
        toy_head(call, "GET", query, 0);
        break;
    case DLFW_OP_DELETE:
        toy_head(call, "DELETE", "", 0);
        break;
    case DLFW_OP_WRITE_BEGIN:
        return DLFW_END;
    case DLFW_OP_WRITE_PART:
        snprintf(query, sizeof query, "?part=%u&at=%u", (unsigned)call->req->arg, (unsigned)call->upload->next_offset);
        toy_head(call, "PUT", query, call->req->length);
        toy_body(call, call->req->buf, call->req->length);
        break;
    case DLFW_OP_WRITE_COMMIT:
    case DLFW_OP_WRITE_ABORT:
        toy_head(call, "POST", "?end", 0);
        break;
    default:
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "the toy cannot do that");
    }
    text_str(&call->x.head, "\r\n");
    return DLFW_OK;
}

/* A page of a listing is lines of names; a last line "+TOKEN" says that there is more. */
static dlfw_status toy_answered(struct cloud_call *call, dlfw_error *err)
{
    const char *line = call->x.reply.data;

    if (call->req->op != DLFW_OP_LIST)
        return DLFW_OK;
    call->list->last = true;
    while (line && *line) {
        size_t len = strcspn(line, "\n");

        if (*line == '+') {
            text_clear(&call->list->token);
            text_add(&call->list->token, line + 1, len - 1);
            call->list->last = false;
        } else if (!cloud_list_add(call->list, line, len, 7, 0)) {
            return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory");
        }
        line += len + (line[len] == '\n');
    }
    return DLFW_OK;
}

static bool toy_explain(struct cloud_call *call, struct cloud_fault *fault)
{
    snprintf(fault->code, sizeof fault->code, "ToyTrouble");
    return call->x.code == 401;
}

static bool toy_crc(const struct cloud_call *call, uint32_t *ret)
{
    char text[16];

    if (!http_header_copy(&call->x, "x-crc", text, sizeof text))
        return false;
    *ret = (uint32_t)strtoul(text, NULL, 16);
    return true;
}

static dlfw_status toy_build_batch(struct cloud_call *call, dlfw_error *err)
{
    (void)err;
    text_clear(&call->scratch);
    for (uint32_t i = 0; i < call->batch_count; i++)
        text_printf(&call->scratch, "%.*s\n", (int)call->batch[i]->key_len, call->batch[i]->key);
    toy_head(call, "POST", "?delete", call->scratch.len);
    toy_body(call, call->scratch.data, call->scratch.len);
    text_str(&call->x.head, "\r\n");
    return DLFW_OK;
}

/* The toy says which one it could not delete, by number. */
static dlfw_status toy_answered_batch(struct cloud_call *call, dlfw_error *err)
{
    (void)err;
    if (call->x.reply.len)
        cloud_batch_set(call, (uint32_t)atoi(call->x.reply.data), DLFW_E_PERMISSION, "Denied", "not yours");
    return DLFW_OK;
}

static const struct cloud_service toy = {.name = "toy",
                                         .batch_max = 4,
                                         .parts_in_order = true,
                                         .build = toy_build,
                                         .answered = toy_answered,
                                         .whole_crc32c = toy_crc,
                                         .explain = toy_explain,
                                         .build_batch = toy_build_batch,
                                         .answered_batch = toy_answered_batch};

/* ---- the bench of each case ---- */

uint8_t toy_object[TOY_OBJECT];
struct http_server *toy_server;
static struct dlfw_backend be;
dlfw_queue *toy_queue;
char toy_message[512];
dlfw_error toy_error = {.struct_size = sizeof toy_error, .message = toy_message, .message_cap = sizeof toy_message};

void toy_set_up(http_answer *answer)
{
    dlfw_create_args args = {.struct_size = sizeof args, .host = &toy_host};
    struct http_client_args client = {.host = &toy_host,
                                      .connect_timeout = 2000000000u,
                                      .first_byte_timeout = 2000000000u,
                                      .idle_timeout = 2000000000u,
                                      .verify_tls = true};
    dlfw_queue_args queue_args = {.struct_size = sizeof queue_args, .depth = TOY_DEPTH, .cpu = -1};

    for (size_t i = 0; i < TOY_OBJECT; i++)
        toy_object[i] = (uint8_t)(i * 31 + i / 256);
    toy_message[0] = '\0';
    memset(&be, 0, sizeof be);
    toy_server = http_server_start(answer, NULL);
    be.origin.port = http_server_port(toy_server);
    strcpy(be.origin.host, "127.0.0.1");
    ck_assert_int_eq(cloud_init(&be.cloud, &toy, &args, "toy://bucket/top", "top/", &client, &toy_error), DLFW_OK);
    be.cloud.connections = 4;
    be.cloud.max_redirects = 3;
    ck_assert_int_eq(cloud_queue_create(&be, &queue_args, &toy_queue, &toy_error), DLFW_OK);
}

void toy_tear_down(void)
{
    cloud_queue_destroy(toy_queue);
    cloud_fini(&be.cloud);
    http_server_stop(toy_server);
}

dlfw_req toy_request(uint16_t op, const char *key)
{
    return (dlfw_req){.op = op, .key = key, .key_len = (uint32_t)strlen(key), .error = &toy_error};
}

dlfw_comp toy_call(dlfw_req *req)
{
    dlfw_comp comp = {0};

    ck_assert_int_eq(cloud_submit(toy_queue, &req, 1), 1);
    ck_assert_int_eq(cloud_reap(toy_queue, &comp, 1, 1, 5000000000u), 1);
    ck_assert_ptr_eq(comp.req, req);
    return comp;
}
