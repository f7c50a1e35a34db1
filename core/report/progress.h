/* SPDX-License-Identifier: Apache-2.0 */
/* One line on the terminal that says how far the work is: rate, ETA, AU so far. Nothing when stderr is no terminal. */
#ifndef DLFW_CORE_REPORT_PROGRESS_H
#define DLFW_CORE_REPORT_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what;     /* "generating", "epoch 2/5" */
    uint64_t total;       /* units of done */
    uint64_t bytes_total; /* 0: not known; else what is left is judged by bytes, not by units */
    _Atomic uint64_t done;
    _Atomic uint64_t bytes;
    _Atomic uint64_t bytes_ns;    /* when bytes was right; 0: it is right at any time */
    _Atomic uint64_t au_permille; /* 0: not known */
    _Atomic uint64_t wait_p99_ns; /* of batches; 0: not known */
    _Atomic uint64_t trouble;     /* requests that failed or were tried again */
    uint64_t samples_each;        /* in one unit of done, over all ranks; 0: the units are what is counted */
    uint64_t start_ns;
    bool enabled;
    uint64_t drawn_ns;
};

/* what must live until progress_end. One progress line at a time. */
void progress_begin(struct progress *p, const char *what, uint64_t total);
/* Whether progress lines are drawn at all: stderr is a terminal. */
bool progress_is_shown(void);
/* Whether the next progress_draw would draw. */
bool progress_is_due(const struct progress *p);
/* Draws at most ten times a second. Cheap enough for every step. [one thread] */
void progress_draw(struct progress *p);
void progress_end(struct progress *p); /* clears the line */

/* Clears the line if one is shown, before something else is written to stderr; the next draw brings it back. [any
 * thread] */
void progress_hide(void);
/* The line as it would be drawn at now_ns, at most cap - 1 characters. */
void progress_text(const struct progress *p, uint64_t now_ns, char *buf, uint32_t cap);

#endif
