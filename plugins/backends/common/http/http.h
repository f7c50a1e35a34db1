/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 for the backends of object stores. An exchange is one request and its answer; a loop carries many of them
 * over a pool of kept-alive connections in one thread, without threads of its own, and receives payloads straight into
 * the caller's memory. libcurl makes the connections (names, proxies, TLS); the messages are this library's.
 *
 * The loop never retries, with one exception that HTTP demands: a kept-alive connection that the server has closed
 * before a byte of the answer came is replaced once. It does not follow redirects and knows nothing of any service.
 *
 * Threads: a client may be shared by all threads of an instance; a loop and its exchanges belong to one thread at a
 * time, only http_loop_wakeup may come from any.
 */
#ifndef DLFW_PLUGIN_HTTP_H
#define DLFW_PLUGIN_HTTP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "dlfw/host.h"

#include "text.h"

struct http_client;
struct http_loop;

struct http_client_args {
    const dlfw_host *host;
    void *host_ctx;
    uint64_t connect_timeout;    /* ns: name, TCP, proxy and TLS together */
    uint64_t first_byte_timeout; /* ns: from the request's last byte to the answer's first */
    uint64_t idle_timeout;       /* ns: without a byte either way while a message is under way */
    const char *ca_bundle;       /* PEM file; NULL: the system's */
    bool verify_tls;
    const char *proxy; /* "http://host:port"; NULL: the environment decides (https_proxy, http_proxy, no_proxy) */
};

/* Where a request goes. host without brackets. */
struct http_origin {
    bool tls;
    uint16_t port;
    char host[256];
};

enum http_exchange_flags {
    HTTP_EXPECT_CONTINUE =
        1u << 0,            /* the head carries "Expect: 100-continue": the body waits for 100, at most a second */
    HTTP_NO_BODY = 1u << 1, /* the answer has no body whatever its head says: HEAD */
    HTTP_FRESH = 1u << 2    /* on a new connection */
};

struct http_exchange {
    /* What the caller fills; all of it borrowed until done. */
    struct http_origin origin;
    struct text head; /* "PUT /b/k?x HTTP/1.1\r\nHost: ...\r\n...\r\n\r\n", complete with Content-Length where there is
                         a body */
    const struct iovec *body;
    uint32_t body_count;
    uint32_t flags;       /* enum http_exchange_flags */
    uint64_t deadline_ns; /* CLOCK_MONOTONIC; 0: none */
    /* The payload of a 2xx answer goes here; NULL: into reply. A body larger than the room is DLFW_E_BUFFER_TOO_SMALL,
     * with content_length as the answer said it. What of the room the payload does not fill is undefined. */
    void *sink;
    uint64_t sink_cap;
    /* Bodies of at most this many bytes are kept in reply (all answers without sink, and every answer that is not 2xx;
     * what an error says beyond it is dropped, a 2xx answer beyond it is DLFW_E_CORRUPT). */
    uint64_t reply_max;
    /* The answer's head is there, its body not yet: may set sink, sink_cap, sink_skip. NULL: nothing to say. */
    void (*headed)(struct http_exchange *x);
    /* Exactly once for each exchange given to http_loop_send, from http_loop_run only; may send the exchange again. */
    void (*done)(struct http_exchange *x);
    void *owner; /* the caller's */

    /* The answer. */
    dlfw_status status;   /* DLFW_OK: a complete answer, whatever its code. Else error tells */
    uint32_t error_flags; /* DLFW_ERR_RETRYABLE ... */
    char error[320]; /* "the connection was reset after 4096 of 65536 bytes"; no method or object, the caller knows */
    int32_t code;    /* 200, 404, ...; 0: no answer */
    struct text answer_head; /* "HTTP/1.1 200 OK\r\n...", as received */
    uint64_t content_length; /* UINT64_MAX: not told */
    uint64_t sink_skip;      /* set in headed(): bytes of the body to drop before sink */
    uint64_t sink_limit; /* set in headed(): bytes of the body to take after them, the rest is dropped; 0: no limit */
    uint64_t bytes;      /* in sink */
    struct text reply;
    uint64_t first_byte_ns; /* of the answer's body; of its head when it has none; 0: none came */
    uint32_t connections;   /* tried: 2 after a stale one was replaced */

    struct http_flight *flight; /* the loop's */
};

dlfw_status http_client_create(const struct http_client_args *args, struct http_client **ret, dlfw_error *err);
void http_client_destroy(struct http_client *client); /* all its loops are gone; NULL is fine */

/* max_connections: open at once; further exchanges wait their turn. */
dlfw_status http_loop_create(struct http_client *client, uint32_t max_connections, struct http_loop **ret,
                             dlfw_error *err);
void http_loop_destroy(struct http_loop *loop); /* nothing is in flight; NULL is fine */
/* Never blocks and never fails: failures arrive in done(). */
void http_loop_send(struct http_loop *loop, struct http_exchange *x);
/* A wish: done() follows with DLFW_E_CANCELLED, or with the answer if that was quicker. */
void http_loop_cancel(struct http_loop *loop, struct http_exchange *x);
/* Works until at least one exchange is done (done() was called), timeout_ns passed (UINT64_MAX: none) or wakeup.
 * Returns the number of exchanges that were done. */
uint32_t http_loop_run(struct http_loop *loop, uint64_t timeout_ns);
void http_loop_wakeup(struct http_loop *loop);  /* [any thread] */
int http_loop_fd(const struct http_loop *loop); /* polls readable while run would make progress (deadlines apart) */

/* One exchange, blocking, on a loop of its own: tokens and other small things. Ends early when the host is cancelled.
 */
dlfw_status http_fetch(struct http_client *client, struct http_exchange *x, dlfw_error *err);

/* Value of a header of the answer (name in any case), without blanks around; NULL: not there. Not NUL-terminated. */
const char *http_header(const struct http_exchange *x, const char *name, size_t *ret_len);
/* The same into buf as a string; false when absent or too long. */
bool http_header_copy(const struct http_exchange *x, const char *name, char *buf, size_t cap);
/* Next header from *cursor (0 at first) on; false at the end. For metadata headers. */
bool http_header_next(const struct http_exchange *x, size_t *cursor, const char **name, size_t *name_len,
                      const char **value, size_t *value_len);
/* Frees head, answer_head and reply. */
void http_exchange_free(struct http_exchange *x);

/* "https://host:port/path" -> origin and where the path begins ("" when there is none). A scheme is required. */
dlfw_status http_origin_parse(const char *url, struct http_origin *ret, const char **ret_path, dlfw_error *err);
/* "host" or "host:port" as it stands in the Host header: the port only when it is not the scheme's; IPv6 in brackets.
 */
void http_origin_host(const struct http_origin *origin, char *buf, size_t cap);

#endif
