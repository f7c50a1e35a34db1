/* SPDX-License-Identifier: Apache-2.0 */
/* Which files a results directory has. */
#ifndef DLFW_CORE_VIEW_RESULT_FOLDER_H
#define DLFW_CORE_VIEW_RESULT_FOLDER_H

#include <stdbool.h>

#include "base/str.h"
#include "dlfw/base.h"

struct result_entry {
    const char *name; /* below the directory: "summary.json", ".hydra/config.yaml" */
    uint64_t bytes;
};

struct result_folder {
    struct result_entry *entries; /* regular files, by name */
    uint32_t count, cap;
    uint64_t *step_ranks; /* the ranks that have a {rank}_steps.csv, ascending */
    uint32_t step_rank_count;
    const char *config_folder; /* holds the stored configuration: ".hydra", "dlio_config", ...; NULL: none */
};

/* Strings live in the arena. */
dlfw_status result_folder_scan(struct arena *arena, const char *path, struct result_folder *ret, dlfw_error *err);
const struct result_entry *result_folder_find(const struct result_folder *f, const char *name); /* NULL: not there */
/* "12_steps.csv" is 12. */
bool steps_file_rank(const char *name, uint64_t *ret);

#endif
