/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hydra's composition, as far as DLIO's configurations use it: a primary configuration with a defaults list and a
 * results folder, one group, `workload`, and environment variables. What else a primary configuration asks for is
 * refused: a run with half of it would be another run.
 */
#include "dropin/compose.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "config/override.h"
#include "config/yaml_read.h"

#define BUILT_IN_PRIMARY "config"
#define BUILT_IN_WORKLOAD "default"

/* What the primary configuration says. */
struct primary {
    const char *workload; /* the default of its list, or NULL */
    const char *run_dir, *output_subdir;
    bool has_sections; /* it has the sections itself, below `workload` */
};

/* Late settings of DLIO's MLPerf Storage engine that mean the same here. */
static const struct {
    const char *name, *key;
} variables[] = {{"DLIO_OUTPUT_FOLDER", "workload.output.folder"},
                 {"DLIO_STORAGE_TYPE", "workload.storage.storage_type"}};
#define VARIABLE_COUNT (sizeof variables / sizeof variables[0])
enum { OVERRIDES_ADDED_MAX = 3 + VARIABLE_COUNT };

/* Hydra takes a name with or without it. */
static size_t without_extension(const char *name)
{
    size_t len = strlen(name);

    return len > 5 && strcmp(name + len - 5, ".yaml") == 0 ? len - 5 : len;
}

static bool is_readable(const char *path)
{
    return access(path, F_OK) == 0;
}

/* Text that is the same text without quotes. */
static bool is_plain(const char *text)
{
    return *text && !text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/.-")] &&
           strcasecmp(text, "null") != 0 && strcasecmp(text, "true") != 0 && strcasecmp(text, "false") != 0;
}

/* The text as the value of an override, whatever is in it. literal: a '${' in it is text. */
static const char *quoted(struct arena *arena, const char *text, bool literal)
{
    struct str out = STR_EMPTY;
    const char *copy;

    if (is_plain(text))
        return text;
    str_add(&out, "'");
    for (const char *c = text; *c; c++) {
        if (literal && c[0] == '$' && c[1] == '{')
            str_add(&out, "\\\\");
        if (*c == '\'' || *c == '\\')
            str_add(&out, "\\");
        str_add_len(&out, c, 1);
    }
    str_add(&out, "'");
    copy = arena_strndup(arena, out.data, out.len);
    str_free(&out);
    return copy;
}

/* The file of the primary configuration; *ret stays NULL for the built-in one. */
static dlfw_status find_primary(const struct dropin_arguments *args, struct composition *c, dlfw_error *err)
{
    const char *name = args->config_name ? args->config_name : BUILT_IN_PRIMARY;
    const char *const folders[] = {args->config_path, args->config_name ? args->config_dir : NULL};
    int len = (int)without_extension(name);

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char *path = folders[i] ? arena_format(&c->tree.arena, "%s/%.*s.yaml", folders[i], len, name) : NULL;

        if (path && is_readable(path)) {
            c->primary = path;
            return DLFW_OK;
        }
    }
    if (!args->config_path && strncmp(name, BUILT_IN_PRIMARY, (size_t)len) == 0 && !BUILT_IN_PRIMARY[len])
        return DLFW_OK;
    return dlfw_fail(err, DLFW_E_NOT_FOUND,
                     "there is no '%.*s.yaml' in '%s'; --config-path names its folder, --config-name the file", len,
                     name,
                     args->config_path  ? args->config_path
                     : args->config_dir ? args->config_dir
                                        : "the built-in configuration");
}

/* One item of the defaults list. Logging, help and launchers are Hydra's own matter and change no run. */
static dlfw_status read_default(const dlfw_node *item, struct primary *p, dlfw_error *err)
{
    const char *group = item->kind == DLFW_NODE_MAP && item->count == 1 ? item->pairs[0].key : NULL;
    const dlfw_node *choice = group ? item->pairs[0].value : NULL;

    if (group && strncmp(group, "override ", 9) == 0)
        group += 9 + strspn(group + 9, " ");
    if (group && strncmp(group, "optional ", 9) == 0)
        group += 9 + strspn(group + 9, " ");
    if (group && (strncmp(group, "hydra/", 6) == 0 || strcmp(group, "hydra") == 0))
        return DLFW_OK;
    if (item->kind == DLFW_NODE_SCALAR && strcmp(item->text, "_self_") == 0)
        return DLFW_OK;
    if (!group || strcmp(group, "workload") != 0 || (!node_is_null(choice) && choice->kind != DLFW_NODE_SCALAR))
        return node_fail(item, err, DLFW_E_CONFIG,
                         "the defaults list may name _self_, one 'workload: NAME' and Hydra's own groups; put the rest "
                         "into the workload's file");
    p->workload = node_is_null(choice) ? NULL : choice->text;
    return DLFW_OK;
}

static dlfw_status read_text(const dlfw_node *root, const char *path, const char **ret, dlfw_error *err)
{
    const dlfw_node *node = node_find(root, path);

    if (node_is_null(node))
        return DLFW_OK;
    if (node->kind != DLFW_NODE_SCALAR)
        return node_fail(node, err, DLFW_E_CONFIG, "%s: one value is wanted", path);
    *ret = node->text;
    return DLFW_OK;
}

static dlfw_status read_primary(struct composition *c, struct primary *p, dlfw_error *err)
{
    const dlfw_node *root, *defaults, *sections;
    dlfw_status st;

    if (!c->primary) {
        p->workload = BUILT_IN_WORKLOAD;
        return DLFW_OK;
    }
    st = yaml_read_file(c->primary, &c->tree, err);
    root = c->tree.root;
    if (st >= 0 && !node_is_null(root) && root->kind != DLFW_NODE_MAP)
        st = node_fail(root, err, DLFW_E_CONFIG, "a primary configuration is a mapping with 'defaults' and 'hydra'");
    if (st < 0)
        return st;
    defaults = node_get(root, "defaults");
    if (!node_is_null(defaults) && defaults->kind != DLFW_NODE_LIST)
        return node_fail(defaults, err, DLFW_E_CONFIG, "defaults: a list is wanted");
    for (uint32_t i = 0; defaults && i < defaults->count && st >= 0; i++)
        st = read_default(defaults->pairs[i].value, p, err);
    if (st >= 0)
        st = read_text(root, "hydra.run.dir", &p->run_dir, err);
    if (st >= 0)
        st = read_text(root, "hydra.output_subdir", &p->output_subdir, err);
    sections = node_get(root, "workload");
    p->has_sections = !node_is_null(sections);
    for (uint32_t i = 0; st >= 0 && root && i < root->count; i++) {
        const char *key = root->pairs[i].key;

        if (strcmp(key, "defaults") != 0 && strcmp(key, "hydra") != 0 && strcmp(key, "workload") != 0)
            log_warning("%s:%u:%u: %s has no effect: only what is below 'workload' counts", c->primary,
                        root->pairs[i].key_place.line, root->pairs[i].key_place.column, key);
    }
    return st;
}

/* The last workload=NAME among the overrides; NULL: none. *valid: its value is one name. The reader of the run file
 * says what is wrong with one that is not. */
static const char *typed_workload(struct composition *c, const struct dropin_arguments *args, bool *valid)
{
    const char *name = NULL;

    *valid = true;
    for (const char **o = args->overrides; *o; o++) {
        const char *key = *o + strspn(*o, "+");
        dlfw_node *value = NULL;

        if (strncmp(key, "workload=", 9) != 0)
            continue;
        *valid = override_value(&c->tree, key + 9, override_place(&c->tree.arena, *o, 1), &value, NULL) >= 0 &&
                 value->kind == DLFW_NODE_SCALAR && value->text_len;
        name = *valid ? value->text : key + 9;
    }
    return name;
}

static dlfw_status fail_unknown(struct composition *c, const char *name, dlfw_error *err)
{
    const char *nearest = schema_nearest(name, NULL, 0, composition_workloads(c));
    struct str places = STR_EMPTY;
    dlfw_status st;

    for (uint32_t i = 0; i < c->place_count; i++)
        str_add_format(&places, "%s'%s/workload'", i ? " or " : "", c->places[i].folder);
    st =
        dlfw_fail(err, DLFW_E_NOT_FOUND, "there is no '%s.yaml' in %s%s%s%s; dlio_benchmark --help lists the workloads",
                  name, places.len ? places.data : "any folder; give --config-dir", nearest ? "; did you mean '" : "",
                  nearest ? nearest : "", nearest ? "'?" : "");
    str_free(&places);
    return st;
}

/* Sets folder: the first place that has the workload. */
static dlfw_status find_workload(struct composition *c, dlfw_error *err)
{
    int len = (int)without_extension(c->workload);

    for (uint32_t i = 0; i < c->place_count && !c->folder; i++) {
        char *path = arena_format(&c->tree.arena, "%s/workload/%.*s.yaml", c->places[i].folder, len, c->workload);

        if (is_readable(path))
            c->folder = c->places[i].folder;
    }
    if (c->folder)
        return DLFW_OK;
    return fail_unknown(c, arena_strndup(&c->tree.arena, c->workload, (size_t)len), err);
}

static bool names(const struct dropin_arguments *args, const char *key)
{
    size_t len = strlen(key);

    for (const char **o = args->overrides; *o; o++) {
        const char *text = *o + strspn(*o, "+~");

        if (strncmp(text, key, len) == 0 && (text[len] == '=' || !text[len]))
            return true;
    }
    return false;
}

/* The typed ones come first, so that messages number them as they were typed. Those of the primary configuration are
 * there only where nothing was typed; the environment's are late and win. */
static void join_overrides(struct composition *c, const struct dropin_arguments *args, const struct primary *p,
                           bool workload_is_typed)
{
    struct arena *arena = &c->tree.arena;
    uint32_t n = args->override_count;

    c->overrides = xcalloc(n + OVERRIDES_ADDED_MAX + 1, sizeof *c->overrides);
    if (n)
        memcpy(c->overrides, args->overrides, n * sizeof *c->overrides);
    if (c->workload && !workload_is_typed)
        c->overrides[n++] = arena_format(arena, "workload=%s", quoted(arena, c->workload, true));
    if (p->run_dir && !names(args, "hydra.run.dir"))
        c->overrides[n++] = arena_format(arena, "hydra.run.dir=%s", quoted(arena, p->run_dir, false));
    if (p->output_subdir && !names(args, "hydra.output_subdir"))
        c->overrides[n++] = arena_format(arena, "hydra.output_subdir=%s", quoted(arena, p->output_subdir, false));
    for (size_t i = 0; i < VARIABLE_COUNT; i++) {
        const char *value = getenv(variables[i].name);

        if (value && *value)
            c->overrides[n++] = arena_format(arena, "++%s=%s", variables[i].key, quoted(arena, value, true));
    }
}

static void add_place(struct composition *c, const char *provider, const char *folder)
{
    if (folder)
        c->places[c->place_count++] = (struct compose_place){provider, folder};
}

dlfw_status composition_make(const struct dropin_arguments *args, const char *stock, struct composition *ret,
                             dlfw_error *err)
{
    struct composition c = {0};
    struct primary p = {0};
    bool valid = true;
    const char *typed;
    dlfw_status st;

    add_place(&c, "primary", args->config_path);
    add_place(&c, "command-line", args->config_dir);
    add_place(&c, "main", stock ? arena_strndup(&c.tree.arena, stock, strlen(stock)) : NULL);
    st = args->config_dir && !is_readable(args->config_dir)
             ? dlfw_fail(err, DLFW_E_NOT_FOUND, "--config-dir: there is no folder '%s'", args->config_dir)
             : find_primary(args, &c, err);
    if (st >= 0)
        st = read_primary(&c, &p, err);
    if (st < 0)
        goto out;
    typed = typed_workload(&c, args, &valid);
    c.workload = typed ? (valid ? typed : NULL) : p.workload;
    if (p.has_sections && (typed || p.workload))
        st =
            dlfw_fail(err, DLFW_E_CONFIG,
                      "'%s' has the sections itself, below 'workload', so that '%s' cannot be chosen; leave out one of "
                      "them",
                      c.primary, typed ? typed : p.workload);
    else if (p.has_sections)
        c.file = c.primary;
    else if (!valid)
        c.folder = c.place_count ? c.places[0].folder : ".";
    else if (c.workload)
        st = find_workload(&c, err);
    else
        st = dlfw_fail(err, DLFW_E_CONFIG, "'%s' leaves the workload open; choose one with workload=NAME", c.primary);
    if (st < 0)
        goto out;
    join_overrides(&c, args, &p, typed != NULL);
    *ret = c;
    c = (struct composition){0};
out:
    composition_free(&c);
    return st;
}

void composition_free(struct composition *c)
{
    node_tree_free(&c->tree);
    free(c->overrides);
    *c = (struct composition){0};
}
