/* SPDX-License-Identifier: Apache-2.0 */
/* Coordinator shm: joining, leaving, and what one rank says about itself. */
#include "ranks/coord_shm.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/futex.h"
#include "base/str.h"
#include "base/utf8.h"

/* A peer that has a CPU of its own is a moment away; one that has none comes only when the CPU is given up. Measured, 8
 * ranks on 2 CPUs: 7 us per barrier without looking, 23 us with 100 looks. Giving up the CPU some times is cheaper than
 * a sleep and a wake-up, also next to the ranks' own reader threads. */
#define LOOKS_OWN_CPU 64u
#define YIELDS 100u

static void choose_patience(struct dlfw_coordinator *c)
{
    cpu_set_t set;
    long cpus = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : sysconf(_SC_NPROCESSORS_ONLN);

    c->spins = (long)c->world_size <= cpus ? LOOKS_OWN_CPU : 0;
    c->yields = YIELDS;
}

static dlfw_status check_place(const dlfw_join *join, dlfw_error *err)
{
    if (join->rank == DLFW_RANK_UNKNOWN || join->world_size == 0)
        return dlfw_fail(err, DLFW_E_INVALID, "coordinator 'shm' needs --world-size and --rank");
    if (join->world_size > SHM_RANKS_MAX)
        return dlfw_fail(err, DLFW_E_INVALID, "coordinator 'shm' joins %u ranks at most, not %u", SHM_RANKS_MAX,
                         join->world_size);
    if (join->rank >= join->world_size)
        return dlfw_fail(err, DLFW_E_INVALID, "there is no rank %u in a run with %u ranks", join->rank,
                         join->world_size);
    return DLFW_OK;
}

/* Whether the others are worth waiting for; a rank that gives up ends the run for those that wait. */
static dlfw_status may_wait(struct dlfw_coordinator *c, uint64_t deadline_ns, uint64_t *ret_ns, dlfw_error *err)
{
    uint64_t now = clock_now_ns();

    if (shm_cancelled(c)) {
        shm_end(c->seg, SHM_LEFT, c->rank, 0, 0);
        return dlfw_fail(err, DLFW_E_CANCELLED, "stopped while waiting for the other ranks to join");
    }
    if (now - c->looked_ns >= SHM_TICK_NS) {
        c->looked_ns = now;
        shm_look_joining(c);
    }
    if (deadline_ns && now >= deadline_ns)
        shm_end(c->seg, SHM_NOT_ALL_CAME, c->rank, 0, 0);
    *ret_ns = deadline_ns && deadline_ns - now < SHM_TICK_NS ? deadline_ns - now : SHM_TICK_NS;
    return shm_ended(c, err);
}

static dlfw_status wait_for_all(struct dlfw_coordinator *c, uint64_t deadline_ns, dlfw_error *err)
{
    struct shm_segment *seg = c->seg;
    dlfw_status st = DLFW_OK;
    uint64_t timeout_ns = 0;

    atomic_fetch_add(&seg->sleepers, 1);
    while (st == DLFW_OK) {
        uint32_t seen = atomic_load(&seg->wakeups);

        if (atomic_load(&seg->running))
            break;
        st = may_wait(c, deadline_ns, &timeout_ns, err);
        if (st == DLFW_OK)
            futex_wait_shared(&seg->wakeups, seen, timeout_ns);
    }
    atomic_fetch_sub(&seg->sleepers, 1);
    return st;
}

static void coord_leave(dlfw_coordinator *c)
{
    if (c->seg) {
        atomic_store(&c->seg->slots[c->rank].state, SHM_SLOT_LEFT);
        shm_wake(c->seg);
    }
    shm_watch_end(c);
    shm_unmap(c);
    free(c);
}

static dlfw_status coord_join(const dlfw_create_args *args, const dlfw_join *join, dlfw_coordinator **ret,
                              dlfw_error *err)
{
    struct dlfw_coordinator *c = xcalloc(1, sizeof *c);
    dlfw_status st;

    c->fd = -1;
    c->rank = join->rank;
    c->world_size = join->world_size;
    c->host = args->host;
    c->host_ctx = args->host_ctx;
    c->run_id = join->run_id;
    c->over_error =
        (dlfw_error){.struct_size = sizeof c->over_error, .message = c->over_text, .message_cap = sizeof c->over_text};
    choose_patience(c);
    st = check_place(join, err);
    if (st == DLFW_OK)
        st = shm_name(join->run_id, c->name, err);
    if (st == DLFW_OK)
        st = shm_enter(c, join->deadline_ns, err);
    if (st == DLFW_OK) {
        if (c->rank == 0)
            shm_sweep();
        st = wait_for_all(c, join->deadline_ns, err);
        if (st < 0)
            shm_withdraw(c);
    }
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->run_id = NULL;
    if (st < 0) {
        coord_leave(c);
        return st;
    }
    shm_watch_begin(c);
    *ret = c;
    return DLFW_OK;
}

static uint32_t coord_rank(dlfw_coordinator *c)
{
    return c->rank;
}

static uint32_t coord_world_size(dlfw_coordinator *c)
{
    return c->world_size;
}

static dlfw_status coord_barrier(dlfw_coordinator *c, uint64_t deadline_ns, dlfw_error *err)
{
    static const struct shm_call call = {.op = SHM_BARRIER};

    return shm_step(c, &call, deadline_ns, err);
}

/* The text lies in this rank's slot before the word that makes others read it. */
static void coord_abort(dlfw_coordinator *c, const char *reason)
{
    struct shm_slot *mine = &c->seg->slots[c->rank];
    size_t len = strnlen(reason, SHM_REASON_MAX + 1);

    if (atomic_exchange(&mine->reason_claimed, 1))
        return;
    if (len > SHM_REASON_MAX) {
        size_t whole = utf8_valid(reason, SHM_REASON_MAX);

        /* not in the middle of a character; text that is no UTF-8 anyway is cut where it must be */
        len = whole + 4 > SHM_REASON_MAX ? whole : SHM_REASON_MAX;
    }
    memcpy(mine->reason, reason, len);
    mine->reason[len] = '\0';
    shm_end(c->seg, SHM_ABORTED, c->rank, 0, 0);
}

/* A peer that has left is well as long as nobody waits for it: ranks finish one after the other. */
static dlfw_status coord_check(dlfw_coordinator *c, dlfw_error *err)
{
    dlfw_status st = atomic_load(&c->over);

    if (st < 0) {
        error_copy(err, &c->over_error);
        return st;
    }
    shm_look(c);
    return shm_ended(c, err);
}

const dlfw_coordinator_ops coordinator_shm = {
    .struct_size = sizeof coordinator_shm,
    .draft = DLFW_COORDINATOR_DRAFT,
    .join = coord_join,
    .leave = coord_leave,
    .rank = coord_rank,
    .world_size = coord_world_size,
    .barrier = coord_barrier,
    .broadcast = shm_broadcast,
    .reduce_u64 = shm_reduce_u64,
    .reduce_f64 = shm_reduce_f64,
    .gather = shm_gather,
    .abort = coord_abort,
    .check = coord_check,
};
