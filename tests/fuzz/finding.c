/* SPDX-License-Identifier: Apache-2.0 */
#include "finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/yaml_read.h"

/* All text of a tree is bounded by that of a file, aliases included; each byte may need an escape of six. */
#define PRINT_MAX ((size_t)8 * YAML_MAX_BYTES)

void finding(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}

/* name: the key that decides whether a scalar is a secret; items of a list have their list's. */
static bool is_same(const char *name, const dlfw_node *before, const dlfw_node *after)
{
    if (before->kind != after->kind || before->count != after->count)
        return false;
    if (before->kind == DLFW_NODE_SCALAR && node_is_secret(name, before->text))
        return strcmp(after->text, "***") == 0;
    /* quotes may be added, as they only forbid other readings; they must not be lost */
    if (before->kind == DLFW_NODE_SCALAR)
        return strcmp(before->text, after->text) == 0 && (after->quoted || !before->quoted);
    for (uint32_t i = 0; i < before->count; i++) {
        const struct node_pair *a = &before->pairs[i], *b = &after->pairs[i];

        if (a->key && strcmp(a->key, b->key) != 0)
            return false;
        if (!is_same(a->key ? a->key : name, a->value, b->value))
            return false;
    }
    return true;
}

static void reads_back(const dlfw_node *root, void print(const dlfw_node *node, struct str *out))
{
    struct node_tree again = {.root = NULL};
    struct str text = STR_EMPTY;
    struct error_slot slot;

    error_slot_init(&slot);
    print(root, &text);
    if (text.len > PRINT_MAX)
        finding("a print of %zu MiB", text.len >> 20);
    /* escapes and indentation can make it larger than a file may be */
    if (text.len <= YAML_MAX_BYTES && yaml_read_text("printed", text.data, text.len, &again, &slot.e) < 0)
        finding("what was printed is refused: %s\n%s", slot.text, text.data);
    if (text.len <= YAML_MAX_BYTES && !is_same(NULL, root, again.root))
        finding("what was printed reads back as another tree:\n%s", text.data);
    node_tree_free(&again);
    str_free(&text);
}

void tree_reads_back(const dlfw_node *root)
{
    reads_back(root, node_print_yaml);
    reads_back(root, node_print_flow);
}

void message_is_one_line(const char *text)
{
    DLFW_BUG_IF(!*text);
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            finding("a message holds a control character: %s", text);
    }
}
