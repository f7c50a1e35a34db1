/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From tree to structs: a section is a table of dlfw_option rows; checking reports every mistake at once.
 */
#ifndef DLFW_CORE_CONFIG_SCHEMA_H
#define DLFW_CORE_CONFIG_SCHEMA_H

#include "config/node.h"

/* Collects all mistakes of one reading, so that the user sees them in one go. */
struct problem {
    bool is_error;           /* else a warning */
    char *text;              /* one line with its place in front */
    struct node_place place; /* lives with the list; file NULL: the text names no place */
    const char *what;        /* text after the place; points into text */
};
struct problem_list {
    struct problem *items;
    uint32_t count;
    uint32_t cap;
    uint32_t errors; /* how often an error was added; the same text twice is one item but counts twice, so that "has
                      * it grown?" always answers "was there an error?" */
    bool strict;     /* warnings about unknown keys become errors */
};
void problem_add(struct problem_list *list, bool is_error, const dlfw_node *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void problem_add_at(struct problem_list *list, bool is_error, struct node_place place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* text already carries its place ("run.yaml:3:5: ..." or "override 2 ('...'): ..."), which is taken from there. */
void problem_add_error(struct problem_list *list, const dlfw_error *err);
/* The same; place stands in when the text names none. */
void problem_add_error_at(struct problem_list *list, const dlfw_error *err, struct node_place place);
/* Moves all of from behind those of list. */
void problem_list_merge(struct problem_list *list, struct problem_list *from);
void problem_list_free(struct problem_list *list);

/* The beginning of a row's help that makes the key known but names it when it is used with another value than its
 * default. */
#define SCHEMA_DEAD "no effect: " /* "reader.x has no effect: <rest>" */

/*
 * Fills base from the map: defaults first, then the keys; unknown keys are problems with the nearest known key; path
 * ("reader") is put before key names in messages. also_known: further keys (NULL-terminated, may be NULL) that the
 * caller handles. Keys that were seen are marked used. map may be NULL (defaults only). Strings stored live in tree's
 * arena.
 */
void schema_fill(struct node_tree *tree, const dlfw_node *map, const char *path, const dlfw_option *rows,
                 uint32_t count, const char *const *also_known, void *base, struct problem_list *problems);

/* The name among names (NULL-terminated, may be NULL) and rows that is nearest to key; NULL: none is near. */
const char *schema_nearest(const char *key, const dlfw_option *rows, uint32_t count, const char *const *names);

/* Keys of a map, and of maps in it, that nobody marked used. */
void schema_report_unused(const dlfw_node *map, const char *path, struct problem_list *problems);

#endif
