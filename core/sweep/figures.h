/* SPDX-License-Identifier: Apache-2.0 */
/* What a sweep takes from the results of one run. */
#ifndef DLFW_CORE_SWEEP_FIGURES_H
#define DLFW_CORE_SWEEP_FIGURES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "dlfw/base.h"

/* Percentages are 0 to 100. What the results do not say is NAN. */
struct sweep_figures {
    uint32_t accelerators;
    double au, strict_au; /* mean over ranks and epochs */
    double first_au;      /* of the first epoch, when there were more */
    double slowest_au;    /* of the rank with the least */
    double samples_per_second, bytes_per_second;
    double wait_p99_ns;
    double lost_storage, lost_barrier, lost_overshoot, lost_client; /* with strict_au they are 100 */
    double cpu_machine, cpu_run; /* how busy the host's CPUs were; how much of what it may use the run used */
    double seconds;              /* of the whole run */
    char limited_by[24];         /* the run's own word */
    uint64_t epochs, window_steps, errors, retries;
    bool no_data;       /* the backend moves nothing */
    bool may_be_cached; /* the dataset fits into the page cache, and reads go through it */
};

/* From summary.json in folder. The run must have ended well, with that many ranks and an AU; else CORRUPT. Leaves
 * cpu_* and seconds alone. */
dlfw_status sweep_figures_read(const char *folder, uint32_t accelerators, struct sweep_figures *ret, dlfw_error *err);
/* The same from the document. */
dlfw_status sweep_figures_take(const json_t *summary, uint32_t accelerators, struct sweep_figures *ret,
                               dlfw_error *err);

#endif
