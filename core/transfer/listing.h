/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking over the names below a prefix, page by page, as fast as the storage gives them and in constant memory.
 *
 * Several workers list at once, each a thread with a queue of its own. Where objects are local files every folder is a
 * unit of work. Where each request is a stream of its own, one page is asked for first; if that is not all, folders are
 * opened one level at a time until there is one for each worker, and each of these is listed with all below it.
 * Everywhere else one worker lists all. Names come in no order. Pages are handed over by the worker that has them, or,
 * with slow_pages, by whichever worker is free.
 */
#ifndef DLFW_CORE_TRANSFER_LISTING_H
#define DLFW_CORE_TRANSFER_LISTING_H

#include "io/storage.h"

#define LISTING_WORKERS_MAX 64u

struct listing_worker {
    uint32_t index;         /* below listing_workers() */
    struct io_queue *queue; /* nothing is in flight; page(), enter() and leave() may use it */
};

struct listing_folder;

struct listing_page {
    dlfw_list_entry *entries; /* the names of groups end in '/' and have no size */
    uint32_t count;
    const char *names;             /* a name is at name_off of its entry: the full key below the storage's root */
    struct listing_folder *folder; /* where they were listed */
};

struct listing_args {
    struct storage *storage;
    const char *prefix; /* "" or a folder's name */
    bool recursive;     /* objects everywhere below, else objects and groups of one level */
    bool slow_pages;    /* page() takes longer than listing */
    uint32_t workers;   /* at most; 0: what suits the storage */
    uint32_t depth;     /* of each worker's queue; 0: 1 */
    void *ctx;
    /* False ends the walk, which is no failure. [worker, several at once] */
    bool (*page)(void *ctx, struct listing_worker *w, const struct listing_page *page);
    /* Where folders are units of work: may each be NULL. enter: false leaves the folder, found in another, out. leave:
     * all pages of it have been handed over and done with, and so have those of all folders in it, none of which was
     * spoiled; the prefix itself comes last; false spoils the folder that it lies in. [worker, several at once] */
    bool (*enter)(void *ctx, struct listing_worker *w, struct listing_folder *in, const char *name, uint32_t name_len);
    bool (*leave)(void *ctx, struct listing_worker *w, const char *name, uint32_t name_len);
    /* Ten times a second; may be NULL. [the caller's thread] */
    void (*tick)(void *ctx);
};

/* Workers that listing_run will have at most. */
uint32_t listing_workers(const struct listing_args *args);
/* Goes on with other folders after one could not be listed; *ret_failed says how many could not, and err is about the
 * first. DLFW_E_CANCELLED after Ctrl-C. */
dlfw_status listing_run(const struct listing_args *args, uint64_t *ret_failed, dlfw_error *err);
/* Something in the folder could not be done: neither it nor the folders that it lies in are left. [worker] */
void listing_spoil(struct listing_folder *folder);

#endif
