/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A FlatBuffer written front to back: a table's offsets point forward to what is written after it, and the few vtables
 * that all tables share come first. Everything is aligned to four bytes, which suffices as no field is wider.
 */
#include "arrow_schema.h"

#include "common/little_endian.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define METADATA_V5 4
#define HEADER_SCHEMA 1

struct buffer {
    uint8_t *data;
    uint64_t len, cap;
    bool is_out_of_memory;
};

/* Where the vtables lie. */
struct vtables {
    uint32_t message, schema, field, integer, real, list, empty;
};

/* n zeroed bytes at the end; their position. */
static uint32_t grow(struct buffer *b, uint64_t n)
{
    uint64_t at = b->len;

    if (b->len + n > b->cap) {
        uint64_t cap = (b->len + n) * 2;
        uint8_t *more = b->is_out_of_memory ? NULL : realloc(b->data, cap);

        if (!more) {
            b->is_out_of_memory = true;
            return 0;
        }
        b->data = more;
        b->cap = cap;
    }
    memset(b->data + at, 0, n);
    b->len += n;
    return (uint32_t)at;
}

static void set_32(struct buffer *b, uint32_t at, uint32_t v)
{
    if (!b->is_out_of_memory)
        put_le32(b->data + at, v);
}

static void set_16(struct buffer *b, uint32_t at, uint16_t v)
{
    if (!b->is_out_of_memory)
        put_le16(b->data + at, v);
}

static void set_8(struct buffer *b, uint32_t at, uint8_t v)
{
    if (!b->is_out_of_memory)
        b->data[at] = v;
}

/* The offset field at place points to what comes next. */
static void point_here(struct buffer *b, uint32_t place)
{
    set_32(b, place, (uint32_t)b->len - place);
}

/* offsets: of the fields in a table of table_bytes; 0: not there */
static uint32_t add_vtable(struct buffer *b, uint16_t table_bytes, const uint16_t *offsets, uint16_t count)
{
    uint16_t bytes = (uint16_t)(4 + 2 * count);
    uint32_t at = grow(b, (bytes + 3u) & ~3u);

    set_16(b, at, bytes);
    set_16(b, at + 2, table_bytes);
    for (uint16_t i = 0; i < count; i++)
        set_16(b, at + 4 + 2u * i, offsets[i]);
    return at;
}

static uint32_t add_table(struct buffer *b, uint32_t vtable, uint32_t table_bytes)
{
    uint32_t at = grow(b, table_bytes);

    set_32(b, at, at - vtable);
    return at;
}

static void add_string(struct buffer *b, const char *text)
{
    uint32_t len = (uint32_t)strlen(text), at = grow(b, 4 + ((uint64_t)len + 4) / 4 * 4);

    set_32(b, at, len);
    if (!b->is_out_of_memory)
        memcpy(b->data + at + 4, text, len);
}

/* Places inside the tables, as the vtables say. */
enum {
    MESSAGE_VERSION = 4,
    MESSAGE_TYPE = 6,
    MESSAGE_HEADER = 8,
    MESSAGE_BYTES = 12,
    SCHEMA_FIELDS = 4,
    SCHEMA_BYTES = 8,
    FIELD_NAME = 4,
    FIELD_TYPE = 8,
    FIELD_CHILDREN = 12,
    FIELD_TYPE_TYPE = 16,
    FIELD_NULLABLE = 17,
    FIELD_BYTES = 20,
    INT_BITS = 4,
    INT_SIGNED = 8,
    INT_BYTES = 12,
    REAL_PRECISION = 4,
    REAL_BYTES = 8,
    LIST_SIZE = 4,
    LIST_BYTES = 8,
    EMPTY_BYTES = 4
};

static void add_vtables(struct buffer *b, struct vtables *v)
{
    static const uint16_t message[] = {MESSAGE_VERSION, MESSAGE_TYPE, MESSAGE_HEADER};
    static const uint16_t schema[] = {0, SCHEMA_FIELDS};
    static const uint16_t field[] = {FIELD_NAME, FIELD_NULLABLE, FIELD_TYPE_TYPE, FIELD_TYPE, 0, FIELD_CHILDREN};
    static const uint16_t integer[] = {INT_BITS, INT_SIGNED};
    static const uint16_t real[] = {REAL_PRECISION};
    static const uint16_t list[] = {LIST_SIZE};

    v->message = add_vtable(b, MESSAGE_BYTES, message, 3);
    v->schema = add_vtable(b, SCHEMA_BYTES, schema, 2);
    v->field = add_vtable(b, FIELD_BYTES, field, 6);
    v->integer = add_vtable(b, INT_BYTES, integer, 2);
    v->real = add_vtable(b, REAL_BYTES, real, 1);
    v->list = add_vtable(b, LIST_BYTES, list, 1);
    v->empty = add_vtable(b, EMPTY_BYTES, NULL, 0);
}

static uint32_t add_field_table(struct buffer *b, const struct vtables *v, const char *name, uint8_t type)
{
    uint32_t at = add_table(b, v->field, FIELD_BYTES);

    set_8(b, at + FIELD_TYPE_TYPE, type);
    set_8(b, at + FIELD_NULLABLE, 1);
    point_here(b, at + FIELD_NAME);
    add_string(b, name);
    point_here(b, at + FIELD_TYPE);
    return at;
}

static void add_value_field(struct buffer *b, const struct vtables *v, const char *name, const struct column_type *t)
{
    uint32_t field = add_field_table(b, v, name, t->arrow_type), at;

    if (t->arrow_type == ARROW_INT) {
        at = add_table(b, v->integer, INT_BYTES);
        set_32(b, at + INT_BITS, t->bits);
        set_8(b, at + INT_SIGNED, t->is_signed);
    } else if (t->arrow_type == ARROW_FLOATING_POINT) {
        at = add_table(b, v->real, REAL_BYTES);
        set_16(b, at + REAL_PRECISION, t->arrow_precision);
    } else {
        add_table(b, v->empty, EMPTY_BYTES);
    }
    point_here(b, field + FIELD_CHILDREN);
    grow(b, 4); /* a vector of none */
}

static void add_list_field(struct buffer *b, const struct vtables *v, const struct layout_column *c)
{
    uint32_t field = add_field_table(b, v, c->name, ARROW_FIXED_SIZE_LIST), at;

    at = add_table(b, v->list, LIST_BYTES);
    set_32(b, at + LIST_SIZE, (uint32_t)c->items);
    point_here(b, field + FIELD_CHILDREN);
    at = grow(b, 8); /* a vector of one */
    set_32(b, at, 1);
    point_here(b, at + 4);
    add_value_field(b, v, "element", c->type);
}

static void add_schema(struct buffer *b, const struct vtables *v, const struct layout *l)
{
    uint32_t at = add_table(b, v->schema, SCHEMA_BYTES), fields;

    point_here(b, at + SCHEMA_FIELDS);
    fields = grow(b, 4 + 4 * (uint64_t)l->count);
    set_32(b, fields, l->count);
    for (uint32_t i = 0; i < l->count; i++) {
        point_here(b, fields + 4 + 4 * i);
        if (l->columns[i].is_list)
            add_list_field(b, v, &l->columns[i]);
        else
            add_value_field(b, v, l->columns[i].name, l->columns[i].type);
    }
}

/* The message as Arrow's streams frame it: a marker, the length, the FlatBuffer padded to eight bytes. */
static void add_message(struct buffer *b, const struct layout *l)
{
    struct buffer flat = {0};
    struct vtables v;
    uint32_t root = grow(&flat, 4), at;

    add_vtables(&flat, &v);
    point_here(&flat, root);
    at = add_table(&flat, v.message, MESSAGE_BYTES);
    set_16(&flat, at + MESSAGE_VERSION, METADATA_V5);
    set_8(&flat, at + MESSAGE_TYPE, HEADER_SCHEMA);
    point_here(&flat, at + MESSAGE_HEADER);
    add_schema(&flat, &v, l);
    grow(&flat, (8 - flat.len % 8) % 8);
    grow(b, 8 + flat.len);
    b->is_out_of_memory |= flat.is_out_of_memory;
    set_32(b, 0, UINT32_MAX);
    set_32(b, 4, (uint32_t)flat.len);
    if (!b->is_out_of_memory)
        memcpy(b->data + 8, flat.data, flat.len);
    free(flat.data);
}

static uint32_t base64(const uint8_t *data, uint64_t len, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *p = out;

    for (uint64_t i = 0; i < len; i += 3) {
        uint64_t left = len - i;
        uint32_t v = (uint32_t)data[i] << 16;

        v |= left > 1 ? (uint32_t)data[i + 1] << 8 : 0;
        v |= left > 2 ? data[i + 2] : 0;
        *p++ = digits[v >> 18];
        *p++ = digits[v >> 12 & 63];
        *p++ = left > 1 ? digits[v >> 6 & 63] : '=';
        *p++ = left > 2 ? digits[v & 63] : '=';
    }
    return (uint32_t)(p - out);
}

dlfw_status arrow_schema_text(const struct layout *l, struct arrow_text *ret, dlfw_error *err)
{
    struct buffer b = {0};

    add_message(&b, l);
    ret->text = b.is_out_of_memory ? NULL : malloc((b.len + 2) / 3 * 4);
    if (ret->text)
        ret->len = base64(b.data, b.len, ret->text);
    free(b.data);
    return ret->text ? DLFW_OK
                     : dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for a schema of %" PRIu32 " columns", l->count);
}

void arrow_text_free(struct arrow_text *t)
{
    free(t->text);
    *t = (struct arrow_text){0};
}
