/* SPDX-License-Identifier: Apache-2.0 */
/* The storages behind the services: which one a URI belongs to, and queues to it. Private to the services. */
#ifndef DLFW_CORE_TRAIN_HOOK_STORAGE_H
#define DLFW_CORE_TRAIN_HOOK_STORAGE_H

#include <pthread.h>

#include "io/buffer_pool.h"
#include "train/hook_services.h"

struct idle_queue;

/* One opened storage; shared by everybody who works below its root. */
struct shared_storage {
    struct shared_storage *next;
    struct service_set *set;
    char *scheme;
    char *path; /* of the root */
    bool keep;  /* announced with services_add_root, or the run's own */
    bool stale; /* its folder was removed: nobody finds it any more */
    uint32_t users;
    uint64_t last_use;
    struct storage *storage; /* NULL: not opened yet */
    struct buffer_pool *pool;
    struct idle_queue *idle;
    uint32_t idle_count;
    bool has_root; /* the folder was made or seen */
};

struct service_set {
    struct service_env env;
    pthread_mutex_t lock; /* storages and their idle queues; held while one is opened */
    struct shared_storage *storages;
    uint32_t count;
    uint64_t uses;
};

/* A place in a storage; place_close ends it. */
struct place {
    struct shared_storage *shared;
    char *key; /* "": the root itself */
};

enum place_use { PLACE_OBJECT, PLACE_FOLDER };
dlfw_status place_open(struct service_set *set, const char *uri, enum place_use use, struct place *ret,
                       dlfw_error *err);
void place_close(struct place *p); /* a zeroed one is fine */
/* Once per storage: its root exists. */
dlfw_status place_make_root(struct place *p, struct io_queue *q, dlfw_error *err);
/* The root itself is gone: the next user opens the storage anew. */
void place_forget_root(struct place *p);

enum queue_kind {
    QUEUE_MOVING, /* writers and single operations: any thread, one at a time */
    QUEUE_SCAN    /* deep, for this thread only */
};
/* A queue with nothing in flight that nobody else uses. */
dlfw_status queue_take(struct shared_storage *s, enum queue_kind kind, struct io_queue **ret, dlfw_error *err);
/* broken: an operation failed in it, so that it is not worth keeping. */
void queue_give(struct shared_storage *s, enum queue_kind kind, struct io_queue *q, bool broken);

/* hook_scan.c: as source_scan of the services. */
typedef dlfw_status scan_piece(void *ctx, const void *data, uint64_t len, dlfw_error *err);
dlfw_status place_scan(struct place *p, uint64_t offset, uint64_t length, scan_piece *piece, void *ctx,
                       dlfw_error *err);

/* hook_stream.c */
dlfw_status stream_writer_open(struct service_set *set, const char *uri, uint64_t size_hint, uint32_t flags,
                               dlfw_writer **ret, dlfw_error *err);
dlfw_status stream_writer_append(dlfw_writer *w, const void *data, uint64_t len, dlfw_error *err);
dlfw_status stream_writer_window(dlfw_writer *w, void **ret, uint64_t *ret_len, dlfw_error *err);
dlfw_status stream_writer_advance(dlfw_writer *w, uint64_t n, dlfw_error *err);
dlfw_status stream_writer_commit(dlfw_writer *w, dlfw_error *err);
void stream_writer_abort(dlfw_writer *w);
dlfw_status stream_source_open(struct service_set *set, const char *uri, dlfw_source **ret, uint64_t *ret_size,
                               dlfw_error *err);
dlfw_status stream_source_read(dlfw_source *s, uint64_t offset, void *buf, uint64_t len, uint64_t *ret_bytes,
                               dlfw_error *err);
dlfw_status stream_source_scan(dlfw_source *s, uint64_t offset, uint64_t length, scan_piece *piece, void *ctx,
                               dlfw_error *err);
void stream_source_close(dlfw_source *s);

#endif
