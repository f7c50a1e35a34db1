/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts on their way through worker threads: one thread fills slots and takes them back in the same order, workers do
 * in between what takes time. As many parts are in memory as there are slots.
 */
#ifndef DLFW_CHECKPOINT_STORE_PART_RING_H
#define DLFW_CHECKPOINT_STORE_PART_RING_H

#include "part_codec.h"

#define RING_THREADS_MAX 256u

struct part_slot {
    uint8_t *raw, *stored; /* of the sizes the ring was made with; both aligned to a page */
    uint64_t raw_bytes, stored_bytes;
    uint64_t number;
    uint32_t raw_crc, stored_crc;
    void *user;         /* user_bytes of the maker */
    dlfw_status status; /* of the work */
    char why[256];
};

/* Runs in a worker; a failure goes into the slot. */
typedef dlfw_status part_work(void *ctx, struct part_coder *coder, struct part_slot *slot, dlfw_error *reterr);

struct part_ring_args {
    const dlfw_host *host;
    part_work *work;
    void *ctx;
    uint32_t threads;                             /* from 1 */
    uint32_t slots;                               /* from 1 */
    uint64_t raw_bytes, stored_bytes, user_bytes; /* of a slot */
    int32_t level;
};

struct part_ring;

dlfw_status part_ring_create(const struct part_ring_args *args, struct part_ring **ret, dlfw_error *reterr);
void part_ring_destroy(struct part_ring *r); /* lets running work end; NULL is fine */
/* The next slot to fill; NULL: all are on their way, take one. */
struct part_slot *part_ring_next(struct part_ring *r);
/* Sends the slot that next() gave on its way. */
void part_ring_send(struct part_ring *r);
/* Waits for the oldest slot on its way; NULL: there is none. It is free again with the next call. Its failure is
 * returned. */
dlfw_status part_ring_take(struct part_ring *r, struct part_slot **ret, dlfw_error *reterr);

/* How many slots fit a memory budget, at most two per thread and one; 0: not even one. */
uint32_t part_ring_slots(uint64_t memory_budget, uint32_t threads, uint64_t raw_bytes, uint64_t stored_bytes);

#endif
