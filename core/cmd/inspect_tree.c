/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/inspect_tree.h"

#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"
#include "report/json_put.h"

#define INDENT 2u

static json_t *new_node(void)
{
    json_t *node = json_object();

    put_value(node, "facts", json_object());
    put_value(node, "parts", json_array());
    return node;
}

/* The innermost open node; NULL below what is kept. */
static json_t *current(const struct inspect_tree *t)
{
    return t->depth < INSPECT_DEPTH ? t->nodes[t->depth] : NULL;
}

static void on_begin(void *ctx, const char *kind, const char *name)
{
    struct inspect_tree *t = ctx;
    json_t *parent = current(t), *node;

    t->depth++;
    if (!parent || t->depth >= INSPECT_DEPTH)
        return;
    node = json_object();
    put_value(node, "kind", put_new_text(kind));
    put_value(node, "name", put_new_text(name ? name : ""));
    put_value(node, "facts", json_object());
    put_value(node, "parts", json_array());
    json_array_append_new(json_object_get(parent, "parts"), node);
    t->nodes[t->depth] = node;
}

static void on_end(void *ctx)
{
    struct inspect_tree *t = ctx;

    if (t->depth)
        t->depth--;
}

static void add_fact(struct inspect_tree *t, const char *key, json_t *value)
{
    json_t *node = current(t), *facts, *name, *old;

    if (!node) {
        json_decref(value);
        return;
    }
    facts = json_object_get(node, "facts");
    name = put_new_text(key); /* escaped */
    old = json_object_get(facts, json_string_value(name));
    if (!old) {
        put_value(facts, json_string_value(name), value);
    } else if (json_is_array(old)) {
        json_array_append_new(old, value);
    } else {
        json_t *list = json_array();

        json_array_append(list, old);
        json_array_append_new(list, value);
        put_value(facts, json_string_value(name), list);
    }
    json_decref(name);
}

static void on_text(void *ctx, const char *key, const char *value)
{
    add_fact(ctx, key, put_new_text(value ? value : ""));
}

static void on_number(void *ctx, const char *key, uint64_t value)
{
    /* beyond what JSON's readers keep exactly as a number, and jansson at all */
    add_fact(ctx, key, value <= INT64_MAX ? put_new_u64(value) : json_sprintf("%" PRIu64, value));
}

void inspect_tree_begin(struct inspect_tree *t)
{
    *t = (struct inspect_tree){.nodes = {new_node()}};
    t->describe = (dlfw_describe){.struct_size = sizeof t->describe,
                                  .ctx = t,
                                  .begin = on_begin,
                                  .text = on_text,
                                  .number = on_number,
                                  .end = on_end};
}

json_t *inspect_tree_end(struct inspect_tree *t)
{
    return t->nodes[0];
}

static void add_text(struct str *out, const char *text)
{
    utf8_add_escaped(out, text, strlen(text));
}

static void add_value(struct str *out, const json_t *value)
{
    size_t i;
    json_t *item;

    if (json_is_integer(value)) {
        str_add_format(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, item)
        {
            str_add(out, i ? ", " : "");
            add_value(out, item);
        }
    } else {
        add_text(out, json_string_value(value));
    }
}

void inspect_tree_facts(const json_t *facts, uint32_t indent, struct str *out)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)facts, key, value)
    {
        str_add_format(out, "%*s", (int)indent, "");
        add_text(out, key);
        str_add(out, ": ");
        add_value(out, value);
        str_add(out, "\n");
    }
}

void inspect_tree_text(const json_t *node, uint32_t indent, struct str *out)
{
    json_t *parts = json_object_get(node, "parts"), *part;
    size_t i;

    inspect_tree_facts(json_object_get(node, "facts"), indent, out);
    json_array_foreach(parts, i, part)
    {
        const char *name = json_string_value(json_object_get(part, "name"));

        str_add_format(out, "%*s", (int)indent, "");
        add_text(out, json_string_value(json_object_get(part, "kind")));
        str_add(out, *name ? " " : "");
        add_text(out, name);
        str_add(out, "\n");
        inspect_tree_text(part, indent + INDENT, out);
    }
}
