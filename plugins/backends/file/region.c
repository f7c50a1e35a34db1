/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slabs that the host registered. Each ring gives them to the kernel by itself when a request first names one; here
 * is only what they are. A slab takes consecutive places, one per GiB, and its id never returns, so a ring that
 * remembers an id cannot mistake another slab for it.
 */
#include "file.h"

#define PIECE ((uint64_t)1 << 30)

/* The first of count free places in a row; MAX_REGIONS: none. */
static uint32_t find_free(const dlfw_backend *be, uint64_t count)
{
    uint32_t run = 0;

    for (uint32_t i = 0; i < MAX_REGIONS; i++) {
        run = be->regions[i].id == 0 ? run + 1 : 0;
        if (run == count)
            return i + 1 - run;
    }
    return MAX_REGIONS;
}

dlfw_status region_add(dlfw_backend *be, void *base, uint64_t len, uint32_t kind, uint64_t *ret, dlfw_error *err)
{
    uint64_t pieces = (len + PIECE - 1) / PIECE;
    uint32_t first;
    uint64_t id = 0;

    if (!be->uring)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "engine pread does not register memory");
    if (kind != 0)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "only host memory can be registered");
    if (!base || len == 0 || pieces > MAX_REGIONS)
        return dlfw_fail(err, DLFW_E_INVALID, "a region of %llu bytes cannot be registered", (unsigned long long)len);
    pthread_mutex_lock(&be->lock);
    first = find_free(be, pieces);
    if (first < MAX_REGIONS) {
        id = ++be->region_serial * MAX_REGIONS + first;
        for (uint64_t i = 0; i < pieces; i++)
            be->regions[first + i] = (struct region){.id = id};
        be->regions[first].base = base;
        be->regions[first].total = len;
        be->regions[first].pieces = (uint32_t)pieces;
    }
    pthread_mutex_unlock(&be->lock);
    if (!id)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "more than %u GiB-sized regions are registered", MAX_REGIONS);
    *ret = id;
    return DLFW_OK;
}

void region_remove(dlfw_backend *be, uint64_t id)
{
    pthread_mutex_lock(&be->lock);
    for (uint32_t i = 0; i < MAX_REGIONS; i++)
        if (id != 0 && be->regions[i].id == id)
            be->regions[i] = (struct region){0};
    pthread_mutex_unlock(&be->lock);
}

bool region_find(dlfw_backend *be, uint64_t id, struct region *ret)
{
    bool found;

    pthread_mutex_lock(&be->lock);
    *ret = be->regions[REGION_PLACE(id)];
    found = id != 0 && ret->id == id && ret->pieces > 0;
    pthread_mutex_unlock(&be->lock);
    return found;
}
