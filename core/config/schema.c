/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A map against a table of rows. Nothing stops at the first mistake: a key that is wrong keeps its default and becomes
 * a problem, and reading goes on.
 */
#include "config/schema.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "host/option_parse.h"

#define NEAR 3u /* edits at most between a typo and the key that is suggested */

static void *keep_in_arena(void *ctx, size_t bytes)
{
    struct node_tree *tree = ctx;

    return arena_alloc(&tree->arena, bytes);
}

static void consider(const char *key, const char *name, uint32_t *best, const char **ret)
{
    size_t shorter = strlen(key) < strlen(name) ? strlen(key) : strlen(name);
    uint32_t distance = text_distance(key, name, NEAR + 1);

    /* A third of the letters may be wrong: 'seed' is no typo of 'type'. */
    if (distance > NEAR || distance * 3 > shorter + 2 || distance >= *best)
        return;
    *best = distance;
    *ret = name;
}

const char *schema_nearest(const char *key, const dlfw_option *rows, uint32_t count, const char *const *names)
{
    uint32_t best = UINT32_MAX;
    const char *nearest = NULL;

    for (uint32_t i = 0; i < count; i++)
        consider(key, option_row(rows, i)->name, &best, &nearest);
    for (; names && *names; names++)
        consider(key, *names, &best, &nearest);
    return nearest;
}

static bool is_listed(const char *const *names, const char *key)
{
    for (; names && *names; names++)
        if (strcmp(*names, key) == 0)
            return true;
    return false;
}

static const char *dot(const char *path)
{
    return path && *path ? "." : "";
}

static void report_unknown(const struct node_pair *pair, const char *path, const char *nearest,
                           struct problem_list *problems)
{
    if (nearest)
        problem_add_at(problems, problems->strict, pair->key_place, "%s%s%s is not a known key; did you mean '%s'?",
                       path, dot(path), pair->key, nearest);
    else
        problem_add_at(problems, problems->strict, pair->key_place, "%s%s%s is not a known key", path, dot(path),
                       pair->key);
}

/* Does the user's value say what the default says anyway? */
static bool is_default(const dlfw_option *row, const dlfw_node *value)
{
    struct error_slot slot;
    double a = 0, b = 0;

    if (!row->def || value->kind != DLFW_NODE_SCALAR)
        return false;
    if (strcasecmp(row->def, value->text) == 0)
        return true;
    error_slot_init(&slot);
    if (row->type == DLFW_TYPE_BOOL) {
        uint8_t x = 0, y = 0;

        return text_bool(row->def, &x, &slot.e) >= 0 && text_bool(value->text, &y, &slot.e) >= 0 && x == y;
    }
    return text_f64(row->def, &a, &slot.e) >= 0 && text_f64(value->text, &b, &slot.e) >= 0 && !(a < b) && !(a > b);
}

static void report_effect(const dlfw_option *row, const struct node_pair *pair, const char *path,
                          struct problem_list *problems)
{
    size_t dead = strlen(SCHEMA_DEAD);

    if (strncmp(row->help, SCHEMA_DEAD, dead) == 0 && !is_default(row, pair->value))
        problem_add_at(problems, false, pair->key_place, "%s%s%s has no effect: %s", path, dot(path), pair->key,
                       row->help + dead);
    if (row->flags & DLFW_OPT_DEPRECATED)
        problem_add_at(problems, false, pair->key_place, "%s%s%s is deprecated%s%s", path, dot(path), pair->key,
                       row->replaced_by ? "; use " : "", row->replaced_by ? row->replaced_by : "");
}

static void store_list(struct node_tree *tree, const dlfw_node *value, const char *name, const dlfw_option *row,
                       void *base, struct problem_list *problems)
{
    uint32_t count = value->kind == DLFW_NODE_LIST ? value->count : 1;
    const char **items = arena_alloc(&tree->arena, (count ? count : 1) * sizeof *items);

    for (uint32_t i = 0; i < count; i++) {
        const dlfw_node *item = value->kind == DLFW_NODE_LIST ? value->pairs[i].value : value;

        items[i] = node_to_str(item);
        if (!items[i]) {
            problem_add(problems, true, item, "%s: a list of single values is wanted", name);
            return;
        }
    }
    if (row->offset != DLFW_OPT_UNBOUND)
        *(dlfw_str_list *)(void *)((char *)base + row->offset) = (dlfw_str_list){.items = items, .count = count};
}

static void store(struct node_tree *tree, const dlfw_option *row, const dlfw_node *value, const char *name, void *base,
                  struct problem_list *problems)
{
    struct error_slot slot;
    void *target = row->offset == DLFW_OPT_UNBOUND ? NULL : base;

    if (row->type == DLFW_TYPE_NODE) {
        if (target)
            *(const dlfw_node **)(void *)((char *)base + row->offset) = value;
        return;
    }
    if (row->type == DLFW_TYPE_LIST_STR) {
        store_list(tree, value, name, row, base, problems);
        return;
    }
    if (value->kind != DLFW_NODE_SCALAR) {
        problem_add(problems, true, value, "%s: a single value is wanted (%s), not a %s", name,
                    option_type_name(row->type), value->kind == DLFW_NODE_LIST ? "list" : "mapping");
        return;
    }
    error_slot_init(&slot);
    if (option_store(row, value->text, target, keep_in_arena, tree, &slot.e) < 0)
        problem_add(problems, true, value, "%s: %s", name, slot.text);
}

static void read_pair(struct node_tree *tree, const struct node_pair *pair, const char *path, const dlfw_option *row,
                      void *base, struct problem_list *problems)
{
    pair->value->used = true;
    if (node_is_null(pair->value))
        return;
    report_effect(row, pair, path, problems);
    store(tree, row, pair->value, arena_format(&tree->arena, "%s%s%s", path, dot(path), pair->key), base, problems);
}

static void check_required(const dlfw_node *map, const char *path, const dlfw_option *rows, uint32_t count,
                           struct problem_list *problems)
{
    for (uint32_t i = 0; i < count; i++) {
        const dlfw_option *row = option_row(rows, i);

        if ((row->flags & DLFW_OPT_REQUIRED) && node_is_null(node_get(map, row->name)))
            problem_add(problems, true, map, "%s%s%s is required: %s", path, dot(path), row->name, row->help);
    }
}

void schema_fill(struct node_tree *tree, const dlfw_node *map, const char *path, const dlfw_option *rows,
                 uint32_t count, const char *const *also_known, void *base, struct problem_list *problems)
{
    struct error_slot slot;

    error_slot_init(&slot);
    if (option_store_defaults(rows, count, base, keep_in_arena, tree, &slot.e) < 0)
        problem_add(problems, true, map, "%s: %s", path, slot.text);
    if (!node_is_null(map) && map->kind != DLFW_NODE_MAP) {
        problem_add(problems, true, map, "%s: a mapping of keys is wanted here", path);
        return;
    }
    check_required(map, path, rows, count, problems);
    for (uint32_t i = 0; map && i < map->count; i++) {
        const struct node_pair *pair = &map->pairs[i];
        const dlfw_option *row = option_find(rows, count, pair->key);

        if (row)
            read_pair(tree, pair, path, row, base, problems);
        else if (!is_listed(also_known, pair->key))
            report_unknown(pair, path, schema_nearest(pair->key, rows, count, also_known), problems);
        pair->value->used = true;
    }
}

void schema_report_unused(const dlfw_node *map, const char *path, struct problem_list *problems)
{
    for (uint32_t i = 0; map && i < map->count; i++) {
        const struct node_pair *pair = &map->pairs[i];
        char *below;

        if (!pair->value->used && pair->key) {
            report_unknown(pair, path, NULL, problems);
            continue;
        }
        below = pair->key ? xformat("%s%s%s", path, dot(path), pair->key) : xformat("%s[%u]", path, i);
        schema_report_unused(pair->value, below, problems);
        free(below);
    }
}
