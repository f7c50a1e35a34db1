/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two walks: the leaves that the configuration has, then the keys of the definition that it leaves out. Sections that
 * the kind of run does not use are not looked at.
 */
#include "rules/definition.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "host/option_parse.h"
#include "rules/override_rule.h"

#define KEY_MAX 256u
#define CLOSE 1e-12

struct walk {
    const struct rule_book *book;
    struct subject *s;
    const struct benchmark *benchmark;
    definition_visit *visit;
    void *ctx;
    bool checkpoints; /* the section has an effect */
};

bool definition_equal(const char *a, const char *b)
{
    size_t len_a, len_b;
    double x = 0, y = 0;
    uint8_t p = 0, q = 0;
    struct error_slot err;

    error_slot_init(&err);
    if (!a || !b)
        return !a && !b;
    if (text_f64(a, &x, &err.e) >= 0 && text_f64(b, &y, &err.e) >= 0)
        return x == y || fabs(x - y) <= CLOSE * fabs(y);
    if (text_bool(a, &p, &err.e) >= 0 && text_bool(b, &q, &err.e) >= 0)
        return p == q;
    len_a = strlen(a);
    len_b = strlen(b);
    len_a -= len_a > 1 && a[len_a - 1] == '/';
    len_b -= len_b > 1 && b[len_b - 1] == '/';
    return len_a == len_b && memcmp(a, b, len_a) == 0;
}

static bool is_below(const char *key, const char *section)
{
    size_t len = strlen(section);

    return strncmp(key, section, len) == 0 && (key[len] == '.' || key[len] == '\0');
}

static bool matters(const struct walk *w, const char *key)
{
    static const char *const used[KIND_COUNT][8] = {
        [KIND_CHECKPOINTING] = {"framework", "model", "checkpoint", "storage", "hooks"},
        [KIND_GENERATION] = {"framework", "dataset", "storage", "content"},
    };

    if (w->s->kind == KIND_TRAINING)
        return w->checkpoints || !is_below(key, "checkpoint");
    for (const char *const *section = used[w->s->kind]; *section; section++)
        if (is_below(key, *section))
            return true;
    return false;
}

static void compare_key(const struct walk *w, const char *key)
{
    const char *stock = benchmark_value(w->benchmark, key), *value = subject_value(w->book, w->s, key);
    const struct rule_book *book = w->book;
    struct subject nothing = {0};

    if (!matters(w, key) || (!stock && override_is_neutral(key)))
        return;
    if (!stock)
        stock = subject_value(book, &nothing, key);
    if (definition_equal(value, stock))
        goto out;
    if (value && node_is_secret(strrchr(key, '.') ? strrchr(key, '.') + 1 : key, value))
        value = "***";
    w->visit(w->ctx, key, value, stock ? arena_format(&w->s->findings.arena, "%s", stock) : NULL);
out:
    findings_free(&nothing.findings);
}

static void walk_tree(const struct walk *w, const dlfw_node *map, const char *path)
{
    for (uint32_t i = 0; i < map->count; i++) {
        const dlfw_node *value = map->pairs[i].value;
        const char *name = map->pairs[i].key;
        char key[KEY_MAX];

        if (!path[0] && strcmp(name, "reader") == 0 && node_get(map, "data_reader"))
            continue; /* it has no effect */
        if (!path[0] && strcmp(name, "data_reader") == 0)
            name = "reader";
        snprintf(key, sizeof key, "%s%s%s", path, path[0] ? "." : "", name);
        if (value->kind == DLFW_NODE_MAP && !(value->count == 1 && node_get(value, "mean")))
            walk_tree(w, value, key);
        else if (!node_is_null(value))
            compare_key(w, key);
    }
}

static void walk_absent(const struct walk *w, const struct stock_value *list)
{
    for (; list->key; list++)
        if (node_is_null(subject_node(w->s, list->key)))
            compare_key(w, list->key);
}

void definition_compare(const struct rule_book *book, struct subject *s, const struct benchmark *benchmark,
                        definition_visit *visit, void *ctx)
{
    const struct walk w = {.book = book,
                           .s = s,
                           .benchmark = benchmark,
                           .visit = visit,
                           .ctx = ctx,
                           .checkpoints = subject_flag(book, s, "workflow.checkpoint")};

    if (!s->cfg.tree.root)
        return;
    walk_tree(&w, s->cfg.tree.root, "");
    walk_absent(&w, benchmark->own);
    walk_absent(&w, benchmark->common);
}
