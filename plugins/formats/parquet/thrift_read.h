/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thrift's compact protocol, read from untrusted bytes. The first mistake sticks: from then on every getter returns
 * zeros and thrift_field() says that the struct is over, so that a parser checks once at the end.
 */
#ifndef DLFW_PARQUET_THRIFT_READ_H
#define DLFW_PARQUET_THRIFT_READ_H

#include <stdbool.h>
#include <stdint.h>

/* types of fields and items */
enum {
    THRIFT_TRUE = 1, /* a boolean field carries its value here */
    THRIFT_FALSE = 2,
    THRIFT_BYTE = 3,
    THRIFT_I16 = 4,
    THRIFT_I32 = 5,
    THRIFT_I64 = 6,
    THRIFT_DOUBLE = 7,
    THRIFT_BINARY = 8,
    THRIFT_LIST = 9,
    THRIFT_SET = 10,
    THRIFT_MAP = 11,
    THRIFT_STRUCT = 12
};

struct thrift {
    const uint8_t *begin, *at, *end;
    const char *problem; /* NULL: none so far */
    bool is_short;       /* the problem is only that the bytes end */
};

/* The fields of one struct: struct thrift_field f = {0}; while (thrift_field(t, &f)) ... */
struct thrift_field {
    int16_t id;
    uint8_t type;
};

void thrift_open(struct thrift *t, const uint8_t *data, uint64_t len);
void thrift_bad(struct thrift *t, const char *problem);

bool thrift_field(struct thrift *t, struct thrift_field *f);
uint64_t thrift_varint(struct thrift *t);
/* The value of the field, whose type must be as the name says. */
int32_t thrift_i32(struct thrift *t, const struct thrift_field *f);
int64_t thrift_i64(struct thrift *t, const struct thrift_field *f);
bool thrift_bool(struct thrift *t, const struct thrift_field *f);
/* NULL and 0 after a problem; otherwise the bytes lie in the input. */
const uint8_t *thrift_binary(struct thrift *t, const struct thrift_field *f, uint32_t *ret_len);
void thrift_struct(struct thrift *t, const struct thrift_field *f); /* only checks: its fields follow */
/* Items of a list field, each of the type given; there are at least that many bytes left. */
uint32_t thrift_list(struct thrift *t, const struct thrift_field *f, uint8_t item_type);
int32_t thrift_item_i32(struct thrift *t);
const uint8_t *thrift_item_binary(struct thrift *t, uint32_t *ret_len);
void thrift_skip(struct thrift *t, const struct thrift_field *f);

#endif
