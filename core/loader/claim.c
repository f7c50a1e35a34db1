/* SPDX-License-Identifier: Apache-2.0 */
/* Handing out work: the next run of positions of one file and the memory for it, in order, under one lock. */
#include "loader/visit.h"

#include <stdlib.h>
#include <string.h>

#define SMALL_OBJECT (16u << 10)

/* A visit that wants one sample of many does not read all of them, except from an object so small that opening it costs
 * more. */
bool loader_reads_whole(const struct loader *l, uint64_t size)
{
    bool wants_all = l->unit == l->args.files->dataset->samples_per_file;

    return !l->reads_sides && size <= (wants_all ? l->piece_bytes : SMALL_OBJECT) && size <= l->piece_bytes;
}

/* What one visit's samples take while they are kept. */
static uint64_t memory_need(const struct loader *l, uint64_t size)
{
    uint64_t per_file = l->args.files->dataset->samples_per_file;

    if (l->unit < per_file && !loader_reads_whole(l, size))
        size = size / per_file * l->unit + l->unit + PHASE;
    return ((size + PHASE - 1) & ~(uint64_t)(PHASE - 1)) + PHASE;
}

/* How many visits one batch may need. */
static uint64_t batch_visits(const struct loader *l)
{
    return (l->args.batch + l->unit - 1) / l->unit + (l->unit > 1 ? 1 : 0);
}

uint64_t loader_batch_bytes(const struct loader *l)
{
    return batch_visits(l) * memory_need(l, l->max_size);
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
    struct unit_memory *base = m->base;
    uint64_t reserved = m->reserved;

    pool_give(l->pool, &m->in);
    pool_give(l->pool, &m->out);
    m->base = NULL;
    m->reserved = 0;
    pthread_mutex_lock(&l->memory_lock);
    m->next_free = l->free_memory;
    l->free_memory = m;
    pthread_mutex_unlock(&l->memory_lock);
    if (reserved)
        claim_unreserve(l, reserved);
    if (base && atomic_fetch_sub_explicit(&base->refs, 1, memory_order_acq_rel) == 1)
        claim_return_memory(l, base);
}

void claim_unreserve(struct loader *l, uint64_t bytes)
{
    pthread_mutex_lock(&l->claim_lock);
    l->reserved -= bytes;
    pthread_mutex_unlock(&l->claim_lock);
}

void claim_grow(struct loader *l, uint64_t bytes)
{
    pthread_mutex_lock(&l->claim_lock);
    l->reserved += bytes;
    pthread_mutex_unlock(&l->claim_lock);
}

/* The run of positions of one unit that begins at the next position. */
static void fill_visit(struct loader *l, struct visit *v)
{
    uint64_t global = l->shard_first + l->next_position;
    uint64_t run = sample_order_run(&l->order, global);
    uint64_t left = l->position_end - l->next_position;

    v->first_position = l->next_position;
    v->count = (uint32_t)(run < left ? run : left);
    v->file = sample_order_at(&l->order, global).file;
    v->expected_size = l->args.files->sizes[v->file];
}

/* The sizes in the listing do not tell what a file takes when it is decoded: a budget that nobody has set follows what
 * is seen. */
void claim_grow_decoded(struct loader *l, uint64_t bytes, uint64_t units)
{
    uint64_t file = units < UINT64_MAX / 2 / bytes ? bytes * units : UINT64_MAX / 2;
    uint64_t more;

    pthread_mutex_lock(&l->claim_lock);
    l->reserved += bytes;
    if (file > l->decoded_max) {
        if (!__builtin_mul_overflow(file - l->decoded_max, batch_visits(l) * l->slot_count, &more) &&
            l->budget < l->budget_max)
            l->budget = more < l->budget_max - l->budget ? l->budget + more : l->budget_max;
        l->decoded_max = file;
    }
    pthread_mutex_unlock(&l->claim_lock);
}

/* Later batches wait for memory; the oldest one must not, or nobody would ever give any back. */
static bool memory_is_short(const struct loader *l, uint64_t batch, uint64_t need)
{
    return l->reserved + need > l->budget && atomic_load_explicit(&l->released_batches, memory_order_acquire) < batch;
}

enum claim_result claim_next(struct loader *l, struct visit *v, uint64_t *releases)
{
    enum claim_result result = CLAIM_LATER;
    uint64_t batch, need;

    *releases = 0;
    pthread_mutex_lock(&l->claim_lock);
    if (l->next_position == l->position_end || atomic_load_explicit(&l->stop, memory_order_relaxed)) {
        result = CLAIM_FINISHED;
        goto out;
    }
    batch = l->next_position / l->args.batch;
    if (atomic_load_explicit(&l->slots[batch % l->slot_count].serves, memory_order_acquire) != batch) {
        *releases = ring_releases_before(l, batch);
        goto out;
    }
    if (l->on_demand && batch >= atomic_load_explicit(&l->demanded, memory_order_acquire))
        goto out;
    fill_visit(l, v);
    if (l->keep_samples) {
        need = memory_need(l, v->expected_size == UINT64_MAX ? l->max_size : v->expected_size);
        if (memory_is_short(l, batch, need))
            goto out;
        l->reserved += need;
        v->reserved = need;
    }
    l->next_position += v->count;
    result = CLAIM_TAKEN;
out:
    pthread_mutex_unlock(&l->claim_lock);
    return result;
}
