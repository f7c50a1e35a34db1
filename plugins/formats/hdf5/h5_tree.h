/* SPDX-License-Identifier: Apache-2.0 */
/* B-trees of version 1, which index the members of old groups and the chunks of old files. */
#ifndef DLFW_HDF5_TREE_H
#define DLFW_HDF5_TREE_H

#include "h5_source.h"

enum { H5_TREE_GROUP = 0, H5_TREE_CHUNKS = 1 };

struct h5_tree {
    uint8_t type; /* H5_TREE_* */
    uint32_t key_bytes;
    void *ctx;
    /* One entry of a leaf: its key, the address that it leads to, and where the key lies. */
    dlfw_status (*entry)(void *ctx, const uint8_t *key, uint64_t child, uint64_t offset);
};

/* All entries of the leaves, in order. NEED_IO when nodes are missing; the entries seen then are to be forgotten. */
dlfw_status h5_tree_walk(struct h5_source *s, uint64_t address, const struct h5_tree *tree);

#endif
