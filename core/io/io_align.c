/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A read that does not start or end where the backend can (O_DIRECT) is widened: its start goes down, its end up, and
 * the wanted bytes are found inside. A read that already fits passes unchanged. Alignments are powers of two.
 */
#include "io/io_align.h"

#include <inttypes.h>

static uint64_t down(uint64_t value, uint64_t align)
{
    return value & ~(align - 1);
}

static uint64_t up(uint64_t value, uint64_t align)
{
    return down(value + align - 1, align);
}

static bool is_power_of_two(uint32_t value)
{
    return value && !(value & (value - 1));
}

dlfw_status align_check_limits(dlfw_limits *limits, const char *backend, dlfw_error *err)
{
    uint32_t *const fields[] = {&limits->mem_align, &limits->read_offset_align, &limits->read_length_align,
                                &limits->write_offset_align, &limits->write_length_align};

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (!*fields[i])
            *fields[i] = 1;
        if (!is_power_of_two(*fields[i]))
            return dlfw_fail(err, DLFW_E_ABI, "backend '%s' asks for an alignment of %u, which is no power of two",
                             backend, *fields[i]);
    }
    return DLFW_OK;
}

bool align_matters(const dlfw_limits *limits)
{
    return limits->read_offset_align > 1 || limits->read_length_align > 1 || limits->mem_align > 1;
}

/* The widened range starts at the offset alignment and is a multiple of the length alignment. */
static uint64_t widened_length(const dlfw_limits *limits, uint64_t start, uint64_t end)
{
    return up(end - start, limits->read_length_align);
}

uint64_t io_read_cap(const dlfw_limits *limits, uint64_t offset, uint64_t length)
{
    uint64_t start = down(offset, limits->read_offset_align);

    return length ? widened_length(limits, start, offset + length) : 0;
}

static dlfw_status too_small(const struct io_op *op, uint64_t need, dlfw_error *err)
{
    return dlfw_fail(err, DLFW_E_INVALID,
                     "the buffer has %" PRIu64 " bytes, reading %" PRIu64 " bytes at %" PRIu64 " needs %" PRIu64
                     " for alignment",
                     op->buf_cap, op->length, op->offset, need);
}

dlfw_status align_get(const dlfw_limits *limits, const struct io_op *op, dlfw_req *req, uint64_t *ret_skip,
                      dlfw_error *err)
{
    uint64_t shift = up((uintptr_t)op->buf, limits->mem_align) - (uintptr_t)op->buf;
    uint64_t cap = op->buf_cap > shift ? op->buf_cap - shift : 0;
    uint64_t start, length;

    start = down(op->offset, limits->read_offset_align);
    length = op->length ? widened_length(limits, start, op->offset + op->length) : 0;
    if (op->flags & DLFW_REQ_WHOLE) {
        cap = down(cap, limits->read_length_align);
        length = length < cap ? length : cap;
    }
    if (length > cap || (op->length && !length))
        return too_small(op, length + shift, err);
    req->buf = (uint8_t *)op->buf + shift;
    req->buf_cap = cap;
    req->offset = start;
    req->length = length;
    *ret_skip = op->length ? op->offset - start : 0;
    return DLFW_OK;
}
