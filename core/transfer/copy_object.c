/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of an object: a fixed row of phases, each one operation or one set of parts, each left out where it has
 * nothing to do. Invariant: between two calls an object either has one operation out, or is in a phase with parts. What
 * failed goes on with the phases that undo and close.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "transfer/copy_parts.h"

static void link_object(struct copy_worker *w, struct copy_object *o)
{
    o->prev = w->last;
    if (w->last)
        w->last->next = o;
    else
        w->first = o;
    w->last = o;
    w->active++;
}

static void unlink_object(struct copy_worker *w, struct copy_object *o)
{
    if (o->prev)
        o->prev->next = o->next;
    else
        w->first = o->next;
    if (o->next)
        o->next->prev = o->prev;
    else
        w->last = o->prev;
    w->active--;
}

static void end_object(struct copy_object *o)
{
    struct copy_worker *w = o->w;

    copy_count(w->c, o);
    unlink_object(w, o);
    free(o->info);
    free(o->source_key);
    free(o->target_key);
    free(o);
}

void object_fail(struct copy_object *o, const dlfw_error *why)
{
    if (!object_has_failed(o))
        error_copy(&o->err.e, why);
}

void object_is_there(struct copy_object *o)
{
    o->is_committed = true;
    if (o->err.e.status == DLFW_E_CANCELLED)
        error_slot_init(&o->err);
}

dlfw_status object_refuse(struct copy_object *o, dlfw_status st, const char *format, ...)
{
    struct error_slot why;
    char text[400];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    error_slot_init(&why);
    dlfw_fail(&why.e, st, "%s", text);
    object_fail(o, &why.e);
    return st;
}

static struct io_op op_on(uint16_t op, const char *key, void *handle)
{
    return (struct io_op){.op = op, .key = key, .key_len = (uint32_t)strlen(key), .handle = handle};
}

static void op_done(struct copy_worker *w, struct copy_op *op);

static bool send(struct copy_object *o, struct copy_lane *lane, struct io_op op)
{
    o->op.io = op;
    o->op.done = op_done;
    copy_send(o->w, lane, &o->op);
    return true;
}

/* False where the storage has no STAT. */
static bool send_stat(struct copy_object *o, struct copy_lane *lane, const char *key)
{
    const struct copy_side *side = lane == o->w->in ? &o->w->c->source : &o->w->c->target;
    struct io_op op = op_on(DLFW_OP_STAT, key, NULL);

    if (!(side->mask & DLFW_OP_BIT(DLFW_OP_STAT)))
        return false;
    if (!o->info)
        o->info = xmalloc(IO_INFO_BYTES);
    op.buf = o->info;
    op.buf_cap = op.length = IO_INFO_BYTES;
    return send(o, lane, op);
}

static bool start_size(struct copy_object *o)
{
    if (o->item.size != UINT64_MAX || !o->w->in) {
        object_cut_range(o);
        return false;
    }
    if (send_stat(o, o->w->in, o->source_key))
        return true;
    object_refuse(o, DLFW_E_UNSUPPORTED, "cannot copy '%s': its storage does not tell its size", o->source_key);
    return false;
}

/* What must not be replaced is asked for first, too: that saves sending it, and the write is exclusive even so. */
static bool start_there(struct copy_object *o)
{
    bool asks = o->item.condition != COPY_ALWAYS || (o->w->c->args.write_flags & DLFW_REQ_EXCLUSIVE);

    if (asks && o->w->out && send_stat(o, o->w->out, o->target_key))
        return true;
    o->item.condition = COPY_ALWAYS;
    return false;
}

static bool compares(const struct copy_object *o)
{
    return o->item.condition == COPY_UNLESS_EQUAL && !o->same && o->phase <= PHASE_SCAN_TARGET;
}

/* The checksum that the source keeps tells whether the bytes came as they are stored. */
static bool start_source_info(struct copy_object *o)
{
    if (!o->w->in || !object_is_whole(o) || o->same)
        return false;
    return (compares(o) || o->w->c->args.checksum || o->w->c->args.read_back) && send_stat(o, o->w->in, o->source_key);
}

static bool start_scan(struct copy_object *o, bool has_crc)
{
    if (!compares(o) || (o->has_source_crc && o->has_target_crc) || has_crc)
        return false;
    part_phase_begin(o, object_scan_bytes(o));
    return true;
}

static bool start_scan_source(struct copy_object *o)
{
    return start_scan(o, o->has_source_crc);
}

static bool start_scan_target(struct copy_object *o)
{
    return start_scan(o, o->has_target_crc);
}

static bool moves(const struct copy_object *o)
{
    return !o->same && !o->moved_by_service && !o->w->c->args.dry_run;
}

static bool start_service(struct copy_object *o)
{
    struct io_op op;

    if (o->item.condition == COPY_UNLESS_EQUAL)
        object_judge_scans(o);
    if (!moves(o) || !object_is_whole(o) || !atomic_load(&o->w->c->service_copies))
        return false;
    op = op_on(DLFW_OP_COPY, o->target_key, NULL);
    op.flags = o->w->c->args.write_flags & (DLFW_REQ_EXCLUSIVE | DLFW_REQ_DURABLE);
    op.buf = o->source_key;
    op.buf_cap = op.length = strlen(o->source_key);
    return send(o, o->w->out, op);
}

static bool start_open(struct copy_object *o)
{
    if (!moves(o) || !object_plan_move(o) || o->one_put || !o->w->in)
        return false;
    return (o->w->c->source.mask & DLFW_OP_BIT(DLFW_OP_OPEN)) &&
           send(o, o->w->in, op_on(DLFW_OP_OPEN, o->source_key, NULL));
}

static bool start_begin(struct copy_object *o)
{
    struct io_op op;

    if (!moves(o) || o->one_put || !o->w->out)
        return false;
    op = op_on(DLFW_OP_WRITE_BEGIN, o->target_key, NULL);
    op.flags = o->w->c->args.write_flags;
    op.arg = o->total;
    return send(o, o->w->out, op);
}

static bool start_move(struct copy_object *o)
{
    if (!moves(o) || (!o->total && !o->one_put))
        return false;
    part_phase_begin(o, o->part_bytes);
    return true;
}

/* Local files are read from a handle that would not notice that they grow. */
static bool start_recheck(struct copy_object *o)
{
    if (moves(o))
        object_judge_moved(o);
    return !object_has_failed(o) && o->is_open && (o->w->c->source.caps & DLFW_BACKEND_LOCAL) &&
           send_stat(o, o->w->in, o->source_key);
}

static bool start_commit(struct copy_object *o)
{
    struct io_op op;

    if (!o->is_begun)
        return false;
    op = op_on(DLFW_OP_WRITE_COMMIT, o->target_key, o->write_handle);
    op.arg = o->total;
    return send(o, o->w->out, op);
}

static bool start_target_info(struct copy_object *o)
{
    o->has_target_crc = false;
    return moves(o) && o->w->out && !o->w->is_cancelled && o->w->c->args.checksum && !o->w->c->args.read_back &&
           send_stat(o, o->w->out, o->target_key);
}

static bool start_read_back(struct copy_object *o)
{
    if (!moves(o) || !o->w->out || o->w->is_cancelled || o->has_target_crc ||
        !(o->w->c->args.checksum || o->w->c->args.read_back))
        return false;
    part_phase_begin(o, object_scan_bytes(o));
    return true;
}

static bool start_drop(struct copy_object *o)
{
    return o->is_committed && o->err.e.status == DLFW_E_CORRUPT &&
           send(o, o->w->out, op_on(DLFW_OP_DELETE, o->target_key, NULL));
}

static bool start_abort(struct copy_object *o)
{
    return o->is_begun && send(o, o->w->out, op_on(DLFW_OP_WRITE_ABORT, o->target_key, o->write_handle));
}

static bool start_close(struct copy_object *o)
{
    return o->is_open && send(o, o->w->in, op_on(DLFW_OP_CLOSE, o->source_key, o->read_handle));
}

/* op.io.status < 0 in all that take it: the failure is the object's unless these say otherwise. */
static void end_there(struct copy_object *o)
{
    if (o->op.io.status == DLFW_E_NOT_FOUND)
        o->item.condition = COPY_ALWAYS;
    else if (o->op.io.status < 0)
        object_fail(o, &o->op.io.err.e);
    else
        object_take_there(o);
}

static void end_service(struct copy_object *o)
{
    o->moved_by_service = o->op.io.status >= 0;
    o->same = o->op.io.status == DLFW_E_EXISTS;
    if (o->moved_by_service) {
        atomic_fetch_add_explicit(&o->w->c->bytes_done, o->total, memory_order_relaxed);
        object_is_there(o);
    } else if (o->op.io.status == DLFW_E_UNSUPPORTED)
        atomic_store(&o->w->c->service_copies, false);
    else if (!o->same)
        object_fail(o, &o->op.io.err.e);
}

static void end_open(struct copy_object *o)
{
    if (o->op.io.status < 0) {
        object_fail(o, &o->op.io.err.e);
        return;
    }
    o->is_open = true;
    o->read_handle = o->op.io.handle;
    if (o->op.io.object_size != UINT64_MAX && o->op.io.object_size != o->item.size)
        object_take_recheck(o);
}

/* Of BEGIN, and of COMMIT where the backend finds out only then. */
static void take_write_failure(struct copy_object *o)
{
    if (o->op.io.status == DLFW_E_EXISTS && (o->w->c->args.write_flags & DLFW_REQ_EXCLUSIVE))
        o->same = true;
    else
        object_fail(o, &o->op.io.err.e);
}

static void end_begin(struct copy_object *o)
{
    if (o->op.io.status < 0) {
        take_write_failure(o);
        return;
    }
    o->is_begun = true;
    o->write_handle = o->op.io.handle;
}

static void end_commit(struct copy_object *o)
{
    if (o->op.io.status < 0) {
        take_write_failure(o);
        return;
    }
    o->is_begun = false;
    object_is_there(o);
}

static void end_drop(struct copy_object *o)
{
    if (o->op.io.status < 0)
        log_warning("the wrong copy '%s' could not be removed: %s", o->target_key, o->op.io.err.text);
}

static void end_abort(struct copy_object *o)
{
    o->is_begun = false;
    if (o->op.io.status < 0)
        log_warning("something of the unfinished '%s' may be left: %s", o->target_key, o->op.io.err.text);
}

static void end_close(struct copy_object *o)
{
    o->is_open = false; /* the bytes were there before */
}

static void end_parts(struct copy_object *o)
{
    if (object_has_failed(o))
        return;
    if (o->phase == PHASE_SCAN_TARGET) {
        o->target_crc = o->crc;
        o->has_target_crc = true;
    } else if (o->phase == PHASE_READ_BACK) {
        object_judge_copy(o, o->crc);
    } else {
        o->moved_crc = o->crc;
        if (o->phase == PHASE_SCAN_SOURCE) {
            o->source_crc = o->crc;
            o->has_source_crc = true;
        }
    }
}

static const struct {
    bool (*start)(struct copy_object *o); /* false: nothing to wait for */
    void (*end)(struct copy_object *o);
    bool takes_failure; /* end looks at a failed status itself */
} phases[] = {
    [PHASE_SIZE] = {start_size, object_take_size, false},
    [PHASE_THERE] = {start_there, end_there, true},
    [PHASE_SOURCE_INFO] = {start_source_info, object_take_source_info, false},
    [PHASE_SCAN_SOURCE] = {start_scan_source, end_parts, true},
    [PHASE_SCAN_TARGET] = {start_scan_target, end_parts, true},
    [PHASE_SERVICE] = {start_service, end_service, true},
    [PHASE_OPEN] = {start_open, end_open, true},
    [PHASE_BEGIN] = {start_begin, end_begin, true},
    [PHASE_MOVE] = {start_move, end_parts, true},
    [PHASE_RECHECK] = {start_recheck, object_take_recheck, false},
    [PHASE_COMMIT] = {start_commit, end_commit, true},
    [PHASE_TARGET_INFO] = {start_target_info, object_take_target_info, false},
    [PHASE_READ_BACK] = {start_read_back, end_parts, true},
    [PHASE_DROP] = {start_drop, end_drop, true},
    [PHASE_ABORT] = {start_abort, end_abort, true},
    [PHASE_CLOSE] = {start_close, end_close, true},
};

/* From the current phase on, the first that has something to wait for; the end when there is none. */
static void go_on(struct copy_object *o)
{
    for (; o->phase < PHASE_END; o->phase++) {
        if ((object_has_failed(o) || o->same) && o->phase < PHASE_DROP)
            o->phase = PHASE_DROP;
        if (phases[o->phase].start(o))
            return;
    }
    end_object(o);
}

/* An operation that undoes was swept along when everything was cancelled: it goes out once more. */
static bool clean_again(struct copy_object *o)
{
    if (o->phase < PHASE_DROP || o->op.io.status != DLFW_E_CANCELLED || o->cleaned_again)
        return false;
    o->cleaned_again = true;
    phases[o->phase].start(o);
    return true;
}

void object_advance(struct copy_object *o)
{
    o->in_parts = false;
    if (clean_again(o))
        return;
    o->cleaned_again = false;
    if (o->op.io.status < 0 && !phases[o->phase].takes_failure)
        object_fail(o, &o->op.io.err.e);
    else
        phases[o->phase].end(o);
    o->phase++;
    go_on(o);
}

static void op_done(struct copy_worker *w, struct copy_op *op)
{
    (void)w;
    object_advance((struct copy_object *)op);
}

void object_begin(struct copy_worker *w, const struct copy_item *item, char *source_key, char *target_key)
{
    struct copy_object *o = xcalloc(1, sizeof *o);

    o->w = w;
    o->item = *item;
    o->expected = copy_wanted(item);
    o->item.source_key = o->source_key = source_key;
    o->item.target_key = o->target_key = target_key;
    error_slot_init(&o->err);
    link_object(w, o);
    go_on(o);
}
