/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making one folder like another: which objects are missing or differ, and which are too many.
 *
 * The target is listed into a table, then the source is listed and each name looked up; what differs is pushed at once.
 * The table has a fixed size. When the target has more names than it holds, the same two listings are run again for
 * each further part of the names, so that memory stays constant and only listings are repeated.
 */
#ifndef DLFW_CORE_TRANSFER_SYNC_H
#define DLFW_CORE_TRANSFER_SYNC_H

#include "transfer/copy_tree.h"

#define SYNC_TABLE_BYTES ((uint64_t)64 << 20) /* about 1.2 million names */

struct sync_args {
    struct storage *source, *target;
    const char *from, *to;       /* folders in them: "" or without '/' at their end */
    const struct matching *only; /* NULL: all; names of the target that do not match are never too many */
    bool to_local;
    bool by_checksum;     /* equal sizes: contents are compared, not times */
    uint64_t table_bytes; /* 0: SYNC_TABLE_BYTES */
    void *ctx;
    /* False: no more. One call at a time, from several threads. */
    bool (*take)(void *ctx, const struct copy_item *item);
    void (*refuse)(void *ctx, const char *key, const char *why);
    /* One call at a time, from several threads; only from sync_remove. removed: it is gone (always with dry_run). */
    void (*removed)(void *ctx, const char *key, const dlfw_error *err);
    void (*tick)(void *ctx); /* may be NULL. [the caller's thread] */
    bool dry_run;            /* nothing is removed */
};

struct sync_counts {
    uint64_t same;    /* found equal without reading them */
    uint64_t markers; /* left out */
    uint64_t removed, not_removed;
};

struct sync;

void sync_create(const struct sync_args *args, struct sync **ret);
void sync_destroy(struct sync *s); /* NULL is fine */
/* Both listings; fails when either did not come to its end. A target folder that is not there yet is empty. */
dlfw_status sync_compare(struct sync *s, dlfw_error *err);
/* After sync_compare was good and everything is copied: deletes what the target had and the source has not. */
dlfw_status sync_remove(struct sync *s, dlfw_error *err);
struct sync_counts sync_counted(const struct sync *s);
uint64_t sync_same(const struct sync *s); /* [any thread] found equal so far */

#endif
