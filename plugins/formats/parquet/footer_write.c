/* SPDX-License-Identifier: Apache-2.0 */
#include "footer_write.h"

#include "arrow_schema.h"
#include "common/little_endian.h"
#include "page_maker.h"
#include "parquet_format.h"
#include "thrift_read.h"
#include "thrift_write.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT_VERSION 2
#define CREATED_BY "dlfw version 0.1.0"

static void put_text(struct thrift_out *o, int16_t id, const char *text)
{
    thrift_put_binary(o, id, text, (uint32_t)strlen(text));
}

static void put_logical(struct thrift_out *o, const struct column_type *t)
{
    if (t->converted != PARQUET_CONVERTED_NONE)
        thrift_put_i32(o, 6, t->converted);
    if (!t->logical)
        return;
    thrift_put_struct(o, 10);
    thrift_put_struct(o, t->logical);
    if (t->logical == PARQUET_LOGICAL_INTEGER) {
        thrift_put_byte(o, 1, t->bits);
        thrift_put_bool(o, 2, t->is_signed);
    }
    thrift_put_stop(o);
    thrift_put_stop(o);
}

static void put_leaf(struct thrift_out *o, const struct column_type *t, const char *name)
{
    thrift_item_put_struct(o);
    thrift_put_i32(o, 1, t->physical);
    if (t->type_length)
        thrift_put_i32(o, 2, t->type_length);
    thrift_put_i32(o, 3, PARQUET_OPTIONAL);
    put_text(o, 4, name);
    put_logical(o, t);
    thrift_put_stop(o);
}

static void put_group(struct thrift_out *o, const char *name, int32_t repetition, int32_t children, bool is_list)
{
    thrift_item_put_struct(o);
    thrift_put_i32(o, 3, repetition);
    put_text(o, 4, name);
    thrift_put_i32(o, 5, children);
    if (is_list) {
        thrift_put_i32(o, 6, PARQUET_LIST);
        thrift_put_struct(o, 10);
        thrift_put_struct(o, PARQUET_LOGICAL_LIST);
        thrift_put_stop(o);
        thrift_put_stop(o);
    }
    thrift_put_stop(o);
}

static void put_schema(struct thrift_out *o, const struct layout *l)
{
    uint32_t count = 1;

    for (uint32_t i = 0; i < l->count; i++)
        count += l->columns[i].is_list ? 3 : 1;
    thrift_put_list(o, 2, THRIFT_STRUCT, count);
    put_group(o, "schema", PARQUET_REQUIRED, (int32_t)l->count, false);
    for (uint32_t i = 0; i < l->count; i++) {
        const struct layout_column *c = &l->columns[i];

        if (c->is_list) {
            put_group(o, c->name, PARQUET_OPTIONAL, 1, true);
            put_group(o, "list", PARQUET_REPEATED, 1, false);
        }
        put_leaf(o, c->type, c->is_list ? "element" : c->name);
    }
}

static void put_chunk(struct thrift_out *o, const struct footer_plan *plan, const struct layout_column *c,
                      uint64_t rows, const struct written_chunk *w, uint64_t offset)
{
    thrift_item_put_struct(o);
    thrift_put_i64(o, 2, 0); /* required, and without meaning since the metadata lie here */
    thrift_put_struct(o, 3);
    thrift_put_i32(o, 1, c->type->physical);
    thrift_put_list(o, 2, THRIFT_I32, w->dictionary_bytes ? 3 : 2);
    thrift_item_put_i32(o, PARQUET_PLAIN);
    thrift_item_put_i32(o, PARQUET_RLE);
    if (w->dictionary_bytes)
        thrift_item_put_i32(o, PARQUET_RLE_DICTIONARY);
    thrift_put_list(o, 3, THRIFT_BINARY, c->is_list ? 3 : 1);
    thrift_item_put_binary(o, c->name, (uint32_t)strlen(c->name));
    if (c->is_list) {
        thrift_item_put_binary(o, "list", 4);
        thrift_item_put_binary(o, "element", 7);
    }
    thrift_put_i32(o, 4, (int32_t)plan->codec);
    thrift_put_i64(o, 5, (int64_t)(rows * c->items));
    thrift_put_i64(o, 6, (int64_t)w->raw_bytes);
    thrift_put_i64(o, 7, (int64_t)w->bytes);
    thrift_put_i64(o, 9, (int64_t)(offset + w->dictionary_bytes));
    if (w->dictionary_bytes)
        thrift_put_i64(o, 11, (int64_t)offset);
    thrift_put_stop(o);
    thrift_put_stop(o);
}

/* Chunks of a row group: those that were written, or (as all full groups are alike) those of *plain. */
static void put_row_group(struct thrift_out *o, const struct footer_plan *plan, uint64_t group,
                          const struct written_chunk *chunks, uint64_t *offset)
{
    const struct layout *l = plan->layout;
    uint64_t rows = layout_group_rows(l, group), begin = *offset, raw = 0;

    thrift_item_put_struct(o);
    thrift_put_list(o, 1, THRIFT_STRUCT, l->count);
    for (uint32_t i = 0; i < l->count; i++) {
        put_chunk(o, plan, &l->columns[i], rows, &chunks[i], *offset);
        *offset += chunks[i].bytes;
        raw += chunks[i].raw_bytes;
    }
    thrift_put_i64(o, 2, (int64_t)raw);
    thrift_put_i64(o, 3, (int64_t)rows);
    thrift_put_i64(o, 5, (int64_t)begin);
    thrift_put_i64(o, 6, (int64_t)(*offset - begin));
    if (group <= INT16_MAX)
        thrift_put_i16(o, 7, (int16_t)group);
    thrift_put_stop(o);
}

struct written_chunk footer_plain_chunk(const struct layout_column *c, uint64_t rows)
{
    struct written_chunk w = {.bytes = layout_chunk_bytes(c, rows)};
    uint8_t buf[PAGE_HEADER_CAP];
    struct page_header h = page_maker_dictionary_header();

    w.raw_bytes = w.bytes;
    if (c->type->kind == VALUE_BYTE)
        w.dictionary_bytes = page_header_write(buf, &h) + DICTIONARY_BYTES;
    return w;
}

static dlfw_status put_row_groups(struct thrift_out *o, const struct footer_plan *plan, dlfw_error *err)
{
    const struct layout *l = plan->layout;
    struct written_chunk *plain = calloc(l->count, sizeof *plain);
    uint64_t offset = PARQUET_MAGIC_BYTES, plain_rows = 0;

    if (!plain)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for a footer of %" PRIu32 " columns", l->count);
    thrift_put_list(o, 4, THRIFT_STRUCT, (uint32_t)l->groups);
    for (uint64_t g = 0; g < l->groups && o->status >= 0; g++) {
        const struct written_chunk *chunks = plain;
        uint64_t rows = layout_group_rows(l, g);

        if (plan->chunks)
            chunks = plan->chunks + g * l->count;
        for (uint32_t i = 0; !plan->chunks && rows != plain_rows && i < l->count; i++)
            plain[i] = footer_plain_chunk(&l->columns[i], rows);
        plain_rows = rows;
        put_row_group(o, plan, g, chunks, &offset);
    }
    free(plain);
    return DLFW_OK;
}

static void put_arrow_schema(struct thrift_out *o, const struct arrow_text *arrow)
{
    thrift_put_list(o, 5, THRIFT_STRUCT, 1);
    thrift_item_put_struct(o);
    put_text(o, 1, "ARROW:schema");
    thrift_put_binary(o, 2, arrow->text, arrow->len);
    thrift_put_stop(o);
}

static dlfw_status put_footer(struct thrift_out *o, const struct footer_plan *plan, dlfw_error *err)
{
    struct arrow_text arrow = {0};
    dlfw_status st = arrow_schema_text(plan->layout, &arrow, err);

    if (st < 0)
        return st;
    thrift_put_i32(o, 1, FORMAT_VERSION);
    put_schema(o, plan->layout);
    thrift_put_i64(o, 3, (int64_t)plan->layout->rows);
    st = put_row_groups(o, plan, err);
    put_arrow_schema(o, &arrow);
    put_text(o, 6, CREATED_BY);
    thrift_put_stop(o);
    arrow_text_free(&arrow);
    return st < 0 ? st : thrift_out_end(o);
}

dlfw_status footer_write(const struct footer_plan *plan, const dlfw_sink *sink, uint64_t *ret_bytes, dlfw_error *err)
{
    struct thrift_out *o = malloc(sizeof *o);
    uint8_t tail[PARQUET_TAIL_BYTES];
    dlfw_status st;

    if (!o)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for a footer");
    thrift_out_begin(o, sink, !sink, err);
    st = put_footer(o, plan, err);
    *ret_bytes = o->bytes + PARQUET_TAIL_BYTES;
    if (st >= 0 && o->bytes > INT32_MAX)
        st = dlfw_fail(err, DLFW_E_UNSUPPORTED,
                       "a footer of %" PRIu64 " bytes is too long for Parquet: use fewer columns or larger row groups",
                       o->bytes);
    if (st >= 0 && sink) {
        put_le32(tail, (uint32_t)o->bytes);
        memcpy(tail + 4, PARQUET_MAGIC, PARQUET_MAGIC_BYTES);
        st = sink->write(sink->ctx, tail, sizeof tail, err);
    }
    free(o);
    return st;
}
