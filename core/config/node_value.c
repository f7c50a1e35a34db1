/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed reading of one node. The text goes through the same parser as plugin options; what is added here is the place,
 * so that a message always says which line it is about.
 */
#include "config/node.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/utf8.h"
#include "host/option_parse.h"

static bool is_null_word(const char *text)
{
    return text[0] == '\0' || strcmp(text, "~") == 0 || strcasecmp(text, "null") == 0;
}

bool node_is_null(const dlfw_node *node)
{
    if (!node || node->kind == DLFW_NODE_NULL)
        return true;
    return node->kind == DLFW_NODE_SCALAR && !node->quoted && is_null_word(node->text);
}

const char *node_to_str(const dlfw_node *node)
{
    if (!node || node->kind != DLFW_NODE_SCALAR)
        return NULL;
    ((dlfw_node *)(uintptr_t)node)->used = true;
    return node->text;
}

void node_where(const dlfw_node *node, char *buf, uint32_t cap)
{
    const char *file = node && node->place.file ? node->place.file : "configuration";

    if (!cap)
        return;
    if (node && node->place.line)
        snprintf(buf, cap, "%s:%u:%u", file, node->place.line, node->place.column);
    else
        snprintf(buf, cap, "%s", file);
}

dlfw_status node_fail(const dlfw_node *node, dlfw_error *err, dlfw_status status, const char *format, ...)
{
    char where[256], text[480];
    struct str line = STR_EMPTY;
    va_list args;

    node_where(node, where, sizeof where);
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    utf8_add_escaped(&line, text, strlen(text));
    dlfw_fail(err, status, "%s: %s", where, line.data);
    str_free(&line);
    return status;
}

/* The node's text for a conversion; marks it used. */
static dlfw_status scalar_text(const dlfw_node *node, const char **ret, dlfw_error *err)
{
    if (node)
        ((dlfw_node *)(uintptr_t)node)->used = true;
    if (node_is_null(node))
        return node_fail(node, err, DLFW_E_CONFIG, "a value is missing");
    if (node->kind != DLFW_NODE_SCALAR)
        return node_fail(node, err, DLFW_E_CONFIG, "a single value is wanted here, not a %s",
                         node->kind == DLFW_NODE_LIST ? "list" : "mapping");
    *ret = node->text;
    return DLFW_OK;
}

/* One conversion per type, all of the same shape: the parser's message with the place in front. */
#define NODE_TO(name, type, parse)                                                                                     \
    dlfw_status node_to_##name(const dlfw_node *node, type *ret, dlfw_error *err)                                      \
    {                                                                                                                  \
        const char *text = NULL;                                                                                       \
        struct error_slot slot;                                                                                        \
        dlfw_status st = scalar_text(node, &text, err);                                                                \
                                                                                                                       \
        if (st < 0)                                                                                                    \
            return st;                                                                                                 \
        error_slot_init(&slot);                                                                                        \
        st = parse(text, ret, &slot.e);                                                                                \
        return st < 0 ? node_fail(node, err, DLFW_E_CONFIG, "%s", slot.text) : DLFW_OK;                                \
    }

NODE_TO(bool, uint8_t, text_bool)
NODE_TO(i64, int64_t, text_i64)
NODE_TO(u64, uint64_t, text_u64)
NODE_TO(f64, double, text_f64)
NODE_TO(size, uint64_t, text_size)
NODE_TO(duration, uint64_t, text_duration)
