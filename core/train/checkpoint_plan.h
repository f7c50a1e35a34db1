/* SPDX-License-Identifier: Apache-2.0 */
/* What the checkpoints of a run would be, for any number of ranks, by the checkpoint hook's own account. Nothing is
 * read or written. */
#ifndef DLFW_CORE_TRAIN_CHECKPOINT_PLAN_H
#define DLFW_CORE_TRAIN_CHECKPOINT_PLAN_H

#include "train/job.h"

#define PLAN_FIGURES 16u

/* Of one rank, or of all. */
struct plan_share {
    uint64_t files;
    uint64_t payload_bytes;
    uint64_t file_bytes; /* when exact */
    bool exact;          /* the size of every file is known beforehand */
};

struct plan_figure {
    char name[32], unit[16];
    uint64_t value;
};

struct checkpoint_plan {
    uint32_t ranks;
    uint32_t writing_ranks; /* with at least one file */
    struct plan_share total, first, last;
    struct plan_share least, most; /* by payload */
    uint32_t least_rank, most_rank;
    struct plan_figure figures[PLAN_FIGURES]; /* of the whole checkpoint; "memory": the rank that needs most */
    uint32_t figure_count;
    struct error_slot failure; /* status < 0: so many ranks cannot be planned */
};

typedef void plan_each_file(void *ctx, uint32_t rank, const char *name, uint64_t payload_bytes, uint64_t file_bytes);

/* job: cfg, registry and problems are filled and its hooks are created. each may be NULL. A hook that cannot plan so
 * many ranks is told in ret->failure. */
void checkpoint_plan_make(struct job *job, uint32_t ranks, plan_each_file *each, void *ctx,
                          struct checkpoint_plan *ret);
const struct plan_figure *checkpoint_plan_figure(const struct checkpoint_plan *plan, const char *name);

#endif
