/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backend that does everything right, with places where a test plugin can do one thing wrong. Each plugin of this
 * folder defines some of the FAULT_ macros and includes this file; good.c defines none and must pass every case.
 *
 * Objects live in memory; a queue does its requests inside submit and keeps the completions for reap.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "dlfw/backend.h"

#ifndef FAULT_ON_CREATE
#define FAULT_ON_CREATE()
#endif
#ifndef FAULT_AFTER_GET
#define FAULT_AFTER_GET(req, comp)
#endif
#ifndef FAULT_ON_CANCEL
#define FAULT_ON_CANCEL(q, req)
#endif
#ifndef FAULT_AFTER_REAP
#define FAULT_AFTER_REAP(q, comps, max, n)
#endif
#ifndef FAULT_LOAD
#define FAULT_LOAD NULL
#endif

struct object {
    struct object *next;
    uint64_t size, key_len;
    char bytes[]; /* key, then data */
};

struct dlfw_backend {
    const dlfw_host *host;
    pthread_mutex_t lock;
    struct object *objects;
};

struct dlfw_queue {
    dlfw_backend *be;
    uint32_t depth, count;
    uint32_t reaped; /* since the last submit */
    uint32_t woken;  /* wakeup() was called */
    dlfw_comp done[];
};

static dlfw_status store_create(const dlfw_create_args *args, dlfw_backend **ret, dlfw_error *reterr)
{
    struct dlfw_backend *be = calloc(1, sizeof *be);

    if (!be)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate an instance");
    be->host = args->host;
    pthread_mutex_init(&be->lock, NULL);
    FAULT_ON_CREATE();
    *ret = be;
    return DLFW_OK;
}

static void store_destroy(dlfw_backend *be)
{
    for (struct object *o; (o = be->objects) != NULL; free(o))
        be->objects = o->next;
    free(be);
}

static struct object **find(dlfw_backend *be, const dlfw_req *req)
{
    struct object **at = &be->objects;

    while (*at && ((*at)->key_len != req->key_len || memcmp((*at)->bytes, req->key, req->key_len) != 0))
        at = &(*at)->next;
    return at;
}

static dlfw_status put(struct object **at, const dlfw_req *req, dlfw_comp *comp)
{
    struct object *o = malloc(sizeof *o + req->key_len + req->length), *old = *at;

    if (!o)
        return dlfw_fail(req->error, DLFW_E_NO_MEMORY, "no memory for '%.*s'", (int)req->key_len, req->key);
    *o = (struct object){.next = old ? old->next : NULL, .size = req->length, .key_len = req->key_len};
    memcpy(o->bytes, req->key, req->key_len);
    memcpy(o->bytes + req->key_len, req->buf, req->length);
    *at = o;
    free(old);
    comp->bytes = req->length;
    return DLFW_OK;
}

static dlfw_status get(const struct object *o, const dlfw_req *req, dlfw_comp *comp)
{
    uint64_t left = req->offset < o->size ? o->size - req->offset : 0;

    if ((req->flags & DLFW_REQ_WHOLE) && o->size > req->buf_cap)
        return dlfw_fail(req->error, DLFW_E_BUFFER_TOO_SMALL, "'%.*s' is larger than the buffer", (int)req->key_len,
                         req->key);
    comp->bytes = req->length < left ? req->length : left;
    memcpy(req->buf, o->bytes + o->key_len + (o->size - left), comp->bytes);
    FAULT_AFTER_GET(req, comp);
    return DLFW_OK;
}

static dlfw_status do_request(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp)
{
    struct object **at = find(be, req), *o = *at;

    if (req->flags & ~(DLFW_REQ_WHOLE | DLFW_REQ_DURABLE))
        return dlfw_fail(req->error, DLFW_E_UNSUPPORTED, "request flags 0x%x are not supported", req->flags);
    if (req->deadline_ns && be->host->now_ns() >= req->deadline_ns)
        return dlfw_fail(req->error, DLFW_E_TIMEOUT, "the deadline has passed");
    if (req->op == DLFW_OP_PUT)
        return put(at, req, comp);
    if (req->op != DLFW_OP_GET && req->op != DLFW_OP_STAT && req->op != DLFW_OP_DELETE)
        return dlfw_fail(req->error, DLFW_E_UNSUPPORTED, "operation %u is not supported", req->op);
    if (!o)
        return dlfw_fail(req->error, DLFW_E_NOT_FOUND, "no object '%.*s'", (int)req->key_len, req->key);
    comp->object_size = o->size;
    if (req->op == DLFW_OP_GET)
        return get(o, req, comp);
    if (req->op == DLFW_OP_DELETE) {
        *at = o->next;
        free(o);
    }
    return DLFW_OK;
}

static dlfw_status queue_create(dlfw_backend *be, const dlfw_queue_args *args, dlfw_queue **ret, dlfw_error *reterr)
{
    dlfw_queue *q = calloc(1, sizeof *q + args->depth * sizeof q->done[0]);

    if (!q)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate a queue");
    q->be = be;
    q->depth = args->depth;
    *ret = q;
    return DLFW_OK;
}

static void queue_destroy(dlfw_queue *q)
{
    free(q);
}

static int32_t submit(dlfw_queue *q, dlfw_req *const *reqs, uint32_t n)
{
    uint32_t taken = 0;

    q->reaped = 0;
    pthread_mutex_lock(&q->be->lock);
    for (; taken < n && q->count < q->depth; taken++) {
        dlfw_comp *comp = &q->done[q->count++];

        *comp = (dlfw_comp){.req = reqs[taken], .object_size = UINT64_MAX};
        comp->status = do_request(q->be, comp->req, comp);
    }
    pthread_mutex_unlock(&q->be->lock);
    return (int32_t)taken;
}

/* A few at a time, so that requests stay in flight for a while. */
static int32_t reap(dlfw_queue *q, dlfw_comp *comps, uint32_t max, uint32_t min, uint64_t timeout_ns)
{
    uint32_t n = 3;

    (void)timeout_ns;
    pthread_mutex_lock(&q->be->lock);
    if (n < min)
        n = min;
    if (n > q->count)
        n = q->count;
    if (n > max)
        n = max;
    memcpy(comps, q->done, n * sizeof *comps);
    memmove(q->done, q->done + n, (q->count - n) * sizeof *comps);
    q->count -= n;
    q->reaped += n;
    FAULT_AFTER_REAP(q, comps, max, n);
    pthread_mutex_unlock(&q->be->lock);
    return (int32_t)n;
}

static void cancel(dlfw_queue *q, dlfw_req *req)
{
    (void)q, (void)req;
    FAULT_ON_CANCEL(q, req);
}

static void wakeup(dlfw_queue *q)
{
    pthread_mutex_lock(&q->be->lock);
    q->woken = 1;
    pthread_mutex_unlock(&q->be->lock);
}

static const dlfw_backend_ops ops = {
    .struct_size = sizeof ops,
    .op_mask =
        DLFW_OP_BIT(DLFW_OP_GET) | DLFW_OP_BIT(DLFW_OP_PUT) | DLFW_OP_BIT(DLFW_OP_STAT) | DLFW_OP_BIT(DLFW_OP_DELETE),
    .create = store_create,
    .destroy = store_destroy,
    .queue_create = queue_create,
    .queue_destroy = queue_destroy,
    .submit = submit,
    .reap = reap,
    .cancel = cancel,
    .wakeup = wakeup,
};

static const dlfw_iface iface = {.struct_size = sizeof iface,
                                 .kind = DLFW_KIND_BACKEND,
                                 .name = "broken",
                                 .summary = "for tests of dlfw-conform",
                                 .ops = &ops};
static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("1.0.0", "backend=broken\n", .id = "org.dlfw.broken", .license = "Apache-2.0",
            .summary = "for tests of dlfw-conform", .url = "", .ifaces = ifaces, .load = FAULT_LOAD);
