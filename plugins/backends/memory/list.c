/* SPDX-License-Identifier: Apache-2.0 */
/* LIST: the names are copied when the walk begins, so that pages agree with each other while objects come and go. */
#include "store.h"

#include <stdlib.h>
#include <string.h>

#include "../common/object_key.h"

struct listed {
    uint64_t size;
    uint64_t mtime_ns;
    uint64_t name_at; /* in names */
    uint32_t name_len;
};

struct list_handle {
    struct handle head;
    struct listed *items;
    uint64_t count;
    uint64_t room;
    uint64_t next;
    char *names;
    uint64_t names_len;
    uint64_t names_room;
};

void list_close(struct list_handle *h)
{
    if (!h)
        return;
    free(h->items);
    free(h->names);
    free(h);
}

/* Room for one more item with a name of name_len bytes. False: out of memory. */
static bool reserve(struct list_handle *h, uint64_t name_len)
{
    if (h->count == h->room) {
        uint64_t room = h->room ? h->room * 2 : 64;
        struct listed *items = realloc(h->items, room * sizeof *items);

        if (!items)
            return false;
        h->items = items;
        h->room = room;
    }
    if (h->names_len + name_len > h->names_room) {
        uint64_t room = h->names_room ? h->names_room * 2 : 4096;
        char *names;

        while (room < h->names_len + name_len)
            room *= 2;
        names = realloc(h->names, room);
        if (!names)
            return false;
        h->names = names;
        h->names_room = room;
    }
    return true;
}

static bool add(struct list_handle *h, const struct entry *e)
{
    if (!reserve(h, e->key_len + 1u))
        return false;
    h->items[h->count] = (struct listed){.size = e->blob ? e->blob->size : UINT64_MAX,
                                         .mtime_ns = e->mtime_ns,
                                         .name_at = h->names_len,
                                         .name_len = e->key_len + (e->blob ? 0u : 1u)};
    memcpy(h->names + h->names_len, e->key, e->key_len);
    if (!e->blob)
        h->names[h->names_len + e->key_len] = '/';
    h->names_len += h->items[h->count].name_len;
    h->count++;
    return true;
}

/* True when e lies below the directory key: anywhere (objects only) or right in it. */
static bool is_below(const struct entry *e, const char *key, uint32_t key_len, bool recursive)
{
    uint32_t skip = key_len ? key_len + 1 : 0;

    if (e->key_len <= skip || (key_len && (memcmp(e->key, key, key_len) != 0 || e->key[key_len] != '/')))
        return false;
    return recursive ? e->blob != NULL : !memchr(e->key + skip, '/', e->key_len - skip);
}

static dlfw_status collect(struct store *s, struct list_handle *h, const dlfw_req *req)
{
    uint32_t key_len = req->key_len;
    dlfw_status st = DLFW_OK;

    while (key_len > 0 && req->key[key_len - 1] == '/')
        key_len--;
    pthread_rwlock_rdlock(&s->lock);
    if (!store_is_dir(s, req->key, key_len))
        st = dlfw_fail(req->error, DLFW_E_NOT_FOUND, "there is no directory " KEY_FORMAT, KEY_ARGS(req));
    for (uint64_t i = 0; i < s->bucket_count && st == DLFW_OK; i++)
        for (const struct entry *e = s->buckets[i]; e && st == DLFW_OK; e = e->next)
            if (is_below(e, req->key, key_len, req->flags & DLFW_REQ_RECURSIVE) && !add(h, e))
                st = dlfw_fail(req->error, DLFW_E_NO_MEMORY, "no memory for listing " KEY_FORMAT, KEY_ARGS(req));
    pthread_rwlock_unlock(&s->lock);
    return st;
}

static dlfw_status list_open(dlfw_backend *be, const dlfw_req *req, struct list_handle **ret)
{
    dlfw_status st = object_key_check(req->key, req->key_len, OBJECT_KEY_GROUP, req->error);
    struct list_handle *h;

    if (st < 0)
        return st;
    h = calloc(1, sizeof *h);
    if (!h)
        return dlfw_fail(req->error, DLFW_E_NO_MEMORY, "no memory for listing " KEY_FORMAT, KEY_ARGS(req));
    h->head.kind = HANDLE_LIST;
    st = collect(be->store, h, req);
    if (st < 0) {
        list_close(h);
        return st;
    }
    *ret = h;
    return DLFW_OK;
}

/* Records from the start of the page, names from its end. Returns bytes of records. */
static uint64_t fill(struct list_handle *h, uint8_t *buf, uint64_t cap)
{
    uint64_t records = 0;
    uint64_t names = cap;

    for (; h->next < h->count; h->next++) {
        const struct listed *item = &h->items[h->next];
        dlfw_list_entry entry = {.size = item->size, .mtime_ns = item->mtime_ns, .name_len = item->name_len};

        if (names - records < sizeof entry + item->name_len)
            break;
        names -= item->name_len;
        memcpy(buf + names, h->names + item->name_at, item->name_len);
        entry.name_off = (uint32_t)names;
        memcpy(buf + records, &entry, sizeof entry);
        records += sizeof entry;
    }
    return records;
}

dlfw_status list_page(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp)
{
    struct list_handle *h = req->handle;
    dlfw_status st;

    if (h && h->head.kind != HANDLE_LIST)
        return dlfw_fail(req->error, DLFW_E_INVALID, "the handle of this request does not come from LIST");
    if ((uintptr_t)req->buf % 8 != 0)
        return dlfw_fail(req->error, DLFW_E_ALIGN, "a page of names begins at a multiple of 8 bytes");
    if (!h) {
        st = list_open(be, req, &h);
        if (st < 0)
            return st;
    }
    comp->bytes = fill(h, req->buf, req->buf_cap < UINT32_MAX ? req->buf_cap : UINT32_MAX);
    if (h->next == h->count) {
        list_close(h);
        return DLFW_OK;
    }
    if (comp->bytes == 0) {
        const struct listed *item = &h->items[h->next];

        st = dlfw_fail(req->error, DLFW_E_BUFFER_TOO_SMALL, "the page has no room for the name '%.*s'",
                       (int)item->name_len, h->names + item->name_at);
        if (!req->handle) /* the host never saw this cursor */
            list_close(h);
        return st;
    }
    comp->flags |= DLFW_COMP_MORE;
    comp->handle = h;
    return DLFW_OK;
}
