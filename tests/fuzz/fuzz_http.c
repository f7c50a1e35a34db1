/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP answer: four bytes of choices (flags of the exchange, room of the sink, skip, limit), then what the server
 * sends. Fed at once and in pieces whose lengths come from the input, through the window where there is one: both ways
 * end alike, nothing is written outside the sink, and whoever fails says so in one line.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "http/answer.h"

enum { SINK_MAX = 255 };

struct outcome {
    struct http_exchange x;
    uint8_t sink[SINK_MAX + 1];
    size_t used;
    bool is_done, keep_alive;
    uint8_t skip, limit;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_headed(struct http_exchange *x)
{
    struct outcome *o = x->owner;

    x->sink_skip = o->skip;
    x->sink_limit = o->limit;
}

static void message_is_one_line(const char *text)
{
    DLFW_BUG_IF(!*text);
    for (const char *c = text; *c; c++)
        DLFW_BUG_IF((unsigned char)*c < 0x20 || *c == 0x7f);
}

/* One piece, received where the answer wishes it. Negative: failed. */
static int64_t feed(struct answer *a, const char *in, size_t len)
{
    char *window = NULL;
    size_t room = answer_window(a, &window);

    if (!room)
        return answer_feed(a, in, len);
    len = len < room ? len : room;
    memcpy(window, in, len);
    answer_filled(a, len);
    return (int64_t)len;
}

static void run(struct outcome *o, const uint8_t *choices, const char *in, size_t len, bool in_pieces)
{
    struct answer a;
    size_t step = 0;

    memset(o, 0, sizeof *o);
    memset(o->sink, 0xa5, sizeof o->sink);
    o->skip = choices[2];
    o->limit = choices[3];
    o->x.owner = o;
    o->x.headed = on_headed;
    o->x.flags = choices[0] & 1 ? HTTP_NO_BODY : 0;
    o->x.reply_max = choices[0] & 2 ? 16 : 1024;
    o->x.sink = choices[0] & 4 ? NULL : o->sink;
    o->x.sink_cap = choices[1];
    answer_begin(&a, &o->x);
    a.now_ns = 1;
    while (o->used < len && a.state != ANSWER_DONE && o->x.status == DLFW_OK) {
        size_t left = len - o->used, n = 1 + (size_t)(uint8_t)in[step++ % len] % 29;
        int64_t used;

        n = in_pieces && n < left ? n : left;
        /* A copy of its own shows reads beyond the piece. */
        char *piece = malloc(n);

        memcpy(piece, in + o->used, n);
        used = in_pieces ? feed(&a, piece, n) : answer_feed(&a, piece, n);
        free(piece);
        if (used >= 0)
            DLFW_BUG_IF(used == 0 || (size_t)used > n);
        else
            DLFW_BUG_IF(o->x.status == DLFW_OK);
        o->used += used > 0 ? (size_t)used : 0;
    }
    if (o->x.status == DLFW_OK)
        answer_closed(&a);
    o->is_done = a.state == ANSWER_DONE;
    DLFW_BUG_IF(!o->is_done && o->x.status == DLFW_OK);
    o->keep_alive = a.keep_alive;
    o->x.error[sizeof o->x.error - 1] = '\0';
    if (o->x.status != DLFW_OK)
        message_is_one_line(o->x.error);
}

static void check_headers(const struct http_exchange *x)
{
    const char *name, *value;
    size_t cursor = 0, name_len, value_len, count = 0;

    while (http_header_next(x, &cursor, &name, &name_len, &value, &value_len)) {
        DLFW_BUG_IF(!name_len || memchr(name, ':', name_len) || memchr(value, '\n', value_len));
        count++;
    }
    DLFW_BUG_IF(count > HTTP_HEAD_LINES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct outcome at_once, in_pieces;
    const char *in = (const char *)data + 4;

    if (size < 5)
        return 0;
    run(&at_once, data, in, size - 4, false);
    run(&in_pieces, data, in, size - 4, true);
    DLFW_BUG_IF(at_once.x.status != in_pieces.x.status || at_once.is_done != in_pieces.is_done);
    DLFW_BUG_IF(at_once.x.code != in_pieces.x.code || at_once.x.content_length != in_pieces.x.content_length);
    if (at_once.is_done && at_once.x.status == DLFW_OK) {
        DLFW_BUG_IF(at_once.x.bytes != in_pieces.x.bytes || at_once.keep_alive != in_pieces.keep_alive);
        /* who has all he wants may stop sooner, and give up the connection */
        DLFW_BUG_IF(at_once.keep_alive && at_once.used != in_pieces.used);
        DLFW_BUG_IF(at_once.x.reply.len != in_pieces.x.reply.len);
        DLFW_BUG_IF(memcmp(at_once.sink, in_pieces.sink, sizeof at_once.sink) != 0);
        DLFW_BUG_IF(at_once.x.bytes > at_once.x.sink_cap || at_once.x.reply.len > at_once.x.reply_max);
        check_headers(&at_once.x);
    }
    for (size_t i = data[1]; i < sizeof at_once.sink; i++)
        DLFW_BUG_IF(at_once.sink[i] != 0xa5 || in_pieces.sink[i] != 0xa5);
    http_exchange_free(&at_once.x);
    http_exchange_free(&in_pieces.x);
    return 0;
}
