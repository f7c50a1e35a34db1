/* SPDX-License-Identifier: Apache-2.0 */
/* The proof that an epoch delivered what it should: number of samples, and, where no sample is
 * dropped, which ones. Over all ranks that report. */
#ifndef DLFW_CORE_REPORT_COVERAGE_H
#define DLFW_CORE_REPORT_COVERAGE_H

#include "report/run_record.h"

struct coverage {
    uint64_t samples;
    uint64_t expected; /* steps times batch size times ranks */
    uint64_t hash;     /* sum of hash_mix(index + 1) over the delivered samples */
    bool is_proven;    /* the hash was compared with that of every index once */
    bool ok;
};

struct coverage coverage_train(const struct run_record *rec, const struct epoch_record *e);
struct coverage coverage_eval(const struct run_record *rec, const struct epoch_record *e);
/* Every phase of every epoch. */
bool coverage_is_complete(const struct run_record *rec);

#endif
