/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for an operation without being caught in it. Ranks may be more than processors, and waits are as short as a
 * barrier or as long as a listing: so first awake, then giving the processor to others, then asleep.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "coordinator.h"

#define LOOK_ROUNDS 16u    /* between two looks at anything but the operation, while awake */
#define YIELD_ROUNDS 2048u /* behind the awake ones */
#define SHORT_SLEEP_NS 50000
#define LONG_SLEEP_NS 200000
#define SHORT_SLEEP_ROUNDS 1000u

void idle(const dlfw_coordinator *c, uint64_t round)
{
    struct timespec ts = {.tv_nsec = SHORT_SLEEP_NS};

    if (round < c->awake_rounds)
        return;
    round -= c->awake_rounds;
    if (round < YIELD_ROUNDS) {
        sched_yield();
        return;
    }
    if (round >= YIELD_ROUNDS + SHORT_SLEEP_ROUNDS)
        ts.tv_nsec = LONG_SLEEP_NS;
    nanosleep(&ts, NULL);
}

static dlfw_status again(const dlfw_coordinator *c, dlfw_error *err)
{
    return dlfw_fail(err, c->ended, "%s", c->ended_text);
}

dlfw_status call_end(dlfw_coordinator *c, dlfw_status status, const char *text, dlfw_error *err)
{
    c->ended = status;
    snprintf(c->ended_text, sizeof c->ended_text, "%s", text);
    return again(c, err);
}

dlfw_status call_result(dlfw_coordinator *c, int result, const char *function, dlfw_error *err)
{
    char reason[MPI_MAX_ERROR_STRING] = "unknown error", text[NOTICE_TEXT_BYTES];
    int len = 0;

    if (result == MPI_SUCCESS)
        return DLFW_OK;
    MPI_Error_string(result, reason, &len);
    reason[strcspn(reason, "\n")] = '\0';
    snprintf(text, sizeof text, "%s failed: %.400s", function, reason);
    return call_end(c, DLFW_E_UNAVAILABLE, text, err);
}

dlfw_status call_begin(dlfw_coordinator *c, dlfw_error *err)
{
    dlfw_status st;

    if (c->ended < 0)
        return again(c, err);
    st = notice_abort(c, err);
    if (st < 0)
        return st;
    c->calls++;
    return notice_take(c, err);
}

/* Everything but the operation itself that may end the wait. */
static dlfw_status look_around(dlfw_coordinator *c, uint64_t deadline_ns, dlfw_error *err)
{
    dlfw_status st = notice_abort(c, err);

    if (st >= 0)
        st = notice_take(c, err);
    if (st < 0)
        return st;
    if (c->host->cancelled(c->host_ctx))
        return call_end(c, DLFW_E_CANCELLED, "cancelled while waiting for the other ranks", err);
    if (deadline_ns && c->host->now_ns() >= deadline_ns)
        return call_end(c, DLFW_E_TIMEOUT, "the other ranks did not come in time", err);
    return DLFW_OK;
}

dlfw_status call_wait(dlfw_coordinator *c, MPI_Request *request, uint64_t deadline_ns, dlfw_error *err)
{
    for (uint64_t round = 0;; round++) {
        int done = 0;
        dlfw_status st = call_result(c, MPI_Test(request, &done, MPI_STATUS_IGNORE), "MPI_Test", err);

        if (st < 0 || done)
            return st;
        if (round % LOOK_ROUNDS == LOOK_ROUNDS - 1 || round >= YIELD_ROUNDS) {
            st = look_around(c, deadline_ns, err);
            if (st < 0)
                return st;
        }
        idle(c, round);
    }
}
