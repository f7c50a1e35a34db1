/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many ranges of a large object are read at once, and how long each is: by what was measured of this storage. More
 * streams are tried while the sum of all gets faster, fewer when that costs nothing. Knows no queue and no clock of its
 * own; one per storage, used by all its queues. [any thread]
 */
#ifndef DLFW_CORE_IO_SPLIT_H
#define DLFW_CORE_IO_SPLIT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "io/storage_options.h"

#define SPLIT_STREAMS_MAX 16u
#define SPLIT_PART_LEAST ((uint64_t)4 << 20)
#define SPLIT_PART_MOST ((uint64_t)64 << 20)
/* A read of this size is cut even for one stream, so that the number can change while it goes on. */
#define SPLIT_ALWAYS ((uint64_t)256 << 20)

enum split_step { SPLIT_MEASURE, SPLIT_TRY_MORE, SPLIT_TRY_FEWER };

struct split_control {
    enum split_mode mode;
    uint64_t fixed_bytes;
    _Atomic uint32_t streams;    /* of one read, now */
    _Atomic uint64_t part_least; /* bytes */

    pthread_mutex_t lock;                /* all below */
    uint64_t first_byte_ns, stream_rate; /* moving means of single requests; 0: not known. rate: bytes per second */
    uint32_t generation;                 /* of streams: what began under another number is not counted */
    uint32_t active;                     /* requests that are measured, in flight */
    uint32_t active_max;                 /* in this window */
    uint64_t busy_since, busy_ns;        /* of this window */
    uint64_t window_bytes;
    uint32_t window_requests;
    enum split_step step;
    double base_rate;        /* of the accepted number; bytes per second */
    uint32_t base;           /* the accepted number */
    uint32_t rest, rest_for; /* windows until the next try; how long the next rest is */
    bool fewer_next;
    uint64_t changes; /* accepted numbers, for figures */
};

void split_init(struct split_control *c, enum split_mode mode, uint64_t fixed_bytes);
void split_fini(struct split_control *c);

/* The smallest read that is looked at; UINT64_MAX: none is. */
uint64_t split_from(const struct split_control *c);
/* Streams for a read of which left bytes are still to be asked for; 1: as one request, unless it is SPLIT_ALWAYS long.
 */
uint32_t split_streams(const struct split_control *c, uint64_t left);
/* Bytes of the next request. most: of the backend, 0: no limit. */
uint64_t split_part(const struct split_control *c, uint64_t left, uint64_t most);

/* Around each measured request. Returns the generation that split_done wants. */
uint32_t split_begin(struct split_control *c, uint64_t now);
/* bytes 0: it failed. first_byte_ns: from its start to its first byte, 0: not known; took_ns: from its start to its
 * end. */
void split_done(struct split_control *c, uint32_t generation, uint64_t bytes, uint64_t first_byte_ns, uint64_t took_ns,
                uint64_t now);

#endif
