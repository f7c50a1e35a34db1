/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chunk is a box of the data set; its items lie in runs that are consecutive both in the chunk and in the data set in
 * C order. Reading, comparing and writing chunks go through the runs.
 */
#ifndef DLFW_HDF5_RUNS_H
#define DLFW_HDF5_RUNS_H

#include "h5_file.h"

struct h5_runs {
    uint32_t dims; /* that are counted; the rest is inside a run */
    uint64_t run_bytes;
    uint64_t in_chunk, in_set; /* of the run, in bytes */
    bool has_run;
    uint64_t count[H5_RANK_MAX], at[H5_RANK_MAX];
    uint64_t chunk_step[H5_RANK_MAX], set_step[H5_RANK_MAX];
};

/* The shape of the data set and its chunks, as runs need it. */
struct h5_box {
    uint32_t rank;
    uint32_t item;
    const uint64_t *dims, *chunk_dims, *grid;
};

struct h5_box h5_set_box(const struct h5_set *set);
/* The part of chunk number index that lies in rows [first_row, end_row) of the data set. by_row: no run is longer than
 * a row. Check has_run before the first one too. */
void h5_runs_begin(struct h5_runs *r, const struct h5_box *box, uint64_t index, uint64_t first_row, uint64_t end_row,
                   bool by_row);
void h5_runs_next(struct h5_runs *r);

#endif
