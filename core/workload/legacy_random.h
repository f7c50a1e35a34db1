/* SPDX-License-Identifier: Apache-2.0 */
/* NumPy's legacy generator (MT19937, 53-bit doubles, polar normals with a cached second value), bit-exact: dataset
 * dimensions and shuffles of DLIO come from it. Golden vectors in tests/unit/test_legacy_random.c. */
#ifndef DLFW_CORE_WORKLOAD_LEGACY_RANDOM_H
#define DLFW_CORE_WORKLOAD_LEGACY_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct legacy_random {
    uint32_t state[624];
    uint32_t position;
    bool has_gauss;
    double gauss;
};

void legacy_seed(struct legacy_random *r, uint32_t seed);
uint32_t legacy_u32(struct legacy_random *r);
double legacy_double(struct legacy_random *r); /* [0, 1) */
double legacy_normal(struct legacy_random *r, double mean, double stdev);
double legacy_exponential(struct legacy_random *r, double scale);
double legacy_gamma(struct legacy_random *r, double shape, double scale);
uint64_t legacy_poisson(struct legacy_random *r, double lam);
/* Masked rejection, [0, max]. */
uint64_t legacy_interval(struct legacy_random *r, uint64_t max);
/* numpy.random.shuffle of a list of n 64-bit values. */
void legacy_shuffle(struct legacy_random *r, uint64_t *values, uint64_t n);

#endif
