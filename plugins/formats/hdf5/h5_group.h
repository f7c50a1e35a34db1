/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a group: old groups (B-tree, symbol nodes, heap of names) and new ones with their links in the header.
 */
#ifndef DLFW_HDF5_GROUP_H
#define DLFW_HDF5_GROUP_H

#include "h5_source.h"

struct h5_link {
    const char *name; /* valid until h5_source_free */
    uint32_t len;
    bool is_hard;
    uint64_t address; /* of the member's object header; hard links only */
};

struct h5_links {
    struct h5_link *items;
    uint64_t count, cap;
};

/* Links of the group whose object header is at address, ascending by name; h5_links_free() whatever was returned.
 * H5_BEYOND: they lie in a heap that only the library reads. */
dlfw_status h5_group_links(struct h5_source *s, uint64_t address, struct h5_links *ret);
void h5_links_free(struct h5_links *links);
const struct h5_link *h5_links_find(const struct h5_links *links, const char *name, size_t len);

#endif
