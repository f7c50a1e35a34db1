/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue's inside, shared by queue.c (calls in and out), call.c (one call from exchange to exchange), batch.c and
 * list.c. Private to the library.
 *
 * A call is in exactly one place: free, todo (accepted, not yet begun), held (a part that waits for its turn), flying
 * (its exchange is the loop's) or done (finished, not yet reaped). `taken` counts requests, not calls: a batch holds
 * several.
 */
#ifndef DLFW_PLUGIN_CLOUD_PARTS_H
#define DLFW_PLUGIN_CLOUD_PARTS_H

#include "cloud.h"

enum { CALL_TRIES = 3 }; /* times explain() may ask for another try */

struct call_list {
    struct cloud_call *first;
    struct cloud_call **end; /* where the next one is hung */
};

struct dlfw_queue {
    struct cloud *cloud;
    struct http_loop *loop;
    uint32_t depth;
    uint32_t taken;           /* accepted and not yet reaped */
    uint32_t flying;          /* calls whose exchange is the loop's */
    struct cloud_call *calls; /* depth of them */
    struct cloud_call *free;
    struct call_list todo;
    struct call_list held;
    dlfw_comp *done; /* a ring of depth */
    uint32_t done_first;
    uint32_t done_count;
    _Atomic bool woken;
};

void call_list_init(struct call_list *l);
void call_list_add(struct call_list *l, struct cloud_call *call);
struct cloud_call *call_list_take(struct call_list *l); /* the first; NULL: empty */
bool call_list_remove(struct call_list *l, struct cloud_call *call);

/* queue.c */
void queue_done(struct dlfw_queue *q, const dlfw_comp *comp);
struct cloud_call *queue_take_call(struct dlfw_queue *q); /* NULL: none is free */
void queue_give_call(struct dlfw_queue *q, struct cloud_call *call);

/* call.c */
void call_start(struct cloud_call *call);                   /* first step */
void call_end(struct cloud_call *call, dlfw_status status); /* call->error holds the reason when status < 0 */
dlfw_error call_error(struct cloud_call *call);             /* an error struct over call->error */
void call_fail(struct cloud_call *call, dlfw_status status, uint32_t flags, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* get.c: ends the call, well when the answer is in order. */
void get_check(struct cloud_call *call);

/* list.c */
dlfw_status list_begin(struct cloud_call *call,
                       dlfw_error *err); /* DLFW_OK: a page must be fetched; DLFW_END: served */
void list_answered(struct cloud_call *call);
void list_failed(struct cloud_call *call, dlfw_status status); /* the cursor after a failure */
void list_free(struct cloud_list *list);

/* upload.c */
dlfw_status upload_begin(struct cloud_call *call, dlfw_error *err);
bool upload_must_wait(struct cloud_call *call); /* a part whose turn it is not */
void upload_ended(struct cloud_call *call, dlfw_status status);
void upload_free(struct cloud_upload *up);

/* batch.c */
void batch_end(struct cloud_call *call, dlfw_status status, uint32_t flags, const char *why);

#endif
