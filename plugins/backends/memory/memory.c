/* SPDX-License-Identifier: Apache-2.0 */
/* The backend `memory`: instances, reading, and the tables the host reads. Blocking only: every answer is a copy away.
 */
#include "store.h"

#include <stdlib.h>
#include <string.h>

#include "../common/object_key.h"

#define KNOWN_FLAGS (DLFW_REQ_WHOLE | DLFW_REQ_DURABLE | DLFW_REQ_EXCLUSIVE | DLFW_REQ_DROP_CACHE | DLFW_REQ_RECURSIVE)

struct memory_options {
    uint64_t capacity;
};

static const dlfw_option option_rows[] = {
    DLFW_OPT_SIZE(struct memory_options, capacity, .def = "0",
                  .help = "bytes that all objects of the root together may have; 0: as many as fit into memory"),
};

struct read_handle {
    struct handle head;
    struct blob *blob;
};

static dlfw_status memory_create(const dlfw_create_args *args, dlfw_backend **ret, dlfw_error *reterr)
{
    const struct memory_options *options = args->options;
    dlfw_backend *be = calloc(1, sizeof *be);

    if (be)
        be->store = store_join(args->root ? args->root : "");
    if (!be || !be->store) {
        free(be);
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "no memory for an instance");
    }
    be->host = args->host;
    be->capacity = options->capacity;
    *ret = be;
    return DLFW_OK;
}

static void memory_destroy(dlfw_backend *be)
{
    store_leave(be->store);
    free(be);
}

static dlfw_status memory_limits(dlfw_backend *be, const char *key, uint32_t key_len, dlfw_limits *ret,
                                 dlfw_error *reterr)
{
    (void)be;
    ret->preferred_io = 256 << 10; /* stays in the CPU's cache on its way */
    ret->preferred_part = 1 << 20;
    return object_key_check(key, key_len, OBJECT_KEY_GROUP, reterr);
}

/* A reference to what req names, by handle or by key. */
static dlfw_status blob_of(dlfw_backend *be, const dlfw_req *req, struct blob **ret)
{
    struct read_handle *h = req->handle;
    uint64_t mtime_ns;
    dlfw_status st;

    if (h && h->head.kind != HANDLE_READ)
        return dlfw_fail(req->error, DLFW_E_INVALID, "the handle of this request does not come from OPEN");
    if (h) {
        atomic_fetch_add_explicit(&h->blob->refs, 1, memory_order_relaxed);
        *ret = h->blob;
        return DLFW_OK;
    }
    st = object_key_check(req->key, req->key_len, OBJECT_KEY_OBJECT, req->error);
    return st == DLFW_OK ? store_find(be->store, req->key, req->key_len, ret, &mtime_ns, req->error) : st;
}

static dlfw_status copy_out(const struct blob *blob, const dlfw_req *req, dlfw_comp *comp)
{
    bool whole = req->flags & DLFW_REQ_WHOLE;
    uint64_t left = req->offset < blob->size ? blob->size - req->offset : 0;
    uint64_t want = whole ? req->buf_cap : req->length;

    comp->object_size = blob->size;
    if (req->length > req->buf_cap)
        return dlfw_fail(req->error, DLFW_E_INVALID, "the buffer takes %llu bytes, the request wants %llu",
                         (unsigned long long)req->buf_cap, (unsigned long long)req->length);
    if (whole && req->offset != 0)
        return dlfw_fail(req->error, DLFW_E_INVALID, "reading a whole object begins at offset 0, not %llu",
                         (unsigned long long)req->offset);
    if (whole && blob->size > want)
        return dlfw_fail(req->error, DLFW_E_BUFFER_TOO_SMALL, KEY_FORMAT " has %llu bytes, the buffer takes %llu",
                         KEY_ARGS(req), (unsigned long long)blob->size, (unsigned long long)want);
    comp->bytes = want < left ? want : left;
    if (comp->bytes > 0)
        memcpy(req->buf, blob->data + req->offset, comp->bytes);
    return DLFW_OK;
}

static dlfw_status get(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp)
{
    struct blob *blob = NULL;
    dlfw_status st = blob_of(be, req, &blob);

    if (st == DLFW_OK)
        st = copy_out(blob, req, comp);
    blob_release(blob);
    return st;
}

static dlfw_status stat_object(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp)
{
    dlfw_object_info info = {0};
    struct blob *blob = NULL;
    dlfw_status st = object_key_check(req->key, req->key_len, OBJECT_KEY_OBJECT, req->error);

    if (st == DLFW_OK)
        st = store_find(be->store, req->key, req->key_len, &blob, &info.mtime_ns, req->error);
    if (st < 0)
        return st;
    comp->object_size = info.size = blob->size;
    if (req->buf && req->buf_cap >= sizeof info) {
        memcpy(req->buf, &info, sizeof info);
        comp->bytes = sizeof info;
    }
    blob_release(blob);
    return DLFW_OK;
}

/* Blobs never change, so a copy is another name for the same one. */
static dlfw_status copy_object(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp)
{
    struct blob *blob = NULL;
    uint64_t mtime_ns, size;
    dlfw_status st = object_key_check(req->key, req->key_len, OBJECT_KEY_OBJECT, req->error);

    if (st == DLFW_OK)
        st = object_key_check(req->buf, (uint32_t)req->length, OBJECT_KEY_OBJECT, req->error);
    if (st == DLFW_OK)
        st = store_find(be->store, req->buf, (uint32_t)req->length, &blob, &mtime_ns, req->error);
    if (st < 0)
        return st;
    size = blob->size;
    st = store_publish(be->store, req->key, req->key_len, blob, req->flags & DLFW_REQ_EXCLUSIVE, be->capacity,
                       req->error);
    if (st < 0)
        blob_release(blob);
    else
        comp->object_size = size;
    return st;
}

static dlfw_status open_object(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp)
{
    struct blob *blob = NULL;
    struct read_handle *h;
    dlfw_status st = blob_of(be, req, &blob);

    if (st < 0)
        return st;
    h = calloc(1, sizeof *h);
    if (!h) {
        blob_release(blob);
        return dlfw_fail(req->error, DLFW_E_NO_MEMORY, "no memory for the handle of " KEY_FORMAT, KEY_ARGS(req));
    }
    h->head.kind = HANDLE_READ;
    h->blob = blob;
    comp->handle = h;
    comp->object_size = blob->size;
    return DLFW_OK;
}

static dlfw_status close_handle(const dlfw_req *req)
{
    const struct handle *head = req->handle;

    if (head && head->kind == HANDLE_READ) {
        struct read_handle *h = req->handle;

        blob_release(h->blob);
        free(h);
        return DLFW_OK;
    }
    if (head && head->kind == HANDLE_LIST) {
        list_close(req->handle);
        return DLFW_OK;
    }
    return dlfw_fail(req->error, DLFW_E_INVALID, "the handle of this request comes neither from OPEN nor from LIST");
}

static dlfw_status delete_object(dlfw_backend *be, const dlfw_req *req)
{
    dlfw_status st = object_key_check(req->key, req->key_len, OBJECT_KEY_OBJECT, req->error);

    return st == DLFW_OK ? store_delete(be->store, req->key, req->key_len, req->error) : st;
}

static dlfw_status make_root(dlfw_backend *be, const dlfw_req *req)
{
    dlfw_status st = object_key_check(req->key, req->key_len, OBJECT_KEY_GROUP, req->error);

    return st == DLFW_OK ? store_make_dir(be->store, req->key, req->key_len, req->error) : st;
}

static dlfw_status remove_root(dlfw_backend *be, const dlfw_req *req)
{
    dlfw_status st = object_key_check(req->key, req->key_len, OBJECT_KEY_GROUP, req->error);

    return st == DLFW_OK ? store_remove_dir(be->store, req->key, req->key_len, req->error) : st;
}

static dlfw_status answer(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp)
{
    if (req->flags & ~(uint32_t)KNOWN_FLAGS || req->reserved_iov || req->mem_kind)
        return dlfw_fail(req->error, DLFW_E_UNSUPPORTED,
                         "a request asks for something that this backend does not know");
    if (req->deadline_ns && be->host->now_ns() >= req->deadline_ns)
        return dlfw_fail(req->error, DLFW_E_TIMEOUT, "the deadline of a request passed before it began");
    switch (req->op) {
    case DLFW_OP_GET:
        return get(be, req, comp);
    case DLFW_OP_PUT:
        return write_put(be, req, comp);
    case DLFW_OP_STAT:
        return stat_object(be, req, comp);
    case DLFW_OP_DELETE:
        return delete_object(be, req);
    case DLFW_OP_LIST:
        return list_page(be, req, comp);
    case DLFW_OP_OPEN:
        return open_object(be, req, comp);
    case DLFW_OP_CLOSE:
        return close_handle(req);
    case DLFW_OP_WRITE_BEGIN:
        return write_begin(be, req, comp);
    case DLFW_OP_WRITE_PART:
        return write_part(be, req, comp);
    case DLFW_OP_WRITE_COMMIT:
        return write_commit(be, req, comp);
    case DLFW_OP_WRITE_ABORT:
        return write_abort(req);
    case DLFW_OP_MAKE_ROOT:
        return make_root(be, req);
    case DLFW_OP_REMOVE_ROOT:
        return remove_root(be, req);
    case DLFW_OP_COPY:
        return copy_object(be, req, comp);
    default:
        return dlfw_fail(req->error, DLFW_E_UNSUPPORTED, "this backend does not know operation %u", req->op);
    }
}

static void memory_perform(dlfw_backend *be, dlfw_req *req, dlfw_comp *comp)
{
    comp->status = answer(be, req, comp);
    atomic_fetch_add_explicit(&be->requests, 1, memory_order_relaxed);
    if (req->op == DLFW_OP_GET)
        atomic_fetch_add_explicit(&be->bytes_read, comp->bytes, memory_order_relaxed);
    else if (req->op == DLFW_OP_PUT || req->op == DLFW_OP_WRITE_PART)
        atomic_fetch_add_explicit(&be->bytes_written, comp->bytes, memory_order_relaxed);
}

static void memory_stats(dlfw_backend *be, const dlfw_stat_sink *sink)
{
    uint64_t objects;
    uint64_t bytes;

    pthread_rwlock_rdlock(&be->store->lock);
    objects = be->store->object_count;
    bytes = be->store->bytes;
    pthread_rwlock_unlock(&be->store->lock);
    sink->put(sink->ctx, "requests", "requests", DLFW_STAT_COUNTER,
              atomic_load_explicit(&be->requests, memory_order_relaxed));
    sink->put(sink->ctx, "bytes_read", "bytes", DLFW_STAT_COUNTER,
              atomic_load_explicit(&be->bytes_read, memory_order_relaxed));
    sink->put(sink->ctx, "bytes_written", "bytes", DLFW_STAT_COUNTER,
              atomic_load_explicit(&be->bytes_written, memory_order_relaxed));
    sink->put(sink->ctx, "objects", "", DLFW_STAT_GAUGE, objects);
    sink->put(sink->ctx, "bytes_stored", "bytes", DLFW_STAT_GAUGE, bytes);
}

static const dlfw_backend_ops ops = {
    .struct_size = sizeof(dlfw_backend_ops),
    .thread_class = DLFW_THREADS_PARALLEL,
    .op_mask = DLFW_OP_BIT(DLFW_OP_GET) | DLFW_OP_BIT(DLFW_OP_PUT) | DLFW_OP_BIT(DLFW_OP_STAT) |
               DLFW_OP_BIT(DLFW_OP_DELETE) | DLFW_OP_BIT(DLFW_OP_LIST) | DLFW_OP_BIT(DLFW_OP_OPEN) |
               DLFW_OP_BIT(DLFW_OP_CLOSE) | DLFW_OP_BIT(DLFW_OP_WRITE_BEGIN) | DLFW_OP_BIT(DLFW_OP_WRITE_PART) |
               DLFW_OP_BIT(DLFW_OP_WRITE_COMMIT) | DLFW_OP_BIT(DLFW_OP_WRITE_ABORT) | DLFW_OP_BIT(DLFW_OP_MAKE_ROOT) |
               DLFW_OP_BIT(DLFW_OP_REMOVE_ROOT) | DLFW_OP_BIT(DLFW_OP_COPY),
    .create = memory_create,
    .destroy = memory_destroy,
    .limits = memory_limits,
    .stats = memory_stats,
    .perform = memory_perform,
};

static const dlfw_iface iface = {
    .struct_size = sizeof(dlfw_iface),
    .kind = DLFW_KIND_BACKEND,
    .name = "memory",
    .summary = "objects in the memory of this process",
    .options = option_rows,
    .option_count = 1,
    .options_size = sizeof(struct memory_options),
    .ops = &ops,
};

static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("0.1.0", "backend=memory\n", .id = "org.dlfw.backend-memory", .license = "Apache-2.0",
            .summary = "storage in memory", .url = "", .ifaces = ifaces, .unload = store_forget_all);
