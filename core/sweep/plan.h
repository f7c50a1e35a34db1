/* SPDX-License-Identifier: Apache-2.0 */
/* What a sweep would do, and how long that takes at least. */
#ifndef DLFW_CORE_SWEEP_PLAN_H
#define DLFW_CORE_SWEEP_PLAN_H

#include "sweep/runner.h"

/* Runs and their time for the answers that are possible: the storage decides which of them it will be. Runs whose
 * results are there count nothing. */
struct sweep_estimate {
    uint32_t least_runs, most_runs;
    double least_seconds, most_seconds;
};

struct sweep_estimate sweep_estimate(const struct sweep *s, const struct sweep_runner *runner);
/* The whole plan as text. */
void sweep_plan_text(const struct sweep *s, const struct sweep_runner *runner, struct str *out);

#endif
