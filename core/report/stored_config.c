/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three YAML files in Hydra's shapes: the composed configuration under one key `workload`, the literal overrides, and
 * Hydra's own settings. Invariant: what is stored reads back to the configuration that ran.
 */
#include "report/stored_config.h"

#include <stdlib.h>
#include <string.h>

#include "report/result_file.h"

#define DEFAULT_SUBDIR ".hydra"
#define JOB_NAME "dlfw"
#define WORKLOAD_WORD "workload="

static const struct node_place nowhere = {.file = "dlfw"};

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

static void set_text(struct node_tree *tree, const char *path, const char *text)
{
    node_set(tree, path, node_new_scalar(tree, text, strlen(text), nowhere));
}

static dlfw_status write_hydra(const struct run_config *cfg, const char *run_dir, const char *subdir,
                               const char *folder, dlfw_error *err)
{
    struct node_tree tree = {0};
    dlfw_status st;

    tree.root = node_new(&tree, DLFW_NODE_MAP, nowhere);
    set_text(&tree, "hydra.run.dir", run_dir);
    set_text(&tree, "hydra.output_subdir", subdir);
    node_set(&tree, "hydra.overrides.hydra", list_of(&tree, cfg->hydra_overrides));
    node_set(&tree, "hydra.overrides.task", task_overrides(&tree, cfg));
    set_text(&tree, "hydra.job.name", JOB_NAME);
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
    const char *subdir = cfg->hydra_output_subdir ? cfg->hydra_output_subdir : DEFAULT_SUBDIR;
    char *below = xformat("%s/%s", folder, subdir);
    dlfw_status st;

    st = result_folder_make(below, err);
    if (st < 0)
        goto out;
    st = write_config(cfg, below, err);
    if (st < 0)
        goto out;
    st = write_overrides(cfg, below, err);
    if (st < 0)
        goto out;
    st = write_hydra(cfg, folder, subdir, below, err);
out:
    free(below);
    return st;
}
