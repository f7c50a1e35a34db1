/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the bytes that a server sends to the answer in an exchange, without a socket: the engine feeds it, and so does
 * the fuzzer. A failure is written into the exchange; after one, nothing more may be fed.
 */
#ifndef DLFW_PLUGIN_HTTP_ANSWER_H
#define DLFW_PLUGIN_HTTP_ANSWER_H

#include "http.h"
#include "parse.h"

enum answer_state { ANSWER_HEAD, ANSWER_BODY, ANSWER_DONE };

struct answer {
    struct http_exchange *x;
    uint8_t state;    /* enum answer_state */
    bool begun;       /* a byte has come */
    bool went_on;     /* 100 has come; who waited for it clears it */
    bool keep_alive;  /* the connection may carry another exchange after this one */
    bool to_sink;     /* payload goes to the sink, else to reply */
    uint32_t interim; /* 1xx answers so far */
    struct http_head_end scan;
    struct http_body body;
    uint64_t payload; /* bytes of it so far */
    uint64_t skip;    /* still to drop before the sink */
    uint64_t take;    /* still wanted after them */
    uint64_t dropped; /* unwanted bytes so far */
    uint64_t now_ns;  /* of the bytes being fed */
};

void answer_begin(struct answer *a, struct http_exchange *x);
/* Where the next payload may be received directly and how much; 0: feed it instead. */
size_t answer_window(const struct answer *a, char **ret);
/* n bytes lie in the window. */
void answer_filled(struct answer *a, size_t n);
/* Takes up to len bytes, stopping behind the answer's end. Returns the bytes used; negative: x has failed. */
int64_t answer_feed(struct answer *a, const char *in, size_t len);
/* The peer has ended its stream in order: completes the answer when that is its end, else x fails. */
void answer_closed(struct answer *a);

/* Fails the exchange; the first failure stays. */
void exchange_fail(struct http_exchange *x, dlfw_status status, uint32_t flags, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* "4096 of 65536 bytes", "4096 bytes" or "0 bytes": how far the answer's body came. */
void answer_progress(const struct answer *a, char *buf, size_t cap);

#endif
