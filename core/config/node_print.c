/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree as YAML text. What is printed reads back to the same tree: a scalar stays plain only where plain text cannot
 * be taken for anything else. Secrets are the exception: they are never printed.
 */
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "config/node.h"

/* YAML looks for the colon behind a key for 1024 characters; longer keys are marked with '?'. */
#define SIMPLE_KEY_MAX 1000u

bool node_is_secret(const char *key, const char *text)
{
    static const char *const words[] = {"secret",      "password",    "passwd",
                                        "token",       "credential",  "access_key",
                                        "account_key", "private_key", "connection_string"};

    if (!key || !text || !*text || strncmp(text, "env:", 4) == 0 || strncmp(text, "file:", 5) == 0)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasestr(key, words[i]))
            return true;
    return false;
}

/* Text that YAML reads as something of its own when nothing quotes it. */
static bool has_meaning(const char *text, size_t len)
{
    static const char *const words[] = {"null", "~", "<<", "="};

    if (!len || text[0] == ' ' || text[len - 1] == ' ' || text[len - 1] == ':')
        return true;
    if (strchr("?:,[]{}#&*!|>'\"%@`", text[0]) || (text[0] == '-' && (len == 1 || text[1] == ' ')))
        return true;
    if (strncmp(text, "---", 3) == 0 || strncmp(text, "...", 3) == 0)
        return true;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

/* Plain YAML text that no reader takes for something else; flow style forbids a few more characters. */
static bool is_plain(const char *text, size_t len, bool flow)
{
    if (has_meaning(text, len))
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < 0x20 || c >= 0x7f || (c == ':' && text[i + 1] == ' ') || (c == '#' && i && text[i - 1] == ' '))
            return false;
        if (flow && strchr(",[]{}:", c))
            return false;
    }
    return true;
}

static void print_quoted(const char *text, size_t len, struct str *out)
{
    str_add(out, "\"");
    while (len) {
        size_t n = strcspn(text, "\"\\");

        utf8_add_escaped(out, text, n);
        if (n < len)
            str_add_format(out, "\\%c", text[n++]);
        text += n;
        len -= n;
    }
    str_add(out, "\"");
}

static void print_text(const char *text, bool quoted, bool flow, struct str *out)
{
    size_t len = strlen(text);

    if (!quoted && is_plain(text, len, flow))
        str_add_len(out, text, len);
    else
        print_quoted(text, len, out);
}

/* The key in the form that YAML wants for its length; true: the value's ':' must be set apart from it. */
static bool print_key(const char *key, bool flow, struct str *out)
{
    struct str text = STR_EMPTY;
    bool is_long;

    print_text(key, false, flow, &text);
    is_long = text.len > SIMPLE_KEY_MAX;
    if (is_long)
        str_add(out, "? ");
    str_add_len(out, text.data, text.len);
    str_free(&text);
    return is_long;
}

/* A '${' that is left after interpolation is text, and must read back as text. */
static void print_literal(const dlfw_node *node, bool flow, struct str *out)
{
    struct str text = STR_EMPTY;
    const char *at = node->text;

    for (const char *open = strstr(at, "${"); open; open = strstr(at, "${")) {
        str_add_len(&text, at, (size_t)(open - at));
        str_add(&text, "\\${");
        at = open + 2;
    }
    str_add(&text, at);
    print_text(text.data, node->quoted, flow, out);
    str_free(&text);
}

static void print_scalar(const char *key, const dlfw_node *node, bool flow, struct str *out)
{
    if (node->kind == DLFW_NODE_NULL)
        str_add(out, "null");
    else if (node_is_secret(key, node->text))
        str_add(out, "\"***\"");
    else if (node->expanded && strstr(node->text, "${"))
        print_literal(node, flow, out);
    else
        print_text(node->text, node->quoted, flow, out);
}

static void print_flow(const char *key, const dlfw_node *node, struct str *out)
{
    bool map = node->kind == DLFW_NODE_MAP;

    if (!map && node->kind != DLFW_NODE_LIST) {
        print_scalar(key, node, true, out);
        return;
    }
    str_add(out, map ? "{" : "[");
    for (uint32_t i = 0; i < node->count; i++) {
        if (i)
            str_add(out, ", ");
        if (map) {
            str_add(out, print_key(node->pairs[i].key, true, out) ? " : " : ": ");
        }
        print_flow(map ? node->pairs[i].key : key, node->pairs[i].value, out);
    }
    str_add(out, map ? "}" : "]");
}

void node_print_flow(const dlfw_node *node, struct str *out)
{
    print_flow(NULL, node, out);
}

static void print_indent(uint32_t indent, struct str *out)
{
    for (uint32_t i = 0; i < indent; i++)
        str_add(out, " ");
}

/* The pairs of a container, each on lines of its own; the first one continues the line when inlined is set. */
static void print_block(const char *key, const dlfw_node *node, uint32_t indent, bool inlined, struct str *out)
{
    for (uint32_t i = 0; i < node->count; i++) {
        const struct node_pair *pair = &node->pairs[i];
        const dlfw_node *value = pair->value;
        const char *name = pair->key ? pair->key : key;
        bool nested = value->count > 0;

        if (i || !inlined)
            print_indent(indent, out);
        if (pair->key) {
            if (print_key(pair->key, false, out)) {
                str_add(out, "\n");
                print_indent(indent, out);
            }
            str_add(out, nested ? ":\n" : ": ");
        } else {
            str_add(out, "- ");
        }
        if (nested) {
            print_block(name, value, indent + 2, !pair->key, out);
            continue;
        }
        if (value->kind == DLFW_NODE_SCALAR)
            print_scalar(name, value, false, out);
        else
            print_flow(name, value, out);
        str_add(out, "\n");
    }
}

void node_print_yaml(const dlfw_node *node, struct str *out)
{
    if (node && node->count) {
        print_block(NULL, node, 0, false, out);
        return;
    }
    if (node)
        print_flow(NULL, node, out);
    else
        str_add(out, "{}");
    str_add(out, "\n");
}
