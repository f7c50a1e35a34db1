/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections by libcurl: names, happy eyeballs, proxies, TLS. Its sockets and its one timer are in the loop's epoll
 * while it works; once a connection stands, its socket is ours. The easy handle stays in the multi as long as the
 * connection lives, because removing it would close the connection.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "engine.h"
#include "origin.h"

enum { TLS_READ_AHEAD = 66 * 1024 }; /* four whole records */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *known)
{
    struct http_loop *loop = user;
    struct epoll_event event = {.data.u64 = (uint64_t)fd << 2 | 1};

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        event.events |= EPOLLIN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        event.events |= EPOLLOUT;
    if (known && epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0)
        return 0;
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 && errno == EEXIST)
        (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, fd, &event);
    (void)curl_multi_assign(loop->multi, fd, loop);
    return 0;
}

static int on_timer(CURLM *multi, long ms, void *user)
{
    struct http_loop *loop = user;
    struct itimerspec at = {.it_value = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}};

    (void)multi;
    if (ms < 0)
        at.it_value = (struct timespec){0};
    else if (ms == 0)
        at.it_value.tv_nsec = 1;
    (void)timerfd_settime(loop->timer_fd, 0, &at, NULL);
    return 0;
}

bool dial_multi_create(struct http_loop *loop)
{
    loop->multi = curl_multi_init();
    return loop->multi && !curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, on_socket) &&
           !curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop) &&
           !curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, on_timer) &&
           !curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
}

static curl_socket_t on_open(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)user;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* AES-128 goes first among the suites of TLS 1.3 that the system's policy has, which costs a fifth less than AES-256.
 */
static void prefer_aes128(SSL_CTX *ctx)
{
    static const char *const wanted = "TLS_AES_128_GCM_SHA256";
    STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(ctx);
    struct text suites = {0};
    bool is_there = false;

    text_str(&suites, wanted);
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
        const char *name = SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i));

        if (strcmp(name, wanted) == 0)
            is_there = true;
        else if (strncmp(name, "TLS_", 4) == 0)
            text_printf(&suites, ":%s", name);
    }
    if (is_there && !suites.failed)
        (void)SSL_CTX_set_ciphersuites(ctx, suites.data);
    text_free(&suites);
}

/* Several records per system call, and buffers that stay. No more than a few: OpenSSL moves what it holds for each
 * record. */
static CURLcode on_ssl_ctx(CURL *easy, void *ctx, void *user)
{
    (void)easy;
    (void)user;
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_default_read_buffer_len(ctx, TLS_READ_AHEAD);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION); /* a write never waits for a read */
    SSL_CTX_clear_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    prefer_aes128(ctx);
    return CURLE_OK;
}

static bool set_trust(CURL *easy, const struct http_client *client)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    const char *bundle = client->args.ca_bundle ? client->args.ca_bundle : info->cainfo;
    long verify = client->args.verify_tls;
    unsigned bad = 0;

    bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify);
    bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify * 2);
    bad |= curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, verify);
    bad |= curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYHOST, verify * 2);
    if (bundle) {
        /* One file and no folder: only then does libcurl keep the parsed authorities for the next connection. */
        bad |= curl_easy_setopt(easy, CURLOPT_CAINFO, bundle);
        bad |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
        bad |= curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, bundle);
        bad |= curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
    }
    bad |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    bad |= curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
    return !bad;
}

static bool set_way(CURL *easy, const struct http_client *client, const struct http_origin *origin)
{
    uint64_t ms = client->args.connect_timeout / 1000000 + 1;
    bool is_v6 = strchr(origin->host, ':') != NULL;
    char url[300];
    unsigned bad = 0;

    (void)snprintf(url, sizeof url, "%s://%s%s%s:%u/", origin->tls ? "https" : "http", is_v6 ? "[" : "", origin->host,
                   is_v6 ? "]" : "", (unsigned)origin->port);
    bad |= curl_easy_setopt(easy, CURLOPT_URL, url);
    bad |= curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    bad |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(ms < 86400000 ? ms : 86400000));
    bad |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* who gives up does not wait for a name server */
    bad |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    bad |= curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
    if (client->args.proxy) {
        bad |= curl_easy_setopt(easy, CURLOPT_PROXY, client->args.proxy);
        bad |= curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    }
    return !bad;
}

static bool fail_dial(struct http_loop *loop, struct http_flight *f, dlfw_status status, const char *why)
{
    exchange_fail(f->x, status, 0, "%s", why);
    flight_finish(loop, f);
    return false;
}

bool dial(struct http_loop *loop, struct http_flight *f)
{
    struct http_origin *origin = &f->x->origin;
    struct conn *c;

    if (!origin_host_valid(origin->host) || !origin->port)
        return fail_dial(loop, f, DLFW_E_INVALID, "the endpoint has no valid host and port");
    c = calloc(1, sizeof *c);
    if (!c)
        return fail_dial(loop, f, DLFW_E_NO_MEMORY, "no memory for a connection");
    *c = (struct conn){.loop = loop, .fd = -1, .origin = *origin, .easy = curl_easy_init(), .since_ns = loop->now_ns};
    if (!c->easy || !set_way(c->easy, loop->client, origin) || !set_trust(c->easy, loop->client) ||
        curl_easy_setopt(c->easy, CURLOPT_SHARE, loop->client->share) ||
        curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c) || curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->reason) ||
        curl_multi_add_handle(loop->multi, c->easy)) {
        curl_easy_cleanup(c->easy);
        free(c);
        return fail_dial(loop, f, DLFW_E_INTERNAL, "libcurl does not take the settings of a connection");
    }
    c->flight = f;
    f->conn = c;
    f->x->connections++;
    c->next = loop->conns;
    if (c->next)
        c->next->prev = c;
    loop->conns = c;
    loop->conn_count++;
    loop_timer(loop, c->since_ns + loop->client->args.connect_timeout);
    return true;
}

void conn_close(struct conn *c)
{
    struct http_loop *loop = c->loop;

    if (c->closed)
        return;
    pool_remove_idle(c);
    if (c->prev)
        c->prev->next = c->next;
    else
        loop->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    loop->conn_count--;
    if (c->fd >= 0)
        (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
    (void)curl_multi_remove_handle(loop->multi, c->easy);
    curl_easy_cleanup(c->easy);
    c->easy = NULL;
    c->fd = -1;
    c->flight = NULL;
    c->closed = true;
    c->next = loop->closed;
    loop->closed = c;
}

void dial_event(struct http_loop *loop, int fd, uint32_t events)
{
    int mask = 0, running;

    if (events & EPOLLIN)
        mask |= CURL_CSELECT_IN;
    if (events & EPOLLOUT)
        mask |= CURL_CSELECT_OUT;
    if (events & (EPOLLERR | EPOLLHUP))
        mask |= CURL_CSELECT_ERR;
    (void)curl_multi_socket_action(loop->multi, fd, mask, &running);
    loop->curl_worked = true;
}

void dial_timer(struct http_loop *loop)
{
    uint64_t expirations;
    int running;

    if (read(loop->timer_fd, &expirations, sizeof expirations) < 0)
        return;
    (void)curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    loop->curl_worked = true;
}

void dial_timed_out(struct conn *c)
{
    struct http_flight *f = c->flight;
    char patience[32];

    duration_text(c->loop->client->args.connect_timeout, patience, sizeof patience);
    if (f->x->deadline_ns && c->loop->now_ns >= f->x->deadline_ns)
        exchange_fail(f->x, DLFW_E_TIMEOUT, 0, "the request's deadline passed before there was a connection");
    else
        exchange_fail(f->x, DLFW_E_TIMEOUT, DLFW_ERR_RETRYABLE, "no connection within %s", patience);
    flight_abort(f);
}

struct dial_error {
    CURLcode code;
    dlfw_status status;
    uint32_t flags;
};

static const struct dial_error dial_errors[] = {
    {CURLE_COULDNT_RESOLVE_HOST, DLFW_E_UNAVAILABLE, DLFW_ERR_RETRYABLE},
    {CURLE_COULDNT_RESOLVE_PROXY, DLFW_E_UNAVAILABLE, DLFW_ERR_RETRYABLE},
    {CURLE_COULDNT_CONNECT, DLFW_E_UNAVAILABLE, DLFW_ERR_RETRYABLE},
    {CURLE_SSL_CONNECT_ERROR, DLFW_E_UNAVAILABLE, DLFW_ERR_RETRYABLE},
    {CURLE_PROXY, DLFW_E_UNAVAILABLE, DLFW_ERR_RETRYABLE},
    {CURLE_SEND_ERROR, DLFW_E_IO, DLFW_ERR_RETRYABLE},
    {CURLE_RECV_ERROR, DLFW_E_IO, DLFW_ERR_RETRYABLE},
    {CURLE_GOT_NOTHING, DLFW_E_IO, DLFW_ERR_RETRYABLE},
    {CURLE_PEER_FAILED_VERIFICATION, DLFW_E_AUTH, 0},
    {CURLE_SSL_ISSUER_ERROR, DLFW_E_AUTH, 0},
    {CURLE_SSL_CACERT_BADFILE, DLFW_E_CONFIG, 0},
    {CURLE_OUT_OF_MEMORY, DLFW_E_NO_MEMORY, 0},
    {CURLE_URL_MALFORMAT, DLFW_E_INVALID, 0},
};

/* libcurl quotes what peers say of themselves. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = ' ';
}

static void dial_failed(struct conn *c, CURLcode code)
{
    struct dial_error e = {code, DLFW_E_IO, 0};
    struct http_flight *f = c->flight;
    long proxy_code = 0;

    if (code == CURLE_OPERATION_TIMEDOUT) {
        dial_timed_out(c);
        return;
    }
    for (size_t i = 0; i < sizeof dial_errors / sizeof dial_errors[0]; i++)
        if (dial_errors[i].code == code)
            e = dial_errors[i];
    if (!curl_easy_getinfo(c->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_code) && proxy_code >= 400) {
        e.status = proxy_code == 407 ? DLFW_E_AUTH : DLFW_E_UNAVAILABLE;
        e.flags = proxy_code >= 500 ? DLFW_ERR_RETRYABLE : 0;
    }
    make_printable(c->reason);
    exchange_fail(f->x, e.status, e.flags, "no connection: %s%s", c->reason[0] ? c->reason : curl_easy_strerror(code),
                  code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST
                      ? "; is the server up, and the endpoint right?"
                      : "");
    flight_abort(f);
}

/* libcurl closes connections that it has not seen used for two minutes, so one byte is asked for: that ties the
 * connection to the handle. Nothing may come before the first request. */
static bool take_socket(struct conn *c)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    struct curl_tlssessioninfo *tls = NULL;
    curl_socket_t fd = CURL_SOCKET_BAD;
    size_t got = 0;
    char byte;

    if (curl_easy_getinfo(c->easy, CURLINFO_ACTIVESOCKET, &fd) || fd == CURL_SOCKET_BAD)
        return false;
    if (curl_easy_recv(c->easy, &byte, 1, &got) != CURLE_AGAIN)
        return false;
    if (!curl_easy_getinfo(c->easy, CURLINFO_TLS_SSL_PTR, &tls) && tls && tls->internals)
        c->through_tls = true;
    c->fd = fd;
    return epoll_ctl(c->loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void dialed(struct conn *c)
{
    struct http_flight *f = c->flight;

    if (take_socket(c)) {
        flight_begin(f, c);
        return;
    }
    exchange_fail(f->x, DLFW_E_UNAVAILABLE, DLFW_ERR_RETRYABLE, "the connection was closed as soon as it stood");
    flight_abort(f);
}

void dial_reap(struct http_loop *loop)
{
    CURLMsg *message;
    int left;

    if (!loop->curl_worked)
        return;
    loop->curl_worked = false;
    while ((message = curl_multi_info_read(loop->multi, &left))) {
        CURLcode code = message->data.result;
        char *private = NULL;
        struct conn *c;

        if (message->msg != CURLMSG_DONE || curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private))
            continue;
        c = (struct conn *)(void *)private;
        if (code == CURLE_OK)
            dialed(c);
        else
            dial_failed(c, code);
    }
}
