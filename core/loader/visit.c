/* SPDX-License-Identifier: Apache-2.0 */
/* One file from claim to delivery: the states of a visit. Requests are in visit_io.c, what the format does in
 * visit_decode.c. */
#include "loader/visit_steps.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define READER_ALIGN 64u

dlfw_status visits_create(struct reader_thread *t, dlfw_error *err)
{
    struct loader *l = t->loader;
    size_t reader_size =
        l->format_ops ? (l->format_ops->reader_size + READER_ALIGN - 1) & ~(size_t)(READER_ALIGN - 1) : READER_ALIGN;

    t->pieces = xcalloc(t->depth, sizeof *t->pieces);
    t->visits = xcalloc(t->depth, sizeof *t->visits);
    for (uint32_t i = 0; i < t->depth; i++) {
        t->pieces[i].next = t->free_pieces;
        t->free_pieces = &t->pieces[i];
        t->visits[i].next = t->free_visits;
        t->visits[i].thread = t;
        t->visits[i].reader = aligned_alloc(READER_ALIGN, reader_size);
        if (l->side_count)
            t->visits[i].side_keys = xcalloc(l->side_count, KEY_CAP);
        t->free_visits = &t->visits[i];
        if (!t->visits[i].reader)
            return dlfw_fail(err, DLFW_E_NO_MEMORY, "cannot allocate %zu bytes of reader state", reader_size);
    }
    return DLFW_OK;
}

void visits_destroy(struct reader_thread *t)
{
    for (uint32_t i = 0; t->visits && i < t->depth; i++) {
        free(t->visits[i].reader);
        free(t->visits[i].loaded);
        free(t->visits[i].side_keys);
    }
    for (uint32_t i = 0; t->pieces && i < t->depth; i++)
        pool_give(t->loader->pool, &t->pieces[i].buffer);
    free(t->visits);
    free(t->pieces);
    t->visits = NULL;
    t->pieces = NULL;
}

struct visit *visit_alloc(struct reader_thread *t)
{
    struct visit *v = t->free_visits;

    t->free_visits = v->next;
    v->reserved = 0;
    return v;
}

void visit_end(struct visit *v)
{
    v->next = v->thread->free_visits;
    v->thread->free_visits = v;
}

void visit_start(struct visit *v)
{
    struct loader *l = v->thread->loader;

    v->state = VISIT_BEGIN;
    v->claim_ns = clock_now_ns();
    v->key_len = file_list_key(l->args.files, v->file, v->key, sizeof v->key);
    for (uint32_t i = 0; i < l->side_count; i++) {
        dataset_side_key(l->sides[i], v->key, v->side_keys[i], KEY_CAP);
        v->sizes_of_sides[i] = UINT64_MAX;
    }
    v->next_side = 0;
    v->reads_metadata = false;
    v->handle = NULL;
    v->object_size = UINT64_MAX;
    v->reader_open = false;
    v->memory = NULL;
    v->base = NULL;
    v->loaded_count = 0;
    v->unit = 0;
    v->units = 0;
    v->looked_end = 0;
    v->loaded_end = 0;
    v->bytes_moved = 0;
    v->range_count = 0;
    v->have_count = 0;
    v->first_piece = NULL;
    v->last_piece = NULL;
    v->pieces_out = 0;
    v->metadata_count = 0;
    v->whole = false;
    v->whole_piece = NULL;
    v->next_delivery = 0;
    visit_want(v);
    v->verify_content = l->cfg->reader.verify == VERIFY_ALL || (l->cfg->reader.verify == VERIFY_SAMPLE &&
                                                                hash_mix(v->file ^ l->order.key) % VERIFY_ONE_IN == 0);
}

bool visit_finished(const struct visit *v)
{
    return v->state == VISIT_DONE;
}

void visit_fail(struct visit *v, dlfw_error *err)
{
    struct loader *l = v->thread->loader;

    if (!err->message_len)
        dlfw_fail(err, err->status < 0 ? err->status : DLFW_E_INTERNAL,
                  "format '%s' failed on '%.*s' and did not say why", l->args.format_iface->iface->name,
                  (int)v->key_len, v->key);
    loader_fail(l, err);
}

static void release_whole_piece(struct visit *v)
{
    if (v->whole_piece)
        visit_free_piece(v, v->whole_piece);
    v->whole_piece = NULL;
}

/* The first visit of a file reads its metadata, which the format remembers; others begin when that is done. */
bool visit_may_begin(struct visit *v)
{
    struct loader *l = v->thread->loader;
    uint8_t unknown = METADATA_UNKNOWN;

    if (!l->metadata || v->reads_metadata || atomic_load(&l->metadata[v->file]) == METADATA_KNOWN)
        return true;
    v->reads_metadata = atomic_compare_exchange_strong(&l->metadata[v->file], &unknown, (uint8_t)METADATA_BEING_READ);
    return v->reads_metadata || unknown == METADATA_KNOWN;
}

void visit_has_metadata(struct visit *v, bool known)
{
    struct loader *l = v->thread->loader;

    if (!v->reads_metadata)
        return;
    v->reads_metadata = false;
    atomic_store(&l->metadata[v->file], (uint8_t)(known ? METADATA_KNOWN : METADATA_UNKNOWN));
    ring_tell_readers(l);
}

/* Everything of the visit that is not the storage's any more. */
static void release_all(struct visit *v)
{
    struct loader *l = v->thread->loader;

    visit_has_metadata(v, false);
    visit_drop_all(v);
    while (v->first_piece) {
        struct piece *p = v->first_piece;

        v->first_piece = p->next;
        visit_free_piece(v, p);
    }
    v->last_piece = NULL;
    release_whole_piece(v);
    visit_drop_metadata(v);
    serial_enter(l->args.format_serial);
    if (v->reader_open)
        l->format_ops->reader_close(v->reader);
    serial_leave(l->args.format_serial);
    v->reader_open = false;
}

static bool close_visit(struct visit *v)
{
    release_all(v);
    if (!v->handle) {
        v->state = VISIT_DONE;
        return true;
    }
    if (!v->thread->free_pieces)
        return false;
    visit_submit_close(v);
    v->state = VISIT_CLOSING;
    return true;
}

/* The sample's views and memory to its place in the slot. */
static void hand_over(struct visit *v, struct slot *slot, uint64_t place, uint64_t sample)
{
    uint32_t at = visit_loaded(v, sample);
    struct unit_memory *m = v->loaded[at];

    slot->views[place] = m->views[sample - m->first_sample];
    slot->memory[place] = m;
    visit_lend(v, at);
}

/* Positions that are neither shuffled nor kept need no look at each: how many of them are loaded. */
static uint32_t pass_over(struct visit *v, uint64_t first_index, uint64_t most)
{
    uint64_t first = visit_sample(v, v->next_delivery);
    uint64_t loaded = first < v->loaded_end ? v->loaded_end - first : 0, n = loaded < most ? loaded : most, hash = 0;

    for (uint64_t i = 1; i <= n; i++)
        hash += hash_mix(first_index + first + i);
    v->thread->epoch.sample_count_hash += hash;
    return (uint32_t)n;
}

static uint32_t pass_each(struct visit *v, struct slot *slot, uint64_t place, uint64_t first_index, uint64_t most)
{
    uint32_t n = 0;

    for (; n < most; n++) {
        uint64_t sample = visit_sample(v, v->next_delivery + n);

        if (sample >= v->loaded_end)
            break;
        if (v->thread->loader->keep_samples)
            hand_over(v, slot, place + n, sample);
        v->thread->epoch.sample_count_hash += hash_mix(first_index + sample + 1);
    }
    return n;
}

/* Of the next positions of one batch those that are loaded, in order; how many. *blocked: their slot is still taken. */
static uint32_t deliver_run(struct visit *v, bool *blocked)
{
    struct reader_thread *t = v->thread;
    struct loader *l = t->loader;
    uint64_t position = v->first_position + v->next_delivery, place = position % l->args.batch;
    uint64_t left = v->count - v->next_delivery, in_batch = l->args.batch - place;
    uint64_t most = left < in_batch ? left : in_batch;
    uint64_t first_index = v->file * l->args.files->dataset->samples_per_file;
    struct slot *slot;
    uint32_t n;

    if (visit_sample(v, v->next_delivery) >= v->loaded_end)
        return 0;
    slot = ring_slot(l, position);
    *blocked = !slot;
    if (!slot)
        return 0;
    n = l->keep_samples || l->order.shuffle_samples ? pass_each(v, slot, place, first_index, most)
                                                    : pass_over(v, first_index, most);
    t->epoch.samples += n;
    ring_arrived(l, slot, n, v->bytes_moved);
    v->bytes_moved = 0;
    return n;
}

/*
 * Hands over what is loaded, strictly in order of position: a sample that waits for its slot then never keeps back one
 * of an earlier batch. False while a slot is still taken.
 */
static bool deliver(struct visit *v)
{
    bool blocked = false;
    uint32_t n;

    while (v->next_delivery < v->count && (n = deliver_run(v, &blocked)) > 0) {
        v->next_delivery += n;
        if (v->next_delivery == v->count)
            histogram_record(&v->thread->sample_ns, clock_now_ns() - v->claim_ns);
    }
    return !blocked;
}

uint64_t visit_releases_needed(const struct visit *v)
{
    struct loader *l = v->thread->loader;
    uint64_t position = v->first_position + v->next_delivery;
    bool has_samples = v->state == VISIT_DELIVERING && v->next_delivery < v->count &&
                       visit_sample(v, v->next_delivery) < v->loaded_end;

    return has_samples && !ring_slot(l, position) ? ring_releases_before(l, position / l->args.batch) : 0;
}

/* After a unit was loaded. Units of an object that is already in memory are all loaded first, which gives its piece
 * back before anything waits. */
static bool deliver_or_read_on(struct visit *v)
{
    bool all_loaded = v->loaded_end > v->last_wanted;

    if (all_loaded) {
        release_whole_piece(v);
        visit_drop(v, &v->base);
    }
    if (all_loaded || !v->whole) {
        if (!deliver(v))
            return false;
        if (v->next_delivery == v->count)
            return close_visit(v);
    }
    v->unit++;
    return visit_begin_unit(v);
}

/* One step; true when the state moved and another step may be possible. */
static bool step(struct visit *v)
{
    switch (v->state) {
    case VISIT_BEGIN:
        return visit_begin(v);
    case VISIT_SIDES:
        return visit_ask_sides(v);
    case VISIT_METADATA:
        return visit_metadata(v);
    case VISIT_READING:
        return visit_read(v);
    case VISIT_DELIVERING:
        return deliver_or_read_on(v);
    case VISIT_WHOLE:
    case VISIT_OPENING:
    case VISIT_CLOSING:
    case VISIT_DONE:
        return false;
    }
    return false;
}

bool visit_advance(struct visit *v)
{
    bool moved = false;

    while (v->state != VISIT_DONE) {
        if (atomic_load_explicit(&v->thread->loader->stop, memory_order_relaxed) && v->state != VISIT_CLOSING) {
            if (v->pieces_out)
                return moved;
            moved = close_visit(v) || moved;
            if (v->state != VISIT_DONE)
                return moved;
            break;
        }
        if (!step(v))
            return moved;
        moved = true;
    }
    return moved;
}
