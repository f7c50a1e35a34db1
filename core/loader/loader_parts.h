/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the loader's files share; nobody else includes this.
 *
 * Words: a position is an index into this rank's part of the epoch, 0 .. steps * batch; batch b holds positions [b *
 * batch, (b + 1) * batch). A visit reads one file for a run of consecutive positions. A slot holds one batch while it
 * is filled and used; batch b may only use slot b % slots, and only after batch b - slots was released. Positions are
 * claimed in order, under one lock, together with their memory, and the oldest batch is given its memory even beyond
 * the budget: so it never waits for memory that a later one holds, also when objects are larger than was known.
 */
#ifndef DLFW_CORE_LOADER_LOADER_PARTS_H
#define DLFW_CORE_LOADER_LOADER_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/futex.h"
#include "loader/loader.h"
#include "plugin/host_table.h"
#include "plugin/serial_lock.h"

#define KEY_CAP 1024
#define MAX_RANGES 64 /* that a format may want at once */
#define MAX_SPANS 256 /* that metadata may need in all */
#define PHASE                                                                                                          \
    4096u /* buffers keep the file offset's phase modulo this: copies run at full speed (docs/performance.md) */

/* The memory of one unit while samples point into it. */
struct unit_memory {
    struct buffer in;         /* bytes as stored */
    struct buffer out;        /* bytes as decoded, when the format needs them elsewhere */
    struct unit_memory *base; /* of the whole object, when its units share one buffer; else NULL */
    dlfw_view *views;         /* of the unit's samples; memory stays with the record */
    uint64_t view_cap;
    uint64_t first_sample, samples;
    uint64_t undelivered;  /* wanted samples that have no slot yet; the reader's */
    uint64_t reserved;     /* bytes of the budget */
    _Atomic uint32_t refs; /* the visit's own, and one per sample in a slot */
    struct unit_memory *next_free;
};

#define NOT_WAITING UINT64_MAX

enum { METADATA_UNKNOWN, METADATA_BEING_READ, METADATA_KNOWN };

struct slot {
    _Atomic uint64_t serves;    /* the batch that may fill it now */
    _Atomic uint32_t remaining; /* samples that have not arrived */
    _Atomic uint64_t bytes;
    bool handed_out; /* main thread only */
    dlfw_view *views;
    struct unit_memory **memory;
};

struct reader_thread {
    struct loader *loader;
    pthread_t thread;
    struct io_queue *queue; /* created and destroyed by the thread itself */
    const char *queue_mode;
    struct io_stats io; /* the queue's, copied while the thread is idle */
    uint32_t depth;     /* operations in flight */
    struct piece *pieces;
    struct piece *free_pieces;
    struct visit *visits; /* depth of them */
    struct visit *free_visits;
    struct visit *first_visit; /* active ones in order of claim */
    struct visit *last_visit;
    _Atomic uint64_t waits_for; /* sleeps until so many batches were released, 0: whatever happens; or NOT_WAITING */
    struct loader_epoch epoch;  /* of this thread */
    struct histogram decode_ns, sample_ns, stall_ns;
    struct legacy_random random; /* preprocess times */
    uint64_t first_request_ns;
};

struct loader {
    const struct run_config *cfg;
    struct loader_args args;
    const dlfw_format_ops *format_ops; /* NULL: payloads are not real */
    struct buffer_pool *pool;
    dlfw_limits limits;
    uint64_t piece_bytes;
    uint64_t start_align;  /* reads of ranges begin at multiples of this: the largest alignment of the backend */
    uint64_t unit;         /* samples that are read together; 1 .. samples per file */
    uint64_t max_size;     /* of the files whose size is known */
    uint64_t memory_limit; /* bytes that the pool may map */
    uint64_t slot_count;
    const dlfw_side *const *sides; /* of the format's instance */
    uint32_t side_count;
    bool reads_sides;             /* one of them has DLFW_SIDE_READ */
    _Atomic uint64_t *side_sizes; /* by file and side, 0: not asked yet, else bytes + 1; NULL: no side is read */
    /* by file, where a file is visited often: METADATA_*; the first visit reads what the format will remember */
    _Atomic uint8_t *metadata;
    bool keep_samples;
    bool has_open;  /* the backend has handles */
    bool on_demand; /* read_threads: 0, nothing is read ahead */

    /* the epoch */
    struct sample_order order;
    uint64_t shard_first;
    uint64_t position_end;
    uint64_t epoch_number;
    pthread_mutex_t claim_lock;
    uint64_t next_position;      /* under claim_lock */
    uint64_t reserved;           /* bytes, under claim_lock */
    uint64_t budget;             /* bytes of samples, under claim_lock; 0: streamed, nothing is kept */
    uint64_t budget_max;         /* what it may grow to, when nobody has set it */
    uint64_t decoded_max;        /* of the files so far, under claim_lock */
    _Atomic uint32_t epoch_word; /* odd: readers work; even: readers idle */
    _Atomic uint32_t idle_threads;
    _Atomic uint32_t stop; /* give up what is not needed any more */
    _Atomic uint32_t quit; /* threads end */

    struct slot *slots;
    uint64_t next_batch;               /* main thread: ordered delivery */
    uint64_t delivered_batches;        /* main thread */
    _Atomic uint64_t released_batches; /* equal to b: batches 0 .. b - 1 are over */
    _Atomic uint32_t completed_word;   /* grows with every finished batch and with a failure */
    _Atomic uint32_t main_waits;
    _Atomic uint32_t released_word; /* grows with every released batch and with memory that a reader gave back */
    _Atomic uint64_t demanded;      /* on_demand: batches below this may be read */

    pthread_mutex_t memory_lock;
    struct unit_memory *free_memory;

    _Atomic uint32_t failed;
    struct error_slot failure; /* written once, by who set failed */

    _Atomic uint32_t thread_count; /* that were started */
    struct reader_thread *threads;
};

/* claim.c: under the lock, the next run of positions of one file, with its memory. */
enum claim_result { CLAIM_TAKEN, CLAIM_LATER, CLAIM_FINISHED };
/* CLAIM_LATER: *releases is the number of released batches before which no other try can succeed, 0: not known. */
enum claim_result claim_next(struct loader *l, struct visit *v, uint64_t *releases);
void claim_return_memory(struct loader *l, struct unit_memory *m); /* last reference is gone */
struct unit_memory *claim_take_record(struct loader *l);           /* one reference */
void claim_grow(struct loader *l, uint64_t bytes);                 /* the object turned out larger */
void claim_grow_decoded(struct loader *l, uint64_t bytes,
                        uint64_t units); /* one of so many units of a file takes bytes more when decoded */
void claim_unreserve(struct loader *l, uint64_t bytes);         /* or smaller */
bool loader_reads_whole(const struct loader *l, uint64_t size); /* in one request, without opening it */

/* batch_ring.c */
dlfw_status ring_create(struct loader *l);
void ring_destroy(struct loader *l);
void ring_begin(struct loader *l);
/* The slot of the position's batch, NULL: it still serves an earlier one. Once it is there, it stays until all of the
 * batch's samples have arrived. */
struct slot *ring_slot(struct loader *l, uint64_t position);
void ring_arrived(struct loader *l, struct slot *s, uint32_t samples, uint64_t bytes);
/* How many batches must have been released before the batch has its slot; 0: not known. */
uint64_t ring_releases_before(const struct loader *l, uint64_t batch);
void ring_drop_all(struct loader *l);     /* readers are idle; gives back what undelivered batches hold */
void ring_tell_readers(struct loader *l); /* memory is free, or anything else than a slot */

/* visit.c */
struct visit *visit_alloc(struct reader_thread *t);
dlfw_status visits_create(struct reader_thread *t, dlfw_error *err);
void visits_destroy(struct reader_thread *t);
void visit_start(struct visit *v);   /* after claim_next filled it */
bool visit_advance(struct visit *v); /* submits what it can and delivers; true: something moved */
/* That nothing else than a slot keeps back: after how many releases it is there; else 0. */
uint64_t visit_releases_needed(const struct visit *v);
bool visit_finished(const struct visit *v); /* nothing in flight, everything delivered */
void visit_end(struct visit *v);            /* back to the free list */
void piece_completed(struct io_op *op);

/* prestat.c */
dlfw_status loader_prestat(struct loader *l, dlfw_error *err); /* before the first epoch */

/* reader_thread.c */
void *reader_main(void *arg);

void loader_fail(struct loader *l, const dlfw_error *err);           /* first one wins; wakes everybody */
dlfw_status loader_failure(const struct loader *l, dlfw_error *err); /* what loader_fail was told, DLFW_OK: nothing */

#endif
