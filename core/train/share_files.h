/* SPDX-License-Identifier: Apache-2.0 */
/* One rank lists the dataset, the others are told: listing costs the storage the same for any number of ranks. */
#ifndef DLFW_CORE_TRAIN_SHARE_FILES_H
#define DLFW_CORE_TRAIN_SHARE_FILES_H

#include "ranks/ranks.h"
#include "workload/file_list.h"

/* list: filled on rank 0, becomes the same list on all others. Collective. */
dlfw_status share_file_list(struct ranks *ranks, const struct dataset *ds, const char *extension,
                            struct file_list *list, dlfw_error *err);

#endif
