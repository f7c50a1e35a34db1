/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three YAML files in Hydra's shapes: the composed configuration under one key `workload`, the literal overrides, and
 * Hydra's own settings. Invariant: what is stored reads back to the configuration that ran.
 */
#include "report/stored_config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/result_file.h"

#define DEFAULT_SUBDIR ".hydra"
#define JOB_NAME "dlfw"
#define WORKLOAD_WORD "workload="

static const struct node_place nowhere = {.file = "dlfw"};

static const char *subdir_of(const struct run_config *cfg)
{
    return cfg->hydra_output_subdir ? cfg->hydra_output_subdir : DEFAULT_SUBDIR;
}

static dlfw_status write_yaml(const char *folder, const char *name, const dlfw_node *root, dlfw_error *err)
{
    struct str text = STR_EMPTY;
    dlfw_status st;

    node_print_yaml(root, &text);
    st = result_file_write(folder, name, text.data, text.len, err);
    str_free(&text);
    return st;
}

/* The tree holds the sections; the file has them under `workload`. */
static dlfw_status write_config(const struct run_config *cfg, const char *folder, dlfw_error *err)
{
    struct node_pair pair = {.key = "workload", .key_place = nowhere, .value = cfg->tree.root};
    struct dlfw_node root = {.kind = DLFW_NODE_MAP, .place = nowhere, .count = 1, .cap = 1, .pairs = &pair};

    return write_yaml(folder, "config.yaml", &root, err);
}

static void append_text(struct node_tree *tree, dlfw_node *list, const char *text)
{
    node_append(tree, list, NULL, nowhere, node_new_scalar(tree, text, strlen(text), nowhere));
}

static dlfw_node *list_of(struct node_tree *tree, const char *const *texts)
{
    dlfw_node *list = node_new(tree, DLFW_NODE_LIST, nowhere);

    for (; texts && *texts; texts++)
        append_text(tree, list, *texts);
    return list;
}

static bool names_workload(const char *const *texts)
{
    for (; texts && *texts; texts++)
        if (strncmp(*texts, WORKLOAD_WORD, sizeof WORKLOAD_WORD - 1) == 0)
            return true;
    return false;
}

/* The overrides as typed; the chosen workload is one of them, also where it was chosen in another way. */
static dlfw_node *task_overrides(struct node_tree *tree, const struct run_config *cfg)
{
    dlfw_node *list = node_new(tree, DLFW_NODE_LIST, nowhere);

    if (cfg->workload_name && !names_workload(cfg->overrides))
        append_text(tree, list, arena_format(&tree->arena, WORKLOAD_WORD "%s", cfg->workload_name));
    for (const char *const *text = cfg->overrides; text && *text; text++)
        append_text(tree, list, *text);
    return list;
}

static void set_text(struct node_tree *tree, dlfw_node *root, const char *section, const char *key, const char *text)
{
    dlfw_node *map = node_get(root, section);
    dlfw_node *value =
        text ? node_new_scalar(tree, text, strlen(text), nowhere) : node_new(tree, DLFW_NODE_NULL, nowhere);

    if (!map) {
        map = node_new(tree, DLFW_NODE_MAP, nowhere);
        node_append(tree, root, section, nowhere, map);
    }
    node_append(tree, map, key, nowhere, value);
}

/* Of Hydra's own settings those that tell one run from another; it has no launcher and no sweeper here. */
dlfw_node *stored_config_hydra(const struct run_config *cfg, struct node_tree *tree, const char *run_dir)
{
    const char *subdir = subdir_of(cfg);
    dlfw_node *root = node_new(tree, DLFW_NODE_MAP, nowhere), *overrides = node_new(tree, DLFW_NODE_MAP, nowhere);
    dlfw_node *choices = node_new(tree, DLFW_NODE_MAP, nowhere);
    char *cwd = getcwd(NULL, 0), *output = realpath(run_dir, NULL);

    set_text(tree, root, "run", "dir", run_dir);
    node_append(tree, root, "mode", nowhere, node_new_scalar(tree, "RUN", 3, nowhere));
    node_append(tree, root, "output_subdir", nowhere,
                *subdir ? node_new_scalar(tree, subdir, strlen(subdir), nowhere)
                        : node_new(tree, DLFW_NODE_NULL, nowhere));
    node_append(tree, overrides, "hydra", nowhere, list_of(tree, cfg->hydra_overrides));
    node_append(tree, overrides, "task", nowhere, task_overrides(tree, cfg));
    node_append(tree, root, "overrides", nowhere, overrides);
    set_text(tree, root, "job", "name", JOB_NAME);
    if (cwd)
        set_text(tree, root, "runtime", "cwd", cwd);
    set_text(tree, root, "runtime", "output_dir", output ? output : run_dir);
    if (cfg->workload_name)
        node_append(tree, choices, "workload", nowhere,
                    node_new_scalar(tree, cfg->workload_name, strlen(cfg->workload_name), nowhere));
    node_append(tree, node_get(root, "runtime"), "choices", nowhere, choices);
    free(cwd);
    free(output);
    return root;
}

static dlfw_status write_hydra(const struct run_config *cfg, const char *run_dir, const char *folder, dlfw_error *err)
{
    struct node_tree tree = {0};
    dlfw_status st;

    tree.root = node_new(&tree, DLFW_NODE_MAP, nowhere);
    node_append(&tree, tree.root, "hydra", nowhere, stored_config_hydra(cfg, &tree, run_dir));
    st = write_yaml(folder, "hydra.yaml", tree.root, err);
    node_tree_free(&tree);
    return st;
}

static dlfw_status write_overrides(const struct run_config *cfg, const char *folder, dlfw_error *err)
{
    struct node_tree tree = {0};
    dlfw_status st;

    st = write_yaml(folder, "overrides.yaml", task_overrides(&tree, cfg), err);
    node_tree_free(&tree);
    return st;
}

dlfw_status stored_config_write(const struct run_config *cfg, const char *folder, dlfw_error *err)
{
    const char *subdir = subdir_of(cfg);
    dlfw_status st;
    char *below;

    if (!*subdir)
        return DLFW_OK;
    below = xformat("%s/%s", folder, subdir);
    st = result_folder_make(below, err);
    if (st < 0)
        goto out;
    st = write_config(cfg, below, err);
    if (st < 0)
        goto out;
    st = write_overrides(cfg, below, err);
    if (st < 0)
        goto out;
    st = write_hydra(cfg, folder, below, err);
out:
    free(below);
    return st;
}
