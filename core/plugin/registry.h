/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which plugins there are. Scanning a directory reads notes only; a plugin is loaded when somebody asks for it by kind
 * and name. Search order: $DLFW_PLUGIN_PATH (ignored when AT_SECURE is set), the configured directory, the one beside
 * the executable
 * (../lib/dlfw/plugins or plugins/ in a build tree), the installed one. The first file that offers a name wins; a later
 * one is listed as a duplicate.
 */
#ifndef DLFW_CORE_PLUGIN_REGISTRY_H
#define DLFW_CORE_PLUGIN_REGISTRY_H

#include <stdbool.h>

#include "host/plugin_load.h"

struct registry_entry {
    char *path;
    struct plugin_note note;  /* valid unless refused before it was read */
    char *refused;            /* why; NULL: usable */
    struct plugin_file *file; /* once loaded */
};

struct registry {
    struct registry_entry *entries; /* sorted by search order, then by file name */
    uint32_t count;
    uint32_t cap;
    char *searched; /* "dir1, dir2": for "not found" messages */
    bool check;     /* put the checking layer between host and plugins (dlfw run --check) */
};

/* plugin_dir: --plugin-dir, may be NULL. A plugin_dir that cannot be read is an error; the others may be missing. */
dlfw_status registry_scan(struct registry *reg, const char *plugin_dir, dlfw_error *err);
void registry_free(struct registry *reg);

/* Loads if needed. NOT_FOUND names what was searched and the nearest known name; a name that only a refused file offers
 * gives that file's reason. A name with '/' is a file path. */
dlfw_status registry_find(struct registry *reg, uint32_t kind, const char *name, const struct plugin_iface **ret,
                          dlfw_error *err);

/* Loads every usable plugin in a child process of its own, so that one that crashes or hangs takes nothing with it, and
 * refuses those that cannot be loaded. Nothing is loaded in this process. [main, before any thread exists] */
void registry_probe(struct registry *reg);

/* Fills an options struct for an interface from its mapping (map may be NULL): unknown keys, ranges, required ones
 * become problems. extra: further keys of the mapping that the caller handles. The struct lives in tree's arena. */
struct node_tree;
struct problem_list;
void *registry_options(const struct plugin_iface *iface, struct node_tree *tree, const struct dlfw_node *map,
                       const char *path, const char *const *extra, struct problem_list *problems);

#endif
