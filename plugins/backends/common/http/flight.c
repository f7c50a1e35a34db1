/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The course of one exchange on its connection: the request goes out while the answer is listened for, since a server
 * may refuse before it has all of it; then the answer comes in. Whatever happens, flight_finish is reached exactly
 * once.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine.h"

enum {
    HEAD_GUESS_MAX = 8192,
    DIRECT_MIN = 4096,         /* smaller pieces of payload come with what follows them, by way of scratch */
    TURN_MAX = 4 * 1024 * 1024 /* bytes of one connection before the others have their turn */
};
#define CONTINUE_PATIENCE HTTP_SECOND

void duration_text(uint64_t ns, char *buf, size_t cap)
{
    if (ns % HTTP_SECOND == 0)
        (void)snprintf(buf, cap, "%" PRIu64 " s", ns / HTTP_SECOND);
    else
        (void)snprintf(buf, cap, "%" PRIu64 " ms", (ns + 999999) / 1000000);
}

void flight_abort(struct http_flight *f)
{
    struct conn *c = f->conn;
    struct http_loop *loop = c->loop;

    f->conn = NULL;
    conn_close(c);
    flight_finish(loop, f);
}

static void flight_done(struct http_flight *f)
{
    struct conn *c = f->conn;

    if (!f->answer.keep_alive || f->sending != SENT) {
        flight_abort(f);
        return;
    }
    wire_low_water(c, 0);
    c->head_len = f->x->answer_head.len < HEAD_GUESS_MAX ? (uint32_t)f->x->answer_head.len : 0;
    f->conn = NULL;
    c->flight = NULL;
    c->used = true;
    pool_add_idle(c);
    flight_finish(c->loop, f);
}

/* The connection broke. One that had been idle may have been closed by the server before our request came: replaced
 * once. */
static void flight_lost(struct http_flight *f, int error)
{
    struct conn *c = f->conn;
    char progress[64];

    if (c->used && !f->answer.begun && !f->replaced) {
        struct http_loop *loop = c->loop;

        f->replaced = true;
        f->fresh = true;
        f->conn = NULL;
        conn_close(c);
        f->waiting = !pool_start(loop, f);
        if (f->waiting)
            flight_push(&loop->waiting, f);
        return;
    }
    answer_progress(&f->answer, progress, sizeof progress);
    if (error == 0)
        answer_closed(&f->answer);
    else if (f->answer.state == ANSWER_BODY)
        exchange_fail(f->x, DLFW_E_IO, DLFW_ERR_RETRYABLE, "the connection was reset after %s", progress);
    else
        exchange_fail(f->x, DLFW_E_UNAVAILABLE, DLFW_ERR_RETRYABLE, "the connection was reset before an answer came");
    if (f->answer.state == ANSWER_DONE)
        flight_done(f);
    else
        flight_abort(f);
}

static int gather(const struct http_flight *f, struct iovec *parts)
{
    const struct http_exchange *x = f->x;
    uint32_t end = f->sending == SEND_HELD ? 1 : x->body_count + 1;
    int count = 0;

    for (uint32_t i = f->part; i < end && count < SEND_PARTS; i++) {
        parts[count] = i ? x->body[i - 1] : (struct iovec){x->head.data, x->head.len};
        if (i == f->part) {
            parts[count].iov_base = (char *)parts[count].iov_base + f->part_at;
            parts[count].iov_len -= f->part_at;
        }
        count += parts[count].iov_len > 0;
    }
    return count;
}

static void advance(struct http_flight *f, size_t n)
{
    const struct http_exchange *x = f->x;

    for (;;) {
        size_t len = f->part > x->body_count ? 0 : f->part ? x->body[f->part - 1].iov_len : x->head.len;

        if (f->part > x->body_count || n < len - f->part_at)
            break;
        n -= len - f->part_at;
        f->part++;
        f->part_at = 0;
    }
    f->part_at += n;
}

/* Returns 0, or the error that ended the sending. */
static int flight_write(struct http_flight *f)
{
    struct iovec parts[SEND_PARTS];
    struct conn *c = f->conn;
    ssize_t sum = 0;
    int count;

    while (f->sending <= SEND_HELD && (count = gather(f, parts)) > 0) {
        ssize_t n = sum < TURN_MAX ? wire_send(c, parts, count) : -EAGAIN;

        if (n == -EAGAIN) {
            wire_want_out(c, true);
            loop_timer(c->loop, flight_timer(f));
            return 0;
        }
        if (n < 0)
            return (int)-n;
        advance(f, (size_t)n);
        sum += n;
        f->active_ns = c->loop->now_ns;
    }
    wire_want_out(c, false);
    if (f->sending == SENDING)
        f->sending = SENT;
    loop_timer(c->loop, flight_timer(f));
    return 0;
}

static void flight_stop_sending(struct http_flight *f)
{
    if (f->sending == SENT || f->sending == SEND_STOPPED)
        return;
    f->sending = SEND_STOPPED;
    wire_want_out(f->conn, false);
}

/* What a finished head means for the sending. False: f is finished. */
static bool head_came(struct http_flight *f)
{
    struct http_exchange *x = f->x;

    if (f->cancelled) {
        exchange_fail(x, DLFW_E_CANCELLED, 0, "cancelled");
    } else if (f->sending != SENT && x->code < 300) {
        exchange_fail(x, DLFW_E_CORRUPT, DLFW_ERR_RETRYABLE, "the server answered %d before it had the whole request",
                      x->code);
    } else {
        flight_stop_sending(f);
        return true;
    }
    flight_abort(f);
    return false;
}

/* n bytes at in, more of them behind these. False: f is finished or has let go of its connection. */
static bool flight_feed(struct http_flight *f, const char *in, size_t n, bool has_more)
{
    struct answer *a = &f->answer;
    bool had_head = a->state != ANSWER_HEAD;
    int64_t used;

    f->in_headed = !had_head;
    used = answer_feed(a, in, n);
    f->in_headed = false;
    if (used < 0) {
        flight_abort(f);
        return false;
    }
    if (a->went_on && f->sending == SEND_HELD) {
        f->sending = SENDING;
        (void)flight_write(f);
    }
    if (!had_head && a->state != ANSWER_HEAD && !head_came(f))
        return false;
    if (a->state != ANSWER_DONE)
        return true;
    if ((size_t)used < n || has_more)
        a->keep_alive = false; /* more than one answer to one request: nothing on this connection can be trusted */
    flight_done(f);
    return false;
}

/* n bytes in the answer's window. False: as above. */
static bool flight_filled(struct http_flight *f, size_t n)
{
    answer_filled(&f->answer, n);
    if (f->answer.state != ANSWER_DONE)
        return true;
    flight_done(f);
    return false;
}

/*
 * The begin of an answer: head and payload in one call, each to its place, in the hope that the head is as long as the
 * last one on this connection. If not, the payload is moved, and no harm is done.
 */
static ssize_t receive_begin(struct http_flight *f, size_t *ret_room)
{
    struct conn *c = f->conn;
    struct http_exchange *x = f->x;
    char *scratch = c->loop->scratch, *window;
    size_t head = c->head_len, room = SCRATCH_SIZE - head, rest;
    struct iovec parts[2] = {{scratch, head}, {x->sink, x->sink_cap < room ? (size_t)x->sink_cap : room}};
    struct http_head_end scan = {0};
    void *sink = x->sink;
    bool is_whole;
    ssize_t n = wire_recv_parts(c, parts, 2);

    *ret_room = head + parts[1].iov_len;
    if (n <= 0)
        return n;
    rest = (size_t)n > head ? (size_t)n - head : 0;
    f->active_ns = f->answer.now_ns = c->loop->now_ns;
    if (rest && (http_head_scan(&scan, scratch, head, &is_whole) != head || !is_whole)) {
        memcpy(scratch + head, sink, rest);
        rest = 0;
    }
    if (!flight_feed(f, scratch, (size_t)n - rest, rest > 0))
        return -ECANCELED;
    if (!rest)
        return n;
    if (answer_window(&f->answer, &window) >= rest && window == sink)
        return flight_filled(f, rest) ? n : -ECANCELED;
    memcpy(scratch, sink, rest);
    return flight_feed(f, scratch, rest, false) ? n : -ECANCELED;
}

/* Payload into its place, everything else by way of scratch. */
static ssize_t receive_rest(struct http_flight *f, size_t *ret_room)
{
    struct http_loop *loop = f->conn->loop;
    const struct http_body *body = &f->answer.body;
    char *to = loop->scratch;
    size_t len = answer_window(&f->answer, &to);
    bool direct = len >= DIRECT_MIN || (len && len == body->left && body->framing == HTTP_FRAMING_LENGTH);
    ssize_t n;

    if (!direct) {
        to = loop->scratch;
        len = SCRATCH_SIZE;
    }
    *ret_room = len;
    n = wire_recv(f->conn, to, len);
    if (n <= 0)
        return n;
    f->active_ns = f->answer.now_ns = loop->now_ns;
    if (direct)
        return flight_filled(f, (size_t)n) ? n : -ECANCELED;
    return flight_feed(f, to, (size_t)n, false) ? n : -ECANCELED;
}

/* One receive. Returns the bytes, 0 when there is no more for now; negative: f is finished or has let go of its
 * connection. */
static ssize_t flight_receive(struct http_flight *f)
{
    struct conn *c = f->conn;
    struct answer *a = &f->answer;
    bool begins = !a->begun && c->head_len && f->x->sink && f->x->sink_cap && !c->through_tls;
    size_t room;
    ssize_t n = begins ? receive_begin(f, &room) : receive_rest(f, &room);

    if (n == -EAGAIN)
        return 0;
    if (n == -ECANCELED)
        return -1;
    if (n <= 0) {
        flight_lost(f, (int)-n);
        return -1;
    }
    if (a->state == ANSWER_BODY && a->body.framing == HTTP_FRAMING_LENGTH)
        wire_low_water(c, a->body.left);
    return (size_t)n < room && !c->through_tls ? 0 : n;
}

static void flight_read(struct http_flight *f)
{
    struct conn *c = f->conn;
    struct http_loop *loop = c->loop;
    ssize_t sum = 0, n;

    while ((n = flight_receive(f)) > 0) {
        sum += n;
        if (sum < TURN_MAX)
            continue;
        /* TLS may hold bytes that epoll does not see. */
        if (c->through_tls && !c->more) {
            c->more = true;
            c->more_next = loop->more;
            loop->more = c;
        }
        return;
    }
    if (n == 0)
        loop_timer(loop, flight_timer(f));
}

static bool has_body(const struct http_exchange *x)
{
    for (uint32_t i = 0; i < x->body_count; i++)
        if (x->body[i].iov_len)
            return true;
    return false;
}

void flight_begin(struct http_flight *f, struct conn *c)
{
    f->conn = c;
    c->flight = f;
    if (c->used)
        f->x->connections++;
    f->sending = (f->x->flags & HTTP_EXPECT_CONTINUE) && has_body(f->x) ? SEND_HELD : SENDING;
    f->part = 0;
    f->part_at = 0;
    f->active_ns = c->loop->now_ns;
    answer_begin(&f->answer, f->x);
    flight_event(c, EPOLLOUT);
}

void flight_event(struct conn *c, uint32_t events)
{
    struct http_flight *f = c->flight;
    int error = 0;

    if ((events & EPOLLOUT) && f->sending <= SEND_HELD)
        error = flight_write(f);
    /* The server may have said why it does not listen any more. */
    if (error || (events & ~(uint32_t)EPOLLOUT))
        flight_read(f);
    if (error && c->flight == f && !c->closed)
        flight_lost(f, error);
}

uint64_t flight_timer(const struct http_flight *f)
{
    const struct http_client_args *args = &f->conn->loop->client->args;
    uint64_t patience = args->idle_timeout, at;

    if (f->sending == SEND_HELD)
        patience = CONTINUE_PATIENCE;
    else if (f->sending == SENT && f->answer.state == ANSWER_HEAD && !f->x->answer_head.len)
        patience = args->first_byte_timeout;
    at = f->active_ns + patience;
    return f->x->deadline_ns && f->x->deadline_ns < at ? f->x->deadline_ns : at;
}

/* Bytes may lie ready below the low-water mark. True: they did, or f is finished. */
static bool has_come_after_all(struct http_flight *f)
{
    struct conn *c = f->conn;
    uint64_t before = f->active_ns;

    if (!c->low_water)
        return false;
    flight_read(f);
    return c->flight != f || f->active_ns != before;
}

void flight_timed_out(struct http_flight *f)
{
    const struct http_client_args *args = &f->conn->loop->client->args;
    char progress[64], patience[32];

    answer_progress(&f->answer, progress, sizeof progress);
    duration_text(args->idle_timeout, patience, sizeof patience);
    if (f->x->deadline_ns && f->conn->loop->now_ns >= f->x->deadline_ns) {
        exchange_fail(f->x, DLFW_E_TIMEOUT, 0, "the request's deadline passed after %s of the answer", progress);
    } else if (f->sending == SEND_HELD) {
        f->sending = SENDING;
        flight_event(f->conn, EPOLLOUT);
        return;
    } else if (f->sending == SENDING) {
        exchange_fail(f->x, DLFW_E_TIMEOUT, DLFW_ERR_RETRYABLE, "the server took nothing of the request for %s",
                      patience);
    } else if (f->answer.state == ANSWER_HEAD && !f->x->answer_head.len) {
        duration_text(args->first_byte_timeout, patience, sizeof patience);
        exchange_fail(f->x, DLFW_E_TIMEOUT, DLFW_ERR_RETRYABLE, "no answer within %s", patience);
    } else if (has_come_after_all(f)) {
        return;
    } else {
        exchange_fail(f->x, DLFW_E_TIMEOUT, DLFW_ERR_RETRYABLE, "nothing came for %s after %s", patience, progress);
    }
    flight_abort(f);
}
