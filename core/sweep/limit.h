/* SPDX-License-Identifier: Apache-2.0 */
/* Who kept the accelerators waiting: the storage, or this client, which a sweep must not mistake for it. */
#ifndef DLFW_CORE_SWEEP_LIMIT_H
#define DLFW_CORE_SWEEP_LIMIT_H

#include "sweep/figures.h"

enum sweep_side {
    SIDE_NONE,    /* less than 1 % was lost, and the threshold leaves that much */
    SIDE_STORAGE, /* batches came late because their bytes did */
    SIDE_CLIENT,  /* CPUs, decoding, memory, hooks, late wake-ups of the emulated compute */
    SIDE_BARRIER, /* ranks waited for each other, and no rank's own waits explain it */
    SIDE_UNKNOWN  /* the results do not say */
};

struct sweep_limit {
    enum sweep_side side;
    const char *part; /* of the client: "cpu", "decode", "memory", "compute", "hooks", "loop"; else NULL */
};

/* threshold: of the AU, in percent; a run that missed it has always somebody to name. */
struct sweep_limit sweep_limit_of(const struct sweep_figures *f, double threshold);
const char *sweep_side_name(enum sweep_side side); /* "none", "storage", "client", "barrier", "unknown" */
/* "storage", "client: cpu", "-"; into buf, which is returned. */
const char *sweep_limit_text(struct sweep_limit limit, char *buf, uint32_t cap);

/* The host's CPUs were busy, but not with this run. */
bool sweep_was_disturbed(const struct sweep_figures *f);

#endif
