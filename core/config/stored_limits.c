/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run stores the configuration that it used, and whoever repeats the run reads it back. What could not be read back
 * is refused before the run, not after it.
 */
#include "config/yaml_read.h"

/* The first list or mapping below more than depth levels; NULL: there is none. */
static const dlfw_node *too_deep(const dlfw_node *node, uint32_t depth)
{
    const dlfw_node *found = NULL;

    if (node_height(node) <= depth)
        return NULL;
    if (!depth)
        return node;
    for (uint32_t i = 0; i < node->count && !found; i++)
        found = too_deep(node->pairs[i].value, depth - 1);
    return found;
}

/* As `dlfw run` prints it. */
static size_t stored_bytes(const dlfw_node *root)
{
    struct node_pair pair = {.key = "workload", .value = (dlfw_node *)(uintptr_t)root};
    struct dlfw_node file = {.kind = DLFW_NODE_MAP, .count = 1, .cap = 1, .pairs = &pair};
    struct str text = STR_EMPTY;
    size_t bytes;

    node_print_yaml(&file, &text);
    bytes = text.len;
    str_free(&text);
    return bytes;
}

dlfw_status stored_limits_check(const dlfw_node *root, dlfw_error *err)
{
    const dlfw_node *deep = too_deep(root, STORED_MAX_DEPTH);

    if (deep)
        return node_fail(deep, err, DLFW_E_CONFIG, "more than %u levels", STORED_MAX_DEPTH);
    if (node_count_all(root) > STORED_MAX_NODES)
        return node_fail(root, err, DLFW_E_CONFIG, "more than %u values with all references replaced",
                         STORED_MAX_NODES);
    if (stored_bytes(root) > YAML_MAX_BYTES)
        return node_fail(root, err, DLFW_E_CONFIG, "larger than %u MiB with all references replaced",
                         YAML_MAX_BYTES >> 20);
    return DLFW_OK;
}
