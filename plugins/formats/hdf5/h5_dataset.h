/* SPDX-License-Identifier: Apache-2.0 */
/* A data set's object header as struct h5_set. */
#ifndef DLFW_HDF5_DATASET_H
#define DLFW_HDF5_DATASET_H

#include "h5_chunk_index.h"
#include "h5_object.h"

/* What of a data set is read. */
enum {
    H5_DATASET_SHAPE = 1, /* shape, type, layout: enough to choose and to describe it */
    H5_DATASET_DATA = 2   /* also where its data lie; a type without numbers is an error then */
};

/*
 * Fills set (zeroed but for its name) from the object header at address. *ret_is_dataset: whether it is one at all.
 * DLFW_OK, NEED_IO, H5_BEYOND, or an error.
 */
dlfw_status h5_dataset_read(struct h5_source *s, uint64_t address, uint32_t what, struct h5_set *set,
                            bool *ret_is_dataset);
/* What follows from dims and type, and then from chunk_dims; CORRUPT when it cannot be. place: for messages. */
dlfw_status h5_dataset_derive(struct h5_source *s, uint64_t place, struct h5_set *set);
dlfw_status h5_dataset_derive_chunks(struct h5_source *s, uint64_t place, struct h5_set *set);
/* What a data set must be to hold samples. */
dlfw_status h5_dataset_check(struct h5_source *s, uint64_t place, const struct h5_set *set);

#endif
