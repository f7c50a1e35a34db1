/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules, in this order (docs/sweep.md says them to users):
 *  - Busy CPUs make everything late, also answers of the storage, so they come first.
 *  - Waits for batches that came late while readers decoded or waited for memory are the client's.
 *  - Time at barriers was spent waiting for the slowest rank, and goes to what made ranks slow: where one rank of N is
 *    late, the others wait N - 1 times as long at the barrier as it waited itself, in the mean over ranks.
 */
#include "sweep/limit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LOST_LITTLE 1.0       /* percent of the window */
#define CPU_FULL 85.0         /* of what the run may use: no wake-up is in time beyond it */
#define CPU_MACHINE_FULL 90.0 /* of the host, when */
#define CPU_RUN_MUCH 20.0     /* the run takes that much beside others; with less it mostly sleeps */

static double known(double value)
{
    return isfinite(value) ? value : 0;
}

static bool is_cpu_full(const struct sweep_figures *f)
{
    return f->cpu_run >= CPU_FULL || (f->cpu_machine >= CPU_MACHINE_FULL && f->cpu_run >= CPU_RUN_MUCH);
}

bool sweep_was_disturbed(const struct sweep_figures *f)
{
    return f->cpu_machine >= CPU_MACHINE_FULL && f->cpu_run < CPU_RUN_MUCH;
}

/* The run's word for waits that are the client's doing; NULL: they are not. */
static const char *client_part(const struct sweep_figures *f)
{
    static const char *const parts[][2] = {
        {"decode", "decode"}, {"prefetch", "memory"}, {"hooks", "hooks"}, {"loop", "loop"}};

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strcmp(f->limited_by, parts[i][0]) == 0)
            return parts[i][1];
    return NULL;
}

/* Half of what one late rank per step explains, so that chance decides nothing. */
static bool explains_barrier(const struct sweep_figures *f, double own, double barrier)
{
    double others = f->accelerators > 1 ? f->accelerators - 1 : 1;

    return own >= 0.5 * barrier / others;
}

struct sweep_limit sweep_limit_of(const struct sweep_figures *f, double threshold)
{
    double storage = known(f->lost_storage), client = known(f->lost_client), overshoot = known(f->lost_overshoot);
    double barrier = known(f->lost_barrier), lost = storage + client + overshoot + barrier;
    const char *part = client_part(f);

    if (!isfinite(f->strict_au) || !isfinite(f->lost_storage))
        return (struct sweep_limit){.side = SIDE_UNKNOWN};
    if (lost < fmin(LOST_LITTLE, 100 - threshold))
        return (struct sweep_limit){.side = SIDE_NONE};
    if (is_cpu_full(f))
        return (struct sweep_limit){.side = SIDE_CLIENT, .part = "cpu"};
    if (strcmp(f->limited_by, "decode") == 0 || strcmp(f->limited_by, "prefetch") == 0) {
        client += storage;
        storage = 0;
    }
    if (!explains_barrier(f, fmax(storage, client + overshoot), barrier))
        return (struct sweep_limit){.side = SIDE_BARRIER};
    if (storage >= client + overshoot)
        return (struct sweep_limit){.side = SIDE_STORAGE};
    if (overshoot > client)
        part = "compute";
    return (struct sweep_limit){.side = SIDE_CLIENT, .part = part ? part : "loop"};
}

const char *sweep_side_name(enum sweep_side side)
{
    static const char *const names[] = {[SIDE_NONE] = "none",
                                        [SIDE_STORAGE] = "storage",
                                        [SIDE_CLIENT] = "client",
                                        [SIDE_BARRIER] = "barrier",
                                        [SIDE_UNKNOWN] = "unknown"};

    return names[side];
}

const char *sweep_limit_text(struct sweep_limit limit, char *buf, uint32_t cap)
{
    if (limit.part)
        snprintf(buf, cap, "%s: %s", sweep_side_name(limit.side), limit.part);
    else
        snprintf(buf, cap, "%s", limit.side == SIDE_NONE ? "-" : sweep_side_name(limit.side));
    return buf;
}
