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
#define IO_SPLITS_MAX 8u /* reads of one queue that are split at once */

enum slot_place { SLOT_FREE, SLOT_PENDING, SLOT_BELOW, SLOT_BACKOFF, SLOT_READY };

struct io_slot {
    dlfw_req req; /* first: the request of a completion is its slot */
    struct io_op *op;
    uint64_t skip; /* widening: bytes of the request's range before the wanted ones */
    uint32_t attempts;
    enum slot_place place;
    bool cancelled; /* not to be tried again */
    bool is_part;   /* of a split read: op is the queue's own */
    bool measured;  /* for the split control, under this generation */
    uint32_t generation;
};

struct io_split;

struct io_queue {
    struct storage *st;
    struct io_adapter *below;
    const char *mode;
    uint64_t op_mask;
    uint32_t depth;
    uint32_t slot_count; /* depth, and as many again where reads are split */
    uint32_t inflight;   /* of the caller's operations */
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
    uint64_t split_from;       /* reads of at least so many bytes are looked at, UINT64_MAX: none */
    struct io_split *splits;   /* IO_SPLITS_MAX of them, once there was one */
    uint32_t split_count;      /* under way */
    struct io_op **split_done; /* the caller's, whole again */
    uint32_t split_done_count;
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
/* A slot's work is over: what it was measured for is told, and a part goes to its read. The caller's op, NULL: a part.
 */
struct io_op *queue_settle(struct io_queue *q, struct io_slot *slot);
/* Submits as one request, whatever its length. */
void queue_submit_one(struct io_queue *q, struct io_op *op);
void queue_submit_part(struct io_queue *q, struct io_op *op);
/* Nobody wants the slot's result any more. */
void queue_give_up(struct io_queue *q, struct io_slot *slot);
static inline uint32_t queue_busy(const struct io_queue *q)
{
    return q->slot_count - q->free_count;
}

/* io_sizes.c: what a finished operation says of its object's size, or makes of it; the storage has a cache. */
void queue_learn_size(struct io_queue *q, const struct io_op *op);

/* io_split.c */
void queue_split_init(struct io_queue *q); /* before the slots are allocated */
void queue_split_free(struct io_queue *q);
/* True: the read goes on in parts. */
bool queue_split_begin(struct io_queue *q, struct io_op *op);
void queue_split_part_done(struct io_queue *q, struct io_op *part); /* its slot is free again */
void queue_split_feed(struct io_queue *q);                          /* more parts where there is room */
void queue_split_cancel(struct io_queue *q);
/* slot goes to the end of the pending ones. */
void queue_push(struct io_queue *q, struct io_slot *slot);
/* Writes the op's result fields and counts it. */
void stats_count(struct io_stats *stats, const struct io_op *op, uint64_t fetched);
/* The same in two halves: of a request that is a part, of the read that was split. */
void stats_count_part(struct io_stats *stats, const struct io_op *part, uint64_t fetched);
void stats_count_split(struct io_stats *stats, const struct io_op *op);
/* "cannot read 'key'" in front of the op's message, unless it names the key already. */
void op_error_finish(struct io_op *op);
const char *op_verb(uint16_t op); /* "read", "list" ... */

#endif
