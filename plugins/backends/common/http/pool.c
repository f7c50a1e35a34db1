/* SPDX-License-Identifier: Apache-2.0 */
/* Which connection an exchange gets: the idle one of its origin that was used last, else a new one, else it waits its
 * turn. */
#include <string.h>

#include "engine.h"

void pool_add_idle(struct conn *c)
{
    struct http_loop *loop = c->loop;

    c->idle = true;
    c->since_ns = loop->now_ns;
    c->idle_prev = NULL;
    c->idle_next = loop->idle;
    if (loop->idle)
        loop->idle->idle_prev = c;
    else
        loop->idle_last = c;
    loop->idle = c;
}

void pool_remove_idle(struct conn *c)
{
    struct http_loop *loop = c->loop;

    if (!c->idle)
        return;
    c->idle = false;
    if (c->idle_prev)
        c->idle_prev->idle_next = c->idle_next;
    else
        loop->idle = c->idle_next;
    if (c->idle_next)
        c->idle_next->idle_prev = c->idle_prev;
    else
        loop->idle_last = c->idle_prev;
}

static bool is_same_origin(const struct http_origin *a, const struct http_origin *b)
{
    return a->port == b->port && a->tls == b->tls && strcmp(a->host, b->host) == 0;
}

/* An answer that nobody asked for, or the end of the stream, may have come since the connection was last looked at: it
 * must not become the answer of this exchange. */
static struct conn *take_idle(struct http_loop *loop, const struct http_origin *origin)
{
    struct conn *c, *below;

    for (c = loop->idle; c; c = below) {
        below = c->idle_next;
        if (!is_same_origin(&c->origin, origin))
            continue;
        if (wire_quiet(c)) {
            pool_remove_idle(c);
            return c;
        }
        conn_close(c);
    }
    return NULL;
}

bool pool_start(struct http_loop *loop, struct http_flight *f)
{
    struct conn *c = f->fresh ? NULL : take_idle(loop, &f->x->origin);

    if (c) {
        flight_begin(f, c);
        return true;
    }
    if (loop->conn_count >= loop->conn_max) {
        if (!loop->idle_last)
            return false;
        conn_close(loop->idle_last);
    }
    (void)dial(loop, f);
    return true;
}

void pool_start_waiting(struct http_loop *loop)
{
    struct http_flight *f;

    while ((f = loop->waiting.first)) {
        flight_remove(&loop->waiting, f);
        f->waiting = false;
        if (pool_start(loop, f))
            continue;
        f->waiting = true;
        f->next = loop->waiting.first;
        if (f->next)
            f->next->prev = f;
        else
            loop->waiting.last = f;
        loop->waiting.first = f;
        return;
    }
}
