/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sweep: runs of one workload with several numbers of accelerators, until it is known how many of them the storage
 * feeds. How a run is made is a function, so that the logic can be tested without any.
 */
#ifndef DLFW_CORE_SWEEP_SWEEP_H
#define DLFW_CORE_SWEEP_SWEEP_H

#include "base/error.h"
#include "base/str.h"
#include "sweep/figures.h"
#include "sweep/limit.h"
#include "sweep/notes.h"
#include "sweep/range.h"
#include "sweep/search.h"

struct sweep_run {
    struct sweep_figures figures;
    char *folder;   /* of its results, owned; NULL: none */
    bool is_stored; /* of an earlier sweep */
};

struct sweep_point {
    uint32_t accelerators;
    struct sweep_run *runs; /* in the order in which they were made */
    uint32_t run_count;
};

enum sweep_state {
    SWEEP_RUNNING, /* what a killed sweep leaves */
    SWEEP_DONE,
    SWEEP_FAILED,
    SWEEP_INTERRUPTED
};

struct sweep {
    /* given */
    struct sweep_range range;
    double threshold; /* AU, percent */
    uint32_t repeat;  /* runs of the points that the answer rests on */
    bool all;
    const char *name; /* of the workload */
    /* found */
    struct sweep_point *points; /* one for each candidate, in its order */
    enum sweep_state state;
    struct error_slot failure; /* when FAILED */
    struct sweep_notes notes;  /* from before the first run */
};

/* Makes one run; repetition counts from 0. CANCELLED: the user stopped it. */
typedef dlfw_status sweep_make_run(void *ctx, uint32_t accelerators, uint32_t repetition, struct sweep_run *ret,
                                   dlfw_error *err);
struct sweep_calls {
    sweep_make_run *make_run;
    /* after each run, and once at the end, when state says how it went */
    dlfw_status (*told)(void *ctx, const struct sweep *s, const struct sweep_point *latest, dlfw_error *err);
    void *ctx;
};

/* Takes range over. */
void sweep_init(struct sweep *s, struct sweep_range *range);
/* A failed or stopped run is not an error of this call: state says so. Fails when told() does. */
dlfw_status sweep_execute(struct sweep *s, const struct sweep_calls *calls, dlfw_error *err);
void sweep_free(struct sweep *s);

/* The run that a point's figures are of: the one with the median AU, the lower one of two; NULL: none yet. */
const struct sweep_run *sweep_point_run(const struct sweep_point *p);
bool sweep_point_passes(const struct sweep *s, const struct sweep_point *p);

/* What is known so far. NULL: no such point. */
struct sweep_answer {
    const struct sweep_point *best, *next, *missed; /* as in struct search_answer */
};
struct sweep_answer sweep_answer(const struct sweep *s);
/* "this storage feeds 12 unet3d_h100 accelerators at AU >= 90 % (...)", one line without its end. */
void sweep_answer_text(const struct sweep *s, struct str *out);
/* What the figures themselves give cause to say; added to ret. */
void sweep_result_notes(const struct sweep *s, struct sweep_notes *ret);

#endif
