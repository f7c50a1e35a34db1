/* SPDX-License-Identifier: Apache-2.0 */
/* The versions of the MLPerf Storage rules, and the rules themselves by name: what differs between versions is a row
 * here, not a condition in the code that judges. Our reading of the rules is in docs/rules.md. */
#ifndef DLFW_CORE_RULES_RULE_VERSION_H
#define DLFW_CORE_RULES_RULE_VERSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { RULES_V1 = 0, RULES_V2, RULES_V3, RULES_COUNT };
#define RULES_BIT(version) (1u << (version))

struct rule_version {
    const char *name; /* "2.0" */
    uint32_t index;   /* RULES_* */
    bool rounds_up;   /* numbers of files; else down */
    const char *config_folder;
    uint32_t runs;               /* that are measured, after one to warm up */
    bool counts_warm_up;         /* its folder has to be among them */
    bool unet3d_checkpoints;     /* training of unet3d takes checkpoints */
    bool separate_file_systems;  /* of data and results */
    bool subset_of_8b_only;      /* checkpoint.mode subset */
    bool open_changes_counts;    /* OPEN may write and read another number of checkpoints */
    uint32_t phase_gap_seconds;  /* between writing and reading checkpoints at most; 0: not limited */
    uint32_t accelerator_gb;     /* memory of the smallest accelerator */
    const char *training_models; /* for people */
    const char *checkpoint_models;
};

/* "2.0", also "2"; NULL: there is no such version. */
const struct rule_version *rule_version_find(const char *name);

enum rule {
    RULE_BENCHMARK,
    RULE_PHASE,
    RULE_DEFINITION,
    RULE_OVERRIDES,
    RULE_SIZE,
    RULE_ODIRECT,
    RULE_UNET3D_CHECKPOINTS,
    RULE_HOSTS,
    RULE_FILE_SYSTEMS,
    RULE_PROCESSES,
    RULE_COUNTS,
    RULE_FSYNC,
    RULE_ACCELERATOR_MEMORY,
    RULE_CACHE,
    RULE_FILES,
    RULE_COMPLETE,
    RULE_AU,
    RULE_CODE,
    RULE_RUNS,
    RULE_SAME,
    RULE_SEED,
    RULE_SPREAD,
    RULE_CONSECUTIVE,
    RULE_SEQUENCE,
    RULE_TOTAL
};

const char *rule_name(uint32_t rule);
/* "MLPerf Storage v2.0 rules, 7", or "dlfw" for what only we know; in arena. */
const char *rule_source(struct arena *arena, uint32_t rule, const struct rule_version *version);

#endif
