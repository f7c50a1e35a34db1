/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ${...} in strings. Every node is expanded once and then marked, so text that came out of an expansion (an environment
 * variable's value, say) is never expanded again; bytes, nodes and nesting are bounded, so no file can blow up.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/utf8.h"
#include "config/override.h"
#include "config/yaml_read.h"

#define TEXT_MAX 65536u
#define CHAIN_MAX 64u
#define REFERENCES_MAX 4096u

/* The nodes whose expansion is under way, innermost first. */
struct chain {
    const struct chain *outer;
    const dlfw_node *node;
    uint32_t length;
};

struct expansion {
    struct node_tree *tree;
    struct tm now;
    uint64_t bytes;
    uint32_t nodes;
    uint32_t references; /* of keys, each a search through the tree */
};

/* What one ${...} stands for. */
struct outcome {
    const dlfw_node *node;   /* a node of the tree */
    char *text;              /* else text (owned), or NULL for null */
    const char *environment; /* the variable that text came from */
};

static dlfw_status expand_node(struct expansion *x, dlfw_node *node, const struct chain *outer, dlfw_error *err);
static dlfw_status expand_text(struct expansion *x, const char *text, size_t len, const struct chain *chain,
                               uint32_t depth, struct str *out, dlfw_error *err);

/* The '}' that closes the "${" at text; NULL when there is none. */
static const char *closing(const char *text, const char *end)
{
    uint32_t open = 0;

    for (const char *c = text + 1; c < end; c++) {
        if (*c == '{')
            open++;
        else if (*c == '}' && --open == 0)
            return c;
    }
    return NULL;
}

/* By its look: what shells and Python expect in ${...}. */
static bool is_variable(const char *name)
{
    return *name && strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == strlen(name);
}

static dlfw_status resolve_path(struct expansion *x, const char *expr, const struct chain *chain, struct outcome *ret,
                                dlfw_error *err)
{
    const char *path = strncmp(expr, "workload.", 9) == 0 ? expr + 9 : expr;
    dlfw_node *target;
    dlfw_status st;

    if (path[0] == '.')
        return node_fail(chain->node, err, DLFW_E_CONFIG, "'${%s}': write the whole path, as in ${train.epochs}", expr);
    if (++x->references > REFERENCES_MAX)
        return node_fail(chain->node, err, DLFW_E_CONFIG, "more than %u references to keys in one file",
                         REFERENCES_MAX);
    target = *path ? node_find(x->tree->root, path) : NULL;
    if (!target)
        return node_fail(chain->node, err, DLFW_E_CONFIG, "'${%s}': there is no key '%s'%s%s%s", expr, path,
                         is_variable(path) ? "; an environment variable is ${oc.env:" : "",
                         is_variable(path) ? path : "", is_variable(path) ? "}" : "");
    st = expand_node(x, target, chain, err);
    if (st < 0)
        return st;
    if (node_is_null(target))
        *ret = (struct outcome){0};
    else
        *ret = (struct outcome){.node = target};
    return DLFW_OK;
}

/* A default in ${oc.env:NAME,default}: quotes are taken off, an unquoted null is null. */
static char *default_text(const char *text)
{
    size_t len = strlen(text);

    while (len && text[len - 1] == ' ')
        len--;
    if (len >= 2 && (text[0] == '\'' || text[0] == '"') && text[len - 1] == text[0])
        return xstrndup(text + 1, len - 2);
    return len == 4 && strncmp(text, "null", 4) == 0 ? NULL : xstrndup(text, len);
}

/* Text from outside of the file, which nobody has checked yet. */
static dlfw_status check_text(const char *text, const char *what, const struct chain *chain, dlfw_error *err)
{
    size_t len = strlen(text), valid = utf8_valid(text, len);

    if (valid < len)
        return node_fail(chain->node, err, DLFW_E_CONFIG, "%s: byte %zu of its value is not valid UTF-8", what,
                         valid + 1);
    return DLFW_OK;
}

static dlfw_status resolve_environment(struct expansion *x, const char *argument, const struct chain *chain,
                                       struct outcome *ret, dlfw_error *err)
{
    size_t len = strcspn(argument, ",");
    char *name = arena_strndup(&x->tree->arena, argument, len);
    const char *value = getenv(name);

    if (value) {
        dlfw_status st = check_text(value, name, chain, err);

        if (st >= 0)
            *ret = (struct outcome){.text = xstrdup(value), .environment = name};
        return st;
    }
    if (argument[len] == '\0')
        return node_fail(chain->node, err, DLFW_E_CONFIG,
                         "the environment variable '%s' is not set; set it or write ${oc.env:%s,default}", name, name);
    argument += len + 1;
    argument += strspn(argument, " ");
    *ret = (struct outcome){.text = default_text(argument)};
    return DLFW_OK;
}

static dlfw_status resolve_now(struct expansion *x, const char *format, const struct chain *chain, struct outcome *ret,
                               dlfw_error *err)
{
    char text[256];
    size_t len;
    dlfw_status st;

    /* The format is the user's, so no compiler can check it; strftime takes no arguments that it could misread. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    len = strftime(text, sizeof text, format, &x->now);
#pragma GCC diagnostic pop
    if (!len)
        return node_fail(chain->node, err, DLFW_E_CONFIG, "'${now:%s}' gives no text or too much", format);
    st = check_text(text, "'${now:...}'", chain, err);
    if (st < 0)
        return st;
    *ret = (struct outcome){.text = xstrdup(text)};
    return DLFW_OK;
}

/* expr: what stands between the braces, nested ${...} already expanded. */
static dlfw_status resolve(struct expansion *x, const char *expr, const struct chain *chain, struct outcome *ret,
                           dlfw_error *err)
{
    size_t name = strcspn(expr, ":");

    if (expr[name] != ':')
        return resolve_path(x, expr, chain, ret, err);
    if (name == 6 && strncmp(expr, "oc.env", 6) == 0)
        return resolve_environment(x, expr + 7, chain, ret, err);
    if (name == 3 && strncmp(expr, "now", 3) == 0)
        return resolve_now(x, expr + 4, chain, ret, err);
    return node_fail(chain->node, err, DLFW_E_CONFIG,
                     "'${%s}': '%.*s' is not known; there are oc.env, now and key paths", expr, (int)name, expr);
}

static dlfw_status evaluate(struct expansion *x, const char *expr, size_t len, const struct chain *chain,
                            uint32_t depth, struct outcome *ret, dlfw_error *err)
{
    struct str inner = STR_EMPTY;
    dlfw_status st = expand_text(x, expr, len, chain, depth + 1, &inner, err);

    if (st >= 0)
        st = resolve(x, inner.data, chain, ret, err);
    str_free(&inner);
    return st;
}

static dlfw_status add_text(struct expansion *x, const char *text, size_t len, const struct chain *chain,
                            struct str *out, dlfw_error *err)
{
    x->bytes += len;
    if (out->len + len > TEXT_MAX || x->bytes > YAML_MAX_BYTES)
        return node_fail(chain->node, err, DLFW_E_CONFIG, "the text becomes longer than %u bytes",
                         x->bytes > YAML_MAX_BYTES ? YAML_MAX_BYTES : TEXT_MAX);
    str_add_len(out, text, len);
    return DLFW_OK;
}

/* Puts one outcome into the middle of a text: only single values fit there. */
static dlfw_status add_outcome(struct expansion *x, const struct outcome *o, const char *expr, size_t len,
                               const struct chain *chain, struct str *out, dlfw_error *err)
{
    const char *text = o->node ? o->node->text : o->text;

    if (o->node && o->node->kind != DLFW_NODE_SCALAR)
        return node_fail(chain->node, err, DLFW_E_CONFIG, "'%.*s' is a list or mapping and cannot be part of a text",
                         (int)len, expr);
    if (!text)
        return node_fail(chain->node, err, DLFW_E_CONFIG, "'%.*s' is null and cannot be part of a text", (int)len,
                         expr);
    return add_text(x, text, strlen(text), chain, out, err);
}

static dlfw_status expand_text(struct expansion *x, const char *text, size_t len, const struct chain *chain,
                               uint32_t depth, struct str *out, dlfw_error *err)
{
    const char *end = text + len;
    dlfw_status st = DLFW_OK;

    if (depth > CHAIN_MAX)
        return node_fail(chain->node, err, DLFW_E_CONFIG, "'${' nested more than %u times", CHAIN_MAX);
    while (st >= 0 && text < end) {
        struct outcome o = {0};
        const char *close;

        if (end - text >= 3 && strncmp(text, "\\${", 3) == 0) {
            st = add_text(x, "${", 2, chain, out, err);
            text += 3;
            continue;
        }
        if (text[0] != '$' || end - text < 2 || text[1] != '{') {
            st = add_text(x, text++, 1, chain, out, err);
            continue;
        }
        close = closing(text, end);
        if (!close)
            return node_fail(chain->node, err, DLFW_E_CONFIG, "'${' is not closed");
        st = evaluate(x, text + 2, (size_t)(close - text) - 2, chain, depth, &o, err);
        if (st >= 0)
            st = add_outcome(x, &o, text, (size_t)(close - text) + 1, chain, out, err);
        free(o.text);
        text = close + 1;
    }
    return st;
}

/* "${a.b}" and nothing around it: the value itself, a list or mapping included. */
static dlfw_status replace_whole(struct expansion *x, dlfw_node *node, const struct chain *chain, dlfw_error *err)
{
    struct node_place place = node->place;
    struct outcome o = {0};
    dlfw_status st = evaluate(x, node->text + 2, node->text_len - 3, chain, 0, &o, err);

    if (st < 0)
        return st;
    if (o.node) {
        dlfw_node *copy;

        x->nodes += node_count_all(o.node);
        x->bytes += node_text_all(o.node);
        if (x->nodes > YAML_MAX_NODES)
            return node_fail(node, err, DLFW_E_CONFIG, "more than %u values", YAML_MAX_NODES);
        if (node_height(o.node) > STORED_MAX_DEPTH)
            return node_fail(node, err, DLFW_E_CONFIG, "more than %u levels", STORED_MAX_DEPTH);
        if (x->bytes > YAML_MAX_BYTES)
            return node_fail(node, err, DLFW_E_CONFIG, "the text becomes longer than %u bytes", YAML_MAX_BYTES);
        copy = node_copy(x->tree, o.node);
        *node = *copy;
    } else if (o.text) {
        x->bytes += strlen(o.text);
        if (x->bytes > YAML_MAX_BYTES) {
            free(o.text);
            return node_fail(node, err, DLFW_E_CONFIG, "the text becomes longer than %u bytes", YAML_MAX_BYTES);
        }
        node->text = arena_strndup(&x->tree->arena, o.text, strlen(o.text));
        node->text_len = (uint32_t)strlen(o.text);
        node->quoted = false;
        node->environment = o.environment;
    } else {
        node->kind = DLFW_NODE_NULL;
        node->text = NULL;
        node->text_len = 0;
    }
    node->place = place;
    free(o.text);
    return DLFW_OK;
}

static dlfw_status expand_scalar(struct expansion *x, dlfw_node *node, const struct chain *chain, dlfw_error *err)
{
    struct str out = STR_EMPTY;
    const char *end = node->text + node->text_len;
    dlfw_status st;

    if (strncmp(node->text, "${", 2) == 0 && closing(node->text, end) == end - 1)
        return replace_whole(x, node, chain, err);
    st = expand_text(x, node->text, node->text_len, chain, 0, &out, err);
    if (st >= 0) {
        node->text = arena_strndup(&x->tree->arena, out.data, out.len);
        node->text_len = (uint32_t)out.len;
    }
    str_free(&out);
    return st;
}

/* "b -> a -> b" would need the nodes' paths, which they do not know; their places say the same. */
static dlfw_status fail_circular(const dlfw_node *node, const struct chain *outer, dlfw_error *err)
{
    char where[128];

    node_where(outer->node, where, sizeof where);
    return node_fail(node, err, DLFW_E_CONFIG, "'%s' is circular: it needs itself%s%s", node->text,
                     outer->node == node ? "" : " by way of ", outer->node == node ? "" : where);
}

static dlfw_status expand_node(struct expansion *x, dlfw_node *node, const struct chain *outer, dlfw_error *err)
{
    struct chain chain = {.outer = outer, .node = node, .length = outer ? outer->length + 1 : 1};
    dlfw_status st;

    for (uint32_t i = 0; i < node->count; i++) {
        st = expand_node(x, node->pairs[i].value, outer, err);
        if (st < 0)
            return st;
    }
    if (node->kind != DLFW_NODE_SCALAR || node->expanded)
        return DLFW_OK;
    if (!strstr(node->text, "${")) {
        node->expanded = true;
        return DLFW_OK;
    }
    for (const struct chain *c = outer; c; c = c->outer)
        if (c->node == node)
            return fail_circular(node, outer, err);
    if (chain.length > CHAIN_MAX)
        return node_fail(node, err, DLFW_E_CONFIG, "more than %u values that need one another", CHAIN_MAX);
    st = expand_scalar(x, node, &chain, err);
    /* Also after a failure: it has been told, and whoever walks by again must not tell it twice. */
    node->expanded = true;
    return st;
}

/* Goes on after a failure, so that all of them are reported. */
static dlfw_status expand_all(struct expansion *x, dlfw_node *node, struct problem_list *problems)
{
    dlfw_status worst = DLFW_OK;
    struct error_slot slot;

    if (!node->count) {
        error_slot_init(&slot);
        worst = expand_node(x, node, NULL, &slot.e);
        if (worst < 0)
            problem_add_error(problems, &slot.e);
        return worst;
    }
    for (uint32_t i = 0; i < node->count; i++)
        if (expand_all(x, node->pairs[i].value, problems) < 0)
            worst = DLFW_E_CONFIG;
    return worst;
}

dlfw_status interpolate_node(struct node_tree *tree, dlfw_node *node, struct problem_list *problems)
{
    struct expansion x = {.tree = tree};
    time_t now = time(NULL);

    localtime_r(&now, &x.now);
    return expand_all(&x, node, problems);
}

dlfw_status interpolate_tree(struct node_tree *tree, struct problem_list *problems)
{
    struct error_slot slot;
    dlfw_status st = tree->root ? interpolate_node(tree, tree->root, problems) : DLFW_OK;

    /* after a failure there is nothing that could be stored */
    if (st < 0 || !tree->root)
        return st;
    error_slot_init(&slot);
    st = stored_limits_check(tree->root, &slot.e);
    if (st < 0)
        problem_add_error(problems, &slot.e);
    return st;
}
