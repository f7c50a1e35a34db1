/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine of the storage tools that move bytes: objects from one storage to another, many at once. One thread lists
 * and pushes items; workers, each with a queue per storage, take them. Large objects go in parallel ranges, small ones
 * in one GET and one PUT; the memory is bounded by the buffers in flight, and whatever the number of objects, nothing
 * else grows.
 *
 * An object appears at the target whole or not at all. What fails is counted and told; the others go on.
 */
#ifndef DLFW_CORE_TRANSFER_COPY_H
#define DLFW_CORE_TRANSFER_COPY_H

#include "io/storage.h"

struct copy;

enum copy_condition {
    COPY_ALWAYS,
    COPY_UNLESS_THERE, /* the target has it with the same size and is not older */
    COPY_UNLESS_EQUAL  /* the target has it with the same size and CRC-32C; stored checksums serve where both sides have
                          them, else both are read */
};

struct copy_item {
    const char *source_key; /* may be NULL where bytes are generated */
    const char *target_key; /* may be NULL where bytes are only read */
    uint64_t size;          /* of the object, UINT64_MAX: not known, asked first */
    uint64_t mtime_ns;      /* 0: not known */
    uint64_t offset;        /* first byte wanted */
    uint64_t length;        /* bytes wanted; UINT64_MAX: to the end. Cut at the end of the object */
    uint64_t index;         /* for generate */
    enum copy_condition condition;
};

enum copy_outcome {
    COPY_DONE,
    COPY_SAME,   /* not copied: its condition, or it exists and must not be replaced */
    COPY_FAILED, /* err says why */
    COPY_STOPPED /* not finished when the others had to stop */
};

struct copy_args {
    struct storage *source; /* NULL: generate makes the bytes */
    struct storage *target; /* NULL: bytes are read and dropped. The same as source: the service copies where it can */
    /* Bytes [offset, offset + len) of the item's object. [any thread] */
    void (*generate)(void *ctx, const struct copy_item *item, uint64_t offset, void *buf, uint64_t len);
    void *generate_ctx;
    uint32_t jobs;        /* parts in flight at most, all workers together; 0: 64 */
    uint64_t memory;      /* bytes of buffers at most; 0: COPY_MEMORY */
    uint16_t write_flags; /* DLFW_REQ_DURABLE, _EXCLUSIVE, _DROP_CACHE. EXCLUSIVE: what exists is COPY_SAME */
    /* CRC-32C of the bytes as read, compared with what the source and the target say of theirs; a target that does not
     * say is read back. */
    bool checksum;
    bool read_back; /* the copy is read back and compared in any case */
    /* zstd, 1 to 19: objects are stored compressed, each in one stream; 0: as they are. Conditions other than
     * COPY_ALWAYS do not go with it. */
    int32_t compress;
    bool fail_fast; /* the first failure ends it all */
    bool dry_run;   /* objects are looked at and compared, nothing is written: COPY_DONE is what would be copied */
    /* Each object, as it ends; one call at a time, not always from the same thread. May be NULL. */
    void (*each)(void *ctx, const struct copy_item *item, enum copy_outcome outcome, uint64_t bytes,
                 const dlfw_error *err);
    void *each_ctx;
    /* About ten times a second from copy_push and copy_finish, in the thread that called copy_start; may be NULL. */
    void (*tick)(void *ctx);
    void *tick_ctx;
};

#define COPY_MEMORY ((uint64_t)256 << 20)

struct copy_totals {
    uint64_t copied, same, failed, stopped; /* objects */
    uint64_t bytes;                         /* moved */
    uint64_t stored_bytes;                  /* with compress: what that has become */
    uint64_t verified;                      /* objects whose copy was compared */
    uint64_t by_service;                    /* objects copied by the service itself */
    uint64_t retries;
    struct histogram read_ns; /* requests that read the source */
};

/* Checks that the storages can do it. Nothing runs before the first push. */
dlfw_status copy_start(const struct copy_args *args, struct copy **ret, dlfw_error *err);
/* [any thread] Keys are copied. Waits while many are waiting. Fails when nothing more will be taken (a worker could not
 * work, fail_fast, Ctrl-C); copy_finish says why. */
dlfw_status copy_push(struct copy *c, const struct copy_item *item);
/* Waits until everything pushed has come to its end. An object that failed is no failure here, see totals; *ret is
 * filled whatever this returns. */
dlfw_status copy_finish(struct copy *c, struct copy_totals *ret, dlfw_error *err);
/* What is left is stopped; c is gone. NULL is fine. */
void copy_destroy(struct copy *c);

/* While it runs: [any thread] */
uint64_t copy_objects_done(const struct copy *c);
uint64_t copy_bytes_done(const struct copy *c);
/* Of what was pushed and is not left out: copy_bytes_done at the end. 0: some sizes are not known yet. */
uint64_t copy_bytes_expected(const struct copy *c);

#endif
