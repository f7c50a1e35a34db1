/* SPDX-License-Identifier: Apache-2.0 */
#include "train/compute.h"

#include <errno.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/clock.h"
#include "plugin/host_table.h"

#define SPIN_NS 60000u       /* a wake-up is rarely later than this; measured in docs/performance.md */
#define LOOK_NS 100000000ull /* how often a long sleep looks at Ctrl-C */

void compute_prepare(void)
{
    prctl(PR_SET_TIMERSLACK, 1ul);
}

static void sleep_until(uint64_t ns)
{
    struct timespec ts = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
        if (atomic_load_explicit(&host_cancel_level, memory_order_relaxed))
            return;
}

uint64_t compute_until(uint64_t deadline_ns)
{
    uint64_t now = clock_now_ns();

    while (now + SPIN_NS < deadline_ns) {
        uint64_t wake = deadline_ns - SPIN_NS;

        if (atomic_load_explicit(&host_cancel_level, memory_order_relaxed))
            return now;
        sleep_until(wake - now > LOOK_NS ? now + LOOK_NS : wake);
        now = clock_now_ns();
    }
    while (now < deadline_ns)
        now = clock_now_ns();
    return now;
}
