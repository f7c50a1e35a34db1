/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of coordinator shm: the ranks of one host meet in a POSIX shared memory segment.
 *
 * Invariants. A word of the segment has one writer, or is set once by compare-and-swap, or only counts wake-ups: a rank
 * may be killed between any two instructions and leaves nothing locked or half counted. What happens under the name of
 * the segment (made, entered, removed) happens under flock of its file, which the kernel gives up with its holder. The
 * name is gone before join() returns, so the memory goes with the last rank, whatever ends it.
 *
 * Everything that ranks do together is made of steps, numbered from 1. A rank writes its call and its data for step s,
 * stores s as arrived, and goes on when all have arrived at s. What it writes lies in the half s & 1; it is written
 * again at step s + 2 at the earliest, when all have arrived at s + 1 and so have read it.
 *
 * The ranks must share the pid namespace: a rank is its process id and when that process started.
 */
#ifndef DLFW_CORE_RANKS_COORD_SHM_H
#define DLFW_CORE_RANKS_COORD_SHM_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/error.h"
#include "ranks/coordinator.h"
#include "ranks/identity.h"

#define SHM_RANKS_MAX 4096u
#define SHM_REASON_MAX 512u
#define SHM_NAME_CAP (RUN_ID_CAP + 32)
#define SHM_TICK_NS 50000000ull /* every wait looks up this often: at peers, deadline, Ctrl-C */
#define SHM_WATCHED_MAX 128u    /* peers, the next ones in rank order, that one rank watches by pidfd */

enum { SHM_BARRIER = 1, SHM_BROADCAST = 2, SHM_REDUCE_U64 = 3, SHM_REDUCE_F64 = 4, SHM_GATHER = 5 };

/* What a rank calls; equal on all ranks at one step. */
struct shm_call {
    uint32_t op;
    uint32_t arg; /* the root, or how to reduce */
    uint64_t len; /* bytes */
};

struct shm_process {
    int32_t pid;
    uint64_t started; /* clock ticks after boot */
};

enum { SHM_SLOT_FREE = 0, SHM_SLOT_JOINED = 1, SHM_SLOT_LEFT = 2 };

/* One rank. Its first lines are all that a barrier touches. */
struct shm_slot {
    _Alignas(128) _Atomic uint64_t arrived; /* the last step this rank has come to */
    struct shm_call calls[2];               /* at even and odd steps */
    _Alignas(128) _Atomic uint32_t state;   /* SHM_SLOT_*; what follows is valid from JOINED on */
    _Atomic uint32_t reason_claimed;
    struct shm_process process;
    char reason[SHM_REASON_MAX + 1]; /* of abort(); published by ended */
};

/* Why a run is over; the first reason stays. */
enum { SHM_DIED = 1, SHM_LEFT = 2, SHM_ABORTED = 3, SHM_DIFFER = 4, SHM_NOT_ALL_CAME = 5 };

struct shm_segment {
    _Atomic uint64_t magic; /* 0 until the rest is made */
    uint32_t world_size;
    uint32_t reserved0;
    uint64_t pid_namespace;
    uint64_t piece;                       /* bytes of one rank in one half of the data */
    _Alignas(128) _Atomic uint64_t ended; /* 0, or shm_ended_word() */
    _Atomic uint64_t released;            /* the last step that all ranks came to; not kept while nobody needs it */
    _Atomic uint32_t wakeups;             /* futex word: changes with all that a sleeper waits for */
    _Atomic uint32_t sleepers;
    _Atomic uint32_t running; /* all ranks have joined */
    struct shm_slot slots[];  /* world_size of them, then 2 halves of world_size * piece bytes */
};

struct dlfw_coordinator {
    struct shm_segment *seg;
    uint8_t *data;
    size_t size;
    uint32_t rank;
    uint32_t world_size;
    uint32_t spins; /* looks before the CPU is given up, and how often it is given up before sleeping */
    uint32_t yields;
    const dlfw_host *host;
    void *host_ctx;

    uint64_t step;
    uint32_t seen;      /* peers known to have come to this step, counted from the next rank on */
    uint64_t looked_ns; /* when the peers' processes were last looked at */
    uint32_t look_next; /* while joining: where the next look begins */

    int fd; /* of the segment while joining, else -1 */
    char name[SHM_NAME_CAP];
    const char *run_id; /* while joining */

    uint32_t watched;
    int pidfds[SHM_WATCHED_MAX]; /* of rank + 1, rank + 2 ... */

    _Atomic dlfw_status over; /* how this rank's calls have ended, with the text; set once by the main thread */
    dlfw_error over_error;
    char over_text[SHM_REASON_MAX + 64];
};

/* coord_shm_process.c */
dlfw_status shm_process_self(struct shm_process *ret, uint64_t *ret_namespace, dlfw_error *err);
/* Also false for a zombie, and for another process that got the number. */
bool shm_process_alive(const struct shm_process *p);

/* coord_shm_segment.c */
dlfw_status shm_name(const char *run_id, char name[SHM_NAME_CAP], dlfw_error *err);
/* Opens or makes the segment and takes the rank's slot. */
dlfw_status shm_enter(struct dlfw_coordinator *c, uint64_t deadline_ns, dlfw_error *err);
/* Removes the name if it is still there; for a rank that could not join. */
void shm_withdraw(struct dlfw_coordinator *c);
void shm_unmap(struct dlfw_coordinator *c);
/* Removes segments that dead processes of this user left behind, whatever their run. */
void shm_sweep(void);

/* coord_shm_layout.c */
/* Maps the whole segment behind fd; *ret is NULL when none has been made there yet. */
dlfw_status shm_map(int fd, const char *name, struct shm_segment **ret, size_t *ret_size, dlfw_error *err);
dlfw_status shm_make(int fd, const char *name, uint32_t world_size, uint64_t pid_namespace, dlfw_error *err);
uint8_t *shm_data(struct shm_segment *seg);

/* coord_shm_peers.c */
/* Ends the run for all ranks, unless it has ended already, and wakes them. */
void shm_end(struct shm_segment *seg, uint32_t kind, uint32_t rank, uint32_t other, uint32_t half);
/* DLFW_OK while the run has not ended. [any] */
dlfw_status shm_ended(const struct dlfw_coordinator *c, dlfw_error *err);
void shm_wake(struct shm_segment *seg);
void shm_watch_begin(struct dlfw_coordinator *c);
void shm_watch_end(struct dlfw_coordinator *c);
/* Ends the run when a watched peer has died. [any] */
void shm_look(struct dlfw_coordinator *c);
/* The same for peers that have joined so far. */
void shm_look_joining(struct dlfw_coordinator *c);
bool shm_cancelled(const struct dlfw_coordinator *c);
/* "rank 3 (process 4711)", or only its number as long as it has not joined */
void shm_rank_text(const struct dlfw_coordinator *c, uint32_t rank, char *buf, uint32_t cap);

/* coord_shm_step.c */
/* The step of call, after what this rank has written into the half of step + 1. */
dlfw_status shm_step(struct dlfw_coordinator *c, const struct shm_call *call, uint64_t deadline_ns, dlfw_error *err);
/* Notes how this rank's calls have ended: c->over_error holds it already. */
dlfw_status shm_over(struct dlfw_coordinator *c, dlfw_status st, dlfw_error *err);

/* coord_shm_data.c */
dlfw_status shm_broadcast(dlfw_coordinator *c, uint32_t root, void *buf, uint64_t len, uint64_t deadline_ns,
                          dlfw_error *err);
dlfw_status shm_reduce_u64(dlfw_coordinator *c, uint32_t how, uint64_t *values, uint32_t count, uint64_t deadline_ns,
                           dlfw_error *err);
dlfw_status shm_reduce_f64(dlfw_coordinator *c, uint32_t how, double *values, uint32_t count, uint64_t deadline_ns,
                           dlfw_error *err);
dlfw_status shm_gather(dlfw_coordinator *c, const void *mine, void *all, uint64_t len, uint64_t deadline_ns,
                       dlfw_error *err);

#endif
