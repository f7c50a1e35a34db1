/* SPDX-License-Identifier: Apache-2.0 */
/* Two runs side by side. */
#ifndef DLFW_CORE_VIEW_COMPARE_H
#define DLFW_CORE_VIEW_COMPARE_H

#include "view/figures.h"
#include "view/spread.h"

struct compare_row {
    const struct run_figure *figure;
    double a, b;  /* at least one is known */
    double ratio; /* b / a; VIEW_UNKNOWN without both, or when a is 0 */
    bool judged;  /* the figure exists per epoch */
    struct judgement judgement;
};

/* A key of the stored configurations that differs; NULL: not there. */
struct compare_key {
    const char *key, *a, *b;
};

struct comparison {
    const struct run_view *a, *b;
    struct compare_row *rows;
    uint32_t row_count;
    struct compare_key *keys;
    uint32_t key_count;
    bool keys_known; /* both have a stored configuration */
};

/* How differences are judged, one sentence for people. */
extern const char compare_method[];

/* a and b must outlive it; the lists live in the arena. */
void compare_runs(struct arena *arena, const struct run_view *a, const struct run_view *b, struct comparison *ret);
/* The figure of an epoch that a judged row rests on; VIEW_UNKNOWN when the epoch does not count. */
double compare_epoch_value(const struct run_figure *f, const struct view_epoch *e);
/* "samples/s: 797.44 /s and 650.12 /s, ratio 0.815: more than the epochs differ by (5.21 /s may be chance)" */
void compare_add_verdict(struct str *out, const struct compare_row *row);

#endif
