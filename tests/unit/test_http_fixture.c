/* SPDX-License-Identifier: Apache-2.0 */
#include "test_http_fixture.h"

#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>

void peer_pattern(void *buf, size_t len)
{
    unsigned char *to = buf;

    for (size_t i = 0; i < len; i++)
        to[i] = (unsigned char)(i * 131 + (i >> 8) + 7);
}

static ssize_t conn_recv(struct peer_conn *c, void *buf, size_t len)
{
    if (c->ssl)
        return SSL_read(c->ssl, buf, (int)len);
    return recv(c->fd, buf, len, 0);
}

static bool conn_send(struct peer_conn *c, const char *data, size_t len)
{
    while (len) {
        ssize_t n = c->ssl ? SSL_write(c->ssl, data, (int)len) : send(c->fd, data, len, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

/* Byte by byte, so that nothing behind the head is taken. */
static bool read_head(struct peer_conn *c, bool is_request)
{
    char head[sizeof c->peer->head];
    size_t len = 0;

    while (len + 1 < sizeof head && conn_recv(c, head + len, 1) == 1) {
        head[++len] = '\0';
        if (len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4) != 0)
            continue;
        pthread_mutex_lock(&c->peer->lock);
        memcpy(c->peer->head, head, len + 1);
        pthread_mutex_unlock(&c->peer->lock);
        if (is_request)
            atomic_fetch_add(&c->peer->requests, 1);
        return true;
    }
    return false;
}

static bool read_body(struct peer_conn *c, uint64_t n)
{
    char buf[16384];

    while (n) {
        ssize_t got = conn_recv(c, buf, n < sizeof buf ? (size_t)n : sizeof buf);

        if (got <= 0)
            return false;
        n -= (uint64_t)got;
    }
    return true;
}

static bool send_pattern(struct peer_conn *c, uint64_t n, bool drip)
{
    char *pattern = malloc(n ? n : 1);
    bool good = true;

    peer_pattern(pattern, n);
    if (!drip)
        good = conn_send(c, pattern, n);
    for (uint64_t i = 0; drip && good && i < n; i++) {
        good = conn_send(c, pattern + i, 1);
        (void)usleep(5000);
    }
    free(pattern);
    return good;
}

static bool begin_tls(struct peer_conn *c, SSL_CTX *tls)
{
    if (!tls)
        return true;
    c->ssl = SSL_new(tls);
    SSL_set_fd(c->ssl, c->fd);
    if (SSL_accept(c->ssl) != 1)
        return false;
    if (SSL_session_reused(c->ssl))
        atomic_fetch_add(&c->peer->resumed, 1);
    return true;
}

static bool step(struct peer_conn *c, const struct peer_step *s)
{
    struct pollfd gone = {.fd = c->fd, .events = POLLRDHUP};
    struct linger hard = {.l_onoff = 1};
    char unread[16384];

    switch (s->op) {
    case PEER_HEAD:
        return read_head(c, true);
    case PEER_BODY:
        return read_body(c, s->n);
    case PEER_SAY:
        return conn_send(c, s->text, strlen(s->text));
    case PEER_BYTES:
    case PEER_DRIP:
        return send_pattern(c, s->n, s->op == PEER_DRIP);
    case PEER_PAUSE:
        return poll(&gone, 1, (int)s->n) == 0;
    case PEER_HOLD:
        while (conn_recv(c, unread, sizeof unread) > 0)
            ;
        return false;
    case PEER_RESET:
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        return false;
    case PEER_TUNNEL:
        return read_head(c, false) && conn_send(c, "HTTP/1.1 200 connected\r\n\r\n", 26) &&
               begin_tls(c, c->peer->tunnel_tls);
    case PEER_AGAIN:
    default:
        return true;
    }
}

static void *run_conn(void *user)
{
    struct peer_conn *c = user;
    bool good = begin_tls(c, c->peer->tls);

    for (size_t i = 0; good && i < c->script->count; i++) {
        good = step(c, &c->script->steps[i]);
        if (c->script->steps[i].op == PEER_AGAIN)
            i = (size_t)-1;
    }
    pthread_mutex_lock(&c->peer->lock);
    if (c->ssl) {
        if (good)
            (void)SSL_shutdown(c->ssl);
        SSL_free(c->ssl);
    }
    close(c->fd);
    c->fd = -1;
    pthread_mutex_unlock(&c->peer->lock);
    ERR_clear_error();
    return NULL;
}

static void *run_peer(void *user)
{
    struct peer *peer = user;
    sigset_t pipe;
    int fd, on = 1;

    /* OpenSSL's own writes raise it, here on the server's side. The engine must do without. */
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    while ((fd = accept(peer->listener, NULL, NULL)) >= 0) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        pthread_mutex_lock(&peer->lock);
        if (peer->stopping || peer->conn_count == PEER_CONNS) {
            close(fd);
        } else {
            size_t i = peer->conn_count++;
            struct peer_conn *c = &peer->conns[i];

            i = i < peer->script_count ? i : peer->script_count - 1;
            *c = (struct peer_conn){.peer = peer, .fd = fd, .script = &peer->scripts[i]};
            ck_assert_int_eq(pthread_create(&c->thread, NULL, run_conn, c), 0);
        }
        pthread_mutex_unlock(&peer->lock);
    }
    return NULL;
}

void peer_start_tls(struct peer *peer, const struct peer_script *scripts, size_t count, SSL_CTX *tls,
                    SSL_CTX *tunnel_tls)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;

    memset(peer, 0, sizeof *peer);
    peer->scripts = scripts;
    peer->script_count = count;
    peer->tls = tls;
    peer->tunnel_tls = tunnel_tls;
    pthread_mutex_init(&peer->lock, NULL);
    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(peer->listener, (struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(listen(peer->listener, 64), 0);
    ck_assert_int_eq(getsockname(peer->listener, (struct sockaddr *)&address, &len), 0);
    peer->port = ntohs(address.sin_port);
    ck_assert_int_eq(pthread_create(&peer->thread, NULL, run_peer, peer), 0);
}

void peer_start(struct peer *peer, const struct peer_script *scripts, size_t count)
{
    peer_start_tls(peer, scripts, count, NULL, NULL);
}

void peer_stop(struct peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    peer->stopping = true;
    for (size_t i = 0; i < peer->conn_count; i++)
        if (peer->conns[i].fd >= 0)
            (void)shutdown(peer->conns[i].fd, SHUT_RDWR);
    pthread_mutex_unlock(&peer->lock);
    (void)shutdown(peer->listener, SHUT_RDWR);
    pthread_join(peer->thread, NULL);
    for (size_t i = 0; i < peer->conn_count; i++)
        pthread_join(peer->conns[i].thread, NULL);
    close(peer->listener);
    pthread_mutex_destroy(&peer->lock);
}

size_t peer_connections(struct peer *peer)
{
    size_t count;

    pthread_mutex_lock(&peer->lock);
    count = peer->conn_count;
    pthread_mutex_unlock(&peer->lock);
    return count;
}

void rig_args(struct rig *rig)
{
    rig->client = NULL;
    rig->loop = NULL;
    rig->args = (struct http_client_args){.connect_timeout = 5 * SECONDS,
                                          .first_byte_timeout = 5 * SECONDS,
                                          .idle_timeout = 5 * SECONDS,
                                          .verify_tls = true};
}

void rig_open(struct rig *rig, uint32_t connections)
{
    ck_assert_int_eq(http_client_create(&rig->args, &rig->client, NULL), DLFW_OK);
    ck_assert_int_eq(http_loop_create(rig->client, connections, &rig->loop, NULL), DLFW_OK);
}

void rig_start(struct rig *rig, const struct peer_script *scripts, size_t count)
{
    peer_start(&rig->peer, scripts, count);
    rig_args(rig);
    rig_open(rig, 4);
}

void rig_stop(struct rig *rig)
{
    http_loop_destroy(rig->loop);
    http_client_destroy(rig->client);
    peer_stop(&rig->peer);
}

static void trip_done(struct http_exchange *x)
{
    struct trip *t = x->owner;

    t->done++;
}

static void trip_begin(struct rig *rig, struct trip *t)
{
    *t = (struct trip){.done = 0};
    t->x.origin = (struct http_origin){.port = rig->peer.port, .tls = rig->peer.tls != NULL, .host = "127.0.0.1"};
    t->x.done = trip_done;
    t->x.owner = t;
    t->x.reply_max = 4096;
}

void trip_get(struct rig *rig, struct trip *t, uint64_t cap)
{
    trip_begin(rig, t);
    text_str(&t->x.head, "GET /object HTTP/1.1\r\nHost: x\r\n\r\n");
    if (!cap)
        return;
    t->buf = calloc(1, cap);
    t->x.sink = t->buf;
    t->x.sink_cap = cap;
}

void trip_put(struct rig *rig, struct trip *t, uint64_t size, uint32_t flags)
{
    trip_begin(rig, t);
    text_printf(&t->x.head, "PUT /object HTTP/1.1\r\nHost: x\r\nContent-Length: %llu\r\n%s\r\n",
                (unsigned long long)size, flags & HTTP_EXPECT_CONTINUE ? "Expect: 100-continue\r\n" : "");
    t->buf = calloc(1, size ? size : 1);
    t->body = (struct iovec){t->buf, size};
    t->x.body = &t->body;
    t->x.body_count = 1;
    t->x.flags = flags;
}

void trip_wait(struct rig *rig, struct trip *t)
{
    time_t end = time(NULL) + 10;

    while (!t->done && time(NULL) < end)
        (void)http_loop_run(rig->loop, 100 * MS);
    ck_assert_uint_eq(t->done, 1);
    ck_assert_ptr_null(t->x.flight);
}

void trip_run(struct rig *rig, struct trip *t)
{
    t->done = 0;
    http_loop_send(rig->loop, &t->x);
    ck_assert_uint_eq(t->done, 0);
    trip_wait(rig, t);
}

void trip_free(struct trip *t)
{
    http_exchange_free(&t->x);
    free(t->buf);
}

void trip_is_whole(const struct trip *t, int32_t code, uint64_t bytes)
{
    char *pattern = malloc(bytes ? bytes : 1);

    ck_assert_msg(t->x.status == DLFW_OK, "status %d: %s", (int)t->x.status, t->x.error);
    ck_assert_int_eq(t->x.code, code);
    ck_assert_uint_eq(t->x.bytes, bytes);
    peer_pattern(pattern, bytes);
    ck_assert(bytes == 0 || memcmp(pattern, t->buf, bytes) == 0);
    free(pattern);
}

void trip_failed(const struct trip *t, dlfw_status status, uint32_t flags, const char *text)
{
    ck_assert_msg(t->x.status == status, "status %d, not %d: %s", (int)t->x.status, (int)status, t->x.error);
    ck_assert_msg(t->x.error_flags == flags, "flags %u, not %u: %s", t->x.error_flags, flags, t->x.error);
    ck_assert_msg(strstr(t->x.error, text) != NULL, "'%s' does not say '%s'", t->x.error, text);
}

unsigned open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;

    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}
