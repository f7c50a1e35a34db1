/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a walk, shared by listing.c (threads and their work) and listing_folder.c (one folder). */
#ifndef DLFW_CORE_TRANSFER_LISTING_PARTS_H
#define DLFW_CORE_TRANSFER_LISTING_PARTS_H

#include <pthread.h>

#include "transfer/listing.h"

#define LISTING_PAGE_BYTES 131072u
/* Folders that wait at most; what is found beyond is listed at once, where it is found. */
#define LISTING_WAITING_MAX 65536u
#define LISTING_NESTED_MAX 64u /* levels of that; deeper ones wait in any case */

enum listing_plan {
    PLAN_LEVEL,   /* one level is wanted */
    PLAN_WHOLE,   /* the storage walks */
    PLAN_FOLDERS, /* every folder is a unit of work */
    PLAN_SPREAD   /* folders are opened until there are enough */
};

/* A folder that is to be listed, is being listed, or has parts that are not done with. */
struct listing_folder {
    struct listing_folder *next;
    struct listing_folder *parent; /* NULL: the prefix */
    _Atomic uint32_t refs;         /* its own listing, its pages, its folders */
    _Atomic bool spoiled;
    uint32_t name_len;
    char name[];
};

struct page_buffer {
    struct page_buffer *next;
    struct listing_page page;
    _Alignas(8) uint8_t bytes[LISTING_PAGE_BYTES];
};

struct walk {
    const struct listing_args *args;
    enum listing_plan plan;
    uint32_t worker_max;
    _Atomic bool stop;
    _Atomic uint32_t idle, busy, waiting; /* workers, workers and folders; changed under lock, read as hints */

    pthread_mutex_t lock;
    pthread_cond_t work, progress;
    struct listing_folder *folders; /* last found first */
    struct page_buffer *pages;
    struct page_buffer *spare;
    uint32_t buffers;
    uint32_t started, ended;
    uint64_t failed;
    dlfw_status status;
    struct error_slot err;
    pthread_t threads[LISTING_WORKERS_MAX];
};

struct listing_folder *folder_new(struct listing_folder *parent, const char *name, uint32_t name_len);
/* One part of the folder is done with. */
void folder_done(struct walk *walk, struct listing_worker *w, struct listing_folder *f);

void walk_add_folder(struct walk *walk, struct listing_folder *f);
/* Another worker hands the page over; false: none is free. */
bool walk_give_page(struct walk *walk, struct page_buffer *b);
struct page_buffer *walk_take_buffer(struct walk *walk);
void walk_put_buffer(struct walk *walk, struct page_buffer *b);
/* One folder, or the walk as a whole, has failed. */
void walk_fail(struct walk *walk, dlfw_status st, const dlfw_error *err);

void walk_list(struct walk *walk, struct listing_worker *w, struct listing_folder *f, uint32_t nested);
void walk_page(struct walk *walk, struct listing_worker *w, struct page_buffer *b);

#endif
