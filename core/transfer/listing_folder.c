/* SPDX-License-Identifier: Apache-2.0 */
/* One folder: asking for its pages, taking the folders out of them, handing over the objects. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "plugin/host_table.h"
#include "transfer/listing_parts.h"

#define LOOK_NS 200000000u /* a waiting worker looks this often whether the walk is over */

struct listing_folder *folder_new(struct listing_folder *parent, const char *name, uint32_t name_len)
{
    struct listing_folder *f = xmalloc(sizeof *f + name_len + 1);

    f->next = NULL;
    f->parent = parent;
    atomic_init(&f->refs, 1);
    atomic_init(&f->spoiled, false);
    f->name_len = name_len;
    memcpy(f->name, name, name_len);
    f->name[name_len] = '\0';
    if (parent)
        atomic_fetch_add(&parent->refs, 1);
    return f;
}

static bool leave(struct walk *walk, struct listing_worker *w, const struct listing_folder *f)
{
    const struct listing_args *args = walk->args;

    if (walk->plan != PLAN_FOLDERS || !args->leave)
        return true;
    return !atomic_load(&f->spoiled) && !atomic_load(&walk->stop) && args->leave(args->ctx, w, f->name, f->name_len);
}

void folder_done(struct walk *walk, struct listing_worker *w, struct listing_folder *f)
{
    while (f && atomic_fetch_sub(&f->refs, 1) == 1) {
        struct listing_folder *parent = f->parent;

        if (!leave(walk, w, f) && parent)
            listing_spoil(parent);
        free(f);
        f = parent;
    }
}

void listing_spoil(struct listing_folder *folder)
{
    atomic_store(&folder->spoiled, true);
}

/* As io_call, but gives up when the walk is over. */
static dlfw_status call(const struct walk *walk, struct listing_worker *w, struct io_op *op)
{
    struct io_op *done = NULL;

    io_queue_submit(w->queue, op);
    while (!io_queue_reap(w->queue, &done, 1, 1, LOOK_NS))
        if (atomic_load(&walk->stop) || atomic_load(&host_cancel_level))
            io_queue_cancel(w->queue);
    return op->status;
}

/* Bytes that all names below the folder begin with. */
static uint32_t prefix_len(const struct listing_folder *f)
{
    return f->name_len + (f->name_len && f->name[f->name_len - 1] != '/');
}

/* An object may have a name with '/' at the end too: it marks a folder, also the one that is being listed. */
static bool is_folder(const struct listing_folder *f, const dlfw_list_entry *e, const char *name)
{
    return e->size == UINT64_MAX && e->name_len > prefix_len(f) && name[e->name_len - 1] == '/';
}

static void add_folder(struct walk *walk, struct listing_worker *w, struct listing_folder *f, const char *name,
                       uint32_t name_len, uint32_t nested)
{
    const struct listing_args *args = walk->args;
    struct listing_folder *child;

    if (walk->plan == PLAN_FOLDERS && args->enter && !args->enter(args->ctx, w, f, name, name_len))
        return;
    child = folder_new(f, name, name_len);
    if (nested < LISTING_NESTED_MAX && atomic_load(&walk->waiting) >= LISTING_WAITING_MAX)
        walk_list(walk, w, child, nested + 1);
    else
        walk_add_folder(walk, child);
}

/* Fills b->page, without the folders that are to be walked. */
static dlfw_status take_page(struct walk *walk, struct listing_worker *w, struct listing_folder *f,
                             struct page_buffer *b, const struct io_op *op, bool folders, uint32_t nested,
                             dlfw_error *err)
{
    struct listing_page *page = &b->page;
    uint64_t count = op->bytes / sizeof *page->entries, kept = 0;

    *page = (struct listing_page){.entries = (void *)b->bytes, .names = (const char *)b->bytes, .folder = f};
    if (op->bytes > op->buf_cap || op->bytes % sizeof *page->entries)
        return dlfw_fail(err, DLFW_E_INTERNAL, "the backend gave a malformed page when listing '%s'", f->name);
    for (uint64_t i = 0; i < count; i++) {
        const dlfw_list_entry e = page->entries[i];

        if ((uint64_t)e.name_off + e.name_len > op->buf_cap || !e.name_len)
            return dlfw_fail(err, DLFW_E_INTERNAL, "the backend gave a name outside its page when listing '%s'",
                             f->name);
        if (folders && is_folder(f, &e, page->names + e.name_off))
            add_folder(walk, w, f, page->names + e.name_off, e.name_len, nested);
        else
            page->entries[kept++] = e;
    }
    page->count = (uint32_t)kept;
    return DLFW_OK;
}

void walk_page(struct walk *walk, struct listing_worker *w, struct page_buffer *b)
{
    struct listing_folder *f = b->page.folder;

    if (!atomic_load(&walk->stop) && !walk->args->page(walk->args->ctx, w, &b->page))
        atomic_store(&walk->stop, true);
    walk_put_buffer(walk, b);
    folder_done(walk, w, f);
}

static void hand_over(struct walk *walk, struct listing_worker *w, struct page_buffer *b)
{
    if (!b->page.count) {
        walk_put_buffer(walk, b);
        return;
    }
    atomic_fetch_add(&b->page.folder->refs, 1);
    if (!walk->args->slow_pages || !walk_give_page(walk, b))
        walk_page(walk, w, b);
}

/* One page more; *ret_more: it is not the last. With probe a page that is not the last is dropped. */
static dlfw_status next_page(struct walk *walk, struct listing_worker *w, struct listing_folder *f, struct io_op *op,
                             bool folders, bool probe, uint32_t nested, bool *ret_more, dlfw_error *err)
{
    struct page_buffer *b = walk_take_buffer(walk);
    dlfw_status st;

    op->buf = b->bytes;
    op->buf_cap = op->length = sizeof b->bytes;
    st = call(walk, w, op);
    *ret_more = (op->comp_flags & DLFW_COMP_MORE) != 0;
    if (st < 0)
        error_copy(err, &op->err.e);
    else if (!(probe && *ret_more))
        st = take_page(walk, w, f, b, op, folders, nested, err);
    if (st < 0 || (probe && *ret_more))
        walk_put_buffer(walk, b);
    else
        hand_over(walk, w, b);
    return st;
}

/* All pages of the folder. *ret_all: with probe, whether there was no more than one. */
static dlfw_status list_pages(struct walk *walk, struct listing_worker *w, struct listing_folder *f, bool flat,
                              bool probe, uint32_t nested, bool *ret_all, dlfw_error *err)
{
    struct io_op op = {
        .op = DLFW_OP_LIST, .flags = flat ? DLFW_REQ_RECURSIVE : 0, .key = f->name, .key_len = f->name_len};
    bool folders = !flat && walk->plan != PLAN_LEVEL, more = true;
    dlfw_status st = DLFW_OK;

    while (more && st >= 0 && !atomic_load(&walk->stop)) {
        st = next_page(walk, w, f, &op, folders, probe, nested, &more, err);
        if (probe)
            break;
    }
    *ret_all = !more;
    if (more && op.handle) {
        struct io_op close = {.op = DLFW_OP_CLOSE, .key = f->name, .key_len = f->name_len, .handle = op.handle};
        dlfw_status closed = call(walk, w, &close);

        if (st >= 0 && closed < 0) {
            st = closed;
            error_copy(err, &close.err.e);
        }
    }
    return st;
}

/* Whether all below the folder is asked for at once. */
static bool is_flat(struct walk *walk, const struct listing_folder *f, uint32_t nested)
{
    if (walk->plan != PLAN_SPREAD)
        return walk->plan == PLAN_WHOLE;
    return nested || (f->parent && atomic_load(&walk->waiting) + atomic_load(&walk->busy) >= walk->worker_max);
}

void walk_list(struct walk *walk, struct listing_worker *w, struct listing_folder *f, uint32_t nested)
{
    bool all = false;
    struct error_slot err;
    dlfw_status st = DLFW_OK;

    error_slot_init(&err);
    if (walk->plan == PLAN_SPREAD && !f->parent)
        st = list_pages(walk, w, f, true, true, nested, &all, &err.e);
    if (st >= 0 && !all)
        st = list_pages(walk, w, f, is_flat(walk, f, nested), false, nested, &all, &err.e);
    /* a folder that went away after its name was read is no failure */
    if (st < 0)
        listing_spoil(f);
    if (st < 0 && !(st == DLFW_E_NOT_FOUND && f->parent))
        walk_fail(walk, st, &err.e);
    folder_done(walk, w, f);
}
