/* SPDX-License-Identifier: Apache-2.0 */
/* MPI_Barrier, timed as bench_barrier times ours: mpirun -n RANKS peer_mpi_barrier ROUNDS. */
#include <inttypes.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    int rank, ranks;
    double begin;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (rounds == 0) {
        fprintf(stderr, "usage: mpirun -n RANKS peer_mpi_barrier ROUNDS\n");
        MPI_Abort(MPI_COMM_WORLD, 2);
    }
    for (uint64_t i = 0; i < rounds / 10 + 1; i++)
        MPI_Barrier(MPI_COMM_WORLD);
    begin = MPI_Wtime();
    for (uint64_t i = 0; i < rounds; i++)
        MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0)
        printf("mpi ranks=%d rounds=%" PRIu64 " ns_per_barrier=%.1f\n", ranks, rounds,
               (MPI_Wtime() - begin) * 1e9 / (double)rounds);
    MPI_Finalize();
    return 0;
}
