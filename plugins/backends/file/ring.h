/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue on io_uring. One slot per request in flight; a slot waits for a known number of kernel completions and is
 * given to the host once, when the last of them has come.
 */
#ifndef DLFW_PLUGIN_FILE_RING_H
#define DLFW_PLUGIN_FILE_RING_H

#include <liburing.h>

#include "file.h"

/* sqe.user_data: place of the slot, and the step of its request; STEP_WAKE belongs to no slot. */
enum ring_step { STEP_OPEN = 1, STEP_READ, STEP_CLOSE, STEP_TRANSFER, STEP_WAKE, STEP_CANCEL };

enum slot_way {
    WAY_NONE,  /* free, or done without the kernel */
    WAY_CHAIN, /* open, read, close in one go, on the slot's place in the ring's own file table */
    WAY_READ,  /* read from fd until complete */
    WAY_WRITE  /* write to fd until complete, then the padded tail */
};

struct ring_slot {
    dlfw_req *req; /* NULL: free */
    dlfw_comp comp;
    enum slot_way way;
    uint32_t pending;    /* kernel completions still to come */
    bool cancelled;      /* no further steps */
    bool late;           /* cancelled because of its deadline */
    bool is_open;        /* WAY_CHAIN: between the completions of open and read */
    int32_t open_result; /* WAY_CHAIN */
    int32_t read_result;
    int fd;      /* WAY_READ, WAY_WRITE */
    bool own_fd; /* opened for this request */
    struct dio_align align;
    uint64_t size; /* of the object, UINT64_MAX: unknown */
    uint64_t want;
    uint64_t done;
    void *tail;      /* WAY_WRITE: padded last block, NULL when there is none or it is on its way */
    void *tail_sent; /* the same while the kernel reads it */
    uint64_t tail_len;
    char path[PATH_MAX];
};

/* What this ring knows about the slab that begins at one place of its buffer table. */
struct ring_buffer {
    uint64_t id; /* 0: none seen yet */
    uint8_t *base;
    uint64_t total;
    uint32_t pieces; /* that the kernel took */
};

struct dlfw_queue {
    dlfw_backend *be;
    struct io_uring ring;
    bool has_buffers; /* the kernel took the empty buffer table */
    bool is_dead;
    int wake_fd;
    bool wake_armed;
    bool woken;
    uint32_t depth;
    uint32_t used;      /* slots not given back to the host yet */
    uint32_t deadlines; /* of them with a deadline */
    struct ring_slot *slots;
    uint32_t *free; /* stack of free places */
    uint32_t *done; /* ring of finished places */
    uint32_t done_head;
    uint32_t done_count;
    struct file_counters counters;
    struct ring_buffer buffers[MAX_REGIONS];
};

static inline uint64_t ring_tag(uint32_t place, enum ring_step step)
{
    return (uint64_t)step << 32 | place;
}

/* ring.c */
/* Room for a linked chain, which must not be cut by a submission. NULL: the ring is dead. */
struct io_uring_sqe *ring_sqe(dlfw_queue *q);
bool ring_reserve(dlfw_queue *q, uint32_t count);
void ring_finish(dlfw_queue *q, struct ring_slot *slot, dlfw_status status);

/* ring_buffer.c */
/* The place of the registered buffer that holds [buf, buf + len), -1 when none does. */
int ring_buffer_place(dlfw_queue *q, uint64_t mem_handle, const void *buf, uint64_t len);

/* ring_request.c */
void ring_start(dlfw_queue *q, struct ring_slot *slot);
void ring_step_done(dlfw_queue *q, struct ring_slot *slot, enum ring_step step, int32_t result);
/* Asks the kernel to cancel what the slot has in flight, and takes its answer. */
void ring_stop(dlfw_queue *q, struct ring_slot *slot);
void ring_stop_done(dlfw_queue *q, struct ring_slot *slot, int32_t result);

#endif
