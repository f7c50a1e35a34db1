/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dlfw/draft/coordinator.h - what ties the ranks of a run together. DRAFT 2: may change without notice; the host matches
 * DLFW_COORDINATOR_DRAFT exactly and no stable struct refers to it.
 *
 * Blocking calls with a deadline (CLOCK_MONOTONIC, 0: none), all from the main thread of the rank unless marked [any]. They are
 * collective: every rank makes the same calls in the same order. They end early with DLFW_E_CANCELLED when host->cancelled()
 * says so, with DLFW_E_TIMEOUT at the deadline, and with DLFW_E_UNAVAILABLE when a peer died, left or aborted; the message then
 * names the peer ("rank 2 (process 4711) died") or is the reason it gave. After such an end every further call fails at once
 * with the same message. Nothing here moves data.
 */
#ifndef DLFW_DRAFT_COORDINATOR_H
#define DLFW_DRAFT_COORDINATOR_H

#include "dlfw/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DLFW_COORDINATOR_DRAFT 2

typedef struct dlfw_coordinator dlfw_coordinator;

enum { DLFW_REDUCE_SUM = 1, DLFW_REDUCE_MIN = 2, DLFW_REDUCE_MAX = 3 };

#define DLFW_RANK_UNKNOWN UINT32_MAX

/* Which place in which run; valid during join(). */
typedef struct dlfw_join {
    uint32_t struct_size;
    uint32_t rank;        /* DLFW_RANK_UNKNOWN: the coordinator's launcher knows */
    uint32_t world_size;  /* 0: the coordinator's launcher knows */
    uint32_t reserved0;
    const char *run_id;   /* equal on all ranks of a run, different from other runs on these hosts; NULL: the launcher's matter */
    uint64_t deadline_ns; /* all ranks have joined by then; 0: no limit */
} dlfw_join;

typedef struct dlfw_coordinator_ops {
    uint32_t struct_size;
    uint32_t draft; /* DLFW_COORDINATOR_DRAFT */
    /* Returns when all ranks have joined. [main] */
    dlfw_status (*join)(const dlfw_create_args *args, const dlfw_join *join, dlfw_coordinator **ret, dlfw_error *reterr);
    /* This rank is done, whatever the others do. A peer that still waits for it gets an error. [main] */
    void (*leave)(dlfw_coordinator *c);
    uint32_t (*rank)(dlfw_coordinator *c);
    uint32_t (*world_size)(dlfw_coordinator *c);
    dlfw_status (*barrier)(dlfw_coordinator *c, uint64_t deadline_ns, dlfw_error *reterr);
    dlfw_status (*broadcast)(dlfw_coordinator *c, uint32_t root, void *buf, uint64_t len, uint64_t deadline_ns, dlfw_error *reterr);
    /* in place, every rank gets the result; f64 sums are made in rank order, so all ranks get the same bits */
    dlfw_status (*reduce_u64)(dlfw_coordinator *c, uint32_t how, uint64_t *values, uint32_t count, uint64_t deadline_ns,
                              dlfw_error *reterr);
    dlfw_status (*reduce_f64)(dlfw_coordinator *c, uint32_t how, double *values, uint32_t count, uint64_t deadline_ns, dlfw_error *reterr);
    /* mine: len bytes of each rank, len equal on all; all: world_size * len bytes in rank order, on every rank */
    dlfw_status (*gather)(dlfw_coordinator *c, const void *mine, void *all, uint64_t len, uint64_t deadline_ns, dlfw_error *reterr);
    /* Ends the other ranks' calls, present and future, with reason (one line, copied). [any] */
    void (*abort)(dlfw_coordinator *c, const char *reason);
    /* Does not block: DLFW_OK while all peers are well, else what the calls above would return. The host asks a few times per
     * second while the main thread is busy elsewhere. NULL: the launcher ends the run. [any] */
    dlfw_status (*check)(dlfw_coordinator *c, dlfw_error *reterr);
} dlfw_coordinator_ops;

#ifdef __cplusplus
}
#endif
#endif
