/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys of a storage's options are the engine's, and what their values mean. */
#include "io/storage_options.h"

#include <string.h>

#include "base/error.h"
#include "host/option_parse.h"
#include "io/endpoints/endpoint_health.h"

#define SPLIT_LEAST ((uint64_t)64 << 10) /* smaller parts cost more in requests than anything gains */

/* Knobs of the Python client libraries that DLIO's object storage chooses between. */
#define LIBRARY_KNOB(key, why)                                                                                         \
    {                                                                                                                  \
        .struct_size = (uint32_t)sizeof(dlfw_option), .type = DLFW_TYPE_NODE, .offset = DLFW_OPT_UNBOUND,              \
        .name = (key), .help = SCHEMA_DEAD why                                                                         \
    }

const dlfw_option engine_rows[] = {
    DLFW_OPT_NODE(struct engine_options, endpoint_uris,
                  .help =
                      "servers or locations that hold the same objects: a list, one text with commas, or a file with "
                      "one per line; {01...10} are ten"),
    DLFW_OPT_ENUM(struct engine_options, endpoint_strategy, .def = "round_robin", .choices = endpoint_strategy_names,
                  .help =
                      "which of endpoint_uris gets the next request; latency: by requests in flight and service time"),
    DLFW_OPT_BOOL(struct engine_options, use_mpi_endpoint_distribution, .def = "false",
                  .help = "each rank uses one endpoint only, the one at its number modulo their count"),
    DLFW_OPT_STR(struct engine_options, split, .def = "auto",
                 .help =
                     "large reads as ranges in parallel: auto (by measured gain, where requests are streams), off, or "
                     "bytes of a part"),
    DLFW_OPT_STR(struct engine_options, size_cache, .def = "auto",
                 .help =
                     "how long sizes of objects are remembered: auto (60s where requests are streams, else off), off, "
                     "or a duration"),
    LIBRARY_KNOB("storage_library", "the scheme of the location chooses the backend"),
    LIBRARY_KNOB("uri_scheme", "write the scheme into storage_root or data_folder"),
    LIBRARY_KNOB("prefetch_window", "reader.prefetch_size and the memory budget bound what is in flight"),
    LIBRARY_KNOB("prefetch_workers", "reader.read_threads is the number of threads"),
    LIBRARY_KNOB("columns", "every column of a sample is read"),
    LIBRARY_KNOB("decode", "formats decode what they need for a sample"),
    LIBRARY_KNOB("simulate_io", "all I/O is real"),
    LIBRARY_KNOB("stagger_workers", "threads begin at once"),
};
const uint32_t engine_row_count = sizeof engine_rows / sizeof *engine_rows;

const char *const engine_keys[] = {"endpoint_uris", "endpoint_strategy", "use_mpi_endpoint_distribution",
                                   "split",         "size_cache",        NULL};

static bool is_engine_key(const char *key)
{
    return option_find(engine_rows, engine_row_count, key) != NULL;
}

static bool is_off(const char *text)
{
    return strcmp(text, "off") == 0 || strcmp(text, "no") == 0 || strcmp(text, "false") == 0 || strcmp(text, "0") == 0;
}

static void read_split(const dlfw_node *map, struct engine_options *o, struct problem_list *problems)
{
    struct error_slot why;

    error_slot_init(&why);
    o->split_mode = SPLIT_AUTO;
    if (is_off(o->split))
        o->split_mode = SPLIT_OFF;
    if (is_off(o->split) || strcmp(o->split, "auto") == 0)
        return;
    o->split_mode = SPLIT_FIXED;
    if (text_size(o->split, &o->split_bytes, &why.e) < 0)
        problem_add(problems, true, node_get(map, "split"), "storage.split: %s; it takes auto, off or a size",
                    why.text);
    else if (o->split_bytes < SPLIT_LEAST)
        problem_add(problems, true, node_get(map, "split"), "storage.split: parts of less than 64 KiB are not made");
}

static void read_size_cache(const dlfw_node *map, struct engine_options *o, struct problem_list *problems)
{
    struct error_slot why;

    error_slot_init(&why);
    o->sizes_by_default = strcmp(o->size_cache, "auto") == 0;
    if (o->sizes_by_default || is_off(o->size_cache))
        return;
    if (text_duration(o->size_cache, &o->size_cache_ns, &why.e) < 0)
        problem_add(problems, true, node_get(map, "size_cache"),
                    "storage.size_cache: %s; it takes auto, off or a duration", why.text);
}

static void append_pair(struct node_tree *tree, dlfw_node *to, const struct node_pair *pair)
{
    node_append(tree, to, pair->key, pair->key_place, pair->value);
}

void engine_options_read(struct node_tree *tree, const dlfw_node *map, struct engine_options *ret,
                         const dlfw_node **ret_plugin, struct problem_list *problems)
{
    dlfw_node *engine = NULL, *plugin = NULL;
    uint32_t ours = 0;

    for (uint32_t i = 0; map && map->kind == DLFW_NODE_MAP && i < map->count; i++)
        ours += is_engine_key(map->pairs[i].key);
    if (ours) {
        engine = node_new(tree, DLFW_NODE_MAP, map->place);
        plugin = node_new(tree, DLFW_NODE_MAP, map->place);
        for (uint32_t i = 0; i < map->count; i++)
            append_pair(tree, is_engine_key(map->pairs[i].key) ? engine : plugin, &map->pairs[i]);
    }
    *ret = (struct engine_options){0};
    schema_fill(tree, engine, "storage", engine_rows, engine_row_count, NULL, ret, problems);
    read_split(engine, ret, problems);
    read_size_cache(engine, ret, problems);
    if (node_is_null(ret->endpoint_uris))
        ret->endpoint_uris = NULL;
    *ret_plugin = ours ? plugin : map;
}

dlfw_node *options_with(struct node_tree *tree, const dlfw_node *map, const char *key, const char *text)
{
    struct node_place place = map ? map->place : (struct node_place){.file = "storage"};
    dlfw_node *copy = node_new(tree, DLFW_NODE_MAP, place);
    char *kept = arena_strndup(&tree->arena, text, strlen(text));

    for (uint32_t i = 0; map && i < map->count; i++) {
        if (strcmp(map->pairs[i].key, key) != 0)
            append_pair(tree, copy, &map->pairs[i]);
    }
    node_append(tree, copy, key, place, node_new_scalar(tree, kept, strlen(kept), place));
    return copy;
}
