/* SPDX-License-Identifier: Apache-2.0 */
/* Objects and bytes per folder, of one thread; the tables of several are merged at last. Memory grows with the folders
 * that are told apart, not with the objects. */
#ifndef DLFW_CORE_CMD_USAGE_TABLE_H
#define DLFW_CORE_CMD_USAGE_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct usage {
    char *name; /* "train/", with the '/' */
    uint64_t hash;
    uint64_t objects, bytes;
};

struct usage_table {
    struct usage *items; /* name NULL: free */
    uint32_t count, room;
};

/* The row of a folder, made when it is not there yet. Valid until the next call. */
struct usage *usage_row(struct usage_table *t, const char *name, size_t name_len);
void usage_merge(struct usage_table *into, const struct usage_table *from);
/* Adds each row to those of the folders that it lies in, then puts all rows to the front, sorted by name. No row may be
 * asked for afterwards. */
void usage_finish(struct usage_table *t);
void usage_free(struct usage_table *t); /* safe on a zeroed one, and twice */

#endif
