/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which number of accelerators is run next: a function of what is known, so that a sweep that is taken up again goes
 * on where it stopped, and a verdict that turns when a point is repeated simply moves the search.
 */
#ifndef DLFW_CORE_SWEEP_SEARCH_H
#define DLFW_CORE_SWEEP_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#define SEARCH_NONE UINT32_MAX

/* What is known of one candidate. */
struct search_seen {
    uint32_t runs;
    bool passes; /* with runs > 0 */
};

struct search {
    const uint32_t *candidates; /* ascending */
    const struct search_seen *seen;
    uint32_t count;
    uint32_t repeat; /* runs of the points that the answer rests on; at least 1 */
    bool all;        /* every candidate instead of doubling and bisecting */
};

/* Index of the candidate to run next; SEARCH_NONE: the answer is known. */
uint32_t search_next(const struct search *s);

struct search_answer {
    uint32_t best;   /* the largest candidate that passes; SEARCH_NONE: none did */
    uint32_t next;   /* the smallest one above best that missed; without best: the smallest that missed */
    uint32_t missed; /* a candidate below best that missed: the AU does not only fall; else SEARCH_NONE */
};

/* All are indices. Of an unfinished search: what is known so far. */
struct search_answer search_answer(const struct search *s);

#endif
