/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the place of a sample costs in a dataset of any size: bench_shards SAMPLES INDICES prints
 * "ns_per_index=20.1 memory_kib=0", the memory that the order took beyond the program's own.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "loader/sample_order.h"

#define SAMPLES_PER_FILE 1000
#define RANKS 1000
#define BATCH 512

static long memory_kib(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss : -1;
}

int main(int argc, char **argv)
{
    const uint64_t samples = argc > 2 ? strtoull(argv[1], NULL, 10) : 0;
    const uint64_t indices = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    struct shard shard = shard_of(samples, BATCH, RANKS / 2, RANKS);
    struct sample_order order;
    uint64_t begin, sum = 0;
    long before = memory_kib();

    if (!shard.steps || !indices) {
        fprintf(stderr, "usage: bench_shards SAMPLES INDICES; at least %d samples\n", BATCH * RANKS);
        return 2;
    }
    sample_order_init(&order, samples / SAMPLES_PER_FILE, SAMPLES_PER_FILE, 1, true, true, 123, 1);
    begin = clock_now_ns();
    for (uint64_t i = 0, at = 0; i < indices; i++) {
        struct sample_place place = sample_order_at(&order, shard.first + at);

        at = at + 1 < shard.steps * BATCH ? at + 1 : 0;
        sum += place.file ^ place.sample;
    }
    begin = clock_now_ns() - begin;
    printf("ns_per_index=%.2f memory_kib=%ld sum=%" PRIu64 "\n", (double)begin / (double)indices, memory_kib() - before,
           sum);
    return 0;
}
