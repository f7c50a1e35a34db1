/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One meeting of all ranks: a rank says which step it has come to and waits until the others say so too. Each has a
 * cache line of its own for that, so nothing is counted by several, and who is missing can be told.
 *
 * While every rank has a CPU, each reads the others' lines. A rank that finds no CPU gives it up some times, then
 * sleeps; the last rank to come, which sees all others there at once, wakes the sleepers. With many ranks it also tells
 * those that do not sleep, so that not each of them reads all lines.
 */
#include "ranks/coord_shm.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>

#include "base/futex.h"

#define TELL_FROM_RANKS 9u

/* Some ten nanoseconds: a line that is looked at without a pause is slow to change hands. */
static inline void relax(void)
{
    for (int i = 0; i < 3; i++) {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield");
#endif
    }
}

static bool same_call(const struct shm_call *a, const struct shm_call *b)
{
    return a->op == b->op && a->arg == b->arg && a->len == b->len;
}

/* A rank that makes another call ends the run; the text is the same on all ranks when the lower one is named first. */
static void calls_differ(struct dlfw_coordinator *c, uint32_t other)
{
    uint32_t low = other < c->rank ? other : c->rank, high = other < c->rank ? c->rank : other;

    shm_end(c->seg, SHM_DIFFER, low, high, (uint32_t)c->step & 1);
}

static bool all_came(struct dlfw_coordinator *c)
{
    const struct shm_call *mine = &c->seg->slots[c->rank].calls[c->step & 1];

    if (atomic_load_explicit(&c->seg->released, memory_order_acquire) == c->step)
        return true;
    while (c->seen + 1 < c->world_size) {
        uint32_t rank = c->rank + c->seen + 1;
        const struct shm_slot *slot;

        rank = rank >= c->world_size ? rank - c->world_size : rank;
        slot = &c->seg->slots[rank];
        if (atomic_load(&slot->arrived) < c->step)
            return false;
        if (!same_call(&slot->calls[c->step & 1], mine))
            calls_differ(c, rank);
        c->seen++;
    }
    return true;
}

/* Of a step that all have come to. */
static bool calls_agree(const struct dlfw_coordinator *c)
{
    const struct shm_slot *slots = c->seg->slots;

    for (uint32_t r = 0; r < c->world_size; r++) {
        if (!same_call(&slots[r].calls[c->step & 1], &slots[c->rank].calls[c->step & 1]))
            return false;
    }
    return true;
}

/* "rank 1 (process 12), rank 4 (process 15) and 3 more": who has not come to this step */
static void missing_text(const struct dlfw_coordinator *c, char *buf, size_t cap)
{
    uint32_t missing = 0, named = 0;
    size_t len = 0;

    buf[0] = '\0';
    for (uint32_t r = 0; r < c->world_size; r++) {
        char who[64];

        if (atomic_load(&c->seg->slots[r].arrived) >= c->step)
            continue;
        if (missing++ >= 4)
            continue;
        shm_rank_text(c, r, who, sizeof who);
        len += (size_t)snprintf(buf + len, cap - len, "%s%s", named++ ? ", " : "", who);
    }
    if (missing > named)
        snprintf(buf + len, cap - len, " and %" PRIu32 " more", missing - named);
}

/* A rank that left without having come to this step never will. */
static bool someone_left(struct dlfw_coordinator *c)
{
    for (uint32_t r = 0; r < c->world_size; r++) {
        const struct shm_slot *slot = &c->seg->slots[r];

        if (atomic_load(&slot->state) == SHM_SLOT_LEFT && atomic_load(&slot->arrived) < c->step) {
            shm_end(c->seg, SHM_LEFT, r, 0, 0);
            return true;
        }
    }
    return false;
}

/* Whether waiting makes sense, and for how long until that is asked again. */
static dlfw_status may_wait(struct dlfw_coordinator *c, uint64_t deadline_ns, uint64_t *ret_ns, dlfw_error *err)
{
    uint64_t now = clock_now_ns();
    char who[320];

    if (shm_cancelled(c)) {
        missing_text(c, who, sizeof who);
        return dlfw_fail(err, DLFW_E_CANCELLED, "stopped while waiting for %s", who);
    }
    if (now - c->looked_ns >= SHM_TICK_NS) {
        c->looked_ns = now;
        shm_look(c);
    }
    if (someone_left(c) || atomic_load(&c->seg->ended))
        return shm_ended(c, err);
    if (deadline_ns && now >= deadline_ns) {
        missing_text(c, who, sizeof who);
        return dlfw_fail(err, DLFW_E_TIMEOUT, "timed out waiting for %s", who);
    }
    *ret_ns = deadline_ns && deadline_ns - now < SHM_TICK_NS ? deadline_ns - now : SHM_TICK_NS;
    return DLFW_OK;
}

/*
 * For a rank that has seen all others come: some may sleep that saw less. Between the store of arrived and this look at
 * the sleepers stands a fence, as between a sleeper's count and its last look at arrived, so one of the two sees the
 * other. (A sequentially consistent store instead costs a third of a barrier: it waits for the cache line before the
 * others' lines are asked for.) The fence is about wake-ups only, so nothing is lost where ThreadSanitizer ignores it.
 */
static void release_others(struct dlfw_coordinator *c)
{
    struct shm_segment *seg = c->seg;
    bool sleepers;

#ifdef __SANITIZE_THREAD__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtsan"
#endif
    atomic_thread_fence(memory_order_seq_cst);
#ifdef __SANITIZE_THREAD__
#pragma GCC diagnostic pop
#endif
    sleepers = atomic_load(&seg->sleepers) != 0;
    if ((!sleepers && c->world_size < TELL_FROM_RANKS) || atomic_load(&seg->released) == c->step)
        return;
    atomic_store(&seg->released, c->step);
    if (sleepers)
        shm_wake(seg);
}

static dlfw_status sleep_until_all_came(struct dlfw_coordinator *c, uint64_t deadline_ns, dlfw_error *err)
{
    struct shm_segment *seg = c->seg;
    dlfw_status st = DLFW_OK;
    uint64_t timeout_ns = 0;

    atomic_fetch_add(&seg->sleepers, 1);
    for (;;) {
        uint32_t seen = atomic_load(&seg->wakeups);

        if (all_came(c))
            break;
        st = may_wait(c, deadline_ns, &timeout_ns, err);
        if (st < 0) {
            /* a peer may have come, gone on, and only then met its end */
            st = all_came(c) ? DLFW_OK : st;
            break;
        }
        futex_wait_shared(&seg->wakeups, seen, timeout_ns);
    }
    atomic_fetch_sub(&seg->sleepers, 1);
    return st;
}

static dlfw_status wait_for_all(struct dlfw_coordinator *c, uint64_t deadline_ns, dlfw_error *err)
{
    for (uint32_t i = 0; i < c->spins; i++) {
        if (all_came(c))
            return DLFW_OK;
        relax();
    }
    for (uint32_t i = 0; i < c->yields; i++) {
        if (all_came(c))
            return DLFW_OK;
        sched_yield();
    }
    return sleep_until_all_came(c, deadline_ns, err);
}

dlfw_status shm_over(struct dlfw_coordinator *c, dlfw_status st, dlfw_error *err)
{
    atomic_store(&c->over, st);
    error_copy(err, &c->over_error);
    return st;
}

dlfw_status shm_step(struct dlfw_coordinator *c, const struct shm_call *call, uint64_t deadline_ns, dlfw_error *err)
{
    struct shm_slot *mine = &c->seg->slots[c->rank];
    dlfw_status st = atomic_load_explicit(&c->over, memory_order_relaxed);

    if (st < 0) {
        error_copy(err, &c->over_error);
        return st;
    }
    if (atomic_load(&c->seg->ended))
        return shm_over(c, shm_ended(c, &c->over_error), err);
    c->step++;
    c->seen = 0;
    mine->calls[c->step & 1] = *call;
    atomic_store_explicit(&mine->arrived, c->step, memory_order_release);
    if (!all_came(c))
        st = wait_for_all(c, deadline_ns, &c->over_error);
    if (st == DLFW_OK)
        release_others(c);
    /* an end after this step is for the next call to tell; an end because of this step is not */
    if (st == DLFW_OK && atomic_load(&c->seg->ended) && !calls_agree(c))
        st = shm_ended(c, &c->over_error);
    return st < 0 ? shm_over(c, st, err) : DLFW_OK;
}
