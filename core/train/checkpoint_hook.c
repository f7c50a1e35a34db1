/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DLIO has checkpoints in the workload, dlfw has them in plugins: here one becomes the other. checkpoint_folder is not
 * below storage_root, as in DLIO; it has storage_type's scheme when it names none, and is relative to the working
 * directory.
 */
#include "train/checkpoint_hook.h"

#include <stdlib.h>
#include <string.h>

#include "host/option_parse.h"
#include "io/uri.h"

#define DEFAULT_HOOK "checkpoint_files"
#define DEFAULT_FOLDER "./checkpoints/"

const char *checkpoint_hook_name(const struct run_config *cfg)
{
    const char *name = node_to_str(node_get(cfg->checkpoint, "plugin"));

    if (!cfg->workflow.checkpoint)
        return NULL;
    return name && *name ? name : DEFAULT_HOOK;
}

/* text with the scheme that storage_type stands for, unless it has one. */
static char *with_scheme(const struct run_config *cfg, const char *text)
{
    const char *type = cfg->storage.storage_type;
    bool is_file = strcmp(type, "local_fs") == 0 || strcmp(type, "parallel_fs") == 0;

    return uri_has_scheme(text) ? xstrdup(text) : xformat("%s://%s", is_file ? "file" : type, text);
}

char *storage_root_uri(const struct run_config *cfg)
{
    return with_scheme(cfg, cfg->storage.storage_root);
}

char *data_folder_uri(const struct run_config *cfg)
{
    char *root = storage_root_uri(cfg);
    char *data = uri_join(root, cfg->dataset.data_folder);

    free(root);
    return data;
}

char *checkpoint_folder_uri(const struct run_config *cfg)
{
    const dlfw_node *node = node_get(cfg->checkpoint, "checkpoint_folder");
    const char *text = node_is_null(node) ? NULL : node_to_str(node);
    char *uri = with_scheme(cfg, text && *text ? text : DEFAULT_FOLDER);
    size_t len = strlen(uri);

    while (len && uri[len - 1] == '/' && !(len >= 3 && strcmp(uri + len - 3, "://") == 0) &&
           !(len >= 4 && strcmp(uri + len - 4, ":///") == 0))
        uri[--len] = '\0';
    return uri;
}

static void append(struct run_config *cfg, dlfw_node *map, const struct plugin_iface *iface, const char *key,
                   const dlfw_node *value)
{
    if (value && option_find(iface->iface->options, iface->iface->option_count, key) && !node_get(map, key))
        node_append(&cfg->tree, map, key, value->place, (dlfw_node *)(uintptr_t)value);
}

static void append_folder(struct run_config *cfg, dlfw_node *map, const struct plugin_iface *iface)
{
    const dlfw_node *given = node_get(cfg->checkpoint, "checkpoint_folder");
    char *uri = checkpoint_folder_uri(cfg);

    append(cfg, map, iface, "checkpoint_folder",
           node_new_scalar(&cfg->tree, uri, strlen(uri), given ? given->place : map->place));
    free(uri);
}

const dlfw_node *checkpoint_hook_options(struct run_config *cfg, const struct plugin_iface *iface,
                                         struct problem_list *problems)
{
    const dlfw_node *given = cfg->checkpoint;
    struct node_place place = {.file = cfg->config_path ? cfg->config_path : "run file"};
    dlfw_node *map = node_new(&cfg->tree, DLFW_NODE_MAP, given ? given->place : place);
    const dlfw_option *rows = iface->iface->options;
    uint32_t count = iface->iface->option_count;

    append_folder(cfg, map, iface);
    for (uint32_t i = 0; given && i < given->count; i++) {
        const struct node_pair *pair = &given->pairs[i];

        if (strcmp(pair->key, "plugin") == 0 || node_get(map, pair->key))
            continue;
        if (option_find(rows, count, pair->key) || !run_config_checkpoint_key(pair->key))
            node_append(&cfg->tree, map, pair->key, pair->key_place, pair->value);
        else if (!node_is_null(pair->value) && !run_config_is_dead("checkpoint", pair->key))
            problem_add_at(problems, false, pair->key_place, "checkpoint.%s has no effect: hook '%s' does not know it",
                           pair->key, iface->iface->name);
    }
    append(cfg, map, iface, "model", cfg->model.node);
    append(cfg, map, iface, "framework", node_find(cfg->tree.root, "framework"));
    return map;
}
