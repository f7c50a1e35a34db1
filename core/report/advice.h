/* SPDX-License-Identifier: Apache-2.0 */
/* What limited a run and what to try, in short sentences that each rest on a measured figure. */
#ifndef DLFW_CORE_REPORT_ADVICE_H
#define DLFW_CORE_REPORT_ADVICE_H

#include "report/result_parts.h"

#define ADVICE_CAP 16

struct advice {
    char *lines[ADVICE_CAP]; /* owned */
    uint32_t count;
};

void advice_collect(const struct run_record *rec, const struct host_facts *host, const struct run_metrics *m,
                    struct advice *ret);
void advice_free(struct advice *a);

/* What took the largest part of the time that was not compute. */
enum limit_kind {
    LIMIT_UNKNOWN,  /* no window */
    LIMIT_COMPUTE,  /* less than 1 % was lost */
    LIMIT_STORAGE,  /* batches came late; readers waited for storage */
    LIMIT_DECODE,   /* batches came late; readers were busy decoding */
    LIMIT_PREFETCH, /* batches came late although readers waited for memory or a free slot */
    LIMIT_BARRIER,
    LIMIT_HOOKS,
    LIMIT_LOOP /* between the steps and at the end of the epoch */
};
enum limit_kind limit_of(const struct run_record *rec, const struct time_shares *s);
const char *limit_name(enum limit_kind kind); /* "storage" */

#endif
