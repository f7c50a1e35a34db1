/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a URI of the storage tools names: an object, or a folder (everything below a prefix). One rule for all schemes:
 *   as a folder, the URI is the storage's root and the key is "";
 *   as an object, the last component is the key and what stands before it is the storage's root.
 * A root keeps its last component where nothing would be left: "s3://bucket" can only be a folder, and so can "s3://".
 * "x" lies in the working directory.
 */
#ifndef DLFW_CORE_TRANSFER_LOCATION_H
#define DLFW_CORE_TRANSFER_LOCATION_H

#include "io/storage.h"

struct location {
    char *uri;  /* as given */
    char *root; /* the URI that the storage is opened on */
    char *key;  /* "": the root itself; may begin with '/' ("s3://bucket//x") or end in it ("s3://bucket/marker/") */
};

/* The URI can only name a folder, or ends in '/', which says that one is meant. */
bool location_is_folder(const char *uri);
dlfw_status location_folder(const char *uri, struct location *ret, dlfw_error *err);
dlfw_status location_object(const char *uri, struct location *ret, dlfw_error *err);
void location_free(struct location *loc); /* safe on a zeroed one, and twice */

/* URI of the object key below root, which is a location's root or the URI of a folder. Caller frees. */
char *location_join(const char *root, const char *key, size_t key_len);

/* Opens the root's storage; how gives all but the URI. Where objects are local files, repeated slashes between root and
 * key are one, and key is shortened. */
dlfw_status location_open(struct location *loc, const struct storage_args *how, struct storage **ret, dlfw_error *err);
/* That shortening alone, for further locations of the same root. */
void location_join_slashes(struct location *loc);

#endif
