/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Composition: file, overrides, interpolation; then the tables and the checks. A mistake in one step does not hide
 * those of the next, so the tree is always filled, if only with defaults.
 */
#include <string.h>

#include "base/error.h"
#include "config/environment.h"
#include "config/override.h"
#include "config/yaml_read.h"
#include "workload/run_config_parts.h"

#define DEFAULT_SUBDIR ".hydra"

/* "workload=NAME", "+workload=NAME", "++workload=NAME": the value, else NULL. */
static const char *workload_choice(const char *text)
{
    text += strspn(text, "+");
    return strncmp(text, "workload=", 9) == 0 ? text + 9 : NULL;
}

/* The value of an override that is not for the tree, as a string; null is "" where may_be_null. NULL after a problem.
 */
static const char *plain_value(struct run_config *cfg, const char *text, uint32_t number, bool expand, bool may_be_null,
                               struct problem_list *problems)
{
    struct node_place place = override_place(&cfg->tree.arena, text, number);
    const char *equals = strchr(text, '=');
    dlfw_node *node = NULL;
    struct error_slot slot;

    error_slot_init(&slot);
    if (override_value(&cfg->tree, equals + 1, place, &node, &slot.e) < 0) {
        problem_add_at(problems, true, place, "%s", slot.text);
        return NULL;
    }
    if (expand && interpolate_node(&cfg->tree, node, problems) < 0)
        return NULL;
    if (may_be_null && node->kind == DLFW_NODE_NULL)
        return "";
    if (node->kind != DLFW_NODE_SCALAR || !node->text_len) {
        problem_add_at(problems, true, place, "a name is wanted");
        return NULL;
    }
    return node->text;
}

/* Which file; NULL after a problem. */
static const char *find_file(const struct run_config_args *args, struct run_config *cfg, struct problem_list *problems)
{
    const struct node_place line = {.file = "command line"};
    const char *const *o = args->overrides;

    for (uint32_t number = 1; o && *o; o++, number++)
        if (workload_choice(*o)) {
            cfg->workload_name = plain_value(cfg, *o, number, false, false, problems);
            if (!cfg->workload_name)
                return NULL;
        }
    if (args->path && (args->config_dir || cfg->workload_name)) {
        problem_add_at(problems, true, line,
                       "give either a configuration file or --config-dir with workload=NAME, not both");
        return NULL;
    }
    if (args->path)
        return args->path;
    if (args->config_dir && cfg->workload_name) {
        size_t len = strlen(cfg->workload_name);
        bool has_ending = len > 5 && strcmp(cfg->workload_name + len - 5, ".yaml") == 0;

        return arena_format(&cfg->tree.arena, "%s/workload/%s%s", args->config_dir, cfg->workload_name,
                            has_ending ? "" : ".yaml");
    }
    problem_add_at(problems, true, line, "%s",
                   args->config_dir ? "--config-dir needs workload=NAME, which chooses DIR/workload/NAME.yaml"
                   : cfg->workload_name
                       ? "workload=NAME needs --config-dir DIR, the folder with workload/NAME.yaml"
                       : "a configuration file is missing; give one, or --config-dir DIR with workload=NAME");
    return NULL;
}

/* A stored configuration has everything below 'workload'. */
static void take_sections(struct run_config *cfg, struct problem_list *problems)
{
    dlfw_node *root = cfg->tree.root, *workload = node_get(root, "workload");

    if (!node_is_null(root) && root->kind != DLFW_NODE_MAP)
        problem_add(problems, true, root, "sections are wanted here (model, dataset, reader, ...), not a %s",
                    root->kind == DLFW_NODE_LIST ? "list" : "single value");
    else if (node_is_null(root))
        problem_add(problems, true, root, "the configuration is empty");
    if (workload && workload->kind == DLFW_NODE_MAP) {
        for (uint32_t i = 0; i < root->count; i++)
            if (root->pairs[i].value != workload && strcmp(root->pairs[i].key, "hydra") != 0)
                problem_add_at(problems, problems->strict, root->pairs[i].key_place,
                               "%s has no effect: only what is below 'workload' counts", root->pairs[i].key);
        cfg->tree.root = root = workload;
    }
    if (!root || root->kind != DLFW_NODE_MAP)
        cfg->tree.root =
            node_new(&cfg->tree, DLFW_NODE_MAP, root ? root->place : (struct node_place){.file = "configuration"});
}

static void read_hydra(struct run_config *cfg, const char *text, uint32_t number, struct problem_list *problems)
{
    const char *key = text + strspn(text, "+~");
    bool run_dir = strncmp(key, "hydra.run.dir=", 14) == 0;
    struct error_slot slot;

    error_slot_init(&slot);
    if (override_check_text(text, &slot.e) < 0)
        problem_add_at(problems, true, override_place(&cfg->tree.arena, text, number), "%s", slot.text);
    else if (run_dir)
        cfg->hydra_run_dir = plain_value(cfg, text, number, true, false, problems);
    else if (strncmp(key, "hydra.output_subdir=", 20) == 0)
        cfg->hydra_output_subdir = plain_value(cfg, text, number, true, true, problems);
    else
        problem_add_at(problems, false, override_place(&cfg->tree.arena, text, number),
                       "has no effect: of Hydra's settings there are hydra.run.dir and hydra.output_subdir");
}

/* The overrides by kind, in their order, secrets blotted out: these lists are for reports. */
static const char *const *list_overrides(struct run_config *cfg, const struct run_config_args *args, bool hydra)
{
    uint32_t count = 0;
    const char **list;

    for (const char *const *o = args->overrides; o && *o; o++)
        count++;
    list = arena_alloc(&cfg->tree.arena, (count + 1) * sizeof *list);
    count = 0;
    for (const char *const *o = args->overrides; o && *o; o++)
        if (override_is_hydra(*o) == hydra)
            list[count++] = arena_format(&cfg->tree.arena, "%s", override_shown(&cfg->tree.arena, *o));
    return list;
}

static void apply_overrides(struct run_config *cfg, const struct run_config_args *args, struct problem_list *problems)
{
    const char *const *o = args->overrides;
    struct error_slot slot;

    for (uint32_t number = 1; o && *o; o++, number++) {
        if (workload_choice(*o) || override_is_hydra(*o))
            continue;
        error_slot_init(&slot);
        if (override_apply(&cfg->tree, *o, number, run_config_known, &slot.e) < 0)
            problem_add_error(problems, &slot.e);
    }
    if (args->legacy_keys)
        node_set(&cfg->tree, "compat.legacy_keys",
                 node_new_scalar(&cfg->tree, "true", 4, (struct node_place){.file = "--legacy-keys"}));
    interpolate_tree(&cfg->tree, problems);
    /* these may name keys of the tree, so they come after it */
    o = args->overrides;
    for (uint32_t number = 1; o && *o; o++, number++)
        if (override_is_hydra(*o))
            read_hydra(cfg, *o, number, problems);
}

dlfw_status run_config_read(const struct run_config_args *args, struct run_config *ret, struct problem_list *problems)
{
    uint32_t before = problems->errors;
    struct run_config *cfg = ret;
    struct error_slot slot;
    const char *path;
    bool read = false;

    *cfg = (struct run_config){.hydra_output_subdir = DEFAULT_SUBDIR};
    problems->strict = problems->strict || args->strict;
    error_slot_init(&slot);
    environment_check(problems);
    path = find_file(args, cfg, problems);
    if (path) {
        cfg->config_path = arena_strndup(&cfg->tree.arena, path, strlen(path));
        read = yaml_read_file(path, &cfg->tree, &slot.e) >= 0;
        if (!read)
            problem_add_error_at(problems, &slot.e, (struct node_place){.file = path});
    }
    if (read)
        take_sections(cfg, problems);
    else
        cfg->tree.root =
            node_new(&cfg->tree, DLFW_NODE_MAP, (struct node_place){.file = path ? path : "configuration"});
    cfg->overrides = list_overrides(cfg, args, false);
    cfg->hydra_overrides = list_overrides(cfg, args, true);
    /* Without a file, overrides have nothing to act on, and the checks would complain about what it says. */
    if (read)
        apply_overrides(cfg, args, problems);
    run_config_fill(cfg, problems);
    if (read)
        run_config_check(cfg, problems);
    return problems->errors > before ? DLFW_E_CONFIG : DLFW_OK;
}

void run_config_free(struct run_config *cfg)
{
    if (!cfg)
        return;
    node_tree_free(&cfg->tree);
    *cfg = (struct run_config){0};
}
