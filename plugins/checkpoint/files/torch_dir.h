/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of a file in PyTorch's container, read from its end and held to the plan. */
#ifndef DLFW_CHECKPOINT_TORCH_DIR_H
#define DLFW_CHECKPOINT_TORCH_DIR_H

#include "file_container.h"

#define TORCH_NO_TENSOR UINT64_MAX

struct torch_entry {
    uint64_t offset; /* of its local header */
    uint64_t bytes;
    uint64_t tensor; /* whose data it is, or TORCH_NO_TENSOR */
    uint32_t crc;
    uint32_t name_len;
};

struct torch_dir {
    struct torch_entry *entries; /* ascending, without overlap, before dir_offset; owned */
    uint64_t count;
    uint64_t offset;
};

/* Every tensor of the file is there once, with its size. */
dlfw_status torch_dir_read(const struct file_check *c, struct torch_dir *ret, dlfw_error *reterr);
void torch_dir_free(struct torch_dir *dir); /* zeroed is fine */

/* "'URI': WHAT at offset N", DLFW_E_CORRUPT */
dlfw_status torch_corrupt(const struct file_check *c, uint64_t offset, const char *what, dlfw_error *reterr);

#endif
