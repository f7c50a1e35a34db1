/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine that the bytes of a row group pass through in any split: page headers, then pages, whose checksums are
 * computed while the bytes are still in the cache.
 */
#include "reader.h"

#include "parquet_format.h"

#include <inttypes.h>

static const struct parquet_chunk *chunk(const dlfw_reader *r)
{
    return parquet_chunk(r->file, r->feed.unit, r->feed.column);
}

static dlfw_status bad(const dlfw_reader *r, uint64_t offset, const char *what, dlfw_error *err)
{
    return parquet_fail(r, DLFW_E_CORRUPT, r->feed.unit, r->feed.column, offset, what, err);
}

static void begin_chunk(dlfw_reader *r)
{
    struct feed *f = &r->feed;

    f->in_page = false;
    f->has_page = false;
    f->values = 0;
    byte_carry_clear(&f->carry);
    if (f->column == r->file->column_count) {
        f->is_done = true;
        return;
    }
    f->next = chunk(r)->offset;
    if (r->content)
        content_check_chunk(r->content, r->file, f->unit, f->column);
}

static dlfw_status restart(dlfw_reader *r, uint64_t unit, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;

    if ((r->object->flags & DLFW_OBJECT_VERIFY_CONTENT) && !r->content)
        st = content_check_create(r->fmt, r->object, r->file, &r->content, err);
    if (st < 0)
        return st;
    r->feed.unit = unit;
    r->feed.column = 0;
    r->feed.is_done = false;
    begin_chunk(r);
    return DLFW_OK;
}

static dlfw_status end_page(dlfw_reader *r, uint64_t offset, dlfw_error *err)
{
    struct feed *f = &r->feed;
    const struct page_header *h = &f->header;

    f->in_page = false;
    r->pages++;
    if (!h->has_crc || !(r->object->flags & DLFW_OBJECT_VERIFY))
        return DLFW_OK;
    r->pages_with_crc++;
    if (f->crc == h->crc)
        return DLFW_OK;
    return dlfw_fail(err, DLFW_E_CORRUPT,
                     "'%.*s': row group %" PRIu64 ", column '%.200s': CRC mismatch of the page at offset %" PRIu64
                     " (stored %08" PRIx32 ", computed %08" PRIx32 ")",
                     (int)r->object->name_len, r->object->name, f->unit, r->file->columns[f->column].path,
                     offset - h->stored_bytes, h->crc, f->crc);
}

/* offset: of the first byte behind the header */
static dlfw_status begin_page(dlfw_reader *r, uint64_t offset, dlfw_error *err)
{
    struct feed *f = &r->feed;
    const struct page_header *h = &f->header;
    const struct parquet_chunk *c = chunk(r);
    const char *problem = NULL;
    dlfw_status st;

    if (h->stored_bytes > c->offset + c->bytes - offset)
        return bad(r, offset, "a page reaches beyond its column chunk", err);
    if (c->codec == PARQUET_UNCOMPRESSED && h->stored_bytes != h->raw_bytes)
        return bad(r, offset, "a page without compression has two sizes", err);
    if (h->type == PARQUET_DICTIONARY_PAGE && f->has_page)
        return bad(r, offset, "a dictionary page is not the first of its column chunk", err);
    if (h->type == PARQUET_DATA_PAGE || h->type == PARQUET_DATA_PAGE_V2)
        f->values += h->values;
    if (f->values > c->values)
        return bad(r, offset, "its pages hold more values than the footer says", err);
    f->has_page = true;
    f->in_page = true;
    f->left = h->stored_bytes;
    f->crc = 0;
    if (r->content) {
        st = content_check_page(r->content, h, &problem, err);
        if (st < 0)
            return problem ? parquet_fail(r, st, f->unit, f->column, offset, problem, err) : st;
    }
    return f->left ? DLFW_OK : end_page(r, offset, err);
}

/* Parses a header that begins in the carry or in the piece. Moves *data behind it, or to the end of the piece. */
static dlfw_status feed_header(dlfw_reader *r, const uint8_t **data, uint64_t *len, uint64_t end, dlfw_error *err)
{
    struct feed *f = &r->feed;
    const char *problem = NULL;
    uint64_t want = 0;
    dlfw_status st = DLFW_NEED_IO;

    if (!f->carry.len) {
        st = page_header_parse(*data, *len, &f->header, &problem);
        if (st == DLFW_OK) {
            *data += f->header.bytes;
            *len -= f->header.bytes;
        }
    }
    while (st == DLFW_NEED_IO && *len) { /* cut by the end of a piece: twice as much every time */
        want = f->carry.len + (f->carry.len > 64 ? f->carry.len : 64);
        if (byte_carry_take(&f->carry, want, data, len) < 0)
            return parquet_fail(r, DLFW_E_NO_MEMORY, f->unit, f->column, end - *len, "out of memory for a page header",
                                err);
        st = page_header_parse(byte_carry_data(&f->carry), f->carry.len, &f->header, &problem);
        if (st == DLFW_OK) { /* what was taken too much lies in this piece */
            *data -= f->carry.len - f->header.bytes;
            *len += f->carry.len - f->header.bytes;
            byte_carry_clear(&f->carry);
        }
    }
    if (st == DLFW_OK)
        return begin_page(r, end - *len, err);
    return st < 0 ? bad(r, end - *len, problem, err) : DLFW_OK;
}

static dlfw_status feed_page(dlfw_reader *r, const uint8_t *data, uint64_t n, uint64_t offset, uint64_t *verified,
                             dlfw_error *err)
{
    struct feed *f = &r->feed;
    const char *problem = NULL;
    uint64_t good = 0;
    dlfw_status st;

    if (f->header.has_crc && (r->object->flags & DLFW_OBJECT_VERIFY))
        f->crc = r->fmt->host->crc32(f->crc, data, n);
    f->left -= n;
    if (!f->left) { /* the checksum says more than a difference */
        st = end_page(r, offset + n, err);
        if (st < 0)
            return st;
    }
    if (!r->content)
        return DLFW_OK;
    st = content_check_bytes(r->content, data, n, verified, &problem, &good);
    return st < 0 ? parquet_fail(r, st, f->unit, f->column, offset + good, problem, err) : DLFW_OK;
}

/* Bytes of the current chunk that end at end. */
static dlfw_status feed_chunk(dlfw_reader *r, const uint8_t *data, uint64_t len, uint64_t end, uint64_t *verified,
                              dlfw_error *err)
{
    struct feed *f = &r->feed;
    dlfw_status st = DLFW_OK;

    while (len && st >= 0) {
        uint64_t n = len < f->left ? len : f->left;

        if (!f->in_page) {
            st = feed_header(r, &data, &len, end, err);
            continue;
        }
        st = feed_page(r, data, n, end - len, verified, err);
        data += n;
        len -= n;
    }
    return st;
}

static dlfw_status end_chunk(dlfw_reader *r, dlfw_error *err)
{
    struct feed *f = &r->feed;

    if (f->in_page || f->carry.len)
        return bad(r, f->next, "its last page is cut off", err);
    if (f->values != chunk(r)->values)
        return bad(r, f->next, "its pages hold fewer values than the footer says", err);
    f->column++;
    begin_chunk(r);
    return DLFW_OK;
}

static dlfw_status feed_pieces(dlfw_reader *r, const uint8_t *data, uint64_t offset, uint64_t end, uint64_t *verified,
                               dlfw_error *err)
{
    struct feed *f = &r->feed;
    dlfw_status st = DLFW_OK;

    while (!f->is_done && st >= 0 && chunk(r)->offset < end) {
        const struct parquet_chunk *c = chunk(r);
        uint64_t from = c->offset > offset ? c->offset : offset;
        uint64_t to = c->offset + c->bytes < end ? c->offset + c->bytes : end;

        if (from != f->next)
            return dlfw_fail(err, DLFW_E_INVALID,
                             "'%.*s': piece at offset %" PRIu64 " where %" PRIu64 " is the next one",
                             (int)r->object->name_len, r->object->name, from, f->next);
        st = feed_chunk(r, data + (from - offset), to - from, to, verified, err);
        f->next = to;
        if (st < 0 || to < c->offset + c->bytes)
            break;
        st = end_chunk(r, err);
    }
    return st;
}

dlfw_status parquet_feed(dlfw_reader *r, uint64_t unit, const uint8_t *data, uint64_t offset, uint64_t len,
                         uint64_t *ret_verified, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;

    *ret_verified = 0;
    if (offset <= parquet_chunk(r->file, unit, 0)->offset)
        st = restart(r, unit, err);
    else if (r->feed.unit != unit)
        st =
            dlfw_fail(err, DLFW_E_INVALID,
                      "'%.*s': row group %" PRIu64 " begins at offset %" PRIu64 " but its first piece at %" PRIu64,
                      (int)r->object->name_len, r->object->name, unit, parquet_chunk(r->file, unit, 0)->offset, offset);
    if (st >= 0)
        st = feed_pieces(r, data, offset, offset + len, ret_verified, err);
    if (st < 0)
        r->feed.unit = UINT64_MAX;
    return st;
}
