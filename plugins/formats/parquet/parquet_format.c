/* SPDX-License-Identifier: Apache-2.0 */
#include "parquet_format.h"

const char *parquet_type_name(uint32_t type)
{
    static const char *const names[PARQUET_TYPES] = {"BOOLEAN", "INT32",  "INT64",      "INT96",
                                                     "FLOAT",   "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"};

    return type < PARQUET_TYPES ? names[type] : "unknown";
}

const char *parquet_encoding_name(uint32_t encoding)
{
    static const char *const names[PARQUET_ENCODINGS] = {
        "PLAIN",          "GROUP_VAR_INT",       "PLAIN_DICTIONARY",        "RLE",
        "BIT_PACKED",     "DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY",
        "RLE_DICTIONARY", "BYTE_STREAM_SPLIT"};

    return encoding < PARQUET_ENCODINGS ? names[encoding] : "unknown";
}

const char *parquet_codec_name(uint32_t codec)
{
    static const char *const names[PARQUET_CODECS] = {"UNCOMPRESSED", "SNAPPY", "GZIP", "LZO",
                                                      "BROTLI",       "LZ4",    "ZSTD", "LZ4_RAW"};

    return codec < PARQUET_CODECS ? names[codec] : "unknown";
}
