/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key side of an override: what it does to the tree, and what it must find there.
 */
#include "config/override.h"

#include <string.h>

#include "base/error.h"
#include "base/utf8.h"
#include "config/yaml_read.h"

#define KEY_MAX 512u
#define SHOWN_MAX 120u

enum action { ACTION_CHANGE, ACTION_ADD, ACTION_FORCE, ACTION_DELETE };

static const char *after_action(const char *text, enum action *ret)
{
    if (text[0] == '~') {
        *ret = ACTION_DELETE;
        return text + 1;
    }
    if (text[0] == '+' && text[1] == '+') {
        *ret = ACTION_FORCE;
        return text + 2;
    }
    *ret = text[0] == '+' ? ACTION_ADD : ACTION_CHANGE;
    return text + (text[0] == '+');
}

bool override_is_hydra(const char *text)
{
    enum action action;
    const char *key = after_action(text, &action);

    return strncmp(key, "hydra", 5) == 0 && (key[5] == '.' || key[5] == '/' || key[5] == '=' || key[5] == '\0');
}

const char *override_shown(struct arena *arena, const char *text)
{
    size_t key_len = strcspn(text, "=");
    const char *value = text[key_len] == '=' ? text + key_len + 1 : "";
    char *key = arena_strndup(arena, text, key_len);
    const char *last = strrchr(key, '.') ? strrchr(key, '.') + 1 : key;
    bool inside = (value[0] == '{' || value[0] == '[') && node_is_secret(value, "x");

    if (!inside && !node_is_secret(last, value))
        return text;
    return arena_format(arena, "%s=***", key);
}

struct node_place override_place(struct arena *arena, const char *text, uint32_t number)
{
    const char *shown = override_shown(arena, text);
    struct str line = STR_EMPTY;
    struct node_place place;
    size_t len;

    utf8_add_escaped(&line, shown, strlen(shown));
    len = line.len > SHOWN_MAX ? SHOWN_MAX : line.len;
    while (len < line.len && ((unsigned char)line.data[len] & 0xc0) == 0x80) /* cut between characters */
        len--;
    place = (struct node_place){.file = arena_format(arena, "override %u ('%.*s%s')", number, (int)len, line.data,
                                                     len < line.len ? "..." : "")};
    str_free(&line);
    return place;
}

dlfw_status override_check_text(const char *text, dlfw_error *err)
{
    size_t len = strlen(text), at = 0, n;
    uint32_t c = 0;

    while (at < len) {
        n = utf8_decode(text + at, len - at, &c);
        if (!n)
            return dlfw_fail(err, DLFW_E_CONFIG, "byte %zu is not valid UTF-8", at + 1);
        if (utf8_is_control(c) && c != '\t')
            return dlfw_fail(err, DLFW_E_CONFIG, "byte %zu is a control character (U+%04X), which no override can hold",
                             at + 1, c);
        at += n;
    }
    return DLFW_OK;
}

/* The dotted path between the action and '=', without "workload.". */
static dlfw_status read_key(const char *key, size_t len, char *path, dlfw_error *err)
{
    bool dot_before = true;

    if (len > 9 && strncmp(key, "workload.", 9) == 0) {
        key += 9;
        len -= 9;
    } else if (len == 8 && strncmp(key, "workload", 8) == 0) {
        return dlfw_fail(err, DLFW_E_CONFIG, "the workload as a whole is chosen with workload=NAME and --config-dir");
    }
    if (len >= KEY_MAX)
        return dlfw_fail(err, DLFW_E_CONFIG, "a key of more than %u characters", KEY_MAX - 1);
    for (size_t i = 0; i < len; i++) {
        bool dot = key[i] == '.';

        if ((unsigned char)key[i] <= ' ' || strchr("+~,:@/()[]{}'\"\\$", key[i]))
            return dlfw_fail(err, DLFW_E_CONFIG, "'%c' cannot be part of a key", key[i] == '\t' ? ' ' : key[i]);
        if (dot && dot_before)
            return dlfw_fail(err, DLFW_E_CONFIG, "an empty name between the dots of the key");
        dot_before = dot;
    }
    if (dot_before)
        return dlfw_fail(err, DLFW_E_CONFIG, len ? "the key ends in a dot" : "the key is missing");
    memcpy(path, key, len);
    path[len] = '\0';
    return DLFW_OK;
}

/* A name below a list must be the index of one of its items. */
static dlfw_status check_lists(const dlfw_node *root, const char *path, dlfw_error *err)
{
    char head[KEY_MAX];

    for (const char *dot = strchr(path, '.'); dot; dot = strchr(dot + 1, '.')) {
        const dlfw_node *at;
        size_t len = (size_t)(dot - path);

        memcpy(head, path, len);
        head[len] = '\0';
        at = node_find(root, head);
        if (!at)
            return DLFW_OK;
        if (at->kind == DLFW_NODE_LIST) {
            size_t item = strcspn(dot + 1, ".");

            memcpy(head, path, len + 1 + item);
            head[len + 1 + item] = '\0';
            if (!node_find(root, head))
                return dlfw_fail(err, DLFW_E_CONFIG, "'%.*s' is a list of %u items; '%.*s' is not the number of one",
                                 (int)len, path, at->count, (int)item, dot + 1);
        }
    }
    return DLFW_OK;
}

/* The tree with value at path must still be one that can be stored and read again. */
static dlfw_status check_size(const dlfw_node *root, const char *path, const dlfw_node *value, dlfw_error *err)
{
    const dlfw_node *old = node_find(root, path);
    uint32_t levels = 1, nodes = node_count_all(value);

    for (const char *dot = strchr(path, '.'); dot; dot = strchr(dot + 1, '.'))
        levels++;
    if (levels + node_height(value) > STORED_MAX_DEPTH)
        return dlfw_fail(err, DLFW_E_CONFIG, "more than %u levels", STORED_MAX_DEPTH);
    nodes += node_count_all(root);
    nodes = old ? nodes - node_count_all(old) : nodes + 2 * levels;
    if (nodes > STORED_MAX_NODES)
        return dlfw_fail(err, DLFW_E_CONFIG, "the configuration gets more than %u values", STORED_MAX_NODES);
    return DLFW_OK;
}

static dlfw_status apply(struct node_tree *tree, const char *text, struct node_place place, override_known *known,
                         dlfw_error *err)
{
    enum action action;
    const char *key = after_action(text, &action);
    size_t len = strcspn(key, "=");
    bool has_value = key[len] == '=', exists;
    char path[KEY_MAX];
    dlfw_node *value = NULL;
    dlfw_status st = override_check_text(text, err);

    if (st >= 0)
        st = read_key(key, len, path, err);
    if (st < 0)
        return st;
    exists = node_find(tree->root, path) != NULL;
    if (action == ACTION_DELETE) {
        if (has_value)
            return dlfw_fail(err, DLFW_E_CONFIG, "a deletion takes no value; write '~%s'", path);
        return node_remove(tree->root, path)
                   ? DLFW_OK
                   : dlfw_fail(err, DLFW_E_CONFIG, "nothing to delete: '%s' is not set", path);
    }
    if (!has_value)
        return dlfw_fail(err, DLFW_E_CONFIG, "'=' is missing; an override is written key=value");
    if (action == ACTION_ADD && exists)
        return dlfw_fail(err, DLFW_E_CONFIG, "'%s' is set already; write '++%s=...' to change it", path, path);
    if (action == ACTION_CHANGE && !exists && !(known && known(path)))
        return dlfw_fail(err, DLFW_E_CONFIG, "there is no key '%s' to change; write '++%s=...' to add it", path, path);
    st = check_lists(tree->root, path, err);
    if (st < 0)
        return st;
    st = override_value(tree, key + len + 1, place, &value, err);
    if (st >= 0 && tree->root)
        st = check_size(tree->root, path, value, err);
    if (st < 0)
        return st;
    node_set(tree, path, value);
    return DLFW_OK;
}

dlfw_status override_apply(struct node_tree *tree, const char *text, uint32_t number, override_known *known,
                           dlfw_error *err)
{
    struct node_place place = override_place(&tree->arena, text, number);
    dlfw_status st = apply(tree, text, place, known, err);

    if (st < 0)
        error_prefix(err, "%s", place.file);
    return st;
}
