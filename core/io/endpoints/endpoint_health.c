/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An endpoint that fails several times in a row is set aside: nothing is sent to it for a while, then one request tries
 * it again, and the while doubles each time that fails. When all are set aside they are used all the same, since
 * nothing else is left to try.
 */
#include "io/endpoints/endpoint_health.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define FADE_NS                                                                                                        \
    2000000000u /* an idle endpoint's service time halves in this time, so that a slow one gets another chance */

const char *const endpoint_strategy_names[] = {"round_robin", "least_connections", "latency", NULL};

static uint64_t load(const _Atomic uint64_t *from)
{
    return atomic_load_explicit(from, memory_order_relaxed);
}

static void store(_Atomic uint64_t *to, uint64_t value)
{
    atomic_store_explicit(to, value, memory_order_relaxed);
}

void endpoint_choice_init(struct endpoint_choice *c, enum endpoint_strategy strategy, uint32_t count)
{
    *c = (struct endpoint_choice){.strategy = strategy, .count = count};
    c->health = aligned_alloc(64, count * sizeof *c->health);
    DLFW_BUG_IF(!c->health);
    memset(c->health, 0, count * sizeof *c->health);
    for (uint32_t i = 0; i < count; i++)
        store(&c->health[i].service_ns, ENDPOINT_BOOTSTRAP_NS);
}

void endpoint_choice_free(struct endpoint_choice *c)
{
    free(c->health);
    c->health = NULL;
}

/* The time of its rest is over: the one that asks first tries it, the others leave it alone until that has ended. */
static bool wins_probe(struct endpoint_health *h, uint64_t until, uint64_t now)
{
    return until <= now && atomic_compare_exchange_strong(&h->aside_until, &until, now + ENDPOINT_ASIDE_NS);
}

/* May a request go there now? *ret_probe: it is to be tried before all others. */
static bool is_open(struct endpoint_health *h, uint64_t now, bool *ret_probe)
{
    uint64_t until = load(&h->aside_until);

    *ret_probe = until && wins_probe(h, until, now);
    return !until || *ret_probe;
}

static uint64_t cost_of(const struct endpoint_choice *c, const struct endpoint_health *h, uint64_t now)
{
    uint64_t in_flight = atomic_load_explicit(&h->in_flight, memory_order_relaxed);
    uint64_t service, idle;

    if (c->strategy == ENDPOINTS_ROUND_ROBIN)
        return 0;
    if (c->strategy == ENDPOINTS_LEAST_CONNECTIONS)
        return in_flight;
    service = load(&h->service_ns);
    idle = now - load(&h->last_done_ns);
    if (!in_flight && idle >= FADE_NS && idle <= INT64_MAX)
        service >>= idle / FADE_NS < 32 ? idle / FADE_NS : 32;
    return (in_flight + 1) * service;
}

/* The cheapest of those whose bits are not in closed, from the one whose turn it is; count: none. */
static uint32_t scan(struct endpoint_choice *c, uint32_t first, uint32_t closed, bool aside_too, uint64_t now)
{
    uint64_t best_cost = UINT64_MAX;
    uint32_t best = c->count;

    for (uint32_t k = 0, i = first; k < c->count; k++, i = i + 1 == c->count ? 0 : i + 1) {
        bool probe = false;
        uint64_t cost;

        if (closed >> i & 1 || (!aside_too && !is_open(&c->health[i], now, &probe)))
            continue;
        if (probe)
            return i;
        cost = cost_of(c, &c->health[i], now);
        if (best == c->count || cost < best_cost) {
            best = i;
            best_cost = cost;
            if (c->strategy == ENDPOINTS_ROUND_ROBIN)
                break;
        }
    }
    return best;
}

uint32_t endpoint_choose(struct endpoint_choice *c, uint32_t avoid, uint32_t last, uint64_t now)
{
    uint32_t first = atomic_fetch_add_explicit(&c->turn, 1, memory_order_relaxed) % c->count;
    uint32_t i = scan(c, first, avoid, false, now);

    if (i == c->count && avoid) /* all that are in use have failed for this request: any of them but the last */
        i = scan(c, first, (uint32_t)1 << last, false, now);
    if (i == c->count)
        i = scan(c, first, avoid, true, now);
    if (i == c->count)
        i = scan(c, first, (uint32_t)1 << last, true, now);
    return i == c->count ? last : i;
}

void endpoint_begin(struct endpoint_choice *c, uint32_t i)
{
    atomic_fetch_add_explicit(&c->health[i].in_flight, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&c->health[i].requests, 1, memory_order_relaxed);
}

void endpoint_passed(struct endpoint_choice *c, uint32_t i)
{
    atomic_fetch_sub_explicit(&c->health[i].in_flight, 1, memory_order_relaxed);
}

bool endpoint_answered(struct endpoint_choice *c, uint32_t i, uint64_t service_ns, uint64_t now)
{
    struct endpoint_health *h = &c->health[i];
    uint64_t old = load(&h->service_ns);
    bool first = !load(&h->last_done_ns);

    endpoint_passed(c, i);
    store(&h->service_ns, first ? service_ns : old - old / 5 + service_ns / 5);
    store(&h->last_done_ns, now);
    if (atomic_load_explicit(&h->failures, memory_order_relaxed))
        atomic_store_explicit(&h->failures, 0, memory_order_relaxed);
    if (!load(&h->aside_until))
        return false;
    atomic_store_explicit(&h->times_aside, 0, memory_order_relaxed);
    return atomic_exchange_explicit(&h->aside_until, 0, memory_order_relaxed) != 0;
}

bool endpoint_is_aside(const struct endpoint_choice *c, uint32_t i)
{
    return load(&c->health[i].aside_until) != 0;
}

static uint64_t rest_of(uint32_t times)
{
    uint64_t rest = ENDPOINT_ASIDE_NS;

    for (uint32_t k = 0; k < times && rest < ENDPOINT_ASIDE_MAX_NS; k++)
        rest *= 2;
    return rest < ENDPOINT_ASIDE_MAX_NS ? rest : ENDPOINT_ASIDE_MAX_NS;
}

void endpoint_failed(struct endpoint_choice *c, uint32_t i, uint64_t sent_ns, uint64_t now, uint64_t *ret_aside_ns)
{
    struct endpoint_health *h = &c->health[i];
    uint32_t failures = atomic_fetch_add_explicit(&h->failures, 1, memory_order_relaxed) + 1;
    uint64_t until = load(&h->aside_until);
    uint32_t times;

    endpoint_passed(c, i);
    atomic_fetch_add_explicit(&h->errors, 1, memory_order_relaxed);
    *ret_aside_ns = 0;
    if (until ? sent_ns < load(&h->rest_over) : failures < ENDPOINT_FAILURES_MAX)
        return;
    times = atomic_load_explicit(&h->times_aside, memory_order_relaxed);
    if (!atomic_compare_exchange_strong(&h->aside_until, &until, now + rest_of(times)))
        return;
    store(&h->rest_over, now + rest_of(times));
    atomic_store_explicit(&h->times_aside, times + 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->set_aside, 1, memory_order_relaxed);
    *ret_aside_ns = rest_of(times);
}
