/* SPDX-License-Identifier: Apache-2.0 */
/* The filters of a chunk, undone in memory. */
#ifndef DLFW_HDF5_FILTERS_H
#define DLFW_HDF5_FILTERS_H

#include "h5_file.h"

/* Memory for the steps between the filters; grown as needed. */
struct h5_filter_memory {
    uint8_t *data[2];
    uint64_t cap[2];
};

void h5_filter_memory_free(struct h5_filter_memory *m);

/*
 * The chunk's items, set->chunk_bytes of them: *ret is stored itself when nothing was done to it, else in dst when that
 * is not NULL, else in memory until the next call. verify: checksums are compared. On failure *ret_problem says what is
 * wrong; the status is CORRUPT or NO_MEMORY.
 */
dlfw_status h5_filters_undo(const struct h5_set *set, const struct h5_chunk *chunk, const uint8_t *stored, bool verify,
                            uint8_t *dst, struct h5_filter_memory *memory, const uint8_t **ret,
                            const char **ret_problem);

#endif
