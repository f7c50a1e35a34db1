/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The storage requests of a visit. Small objects are one GET; larger ones are opened and read in pieces whose
 * boundaries are multiples of the piece size in the object, so that a backend with alignment gets aligned requests
 * without any copy.
 */
#include "loader/visit_steps.h"

#include <string.h>

#include "base/clock.h"

static struct piece *take_piece(struct visit *v, uint16_t op)
{
    struct reader_thread *t = v->thread;
    struct piece *p = t->free_pieces;

    t->free_pieces = p->next;
    p->next = NULL;
    p->visit = v;
    p->done = false;
    p->op.op = op;
    p->op.flags = 0;
    p->op.key = v->key;
    p->op.key_len = v->key_len;
    p->op.handle = v->handle;
    p->op.buf = NULL;
    p->op.buf_cap = 0;
    p->op.offset = 0;
    p->op.length = 0;
    p->op.arg = 0;
    p->op.mem_handle = 0;
    p->op.deadline_ns = 0;
    p->op.user = p;
    p->side = 0;
    return p;
}

/* Where a range lies: in the object or in one of its side objects. */
static void aim(struct visit *v, struct piece *p, uint64_t offset)
{
    p->side = (uint32_t)(offset >> DLFW_SIDE_SHIFT);
    p->op.offset = offset & (DLFW_SIDE_OFFSET(0) - 1);
    if (!p->side)
        return;
    DLFW_BUG_IF(p->side > v->thread->loader->side_count);
    p->op.handle = NULL;
    p->op.key = v->side_keys[p->side - 1];
    p->op.key_len = (uint32_t)strlen(p->op.key);
}

/* The piece's place as ranges count. */
static uint64_t place_of(const struct piece *p)
{
    return (uint64_t)p->side << DLFW_SIDE_SHIFT | p->op.offset;
}

void visit_free_piece(struct visit *v, struct piece *p)
{
    p->next = v->thread->free_pieces;
    v->thread->free_pieces = p;
}

static void submit(struct visit *v, struct piece *p)
{
    struct reader_thread *t = v->thread;

    if (!t->first_request_ns)
        t->first_request_ns = clock_now_ns();
    DLFW_BUG_IF(!io_queue_submit(t->queue, &p->op)); /* pieces are as many as the queue is deep */
    v->pieces_out++;
}

void visit_submit_close(struct visit *v)
{
    struct piece *p = take_piece(v, DLFW_OP_CLOSE);

    submit(v, p);
}

/* A streaming buffer stays with its piece for the life of the thread. */
static dlfw_status piece_buffer(struct visit *v, struct piece *p, dlfw_error *err)
{
    struct loader *l = v->thread->loader;

    if (p->buffer.data)
        return DLFW_OK;
    return pool_take(l->pool, l->piece_bytes + PHASE, true, &p->buffer, err);
}

static uint16_t get_flags(const struct loader *l)
{
    return l->cfg->reader.drop_cache ? DLFW_REQ_DROP_CACHE : 0;
}

/* One GET for the whole object of about size bytes. */
static dlfw_status submit_whole(struct visit *v, uint64_t size, dlfw_error *err)
{
    struct loader *l = v->thread->loader;
    struct piece *p = take_piece(v, DLFW_OP_GET);
    struct buffer *b = &p->buffer;
    uint64_t cap = ((size + PHASE - 1) & ~(uint64_t)(PHASE - 1)) + PHASE;
    dlfw_status st;

    if (l->keep_samples) {
        if (!v->base)
            v->base = claim_take_record(l);
        b = &v->base->in;
        st = pool_take(l->pool, cap, false, b, err);
    } else {
        st = piece_buffer(v, p, err);
    }
    if (st < 0) {
        visit_free_piece(v, p);
        return st;
    }
    p->op.flags = DLFW_REQ_WHOLE | get_flags(l);
    p->op.buf = b->data;
    p->op.buf_cap = b->cap;
    p->op.length = size;
    p->op.mem_handle = b->mem_handle;
    v->state = VISIT_WHOLE;
    submit(v, p);
    return DLFW_OK;
}

/* What no listing told an earlier answer may have. */
static void ask_memory(struct visit *v)
{
    struct loader *l = v->thread->loader;
    uint64_t size;

    if (!storage_known_size(l->args.storage, v->key, v->key_len, &size))
        return;
    v->expected_size = size;
    if (l->keep_samples && l->unit == l->args.files->dataset->samples_per_file)
        visit_reserve(v, size);
}

bool visit_begin(struct visit *v)
{
    struct loader *l = v->thread->loader;
    struct error_slot err;
    struct piece *p;
    dlfw_status st = DLFW_OK;

    if (!visit_may_begin(v))
        return false;
    if (v->expected_size == UINT64_MAX)
        ask_memory(v);
    if (!l->has_open && v->expected_size != UINT64_MAX && !loader_reads_whole(l, v->expected_size)) {
        v->object_size = v->expected_size;
        v->state = VISIT_SIDES;
        return true;
    }
    if (!v->thread->free_pieces)
        return false;
    if (loader_reads_whole(l, v->expected_size)) {
        error_slot_init(&err);
        st = submit_whole(v, v->expected_size, &err.e);
        if (st < 0)
            visit_fail(v, &err.e);
        return st >= 0;
    }
    p = take_piece(v, l->has_open ? DLFW_OP_OPEN : DLFW_OP_STAT);
    v->state = VISIT_OPENING;
    submit(v, p);
    return true;
}

/* One side object after the other; sizes that an earlier visit of the file has found are known. */
bool visit_ask_sides(struct visit *v)
{
    struct loader *l = v->thread->loader;
    struct error_slot err;

    if (v->pieces_out) /* also when another visit of the file was faster */
        return false;
    for (; v->next_side < l->side_count; v->next_side++) {
        uint32_t i = v->next_side;
        uint64_t known = UINT64_MAX;

        v->sizes_of_sides[i] = UINT64_MAX;
        if (!(l->sides[i]->flags & DLFW_SIDE_READ))
            continue;
        known = atomic_load_explicit(&l->side_sizes[v->file * l->side_count + i], memory_order_relaxed);
        if (!known) {
            struct piece *p;

            if (!v->thread->free_pieces)
                return false;
            p = take_piece(v, DLFW_OP_STAT);
            aim(v, p, DLFW_SIDE_OFFSET(i));
            submit(v, p);
            return false;
        }
        v->sizes_of_sides[i] = known == UINT64_MAX ? UINT64_MAX : known - 1;
    }
    error_slot_init(&err);
    if (!visit_opened(v, &err.e)) {
        visit_fail(v, &err.e);
        return false;
    }
    return true;
}

/* Not found is an answer, unless the object cannot be read without it. */
static void side_completed(struct visit *v, struct piece *p)
{
    struct loader *l = v->thread->loader;
    const dlfw_side *side = l->sides[p->side - 1];
    uint64_t size = p->op.status >= 0 ? p->op.object_size : UINT64_MAX;
    struct error_slot err;

    error_slot_init(&err);
    if (size == UINT64_MAX && (side->flags & DLFW_SIDE_REQUIRED)) {
        dlfw_fail(&err.e, DLFW_E_NOT_FOUND, "'%.*s' cannot be read without '%s', which is missing", (int)v->key_len,
                  v->key, p->op.key);
        visit_fail(v, &err.e);
    }
    atomic_store_explicit(&l->side_sizes[v->file * l->side_count + p->side - 1], size + 1 ? size + 1 : UINT64_MAX,
                          memory_order_relaxed);
    visit_free_piece(v, p);
}

void visit_drop_metadata(struct visit *v)
{
    for (uint32_t i = 0; i < v->metadata_count; i++)
        pool_give(v->thread->loader->pool, &v->metadata[i]);
    v->metadata_count = 0;
}

bool visit_submit_metadata(struct visit *v)
{
    struct loader *l = v->thread->loader;

    while (v->next_range < v->range_count && v->thread->free_pieces) {
        const dlfw_range *r = &v->ranges[v->next_range];
        struct piece *p = take_piece(v, DLFW_OP_GET);
        struct error_slot err;
        uint64_t cap;

        aim(v, p, r->offset);
        cap = io_read_cap(&l->limits, p->op.offset, r->length);
        error_slot_init(&err);
        DLFW_BUG_IF(v->metadata_count == MAX_SPANS);
        if (pool_take(l->pool, cap, false, &v->metadata[v->metadata_count], &err.e) < 0) {
            visit_free_piece(v, p);
            visit_fail(v, &err.e);
            return false;
        }
        p->op.flags = get_flags(l);
        p->op.buf = v->metadata[v->metadata_count].data;
        p->op.buf_cap = v->metadata[v->metadata_count].cap;
        p->op.length = r->length;
        v->metadata_count++;
        v->next_range++;
        submit(v, p);
    }
    return v->next_range == v->range_count;
}

static uint64_t range_end(const dlfw_range *r)
{
    return r->offset + r->length;
}

static uint64_t align_up(uint64_t value, uint64_t align)
{
    return (value + align - 1) / align * align;
}

/* The next piece of the wanted ranges; false when none is left, or no piece is free, or the memory could not be had. */
static bool submit_next_piece(struct visit *v)
{
    struct loader *l = v->thread->loader;
    const dlfw_range *r = &v->ranges[v->next_range];
    uint64_t end = align_up(range_end(r), l->limits.read_length_align);
    struct piece *p = take_piece(v, DLFW_OP_GET);
    uint64_t boundary;
    struct error_slot err;

    error_slot_init(&err);
    p->range = v->next_range;
    p->op.flags = get_flags(l);
    aim(v, p, v->next_offset);
    boundary = v->next_offset + l->piece_bytes - p->op.offset % l->piece_bytes;
    p->op.length = (boundary < end ? boundary : end) - v->next_offset;
    if (v->memory) {
        p->op.buf = v->memory->in.data + v->place[v->next_range] + (v->next_offset - visit_range_start(v, r));
        p->op.buf_cap = p->op.length;
    } else if (piece_buffer(v, p, &err.e) >= 0) {
        p->op.buf = p->buffer.data + (v->next_offset & (PHASE - 1));
        p->op.buf_cap = p->buffer.cap - (v->next_offset & (PHASE - 1));
        p->op.mem_handle = p->buffer.mem_handle;
    } else {
        visit_free_piece(v, p);
        visit_fail(v, &err.e);
        return false;
    }
    if (v->last_piece)
        v->last_piece->next = p;
    else
        v->first_piece = p;
    v->last_piece = p;
    v->next_offset += p->op.length;
    submit(v, p);
    return true;
}

static void submit_pieces(struct visit *v)
{
    while (v->next_range < v->range_count && v->thread->free_pieces) {
        const dlfw_range *r = &v->ranges[v->next_range];

        if (v->next_offset == UINT64_MAX)
            v->next_offset = visit_range_start(v, r);
        if (!submit_next_piece(v))
            return;
        if (v->next_offset >= range_end(r)) {
            v->next_range++;
            v->next_offset = UINT64_MAX;
        }
    }
}

/* The part of a finished piece that the format asked for. Checks that the object is as long as it was. */
static dlfw_status consume_piece(struct visit *v, struct piece *p, dlfw_error *err)
{
    const dlfw_range *r = &v->ranges[p->range];
    uint64_t place = place_of(p);
    uint64_t from = place > r->offset ? place : r->offset;
    uint64_t to = place + p->op.length < range_end(r) ? place + p->op.length : range_end(r);
    dlfw_span span = {.data = p->op.data + (from - place), .offset = from, .length = to - from};

    if (place + p->op.bytes < to)
        return dlfw_fail(err, DLFW_E_CORRUPT, "'%.*s' ends at byte %llu while it is read, %llu bytes were expected",
                         (int)p->op.key_len, p->op.key, (unsigned long long)(p->op.offset + p->op.bytes),
                         (unsigned long long)(p->side ? v->sizes_of_sides[p->side - 1] : v->object_size));
    v->bytes_moved += span.length;
    v->thread->epoch.bytes_asked += span.length;
    v->thread->epoch.bytes_sample += span.length;
    return visit_consume(v, &span, err);
}

bool visit_read(struct visit *v)
{
    struct error_slot err;
    bool moved = false;

    for (;;) {
        struct piece *p;

        submit_pieces(v);
        p = v->first_piece;
        if (!p)
            return v->next_range == v->range_count ? visit_unit_done(v) : moved;
        if (!p->done)
            return moved;
        error_slot_init(&err);
        if (consume_piece(v, p, &err.e) < 0) {
            visit_fail(v, &err.e);
            return false;
        }
        v->first_piece = p->next;
        if (!v->first_piece)
            v->last_piece = NULL;
        visit_free_piece(v, p);
        moved = true;
    }
}

/* The object is larger than was thought: its true size is known now, begin again. */
static void whole_too_small(struct visit *v, struct piece *p)
{
    struct loader *l = v->thread->loader;

    if (v->base) {
        pool_give(l->pool, &v->base->in);
        visit_reserve(v, p->op.object_size);
    }
    v->expected_size = p->op.object_size;
    visit_free_piece(v, p);
    v->state = VISIT_BEGIN;
}

static void whole_completed(struct visit *v, struct piece *p)
{
    struct error_slot err;

    error_slot_init(&err);
    v->whole = true;
    v->object_size = p->op.bytes;
    v->have[0] = (dlfw_span){.data = p->op.data, .offset = 0, .length = p->op.bytes};
    v->have_count = 1;
    v->bytes_moved = p->op.bytes;
    v->thread->epoch.bytes_asked += p->op.bytes;
    v->thread->epoch.bytes_sample += p->op.bytes;
    if (v->base) {
        visit_charge(v, v->base, v->reserved);
        visit_free_piece(v, p);
    } else {
        v->whole_piece = p; /* its buffer holds the object */
    }
    if (!visit_opened(v, &err.e))
        visit_fail(v, &err.e);
}

static void open_completed(struct visit *v, struct piece *p)
{
    struct loader *l = v->thread->loader;

    v->handle = p->op.handle;
    v->object_size = p->op.object_size;
    visit_free_piece(v, p);
    if (l->keep_samples && l->unit == l->args.files->dataset->samples_per_file && v->object_size != UINT64_MAX)
        visit_reserve(v, v->object_size);
    v->state = VISIT_SIDES;
}

static void metadata_completed(struct visit *v, struct piece *p)
{
    struct error_slot err;
    uint32_t at = v->have_count;
    uint64_t place = place_of(p);

    if (p->op.bytes < p->op.length) {
        error_slot_init(&err);
        dlfw_fail(&err.e, DLFW_E_CORRUPT, "'%.*s' ends before byte %llu while it is read", (int)p->op.key_len,
                  p->op.key, (unsigned long long)(p->op.offset + p->op.length));
        visit_fail(v, &err.e);
    }
    while (at > 0 && v->have[at - 1].offset > place) {
        v->have[at] = v->have[at - 1];
        at--;
    }
    v->have[at] = (dlfw_span){.data = p->op.data, .offset = place, .length = p->op.bytes};
    v->have_count++;
    v->thread->epoch.bytes_asked += p->op.bytes;
    visit_free_piece(v, p);
}

static void completed_well(struct visit *v, struct piece *p)
{
    switch (v->state) {
    case VISIT_WHOLE:
        whole_completed(v, p);
        break;
    case VISIT_OPENING:
        open_completed(v, p);
        break;
    case VISIT_SIDES:
        side_completed(v, p);
        break;
    case VISIT_METADATA:
        metadata_completed(v, p);
        break;
    case VISIT_READING:
        p->done = true;
        break;
    case VISIT_CLOSING:
        visit_free_piece(v, p);
        v->handle = NULL;
        v->state = VISIT_DONE;
        break;
    case VISIT_BEGIN:
    case VISIT_DELIVERING:
    case VISIT_DONE:
        DLFW_BUG_IF(true);
    }
}

void piece_completed(struct io_op *op)
{
    struct piece *p = op->user;
    struct visit *v = p->visit;

    v->pieces_out--;
    if (op->status == DLFW_E_BUFFER_TOO_SMALL && v->state == VISIT_WHOLE && op->object_size != UINT64_MAX) {
        whole_too_small(v, p);
        return;
    }
    if (op->status >= 0 || (op->status == DLFW_E_NOT_FOUND && v->state == VISIT_SIDES)) {
        completed_well(v, p);
        return;
    }
    visit_fail(v, &op->err.e);
    if (v->state == VISIT_READING) {
        p->done = true; /* stays in the queue of pieces, which the winding up frees */
        return;
    }
    if (v->state == VISIT_CLOSING) {
        v->handle = NULL;
        v->state = VISIT_DONE;
    }
    visit_free_piece(v, p);
}
