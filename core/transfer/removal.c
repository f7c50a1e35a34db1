/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where objects are local files the emptied folders go as well, each when the last thing in it has gone. A name that
 * the walk takes for a folder may be a link to one somewhere else: it is unlinked, never entered.
 */
#include "transfer/removal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "io/uri.h"
#include "plugin/host_table.h"
#include "transfer/removal_gate.h"

#define STREAMS_DEPTH 1000u
#define POOL_DEPTH 32u
#define FIRST_LIMIT 128u
#define LAST_LIMIT 4096u
#define REAP_MAX 64u
#define LOOK_NS 200000000u

struct removal {
    const struct removal_args *args;
    const char *path; /* of the root, where objects are local files, else NULL */
    struct removal_gate gate;
    bool gated;
    _Atomic uint64_t objects, folders, failed;
    pthread_mutex_t lock;
    dlfw_status status;
    struct error_slot err; /* of the first failure */
};

/* A page at work. */
struct part {
    struct removal *removal;
    struct listing_folder *folder;
};

uint32_t removal_depth(const struct storage *st)
{
    uint64_t caps = storage_caps(st);

    return caps & DLFW_BACKEND_STREAMS ? STREAMS_DEPTH : caps & DLFW_BACKEND_LOCAL ? 1 : POOL_DEPTH;
}

/* Tells what has ended and gives the ops back. *throttled: the queue's count so far. */
static uint32_t take_ended(struct io_queue *q, struct io_op **idle, uint32_t idle_count, struct removal_gate *gate,
                           uint64_t *throttled, removal_each *each, void *ctx)
{
    /* what the thread does itself has no need of a look at the clock */
    uint64_t look = strcmp(io_queue_mode(q), "inline") == 0 ? UINT64_MAX : LOOK_NS, so_far;
    uint32_t n = io_queue_reap(q, idle + idle_count, REAP_MAX, 1, look);

    if (!n && atomic_load(&host_cancel_level))
        io_queue_cancel(q);
    for (uint32_t i = 0; i < n; i++) {
        const struct io_op *op = idle[idle_count + i];

        each(ctx, op->user, op);
    }
    so_far = io_queue_stats(q)->throttled;
    if (gate && n)
        gate_leave(gate, n, so_far > *throttled, clock_now_ns());
    *throttled = so_far;
    return n;
}

void removal_keys(struct io_queue *q, uint16_t op, const struct removal_key *keys, uint32_t count,
                  struct removal_gate *gate, removal_each *each, void *ctx)
{
    uint32_t depth = io_queue_depth(q), next = 0, idle_count, room;
    uint64_t throttled = io_queue_stats(q)->throttled;
    struct io_op *ops, **idle;

    depth = depth < count ? depth : count;
    ops = xcalloc(depth, sizeof *ops);
    idle = xcalloc(depth + REAP_MAX, sizeof(struct io_op *));
    for (idle_count = 0; idle_count < depth; idle_count++)
        idle[idle_count] = &ops[idle_count];
    while (next < count || idle_count < depth) {
        bool stop = atomic_load(&host_cancel_level) != 0;

        /* Topped up when half has ended: what is submitted together may travel together. */
        room = next < count && !stop && idle_count >= (depth + 1) / 2 ? idle_count : 0;
        room = room < count - next ? room : count - next;
        if (room && gate)
            room = gate_enter(gate, room, idle_count == depth);
        for (uint32_t i = 0; i < room; i++) {
            struct io_op *o = idle[--idle_count];

            /* all other fields are zero and stay so */
            o->op = op;
            o->key = keys[next].key;
            o->key_len = keys[next].len;
            o->user = (void *)(uintptr_t)&keys[next++];
            io_queue_submit(q, o);
        }
        if (idle_count == depth) /* nothing is in flight, and nothing more is to be */
            break;
        idle_count += take_ended(q, idle, idle_count, gate, &throttled, each, ctx);
    }
    free(idle);
    free(ops);
}

static void note_failure(struct removal *r, struct listing_folder *folder, const struct io_op *op)
{
    if (folder)
        listing_spoil(folder);
    if (atomic_load(&host_cancel_level))
        return;
    atomic_fetch_add(&r->failed, 1);
    pthread_mutex_lock(&r->lock);
    if (r->status >= 0) {
        r->status = op->status;
        error_copy(&r->err.e, &op->err.e);
    }
    pthread_mutex_unlock(&r->lock);
}

static void note_removed(struct removal *r, uint64_t size)
{
    atomic_fetch_add(&r->objects, 1);
    atomic_fetch_add(r->args->done, 1);
    if (size != UINT64_MAX)
        atomic_fetch_add(r->args->bytes, size);
}

static void key_deleted(void *ctx, const struct removal_key *key, const struct io_op *op)
{
    struct part *part = ctx;

    if (op->status >= 0)
        note_removed(part->removal, key->size);
    else if (op->status != DLFW_E_NOT_FOUND)
        note_failure(part->removal, part->folder, op);
}

static bool take_page(void *ctx, struct listing_worker *w, const struct listing_page *page)
{
    struct removal *r = ctx;
    struct part part = {r, page->folder};
    struct removal_key *keys = xmalloc(page->count * sizeof *keys);
    uint32_t count = 0;

    for (uint32_t i = 0; i < page->count; i++) {
        const dlfw_list_entry *e = &page->entries[i];
        const struct removal_key key = {page->names + e->name_off, e->name_len, e->size};
        bool is_group = e->size == UINT64_MAX && key.key[key.len - 1] == '/';

        if (!is_group && matching_accepts(r->args->matching, key.key, key.len))
            keys[count++] = key;
    }
    for (uint32_t i = 0; i < count && r->args->dry_run; i++) {
        r->args->found(r->args->ctx, w->index, keys[i].key, keys[i].len);
        note_removed(r, keys[i].size);
    }
    if (count && !r->args->dry_run)
        removal_keys(w->queue, DLFW_OP_DELETE, keys, count, r->gated ? &r->gate : NULL, key_deleted, &part);
    free(keys);
    return true;
}

/* Whether the name, which ends in '/', is that of a link; false for what is not there any more, too. */
static bool is_link(const struct removal *r, const char *name, uint32_t name_len)
{
    char *path = xformat("%s/%.*s", r->path, (int)name_len - 1, name);
    struct stat s;
    bool link = lstat(path, &s) == 0 && S_ISLNK(s.st_mode);

    free(path);
    return link;
}

static bool enter_folder(void *ctx, struct listing_worker *w, struct listing_folder *in, const char *name,
                         uint32_t name_len)
{
    struct removal *r = ctx;
    const struct removal_key link = {name, name_len - 1, UINT64_MAX};
    struct part part = {r, in};

    if (!is_link(r, name, name_len))
        return true;
    if (!matching_accepts(r->args->matching, link.key, link.len))
        return false;
    if (r->args->dry_run) {
        r->args->found(r->args->ctx, w->index, link.key, link.len);
        note_removed(r, link.size);
    } else {
        removal_keys(w->queue, DLFW_OP_DELETE, &link, 1, NULL, key_deleted, &part);
    }
    return false;
}

static bool leave_folder(void *ctx, struct listing_worker *w, const char *name, uint32_t name_len)
{
    struct removal *r = ctx;
    struct io_op op = {.op = DLFW_OP_REMOVE_ROOT, .key = name, .key_len = name_len};
    dlfw_status st = DLFW_OK;

    if (r->args->dry_run)
        r->args->found(r->args->ctx, w->index, name, name_len);
    else
        st = io_call(w->queue, &op, NULL);
    if (st == DLFW_E_BUSY)
        dlfw_fail(&op.err.e, st,
                  "the folder '%.*s' cannot be removed: in it is what is no object, such as a link to nothing or, "
                  "which 'dlfw clean' removes, what a killed writer has left",
                  (int)(name_len ? name_len : strlen(r->path)), name_len ? name : r->path);
    if (st >= 0)
        atomic_fetch_add(&r->folders, 1);
    else if (st != DLFW_E_NOT_FOUND)
        note_failure(r, NULL, &op);
    return st >= 0 || st == DLFW_E_NOT_FOUND;
}

static void tick(void *ctx)
{
    const struct removal *r = ctx;

    if (r->args->tick)
        r->args->tick(r->args->ctx);
}

static dlfw_status walk(struct removal *r, struct removal_result *ret, dlfw_error *err)
{
    const struct removal_args *args = r->args;
    bool local = r->path != NULL;
    struct listing_args listing = {.storage = args->storage,
                                   .prefix = args->prefix,
                                   .recursive = args->recursive,
                                   .slow_pages = true,
                                   .workers = args->jobs,
                                   .depth = removal_depth(args->storage),
                                   .ctx = r,
                                   .page = take_page,
                                   .enter = local ? enter_folder : NULL,
                                   .leave = local && !args->matching ? leave_folder : NULL,
                                   .tick = tick};
    dlfw_status st;

    if (r->gated) {
        listing.workers = 0;
        if (args->jobs && args->jobs < listing_workers(&listing))
            listing.workers = args->jobs;
        if (args->jobs && args->jobs < listing.depth)
            listing.depth = args->jobs;
        gate_init(&r->gate, FIRST_LIMIT, args->jobs ? args->jobs : LAST_LIMIT, clock_now_ns());
    }
    st = listing_run(&listing, &ret->unlisted, err);
    if (r->gated)
        gate_destroy(&r->gate);
    return st;
}

dlfw_status removal_run(const struct removal_args *args, struct removal_result *ret, dlfw_error *err)
{
    uint64_t caps = storage_caps(args->storage);
    struct removal *r = xcalloc(1, sizeof *r);
    struct uri uri = {0};
    dlfw_status st = DLFW_OK;

    *ret = (struct removal_result){0};
    r->args = args;
    r->gated = (caps & DLFW_BACKEND_STREAMS) && !args->dry_run;
    error_slot_init(&r->err);
    pthread_mutex_init(&r->lock, NULL);
    if (caps & DLFW_BACKEND_LOCAL) {
        st = uri_parse(storage_uri(args->storage), &uri, err);
        r->path = uri.path;
    }
    if (st >= 0)
        st = walk(r, ret, err);
    ret->objects = atomic_load(&r->objects);
    ret->folders = atomic_load(&r->folders);
    ret->failed = atomic_load(&r->failed);
    if (st >= 0 && r->status < 0) {
        st = r->status;
        error_copy(err, &r->err.e);
    }
    pthread_mutex_destroy(&r->lock);
    uri_free(&uri);
    free(r);
    return st;
}
