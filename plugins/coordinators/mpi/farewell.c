/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leaving. MPI wants all ranks to finish together, so a rank waits here for the others, however long a good run needs
 * for that; a run that failed gets two seconds. Every wait that could last for ever ends in a line that says why.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "coordinator.h"

#define GRACE_S 2 /* for peers of a run that failed, to say why and leave */
#define GRACE_NS (GRACE_S * 1000000000u)
#define PATIENCE_NS 500000000u /* for peers of a run that did not, before those that wait for this rank are told */
#define FINALIZE_S 10

enum farewell { FAREWELL_GOOD, FAREWELL_FAILED, FAREWELL_OTHERS_FAILED, FAREWELL_LATE };

/* Until all ranks are leaving; how they found the run. OTHERS_FAILED: not this one. LATE: some do not come, and the run
 * has failed. */
static enum farewell say_farewell(dlfw_coordinator *c)
{
    uint64_t begin = c->host->now_ns();
    int mine = c->ended < 0, all = 0, done = 0;
    bool told = c->all_know;
    MPI_Request request;

    if (MPI_Iallreduce(&mine, &all, 1, MPI_INT, MPI_MAX, c->news, &request) != MPI_SUCCESS)
        return FAREWELL_LATE;
    for (uint64_t round = 0;; round++) {
        uint64_t waited;

        if (MPI_Test(&request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS)
            return FAREWELL_LATE;
        if (done)
            return !all ? FAREWELL_GOOD : mine ? FAREWELL_FAILED : FAREWELL_OTHERS_FAILED;
        if (c->ended == DLFW_OK)
            notice_take(c, NULL);
        waited = c->host->now_ns() - begin;
        if (c->ended < 0 && waited >= GRACE_NS)
            return FAREWELL_LATE;
        if (!told && (c->ended < 0 || waited >= PATIENCE_NS)) {
            notice_left(c);
            told = true;
        }
        idle(c, round);
    }
}

static void *end_stuck_process(void *arg)
{
    const dlfw_coordinator *c = arg;
    const struct timespec ts = {.tv_sec = FINALIZE_S};

    nanosleep(&ts, NULL);
    dlfw_log(c->host, c->host_ctx, DLFW_LOG_ERROR,
             "MPI_Finalize does not return, as is known of MPICH 4.0 on several hosts; all ranks have done their "
             "work, this process ends without it");
    fflush(NULL);
    _exit(1);
}

static void finalize(dlfw_coordinator *c)
{
    pthread_t guard;
    bool guarded = pthread_create(&guard, NULL, end_stuck_process, c) == 0;

    MPI_Finalize();
    if (guarded) {
        pthread_cancel(guard);
        pthread_join(guard, NULL);
    }
}

/* A rank that has nothing to complain of would end with status 0, which a launcher may take for the run's when it is
 * the first. The others say what is wrong and end, and the launcher then ends this one too; else it does so itself. */
static void wait_for_launcher(void)
{
    nanosleep(&(struct timespec){.tv_sec = GRACE_S}, NULL);
}

/* Operations that were given up on are never complete, and MPI_Finalize may wait for them. So a run that failed is not
 * finalized: its processes end, and the launcher sees to it that all do. */
void mpi_leave(dlfw_coordinator *c)
{
    enum farewell how;

    if (c->ended == DLFW_OK)
        notice_abort(c, NULL);
    how = say_farewell(c);
    if (how == FAREWELL_OTHERS_FAILED)
        wait_for_launcher();
    if (how == FAREWELL_LATE || how == FAREWELL_OTHERS_FAILED) {
        fflush(NULL); /* what the host has printed so far */
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    if (how != FAREWELL_GOOD)
        return;
    MPI_Cancel(&c->incoming_request);
    MPI_Wait(&c->incoming_request, MPI_STATUS_IGNORE);
    finalize(c);
    free(c->memory);
    free(c->outgoing_requests);
    c->memory = NULL;
    c->outgoing_requests = NULL;
}
