/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All members of an npz file, for people who look at it (DLFW_OBJECT_EXPLORE): each member that can be read is a unit
 * of its own then, arrays or not, so that every checksum of the archive is verified.
 */
#ifndef DLFW_NPZ_CONTENTS_H
#define DLFW_NPZ_CONTENTS_H

#include "common/npy_header.h"
#include "zip_dir.h"

#include <stdbool.h>

struct npz_entry {
    struct zip_member member;
    bool is_array;         /* by its name */
    bool has_array;        /* array is known */
    uint64_t read_as_unit; /* UINT64_MAX: encrypted, or compressed in a way that is not read */
    struct npy_header array;
    struct npy_reason reason; /* why an array is not read; empty: none */
};

struct npz_contents {
    struct npz_entry *entries; /* in the directory's order */
    uint64_t count;
    uint64_t total; /* in the directory; those behind count are not listed */
    uint64_t units;
};

/* DLFW_OK with *ret, which belongs to the caller, DLFW_NEED_IO with want[] filled, or an error. */
dlfw_status npz_contents_read(const struct zip_search *s, struct npz_contents **ret);
void npz_contents_free(struct npz_contents *c); /* NULL is fine */
struct npz_entry *npz_contents_unit(struct npz_contents *c, uint64_t unit);

void npz_entry_describe(const struct npz_entry *e, const dlfw_describe *out);

#endif
