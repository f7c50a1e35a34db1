/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request at one endpoint: the choice, the handle that ties it, and what its end means for the endpoint. A failure
 * that speaks of the endpoint (not reached, broken off, late) names it; when all have failed the error names them all
 * and says what happened first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/str.h"
#include "io/endpoints/endpoint_queue.h"

static uint32_t living(const struct endpoint_queue *q, uint32_t wanted)
{
    for (uint32_t k = 0; k < q->e->count; k++) {
        uint32_t i = (wanted + k) % q->e->count;

        if (!q->lines[i].dead)
            return i;
    }
    return wanted;
}

struct endpoint_item *endpoint_item_begin(struct endpoint_queue *q, dlfw_req *req, uint64_t now)
{
    struct endpoint_item *item = req->scratch;
    struct endpoint_handle *handle = req->handle;

    item->lower = *req;
    item->lower.scratch = (char *)req->scratch + ENDPOINT_ITEM_BYTES;
    item->upper = req;
    item->sent_ns = now;
    if (!req->user || item->deadline_ns != req->deadline_ns) {
        item->failed = 0;
        item->deadline_ns = req->deadline_ns;
    }
    if (handle) {
        item->endpoint = handle->endpoint;
        item->lower.handle = handle->handle;
    } else {
        item->endpoint = living(q, endpoint_choose(&q->e->choice, item->failed, item->last, now));
    }
    if (req->mem_handle)
        item->lower.mem_handle = ((struct endpoint_region *)(uintptr_t)req->mem_handle)->handles[item->endpoint];
    endpoint_begin(&q->e->choice, item->endpoint);
    return item;
}

bool endpoint_item_may_move(const struct endpoint_queue *q, const struct endpoint_item *item)
{
    const dlfw_req *req = &item->lower;

    if (q->dead_lines == q->e->count || item->upper->handle || (req->flags & DLFW_REQ_EXCLUSIVE))
        return false;
    return req->op == DLFW_OP_GET || req->op == DLFW_OP_STAT || req->op == DLFW_OP_LIST || req->op == DLFW_OP_OPEN ||
           req->op == DLFW_OP_PUT || req->op == DLFW_OP_WRITE_BEGIN || req->op == DLFW_OP_MAKE_ROOT;
}

/* The error's text says where, and when all have failed what happened first; its numbers stay. */
static void tell(const struct endpoint_queue *q, const struct endpoint_item *item)
{
    const struct endpoints *e = q->e;
    uint32_t all = e->count == 32 ? UINT32_MAX : ((uint32_t)1 << e->count) - 1;
    dlfw_error *err = item->upper->error, kept;
    struct str others = STR_EMPTY;

    if (!err)
        return;
    if (item->failed != all) {
        error_prefix(err, "endpoint '%s'", e->items[item->endpoint].name);
        return;
    }
    for (uint32_t i = 0; i < e->count; i++) {
        if (i != item->first)
            str_add_format(&others, "%s'%s'", others.len ? ", " : "", e->items[i].name);
    }
    kept = *err;
    dlfw_fail(err, kept.status, "every endpoint failed: '%s': %s; then %s", e->items[item->first].name, item->cause,
              others.len ? others.data : "no other is there");
    err->flags = kept.flags;
    err->sys_errno = kept.sys_errno;
    err->http_status = kept.http_status;
    err->retry_after_ms = kept.retry_after_ms;
    err->vendor_code = kept.vendor_code;
    str_free(&others);
}

static void remember(struct endpoint_item *item)
{
    const dlfw_error *err = item->upper->error;

    if (!item->failed) {
        item->first = item->endpoint;
        snprintf(item->cause, sizeof item->cause, "%s",
                 err && err->message && err->message_len ? err->message : "no reason was given");
    }
    item->failed |= (uint32_t)1 << item->endpoint;
    item->last = item->endpoint;
}

static void note(struct endpoint_queue *q, struct endpoint_item *item, uint64_t now)
{
    const dlfw_error *err = item->upper->error;
    uint64_t rest;

    remember(item);
    endpoint_failed(&q->e->choice, item->endpoint, item->sent_ns, now, &rest);
    if (rest)
        log_warning("endpoint '%s' is set aside for %.3g s after failures in a row: %s",
                    q->e->items[item->endpoint].name, (double)rest / (double)NS_PER_S,
                    err && err->message_len ? err->message : "no reason was given");
    tell(q, item);
}

void endpoint_note_failure(struct endpoint_queue *q, struct endpoint_item *item)
{
    note(q, item, clock_now_ns());
}

/* A failure that says something about the endpoint, not about the request. */
static bool is_endpoints_fault(const dlfw_comp *comp, const dlfw_error *err)
{
    uint32_t flags = comp->flags | (err && err->status == comp->status ? err->flags : 0);

    return comp->status == DLFW_E_TIMEOUT || comp->status == DLFW_E_UNAVAILABLE ||
           ((flags & DLFW_ERR_RETRYABLE) && !(flags & DLFW_ERR_THROTTLED) && comp->status != DLFW_E_THROTTLED);
}

static struct endpoint_handle *wrap_handle(struct endpoint_queue *q, const struct endpoint_item *item, void *handle)
{
    struct endpoint_handle *h = item->upper->handle;

    if (!h)
        return endpoints_wrap(q->e, item->endpoint, handle);
    h->handle = handle;
    return h;
}

/* Handles pass between the caller and the plugin with their endpoint around them. */
static void translate_handle(struct endpoint_queue *q, const struct endpoint_item *item, dlfw_comp *comp)
{
    bool good = comp->status >= 0, over = false;

    switch (item->lower.op) {
    case DLFW_OP_OPEN:
    case DLFW_OP_WRITE_BEGIN:
        comp->handle = good ? endpoints_wrap(q->e, item->endpoint, comp->handle) : NULL;
        return;
    case DLFW_OP_LIST:
        if ((comp->flags & DLFW_COMP_MORE) && comp->handle) {
            comp->handle = wrap_handle(q, item, comp->handle);
            return;
        }
        over = true;
        break;
    case DLFW_OP_WRITE_COMMIT:
    case DLFW_OP_WRITE_ABORT:
    case DLFW_OP_CLOSE:
        over = good; /* after a failure it may come once more; if not, it goes with the storage */
        break;
    default:
        break;
    }
    comp->handle = NULL;
    if (over)
        endpoints_unwrap(q->e, item->upper->handle);
}

static void count_bytes(struct endpoint_queue *q, const struct endpoint_item *item, const dlfw_comp *comp)
{
    struct endpoint_health *h = &q->e->choice.health[item->endpoint];

    if (item->lower.op == DLFW_OP_GET)
        atomic_fetch_add_explicit(&h->bytes_read, comp->bytes, memory_order_relaxed);
    else if (item->lower.op == DLFW_OP_PUT || item->lower.op == DLFW_OP_WRITE_PART)
        atomic_fetch_add_explicit(&h->bytes_written, comp->bytes, memory_order_relaxed);
}

void endpoint_item_end(struct endpoint_queue *q, struct endpoint_item *item, dlfw_comp *comp, uint64_t now)
{
    struct endpoint_choice *choice = &q->e->choice;

    comp->req = item->upper;
    if (comp->status == DLFW_E_CANCELLED || comp->status == DLFW_E_THROTTLED) {
        endpoint_passed(choice, item->endpoint);
    } else if (comp->status < 0 && is_endpoints_fault(comp, item->upper->error)) {
        if (item->upper->error && !item->upper->error->message_len)
            dlfw_fail(item->upper->error, comp->status, "%s", dlfw_status_text(comp->status));
        note(q, item, now);
    } else {
        if (comp->status >= 0)
            count_bytes(q, item, comp);
        if (endpoint_answered(choice, item->endpoint, now - item->sent_ns, now))
            log_info("endpoint '%s' answers again", q->e->items[item->endpoint].name);
    }
    translate_handle(q, item, comp);
}
