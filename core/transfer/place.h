/* SPDX-License-Identifier: Apache-2.0 */
/* Where the root of a storage lies, so that two can be compared: does one contain the other, what have they in common?
 */
#ifndef DLFW_CORE_TRANSFER_PLACE_H
#define DLFW_CORE_TRANSFER_PLACE_H

#include "io/storage.h"

struct place {
    char *scheme;
    char *path; /* without slashes at its end; of local files absolute, with links resolved as far as it exists */
    bool is_local;
    bool is_tree; /* a root and what is below it hold the same objects */
};

/* root: a URI. caps: of the storage opened on it. */
dlfw_status place_of(const char *root, uint64_t caps, struct place *ret, dlfw_error *err);
void place_free(struct place *p);

/* inner, or the object key in it, is outer or lies below it. Keys may be "". */
bool place_contains(const struct place *outer, const char *outer_key, const struct place *inner, const char *inner_key);

/* A root that both can be reached from, for a storage that is source and target at once; NULL: there is none. *ret_a
 * and *ret_b: what to put in front of the keys, "" or ending in '/'. Caller frees all three. */
char *place_common(const struct place *a, const struct place *b, char **ret_a, char **ret_b);

#endif
