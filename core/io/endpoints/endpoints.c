/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that are no requests, for all endpoints: limits, probing, figures, registered memory. */
#include "io/endpoints/endpoints.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "plugin/serial_lock.h"

#define FIGURES_MAX 64u

static struct endpoints *of(dlfw_backend *be)
{
    return (struct endpoints *)be;
}

/* Without "user:secret@" and without the query. */
static char *name_of(const char *uri)
{
    const char *host = strstr(uri, "://");
    size_t len = strcspn(uri, "?#");
    const char *at;

    host = host && host + 3 <= uri + len ? host + 3 : uri;
    at = memchr(host, '@', strcspn(host, "/?#"));
    if (!at)
        return xstrndup(uri, len);
    return xformat("%.*s%.*s", (int)(host - uri), uri, (int)(uri + len - at - 1), at + 1);
}

struct endpoints *endpoints_create(enum endpoint_strategy strategy)
{
    struct endpoints *e = xcalloc(1, sizeof *e);

    e->choice.strategy = strategy;
    pthread_mutex_init(&e->lock, NULL);
    return e;
}

void endpoints_add(struct endpoints *e, const char *scheme, const dlfw_backend_ops *ops, dlfw_backend *be,
                   const char *uri, bool owned)
{
    struct endpoint *p = &e->items[e->count++];

    DLFW_BUG_IF(e->count > ENDPOINTS_MAX);
    pthread_mutex_init(&p->lock, NULL);
    p->name = name_of(uri);
    p->owned = owned;
    p->layer = (struct backend_layer){
        .ops = ops, .be = be, .name = scheme, .serial = serial_lock(ops->thread_class, &p->lock)};
}

void endpoints_destroy(struct endpoints *e)
{
    if (!e)
        return;
    for (uint32_t i = e->count; i-- > 0;) {
        struct endpoint *p = &e->items[i];

        if (p->owned && p->layer.ops->destroy) {
            serial_enter(p->layer.serial);
            p->layer.ops->destroy(p->layer.be);
            serial_leave(p->layer.serial);
        }
        pthread_mutex_destroy(&p->lock);
        free(p->name);
    }
    while (e->handles)
        endpoints_unwrap(e, e->handles);
    endpoint_choice_free(&e->choice);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

struct endpoint_handle *endpoints_wrap(struct endpoints *e, uint32_t endpoint, void *handle)
{
    struct endpoint_handle *h = xmalloc(sizeof *h);

    *h = (struct endpoint_handle){.endpoint = endpoint, .handle = handle};
    pthread_mutex_lock(&e->lock);
    h->next = e->handles;
    if (h->next)
        h->next->previous = h;
    e->handles = h;
    pthread_mutex_unlock(&e->lock);
    return h;
}

void endpoints_unwrap(struct endpoints *e, struct endpoint_handle *h)
{
    if (!h)
        return;
    pthread_mutex_lock(&e->lock);
    if (h->previous)
        h->previous->next = h->next;
    else
        e->handles = h->next;
    if (h->next)
        h->next->previous = h->previous;
    pthread_mutex_unlock(&e->lock);
    free(h);
}

static dlfw_status limits_of(const struct endpoint *p, const char *key, uint32_t key_len, dlfw_limits *ret,
                             dlfw_error *err)
{
    dlfw_status st;

    *ret = (dlfw_limits){.struct_size = sizeof *ret};
    serial_enter(p->layer.serial);
    st = p->layer.ops->limits(p->layer.be, key, key_len, ret, err);
    serial_leave(p->layer.serial);
    return st;
}

/* Of the first that can say. They hold the same, so what one says goes for all. */
static dlfw_status limits(dlfw_backend *be, const char *key, uint32_t key_len, dlfw_limits *ret, dlfw_error *err)
{
    struct endpoints *e = of(be);
    dlfw_status st = limits_of(&e->items[0], key, key_len, ret, err);

    for (uint32_t i = 1; st < 0 && i < e->count; i++) {
        if (limits_of(&e->items[i], key, key_len, ret, NULL) >= 0)
            return DLFW_OK;
    }
    return st;
}

static dlfw_status check(dlfw_backend *be, dlfw_error *err)
{
    struct endpoints *e = of(be);

    for (uint32_t i = 0; i < e->count; i++) {
        const struct endpoint *p = &e->items[i];
        dlfw_status st;

        serial_enter(p->layer.serial);
        st = p->layer.ops->check(p->layer.be, err);
        serial_leave(p->layer.serial);
        if (st < 0) {
            if (err)
                error_prefix(err, "endpoint '%s'", p->name);
            return st;
        }
    }
    return DLFW_OK;
}

struct summed {
    uint32_t count;
    struct {
        char name[48], unit[16];
        uint32_t kind;
        uint64_t value;
    } figures[FIGURES_MAX];
};

/* Counters add up; of levels the highest is told. */
static void sum_up(void *ctx, const char *name, const char *unit, uint32_t kind, uint64_t value)
{
    struct summed *s = ctx;
    uint32_t i = 0;

    while (i < s->count && strcmp(s->figures[i].name, name) != 0)
        i++;
    if (i == FIGURES_MAX)
        return;
    if (i == s->count) {
        s->count++;
        snprintf(s->figures[i].name, sizeof s->figures[i].name, "%s", name);
        snprintf(s->figures[i].unit, sizeof s->figures[i].unit, "%s", unit);
        s->figures[i].kind = kind;
    }
    if (kind == DLFW_STAT_COUNTER)
        s->figures[i].value += value;
    else if (value > s->figures[i].value)
        s->figures[i].value = value;
}

static void put_figure(const dlfw_stat_sink *sink, uint32_t i, const char *what, const char *unit, uint32_t kind,
                       uint64_t value)
{
    char name[48];

    snprintf(name, sizeof name, "endpoint%u_%s", i + 1, what);
    sink->put(sink->ctx, name, unit, kind, value);
}

static void put_endpoint(const struct endpoints *e, uint32_t i, const dlfw_stat_sink *sink)
{
    const struct endpoint_health *h = &e->choice.health[i];

    put_figure(sink, i, "requests", "requests", DLFW_STAT_COUNTER, atomic_load(&h->requests));
    put_figure(sink, i, "bytes_read", "bytes", DLFW_STAT_COUNTER, atomic_load(&h->bytes_read));
    put_figure(sink, i, "bytes_written", "bytes", DLFW_STAT_COUNTER, atomic_load(&h->bytes_written));
    put_figure(sink, i, "errors", "", DLFW_STAT_COUNTER, atomic_load(&h->errors));
    put_figure(sink, i, "service_time", "ns", DLFW_STAT_GAUGE, atomic_load(&h->service_ns));
    put_figure(sink, i, "times_set_aside", "", DLFW_STAT_COUNTER, atomic_load(&h->set_aside));
}

static void stats(dlfw_backend *be, const dlfw_stat_sink *sink)
{
    struct endpoints *e = of(be);
    struct summed *sum = xcalloc(1, sizeof *sum);
    const dlfw_stat_sink into = {.struct_size = sizeof into, .ctx = sum, .put = sum_up};

    for (uint32_t i = 0; i < e->count; i++) {
        const struct endpoint *p = &e->items[i];

        if (!p->layer.ops->stats)
            continue;
        serial_enter(p->layer.serial);
        p->layer.ops->stats(p->layer.be, &into);
        serial_leave(p->layer.serial);
    }
    for (uint32_t i = 0; i < sum->count; i++)
        sink->put(sink->ctx, sum->figures[i].name, sum->figures[i].unit, sum->figures[i].kind, sum->figures[i].value);
    for (uint32_t i = 0; i < e->count; i++)
        put_endpoint(e, i, sink);
    free(sum);
}

static dlfw_status mem_register(dlfw_backend *be, void *base, uint64_t len, uint32_t kind, uint64_t *ret,
                                dlfw_error *err)
{
    struct endpoints *e = of(be);
    struct endpoint_region *region = xcalloc(1, sizeof *region);
    dlfw_status st = DLFW_E_UNSUPPORTED;
    bool any = false;

    for (uint32_t i = 0; i < e->count; i++) {
        const struct endpoint *p = &e->items[i];

        serial_enter(p->layer.serial);
        st = p->layer.ops->mem_register(p->layer.be, base, len, kind, &region->handles[i], err);
        serial_leave(p->layer.serial);
        if (st < 0)
            region->handles[i] = 0;
        any |= st >= 0;
    }
    if (!any) {
        free(region);
        return st;
    }
    *ret = (uintptr_t)region;
    return DLFW_OK;
}

static void mem_unregister(dlfw_backend *be, uint64_t handle)
{
    struct endpoints *e = of(be);
    struct endpoint_region *region = (struct endpoint_region *)(uintptr_t)handle;

    for (uint32_t i = 0; i < e->count; i++) {
        const struct endpoint *p = &e->items[i];

        if (!region->handles[i] || !p->layer.ops->mem_unregister)
            continue;
        serial_enter(p->layer.serial);
        p->layer.ops->mem_unregister(p->layer.be, region->handles[i]);
        serial_leave(p->layer.serial);
    }
    free(region);
}

/* What writers have left is the same behind each; the first one that answers tells all. */
static dlfw_status leftovers(dlfw_backend *be, const char *prefix,
                             int32_t (*found)(void *ctx, const char *name, uint32_t name_len, uint64_t size), void *ctx,
                             dlfw_error *err)
{
    struct endpoints *e = of(be);
    uint32_t i = endpoint_choose(&e->choice, 0, 0, 0);
    const struct endpoint *p = &e->items[i];
    dlfw_status st;

    serial_enter(p->layer.serial);
    st = p->layer.ops->leftovers(p->layer.be, prefix, found, ctx, err);
    serial_leave(p->layer.serial);
    if (st < 0 && err)
        error_prefix(err, "endpoint '%s'", p->name);
    return st;
}

void endpoints_layer(struct endpoints *e, struct backend_layer *ret)
{
    const struct backend_layer *first = &e->items[0].layer;

    DLFW_BUG_IF(!e->count);
    endpoint_choice_init(&e->choice, e->choice.strategy, e->count);
    e->ops = (dlfw_backend_ops){.struct_size = sizeof e->ops,
                                .thread_class = DLFW_THREADS_PARALLEL,
                                .caps = first->ops->caps,
                                .op_mask = first->ops->op_mask,
                                .limits = first->ops->limits ? limits : NULL,
                                .check = first->ops->check ? check : NULL,
                                .stats = stats,
                                .mem_register = first->ops->mem_register ? mem_register : NULL,
                                .mem_unregister = first->ops->mem_register ? mem_unregister : NULL,
                                .leftovers = first->ops->leftovers ? leftovers : NULL};
    endpoint_queue_fill_ops(&e->ops, first->ops->req_scratch);
    *ret = (struct backend_layer){
        .ops = &e->ops, .be = (dlfw_backend *)e, .name = first->name, .queue_mode = endpoint_queue_mode};
}
