/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of a run and of a rank as tables: where they stand in summary.json, what they are called for people and
 * for Prometheus, and in which unit. Every output goes through these, so that none shows what another does not know. */
#ifndef DLFW_CORE_VIEW_FIGURES_H
#define DLFW_CORE_VIEW_FIGURES_H

#include "view/run_view.h"

enum figure_unit {
    FIGURE_PERCENT,
    FIGURE_RATE, /* samples/s */
    FIGURE_BYTES,
    FIGURE_BYTES_RATE,
    FIGURE_NS,
    FIGURE_SECONDS,
    FIGURE_COUNT
};

struct figure_text {
    char text[48];
};

/* "99.80 %", "797.44 /s", "1.50 MiB/s"; "-" when it is not known. */
struct figure_text figure_text(enum figure_unit unit, double value);
/* Known, and not a count or an amount of nothing. */
bool figure_is_news(enum figure_unit unit, double value);
/* In base units: ratio, seconds, bytes. */
double figure_base(enum figure_unit unit, double value);

struct run_figure {
    const char *key, *label;
    enum figure_unit unit;
    const char *path[4]; /* from the root of summary.json; empty: computed from the epochs */
    double scale;        /* of the value there; 0: 1 */
    const char *metric;  /* Prometheus name without "dlfw_"; NULL: not there */
    const char *help;
};
extern const struct run_figure run_figures[];
extern const uint32_t run_figure_count;
double run_figure_value(const struct run_view *v, const struct run_figure *f);
const struct run_figure *run_figure_find(const char *key); /* one that is there */

struct rank_measure {
    const char *key, *label;
    enum figure_unit unit;
    const char *metric; /* Prometheus name without "dlfw_rank_" */
    const char *help;
};
extern const struct rank_measure rank_measures[RANK_MEASURES];

#endif
