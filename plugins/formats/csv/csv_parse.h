/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of numbers from text that arrives in pieces of any size. Whatever is wrong is named with its place: line and
 * column (both from 1, columns in bytes) and offset in the text. All rows have as many values as the first.
 */
#ifndef DLFW_FORMATS_CSV_PARSE_H
#define DLFW_FORMATS_CSV_PARSE_H

#include "csv_number.h"

struct csv_fault {
    dlfw_status status;
    uint64_t line, column, offset;
    char text[160];
};

/* Where a value begins. */
struct csv_place {
    uint64_t offset, column;
};

struct csv_parse {
    uint32_t dtype;
    bool may_end_open; /* the last line needs no newline */
    uint8_t *out;
    uint64_t out_cap;         /* items */
    struct csv_place *places; /* of the items in out, out_cap of them; NULL: not wanted */
    /* takes the items in out when it is full and at the end; NULL: out must be large enough */
    dlfw_status (*flush)(void *ctx, struct csv_parse *p, struct csv_fault *fault);
    void *ctx;

    uint64_t filled; /* items in out */
    uint64_t items;  /* before those in out */
    uint64_t rows;   /* complete ones */
    uint64_t columns;
    uint64_t in_row;    /* values of the row that is not complete */
    uint64_t row_begin; /* its offset */
    uint64_t offset;    /* of the next byte of text */
    uint32_t carry_len;
    uint8_t carry[CSV_FIELD_MAX + 8]; /* a value that a piece cut */
};

dlfw_status csv_parse_feed(struct csv_parse *p, const uint8_t *text, uint64_t len, struct csv_fault *fault);
dlfw_status csv_parse_end(struct csv_parse *p, struct csv_fault *fault);

#endif
