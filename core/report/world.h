/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run over all of its ranks: where they are, what each of them measured, and what only all together can say (mean
 * AU, summed rates, coverage, strict AU). Plain data, so that it travels as it is.
 */
#ifndef DLFW_CORE_REPORT_WORLD_H
#define DLFW_CORE_REPORT_WORLD_H

#include <stdbool.h>
#include <stdint.h>

struct run_record;

#define HOST_NAME_CAP 64

/* Where the time of training windows went. The parts from compute_ns to other_ns sum to window_ns. */
struct time_shares {
    uint64_t window_ns;
    uint64_t window_steps;
    uint64_t compute_ns; /* as measured */
    uint64_t load_ns;    /* waiting for batches */
    uint64_t barrier_ns; /* of every step of the block: barriers are never taken out of the window */
    uint64_t hook_ns;
    uint64_t other_ns;     /* the loop itself, and the end of the epoch */
    uint64_t overshoot_ns; /* part of compute_ns that nobody asked for */
};
void time_shares_add(struct time_shares *into, const struct time_shares *from);

struct rank_place {
    char host[HOST_NAME_CAP];
    double memory_gib; /* of the host */
    uint32_t cpus;     /* of the host */
    uint32_t reserved0;
};

/* One epoch of one rank. */
struct rank_epoch {
    struct time_shares shares;
    double au_percent, samples_per_second; /* 0 without a window */
    double eval_au_percent, eval_samples_per_second;
    uint64_t samples, hash; /* delivered to training: their number, and the sum of hash_mix(index + 1) */
    uint64_t eval_samples, eval_hash;
    uint64_t files, bytes_asked, bytes_sample, bytes_verified;
    uint32_t counts, eval_counts; /* booleans: it may enter the means */
};

/* One rank's whole run. */
struct rank_figures {
    struct time_shares shares;
    double au_percent, samples_per_second; /* mean over its epochs that count */
    uint64_t samples, bytes_read, errors, retries, peak_memory;
    uint64_t batch_wait_p99_ns, request_p99_ns;
};

struct world {
    const char *coordinator; /* "shm" */
    uint32_t ranks;
    struct rank_place *places; /* of every rank; owned */
    uint32_t hosts;            /* different ones */
    uint32_t host_ranks;       /* on the host of this rank */
    uint32_t host_index;       /* of this rank among them */
    /* What was handed in: by all ranks after a good run, else by this one alone. */
    uint32_t reporting;
    struct rank_figures *figures; /* reporting; owned */
    uint32_t epoch_count;
    struct rank_epoch *epochs; /* epoch_count * reporting, the ranks of an epoch together; owned */
};
void world_free(struct world *w);
/* Index of the first rank on each host, in rank order; places of them. Returns their number. */
uint32_t world_hosts(const struct world *w, uint32_t *first_ranks);

/* This rank's part. */
void rank_epoch_of(const struct run_record *rec, uint32_t epoch_index, struct rank_epoch *ret);
void rank_figures_of(const struct run_record *rec, struct rank_figures *ret);
/* A world in which only this rank has reported. */
void world_alone(struct run_record *rec);

/* Of one epoch over the ranks that report: sums, and the means and sums of DLIO's formulas (docs/metrics.md). */
struct epoch_sum {
    double au_percent, samples_per_second, eval_au_percent, eval_samples_per_second;
    uint64_t samples, hash, eval_samples, eval_hash;
    uint64_t files, bytes_asked, bytes_sample, bytes_verified;
    bool counts, eval_counts; /* on every rank */
};
void world_epoch(const struct run_record *rec, uint32_t epoch_index, struct epoch_sum *ret);

/*
 * Strict AU: the compute that was asked for, as a share of the time that the slowest rank's window took, over all
 * ranks and epochs; and where the rest went. The five sum to 100. All 0 without a window.
 */
struct strict_au {
    double percent;
    double storage_percent;   /* waiting for batches */
    double barrier_percent;   /* waiting for other ranks */
    double overshoot_percent; /* compute beyond what was asked for */
    double client_percent;    /* hooks, the loop, the end of epochs */
};
void world_strict_au(const struct run_record *rec, struct strict_au *ret);
void world_epoch_strict_au(const struct run_record *rec, uint32_t epoch_index, struct strict_au *ret);
/* The same of one rank that reports, against its own windows. */
void rank_strict_au(const struct time_shares *shares, struct strict_au *ret);

#endif
