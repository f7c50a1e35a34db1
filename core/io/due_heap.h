/* SPDX-License-Identifier: Apache-2.0 */
/* Things that are due at a time, earliest first: requests in their backoff, completions held back. Room for cap entries
 * is taken once. */
#ifndef DLFW_CORE_IO_DUE_HEAP_H
#define DLFW_CORE_IO_DUE_HEAP_H

#include <stdint.h>

struct due_entry {
    uint64_t due_ns;
    void *item;
};

struct due_heap {
    struct due_entry *entries; /* a binary heap; entries[0] is due first */
    uint32_t count;
    uint32_t cap;
};

void due_create(struct due_heap *h, uint32_t cap);
void due_destroy(struct due_heap *h);
void due_add(struct due_heap *h, uint64_t due_ns, void *item);
uint64_t due_next(const struct due_heap *h);            /* UINT64_MAX: empty */
void *due_take(struct due_heap *h);                     /* the first; NULL: empty */
void due_set_now(struct due_heap *h, const void *item); /* item, if it is here, becomes due at once */

#endif
