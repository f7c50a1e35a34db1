/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the engine. A flight is an exchange under way, a conn one connection; at any time a conn is dialing for
 * one flight, idle, or busy with one flight. libcurl makes and ends connections (dial.c), wire.c moves bytes, flight.c
 * is the course of one exchange on its connection, pool.c which connection that is, loop.c the waiting.
 *
 * Ownership: the loop owns conns and flights. A finished flight lies in loop->finished until loop.c calls done(); no
 * callback of the caller runs anywhere else but headed(). A closed conn stays in loop->closed until the events of its
 * batch are over.
 */
#ifndef DLFW_PLUGIN_HTTP_ENGINE_H
#define DLFW_PLUGIN_HTTP_ENGINE_H

#include <pthread.h>
#include <sys/epoll.h>

#include <curl/curl.h>

#include "answer.h"
#include "http.h"

#define HTTP_SECOND ((uint64_t)1000000000)
#define HTTP_NEVER UINT64_MAX

enum {
    SCRATCH_SIZE = 128 * 1024,
    SEND_PARTS = 64, /* iovecs of one sendmsg at most */
    HTTP_LOCKS = CURL_LOCK_DATA_LAST
};

struct http_client {
    struct http_client_args args;
    char *ca_bundle, *proxy;
    CURLSH *share; /* TLS sessions, for all loops */
    pthread_mutex_t share_locks[HTTP_LOCKS];
};

struct conn {
    struct conn *next, *prev;           /* among loop->conns; next alone among loop->closed */
    struct conn *idle_next, *idle_prev; /* among loop->idle */
    struct conn *more_next;             /* among loop->more */
    struct http_loop *loop;
    struct http_flight *flight; /* NULL: idle */
    CURL *easy;
    int fd;            /* -1: dialing */
    bool closed;       /* waits for the end of the batch */
    bool idle;         /* in loop->idle */
    bool used;         /* has carried an exchange: the server may have closed it since */
    bool through_tls;  /* bytes go through libcurl */
    bool wants_out;    /* EPOLLOUT is asked for */
    bool more;         /* in loop->more */
    bool low_water;    /* SO_RCVLOWAT is not 1 */
    uint32_t head_len; /* of the last answer: the next one's head is likely as long */
    uint64_t since_ns; /* dialing or idle since */
    struct http_origin origin;
    char reason[CURL_ERROR_SIZE];
};

enum sending { SENDING, SEND_HELD, SENT, SEND_STOPPED };

struct http_flight {
    struct http_flight *next, *prev; /* among loop->waiting or loop->finished or loop->spare */
    struct http_exchange *x;
    struct conn *conn;
    bool waiting;   /* in loop->waiting */
    bool finished;  /* in loop->finished */
    bool fresh;     /* needs a new connection */
    bool replaced;  /* a stale connection was replaced */
    bool cancelled; /* inside headed() */
    bool in_headed;
    uint8_t sending; /* enum sending */
    uint32_t part;   /* of what is sent: 0 the head, i the body's iovec i-1 */
    size_t part_at;
    uint64_t active_ns; /* the last byte either way, or the begin of the phase */
    struct answer answer;
};

struct flight_list {
    struct http_flight *first, *last;
};

struct http_loop {
    struct http_client *client;
    CURLM *multi;
    int epoll_fd, wake_fd, timer_fd;
    bool in_run;
    bool curl_worked;     /* libcurl may have finished connections */
    bool woken;           /* by http_loop_wakeup */
    uint64_t own_wakeups; /* not by it */
    uint32_t conn_count, conn_max;
    struct conn *conns, *idle, *idle_last, *closed, *more;
    struct flight_list waiting, finished, spare;
    struct http_exchange *refused; /* there was no memory for their flights; linked by exchange.flight */
    uint64_t now_ns;
    uint64_t timer_ns; /* no timer expires before */
    char scratch[SCRATCH_SIZE];
};

/* loop.c */
uint64_t clock_ns(void);
void loop_timer(struct http_loop *loop, uint64_t at_ns);
void flight_push(struct flight_list *list, struct http_flight *f);
void flight_remove(struct flight_list *list, struct http_flight *f);
/* x says how it ended. The connection, if any, is the caller's to release or close first. */
void flight_finish(struct http_loop *loop, struct http_flight *f);

/* dial.c */
/* Begins a connection for f. False: f has been finished with an error. */
bool dial(struct http_loop *loop, struct http_flight *f);
bool dial_multi_create(struct http_loop *loop);
void dial_event(struct http_loop *loop, int fd, uint32_t events);
void dial_timer(struct http_loop *loop);
/* Connections that libcurl has made or given up. */
void dial_reap(struct http_loop *loop);
void dial_timed_out(struct conn *c);
void conn_close(struct conn *c);

/* wire.c: > 0 bytes, 0 the peer ended its stream, else negative errno; -EAGAIN: later. */
ssize_t wire_recv(struct conn *c, void *buf, size_t len);
/* Into one after the other, in one call; not through TLS. */
ssize_t wire_recv_parts(struct conn *c, struct iovec *parts, int count);
ssize_t wire_send(struct conn *c, const struct iovec *parts, int count);
/* Idle and fit for another exchange: open, and nothing unasked has come. */
bool wire_quiet(struct conn *c);
void wire_want_out(struct conn *c, bool wanted);
void wire_low_water(struct conn *c, uint64_t remaining);

/* pool.c */
/* Gives f a connection or has one made. False: none is free, f must wait. */
bool pool_start(struct http_loop *loop, struct http_flight *f);
void pool_start_waiting(struct http_loop *loop);
void pool_add_idle(struct conn *c);
void pool_remove_idle(struct conn *c);

/* flight.c */
void flight_begin(struct http_flight *f, struct conn *c);
void flight_event(struct conn *c, uint32_t events);
/* The next moment at which f's patience ends; and what then happens. */
uint64_t flight_timer(const struct http_flight *f);
void flight_timed_out(struct http_flight *f);
/* Ends f now with what x says, closing its connection. */
void flight_abort(struct http_flight *f);
void duration_text(uint64_t ns, char *buf, size_t cap);

#endif
