/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks come in classes of 1, 1.25, 1.5 and 1.75 times a power of two from 4 KiB on, so at most a fifth of a block is
 * wasted. Small classes are cut from slabs of a few huge pages, larger ones are mapped one by one. Every mapping is a
 * slab; it goes back to the kernel only when all its blocks are free and the limit would be passed otherwise.
 */
#include "io/buffer_pool.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/str.h"

#define PAGE 4096u
#define HUGE_PAGE ((uint64_t)2 << 20)
#define SLAB_MAX (4 * HUGE_PAGE) /* of slabs that hold several blocks */
#define CLASS_COUNT 144u         /* up to 2^48 bytes */
#define CLASS_SHIFT 12u

struct pool_block {
    uint8_t *data;
    struct pool_slab *slab;
    struct pool_block *next; /* in its class's free list */
};

struct pool_slab {
    uint8_t *base;
    uint64_t bytes;
    uint64_t mem_handle;
    uint32_t class_index;
    bool registered; /* was offered to the backend, which may have declined (mem_handle 0) */
    uint32_t block_count;
    uint32_t used; /* blocks that are out */
    struct pool_slab *next, *prev;
    struct pool_block blocks[];
};

struct buffer_pool {
    struct storage *st;
    uint64_t limit;
    pthread_mutex_t lock;
    _Atomic uint64_t mapped;
    struct pool_slab *slabs;
    struct pool_block *free[2][CLASS_COUNT]; /* [registered] */
};

/* The class of the smallest block that holds bytes (>= 1); CLASS_COUNT: none. */
static uint32_t class_of(uint64_t bytes)
{
    uint64_t need = (bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    uint32_t log, quarters;

    if (!need || need > (uint64_t)1 << 47)
        return CLASS_COUNT;
    log = 63u - (uint32_t)__builtin_clzll(need);
    quarters = (uint32_t)((need - ((uint64_t)1 << log) + ((uint64_t)1 << (log - 2)) - 1) >> (log - 2));
    return (log - CLASS_SHIFT) * 4 + quarters;
}

static uint64_t class_bytes(uint32_t class_index)
{
    uint32_t log = CLASS_SHIFT + class_index / 4;

    return (uint64_t)(4 + class_index % 4) << (log - 2);
}

/* Small blocks share a slab: the shortest multiple of a huge page that loses at most an eighth, at least room for one
 * block. */
static uint64_t preferred_slab(uint64_t block)
{
    uint64_t slab = HUGE_PAGE;

    if (block >= HUGE_PAGE)
        return block;
    while (slab < SLAB_MAX && slab % block > slab / 8)
        slab += HUGE_PAGE;
    return slab;
}

/* bytes of memory that begin on a huge page; NULL with errno set. */
static uint8_t *map_aligned(uint64_t bytes)
{
    uint64_t total = bytes + HUGE_PAGE;
    uint8_t *base = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t head, tail;

    if (base == MAP_FAILED)
        return NULL;
    head = (HUGE_PAGE - (uintptr_t)base % HUGE_PAGE) % HUGE_PAGE;
    tail = total - head - bytes;
    if (head)
        munmap(base, head);
    if (tail)
        munmap(base + head + bytes, tail);
    /* A wish: where huge pages are switched off, small ones do. */
    (void)madvise(base + head, bytes, MADV_HUGEPAGE);
    return base + head;
}

dlfw_status pool_create(struct storage *st, uint64_t limit, struct buffer_pool **ret, dlfw_error *err)
{
    struct buffer_pool *p;

    if (limit < PAGE)
        return dlfw_fail(err, DLFW_E_INVALID, "a buffer pool of %" PRIu64 " bytes holds no block; allow at least %u",
                         limit, PAGE);
    p = xcalloc(1, sizeof *p);
    p->st = st;
    p->limit = limit;
    pthread_mutex_init(&p->lock, NULL);
    *ret = p;
    return DLFW_OK;
}

static void unmap_slab(struct buffer_pool *p, struct pool_slab *slab)
{
    if (slab->prev)
        slab->prev->next = slab->next;
    else
        p->slabs = slab->next;
    if (slab->next)
        slab->next->prev = slab->prev;
    if (p->st)
        storage_unregister(p->st, slab->mem_handle);
    munmap(slab->base, slab->bytes);
    atomic_fetch_sub_explicit(&p->mapped, slab->bytes, memory_order_relaxed);
    free(slab);
}

void pool_destroy(struct buffer_pool *p)
{
    if (!p)
        return;
    while (p->slabs) {
        DLFW_BUG_IF(p->slabs->used);
        unmap_slab(p, p->slabs);
    }
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* Takes the slab's blocks, all free, out of their free list. */
static void unlist_blocks(struct buffer_pool *p, const struct pool_slab *slab)
{
    struct pool_block **at = &p->free[slab->registered][slab->class_index];

    while (*at) {
        if ((*at)->slab == slab)
            *at = (*at)->next;
        else
            at = &(*at)->next;
    }
}

/* Unmaps the largest slab that nobody uses; false: there is none. */
static bool evict_one(struct buffer_pool *p)
{
    struct pool_slab *largest = NULL;

    for (struct pool_slab *slab = p->slabs; slab; slab = slab->next) {
        if (!slab->used && (!largest || slab->bytes > largest->bytes))
            largest = slab;
    }
    if (!largest)
        return false;
    unlist_blocks(p, largest);
    unmap_slab(p, largest);
    return true;
}

static uint64_t room(const struct buffer_pool *p)
{
    return p->limit - atomic_load_explicit(&p->mapped, memory_order_relaxed);
}

/* Bytes to map for one more slab of the class: as preferred, less when the limit is near, 0 when not even one block
 * fits. Memory that lies idle in other classes makes room. */
static uint64_t fit_slab(struct buffer_pool *p, uint64_t block)
{
    uint64_t wanted = preferred_slab(block), least = block < HUGE_PAGE ? HUGE_PAGE : block;

    while (room(p) < least && evict_one(p))
        ;
    while (wanted > room(p) && wanted > least)
        wanted -= HUGE_PAGE;
    if (wanted <= room(p))
        return wanted;
    /* Under a very small limit a slab may also be no longer than its one block. */
    return block <= room(p) ? block : 0;
}

static void list_blocks(struct buffer_pool *p, struct pool_slab *slab, uint64_t block)
{
    struct pool_block **head = &p->free[slab->registered][slab->class_index];

    for (uint32_t i = slab->block_count; i-- > 0;) {
        slab->blocks[i] = (struct pool_block){.data = slab->base + i * block, .slab = slab, .next = *head};
        *head = &slab->blocks[i];
    }
}

/* Adds a slab of the class to its free list. */
static dlfw_status grow(struct buffer_pool *p, uint32_t class_index, bool registered, dlfw_error *err)
{
    uint64_t block = class_bytes(class_index), bytes = fit_slab(p, block);
    struct pool_slab *slab;
    uint32_t count;
    uint8_t *base;

    if (!bytes)
        return dlfw_fail(err, DLFW_E_NO_MEMORY,
                         "no buffer of %" PRIu64 " bytes within the memory limit of %" PRIu64 " bytes (%" PRIu64
                         " in use)",
                         block, p->limit, pool_mapped(p));
    base = map_aligned(bytes);
    if (!base)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "the system has no %" PRIu64 " bytes for buffers", bytes);
    count = (uint32_t)(bytes / block);
    slab = xcalloc(1, sizeof *slab + count * sizeof *slab->blocks);
    slab->base = base;
    slab->bytes = bytes;
    slab->class_index = class_index;
    slab->registered = registered;
    slab->block_count = count;
    slab->mem_handle = registered && p->st ? storage_register(p->st, base, bytes) : 0;
    slab->next = p->slabs;
    if (p->slabs)
        p->slabs->prev = slab;
    p->slabs = slab;
    atomic_fetch_add_explicit(&p->mapped, bytes, memory_order_relaxed);
    list_blocks(p, slab, block);
    return DLFW_OK;
}

/* A free block of a larger class, before giving up. */
static struct pool_block **larger_free(struct buffer_pool *p, uint32_t class_index, bool registered)
{
    for (uint32_t i = class_index + 1; i < CLASS_COUNT; i++) {
        if (p->free[registered][i])
            return &p->free[registered][i];
    }
    return NULL;
}

/* Where a block can be taken although the class's own list is empty; NULL with err filled when there is none. */
static struct pool_block **find_block(struct buffer_pool *p, uint32_t class_index, bool registered, dlfw_error *err)
{
    struct pool_block **from = NULL;
    struct error_slot why;

    error_slot_init(&why);
    if (grow(p, class_index, registered, &why.e) >= 0)
        return &p->free[registered][class_index];
    from = larger_free(p, class_index, registered);
    if (!from)
        error_copy(err, &why.e);
    return from;
}

dlfw_status pool_take(struct buffer_pool *p, uint64_t bytes, bool registered, struct buffer *ret, dlfw_error *err)
{
    uint32_t class_index = class_of(bytes ? bytes : 1);
    dlfw_status st = DLFW_E_NO_MEMORY;
    struct pool_block **from;

    if (class_index >= CLASS_COUNT)
        return dlfw_fail(err, st, "a buffer of %" PRIu64 " bytes is beyond any memory limit", bytes);
    pthread_mutex_lock(&p->lock);
    from = &p->free[registered][class_index];
    if (!*from)
        from = find_block(p, class_index, registered, err);
    if (from) {
        struct pool_block *block = *from;

        *from = block->next;
        block->slab->used++;
        *ret = (struct buffer){.data = block->data,
                               .cap = class_bytes(block->slab->class_index),
                               .mem_handle = block->slab->mem_handle,
                               .block = block};
        st = DLFW_OK;
    }
    pthread_mutex_unlock(&p->lock);
    return st;
}

void pool_give(struct buffer_pool *p, struct buffer *b)
{
    struct pool_block *block = b->block;
    struct pool_block **head;

    if (!block)
        return;
    pthread_mutex_lock(&p->lock);
    DLFW_BUG_IF(!block->slab->used);
    block->slab->used--;
    head = &p->free[block->slab->registered][block->slab->class_index];
    block->next = *head;
    *head = block;
    pthread_mutex_unlock(&p->lock);
    *b = (struct buffer){0};
}

uint64_t pool_mapped(const struct buffer_pool *p)
{
    return atomic_load_explicit(&p->mapped, memory_order_relaxed);
}
