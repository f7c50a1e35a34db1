/* SPDX-License-Identifier: Apache-2.0 */
/* The schema of a file: a tree, flattened depth first. Walked element by element, so that nothing of its size is kept.
 */
#ifndef DLFW_PARQUET_SCHEMA_H
#define DLFW_PARQUET_SCHEMA_H

#include "footer.h"
#include "thrift_read.h"

struct schema_element {
    const uint8_t *name; /* in the footer */
    uint32_t name_len;
    uint32_t type; /* of a leaf */
    uint32_t type_length;
    uint32_t repetition;
    uint32_t children;
    int32_t converted; /* PARQUET_CONVERTED_NONE: none */
    uint32_t logical;  /* field of the union, 0: none */
    uint32_t bits;     /* of PARQUET_LOGICAL_INTEGER */
    bool is_signed;
    bool has_type;
};

/* Where the walk is: the groups around the element. */
struct schema_walk {
    uint32_t depth; /* groups that are open, the root included */
    struct {
        uint32_t children_left;
        uint8_t def, rep, item_def;
        const uint8_t *name;
        uint32_t name_len;
    } open[PARQUET_MAX_LEVEL];
    bool has_root;
};

/*
 * Parses the next element. Returns true for a leaf, with the levels in *ret; false for a group, or when t->problem is
 * set. ret->path stays NULL; schema_path() writes it.
 */
bool schema_next(struct thrift *t, struct schema_walk *w, struct schema_element *e, struct parquet_leaf *ret);
bool schema_is_complete(struct schema_walk *w); /* every group has its children */
/* The dotted path of the leaf that schema_next() has just returned; its length without the NUL when buf is NULL. */
uint32_t schema_path(const struct schema_walk *w, const struct schema_element *e, char *buf);

#endif
