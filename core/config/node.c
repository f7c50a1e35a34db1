/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree itself: paths, insertion, removal, copies. Everything lives in the tree's arena; a replaced node stays there
 * until the tree goes, so pointers handed out earlier never dangle.
 */
#include "config/node.h"

#include <string.h>

#include "base/error.h"

void node_tree_free(struct node_tree *tree)
{
    if (!tree)
        return;
    arena_free(&tree->arena);
    tree->root = NULL;
}

/* The digits of a list index, or -1. */
static int64_t list_index(const char *text, size_t len)
{
    int64_t index = 0;

    if (!len || len > 9)
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        index = index * 10 + (text[i] - '0');
    }
    return index;
}

static struct node_pair *pair_of(const dlfw_node *parent, const char *key, size_t len)
{
    int64_t index;

    if (!parent)
        return NULL;
    if (parent->kind == DLFW_NODE_LIST) {
        index = list_index(key, len);
        return index >= 0 && index < parent->count ? &parent->pairs[index] : NULL;
    }
    if (parent->kind != DLFW_NODE_MAP)
        return NULL;
    for (uint32_t i = 0; i < parent->count; i++) {
        const char *have = parent->pairs[i].key;

        if (strncmp(have, key, len) == 0 && have[len] == '\0')
            return &parent->pairs[i];
    }
    return NULL;
}

/* Length of the first segment of a dotted path. */
static size_t segment(const char *path)
{
    return strcspn(path, ".");
}

dlfw_node *node_find(const dlfw_node *root, const char *path)
{
    const dlfw_node *at = root;

    for (;;) {
        size_t len = segment(path);
        struct node_pair *pair = pair_of(at, path, len);

        if (!pair)
            return NULL;
        if (path[len] == '\0')
            return pair->value;
        at = pair->value;
        path += len + 1;
    }
}

dlfw_node *node_get(const dlfw_node *map, const char *key)
{
    struct node_pair *pair = map && map->kind == DLFW_NODE_MAP ? pair_of(map, key, strlen(key)) : NULL;

    return pair ? pair->value : NULL;
}

dlfw_node *node_new(struct node_tree *tree, uint32_t kind, struct node_place place)
{
    dlfw_node *node = arena_alloc(&tree->arena, sizeof *node);

    node->kind = kind;
    node->place = place;
    return node;
}

dlfw_node *node_new_scalar(struct node_tree *tree, const char *text, size_t len, struct node_place place)
{
    dlfw_node *node = node_new(tree, DLFW_NODE_SCALAR, place);

    DLFW_BUG_IF(len >= UINT32_MAX);
    node->text = arena_strndup(&tree->arena, text, len);
    node->text_len = (uint32_t)len;
    return node;
}

static struct node_pair *pair_append(struct node_tree *tree, dlfw_node *parent)
{
    if (parent->count == parent->cap) {
        uint32_t cap = parent->cap ? parent->cap * 2 : 4;
        struct node_pair *grown = arena_alloc(&tree->arena, cap * sizeof *grown);

        if (parent->count)
            memcpy(grown, parent->pairs, parent->count * sizeof *grown);
        parent->pairs = grown;
        parent->cap = cap;
    }
    return &parent->pairs[parent->count++];
}

void node_append(struct node_tree *tree, dlfw_node *parent, const char *key, struct node_place key_place,
                 dlfw_node *value)
{
    struct node_pair *pair = pair_append(tree, parent);

    pair->key = key ? arena_strndup(&tree->arena, key, strlen(key)) : NULL;
    pair->key_place = key_place;
    pair->value = value;
}

void node_set(struct node_tree *tree, const char *path, dlfw_node *value)
{
    dlfw_node **slot = &tree->root;

    for (;;) {
        size_t len = segment(path);
        dlfw_node *parent = *slot;
        struct node_pair *pair = pair_of(parent, path, len);

        if (!pair) {
            if (!parent || parent->kind != DLFW_NODE_MAP)
                *slot = parent = node_new(tree, DLFW_NODE_MAP, value->place);
            pair = pair_append(tree, parent);
            pair->key = arena_strndup(&tree->arena, path, len);
            pair->key_place = value->place;
        }
        slot = &pair->value;
        if (path[len] == '\0')
            break;
        path += len + 1;
    }
    *slot = value;
}

bool node_remove(dlfw_node *root, const char *path)
{
    dlfw_node *at = root;

    for (;;) {
        size_t len = segment(path);
        struct node_pair *pair = pair_of(at, path, len);

        if (!pair)
            return false;
        if (path[len] == '\0') {
            struct node_pair *end = at->pairs + at->count;

            memmove(pair, pair + 1, (size_t)(end - (pair + 1)) * sizeof *pair);
            at->count--;
            return true;
        }
        at = pair->value;
        path += len + 1;
    }
}

dlfw_node *node_copy(struct node_tree *tree, const dlfw_node *node)
{
    dlfw_node *copy = arena_alloc(&tree->arena, sizeof *copy);

    *copy = *node;
    copy->used = false;
    copy->cap = node->count;
    if (!node->count)
        return copy;
    copy->pairs = arena_alloc(&tree->arena, node->count * sizeof *copy->pairs);
    for (uint32_t i = 0; i < node->count; i++) {
        copy->pairs[i] = node->pairs[i];
        copy->pairs[i].value = node_copy(tree, node->pairs[i].value);
    }
    return copy;
}

uint32_t node_count_all(const dlfw_node *node)
{
    uint32_t total = 1;

    for (uint32_t i = 0; i < node->count; i++)
        total += (node->pairs[i].key != NULL) + node_count_all(node->pairs[i].value);
    return total;
}

uint64_t node_text_all(const dlfw_node *node)
{
    uint64_t total = node->text_len;

    for (uint32_t i = 0; i < node->count; i++) {
        const struct node_pair *pair = &node->pairs[i];

        total += (pair->key ? strlen(pair->key) : 0) + node_text_all(pair->value);
    }
    return total;
}

uint32_t node_height(const dlfw_node *node)
{
    uint32_t tallest = 0;

    for (uint32_t i = 0; i < node->count; i++) {
        uint32_t height = node_height(node->pairs[i].value);

        if (height > tallest)
            tallest = height;
    }
    return tallest + (node->kind == DLFW_NODE_MAP || node->kind == DLFW_NODE_LIST);
}
