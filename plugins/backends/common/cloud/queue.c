/* SPDX-License-Identifier: Apache-2.0 */
/* Submit and reap over the HTTP loop. Everything slow (building, signing, fetching tokens) happens inside reap. */
#include <stdlib.h>
#include <string.h>

#include "parts.h"

void call_list_init(struct call_list *l)
{
    l->first = NULL;
    l->end = &l->first;
}

void call_list_add(struct call_list *l, struct cloud_call *call)
{
    call->next = NULL;
    *l->end = call;
    l->end = &call->next;
}

struct cloud_call *call_list_take(struct call_list *l)
{
    struct cloud_call *call = l->first;

    if (!call)
        return NULL;
    l->first = call->next;
    if (!l->first)
        l->end = &l->first;
    call->next = NULL;
    return call;
}

bool call_list_remove(struct call_list *l, struct cloud_call *call)
{
    for (struct cloud_call **at = &l->first; *at; at = &(*at)->next) {
        if (*at != call)
            continue;
        *at = call->next;
        if (!*at)
            l->end = at;
        call->next = NULL;
        return true;
    }
    return false;
}

void queue_done(struct dlfw_queue *q, const dlfw_comp *comp)
{
    q->done[(q->done_first + q->done_count) % q->depth] = *comp;
    q->done_count++;
}

struct cloud_call *queue_take_call(struct dlfw_queue *q)
{
    struct cloud_call *call = q->free;

    if (call) {
        q->free = call->next;
        call->next = NULL;
    }
    return call;
}

/* What the call allocated stays with it for the next one. */
void queue_give_call(struct dlfw_queue *q, struct cloud_call *call)
{
    struct cloud_call fresh = {.cloud = q->cloud, .queue = q, .next = q->free};

    fresh.x.head = call->x.head;
    fresh.x.answer_head = call->x.answer_head;
    fresh.x.reply = call->x.reply;
    fresh.key = call->key;
    fresh.scratch = call->scratch;
    fresh.scratch2 = call->scratch2;
    fresh.redirect_target = call->redirect_target;
    text_clear(&fresh.key);
    text_clear(&fresh.scratch);
    text_clear(&fresh.scratch2);
    text_clear(&fresh.redirect_target);
    free(call->batch);
    free(call->batch_status);
    free(call->batch_error);
    *call = fresh;
    q->free = call;
}

static void call_release(struct cloud_call *call)
{
    http_exchange_free(&call->x);
    text_free(&call->key);
    text_free(&call->scratch);
    text_free(&call->scratch2);
    text_free(&call->redirect_target);
}

dlfw_status cloud_queue_create(dlfw_backend *be, const dlfw_queue_args *args, dlfw_queue **ret, dlfw_error *err)
{
    struct cloud *c = (struct cloud *)be;
    struct dlfw_queue *q = calloc(1, sizeof *q);
    uint32_t depth = args->depth ? args->depth : 1;
    dlfw_status status = DLFW_E_NO_MEMORY;

    if (q) {
        q->calls = calloc(depth, sizeof *q->calls);
        q->done = calloc(depth, sizeof *q->done);
    }
    if (!q || !q->calls || !q->done) {
        dlfw_fail(err, status, "no memory for a queue of %u requests", depth);
        goto out;
    }
    q->cloud = c;
    q->depth = depth;
    call_list_init(&q->todo);
    call_list_init(&q->held);
    status = http_loop_create(c->client, c->connections < depth ? c->connections : depth, &q->loop, err);
    if (status < 0)
        goto out;
    for (uint32_t i = depth; i-- > 0;)
        queue_give_call(q, &q->calls[i]);
    *ret = q;
    return DLFW_OK;
out:
    if (q) {
        free(q->calls);
        free(q->done);
    }
    free(q);
    return status;
}

void cloud_queue_destroy(dlfw_queue *q)
{
    http_loop_destroy(q->loop);
    for (uint32_t i = 0; i < q->depth; i++)
        call_release(&q->calls[i]);
    free(q->calls);
    free(q->done);
    free(q);
}

int32_t cloud_submit(dlfw_queue *q, dlfw_req *const *reqs, uint32_t n)
{
    uint32_t i;

    for (i = 0; i < n && q->taken < q->depth; i++) {
        struct cloud_call *call = queue_take_call(q);

        if (!call) /* cannot be: there are as many calls as requests */
            break;
        call->req = reqs[i];
        call->comp.req = reqs[i];
        call->comp.object_size = UINT64_MAX;
        call_list_add(&q->todo, call);
        q->taken++;
    }
    return (int32_t)i;
}

/* Puts DELETEs that stand one after the other into one call. False: there is no memory for a batch, or nothing to join.
 */
static bool join_deletes(struct dlfw_queue *q, struct cloud_call *call)
{
    uint32_t max = q->cloud->service->batch_max;
    uint32_t room = 0;
    struct cloud_call *other;

    if (max < 2 || call->req->op != DLFW_OP_DELETE || call->cancelled || atomic_load(&q->cloud->no_batches))
        return false;
    for (other = q->todo.first; other && room + 1 < max && other->req->op == DLFW_OP_DELETE; other = other->next)
        room++;
    if (!room)
        return false;
    call->batch = calloc(room + 1, sizeof *call->batch);
    call->batch_status = calloc(room + 1, sizeof *call->batch_status);
    call->batch_error = calloc(room + 1, sizeof *call->batch_error);
    if (!call->batch || !call->batch_status || !call->batch_error)
        return false;
    call->batch[call->batch_count++] = call->req;
    while (call->batch_count <= room) {
        other = call_list_take(&q->todo);
        call->batch[call->batch_count++] = other->req;
        queue_give_call(q, other);
    }
    call->req = NULL;
    return true;
}

static void start_todo(struct dlfw_queue *q)
{
    struct cloud_call *call;

    while ((call = call_list_take(&q->todo))) {
        join_deletes(q, call);
        call_start(call);
    }
}

/* Parts whose turn has come, or which have waited too long. */
static void start_held(struct dlfw_queue *q)
{
    struct call_list waiting = q->held;
    struct cloud_call *call;

    if (!waiting.first)
        return;
    call_list_init(&q->held);
    while ((call = waiting.first)) {
        waiting.first = call->next;
        call_start(call); /* may be held again */
    }
}

static uint32_t hand_out(struct dlfw_queue *q, dlfw_comp *comps, uint32_t max)
{
    uint32_t n = q->done_count < max ? q->done_count : max;

    for (uint32_t i = 0; i < n; i++) {
        comps[i] = q->done[q->done_first];
        q->done_first = (q->done_first + 1) % q->depth;
    }
    q->done_count -= n;
    q->taken -= n;
    return n;
}

int32_t cloud_reap(dlfw_queue *q, dlfw_comp *comps, uint32_t max, uint32_t min, uint64_t timeout_ns)
{
    const dlfw_host *host = q->cloud->host;
    uint64_t now = timeout_ns && timeout_ns != UINT64_MAX ? host->now_ns() : 0;
    uint64_t until = timeout_ns == UINT64_MAX || UINT64_MAX - now < timeout_ns ? UINT64_MAX : now + timeout_ns;

    if (min > max)
        min = max;
    if (min > q->taken)
        min = q->taken;
    start_todo(q);
    start_held(q);
    if (q->flying)
        http_loop_run(q->loop, 0);
    while (q->done_count < min) {
        uint64_t left = until;

        if (until != UINT64_MAX) {
            now = host->now_ns();
            left = until > now ? until - now : 0;
        }
        if (atomic_exchange(&q->woken, false) || left == 0)
            break;
        if (q->held.first && left > 5000000) /* parts that wait for each other look again */
            left = 5000000;
        http_loop_run(q->loop, left);
        start_todo(q);
        start_held(q);
    }
    return (int32_t)hand_out(q, comps, max);
}

void cloud_cancel(dlfw_queue *q, dlfw_req *req)
{
    for (uint32_t i = 0; i < q->depth; i++) {
        struct cloud_call *call = &q->calls[i];

        if (call->req != req || !req)
            continue;
        call->cancelled = true;
        if (call_list_remove(&q->todo, call) || call_list_remove(&q->held, call)) {
            call_fail(call, DLFW_E_CANCELLED, 0, "was cancelled");
            return;
        }
        http_loop_cancel(q->loop, &call->x);
        return;
    }
}

void cloud_wakeup(dlfw_queue *q)
{
    atomic_store(&q->woken, true);
    http_loop_wakeup(q->loop);
}

int32_t cloud_wait_fd(dlfw_queue *q)
{
    return http_loop_fd(q->loop);
}
