/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loopback HTTP server inside a test: one thread per connection, and a function of the test that answers each request
 * with raw bytes. It is a source of answers and faults, not a stand-in for any service.
 */
#ifndef DLFW_TESTS_SUPPORT_HTTP_SERVER_H
#define DLFW_TESTS_SUPPORT_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_server;

struct served_request {
    char method[16];
    char target[2048];
    char head[8192]; /* all of it, NUL-terminated */
    char *body;
    size_t body_len;
    uint32_t number; /* of the server's requests, from 0 */
};

/* Writes its answer to fd; false: the connection is closed afterwards. Several connections may call at once. */
typedef bool http_answer(void *ctx, int fd, const struct served_request *request);

struct http_server *http_server_start(http_answer *answer, void *ctx); /* never NULL */
uint16_t http_server_port(const struct http_server *s);
uint32_t http_server_requests(const struct http_server *s);
uint32_t http_server_connections(const struct http_server *s);
void http_server_stop(struct http_server *s);
/* Value of a header of the request; false: not there. */
bool served_header(const struct served_request *request, const char *name, char *buf, size_t cap);
/* "HTTP/1.1 <status>\r\n<headers>Content-Length: n\r\n\r\n" and the body. headers: lines that end in \r\n, or "". */
void serve_text(int fd, const char *status, const char *headers, const void *body, size_t len);

#endif
