/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Latency histogram, nanoseconds to hours: log-linear buckets (64 per power of two, relative error < 1.6 %), constant
 * size, merged by addition. One writer at a time; record costs a few nanoseconds.
 */
#ifndef DLFW_CORE_BASE_HISTOGRAM_H
#define DLFW_CORE_BASE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 6
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
    uint64_t count;
    uint64_t sum;
    uint64_t min; /* valid when count > 0 */
    uint64_t max;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_record(struct histogram *h, uint64_t ns);
void histogram_merge(struct histogram *into, const struct histogram *from);
/* The upper bound of the bucket that holds the p-th percentile (0 < p <= 100), capped by max; 0 when empty. */
uint64_t histogram_percentile(const struct histogram *h, double p);
double histogram_mean(const struct histogram *h);

#endif
