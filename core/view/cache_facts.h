/* SPDX-License-Identifier: Apache-2.0 */
/* What is known about how much of the data lay in the page cache: what was measured when epochs began, or that it was
 * not, and what else was recorded. */
#ifndef DLFW_CORE_VIEW_CACHE_FACTS_H
#define DLFW_CORE_VIEW_CACHE_FACTS_H

#include "view/run_view.h"

#define CACHE_FACTS_MAX 6u

struct cache_facts {
    char lines[CACHE_FACTS_MAX][240];
    uint32_t count;                 /* 0: nothing was read */
    double memory_bytes;            /* of the host */
    double data_bytes;              /* that a host reads per epoch, nominal */
    double first_cache, last_cache; /* page cache when the first and the last epoch began */
    /* percent of the data that lay in it then, of epochs where it was measured */
    double first_resident, last_resident, most_resident;
};

void cache_facts_of(const struct run_view *v, struct cache_facts *ret);

#endif
