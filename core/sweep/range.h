/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of accelerators that may be tried: "1..64", "8", "1,2,4..16". */
#ifndef DLFW_CORE_SWEEP_RANGE_H
#define DLFW_CORE_SWEEP_RANGE_H

#include <stdint.h>

#include "dlfw/base.h"

#define SWEEP_ACCELERATORS_MAX 4096u

struct sweep_range {
    uint32_t *values; /* ascending, each once */
    uint32_t count;
};

dlfw_status sweep_range_parse(const char *text, struct sweep_range *ret, dlfw_error *err);
void sweep_range_free(struct sweep_range *r);

#endif
