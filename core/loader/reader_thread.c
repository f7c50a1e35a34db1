/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop of one reader thread: advance what is in flight, claim more, wait for storage or for a released batch.
 */
#include "loader/visit.h"

#include "base/clock.h"

#define REAP_MAX 32
#define POLL_NS 200000 /* while something else than storage may let us go on */

/* True when anything moved. *blocked: a visit has samples whose slot is not free. */
static bool advance_all(struct reader_thread *t, bool *blocked)
{
    struct visit **link = &t->first_visit;
    struct visit *last = NULL;
    bool moved = false;

    *blocked = false;
    while (*link) {
        struct visit *v = *link;

        moved = visit_advance(v) || moved;
        if (visit_finished(v)) {
            *link = v->next;
            visit_end(v);
            moved = true;
        } else {
            *blocked |= v->state == VISIT_DELIVERING;
            last = v;
            link = &v->next;
        }
    }
    t->last_visit = last;
    return moved;
}

static void append_visit(struct reader_thread *t, struct visit *v)
{
    v->next = NULL;
    if (t->last_visit)
        t->last_visit->next = v;
    else
        t->first_visit = v;
    t->last_visit = v;
}

/* Claims until something is lacking; says whether there may be more later, and after how many releases. */
static enum claim_result claim_some(struct reader_thread *t, bool *moved, uint64_t *releases)
{
    while (t->free_visits && t->free_pieces) {
        struct visit *v = visit_alloc(t);
        enum claim_result r = claim_next(t->loader, v, releases);

        if (r != CLAIM_TAKEN) {
            visit_end(v);
            return r;
        }
        append_visit(t, v);
        visit_start(v);
        visit_advance(v);
        *moved = true;
    }
    return CLAIM_LATER;
}

/* The fewest releases that let a visit go on, or a claim, which needs so many. */
static uint64_t releases_needed(const struct reader_thread *t, uint64_t claim)
{
    for (const struct visit *v = t->first_visit; v; v = v->next) {
        uint64_t needed = visit_releases_needed(v);

        claim = needed < claim ? needed : claim;
    }
    return claim;
}

static void wait_for_release(struct reader_thread *t, uint32_t seen, uint64_t claim)
{
    struct loader *l = t->loader;
    uint64_t start = clock_now_ns();

    atomic_store(&t->waits_for, releases_needed(t, claim));
    if (atomic_load(&l->released_word) == seen && !atomic_load(&l->stop))
        futex_wait_masked(&l->released_word, seen, 50000000, 1u << (t - l->threads) % 32);
    atomic_store(&t->waits_for, NOT_WAITING);
    histogram_record(&t->stall_ns, clock_now_ns() - start);
}

/* poll: a released batch may let this thread go on before the storage answers. */
static void reap_some(struct reader_thread *t, bool poll)
{
    struct io_op *done[REAP_MAX];
    uint32_t n = io_queue_reap(t->queue, done, REAP_MAX, 1, poll ? POLL_NS : UINT64_MAX);

    for (uint32_t i = 0; i < n; i++)
        piece_completed(done[i]);
}

static void run_epoch(struct reader_thread *t)
{
    struct loader *l = t->loader;
    bool more = true;

    while (more || t->first_visit) {
        uint32_t seen = atomic_load(&l->released_word);
        bool blocked, moved = advance_all(t, &blocked);
        bool full = !t->free_visits || !t->free_pieces;
        uint64_t claim = NOT_WAITING - 1; /* it may happen after so many releases */

        if (more && !full)
            more = claim_some(t, &moved, &claim) != CLAIM_FINISHED;
        if (io_queue_inflight(t->queue))
            reap_some(t, blocked || (more && !full));
        else if (!moved && (more || t->first_visit))
            wait_for_release(t, seen, more ? claim : NOT_WAITING - 1);
    }
}

static void tell_idle(struct loader *l)
{
    atomic_fetch_add(&l->idle_threads, 1);
    atomic_fetch_add(&l->completed_word, 1);
    futex_wake_all(&l->completed_word);
}

static void run_epochs(struct reader_thread *t)
{
    struct loader *l = t->loader;
    uint32_t done = 0;

    for (;;) {
        uint32_t word = atomic_load(&l->epoch_word);

        if (atomic_load(&l->quit))
            return;
        if (!(word & 1) || word == done) {
            futex_wait(&l->epoch_word, word, UINT64_MAX);
            continue;
        }
        run_epoch(t);
        t->io = *io_queue_stats(t->queue);
        done = word;
        tell_idle(l);
    }
}

/* The queue belongs to this thread: some backends (io_uring with a single issuer) refuse any other. */
void *reader_main(void *arg)
{
    struct reader_thread *t = arg;
    struct error_slot err;
    dlfw_status st;

    error_slot_init(&err);
    st = io_queue_create(t->loader->args.storage, t->depth, &t->queue, &err.e);
    if (st >= 0) {
        t->depth = io_queue_depth(t->queue);
        st = visits_create(t, &err.e);
    }
    if (st >= 0) {
        t->queue_mode = io_queue_mode(t->queue);
        tell_idle(t->loader);
        run_epochs(t);
    } else {
        loader_fail(t->loader, &err.e);
    }
    io_queue_destroy(t->queue);
    t->queue = NULL;
    return NULL;
}
