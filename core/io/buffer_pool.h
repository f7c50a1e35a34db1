/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All payload memory of one storage instance: slabs of 2 MiB-aligned memory with huge pages asked for, cut into blocks,
 * never given back during a run except to make room for other sizes. Blocks are reused last-in first-out, so they are
 * hot. [any thread]
 */
#ifndef DLFW_CORE_IO_BUFFER_POOL_H
#define DLFW_CORE_IO_BUFFER_POOL_H

#include "io/storage.h"

struct buffer_pool;

struct buffer {
    uint8_t *data;            /* 4096-aligned */
    uint64_t cap;             /* >= what was asked for */
    uint64_t mem_handle;      /* 0: not registered */
    struct pool_block *block; /* the pool's */
};

/* st may be NULL (nothing is registered). limit: bytes mapped at most. */
dlfw_status pool_create(struct storage *st, uint64_t limit, struct buffer_pool **ret, dlfw_error *err);
void pool_destroy(struct buffer_pool *p);
/* Never waits: the caller has accounted for the bytes (loader budget). registered: from a slab offered to the backend
 * (small streaming buffers). NO_MEMORY names the limit. */
dlfw_status pool_take(struct buffer_pool *p, uint64_t bytes, bool registered, struct buffer *ret, dlfw_error *err);
void pool_give(struct buffer_pool *p, struct buffer *b); /* empties *b; empty is fine */
uint64_t pool_mapped(const struct buffer_pool *p);

#endif
