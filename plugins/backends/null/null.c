/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backend `null`: answers every request at once and moves no byte. It shows what the program costs by itself,
 * so it does nothing per request but fill in the answer; the contents of buffers stay as they were.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "dlfw/backend.h"

#define KNOWN_FLAGS (DLFW_REQ_WHOLE | DLFW_REQ_DURABLE | DLFW_REQ_EXCLUSIVE | DLFW_REQ_DROP_CACHE | DLFW_REQ_RECURSIVE)

struct null_options {
    uint64_t size;
};

struct dlfw_backend {
    const dlfw_host *host;
    uint64_t size;
    _Atomic uint64_t requests;
    _Atomic uint64_t bytes;
};

/* Requests wait here, already answered in principle, from submit to reap. */
struct dlfw_queue {
    dlfw_backend *be;
    uint32_t depth;
    uint32_t head;
    uint32_t count;
    dlfw_req *reqs[];
};

static const dlfw_option option_rows[] = {
    DLFW_OPT_SIZE(struct null_options, size, .def = "0",
                  .help = "bytes every object pretends to have; 0: as many as each request asks for"),
};

static char some_handle; /* what every WRITE_BEGIN and OPEN gives; nothing is kept about them */

static dlfw_status null_create(const dlfw_create_args *args, dlfw_backend **ret, dlfw_error *reterr)
{
    const struct null_options *options = args->options;
    dlfw_backend *be = calloc(1, sizeof *be);

    if (!be)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "no memory for an instance");
    be->host = args->host;
    be->size = options->size;
    *ret = be;
    return DLFW_OK;
}

static void null_destroy(dlfw_backend *be)
{
    free(be);
}

static dlfw_status get(const dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp)
{
    uint64_t left = req->offset < be->size ? be->size - req->offset : 0;

    if (req->length > req->buf_cap)
        return dlfw_fail(req->error, DLFW_E_INVALID, "the buffer takes %llu bytes, the request wants %llu",
                         (unsigned long long)req->buf_cap, (unsigned long long)req->length);
    if (be->size == 0) {
        comp->bytes = req->length;
        if (req->flags & DLFW_REQ_WHOLE)
            comp->object_size = req->length;
        return DLFW_OK;
    }
    comp->object_size = be->size;
    if ((req->flags & DLFW_REQ_WHOLE) && be->size > req->buf_cap)
        return dlfw_fail(req->error, DLFW_E_BUFFER_TOO_SMALL, "'%.*s' has %llu bytes, the buffer takes %llu",
                         (int)req->key_len, req->key, (unsigned long long)be->size, (unsigned long long)req->buf_cap);
    comp->bytes = (req->flags & DLFW_REQ_WHOLE) || req->length > left ? left : req->length;
    return DLFW_OK;
}

static dlfw_status answer(const dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp)
{
    if (req->flags & ~(uint32_t)KNOWN_FLAGS || req->reserved_iov || req->mem_kind)
        return dlfw_fail(req->error, DLFW_E_UNSUPPORTED,
                         "a request asks for something that this backend does not know");
    if (req->deadline_ns && be->host->now_ns() >= req->deadline_ns)
        return dlfw_fail(req->error, DLFW_E_TIMEOUT, "the deadline of a request passed before it began");
    switch (req->op) {
    case DLFW_OP_GET:
        return get(be, req, comp);
    case DLFW_OP_STAT:
        comp->object_size = be->size ? be->size : UINT64_MAX;
        return DLFW_OK;
    case DLFW_OP_OPEN:
        comp->object_size = be->size ? be->size : UINT64_MAX;
        comp->handle = &some_handle;
        return DLFW_OK;
    case DLFW_OP_WRITE_BEGIN:
        comp->handle = &some_handle;
        return DLFW_OK;
    case DLFW_OP_PUT:
    case DLFW_OP_WRITE_PART:
        comp->bytes = req->length;
        return DLFW_OK;
    case DLFW_OP_DELETE:
    case DLFW_OP_LIST:
    case DLFW_OP_CLOSE:
    case DLFW_OP_WRITE_COMMIT:
    case DLFW_OP_WRITE_ABORT:
    case DLFW_OP_MAKE_ROOT:
    case DLFW_OP_REMOVE_ROOT:
        return DLFW_OK;
    default:
        return dlfw_fail(req->error, DLFW_E_UNSUPPORTED, "this backend does not know operation %u", req->op);
    }
}

static void count(dlfw_backend *be, uint64_t requests, uint64_t bytes)
{
    atomic_fetch_add_explicit(&be->requests, requests, memory_order_relaxed);
    atomic_fetch_add_explicit(&be->bytes, bytes, memory_order_relaxed);
}

static void null_perform(dlfw_backend *be, dlfw_req *req, dlfw_comp *comp)
{
    comp->status = answer(be, req, comp);
    count(be, 1, comp->bytes);
}

static dlfw_status null_queue_create(dlfw_backend *be, const dlfw_queue_args *args, dlfw_queue **ret,
                                     dlfw_error *reterr)
{
    uint32_t depth = args->depth ? args->depth : 1;
    dlfw_queue *q = calloc(1, sizeof *q + depth * sizeof q->reqs[0]);

    if (!q)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "no memory for a queue of depth %u", depth);
    q->be = be;
    q->depth = depth;
    *ret = q;
    return DLFW_OK;
}

static void null_queue_destroy(dlfw_queue *q)
{
    free(q);
}

static int32_t null_submit(dlfw_queue *q, dlfw_req *const *reqs, uint32_t n)
{
    uint32_t taken = 0;

    while (taken < n && q->count < q->depth) {
        uint32_t tail = q->head + q->count++;

        q->reqs[tail < q->depth ? tail : tail - q->depth] = reqs[taken++];
    }
    return (int32_t)taken;
}

/* Never waits: what is in flight is always ready. */
static int32_t null_reap(dlfw_queue *q, dlfw_comp *comps, uint32_t max, uint32_t min, uint64_t timeout_ns)
{
    uint64_t bytes = 0;
    uint32_t n = 0;

    (void)min;
    (void)timeout_ns;
    for (; n < max && q->count > 0; n++, q->count--) {
        dlfw_req *req = q->reqs[q->head];

        q->head = q->head + 1 < q->depth ? q->head + 1 : 0;
        comps[n] = (dlfw_comp){.req = req, .object_size = UINT64_MAX};
        comps[n].status = answer(q->be, req, &comps[n]);
        bytes += comps[n].bytes;
    }
    if (n > 0)
        count(q->be, n, bytes);
    return (int32_t)n;
}

static void null_cancel(dlfw_queue *q, dlfw_req *req)
{
    (void)q;
    (void)req;
}

static void null_wakeup(dlfw_queue *q)
{
    (void)q;
}

static void null_stats(dlfw_backend *be, const dlfw_stat_sink *sink)
{
    sink->put(sink->ctx, "requests", "requests", DLFW_STAT_COUNTER,
              atomic_load_explicit(&be->requests, memory_order_relaxed));
    sink->put(sink->ctx, "bytes_not_moved", "bytes", DLFW_STAT_COUNTER,
              atomic_load_explicit(&be->bytes, memory_order_relaxed));
}

static const dlfw_backend_ops ops = {
    .struct_size = sizeof(dlfw_backend_ops),
    .thread_class = DLFW_THREADS_PARALLEL,
    .caps = DLFW_BACKEND_NO_DATA,
    .op_mask = DLFW_OP_BIT(DLFW_OP_GET) | DLFW_OP_BIT(DLFW_OP_PUT) | DLFW_OP_BIT(DLFW_OP_STAT) |
               DLFW_OP_BIT(DLFW_OP_DELETE) | DLFW_OP_BIT(DLFW_OP_LIST) | DLFW_OP_BIT(DLFW_OP_OPEN) |
               DLFW_OP_BIT(DLFW_OP_CLOSE) | DLFW_OP_BIT(DLFW_OP_WRITE_BEGIN) | DLFW_OP_BIT(DLFW_OP_WRITE_PART) |
               DLFW_OP_BIT(DLFW_OP_WRITE_COMMIT) | DLFW_OP_BIT(DLFW_OP_WRITE_ABORT) | DLFW_OP_BIT(DLFW_OP_MAKE_ROOT) |
               DLFW_OP_BIT(DLFW_OP_REMOVE_ROOT),
    .create = null_create,
    .destroy = null_destroy,
    .stats = null_stats,
    .perform = null_perform,
    .queue_create = null_queue_create,
    .queue_destroy = null_queue_destroy,
    .submit = null_submit,
    .reap = null_reap,
    .cancel = null_cancel,
    .wakeup = null_wakeup,
};

static const dlfw_iface iface = {
    .struct_size = sizeof(dlfw_iface),
    .kind = DLFW_KIND_BACKEND,
    .name = "null",
    .summary = "answers at once and moves no data",
    .options = option_rows,
    .option_count = 1,
    .options_size = sizeof(struct null_options),
    .ops = &ops,
};

static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("0.1.0", "backend=null\n", .id = "org.dlfw.backend-null", .license = "Apache-2.0",
            .summary = "storage that answers at once", .url = "", .ifaces = ifaces);
