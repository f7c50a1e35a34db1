/* SPDX-License-Identifier: Apache-2.0 */
/* Everything below a prefix as items: the structure is kept, each name below the prefix becomes the same name behind
 * another one. */
#ifndef DLFW_CORE_TRANSFER_COPY_TREE_H
#define DLFW_CORE_TRANSFER_COPY_TREE_H

#include "transfer/copy.h"
#include "transfer/listing.h"
#include "transfer/matching.h"

struct copy_tree {
    struct storage *source;
    const char *prefix;          /* folder that is listed: "" or without '/' at its end */
    const char *to;              /* stands in front of each name: "" or ends in '/' */
    const struct matching *only; /* NULL: all */
    bool to_local;               /* names become paths: those that would not stay below are refused */
    enum copy_condition condition;
    void *ctx;
    /* False: no more. [several threads] */
    bool (*take)(void *ctx, const struct copy_item *item, const char *name, size_t name_len);
    void (*refuse)(void *ctx, const char *key, const char *why); /* [several threads] */
    void (*tick)(void *ctx);                                     /* may be NULL. [the caller's thread] */

    _Atomic uint64_t markers; /* names of groups that are kept as objects, left out */
};

/* Fails when any folder could not be listed; what the others hold has been taken. */
dlfw_status copy_tree_walk(struct copy_tree *tree, dlfw_error *err);

#endif
