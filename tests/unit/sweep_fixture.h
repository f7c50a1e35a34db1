/* SPDX-License-Identifier: Apache-2.0 */
/* A storage that exists only as arithmetic, and sweeps over it. */
#ifndef DLFW_TESTS_UNIT_SWEEP_FIXTURE_H
#define DLFW_TESTS_UNIT_SWEEP_FIXTURE_H

#include "sweep/sweep.h"

/* Figures of a run whose AU is au and whose loss is the storage's. */
struct sweep_figures fixture_figures(double au);

/* AU of n accelerators of which the storage feeds `feeds` whole ones. */
struct fixture_storage {
    double feeds;                /* AU = min(100, 100 * feeds / n) */
    uint32_t fails_at, stops_at; /* runs with that many fail, or are interrupted; 0: none */
    void (*change)(struct sweep_figures *f, uint32_t n, uint32_t k); /* may be NULL */
    uint32_t runs, told;
};

/* Over 1..most, threshold 90; sweep_free() by the caller. Returns what sweep_execute() does. */
dlfw_status fixture_sweep(struct sweep *s, struct fixture_storage *storage, const char *range);
dlfw_status fixture_go(struct sweep *s, struct fixture_storage *storage);
void fixture_init(struct sweep *s, const char *range);

#endif
