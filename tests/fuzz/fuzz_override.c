/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts, each ended by a NUL, as the overrides of one command line and as values. Invariant: an override that is
 * refused leaves the tree as it was, and a tree that overrides made can be stored and read back.
 */
#include <stdlib.h>
#include <string.h>

#include "config/override.h"
#include "config/yaml_read.h"
#include "finding.h"

static const char start[] = "reader: {batch_size: 4, data_loader: pytorch}\n"
                            "train: {computation_time: {mean: 0.5, stdev: 0.1}, epochs: 5}\n"
                            "dataset: {record_dims: [1, 2, 3]}\n"
                            "hooks: [{metrics: {file: x}}, {slowest: {}}]\n"
                            "storage: {secret_access_key: sesame}\n";

enum { OVERRIDES_MAX = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_known(const char *path)
{
    return strcmp(path, "train.seed") == 0 || strcmp(path, "model.name") == 0;
}

static void apply(struct node_tree *tree, const char *text, uint32_t number)
{
    struct str before = STR_EMPTY, after = STR_EMPTY;
    struct error_slot slot;

    error_slot_init(&slot);
    node_print_yaml(tree->root, &before);
    if (override_apply(tree, text, number, is_known, &slot.e) >= 0) {
        tree_reads_back(tree->root);
    } else {
        message_is_one_line(slot.text);
        node_print_yaml(tree->root, &after);
        DLFW_BUG_IF(strcmp(before.data, after.data) != 0);
    }
    str_free(&before);
    str_free(&after);
}

static void read_value(const char *text)
{
    const struct node_place place = {.file = "value"};
    struct node_tree tree = {.root = NULL};
    dlfw_node *value = NULL;
    struct error_slot slot;

    error_slot_init(&slot);
    if (override_value(&tree, text, place, &value, &slot.e) >= 0) {
        DLFW_BUG_IF(!value);
        tree_reads_back(value);
    } else {
        DLFW_BUG_IF(value);
        message_is_one_line(slot.text);
    }
    node_tree_free(&tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *texts = xstrndup((const char *)data, size);
    struct node_tree tree = {.root = NULL};
    uint32_t number = 0;

    DLFW_BUG_IF(yaml_read_text("start", start, sizeof start - 1, &tree, NULL) < 0);
    for (const char *text = texts; text < texts + size && number < OVERRIDES_MAX; text += strlen(text) + 1) {
        number++;
        if (!override_is_hydra(text))
            apply(&tree, text, number);
        read_value(text);
    }
    node_tree_free(&tree);
    free(texts);
    return 0;
}
