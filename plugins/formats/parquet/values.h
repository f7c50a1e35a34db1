/* SPDX-License-Identifier: Apache-2.0 */
/* The encodings of values of fixed width. Every decoder writes exactly count values or says what is wrong. */
#ifndef DLFW_PARQUET_VALUES_H
#define DLFW_PARQUET_VALUES_H

#include "footer.h"

struct value_source {
    const struct parquet_leaf *leaf;
    const uint8_t *data;
    uint64_t len;
    uint64_t count; /* of values, without nulls */
    uint32_t encoding;
    const uint8_t *dictionary; /* dictionary_count decoded values; NULL: the chunk has none */
    uint32_t dictionary_count;
};

/* count values of leaf->width bytes each, one after the other. */
dlfw_status values_decode(const struct value_source *s, uint8_t *out, const char **ret_problem);
/* PLAIN values that are stored as they are decoded: they need no copy. NULL: they do. */
const uint8_t *values_in_place(const struct value_source *s);

/* delta.c: DELTA_BINARY_PACKED integers, cut to width bytes. */
dlfw_status delta_decode(const struct value_source *s, uint8_t *out, const char **ret_problem);

#endif
