/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The figures of a whole run, from the steps of a run record (docs/metrics.md). Every value is finite: what cannot be
 * computed has count 0 and is left out by the writers.
 */
#ifndef DLFW_CORE_REPORT_METRICS_H
#define DLFW_CORE_REPORT_METRICS_H

#include "report/run_record.h"

/* Mean and population standard deviation; zeros when nothing was added. */
struct spread {
    double mean;
    double stdev;
};
struct spread spread_of(const double *values, uint64_t count);

/* Training or evaluation: one value per epoch that ran to its end. */
struct phase_metrics {
    uint32_t epochs;    /* entries of the arrays */
    double *au;         /* percent; owned */
    double *throughput; /* samples/s; owned */
    struct spread au_spread, throughput_spread;
    struct spread mib_per_second; /* throughput times the nominal sample size */
    bool meets;                   /* mean AU >= metric.au */
};

/* Saves or loads. */
struct checkpoint_metrics {
    uint32_t count;
    struct spread gib_per_second, seconds;
    double gib_per_second_min, gib_per_second_max;
    double seconds_min, seconds_max;
    double size_gib;                /* of the last one */
    uint64_t bytes, stored_bytes;   /* of all: payload of all ranks, moved by this one */
    uint64_t duration_ns, stall_ns; /* of all */
};

struct run_metrics {
    struct phase_metrics train, eval;
    struct checkpoint_metrics save, load;
};
void run_metrics_init(const struct run_record *rec, struct run_metrics *ret);
void run_metrics_free(struct run_metrics *m);

bool run_generated(const struct run_record *rec);   /* files were made, or were to be made */
uint64_t epoch_steps(const struct epoch_record *e); /* done in training */
/* All expected steps were done, or a hook ended a good run: only such epochs count in the means. */
bool epoch_counts(const struct run_record *rec, const struct epoch_record *e);
bool eval_counts(const struct run_record *rec, const struct epoch_record *e);

/* Where the time of one epoch's windows went on this rank; and of all epochs, over all ranks that report. */
struct time_shares epoch_time_shares(const struct run_record *rec, const struct epoch_record *e);
struct time_shares train_time_shares(const struct run_record *rec);

/* Payload bytes that storage delivered to training per second of block time; 0 when there is none. */
double train_bytes_per_second(const struct run_record *rec);

#endif
