/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a format says of a file, kept as JSON: each node {"kind", "name", "facts": {...}, "parts": [...]}, in the
 * format's order. A format may name a fact twice; its value is a list then.
 */
#ifndef DLFW_CORE_CMD_INSPECT_TREE_H
#define DLFW_CORE_CMD_INSPECT_TREE_H

#include <jansson.h>

#include "base/str.h"
#include "dlfw/format.h"

#define INSPECT_DEPTH 16u

struct inspect_tree {
    json_t *nodes[INSPECT_DEPTH]; /* the open ones; 0 is the root, which has facts and parts only */
    uint32_t depth;               /* of the innermost; may be more than are kept */
    dlfw_describe describe;       /* points to this struct */
};

void inspect_tree_begin(struct inspect_tree *t);
/* The root; the caller drops it. */
json_t *inspect_tree_end(struct inspect_tree *t);
/* The members of an object, a line each. */
void inspect_tree_facts(const json_t *facts, uint32_t indent, struct str *out);
/* Facts and parts of a node as indented text. */
void inspect_tree_text(const json_t *node, uint32_t indent, struct str *out);

#endif
