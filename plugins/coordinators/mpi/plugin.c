/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Coordinators `openmpi` and `mpich`: ranks on any number of hosts, started by the launcher of that MPI. One source,
 * built against each of the two, because their binary interfaces have nothing in common.
 *
 * There is no check(): when a rank dies, its launcher ends the run. A rank that only computes learns of a peer's abort
 * with its next call, or from the launcher.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator.h"

#define MEMORY_BYTES (1u << 20)
#define MEMORY_BYTES_PER_RANK 64u

static struct dlfw_coordinator the_coordinator; /* MPI is initialised once in a process */

static dlfw_status start_mpi(dlfw_error *err)
{
    int before = 0, level = MPI_THREAD_SINGLE;

    MPI_Initialized(&before);
    if (before)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED,
                         "coordinator '" MPI_NAME "' has been joined before; MPI allows that once "
                         "in a process");
    launcher_prepare();
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level) != MPI_SUCCESS)
        return dlfw_fail(err, DLFW_E_UNAVAILABLE, "MPI_Init_thread failed");
    if (level < MPI_THREAD_FUNNELED)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "this MPI was built for processes without threads");
    return DLFW_OK;
}

static dlfw_status make_communicator(dlfw_coordinator *c, MPI_Comm *ret, dlfw_error *err)
{
    dlfw_status st = call_result(c, MPI_Comm_dup(MPI_COMM_WORLD, ret), "MPI_Comm_dup", err);

    return st < 0 ? st
                  : call_result(c, MPI_Comm_set_errhandler(*ret, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler", err);
}

static dlfw_status find_place(dlfw_coordinator *c, dlfw_error *err)
{
    dlfw_status st =
        call_result(c, MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler", err);

    if (st >= 0)
        st = call_result(c, MPI_Comm_rank(MPI_COMM_WORLD, &c->rank), "MPI_Comm_rank", err);
    if (st >= 0)
        st = call_result(c, MPI_Comm_size(MPI_COMM_WORLD, &c->world_size), "MPI_Comm_size", err);
    if (st >= 0)
        st = make_communicator(c, &c->work, err);
    return st < 0 ? st : make_communicator(c, &c->news, err);
}

/* On this host. */
static dlfw_status count_ranks_here(dlfw_coordinator *c, int *ret, dlfw_error *err)
{
    MPI_Comm here = MPI_COMM_NULL;
    dlfw_status st = call_result(c, MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here),
                                 "MPI_Comm_split_type", err);

    if (st >= 0)
        st = call_result(c, MPI_Comm_size(here, ret), "MPI_Comm_size", err);
    if (here != MPI_COMM_NULL)
        MPI_Comm_free(&here);
    return st;
}

static dlfw_status reserve(dlfw_coordinator *c, dlfw_error *err)
{
    uint64_t ranks = (uint64_t)c->world_size;

    c->memory_bytes = ranks * MEMORY_BYTES_PER_RANK > MEMORY_BYTES ? ranks * MEMORY_BYTES_PER_RANK : MEMORY_BYTES;
    c->memory = malloc(c->memory_bytes);
    c->outgoing_requests = calloc(ranks, sizeof *c->outgoing_requests);
    if (!c->memory || !c->outgoing_requests) {
        c->all_know = true; /* as far as this rank can say it */
        return call_end(c, DLFW_E_NO_MEMORY, "cannot allocate the memory of coordinator '" MPI_NAME "'", err);
    }
    return DLFW_OK;
}

/* A launcher of another MPI shows as a world of one. */
static dlfw_status check_place(dlfw_coordinator *c, const dlfw_join *join, dlfw_error *err)
{
    bool right = (!join->world_size || join->world_size == (uint32_t)c->world_size) &&
                 (join->rank == DLFW_RANK_UNKNOWN || join->rank == (uint32_t)c->rank);
    char text[NOTICE_TEXT_BYTES], expected[32] = "a process";

    if (right)
        return DLFW_OK;
    if (join->rank != DLFW_RANK_UNKNOWN)
        snprintf(expected, sizeof expected, "rank %" PRIu32, join->rank);
    snprintf(text, sizeof text,
             "this should be %s of %" PRIu32 ", but for coordinator '" MPI_NAME
             "' it is rank %d of %d; is the launcher "
             "one of another MPI?",
             expected, join->world_size, c->rank, c->world_size);
    return call_end(c, DLFW_E_CONFIG, text, err);
}

static dlfw_status mpi_join(const dlfw_create_args *args, const dlfw_join *join, dlfw_coordinator **ret,
                            dlfw_error *reterr)
{
    dlfw_coordinator *c = &the_coordinator;
    int here = 0;
    dlfw_status st = launcher_check(reterr);

    if (st >= 0)
        st = start_mpi(reterr);
    if (st < 0)
        return st;
    *c = (struct dlfw_coordinator){.host = args->host,
                                   .host_ctx = args->host_ctx,
                                   .main_thread = pthread_self(),
                                   .work = MPI_COMM_NULL,
                                   .news = MPI_COMM_NULL,
                                   .incoming_request = MPI_REQUEST_NULL,
                                   .left.calls = UINT64_MAX};
    st = find_place(c, reterr);
    if (st >= 0)
        st = count_ranks_here(c, &here, reterr);
    c->awake_rounds = launcher_awake_rounds(here);
    if (st >= 0)
        st = reserve(c, reterr);
    if (st >= 0)
        st = notice_listen(c, reterr);
    if (st >= 0)
        st = check_place(c, join, reterr);
    if (st >= 0)
        st = mpi_barrier(c, join->deadline_ns, reterr);
    if (st < 0) {
        mpi_leave(c);
        return st;
    }
    if (c->rank == 0)
        launcher_warn_of_binding(c->host, c->host_ctx);
    *ret = c;
    return DLFW_OK;
}

static uint32_t mpi_rank(dlfw_coordinator *c)
{
    return (uint32_t)c->rank;
}

static uint32_t mpi_world_size(dlfw_coordinator *c)
{
    return (uint32_t)c->world_size;
}

static void mpi_abort(dlfw_coordinator *c, const char *reason)
{
    uint32_t none = ABORT_NONE;

    if (!atomic_compare_exchange_strong(&c->abort_state, &none, ABORT_BEING_WRITTEN))
        return; /* the first reason counts */
    snprintf(c->abort_text, sizeof c->abort_text, "%s", reason);
    c->abort_text[strcspn(c->abort_text, "\n")] = '\0';
    atomic_store_explicit(&c->abort_state, ABORT_WANTED, memory_order_release);
    if (pthread_equal(pthread_self(), c->main_thread) && c->ended == DLFW_OK)
        notice_abort(c, NULL);
}

static const dlfw_coordinator_ops ops = {
    .struct_size = (uint32_t)sizeof ops,
    .draft = DLFW_COORDINATOR_DRAFT,
    .join = mpi_join,
    .leave = mpi_leave,
    .rank = mpi_rank,
    .world_size = mpi_world_size,
    .barrier = mpi_barrier,
    .broadcast = mpi_broadcast,
    .reduce_u64 = mpi_reduce_u64,
    .reduce_f64 = mpi_reduce_f64,
    .gather = mpi_gather,
    .abort = mpi_abort,
};

static const dlfw_iface iface = {
    .struct_size = (uint32_t)sizeof iface,
    .kind = DLFW_KIND_COORDINATOR,
    .name = MPI_NAME,
    .summary = "ranks on any number of hosts, started by mpirun or srun",
    .ops = &ops,
};

static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("0.1.0", "coordinator=" MPI_NAME "\n", .id = "org.dlfw.coordinator-" MPI_NAME, .license = "Apache-2.0",
            .summary = "ranks tied together by MPI", .url = "", .ifaces = ifaces);
