/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What reading needs of a file's footer, in compact form, for the columns that are read: parsed once per file and kept
 * in the object cache. An object of this type is sound: every chunk lies between the first magic and the footer, chunks
 * ascend without overlap, row groups hold rows, and their rows add up.
 */
#ifndef DLFW_PARQUET_FOOTER_H
#define DLFW_PARQUET_FOOTER_H

#include "dlfw/format.h"

#include <stdbool.h>

struct thrift;

#define PARQUET_MAX_LEVEL 32u /* groups inside each other */

/* One leaf of the schema that is read. */
struct parquet_leaf {
    char *path;            /* "a.list.element" */
    uint32_t index;        /* among all leaves */
    uint32_t root_len;     /* of path: the top-level column's name */
    uint32_t type;         /* PARQUET_BOOLEAN ... */
    uint32_t stored_width; /* bytes of a PLAIN value; 0: byte arrays, and booleans, which are bits */
    uint32_t width;        /* bytes of a decoded value; 0: byte arrays */
    uint8_t max_def, max_rep;
    uint8_t item_def; /* with max_rep: values of this definition level and above are items of the list */
};

struct parquet_group {
    uint64_t first_row;
    uint64_t rows; /* 1 or more */
};

struct parquet_chunk {
    uint64_t offset;
    uint64_t values;     /* nulls and empty lists included */
    uint64_t bytes : 56; /* as stored, page headers and dictionary included */
    uint64_t codec : 8;
};

struct parquet_file {
    uint64_t rows;
    uint64_t footer_offset;
    uint32_t leaf_count;   /* of the file */
    uint32_t column_count; /* that are read */
    uint32_t group_count;
    struct parquet_leaf *columns;
    struct parquet_group *groups;
    struct parquet_chunk *chunks; /* of group g: [g * column_count, + column_count) */
};

/* Which columns are wanted: a top-level name, or the whole path of a leaf. */
struct parquet_selection {
    const char *const *names; /* count 0: all */
    uint32_t count;
};

/* footer: the bytes between the chunks and the length field. */
dlfw_status parquet_footer_parse(const dlfw_object *object, const uint8_t *footer, uint64_t len,
                                 const struct parquet_selection *selection, struct parquet_file **ret, dlfw_error *err);
void parquet_file_free(void *file); /* NULL is fine */
uint64_t parquet_file_memory(const struct parquet_file *file);

static inline const struct parquet_chunk *parquet_chunk(const struct parquet_file *f, uint64_t group, uint32_t column)
{
    return &f->chunks[group * f->column_count + column];
}

#endif
