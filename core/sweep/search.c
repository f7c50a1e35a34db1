/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lo is the largest candidate that passed, hi the smallest one above it that missed. Without hi the next one is twice
 * lo; with both it is the one in the middle, until they are neighbours. Invariant: each call of search_next() names a
 * candidate with fewer runs than `repeat`, so every search ends.
 */
#include "sweep/search.h"

struct search_answer search_answer(const struct search *s)
{
    struct search_answer a = {.best = SEARCH_NONE, .next = SEARCH_NONE, .missed = SEARCH_NONE};

    for (uint32_t i = 0; i < s->count; i++)
        if (s->seen[i].runs && s->seen[i].passes)
            a.best = i;
    for (uint32_t i = 0; i < s->count; i++) {
        if (!s->seen[i].runs || s->seen[i].passes)
            continue;
        if (a.best != SEARCH_NONE && i < a.best)
            a.missed = i;
        else if (a.next == SEARCH_NONE)
            a.next = i;
    }
    return a;
}

/* The first candidate that is at least twice as many; when there is none, the last. */
static uint32_t next_doubled(const struct search *s, uint32_t lo)
{
    uint32_t i = lo + 1;

    while (i + 1 < s->count && s->candidates[i] < 2 * (uint64_t)s->candidates[lo])
        i++;
    return i;
}

/* SEARCH_NONE: best and next are neighbours, or there is nothing above best or below next. */
static uint32_t next_adaptive(const struct search *s, struct search_answer a)
{
    if (a.best == SEARCH_NONE && a.next == SEARCH_NONE)
        return 0;
    if (a.best == SEARCH_NONE)
        return a.next ? a.next / 2 : SEARCH_NONE;
    if (a.next == SEARCH_NONE)
        return a.best + 1 < s->count ? next_doubled(s, a.best) : SEARCH_NONE;
    return a.next - a.best > 1 ? a.best + (a.next - a.best) / 2 : SEARCH_NONE;
}

static uint32_t next_unseen(const struct search *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (!s->seen[i].runs)
            return i;
    return SEARCH_NONE;
}

uint32_t search_next(const struct search *s)
{
    struct search_answer a = search_answer(s);
    uint32_t i = s->all ? next_unseen(s) : next_adaptive(s, a);

    if (i != SEARCH_NONE)
        return i;
    if (a.best != SEARCH_NONE && s->seen[a.best].runs < s->repeat)
        return a.best;
    if (a.next != SEARCH_NONE && s->seen[a.next].runs < s->repeat)
        return a.next;
    return SEARCH_NONE;
}
