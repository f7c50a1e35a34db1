/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/removal_gate.h"

#include "base/clock.h"

#define WINDOW_NS (NS_PER_S / 5)
#define HOLD_NS NS_PER_S            /* after the service has complained */
#define TRY_AGAIN_NS (5 * NS_PER_S) /* after more was not faster */
#define FASTER 1.05

void gate_init(struct removal_gate *g, uint32_t first, uint32_t max, uint64_t now_ns)
{
    *g = (struct removal_gate){.limit = first < max ? first : max, .max = max, .window_ns = now_ns};
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->room, NULL);
}

void gate_destroy(struct removal_gate *g)
{
    pthread_cond_destroy(&g->room);
    pthread_mutex_destroy(&g->lock);
}

uint32_t gate_enter(struct removal_gate *g, uint32_t want, bool wait)
{
    uint32_t granted;

    pthread_mutex_lock(&g->lock);
    while (wait && g->used >= g->limit) {
        g->was_full = true;
        pthread_cond_wait(&g->room, &g->lock);
    }
    granted = g->used < g->limit ? g->limit - g->used : 0;
    if (granted < want)
        g->was_full = true;
    else
        granted = want;
    g->used += granted;
    pthread_mutex_unlock(&g->lock);
    return granted;
}

static void new_window(struct removal_gate *g, uint64_t now_ns)
{
    g->window_ns = now_ns;
    g->window_done = 0;
    g->was_full = false;
}

static void set_limit(struct removal_gate *g, uint32_t limit)
{
    g->limit = limit < 1 ? 1 : limit < g->max ? limit : g->max;
}

static void judge(struct removal_gate *g, uint64_t now_ns)
{
    double rate = (double)g->window_done * (double)NS_PER_S / (double)(now_ns - g->window_ns);

    if (g->grew && rate < g->rate * FASTER) {
        set_limit(g, g->limit / 2);
        g->grew = false;
        g->hold_ns = now_ns + TRY_AGAIN_NS;
    } else if (g->was_full && now_ns >= g->hold_ns && g->limit < g->max) {
        g->rate = rate;
        set_limit(g, g->limit * 2);
        g->grew = true;
    } else {
        g->grew = false;
    }
    new_window(g, now_ns);
}

void gate_leave(struct removal_gate *g, uint32_t n, bool throttled, uint64_t now_ns)
{
    pthread_mutex_lock(&g->lock);
    g->used -= n;
    g->window_done += n;
    if (throttled && now_ns >= g->hold_ns) {
        set_limit(g, g->limit / 2);
        g->grew = false;
        g->hold_ns = now_ns + HOLD_NS;
        new_window(g, now_ns);
    } else if (now_ns - g->window_ns >= WINDOW_NS) {
        judge(g, now_ns);
    }
    pthread_cond_broadcast(&g->room);
    pthread_mutex_unlock(&g->lock);
}
