/* SPDX-License-Identifier: Apache-2.0 */
/* How much of the data lies in this host's page cache, asked of the kernel without reading or touching any of it
 * (docs/metrics.md). A figure that the kernel may not tell the truth about is none. */
#ifndef DLFW_CORE_TRAIN_RESIDENCY_H
#define DLFW_CORE_TRAIN_RESIDENCY_H

#include "train/train_loop.h"

/* A file of up to RESIDENCY_WINDOWS windows is looked at as a whole, a larger one at so many windows spread over it. */
#define RESIDENCY_WINDOWS 16u
#define RESIDENCY_WINDOW_PAGES 1024u

struct file_residency {
    uint64_t bytes;          /* of the file */
    uint64_t resident_bytes; /* of them in the page cache; of a large file what its windows imply */
};

/* PERMISSION: the file is another user's and may only be read, for which the kernel calls every page resident. */
dlfw_status residency_of_file(const char *path, struct file_residency *ret, dlfw_error *err);

/* Looks at files that the ranks of this host will read in that epoch, for a few tens of milliseconds, and fills
 * e->resident_*. Does nothing where reads do not go through this host's page cache. What cannot be told is a line at
 * level info: it is not the run's failure. */
void residency_note(struct train_run *run, struct epoch_record *e);

#endif
