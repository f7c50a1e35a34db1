/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects in memory, per root. A store belongs to the process, not to one instance: what one instance wrote another
 * one of the same root reads, also after the first is gone. Objects stay until they are deleted or the plugin is
 * unloaded.
 *
 * A blob never changes once it is published; readers hold a reference and copy without any lock.
 */
#ifndef DLFW_PLUGIN_MEMORY_STORE_H
#define DLFW_PLUGIN_MEMORY_STORE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "dlfw/backend.h"

#define KEY_FORMAT "'%.*s'"
#define KEY_ARGS(req) (int)(req)->key_len, (req)->key

struct blob {
    _Atomic uint32_t refs;
    uint64_t size;
    uint8_t *data;
};

struct entry {
    struct entry *next; /* in its bucket */
    uint64_t hash;
    struct blob *blob; /* NULL: a directory */
    uint64_t mtime_ns;
    uint32_t key_len;
    char key[];
};

struct store {
    struct store *next;
    uint32_t users;        /* instances */
    pthread_rwlock_t lock; /* all below */
    struct entry **buckets;
    uint64_t bucket_count; /* power of two */
    uint64_t entry_count;
    uint64_t object_count;
    uint64_t bytes;
    char root[];
};

/* The store of root, made when there is none. NULL: out of memory. */
struct store *store_join(const char *root);
void store_leave(struct store *s);
/* Frees every store that nobody uses. */
void store_forget_all(void);

/* data is taken over and was allocated with malloc; NULL: out of memory, data stays the caller's. */
struct blob *blob_create(uint8_t *data, uint64_t size);
void blob_release(struct blob *b); /* NULL is fine */

/* A reference to the object's blob; *ret is NULL when there is none. Directories are DLFW_E_INVALID. */
dlfw_status store_find(struct store *s, const char *key, uint32_t key_len, struct blob **ret, uint64_t *ret_mtime_ns,
                       dlfw_error *err);
/* Makes blob visible as key at once, and the directories that key lies in. The store takes over the reference. */
dlfw_status store_publish(struct store *s, const char *key, uint32_t key_len, struct blob *blob, bool exclusive,
                          uint64_t capacity, dlfw_error *err);
dlfw_status store_delete(struct store *s, const char *key, uint32_t key_len, dlfw_error *err);
dlfw_status store_make_dir(struct store *s, const char *key, uint32_t key_len, dlfw_error *err);
dlfw_status store_remove_dir(struct store *s, const char *key, uint32_t key_len, dlfw_error *err); /* an empty one */
bool store_is_dir(struct store *s, const char *key, uint32_t key_len); /* call with the lock held */

/* What comp.handle points to, first member of each kind of handle. */
enum handle_kind { HANDLE_READ = 1, HANDLE_WRITE, HANDLE_LIST };
struct handle {
    enum handle_kind kind;
};

struct dlfw_backend {
    const dlfw_host *host;
    struct store *store;
    uint64_t capacity;
    _Atomic uint64_t requests;
    _Atomic uint64_t bytes_read;
    _Atomic uint64_t bytes_written;
};

/* write.c */
dlfw_status write_begin(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp);
dlfw_status write_put(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp);
dlfw_status write_part(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp);
dlfw_status write_commit(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp);
dlfw_status write_abort(const dlfw_req *req);

/* list.c */
dlfw_status list_page(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp);
struct list_handle;
void list_close(struct list_handle *h); /* NULL is fine */

#endif
