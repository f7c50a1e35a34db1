/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value side of an override: Hydra's lexical rules, which differ from YAML's (on the command line off, on, yes and
 * no stay text, and a comma outside brackets is a sweep).
 */
#include <string.h>
#include <strings.h>

#include "config/override.h"

#define VALUE_MAX_DEPTH 32u

struct scan {
    struct node_tree *tree;
    struct node_place place;
    const char *at;
    uint32_t depth;
};

static dlfw_status scan_value(struct scan *s, const char *stops, dlfw_node **ret, dlfw_error *err);

static void skip_blanks(struct scan *s)
{
    s->at += strspn(s->at, " \t");
}

/* Text that YAML 1.1 would read as a boolean or as null, but that is text on the command line. */
static bool is_yaml_word(const char *text)
{
    static const char *const words[] = {"", "~", "y", "n", "yes", "no", "on", "off"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

static dlfw_node *bare_node(struct scan *s, const char *text, size_t len)
{
    dlfw_node *node;

    if (strcasecmp(text, "null") == 0)
        return node_new(s->tree, DLFW_NODE_NULL, s->place);
    if (strcasecmp(text, "true") == 0)
        return node_new_scalar(s->tree, "true", 4, s->place);
    if (strcasecmp(text, "false") == 0)
        return node_new_scalar(s->tree, "false", 5, s->place);
    node = node_new_scalar(s->tree, text, len, s->place);
    node->quoted = is_yaml_word(text);
    return node;
}

static dlfw_status scan_quoted(struct scan *s, struct str *out, dlfw_error *err)
{
    char quote = *s->at++;

    for (; *s->at != quote; s->at++) {
        if (*s->at == '\\' && (s->at[1] == quote || s->at[1] == '\\'))
            s->at++;
        if (*s->at == '\0')
            return dlfw_fail(err, DLFW_E_CONFIG, "the quote %c is not closed", quote);
        str_add_len(out, s->at, 1);
    }
    s->at++;
    return DLFW_OK;
}

/* "${...}" as it stands, with whatever is nested in it. */
static dlfw_status scan_interpolation(struct scan *s, struct str *out, dlfw_error *err)
{
    const char *start = s->at;
    uint32_t open = 0;

    do {
        if (*s->at == '\0')
            return dlfw_fail(err, DLFW_E_CONFIG, "'${' is not closed");
        open += *s->at == '{';
        open -= *s->at == '}';
        s->at++;
    } while (open || s->at < start + 2);
    str_add_len(out, start, (size_t)(s->at - start));
    return DLFW_OK;
}

static dlfw_status refuse_char(char c, dlfw_error *err)
{
    if (c == ',')
        return dlfw_fail(
            err, DLFW_E_CONFIG,
            "a comma outside brackets is a sweep, and one run has one value; write '\\,' or quote the value");
    if (c == '(' || c == ')')
        return dlfw_fail(err, DLFW_E_CONFIG,
                         "functions are not supported; for plain text write '\\%c' or quote the value", c);
    return dlfw_fail(err, DLFW_E_CONFIG, "unexpected '%c'; write '\\%c' or quote the value", c, c);
}

/* Unquoted text up to one of stops (not taken) or the end. */
static dlfw_status scan_bare(struct scan *s, const char *stops, struct str *out, dlfw_error *err)
{
    size_t solid = 0; /* length without trailing blanks, escaped ones excepted */
    dlfw_status st;

    while (*s->at != '\0' && !strchr(stops, *s->at)) {
        char c = *s->at;

        if (c == '\\' && s->at[1] && strchr(",=:()[]{}'\"\\ \t", s->at[1])) {
            str_add_len(out, s->at + 1, 1);
            s->at += 2;
            solid = out->len;
            continue;
        }
        if (c == '$' && s->at[1] == '{') {
            st = scan_interpolation(s, out, err);
            if (st < 0)
                return st;
            solid = out->len;
            continue;
        }
        if (strchr(",()[]{}'\"", c))
            return refuse_char(c, err);
        str_add_len(out, s->at++, 1);
        if (c != ' ' && c != '\t')
            solid = out->len;
    }
    if (out->len > solid) {
        out->len = solid;
        out->data[solid] = '\0';
    }
    return DLFW_OK;
}

static dlfw_status scan_scalar(struct scan *s, const char *stops, dlfw_node **ret, dlfw_error *err)
{
    bool quoted = *s->at == '\'' || *s->at == '"';
    struct str text = STR_EMPTY;
    dlfw_status st = quoted ? scan_quoted(s, &text, err) : scan_bare(s, stops, &text, err);

    if (st >= 0 && quoted) {
        *ret = node_new_scalar(s->tree, text.data, text.len, s->place);
        (*ret)->quoted = true;
    } else if (st >= 0) {
        *ret = bare_node(s, text.data, text.len);
    }
    str_free(&text);
    return st;
}

static dlfw_status scan_pair(struct scan *s, dlfw_node *map, dlfw_error *err)
{
    dlfw_node *key = NULL, *value = NULL;
    dlfw_status st = scan_scalar(s, ":,}", &key, err);

    if (st < 0)
        return st;
    skip_blanks(s);
    if (*s->at != ':')
        return dlfw_fail(err, DLFW_E_CONFIG, "a mapping is written {key:value, ...}");
    if (key->kind != DLFW_NODE_SCALAR || !key->text_len)
        return dlfw_fail(err, DLFW_E_CONFIG, "a mapping needs a key before ':'");
    if (node_get(map, key->text))
        return dlfw_fail(err, DLFW_E_CONFIG, "duplicate key '%s'", key->text);
    s->at++;
    st = scan_value(s, ",}", &value, err);
    if (st >= 0)
        node_append(s->tree, map, key->text, s->place, value);
    return st;
}

static dlfw_status scan_item(struct scan *s, dlfw_node *list, dlfw_error *err)
{
    dlfw_node *value = NULL;
    dlfw_status st;

    if (*s->at == ',' || *s->at == ']')
        return dlfw_fail(err, DLFW_E_CONFIG, "an item is missing before '%c'", *s->at);
    st = scan_value(s, ",]", &value, err);
    if (st >= 0)
        node_append(s->tree, list, NULL, s->place, value);
    return st;
}

static dlfw_status scan_container(struct scan *s, dlfw_node **ret, dlfw_error *err)
{
    bool map = *s->at++ == '{';
    char end = map ? '}' : ']';
    dlfw_node *node = node_new(s->tree, map ? DLFW_NODE_MAP : DLFW_NODE_LIST, s->place);

    if (++s->depth > VALUE_MAX_DEPTH)
        return dlfw_fail(err, DLFW_E_CONFIG, "more than %u levels", VALUE_MAX_DEPTH);
    skip_blanks(s);
    if (*s->at == end) {
        s->at++;
    } else {
        char c;

        do {
            dlfw_status st;

            skip_blanks(s);
            st = map ? scan_pair(s, node, err) : scan_item(s, node, err);
            if (st < 0)
                return st;
            skip_blanks(s);
            c = *s->at;
            if (c == '\0')
                return dlfw_fail(err, DLFW_E_CONFIG, "'%c' is missing at the end", end);
            if (c != ',' && c != end)
                return dlfw_fail(err, DLFW_E_CONFIG, "expected ',' or '%c', not '%s'", end, s->at);
            s->at++;
        } while (c == ',');
    }
    s->depth--;
    *ret = node;
    return DLFW_OK;
}

static dlfw_status scan_value(struct scan *s, const char *stops, dlfw_node **ret, dlfw_error *err)
{
    skip_blanks(s);
    if (*s->at == '[' || *s->at == '{')
        return scan_container(s, ret, err);
    return scan_scalar(s, stops, ret, err);
}

dlfw_status override_value(struct node_tree *tree, const char *text, struct node_place place, dlfw_node **ret,
                           dlfw_error *err)
{
    struct scan s = {.tree = tree, .place = place, .at = text};
    dlfw_node *node = NULL;
    dlfw_status st = override_check_text(text, err);

    if (st >= 0)
        st = scan_value(&s, "", &node, err);
    if (st < 0)
        return st;
    skip_blanks(&s);
    if (*s.at != '\0')
        return *s.at == ',' ? refuse_char(',', err) : dlfw_fail(err, DLFW_E_CONFIG, "text after the value: '%s'", s.at);
    *ret = node;
    return DLFW_OK;
}
