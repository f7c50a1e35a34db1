/* SPDX-License-Identifier: Apache-2.0 */
#include "layout.h"

#include "hybrid.h"
#include "page.h"
#include "page_maker.h"
#include "parquet_format.h"

#include <inttypes.h>
#include <stdlib.h>

#define PAGE_BYTES (UINT64_C(1) << 20)
#define PAGE_ROWS (UINT64_C(1) << 20)
#define PAGE_MAX ((uint64_t)INT32_MAX) /* sizes and counts in page headers are signed */

/* Bytes of a row's values in a page; of booleans as if they were not packed. */
static uint64_t row_bytes(const struct layout_column *c)
{
    switch (c->type->kind) {
    case VALUE_BYTE:
    case VALUE_BIT:
        return c->items;
    case VALUE_BINARY:
        return c->size + 4;
    case VALUE_PLAIN:
    case VALUE_WIDE:
    case VALUE_STRING:
        break;
    }
    return c->items * c->type->stored_width;
}

static dlfw_status init_column(struct layout_column *c, dlfw_error *err)
{
    struct page_shape shape;

    c->payload = c->type->kind == VALUE_BINARY ? c->size : c->items * c->type->payload_width;
    if (c->items > PAGE_MAX || row_bytes(c) > PAGE_MAX)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED,
                         "a row of column '%s' takes %" PRIu64 " bytes, a Parquet page holds less than 2 GiB", c->name,
                         row_bytes(c));
    c->rows_per_page = row_bytes(c) < PAGE_BYTES ? PAGE_BYTES / row_bytes(c) : 1;
    if (c->rows_per_page > PAGE_ROWS)
        c->rows_per_page = PAGE_ROWS;
    page_shape_of(c, c->rows_per_page, &shape);
    if (shape.body_bytes > PAGE_MAX)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED,
                         "a row of column '%s' takes %" PRIu64 " bytes, a Parquet page holds less than 2 GiB", c->name,
                         shape.body_bytes);
    return DLFW_OK;
}

dlfw_status layout_init(struct layout *l, const dlfw_format *fmt, uint64_t items, uint64_t rows,
                        uint64_t rows_per_group, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;

    *l = (struct layout){.count = fmt->column_count ? fmt->column_count : 1,
                         .rows = rows,
                         .rows_per_group = rows_per_group < rows ? rows_per_group : rows};
    l->groups = (rows + l->rows_per_group - 1) / l->rows_per_group;
    l->columns = calloc(l->count, sizeof *l->columns);
    if (!l->columns)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for the layout of a file of %" PRIu32 " columns",
                         l->count);
    if (!fmt->column_count)
        l->columns[0] = (struct layout_column){
            .type = &column_type_byte, .name = "data", .items = items, .size = 1, .is_list = true};
    for (uint32_t i = 0; i < fmt->column_count; i++) {
        const struct column_spec *spec = &fmt->columns[i];

        l->columns[i] = (struct layout_column){.type = spec->type,
                                               .name = spec->name,
                                               .items = spec->is_list ? spec->size : 1,
                                               .size = spec->size,
                                               .is_list = spec->is_list};
    }
    for (uint32_t i = 0; i < l->count && st >= 0; i++) {
        st = init_column(&l->columns[i], err);
        l->payload += l->columns[i].payload;
    }
    if (st >= 0 && (l->payload + 64 * (uint64_t)l->count) > (uint64_t)INT64_MAX / 8 / rows)
        st = dlfw_fail(err, DLFW_E_INVALID, "%" PRIu64 " rows of %" PRIu64 " bytes are more than any file can hold",
                       rows, l->payload);
    if (st < 0)
        layout_free(l);
    return st;
}

void layout_free(struct layout *l)
{
    free(l->columns);
    *l = (struct layout){0};
}

uint64_t layout_group_rows(const struct layout *l, uint64_t group)
{
    uint64_t left = l->rows - group * l->rows_per_group;

    return left < l->rows_per_group ? left : l->rows_per_group;
}

uint64_t layout_content(const struct layout *l, uint32_t column, uint64_t first_row, uint64_t group_rows)
{
    uint64_t before = 0;

    for (uint32_t i = 0; i < column; i++)
        before += l->columns[i].payload;
    return first_row * l->payload + group_rows * before;
}

static uint64_t rep_bytes(const struct layout_column *c, uint64_t rows, uint64_t values)
{
    if (!c->is_list)
        return 0;
    if (c->items == 1)
        return 4 + hybrid_rle_bytes(rows);
    if (c->items <= PACKED_LEVELS_MAX)
        return 4 + hybrid_packed_head_bytes(values) + (values + 7) / 8;
    return 4 + rows * (hybrid_rle_bytes(1) + hybrid_rle_bytes(c->items - 1));
}

void page_shape_of(const struct layout_column *c, uint64_t rows, struct page_shape *ret)
{
    uint64_t values = rows * c->items, padding = 0;

    *ret = (struct page_shape){.rows = rows, .values = values};
    ret->rep_bytes = rep_bytes(c, rows, values);
    ret->def_bytes = 4 + hybrid_rle_bytes(values);
    ret->head_bytes = ret->rep_bytes + ret->def_bytes;
    ret->value_bytes = rows * row_bytes(c);
    if (c->type->kind == VALUE_BYTE) {
        ret->head_bytes += 1 + hybrid_packed_head_bytes(values);
        padding = (8 - values % 8) % 8;
    }
    if (c->type->kind == VALUE_BIT)
        ret->value_bytes = (values + 7) / 8;
    ret->body_bytes = ret->head_bytes + ret->value_bytes + padding;
}

uint32_t layout_encoding(const struct layout_column *c)
{
    return c->type->kind == VALUE_BYTE ? PARQUET_RLE_DICTIONARY : PARQUET_PLAIN;
}

static uint64_t page_bytes(const struct layout_column *c, uint64_t rows)
{
    uint8_t buf[PAGE_HEADER_CAP];
    struct page_header h;
    struct page_shape shape;

    page_shape_of(c, rows, &shape);
    h = page_maker_header(c, &shape);
    return page_header_write(buf, &h) + shape.body_bytes;
}

uint64_t layout_chunk_bytes(const struct layout_column *c, uint64_t rows)
{
    uint64_t full = rows / c->rows_per_page, rest = rows % c->rows_per_page, bytes = 0;
    uint8_t buf[PAGE_HEADER_CAP];
    struct page_header h;

    if (c->type->kind == VALUE_BYTE) {
        h = page_maker_dictionary_header();
        bytes = page_header_write(buf, &h) + DICTIONARY_BYTES;
    }
    if (full)
        bytes += full * page_bytes(c, c->rows_per_page);
    if (rest)
        bytes += page_bytes(c, rest);
    return bytes;
}
