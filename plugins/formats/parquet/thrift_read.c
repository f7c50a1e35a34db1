/* SPDX-License-Identifier: Apache-2.0 */
#include "thrift_read.h"

#include <stddef.h>

#define DEPTH_MAX 24 /* of structs and lists inside each other that are skipped */

void thrift_open(struct thrift *t, const uint8_t *data, uint64_t len)
{
    *t = (struct thrift){.begin = data, .at = data, .end = data + len};
}

void thrift_bad(struct thrift *t, const char *problem)
{
    if (!t->problem)
        t->problem = problem;
    t->end = t->at; /* nothing more is read */
}

static void ends(struct thrift *t)
{
    if (!t->problem)
        t->is_short = true;
    thrift_bad(t, "ends inside its metadata");
}

static uint64_t left(const struct thrift *t)
{
    return (uint64_t)(t->end - t->at);
}

static uint8_t next_byte(struct thrift *t)
{
    if (t->at == t->end) {
        ends(t);
        return 0;
    }
    return *t->at++;
}

uint64_t thrift_varint(struct thrift *t)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = next_byte(t);

        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    thrift_bad(t, "a number in its metadata has no end");
    return 0;
}

static int64_t zigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static int32_t number_32(struct thrift *t)
{
    int64_t v = zigzag(thrift_varint(t));

    if (v < INT32_MIN || v > INT32_MAX) {
        thrift_bad(t, "a number in its metadata does not fit 32 bits");
        return 0;
    }
    return (int32_t)v;
}

bool thrift_field(struct thrift *t, struct thrift_field *f)
{
    uint8_t head = next_byte(t);
    int64_t id;

    if (t->problem || !head)
        return false;
    f->type = head & 15;
    id = head >> 4 ? f->id + (head >> 4) : number_32(t);
    if (!f->type || f->type > THRIFT_STRUCT || id < INT16_MIN || id > INT16_MAX)
        thrift_bad(t, "a field of its metadata has no known type");
    f->id = (int16_t)id;
    return !t->problem;
}

static bool is_of_type(struct thrift *t, const struct thrift_field *f, uint8_t type)
{
    if (f->type == type)
        return true;
    thrift_bad(t, "a field of its metadata has another type than the format says");
    return false;
}

int32_t thrift_item_i32(struct thrift *t)
{
    return number_32(t);
}

int32_t thrift_i32(struct thrift *t, const struct thrift_field *f)
{
    return is_of_type(t, f, THRIFT_I32) ? number_32(t) : 0;
}

int64_t thrift_i64(struct thrift *t, const struct thrift_field *f)
{
    return is_of_type(t, f, THRIFT_I64) ? zigzag(thrift_varint(t)) : 0;
}

bool thrift_bool(struct thrift *t, const struct thrift_field *f)
{
    if (f->type == THRIFT_TRUE)
        return true;
    is_of_type(t, f, THRIFT_FALSE);
    return false;
}

const uint8_t *thrift_item_binary(struct thrift *t, uint32_t *ret_len)
{
    uint64_t len = thrift_varint(t);
    const uint8_t *data = t->at;

    *ret_len = 0;
    if (t->problem)
        return NULL;
    if (len > left(t) || len > UINT32_MAX) {
        ends(t);
        return NULL;
    }
    *ret_len = (uint32_t)len;
    t->at += len;
    return data;
}

const uint8_t *thrift_binary(struct thrift *t, const struct thrift_field *f, uint32_t *ret_len)
{
    *ret_len = 0;
    return is_of_type(t, f, THRIFT_BINARY) ? thrift_item_binary(t, ret_len) : NULL;
}

void thrift_struct(struct thrift *t, const struct thrift_field *f)
{
    is_of_type(t, f, THRIFT_STRUCT);
}

/* Every item takes a byte at least, which bounds what a short input can ask for. */
static uint32_t list_head(struct thrift *t, uint8_t *ret_type)
{
    uint8_t head = next_byte(t);
    uint64_t count = head >> 4;

    if (count == 15)
        count = thrift_varint(t);
    if (t->problem)
        return 0;
    if (count > left(t)) {
        ends(t);
        return 0;
    }
    *ret_type = head & 15;
    return (uint32_t)count;
}

uint32_t thrift_list(struct thrift *t, const struct thrift_field *f, uint8_t item_type)
{
    uint8_t type = 0;
    uint32_t count = is_of_type(t, f, THRIFT_LIST) ? list_head(t, &type) : 0;

    if (count && type != item_type) {
        thrift_bad(t, "a list of its metadata holds another type than the format says");
        return 0;
    }
    return count;
}

static void skip_value(struct thrift *t, uint8_t type, unsigned depth);

static void skip_bytes(struct thrift *t, uint64_t n)
{
    if (n > left(t))
        ends(t);
    else
        t->at += n;
}

/* In a list or a map a boolean is a byte, so that every item takes one at least. */
static uint8_t type_of_item(uint8_t type)
{
    return type == THRIFT_TRUE || type == THRIFT_FALSE ? THRIFT_BYTE : type;
}

static void skip_list(struct thrift *t, unsigned depth)
{
    uint8_t type = 0;
    uint32_t count = list_head(t, &type);

    for (uint32_t i = 0; i < count && !t->problem; i++)
        skip_value(t, type_of_item(type), depth);
}

static void skip_map(struct thrift *t, unsigned depth)
{
    uint64_t count = thrift_varint(t);
    uint8_t types;

    if (!count || t->problem)
        return;
    types = next_byte(t);
    for (uint64_t i = 0; i < count && !t->problem; i++) {
        skip_value(t, type_of_item(types >> 4), depth);
        skip_value(t, type_of_item(types & 15), depth);
    }
}

static void skip_struct(struct thrift *t, unsigned depth)
{
    struct thrift_field f = {0};

    while (thrift_field(t, &f))
        skip_value(t, f.type, depth);
}

static void skip_value(struct thrift *t, uint8_t type, unsigned depth)
{
    uint32_t len;

    if (depth >= DEPTH_MAX) {
        thrift_bad(t, "its metadata are nested too deeply");
        return;
    }
    switch (type) {
    case THRIFT_TRUE:
    case THRIFT_FALSE:
        break;
    case THRIFT_BYTE:
        skip_bytes(t, 1);
        break;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64:
        thrift_varint(t);
        break;
    case THRIFT_DOUBLE:
        skip_bytes(t, 8);
        break;
    case THRIFT_BINARY:
        thrift_item_binary(t, &len);
        break;
    case THRIFT_LIST:
    case THRIFT_SET:
        skip_list(t, depth + 1);
        break;
    case THRIFT_MAP:
        skip_map(t, depth + 1);
        break;
    case THRIFT_STRUCT:
        skip_struct(t, depth + 1);
        break;
    default:
        thrift_bad(t, "an item of its metadata has no known type");
    }
}

void thrift_skip(struct thrift *t, const struct thrift_field *f)
{
    skip_value(t, f->type, 0);
}
