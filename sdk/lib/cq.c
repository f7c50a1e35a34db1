/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dlfw_cq: completions on their way from a backend's own threads to the thread of a queue.
 *
 * A bounded ring of cells, each with a sequence number: a cell whose number equals the position is free for the
 * producer of that position, position + 1 means filled. Producers claim positions with one compare-and-swap and never
 * wait for each other; the one consumer sleeps on a futex word that every push and every wakeup changes, so no event
 * between its last look at the ring and its sleep can be missed. No thread may still be inside push or wakeup when the
 * ring is destroyed: join them first.
 */
#define _GNU_SOURCE
#include "dlfw/backend.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CACHE_LINE 64u
#define CAPACITY_MAX (1u << 24)

struct cell {
    _Atomic uint64_t sequence;
    dlfw_comp comp;
};

struct dlfw_cq {
    struct cell *cells;
    uint64_t mask;
    uint64_t head;                                /* consumer's position */
    _Alignas(CACHE_LINE) _Atomic uint64_t tail;   /* producers' position */
    _Alignas(CACHE_LINE) _Atomic uint32_t events; /* futex word: changes with every push and wakeup */
    _Atomic uint32_t waiting;                     /* the consumer sleeps, or is about to */
    _Atomic uint32_t woken;                       /* wakeup() was called and not yet answered */
};

dlfw_cq *dlfw_cq_create(uint32_t capacity)
{
    struct dlfw_cq *cq;
    uint64_t cells = 2; /* with one cell "filled" and "free for the next lap" would be the same number */

    if (capacity > CAPACITY_MAX)
        return NULL;
    while (cells < capacity)
        cells *= 2;
    cq = aligned_alloc(CACHE_LINE, sizeof *cq);
    if (!cq)
        return NULL;
    *cq = (struct dlfw_cq){.mask = cells - 1};
    cq->cells = calloc(cells, sizeof *cq->cells);
    if (!cq->cells) {
        free(cq);
        return NULL;
    }
    for (uint64_t i = 0; i < cells; i++)
        atomic_init(&cq->cells[i].sequence, i);
    return cq;
}

void dlfw_cq_destroy(dlfw_cq *cq)
{
    if (!cq)
        return;
    free(cq->cells);
    free(cq);
}

static void announce(dlfw_cq *cq)
{
    atomic_fetch_add(&cq->events, 1);
    if (atomic_load(&cq->waiting))
        syscall(SYS_futex, &cq->events, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

int32_t dlfw_cq_push(dlfw_cq *cq, const dlfw_comp *comp)
{
    uint64_t position = atomic_load_explicit(&cq->tail, memory_order_relaxed);
    struct cell *cell;

    for (;;) {
        uint64_t sequence;

        cell = &cq->cells[position & cq->mask];
        sequence = atomic_load_explicit(&cell->sequence, memory_order_acquire);
        if (sequence == position) {
            if (atomic_compare_exchange_weak_explicit(&cq->tail, &position, position + 1, memory_order_relaxed,
                                                      memory_order_relaxed))
                break;
        } else if (sequence < position) {
            return -1; /* the consumer has not emptied this cell since the last lap: full */
        } else {
            position = atomic_load_explicit(&cq->tail, memory_order_relaxed);
        }
    }
    cell->comp = *comp;
    atomic_store_explicit(&cell->sequence, position + 1, memory_order_release);
    announce(cq);
    return 0;
}

/* Moves what is there, up to max, and returns how many. */
static uint32_t take(dlfw_cq *cq, dlfw_comp *comps, uint32_t max)
{
    uint32_t n = 0;

    while (n < max) {
        struct cell *cell = &cq->cells[cq->head & cq->mask];

        if (atomic_load_explicit(&cell->sequence, memory_order_acquire) != cq->head + 1)
            break;
        comps[n++] = cell->comp;
        atomic_store_explicit(&cell->sequence, cq->head + cq->mask + 1, memory_order_release);
        cq->head++;
    }
    return n;
}

static uint64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Sleeps until the word differs from expected or deadline_ns (absolute; UINT64_MAX: none) has passed. */
static void sleep_on(dlfw_cq *cq, uint32_t expected, uint64_t deadline_ns)
{
    struct timespec at = {.tv_sec = (time_t)(deadline_ns / 1000000000u), .tv_nsec = (long)(deadline_ns % 1000000000u)};

    /* WAIT_BITSET takes an absolute CLOCK_MONOTONIC time, so an early return need not recompute anything. */
    syscall(SYS_futex, &cq->events, FUTEX_WAIT_BITSET_PRIVATE, expected, deadline_ns == UINT64_MAX ? NULL : &at, NULL,
            FUTEX_BITSET_MATCH_ANY);
}

int32_t dlfw_cq_pop(dlfw_cq *cq, dlfw_comp *comps, uint32_t max, uint32_t min, uint64_t timeout_ns)
{
    uint64_t deadline_ns = UINT64_MAX;
    uint32_t n;

    if (max > INT32_MAX)
        max = INT32_MAX;
    if (min > max)
        min = max;
    n = take(cq, comps, max);
    if (n >= min || timeout_ns == 0)
        return (int32_t)n;
    if (timeout_ns != UINT64_MAX) {
        uint64_t now = clock_ns();

        deadline_ns = timeout_ns < UINT64_MAX - 1 - now ? now + timeout_ns : UINT64_MAX;
    }
    atomic_store(&cq->waiting, 1);
    for (;;) {
        uint32_t events = atomic_load(&cq->events);

        n += take(cq, comps + n, max - n);
        if (n >= min || atomic_exchange(&cq->woken, 0))
            break;
        if (deadline_ns != UINT64_MAX && clock_ns() >= deadline_ns)
            break;
        sleep_on(cq, events, deadline_ns);
    }
    atomic_store(&cq->waiting, 0);
    return (int32_t)n;
}

void dlfw_cq_wakeup(dlfw_cq *cq)
{
    atomic_store(&cq->woken, 1);
    announce(cq);
}
