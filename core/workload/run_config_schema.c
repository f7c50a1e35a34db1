/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All sections in one list, and what follows from it: which keys exist, and where the user's value of one lies.
 */
#include <string.h>

#include "host/option_parse.h"
#include "workload/run_config_parts.h"

static const char *const root_inner[] = {"model",  "workflow",   "dataset",    "reader",  "data_reader",
                                         "train",  "evaluation", "checkpoint", "storage", "profiling",
                                         "output", "metric",     "content",    "compat",  NULL};
static const char *const model_inner[] = {"parallelism", "transformer", NULL};
static const char *const checkpoint_inner[] = {"ksm", NULL};
static const char *const output_inner[] = {"metric", NULL};

#define AT(member) offsetof(struct run_config, member)
#define SECTION(name, table, at, more)                                                                                 \
    {                                                                                                                  \
        .path = (name), .rows = &(table), .offset = (uint32_t)(at), .inner = (more)                                    \
    }

/* In the order of `dlfw config show`. Sections without bound rows have offset 0. */
const struct section run_sections[] = {
    SECTION("", rows_root, AT(model), root_inner),
    SECTION("model", rows_model, AT(model), model_inner),
    SECTION("model.parallelism", rows_parallelism, 0, NULL),
    SECTION("model.transformer", rows_transformer, 0, NULL),
    SECTION("workflow", rows_workflow, AT(workflow), NULL),
    SECTION("dataset", rows_dataset, AT(dataset), format_names),
    SECTION("dataset.hdf5", rows_hdf5, 0, NULL),
    SECTION("dataset.parquet", rows_parquet, 0, NULL),
    SECTION("reader", rows_reader, AT(reader), NULL),
    SECTION("train", rows_train, AT(train), NULL),
    SECTION("evaluation", rows_evaluation, AT(evaluation), NULL),
    SECTION("checkpoint", rows_checkpoint, 0, checkpoint_inner),
    SECTION("checkpoint.ksm", rows_ksm, 0, NULL),
    SECTION("storage", rows_storage, AT(storage), NULL),
    SECTION("output", rows_output, AT(output), output_inner),
    SECTION("output.metric", rows_output_metric, AT(output), NULL),
    SECTION("profiling", rows_profiling, AT(profiling), NULL),
    SECTION("metric", rows_metric, AT(metric), NULL),
    SECTION("content", rows_content, AT(content), NULL),
    SECTION("compat", rows_compat, AT(compat), NULL),
};
const uint32_t run_section_count = sizeof run_sections / sizeof run_sections[0];

/* What follows path + "." in text; NULL when text is something else. The root's keys follow nothing. */
static const char *below(const char *text, const char *path)
{
    size_t len = strlen(path);

    if (!len)
        return text;
    return strncmp(text, path, len) == 0 && text[len] == '.' ? text + len + 1 : NULL;
}

/* A row of the section, or something below a row whose value is a mapping or a list. */
static bool has_key(const struct section *section, const char *key)
{
    size_t len = strcspn(key, ".");

    for (uint32_t i = 0; i < section->rows->count; i++) {
        const dlfw_option *row = &section->rows->rows[i];

        if (strlen(row->name) == len && strncmp(row->name, key, len) == 0)
            return key[len] == '\0' || row->type == DLFW_TYPE_NODE || row->type == DLFW_TYPE_LIST_STR;
    }
    return false;
}

bool run_config_known(const char *path)
{
    char plain[512];
    const char *key = strncmp(path, "data_reader", 11) == 0 && (path[11] == '.' || !path[11]) ? path + 5 : path;

    for (uint32_t i = 0; i < run_section_count; i++) {
        const char *rest = below(key, run_sections[i].path);

        if ((*key && strcmp(key, run_sections[i].path) == 0) || (rest && has_key(&run_sections[i], rest)))
            return true;
    }
    /* options of the plugin that takes the checkpoints */
    if (below(key, "checkpoint"))
        return true;
    /* options of a format plugin: dataset.npz.anything */
    key = below(key, "dataset");
    if (!key || strlen(key) >= sizeof plain)
        return false;
    memcpy(plain, key, strlen(key) + 1);
    plain[strcspn(plain, ".")] = '\0';
    for (const char *const *name = format_names; *name; name++)
        if (strcmp(plain, *name) == 0)
            return true;
    return false;
}

const char *section_name(const struct run_config *cfg, const char *path)
{
    return strcmp(path, "reader") == 0 && node_get(cfg->tree.root, "data_reader") ? "data_reader" : path;
}

const dlfw_node *section_node(const struct run_config *cfg, const char *path)
{
    const dlfw_node *node = *path ? node_find(cfg->tree.root, section_name(cfg, path)) : cfg->tree.root;

    return node_is_null(node) ? NULL : node;
}

const dlfw_node *config_node(const struct run_config *cfg, const char *path)
{
    const char *key = below(path, "reader");
    const dlfw_node *node = key ? node_get(section_node(cfg, "reader"), key) : node_find(cfg->tree.root, path);

    return node_is_null(node) ? NULL : node;
}
