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

/* What the sections of a configuration may hold, overrides and interpolation included, so that it can be read again
 * once it is stored: one level and two values fewer, as a stored configuration has everything below 'workload'. */
#define STORED_MAX_NODES (YAML_MAX_NODES - 2)
#define STORED_MAX_DEPTH (YAML_MAX_DEPTH - 1)

/* *tree must be zeroed or hold an earlier tree that the new one is added to (same arena, new root). An empty file gives
 * a null root. */
dlfw_status yaml_read_file(const char *path, struct node_tree *tree, dlfw_error *err);
/* name stands for the file in messages. */
dlfw_status yaml_read_text(const char *name, const char *text, size_t len, struct node_tree *tree, dlfw_error *err);

/* Refuses what a stored configuration could not hold; the place is the first one too deep, else the root's. */
dlfw_status stored_limits_check(const dlfw_node *root, dlfw_error *err);

#endif
