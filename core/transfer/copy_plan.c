/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an object is cut. A part is read in one piece and written in one piece, so it is as large as the side wants that
 * wants more: local files stay in the CPU's cache, services get megabytes.
 */
#include <inttypes.h>

#include "io/part_size.h"
#include "transfer/copy_parts.h"

#define LOCAL_READ ((uint64_t)256 << 10)
#define REMOTE_READ ((uint64_t)8 << 20)
#define ONE_PUT_MAX ((uint64_t)1 << 30) /* of backends that take objects in one piece only and state no limit */

bool object_is_whole(const struct copy_object *o)
{
    return !o->item.offset && o->total == o->item.size;
}

bool object_reads_target(const struct copy_object *o)
{
    return o->phase == PHASE_SCAN_TARGET || o->phase == PHASE_READ_BACK;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t read_bytes(const struct copy_side *side)
{
    uint64_t preferred = side->limits.preferred_io;

    if (!side->st)
        return LOCAL_READ;
    if (side->caps & DLFW_BACKEND_STREAMS)
        return larger(preferred, REMOTE_READ);
    return larger(preferred, side->caps & DLFW_BACKEND_LOCAL ? LOCAL_READ : REMOTE_READ / 8);
}

uint64_t object_scan_bytes(const struct copy_object *o)
{
    return read_bytes(object_reads_target(o) ? &o->w->c->target : &o->w->c->source);
}

/* The most that the target takes at once; UINT64_MAX: it states no limit. */
static uint64_t most_at_once(const dlfw_limits *limits)
{
    uint64_t part = limits->max_part ? limits->max_part : UINT64_MAX, io = limits->max_io ? limits->max_io : UINT64_MAX;

    return part < io ? part : io;
}

bool object_plan_move(struct copy_object *o)
{
    const struct copy_side *from = &o->w->c->source, *to = &o->w->c->target;
    bool in_parts = (to->mask & DLFW_OP_BIT(DLFW_OP_WRITE_BEGIN)) != 0;
    bool can_put = (to->mask & DLFW_OP_BIT(DLFW_OP_PUT)) != 0;
    uint64_t part = read_bytes(from), put_max = to->limits.max_io ? to->limits.max_io : ONE_PUT_MAX;
    struct error_slot why;

    error_slot_init(&why);
    if (!to->st) {
        o->part_bytes = part;
        o->one_put = o->total <= part;
        return true;
    }
    if (in_parts) {
        uint64_t most = most_at_once(&to->limits);

        if (part_size(&to->limits, to->caps, o->total, part < most ? part : most, &part, &why.e) < 0) {
            error_prefix(&why.e, "cannot write '%s'", o->target_key);
            object_fail(o, &why.e);
            return false;
        }
    } else {
        part = o->total;
    }
    o->part_bytes = part;
    o->one_put = can_put && o->total <= part && o->total <= put_max;
    if (o->one_put || in_parts)
        return true;
    object_refuse(o, DLFW_E_UNSUPPORTED,
                  "cannot write '%s': backend '%s' takes objects in one piece of at most %" PRIu64 " bytes",
                  o->target_key, storage_scheme(to->st), put_max);
    return false;
}
