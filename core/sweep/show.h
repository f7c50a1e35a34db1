/* SPDX-License-Identifier: Apache-2.0 */
/* The ways in which a sweep is shown: a table and a plot as text, sweep.json, sweep.svg. None of them measures. */
#ifndef DLFW_CORE_SWEEP_SHOW_H
#define DLFW_CORE_SWEEP_SHOW_H

#include <jansson.h>

#include "sweep/sweep.h"
#include "sweep/work.h"

#define SWEEP_COLUMNS 80

/* A line for each point that was run, in ascending order. */
void sweep_table(const struct sweep *s, struct str *out);
/* AU over accelerators with the threshold, in SWEEP_COLUMNS columns. Nothing without a point. */
void sweep_plot(const struct sweep *s, bool ascii, struct str *out);
/* AU and throughput over accelerators as one SVG document that needs nothing else. */
void sweep_svg(const struct sweep *s, struct str *out);

/* What sweep.json says about the command. */
struct sweep_facts {
    const char *config;           /* NULL: not given */
    const char *const *overrides; /* as they may be shown; NULL-terminated */
    const struct sweep_work *work;
    const char *hostname;
    double cpus, memory_bytes;
    char started[32], ended[32]; /* "" : not yet */
    double seconds;
};

/* The document of docs/sweep.md. */
json_t *sweep_json(const struct sweep *s, const struct sweep_facts *facts);
const char *sweep_state_name(const struct sweep *s); /* "ok", "none", "failed", "interrupted", "running" */

#endif
