/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything a run measured, filled by the train loop, read by the writers of summary.json, per-epoch JSON, CSV, log
 * lines. Times are nanoseconds of CLOCK_MONOTONIC unless called ..._text.
 */
#ifndef DLFW_CORE_REPORT_RUN_RECORD_H
#define DLFW_CORE_REPORT_RUN_RECORD_H

#include "base/histogram.h"
#include "loader/loader.h"
#include "report/world.h"

#define RECORD_TIME_CAP 32

/* One step; arrays of these are preallocated, nothing is allocated in the step loop. */
struct step_record {
    uint64_t load_ns;    /* waiting for the batch */
    uint64_t compute_ns; /* measured, not asked for */
    uint64_t barrier_ns;
    uint64_t asked_ns; /* compute that was asked for */
};

/* A run of steps ended by a step checkpoint or the end of the epoch, or one evaluation. end_ns 0: it never ended; such
 * a block has no figures. */
struct block_record {
    char start_text[RECORD_TIME_CAP], end_text[RECORD_TIME_CAP];
    uint64_t start_ns, end_ns;
    struct step_record *steps; /* owned */
    uint64_t step_count;
    uint64_t step_cap;
    uint64_t hook_ns; /* inside the block, in hooks that do not end blocks */
};

/* A checkpoint save or load that a hook reported; DLIO's save_ckpt / load_ckpt entries. */
struct checkpoint_record {
    bool is_load;
    uint32_t block;  /* from 1: the block it came after; without training its number */
    uint32_t number; /* in its epoch, from 1 */
    uint64_t step;   /* of the epoch, after which it was taken */
    char name[80];   /* "global_epoch1_step250" */
    char start_text[RECORD_TIME_CAP], end_text[RECORD_TIME_CAP];
    uint64_t begin_ns, end_ns; /* end_ns 0: it never ended, and has no figures */
    uint64_t duration_ns;
    uint64_t bytes;        /* payload of all ranks */
    uint64_t rank_bytes;   /* of this rank */
    uint64_t stored_bytes; /* that this rank moved; after world_gather all ranks */
    uint64_t model_ns, optimizer_ns;
    uint64_t slowest_ns, fastest_ns; /* duration over all ranks; 0: not known */
    uint64_t stall_ns;               /* that training waited for it; the rest went on beside the training */
};

/* What every checkpoint of the run holds, as its hook said before the first one. */
struct checkpoint_model {
    bool known;
    uint64_t parameters;
    uint64_t bytes, rank_bytes; /* payload of all ranks, of this one */
    uint64_t model_bytes, optimizer_bytes;
    uint32_t subset_ranks, subset_of; /* 0: all ranks write */
};

struct epoch_record {
    uint32_t epoch; /* from 1 */
    char start_text[RECORD_TIME_CAP], end_text[RECORD_TIME_CAP];
    uint64_t start_ns, end_ns; /* end_ns 0: the run ended inside the epoch */
    uint64_t expected_steps;
    /* How much of what this host was to read lay in its page cache just before start_ns, in percent of the bytes of
     * the files that were looked at (0 files: not known). Only rank 0 looks. */
    double resident_percent;
    uint32_t resident_files;
    struct block_record *blocks; /* owned */
    uint32_t block_count;
    bool has_eval;
    struct block_record eval;
    uint64_t eval_expected_steps;
    struct checkpoint_record *checkpoints; /* owned */
    uint32_t checkpoint_count;
    struct loader_epoch train_load, eval_load;
};

struct generate_record {
    bool done;
    uint64_t files, files_skipped, bytes;
    uint64_t elapsed_ns;
    struct io_stats io;
};

struct hook_record {
    const char *name;
    uint64_t calls;
    uint64_t total_ns, max_ns;
};

struct named_figure { /* from plugins' stats() and hooks' put() */
    char owner[48], name[48], unit[16];
    uint32_t kind;
    uint64_t value;
};

/* One of several endpoints of the dataset's storage, generation and training together. */
struct endpoint_record {
    char *name; /* owned */
    uint64_t requests, bytes_read, bytes_written, errors, times_set_aside, service_ns;
    bool is_aside; /* at the end */
};

struct run_record {
    const struct run_config *cfg;
    uint32_t rank;
    struct world world;
    char start_text[RECORD_TIME_CAP], end_text[RECORD_TIME_CAP];
    uint64_t start_ns, end_ns;
    uint64_t first_request_ns;   /* program start to the first storage request, 0: none */
    struct epoch_record *epochs; /* owned */
    uint32_t epoch_count;
    const char *checkpoint_hook; /* name of the hook of workflow.checkpoint, NULL: none */
    char *checkpoint_uri;        /* of the folder; owned */
    struct checkpoint_model model;
    struct generate_record generate;
    struct loader_stats train_stats, eval_stats;
    struct histogram batch_wait_ns, compute_error_ns, barrier_ns;
    struct hook_record *hooks; /* owned */
    uint32_t hook_count;
    struct named_figure *figures; /* owned */
    uint32_t figure_count;
    char *storage_uri, *storage_scheme; /* owned */
    uint64_t storage_caps;
    struct endpoint_record *endpoints; /* owned; none when there is only one */
    uint32_t endpoint_count;
    uint64_t memory_budget, peak_memory; /* bytes; peak from getrusage */
    uint64_t sample_bytes_nominal;       /* record_length_bytes */
    dlfw_status status;                  /* 0, or why the run ended early */
    struct error_slot failure;
};

void run_record_free(struct run_record *rec);

/* The arithmetic of docs/metrics.md. window: exclude_start/end steps of an epoch with expected steps. Values are 0 when
 * the window is empty. */
struct block_metrics {
    double au_percent;
    double samples_per_second;
    uint64_t window_steps;
};
struct block_metrics block_metrics_train(const struct block_record *b, uint64_t expected_steps, uint64_t batch,
                                         const struct run_config *cfg);
struct block_metrics block_metrics_eval(const struct block_record *b, uint64_t expected_steps, uint64_t batch,
                                        const struct run_config *cfg);
/* step-weighted mean over the epoch's blocks */
struct block_metrics epoch_metrics_train(const struct epoch_record *e, uint64_t batch, const struct run_config *cfg);

#endif
