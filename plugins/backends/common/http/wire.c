/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes over a connection: straight on the socket when nothing lies between, through libcurl when TLS does. Sockets
 * never block and never raise SIGPIPE.
 */
#include <errno.h>
#include <sys/socket.h>

#include "engine.h"

enum { LOW_WATER = 256 * 1024 };

static ssize_t tls_recv(struct conn *c, void *buf, size_t len)
{
    size_t got = 0;
    CURLcode code = curl_easy_recv(c->easy, buf, len, &got);

    if (code == CURLE_OK)
        return (ssize_t)got;
    return code == CURLE_AGAIN ? -EAGAIN : -ECONNRESET;
}

ssize_t wire_recv(struct conn *c, void *buf, size_t len)
{
    ssize_t n;

    if (c->through_tls)
        return tls_recv(c, buf, len);
    do
        n = recv(c->fd, buf, len, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

ssize_t wire_recv_parts(struct conn *c, struct iovec *parts, int count)
{
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
    ssize_t n;

    do
        n = recvmsg(c->fd, &message, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static ssize_t tls_send(struct conn *c, const struct iovec *parts, int count)
{
    size_t sent = 0;
    ssize_t sum = 0;

    for (int i = 0; i < count; i++) {
        CURLcode code = curl_easy_send(c->easy, parts[i].iov_base, parts[i].iov_len, &sent);

        if (code == CURLE_AGAIN)
            return sum ? sum : -EAGAIN;
        if (code != CURLE_OK)
            return -EPIPE;
        sum += (ssize_t)sent;
        if (sent < parts[i].iov_len)
            break;
    }
    return sum;
}

ssize_t wire_send(struct conn *c, const struct iovec *parts, int count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = (size_t)count};
    ssize_t n;

    if (c->through_tls)
        return tls_send(c, parts, count);
    do
        n = sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

bool wire_quiet(struct conn *c)
{
    char byte;

    if (c->through_tls)
        return tls_recv(c, &byte, 1) == -EAGAIN;
    return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void wire_want_out(struct conn *c, bool wanted)
{
    struct epoll_event event = {.events = EPOLLIN | (wanted ? (uint32_t)EPOLLOUT : 0), .data.ptr = c};

    if (c->wants_out == wanted)
        return;
    c->wants_out = wanted;
    (void)epoll_ctl(c->loop->epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

/* A large body wakes the loop once per LOW_WATER bytes instead of once per packet. */
void wire_low_water(struct conn *c, uint64_t remaining)
{
    int low = remaining < LOW_WATER ? (int)remaining : LOW_WATER;

    if (c->through_tls || (!c->low_water && remaining < 2ull * LOW_WATER))
        return;
    if (c->low_water && low == LOW_WATER)
        return;
    c->low_water = low > 1;
    low = low > 1 ? low : 1;
    (void)setsockopt(c->fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof low);
}
