/* SPDX-License-Identifier: Apache-2.0 */
/* One data set as the library sees it. */
#ifndef DLFW_HDF5_LIBRARY_SCAN_H
#define DLFW_HDF5_LIBRARY_SCAN_H

#include "h5_dataset.h"
#include "h5_vfd.h"

/* As h5_dataset_read(): fills set (zeroed but for its name) from the object at path. [locked] */
dlfw_status h5_library_scan(struct h5_source *s, hid_t file, const char *path, uint32_t what, struct h5_set *set,
                            bool *ret_is_dataset);

#endif
