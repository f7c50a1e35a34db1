/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dlfw/draft/coordinator.h - what ties ranks together. DRAFT 1: may change without notice; the host matches
 * DLFW_COORDINATOR_DRAFT exactly and no stable struct refers to it.
 *
 * Blocking calls with a deadline, all from the main thread of the rank. A peer that died becomes an error on all
 * others before the deadline. Nothing here moves data.
 */
#ifndef DLFW_DRAFT_COORDINATOR_H
#define DLFW_DRAFT_COORDINATOR_H

#include "dlfw/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DLFW_COORDINATOR_DRAFT 1

typedef struct dlfw_coordinator dlfw_coordinator;

enum { DLFW_REDUCE_SUM = 1, DLFW_REDUCE_MIN = 2, DLFW_REDUCE_MAX = 3 };

typedef struct dlfw_coordinator_ops {
    uint32_t struct_size;
    uint32_t draft; /* DLFW_COORDINATOR_DRAFT */
    dlfw_status (*join)(const dlfw_create_args *args, dlfw_coordinator **ret, dlfw_error *reterr);
    void (*leave)(dlfw_coordinator *c);
    uint32_t (*rank)(dlfw_coordinator *c);
    uint32_t (*world_size)(dlfw_coordinator *c);
    dlfw_status (*barrier)(dlfw_coordinator *c, uint64_t deadline_ns, dlfw_error *reterr);
    dlfw_status (*broadcast)(dlfw_coordinator *c, uint32_t root, void *buf, uint64_t len, uint64_t deadline_ns, dlfw_error *reterr);
    /* in place, every rank gets the result */
    dlfw_status (*reduce_u64)(dlfw_coordinator *c, uint32_t how, uint64_t *values, uint32_t count, uint64_t deadline_ns,
                              dlfw_error *reterr);
    dlfw_status (*reduce_f64)(dlfw_coordinator *c, uint32_t how, double *values, uint32_t count, uint64_t deadline_ns, dlfw_error *reterr);
    /* mine: len bytes of each rank; all: world_size * len bytes in rank order */
    dlfw_status (*gather)(dlfw_coordinator *c, const void *mine, void *all, uint64_t len, uint64_t deadline_ns, dlfw_error *reterr);
    /* Ends the other ranks' calls with reason. [any] */
    void (*abort)(dlfw_coordinator *c, const char *reason);
} dlfw_coordinator_ops;

#ifdef __cplusplus
}
#endif
#endif
