/* SPDX-License-Identifier: Apache-2.0 */
#include "content_check.h"

#include "codec.h"
#include "page_maker.h"
#include "parquet_format.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DIFFERS "does not hold the generated content (was it generated with another content.seed or other options?)"

struct content_check {
    const dlfw_format *fmt;
    struct layout layout;
    struct page_maker maker;
    struct codec *codecs;
    uint8_t *stored, *raw; /* of a compressed page */
    uint64_t stored_cap, raw_cap;
    uint32_t codec;
    const struct layout_column *column;
    uint64_t content;         /* of the chunk */
    uint64_t rows, rows_done; /* of the chunk, in pages that have begun */
    struct page_header header;
    uint64_t done; /* stored bytes of the page */
    bool is_dictionary;
    uint8_t dictionary[DICTIONARY_BYTES];
};

/* The file's columns are those that would be generated. */
static dlfw_status compare_columns(const dlfw_object *object, const struct parquet_file *file, const struct layout *l,
                                   dlfw_error *err)
{
    bool same = file->leaf_count == l->count;

    for (uint32_t i = 0; i < file->column_count && same; i++) {
        const struct parquet_leaf *leaf = &file->columns[i];
        const struct layout_column *c = &l->columns[leaf->index];

        same = strlen(c->name) == leaf->root_len && memcmp(c->name, leaf->path, leaf->root_len) == 0 &&
               c->type->physical == leaf->type && (leaf->max_rep != 0) == c->is_list;
    }
    if (same)
        return DLFW_OK;
    return dlfw_fail(err, DLFW_E_CORRUPT,
                     "'%.*s': the schema at offset %" PRIu64 " is not that of the columns that the run file states",
                     (int)object->name_len, object->name, file->footer_offset);
}

dlfw_status content_check_create(const dlfw_format *fmt, const dlfw_object *object, const struct parquet_file *file,
                                 struct content_check **ret, dlfw_error *err)
{
    struct content_check *c = calloc(1, sizeof *c);
    uint64_t items = parquet_chunk(file, 0, 0)->values / file->groups[0].rows;
    dlfw_status st;

    if (!c)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "'%.*s': out of memory to compare its content", (int)object->name_len,
                         object->name);
    c->fmt = fmt;
    page_maker_init(&c->maker, fmt->host, object->content_seed, object->content_object);
    st = layout_init(&c->layout, fmt, items, file->rows, file->groups[0].rows, err);
    if (st >= 0)
        st = compare_columns(object, file, &c->layout, err);
    if (st < 0) {
        content_check_destroy(c);
        return st;
    }
    *ret = c;
    return DLFW_OK;
}

void content_check_destroy(struct content_check *c)
{
    if (!c)
        return;
    layout_free(&c->layout);
    page_maker_free(&c->maker);
    codec_destroy(c->codecs);
    free(c->stored);
    free(c->raw);
    free(c);
}

void content_check_chunk(struct content_check *c, const struct parquet_file *file, uint64_t unit, uint32_t column)
{
    const struct parquet_group *g = &file->groups[unit];

    c->column = &c->layout.columns[file->columns[column].index];
    c->content = layout_content(&c->layout, file->columns[column].index, g->first_row, g->rows);
    c->codec = (uint32_t)parquet_chunk(file, unit, column)->codec;
    c->rows = g->rows;
    c->rows_done = 0;
}

static dlfw_status reserve(uint8_t **buf, uint64_t *cap, uint64_t need)
{
    uint8_t *more;

    if (need <= *cap)
        return DLFW_OK;
    more = realloc(*buf, need);
    if (!more)
        return DLFW_E_NO_MEMORY;
    *buf = more;
    *cap = need;
    return DLFW_OK;
}

static dlfw_status prepare_compressed(struct content_check *c, const char **ret_problem)
{
    dlfw_status st;

    if (c->codec == PARQUET_UNCOMPRESSED)
        return DLFW_OK;
    st = codec_check(c->codec, c->header.stored_bytes, c->header.raw_bytes, ret_problem);
    if (st < 0)
        return st;
    *ret_problem = "out of memory to compare a page";
    if (!c->codecs)
        c->codecs = codec_create();
    if (!c->codecs || reserve(&c->raw, &c->raw_cap, c->header.raw_bytes) < 0 ||
        reserve(&c->stored, &c->stored_cap, c->header.stored_bytes) < 0)
        return DLFW_E_NO_MEMORY;
    *ret_problem = NULL;
    return DLFW_OK;
}

dlfw_status content_check_page(struct content_check *c, const struct page_header *h, const char **ret_problem,
                               dlfw_error *err)
{
    const struct layout_column *col = c->column;
    struct page_header expected = page_maker_dictionary_header();
    uint64_t rows = c->rows - c->rows_done < col->rows_per_page ? c->rows - c->rows_done : col->rows_per_page;
    dlfw_status st;

    *ret_problem = NULL;
    c->header = *h;
    c->done = 0;
    c->is_dictionary = h->type == PARQUET_DICTIONARY_PAGE;
    if (c->is_dictionary) {
        page_maker_dictionary(col, c->dictionary);
    } else {
        st = page_maker_begin(&c->maker, col, rows, c->content + c->rows_done * col->payload, err);
        if (st < 0)
            return st;
        expected = page_maker_header(col, &c->maker.shape);
        c->rows_done += rows;
    }
    if (!rows || h->type != expected.type || h->raw_bytes != expected.raw_bytes || h->values != expected.values ||
        h->encoding != expected.encoding || (c->is_dictionary && col->type->kind != VALUE_BYTE)) {
        *ret_problem = DIFFERS;
        return DLFW_E_CORRUPT;
    }
    return prepare_compressed(c, ret_problem);
}

/* Bytes [at, at + len) of the page before compression. */
static dlfw_status compare(struct content_check *c, uint64_t at, const uint8_t *data, uint64_t len, uint64_t *ret_at)
{
    if (!c->is_dictionary)
        *ret_at = page_maker_check(&c->maker, at, data, len);
    else
        *ret_at = memcmp(c->dictionary + at, data, len) == 0 ? len : 0;
    return *ret_at == len ? DLFW_OK : DLFW_E_CORRUPT;
}

dlfw_status content_check_bytes(struct content_check *c, const uint8_t *data, uint64_t len, uint64_t *verified,
                                const char **ret_problem, uint64_t *ret_at)
{
    uint64_t at = c->done, unused;
    dlfw_status st = DLFW_OK;

    *ret_problem = DIFFERS;
    c->done += len;
    if (c->codec == PARQUET_UNCOMPRESSED) {
        st = compare(c, at, data, len, ret_at);
    } else {
        memcpy(c->stored + at, data, len);
        *ret_at = 0;
        if (c->done < c->header.stored_bytes)
            return DLFW_OK;
        st = codec_decompress(c->codecs, c->codec, c->stored, c->done, c->raw, c->header.raw_bytes, ret_problem);
        if (st >= 0) {
            *ret_problem = DIFFERS;
            st = compare(c, 0, c->raw, c->header.raw_bytes, &unused);
        }
    }
    if (st >= 0 && c->done == c->header.stored_bytes && !c->is_dictionary)
        *verified += c->maker.shape.rows * c->column->payload;
    return st;
}
