/* SPDX-License-Identifier: Apache-2.0 */
/* One request from its checks to its completion: the blocking way, which the ring uses too for all that it cannot do
 * itself. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define KNOWN_FLAGS (DLFW_REQ_WHOLE | DLFW_REQ_DURABLE | DLFW_REQ_EXCLUSIVE | DLFW_REQ_DROP_CACHE | DLFW_REQ_RECURSIVE)

void comp_fail(dlfw_comp *comp, const dlfw_req *req, dlfw_status status)
{
    comp->status = status;
    if (req->error)
        comp->flags |= req->error->flags;
    else if (status == DLFW_E_BUSY)
        comp->flags |= DLFW_ERR_RETRYABLE;
}

dlfw_status request_check(const dlfw_backend *be, const dlfw_req *req)
{
    if (req->flags & ~(uint32_t)KNOWN_FLAGS)
        return dlfw_fail(req->error, DLFW_E_UNSUPPORTED, "a request has flags 0x%x that this backend does not know",
                         req->flags & ~(uint32_t)KNOWN_FLAGS);
    if (req->reserved_iov || req->reserved_iov_count || req->mem_kind || req->reserved0)
        return dlfw_fail(req->error, DLFW_E_UNSUPPORTED, "this backend moves one range of host memory per request");
    if (req->length > req->buf_cap && (req->op == DLFW_OP_GET || req->op == DLFW_OP_LIST))
        return dlfw_fail(req->error, DLFW_E_INVALID, "the buffer takes %llu bytes, the request wants %llu",
                         (unsigned long long)req->buf_cap, (unsigned long long)req->length);
    if (req->deadline_ns && be->host->now_ns() >= req->deadline_ns)
        return dlfw_fail(req->error, DLFW_E_TIMEOUT,
                         "the deadline of a request for " KEY_FORMAT " passed before it began", KEY_ARGS(req));
    return DLFW_OK;
}

static dlfw_status delete_object(dlfw_backend *be, const dlfw_req *req)
{
    char path[PATH_MAX];
    dlfw_status st;
    int root;

    st = key_path(req->key, req->key_len, KEY_OBJECT, path, req->error);
    if (st == DLFW_OK)
        st = root_get(be, &root, req->error);
    if (st == DLFW_OK && unlinkat(root, path, 0) != 0)
        st = dlfw_fail_errno(req->error, errno, "cannot delete '%s'", path);
    return st;
}

static dlfw_status make_root(dlfw_backend *be, const dlfw_req *req)
{
    char path[PATH_MAX];
    dlfw_status st = key_path(req->key, req->key_len, KEY_GROUP, path, req->error);

    return st == DLFW_OK ? root_make(be, path, req->error) : st;
}

static dlfw_status remove_root(dlfw_backend *be, const dlfw_req *req)
{
    char path[PATH_MAX];
    dlfw_status st = key_path(req->key, req->key_len, KEY_GROUP, path, req->error);

    return st == DLFW_OK ? root_remove(be, path, req->error) : st;
}

static dlfw_status close_handle(const dlfw_req *req)
{
    const struct handle *head = req->handle;

    if (head && head->kind == HANDLE_READ) {
        read_close(req->handle);
        return DLFW_OK;
    }
    if (head && head->kind == HANDLE_LIST) {
        list_close(req->handle);
        return DLFW_OK;
    }
    return dlfw_fail(req->error, DLFW_E_INVALID, "the handle of this request comes neither from OPEN nor from LIST");
}

static dlfw_status dispatch(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp)
{
    switch (req->op) {
    case DLFW_OP_GET:
        return read_get(be, req, comp);
    case DLFW_OP_PUT:
        return write_put(be, req, comp);
    case DLFW_OP_STAT:
        return read_stat(be, req, comp);
    case DLFW_OP_DELETE:
        return delete_object(be, req);
    case DLFW_OP_LIST:
        return list_page(be, req, comp);
    case DLFW_OP_OPEN:
        return read_open_handle(be, req, comp);
    case DLFW_OP_CLOSE:
        return close_handle(req);
    case DLFW_OP_WRITE_BEGIN:
        return write_begin(be, req, comp);
    case DLFW_OP_WRITE_PART:
        return write_part(req, comp);
    case DLFW_OP_WRITE_COMMIT:
        return write_commit(be, req, comp);
    case DLFW_OP_WRITE_ABORT:
        return write_abort(be, req);
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

void request_perform(dlfw_backend *be, dlfw_req *req, dlfw_comp *comp)
{
    dlfw_status st = dispatch(be, req, comp);

    comp->status = st;
    if (st < 0)
        comp_fail(comp, req, st);
}

void counters_add(struct file_counters *c, const dlfw_req *req, const dlfw_comp *comp)
{
    c->requests++;
    if (comp->status < 0)
        return;
    if (req->op == DLFW_OP_GET)
        c->bytes_read += comp->bytes;
    else if (req->op == DLFW_OP_PUT || req->op == DLFW_OP_WRITE_PART)
        c->bytes_written += comp->bytes;
}

void request_count(dlfw_backend *be, const struct file_counters *more)
{
    atomic_fetch_add_explicit(&be->requests, more->requests, memory_order_relaxed);
    atomic_fetch_add_explicit(&be->bytes_read, more->bytes_read, memory_order_relaxed);
    atomic_fetch_add_explicit(&be->bytes_written, more->bytes_written, memory_order_relaxed);
}
