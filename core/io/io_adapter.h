/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Submit/reap over any backend: its own queue when it has one, else perform() called in the reaping thread (inline) or
 * from threads (pool). Below io_queue, and below each wrapper, so that both see one shape. Thread classes are enforced
 * here and nowhere else.
 */
#ifndef DLFW_CORE_IO_IO_ADAPTER_H
#define DLFW_CORE_IO_IO_ADAPTER_H

#include <pthread.h>
#include <stdbool.h>

#include "dlfw/backend.h"

#define IO_POOL_THREADS_MAX 64u

/* One level of the stack: the plugin's backend, or what the host puts around the levels below it (wrappers, endpoints).
 */
struct backend_layer {
    const dlfw_backend_ops *ops;
    dlfw_backend *be;
    const char *name;        /* for messages: "s3", "delay" */
    pthread_mutex_t *serial; /* held around every call when the thread class asks for it; NULL: not needed */
    /* How requests reach the lowest level. NULL: this is the lowest, a plugin's. */
    const char *(*queue_mode)(const dlfw_queue *queue);
};

struct io_adapter;

/* The calling thread may change from call to call. A bit of dlfw_queue_args.flags between wrappers; no plugin sees it.
 */
#define ADAPTER_MOVES (1u << 31)

/* depth: requests in flight at most; an inline adapter takes as many and works them off one by one. flags:
 * ADAPTER_MOVES. */
dlfw_status adapter_create(const struct backend_layer *layer, uint32_t depth, uint32_t flags, struct io_adapter **ret,
                           dlfw_error *err);
void adapter_destroy(struct io_adapter *a);           /* nothing is in flight; NULL is fine */
const char *adapter_mode(const struct io_adapter *a); /* "native", "inline", "pool": of the lowest level */
bool adapter_is_inline(const struct io_adapter *a);   /* of this level: nothing gains from more than one in flight */

/* As in dlfw_backend_ops. comps are handed in zeroed except object_size = UINT64_MAX. An inline reap performs at least
 * one request even when min is 0, so that polling makes progress. */
int32_t adapter_submit(struct io_adapter *a, dlfw_req *const *reqs, uint32_t n);
int32_t adapter_reap(struct io_adapter *a, dlfw_comp *comps, uint32_t max, uint32_t min, uint64_t timeout_ns);
void adapter_cancel(struct io_adapter *a, dlfw_req *req);
void adapter_wakeup(struct io_adapter *a); /* [any thread] */
/* As dlfw_backend_ops.wait_fd; -1: this level can only be asked again and again. */
int32_t adapter_wait_fd(struct io_adapter *a);

/* perform() with the thread class held; stamps done_ns. */
void adapter_perform(const struct backend_layer *layer, dlfw_req *req, dlfw_comp *comp);

#endif
