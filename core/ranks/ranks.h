/* SPDX-License-Identifier: Apache-2.0 */
/* The ranks of a run, as the phases of a job see them: who am I, how many are we, and what all of them do together. */
#ifndef DLFW_CORE_RANKS_RANKS_H
#define DLFW_CORE_RANKS_RANKS_H

#include "plugin/registry.h"
#include "ranks/identity.h"

struct rank_watch;

struct ranks {
    const dlfw_coordinator_ops *ops;
    dlfw_coordinator *c;
    struct rank_watch *watch;
    struct rank_identity identity; /* rank and world_size are known after ranks_join */
};

/* Blocks until all ranks have come, a minute at most. */
dlfw_status ranks_join(const struct rank_request *asked, struct registry *registry, struct ranks *ret, dlfw_error *err);
/* NULL ops (never joined) is fine. */
void ranks_leave(struct ranks *r);

dlfw_status ranks_barrier(struct ranks *r, dlfw_error *err);
dlfw_status ranks_broadcast(struct ranks *r, uint32_t root, void *buf, uint64_t len, dlfw_error *err);
/* mine: len bytes of each rank; all: world_size * len bytes in rank order, on every rank. */
dlfw_status ranks_gather(struct ranks *r, const void *mine, void *all, uint64_t len, dlfw_error *err);
/* True on all ranks when it was true on one of them. */
dlfw_status ranks_any(struct ranks *r, bool *flag, dlfw_error *err);
/* A phase that was cancelled because a peer failed: st and err become the peer's failure. One that failed because a
 * peer was faster to follow the user's stop: cancelled. Any other status stays. After a failure the peers are no longer
 * watched. */
dlfw_status ranks_reason(struct ranks *r, dlfw_status st, dlfw_error *err);
/* Ends the run on all ranks; for a rank that has failed alone. */
void ranks_abort(struct ranks *r, const char *reason);

#endif
