/* SPDX-License-Identifier: Apache-2.0 */
#include "page_maker.h"

#include "common/little_endian.h"
#include "hybrid.h"
#include "parquet_format.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void page_maker_init(struct page_maker *m, const dlfw_host *host, uint64_t seed, uint64_t object)
{
    m->host = host;
    m->seed = seed;
    m->object = object;
    m->column = NULL;
    m->head = NULL;
    m->head_cap = 0;
    m->scratch_at = 0;
    m->scratch_len = 0;
}

void page_maker_free(struct page_maker *m)
{
    free(m->head);
    m->head = NULL;
}

struct page_header page_maker_header(const struct layout_column *c, const struct page_shape *shape)
{
    return (struct page_header){.type = PARQUET_DATA_PAGE,
                                .raw_bytes = (uint32_t)shape->body_bytes,
                                .stored_bytes = (uint32_t)shape->body_bytes,
                                .values = (uint32_t)shape->values,
                                .encoding = layout_encoding(c)};
}

struct page_header page_maker_dictionary_header(void)
{
    return (struct page_header){.type = PARQUET_DICTIONARY_PAGE,
                                .raw_bytes = DICTIONARY_BYTES,
                                .stored_bytes = DICTIONARY_BYTES,
                                .values = DICTIONARY_VALUES,
                                .encoding = PARQUET_PLAIN};
}

/* Entry i is the value whose low byte is i, so that an index is the value. */
void page_maker_dictionary(const struct layout_column *c, uint8_t buf[DICTIONARY_BYTES])
{
    for (uint32_t i = 0; i < DICTIONARY_VALUES; i++)
        put_le32(buf + (size_t)4 * i, c->type->is_signed && i >= 128 ? i | 0xffffff00u : i);
}

/* One bit per value: 0 where a row begins. Rows take at most 32 values, so the pattern is laid down bit by bit. */
static uint8_t *put_packed_levels(uint8_t *p, uint64_t items, uint64_t values)
{
    uint64_t in_row = 0;

    p = hybrid_put_packed_head(p, values);
    for (uint64_t at = 0; at < values; at += 8) {
        uint8_t byte = 0;

        for (unsigned bit = 0; bit < 8 && at + bit < values; bit++) {
            byte |= (uint8_t)((in_row != 0) << bit);
            in_row = in_row + 1 == items ? 0 : in_row + 1;
        }
        *p++ = byte;
    }
    return p;
}

static uint8_t *put_rep_levels(uint8_t *p, const struct layout_column *c, const struct page_shape *shape)
{
    p = put_le32(p, (uint32_t)shape->rep_bytes - 4);
    if (c->items == 1)
        return hybrid_put_rle(p, shape->rows, 0);
    if (c->items <= PACKED_LEVELS_MAX)
        return put_packed_levels(p, c->items, shape->values);
    for (uint64_t i = 0; i < shape->rows; i++) {
        p = hybrid_put_rle(p, 1, 0);
        p = hybrid_put_rle(p, c->items - 1, 1);
    }
    return p;
}

/* Nothing is null: every level is the highest. */
static void put_head(uint8_t *p, const struct layout_column *c, const struct page_shape *shape)
{
    if (c->is_list)
        p = put_rep_levels(p, c, shape);
    p = put_le32(p, (uint32_t)shape->def_bytes - 4);
    p = hybrid_put_rle(p, shape->values, c->is_list ? 3 : 1);
    if (c->type->kind == VALUE_BYTE) {
        *p++ = 8;
        hybrid_put_packed_head(p, shape->values);
    }
}

dlfw_status page_maker_begin(struct page_maker *m, const struct layout_column *c, uint64_t rows, uint64_t content,
                             dlfw_error *err)
{
    m->content = content;
    if (m->column == c && m->shape.rows == rows)
        return DLFW_OK;
    m->column = NULL;
    page_shape_of(c, rows, &m->shape);
    if (m->shape.head_bytes > m->head_cap) {
        uint8_t *more = realloc(m->head, m->shape.head_bytes);

        if (!more)
            return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for the levels of a page of %" PRIu64 " values",
                             m->shape.values);
        m->head = more;
        m->head_cap = m->shape.head_bytes;
    }
    put_head(m->head, c, &m->shape);
    m->column = c;
    return DLFW_OK;
}

/* n bytes of the content stream, at most MAKER_SCRATCH. Asked for in ascending order, as a page is. */
static const uint8_t *stream(struct page_maker *m, uint64_t at, uint64_t n)
{
    if (at < m->scratch_at || at + n > m->scratch_at + m->scratch_len) {
        m->host->content_fill(m->seed, m->object, at, m->scratch, MAKER_SCRATCH);
        m->scratch_at = at;
        m->scratch_len = MAKER_SCRATCH;
    }
    return m->scratch + (at - m->scratch_at);
}

static void put_string(uint8_t *out, const uint8_t *payload)
{
    uint32_t v = get_le32(payload) & STRING_MAX;

    put_le32(out, STRING_BYTES);
    out[4] = 's';
    out[5] = '_';
    for (unsigned i = 0; i < 10; i++, v /= 10)
        out[15 - i] = (uint8_t)('0' + v % 10);
}

static uint64_t payload_unit(const struct column_type *t)
{
    return t->kind == VALUE_BIT ? 8 : t->payload_width;
}

static uint64_t stored_unit(const struct column_type *t)
{
    return t->kind == VALUE_BIT ? 1 : t->stored_width;
}

/* n units of payload as they are stored; the first is unit number first of the page. */
static void convert(const struct page_maker *m, uint64_t first, const uint8_t *payload, uint64_t n, uint8_t *out)
{
    const struct column_type *t = m->column->type;
    uint64_t values = m->shape.values;

    if (t->kind == VALUE_WIDE) {
        for (uint64_t i = 0; i < n; i++) {
            uint16_t v = get_le16(payload + 2 * i);

            put_le32(out + 4 * i, t->is_signed && v & 0x8000 ? v | 0xffff0000u : v);
        }
    } else if (t->kind == VALUE_STRING) {
        for (uint64_t i = 0; i < n; i++)
            put_string(out + 16 * i, payload + 4 * i);
    } else {
        for (uint64_t i = 0; i < n; i++) /* the lowest bits of eight bytes, gathered by one multiplication */
            out[i] = (uint8_t)((get_le64(payload + 8 * i) & 0x0101010101010101u) * 0x0102040810204080u >> 56);
        if (values % 8 && first + n == (values + 7) / 8)
            out[n - 1] &= (uint8_t)((1u << values % 8) - 1);
    }
}

static void fill_converted(struct page_maker *m, uint64_t at, uint8_t *buf, uint64_t len)
{
    const uint64_t stored = stored_unit(m->column->type), payload = payload_unit(m->column->type);
    uint8_t unit[16];

    while (len) {
        uint64_t first = at / stored, skip = at % stored, n = len / stored, bytes;

        if (skip || !n) { /* a part of one unit */
            convert(m, first, stream(m, m->content + first * payload, payload), 1, unit);
            bytes = stored - skip < len ? stored - skip : len;
            memcpy(buf, unit + skip, bytes);
        } else {
            n = n < MAKER_SCRATCH / payload ? n : MAKER_SCRATCH / payload;
            convert(m, first, stream(m, m->content + first * payload, n * payload), n, buf);
            bytes = n * stored;
        }
        at += bytes;
        buf += bytes;
        len -= bytes;
    }
}

static void fill_binary(struct page_maker *m, uint64_t at, uint8_t *buf, uint64_t len)
{
    const uint64_t size = m->column->size;
    uint8_t length[4];

    put_le32(length, (uint32_t)size);
    while (len) {
        uint64_t row = at / (size + 4), skip = at % (size + 4), n;

        if (skip < 4) {
            n = 4 - skip < len ? 4 - skip : len;
            memcpy(buf, length + skip, n);
        } else {
            n = size + 4 - skip < len ? size + 4 - skip : len;
            n = n < MAKER_SCRATCH ? n : MAKER_SCRATCH;
            memcpy(buf, stream(m, m->content + row * size + (skip - 4), n), n);
        }
        at += n;
        buf += n;
        len -= n;
    }
}

static bool is_verbatim(const struct page_maker *m)
{
    return m->column->type->kind == VALUE_PLAIN || m->column->type->kind == VALUE_BYTE;
}

static void fill_values(struct page_maker *m, uint64_t at, uint8_t *buf, uint64_t len)
{
    if (is_verbatim(m))
        m->host->content_fill(m->seed, m->object, m->content + at, buf, len);
    else if (m->column->type->kind == VALUE_BINARY)
        fill_binary(m, at, buf, len);
    else
        fill_converted(m, at, buf, len);
}

/* How many of len bytes from offset lie before end; 0 when none does. */
static uint64_t part(uint64_t offset, uint64_t len, uint64_t end)
{
    if (offset >= end)
        return 0;
    return len < end - offset ? len : end - offset;
}

void page_maker_fill(struct page_maker *m, uint64_t offset, uint8_t *buf, uint64_t len)
{
    const struct page_shape *s = &m->shape;
    uint64_t n = part(offset, len, s->head_bytes);

    if (n)
        memcpy(buf, m->head + offset, n);
    buf += n;
    offset += n;
    len -= n;
    n = part(offset, len, s->head_bytes + s->value_bytes);
    if (n)
        fill_values(m, offset - s->head_bytes, buf, n);
    if (len > n)
        memset(buf + n, 0, len - n);
}

static uint64_t first_difference(const uint8_t *a, const uint8_t *b, uint64_t len)
{
    uint64_t i = 0;

    while (i < len && a[i] == b[i])
        i++;
    return i;
}

uint64_t page_maker_check(struct page_maker *m, uint64_t offset, const uint8_t *data, uint64_t len)
{
    const uint64_t head = m->shape.head_bytes, end = head + m->shape.value_bytes;
    uint8_t expected[4096];
    uint64_t done = 0;

    while (done < len) {
        uint64_t at = offset + done, n = part(at, len - done, end), good;

        if (at >= head && n && is_verbatim(m)) {
            good = m->host->content_check(m->seed, m->object, m->content + at - head, data + done, n);
        } else {
            n = at < head ? part(at, len - done, head) : len - done;
            n = n < sizeof expected ? n : sizeof expected;
            page_maker_fill(m, at, expected, n);
            good = memcmp(expected, data + done, n) == 0 ? n : first_difference(expected, data + done, n);
        }
        done += good;
        if (good < n)
            break;
    }
    return done;
}
