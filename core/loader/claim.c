/* SPDX-License-Identifier: Apache-2.0 */
/* Handing out work: the next run of positions of one file and the memory for it, in order, under one lock. */
#include "loader/visit.h"

#include <stdlib.h>
#include <string.h>

/* What one visit's samples take while they are kept. */
static uint64_t memory_need(const struct loader *l, uint64_t size)
{
    uint64_t per_file = l->args.files->dataset->samples_per_file;

    if (l->group == 1 && per_file > 1)
        size = size / per_file + PHASE;
    return ((size + PHASE - 1) & ~(uint64_t)(PHASE - 1)) + PHASE;
}

uint64_t loader_batch_bytes(const struct loader *l)
{
    uint64_t visits = (l->args.batch + l->group - 1) / l->group + (l->group > 1 ? 1 : 0);

    return visits * memory_need(l, file_list_max_size(l->args.files));
}

struct unit_memory *claim_take_record(struct loader *l)
{
    struct unit_memory *m;

    pthread_mutex_lock(&l->memory_lock);
    m = l->free_memory;
    if (m)
        l->free_memory = m->next_free;
    pthread_mutex_unlock(&l->memory_lock);
    if (!m)
        m = xcalloc(1, sizeof *m);
    atomic_store_explicit(&m->refs, 1, memory_order_relaxed);
    return m;
}

void claim_return_memory(struct loader *l, struct unit_memory *m)
{
    uint64_t reserved = m->reserved;

    pool_give(l->pool, &m->in);
    pool_give(l->pool, &m->out);
    m->reserved = 0;
    pthread_mutex_lock(&l->memory_lock);
    m->next_free = l->free_memory;
    l->free_memory = m;
    pthread_mutex_unlock(&l->memory_lock);
    if (!reserved)
        return;
    pthread_mutex_lock(&l->claim_lock);
    l->reserved -= reserved;
    pthread_mutex_unlock(&l->claim_lock);
}

void claim_grow(struct loader *l, struct unit_memory *m, uint64_t bytes)
{
    pthread_mutex_lock(&l->claim_lock);
    l->reserved += bytes;
    pthread_mutex_unlock(&l->claim_lock);
    m->reserved += bytes;
}

/* The run of positions of one group that begins at the next position. */
static void fill_visit(struct loader *l, struct visit *v)
{
    uint64_t global = l->shard_first + l->next_position;
    uint64_t run = l->group - global % l->group;
    uint64_t left = l->position_end - l->next_position;

    v->first_position = l->next_position;
    v->count = (uint32_t)(run < left ? run : left);
    v->file = sample_order_at(&l->order, global).file;
    v->expected_size = l->args.files->sizes[v->file];
}

enum claim_result claim_next(struct loader *l, struct visit *v)
{
    enum claim_result result = CLAIM_LATER;
    uint64_t batch, need = 0;

    pthread_mutex_lock(&l->claim_lock);
    if (l->next_position == l->position_end || atomic_load_explicit(&l->stop, memory_order_relaxed)) {
        result = CLAIM_FINISHED;
        goto out;
    }
    batch = l->next_position / l->args.batch;
    if (atomic_load_explicit(&l->slots[batch % l->slot_count].serves, memory_order_acquire) != batch)
        goto out;
    if (l->on_demand && batch >= atomic_load_explicit(&l->demanded, memory_order_acquire))
        goto out;
    fill_visit(l, v);
    if (l->keep_samples) {
        need = memory_need(l, v->expected_size == UINT64_MAX ? file_list_max_size(l->args.files) : v->expected_size);
        if (l->reserved && l->reserved + need > l->budget)
            goto out;
        l->reserved += need;
    }
    l->next_position += v->count;
    result = CLAIM_TAKEN;
out:
    pthread_mutex_unlock(&l->claim_lock);
    if (result == CLAIM_TAKEN && l->keep_samples) {
        v->memory = claim_take_record(l);
        v->memory->reserved = need;
    }
    return result;
}
