/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode: columns, one column of one row group: its pages are decoded in turn and their values laid out over the rows.
 */
#ifndef DLFW_PARQUET_FILL_H
#define DLFW_PARQUET_FILL_H

#include "reader.h"

#include "chunk_walk.h"

struct growing {
    uint8_t *data;
    uint64_t cap;
};

/* One column of one row group being decoded. */
struct filling {
    dlfw_reader *r;
    uint64_t unit;
    uint32_t column;
    const struct parquet_leaf *leaf;
    struct chunk_walk walk;
    uint64_t chunk_offset; /* in the object */
    uint64_t items, rows;
    uint8_t *out;    /* the column's place in the first row */
    uint64_t stride; /* from row to row */
    uint64_t row;    /* that is being filled: rows before it are complete */
    uint64_t item;   /* of that row, when its list is open */
    bool is_open;
    uint32_t dictionary_count;
    bool has_dictionary;
};

/* Values that lie in the spans as they are decoded, and the rows they belong to. */
struct spread {
    uint8_t *out; /* in the first of the rows */
    const uint8_t *values;
    uint64_t row, rows;
    uint64_t bytes; /* of a row */
};

/* Memory that serves all columns of a unit. */
struct workplace {
    struct growing page, values, levels, dictionary;
    struct growing spreads; /* of struct spread: what is laid out at the end, for all columns together */
    uint64_t spread_count;
    struct codec *codecs;
};

/* Decodes all pages of the chunk; an error when they are not exactly the rows. */
dlfw_status fill_column(struct filling *f, struct workplace *w, dlfw_error *err);
dlfw_status fill_fail(const struct filling *f, dlfw_status st, const char *problem, dlfw_error *err);
/* When all columns were decoded: what was left to be laid out together. */
void fill_spread(const struct workplace *w, uint64_t stride, uint64_t rows);
void fill_free(struct workplace *w);

#endif
