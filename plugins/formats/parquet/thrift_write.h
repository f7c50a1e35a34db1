/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thrift's compact protocol, written front to back through a small buffer, or only counted. The first failure of the
 * sink sticks; thrift_out_end() returns it.
 */
#ifndef DLFW_PARQUET_THRIFT_WRITE_H
#define DLFW_PARQUET_THRIFT_WRITE_H

#include "dlfw/format.h"

#include <stdbool.h>

#define THRIFT_OUT_DEPTH 8u

struct thrift_out {
    const dlfw_sink *sink; /* NULL: the bytes stay in the buffer, or with is_counting are only counted */
    bool is_counting;
    dlfw_error *err;
    dlfw_status status;
    uint64_t bytes;                 /* written so far */
    uint32_t used;                  /* of buffer */
    uint32_t depth;                 /* structs that are open */
    int16_t last[THRIFT_OUT_DEPTH]; /* field written last, per open struct */
    uint8_t buffer[4096];
};

void thrift_out_begin(struct thrift_out *o, const dlfw_sink *sink, bool is_counting, dlfw_error *err);
dlfw_status thrift_out_end(struct thrift_out *o);

/* Fields of the struct that is open, ascending by id. */
void thrift_put_i16(struct thrift_out *o, int16_t id, int16_t value);
void thrift_put_i32(struct thrift_out *o, int16_t id, int32_t value);
void thrift_put_i32_wide(struct thrift_out *o, int16_t id, int32_t value); /* five bytes whatever the value */
void thrift_put_i64(struct thrift_out *o, int16_t id, int64_t value);
void thrift_put_byte(struct thrift_out *o, int16_t id, uint8_t value);
void thrift_put_bool(struct thrift_out *o, int16_t id, bool value);
void thrift_put_binary(struct thrift_out *o, int16_t id, const void *data, uint32_t len);
void thrift_put_struct(struct thrift_out *o, int16_t id); /* opens it; thrift_put_stop() closes */
void thrift_put_list(struct thrift_out *o, int16_t id, uint8_t item_type, uint32_t count);
/* Items of the list put last. */
void thrift_item_put_i32(struct thrift_out *o, int32_t value);
void thrift_item_put_binary(struct thrift_out *o, const void *data, uint32_t len);
void thrift_item_put_struct(struct thrift_out *o);
void thrift_put_stop(struct thrift_out *o);

#endif
