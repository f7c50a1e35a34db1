/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The storage engine's face: one opened backend instance (with its wrappers), and per thread one queue to it.
 *
 * The queue is the same for every backend: native queues, perform() called inline (depth 1) or from a pool (depth > 1)
 * look alike. It widens reads to what the backend wants, retries what may be retried, keeps deadlines, and measures. A
 * caller fills an io_op, submits it and gets it back from reap; it never sees dlfw_req.
 */
#ifndef DLFW_CORE_IO_STORAGE_H
#define DLFW_CORE_IO_STORAGE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/histogram.h"
#include "config/schema.h"
#include "dlfw/backend.h"
#include "plugin/registry.h"

struct storage;
struct io_queue;

struct storage_args {
    struct registry *registry;
    const char *uri;        /* root of all keys: "data/unet3d", "s3://bucket/x" */
    struct node_tree *tree; /* options live in its arena */
    /* storage.storage_options: the plugin's, and the engine's own (endpoint_uris, split ...: io/storage_options.h);
     * keys that nobody knows are problems. May be NULL */
    const dlfw_node *options;
    const dlfw_node *wrap;  /* storage.wrap: list of {delay: {...}} and so on; first = outermost. May be NULL */
    const dlfw_node *retry; /* storage.retry: {max_attempts, backoff, max_backoff, timeout}. May be NULL */
    const char *name;       /* for messages: "dataset", "checkpoint" */
    /* Configuration mistakes go here; any error there fails the call with DLFW_E_CONFIG. May be NULL */
    struct problem_list *problems;
    bool check_only;      /* validate options, then close: *ret is NULL */
    bool needs_endpoints; /* a storage that lies below none of storage.endpoint_uris is a mistake, not left alone */
    uint32_t rank;        /* for use_mpi_endpoint_distribution */
};

dlfw_status storage_open(const struct storage_args *args, struct storage **ret, dlfw_error *err);
/* The same on a backend that the caller has created and destroys after storage_close: tests, and backends inside the
 * program. registry and check_only of args are not looked at, of options only what is the engine's. */
dlfw_status storage_open_ops(const dlfw_backend_ops *ops, dlfw_backend *be, const char *uri,
                             const struct storage_args *args, struct storage **ret, dlfw_error *err);
/* The same on several that hold the same objects behind different endpoints. */
struct storage_instance {
    const dlfw_backend_ops *ops;
    dlfw_backend *be;
    const char *name; /* its URI */
};
dlfw_status storage_open_instances(const struct storage_instance *instances, uint32_t count, const char *uri,
                                   const struct storage_args *args, struct storage **ret, dlfw_error *err);
/* All queues are gone. NULL is fine. */
void storage_close(struct storage *st);

const char *storage_uri(const struct storage *st);    /* as given */
const char *storage_scheme(const struct storage *st); /* "file" */
uint64_t storage_caps(const struct storage *st);      /* DLFW_BACKEND_* */
uint64_t storage_op_mask(const struct storage *st);
/* Limits of a key; defaults filled in (alignments at least 1). */
dlfw_status storage_limits(struct storage *st, const char *key, size_t key_len, dlfw_limits *ret, dlfw_error *err);
/* Its size, when some answer of the last storage.size_cache told it. [any thread] */
bool storage_known_size(struct storage *st, const char *key, size_t key_len, uint64_t *ret);
/* For `validate --probe`. */
dlfw_status storage_probe(struct storage *st, dlfw_error *err);
/* The plugin's own figures. */
void storage_stats(struct storage *st, const dlfw_stat_sink *sink);
/* Endpoints that requests are spread over; 1: there is no choice, and no figures. */
uint32_t storage_endpoint_count(const struct storage *st);
struct storage_endpoint {
    const char *name; /* lives with the storage */
    uint64_t requests, bytes_read, bytes_written;
    uint64_t errors; /* not reached, broken off, late */
    uint64_t times_set_aside;
    uint64_t service_ns; /* moving mean, from a request's submission to its completion */
    uint32_t in_flight;
    bool is_aside; /* now */
};
void storage_endpoint_get(const struct storage *st, uint32_t index, struct storage_endpoint *ret);
/* Offers a slab to the backend once; 0 when it does not register memory. */
uint64_t storage_register(struct storage *st, void *base, uint64_t len);
void storage_unregister(struct storage *st, uint64_t handle);

/* One operation. The caller owns it and fills the first part; it must stay where it is until it comes back from reap.
 * handle is filled by reap after OPEN, WRITE_BEGIN and LIST. key may be given beside handle, for messages. */
struct io_op {
    uint16_t op;    /* DLFW_OP_* */
    uint16_t flags; /* DLFW_REQ_* */
    uint32_t key_len;
    const char *key; /* relative to the storage's root */
    void *handle;
    void *buf;
    uint64_t buf_cap;
    uint64_t offset;
    uint64_t length;
    uint64_t arg;
    uint64_t mem_handle;  /* of the registered region that holds buf, 0: none */
    uint64_t deadline_ns; /* 0: the storage's default */
    void *user;

    /* filled by reap */
    dlfw_status status;
    uint32_t comp_flags;  /* DLFW_COMP_*, DLFW_ERR_* */
    uint8_t *data;        /* GET: the first wanted byte; buf, or inside it after widening */
    uint64_t bytes;       /* GET: wanted bytes that are there, < length only at the end of the object */
    uint64_t object_size; /* UINT64_MAX: unknown */
    uint64_t submit_ns;   /* first submission */
    uint64_t first_byte_ns;
    uint64_t done_ns;
    uint32_t attempts;     /* 1: first try succeeded */
    struct error_slot err; /* when status < 0: one line that names the key */

    struct io_slot *slot; /* the queue's */
};

/* Bytes of buffer (aligned to mem_align) that reading [offset, offset + length) needs under limits, when widened. */
uint64_t io_read_cap(const dlfw_limits *limits, uint64_t offset, uint64_t length);

/* What a queue did, for reports; merged over queues with io_stats_merge. */
struct io_stats {
    uint64_t requests[16];  /* by op */
    uint64_t bytes_read;    /* delivered to callers */
    uint64_t bytes_fetched; /* moved by the backend, widening included */
    uint64_t bytes_written;
    uint64_t split_reads; /* GETs that were read as several requests */
    uint64_t retries;
    uint64_t throttled;
    uint64_t errors; /* operations that failed for good */
    struct histogram open_ns;
    struct histogram read_ns;       /* submit to done, all attempts */
    struct histogram first_byte_ns; /* where the backend knows it */
    struct histogram write_ns;
    struct histogram commit_ns;
};
/* Requests of this process that failed or were tried again so far, for who watches; reports take the stats. */
extern _Atomic uint64_t io_trouble;
void io_stats_merge(struct io_stats *into, const struct io_stats *from);

/* depth: operations in flight at most. One thread uses a queue. */
dlfw_status io_queue_create(struct storage *st, uint32_t depth, struct io_queue **ret, dlfw_error *err);
/* The same for one thread at a time, not always the same one. */
dlfw_status io_queue_create_moving(struct storage *st, uint32_t depth, struct io_queue **ret, dlfw_error *err);
/* Cancels and drains what is in flight, then destroys. NULL is fine. */
void io_queue_destroy(struct io_queue *q);
uint32_t io_queue_depth(const struct io_queue *q); /* what may really be in flight: 1 for inline perform() */
uint32_t io_queue_inflight(const struct io_queue *q);
const char *io_queue_mode(const struct io_queue *q); /* "native", "inline", "pool" */
const struct io_stats *io_queue_stats(const struct io_queue *q);
/* False when depth operations are in flight. Failures arrive as completions. Never blocks (inline perform() runs inside
 * reap). */
bool io_queue_submit(struct io_queue *q, struct io_op *op);
/* At least min completions (capped by what is in flight) unless timeout_ns passed, wakeup, or cancellation. */
uint32_t io_queue_reap(struct io_queue *q, struct io_op **done, uint32_t max, uint32_t min, uint64_t timeout_ns);
void io_queue_cancel(struct io_queue *q); /* a wish for everything in flight; completions still come */
void io_queue_wakeup(struct io_queue *q); /* [any thread] */
/* For who waits for several queues at once: after a reap that returned 0 it polls readable when reap would make
 * progress; call reap every 10 ms even so. -1: this queue has none. */
int32_t io_queue_wait_fd(struct io_queue *q);

/* Blocking shorthands over a queue with nothing else in flight. op's result fields are filled; returns op->status. err
 * may be NULL. */
dlfw_status io_call(struct io_queue *q, struct io_op *op, dlfw_error *err);
dlfw_status io_stat(struct io_queue *q, const char *key, uint64_t *ret_size, dlfw_error *err);
dlfw_status io_delete(struct io_queue *q, const char *key, dlfw_error *err);
/* The same, unless an answer of the last storage.size_cache told it. */
dlfw_status io_size(struct io_queue *q, const char *key, uint64_t *ret_size, dlfw_error *err);
/* Sizes of many objects, as many questions at once as the queue takes; those that are known are not asked for. key puts
 * the object's key into buf and returns its length, 0: leave it out. got: status as of STAT. */
struct io_many {
    uint64_t count;
    uint32_t (*key)(void *ctx, uint64_t index, char *buf, uint32_t cap);
    void (*got)(void *ctx, uint64_t index, dlfw_status status, uint64_t size);
    void *ctx;
};
void io_size_many(struct io_queue *q, const struct io_many *many);
/* All that the storage tells about an object; the size alone where it tells no more. Texts are NULL when unknown. */
struct io_object_info {
    uint64_t size;     /* UINT64_MAX: not known */
    uint64_t mtime_ns; /* since the epoch; 0: not known */
    bool has_crc32c, has_md5;
    uint32_t crc32c; /* of the object as stored */
    uint8_t md5[16];
    char *etag, *content_type, *content_encoding, *storage_class, *version;
    char *metadata; /* "name: value\n" lines */
};
/* *ret is to be freed, whatever this returns. */
dlfw_status io_info(struct io_queue *q, const char *key, struct io_object_info *ret, dlfw_error *err);
void io_object_info_free(struct io_object_info *info);
/* For who submits the STAT itself: memory for its buf (8-aligned), and what came into it. */
#define IO_INFO_BYTES 16384u
dlfw_status io_info_take(const struct io_op *op, struct io_object_info *ret, dlfw_error *err);
/* The service copies; UNSUPPORTED: it cannot, read and write instead. to_key appears at once or not at all. */
dlfw_status io_copy(struct io_queue *q, const char *from_key, const char *to_key, dlfw_error *err);
/* "": the root itself; "train/3": below it. */
dlfw_status io_make_root(struct io_queue *q, const char *key, dlfw_error *err);
/* Removes an empty root or a folder below it; DLFW_OK where the storage has no folders. */
dlfw_status io_remove_root(struct io_queue *q, const char *key, dlfw_error *err);
/* The whole of a small object, caller frees *ret (NUL-terminated, not counted). */
dlfw_status io_read_all(struct io_queue *q, const char *key, uint64_t max_bytes, char **ret, uint64_t *ret_len,
                        dlfw_error *err);
dlfw_status io_put(struct io_queue *q, const char *key, const void *data, uint64_t len, uint16_t flags,
                   dlfw_error *err);
/* Every name below prefix, page by page; each returns false to stop early. */
typedef bool io_list_each(void *ctx, const char *name, uint32_t name_len, uint64_t size);
dlfw_status io_list(struct io_queue *q, const char *prefix, bool recursive, io_list_each *each, void *ctx,
                    dlfw_error *err);
/* The same with all that a listing tells. */
struct io_listed {
    const char *name;
    uint32_t name_len;
    uint64_t size;     /* UINT64_MAX: not known */
    uint64_t mtime_ns; /* 0: not known */
};
typedef bool io_list_entry(void *ctx, const struct io_listed *entry);
dlfw_status io_list_entries(struct io_queue *q, const char *prefix, bool recursive, io_list_entry *each, void *ctx,
                            dlfw_error *err);

/* What killed writers left below prefix ("": everywhere), by the backend's own account. found returns 1: remove it.
 * [main] */
dlfw_status storage_leftovers(struct storage *st, const char *prefix,
                              int32_t (*found)(void *ctx, const char *name, uint32_t name_len, uint64_t size),
                              void *ctx, dlfw_error *err);

#endif
