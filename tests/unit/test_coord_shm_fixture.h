/* SPDX-License-Identifier: Apache-2.0 */
/* Ranks of coordinator shm as processes, each of which runs one function and says by its exit status whether all was
 * as expected. */
#ifndef DLFW_TEST_COORD_SHM_FIXTURE_H
#define DLFW_TEST_COORD_SHM_FIXTURE_H

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "ranks/coord_shm.h"

#define FIXTURE_RANKS_MAX 64

/* One rank: c is NULL until it has joined. */
struct rank_case {
    uint32_t rank;
    uint32_t world;
    const char *run_id;
    dlfw_coordinator *c;
    struct error_slot slot;
};

typedef void rank_fn(struct rank_case *r, const void *arg);

struct rank_group {
    uint32_t count;
    pid_t pids[FIXTURE_RANKS_MAX];
};

/* In a rank: ends it as failed. */
#define RANK_CHECK(condition)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: rank %u of %u: %s; last error: %s\n", __FILE__, __LINE__, r->rank, r->world,       \
                    #condition, r->slot.text);                                                                         \
            _exit(1);                                                                                                  \
        }                                                                                                              \
    } while (0)
#define RANK_OK(call) RANK_CHECK((call) == DLFW_OK)
/* The call fails so, and its text contains says. */
#define RANK_FAILS(call, status, says)                                                                                 \
    do {                                                                                                               \
        RANK_CHECK((call) == (status));                                                                                \
        RANK_CHECK(strstr(r->slot.text, says));                                                                        \
    } while (0)

/* Set when host->cancelled() shall say so. */
extern volatile int fixture_cancelled;

uint64_t in_ms(uint64_t ms);
void sleep_ms(uint32_t ms);
/* Of this test process: "NAME-PID". Valid until the next call. */
const char *run_id_of(const char *name);
bool segment_exists(const char *run_id);
/* Of a run that has not begun: maps its segment, NULL when there is none yet. */
struct shm_segment *map_segment(const char *run_id, size_t *ret_size);
/* Waits until rank is one of those that wait there for the others. */
void await_joined(const char *run_id, uint32_t rank);

dlfw_status join_rank(struct rank_case *r, uint64_t deadline_ns);
/* One process that runs fn without having joined. */
pid_t fork_rank(uint32_t rank, uint32_t world, const char *run_id, rank_fn *fn, const void *arg);
/* The same for all ranks of a run. */
void fork_ranks(struct rank_group *g, uint32_t world, const char *run_id, rank_fn *fn, const void *arg);
void await_rank(pid_t pid);
void await_ranks(struct rank_group *g);
/* All ranks join, run fn and leave. */
void run_ranks(uint32_t world, const char *run_id, rank_fn *fn, const void *arg);

#endif
