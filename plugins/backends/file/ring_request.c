/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of one request in the ring.
 *
 * GET by key is a linked chain: open into the slot's place of the ring's file table, read, close. The read is hard
 * linked, so that the close runs whatever the read gave. All three completions are waited for, because the place may
 * not be used again before its close is done. GET by handle and WRITE_PART with O_DIRECT are transfers on a file
 * descriptor, continued until complete. Everything else blocks too little or too rarely to be worth steps: it is done
 * inside submit() and completed by the next reap().
 */
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static dlfw_status stopped(const struct ring_slot *slot)
{
    if (slot->late)
        return dlfw_fail(slot->req->error, DLFW_E_TIMEOUT, "a request for " KEY_FORMAT " missed its deadline",
                         KEY_ARGS(slot->req));
    return dlfw_fail(slot->req->error, DLFW_E_CANCELLED, "a request for " KEY_FORMAT " was cancelled",
                     KEY_ARGS(slot->req));
}

static void perform_now(dlfw_queue *q, struct ring_slot *slot)
{
    dlfw_comp *comp = &slot->comp;

    if (slot->cancelled) {
        ring_finish(q, slot, stopped(slot));
        return;
    }
    request_perform(q->be, slot->req, comp);
    ring_finish(q, slot, comp->status);
}

static void prepare_read(dlfw_queue *q, struct io_uring_sqe *sqe, const struct ring_slot *slot, int fd, uint64_t done,
                         uint32_t len)
{
    const dlfw_req *req = slot->req;
    uint8_t *at = (uint8_t *)req->buf + done;
    int place = ring_buffer_place(q, req->mem_handle, at, len);

    if (place >= 0)
        io_uring_prep_read_fixed(sqe, fd, at, len, req->offset + done, place);
    else
        io_uring_prep_read(sqe, fd, at, len, req->offset + done);
}

/* The next piece of a transfer. When the ring dies over it, that has finished the slot. */
static void transfer(dlfw_queue *q, struct ring_slot *slot)
{
    const dlfw_req *req = slot->req;
    uint64_t left = slot->want - slot->done;
    uint32_t len = (uint32_t)(left < MAX_TRANSFER ? left : MAX_TRANSFER);
    struct io_uring_sqe *sqe;
    int place;

    slot->pending = 1;
    sqe = ring_sqe(q);
    if (!sqe)
        return;
    if (slot->way == WAY_READ) {
        prepare_read(q, sqe, slot, slot->fd, slot->done, len);
    } else if (slot->tail_sent) {
        io_uring_prep_write(sqe, slot->fd, slot->tail_sent, (uint32_t)slot->tail_len, req->offset + slot->want);
    } else {
        const uint8_t *at = (const uint8_t *)req->buf + slot->done;

        place = ring_buffer_place(q, req->mem_handle, at, len);
        if (place >= 0)
            io_uring_prep_write_fixed(sqe, slot->fd, at, len, req->offset + slot->done, place);
        else
            io_uring_prep_write(sqe, slot->fd, at, len, req->offset + slot->done);
    }
    sqe->user_data = ring_tag((uint32_t)(slot - q->slots), STEP_TRANSFER);
}

static void chain(dlfw_queue *q, struct ring_slot *slot, int root)
{
    uint32_t place = (uint32_t)(slot - q->slots);
    struct io_uring_sqe *sqe;

    slot->way = WAY_CHAIN;
    slot->pending = 3;
    if (!ring_reserve(q, 3))
        return;
    sqe = io_uring_get_sqe(&q->ring);
    io_uring_prep_openat_direct(sqe, root, slot->path, O_RDONLY | (q->be->direct ? O_DIRECT : 0), 0, place);
    sqe->user_data = ring_tag(place, STEP_OPEN);
    sqe->flags |= IOSQE_IO_LINK;

    sqe = io_uring_get_sqe(&q->ring);
    prepare_read(q, sqe, slot, (int)place, 0, (uint32_t)slot->want);
    sqe->user_data = ring_tag(place, STEP_READ);
    sqe->flags |= IOSQE_FIXED_FILE | IOSQE_IO_HARDLINK;

    sqe = io_uring_get_sqe(&q->ring);
    io_uring_prep_close_direct(sqe, place);
    sqe->user_data = ring_tag(place, STEP_CLOSE);
}

static void finish_read(dlfw_queue *q, struct ring_slot *slot, int fd, const char *name)
{
    slot->comp.object_size = slot->size;
    ring_finish(q, slot, read_finish(fd, slot->req, slot->want, slot->done, &slot->comp, name));
}

static void get_by_handle(dlfw_queue *q, struct ring_slot *slot)
{
    struct read_handle *h = NULL;
    dlfw_status st = read_handle_of(slot->req, &h, slot->req->error);

    if (st == DLFW_OK)
        st = read_want(slot->req, &h->align, h->key, &slot->want, slot->req->error);
    if (st < 0) {
        ring_finish(q, slot, st);
        return;
    }
    slot->way = WAY_READ;
    slot->fd = h->fd;
    slot->align = h->align;
    slot->size = h->size;
    if (slot->want == 0 || slot->req->offset >= h->size)
        finish_read(q, slot, h->fd, h->key);
    else
        transfer(q, slot);
}

/* GET by key that is no chain: more than one transfer, or work to do before the close. */
static void get_by_fd(dlfw_queue *q, struct ring_slot *slot)
{
    dlfw_status st = read_open(q->be, slot->req, slot->path, &slot->fd, slot->req->error);

    if (st < 0) {
        ring_finish(q, slot, st);
        return;
    }
    slot->own_fd = true;
    slot->way = WAY_READ;
    slot->size = UINT64_MAX;
    transfer(q, slot);
}

static void get_by_key(dlfw_queue *q, struct ring_slot *slot)
{
    const dlfw_req *req = slot->req;
    dlfw_status st;
    int root;

    if (q->be->direct && !atomic_load_explicit(&q->be->align_known, memory_order_acquire)) {
        perform_now(q, slot); /* the first file tells the alignment, or that there is no direct I/O */
        return;
    }
    st = key_path(req->key, req->key_len, KEY_OBJECT, slot->path, req->error);
    if (st == DLFW_OK)
        st = root_get(q->be, &root, req->error);
    if (st == DLFW_OK)
        st = dio_align_get(q->be, -1, slot->path, &slot->align, req->error);
    if (st == DLFW_OK)
        st = read_want(req, &slot->align, slot->path, &slot->want, req->error);
    if (st < 0)
        ring_finish(q, slot, st);
    else if (slot->want == 0)
        perform_now(q, slot);
    else if (slot->want > MAX_TRANSFER || (req->flags & DLFW_REQ_DROP_CACHE))
        get_by_fd(q, slot);
    else
        chain(q, slot, root);
}

static void direct_part(dlfw_queue *q, struct ring_slot *slot)
{
    struct write_handle *h = NULL;
    dlfw_status st = write_handle_of(slot->req, &h, slot->req->error);

    if (st == DLFW_OK)
        st = write_part_check(h, slot->req, slot->req->error);
    if (st == DLFW_OK)
        st = write_tail(h, slot->req, &slot->tail, &slot->tail_len, slot->req->error);
    if (st < 0) {
        ring_finish(q, slot, st);
        return;
    }
    slot->way = WAY_WRITE;
    slot->fd = h->fd;
    slot->align = h->align;
    slot->want = slot->req->length - slot->req->length % h->align.write;
    if (slot->want == 0) {
        slot->tail_sent = slot->tail;
        slot->tail = NULL;
    }
    if (slot->want == 0 && !slot->tail_sent)
        ring_finish(q, slot, write_part_finish(h, slot->req, &slot->comp));
    else
        transfer(q, slot);
}

void ring_start(dlfw_queue *q, struct ring_slot *slot)
{
    dlfw_status st = request_check(q->be, slot->req);

    if (st < 0)
        ring_finish(q, slot, st);
    else if (slot->req->op == DLFW_OP_GET && slot->req->handle)
        get_by_handle(q, slot);
    else if (slot->req->op == DLFW_OP_GET)
        get_by_key(q, slot);
    else if (slot->req->op == DLFW_OP_WRITE_PART && q->be->direct)
        direct_part(q, slot);
    else
        perform_now(q, slot);
}

/* A short read is the end of the object when the object's size agrees. */
static bool size_agrees(dlfw_queue *q, struct ring_slot *slot)
{
    uint64_t end = slot->req->offset + slot->done;
    struct stat s;

    if (read_is_end(slot->req, &slot->align, slot->done))
        return true;
    if (fstatat(atomic_load(&q->be->root_fd), slot->path, &s, 0) != 0)
        return false;
    return slot->done > 0 ? (uint64_t)s.st_size == end : (uint64_t)s.st_size <= end;
}

static void chain_full(dlfw_queue *q, struct ring_slot *slot)
{
    const dlfw_req *req = slot->req;
    struct stat s;

    slot->comp.bytes = slot->done;
    if (!(req->flags & DLFW_REQ_WHOLE)) {
        ring_finish(q, slot, DLFW_OK);
    } else if (fstatat(atomic_load(&q->be->root_fd), slot->path, &s, 0) == 0 && (uint64_t)s.st_size == slot->done) {
        slot->comp.object_size = slot->done;
        ring_finish(q, slot, DLFW_OK);
    } else {
        slot->comp.bytes = 0;
        perform_now(q, slot); /* larger than the buffer, or just replaced: one answer about one file */
    }
}

static void chain_done(dlfw_queue *q, struct ring_slot *slot)
{
    int32_t result = slot->open_result < 0 ? slot->open_result : slot->read_result;

    if (result == -EINTR || result == -EAGAIN) {
        perform_now(q, slot);
    } else if (result == -ECANCELED) {
        slot->cancelled = true;
        ring_finish(q, slot, stopped(slot));
    } else if (slot->open_result < 0) {
        ring_finish(q, slot, dio_open_fail(q->be, -result, atomic_load(&q->be->root_fd), slot->path, slot->req->error));
    } else if (result < 0) {
        ring_finish(q, slot, dlfw_fail_errno(slot->req->error, -result, "cannot read '%s'", slot->path));
    } else {
        slot->done = (uint64_t)result;
        if (slot->done == slot->want) {
            chain_full(q, slot);
        } else if (size_agrees(q, slot)) {
            slot->comp.bytes = slot->done;
            if (slot->done > 0 || slot->req->offset == 0)
                slot->comp.object_size = slot->req->offset + slot->done;
            ring_finish(q, slot, DLFW_OK);
        } else {
            perform_now(q, slot); /* short in the middle: read it again, to its end */
        }
    }
}

static const char *transfer_name(const struct ring_slot *slot)
{
    if (slot->own_fd)
        return slot->path;
    return slot->way == WAY_READ ? ((const struct read_handle *)slot->req->handle)->key
                                 : ((const struct write_handle *)slot->req->handle)->key;
}

static void read_step(dlfw_queue *q, struct ring_slot *slot, uint64_t asked, int32_t result)
{
    slot->done += (uint64_t)result;
    if (slot->done == slot->want || result == 0 || slot->req->offset + slot->done >= slot->size ||
        ((uint64_t)result < asked && read_is_end(slot->req, &slot->align, slot->done)))
        finish_read(q, slot, slot->fd, transfer_name(slot));
    else if (slot->cancelled)
        ring_finish(q, slot, stopped(slot));
    else
        transfer(q, slot);
}

static void write_step(dlfw_queue *q, struct ring_slot *slot, int32_t result)
{
    struct write_handle *h = slot->req->handle;

    if (result == 0) {
        ring_finish(q, slot,
                    dlfw_fail(slot->req->error, DLFW_E_IO, "cannot write '%s': the file takes no more bytes", h->key));
        return;
    }
    if (!slot->tail_sent)
        slot->done += (uint64_t)result;
    if (slot->cancelled && (slot->done < slot->want || slot->tail)) {
        ring_finish(q, slot, stopped(slot));
    } else if (slot->done < slot->want) {
        transfer(q, slot);
    } else if (slot->tail || (slot->tail_sent && (uint64_t)result < slot->tail_len)) {
        if (slot->tail) { /* else it went out in part: all of it again */
            slot->tail_sent = slot->tail;
            slot->tail = NULL;
        }
        transfer(q, slot);
    } else {
        ring_finish(q, slot, write_part_finish(h, slot->req, &slot->comp));
    }
}

static void transfer_done(dlfw_queue *q, struct ring_slot *slot, int32_t result)
{
    uint64_t left = slot->want - slot->done;

    slot->pending = 0;
    if (result == -ECANCELED) {
        ring_finish(q, slot, stopped(slot));
    } else if ((result == -EINTR || result == -EAGAIN) && slot->cancelled) {
        ring_finish(q, slot, stopped(slot));
    } else if (result == -EINTR || result == -EAGAIN) {
        transfer(q, slot);
    } else if (result < 0) {
        ring_finish(q, slot,
                    dlfw_fail_errno(slot->req->error, -result,
                                    slot->way == WAY_READ ? "cannot read '%s'" : "cannot write '%s'",
                                    transfer_name(slot)));
    } else if (slot->way == WAY_READ) {
        read_step(q, slot, left < MAX_TRANSFER ? left : MAX_TRANSFER, result);
    } else {
        write_step(q, slot, result);
    }
}

static void cancel_step(dlfw_queue *q, struct ring_slot *slot, enum ring_step step)
{
    uint32_t place = (uint32_t)(slot - q->slots);
    struct io_uring_sqe *sqe = ring_sqe(q);

    if (!sqe)
        return;
    io_uring_prep_cancel64(sqe, ring_tag(place, step), 0);
    sqe->user_data = ring_tag(place, STEP_CANCEL);
}

void ring_step_done(dlfw_queue *q, struct ring_slot *slot, enum ring_step step, int32_t result)
{
    if (step == STEP_TRANSFER) {
        transfer_done(q, slot, result);
        return;
    }
    if (step == STEP_OPEN) {
        slot->open_result = result;
        slot->is_open = true;
        if (slot->cancelled && result >= 0) /* the wish came when there was no read to cancel yet */
            cancel_step(q, slot, STEP_READ);
    } else if (step == STEP_READ) {
        slot->read_result = result;
        slot->is_open = false;
    }
    /* A close fails only where the open did. */
    if (--slot->pending == 0)
        chain_done(q, slot);
}

void ring_stop(dlfw_queue *q, struct ring_slot *slot)
{
    if (slot->cancelled)
        return;
    slot->cancelled = true;
    cancel_step(q, slot, slot->way != WAY_CHAIN ? STEP_TRANSFER : slot->is_open ? STEP_READ : STEP_OPEN);
}

void ring_stop_done(dlfw_queue *q, struct ring_slot *slot, int32_t result)
{
    /* Between open and read a chain is nowhere to be found; the next call into the kernel starts the read. */
    if (result == -ENOENT && slot->req && slot->cancelled && slot->is_open && slot->pending > 0)
        cancel_step(q, slot, STEP_READ);
}
