/* SPDX-License-Identifier: Apache-2.0 */
/* From a sequence of YAML events to a tree: what yaml_read.c feeds. Private to config/. */
#ifndef DLFW_CORE_CONFIG_YAML_BUILD_H
#define DLFW_CORE_CONFIG_YAML_BUILD_H

#include "config/yaml_read.h"

struct yaml_anchor {
    struct yaml_anchor *next;
    const char *name;
    dlfw_node *node;
    uint32_t nodes; /* in node, itself and its keys included */
    uint64_t bytes; /* of text in them */
    uint32_t height;
};

/* A list or map that is still open. */
struct yaml_frame {
    dlfw_node *node;
    const char *anchor;
    const char *key; /* a map's key that waits for its value; NULL: a key comes next */
    struct node_place key_place;
    bool key_is_merge;
    dlfw_node *merge; /* what << named: a list of maps */
};

/* Zeroed at first; every failure is final. */
struct yaml_builder {
    struct node_tree *tree;
    dlfw_node *root; /* NULL until the document's first node */
    struct yaml_anchor *anchors;
    uint32_t anchor_count;
    uint32_t nodes;
    uint64_t bytes; /* of text, at most YAML_MAX_BYTES */
    uint32_t depth;
    struct yaml_frame stack[YAML_MAX_DEPTH];
};

dlfw_status yaml_build_scalar(struct yaml_builder *b, dlfw_node *scalar, const char *anchor, dlfw_error *err);
dlfw_status yaml_build_open(struct yaml_builder *b, uint32_t kind, const char *anchor, struct node_place place,
                            dlfw_error *err);
dlfw_status yaml_build_close(struct yaml_builder *b, dlfw_error *err);
dlfw_status yaml_build_alias(struct yaml_builder *b, const char *name, struct node_place place, dlfw_error *err);

/* dlfw_fail with "file:line:column: " in front. */
dlfw_status place_fail(struct node_place place, dlfw_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
