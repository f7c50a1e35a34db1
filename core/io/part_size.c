/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local files through the page cache like parts that stay in the CPU's cache; everything else streams better in
 * megabytes. Services bound the size and the number of parts, so a large object needs larger ones, which is why writers
 * give the size when they know it.
 */
#include "io/part_size.h"

#include <inttypes.h>

#define LOCAL_PART ((uint64_t)256 << 10)
#define REMOTE_PART ((uint64_t)8 << 20)

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The smaller of two where 0 means "no limit". */
static uint64_t tighter(uint64_t a, uint64_t b)
{
    if (!a || !b)
        return a | b;
    return a < b ? a : b;
}

dlfw_status part_size(const dlfw_limits *limits, uint64_t caps, uint64_t size_hint, uint64_t at_least, uint64_t *ret,
                      dlfw_error *err)
{
    bool cached = (caps & DLFW_BACKEND_LOCAL) && !(caps & DLFW_BACKEND_DIRECT);
    uint64_t align = larger(limits->write_length_align, limits->write_offset_align);
    uint64_t most = tighter(limits->max_part, limits->max_io);
    uint64_t least = larger(limits->min_part, at_least);
    uint64_t part = limits->preferred_part ? limits->preferred_part : cached ? LOCAL_PART : REMOTE_PART;

    if (limits->max_parts && size_hint)
        least = larger(least, size_hint / limits->max_parts + (size_hint % limits->max_parts != 0));
    if (most && part > most)
        part = most;
    part = (larger(part, least) + align - 1) & ~(align - 1);
    if (most && part > most)
        part = most & ~(align - 1);
    if (!part || part < least)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED,
                         "parts of at least %" PRIu64 " bytes are needed, but the backend takes at most %" PRIu64
                         " (size %" PRIu64 ", at most %" PRIu64 " parts)",
                         least, most, size_hint, limits->max_parts);
    *ret = part;
    return DLFW_OK;
}
