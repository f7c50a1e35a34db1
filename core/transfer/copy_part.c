/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part: its bytes are read into a buffer, looked at while they are hot, and written from the same buffer. Parts of an
 * object come and go in any order. Invariant: a part that is not in the worker's free list has a buffer and one
 * operation out.
 */
#include <inttypes.h>
#include <string.h>

#include "host/crc.h"
#include "io/crc_join.h"
#include "transfer/copy_parts.h"

#define PAGE 4096u /* alignment of the pool's buffers */

static const struct copy_side *read_side(const struct copy_object *o)
{
    return object_reads_target(o) ? &o->w->c->target : &o->w->c->source;
}

static uint64_t up(uint64_t value, uint64_t align)
{
    return (value + align - 1) & ~(align - 1);
}

void part_phase_begin(struct copy_object *o, uint64_t part_bytes)
{
    o->in_parts = true;
    o->part_bytes = part_bytes;
    o->next_offset = o->next_number = 0;
    o->crc = 0;
}

/* No part is left to be started. */
static bool is_issued(const struct copy_object *o)
{
    if (object_has_failed(o) || o->same)
        return true;
    if (o->phase == PHASE_MOVE && o->one_put)
        return o->next_number > 0;
    return o->next_offset == o->total;
}

static void release(struct copy_part *part)
{
    struct copy_object *o = part->object;
    struct copy_worker *w = o->w;

    pool_give(w->c->pool, &part->buf);
    atomic_fetch_sub(&w->c->parts_busy, 1);
    part->object = NULL;
    part->next = w->free;
    w->free = part;
    o->parts_out--;
    if (!o->parts_out && is_issued(o))
        object_advance(o);
}

static void count_bytes(const struct copy_part *part)
{
    atomic_fetch_add_explicit(&part->object->w->c->bytes_done, part->len, memory_order_relaxed);
}

static void write_done(struct copy_worker *w, struct copy_op *op)
{
    struct copy_part *part = (struct copy_part *)op;
    struct copy_object *o = part->object;

    if (op->io.status >= 0) {
        count_bytes(part);
        if (o->one_put)
            object_is_there(o);
    } else if (op->io.status == DLFW_E_EXISTS && o->one_put && (w->c->args.write_flags & DLFW_REQ_EXCLUSIVE))
        o->same = true;
    else
        object_fail(o, &op->io.err.e);
    release(part);
}

static void write_part(struct copy_part *part)
{
    struct copy_object *o = part->object;
    uint64_t padded = up(part->len, o->w->c->target.limits.write_length_align);

    part->op.io = (struct io_op){.op = DLFW_OP_WRITE_PART,
                                 .key = o->target_key,
                                 .key_len = (uint32_t)strlen(o->target_key),
                                 .handle = o->write_handle,
                                 .buf = part->buf.data,
                                 .buf_cap = part->buf.cap,
                                 .offset = part->offset,
                                 .length = part->len,
                                 .arg = part->number};
    if (o->one_put) {
        part->op.io.op = DLFW_OP_PUT;
        part->op.io.flags = o->w->c->args.write_flags;
        part->op.io.arg = 0;
    }
    if (padded > part->len) /* a backend may write whole blocks: of this object only */
        memset(part->buf.data + part->len, 0, padded - part->len);
    part->op.done = write_done;
    copy_send(o->w, o->w->out, &part->op);
}

/* The part's bytes are in its buffer. */
static void take_bytes(struct copy_part *part)
{
    struct copy_object *o = part->object;

    if (object_wants_crc(o))
        o->crc ^= crc32c_join(crc32c_update(0, part->buf.data, part->len), 0, o->total - part->offset - part->len);
    if (o->phase == PHASE_MOVE && o->one_put) { /* once it is put it is there */
        o->moved_crc = o->crc;
        object_judge_moved(o);
    }
    if (o->phase == PHASE_MOVE && o->w->out && !object_has_failed(o)) {
        write_part(part);
        return;
    }
    if (o->phase == PHASE_MOVE && !o->w->out)
        count_bytes(part);
    release(part);
}

static void read_done(struct copy_worker *w, struct copy_op *op);

/* What is still missing of the part, as much of it as the source gives at once. */
static void read_part(struct copy_part *part)
{
    struct copy_object *o = part->object;
    const struct copy_side *side = read_side(o);
    bool of_target = object_reads_target(o);
    const char *key = of_target ? o->target_key : o->source_key;
    uint64_t align = side->limits.read_length_align, ask = part->len - part->got;
    bool whole = part->len == o->total && (of_target || object_is_whole(o)) && !o->is_open;

    if (side->limits.max_io && ask > side->limits.max_io) {
        ask = side->limits.max_io & ~(align - 1);
        whole = false;
    }
    part->op.io = (struct io_op){.op = DLFW_OP_GET,
                                 .flags = whole && !part->got ? DLFW_REQ_WHOLE : 0,
                                 .key = key,
                                 .key_len = (uint32_t)strlen(key),
                                 .handle = o->is_open && !of_target ? o->read_handle : NULL,
                                 .buf = part->buf.data + part->got,
                                 .buf_cap = part->buf.cap - part->got,
                                 .offset = (of_target ? 0 : o->item.offset) + part->offset + part->got,
                                 .length = ask};
    part->op.done = read_done;
    copy_send(o->w, of_target ? o->w->out : o->w->in, &part->op);
}

/* False: the object has failed. */
static bool judge_read(struct copy_part *part)
{
    struct copy_object *o = part->object;
    const struct io_op *op = &part->op.io;
    uint64_t size = object_reads_target(o) ? o->total : o->item.size;

    if (op->status == DLFW_E_BUFFER_TOO_SMALL && op->object_size != UINT64_MAX) {
        object_changed(o, op->object_size);
        return false;
    }
    if (op->status < 0) {
        object_fail(o, &op->err.e);
        return false;
    }
    if (op->object_size != UINT64_MAX && op->object_size != size) {
        object_changed(o, op->object_size);
        return false;
    }
    if (op->bytes == op->length)
        return true;
    object_changed(o, op->offset + op->bytes);
    return false;
}

static void read_done(struct copy_worker *w, struct copy_op *op)
{
    struct copy_part *part = (struct copy_part *)op;

    (void)w;
    if (object_has_failed(part->object) || !judge_read(part)) {
        release(part);
        return;
    }
    if (op->io.bytes && op->io.data != op->io.buf) /* a range that was widened */
        memmove(op->io.buf, op->io.data, op->io.bytes);
    part->got += op->io.bytes;
    if (part->got < part->len)
        read_part(part);
    else
        take_bytes(part);
}

/* Bytes of buffer for reading and writing the part. */
static uint64_t buffer_bytes(const struct copy_object *o, uint64_t offset, uint64_t len)
{
    const struct copy_side *from = read_side(o), *to = &o->w->c->target;
    uint64_t need = len ? len : 1, slack = 0;

    if (from->st) {
        uint64_t read = io_read_cap(&from->limits, offset, need);

        need = read > need ? read : need;
        slack = from->limits.mem_align > PAGE ? from->limits.mem_align : 0;
    }
    if (to->st && up(need, to->limits.write_length_align) > need)
        need = up(need, to->limits.write_length_align);
    return need + slack;
}

/* False: there is no memory now; when nobody has any, the object has failed. */
static bool take_buffer(struct copy_object *o, uint64_t bytes, struct buffer *ret)
{
    struct copy *c = o->w->c;
    struct error_slot why;

    error_slot_init(&why);
    atomic_fetch_add(&c->parts_busy, 1);
    if (pool_take(c->pool, bytes, false, ret, &why.e) >= 0)
        return true;
    if (atomic_fetch_sub(&c->parts_busy, 1) == 1) {
        error_prefix(&why.e, "cannot copy '%s'", o->source_key ? o->source_key : o->target_key);
        object_fail(o, &why.e);
    }
    return false;
}

bool part_issue(struct copy_object *o)
{
    struct copy_worker *w = o->w;
    uint64_t left = o->total - o->next_offset, len = left < o->part_bytes ? left : o->part_bytes;
    struct copy_part *part = w->free;

    if (!is_issued(o) && part &&
        !take_buffer(o, buffer_bytes(o, (object_reads_target(o) ? 0 : o->item.offset) + o->next_offset, len),
                     &part->buf))
        part = NULL;
    if (is_issued(o) && !o->parts_out) {
        object_advance(o);
        return false;
    }
    if (is_issued(o) || !part)
        return false;
    w->free = part->next;
    part->object = o;
    part->offset = o->next_offset;
    part->len = len;
    part->got = 0;
    part->number = o->next_number++;
    o->next_offset += len;
    o->parts_out++;
    if (w->in || object_reads_target(o)) {
        read_part(part);
        return true;
    }
    w->c->args.generate(w->c->args.generate_ctx, &o->item, part->offset, part->buf.data, part->len);
    take_bytes(part);
    return true;
}
