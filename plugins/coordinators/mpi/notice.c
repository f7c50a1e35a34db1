/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ranks tell each other outside of collective calls: that one aborted, or left. Every rank has a receive posted
 * for it at all times. A peer that left does not end a call that it has made itself: the rest of that call may be on
 * its way from others, so a notice carries how many calls its sender has made.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "coordinator.h"

#define NOTICE_TAG 1
#define TELL_NS 1000000000u

dlfw_status notice_listen(dlfw_coordinator *c, dlfw_error *err)
{
    return call_result(c,
                       MPI_Irecv(&c->incoming, (int)sizeof c->incoming, MPI_BYTE, MPI_ANY_SOURCE, NOTICE_TAG, c->news,
                                 &c->incoming_request),
                       "MPI_Irecv", err);
}

dlfw_status notice_take(dlfw_coordinator *c, dlfw_error *err)
{
    struct notice notice;
    int done = 0;
    dlfw_status st = call_result(c, MPI_Test(&c->incoming_request, &done, MPI_STATUS_IGNORE), "MPI_Test", err);

    if (st >= 0 && done) {
        notice = c->incoming;
        notice.text[sizeof notice.text - 1] = '\0';
        st = notice_listen(c, err);
        if (st >= 0 && notice.is_abort) {
            c->all_know = true;
            return call_end(c, DLFW_E_UNAVAILABLE, notice.text, err);
        }
        if (notice.calls < c->left.calls)
            c->left = notice;
    }
    if (st < 0 || c->calls <= c->left.calls)
        return st;
    c->by_peer = true;
    return call_end(c, DLFW_E_UNAVAILABLE, c->left.text, err);
}

static void send_to(dlfw_coordinator *c, int rank, int *count)
{
    if (MPI_Isend(&c->outgoing, (int)sizeof c->outgoing, MPI_BYTE, rank, NOTICE_TAG, c->news,
                  &c->outgoing_requests[*count]) == MPI_SUCCESS)
        ++*count;
}

/* Until all have gone out, for a peer may need to take part in that; a second at most, for a peer may be dead. */
static void wait_for_sends(dlfw_coordinator *c, int count)
{
    uint64_t limit = c->host->now_ns() + TELL_NS;
    int sent = 0;

    for (uint64_t round = 0; sent < count && c->host->now_ns() < limit; round++) {
        int done = 0;

        if (MPI_Test(&c->outgoing_requests[sent], &done, MPI_STATUS_IGNORE) != MPI_SUCCESS)
            return;
        if (done)
            sent++;
        else
            idle(c, round);
    }
}

dlfw_status notice_abort(dlfw_coordinator *c, dlfw_error *err)
{
    int count = 0;

    if (atomic_load_explicit(&c->abort_state, memory_order_acquire) != ABORT_WANTED)
        return DLFW_OK;
    atomic_store_explicit(&c->abort_state, ABORT_TOLD, memory_order_relaxed);
    c->outgoing.is_abort = 1;
    snprintf(c->outgoing.text, sizeof c->outgoing.text, "rank %d: %.440s", c->rank, c->abort_text);
    for (int rank = 0; rank < c->world_size; rank++)
        if (rank != c->rank)
            send_to(c, rank, &count);
    wait_for_sends(c, count);
    c->all_know = true;
    return call_end(c, DLFW_E_UNAVAILABLE, c->outgoing.text, err);
}

/* What the peers will say of this rank; those whose calls were ended by a peer hand its words on. */
static void describe_end(const dlfw_coordinator *c, char *ret, size_t cap)
{
    char host[64] = "";

    gethostname(host, sizeof host - 1);
    if (c->by_peer)
        snprintf(ret, cap, "%s", c->ended_text);
    else if (c->ended < 0)
        snprintf(ret, cap, "rank %d (process %ld on %s) has left: %.300s", c->rank, (long)getpid(), host,
                 c->ended_text);
    else
        snprintf(ret, cap, "rank %d (process %ld on %s) has left", c->rank, (long)getpid(), host);
}

void notice_left(dlfw_coordinator *c)
{
    int count = 0;

    /* a call that failed is not one that this rank has made */
    c->outgoing.calls = c->ended < 0 ? c->calls - 1 : c->calls;
    describe_end(c, c->outgoing.text, sizeof c->outgoing.text);
    for (int step = 1; step < c->world_size; step <<= 1)
        if ((c->rank ^ step) < c->world_size)
            send_to(c, c->rank ^ step, &count);
    wait_for_sends(c, count);
}
