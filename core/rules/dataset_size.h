/* SPDX-License-Identifier: Apache-2.0 */
/* How many training files a run needs at least: five times the memory of all clients, and 500 steps in an epoch. */
#ifndef DLFW_CORE_RULES_DATASET_SIZE_H
#define DLFW_CORE_RULES_DATASET_SIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "dlfw/base.h"

#define SIZE_MEMORY_FACTOR 5u
#define SIZE_STEPS 500u

struct size_request {
    uint64_t memory_bytes; /* of all hosts together */
    uint64_t accelerators; /* 0: the steps do not count (generation) */
    uint64_t batch_size;
    uint64_t samples_per_file;
    double record_bytes; /* may be fractional */
    bool rounds_up;      /* v3.0; before that numbers are rounded down */
};

struct size_answer {
    uint64_t files_for_memory;
    uint64_t files_for_steps;
    uint64_t files;              /* the larger one */
    long double memory_quotient; /* before rounding */
};

/* CONFIG: a number is zero, or the product does not fit. */
dlfw_status dataset_size_required(const struct size_request *request, struct size_answer *ret, dlfw_error *err);

#endif
