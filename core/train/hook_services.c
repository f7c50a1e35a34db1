/* SPDX-License-Identifier: Apache-2.0 */
/* The table of services that hooks see. Streams and storages are made elsewhere; here are names, ranks and reports. */
#include "train/hook_services.h"

#include <stdlib.h>
#include <string.h>

#include "ranks/coordinator.h"
#include "train/hook_storage.h"

static struct service_set *set_of(void *ctx)
{
    return ((struct hook_service_ctx *)ctx)->set;
}

static dlfw_status writer_open_service(void *ctx, const char *uri, uint64_t size_hint, uint32_t flags,
                                       dlfw_writer **ret, dlfw_error *err)
{
    return stream_writer_open(set_of(ctx), uri, size_hint, flags, ret, err);
}

static dlfw_status source_open_service(void *ctx, const char *uri, dlfw_source **ret, uint64_t *ret_size,
                                       dlfw_error *err)
{
    return stream_source_open(set_of(ctx), uri, ret, ret_size, err);
}

typedef dlfw_status place_call(struct place *p, struct io_queue *q, void *arg, dlfw_error *err);

/* One operation on a place, with a queue for it. */
static dlfw_status with_place(void *ctx, const char *uri, enum place_use use, place_call *call, void *arg,
                              dlfw_error *err)
{
    struct place p = {0};
    struct io_queue *q = NULL;
    dlfw_status st = place_open(set_of(ctx), uri, use, &p, err);

    if (st >= 0)
        st = queue_take(p.shared, QUEUE_MOVING, &q, err);
    if (st >= 0)
        st = call(&p, q, arg, err);
    if (q)
        queue_give(p.shared, QUEUE_MOVING, q, st < 0 && st != DLFW_E_NOT_FOUND);
    place_close(&p);
    return st;
}

static dlfw_status delete_call(struct place *p, struct io_queue *q, void *arg, dlfw_error *err)
{
    (void)arg;
    return io_delete(q, p->key, err);
}

static dlfw_status remove_service(void *ctx, const char *uri, dlfw_error *err)
{
    return with_place(ctx, uri, PLACE_OBJECT, delete_call, NULL, err);
}

struct listing {
    size_t skip; /* bytes of a name that are the listed folder's */
    int32_t (*each)(void *each_ctx, const dlfw_listed *item);
    void *each_ctx;
};

static bool list_entry(void *ctx, const struct io_listed *entry)
{
    const struct listing *l = ctx;
    size_t skip = entry->name_len > l->skip ? l->skip : 0;
    dlfw_listed item = {.struct_size = sizeof item,
                        .name = entry->name + skip,
                        .name_len = entry->name_len - (uint32_t)skip,
                        .size = entry->size,
                        .mtime_ns = entry->mtime_ns};

    return l->each(l->each_ctx, &item) == 0;
}

struct list_call_args {
    struct listing listing;
    bool recursive;
};

static dlfw_status list_call(struct place *p, struct io_queue *q, void *arg, dlfw_error *err)
{
    struct list_call_args *a = arg;
    size_t len = strlen(p->key);

    a->listing.skip = len ? len + 1 : 0;
    return io_list_entries(q, p->key, a->recursive, list_entry, &a->listing, err);
}

static dlfw_status list_service(void *ctx, const char *uri, uint32_t recursive,
                                int32_t (*each)(void *each_ctx, const dlfw_listed *item), void *each_ctx,
                                dlfw_error *err)
{
    struct list_call_args args = {.listing = {.each = each, .each_ctx = each_ctx}, .recursive = recursive};

    return with_place(ctx, uri, PLACE_FOLDER, list_call, &args, err);
}

static dlfw_status make_call(struct place *p, struct io_queue *q, void *arg, dlfw_error *err)
{
    (void)arg;
    return *p->key ? io_make_root(q, p->key, err) : place_make_root(p, q, err);
}

static dlfw_status make_root_service(void *ctx, const char *uri, dlfw_error *err)
{
    return with_place(ctx, uri, PLACE_FOLDER, make_call, NULL, err);
}

static dlfw_status remove_root_call(struct place *p, struct io_queue *q, void *arg, dlfw_error *err)
{
    dlfw_status st = io_remove_root(q, p->key, err);

    (void)arg;
    if (st >= 0 && !*p->key)
        place_forget_root(p);
    return st;
}

static dlfw_status remove_root_service(void *ctx, const char *uri, dlfw_error *err)
{
    return with_place(ctx, uri, PLACE_FOLDER, remove_root_call, NULL, err);
}

static const dlfw_coordinator_ops *ranks_of(const struct service_set *set)
{
    return set->env.ranks_ops ? set->env.ranks_ops : &coordinator_single;
}

static dlfw_status barrier_service(void *ctx, dlfw_error *err)
{
    const struct service_set *set = set_of(ctx);

    return ranks_of(set)->barrier(set->env.ranks, 0, err);
}

static dlfw_status broadcast_service(void *ctx, uint32_t root, void *buf, uint64_t len, dlfw_error *err)
{
    const struct service_set *set = set_of(ctx);

    return ranks_of(set)->broadcast(set->env.ranks, root, buf, len, 0, err);
}

static dlfw_status gather_service(void *ctx, const void *mine, void *all, uint64_t len, dlfw_error *err)
{
    const struct service_set *set = set_of(ctx);

    return ranks_of(set)->gather(set->env.ranks, mine, all, len, 0, err);
}

static void put_service(void *ctx, const char *name, const char *unit, uint32_t kind, uint64_t value)
{
    const struct hook_service_ctx *c = ctx;
    const struct service_env *env = &c->set->env;

    if (env->put)
        env->put(env->report, c->hook_name, name, unit, kind, value);
}

static void checkpoint_service(void *ctx, const dlfw_checkpoint_event *event)
{
    const struct hook_service_ctx *c = ctx;
    const struct service_env *env = &c->set->env;

    if (env->checkpoint)
        env->checkpoint(env->report, c->hook_name, event);
}

const dlfw_hook_services hook_services = {
    .struct_size = sizeof hook_services,
    .writer_open = writer_open_service,
    .writer_append = stream_writer_append,
    .writer_commit = stream_writer_commit,
    .writer_abort = stream_writer_abort,
    .source_open = source_open_service,
    .source_read = stream_source_read,
    .source_close = stream_source_close,
    .remove = remove_service,
    .barrier = barrier_service,
    .put = put_service,
    .writer_window = stream_writer_window,
    .writer_advance = stream_writer_advance,
    .source_scan = stream_source_scan,
    .list = list_service,
    .make_root = make_root_service,
    .broadcast = broadcast_service,
    .gather = gather_service,
    .checkpoint = checkpoint_service,
    .remove_root = remove_root_service,
};
