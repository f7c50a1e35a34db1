/* SPDX-License-Identifier: Apache-2.0 */
/* What `dlfw plan` found out, for its two ways of printing. */
#ifndef DLFW_CORE_CMD_PLAN_H
#define DLFW_CORE_CMD_PLAN_H

#include "train/checkpoint_plan.h"

struct plan_split {
    uint64_t files, samples, bytes;
    bool exact; /* else the size of the samples: only writing the files tells theirs */
};

/* Memory of one rank's samples. */
struct plan_memory {
    uint64_t batches;     /* in memory at once */
    uint64_t batch_bytes; /* of the largest file */
    uint64_t budget_bytes;
    bool is_set; /* by reader.memory_budget */
    bool streamed;
};

struct plan_file_line {
    uint32_t rank;
    char *name;
    uint64_t payload_bytes, file_bytes;
};

struct plan_ranks {
    uint32_t ranks;
    uint64_t steps, eval_steps;        /* per epoch */
    uint64_t dropped, eval_dropped;    /* samples that no rank takes */
    struct checkpoint_plan checkpoint; /* ranks 0: none */
    struct plan_file_line *files;      /* with --files */
    uint64_t file_count, file_cap;
};

struct run_plan {
    const struct run_config *cfg;
    bool has_dataset;
    char *dataset_uri;
    struct plan_split train, eval;
    struct plan_memory memory;
    const char *checkpoint_hook, *checkpoint_uri; /* NULL: no checkpoints */
    bool list_files;
    struct plan_ranks *ranks;
    uint32_t rank_count;
};

void plan_print_text(const struct run_plan *plan);
void plan_print_json(const struct run_plan *plan);

#endif
