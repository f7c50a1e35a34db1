/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the copy engine share. A worker is one event loop: lanes carry operations to the storages, objects
 * step through their phases by operations of their own, and parts carry the bytes, one buffer each.
 */
#ifndef DLFW_CORE_TRANSFER_COPY_PARTS_H
#define DLFW_CORE_TRANSFER_COPY_PARTS_H

#include <pthread.h>

#include "io/buffer_pool.h"
#include "transfer/copy.h"
#include "transfer/copy_feed.h"

#define COPY_WORKERS_MAX 16u

struct copy_worker;
struct copy_object;

/* An operation in a lane. done is called once for each that was sent. */
struct copy_op {
    struct io_op io;
    struct copy_op *next; /* waiting in the lane */
    void (*done)(struct copy_worker *w, struct copy_op *op);
};

/* What goes to one storage: a queue, and what it had no room for. */
struct copy_lane {
    struct io_queue *queue;
    struct copy_op *head, *tail;
};

struct copy_part {
    struct copy_op op; /* first: an operation is its part */
    struct copy_object *object;
    struct copy_part *next; /* free */
    struct buffer buf;
    uint64_t offset; /* among the object's wanted bytes */
    uint64_t len;
    uint64_t got;
    uint64_t number;
};

/* In this order; each is left out where it has nothing to do. */
enum copy_phase {
    PHASE_SIZE,        /* STAT of the source */
    PHASE_THERE,       /* STAT of the target: is it the same already? */
    PHASE_SOURCE_INFO, /* STAT of the source for its checksum */
    PHASE_SCAN_SOURCE, /* reads for a checksum to compare */
    PHASE_SCAN_TARGET,
    PHASE_SERVICE, /* COPY */
    PHASE_OPEN,
    PHASE_BEGIN,
    PHASE_MOVE,    /* the bytes */
    PHASE_RECHECK, /* has the source kept its size? */
    PHASE_COMMIT,
    PHASE_TARGET_INFO, /* STAT of the target for its checksum */
    PHASE_READ_BACK,
    PHASE_DROP,  /* a copy that is not equal is deleted */
    PHASE_ABORT, /* an upload that was begun and not committed */
    PHASE_CLOSE,
    PHASE_END
};

struct copy_object {
    struct copy_op op; /* first: an operation is its object */
    struct copy_worker *w;
    struct copy_object *prev, *next; /* the worker's, oldest first */
    struct copy_item item;           /* keys are owned */
    char *source_key, *target_key;
    enum copy_phase phase;
    uint64_t total;    /* bytes to move */
    uint64_t expected; /* the same as it was counted for who watches; UINT64_MAX: not yet */
    void *info;        /* IO_INFO_BYTES for STAT; NULL: not needed yet */
    void *read_handle, *write_handle;
    bool is_open, is_begun, is_committed;
    bool one_put; /* one part, and where there is a target one PUT */
    bool same;    /* needs no copying */
    bool moved_by_service;
    bool verified;
    bool cleaned_again;

    /* a phase with parts */
    bool in_parts; /* such a phase is under way */
    uint64_t part_bytes;
    uint64_t next_offset, next_number;
    uint32_t parts_out; /* in flight */
    uint32_t crc;       /* of this phase's bytes, as far as they are there */

    uint32_t moved_crc; /* of PHASE_MOVE or PHASE_SCAN_SOURCE */
    bool has_source_crc, has_target_crc;
    uint32_t source_crc, target_crc; /* as stored, or as scanned */
    struct error_slot err;           /* status 0: good so far */
};

struct copy_worker {
    struct copy *c;
    pthread_t thread;
    struct copy_lane lanes[2];
    struct copy_lane *in, *out; /* the same lane where both sides are one storage; NULL: no such side */
    struct copy_part *parts;
    struct copy_part *free;
    uint32_t part_count, busy;
    struct copy_object *first, *last;
    uint32_t active, active_max;
    bool is_cancelled;
    bool waited_in; /* which lane was waited for last */
};

/* What the engine knows of a side. */
struct copy_side {
    struct storage *st; /* NULL: none */
    uint64_t caps, mask;
    dlfw_limits limits;
};

struct copy {
    struct copy_args args;
    struct copy_side source, target;
    struct copy_feed feed;
    pthread_t owner;            /* who gets the ticks */
    pthread_mutex_t start_lock; /* started, worker_max */
    struct copy_worker workers[COPY_WORKERS_MAX];
    uint32_t started, worker_max;
    uint32_t parts_per_worker;
    struct buffer_pool *pool;
    _Atomic uint32_t parts_busy; /* with a buffer, all workers together */
    _Atomic uint32_t running;    /* futex word */
    _Atomic bool stop;
    _Atomic uint64_t objects_done, bytes_done;
    _Atomic uint64_t bytes_expected, sizes_unknown;
    _Atomic bool service_copies; /* until it says that it cannot */
    pthread_mutex_t lock;        /* below, and each() */
    struct copy_totals totals;
    struct error_slot failure; /* of the engine, not of one object */
};

/* copy_engine.c */
bool copy_is_stopping(const struct copy *c);
/* Nothing more is begun; err: why, told by copy_finish. May be NULL. */
void copy_stop(struct copy *c, const dlfw_error *err);
void copy_count(struct copy *c, const struct copy_object *o);
/* Bytes that an item will move; UINT64_MAX: its size is not known. */
uint64_t copy_wanted(const struct copy_item *item);
/* The size of an object whose size was not known is now o->total. */
void copy_expect(struct copy_object *o);
void copy_count_stored(struct copy *c, uint64_t bytes);

/* copy_worker.c */
void *copy_worker_main(void *worker);
void copy_send(struct copy_worker *w, struct copy_lane *lane, struct copy_op *op);

/* copy_stream.c */
void copy_stream_loop(struct copy_worker *w);

/* copy_object.c */
/* Takes over the keys of item. */
void object_begin(struct copy_worker *w, const struct copy_item *item, char *source_key, char *target_key);
/* Steps on to the next phase that has something to wait for; the object may be gone afterwards. */
void object_advance(struct copy_object *o);
/* The first failure is kept. Not while operations of its own are out: those end first. */
void object_fail(struct copy_object *o, const dlfw_error *why);
/* It was published: that it should have been stopped came too late. */
void object_is_there(struct copy_object *o);
/* The same with a text that is prefixed by what cannot be done. */
dlfw_status object_refuse(struct copy_object *o, dlfw_status st, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline bool object_has_failed(const struct copy_object *o)
{
    return o->err.e.status < 0;
}

/* copy_plan.c */
/* How the bytes of a MOVE are cut; false: it cannot be done, and the object has failed. */
bool object_plan_move(struct copy_object *o);
/* Bytes per read of a SCAN. */
uint64_t object_scan_bytes(const struct copy_object *o);

/* All of the object is wanted. */
bool object_is_whole(const struct copy_object *o);
/* The phase reads the target, not the source. */
bool object_reads_target(const struct copy_object *o);

/* copy_part.c */
/* Starts the object's next part. False: there is none for now, and the object may be gone. */
bool part_issue(struct copy_object *o);
void part_phase_begin(struct copy_object *o, uint64_t part_bytes);

/* copy_verdict.c: what answers mean. The op is the object's own, and has succeeded. */
bool object_wants_crc(const struct copy_object *o);
dlfw_status object_changed(struct copy_object *o, uint64_t now);
/* Fixes what is wanted of the object, once its size is known. */
void object_cut_range(struct copy_object *o);
void object_take_size(struct copy_object *o);
void object_take_there(struct copy_object *o);
void object_take_source_info(struct copy_object *o);
void object_take_target_info(struct copy_object *o);
void object_take_recheck(struct copy_object *o);
void object_judge_moved(struct copy_object *o);
void object_judge_scans(struct copy_object *o);
void object_judge_copy(struct copy_object *o, uint32_t crc);

#endif
