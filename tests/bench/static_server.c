/* SPDX-License-Identifier: Apache-2.0 */
/*
 * static_server [--port N] [--threads N] [--congestion NAME] [--cert FILE --key FILE]: answers GET and HEAD of /N with
 * N bytes from memory and swallows PUT and POST, over kept-alive connections, so that what is measured against it is
 * the client. Prints "port N" once it listens; runs until its input ends or it is killed.
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

enum { PAYLOAD = 256 * 1024, HEAD = 16 * 1024, THREADS_MAX = 64, PARTS = 16 };

struct peer {
    int fd;
    SSL *ssl;
    bool wants_out, expects;
    char in[HEAD];
    size_t in_len;
    char head[256];
    size_t head_len, head_at;
    uint64_t out_left, in_left; /* body bytes still to send; still to swallow */
    bool answering;
};

static char payload[PAYLOAD];
static int epolls[THREADS_MAX];
static SSL_CTX *tls;

static void die(const char *what)
{
    fprintf(stderr, "static_server: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void peer_close(struct peer *p)
{
    if (p->ssl)
        SSL_free(p->ssl);
    close(p->fd);
    free(p);
}

/* Bytes, 0 at the end, negative errno. */
static ssize_t tls_result(struct peer *p, int n)
{
    int why = n > 0 ? SSL_ERROR_NONE : SSL_get_error(p->ssl, n);

    ERR_clear_error();
    if (n > 0)
        return n;
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? -EAGAIN : 0;
}

static ssize_t peer_recv(struct peer *p, char *buf, size_t len, int flags)
{
    ssize_t n;

    if (p->ssl)
        return tls_result(p, SSL_read(p->ssl, buf, (int)len));
    n = recv(p->fd, buf, len, MSG_DONTWAIT | flags);
    return n < 0 ? -errno : n;
}

static ssize_t peer_send(struct peer *p)
{
    struct iovec parts[PARTS] = {{p->head + p->head_at, p->head_len - p->head_at}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 1};
    uint64_t left = p->out_left;
    ssize_t n;

    while (left && message.msg_iovlen < PARTS) {
        size_t len = left < PAYLOAD ? (size_t)left : PAYLOAD;

        parts[message.msg_iovlen++] = (struct iovec){payload, len};
        left -= len;
    }
    if (p->ssl) {
        size_t i = parts[0].iov_len ? 0 : 1;

        return tls_result(p, SSL_write(p->ssl, parts[i].iov_base, (int)parts[i].iov_len));
    }
    n = sendmsg(p->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    return n < 0 ? -errno : n;
}

static void watch_out(int epoll_fd, struct peer *p, bool wanted)
{
    struct epoll_event event = {.events = EPOLLIN | (wanted ? (uint32_t)EPOLLOUT : 0), .data.ptr = p};

    if (p->wants_out == wanted)
        return;
    p->wants_out = wanted;
    (void)epoll_ctl(epoll_fd, EPOLL_CTL_MOD, p->fd, &event);
}

static void begin_request(struct peer *p, size_t head_len)
{
    const char *slash = strchr(p->in, '/'), *length = strcasestr(p->in, "\r\ncontent-length:");
    bool is_get = p->in[0] == 'G', is_head = p->in[0] == 'H';
    uint64_t size = slash && (is_get || is_head) ? strtoull(slash + 1, NULL, 10) : 0;
    size_t extra = p->in_len - head_len;

    p->in_left = length && length < p->in + head_len ? strtoull(length + 17, NULL, 10) : 0;
    p->expects = p->in_left && strcasestr(p->in, "100-continue") != NULL;
    p->head_len =
        (size_t)snprintf(p->head, sizeof p->head, "HTTP/1.1 200 OK\r\nServer: static\r\nContent-Length: %llu\r\n\r\n",
                         (unsigned long long)size);
    p->head_at = 0;
    p->out_left = is_head ? 0 : size;
    p->answering = p->in_left == 0;
    extra = extra < p->in_left ? extra : (size_t)p->in_left;
    p->in_left -= extra;
    p->in_len -= head_len + extra;
    memmove(p->in, p->in + head_len + extra, p->in_len);
    p->in[p->in_len] = '\0';
    if (p->expects)
        (void)!send(p->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL);
}

/* One step of the exchange; what peer_recv or peer_send said, 1 when there is nothing to wait for. */
static ssize_t peer_step(struct peer *p)
{
    static _Thread_local char swallowed[PAYLOAD];
    char *end;
    ssize_t n;

    if (p->answering) {
        n = peer_send(p);
        if (n <= 0)
            return n == 0 ? -EPIPE : n;
        if ((size_t)n < p->head_len - p->head_at) {
            p->head_at += (size_t)n;
            return 1;
        }
        p->out_left -= (uint64_t)n - (p->head_len - p->head_at);
        p->head_at = p->head_len;
        p->answering = p->out_left > 0;
        return 1;
    }
    if (p->in_left) {
        size_t len = p->in_left < 4 * PAYLOAD ? (size_t)p->in_left : 4 * PAYLOAD;

        n = p->ssl ? peer_recv(p, swallowed, len < PAYLOAD ? len : PAYLOAD, 0) : peer_recv(p, NULL, len, MSG_TRUNC);
        p->in_left -= n > 0 ? (uint64_t)n : 0;
        p->answering = p->in_left == 0;
        return n;
    }
    end = strstr(p->in, "\r\n\r\n");
    if (end) {
        begin_request(p, (size_t)(end + 4 - p->in));
        return 1;
    }
    n = peer_recv(p, p->in + p->in_len, HEAD - 1 - p->in_len, 0);
    p->in_len += n > 0 ? (size_t)n : 0;
    p->in[p->in_len] = '\0';
    return n;
}

static void *serve(void *user)
{
    int epoll_fd = *(int *)user;
    struct epoll_event events[64];

    for (;;) {
        int count = epoll_wait(epoll_fd, events, 64, -1);

        for (int i = 0; i < count; i++) {
            struct peer *p = events[i].data.ptr;
            ssize_t n;

            do
                n = peer_step(p);
            while (n > 0);
            if (n == -EAGAIN)
                watch_out(epoll_fd, p, p->answering);
            else
                peer_close(p);
        }
    }
    return NULL;
}

static void take(int fd, int epoll_fd)
{
    struct peer *p = calloc(1, sizeof *p);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = p};
    int on = 1;

    if (!p)
        die("memory");
    p->fd = fd;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (tls) {
        p->ssl = SSL_new(tls);
        SSL_set_fd(p->ssl, fd);
        SSL_set_accept_state(p->ssl);
    }
    (void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static int listen_on(uint16_t port, const char *congestion)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion, (socklen_t)strlen(congestion)) < 0)
        die(congestion);
    if (bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, 1024) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        die("listen");
    printf("port %u\n", (unsigned)ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void load_tls(const char *cert, const char *key)
{
    tls = SSL_CTX_new(TLS_server_method());
    if (!tls || SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
        die(cert);
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(tls, 1);
    SSL_CTX_set_default_read_buffer_len(tls, PAYLOAD);
}

static void *end_with_input(void *user)
{
    char byte;

    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    exit(0);
    return user;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"port", 1, NULL, 'p'},       {"threads", 1, NULL, 't'},
                                            {"congestion", 1, NULL, 'c'}, {"cert", 1, NULL, 'C'},
                                            {"key", 1, NULL, 'K'},        {0}};
    const char *congestion = "cubic", *cert = NULL, *key = NULL;
    unsigned long port = 0, threads = 2;
    pthread_t thread;
    int o, listener;

    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (o == 'p')
            port = strtoul(optarg, NULL, 10);
        else if (o == 't')
            threads = strtoul(optarg, NULL, 10);
        else if (o == 'c')
            congestion = optarg;
        else if (o == 'C')
            cert = optarg;
        else if (o == 'K')
            key = optarg;
        else
            return 2;
    }
    if (threads < 1 || threads > THREADS_MAX || port > UINT16_MAX || !cert != !key)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < PAYLOAD; i++)
        payload[i] = (char)i;
    if (cert)
        load_tls(cert, key);
    listener = listen_on((uint16_t)port, congestion);
    for (size_t i = 0; i < threads; i++) {
        epolls[i] = epoll_create1(EPOLL_CLOEXEC);
        if (pthread_create(&thread, NULL, serve, &epolls[i]) != 0)
            die("thread");
    }
    if (pthread_create(&thread, NULL, end_with_input, NULL) != 0)
        die("thread");
    for (size_t i = 0;; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0)
            take(fd, epolls[i % threads]);
    }
}
