/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The progress line over all ranks. At steps that all ranks know beforehand, about four times a second, they tell each
 * other how far they are; it happens between steps, is counted as barrier time, and only while somebody looks.
 */
#ifndef DLFW_CORE_TRAIN_RANK_PROGRESS_H
#define DLFW_CORE_TRAIN_RANK_PROGRESS_H

#include "ranks/ranks.h"
#include "report/progress.h"

/* What one rank tells, since the phase began. */
struct rank_progress_part {
    uint64_t bytes;
    uint64_t compute_ns, wall_ns;
    uint64_t batch_wait_p99_ns;
    uint64_t errors; /* requests that failed or were tried again */
    uint64_t next;   /* rank 0: the step at which to meet again */
};

struct rank_progress {
    struct ranks *ranks;
    bool enabled; /* somebody looks, on rank 0 */
    uint64_t next_step, met_step;
    uint64_t met_ns;
    struct rank_progress_part *parts; /* one per rank; owned */
};

/* Collective. With one rank nothing is exchanged. */
dlfw_status rank_progress_open(struct rank_progress *p, struct ranks *ranks, dlfw_error *err);
void rank_progress_close(struct rank_progress *p);
/* A phase begins; steps count from 0. */
void rank_progress_begin(struct rank_progress *p);
/* After step; collective at the steps where it meets. On rank 0 line shows what all ranks have done. */
dlfw_status rank_progress_meet(struct rank_progress *p, uint64_t step, const struct rank_progress_part *mine,
                               struct progress *line, dlfw_error *err);

#endif
