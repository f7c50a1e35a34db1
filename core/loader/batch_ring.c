/* SPDX-License-Identifier: Apache-2.0 */
/* The slots that batches are collected in: readers count them down, the main thread takes and releases them. No lock.
 */
#include "loader/loader_parts.h"

#include <stdlib.h>

dlfw_status ring_create(struct loader *l)
{
    l->slots = xcalloc(l->slot_count, sizeof *l->slots);
    for (uint64_t i = 0; i < l->slot_count; i++) {
        l->slots[i].views = xcalloc(l->args.batch, sizeof *l->slots[i].views);
        l->slots[i].memory = xcalloc(l->args.batch, sizeof *l->slots[i].memory);
    }
    return DLFW_OK;
}

void ring_destroy(struct loader *l)
{
    if (!l->slots)
        return;
    for (uint64_t i = 0; i < l->slot_count; i++) {
        free(l->slots[i].views);
        free(l->slots[i].memory);
    }
    free(l->slots);
}

static void reset_slot(struct loader *l, struct slot *s, uint64_t serves)
{
    atomic_store_explicit(&s->bytes, 0, memory_order_relaxed);
    atomic_store_explicit(&s->remaining, (uint32_t)l->args.batch, memory_order_relaxed);
    s->handed_out = false;
    atomic_store_explicit(&s->serves, serves, memory_order_release);
}

void ring_begin(struct loader *l)
{
    for (uint64_t i = 0; i < l->slot_count; i++)
        reset_slot(l, &l->slots[i], i);
    l->next_batch = 0;
    l->delivered_batches = 0;
    atomic_store(&l->released_batches, 0);
    atomic_store(&l->demanded, 0);
}

struct slot *ring_slot(struct loader *l, uint64_t position)
{
    uint64_t batch = position / l->args.batch;
    struct slot *s = &l->slots[batch % l->slot_count];

    return atomic_load_explicit(&s->serves, memory_order_acquire) == batch ? s : NULL;
}

void ring_arrived(struct loader *l, struct slot *s, uint32_t samples, uint64_t bytes)
{
    if (bytes)
        atomic_fetch_add_explicit(&s->bytes, bytes, memory_order_relaxed);
    if (atomic_fetch_sub_explicit(&s->remaining, samples, memory_order_acq_rel) == samples) {
        atomic_fetch_add(&l->completed_word, 1);
        if (atomic_load(&l->main_waits))
            futex_wake_all(&l->completed_word);
    }
}

static void give_back(struct loader *l, struct slot *s)
{
    for (uint64_t i = 0; l->keep_samples && i < l->args.batch; i++) {
        struct unit_memory *m = s->memory[i];

        s->memory[i] = NULL;
        if (m && atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) == 1)
            claim_return_memory(l, m);
    }
}

void ring_drop_all(struct loader *l)
{
    for (uint64_t i = 0; l->slots && i < l->slot_count; i++)
        give_back(l, &l->slots[i]);
}

uint64_t ring_releases_before(const struct loader *l, uint64_t batch)
{
    bool in_order = l->cfg->reader.delivery == DELIVERY_ORDERED;

    return in_order && batch >= l->slot_count ? batch - l->slot_count + 1 : 0;
}

/* Wakes only those readers that so many releases may let go on: the others would find their slot still taken. Fewer
 * still, one per file to claim, costs a sixth of the rate of small files: the next one is then awake too late. */
static void tell_readers(struct loader *l, uint64_t released)
{
    uint32_t mask = 0;

    atomic_fetch_add(&l->released_word, 1);
    for (uint32_t i = 0; i < l->thread_count; i++)
        if (atomic_load(&l->threads[i].waits_for) <= released)
            mask |= 1u << i % 32;
    if (mask)
        futex_wake_masked(&l->released_word, mask);
}

void ring_tell_readers(struct loader *l)
{
    tell_readers(l, NOT_WAITING - 1);
}

static struct slot *finished_slot(struct loader *l)
{
    struct slot *s = &l->slots[l->next_batch % l->slot_count];

    if (l->cfg->reader.delivery == DELIVERY_ORDERED)
        return atomic_load_explicit(&s->remaining, memory_order_acquire) == 0 && !s->handed_out ? s : NULL;
    for (uint64_t i = 0; i < l->slot_count; i++) {
        s = &l->slots[i];
        if (atomic_load_explicit(&s->remaining, memory_order_acquire) == 0 && !s->handed_out)
            return s;
    }
    return NULL;
}

static dlfw_status why_stopped(struct loader *l, dlfw_error *err)
{
    /* Requests that fail because they are not tried again after Ctrl-C are no failures of the run. */
    if (atomic_load_explicit(&host_cancel_level, memory_order_relaxed))
        return dlfw_fail(err, DLFW_E_CANCELLED, "stopped by the user");
    return loader_failure(l, err);
}

dlfw_status loader_next(struct loader *l, struct batch *ret, dlfw_error *err)
{
    if (l->delivered_batches * l->args.batch >= l->position_end)
        return DLFW_END;
    if (l->on_demand) {
        atomic_store_explicit(&l->demanded, l->next_batch + 1, memory_order_release);
        ring_tell_readers(l);
    }
    for (;;) {
        uint32_t seen = atomic_load(&l->completed_word);
        struct slot *s = finished_slot(l);
        dlfw_status st = why_stopped(l, err);

        if (st < 0)
            return st;
        if (s) {
            s->handed_out = true;
            *ret = (struct batch){.index = atomic_load_explicit(&s->serves, memory_order_relaxed),
                                  .samples = (uint32_t)l->args.batch,
                                  .bytes = atomic_load_explicit(&s->bytes, memory_order_relaxed),
                                  .views = l->keep_samples ? s->views : NULL};
            l->next_batch++;
            l->delivered_batches++;
            return DLFW_OK;
        }
        atomic_store(&l->main_waits, 1);
        if (atomic_load(&l->completed_word) == seen)
            futex_wait(&l->completed_word, seen, 50000000); /* looks at Ctrl-C twenty times a second */
        atomic_store(&l->main_waits, 0);
    }
}

void loader_release(struct loader *l, const struct batch *batch)
{
    struct slot *s = &l->slots[batch->index % l->slot_count];
    uint64_t released;

    give_back(l, s);
    released = atomic_fetch_add_explicit(&l->released_batches, 1, memory_order_release) + 1;
    reset_slot(l, s, batch->index + l->slot_count);
    tell_readers(l, released);
}
