/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dlfw stores its configuration without secrets, other programs may not: what is shown is blotted out here once more.
 */
#include "view/stored_keys.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "config/yaml_read.h"

const char *without_uri_password(struct arena *arena, const char *text)
{
    const char *place = strstr(text, "://"), *at, *colon;
    size_t len;

    if (!place)
        return text;
    place += 3;
    len = strcspn(place, "/?# ");
    at = memrchr(place, '@', len);
    colon = at ? memchr(place, ':', (size_t)(at - place)) : NULL;
    if (!colon)
        return text;
    return arena_format(arena, "%.*s:***%s", (int)(colon - text), text, at);
}

static void add_key(struct arena *arena, struct stored_keys *keys, const char *key, const char *value)
{
    if (keys->count == keys->cap) {
        uint32_t cap = keys->cap ? keys->cap * 2 : 64;
        struct stored_key *items = arena_alloc(arena, cap * sizeof *items);

        if (keys->count)
            memcpy(items, keys->items, keys->count * sizeof *items);
        keys->items = items;
        keys->cap = cap;
    }
    keys->items[keys->count++] = (struct stored_key){key, without_uri_password(arena, value)};
}

static const char *value_text(struct arena *arena, const char *key, const dlfw_node *node)
{
    struct str text = STR_EMPTY;
    const char *copy;

    if (node_is_secret(key, node->text ? node->text : "x"))
        return "***";
    if (node->kind == DLFW_NODE_SCALAR)
        return arena_strndup(arena, node->text, strlen(node->text));
    node_print_flow(node, &text);
    copy = arena_strndup(arena, text.data, text.len);
    str_free(&text);
    return copy;
}

static void flatten(struct arena *arena, struct stored_keys *keys, const char *prefix, const dlfw_node *map)
{
    for (uint32_t i = 0; i < map->count; i++) {
        const struct node_pair *pair = &map->pairs[i];
        const char *key = *prefix ? arena_format(arena, "%s.%s", prefix, pair->key) : pair->key;

        if (pair->value->kind == DLFW_NODE_MAP && pair->value->count)
            flatten(arena, keys, key, pair->value);
        else
            add_key(arena, keys, arena_strndup(arena, key, strlen(key)), value_text(arena, pair->key, pair->value));
    }
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct stored_key *)a)->key, ((const struct stored_key *)b)->key);
}

dlfw_status stored_keys_read(struct arena *arena, const char *path, struct stored_keys *ret, dlfw_error *err)
{
    struct node_tree tree = {0};
    const dlfw_node *root;
    dlfw_status st = yaml_read_file(path, &tree, err);

    *ret = (struct stored_keys){0};
    if (st >= 0) {
        root = node_get(tree.root, "workload");
        root = root ? root : tree.root;
        if (root && root->kind == DLFW_NODE_MAP)
            flatten(arena, ret, "", root);
        if (ret->count)
            qsort(ret->items, ret->count, sizeof *ret->items, by_key);
    }
    node_tree_free(&tree);
    return st;
}

const char *stored_key_find(const struct stored_keys *k, const char *key)
{
    struct stored_key wanted = {.key = key};
    const struct stored_key *found = k->count ? bsearch(&wanted, k->items, k->count, sizeof *k->items, by_key) : NULL;

    return found ? found->value : NULL;
}

double stored_key_number(const struct stored_keys *k, const char *key, double fallback)
{
    const char *text = stored_key_find(k, key);
    char *end = NULL;
    double value = text ? strtod(text, &end) : fallback;

    return text && (end == text || *end || !isfinite(value)) ? fallback : value;
}
