/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode: raw. Nothing is decoded or copied. Where one column is read and its pages hold rows as they are, a sample is
 * its row; otherwise a sample is an equal share of the row group's bytes.
 */
#include "reader.h"

#include "chunk_walk.h"
#include "common/little_endian.h"
#include "common/span_set.h"
#include "hybrid.h"
#include "parquet_format.h"
#include "values.h"

#include <inttypes.h>

/* A dictionary that maps each byte to itself. */
static bool is_identity(const struct parquet_leaf *leaf, const struct page_header *h, const uint8_t *page)
{
    if (leaf->width != 1 || leaf->type != PARQUET_INT32 || h->values != 256 || h->stored_bytes != 4 * 256)
        return false;
    for (uint32_t i = 0; i < 256; i++)
        if (page[4 * i] != i)
            return false;
    return true;
}

/* The values of a page where they lie; NULL: they have to be decoded. */
static const uint8_t *page_values(const struct parquet_leaf *leaf, const struct page_header *h,
                                  const struct page_parts *parts, bool has_identity)
{
    struct value_source s = {
        .leaf = leaf, .data = parts->values, .len = parts->values_bytes, .count = h->values, .encoding = h->encoding};
    struct hybrid indices = {.at = parts->values + 1, .end = parts->values + parts->values_bytes, .width = 8};
    struct hybrid_run run;

    if (h->encoding != PARQUET_RLE_DICTIONARY && h->encoding != PARQUET_PLAIN_DICTIONARY)
        return values_in_place(&s);
    if (!has_identity || !parts->values_bytes || *parts->values != 8 || !hybrid_next(&indices, h->values, &run))
        return NULL;
    return run.count == h->values ? run.bits : NULL;
}

/* Rows of a column that is stored as it is; false when it is not, whatever views then holds. */
static bool view_rows(const struct parquet_leaf *leaf, struct chunk_walk *w, uint64_t items, uint64_t rows,
                      dlfw_view *views)
{
    const uint64_t row_bytes = items * leaf->width;
    bool has_identity = false;
    struct page_header h;
    struct page_parts parts;
    const uint8_t *page = NULL;
    const char *problem = NULL;
    dlfw_status st;

    while ((st = chunk_walk_next(w, &h, &page, &problem)) == DLFW_OK) {
        const uint8_t *values;

        if (h.type == PARQUET_DICTIONARY_PAGE) {
            has_identity = is_identity(leaf, &h, page);
            continue;
        }
        if (h.type != PARQUET_DATA_PAGE && h.type != PARQUET_DATA_PAGE_V2)
            continue;
        if (h.values % items || h.values / items > rows ||
            page_split(leaf, &h, page, h.stored_bytes, &parts, &problem) < 0 || !page_is_full(leaf, &h, &parts) ||
            !page_is_regular(leaf, &h, &parts, items))
            return false;
        values = page_values(leaf, &h, &parts, has_identity);
        if (!values && h.values)
            return false;
        for (uint64_t i = 0; i < h.values / items; i++)
            *views++ = (dlfw_view){.data = values + i * row_bytes,
                                   .bytes = row_bytes,
                                   .item_size = leaf->width,
                                   .item_stride = leaf->width};
        rows -= h.values / items;
    }
    return st == DLFW_END && !rows;
}

static bool view_column(dlfw_reader *r, uint64_t unit, const dlfw_span *have, uint32_t n_have, dlfw_view *views)
{
    const struct parquet_chunk *chunk = parquet_chunk(r->file, unit, 0);
    struct chunk_walk w = {.len = chunk->bytes, .codec = (uint32_t)chunk->codec};
    uint64_t items;

    if (r->file->column_count != 1 || !r->file->columns[0].width || chunk->codec != PARQUET_UNCOMPRESSED ||
        parquet_row_items(r, unit, 0, &items, NULL) < 0)
        return false;
    w.data = span_find(have, n_have, chunk->offset, chunk->bytes);
    return w.data && view_rows(&r->file->columns[0], &w, items, r->file->groups[unit].rows, views);
}

/* Share i of the runs' total bytes; it ends with its run. */
static dlfw_status view_shares(dlfw_reader *r, uint64_t unit, const dlfw_span *have, uint32_t n_have, dlfw_view *views,
                               dlfw_error *err)
{
    const uint64_t rows = r->file->groups[unit].rows;
    dlfw_range runs[RUNS_MAX];
    uint64_t gaps, total = 0, before = 0, end = 0, rest = 0;
    uint32_t n = parquet_runs(r->file, unit, runs, &gaps), run = 0;
    const uint8_t *data = span_find(have, n_have, runs[0].offset, runs[0].length);

    for (uint32_t i = 0; i < n; i++)
        total += runs[i].length;
    for (uint64_t i = 0; i < rows; i++) {
        uint64_t begin = end, last;

        end += total / rows; /* floor(total * (i + 1) / rows) */
        rest += total % rows;
        if (rest >= rows) {
            rest -= rows;
            end++;
        }
        while (begin - before >= runs[run].length && run + 1 < n) {
            before += runs[run++].length;
            data = span_find(have, n_have, runs[run].offset, runs[run].length);
        }
        if (!data)
            return parquet_fail(r, DLFW_E_INVALID, unit, 0, runs[run].offset, "decode without all bytes of a range",
                                err);
        last = end < before + runs[run].length ? end : before + runs[run].length;
        views[i] = (dlfw_view){.data = data + (begin - before),
                               .bytes = last > begin ? last - begin : 0,
                               .item_size = 1,
                               .item_stride = 1};
    }
    return DLFW_OK;
}

dlfw_status parquet_views(dlfw_reader *r, uint64_t unit, const dlfw_span *have, uint32_t n_have, dlfw_view *views,
                          dlfw_error *err)
{
    if (view_column(r, unit, have, n_have, views))
        return DLFW_OK;
    return view_shares(r, unit, have, n_have, views, err);
}
