/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the dataset of a run file looks like: names, folders, dimensions and sizes of every file, computed, never
 * listed. DLIO's rules (docs/datasets.md): names {prefix}_{i}_of_{total}.{ext}, subfolder i mod n, dimensions from the
 * legacy generator with seed 10.
 */
#ifndef DLFW_CORE_WORKLOAD_DATASET_H
#define DLFW_CORE_WORKLOAD_DATASET_H

#include "dlfw/format.h"
#include "workload/run_config.h"

enum { SPLIT_TRAIN = 0, SPLIT_EVAL = 1 };

struct dataset {
    const struct run_config *cfg;
    uint32_t split;     /* SPLIT_* */
    const char *folder; /* "train" or "valid" */
    uint64_t files;
    uint64_t named_files; /* of the whole data set, which the names count, when these are the first; 0: files */
    uint64_t samples_per_file;
    uint64_t subfolders; /* 0 or > 1 */
    uint32_t dtype;
    uint32_t ndim;
    uint64_t fixed_dims[32]; /* when dims is NULL */
    uint32_t *dims;          /* 2 per file (stdev > 0), else NULL */
};

dlfw_status dataset_init(struct dataset *ds, const struct run_config *cfg, uint32_t split, dlfw_error *err);
void dataset_free(struct dataset *ds);
/* Key of file i relative to the data folder: "train/3/img_03_of_64.npz". Returns its length; extension without the dot.
 */
uint32_t dataset_key(const struct dataset *ds, uint64_t file, const char *extension, char *buf, uint32_t cap);
/* Key of the side object of the file with that key, below the data folder too. Returns its length. */
uint32_t dataset_side_key(const dlfw_side *side, const char *key, char *buf, uint32_t cap);
/* What encode() and file_size() want for file i; dims points into *dims_buf (32 entries). */
void dataset_spec(const struct dataset *ds, uint64_t file, const char *extension, uint64_t *dims_buf,
                  dlfw_encode_spec *ret);
/* Content object number of file i: hash of its key. */
uint64_t dataset_object(const struct dataset *ds, uint64_t file, const char *extension);

#endif
