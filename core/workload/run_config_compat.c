/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The section compat: DLIO's behaviour where dlfw's differs by default. The other sections are changed here, once, so
 * that nobody who reads them, plugins included, needs to know the switches. The tree keeps what the user wrote, apart
 * from renamed keys, and so a stored configuration reads back to the same run.
 */
#include <string.h>

#include "workload/run_config_parts.h"

/* Read before the tables are: a mistake in the value is theirs to report. */
static bool is_on(const struct run_config *cfg, const char *path)
{
    const dlfw_node *node = config_node(cfg, path);
    dlfw_error quiet = {.struct_size = sizeof quiet};
    uint8_t on = 0;

    return node && node_to_bool(node, &on, &quiet) >= 0 && on;
}

/* A key that counts under another name. Where both are written, the name that DLIO reads wins, and the table says that
 * the old one has no effect. */
static void rename_key(struct run_config *cfg, const char *section, const char *old, const char *name)
{
    dlfw_node *map = (dlfw_node *)(uintptr_t)section_node(cfg, section);

    if (!map || map->kind != DLFW_NODE_MAP || node_get(map, name))
        return;
    for (uint32_t i = 0; i < map->count; i++)
        if (strcmp(map->pairs[i].key, old) == 0)
            map->pairs[i].key = name;
}

void run_config_compat_keys(struct run_config *cfg)
{
    if (is_on(cfg, "compat.legacy_keys")) {
        rename_key(cfg, "dataset", "record_length", "record_length_bytes");
        rename_key(cfg, "dataset", "record_length_stdev", "record_length_bytes_stdev");
        rename_key(cfg, "dataset", "record_length_resize", "record_length_bytes_resize");
    }
    if (is_on(cfg, "compat.model_size_alias"))
        rename_key(cfg, "model", "model_size", "model_size_bytes");
}

/* The map without a key; the map itself when it does not have it. */
static const dlfw_node *without(struct run_config *cfg, const dlfw_node *map, const char *key)
{
    dlfw_node *rest;

    if (!node_get(map, key))
        return map;
    rest = node_new(&cfg->tree, DLFW_NODE_MAP, map->place);
    for (uint32_t i = 0; i < map->count; i++)
        if (strcmp(map->pairs[i].key, key) != 0)
            node_append(&cfg->tree, rest, map->pairs[i].key, map->pairs[i].key_place, map->pairs[i].value);
    return rest;
}

static bool is_npz(const struct run_config *cfg)
{
    return cfg->dataset.format && strcmp(cfg->dataset.format, "npz") == 0;
}

/* The switch under the name that the plugin has for it. */
static bool asks_no_touch(const struct run_config *cfg)
{
    return strcmp(cfg->dataset.format, "mmap_indexed_binary") == 0 &&
           is_on(cfg, "dataset.mmap_indexed_binary.no_touch");
}

void run_config_compat_values(struct run_config *cfg)
{
    const char *codec = cfg->dataset.compression;
    bool is_parquet = strcmp(cfg->dataset.format, "parquet") == 0;

    if (cfg->compat.fsync_no_op)
        cfg->checkpoint = without(cfg, cfg->checkpoint, "fsync");
    if (cfg->compat.rank_shift_no_op)
        cfg->checkpoint = without(cfg, cfg->checkpoint, "recovery_rank_shift");
    if (asks_no_touch(cfg))
        cfg->compat.mmap_no_touch = 1;
    if (cfg->compat.compression_no_op && (is_npz(cfg) || (is_parquet && strcmp(codec, "gzip") != 0)))
        cfg->dataset.compression = "none";
}

uint32_t run_config_compat_list(const struct run_config *cfg, struct compat_line ret[COMPAT_LINES_MAX])
{
    const struct {
        uint8_t on;
        struct compat_line line;
    } switches[] = {
        {cfg->compat.sequential_order, {"sequential_order", "samples are read in order, shuffling changes nothing"}},
        {cfg->compat.fsync_no_op,
         {"fsync_no_op", "checkpoint.fsync is not honoured: saves count before they are durable"}},
        {cfg->compat.rank_shift_no_op,
         {"rank_shift_no_op", "checkpoint.recovery_rank_shift is not honoured: ranks load what they saved"}},
        {cfg->compat.compression_no_op,
         {"compression_no_op", is_npz(cfg) ? "dataset.compression is not honoured: npz files are stored"
                                           : "dataset.compression is not honoured unless it is gzip"}},
        {cfg->compat.mmap_no_touch,
         {"mmap_no_touch",
          "mmap_indexed_binary reads its tables and none of its data: rates are not those of a storage"}},
        {cfg->compat.model_size_alias,
         {"model_size_alias", "model.model_size counts as model_size_bytes, DLIO ignores it"}},
        {cfg->compat.legacy_keys,
         {"legacy_keys", "dataset.record_length and its like count as record_length_bytes, DLIO ignores them"}},
    };
    uint32_t count = 0;

    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
        if (switches[i].on)
            ret[count++] = switches[i].line;
    return count;
}
