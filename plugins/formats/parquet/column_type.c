/* SPDX-License-Identifier: Apache-2.0 */
#include "column_type.h"

#include "parquet_format.h"

#include <stddef.h>
#include <string.h>

#define INTEGER(text, how, type, payload, stored, width, sign, conv)                                                   \
    {                                                                                                                  \
        .name = (text), .kind = (how), .physical = (type), .payload_width = (payload), .stored_width = (stored),       \
        .converted = (conv), .logical = PARQUET_LOGICAL_INTEGER, .bits = (width), .is_signed = (sign),                 \
        .arrow_type = ARROW_INT                                                                                        \
    }

const struct column_type column_type_byte = INTEGER("uint8", VALUE_BYTE, PARQUET_INT32, 1, 4, 8, false, PARQUET_UINT_8);

static const struct column_type types[] = {
    INTEGER("uint8", VALUE_BYTE, PARQUET_INT32, 1, 4, 8, false, PARQUET_UINT_8),
    INTEGER("int8", VALUE_BYTE, PARQUET_INT32, 1, 4, 8, true, PARQUET_INT_8),
    INTEGER("uint16", VALUE_WIDE, PARQUET_INT32, 2, 4, 16, false, PARQUET_UINT_16),
    INTEGER("int16", VALUE_WIDE, PARQUET_INT32, 2, 4, 16, true, PARQUET_INT_16),
    INTEGER("uint32", VALUE_PLAIN, PARQUET_INT32, 4, 4, 32, false, PARQUET_UINT_32),
    INTEGER("int32", VALUE_PLAIN, PARQUET_INT32, 4, 4, 32, true, PARQUET_INT_32),
    INTEGER("uint64", VALUE_PLAIN, PARQUET_INT64, 8, 8, 64, false, PARQUET_UINT_64),
    INTEGER("int64", VALUE_PLAIN, PARQUET_INT64, 8, 8, 64, true, PARQUET_INT_64),
    {.name = "float16",
     .physical = PARQUET_FIXED_LEN_BYTE_ARRAY,
     .payload_width = 2,
     .stored_width = 2,
     .type_length = 2,
     .converted = PARQUET_CONVERTED_NONE,
     .logical = PARQUET_LOGICAL_FLOAT16,
     .arrow_type = ARROW_FLOATING_POINT,
     .arrow_precision = 0},
    {.name = "float32",
     .physical = PARQUET_FLOAT,
     .payload_width = 4,
     .stored_width = 4,
     .converted = PARQUET_CONVERTED_NONE,
     .arrow_type = ARROW_FLOATING_POINT,
     .arrow_precision = 1},
    {.name = "float64",
     .physical = PARQUET_DOUBLE,
     .payload_width = 8,
     .stored_width = 8,
     .converted = PARQUET_CONVERTED_NONE,
     .arrow_type = ARROW_FLOATING_POINT,
     .arrow_precision = 2},
    {.name = "bool",
     .kind = VALUE_BIT,
     .physical = PARQUET_BOOLEAN,
     .payload_width = 1,
     .converted = PARQUET_CONVERTED_NONE,
     .arrow_type = ARROW_BOOL},
    {.name = "string",
     .kind = VALUE_STRING,
     .physical = PARQUET_BYTE_ARRAY,
     .payload_width = 4,
     .stored_width = 4 + STRING_BYTES,
     .converted = PARQUET_UTF8,
     .logical = PARQUET_LOGICAL_STRING,
     .arrow_type = ARROW_UTF8},
    {.name = "binary",
     .kind = VALUE_BINARY,
     .physical = PARQUET_BYTE_ARRAY,
     .converted = PARQUET_CONVERTED_NONE,
     .arrow_type = ARROW_BINARY},
};

const struct column_type *column_type_find(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    return NULL;
}
