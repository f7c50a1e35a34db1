/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a generated file looks like, computed from the sample's shape and the options: data sets, chunks, index, and
 * where everything lies as far as that is known before it is written.
 */
#ifndef DLFW_HDF5_PLAN_H
#define DLFW_HDF5_PLAN_H

#include "h5_file.h"
#include "hdf5.h"

struct h5_plan {
    uint32_t sets;
    uint32_t dtype, item; /* bytes of an item */
    uint32_t rank;
    uint64_t dims[H5_RANK_MAX], max_dims[H5_RANK_MAX], chunk_dims[H5_RANK_MAX];
    uint64_t grid[H5_RANK_MAX], max_grid[H5_RANK_MAX];
    bool is_chunked;
    enum h5_index index;
    uint32_t filter; /* H5_FILTER_DEFLATE, H5_FILTER_LZF; 0: none */
    int level;
    uint64_t samples;
    uint64_t set_bytes;    /* of the items of one data set */
    uint64_t stored_bytes; /* of one data set; chunks at the edge are whole. Not known with a filter */
    uint64_t chunk_bytes, chunk_count;
    uint64_t table_count; /* chunks of the maximum shape */
    uint32_t node_bytes;  /* of the version 2 B-tree */
};

/* CONFIG when options and shape do not go together. */
dlfw_status h5_plan(const dlfw_format *fmt, const dlfw_encode_spec *spec, struct h5_plan *ret, dlfw_error *err);
uint64_t h5_plan_chunk_rows(const struct h5_plan *plan);

#endif
