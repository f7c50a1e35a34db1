/* SPDX-License-Identifier: Apache-2.0 */
/* What ranks exchange, in pieces that fit into the segment, one step per piece. Every rank does the same arithmetic in
 * the same order, so all get the same bits. */
#include "ranks/coord_shm.h"

#include <math.h>
#include <string.h>

typedef void combine_fn(uint32_t how, void *values, const void *part, uint64_t count);

/* Where rank writes for the coming step, and is read after it. */
static uint8_t *piece_at(const struct dlfw_coordinator *c, uint64_t step, uint32_t rank)
{
    return c->data + ((step & 1) * c->world_size + rank) * c->seg->piece;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

dlfw_status shm_broadcast(dlfw_coordinator *c, uint32_t root, void *buf, uint64_t len, uint64_t deadline_ns,
                          dlfw_error *err)
{
    const struct shm_call call = {.op = SHM_BROADCAST, .arg = root, .len = len};
    uint64_t half = c->world_size * c->seg->piece, done = 0;

    if (root >= c->world_size)
        return dlfw_fail(err, DLFW_E_INVALID, "there is no rank %u in a run with %u ranks", root, c->world_size);
    do {
        uint64_t n = smaller(len - done, half);
        dlfw_status st;

        if (n && c->rank == root)
            memcpy(piece_at(c, c->step + 1, 0), (const uint8_t *)buf + done, n);
        st = shm_step(c, &call, deadline_ns, err);
        if (st < 0)
            return st;
        if (n && c->rank != root)
            memcpy((uint8_t *)buf + done, piece_at(c, c->step, 0), n);
        done += n;
    } while (done < len);
    return DLFW_OK;
}

dlfw_status shm_gather(dlfw_coordinator *c, const void *mine, void *all, uint64_t len, uint64_t deadline_ns,
                       dlfw_error *err)
{
    const struct shm_call call = {.op = SHM_GATHER, .len = len};
    uint64_t done = 0;

    do {
        uint64_t n = smaller(len - done, c->seg->piece);
        dlfw_status st;

        if (n)
            memcpy(piece_at(c, c->step + 1, c->rank), (const uint8_t *)mine + done, n);
        st = shm_step(c, &call, deadline_ns, err);
        if (st < 0)
            return st;
        for (uint32_t r = 0; n && r < c->world_size; r++)
            memcpy((uint8_t *)all + r * len + done, piece_at(c, c->step, r), n);
        done += n;
    } while (done < len);
    return DLFW_OK;
}

static void combine_u64(uint32_t how, void *values, const void *part, uint64_t count)
{
    const uint64_t *p = part;
    uint64_t *v = values;

    for (uint64_t i = 0; i < count; i++) {
        if (how == DLFW_REDUCE_SUM)
            v[i] += p[i];
        else if (how == DLFW_REDUCE_MIN ? p[i] < v[i] : p[i] > v[i])
            v[i] = p[i];
    }
}

/* What is no number on one rank is none in the result. */
static void combine_f64(uint32_t how, void *values, const void *part, uint64_t count)
{
    const double *p = part;
    double *v = values;

    for (uint64_t i = 0; i < count; i++) {
        if (how == DLFW_REDUCE_SUM)
            v[i] += p[i];
        else if (!isnan(v[i]) && (isnan(p[i]) || (how == DLFW_REDUCE_MIN ? p[i] < v[i] : p[i] > v[i])))
            v[i] = p[i];
    }
}

static dlfw_status reduce(struct dlfw_coordinator *c, const struct shm_call *call, combine_fn *combine, void *values,
                          uint64_t deadline_ns, dlfw_error *err)
{
    uint64_t done = 0;

    if (call->arg < DLFW_REDUCE_SUM || call->arg > DLFW_REDUCE_MAX)
        return dlfw_fail(err, DLFW_E_INVALID, "there is no reduction %u", call->arg);
    do {
        uint64_t n = smaller(call->len - done, c->seg->piece);
        uint8_t *at = n ? (uint8_t *)values + done : NULL;
        dlfw_status st;

        if (n)
            memcpy(piece_at(c, c->step + 1, c->rank), at, n);
        st = shm_step(c, call, deadline_ns, err);
        if (st < 0)
            return st;
        if (n)
            memcpy(at, piece_at(c, c->step, 0), n);
        for (uint32_t r = 1; n && r < c->world_size; r++)
            combine(call->arg, at, piece_at(c, c->step, r), n / 8);
        done += n;
    } while (done < call->len);
    return DLFW_OK;
}

dlfw_status shm_reduce_u64(dlfw_coordinator *c, uint32_t how, uint64_t *values, uint32_t count, uint64_t deadline_ns,
                           dlfw_error *err)
{
    const struct shm_call call = {.op = SHM_REDUCE_U64, .arg = how, .len = 8 * (uint64_t)count};

    return reduce(c, &call, combine_u64, values, deadline_ns, err);
}

dlfw_status shm_reduce_f64(dlfw_coordinator *c, uint32_t how, double *values, uint32_t count, uint64_t deadline_ns,
                           dlfw_error *err)
{
    const struct shm_call call = {.op = SHM_REDUCE_F64, .arg = how, .len = 8 * (uint64_t)count};

    return reduce(c, &call, combine_f64, values, deadline_ns, err);
}
