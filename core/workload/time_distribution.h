/* SPDX-License-Identifier: Apache-2.0 */
/* Durations drawn per step or sample: a number, {mean, stdev}, or {type: normal|uniform|gamma|exponential|poisson, ...}
 * (docs/configuration.md). */
#ifndef DLFW_CORE_WORKLOAD_TIME_DISTRIBUTION_H
#define DLFW_CORE_WORKLOAD_TIME_DISTRIBUTION_H

#include "config/schema.h"
#include "workload/legacy_random.h"

enum { TIME_NONE = 0, TIME_CONSTANT, TIME_NORMAL, TIME_UNIFORM, TIME_GAMMA, TIME_EXPONENTIAL, TIME_POISSON };

struct time_distribution {
    uint32_t kind; /* TIME_* */
    double a;      /* mean | min | shape | scale | lam, in seconds where it is a time */
    double b;      /* stdev | max | scale */
};

/* node: number or map, may be NULL; stdev_node: the old ..._stdev key, may be NULL. Mistakes become problems. */
void time_distribution_read(const dlfw_node *node, const dlfw_node *stdev_node, struct time_distribution *ret,
                            struct problem_list *problems);
/* |draw| in nanoseconds, 0 for TIME_NONE. */
uint64_t time_distribution_draw(const struct time_distribution *d, struct legacy_random *random);
/* As DLIO logs the "set value": "{'mean': 0.323}". buf of at least 160. */
void time_distribution_print(const struct time_distribution *d, char *buf, uint32_t cap);

#endif
