/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A large read as several requests of the same queue. The parts are operations like any other, with their own tries,
 * but nobody else sees them: the caller's operation ends when the last part has. They only take room that the caller
 * leaves, and it gets it back at once, because there are slots beyond the queue's depth for them.
 *
 * Never asks for a size: a whole object of unknown size begins with one part, whose answer tells it. All parts have to
 * agree on the size, or the object was replaced meanwhile.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "io/io_queue_parts.h"
#include "io/storage_parts.h"

struct split_part_op {
    struct io_op op; /* user: the split */
    bool in_use;
};

struct io_split {
    struct io_op *op;     /* the caller's; NULL: this one is free */
    uint64_t next;        /* offset of the next part */
    uint64_t end;         /* where parts stop; UINT64_MAX: the size is not known yet */
    uint64_t data_end;    /* where the object turned out to end, UINT64_MAX: beyond all that was read */
    uint64_t reach;       /* furthest byte that came */
    uint64_t object_size; /* as the parts say; UINT64_MAX: none did */
    uint64_t first_byte_ns, submit_ns;
    uint32_t attempts;
    uint32_t in_flight;
    uint32_t comp_flags;
    dlfw_status status; /* of the first failure, with its error in op->err */
    bool told;          /* op->err is complete: a part's own */
    bool learning;      /* the first part of a whole object of unknown size */
    struct split_part_op parts[SPLIT_STREAMS_MAX];
};

void queue_split_init(struct io_queue *q)
{
    struct split_control *c = q->st->split;

    q->split_from = UINT64_MAX;
    if (c && q->depth > 1)
        q->split_from = split_from(c);
}

void queue_split_free(struct io_queue *q)
{
    free(q->splits);
    free(q->split_done);
}

static struct io_split *free_split(struct io_queue *q)
{
    if (!q->splits) {
        q->splits = xcalloc(IO_SPLITS_MAX, sizeof *q->splits);
        q->split_done = xcalloc(q->depth, sizeof(struct io_op *));
    }
    for (uint32_t i = 0; i < IO_SPLITS_MAX; i++) {
        if (!q->splits[i].op)
            return &q->splits[i];
    }
    return NULL;
}

static struct split_part_op *free_part(struct io_split *s)
{
    for (uint32_t i = 0; i < SPLIT_STREAMS_MAX; i++) {
        if (!s->parts[i].in_use)
            return &s->parts[i];
    }
    return NULL;
}

static void submit_part(struct io_queue *q, struct io_split *s, uint64_t length)
{
    const struct io_op *whole = s->op;
    struct split_part_op *part = free_part(s);
    uint64_t at = s->next - whole->offset;

    part->in_use = true;
    part->op = (struct io_op){.op = DLFW_OP_GET,
                              .flags = whole->flags & (uint16_t)~DLFW_REQ_WHOLE,
                              .key = whole->key,
                              .key_len = whole->key_len,
                              .handle = whole->handle,
                              .buf = (uint8_t *)whole->buf + at,
                              .buf_cap = length,
                              .offset = s->next,
                              .length = length,
                              .mem_handle = whole->mem_handle,
                              .deadline_ns = whole->deadline_ns,
                              .user = s};
    s->next += length;
    s->in_flight++;
    queue_submit_part(q, &part->op);
}

/* As many parts as may be under way now. */
static void feed(struct io_queue *q, struct io_split *s)
{
    while (s->status >= 0 && !s->learning && s->next < s->end && s->next < s->data_end) {
        uint64_t left = s->end - s->next;

        if (s->in_flight &&
            (s->in_flight >= split_streams(q->st->split, left + (uint64_t)s->in_flight * SPLIT_PART_LEAST) ||
             queue_busy(q) >= q->depth))
            return;
        if (s->in_flight == SPLIT_STREAMS_MAX)
            return;
        submit_part(q, s, split_part(q->st->split, left, q->limits.max_io));
    }
}

void queue_split_feed(struct io_queue *q)
{
    for (uint32_t i = 0; i < IO_SPLITS_MAX && queue_busy(q) < q->depth; i++) {
        if (q->splits[i].op)
            feed(q, &q->splits[i]);
    }
}

/* Is this read cut? */
static bool is_worth_it(const struct io_queue *q, const struct io_op *op)
{
    if (op->op != DLFW_OP_GET || !op->buf || !q->limits_known || q->align_matters || op->offset > INT64_MAX ||
        op->length > INT64_MAX - op->offset)
        return false;
    if (q->st->split->mode == SPLIT_AUTO && op->length >= SPLIT_ALWAYS)
        return true;
    return queue_busy(q) + 1 < q->depth && split_streams(q->st->split, op->length) > 1;
}

bool queue_split_begin(struct io_queue *q, struct io_op *op)
{
    bool whole = (op->flags & DLFW_REQ_WHOLE) != 0;
    struct io_split *s;
    uint64_t known, told;

    if (!is_worth_it(q, op))
        return false;
    s = free_split(q);
    if (!s)
        return false;
    s->op = op;
    s->next = op->offset;
    s->data_end = s->object_size = UINT64_MAX;
    s->reach = 0;
    s->told = false;
    s->first_byte_ns = s->submit_ns = 0;
    s->attempts = s->in_flight = s->comp_flags = 0;
    s->status = DLFW_OK;
    s->learning = false;
    /* Room beyond length says that length is what the caller knows of the size; else it is just the room. */
    known = op->length < op->buf_cap ? op->length : UINT64_MAX;
    if (whole && storage_known_size(q->st, op->key, op->key_len, &told) && told <= op->buf_cap && told)
        known = told;
    s->end = op->offset + (whole && known != UINT64_MAX ? known : op->length);
    q->split_count++;
    q->inflight++;
    error_slot_init(&op->err);
    op->slot = NULL;
    if (whole && known == UINT64_MAX) {
        submit_part(q, s, split_part(q->st->split, op->length, q->limits.max_io));
        s->learning = true;
    } else {
        feed(q, s);
    }
    return true;
}

static void fail_split(struct io_queue *q, struct io_split *s, dlfw_status status, const dlfw_error *err)
{
    if (s->status < 0)
        return;
    s->status = status;
    if (err)
        error_copy(&s->op->err.e, err);
    for (uint32_t i = 0; i < SPLIT_STREAMS_MAX; i++) {
        if (s->parts[i].in_use && s->parts[i].op.slot)
            queue_give_up(q, s->parts[i].op.slot);
    }
}

static dlfw_status replaced(const struct io_op *part, const char *what, uint64_t a, uint64_t b, dlfw_error *err)
{
    return dlfw_fail(err, DLFW_E_IO, "'%.*s' was replaced while it was read: it %s %" PRIu64 " bytes, then %" PRIu64,
                     (int)part->key_len, part->key, what, a, b);
}

/* What a good part says of the object, against what the others said. */
static dlfw_status judge_part(struct io_split *s, const struct io_op *part, dlfw_error *err)
{
    uint64_t part_end = part->offset + part->bytes;

    if (part->object_size != UINT64_MAX && s->object_size != UINT64_MAX && part->object_size != s->object_size)
        return replaced(part, "had", s->object_size, part->object_size, err);
    if (part->object_size != UINT64_MAX)
        s->object_size = part->object_size;
    if (part->bytes && part_end > s->reach)
        s->reach = part_end;
    if (part->bytes < part->length && part_end < s->data_end)
        s->data_end = part_end;
    if (s->reach > s->data_end)
        return replaced(part, "ended after", s->data_end, s->reach, err);
    return DLFW_OK;
}

/* A whole object has to fit; one that is larger than was thought gets more parts. */
static dlfw_status check_room(struct io_split *s, dlfw_error *err)
{
    const struct io_op *op = s->op;

    if (!(op->flags & DLFW_REQ_WHOLE) || s->object_size == UINT64_MAX)
        return DLFW_OK;
    if (s->object_size > op->buf_cap)
        return dlfw_fail(err, DLFW_E_BUFFER_TOO_SMALL, "'%.*s' has %" PRIu64 " bytes, the buffer takes %" PRIu64,
                         (int)op->key_len, op->key, s->object_size, op->buf_cap);
    s->end = s->object_size;
    return DLFW_OK;
}

static void fill_caller(struct io_queue *q, struct io_split *s)
{
    struct io_op *op = s->op;
    uint64_t reached = s->data_end < s->next ? s->data_end : s->next;

    op->status = s->status;
    op->comp_flags = s->comp_flags;
    op->data = op->buf;
    op->bytes = s->status < 0 || reached < op->offset ? 0 : reached - op->offset;
    op->object_size = s->object_size;
    op->submit_ns = s->submit_ns;
    op->first_byte_ns = s->first_byte_ns;
    op->done_ns = clock_now_ns();
    op->attempts = s->attempts;
    if (op->status < 0 && !s->told)
        op_error_finish(op);
    stats_count_split(&q->stats, op);
}

static void end_split(struct io_queue *q, struct io_split *s)
{
    fill_caller(q, s);
    q->split_done[q->split_done_count++] = s->op;
    s->op = NULL;
    q->split_count--;
}

static void note_times(struct io_split *s, const struct io_op *part)
{
    s->attempts = part->attempts > s->attempts ? part->attempts : s->attempts;
    s->comp_flags |= part->comp_flags;
    if (!s->submit_ns || part->submit_ns < s->submit_ns)
        s->submit_ns = part->submit_ns;
    if (part->first_byte_ns && (!s->first_byte_ns || part->first_byte_ns < s->first_byte_ns))
        s->first_byte_ns = part->first_byte_ns;
}

/* The backend does not tell sizes: the object is read as one request after all, and so are those that come later. */
static void read_in_one(struct io_queue *q, struct io_split *s)
{
    struct io_op *op = s->op;

    q->split_from = UINT64_MAX;
    s->op = NULL;
    q->split_count--;
    q->inflight--;
    queue_submit_one(q, op);
}

void queue_split_part_done(struct io_queue *q, struct io_op *part)
{
    struct io_split *s = part->user;
    struct error_slot why;
    dlfw_status st = part->status;

    error_slot_init(&why);
    s->in_flight--;
    ((struct split_part_op *)part)->in_use = false;
    note_times(s, part);
    if (st < 0 && s->status >= 0) {
        error_copy(&why.e, &part->err.e);
        s->told = true;
    }
    if (st >= 0)
        st = judge_part(s, part, &why.e);
    if (st >= 0 && s->learning && s->status >= 0) {
        s->learning = false;
        if (s->object_size == UINT64_MAX && part->bytes == part->length) {
            read_in_one(q, s);
            return;
        }
        s->end = s->object_size != UINT64_MAX ? s->object_size : s->data_end;
    }
    if (st >= 0)
        st = check_room(s, &why.e);
    if (st < 0)
        fail_split(q, s, st, &why.e);
    feed(q, s);
    if (!s->in_flight)
        end_split(q, s);
}

void queue_split_cancel(struct io_queue *q)
{
    struct error_slot why;

    error_slot_init(&why);
    dlfw_fail(&why.e, DLFW_E_CANCELLED, "cancelled");
    for (uint32_t i = 0; q->splits && i < IO_SPLITS_MAX; i++) {
        if (q->splits[i].op)
            fail_split(q, &q->splits[i], DLFW_E_CANCELLED, &why.e);
    }
}
