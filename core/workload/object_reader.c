/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranges are cut at multiples of the piece size of the object, so that a backend with alignment gets aligned requests.
 * Slots are filled and consumed in turn: slot n % PIECES holds piece n, whatever order the storage finishes in.
 */
#include "workload/object_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "io/buffer_pool.h"
#include "plugin/host_table.h"
#include "workload/dataset.h"

#define PIECE_BYTES ((uint64_t)1 << 20)
#define PIECES 4u
#define POOL_LIMIT ((uint64_t)1 << 30) /* metadata included */
#define WANT_CAP 64u
#define ROUNDS_MAX 4096u /* of metadata; a format that wants more of one object does not come to an end */
#define KEY_CAP 1024u
#define READER_ALIGN 64u

/* The object, or one of its side objects. */
struct part {
    char *key;
    void *handle;  /* NULL: not open, or the backend has no handles */
    uint64_t size; /* UINT64_MAX: it is not there */
    bool open;
};

struct slot {
    struct io_op op;
    struct buffer buffer;
    uint64_t offset; /* of this ABI: the side's number in the top byte */
    uint64_t length;
    bool done;
};

struct object_reader {
    struct storage *storage;
    struct io_queue *queue;
    struct buffer_pool *pool;
    dlfw_limits limits;
    const struct plugin_iface *format_iface;
    const dlfw_format_ops *ops;
    dlfw_reader *reader;
    bool reader_open;
    dlfw_object object;
    struct part parts[1 + DLFW_MAX_SIDES];
    uint32_t part_count;
    uint64_t side_sizes[DLFW_MAX_SIDES];
    struct slot slots[PIECES];
    uint32_t depth;  /* of them that may be in flight */
    dlfw_span *have; /* metadata, ascending */
    struct buffer *metadata;
    uint32_t have_count, metadata_count;
};

/* Where pieces go: a unit to consume(), metadata to memory. */
typedef dlfw_status take_piece(struct object_reader *r, uint64_t goal, const dlfw_span *piece, dlfw_error *err);

static struct part *part_of(struct object_reader *r, uint64_t offset)
{
    return &r->parts[offset >> DLFW_SIDE_SHIFT];
}

static uint64_t inside(uint64_t offset)
{
    return offset & (DLFW_SIDE_OFFSET(0) - 1);
}

static dlfw_status open_part(struct object_reader *r, struct part *p, dlfw_error *err)
{
    bool has_open = storage_op_mask(r->storage) & DLFW_OP_BIT(DLFW_OP_OPEN);
    struct io_op op = {
        .op = has_open ? DLFW_OP_OPEN : DLFW_OP_STAT, .key = p->key, .key_len = (uint32_t)strlen(p->key)};
    dlfw_status st = io_call(r->queue, &op, err);

    if (st < 0)
        return st;
    p->open = has_open;
    p->handle = op.handle;
    p->size = op.object_size;
    if (p->size == UINT64_MAX)
        return dlfw_fail(err, DLFW_E_IO, "the storage does not say how large '%s' is", p->key);
    if (p->size >= DLFW_SIDE_OFFSET(0))
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "'%s' has %" PRIu64 " bytes, which is more than can be read", p->key,
                         p->size);
    return DLFW_OK;
}

static void close_part(struct object_reader *r, struct part *p)
{
    struct io_op op = {.op = DLFW_OP_CLOSE, .key = p->key, .handle = p->handle};

    if (p->open) {
        op.key_len = (uint32_t)strlen(p->key);
        (void)io_call(r->queue, &op, NULL); /* it was only read: closing cannot lose anything */
    }
    free(p->key);
    *p = (struct part){0};
}

/* Opens the side objects that the format reads; one that may be missing has no size then. */
static dlfw_status open_sides(struct object_reader *r, const char *key, dlfw_format *format, dlfw_error *err)
{
    const dlfw_side *const *sides = NULL;
    uint32_t count = r->ops->sides ? r->ops->sides(format, &sides) : 0;
    char side_key[KEY_CAP];

    DLFW_BUG_IF(count > DLFW_MAX_SIDES);
    for (uint32_t i = 0; i < count; i++) {
        struct part *p = &r->parts[r->part_count++];
        dlfw_status st;

        if (dataset_side_key(sides[i], key, side_key, sizeof side_key) >= sizeof side_key)
            return dlfw_fail(err, DLFW_E_INVALID, "the name of a side object of '%s' is too long", key);
        p->key = xstrdup(side_key);
        p->size = r->side_sizes[i] = UINT64_MAX;
        if (!(sides[i]->flags & DLFW_SIDE_READ))
            continue;
        st = open_part(r, p, err);
        if (st < 0 && (st != DLFW_E_NOT_FOUND || (sides[i]->flags & DLFW_SIDE_REQUIRED)))
            return st;
        r->side_sizes[i] = p->size;
    }
    r->object.side_sizes = r->side_sizes;
    r->object.side_count = count;
    return DLFW_OK;
}

static dlfw_status check_ranges(struct object_reader *r, const dlfw_range *ranges, uint32_t n, dlfw_error *err)
{
    const char *format = r->format_iface->iface->name;

    if (!n || n > WANT_CAP)
        return dlfw_fail(err, DLFW_E_INTERNAL, "format '%s' asks for %" PRIu32 " ranges of '%s'", format, n,
                         r->parts[0].key);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t number = ranges[i].offset >> DLFW_SIDE_SHIFT, offset = inside(ranges[i].offset), size = 0;

        if (number < r->part_count && r->parts[number].size != UINT64_MAX)
            size = r->parts[number].size;
        if (offset > size || ranges[i].length > size - offset || !ranges[i].length)
            return dlfw_fail(err, DLFW_E_INTERNAL,
                             "format '%s' asks for %" PRIu64 " bytes at %" PRIu64 " of '%s', which has %" PRIu64,
                             format, ranges[i].length, ranges[i].offset, r->parts[0].key, size);
    }
    return DLFW_OK;
}

static dlfw_status submit_piece(struct object_reader *r, struct slot *s, uint64_t offset, uint64_t length,
                                dlfw_error *err)
{
    const struct part *p = part_of(r, offset);
    uint64_t cap = io_read_cap(&r->limits, inside(offset), length);
    dlfw_status st = DLFW_OK;

    if (s->buffer.cap < cap) {
        pool_give(r->pool, &s->buffer);
        st = pool_take(r->pool, cap, true, &s->buffer, err);
    }
    if (st < 0)
        return st;
    s->op = (struct io_op){.op = DLFW_OP_GET,
                           .key = p->key,
                           .key_len = (uint32_t)strlen(p->key),
                           .handle = p->handle,
                           .buf = s->buffer.data,
                           .buf_cap = s->buffer.cap,
                           .offset = inside(offset),
                           .length = length,
                           .mem_handle = s->buffer.mem_handle,
                           .user = s};
    s->offset = offset;
    s->length = length;
    s->done = false;
    DLFW_BUG_IF(!io_queue_submit(r->queue, &s->op));
    return DLFW_OK;
}

static dlfw_status wait_for(struct object_reader *r, const struct slot *s, dlfw_error *err)
{
    struct io_op *done[PIECES];

    while (!s->done) {
        uint32_t n = io_queue_reap(r->queue, done, PIECES, 1, UINT64_MAX);

        for (uint32_t i = 0; i < n; i++)
            ((struct slot *)done[i]->user)->done = true;
        if (atomic_load(&host_cancel_level))
            return dlfw_fail(err, DLFW_E_CANCELLED, "stopped by the user");
    }
    if (s->op.status < 0) {
        error_copy(err, &s->op.err.e);
        return s->op.status;
    }
    if (s->op.bytes < s->length)
        return dlfw_fail(err, DLFW_E_CORRUPT, "'%s' ends at byte %" PRIu64 " while it is read", s->op.key,
                         s->op.offset + s->op.bytes);
    return DLFW_OK;
}

/* Nothing of the slots is in flight afterwards. */
static void drain(struct object_reader *r)
{
    struct io_op *done[PIECES];

    io_queue_cancel(r->queue);
    while (io_queue_inflight(r->queue))
        io_queue_reap(r->queue, done, PIECES, 1, UINT64_MAX);
}

static dlfw_status read_ranges(struct object_reader *r, uint64_t goal, const dlfw_range *ranges, uint32_t n,
                               take_piece *take, dlfw_error *err)
{
    uint64_t submitted = 0, taken = 0, offset = ranges[0].offset;
    uint32_t range = 0;
    dlfw_status st = DLFW_OK;

    while (st >= 0 && (range < n || taken < submitted)) {
        struct slot *s = &r->slots[taken % PIECES];

        while (st >= 0 && range < n && submitted - taken < r->depth) {
            uint64_t end = ranges[range].offset + ranges[range].length;
            uint64_t boundary = offset + PIECE_BYTES - inside(offset) % PIECE_BYTES;
            uint64_t to = boundary < end ? boundary : end;

            st = submit_piece(r, &r->slots[submitted % PIECES], offset, to - offset, err);
            submitted += st >= 0;
            offset = to;
            if (to == end && ++range < n)
                offset = ranges[range].offset;
        }
        if (st >= 0)
            st = wait_for(r, s, err);
        if (st >= 0) {
            dlfw_span piece = {.data = s->op.data, .offset = s->offset, .length = s->length};

            st = take(r, goal, &piece, err);
            taken++;
        }
    }
    if (st < 0)
        drain(r);
    return st;
}

/* A failure always has a text: the plugin's, or one that says who gave none. */
static dlfw_status said(const struct object_reader *r, dlfw_status st, dlfw_error *err)
{
    if (st < 0 && err && !err->message_len)
        return dlfw_fail(err, st, "format '%s' failed on '%s' and did not say why", r->format_iface->iface->name,
                         r->parts[0].key);
    return st;
}

static dlfw_status keep_metadata(struct object_reader *r, uint64_t goal, const dlfw_span *piece, dlfw_error *err)
{
    dlfw_span *last = &r->have[r->have_count - 1];

    (void)goal;
    (void)err;
    memcpy((uint8_t *)(uintptr_t)last->data + (piece->offset - last->offset), piece->data, piece->length);
    return DLFW_OK;
}

static int by_offset(const void *a, const void *b)
{
    const dlfw_span *x = a, *y = b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static dlfw_status read_metadata_range(struct object_reader *r, const dlfw_range *range, dlfw_error *err)
{
    struct buffer *b;
    dlfw_status st;

    r->metadata = xrealloc(r->metadata, (r->metadata_count + 1) * sizeof *r->metadata);
    r->have = xrealloc(r->have, (r->have_count + 1) * sizeof *r->have);
    b = &r->metadata[r->metadata_count];
    *b = (struct buffer){0};
    st = pool_take(r->pool, range->length, false, b, err);
    if (st < 0)
        return st;
    r->metadata_count++;
    r->have[r->have_count++] = (dlfw_span){.data = b->data, .offset = range->offset, .length = range->length};
    return read_ranges(r, DLFW_GOAL_METADATA, range, 1, keep_metadata, err);
}

static dlfw_status read_metadata(struct object_reader *r, dlfw_error *err)
{
    dlfw_range want[WANT_CAP];
    dlfw_status st = DLFW_NEED_IO;

    for (uint32_t round = 0; st == DLFW_NEED_IO; round++) {
        uint32_t n = 0;

        if (round == ROUNDS_MAX)
            return dlfw_fail(err, DLFW_E_UNSUPPORTED, "'%s' has its metadata in more than %u places", r->parts[0].key,
                             ROUNDS_MAX);
        st = said(r, r->ops->step(r->reader, DLFW_GOAL_METADATA, r->have, r->have_count, want, WANT_CAP, &n, err), err);
        if (st != DLFW_NEED_IO)
            break;
        if (check_ranges(r, want, n, err) < 0)
            return DLFW_E_INTERNAL;
        for (uint32_t i = 0; i < n && st >= 0; i++)
            st = read_metadata_range(r, &want[i], err);
        if (st < 0)
            break;
        qsort(r->have, r->have_count, sizeof *r->have, by_offset);
        st = DLFW_NEED_IO;
    }
    for (uint32_t i = 0; i < r->metadata_count; i++)
        pool_give(r->pool, &r->metadata[i]);
    r->metadata_count = r->have_count = 0;
    return st;
}

static dlfw_status open_format(struct object_reader *r, const struct object_reader_args *args, dlfw_error *err)
{
    size_t bytes = ((size_t)r->ops->reader_size + READER_ALIGN - 1) & ~(size_t)(READER_ALIGN - 1);
    dlfw_status st;

    r->reader = aligned_alloc(READER_ALIGN, bytes ? bytes : READER_ALIGN);
    if (!r->reader)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "cannot allocate %zu bytes of reader state", bytes);
    memset(r->reader, 0, bytes);
    r->object.struct_size = sizeof r->object;
    r->object.flags = args->flags;
    r->object.name = r->parts[0].key;
    r->object.name_len = (uint32_t)strlen(r->parts[0].key);
    r->object.size = r->parts[0].size;
    st = said(r, r->ops->reader_open(args->format, r->reader, &r->object, err), err);
    r->reader_open = st >= 0;
    return st;
}

dlfw_status object_reader_open(const struct object_reader_args *args, struct object_reader **ret, dlfw_error *err)
{
    struct object_reader *r = xcalloc(1, sizeof *r);
    dlfw_status st;

    r->storage = args->storage;
    r->format_iface = args->format_iface;
    r->ops = &args->format_iface->ops.format;
    r->parts[0].key = xstrdup(args->key);
    r->part_count = 1;
    st = io_queue_create(r->storage, PIECES, &r->queue, err);
    if (st >= 0)
        r->depth = io_queue_depth(r->queue) < PIECES ? io_queue_depth(r->queue) : PIECES;
    if (st >= 0)
        st = storage_limits(r->storage, args->key, strlen(args->key), &r->limits, err);
    if (st >= 0)
        st = pool_create(r->storage, POOL_LIMIT, &r->pool, err);
    if (st >= 0)
        st = open_part(r, &r->parts[0], err);
    if (st >= 0)
        st = open_sides(r, args->key, args->format, err);
    if (st >= 0)
        st = open_format(r, args, err);
    if (st >= 0)
        st = read_metadata(r, err);
    if (st < 0) {
        object_reader_close(r);
        return st;
    }
    *ret = r;
    return DLFW_OK;
}

static dlfw_status consume_piece(struct object_reader *r, uint64_t unit, const dlfw_span *piece, dlfw_error *err)
{
    dlfw_payload payload = {0};

    if (!r->ops->consume)
        return DLFW_OK;
    return said(r, r->ops->consume(r->reader, unit, piece, &payload, err), err);
}

dlfw_status object_reader_verify_all(struct object_reader *r, dlfw_error *err)
{
    uint64_t units = r->ops->unit_count(r->reader);
    dlfw_range want[WANT_CAP];
    dlfw_status st = DLFW_OK;

    for (uint64_t unit = 0; unit < units && st >= 0; unit++) {
        uint32_t n = 0;

        st = said(r, r->ops->step(r->reader, unit, NULL, 0, want, WANT_CAP, &n, err), err);
        if (st != DLFW_NEED_IO)
            continue; /* it failed, or the unit has no bytes */
        st = check_ranges(r, want, n, err);
        if (st >= 0)
            st = read_ranges(r, unit, want, n, consume_piece, err);
    }
    return st;
}

dlfw_reader *object_reader_reader(struct object_reader *r)
{
    return r->reader;
}

uint64_t object_reader_size(const struct object_reader *r)
{
    return r->parts[0].size;
}

void object_reader_close(struct object_reader *r)
{
    if (!r)
        return;
    if (r->reader_open)
        r->ops->reader_close(r->reader);
    for (uint32_t i = 0; i < r->part_count; i++)
        close_part(r, &r->parts[i]);
    for (uint32_t i = 0; i < PIECES && r->pool; i++)
        pool_give(r->pool, &r->slots[i].buffer);
    for (uint32_t i = 0; i < r->metadata_count; i++)
        pool_give(r->pool, &r->metadata[i]);
    pool_destroy(r->pool);
    io_queue_destroy(r->queue);
    free(r->metadata);
    free(r->have);
    free(r->reader);
    free(r);
}
