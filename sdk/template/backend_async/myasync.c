/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An asynchronous storage backend, for a client that works in threads or callbacks of its own: requests go in through submit();
 * the thread that finishes one pushes its completion into dlfw_cq; reap() pops it in the host's thread. Copy this folder and put
 * your client in place of do_request. This one keeps objects in memory and serves each queue with a few threads. They start in
 * queue_create, never in load(): a thread does not survive the fork of a worker process.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "dlfw/backend.h"

#define WORKERS 3u

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

struct worker {
    dlfw_queue *q;
    dlfw_cq *work; /* a completion ring carries requests as well: only .req is set; NULL ends the thread */
    pthread_t thread;
};

struct dlfw_queue {
    dlfw_backend *be;
    dlfw_cq *done;
    uint32_t depth, inflight, next, workers_started; /* inflight: accepted and not yet reaped */
    struct worker workers[WORKERS];
};

static dlfw_status my_create(const dlfw_create_args *args, dlfw_backend **ret, dlfw_error *reterr)
{
    struct dlfw_backend *be = calloc(1, sizeof *be);

    if (!be)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate an instance");
    be->host = args->host;
    pthread_mutex_init(&be->lock, NULL);
    *ret = be;
    return DLFW_OK;
}

static void my_destroy(dlfw_backend *be)
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

static dlfw_status put(struct object **at, dlfw_req *req, dlfw_comp *comp)
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

static dlfw_status do_request(dlfw_backend *be, dlfw_req *req, dlfw_comp *comp)
{
    struct object **at = find(be, req), *o = *at;
    uint64_t left;

    if (req->flags & ~(DLFW_REQ_WHOLE | DLFW_REQ_DURABLE)) /* memory is as durable as it gets here */
        return dlfw_fail(req->error, DLFW_E_UNSUPPORTED, "request flags 0x%x are not supported", req->flags);
    if (req->deadline_ns && be->host->now_ns() >= req->deadline_ns)
        return dlfw_fail(req->error, DLFW_E_TIMEOUT, "the deadline of '%.*s' has passed", (int)req->key_len, req->key);
    if (req->op == DLFW_OP_PUT)
        return put(at, req, comp);
    if (req->op != DLFW_OP_GET)
        return dlfw_fail(req->error, DLFW_E_UNSUPPORTED, "operation %u is not supported", req->op);
    if (!o)
        return dlfw_fail(req->error, DLFW_E_NOT_FOUND, "no object '%.*s'", (int)req->key_len, req->key);
    comp->object_size = o->size;
    if ((req->flags & DLFW_REQ_WHOLE) && o->size > req->buf_cap)
        return dlfw_fail(req->error, DLFW_E_BUFFER_TOO_SMALL, "'%.*s' is larger than the buffer", (int)req->key_len, req->key);
    left = req->offset < o->size ? o->size - req->offset : 0;
    comp->bytes = req->length < left ? req->length : left; /* fewer than asked for only at the end of the object */
    memcpy(req->buf, o->bytes + o->key_len + (o->size - left), comp->bytes);
    return DLFW_OK;
}

static void *serve(void *arg)
{
    struct worker *w = arg;
    dlfw_comp job;

    while (dlfw_cq_pop(w->work, &job, 1, 1, UINT64_MAX) == 1 && job.req) {
        dlfw_comp comp = {.req = job.req, .object_size = UINT64_MAX};

        pthread_mutex_lock(&w->q->be->lock);
        comp.status = do_request(w->q->be, comp.req, &comp);
        pthread_mutex_unlock(&w->q->be->lock);
        dlfw_cq_push(w->q->done, &comp); /* from here on the request is the host's again */
    }
    return NULL;
}

static void queue_destroy(dlfw_queue *q)
{
    for (uint32_t i = 0; i < q->workers_started; i++)
        dlfw_cq_push(q->workers[i].work, &(dlfw_comp){.req = NULL});
    for (uint32_t i = 0; i < q->workers_started; i++)
        pthread_join(q->workers[i].thread, NULL);
    for (uint32_t i = 0; i < WORKERS; i++)
        dlfw_cq_destroy(q->workers[i].work);
    dlfw_cq_destroy(q->done); /* after the joins: nobody pushes any more */
    free(q);
}

static dlfw_status queue_create(dlfw_backend *be, const dlfw_queue_args *args, dlfw_queue **ret, dlfw_error *reterr)
{
    dlfw_queue *q = calloc(1, sizeof *q);

    if (!q)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate a queue");
    *q = (dlfw_queue){.be = be, .depth = args->depth, .done = dlfw_cq_create(args->depth)};
    for (; q->done && q->workers_started < WORKERS; q->workers_started++) {
        struct worker *w = &q->workers[q->workers_started];

        *w = (struct worker){.q = q, .work = dlfw_cq_create(args->depth + 1)};
        if (!w->work || pthread_create(&w->thread, NULL, serve, w) != 0)
            break;
    }
    if (q->workers_started < WORKERS) {
        queue_destroy(q);
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot start the threads of a queue");
    }
    *ret = q;
    return DLFW_OK;
}

/* Never blocks: takes what fits and says how many. */
static int32_t submit(dlfw_queue *q, dlfw_req *const *reqs, uint32_t n)
{
    uint32_t room = q->depth - q->inflight, taken = n < room ? n : room;

    q->inflight += taken;
    for (uint32_t i = 0; i < taken; i++)
        dlfw_cq_push(q->workers[q->next++ % WORKERS].work, &(dlfw_comp){.req = reqs[i]});
    return (int32_t)taken;
}

/* min is capped by what is in flight, so that an empty queue answers at once. */
static int32_t reap(dlfw_queue *q, dlfw_comp *comps, uint32_t max, uint32_t min, uint64_t timeout_ns)
{
    int32_t n = dlfw_cq_pop(q->done, comps, max, min < q->inflight ? min : q->inflight, timeout_ns);

    q->inflight -= (uint32_t)n;
    return n;
}

/* A wish: one completion comes either way, DLFW_E_CANCELLED or the real one. Requests take microseconds here and simply end. */
static void cancel(dlfw_queue *q, dlfw_req *req)
{
    (void)q, (void)req;
}

static void wakeup(dlfw_queue *q) /* from any thread */
{
    dlfw_cq_wakeup(q->done);
}

static const dlfw_backend_ops ops = {
    .struct_size = sizeof ops, .thread_class = DLFW_THREADS_PER_QUEUE, /* each queue belongs to one host thread */
    .op_mask = DLFW_OP_BIT(DLFW_OP_GET) | DLFW_OP_BIT(DLFW_OP_PUT),
    .create = my_create, .destroy = my_destroy, .queue_create = queue_create, .queue_destroy = queue_destroy,
    .submit = submit, .reap = reap, .cancel = cancel, .wakeup = wakeup,
};

static const dlfw_iface iface = {.struct_size = sizeof iface, .kind = DLFW_KIND_BACKEND, .name = "myasync", .ops = &ops,
                                 .summary = "objects in memory, served by threads (template)"};
static const dlfw_iface *const ifaces[] = {&iface, NULL};
DLFW_PLUGIN("1.0.0", "backend=myasync\n", .id = "org.example.dlfw-myasync", .license = "Apache-2.0",
            .summary = "template of an asynchronous backend", .url = "https://example.org", .ifaces = ifaces);
