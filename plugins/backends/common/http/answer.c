/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    INTERIM_MAX = 32,
    DRAIN_MAX = 256 * 1024 /* more than this that nobody wants: a new connection is cheaper */
};

void exchange_fail(struct http_exchange *x, dlfw_status status, uint32_t flags, const char *format, ...)
{
    va_list args;

    if (x->status != DLFW_OK)
        return;
    x->status = status;
    x->error_flags = flags;
    va_start(args, format);
    (void)vsnprintf(x->error, sizeof x->error, format, args);
    va_end(args);
}

static int64_t violation(struct answer *a, const char *why)
{
    exchange_fail(a->x, DLFW_E_CORRUPT, DLFW_ERR_RETRYABLE, "%s", why);
    return -1;
}

void answer_progress(const struct answer *a, char *buf, size_t cap)
{
    if (a->state == ANSWER_BODY && a->body.framing == HTTP_FRAMING_LENGTH)
        (void)snprintf(buf, cap, "%" PRIu64 " of %" PRIu64 " bytes", a->payload, a->x->content_length);
    else
        (void)snprintf(buf, cap, "%" PRIu64 " bytes", a->payload);
}

void answer_begin(struct answer *a, struct http_exchange *x)
{
    *a = (struct answer){.x = x, .state = ANSWER_HEAD};
    x->code = 0;
    text_clear(&x->answer_head);
    text_clear(&x->reply);
    x->content_length = UINT64_MAX;
    x->sink_skip = 0;
    x->sink_limit = 0;
    x->bytes = 0;
    x->first_byte_ns = 0;
}

/* What is left of the payload is dropped, unless that costs more than it saves. */
static void check_drain(struct answer *a)
{
    bool wanted = a->to_sink ? a->skip || a->take : a->x->reply.len < a->x->reply_max;
    uint64_t known = a->body.framing == HTTP_FRAMING_LENGTH ? a->body.left : 0;

    if (a->body.complete) {
        a->state = ANSWER_DONE;
    } else if (!wanted && (known > DRAIN_MAX || a->dropped > DRAIN_MAX)) {
        a->state = ANSWER_DONE;
        a->keep_alive = false;
    }
}

static bool is_success(const struct http_exchange *x)
{
    return x->code >= 200 && x->code < 300;
}

/* Whether what the head promises has room; failing early saves the transfer. */
static bool check_room(struct answer *a)
{
    struct http_exchange *x = a->x;
    uint64_t length = a->body.left;

    if (a->body.framing != HTTP_FRAMING_LENGTH || !is_success(x))
        return true;
    if (a->to_sink) {
        length = length > a->skip ? length - a->skip : 0;
        length = length > a->take ? a->take : length;
        if (length > x->sink_cap)
            exchange_fail(x, DLFW_E_BUFFER_TOO_SMALL, 0, "the answer has %" PRIu64 " bytes, the buffer %" PRIu64,
                          length, x->sink_cap);
    } else if (length > x->reply_max) {
        exchange_fail(x, DLFW_E_CORRUPT, 0, "the answer has %" PRIu64 " bytes, at most %" PRIu64 " are expected",
                      length, x->reply_max);
    }
    return x->status == DLFW_OK;
}

static bool head_done(struct answer *a, const struct http_head *head)
{
    struct http_exchange *x = a->x;
    enum http_framing framing = HTTP_FRAMING_CLOSE;

    x->code = head->code;
    x->content_length = head->has_length ? head->length : UINT64_MAX;
    if ((x->flags & HTTP_NO_BODY) || head->code == 204 || head->code == 304)
        framing = HTTP_FRAMING_NONE;
    else if (head->chunked)
        framing = HTTP_FRAMING_CHUNKED;
    else if (head->has_length)
        framing = HTTP_FRAMING_LENGTH;
    http_body_begin(&a->body, framing, head->length);
    a->keep_alive = framing != HTTP_FRAMING_CLOSE && !head->close && (!head->http10 || head->keep_alive);
    a->state = ANSWER_BODY;
    if (x->headed)
        x->headed(x);
    a->to_sink = is_success(x) && x->sink;
    a->skip = a->to_sink ? x->sink_skip : 0;
    a->take = a->to_sink && x->sink_limit ? x->sink_limit : UINT64_MAX;
    if (!check_room(a))
        return false;
    if (a->body.complete)
        x->first_byte_ns = a->now_ns;
    check_drain(a);
    return true;
}

static int64_t feed_head(struct answer *a, const char *in, size_t len)
{
    struct http_exchange *x = a->x;
    const char *why = NULL;
    struct http_head head;
    bool found;
    size_t used = http_head_scan(&a->scan, in, len, &found);

    if (x->answer_head.len + used > HTTP_HEAD_MAX)
        return violation(a, "the answer's head is longer than 64 KiB");
    text_add(&x->answer_head, in, used);
    if (x->answer_head.failed) {
        exchange_fail(x, DLFW_E_NO_MEMORY, 0, "no memory for the answer's head");
        return -1;
    }
    if (!found)
        return (int64_t)used;
    if (!http_head_parse(x->answer_head.data, x->answer_head.len, &head, &why))
        return violation(a, why);
    if (head.code >= 200)
        return head_done(a, &head) ? (int64_t)used : -1;
    if (head.code == 101)
        return violation(a, "the server switched protocols, which nobody asked for");
    if (++a->interim > INTERIM_MAX)
        return violation(a, "the server sends one interim answer after the other");
    a->went_on = a->went_on || head.code == 100;
    a->scan = (struct http_head_end){0};
    text_clear(&x->answer_head);
    return (int64_t)used;
}

static bool into_sink(struct answer *a, const char *in, size_t n)
{
    struct http_exchange *x = a->x;
    size_t skip = a->skip < n ? (size_t)a->skip : n, take = n - skip;

    take = a->take < take ? (size_t)a->take : take;
    if (take > x->sink_cap - x->bytes) {
        exchange_fail(x, DLFW_E_BUFFER_TOO_SMALL, 0, "the answer has more bytes than the buffer's %" PRIu64,
                      x->sink_cap);
        return false;
    }
    if (take)
        memcpy((char *)x->sink + x->bytes, in + skip, take);
    x->bytes += take;
    a->skip -= skip;
    a->take -= a->take == UINT64_MAX ? 0 : take;
    a->dropped += n - skip - take;
    return true;
}

static bool into_reply(struct answer *a, const char *in, size_t n)
{
    struct http_exchange *x = a->x;
    uint64_t room = x->reply_max - x->reply.len;
    size_t take = room < n ? (size_t)room : n;

    if (take < n && is_success(x)) {
        exchange_fail(x, DLFW_E_CORRUPT, 0, "the answer has more than the %" PRIu64 " bytes that are expected",
                      x->reply_max);
        return false;
    }
    text_add(&x->reply, in, take);
    if (x->reply.failed) {
        exchange_fail(x, DLFW_E_NO_MEMORY, 0, "no memory for the answer");
        return false;
    }
    a->dropped += n - take;
    return true;
}

static void payload_took(struct answer *a, size_t n)
{
    if (!a->payload)
        a->x->first_byte_ns = a->now_ns;
    a->payload += n;
    http_body_took(&a->body, n);
    check_drain(a);
}

static int64_t feed_body(struct answer *a, const char *in, size_t len)
{
    const char *why = NULL;
    size_t n = a->body.left < len ? (size_t)a->body.left : len;
    int64_t used;

    if (n) {
        if (!(a->to_sink ? into_sink(a, in, n) : into_reply(a, in, n)))
            return -1;
        payload_took(a, n);
        return (int64_t)n;
    }
    used = http_body_between(&a->body, in, len, &why);
    if (used < 0)
        return violation(a, why);
    if (a->body.complete && !a->payload)
        a->x->first_byte_ns = a->now_ns;
    check_drain(a);
    return used;
}

int64_t answer_feed(struct answer *a, const char *in, size_t len)
{
    size_t at = 0;

    while (at < len && a->state != ANSWER_DONE) {
        int64_t used;

        a->begun = true;
        used = a->state == ANSWER_HEAD ? feed_head(a, in + at, len - at) : feed_body(a, in + at, len - at);
        if (used < 0)
            return used;
        at += (size_t)used;
    }
    return (int64_t)at;
}

size_t answer_window(const struct answer *a, char **ret)
{
    struct http_exchange *x = a->x;
    uint64_t n = a->body.left;

    if (a->state != ANSWER_BODY || !a->to_sink || a->skip)
        return 0;
    n = n < a->take ? n : a->take;
    n = n < x->sink_cap - x->bytes ? n : x->sink_cap - x->bytes;
    *ret = (char *)x->sink + x->bytes;
    return n < SIZE_MAX / 2 ? (size_t)n : SIZE_MAX / 2;
}

void answer_filled(struct answer *a, size_t n)
{
    a->x->bytes += n;
    a->take -= a->take == UINT64_MAX ? 0 : n;
    payload_took(a, n);
}

void answer_closed(struct answer *a)
{
    char progress[64];

    a->keep_alive = false;
    if (a->state == ANSWER_DONE)
        return;
    if (a->state == ANSWER_BODY && a->body.framing == HTTP_FRAMING_CLOSE) {
        if (!a->payload)
            a->x->first_byte_ns = a->now_ns;
        a->state = ANSWER_DONE;
        return;
    }
    answer_progress(a, progress, sizeof progress);
    if (a->state == ANSWER_BODY)
        exchange_fail(a->x, DLFW_E_IO, DLFW_ERR_RETRYABLE, "the connection was closed after %s", progress);
    else if (a->begun)
        exchange_fail(a->x, DLFW_E_IO, DLFW_ERR_RETRYABLE, "the connection was closed inside the answer's head");
    else
        exchange_fail(a->x, DLFW_E_UNAVAILABLE, DLFW_ERR_RETRYABLE, "the connection was closed before an answer came");
}
