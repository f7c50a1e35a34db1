/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several instances of one backend that hold the same objects behind different endpoints, as one backend: a level of
 * the stack below wrappers and retries. Each request goes to one endpoint; what belongs to a handle stays where the
 * handle was made. Nothing is tried again here: a failed request that comes back (dlfw_req.user counts its tries) goes
 * elsewhere.
 */
#ifndef DLFW_CORE_IO_ENDPOINTS_H
#define DLFW_CORE_IO_ENDPOINTS_H

#include "io/endpoints/endpoint_health.h"
#include "io/io_adapter.h"

struct endpoint {
    struct backend_layer layer;
    char *name;           /* for messages: the URI without what may be secret */
    pthread_mutex_t lock; /* for DLFW_THREADS_SERIAL_INSTANCE */
    bool owned;           /* destroyed with the others */
};

/* Behind comp.handle of OPEN, LIST and WRITE_BEGIN: whose it is. */
struct endpoint_handle {
    uint32_t endpoint;
    void *handle;
    struct endpoint_handle *next, *previous;
};

struct endpoints {
    dlfw_backend_ops ops;
    struct endpoint items[ENDPOINTS_MAX];
    uint32_t count;
    uint32_t scratch; /* bytes of dlfw_req.scratch that one endpoint wants */
    struct endpoint_choice choice;
    pthread_mutex_t lock;            /* handles */
    struct endpoint_handle *handles; /* those that were never closed go with the storage */
};

struct endpoints *endpoints_create(enum endpoint_strategy strategy);
/* All of the same plugin. scheme: the layer's name, outlives it. owned: be is destroyed by endpoints_destroy. */
void endpoints_add(struct endpoints *e, const char *scheme, const dlfw_backend_ops *ops, dlfw_backend *be,
                   const char *uri, bool owned);
/* After the last endpoints_add. The layer stands on e. */
void endpoints_layer(struct endpoints *e, struct backend_layer *ret);
void endpoints_destroy(struct endpoints *e); /* all queues are gone; NULL is fine */

struct endpoint_handle *endpoints_wrap(struct endpoints *e, uint32_t endpoint, void *handle);
void endpoints_unwrap(struct endpoints *e, struct endpoint_handle *handle); /* the handle is gone; NULL is fine */

/* Behind dlfw_req.mem_handle: one registration per endpoint, 0 where it was refused. */
struct endpoint_region {
    uint64_t handles[ENDPOINTS_MAX];
};

/* endpoint_queue.c */
void endpoint_queue_fill_ops(dlfw_backend_ops *ops, uint32_t under_scratch);
const char *endpoint_queue_mode(const dlfw_queue *queue);

#endif
