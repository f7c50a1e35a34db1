/* SPDX-License-Identifier: Apache-2.0 */
/* The pages of a column chunk that lies in memory, and the parts of a page: levels and values. */
#ifndef DLFW_PARQUET_CHUNK_WALK_H
#define DLFW_PARQUET_CHUNK_WALK_H

#include "footer.h"
#include "page.h"

struct chunk_walk {
    const uint8_t *data;
    uint64_t len, at;
    uint32_t codec;
};

/* DLFW_OK: a page, its stored bytes at *ret; DLFW_END; DLFW_E_CORRUPT with *ret_problem. */
dlfw_status chunk_walk_next(struct chunk_walk *w, struct page_header *h, const uint8_t **ret, const char **ret_problem);

struct page_parts {
    const uint8_t *rep, *def;
    uint64_t rep_bytes, def_bytes; /* without length fields; 0 without such levels */
    const uint8_t *values;
    uint64_t values_bytes;
};

/* Splits a data page whose levels, and with DATA_PAGE also values, are not compressed (any more). */
dlfw_status page_split(const struct parquet_leaf *leaf, const struct page_header *h, const uint8_t *body, uint64_t len,
                       struct page_parts *ret, const char **ret_problem);
/* Every definition level of the page is the highest: nothing is null or an empty list. */
bool page_is_full(const struct parquet_leaf *leaf, const struct page_header *h, const struct page_parts *parts);
/* The page holds whole rows of items values each. */
bool page_is_regular(const struct parquet_leaf *leaf, const struct page_header *h, const struct page_parts *parts,
                     uint64_t items);

#endif
