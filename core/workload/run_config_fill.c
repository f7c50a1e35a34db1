/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the composed tree to struct run_config: the tables do most of it; here is what a table cannot say (shapes,
 * element types, distributions, the two spellings of a shuffle).
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "host/option_parse.h"
#include "workload/run_config_parts.h"

#define DIMS_MAX 32u

/* YAML 1.1 turns off, no and false into one thing and on, yes and true into another; DLIO's users write all of them. */
static void canonical_shuffle(struct run_config *cfg, const char *path)
{
    static const struct {
        const char *word, *means;
    } words[] = {{"false", "off"}, {"none", "off"}, {"no", "off"}, {"off", "off"},
                 {"true", "seed"}, {"yes", "seed"}, {"on", "seed"}};
    dlfw_node *node = (dlfw_node *)(uintptr_t)config_node(cfg, path);

    if (!node || node->kind != DLFW_NODE_SCALAR)
        return;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(node->text, words[i].word) == 0) {
            node->text = words[i].means;
            node->text_len = (uint32_t)strlen(node->text);
            return;
        }
}

/* Keys that are kept as strings, because others read them so, but take a few words only. */
static void check_words(const struct run_config *cfg, struct problem_list *problems)
{
    static const char *const frameworks[] = {"tensorflow", "pytorch", NULL};
    static const char *const loaders[] = {"tensorflow", "pytorch", "dali", "native_dali",
                                          "synthetic",  "custom",  "none", NULL};
    static const char *const formulas[] = {"window", "dlio2", NULL};
    static const dlfw_option rows[] = {
        UNBOUND(DLFW_TYPE_ENUM, "framework", .choices = frameworks, .help = ""),
        UNBOUND(DLFW_TYPE_ENUM, "reader.data_loader", .choices = loaders, .help = ""),
        UNBOUND(DLFW_TYPE_ENUM, "output.metric.formula", .choices = formulas, .help = ""),
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const dlfw_node *node = config_node(cfg, rows[i].name);
        struct error_slot slot;

        error_slot_init(&slot);
        if (node && node->kind == DLFW_NODE_SCALAR && option_store(&rows[i], node->text, NULL, NULL, NULL, &slot.e) < 0)
            problem_add(problems, true, node, "%s: %s", rows[i].name, slot.text);
    }
}

static const dlfw_node *mapping_of(const struct run_config *cfg, const struct section *section,
                                   struct problem_list *problems)
{
    const dlfw_node *map = section_node(cfg, section->path);

    if (map && strcmp(section->path, "model") == 0 && map->kind == DLFW_NODE_SCALAR) {
        problem_add(
            problems, false, map,
            "model: a plain string names nothing, and the name stays 'default' as in DLIO; write model: {name: %s}",
            map->text);
        return NULL;
    }
    return map;
}

/* The format in use has a plugin, which knows its options better than the table. */
static bool is_plugins(const struct run_config *cfg, const char *path)
{
    return strncmp(path, "dataset.", 8) == 0 && strcmp(path + 8, cfg->dataset.format) == 0;
}

/* Every key that the user wrote: the plugin of the section knows which are right. */
static const char *const *all_keys(struct run_config *cfg, const dlfw_node *map)
{
    uint32_t count = map && map->kind == DLFW_NODE_MAP ? map->count : 0;
    const char **keys = arena_alloc(&cfg->tree.arena, (count + 1) * sizeof *keys);

    for (uint32_t i = 0; i < count; i++)
        keys[i] = map->pairs[i].key;
    return keys;
}

static const char *const *inner_keys(struct run_config *cfg, const struct section *section)
{
    uint32_t count = 0;
    const dlfw_node *format = config_node(cfg, "dataset.format");
    const char **keys;

    if (strcmp(section->path, "checkpoint") == 0)
        return all_keys(cfg, section_node(cfg, section->path));

    if (section->inner != format_names || !format || format->kind != DLFW_NODE_SCALAR)
        return section->inner;
    while (format_names[count])
        count++;
    keys = arena_alloc(&cfg->tree.arena, (count + 2) * sizeof *keys);
    memcpy(keys, format_names, count * sizeof *keys);
    keys[count] = format->text;
    return keys;
}

static void fill_sections(struct run_config *cfg, struct problem_list *problems)
{
    for (uint32_t i = 0; i < run_section_count; i++) {
        const struct section *s = &run_sections[i];
        const dlfw_node *map = mapping_of(cfg, s, problems);

        if (is_plugins(cfg, s->path))
            continue;
        schema_fill(&cfg->tree, map, section_name(cfg, s->path), s->rows->rows, s->rows->count, inner_keys(cfg, s),
                    (char *)cfg + s->offset, problems);
    }
}

static void read_dims(struct run_config *cfg, const char *path, struct dims *ret, struct problem_list *problems)
{
    const dlfw_node *list = config_node(cfg, path);
    struct error_slot slot;
    uint32_t count;

    *ret = (struct dims){0};
    if (!list || list->kind == DLFW_NODE_MAP)
        return;
    count = list->kind == DLFW_NODE_LIST ? list->count : 1;
    if (count > DIMS_MAX) {
        problem_add(problems, true, list, "%s: more than %u dimensions", path, DIMS_MAX);
        return;
    }
    ret->values = arena_alloc(&cfg->tree.arena, (count ? count : 1) * sizeof *ret->values);
    for (uint32_t i = 0; i < count; i++) {
        const dlfw_node *item = list->kind == DLFW_NODE_LIST ? list->pairs[i].value : list;

        error_slot_init(&slot);
        if (node_to_u64(item, &ret->values[i], &slot.e) < 0)
            problem_add_error(problems, &slot.e);
        else if (!ret->values[i])
            problem_add(problems, true, item, "%s: a dimension must be at least 1", path);
        if (!ret->values[i])
            ret->values[i] = 1;
    }
    ret->count = count;
}

/* Mistakes are the table's to report. */
static uint32_t read_dtype(const struct run_config *cfg, const char *path)
{
    const char *text = node_to_str(config_node(cfg, path));

    for (uint32_t i = 0; text && dtype_names[i]; i++)
        if (strcmp(text, dtype_names[i]) == 0)
            return i + 1;
    return DLFW_DTYPE_UINT8;
}

static void read_times(struct run_config *cfg, struct problem_list *problems)
{
    time_distribution_read(config_node(cfg, "train.computation_time"), config_node(cfg, "train.computation_time_stdev"),
                           &cfg->train.computation_time, problems);
    time_distribution_read(config_node(cfg, "evaluation.eval_time"), config_node(cfg, "evaluation.eval_time_stdev"),
                           &cfg->evaluation.eval_time, problems);
    time_distribution_read(config_node(cfg, "reader.preprocess_time"), config_node(cfg, "reader.preprocess_time_stdev"),
                           &cfg->reader.preprocess_time, problems);
}

static void read_nodes(struct run_config *cfg, struct problem_list *problems)
{
    const dlfw_node *options;
    char path[128];

    cfg->model.node = section_node(cfg, "model");
    if (cfg->model.node && cfg->model.node->kind != DLFW_NODE_MAP)
        cfg->model.node = NULL;
    cfg->checkpoint = section_node(cfg, "checkpoint");
    cfg->hooks = config_node(cfg, "hooks");
    if (cfg->hooks && cfg->hooks->kind != DLFW_NODE_LIST)
        problem_add(problems, true, cfg->hooks, "hooks: a list of {name: {options}} is wanted");
    snprintf(path, sizeof path, "dataset.%s", cfg->dataset.format);
    options = config_node(cfg, path);
    if (options && options->kind != DLFW_NODE_MAP)
        problem_add(problems, true, options, "%s: a mapping of the format's options is wanted", path);
    else
        cfg->dataset.format_options = options;
}

/* The engine takes its keys from the mapping that goes to whoever opens a storage; the user may write them one level
 * up. */
static void gather_storage_options(struct run_config *cfg, struct problem_list *problems)
{
    static const struct {
        const char *key, *engine_key;
    } keys[] = {{"endpoint_uris", "endpoint_uris"},
                {"endpoint_strategy", "endpoint_strategy"},
                {"load_balance_strategy", "endpoint_strategy"},
                {"use_mpi_endpoint_distribution", "use_mpi_endpoint_distribution"},
                {"split", "split"},
                {"size_cache", "size_cache"}};
    const dlfw_node *section = section_node(cfg, "storage"), *given = cfg->storage.storage_options;
    dlfw_node *all = NULL;

    if (!node_is_null(given) && given->kind != DLFW_NODE_MAP)
        return; /* reported where it is read */
    for (uint32_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        dlfw_node *value = node_get(section, keys[k].key);

        if (!value)
            continue;
        if (node_get(given, keys[k].engine_key)) {
            problem_add(problems, true, value, "storage.%s is in storage.storage_options too; keep one of them",
                        keys[k].key);
            continue;
        }
        if (node_get(all, keys[k].engine_key)) {
            problem_add(problems, true, value, "storage.%s says the same as %s; keep one of them", keys[k].key,
                        keys[k].engine_key);
            continue;
        }
        if (!all) {
            all = node_new(&cfg->tree, DLFW_NODE_MAP, section->place);
            for (uint32_t i = 0; given && i < given->count; i++)
                node_append(&cfg->tree, all, given->pairs[i].key, given->pairs[i].key_place, given->pairs[i].value);
        }
        node_append(&cfg->tree, all, keys[k].engine_key, value->place, value);
    }
    if (all)
        cfg->storage.storage_options = all;
}

void run_config_fill(struct run_config *cfg, struct problem_list *problems)
{
    const dlfw_node *format = config_node(cfg, "dataset.format");

    run_config_compat_keys(cfg);
    canonical_shuffle(cfg, "reader.file_shuffle");
    canonical_shuffle(cfg, "reader.sample_shuffle");
    if (node_get(cfg->tree.root, "data_reader") && node_get(cfg->tree.root, "reader"))
        problem_add(problems, false, node_get(cfg->tree.root, "reader"),
                    "reader has no effect: data_reader is there too, and it wins");
    cfg->dataset.format = format && format->kind == DLFW_NODE_SCALAR ? format->text : "";
    fill_sections(cfg, problems);
    check_words(cfg, problems);
    read_dims(cfg, "dataset.record_dims", &cfg->dataset.record_dims, problems);
    cfg->dataset.record_element_type = read_dtype(cfg, "dataset.record_element_type");
    read_times(cfg, problems);
    read_nodes(cfg, problems);
    gather_storage_options(cfg, problems);
    if (!cfg->reader.data_loader)
        cfg->reader.data_loader = strcmp(cfg->model.framework, "pytorch") == 0 ? "pytorch" : "tensorflow";
    if (strcmp(cfg->storage.storage_type, "direct_fs") == 0)
        cfg->storage.storage_type = "direct";
    run_config_compat_values(cfg);
}
