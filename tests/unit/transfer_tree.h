/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backend that only has names: a sorted list of keys, listed in pages with or without groups, and deleted. Counts
 * what was asked of it, and fails where a test wants it to.
 */
#ifndef DLFW_TESTS_UNIT_TRANSFER_TREE_H
#define DLFW_TESTS_UNIT_TRANSFER_TREE_H

#include <pthread.h>

#include "io/storage.h"

struct tree_key {
    char *key;
    uint32_t seen; /* for the test */
    bool gone;
};

struct tree {
    struct tree_key *keys;
    uint32_t count;
    uint32_t page; /* names per page */
    uint64_t delay_ns;

    /* what fails: LIST of this prefix, DELETE of this key */
    const char *bad_prefix, *bad_key;
    dlfw_status bad_status;
    uint32_t throttle; /* so many DELETEs are one too many */

    pthread_mutex_t lock;
    uint32_t lists, deletes, cursors;
    uint32_t running[16], peak[16]; /* by operation */
    dlfw_backend_ops ops;
};

/* caps: DLFW_BACKEND_*. */
void tree_init(struct tree *t, uint64_t caps, uint32_t page);
void tree_add(struct tree *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct storage *tree_open(struct tree *t);                               /* no more keys afterwards */
struct tree_key *tree_find(struct tree *t, const char *key, size_t len); /* NULL: no such key */
uint32_t tree_left(struct tree *t);                                      /* keys that are not gone */
void tree_free(struct tree *t); /* the storage is closed; checks that no cursor is open */

#endif
