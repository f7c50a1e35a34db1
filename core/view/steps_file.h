/* SPDX-License-Identifier: Apache-2.0 */
/* Reading {rank}_steps.csv in one pass with constant memory, however many rows it has. */
#ifndef DLFW_CORE_VIEW_STEPS_FILE_H
#define DLFW_CORE_VIEW_STEPS_FILE_H

#include "dlfw/base.h"

struct step_row {
    uint64_t epoch;
    uint64_t block; /* 0: evaluation */
    uint64_t step;
    double load_s, compute_s, barrier_s;
};

/* Calls each for every row in the file's order. A row that is no step is CORRUPT, with its line. Columns behind the six
 * known ones are skipped. */
dlfw_status steps_file_read(const char *path, void (*each)(void *ctx, const struct step_row *row), void *ctx,
                            dlfw_error *err);

#endif
