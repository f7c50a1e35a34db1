/* SPDX-License-Identifier: Apache-2.0 */
#include "thrift_write.h"

#include "thrift_read.h"

#include <string.h>

void thrift_out_begin(struct thrift_out *o, const dlfw_sink *sink, bool is_counting, dlfw_error *err)
{
    o->sink = sink;
    o->is_counting = is_counting;
    o->err = err;
    o->status = DLFW_OK;
    o->bytes = 0;
    o->used = 0;
    o->depth = 0;
    o->last[0] = 0;
}

static void flush(struct thrift_out *o)
{
    if (o->used && o->sink && !o->is_counting && o->status >= 0)
        o->status = o->sink->write(o->sink->ctx, o->buffer, o->used, o->err);
    o->used = 0;
}

dlfw_status thrift_out_end(struct thrift_out *o)
{
    if (o->sink)
        flush(o);
    return o->status;
}

static void put(struct thrift_out *o, const void *data, uint32_t len)
{
    const uint8_t *p = data;

    o->bytes += len;
    while (len && !o->is_counting) {
        uint32_t n = (uint32_t)sizeof o->buffer - o->used;

        n = n < len ? n : len;
        memcpy(o->buffer + o->used, p, n);
        o->used += n;
        p += n;
        len -= n;
        if (o->used == sizeof o->buffer)
            flush(o);
    }
}

static void put_byte(struct thrift_out *o, uint8_t byte)
{
    put(o, &byte, 1);
}

static void put_varint(struct thrift_out *o, uint64_t v)
{
    uint8_t bytes[10];
    uint32_t n = 0;

    while (v >= 0x80) {
        bytes[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    bytes[n++] = (uint8_t)v;
    put(o, bytes, n);
}

static uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static void put_field(struct thrift_out *o, int16_t id, uint8_t type)
{
    int delta = id - o->last[o->depth];

    if (delta > 0 && delta < 16) {
        put_byte(o, (uint8_t)(delta << 4 | type));
    } else {
        put_byte(o, type);
        put_varint(o, zigzag(id));
    }
    o->last[o->depth] = id;
}

void thrift_put_i16(struct thrift_out *o, int16_t id, int16_t value)
{
    put_field(o, id, THRIFT_I16);
    put_varint(o, zigzag(value));
}

void thrift_put_i32(struct thrift_out *o, int16_t id, int32_t value)
{
    put_field(o, id, THRIFT_I32);
    thrift_item_put_i32(o, value);
}

void thrift_put_i32_wide(struct thrift_out *o, int16_t id, int32_t value)
{
    uint64_t v = zigzag(value);
    uint8_t bytes[5];

    put_field(o, id, THRIFT_I32);
    for (uint32_t i = 0; i < 5; i++, v >>= 7)
        bytes[i] = (uint8_t)((v & 0x7f) | (i < 4 ? 0x80 : 0));
    put(o, bytes, 5);
}

void thrift_put_i64(struct thrift_out *o, int16_t id, int64_t value)
{
    put_field(o, id, THRIFT_I64);
    put_varint(o, zigzag(value));
}

void thrift_put_byte(struct thrift_out *o, int16_t id, uint8_t value)
{
    put_field(o, id, THRIFT_BYTE);
    put_byte(o, value);
}

void thrift_put_bool(struct thrift_out *o, int16_t id, bool value)
{
    put_field(o, id, value ? THRIFT_TRUE : THRIFT_FALSE);
}

void thrift_put_binary(struct thrift_out *o, int16_t id, const void *data, uint32_t len)
{
    put_field(o, id, THRIFT_BINARY);
    thrift_item_put_binary(o, data, len);
}

static void open_struct(struct thrift_out *o)
{
    if (o->depth + 1 == THRIFT_OUT_DEPTH) {
        o->status = DLFW_E_INTERNAL;
        return;
    }
    o->last[++o->depth] = 0;
}

void thrift_put_struct(struct thrift_out *o, int16_t id)
{
    put_field(o, id, THRIFT_STRUCT);
    open_struct(o);
}

void thrift_put_list(struct thrift_out *o, int16_t id, uint8_t item_type, uint32_t count)
{
    put_field(o, id, THRIFT_LIST);
    if (count < 15) {
        put_byte(o, (uint8_t)(count << 4 | item_type));
    } else {
        put_byte(o, 0xf0 | item_type);
        put_varint(o, count);
    }
}

void thrift_item_put_i32(struct thrift_out *o, int32_t value)
{
    put_varint(o, zigzag(value));
}

void thrift_item_put_binary(struct thrift_out *o, const void *data, uint32_t len)
{
    put_varint(o, len);
    put(o, data, len);
}

void thrift_item_put_struct(struct thrift_out *o)
{
    open_struct(o);
}

void thrift_put_stop(struct thrift_out *o)
{
    put_byte(o, 0);
    if (o->depth)
        o->depth--;
}
