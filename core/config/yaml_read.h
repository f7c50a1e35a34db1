/* SPDX-License-Identifier: Apache-2.0 */
/* YAML text to a tree, by libyaml's events. Refused with file:line:column: duplicate keys, undefined aliases, several
 * documents, tabs as indentation, unknown tags, more than YAML_MAX_NODES nodes (aliases count as often as they are
 * used), YAML_MAX_DEPTH levels or YAML_MAX_ANCHORS anchors, files over YAML_MAX_BYTES. Merge keys (<<) are applied. */
#ifndef DLFW_CORE_CONFIG_YAML_READ_H
#define DLFW_CORE_CONFIG_YAML_READ_H

#include "config/node.h"

#define YAML_MAX_NODES 200000u
#define YAML_MAX_DEPTH 64u
#define YAML_MAX_ANCHORS 1000u
#define YAML_MAX_BYTES (16u << 20)

/* *tree must be zeroed or hold an earlier tree that the new one is added to (same arena, new root). An empty file gives
 * a null root. */
dlfw_status yaml_read_file(const char *path, struct node_tree *tree, dlfw_error *err);
/* name stands for the file in messages. */
dlfw_status yaml_read_text(const char *name, const char *text, size_t len, struct node_tree *tree, dlfw_error *err);

#endif
