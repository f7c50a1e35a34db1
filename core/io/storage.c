/* SPDX-License-Identifier: Apache-2.0 */
/* An opened storage: what may be asked of it besides requests, and its end. Opening is in storage_open.c. */
#include "io/storage.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "io/io_align.h"
#include "io/storage_parts.h"
#include "plugin/serial_lock.h"

static void enter(const struct backend_layer *layer)
{
    serial_enter(layer->serial);
}

static void leave(const struct backend_layer *layer)
{
    serial_leave(layer->serial);
}

void storage_close(struct storage *st)
{
    if (!st)
        return;
    if (atomic_load(&st->leaked))
        return; /* a request may still be running into its memory; the leak was reported */
    DLFW_BUG_IF(atomic_load(&st->queues));
    while (st->layer_count > 1)
        wrap_destroy(&st->layers[--st->layer_count]);
    if (st->endpoints)
        endpoints_destroy(st->endpoints);
    else if (st->owns_backend && st->layers[0].ops->destroy) {
        enter(&st->layers[0]);
        st->layers[0].ops->destroy(st->layers[0].be);
        leave(&st->layers[0]);
    }
    for (uint32_t i = 0; i < st->instance_count; i++)
        storage_backing_free(&st->instances[i]);
    free(st->instances);
    size_cache_destroy(st->sizes);
    if (st->split)
        split_fini(st->split);
    free(st->split);
    pthread_mutex_destroy(&st->instance_lock);
    pthread_mutex_destroy(&st->register_lock);
    node_tree_free(&st->own_tree);
    uri_free(&st->uri);
    free(st->uri_text);
    free(st);
}

const char *storage_uri(const struct storage *st)
{
    return st->uri_text;
}

const char *storage_scheme(const struct storage *st)
{
    return st->uri.scheme;
}

uint64_t storage_caps(const struct storage *st)
{
    return storage_base(st)->ops->caps;
}

uint64_t storage_op_mask(const struct storage *st)
{
    return storage_base(st)->ops->op_mask;
}

dlfw_status storage_limits(struct storage *st, const char *key, size_t key_len, dlfw_limits *ret, dlfw_error *err)
{
    const struct backend_layer *base = storage_base(st);
    dlfw_limits limits = {.struct_size = sizeof limits};
    dlfw_status status = DLFW_OK;

    if (base->ops->limits) {
        enter(base);
        status = base->ops->limits(base->be, key, (uint32_t)key_len, &limits, err);
        leave(base);
    }
    if (status >= 0)
        status = align_check_limits(&limits, base->name, err);
    if (status >= 0)
        *ret = limits;
    return status;
}

dlfw_status storage_probe(struct storage *st, dlfw_error *err)
{
    const struct backend_layer *base = storage_base(st);
    dlfw_status status;

    if (!base->ops->check)
        return DLFW_OK;
    enter(base);
    status = base->ops->check(base->be, err);
    leave(base);
    if (status < 0)
        error_prefix(err, "storage '%s'", st->uri_text);
    return status;
}

dlfw_status storage_leftovers(struct storage *st, const char *prefix,
                              int32_t (*found)(void *ctx, const char *name, uint32_t name_len, uint64_t size),
                              void *ctx, dlfw_error *err)
{
    const struct backend_layer *base = storage_base(st);
    dlfw_status status;

    if (!base->ops->leftovers)
        return DLFW_OK;
    enter(base);
    status = base->ops->leftovers(base->be, prefix, found, ctx, err);
    leave(base);
    if (status < 0)
        error_prefix(err, "storage '%s'", st->uri_text);
    return status;
}

/* What the engine itself has done. */
static void engine_stats(struct storage *st, const dlfw_stat_sink *sink)
{
    uint64_t hits, misses;

    if (st->sizes) {
        size_cache_figures(st->sizes, &hits, &misses);
        sink->put(sink->ctx, "size_cache_hits", "", DLFW_STAT_COUNTER, hits);
        sink->put(sink->ctx, "size_cache_misses", "", DLFW_STAT_COUNTER, misses);
    }
    if (st->split) {
        sink->put(sink->ctx, "split_streams", "", DLFW_STAT_GAUGE, atomic_load(&st->split->streams));
        sink->put(sink->ctx, "split_part_least", "bytes", DLFW_STAT_GAUGE, atomic_load(&st->split->part_least));
    }
}

void storage_stats(struct storage *st, const dlfw_stat_sink *sink)
{
    const struct backend_layer *base = storage_base(st);

    engine_stats(st, sink);

    if (!base->ops->stats)
        return;
    enter(base);
    base->ops->stats(base->be, sink);
    leave(base);
}

uint32_t storage_endpoint_count(const struct storage *st)
{
    return st->endpoints ? st->endpoints->count : 1;
}

void storage_endpoint_get(const struct storage *st, uint32_t index, struct storage_endpoint *ret)
{
    const struct endpoint_health *h = &st->endpoints->choice.health[index];

    *ret = (struct storage_endpoint){.name = st->endpoints->items[index].name,
                                     .requests = atomic_load(&h->requests),
                                     .bytes_read = atomic_load(&h->bytes_read),
                                     .bytes_written = atomic_load(&h->bytes_written),
                                     .errors = atomic_load(&h->errors),
                                     .times_set_aside = atomic_load(&h->set_aside),
                                     .service_ns = atomic_load(&h->service_ns),
                                     .in_flight = atomic_load(&h->in_flight),
                                     .is_aside = endpoint_is_aside(&st->endpoints->choice, index)};
}

uint64_t storage_register(struct storage *st, void *addr, uint64_t len)
{
    const struct backend_layer *base = storage_base(st);
    struct error_slot why;
    uint64_t handle = 0;

    if (!base->ops->mem_register)
        return 0;
    error_slot_init(&why);
    pthread_mutex_lock(&st->register_lock);
    enter(base);
    if (base->ops->mem_register(base->be, addr, len, 0, &handle, &why.e) < 0) {
        handle = 0;
        log_debug("storage '%s' does not register %llu bytes of memory: %s", st->uri_text, (unsigned long long)len,
                  why.e.message);
    }
    leave(base);
    pthread_mutex_unlock(&st->register_lock);
    return handle;
}

void storage_unregister(struct storage *st, uint64_t handle)
{
    const struct backend_layer *base = storage_base(st);

    if (!handle || !base->ops->mem_unregister)
        return;
    pthread_mutex_lock(&st->register_lock);
    enter(base);
    base->ops->mem_unregister(base->be, handle);
    leave(base);
    pthread_mutex_unlock(&st->register_lock);
}
