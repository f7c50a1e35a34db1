/* SPDX-License-Identifier: Apache-2.0 */
#include "fill.h"

#include "codec.h"
#include "hybrid.h"
#include "parquet_format.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

#define SPREAD_BYTES 64u          /* values of a row that are worth laying out in blocks */
#define BLOCK_BYTES (32u * 1024u) /* of rows: they stay in the first-level cache */

static dlfw_status reserve(struct growing *g, uint64_t need)
{
    uint8_t *more;

    if (need <= g->cap)
        return DLFW_OK;
    more = realloc(g->data, need);
    if (!more)
        return DLFW_E_NO_MEMORY;
    g->data = more;
    g->cap = need;
    return DLFW_OK;
}

dlfw_status fill_fail(const struct filling *f, dlfw_status st, const char *problem, dlfw_error *err)
{
    return parquet_fail(f->r, st, f->unit, f->column, f->chunk_offset + f->walk.at,
                        st == DLFW_E_NO_MEMORY && !problem ? "out of memory to decode a page" : problem, err);
}

/* Copies rows of bytes each; a constant width lets the compiler move a value at once. */
static void scatter(uint8_t *out, uint64_t stride, const uint8_t *values, uint64_t rows, uint64_t bytes)
{
    switch (bytes) {
    case 1:
        for (uint64_t i = 0; i < rows; i++)
            out[i * stride] = values[i];
        break;
    case 2:
        for (uint64_t i = 0; i < rows; i++)
            memcpy(out + i * stride, values + 2 * i, 2);
        break;
    case 4:
        for (uint64_t i = 0; i < rows; i++)
            memcpy(out + i * stride, values + 4 * i, 4);
        break;
    case 8:
        for (uint64_t i = 0; i < rows; i++)
            memcpy(out + i * stride, values + 8 * i, 8);
        break;
    default:
        for (uint64_t i = 0; i < rows; i++)
            memcpy(out + i * stride, values + i * bytes, bytes);
    }
}

/*
 * Narrow columns are laid out block by block of rows: so the rows of a block stay in the cache while one column after
 * the other is written to them.
 */
static bool spread_later(struct workplace *w, const struct filling *f, const uint8_t *values, uint64_t rows,
                         uint64_t bytes)
{
    struct spread *s;

    if (bytes > SPREAD_BYTES || reserve(&w->spreads, (w->spread_count + 1) * 2 * sizeof *s) < 0)
        return false;
    s = (struct spread *)(void *)w->spreads.data + w->spread_count++;
    *s = (struct spread){
        .out = f->out + f->row * f->stride, .values = values, .row = f->row, .rows = rows, .bytes = bytes};
    return true;
}

void fill_spread(const struct workplace *w, uint64_t stride, uint64_t rows)
{
    const struct spread *spreads = (const struct spread *)(const void *)w->spreads.data;
    const uint64_t block = stride < BLOCK_BYTES ? BLOCK_BYTES / stride : 1;

    for (uint64_t first = 0; first < rows && w->spread_count; first += block)
        for (uint64_t i = 0; i < w->spread_count; i++) {
            const struct spread *s = &spreads[i];
            uint64_t from = first > s->row ? first : s->row;
            uint64_t to = first + block < s->row + s->rows ? first + block : s->row + s->rows;

            if (from < to)
                scatter(s->out + (from - s->row) * stride, stride, s->values + (from - s->row) * s->bytes, to - from,
                        s->bytes);
        }
}

/* A page without nulls that holds whole rows. */
static dlfw_status fill_full(struct filling *f, struct workplace *w, const struct value_source *s,
                             const char **ret_problem)
{
    const uint64_t bytes = f->items * f->leaf->width, rows = s->count / f->items;
    uint8_t *out = f->out + f->row * f->stride;
    const uint8_t *values = values_in_place(s);
    dlfw_status st = DLFW_OK;

    if (rows > f->rows - f->row) {
        *ret_problem = "its pages hold more rows than the row group";
        return DLFW_E_CORRUPT;
    }
    if (values && f->walk.codec == PARQUET_UNCOMPRESSED && spread_later(w, f, values, rows, bytes)) {
        f->row += rows;
        return DLFW_OK;
    }
    f->row += rows;
    if (!values && bytes == f->stride)
        return values_decode(s, out, ret_problem);
    if (!values) {
        st = reserve(&w->values, rows * bytes);
        if (st >= 0)
            st = values_decode(s, w->values.data, ret_problem);
        values = w->values.data;
    }
    if (st < 0)
        return st;
    scatter(out, f->stride, values, rows, bytes);
    return DLFW_OK;
}

/* The row that is open ends; what it lacks is an error, unless its list is null or empty: then it is zeros. */
static bool close_row(struct filling *f)
{
    if (!f->is_open)
        return true;
    if (!f->item)
        memset(f->out + f->row * f->stride, 0, f->items * f->leaf->width);
    else if (f->item != f->items)
        return false;
    f->is_open = false;
    f->item = 0;
    f->row++;
    return true;
}

/* One level pair: a new row or the next item, a value or none. values: where the next value is taken from. */
static bool place(struct filling *f, uint8_t rep, uint8_t def, const uint8_t **values)
{
    const uint32_t width = f->leaf->width;
    bool is_item = !f->leaf->max_rep || def >= f->leaf->item_def;
    uint8_t *to;

    if (!rep && !close_row(f))
        return false;
    if (f->row == f->rows || (rep && (!f->is_open || !f->item)) || f->item >= f->items)
        return false;
    f->is_open = true;
    if (def < f->leaf->max_def)
        f->r->nulls++;
    if (!is_item)
        return !rep;
    to = f->out + f->row * f->stride + f->item++ * width;
    if (def < f->leaf->max_def) {
        memset(to, 0, width);
        return true;
    }
    memcpy(to, *values, width);
    *values += width;
    return true;
}

static uint64_t count_values(const struct parquet_leaf *leaf, const uint8_t *def, uint64_t n)
{
    uint64_t count = 0;

    for (uint64_t i = 0; i < n; i++)
        count += def[i] == leaf->max_def;
    return count;
}

/* The levels of the page, one byte each: n repetition levels, then n definition levels. */
static bool expand_levels(const struct filling *f, const struct page_parts *parts, uint64_t n, uint8_t *levels)
{
    struct hybrid rep = {.at = parts->rep, .width = hybrid_width(f->leaf->max_rep)};
    struct hybrid def = {.at = parts->def, .width = hybrid_width(f->leaf->max_def)};

    memset(levels, 0, n);
    memset(levels + n, 0, n);
    rep.end = f->leaf->max_rep ? parts->rep + parts->rep_bytes : NULL;
    def.end = f->leaf->max_def ? parts->def + parts->def_bytes : NULL;
    return (!f->leaf->max_rep || hybrid_bytes(&rep, n, f->leaf->max_rep, levels)) &&
           (!f->leaf->max_def || hybrid_bytes(&def, n, f->leaf->max_def, levels + n));
}

/* Any page: level by level. */
static dlfw_status fill_sparse(struct filling *f, struct workplace *w, const struct page_parts *parts,
                               struct value_source *s, const char **ret_problem)
{
    const uint64_t n = s->count;
    const uint8_t *values;
    dlfw_status st = DLFW_E_CORRUPT;

    /* more levels than that do not fit the rows that are left */
    *ret_problem = "its pages hold more values than the rows of the row group";
    if (n > (f->rows - f->row) * f->items)
        return DLFW_E_CORRUPT;
    *ret_problem = NULL;
    if (reserve(&w->levels, 2 * n) < 0)
        return DLFW_E_NO_MEMORY;
    *ret_problem = "a page is shorter than its levels, or has impossible ones";
    if (!expand_levels(f, parts, n, w->levels.data))
        return DLFW_E_CORRUPT;
    s->count = count_values(f->leaf, w->levels.data + n, n);
    values = values_in_place(s);
    if (!values) {
        *ret_problem = NULL;
        st = reserve(&w->values, s->count * f->leaf->width);
        if (st >= 0)
            st = values_decode(s, w->values.data, ret_problem);
        if (st < 0)
            return st;
        values = w->values.data;
    }
    *ret_problem = "its lists do not have the same length in every row";
    for (uint64_t i = 0; i < n; i++)
        if (!place(f, w->levels.data[i], w->levels.data[n + i], &values))
            return f->leaf->max_rep ? DLFW_E_UNSUPPORTED : DLFW_E_CORRUPT;
    return DLFW_OK;
}

/* Decompresses stored bytes into the workplace, behind the levels that are not compressed. */
static dlfw_status decompress(struct filling *f, struct workplace *w, const struct page_header *h,
                              const uint8_t *stored, const uint8_t **ret, const char **ret_problem)
{
    uint64_t levels = (uint64_t)h->rep_bytes + h->def_bytes;
    dlfw_status st;

    st = codec_check(f->walk.codec, h->stored_bytes, h->raw_bytes, ret_problem);
    if (st < 0)
        return st;
    if (h->raw_bytes > f->r->fmt->options->page_limit) {
        *ret_problem = "a page is larger than page_limit allows";
        return DLFW_E_UNSUPPORTED;
    }
    if (!w->codecs)
        w->codecs = codec_create();
    if (!w->codecs || reserve(&w->page, h->raw_bytes + UINT64_C(1)) < 0)
        return DLFW_E_NO_MEMORY;
    memcpy(w->page.data, stored, levels);
    *ret = w->page.data;
    if (h->raw_bytes == levels && h->stored_bytes == levels)
        return DLFW_OK;
    st = codec_decompress(w->codecs, f->walk.codec, stored + levels, h->stored_bytes - levels, w->page.data + levels,
                          h->raw_bytes - levels, ret_problem);
    if (st >= 0)
        *ret_problem = NULL;
    return st;
}

static dlfw_status fill_dictionary(struct filling *f, struct workplace *w, const struct page_header *h,
                                   const uint8_t *body, const char **ret_problem)
{
    struct value_source s = {
        .leaf = f->leaf, .data = body, .len = h->raw_bytes, .count = h->values, .encoding = PARQUET_PLAIN};

    *ret_problem = "its dictionary page has an encoding that is not supported";
    if (h->encoding != PARQUET_PLAIN && h->encoding != PARQUET_PLAIN_DICTIONARY)
        return DLFW_E_UNSUPPORTED;
    *ret_problem = "it has a second dictionary page, or more entries than bytes";
    if (f->has_dictionary || h->values > (uint64_t)h->raw_bytes * 8)
        return DLFW_E_CORRUPT;
    *ret_problem = NULL;
    /* fixed-length values of any width: there are as many as the page holds, which values_decode() checks */
    if (f->leaf->stored_width && h->values > h->raw_bytes / f->leaf->stored_width) {
        *ret_problem = "a page is shorter than its values";
        return DLFW_E_CORRUPT;
    }
    if (reserve(&w->dictionary, (uint64_t)h->values * f->leaf->width + 1) < 0)
        return DLFW_E_NO_MEMORY;
    f->has_dictionary = true;
    f->dictionary_count = h->values;
    return values_decode(&s, w->dictionary.data, ret_problem);
}

static dlfw_status fill_page(struct filling *f, struct workplace *w, const struct page_header *h, const uint8_t *page,
                             const char **ret_problem)
{
    struct page_parts parts;
    struct value_source s = {.leaf = f->leaf, .count = h->values, .encoding = h->encoding};
    dlfw_status st = DLFW_OK;

    if (h->type == PARQUET_INDEX_PAGE || (h->type != PARQUET_DICTIONARY_PAGE && !h->values))
        return DLFW_OK;
    if (f->walk.codec != PARQUET_UNCOMPRESSED && h->is_compressed)
        st = decompress(f, w, h, page, &page, ret_problem);
    else if (h->stored_bytes != h->raw_bytes)
        st = DLFW_E_CORRUPT;
    if (st < 0) {
        *ret_problem = *ret_problem ? *ret_problem : "a page without compression has two sizes";
        return st;
    }
    if (h->type == PARQUET_DICTIONARY_PAGE)
        return fill_dictionary(f, w, h, page, ret_problem);
    st = page_split(f->leaf, h, page, h->raw_bytes, &parts, ret_problem);
    if (st < 0)
        return st;
    s.data = parts.values;
    s.len = parts.values_bytes;
    s.dictionary = f->has_dictionary ? w->dictionary.data : NULL;
    s.dictionary_count = f->dictionary_count;
    if (!f->is_open && h->values % f->items == 0 && page_is_full(f->leaf, h, &parts) &&
        page_is_regular(f->leaf, h, &parts, f->items))
        return fill_full(f, w, &s, ret_problem);
    return fill_sparse(f, w, &parts, &s, ret_problem);
}

dlfw_status fill_column(struct filling *f, struct workplace *w, dlfw_error *err)
{
    const char *problem = NULL;
    const uint8_t *page = NULL;
    struct page_header h;
    dlfw_status st;

    while ((st = chunk_walk_next(&f->walk, &h, &page, &problem)) == DLFW_OK) {
        st = fill_page(f, w, &h, page, &problem);
        if (st < 0)
            return fill_fail(f, st, problem, err);
        problem = NULL;
        if (!f->item || f->item == f->items) /* nothing in the next page can belong to it */
            close_row(f);
    }
    if (st < 0)
        return fill_fail(f, st, problem, err);
    if (!close_row(f) || f->row != f->rows)
        return fill_fail(f, DLFW_E_CORRUPT, "its pages hold fewer rows than the row group", err);
    return DLFW_OK;
}

void fill_free(struct workplace *w)
{
    free(w->page.data);
    free(w->values.data);
    free(w->levels.data);
    free(w->dictionary.data);
    free(w->spreads.data);
    codec_destroy(w->codecs);
}
