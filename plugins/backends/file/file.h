/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instance shared by the backends `file` and `direct`: objects are regular files below one directory.
 *
 * Every path is resolved relative to one descriptor of that directory, and every key passes key_path() first, so
 * no request leaves the root by its name. All functions may run in any thread; only a ring belongs to one.
 */
#ifndef DLFW_PLUGIN_FILE_H
#define DLFW_PLUGIN_FILE_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "dlfw/backend.h"

#define KEY_FORMAT "'%.*s'"
#define KEY_ARGS(req) (int)(req)->key_len, (req)->key

/* Linux moves a little less than 2 GiB per call; a round number below keeps every step aligned. */
#define MAX_TRANSFER ((uint64_t)1 << 30)
#define RING_DEPTH_MAX 1024u /* requests in flight in one ring */
#define MAX_REGIONS 1024u    /* registered pieces of at most 1 GiB, the kernel's limit for one fixed buffer */
#define REGION_PLACE(id) ((uint32_t)((id) & (MAX_REGIONS - 1)))

struct file_options {
    uint32_t engine;
};

enum { ENGINE_AUTO, ENGINE_URING, ENGINE_PREAD };

/* What O_DIRECT wants; all 1 for buffered files. mem 0: not known yet. */
struct dio_align {
    uint32_t mem;
    uint32_t read;
    uint32_t write;
};

/* A registered slab, in the first of its places; the others only carry the id. id is 0 when the place is free; it
 * holds the first place and never repeats for another slab. */
struct region {
    uint64_t id;
    uint8_t *base;
    uint64_t total;  /* bytes */
    uint32_t pieces; /* places taken, one per GiB; 0 in all but the first */
};

struct file_counters {
    uint64_t requests;
    uint64_t bytes_read;
    uint64_t bytes_written;
};

struct dlfw_backend {
    const dlfw_host *host;
    void *host_ctx;
    const char *root;
    bool direct; /* O_DIRECT on every transfer */
    bool uring;  /* queue_create makes rings */
    bool forced; /* the user asked for uring by name: no other engine may take its place */

    pthread_mutex_t lock; /* opening of the root, align, regions */
    _Atomic int root_fd;  /* -1: not opened yet */
    _Atomic bool align_known;
    struct dio_align align; /* of the root's file system; valid once align_known */
    _Atomic uint64_t temp_counter;
    _Atomic uint32_t made_above; /* the root and directories above it that this instance made and nobody synced yet */

    struct region regions[MAX_REGIONS];
    uint64_t region_serial;
    _Atomic bool warned_memlock;

    _Atomic uint64_t requests;
    _Atomic uint64_t bytes_read;
    _Atomic uint64_t bytes_written;
};

/* What comp.handle points to, first member of each kind of handle. */
enum handle_kind { HANDLE_READ = 0x52454144, HANDLE_WRITE = 0x57524954, HANDLE_LIST = 0x4c495354 };
struct handle {
    enum handle_kind kind;
};

struct read_handle {
    struct handle head;
    int fd;
    uint64_t size; /* when it was opened */
    struct dio_align align;
    char key[]; /* for messages */
};

struct write_handle {
    struct handle head;
    int fd;         /* -1: closed by a commit */
    int lock_fd;    /* holds the lock until the file has its name; -1: fd does, or there is none */
    uint16_t flags; /* DLFW_REQ_* of WRITE_BEGIN */
    bool resized;   /* the file may be longer than its data: preallocated or padded */
    struct dio_align align;
    _Atomic uint64_t end; /* furthest byte written */
    char *temp;           /* path of the temporary file */
    char key[];           /* path it will get */
};

/* key.c */
enum key_use {
    KEY_OBJECT,  /* a file to read */
    KEY_PUBLISH, /* a file to write: not a name that temporary files have */
    KEY_GROUP    /* a directory; empty means the root and becomes "." */
};
dlfw_status key_path(const char *key, uint32_t key_len, enum key_use use, char path[PATH_MAX], dlfw_error *err);
bool key_is_temporary(const char *base, size_t len);

/* root.c */
dlfw_status root_get(dlfw_backend *be, int *ret, dlfw_error *err);
dlfw_status root_make(dlfw_backend *be, const char *path, dlfw_error *err);
/* Removes an empty directory; the root itself for ".". */
dlfw_status root_remove(dlfw_backend *be, const char *path, dlfw_error *err);
/* Creates the directories that path lies in. */
dlfw_status root_make_parents(int root, const char *path, dlfw_error *err);
/* The directory of path and all above it up to the root reach stable storage. */
dlfw_status root_sync_parents(dlfw_backend *be, int root, const char *path, dlfw_error *err);

/* direct_io.c */
dlfw_status dio_align_of_fd(int fd, const char *name, struct dio_align *ret, dlfw_error *err);
/* Alignment for an open file of this instance; 1 throughout without O_DIRECT. */
dlfw_status dio_align_get(dlfw_backend *be, int fd, const char *name, struct dio_align *ret, dlfw_error *err);
/* Where the root lies or would lie. */
dlfw_status dio_align_of_root(dlfw_backend *be, struct dio_align *ret, dlfw_error *err);
dlfw_status dio_check(const dlfw_req *req, uint64_t length, uint32_t mem, uint32_t range, const char *name,
                      dlfw_error *err);
/* Names what is wrong when an open with O_DIRECT failed. */
dlfw_status dio_open_fail(const dlfw_backend *be, int sys_errno, int root, const char *name, dlfw_error *err);

/* read.c */
dlfw_status read_open(dlfw_backend *be, const dlfw_req *req, char path[PATH_MAX], int *ret_fd, dlfw_error *err);
/* Bytes to ask the kernel for, after all checks. */
dlfw_status read_want(const dlfw_req *req, const struct dio_align *align, const char *name, uint64_t *ret,
                      dlfw_error *err);
/* True when a transfer of got bytes, the last of them a short one, ended at the end of the object beyond doubt. */
bool read_is_end(const dlfw_req *req, const struct dio_align *align, uint64_t got);
/* Continues at *got until want bytes, the end of the object or an error. size: of the object, UINT64_MAX unknown. */
dlfw_status read_rest(int fd, const dlfw_req *req, const struct dio_align *align, uint64_t size, uint64_t want,
                      uint64_t *got, const char *name, dlfw_error *err);
/* Turns got bytes of want into a completion; fd serves questions about the size. Also drops the cache. */
dlfw_status read_finish(int fd, const dlfw_req *req, uint64_t want, uint64_t got, dlfw_comp *comp, const char *name);
dlfw_status read_handle_of(const dlfw_req *req, struct read_handle **ret, dlfw_error *err);
dlfw_status read_get(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp);
dlfw_status read_open_handle(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp);
dlfw_status read_stat(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp);
void read_close(struct read_handle *h);

/* write.c */
dlfw_status write_begin(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp);
dlfw_status write_put(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp);
dlfw_status write_part(const dlfw_req *req, dlfw_comp *comp);
dlfw_status write_commit(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp);
dlfw_status write_abort(dlfw_backend *be, const dlfw_req *req);
dlfw_status write_handle_of(const dlfw_req *req, struct write_handle **ret, dlfw_error *err);
/* The pieces of a part, for the ring. A part is its aligned body, then with O_DIRECT a padded block for the rest. */
dlfw_status write_part_check(const struct write_handle *h, const dlfw_req *req, dlfw_error *err);
/* A zero-padded block with the last bytes of the part; NULL with *ret_len 0 when there are none. */
dlfw_status write_tail(const struct write_handle *h, const dlfw_req *req, void **ret, uint64_t *ret_len,
                       dlfw_error *err);
dlfw_status write_all(int fd, const void *data, uint64_t len, uint64_t offset, const char *name, dlfw_error *err);
dlfw_status write_part_finish(struct write_handle *h, const dlfw_req *req, dlfw_comp *comp);

/* copy.c */
dlfw_status copy_object(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp);

/* list.c */
dlfw_status list_page(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp);
struct list_handle;
void list_close(struct list_handle *h);

/* leftovers.c */
/* Claims a new temporary file for the writer that made it, so that everybody sees that it lives. *ret_lost: somebody
 * took it for a leftover in the moment before, and the writer needs another one. */
dlfw_status temp_claim(int fd, bool *ret_lost, const char *name, dlfw_error *err);
dlfw_status leftovers_find(dlfw_backend *be, const char *prefix,
                           int32_t (*found)(void *ctx, const char *name, uint32_t name_len, uint64_t size), void *ctx,
                           dlfw_error *err);

/* perform.c */
/* What every way of doing a request checks first. */
dlfw_status request_check(const dlfw_backend *be, const dlfw_req *req);
/* Does a checked request; comp->status is set. */
void request_perform(dlfw_backend *be, dlfw_req *req, dlfw_comp *comp);
void request_count(dlfw_backend *be, const struct file_counters *more);
void counters_add(struct file_counters *c, const dlfw_req *req, const dlfw_comp *comp);
/* Flags of a failed completion, from its error. */
void comp_fail(dlfw_comp *comp, const dlfw_req *req, dlfw_status status);

/* region.c */
dlfw_status region_add(dlfw_backend *be, void *base, uint64_t len, uint32_t kind, uint64_t *ret, dlfw_error *err);
void region_remove(dlfw_backend *be, uint64_t id);
bool region_find(dlfw_backend *be, uint64_t id, struct region *ret);

/* ring.c; without liburing at build time ring_try() says so and the others are not reached */
dlfw_status ring_try(dlfw_error *err);
dlfw_status ring_create(dlfw_backend *be, const dlfw_queue_args *args, dlfw_queue **ret, dlfw_error *err);
void ring_destroy(dlfw_queue *q);
int32_t ring_submit(dlfw_queue *q, dlfw_req *const *reqs, uint32_t n);
int32_t ring_reap(dlfw_queue *q, dlfw_comp *comps, uint32_t max, uint32_t min, uint64_t timeout_ns);
void ring_cancel(dlfw_queue *q, dlfw_req *req);
void ring_wakeup(dlfw_queue *q);
int32_t ring_wait_fd(dlfw_queue *q);

#endif
