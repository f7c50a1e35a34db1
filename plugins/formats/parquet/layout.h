/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where everything of a generated file lies: row groups of row_group_size rows; in each, one chunk per column; in each
 * chunk, pages of about 1 MiB that hold whole rows. The payload of a row is the same number of bytes of the content
 * stream in every row, counted column chunk after column chunk as they lie in the file.
 */
#ifndef DLFW_PARQUET_LAYOUT_H
#define DLFW_PARQUET_LAYOUT_H

#include "parquet.h"

#include "column_type.h"

#define DICTIONARY_VALUES 256u
#define DICTIONARY_BYTES (4u * DICTIONARY_VALUES)

struct layout_column {
    const struct column_type *type;
    const char *name;
    uint64_t items;   /* values of a row */
    uint64_t size;    /* VALUE_BINARY: bytes of a value */
    uint64_t payload; /* bytes of the content stream in a row */
    uint64_t rows_per_page;
    bool is_list;
};

struct layout {
    struct layout_column *columns;
    uint32_t count;
    uint64_t payload; /* of a row, all columns */
    uint64_t rows, rows_per_group, groups;
};

/* A page's parts: levels and what else comes before the values (head), values, padding. */
struct page_shape {
    uint64_t rows, values;
    uint64_t rep_bytes, def_bytes; /* with their length fields */
    uint64_t head_bytes;
    uint64_t value_bytes;
    uint64_t body_bytes;
};

/*
 * The columns of the run file, or one list of items bytes when it states none. rows, rows_per_group: of the file.
 * DLFW_E_UNSUPPORTED when a row does not fit a page.
 */
dlfw_status layout_init(struct layout *l, const dlfw_format *fmt, uint64_t items, uint64_t rows,
                        uint64_t rows_per_group, dlfw_error *err);
void layout_free(struct layout *l);

uint64_t layout_group_rows(const struct layout *l, uint64_t group);
/* Where the payload of a column chunk begins in the content stream. */
uint64_t layout_content(const struct layout *l, uint32_t column, uint64_t first_row, uint64_t group_rows);
void page_shape_of(const struct layout_column *c, uint64_t rows, struct page_shape *ret);
uint32_t layout_encoding(const struct layout_column *c); /* of data pages */
/* Bytes of a chunk without compression, headers included. */
uint64_t layout_chunk_bytes(const struct layout_column *c, uint64_t rows);

#endif
