/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a barrier and a broadcast of coordinator shm cost: bench_barrier RANKS ROUNDS [BROADCAST_BYTES] forks the ranks
 * and prints "shm ranks=2 rounds=100000 ns_per_barrier=112.3". peer_mpi_barrier prints the same of MPI_Barrier; the two
 * are compared when run in turns on the same machine.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "ranks/coordinator.h"

static struct error_slot slot;

static void must(dlfw_status st, const char *what)
{
    if (st < 0) {
        fprintf(stderr, "bench_barrier: %s: %s\n", what, slot.text);
        exit(1);
    }
}

static double time_barriers(dlfw_coordinator *c, uint64_t rounds)
{
    uint64_t begin = 0;

    for (uint64_t i = 0; i < rounds / 10 + 1; i++)
        must(coordinator_shm.barrier(c, 0, &slot.e), "barrier");
    begin = clock_now_ns();
    for (uint64_t i = 0; i < rounds; i++)
        must(coordinator_shm.barrier(c, 0, &slot.e), "barrier");
    return (double)(clock_now_ns() - begin) / (double)rounds;
}

static double time_broadcast(dlfw_coordinator *c, uint64_t bytes)
{
    uint8_t *buf = calloc(1, bytes);
    uint64_t begin = 0;

    if (!buf)
        exit(1);
    for (int i = 0; i < 2; i++) { /* the first one touches the memory */
        must(coordinator_shm.barrier(c, 0, &slot.e), "barrier");
        begin = clock_now_ns();
        must(coordinator_shm.broadcast(c, 0, buf, bytes, 0, &slot.e), "broadcast");
        must(coordinator_shm.barrier(c, 0, &slot.e), "barrier");
    }
    free(buf);
    return (double)bytes / (double)(clock_now_ns() - begin);
}

static int run_rank(uint32_t rank, uint32_t ranks, uint64_t rounds, uint64_t bytes, const char *run_id)
{
    const dlfw_create_args args = {.struct_size = sizeof args};
    const dlfw_join join = {.struct_size = sizeof join,
                            .rank = rank,
                            .world_size = ranks,
                            .run_id = run_id,
                            .deadline_ns = clock_now_ns() + 30 * NS_PER_S};
    dlfw_coordinator *c = NULL;
    double ns, rate = 0;

    error_slot_init(&slot);
    must(coordinator_shm.join(&args, &join, &c, &slot.e), "join");
    ns = time_barriers(c, rounds);
    if (bytes)
        rate = time_broadcast(c, bytes);
    if (rank == 0) {
        printf("shm ranks=%" PRIu32 " rounds=%" PRIu64 " ns_per_barrier=%.1f", ranks, rounds, ns);
        if (bytes)
            printf(" broadcast_gb_per_s=%.2f", rate);
        printf("\n");
    }
    coordinator_shm.leave(c);
    return fflush(stdout) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    uint32_t ranks = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    uint64_t rounds = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    uint64_t bytes = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
    char run_id[32];
    int status, failed = 0;

    if (ranks == 0 || rounds == 0) {
        fprintf(stderr, "usage: bench_barrier RANKS ROUNDS [BROADCAST_BYTES]\n");
        return 2;
    }
    snprintf(run_id, sizeof run_id, "bench-%d", (int)getpid());
    for (uint32_t r = 0; r < ranks; r++) {
        pid_t pid = fork();

        if (pid < 0) {
            perror("bench_barrier: fork");
            return 1;
        }
        if (pid == 0)
            _exit(run_rank(r, ranks, rounds, bytes, run_id));
    }
    while (wait(&status) > 0)
        failed |= status != 0;
    return failed;
}
