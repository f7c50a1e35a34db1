/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fixed buffers: the kernel pins a slab once per ring instead of its pages once per read. A slab is registered when
 * the first request names it, in the ring's own thread, because slabs may appear while rings work.
 */
#include "ring.h"

#include <string.h>

#define PIECE_SHIFT 30u

static void warn_once(dlfw_queue *q, int failed)
{
    if (atomic_exchange(&q->be->warned_memlock, true))
        return;
    dlfw_log(q->be->host, q->be->host_ctx, DLFW_LOG_WARNING,
             "buffers cannot be registered with io_uring (%s); reads go on without; raise the locked memory limit "
             "(ulimit -l)",
             strerror(failed));
}

/* Gives the slab to the kernel, piece by piece; those after a refusal are left out. */
static void register_slab(dlfw_queue *q, uint64_t id)
{
    struct ring_buffer *first = &q->buffers[REGION_PLACE(id)];
    uint64_t step = (uint64_t)1 << PIECE_SHIFT;
    struct region slab;

    *first = (struct ring_buffer){.id = id}; /* remembered also when it fails: not tried for every request */
    if (!region_find(q->be, id, &slab))
        return;
    first->base = slab.base;
    first->total = slab.total;
    for (uint32_t i = 0; i < slab.pieces; i++) {
        uint64_t begin = i * step;
        struct iovec iov = {.iov_base = slab.base + begin,
                            .iov_len = slab.total - begin < step ? slab.total - begin : step};
        __u64 tag = 0;
        int rc = io_uring_register_buffers_update_tag(&q->ring, REGION_PLACE(id) + i, &iov, &tag, 1);

        if (rc < 0) {
            warn_once(q, -rc);
            return;
        }
        first->pieces++;
    }
}

int ring_buffer_place(dlfw_queue *q, uint64_t mem_handle, const void *buf, uint64_t len)
{
    const struct ring_buffer *slab = &q->buffers[REGION_PLACE(mem_handle)];
    uint64_t begin;

    if (mem_handle == 0 || !q->has_buffers)
        return -1;
    if (slab->id != mem_handle)
        register_slab(q, mem_handle);
    begin = (uint64_t)((uintptr_t)buf - (uintptr_t)slab->base);
    if ((uintptr_t)buf < (uintptr_t)slab->base || begin + len > slab->total || begin >> PIECE_SHIFT >= slab->pieces)
        return -1;
    /* A range across two pieces is moved without them. */
    if (len > 0 && begin >> PIECE_SHIFT != (begin + len - 1) >> PIECE_SHIFT)
        return -1;
    return (int)(REGION_PLACE(mem_handle) + (begin >> PIECE_SHIFT));
}
