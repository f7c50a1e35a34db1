/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP engine and the peer it talks to: a server that does, byte by byte, what a test's script says, mostly things
 * that no proper server does. Each accepted connection runs the next script, the last one again and again, in a thread
 * of its own.
 */
#ifndef DLFW_TESTS_UNIT_HTTP_FIXTURE_H
#define DLFW_TESTS_UNIT_HTTP_FIXTURE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "http/http.h"

#define MS ((uint64_t)1000000)
#define SECONDS ((uint64_t)1000000000)

enum peer_op {
    PEER_HEAD,  /* reads a request's head */
    PEER_BODY,  /* reads n bytes of a request's body */
    PEER_SAY,   /* sends text */
    PEER_BYTES, /* sends n bytes of the pattern, from its begin */
    PEER_DRIP,  /* the same, a byte each 5 ms */
    PEER_PAUSE, /* does nothing for n ms */
    PEER_AGAIN, /* the script from its begin */
    PEER_HOLD,  /* until the client closes */
    PEER_RESET, /* ends with RST, the other ways with FIN */
    PEER_TUNNEL /* reads a CONNECT, says 200 and goes on with what the server's tunnel_tls says */
};

struct peer_step {
    enum peer_op op;
    const char *text;
    uint64_t n;
};

/* What one connection does. */
struct peer_script {
    const struct peer_step *steps;
    size_t count;
};
#define SCRIPT(...)                                                                                                    \
    {                                                                                                                  \
        (const struct peer_step[]){__VA_ARGS__},                                                                       \
            sizeof((const struct peer_step[]){__VA_ARGS__}) / sizeof(struct peer_step)                                 \
    }
#define HEAD                                                                                                           \
    {                                                                                                                  \
        PEER_HEAD, NULL, 0                                                                                             \
    }
#define SAY(text)                                                                                                      \
    {                                                                                                                  \
        PEER_SAY, text, 0                                                                                              \
    }
#define BYTES(n)                                                                                                       \
    {                                                                                                                  \
        PEER_BYTES, NULL, n                                                                                            \
    }
#define DRIP(n)                                                                                                        \
    {                                                                                                                  \
        PEER_DRIP, NULL, n                                                                                             \
    }
#define BODY(n)                                                                                                        \
    {                                                                                                                  \
        PEER_BODY, NULL, n                                                                                             \
    }
#define PAUSE(ms)                                                                                                      \
    {                                                                                                                  \
        PEER_PAUSE, NULL, ms                                                                                           \
    }
#define AGAIN                                                                                                          \
    {                                                                                                                  \
        PEER_AGAIN, NULL, 0                                                                                            \
    }
#define HOLD                                                                                                           \
    {                                                                                                                  \
        PEER_HOLD, NULL, 0                                                                                             \
    }
#define RESET                                                                                                          \
    {                                                                                                                  \
        PEER_RESET, NULL, 0                                                                                            \
    }
#define TUNNEL                                                                                                         \
    {                                                                                                                  \
        PEER_TUNNEL, NULL, 0                                                                                           \
    }

enum { PEER_CONNS = 128 };

struct peer_conn {
    struct peer *peer;
    const struct peer_script *script;
    pthread_t thread;
    int fd;
    SSL *ssl;
};

struct peer {
    const struct peer_script *scripts;
    size_t script_count;
    SSL_CTX *tls;        /* spoken from the first byte on */
    SSL_CTX *tunnel_tls; /* spoken behind PEER_TUNNEL */
    int listener;
    uint16_t port;
    pthread_t thread;
    pthread_mutex_t lock;
    struct peer_conn conns[PEER_CONNS];
    size_t conn_count;
    bool stopping;
    atomic_uint requests;
    atomic_uint resumed; /* TLS sessions */
    char head[8192];     /* of the last request; read after the exchange */
};

void peer_start(struct peer *peer, const struct peer_script *scripts, size_t count);
void peer_start_tls(struct peer *peer, const struct peer_script *scripts, size_t count, SSL_CTX *tls,
                    SSL_CTX *tunnel_tls);
void peer_stop(struct peer *peer);
size_t peer_connections(struct peer *peer); /* accepted so far */
void peer_pattern(void *buf, size_t len);

/* A client with its loop, and exchanges over it. */
struct rig {
    struct peer peer;
    struct http_client_args args; /* may be changed before rig_open */
    struct http_client *client;
    struct http_loop *loop;
};

/* Timeouts of 5 s, verification on. */
void rig_args(struct rig *rig);
void rig_open(struct rig *rig, uint32_t connections);
void rig_start(struct rig *rig, const struct peer_script *scripts,
               size_t count); /* peer, args, open with 4 connections */
void rig_stop(struct rig *rig);

struct trip {
    struct http_exchange x;
    unsigned done;
    char *buf;
    struct iovec body;
};

/* A GET into a buffer of cap bytes (0: into reply); nothing is sent yet. */
void trip_get(struct rig *rig, struct trip *t, uint64_t cap);
void trip_put(struct rig *rig, struct trip *t, uint64_t size, uint32_t flags);
/* Sends it, and runs the loop until it is done, at most 10 s. */
void trip_run(struct rig *rig, struct trip *t);
void trip_wait(struct rig *rig, struct trip *t);
void trip_free(struct trip *t);
/* DLFW_OK, code, and the pattern in buf. */
void trip_is_whole(const struct trip *t, int32_t code, uint64_t bytes);
/* Failed so; the message contains text. */
void trip_failed(const struct trip *t, dlfw_status status, uint32_t flags, const char *text);
unsigned open_descriptors(void);

#endif
