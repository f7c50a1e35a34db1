/* SPDX-License-Identifier: Apache-2.0 */
#include "schema.h"

#include "parquet_format.h"

#include <string.h>

static void parse_integer(struct thrift *t, struct schema_element *e)
{
    struct thrift_field f = {0};

    while (thrift_field(t, &f)) {
        if (f.id == 1 && f.type == THRIFT_BYTE && t->at < t->end)
            e->bits = *t->at++;
        else if (f.id == 2)
            e->is_signed = thrift_bool(t, &f);
        else
            thrift_skip(t, &f);
    }
}

static void parse_logical(struct thrift *t, struct schema_element *e)
{
    struct thrift_field f = {0};

    while (thrift_field(t, &f)) {
        e->logical = (uint32_t)f.id;
        if (f.id == PARQUET_LOGICAL_INTEGER && f.type == THRIFT_STRUCT)
            parse_integer(t, e);
        else
            thrift_skip(t, &f);
    }
}

static uint32_t small(struct thrift *t, const struct thrift_field *f, uint32_t max)
{
    int32_t v = thrift_i32(t, f);

    if (v >= 0 && (uint32_t)v <= max)
        return (uint32_t)v;
    thrift_bad(t, "its schema holds a number that the format does not know");
    return 0;
}

static void parse_element(struct thrift *t, struct schema_element *e)
{
    struct thrift_field f = {0};

    *e = (struct schema_element){.converted = PARQUET_CONVERTED_NONE};
    while (thrift_field(t, &f)) {
        switch (f.id) {
        case 1:
            e->type = small(t, &f, PARQUET_TYPES - 1);
            e->has_type = true;
            break;
        case 2:
            e->type_length = small(t, &f, INT32_MAX);
            break;
        case 3:
            e->repetition = small(t, &f, PARQUET_REPEATED);
            break;
        case 4:
            e->name = thrift_binary(t, &f, &e->name_len);
            break;
        case 5:
            e->children = small(t, &f, INT32_MAX);
            break;
        case 6:
            e->converted = thrift_i32(t, &f);
            break;
        case 10:
            thrift_struct(t, &f);
            parse_logical(t, e);
            break;
        default:
            thrift_skip(t, &f);
        }
    }
    if (!t->problem && !e->name)
        thrift_bad(t, "its schema has an element without a name");
}

/* Bits of an integer column: those of its logical type, or of the older converted type. */
static uint32_t integer_bits(const struct schema_element *e)
{
    if (e->logical == PARQUET_LOGICAL_INTEGER)
        return e->bits;
    switch (e->converted) {
    case PARQUET_INT_8:
    case PARQUET_UINT_8:
        return 8;
    case PARQUET_INT_16:
    case PARQUET_UINT_16:
        return 16;
    default:
        return 32;
    }
}

static void set_widths(struct thrift *t, const struct schema_element *e, struct parquet_leaf *leaf)
{
    static const uint8_t widths[PARQUET_TYPES] = {
        [PARQUET_INT32] = 4, [PARQUET_INT64] = 8, [PARQUET_INT96] = 12, [PARQUET_FLOAT] = 4, [PARQUET_DOUBLE] = 8};

    leaf->type = e->type;
    leaf->stored_width = leaf->width = widths[e->type];
    if (e->type == PARQUET_BOOLEAN)
        leaf->width = 1;
    if (e->type == PARQUET_INT32 && integer_bits(e) < 32)
        leaf->width = integer_bits(e) == 8 ? 1 : 2;
    if (e->type != PARQUET_FIXED_LEN_BYTE_ARRAY)
        return;
    if (!e->type_length)
        thrift_bad(t, "its schema has a fixed-length column without a length");
    leaf->stored_width = leaf->width = e->type_length;
}

/* The groups of the leaf that was returned last stay open until here, for schema_path(). */
static void close_full(struct schema_walk *w)
{
    while (w->depth && !w->open[w->depth - 1].children_left)
        w->depth--;
}

bool schema_is_complete(struct schema_walk *w)
{
    close_full(w);
    return w->has_root && !w->depth;
}

static void open_group(struct thrift *t, struct schema_walk *w, const struct schema_element *e,
                       const struct parquet_leaf *levels)
{
    if (w->depth == PARQUET_MAX_LEVEL) {
        thrift_bad(t, "its schema is nested more than 32 deep");
        return;
    }
    w->open[w->depth].children_left = e->children;
    w->open[w->depth].def = levels->max_def;
    w->open[w->depth].rep = levels->max_rep;
    w->open[w->depth].item_def = levels->item_def;
    w->open[w->depth].name = e->name;
    w->open[w->depth].name_len = e->name_len;
    w->depth++;
}

bool schema_next(struct thrift *t, struct schema_walk *w, struct schema_element *e, struct parquet_leaf *ret)
{
    parse_element(t, e);
    if (t->problem)
        return false;
    *ret = (struct parquet_leaf){0};
    if (!w->has_root) { /* whose repetition says nothing */
        w->has_root = true;
        open_group(t, w, e, ret);
        return false;
    }
    close_full(w);
    if (!w->depth) {
        thrift_bad(t, "its schema has more elements than its tree");
        return false;
    }
    w->open[w->depth - 1].children_left--;
    ret->max_def = w->open[w->depth - 1].def;
    ret->max_rep = w->open[w->depth - 1].rep;
    ret->item_def = w->open[w->depth - 1].item_def;
    if (e->repetition != PARQUET_REQUIRED)
        ret->max_def++;
    if (e->repetition == PARQUET_REPEATED) {
        ret->max_rep++;
        ret->item_def = ret->max_def;
    }
    if (e->has_type && !e->children) {
        set_widths(t, e, ret);
        return !t->problem;
    }
    open_group(t, w, e, ret);
    return false;
}

uint32_t schema_path(const struct schema_walk *w, const struct schema_element *e, char *buf)
{
    uint32_t len = 0;

    for (uint32_t i = 1; i < w->depth; i++) {
        if (buf) {
            memcpy(buf + len, w->open[i].name, w->open[i].name_len);
            buf[len + w->open[i].name_len] = '.';
        }
        len += w->open[i].name_len + 1;
    }
    if (buf) {
        memcpy(buf + len, e->name, e->name_len);
        buf[len + e->name_len] = '\0';
    }
    return len + e->name_len;
}
