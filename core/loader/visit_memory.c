/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of a visit. The claim reserved what the file may take; each unit takes its part of that along, so that it
 * is free again as soon as the unit's last sample was used. A visit keeps the units it has loaded until each of their
 * wanted samples has its slot.
 */
#include "loader/visit_steps.h"

#include <stdlib.h>
#include <string.h>

void visit_reserve(struct visit *v, uint64_t bytes)
{
    if (bytes <= v->reserved)
        return;
    claim_grow(v->thread->loader, bytes - v->reserved);
    v->reserved = bytes;
}

void visit_charge(struct visit *v, struct unit_memory *m, uint64_t bytes)
{
    visit_reserve(v, bytes);
    v->reserved -= bytes;
    m->reserved += bytes;
}

static uint64_t padded(uint64_t bytes)
{
    return (bytes + PHASE - 1) & ~(uint64_t)(PHASE - 1);
}

/* Each range begins at its own phase of the object. */
dlfw_status visit_take_unit(struct visit *v, dlfw_error *err)
{
    struct loader *l = v->thread->loader;
    uint64_t wanted = 0, total = 0;
    bool last;

    for (uint32_t i = 0; i < v->range_count; i++) {
        uint64_t start = visit_range_start(v, &v->ranges[i]);

        v->place[i] = total + (start & (PHASE - 1));
        total = padded(v->place[i] + (v->ranges[i].offset + v->ranges[i].length - start) + l->limits.read_length_align);
        wanted += v->ranges[i].length;
    }
    v->memory = claim_take_record(l);
    last = v->unit_first_sample + v->unit_samples > v->last_wanted;
    visit_charge(v, v->memory, last && wanted < v->reserved ? v->reserved : wanted);
    return pool_take(l->pool, total, false, &v->memory->in, err);
}

void visit_share_whole(struct visit *v)
{
    if (v->units == 1) {
        v->memory = v->base;
        v->base = NULL;
        return;
    }
    v->memory = claim_take_record(v->thread->loader);
    v->memory->base = v->base;
    atomic_fetch_add_explicit(&v->base->refs, 1, memory_order_relaxed);
}

void visit_add_loaded(struct visit *v)
{
    struct unit_memory *m = v->memory;

    if (v->loaded_count == v->loaded_cap) {
        v->loaded_cap = v->loaded_cap ? v->loaded_cap * 2 : 4;
        v->loaded = xrealloc(v->loaded, v->loaded_cap * sizeof(struct unit_memory *));
    }
    m->first_sample = v->unit_first_sample;
    m->samples = v->unit_samples;
    m->undelivered = v->unit_wanted;
    v->loaded[v->loaded_count++] = m;
    v->memory = NULL;
}

/* The last unit that begins at or before the sample. */
static uint32_t loaded_index(const struct visit *v, uint64_t sample)
{
    uint32_t low = 0, high = v->loaded_count;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (v->loaded[middle]->first_sample <= sample)
            low = middle;
        else
            high = middle;
    }
    return low;
}

uint32_t visit_loaded(struct visit *v, uint64_t sample)
{
    uint32_t at = loaded_index(v, sample);

    DLFW_BUG_IF(at >= v->loaded_count || sample - v->loaded[at]->first_sample >= v->loaded[at]->samples);
    return at;
}

/*
 * The unit's last sample gets the visit's own reference: once it is delivered, the visit does not touch the unit any
 * more, so that all memory of a batch is free as soon as the batch is released.
 */
void visit_lend(struct visit *v, uint32_t at)
{
    struct unit_memory *m = v->loaded[at];

    if (--m->undelivered) {
        atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
        return;
    }
    v->loaded_count--;
    memmove(&v->loaded[at], &v->loaded[at + 1], (v->loaded_count - at) * sizeof(struct unit_memory *));
}

void visit_drop(struct visit *v, struct unit_memory **m)
{
    struct loader *l = v->thread->loader;
    struct unit_memory *own = *m;

    *m = NULL;
    if (!own || atomic_fetch_sub_explicit(&own->refs, 1, memory_order_acq_rel) != 1)
        return;
    claim_return_memory(l, own);
    ring_tell_readers(l);
}

void visit_drop_all(struct visit *v)
{
    struct loader *l = v->thread->loader;

    for (uint32_t i = 0; i < v->loaded_count; i++)
        visit_drop(v, &v->loaded[i]);
    v->loaded_count = 0;
    visit_drop(v, &v->memory);
    visit_drop(v, &v->base);
    if (!v->reserved)
        return;
    claim_unreserve(l, v->reserved);
    v->reserved = 0;
    ring_tell_readers(l);
}
