/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the run goes on: the word in which the first reason of its end stays, and the look at peers' processes that
 * puts a death there. One rank that looks is enough for all of them: the word is shared.
 */
#include "ranks/coord_shm.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/futex.h"

#define NO_PIDFD (-1)     /* the kernel has none for us: /proc is asked instead */
#define SAME_PROCESS (-2) /* ranks that are threads of one process */
#define JOINING_LOOKS 16u

static uint32_t next_rank(const struct dlfw_coordinator *c, uint32_t distance)
{
    return (uint32_t)(((uint64_t)c->rank + distance) % c->world_size);
}

void shm_wake(struct shm_segment *seg)
{
    atomic_fetch_add(&seg->wakeups, 1);
    if (atomic_load(&seg->sleepers))
        futex_wake_all_shared(&seg->wakeups);
}

void shm_end(struct shm_segment *seg, uint32_t kind, uint32_t rank, uint32_t other, uint32_t half)
{
    uint64_t none = 0;
    uint64_t word = (uint64_t)kind << 56 | (uint64_t)half << 48 | (uint64_t)rank << 24 | other;

    if (atomic_compare_exchange_strong(&seg->ended, &none, word))
        shm_wake(seg);
}

void shm_rank_text(const struct dlfw_coordinator *c, uint32_t rank, char *buf, uint32_t cap)
{
    const struct shm_slot *slot = &c->seg->slots[rank];

    if (atomic_load(&slot->state) == SHM_SLOT_FREE)
        snprintf(buf, cap, "rank %" PRIu32, rank);
    else
        snprintf(buf, cap, "rank %" PRIu32 " (process %" PRId32 ")", rank, slot->process.pid);
}

static void call_text(const struct shm_call *call, char *buf, uint32_t cap)
{
    static const char *const hows[] = {"?", "sum", "min", "max"};
    const char *how = hows[call->arg <= DLFW_REDUCE_MAX ? call->arg : 0];

    switch (call->op) {
    case SHM_BARRIER:
        snprintf(buf, cap, "barrier");
        break;
    case SHM_BROADCAST:
        snprintf(buf, cap, "broadcast of %" PRIu64 " bytes from rank %" PRIu32, call->len, call->arg);
        break;
    case SHM_REDUCE_U64:
    case SHM_REDUCE_F64:
        snprintf(buf, cap, "%s of %" PRIu64 " %s", how, call->len / 8,
                 call->op == SHM_REDUCE_U64 ? "integers" : "floating point numbers");
        break;
    default:
        snprintf(buf, cap, "gather of %" PRIu64 " bytes", call->len);
        break;
    }
}

static dlfw_status fail_differ(const struct dlfw_coordinator *c, uint32_t a, uint32_t b, uint32_t half, dlfw_error *err)
{
    char first[96], second[96];

    call_text(&c->seg->slots[a].calls[half], first, sizeof first);
    call_text(&c->seg->slots[b].calls[half], second, sizeof second);
    return dlfw_fail(err, DLFW_E_INTERNAL, "the ranks make different calls: rank %u %s, rank %u %s", a, first, b,
                     second);
}

/* "ranks 1, 2 and 40 more of 64 did not join in time"; who: the rank that waited no longer */
static dlfw_status fail_absent(const struct dlfw_coordinator *c, const char *who, dlfw_error *err)
{
    uint32_t absent = 0, named = 0;
    char list[160];
    size_t len;

    for (uint32_t r = 0; r < c->world_size; r++)
        absent += atomic_load(&c->seg->slots[r].state) == SHM_SLOT_FREE;
    if (absent == 0)
        return dlfw_fail(err, DLFW_E_TIMEOUT, "the ranks did not all join before the deadline of %s", who);
    len = (size_t)snprintf(list, sizeof list, "rank%s", absent == 1 ? "" : "s");
    for (uint32_t r = 0; r < c->world_size && named < 8; r++) {
        if (atomic_load(&c->seg->slots[r].state) == SHM_SLOT_FREE)
            len += (size_t)snprintf(list + len, sizeof list - len, "%s %" PRIu32, named++ ? "," : "", r);
    }
    if (absent > named)
        snprintf(list + len, sizeof list - len, " and %" PRIu32 " more", absent - named);
    return dlfw_fail(err, DLFW_E_TIMEOUT, "%s of %" PRIu32 " did not join in time", list, c->world_size);
}

dlfw_status shm_ended(const struct dlfw_coordinator *c, dlfw_error *err)
{
    uint64_t word = atomic_load(&c->seg->ended);
    uint32_t half = (uint32_t)(word >> 48) & 1, rank = (uint32_t)(word >> 24) & 0xffffff;
    char who[160];

    if (!word)
        return DLFW_OK;
    shm_rank_text(c, rank, who, sizeof who);
    switch (word >> 56) {
    case SHM_DIED:
        return dlfw_fail(err, DLFW_E_UNAVAILABLE, "%s died", who);
    case SHM_LEFT:
        return dlfw_fail(err, DLFW_E_UNAVAILABLE, "%s has left the run", who);
    case SHM_ABORTED:
        return dlfw_fail(err, DLFW_E_UNAVAILABLE, "rank %" PRIu32 ": %s", rank, c->seg->slots[rank].reason);
    case SHM_DIFFER:
        return fail_differ(c, rank, (uint32_t)word & 0xffffff, half, err);
    default:
        return fail_absent(c, who, err);
    }
}

/* A rank that has left is free to end. */
static bool look_at(struct dlfw_coordinator *c, uint32_t rank, bool gone)
{
    if (!gone || atomic_load(&c->seg->slots[rank].state) != SHM_SLOT_JOINED)
        return false;
    shm_end(c->seg, SHM_DIED, rank, 0, 0);
    return true;
}

void shm_watch_begin(struct dlfw_coordinator *c)
{
    const struct shm_slot *slots = c->seg->slots;

    c->watched = c->world_size - 1 < SHM_WATCHED_MAX ? c->world_size - 1 : SHM_WATCHED_MAX;
    for (uint32_t i = 0; i < c->watched; i++) {
        const struct shm_process *peer = &slots[next_rank(c, i + 1)].process;
        int fd = SAME_PROCESS;

        if (peer->pid != slots[c->rank].process.pid) {
            fd = (int)syscall(SYS_pidfd_open, peer->pid, 0);
            fd = fd < 0 ? NO_PIDFD : fd;
            /* from here on the descriptor means the process that had the number, and that must be the peer */
            look_at(c, next_rank(c, i + 1), !shm_process_alive(peer));
        }
        c->pidfds[i] = fd;
    }
}

void shm_watch_end(struct dlfw_coordinator *c)
{
    for (uint32_t i = 0; i < c->watched; i++) {
        if (c->pidfds[i] >= 0)
            close(c->pidfds[i]);
    }
    c->watched = 0;
}

void shm_look(struct dlfw_coordinator *c)
{
    struct pollfd fds[SHM_WATCHED_MAX];
    bool dead = false;

    for (uint32_t i = 0; i < c->watched; i++)
        fds[i] = (struct pollfd){.fd = c->pidfds[i], .events = POLLIN};
    poll(fds, c->watched, 0); /* passes over negative descriptors */
    for (uint32_t i = 0; i < c->watched && !dead; i++) {
        uint32_t rank = next_rank(c, i + 1);
        bool gone = fds[i].revents != 0;

        if (c->pidfds[i] == NO_PIDFD)
            gone = !shm_process_alive(&c->seg->slots[rank].process);
        dead = look_at(c, rank, gone);
    }
}

void shm_look_joining(struct dlfw_coordinator *c)
{
    uint32_t looks = 0;

    for (uint32_t i = 0; i < c->world_size && looks < JOINING_LOOKS; i++) {
        uint32_t rank = next_rank(c, 1 + c->look_next);

        c->look_next = (c->look_next + 1) % c->world_size;
        if (rank == c->rank || atomic_load(&c->seg->slots[rank].state) != SHM_SLOT_JOINED)
            continue;
        looks++;
        if (look_at(c, rank, !shm_process_alive(&c->seg->slots[rank].process)))
            return;
    }
}

bool shm_cancelled(const struct dlfw_coordinator *c)
{
    return c->host && c->host->cancelled && c->host->cancelled(c->host_ctx);
}
