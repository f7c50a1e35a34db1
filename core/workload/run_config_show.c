/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dlfw config show`: walks the tables, so a key without a row cannot exist and a key with one cannot be left out. What
 * is shown is what was stored into struct run_config, not what the user wrote, wherever the two can differ.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"
#include "host/option_parse.h"
#include "workload/run_config_parts.h"

/* One key, ready to be printed. node is set where the value is a list or a mapping. */
struct entry {
    const char *key;
    const dlfw_option *row;
    const dlfw_node *node;
    bool is_set; /* false: the value is null */
    struct str value, source;
};

static bool is_text(const dlfw_option *row)
{
    return row->type == DLFW_TYPE_STR || row->type == DLFW_TYPE_URI || row->type == DLFW_TYPE_PATH ||
           row->type == DLFW_TYPE_KEY;
}

/* Element types are stored outside the tables, and images force theirs. */
static const char *stored_dtype(const struct run_config *cfg, const char *key)
{
    if (strcmp(key, "dataset.record_element_type") == 0)
        return dtype_names[cfg->dataset.record_element_type - 1];
    return NULL;
}

static void set_value(struct entry *e, const char *text)
{
    e->is_set = text != NULL;
    str_clear(&e->value);
    str_add(&e->value, text ? text : "null");
}

/* What the row's member holds, in full. */
static void print_member(const dlfw_option *row, const char *base, struct entry *e)
{
    char probe[1];
    uint32_t len = option_print(row, base, probe, sizeof probe);
    char *text = xmalloc((size_t)len + 1);

    option_print(row, base, text, len + 1);
    set_value(e, text);
    free(text);
}

/* A value that no member holds, as the user wrote it. */
static void print_node(const dlfw_node *node, struct entry *e)
{
    if (node->kind == DLFW_NODE_SCALAR) {
        set_value(e, node_is_secret(e->row->name, node->text) ? "***" : node->text);
        return;
    }
    node_print_flow(node, &e->value);
    e->is_set = true;
}

static void find_value(const struct run_config *cfg, const struct section *s, struct entry *e)
{
    const dlfw_option *row = e->row;
    const char *base = (const char *)cfg + s->offset, *dtype = stored_dtype(cfg, e->key), *stored = "";

    if (row->offset != DLFW_OPT_UNBOUND && is_text(row))
        memcpy(&stored, base + row->offset, sizeof stored);
    if (dtype)
        set_value(e, dtype);
    else if (!stored)
        set_value(e, NULL);
    else if (row->offset != DLFW_OPT_UNBOUND && row->type == DLFW_TYPE_SIZE && !e->node && !row->def)
        set_value(e, NULL);
    else if (row->offset != DLFW_OPT_UNBOUND && row->type != DLFW_TYPE_NODE)
        print_member(row, base, e);
    else if (e->node)
        print_node(e->node, e);
    else
        set_value(e, row->def);
    if (row->type != DLFW_TYPE_NODE && row->type != DLFW_TYPE_LIST_STR)
        e->node = NULL;
}

/* A file's name may be any bytes; what is shown is text. */
static void find_source(const dlfw_node *node, struct entry *e)
{
    const char *file = node && node->place.file ? node->place.file : "configuration", *detail;
    struct str where = STR_EMPTY;

    if (!node) {
        str_add(&e->source, "default");
        return;
    }
    detail = strncmp(file, "override ", 9) == 0 ? strstr(file, " ('") : NULL;
    str_add_len(&where, file, detail ? (size_t)(detail - file) : strlen(file));
    if (node->place.line)
        str_add_format(&where, ":%u:%u", node->place.line, node->place.column);
    if (node->environment)
        str_add_format(&e->source, "environment %s (", node->environment);
    utf8_add_escaped(&e->source, where.data, where.len);
    if (node->environment)
        str_add(&e->source, ")");
    str_free(&where);
}

/* What could be no JSON was refused where it was read. */
static json_t *json_text(const char *text)
{
    json_t *value = json_string(text);

    DLFW_BUG_IF(!value);
    return value;
}

static json_t *json_of_node(const char *key, const dlfw_node *node)
{
    json_t *all;

    if (node->kind == DLFW_NODE_NULL)
        return json_null();
    if (node->kind == DLFW_NODE_SCALAR)
        return json_text(node_is_secret(key, node->text) ? "***" : node->text);
    all = node->kind == DLFW_NODE_MAP ? json_object() : json_array();
    for (uint32_t i = 0; i < node->count; i++) {
        const struct node_pair *pair = &node->pairs[i];

        if (node->kind == DLFW_NODE_MAP)
            json_object_set_new(all, pair->key, json_of_node(pair->key, pair->value));
        else
            json_array_append_new(all, json_of_node(key, pair->value));
    }
    return all;
}

static json_t *json_of_value(const struct entry *e)
{
    dlfw_error quiet = {.struct_size = sizeof quiet};
    uint8_t flag = 0;
    int64_t whole = 0;
    uint64_t bytes = 0;
    double real = 0;

    if (e->node)
        return json_of_node(e->key, e->node);
    if (!e->is_set)
        return json_null();
    if (e->row->type == DLFW_TYPE_BOOL && text_bool(e->value.data, &flag, &quiet) >= 0)
        return json_boolean(flag);
    if ((e->row->type == DLFW_TYPE_I64 || e->row->type == DLFW_TYPE_U64) &&
        text_i64(e->value.data, &whole, &quiet) >= 0)
        return json_integer(whole);
    if (e->row->type == DLFW_TYPE_SIZE && text_size(e->value.data, &bytes, &quiet) >= 0 && bytes <= INT64_MAX)
        return json_integer((json_int_t)bytes);
    if (e->row->type == DLFW_TYPE_F64 && text_f64(e->value.data, &real, &quiet) >= 0)
        return json_real(real);
    return json_text(e->value.data);
}

/* One line, whatever the value holds. */
static void add_line(const struct entry *e, struct str *out)
{
    struct str value = STR_EMPTY;

    utf8_add_escaped(&value, e->value.data, e->value.len);
    str_add_format(out, "%-42s %-28s # ", e->key, value.len ? value.data : "\"\"");
    utf8_add_escaped(out, e->source.data, e->source.len);
    str_add(out, "\n");
    str_free(&value);
}

/* Takes value and source. */
static void add_entry(struct entry *e, json_t *json, struct str *out)
{
    json_t *item;

    if (json) {
        item = json_object();
        json_object_set_new(item, "value", json_of_value(e));
        json_object_set_new(item, "source", json_text(e->source.data));
        json_object_set_new(json, e->key, item);
    } else {
        add_line(e, out);
    }
    str_free(&e->value);
    str_free(&e->source);
}

static void add_hydra(const char *key, const char *value, bool is_default, json_t *json, struct str *out)
{
    static const dlfw_option row = UNBOUND(DLFW_TYPE_STR, "hydra", .help = "");
    struct entry e = {.key = key, .row = &row, .value = STR_EMPTY, .source = STR_EMPTY};

    set_value(&e, value);
    str_add(&e.source, is_default ? "default" : "override");
    add_entry(&e, json, out);
}

void run_config_show(const struct run_config *cfg, bool json, struct str *out)
{
    json_t *all = json ? json_object() : NULL;
    char *text;

    for (uint32_t i = 0; i < run_section_count; i++) {
        const struct section *s = &run_sections[i];

        for (uint32_t k = 0; k < s->rows->count; k++) {
            char key[128];
            struct entry e = {.key = key, .row = &s->rows->rows[k], .value = STR_EMPTY, .source = STR_EMPTY};
            const dlfw_node *node;

            snprintf(key, sizeof key, "%s%s%s", s->path, *s->path ? "." : "", e.row->name);
            node = config_node(cfg, key);
            e.node = node;
            find_value(cfg, s, &e);
            find_source(node, &e);
            add_entry(&e, all, out);
        }
    }
    add_hydra("hydra.run.dir", cfg->hydra_run_dir, !cfg->hydra_run_dir, all, out);
    add_hydra("hydra.output_subdir", cfg->hydra_output_subdir,
              !cfg->hydra_output_subdir || strcmp(cfg->hydra_output_subdir, ".hydra") == 0, all, out);
    if (!all)
        return;
    text = json_dumps(all, JSON_INDENT(2));
    if (text) {
        str_add(out, text);
        str_add(out, "\n");
    }
    free(text);
    json_decref(all);
}
