/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the checking layer: instances, queues, and what is watched about each. */
#ifndef DLFW_CORE_PLUGIN_PLUGIN_CHECK_PARTS_H
#define DLFW_CORE_PLUGIN_PLUGIN_CHECK_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "dlfw/backend.h"

/* One table that is checked. */
struct check_shim {
    dlfw_backend_ops ops; /* what the host sees */
    const dlfw_backend_ops *under;
    const char *name;
};

/* What the host holds as its dlfw_backend. */
struct check_backend {
    const struct check_shim *shim;
    dlfw_backend *under;
    _Atomic uint32_t queues; /* alive */
    _Atomic uint32_t calls;  /* running now, wakeup() excepted */
};

/* A request between submit and reap. The backend may write to nothing of it. */
struct check_flight {
    dlfw_req *req;
    dlfw_req as_submitted;
};

/* What the host holds as its dlfw_queue. */
struct check_queue {
    struct check_backend *be;
    dlfw_queue *under;
    uint32_t depth;
    bool owned; /* a thread has used it */
    pthread_t owner;
    _Atomic uint32_t woken; /* wakeups that no short reap has used up */
    uint32_t flying;
    struct check_flight flights[]; /* depth of them; [0, flying) are in use */
};

/* Prints one line and ends the program. */
void check_fail(const struct check_shim *shim, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));

/* Brackets around every call into the plugin: hold it to its thread class. */
void check_enter(struct check_backend *be, const char *function);
void check_leave(struct check_backend *be);

void check_status(const struct check_shim *shim, const char *function, dlfw_status st);
/* The error that a plugin filled, after it failed with status st. err may be NULL. */
void check_error(const struct check_shim *shim, const char *function, const dlfw_error *err);
/* A request that the host is about to give. */
void check_request(const struct check_shim *shim, const dlfw_req *req);
/* A completion of req, which was as before when it was given. */
void check_completion(const struct check_shim *shim, const dlfw_req *before, const dlfw_req *req,
                      const dlfw_comp *comp);

/* The queue functions of the checking table. */
dlfw_status check_queue_create(dlfw_backend *be, const dlfw_queue_args *args, dlfw_queue **ret, dlfw_error *reterr);
void check_queue_destroy(dlfw_queue *q);
int32_t check_queue_submit(dlfw_queue *q, dlfw_req *const *reqs, uint32_t n);
int32_t check_queue_reap(dlfw_queue *q, dlfw_comp *comps, uint32_t max, uint32_t min, uint64_t timeout_ns);
void check_queue_cancel(dlfw_queue *q, dlfw_req *req);
void check_queue_wakeup(dlfw_queue *q);
int32_t check_queue_wait_fd(dlfw_queue *q);

#endif
