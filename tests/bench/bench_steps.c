/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What AU this machine leaves to ranks that have nothing to load: every rank waits out its compute and meets the
 * others, step after step. bench_steps RANKS STEPS COMPUTE_US prints "au_percent=99.95": the mean over ranks of the
 * time in compute, late wake-ups included as DLIO does, over the whole time.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "train/compute.h"

#define MAX_RANKS 64
#define SPINS 2000

static uint64_t ranks, steps, compute_ns;
static _Atomic uint64_t arrived;
static double share[MAX_RANKS];

static void meet(uint64_t step)
{
    uint64_t all = (step + 1) * ranks;

    atomic_fetch_add(&arrived, 1);
    for (uint64_t spins = 0; atomic_load_explicit(&arrived, memory_order_acquire) < all; spins++)
        if (spins > SPINS)
            sched_yield();
}

static void *rank_main(void *arg)
{
    double *ret = arg;
    uint64_t begin, now, compute = 0;

    compute_prepare();
    meet(0);
    begin = now = clock_now_ns();
    for (uint64_t step = 1; step <= steps; step++) {
        uint64_t start = now;

        now = compute_until(start + compute_ns);
        compute += now - start;
        meet(step);
        now = clock_now_ns();
    }
    *ret = (double)compute / (double)(now - begin);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[MAX_RANKS];
    double sum = 0;

    ranks = argc == 4 ? strtoull(argv[1], NULL, 10) : 0;
    steps = argc == 4 ? strtoull(argv[2], NULL, 10) : 0;
    compute_ns = argc == 4 ? strtoull(argv[3], NULL, 10) * 1000 : 0;
    if (!ranks || ranks > MAX_RANKS || !steps || !compute_ns) {
        fprintf(stderr, "usage: bench_steps RANKS STEPS COMPUTE_US; at most %d ranks\n", MAX_RANKS);
        return 2;
    }
    for (uint64_t i = 0; i < ranks; i++) {
        if (pthread_create(&threads[i], NULL, rank_main, &share[i]) != 0) {
            fprintf(stderr, "bench_steps: cannot start a thread\n");
            return 1;
        }
    }
    for (uint64_t i = 0; i < ranks; i++) {
        pthread_join(threads[i], NULL);
        sum += share[i];
    }
    printf("au_percent=%.4f\n", 100 * sum / (double)ranks);
    return 0;
}
