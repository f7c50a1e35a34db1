/* SPDX-License-Identifier: Apache-2.0 */
/* The types that a column of the run file may have: how a generated value is stored, and what readers are told. */
#ifndef DLFW_PARQUET_COLUMN_TYPE_H
#define DLFW_PARQUET_COLUMN_TYPE_H

#include <stdbool.h>
#include <stdint.h>

/* How values are made from the content stream and stored. */
enum value_kind {
    VALUE_PLAIN,  /* the stream's bytes are the values */
    VALUE_BYTE,   /* the same for 8-bit integers: indices of 8 bits into a dictionary of all 256 values, because PLAIN
                     would take 4 bytes for each */
    VALUE_WIDE,   /* 16-bit integers, which PLAIN stores in 4 bytes */
    VALUE_BIT,    /* booleans: the lowest bit of each byte of the stream */
    VALUE_STRING, /* "s_" and ten digits, from four bytes of the stream */
    VALUE_BINARY  /* size bytes of the stream after their length */
};

struct column_type {
    const char *name; /* in the run file */
    enum value_kind kind;
    uint8_t physical;
    uint8_t payload_width; /* bytes of the content stream for one value; VALUE_BINARY: size of them */
    uint8_t stored_width;  /* bytes of a PLAIN value; VALUE_BIT: 0, VALUE_BINARY: 4 + size */
    uint8_t type_length;   /* of FIXED_LEN_BYTE_ARRAY */
    int8_t converted;
    uint8_t logical;
    uint8_t bits; /* of an integer */
    bool is_signed;
    uint8_t arrow_type; /* number in Arrow's union of types */
    uint8_t arrow_precision;
};

#define STRING_BYTES 12u
#define STRING_MAX INT32_MAX

/* numbers of Arrow's types */
enum {
    ARROW_INT = 2,
    ARROW_FLOATING_POINT = 3,
    ARROW_BINARY = 4,
    ARROW_UTF8 = 5,
    ARROW_BOOL = 6,
    ARROW_FIXED_SIZE_LIST = 16
};

const struct column_type *column_type_find(const char *name); /* NULL: none */
extern const struct column_type column_type_byte; /* uint8, of the column that is there without a list of columns */

#endif
