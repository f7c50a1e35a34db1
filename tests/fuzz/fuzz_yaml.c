/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a run file: refused with a message, or a tree that reads back from its own print. */
#include "config/yaml_read.h"
#include "finding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct node_tree tree = {.root = NULL};
    struct error_slot slot;

    error_slot_init(&slot);
    if (yaml_read_text("input", (const char *)data, size, &tree, &slot.e) >= 0) {
        tree_reads_back(tree.root);
    } else {
        DLFW_BUG_IF(tree.root);
        message_is_one_line(slot.text);
    }
    node_tree_free(&tree);
    return 0;
}
