/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing objects: listing and deleting overlap, memory does not grow with their number. Each worker of the walk
 * deletes the page that it holds, so keys are never copied; how many deletes are in flight over all workers is found
 * out on the way (removal_gate.h).
 */
#ifndef DLFW_CORE_TRANSFER_REMOVAL_H
#define DLFW_CORE_TRANSFER_REMOVAL_H

#include "transfer/listing.h"
#include "transfer/matching.h"

struct removal_gate;

struct removal_key {
    const char *key;
    uint32_t len;
    uint64_t size; /* for the caller */
};

/* Does op (DELETE, STAT) to each key, many in flight; each is told in the order of completion. gate may be NULL. */
typedef void removal_each(void *ctx, const struct removal_key *key, const struct io_op *op);
void removal_keys(struct io_queue *q, uint16_t op, const struct removal_key *keys, uint32_t count,
                  struct removal_gate *gate, removal_each *each, void *ctx);
/* Depth of a queue that removal_keys is given. */
uint32_t removal_depth(const struct storage *st);

struct removal_args {
    struct storage *storage;
    const char *prefix;
    const struct matching *matching; /* of the keys that go; NULL: all, and where there are folders, these too */
    bool recursive;
    bool dry_run;
    uint32_t jobs;           /* deletes in flight at most; 0: found out */
    _Atomic uint64_t *done;  /* counts objects on the way */
    _Atomic uint64_t *bytes; /* and what they had, where that is known */
    void *ctx;
    /* With dry_run: each object that would go, and each folder, whose name ends in '/' or is "". [several threads] */
    void (*found)(void *ctx, uint32_t worker, const char *name, uint32_t name_len);
    void (*tick)(void *ctx); /* as in listing_args */
};

struct removal_result {
    uint64_t objects, folders;
    uint64_t failed;   /* objects and folders that are still there */
    uint64_t unlisted; /* folders that could not be listed */
};

/* Objects that went away meanwhile are no failures. A failure ends nothing; the first is told in err. */
dlfw_status removal_run(const struct removal_args *args, struct removal_result *ret, dlfw_error *err);

#endif
