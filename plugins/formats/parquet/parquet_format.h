/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and names of the Parquet file format. */
#ifndef DLFW_PARQUET_FORMAT_H
#define DLFW_PARQUET_FORMAT_H

#include <stdint.h>

#define PARQUET_MAGIC "PAR1"
#define PARQUET_MAGIC_BYTES 4u
#define PARQUET_TAIL_BYTES 8u /* length of the footer, magic */

/* physical types */
enum {
    PARQUET_BOOLEAN = 0,
    PARQUET_INT32 = 1,
    PARQUET_INT64 = 2,
    PARQUET_INT96 = 3,
    PARQUET_FLOAT = 4,
    PARQUET_DOUBLE = 5,
    PARQUET_BYTE_ARRAY = 6,
    PARQUET_FIXED_LEN_BYTE_ARRAY = 7,
    PARQUET_TYPES = 8
};

enum { PARQUET_REQUIRED = 0, PARQUET_OPTIONAL = 1, PARQUET_REPEATED = 2 };

enum {
    PARQUET_PLAIN = 0,
    PARQUET_PLAIN_DICTIONARY = 2,
    PARQUET_RLE = 3,
    PARQUET_BIT_PACKED = 4,
    PARQUET_DELTA_BINARY_PACKED = 5,
    PARQUET_DELTA_LENGTH_BYTE_ARRAY = 6,
    PARQUET_DELTA_BYTE_ARRAY = 7,
    PARQUET_RLE_DICTIONARY = 8,
    PARQUET_BYTE_STREAM_SPLIT = 9,
    PARQUET_ENCODINGS = 10
};

enum {
    PARQUET_UNCOMPRESSED = 0,
    PARQUET_SNAPPY = 1,
    PARQUET_GZIP = 2,
    PARQUET_LZO = 3,
    PARQUET_BROTLI = 4,
    PARQUET_LZ4 = 5,
    PARQUET_ZSTD = 6,
    PARQUET_LZ4_RAW = 7,
    PARQUET_CODECS = 8
};

enum { PARQUET_DATA_PAGE = 0, PARQUET_INDEX_PAGE = 1, PARQUET_DICTIONARY_PAGE = 2, PARQUET_DATA_PAGE_V2 = 3 };

/* converted types, the older form of logical ones; -1: none */
enum {
    PARQUET_CONVERTED_NONE = -1,
    PARQUET_UTF8 = 0,
    PARQUET_LIST = 3,
    PARQUET_UINT_8 = 11,
    PARQUET_UINT_16 = 12,
    PARQUET_UINT_32 = 13,
    PARQUET_UINT_64 = 14,
    PARQUET_INT_8 = 15,
    PARQUET_INT_16 = 16,
    PARQUET_INT_32 = 17,
    PARQUET_INT_64 = 18
};

/* fields of the union LogicalType */
enum {
    PARQUET_LOGICAL_STRING = 1,
    PARQUET_LOGICAL_LIST = 3,
    PARQUET_LOGICAL_INTEGER = 10,
    PARQUET_LOGICAL_FLOAT16 = 15
};

/* Names as the format's description writes them; "unknown" past the end. */
const char *parquet_type_name(uint32_t type);
const char *parquet_encoding_name(uint32_t encoding);
const char *parquet_codec_name(uint32_t codec);

#endif
