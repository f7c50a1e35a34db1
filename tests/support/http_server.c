/* SPDX-License-Identifier: Apache-2.0 */
#include "support/http_server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 64 };

struct connection {
    struct http_server *server;
    pthread_t thread;
    int fd;
};

struct http_server {
    http_answer *answer;
    void *ctx;
    int fd;
    uint16_t port;
    pthread_t thread;
    pthread_mutex_t lock;
    struct connection connections[CONNECTIONS_MAX];
    _Atomic uint32_t connection_count;
    _Atomic uint32_t requests;
};

static void must(bool good, const char *what)
{
    if (good)
        return;
    perror(what);
    abort();
}

/* Reads one request into r; false: the client is gone. kept: bytes already there. */
static bool read_request(int fd, struct served_request *r, char *buf, size_t cap, size_t *kept)
{
    size_t head_len, length = 0;
    char text[32];
    char *end;

    while (!(end = memmem(buf, *kept, "\r\n\r\n", 4))) {
        ssize_t n = *kept < cap ? recv(fd, buf + *kept, cap - *kept, 0) : 0;

        if (n <= 0)
            return false;
        *kept += (size_t)n;
    }
    head_len = (size_t)(end - buf) + 4;
    snprintf(r->head, sizeof r->head, "%.*s", (int)head_len, buf);
    if (sscanf(r->head, "%15s %2047s", r->method, r->target) != 2)
        return false;
    if (served_header(r, "content-length", text, sizeof text))
        length = strtoull(text, NULL, 10);
    r->body = malloc(length + 1);
    r->body_len = length;
    *kept -= head_len;
    memmove(buf, buf + head_len, *kept);
    for (size_t got = 0; got < length;) {
        size_t have = *kept < length - got ? *kept : length - got;
        ssize_t n = (ssize_t)have;

        if (have) {
            memcpy(r->body + got, buf, have);
            *kept -= have;
            memmove(buf, buf + have, *kept);
        } else {
            n = recv(fd, r->body + got, length - got, 0);
        }
        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    r->body[length] = '\0';
    return true;
}

static void *serve(void *arg)
{
    struct connection *c = arg;
    size_t cap = 65536, kept = 0;
    char *buf = malloc(cap);
    struct served_request *r = calloc(1, sizeof *r);
    bool more = true;

    while (more && read_request(c->fd, r, buf, cap, &kept)) {
        r->number = atomic_fetch_add(&c->server->requests, 1);
        more = c->server->answer(c->server->ctx, c->fd, r);
        free(r->body);
        r->body = NULL;
    }
    free(r->body);
    free(r);
    free(buf);
    shutdown(c->fd, SHUT_RDWR);
    return NULL;
}

static void *accept_all(void *arg)
{
    struct http_server *s = arg;

    for (;;) {
        int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
        uint32_t n = atomic_load(&s->connection_count);
        struct connection *c;

        if (fd < 0)
            return NULL;
        if (n == CONNECTIONS_MAX) {
            close(fd);
            continue;
        }
        c = &s->connections[n];
        c->server = s;
        c->fd = fd;
        must(pthread_create(&c->thread, NULL, serve, c) == 0, "pthread_create");
        atomic_fetch_add(&s->connection_count, 1);
    }
}

struct http_server *http_server_start(http_answer *answer, void *ctx)
{
    struct http_server *s = calloc(1, sizeof *s);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;

    must(s != NULL, "calloc");
    s->answer = answer;
    s->ctx = ctx;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(s->fd >= 0, "socket");
    must(bind(s->fd, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    must(listen(s->fd, CONNECTIONS_MAX) == 0, "listen");
    must(getsockname(s->fd, (struct sockaddr *)&address, &len) == 0, "getsockname");
    s->port = ntohs(address.sin_port);
    must(pthread_create(&s->thread, NULL, accept_all, s) == 0, "pthread_create");
    return s;
}

uint16_t http_server_port(const struct http_server *s)
{
    return s->port;
}

uint32_t http_server_requests(const struct http_server *s)
{
    return atomic_load(&s->requests);
}

uint32_t http_server_connections(const struct http_server *s)
{
    return atomic_load(&s->connection_count);
}

void http_server_stop(struct http_server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
    for (uint32_t i = 0; i < atomic_load(&s->connection_count); i++) {
        shutdown(s->connections[i].fd, SHUT_RDWR);
        pthread_join(s->connections[i].thread, NULL);
        close(s->connections[i].fd);
    }
    free(s);
}

bool served_header(const struct served_request *request, const char *name, char *buf, size_t cap)
{
    size_t name_len = strlen(name);

    for (const char *line = strstr(request->head, "\r\n"); line; line = strstr(line, "\r\n")) {
        const char *value;

        line += 2;
        if (strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
            continue;
        value = line + name_len + 1 + strspn(line + name_len + 1, " ");
        snprintf(buf, cap, "%.*s", (int)strcspn(value, "\r\n"), value);
        return true;
    }
    return false;
}

static void send_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

        if (n <= 0)
            return;
        data += n;
        len -= (size_t)n;
    }
}

void serve_text(int fd, const char *status, const char *headers, const void *body, size_t len)
{
    char head[4096];
    int n = snprintf(head, sizeof head, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n", status, headers, len);

    send_all(fd, head, (size_t)n);
    send_all(fd, body, len);
}
