/* SPDX-License-Identifier: Apache-2.0 */
/* The collective calls, in pieces that fit the coordinator's memory (and so far below what MPI's int counts can say).
 */
#include <string.h>

#include "coordinator.h"

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

dlfw_status mpi_barrier(dlfw_coordinator *c, uint64_t deadline_ns, dlfw_error *reterr)
{
    MPI_Request request;
    dlfw_status st = call_begin(c, reterr);

    if (st >= 0)
        st = call_result(c, MPI_Ibarrier(c->work, &request), "MPI_Ibarrier", reterr);
    return st < 0 ? st : call_wait(c, &request, deadline_ns, reterr);
}

dlfw_status mpi_broadcast(dlfw_coordinator *c, uint32_t root, void *buf, uint64_t len, uint64_t deadline_ns,
                          dlfw_error *reterr)
{
    dlfw_status st;

    if (root >= (uint32_t)c->world_size)
        return dlfw_fail(reterr, DLFW_E_INVALID, "there is no rank %u in a run with %d ranks", root, c->world_size);
    st = call_begin(c, reterr);
    for (uint64_t at = 0; st >= 0 && at < len; at += c->memory_bytes) {
        uint64_t n = smaller(len - at, c->memory_bytes);
        MPI_Request request;

        if (root == (uint32_t)c->rank)
            memcpy(c->memory, (const char *)buf + at, n);
        st =
            call_result(c, MPI_Ibcast(c->memory, (int)n, MPI_BYTE, (int)root, c->work, &request), "MPI_Ibcast", reterr);
        if (st >= 0)
            st = call_wait(c, &request, deadline_ns, reterr);
        if (st >= 0 && root != (uint32_t)c->rank)
            memcpy((char *)buf + at, c->memory, n);
    }
    return st;
}

static dlfw_status check_how(uint32_t how, dlfw_error *err)
{
    if (how >= DLFW_REDUCE_SUM && how <= DLFW_REDUCE_MAX)
        return DLFW_OK;
    return dlfw_fail(err, DLFW_E_INVALID, "reduction %u does not exist", how);
}

/* The smallest and the largest are looked for among signed numbers, with the top bit turned: MPICH 4.0 takes unsigned
 * ones for signed. */
dlfw_status mpi_reduce_u64(dlfw_coordinator *c, uint32_t how, uint64_t *values, uint32_t count, uint64_t deadline_ns,
                           dlfw_error *reterr)
{
    const MPI_Op ops[] = {[DLFW_REDUCE_SUM] = MPI_SUM, [DLFW_REDUCE_MIN] = MPI_MIN, [DLFW_REDUCE_MAX] = MPI_MAX};
    MPI_Datatype type = how == DLFW_REDUCE_SUM ? MPI_UINT64_T : MPI_INT64_T;
    uint64_t turn = how == DLFW_REDUCE_SUM ? 0 : 1ull << 63, most = c->memory_bytes / sizeof *values;
    uint64_t *piece = (uint64_t *)(void *)c->memory;
    dlfw_status st = check_how(how, reterr);

    if (st >= 0)
        st = call_begin(c, reterr);
    for (uint64_t at = 0; st >= 0 && at < count; at += most) {
        uint64_t n = smaller(count - at, most);
        MPI_Request request;

        for (uint64_t i = 0; i < n; i++)
            piece[i] = values[at + i] ^ turn;
        st = call_result(c, MPI_Iallreduce(MPI_IN_PLACE, piece, (int)n, type, ops[how], c->work, &request),
                         "MPI_Iallreduce", reterr);
        if (st >= 0)
            st = call_wait(c, &request, deadline_ns, reterr);
        for (uint64_t i = 0; st >= 0 && i < n; i++)
            values[at + i] = piece[i] ^ turn;
    }
    return st;
}

/* len bytes of each rank, in rank order, into the coordinator's memory; world_size * len of it are there. */
static dlfw_status gather_piece(dlfw_coordinator *c, const void *mine, uint64_t len, uint64_t deadline_ns,
                                dlfw_error *err)
{
    MPI_Request request;
    dlfw_status st;

    memcpy(c->memory + (uint64_t)c->rank * len, mine, len);
    st = call_result(
        c, MPI_Iallgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, c->memory, (int)len, MPI_BYTE, c->work, &request),
        "MPI_Iallgather", err);
    return st < 0 ? st : call_wait(c, &request, deadline_ns, err);
}

static double reduce_two(uint32_t how, double a, double b)
{
    if (how == DLFW_REDUCE_SUM)
        return a + b;
    if (how == DLFW_REDUCE_MIN)
        return b < a ? b : a;
    return b > a ? b : a;
}

/* Every rank reduces what all have handed in, one after the other: MPI would choose the order by size and shape. */
dlfw_status mpi_reduce_f64(dlfw_coordinator *c, uint32_t how, double *values, uint32_t count, uint64_t deadline_ns,
                           dlfw_error *reterr)
{
    uint64_t most = c->memory_bytes / sizeof *values / (uint64_t)c->world_size;
    dlfw_status st = check_how(how, reterr);

    if (st >= 0)
        st = call_begin(c, reterr);
    for (uint64_t at = 0; st >= 0 && at < count; at += most) {
        uint64_t n = smaller(count - at, most);

        st = gather_piece(c, values + at, n * sizeof *values, deadline_ns, reterr);
        for (uint64_t i = 0; st >= 0 && i < n; i++) {
            const double *all = (const double *)(const void *)c->memory;

            values[at + i] = all[i];
            for (uint64_t rank = 1; rank < (uint64_t)c->world_size; rank++)
                values[at + i] = reduce_two(how, values[at + i], all[rank * n + i]);
        }
    }
    return st;
}

dlfw_status mpi_gather(dlfw_coordinator *c, const void *mine, void *all, uint64_t len, uint64_t deadline_ns,
                       dlfw_error *reterr)
{
    uint64_t most = c->memory_bytes / (uint64_t)c->world_size;
    dlfw_status st = call_begin(c, reterr);

    for (uint64_t at = 0; st >= 0 && at < len; at += most) {
        uint64_t n = smaller(len - at, most);

        st = gather_piece(c, (const char *)mine + at, n, deadline_ns, reterr);
        for (uint64_t rank = 0; st >= 0 && rank < (uint64_t)c->world_size; rank++)
            memcpy((char *)all + rank * len + at, c->memory + rank * n, n);
    }
    return st;
}
