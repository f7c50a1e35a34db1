/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The waiting: one epoll for libcurl's sockets, ours, the wakeup and libcurl's timer. Events are worked off first, then
 * the timers (who has waited too long while bytes lay ready has not waited), then exchanges that wait for a connection,
 * at last done() of all that have finished, so that no callback ever meets a half-changed loop.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"

#define IDLE_KEPT (60 * HTTP_SECOND)
#define SCAN_PAUSE 1000000ull /* ns between two looks at all timers */

enum { EVENTS = 64, TAG_CURL = 1, TAG_WAKE = 2, TAG_TIMER = 6 };

uint64_t clock_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * HTTP_SECOND + (uint64_t)ts.tv_nsec;
}

void loop_timer(struct http_loop *loop, uint64_t at_ns)
{
    if (at_ns < loop->timer_ns)
        loop->timer_ns = at_ns;
}

void flight_push(struct flight_list *list, struct http_flight *f)
{
    f->next = NULL;
    f->prev = list->last;
    if (list->last)
        list->last->next = f;
    else
        list->first = f;
    list->last = f;
}

void flight_remove(struct flight_list *list, struct http_flight *f)
{
    if (f->prev)
        f->prev->next = f->next;
    else
        list->first = f->next;
    if (f->next)
        f->next->prev = f->prev;
    else
        list->last = f->prev;
    f->next = NULL;
    f->prev = NULL;
}

/* The next run has work that no socket tells of. */
static void make_readable(struct http_loop *loop)
{
    loop->own_wakeups++;
    http_loop_wakeup(loop);
}

void flight_finish(struct http_loop *loop, struct http_flight *f)
{
    f->finished = true;
    flight_push(&loop->finished, f);
    if (!loop->in_run)
        make_readable(loop);
}

static bool watch(struct http_loop *loop, int fd, uint64_t tag)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = tag};

    return fd >= 0 && epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

dlfw_status http_loop_create(struct http_client *client, uint32_t max_connections, struct http_loop **ret,
                             dlfw_error *err)
{
    struct http_loop *loop = calloc(1, sizeof *loop);

    if (!loop)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for an HTTP loop");
    loop->client = client;
    loop->conn_max = max_connections ? max_connections : 1;
    loop->timer_ns = HTTP_NEVER;
    loop->now_ns = clock_ns();
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (loop->epoll_fd < 0 || !watch(loop, loop->wake_fd, TAG_WAKE) || !watch(loop, loop->timer_fd, TAG_TIMER)) {
        dlfw_status st = dlfw_fail_errno(err, errno, "no descriptors for an HTTP loop");

        http_loop_destroy(loop);
        return st;
    }
    if (!dial_multi_create(loop)) {
        http_loop_destroy(loop);
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "libcurl has no memory for an HTTP loop");
    }
    *ret = loop;
    return DLFW_OK;
}

static void free_closed(struct http_loop *loop)
{
    struct conn **link = &loop->more, *c;

    if (!loop->closed)
        return;
    while ((c = *link)) {
        if (c->closed)
            *link = c->more_next;
        else
            link = &c->more_next;
    }
    while ((c = loop->closed)) {
        loop->closed = c->next;
        free(c);
    }
}

void http_loop_destroy(struct http_loop *loop)
{
    struct http_flight *f;

    if (!loop)
        return;
    while (loop->conns)
        conn_close(loop->conns);
    free_closed(loop);
    if (loop->multi)
        (void)curl_multi_cleanup(loop->multi);
    while ((f = loop->spare.first)) {
        flight_remove(&loop->spare, f);
        free(f);
    }
    if (loop->timer_fd >= 0)
        close(loop->timer_fd);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    free(loop);
}

void http_loop_wakeup(struct http_loop *loop)
{
    uint64_t one = 1;
    ssize_t n;

    do
        n = write(loop->wake_fd, &one, sizeof one);
    while (n < 0 && errno == EINTR);
}

int http_loop_fd(const struct http_loop *loop)
{
    return loop->epoll_fd;
}

static struct http_flight *flight_create(struct http_loop *loop, struct http_exchange *x)
{
    struct http_flight *f = loop->spare.first;

    if (f)
        flight_remove(&loop->spare, f);
    else
        f = malloc(sizeof *f);
    if (!f)
        return NULL;
    f->next = f->prev = NULL;
    f->x = x;
    f->conn = NULL;
    f->waiting = f->finished = f->replaced = f->cancelled = f->in_headed = false;
    f->fresh = (x->flags & HTTP_FRESH) != 0;
    return f;
}

void http_loop_send(struct http_loop *loop, struct http_exchange *x)
{
    struct http_flight *f = flight_create(loop, x);

    if (!loop->in_run)
        loop->now_ns = clock_ns();
    x->status = DLFW_OK;
    x->error_flags = 0;
    x->error[0] = '\0';
    x->code = 0;
    x->bytes = 0;
    x->first_byte_ns = 0;
    x->content_length = UINT64_MAX;
    x->connections = 0;
    text_clear(&x->answer_head);
    text_clear(&x->reply);
    x->flight = f;
    if (!f) {
        x->flight = (struct http_flight *)(void *)loop->refused;
        loop->refused = x;
        make_readable(loop);
        return;
    }
    if (x->head.failed) {
        exchange_fail(x, DLFW_E_NO_MEMORY, 0, "no memory for the request");
        flight_finish(loop, f);
        return;
    }
    if (x->deadline_ns)
        loop_timer(loop, x->deadline_ns);
    f->waiting = loop->waiting.first || !pool_start(loop, f);
    if (f->waiting)
        flight_push(&loop->waiting, f);
}

void http_loop_cancel(struct http_loop *loop, struct http_exchange *x)
{
    struct http_flight *f = x->flight;

    for (struct http_exchange *r = loop->refused; r; r = (struct http_exchange *)(void *)r->flight)
        if (r == x)
            return;
    if (!f || f->finished)
        return;
    if (f->in_headed) {
        f->cancelled = true;
        return;
    }
    exchange_fail(x, DLFW_E_CANCELLED, 0, "cancelled");
    if (f->conn) {
        flight_abort(f);
        return;
    }
    flight_remove(&loop->waiting, f);
    f->waiting = false;
    flight_finish(loop, f);
}

/* done() of what has finished so far; what finishes meanwhile has its turn later. */
static uint32_t deliver(struct http_loop *loop)
{
    struct flight_list finished = loop->finished;
    struct http_exchange *x = loop->refused;
    struct http_flight *f;
    uint32_t count = 0;

    loop->finished = (struct flight_list){NULL, NULL};
    loop->refused = NULL;
    while (x) {
        struct http_exchange *next = (struct http_exchange *)(void *)x->flight;

        x->flight = NULL;
        exchange_fail(x, DLFW_E_NO_MEMORY, 0, "no memory for the exchange");
        x->done(x);
        x = next;
        count++;
    }
    while ((f = finished.first)) {
        flight_remove(&finished, f);
        x = f->x;
        x->flight = NULL;
        flight_push(&loop->spare, f);
        x->done(x);
        count++;
    }
    return count;
}

static void work_conn(struct conn *c, uint32_t events)
{
    if (c->closed)
        return;
    if (c->flight)
        flight_event(c, events);
    else if (!wire_quiet(c))
        conn_close(c);
}

static void work_more(struct http_loop *loop)
{
    struct conn *more = loop->more, *next;

    loop->more = NULL;
    for (; more; more = next) {
        next = more->more_next;
        more->more = false;
        work_conn(more, EPOLLIN);
    }
}

static void expire_conns(struct http_loop *loop)
{
    struct conn *next;

    for (struct conn *c = loop->conns; c; c = next) {
        struct http_flight *f = c->flight;
        uint64_t at = c->since_ns + (f ? loop->client->args.connect_timeout : IDLE_KEPT);

        next = c->next;
        if (f && c->fd >= 0)
            at = flight_timer(f);
        else if (f && f->x->deadline_ns && f->x->deadline_ns < at)
            at = f->x->deadline_ns;
        if (loop->now_ns < at) {
            loop_timer(loop, at);
            continue;
        }
        if (!f)
            conn_close(c);
        else if (c->fd >= 0)
            flight_timed_out(f);
        else
            dial_timed_out(c);
    }
}

static void expire_waiting(struct http_loop *loop)
{
    struct http_flight *next;

    for (struct http_flight *f = loop->waiting.first; f; f = next) {
        next = f->next;
        if (!f->x->deadline_ns)
            continue;
        if (loop->now_ns < f->x->deadline_ns) {
            loop_timer(loop, f->x->deadline_ns);
            continue;
        }
        exchange_fail(f->x, DLFW_E_TIMEOUT, 0, "the request's deadline passed while it waited for a free connection");
        flight_remove(&loop->waiting, f);
        f->waiting = false;
        flight_finish(loop, f);
    }
}

static void work_timers(struct http_loop *loop)
{
    if (loop->now_ns < loop->timer_ns)
        return;
    loop->timer_ns = HTTP_NEVER;
    expire_conns(loop);
    expire_waiting(loop);
    if (loop->timer_ns < loop->now_ns + SCAN_PAUSE)
        loop->timer_ns = loop->now_ns + SCAN_PAUSE;
}

static int wait_ms(const struct http_loop *loop, uint64_t until_ns)
{
    uint64_t at = until_ns < loop->timer_ns ? until_ns : loop->timer_ns, ms;

    if (loop->more || at <= loop->now_ns)
        return 0;
    if (at == HTTP_NEVER)
        return -1;
    ms = (at - loop->now_ns + 999999) / 1000000;
    return ms < 3600000 ? (int)ms : 3600000;
}

static void work_event(struct http_loop *loop, const struct epoll_event *event)
{
    uint64_t tag = event->data.u64, count;

    if (tag & TAG_CURL) {
        dial_event(loop, (int)(tag >> 2), event->events);
    } else if (tag == TAG_TIMER) {
        dial_timer(loop);
    } else if (tag == TAG_WAKE) {
        if (read(loop->wake_fd, &count, sizeof count) < 0)
            return;
        loop->woken = loop->woken || count > loop->own_wakeups;
        loop->own_wakeups = 0;
    } else {
        work_conn(event->data.ptr, event->events);
    }
}

/* One wait and all that follows from it, up to done(). */
static void work(struct http_loop *loop, uint64_t until_ns)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(loop->epoll_fd, events, EVENTS, wait_ms(loop, until_ns));

    loop->now_ns = clock_ns();
    work_more(loop);
    for (int i = 0; i < count; i++)
        work_event(loop, &events[i]);
    dial_reap(loop);
    work_timers(loop);
    pool_start_waiting(loop);
    free_closed(loop);
}

uint32_t http_loop_run(struct http_loop *loop, uint64_t timeout_ns)
{
    uint64_t until;
    uint32_t done;

    loop->now_ns = clock_ns();
    until = timeout_ns < HTTP_NEVER - loop->now_ns ? loop->now_ns + timeout_ns : HTTP_NEVER;
    loop->in_run = true;
    loop->woken = false;
    done = deliver(loop);
    do {
        work(loop, done ? 0 : until);
        done += deliver(loop);
    } while (!done && !loop->woken && loop->now_ns < until);
    loop->in_run = false;
    if (loop->finished.first || loop->refused || loop->more)
        make_readable(loop);
    return done;
}
