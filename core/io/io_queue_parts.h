/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue's inside, shared by its two halves: io_queue.c (from op to request) and io_reap.c (from completion to op).
 * Private to core/io.
 *
 * A slot is in exactly one place: free, pending (collected, not yet handed over), below (the backend's), backoff (waits
 * for its next try) or ready (finished here, not yet reaped). inflight counts all but the free ones.
 */
#ifndef DLFW_CORE_IO_IO_QUEUE_PARTS_H
#define DLFW_CORE_IO_IO_QUEUE_PARTS_H

#include "io/due_heap.h"
#include "io/io_adapter.h"
#include "io/storage.h"
#include "io/wake.h"

#define IO_SUBMIT_BATCH 32u /* requests collected at most before they are handed over */
#define IO_REAP_BATCH 64u

enum slot_place { SLOT_FREE, SLOT_PENDING, SLOT_BELOW, SLOT_BACKOFF, SLOT_READY };

struct io_slot {
    dlfw_req req; /* first: the request of a completion is its slot */
    struct io_op *op;
    uint64_t skip; /* widening: bytes of the request's range before the wanted ones */
    uint32_t attempts;
    enum slot_place place;
    bool cancelled; /* not to be tried again */
};

struct io_queue {
    struct storage *st;
    struct io_adapter *below;
    const char *mode;
    uint64_t op_mask;
    uint32_t depth;
    uint32_t inflight;
    uint32_t below_count;
    uint32_t pending_count;
    uint32_t ready_count;
    uint32_t free_count;
    struct io_slot **free; /* last given back first */
    dlfw_req **pending;    /* oldest first */
    struct io_slot **ready;
    struct io_slot *slots;
    uint8_t *scratch;
    struct due_heap backoff;
    dlfw_limits limits;
    bool limits_known; /* else asked with the key of the first read */
    bool align_matters;
    dlfw_status dead; /* why the backend's queue takes no more */
    struct wake wake;
    uint64_t draws; /* of backoff jitter */
    struct io_stats stats;
    dlfw_comp comps[IO_REAP_BATCH]; /* always ready to be handed down */
};

/* Hands over what is pending. */
void queue_flush(struct io_queue *q);
/* The op of slot has failed here: status and the op's error are set; it is ready to be reaped. */
void queue_fail(struct io_queue *q, struct io_slot *slot, dlfw_status status);
/* The slot goes back, its op belongs to the caller again. */
void queue_release(struct io_queue *q, struct io_slot *slot);
/* slot goes to the end of the pending ones. */
void queue_push(struct io_queue *q, struct io_slot *slot);
/* Writes the op's result fields and counts it. */
void stats_count(struct io_stats *stats, const struct io_op *op, uint64_t fetched);
/* "cannot read 'key'" in front of the op's message, unless it names the key already. */
void op_error_finish(struct io_op *op);
const char *op_verb(uint16_t op); /* "read", "list" ... */

#endif
