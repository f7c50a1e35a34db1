/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dlfw config show`: walks the tables, so a key without a row cannot exist and a key with one cannot be left out. What
 * is shown is what was stored into struct run_config, not what the user wrote, wherever the two can differ.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "host/option_parse.h"
#include "workload/run_config_parts.h"

#define VALUE_CAP 4096u

/* One key, ready to be printed. node is set where the value is a list or a mapping. */
struct entry {
    const char *key;
    const dlfw_option *row;
    const dlfw_node *node;
    char value[VALUE_CAP]; /* "null": not set */
    char source[320];
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

static void find_value(const struct run_config *cfg, const struct section *s, struct entry *e)
{
    const dlfw_option *row = e->row;
    const char *base = (const char *)cfg + s->offset, *dtype = stored_dtype(cfg, e->key), *stored = "";
    struct str text = STR_EMPTY;

    if (row->offset != DLFW_OPT_UNBOUND && is_text(row))
        memcpy(&stored, base + row->offset, sizeof stored);
    if (dtype) {
        snprintf(e->value, sizeof e->value, "%s", dtype);
    } else if (row->offset != DLFW_OPT_UNBOUND && row->type != DLFW_TYPE_NODE) {
        option_print(row, base, e->value, sizeof e->value);
        if (!stored || (row->type == DLFW_TYPE_SIZE && !e->node && !row->def))
            snprintf(e->value, sizeof e->value, "null");
    } else if (e->node) {
        node_print_flow(e->node, &text);
        snprintf(e->value, sizeof e->value, "%s", text.data);
    } else {
        snprintf(e->value, sizeof e->value, "%s", row->def ? row->def : "null");
    }
    str_free(&text);
    if (row->type != DLFW_TYPE_NODE && row->type != DLFW_TYPE_LIST_STR)
        e->node = NULL;
}

static void find_source(const dlfw_node *node, struct entry *e)
{
    char where[256];
    char *detail;

    if (!node) {
        snprintf(e->source, sizeof e->source, "default");
        return;
    }
    node_where(node, where, sizeof where);
    detail = strncmp(where, "override ", 9) == 0 ? strstr(where, " ('") : NULL;
    if (detail)
        *detail = '\0';
    if (node->environment)
        snprintf(e->source, sizeof e->source, "environment %.40s (%s)", node->environment, where);
    else
        snprintf(e->source, sizeof e->source, "%s", where);
}

static json_t *json_of_node(const char *key, const dlfw_node *node)
{
    json_t *all;

    if (node->kind == DLFW_NODE_NULL)
        return json_null();
    if (node->kind == DLFW_NODE_SCALAR)
        return json_string(node_is_secret(key, node->text) ? "***" : node->text);
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
    if (strcmp(e->value, "null") == 0)
        return json_null();
    if (e->row->type == DLFW_TYPE_BOOL && text_bool(e->value, &flag, &quiet) >= 0)
        return json_boolean(flag);
    if ((e->row->type == DLFW_TYPE_I64 || e->row->type == DLFW_TYPE_U64) && text_i64(e->value, &whole, &quiet) >= 0)
        return json_integer(whole);
    if (e->row->type == DLFW_TYPE_SIZE && text_size(e->value, &bytes, &quiet) >= 0 && bytes <= INT64_MAX)
        return json_integer((json_int_t)bytes);
    if (e->row->type == DLFW_TYPE_F64 && text_f64(e->value, &real, &quiet) >= 0)
        return json_real(real);
    return json_string(e->value);
}

static void add_entry(const struct entry *e, json_t *json, struct str *out)
{
    json_t *item;

    if (!json) {
        str_add_format(out, "%-42s %-28s # %s\n", e->key, *e->value ? e->value : "\"\"", e->source);
        return;
    }
    item = json_object();
    json_object_set_new(item, "value", json_of_value(e));
    json_object_set_new(item, "source", json_string(e->source));
    json_object_set_new(json, e->key, item);
}

static void add_hydra(const char *key, const char *value, bool is_default, json_t *json, struct str *out)
{
    static const dlfw_option row = UNBOUND(DLFW_TYPE_STR, "hydra", .help = "");
    struct entry e = {.key = key, .row = &row};

    snprintf(e.value, sizeof e.value, "%s", value ? value : "null");
    snprintf(e.source, sizeof e.source, "%s", is_default ? "default" : "override");
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
            struct entry e = {.key = key, .row = &s->rows->rows[k]};
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
