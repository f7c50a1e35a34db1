/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of the engine itself, which stand beside the plugin's in one mapping (storage.storage_options, or in the
 * section storage): endpoints, splitting of large reads, remembered sizes.
 */
#ifndef DLFW_CORE_IO_STORAGE_OPTIONS_H
#define DLFW_CORE_IO_STORAGE_OPTIONS_H

#include "config/schema.h"

enum split_mode { SPLIT_OFF, SPLIT_AUTO, SPLIT_FIXED };

struct engine_options {
    const dlfw_node *endpoint_uris;
    uint32_t endpoint_strategy;
    uint8_t use_mpi_endpoint_distribution;
    const char *split;
    const char *size_cache;
    /* what the two texts say */
    enum split_mode split_mode;
    uint64_t split_bytes;   /* SPLIT_FIXED: of a part */
    bool sizes_by_default;  /* as long as suits the backend */
    uint64_t size_cache_ns; /* 0: off */
};

extern const dlfw_option engine_rows[];
extern const uint32_t engine_row_count;
/* Their names, NULL-terminated. */
extern const char *const engine_keys[];

/* Takes the engine's keys out of map (may be NULL; it stays as it is): *ret_plugin is what is left for the plugin, in
 * tree's arena, or NULL. Mistakes become problems. */
void engine_options_read(struct node_tree *tree, const dlfw_node *map, struct engine_options *ret,
                         const dlfw_node **ret_plugin, struct problem_list *problems);
/* A copy of map (may be NULL) with one scalar set. */
dlfw_node *options_with(struct node_tree *tree, const dlfw_node *map, const char *key, const char *text);

#endif
