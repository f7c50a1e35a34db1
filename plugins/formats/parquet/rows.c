/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode: columns. Row by row, the values of the selected columns one after the other in the order of the schema. Each
 * column is decoded page by page and laid out over the rows; nulls become zeros and are counted.
 */
#include "reader.h"

#include "common/span_set.h"
#include "fill.h"

#include <inttypes.h>
#include <string.h>

/* What rows may take beyond what their bytes can say: nulls take no bytes. */
#define OUT_FREE (UINT64_C(1) << 30)
#define OUT_PER_BYTE 32768u

/* The run file's size of a list tells the length also where nulls hide it. */
static uint64_t stated_items(const dlfw_reader *r, const struct parquet_leaf *leaf)
{
    const dlfw_format *fmt = r->fmt;

    for (uint32_t i = 0; i < fmt->column_count; i++)
        if (fmt->columns[i].is_list && strlen(fmt->columns[i].name) == leaf->root_len &&
            memcmp(fmt->columns[i].name, leaf->path, leaf->root_len) == 0)
            return fmt->columns[i].size;
    return 0;
}

dlfw_status parquet_row_items(const dlfw_reader *r, uint64_t unit, uint32_t column, uint64_t *ret, dlfw_error *err)
{
    const struct parquet_leaf *leaf = &r->file->columns[column];
    const struct parquet_chunk *c = parquet_chunk(r->file, unit, column);
    const uint64_t rows = r->file->groups[unit].rows;

    *ret = 1;
    if (!leaf->max_rep)
        return DLFW_OK;
    if (leaf->max_rep > 1)
        return parquet_fail(r, DLFW_E_UNSUPPORTED, unit, column, c->offset,
                            "lists of lists have no fixed width; leave the column out, or set decode: raw", err);
    *ret = stated_items(r, leaf);
    if (!*ret && c->values % rows == 0)
        *ret = c->values / rows;
    if (*ret)
        return DLFW_OK;
    return parquet_fail(r, DLFW_E_UNSUPPORTED, unit, column, c->offset,
                        "its lists have different lengths; leave the column out, or set decode: raw", err);
}

dlfw_status parquet_row_bytes(const dlfw_reader *r, uint64_t unit, uint64_t *ret, dlfw_error *err)
{
    const struct parquet_chunk *chunks = parquet_chunk(r->file, unit, 0);
    uint64_t stored = 0, row = 0, total = 0;

    for (uint32_t i = 0; i < r->file->column_count; i++) {
        uint64_t items = 0, bytes;
        dlfw_status st = parquet_row_items(r, unit, i, &items, err);

        if (st < 0)
            return st;
        if (!r->file->columns[i].width)
            return parquet_fail(r, DLFW_E_UNSUPPORTED, unit, i, chunks[i].offset,
                                "byte arrays have no fixed width; leave the column out, or set decode: raw", err);
        stored += chunks[i].bytes;
        if (__builtin_mul_overflow(items, r->file->columns[i].width, &bytes) ||
            __builtin_add_overflow(row, bytes, &row) ||
            __builtin_mul_overflow(row, r->file->groups[unit].rows, &total) || total > OUT_FREE + stored * OUT_PER_BYTE)
            return parquet_fail(r, DLFW_E_CORRUPT, unit, i, chunks[i].offset,
                                "it says that it decodes to more than its bytes can hold", err);
    }
    *ret = row;
    return DLFW_OK;
}

static dlfw_status fill_columns(dlfw_reader *r, uint64_t unit, const dlfw_span *have, uint32_t n_have, uint8_t *out,
                                uint64_t row_bytes, dlfw_error *err)
{
    struct workplace w = {0};
    uint64_t place_in_row = 0;
    dlfw_status st = DLFW_OK;

    for (uint32_t i = 0; i < r->file->column_count && st >= 0; i++) {
        const struct parquet_chunk *c = parquet_chunk(r->file, unit, i);
        struct filling f = {.r = r,
                            .unit = unit,
                            .column = i,
                            .leaf = &r->file->columns[i],
                            .walk = {.len = c->bytes, .codec = (uint32_t)c->codec},
                            .chunk_offset = c->offset,
                            .rows = r->file->groups[unit].rows,
                            .out = out + place_in_row,
                            .stride = row_bytes};

        f.walk.data = span_find(have, n_have, c->offset, c->bytes);
        st = parquet_row_items(r, unit, i, &f.items, err);
        if (st >= 0 && !f.walk.data)
            st = fill_fail(&f, DLFW_E_INVALID, "decode without all bytes of a range", err);
        if (st >= 0)
            st = fill_column(&f, &w, err);
        place_in_row += f.items * f.leaf->width;
    }
    if (st >= 0)
        fill_spread(&w, row_bytes, r->file->groups[unit].rows);
    fill_free(&w);
    return st;
}

dlfw_status parquet_rows(dlfw_reader *r, uint64_t unit, const dlfw_span *have, uint32_t n_have, void *out,
                         dlfw_view *views, dlfw_error *err)
{
    const uint32_t item = r->file->column_count == 1 ? r->file->columns[0].width : 1;
    const uint64_t nulls = r->nulls;
    uint64_t row_bytes = 0;
    dlfw_status st = parquet_row_bytes(r, unit, &row_bytes, err);

    if (st >= 0 && !out)
        st = dlfw_fail(err, DLFW_E_INVALID, "'%.*s': no memory was given to decode row group %" PRIu64 " to",
                       (int)r->object->name_len, r->object->name, unit);
    if (st >= 0)
        st = fill_columns(r, unit, have, n_have, out, row_bytes, err);
    if (st < 0)
        return st;
    if (r->nulls > nulls && parquet_says(r->fmt, SAID_NULLS))
        dlfw_log(r->fmt->host, r->fmt->host_ctx, DLFW_LOG_WARNING,
                 "'%.*s': row group %" PRIu64 " holds %" PRIu64 " nulls; they are read as zeros",
                 (int)r->object->name_len, r->object->name, unit, r->nulls - nulls);
    for (uint64_t i = 0; i < r->file->groups[unit].rows; i++)
        views[i] = (dlfw_view){
            .data = (uint8_t *)out + i * row_bytes, .bytes = row_bytes, .item_size = item, .item_stride = item};
    return DLFW_OK;
}
