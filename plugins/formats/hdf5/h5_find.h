/* SPDX-License-Identifier: Apache-2.0 */
/* From the superblock to the data sets that hold the samples. */
#ifndef DLFW_HDF5_FIND_H
#define DLFW_HDF5_FIND_H

#include "h5_file.h"
#include "h5_source.h"

/* Which data sets; and whether everything else at the root is of interest too. */
struct h5_search {
    const char *dataset; /* path of one data set; NULL: records_0 ..., else the only one with numbers */
    bool explore;
};

/*
 * Fills file, which is new. DLFW_OK, NEED_IO (file is to be thrown away), H5_BEYOND, or an error. With explore a file
 * whose samples cannot be told has no sets.
 */
dlfw_status h5_find(struct h5_source *s, const struct h5_search *search, struct h5_file *file);

/* The number of "records_<n>", UINT32_MAX when the name is another. */
uint32_t h5_record_number(const char *name, size_t len);
/* Sets of one object must agree: rows and types. Fills rows and row_bytes. */
dlfw_status h5_check_sets(struct h5_source *s, struct h5_file *file);
/* No set was chosen: "it holds no data set with numbers", or the names to choose from (as many as fit). */
dlfw_status h5_fail_choice(struct h5_source *s, const char *names, uint64_t count);
/* Adds ", 'name'" to a list of names that is cut where it gets too long. */
void h5_name_list_add(char *list, size_t cap, const char *name, size_t len);

#endif
