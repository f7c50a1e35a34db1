/* SPDX-License-Identifier: Apache-2.0 */
#include "png_plan.h"

#include "common/little_endian.h"
#include "png_parts.h"

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

const uint8_t png_signature[PNG_SIGNATURE_BYTES] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

/* Deflate's fixed codes as they lie in the bit stream, first bit lowest. */
#define BITS_FIXED_LAST_BLOCK 0x3u /* 3 */
#define BITS_ZERO 0x0cu            /* 8: the literal 0 */
#define BITS_RUN 0xa3u             /* 8: a match of 258 bytes; 5 zero bits follow: at distance 1 */
#define RUN_BITS 13u
#define ZERO_BITS 8u

struct png_maker {
    struct png_plan plan;
    struct png_content content;
    uint64_t next; /* part: head, fill, stored blocks, black rows, end */
    uint32_t adler;
    uint8_t *buf;
};

struct png_maker *png_maker_create(const struct png_plan *plan, const struct png_content *content)
{
    uint64_t bytes = PNG_CHUNK_FRAME + PNG_ZLIB_HEAD_BYTES + PNG_BLOCK_HEAD_BYTES + PNG_BLOCK_BYTES;
    struct png_maker *m = calloc(1, sizeof *m);

    bytes += PNG_ZLIB_CHECK_BYTES;
    if (bytes < plan->black_data + PNG_CHUNK_FRAME)
        bytes = plan->black_data + PNG_CHUNK_FRAME;
    if (bytes < plan->fill_bytes)
        bytes = plan->fill_bytes;
    if (!m)
        return NULL;
    m->plan = *plan;
    m->content = *content;
    m->buf = malloc(bytes);
    if (!m->buf) {
        free(m);
        return NULL;
    }
    png_maker_restart(m);
    return m;
}

void png_maker_destroy(struct png_maker *m)
{
    if (m)
        free(m->buf);
    free(m);
}

void png_maker_restart(struct png_maker *m)
{
    m->next = 0;
    m->adler = (uint32_t)adler32(0, NULL, 0);
}

/* Frames the data that lie behind the first 8 bytes of chunk. */
static uint64_t frame(const struct png_maker *m, uint8_t *chunk, const char *type, uint64_t data_len)
{
    png_put32(chunk, (uint32_t)data_len);
    memcpy(chunk + 4, type, 4);
    png_put32(chunk + 8 + data_len, m->content.host->crc32(0, chunk + 4, data_len + 4));
    return data_len + PNG_CHUNK_FRAME;
}

static uint64_t make_head(struct png_maker *m)
{
    uint8_t *data = m->buf + PNG_SIGNATURE_BYTES + 8;

    memcpy(m->buf, png_signature, PNG_SIGNATURE_BYTES);
    png_put32(data, (uint32_t)m->plan.columns);
    png_put32(data + 4, (uint32_t)m->plan.rows);
    memcpy(data + 8, "\10\0\0\0\0", 5); /* 8 bits, gray, deflate, filters by row, not interlaced */
    return PNG_SIGNATURE_BYTES + frame(m, m->buf + PNG_SIGNATURE_BYTES, "IHDR", PNG_IHDR_DATA);
}

/* The content that follows the last pixel of noise; an ancillary private chunk that programs may copy. */
static uint64_t make_fill(struct png_maker *m)
{
    const uint64_t len = m->plan.fill_bytes - PNG_CHUNK_FRAME;
    const uint64_t pixels = m->plan.noise_bytes / (m->plan.columns + 1) * m->plan.columns;

    m->content.host->content_fill(m->content.seed, m->content.object, pixels, m->buf + 8, len);
    return frame(m, m->buf, "dlFw", len);
}

/* The bytes [pos, pos + len) of the image stream: a zero (no filter) before each row of content. The content is made in
 * one go at the end of buf, then its rows are moved to their places. */
static void image_bytes(const struct png_maker *m, uint64_t pos, uint8_t *buf, uint64_t len)
{
    const uint64_t columns = m->plan.columns, stride = columns + 1;
    const uint64_t filters = (pos + len + stride - 1) / stride - (pos + stride - 1) / stride;
    uint64_t in_row = pos % stride;
    const uint8_t *from = buf + filters;
    const uint8_t *end = buf + len;

    m->content.host->content_fill(m->content.seed, m->content.object,
                                  pos / stride * columns + (in_row ? in_row - 1 : 0), buf + filters, len - filters);
    while (buf < end) {
        uint64_t n = stride - in_row;

        if (in_row == 0) {
            *buf++ = 0;
            n--;
        }
        if (n > (uint64_t)(end - buf))
            n = (uint64_t)(end - buf);
        memmove(buf, from, n);
        buf += n;
        from += n;
        in_row = 0;
    }
}

static uint64_t make_block(struct png_maker *m, uint64_t block)
{
    const uint64_t pos = block * PNG_BLOCK_BYTES, left = m->plan.noise_bytes - pos;
    const uint64_t len = left < PNG_BLOCK_BYTES ? left : PNG_BLOCK_BYTES;
    const int is_last = block + 1 == m->plan.blocks && !m->plan.black_data;
    uint8_t *p = m->buf + 8;

    if (block == 0) {
        *p++ = 0x78; /* deflate with a window of 32 KiB */
        *p++ = 0x01;
    }
    *p++ = (uint8_t)is_last;
    p = put_le16(p, (uint16_t)len);
    p = put_le16(p, (uint16_t)~len);
    image_bytes(m, pos, p, len);
    m->adler = (uint32_t)adler32(m->adler, p, (uInt)len);
    p += len;
    if (is_last) {
        png_put32(p, m->adler);
        p += PNG_ZLIB_CHECK_BYTES;
    }
    return frame(m, m->buf, "IDAT", (uint64_t)(p - m->buf) - 8);
}

struct bit_writer {
    uint8_t *at;
    uint64_t bits;
    uint32_t count;
};

static void put_bits(struct bit_writer *w, uint64_t bits, uint32_t count)
{
    w->bits |= bits << w->count;
    for (w->count += count; w->count >= 8; w->count -= 8) {
        *w->at++ = (uint8_t)w->bits;
        w->bits >>= 8;
    }
}

/* Appending n zero bytes multiplies the second sum. */
static uint32_t adler_zeros(uint32_t adler, uint64_t n)
{
    const uint64_t low = adler & 0xffff, high = adler >> 16, base = 65521;

    return (uint32_t)((high + n % base * low) % base << 16 | low);
}

static uint64_t make_black(struct png_maker *m)
{
    struct bit_writer w = {.at = m->buf + 8};
    uint64_t runs, singles;

    png_black_bits(m->plan.black_bytes, &runs, &singles);
    put_bits(&w, BITS_FIXED_LAST_BLOCK, 3);
    put_bits(&w, BITS_ZERO, ZERO_BITS);
    for (uint64_t i = 0; i < runs; i++)
        put_bits(&w, BITS_RUN, RUN_BITS);
    for (uint64_t i = 0; i < singles; i++)
        put_bits(&w, BITS_ZERO, ZERO_BITS);
    put_bits(&w, 0, 7);
    if (w.count)
        put_bits(&w, 0, 8 - w.count);
    m->adler = adler_zeros(m->adler, m->plan.black_bytes);
    png_put32(w.at, m->adler);
    return frame(m, m->buf, "IDAT", m->plan.black_data);
}

const uint8_t *png_maker_next(struct png_maker *m, uint64_t *ret_len)
{
    const struct png_plan *p = &m->plan;
    const uint64_t first_block = 1 + (p->fill_bytes > 0), black = first_block + p->blocks;
    const uint64_t end = black + (p->black_data > 0);
    const uint64_t part = m->next++;

    if (part == 0)
        *ret_len = make_head(m);
    else if (part < first_block)
        *ret_len = make_fill(m);
    else if (part < black)
        *ret_len = make_block(m, part - first_block);
    else if (part < end)
        *ret_len = make_black(m);
    else if (part == end)
        *ret_len = frame(m, m->buf, "IEND", 0);
    else
        return NULL;
    return m->buf;
}
