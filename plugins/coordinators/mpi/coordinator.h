/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this plugin share. All MPI calls are made by the main thread (MPI_THREAD_FUNNELED), and none of
 * them blocks: a started operation is asked again and again, and in between the end of a peer, of the run and of time
 * are looked for (wait.c). Operations work on memory of the coordinator, never on the caller's, because one that was
 * given up on may still be written by MPI.
 */
#ifndef DLFW_PLUGIN_MPI_COORDINATOR_H
#define DLFW_PLUGIN_MPI_COORDINATOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <pthread.h>

#include <mpi.h>

#include "dlfw/draft/coordinator.h"

#define NOTICE_TEXT_BYTES 480u

/* What a rank tells its peers when it ends early, or leaves. */
struct notice {
    uint64_t calls;    /* the peer's calls up to this number may still succeed: the sender has made them */
    uint64_t is_abort; /* no call may succeed, and all ranks have been told */
    char text[NOTICE_TEXT_BYTES];
};

enum { ABORT_NONE = 0, ABORT_BEING_WRITTEN = 1, ABORT_WANTED = 2, ABORT_TOLD = 3 };

struct dlfw_coordinator {
    const dlfw_host *host;
    void *host_ctx;
    pthread_t main_thread;
    int rank;
    int world_size;
    MPI_Comm work;         /* collective operations */
    MPI_Comm news;         /* notices, and the farewell */
    uint32_t awake_rounds; /* that idle() spins: few where ranks are more than processors */

    uint64_t calls;        /* collective calls begun */
    unsigned char *memory; /* of the operation under way; freed only when MPI is finalized */
    uint64_t memory_bytes;

    dlfw_status ended; /* DLFW_OK: not yet; else what every further call returns, with ended_text */
    char ended_text[NOTICE_TEXT_BYTES];
    bool all_know; /* of the reason: it came to all ranks */
    bool by_peer;  /* the reason is what a peer has told */

    MPI_Request incoming_request; /* always posted */
    struct notice incoming;
    struct notice left; /* of the peer that left after the fewest calls; calls is UINT64_MAX: none has left */
    struct notice outgoing;
    MPI_Request *outgoing_requests; /* world_size of them */

    _Atomic uint32_t abort_state; /* ABORT_*; abort_text is written by whoever moved it to ABORT_BEING_WRITTEN */
    char abort_text[NOTICE_TEXT_BYTES];
};

/* launcher.c: the process and its environment, before MPI is initialised. */
dlfw_status launcher_check(dlfw_error *err); /* was this process started by a launcher of this MPI? */
void launcher_prepare(void);
uint32_t launcher_awake_rounds(int ranks_here); /* of dlfw_coordinator */
void launcher_warn_of_binding(const dlfw_host *host, void *host_ctx);

/* wait.c */
/* Fails at once when the run has ended, else begins a collective call. */
dlfw_status call_begin(dlfw_coordinator *c, dlfw_error *err);
/* Until the operation is complete. After a failure it stays as it is, and so must its memory. */
dlfw_status call_wait(dlfw_coordinator *c, MPI_Request *request, uint64_t deadline_ns, dlfw_error *err);
/* Ends the coordinator: this and every further call fails so. */
dlfw_status call_end(dlfw_coordinator *c, dlfw_status status, const char *text, dlfw_error *err);
/* The same when result, of the MPI function named, is an error. */
dlfw_status call_result(dlfw_coordinator *c, int result, const char *function, dlfw_error *err);
/* Sleeps a little more with every round. */
void idle(const dlfw_coordinator *c, uint64_t round);

/* notice.c */
dlfw_status notice_listen(dlfw_coordinator *c, dlfw_error *err);
/* Takes a notice that has come. DLFW_OK: none, or of no matter to the call under way. */
dlfw_status notice_take(dlfw_coordinator *c, dlfw_error *err);
/* Does what abort() of any thread has asked for. */
dlfw_status notice_abort(dlfw_coordinator *c, dlfw_error *err);
/* Tells the peers that this rank is gone: those beside it in a hypercube, who tell those beside them when it ends their
 * calls. So a run of which all ranks end at the same moment is not drowned in notices. */
void notice_left(dlfw_coordinator *c);

/* farewell.c */
void mpi_leave(dlfw_coordinator *c);

/* collect.c */
dlfw_status mpi_barrier(dlfw_coordinator *c, uint64_t deadline_ns, dlfw_error *reterr);
dlfw_status mpi_broadcast(dlfw_coordinator *c, uint32_t root, void *buf, uint64_t len, uint64_t deadline_ns,
                          dlfw_error *reterr);
dlfw_status mpi_reduce_u64(dlfw_coordinator *c, uint32_t how, uint64_t *values, uint32_t count, uint64_t deadline_ns,
                           dlfw_error *reterr);
dlfw_status mpi_reduce_f64(dlfw_coordinator *c, uint32_t how, double *values, uint32_t count, uint64_t deadline_ns,
                           dlfw_error *reterr);
dlfw_status mpi_gather(dlfw_coordinator *c, const void *mine, void *all, uint64_t len, uint64_t deadline_ns,
                       dlfw_error *reterr);

#endif
