/* SPDX-License-Identifier: Apache-2.0 */
/* Writing: parts gather in a buffer of the writer's own; the commit makes it an object in one step. */
#include "store.h"

#include <stdlib.h>
#include <string.h>

#include "../common/object_key.h"

struct write_handle {
    struct handle head;
    bool exclusive;
    pthread_mutex_t lock; /* data, room, end: parts come from many threads */
    uint8_t *data;
    uint64_t room;
    uint64_t end; /* furthest byte written */
    uint32_t key_len;
    char key[];
};

static void write_free(struct write_handle *h)
{
    pthread_mutex_destroy(&h->lock);
    free(h->data);
    free(h);
}

static dlfw_status handle_of(const dlfw_req *req, struct write_handle **ret)
{
    const struct handle *head = req->handle;

    if (!head || head->kind != HANDLE_WRITE)
        return dlfw_fail(req->error, DLFW_E_INVALID, "the handle of this request does not come from WRITE_BEGIN");
    *ret = req->handle;
    return DLFW_OK;
}

/* Room for size bytes; new bytes are zero. */
static dlfw_status reserve(dlfw_backend *be, struct write_handle *h, uint64_t size, dlfw_error *err)
{
    uint64_t room = h->room * 2 > size ? h->room * 2 : size;
    uint8_t *data;

    if (size <= h->room)
        return DLFW_OK;
    if (be->capacity && size > be->capacity)
        return dlfw_fail(err, DLFW_E_NO_SPACE, "cannot write '%s': the capacity of %llu bytes is used up", h->key,
                         (unsigned long long)be->capacity);
    if (h->room == 0) {
        data = calloc(1, room);
    } else {
        data = realloc(h->data, room);
        if (data)
            memset(data + h->room, 0, room - h->room);
    }
    if (!data)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for %llu bytes of '%s'", (unsigned long long)room, h->key);
    h->data = data;
    h->room = room;
    return DLFW_OK;
}

static dlfw_status begin(dlfw_backend *be, const dlfw_req *req, uint64_t size, struct write_handle **ret)
{
    dlfw_status st = object_key_check(req->key, req->key_len, OBJECT_KEY_OBJECT, req->error);
    struct write_handle *h;

    if (st < 0)
        return st;
    h = calloc(1, sizeof *h + req->key_len + 1);
    if (!h)
        return dlfw_fail(req->error, DLFW_E_NO_MEMORY, "no memory for the handle of " KEY_FORMAT, KEY_ARGS(req));
    h->head.kind = HANDLE_WRITE;
    h->exclusive = req->flags & DLFW_REQ_EXCLUSIVE;
    h->key_len = req->key_len;
    memcpy(h->key, req->key, req->key_len);
    pthread_mutex_init(&h->lock, NULL);
    st = reserve(be, h, size, req->error);
    if (st < 0) {
        write_free(h);
        return st;
    }
    *ret = h;
    return DLFW_OK;
}

static dlfw_status part(dlfw_backend *be, struct write_handle *h, const dlfw_req *req, dlfw_comp *comp)
{
    dlfw_status st;

    if (req->offset > INT64_MAX || req->length > (uint64_t)INT64_MAX - req->offset)
        return dlfw_fail(req->error, DLFW_E_INVALID, "the part at offset %llu of '%s' ends beyond any object",
                         (unsigned long long)req->offset, h->key);
    pthread_mutex_lock(&h->lock);
    st = reserve(be, h, req->offset + req->length, req->error);
    if (st == DLFW_OK && req->length > 0) {
        memcpy(h->data + req->offset, req->buf, req->length);
        if (h->end < req->offset + req->length)
            h->end = req->offset + req->length;
    }
    pthread_mutex_unlock(&h->lock);
    if (st == DLFW_OK)
        comp->bytes = req->length;
    return st;
}

/* h is left to the caller when this fails. */
static dlfw_status commit(dlfw_backend *be, struct write_handle *h, uint64_t total, dlfw_error *err)
{
    struct blob *blob;
    dlfw_status st;

    if (total != h->end)
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' shall be %llu bytes, its parts make %llu", h->key,
                         (unsigned long long)total, (unsigned long long)h->end);
    if (total > 0 && total < h->room) {
        uint8_t *fitting = realloc(h->data, total);

        if (fitting) {
            h->data = fitting;
            h->room = total;
        }
    }
    blob = blob_create(h->data, total);
    if (!blob)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for the object '%s'", h->key);
    h->data = NULL;
    st = store_publish(be->store, h->key, h->key_len, blob, h->exclusive, be->capacity, err);
    if (st < 0) { /* back to the writer, for its abort */
        h->data = blob->data;
        blob->data = NULL;
        blob_release(blob);
        return st;
    }
    write_free(h);
    return DLFW_OK;
}

dlfw_status write_begin(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp)
{
    struct write_handle *h = NULL;
    dlfw_status st = begin(be, req, req->arg, &h);

    if (st == DLFW_OK)
        comp->handle = h;
    return st;
}

dlfw_status write_part(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp)
{
    struct write_handle *h = NULL;
    dlfw_status st = handle_of(req, &h);

    return st == DLFW_OK ? part(be, h, req, comp) : st;
}

dlfw_status write_commit(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp)
{
    struct write_handle *h = NULL;
    dlfw_status st = handle_of(req, &h);

    if (st == DLFW_OK)
        st = commit(be, h, req->arg, req->error);
    if (st == DLFW_OK)
        comp->object_size = req->arg;
    return st;
}

dlfw_status write_abort(const dlfw_req *req)
{
    struct write_handle *h = NULL;
    dlfw_status st = handle_of(req, &h);

    if (st == DLFW_OK)
        write_free(h);
    return st;
}

dlfw_status write_put(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp)
{
    struct write_handle *h = NULL;
    dlfw_status st;

    if (req->offset != 0)
        return dlfw_fail(req->error, DLFW_E_INVALID, "an object is written from offset 0, not %llu",
                         (unsigned long long)req->offset);
    st = begin(be, req, req->length, &h);
    if (st < 0)
        return st;
    st = part(be, h, req, comp);
    if (st == DLFW_OK)
        st = commit(be, h, req->length, req->error);
    if (st < 0) {
        comp->bytes = 0;
        write_free(h);
        return st;
    }
    comp->object_size = req->length;
    return DLFW_OK;
}
