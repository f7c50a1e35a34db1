/* SPDX-License-Identifier: Apache-2.0 */
/* Invariant: entries[i].due_ns <= entries[2i+1].due_ns and entries[2i+2].due_ns. */
#include "io/due_heap.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/str.h"

void due_create(struct due_heap *h, uint32_t cap)
{
    *h = (struct due_heap){.entries = xcalloc(cap, sizeof *h->entries), .cap = cap};
}

void due_destroy(struct due_heap *h)
{
    free(h->entries);
    *h = (struct due_heap){0};
}

static void sift_up(struct due_heap *h, uint32_t i)
{
    struct due_entry moved = h->entries[i];

    while (i && h->entries[(i - 1) / 2].due_ns > moved.due_ns) {
        h->entries[i] = h->entries[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    h->entries[i] = moved;
}

void due_add(struct due_heap *h, uint64_t due_ns, void *item)
{
    DLFW_BUG_IF(h->count == h->cap);
    h->entries[h->count] = (struct due_entry){due_ns, item};
    sift_up(h, h->count++);
}

uint64_t due_next(const struct due_heap *h)
{
    return h->count ? h->entries[0].due_ns : UINT64_MAX;
}

void *due_take(struct due_heap *h)
{
    struct due_entry last;
    void *item;
    uint32_t i = 0, child;

    if (!h->count)
        return NULL;
    item = h->entries[0].item;
    last = h->entries[--h->count];
    while ((child = 2 * i + 1) < h->count) {
        if (child + 1 < h->count && h->entries[child + 1].due_ns < h->entries[child].due_ns)
            child++;
        if (last.due_ns <= h->entries[child].due_ns)
            break;
        h->entries[i] = h->entries[child];
        i = child;
    }
    h->entries[i] = last;
    return item;
}

void due_set_now(struct due_heap *h, const void *item)
{
    for (uint32_t i = 0; i < h->count; i++) {
        if (h->entries[i].item != item)
            continue;
        h->entries[i].due_ns = 0;
        sift_up(h, i);
        return;
    }
}
