/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part of the names at a time: list the target into the table, list the source against it. Invariant: what is removed
 * stands in the table, and the source was listed to its end without it; so nothing that the run itself has copied, or
 * that somebody else adds meanwhile, is ever too many.
 */
#include "transfer/sync.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "transfer/name_table.h"

struct sync {
    struct sync_args args;
    struct name_table *table;
    size_t to_skip;
    bool marking; /* the source is listed for its names only */
    pthread_mutex_t lock;
    struct sync_counts counts; /* under lock */
    _Atomic uint64_t same;
};

void sync_create(const struct sync_args *args, struct sync **ret)
{
    struct sync *s = xcalloc(1, sizeof *s);

    s->args = *args;
    s->table = name_table_create(args->table_bytes ? args->table_bytes : SYNC_TABLE_BYTES);
    s->to_skip = *args->to ? strlen(args->to) + 1 : 0;
    pthread_mutex_init(&s->lock, NULL);
    *ret = s;
}

void sync_destroy(struct sync *s)
{
    if (!s)
        return;
    name_table_destroy(s->table);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

uint64_t sync_same(const struct sync *s)
{
    return atomic_load_explicit(&s->same, memory_order_relaxed);
}

struct sync_counts sync_counted(const struct sync *s)
{
    struct sync_counts counts = s->counts;

    counts.same = sync_same(s);
    return counts;
}

static void pass_tick(void *ctx)
{
    const struct sync *s = ctx;

    if (s->args.tick)
        s->args.tick(s->args.ctx);
}

/* The name below the target's folder; NULL: it stands for a group, or --glob leaves it alone. */
static const char *name_in_target(const struct sync *s, const struct listing_page *page, const dlfw_list_entry *entry,
                                  size_t *ret_len)
{
    const char *name = page->names + entry->name_off + s->to_skip;

    if (entry->name_len <= s->to_skip || name[entry->name_len - s->to_skip - 1] == '/')
        return NULL;
    *ret_len = entry->name_len - s->to_skip;
    return matching_accepts(s->args.only, name, *ret_len) ? name : NULL;
}

static bool take_target_page(void *ctx, struct listing_worker *worker, const struct listing_page *page)
{
    struct sync *s = ctx;

    (void)worker;
    pthread_mutex_lock(&s->lock);
    for (uint32_t i = 0; i < page->count; i++) {
        const dlfw_list_entry *entry = &page->entries[i];
        size_t len;
        const char *name = name_in_target(s, page, entry, &len);

        if (name)
            name_table_add(s->table, name, len, entry->size, entry->mtime_ns);
    }
    pthread_mutex_unlock(&s->lock);
    return true;
}

static struct listing_args target_listing(struct sync *s)
{
    return (struct listing_args){.storage = s->args.target,
                                 .prefix = s->args.to,
                                 .recursive = true,
                                 .ctx = s,
                                 .page = take_target_page,
                                 .tick = pass_tick};
}

static dlfw_status list_target(struct sync *s, dlfw_error *err)
{
    struct listing_args args = target_listing(s);
    struct error_slot why;
    uint64_t failed = 0;
    dlfw_status st;

    error_slot_init(&why);
    st = listing_run(&args, &failed, &why.e);
    if (st == DLFW_E_NOT_FOUND && failed <= 1)
        return DLFW_OK; /* nothing has been copied there yet */
    if (st < 0)
        error_copy(err, &why.e);
    return st;
}

/* What is to be done with a name of the source. Under the lock. */
static bool differs(const struct sync *s, const struct name_entry *there, struct copy_item *item)
{
    if (!there || there->size != item->size || item->size == UINT64_MAX)
        return true;
    if (s->args.by_checksum) {
        item->condition = COPY_UNLESS_EQUAL;
        return true;
    }
    return item->mtime_ns && there->mtime_ns && item->mtime_ns > there->mtime_ns;
}

static bool take_source(void *ctx, const struct copy_item *item, const char *name, size_t name_len)
{
    struct sync *s = ctx;
    struct copy_item copy = *item;
    struct name_entry *there;
    bool more = true;

    pthread_mutex_lock(&s->lock);
    if (name_table_covers(s->table, name, name_len)) {
        there = name_table_find(s->table, name, name_len);
        if (there)
            there->seen = true;
        if (s->marking)
            ;
        else if (differs(s, there, &copy))
            more = s->args.take(s->args.ctx, &copy);
        else
            atomic_fetch_add_explicit(&s->same, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&s->lock);
    return more;
}

static void refuse_source(void *ctx, const char *key, const char *why)
{
    struct sync *s = ctx;

    const char *name = key + (*s->args.from ? strlen(s->args.from) + 1 : 0);

    pthread_mutex_lock(&s->lock);
    if (!s->marking && name_table_covers(s->table, name, strlen(name))) /* once, whatever the number of parts */
        s->args.refuse(s->args.ctx, key, why);
    pthread_mutex_unlock(&s->lock);
}

static dlfw_status list_source(struct sync *s, bool marking, dlfw_error *err)
{
    char *to = *s->args.to ? xformat("%s/", s->args.to) : xstrdup("");
    struct copy_tree tree = {.source = s->args.source,
                             .prefix = s->args.from,
                             .to = to,
                             .only = s->args.only,
                             .to_local = s->args.to_local,
                             .ctx = s,
                             .take = take_source,
                             .refuse = refuse_source,
                             .tick = pass_tick};
    dlfw_status st;

    s->marking = marking;
    st = copy_tree_walk(&tree, err);
    if (!marking)
        s->counts.markers = atomic_load(&tree.markers);
    free(to);
    return st;
}

dlfw_status sync_compare(struct sync *s, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;

    for (uint32_t part = 0; part < name_table_parts(s->table) && st >= 0; part++) {
        name_table_begin(s->table, part);
        st = list_target(s, err);
        if (st >= 0)
            st = list_source(s, false, err);
    }
    return st;
}

static void tell_removed(struct sync *s, const struct io_op *op, const dlfw_error *err)
{
    char *key = xstrndup(op->key, op->key_len);

    pthread_mutex_lock(&s->lock);
    s->counts.removed += !err;
    s->counts.not_removed += err != NULL;
    s->args.removed(s->args.ctx, key, err);
    pthread_mutex_unlock(&s->lock);
    free(key);
}

/* Takes back one finished deletion; what is gone already is fine. */
static void reap_one(struct sync *s, struct io_queue *q)
{
    struct io_op *done = NULL;

    while (!io_queue_reap(q, &done, 1, 1, UINT64_MAX))
        ;
    tell_removed(s, done, done->status < 0 && done->status != DLFW_E_NOT_FOUND ? &done->err.e : NULL);
    done->user = NULL;
}

static bool is_extra(struct sync *s, const char *name, size_t len)
{
    const struct name_entry *there = NULL;

    pthread_mutex_lock(&s->lock);
    if (name_table_covers(s->table, name, len))
        there = name_table_find(s->table, name, len);
    pthread_mutex_unlock(&s->lock);
    return there && !there->seen;
}

#define DELETE_DEPTH 32u

/* An operation that is not in flight; waits for one. */
static struct io_op *free_op(struct sync *s, struct io_queue *q, struct io_op ops[DELETE_DEPTH])
{
    for (;;) {
        for (uint32_t i = 0; i < DELETE_DEPTH; i++)
            if (!ops[i].user && io_queue_inflight(q) < io_queue_depth(q))
                return &ops[i];
        reap_one(s, q);
    }
}

static bool remove_page(void *ctx, struct listing_worker *worker, const struct listing_page *page)
{
    struct sync *s = ctx;
    struct io_op *ops = xcalloc(DELETE_DEPTH, sizeof *ops);

    for (uint32_t i = 0; i < page->count; i++) {
        const dlfw_list_entry *entry = &page->entries[i];
        size_t len;
        const char *name = name_in_target(s, page, entry, &len);
        struct io_op op = {
            .op = DLFW_OP_DELETE, .key = page->names + entry->name_off, .key_len = entry->name_len, .user = s};
        struct io_op *to;

        if (!name || !is_extra(s, name, len))
            continue;
        if (s->args.dry_run) {
            tell_removed(s, &op, NULL);
            continue;
        }
        to = free_op(s, worker->queue, ops);
        *to = op;
        io_queue_submit(worker->queue, to);
    }
    while (io_queue_inflight(worker->queue))
        reap_one(s, worker->queue);
    free(ops);
    return true;
}

static dlfw_status remove_part(struct sync *s, dlfw_error *err)
{
    struct listing_args args = target_listing(s);
    struct error_slot why;
    uint64_t failed = 0;
    dlfw_status st;

    error_slot_init(&why);
    args.page = remove_page;
    args.slow_pages = true;
    args.depth = DELETE_DEPTH;
    st = listing_run(&args, &failed, &why.e);
    if (st == DLFW_E_NOT_FOUND && failed <= 1)
        return DLFW_OK;
    if (st < 0)
        error_copy(err, &why.e);
    return st;
}

dlfw_status sync_remove(struct sync *s, dlfw_error *err)
{
    uint32_t parts = name_table_parts(s->table);
    dlfw_status st = DLFW_OK;

    for (uint32_t part = 0; part < parts && st >= 0; part++) {
        if (parts > 1) { /* the table holds the last part */
            name_table_begin(s->table, part);
            st = list_target(s, err);
            if (st >= 0)
                st = list_source(s, true, err);
        }
        if (st >= 0)
            st = remove_part(s, err);
    }
    return st;
}
