/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration tree: what the YAML file, the overrides and the environment said, each value with the place it came
 * from. Scalars keep their text and whether they were quoted; typing happens where a schema row asks for a type.
 */
#ifndef DLFW_CORE_CONFIG_NODE_H
#define DLFW_CORE_CONFIG_NODE_H

#include <stdbool.h>

#include "base/str.h"
#include "dlfw/host.h"

/* Where a value came from. */
struct node_place {
    const char *file; /* "run.yaml", "override 2", "environment"; lives as long as the tree */
    uint32_t line;    /* from 1; 0: the whole source is the place */
    uint32_t column;
};

struct dlfw_node {
    uint32_t kind;           /* DLFW_NODE_* */
    bool quoted;             /* scalar written in quotes: never null, never a YAML 1.1 boolean */
    bool used;               /* somebody asked for it */
    bool expanded;           /* interpolation is done with it; a '${' that is left is text */
    const char *environment; /* the variable that its text was taken from, NULL: none */
    struct node_place place;
    const char *text; /* scalar, NUL-terminated */
    uint32_t text_len;
    uint32_t count; /* list items or map pairs */
    uint32_t cap;
    struct node_pair *pairs; /* map (key + value) or list (value only) */
};

struct node_pair {
    const char *key; /* NULL in lists */
    struct node_place key_place;
    dlfw_node *value;
};

struct node_tree {
    struct arena arena;
    dlfw_node *root;
};

void node_tree_free(struct node_tree *tree); /* safe on a zeroed tree, and twice */

/* The value at a dotted path ("train.computation_time.mean"); NULL when absent. Does not mark it used. */
dlfw_node *node_find(const dlfw_node *root, const char *path);
dlfw_node *node_get(const dlfw_node *map, const char *key); /* NULL when absent or not a map */
/* Sets the value at a dotted path, making maps on the way (a scalar on the way is replaced by a map). */
void node_set(struct node_tree *tree, const char *path, dlfw_node *value);
bool node_remove(dlfw_node *root, const char *path); /* false: was not there */
dlfw_node *node_new(struct node_tree *tree, uint32_t kind, struct node_place place);
dlfw_node *node_new_scalar(struct node_tree *tree, const char *text, size_t len, struct node_place place);
void node_append(struct node_tree *tree, dlfw_node *parent, const char *key, struct node_place key_place,
                 dlfw_node *value);

bool node_is_null(const dlfw_node *node); /* absent, empty, ~, null */
/* Typed reading with the place in the message: "run.yaml:12:5: 'abc' is not a number". Marks the node used. */
dlfw_status node_to_bool(const dlfw_node *node, uint8_t *ret, dlfw_error *err); /* YAML 1.1 words; quoted ones too */
dlfw_status node_to_i64(const dlfw_node *node, int64_t *ret, dlfw_error *err);
dlfw_status node_to_u64(const dlfw_node *node, uint64_t *ret, dlfw_error *err);
dlfw_status node_to_f64(const dlfw_node *node, double *ret, dlfw_error *err);
dlfw_status node_to_size(const dlfw_node *node, uint64_t *ret, dlfw_error *err);
dlfw_status node_to_duration(const dlfw_node *node, uint64_t *ret, dlfw_error *err);
const char *node_to_str(const dlfw_node *node);                  /* NULL when it is no scalar */
void node_where(const dlfw_node *node, char *buf, uint32_t cap); /* "run.yaml:12:5" */
/* dlfw_fail with the node's place in front. */
dlfw_status node_fail(const dlfw_node *node, dlfw_error *err, dlfw_status status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A copy of a whole subtree in the same arena; places stay. Unlimited: the caller has counted (node_count_all). */
dlfw_node *node_copy(struct node_tree *tree, const dlfw_node *node);
uint32_t node_count_all(const dlfw_node *node); /* as a reader counts: values and keys, node itself included */
uint64_t node_text_all(const dlfw_node *node);  /* bytes of all values and keys */
uint32_t node_height(const dlfw_node *node);    /* levels of lists and maps, node itself included */

/* Keys whose values are never printed ("secret_access_key", "password", "sas_token"), unless they are only a reference
 * (env:NAME, file:PATH). */
bool node_is_secret(const char *key, const char *text);
/* The tree as YAML text that reads back to the same tree; secrets become "***". */
void node_print_yaml(const dlfw_node *node, struct str *out);
/* The same on one line, in flow style. */
void node_print_flow(const dlfw_node *node, struct str *out);

#endif
