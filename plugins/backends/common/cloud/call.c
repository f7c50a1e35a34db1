/* SPDX-License-Identifier: Apache-2.0 */
/* One call from step to step: build, send, judge the answer, follow redirects, and end it exactly once. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

#define KNOWN_FLAGS (DLFW_REQ_WHOLE | DLFW_REQ_DURABLE | DLFW_REQ_EXCLUSIVE | DLFW_REQ_DROP_CACHE | DLFW_REQ_RECURSIVE)

static const char *op_name(uint16_t op)
{
    static const char *const names[] = {
        [DLFW_OP_GET] = "GET",
        [DLFW_OP_PUT] = "PUT",
        [DLFW_OP_STAT] = "STAT",
        [DLFW_OP_DELETE] = "DELETE",
        [DLFW_OP_LIST] = "LIST",
        [DLFW_OP_CLOSE] = "CLOSE",
        [DLFW_OP_WRITE_BEGIN] = "begin of upload",
        [DLFW_OP_WRITE_PART] = "upload of a part",
        [DLFW_OP_WRITE_COMMIT] = "commit of upload",
        [DLFW_OP_WRITE_ABORT] = "abort of upload",
        [DLFW_OP_MAKE_ROOT] = "making of",
        [DLFW_OP_REMOVE_ROOT] = "removal of",
        [DLFW_OP_COPY] = "COPY to",
    };

    return op < sizeof names / sizeof *names && names[op] ? names[op] : "request";
}

/* The key as the user knows it: below the instance's URI. */
static void add_location(const struct cloud_call *call, const char *key, size_t len, struct text *to)
{
    const char *uri = call->cloud->uri;
    size_t uri_len = strlen(uri);

    text_str(to, " '");
    text_str(to, uri);
    if (len && uri_len && uri[uri_len - 1] != '/')
        text_char(to, '/');
    text_add(to, key, len < 200 ? len : 200);
    text_str(to, len < 200 ? "'" : "...'");
}

void cloud_call_subject(const struct cloud_call *call, struct text *to)
{
    size_t skip = call->cloud->prefix_len;

    if (!call->req) {
        text_printf(to, "DELETE of %u objects in '%s'", call->batch_count, call->cloud->uri);
        return;
    }
    text_str(to, op_name(call->req->op));
    if (call->upload && call->upload->key.len >= skip)
        add_location(call, call->upload->key.data + skip, call->upload->key.len - skip, to);
    else
        add_location(call, call->req->key, call->req->key ? call->req->key_len : 0, to);
}

static void finish(struct cloud_call *call)
{
    struct dlfw_queue *q = call->queue;

    queue_done(q, &call->comp);
    queue_give_call(q, call);
}

void call_end(struct cloud_call *call, dlfw_status status)
{
    dlfw_req *req = call->req;

    call->comp.status = status;
    if (call->x.connections)
        call->comp.attempts = call->x.connections;
    if (!call->comp.first_byte_ns && status >= 0 && req->op == DLFW_OP_GET)
        call->comp.first_byte_ns = call->x.first_byte_ns;
    if (status < 0 && req->op == DLFW_OP_LIST)
        list_failed(call, status);
    if (call->upload)
        upload_ended(call, status);
    finish(call);
}

void call_fail(struct cloud_call *call, dlfw_status status, uint32_t flags, const char *format, ...)
{
    struct text line = {0};
    char why[400];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(why, sizeof why, format, args);
    va_end(args);
    if (call->batch_count) {
        batch_end(call, status, flags, why);
        return;
    }
    cloud_call_subject(call, &line);
    text_str(&line, " failed: ");
    text_str(&line, why);
    dlfw_fail(call->req->error, status, "%s", line.failed ? why : line.data);
    if (call->req->error) {
        call->req->error->flags = flags;
        call->req->error->http_status = call->x.code;
        call->req->error->retry_after_ms = call->retry_after_ms;
    }
    text_free(&line);
    call->comp.flags |= flags;
    call_end(call, status);
}

dlfw_error call_error(struct cloud_call *call)
{
    call->error[0] = '\0';
    return (dlfw_error){
        .struct_size = sizeof(dlfw_error), .message = call->error, .message_cap = (uint32_t)sizeof call->error};
}

dlfw_status cloud_check_texts(const struct cloud_call *call, dlfw_error *err)
{
    if (call->x.head.failed || call->key.failed || call->scratch.failed || call->scratch2.failed ||
        call->redirect_target.failed)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for the request");
    return DLFW_OK;
}

static void on_done(struct http_exchange *x);

/* Builds the exchange of the current step and sends it. */
static void call_step(struct cloud_call *call)
{
    const struct cloud_service *service = call->cloud->service;
    dlfw_error err = call_error(call);
    dlfw_status status;

    text_clear(&call->x.head);
    text_clear(&call->x.reply);
    call->x.body = NULL;
    call->x.body_count = 0;
    call->x.flags = 0;
    call->x.sink = NULL;
    call->x.sink_cap = call->x.sink_skip = call->x.sink_limit = 0;
    call->x.headed = NULL;
    call->x.reply_max = 1u << 20;
    call->x.done = on_done;
    if (call->req) {
        call->x.deadline_ns = call->req->deadline_ns;
        if (call->req->op == DLFW_OP_LIST)
            call->x.reply_max = service->list_reply_max ? service->list_reply_max : 64u << 20;
    } else {
        call->x.deadline_ns = call->batch[0]->deadline_ns;
    }
    if (call->x.deadline_ns && call->cloud->host->now_ns() >= call->x.deadline_ns) {
        call_fail(call, DLFW_E_TIMEOUT, 0, "the deadline passed before it went out");
        return;
    }
    status = call->batch_count ? service->build_batch(call, &err) : service->build(call, &err);
    if (status >= 0 && status != DLFW_END)
        status = cloud_check_texts(call, &err) < 0 ? DLFW_E_NO_MEMORY : status;
    if (status < 0) {
        call_fail(call, status, err.flags, "%s", call->error);
        return;
    }
    if (status == DLFW_END && call->batch_count) {
        batch_end(call, DLFW_OK, 0, NULL);
        return;
    }
    if (status == DLFW_END) {
        call_end(call, call->comp.status);
        return;
    }
    if (status == DLFW_NEED_IO) {
        call_list_add(&call->queue->held, call);
        return;
    }
    call->queue->flying++;
    atomic_fetch_add_explicit(&call->cloud->exchanges, 1, memory_order_relaxed);
    http_loop_send(call->queue->loop, &call->x);
}

/* What a request must be before a service sees it. */
static dlfw_status call_prepare(struct cloud_call *call, dlfw_error *err)
{
    const dlfw_req *req = call->req;
    uint16_t op = req->op;
    bool needs_key = op == DLFW_OP_GET || op == DLFW_OP_PUT || op == DLFW_OP_STAT || op == DLFW_OP_DELETE ||
                     op == DLFW_OP_WRITE_BEGIN || op == DLFW_OP_COPY;

    if (req->flags & ~KNOWN_FLAGS)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "request flags 0x%x are not known", req->flags & ~KNOWN_FLAGS);
    if (needs_key && req->key_len == 0)
        return dlfw_fail(err, DLFW_E_INVALID, "an object needs a key, this one is empty");
    if (req->key_len && memchr(req->key, '\0', req->key_len))
        return dlfw_fail(err, DLFW_E_INVALID, "the key goes on after a NUL byte");
    text_clear(&call->key);
    text_add(&call->key, call->cloud->prefix, call->cloud->prefix_len);
    text_add(&call->key, req->key, req->key_len);
    call->range_first = call->range_total = UINT64_MAX;
    if (op == DLFW_OP_LIST)
        return list_begin(call, err);
    if (op == DLFW_OP_CLOSE) {
        struct cloud_list *list = req->handle;

        if (!list || list->kind != CLOUD_LIST)
            return dlfw_fail(err, DLFW_E_INVALID, "the handle of this request does not come from LIST");
        list_free(list);
        return DLFW_END;
    }
    if (op >= DLFW_OP_WRITE_BEGIN && op <= DLFW_OP_WRITE_ABORT)
        return upload_begin(call, err);
    return DLFW_OK;
}

void call_start(struct cloud_call *call)
{
    dlfw_error err = call_error(call);
    dlfw_status status = DLFW_OK;

    if (!call->batch_count && !call->prepared)
        status = call_prepare(call, &err);
    call->prepared = true;
    if (status < 0) {
        call_fail(call, status, err.flags, "%s", call->error);
        return;
    }
    if (status == DLFW_END) {
        call_end(call, DLFW_OK);
        return;
    }
    if (call->upload && call->req->op == DLFW_OP_WRITE_PART && upload_must_wait(call))
        return;
    call_step(call);
}

/* The exchange itself failed: no complete answer. */
static void transport_failed(struct cloud_call *call)
{
    const struct http_exchange *x = &call->x;
    dlfw_status status = call->cancelled ? DLFW_E_CANCELLED : x->status;

    if (status == DLFW_E_BUFFER_TOO_SMALL && call->req && call->req->op == DLFW_OP_GET)
        call->comp.object_size = x->content_length;
    call_fail(call, status, status == DLFW_E_CANCELLED ? 0 : x->error_flags, "%s", x->error);
}

static void good_answer(struct cloud_call *call)
{
    const struct cloud_service *service = call->cloud->service;
    dlfw_error err = call_error(call);
    dlfw_status status;

    if (call->req && call->req->op == DLFW_OP_GET) {
        get_check(call);
        return;
    }
    status = call->batch_count ? service->answered_batch(call, &err) : service->answered(call, &err);
    if (status == DLFW_NEED_IO)
        call_step(call);
    else if (status < 0)
        call_fail(call, status, err.flags, "%s", call->error);
    else if (call->batch_count)
        batch_end(call, DLFW_OK, 0, NULL);
    else if (call->req->op == DLFW_OP_LIST)
        list_answered(call);
    else
        call_end(call, DLFW_OK);
}

static bool same_origin(const struct http_origin *a, const struct http_origin *b)
{
    return a->tls == b->tls && a->port == b->port && strcmp(a->host, b->host) == 0;
}

/* True when the answer points elsewhere and the call goes there. Nothing that identifies us goes to another host, and
 * nothing that was asked for over TLS is asked for without. */
static bool follow_redirect(struct cloud_call *call)
{
    struct http_origin origin = call->x.origin;
    const char *target = NULL;
    char location[4096];
    int32_t code = call->x.code;
    dlfw_error none = {.struct_size = sizeof none};

    if (code != 301 && code != 302 && code != 303 && code != 307 && code != 308)
        return false;
    if (call->batch_count || call->redirects >= call->cloud->max_redirects ||
        !http_header_copy(&call->x, "location", location, sizeof location))
        return false;
    if (location[0] == '/')
        target = location;
    else if (http_origin_parse(location, &origin, &target, &none) < 0)
        return false;
    if (call->x.origin.tls && !origin.tls)
        return false;
    if (!same_origin(&origin, &call->x.origin))
        call->no_credentials = true;
    call->redirects++;
    atomic_fetch_add_explicit(&call->cloud->redirects, 1, memory_order_relaxed);
    call->redirect_origin = origin;
    text_clear(&call->redirect_target);
    text_str(&call->redirect_target, *target ? target : "/");
    call_step(call);
    return true;
}

static uint32_t retry_after_ms(const struct http_exchange *x)
{
    char text[64];
    char *end;
    unsigned long long seconds;
    uint64_t at;
    uint64_t now = cloud_now_s();

    if (!http_header_copy(x, "retry-after", text, sizeof text))
        return 0;
    seconds = strtoull(text, &end, 10);
    if (end == text) {
        at = cloud_time_ns(text, strlen(text)) / 1000000000u;
        seconds = at > now ? at - now : 0;
    }
    return seconds > 3600 ? 3600000u : (uint32_t)seconds * 1000u;
}

static void add_fault(struct text *to, int32_t code, const struct cloud_fault *fault)
{
    text_printf(to, "%d", code);
    if (fault->code[0])
        text_printf(to, " %s", fault->code);
    if (fault->message[0])
        text_printf(to, ": %s", fault->message);
    if (fault->request_id[0])
        text_printf(to, " (request id '%s')", fault->request_id);
    for (size_t i = 0; i < to->len; i++)
        if ((unsigned char)to->data[i] < 0x20)
            to->data[i] = ' ';
}

static void bad_answer(struct cloud_call *call)
{
    struct cloud_fault fault = {0};
    struct text line = {0};
    bool again;

    cloud_fault_of_code(call->x.code, &fault);
    fault.retry_after_ms = retry_after_ms(&call->x);
    again = call->cloud->service->explain && call->cloud->service->explain(call, &fault);
    if (again && call->again < CALL_TRIES) {
        call->again++;
        call_step(call);
        return;
    }
    if (follow_redirect(call))
        return;
    if (fault.flags & DLFW_ERR_THROTTLED)
        atomic_fetch_add_explicit(&call->cloud->throttled, 1, memory_order_relaxed);
    call->retry_after_ms = fault.retry_after_ms;
    add_fault(&line, call->x.code, &fault);
    call_fail(call, fault.status, fault.flags, "%s", line.failed ? "out of memory" : line.data);
    text_free(&line);
}

/* A range that begins at or after the end of the object has no bytes, which is no mistake. */
static bool is_past_end(struct cloud_call *call)
{
    char text[64];
    unsigned long long total;

    if (!call->req || call->req->op != DLFW_OP_GET || call->x.code != 416 || (call->req->flags & DLFW_REQ_WHOLE))
        return false;
    if (!http_header_copy(&call->x, "content-range", text, sizeof text) || sscanf(text, "bytes */%llu", &total) != 1)
        return true;
    call->comp.object_size = total;
    return call->req->offset >= total;
}

static bool is_accepted(const struct cloud_call *call)
{
    const struct cloud_service *service = call->cloud->service;

    return service->accepts && service->accepts(call);
}

static void on_done(struct http_exchange *x)
{
    struct cloud_call *call = (struct cloud_call *)x;

    call->queue->flying--;
    if (x->connections > 1)
        atomic_fetch_add_explicit(&call->cloud->reconnects, x->connections - 1, memory_order_relaxed);
    if (x->status < 0)
        transport_failed(call);
    else if ((x->code >= 200 && x->code < 300) || is_accepted(call))
        good_answer(call);
    else if (is_past_end(call))
        call_end(call, DLFW_OK);
    else
        bad_answer(call);
}

void cloud_fault_of_code(int32_t code, struct cloud_fault *fault)
{
    static const struct {
        int32_t code;
        dlfw_status status;
        uint32_t flags;
    } meanings[] = {
        {400, DLFW_E_INVALID, 0},
        {401, DLFW_E_AUTH, 0},
        {403, DLFW_E_PERMISSION, 0},
        {404, DLFW_E_NOT_FOUND, 0},
        {405, DLFW_E_UNSUPPORTED, 0},
        {408, DLFW_E_TIMEOUT, DLFW_ERR_RETRYABLE},
        {409, DLFW_E_BUSY, 0},
        {410, DLFW_E_NOT_FOUND, 0},
        {411, DLFW_E_UNSUPPORTED, 0},
        {412, DLFW_E_EXISTS, 0},
        {413, DLFW_E_INVALID, 0},
        {425, DLFW_E_UNAVAILABLE, DLFW_ERR_RETRYABLE},
        {429, DLFW_E_THROTTLED, DLFW_ERR_RETRYABLE | DLFW_ERR_THROTTLED},
        {500, DLFW_E_UNAVAILABLE, DLFW_ERR_RETRYABLE},
        {501, DLFW_E_UNSUPPORTED, 0},
        {502, DLFW_E_UNAVAILABLE, DLFW_ERR_RETRYABLE},
        {503, DLFW_E_THROTTLED, DLFW_ERR_RETRYABLE | DLFW_ERR_THROTTLED},
        {504, DLFW_E_UNAVAILABLE, DLFW_ERR_RETRYABLE},
        {507, DLFW_E_NO_SPACE, 0},
    };

    fault->status = code >= 500 ? DLFW_E_UNAVAILABLE : DLFW_E_IO;
    fault->flags = code >= 500 ? DLFW_ERR_RETRYABLE : 0;
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        if (meanings[i].code != code)
            continue;
        fault->status = meanings[i].status;
        fault->flags = meanings[i].flags;
    }
}
