/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which sample comes when, computed, in constant memory: position -> (file, sample) for one epoch, a keyed bijection of
 * all positions. Units of `unit` consecutive samples of a file (the whole file for NPZ, a run of records for TFRecord,
 * a row group for Parquet) stay together, and so do the units of a file: the files are permuted, the units of each
 * file, and the samples of each unit. Where samples are read alone (unit 1) and shuffled, all samples are permuted. A
 * file's last unit, when it is smaller, stays its last one. Ranks take disjoint runs of positions; surplus positions
 * are dropped.
 */
#ifndef DLFW_CORE_LOADER_SAMPLE_ORDER_H
#define DLFW_CORE_LOADER_SAMPLE_ORDER_H

#include <stdbool.h>
#include <stdint.h>

struct sample_order {
    uint64_t files;
    uint64_t samples_per_file;
    uint64_t unit; /* 1 .. samples_per_file */
    bool shuffle_files;
    bool shuffle_samples;
    uint64_t key;     /* of this epoch */
    uint64_t inverse; /* of samples_per_file: floor((2^64 - 1) / it), for divisions by it */
};

struct sample_place {
    uint64_t file;
    uint64_t sample; /* in the file */
};

/* seed, epoch: the permutation is a function of both. */
void sample_order_init(struct sample_order *o, uint64_t files, uint64_t samples_per_file, uint64_t unit,
                       bool shuffle_files, bool shuffle_samples, uint64_t seed, uint64_t epoch);
/* position < files * samples_per_file */
struct sample_place sample_order_at(const struct sample_order *o, uint64_t position);
/* How many positions from this one on belong to the same unit. */
uint64_t sample_order_run(const struct sample_order *o, uint64_t position);

/* A bijection of [0, n): cycle-walking Feistel network. */
uint64_t permute_index(uint64_t index, uint64_t n, uint64_t key);

/* Steps of an epoch and the positions of one rank: [first, first + steps * batch). */
struct shard {
    uint64_t steps; /* floor(samples / (batch * ranks)), equal on all ranks */
    uint64_t first;
    uint64_t dropped; /* positions that no rank takes */
};
struct shard shard_of(uint64_t samples, uint64_t batch, uint32_t rank, uint32_t ranks);

#endif
