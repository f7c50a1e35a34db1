/* SPDX-License-Identifier: Apache-2.0 */
#include "png_chunk.h"

#include "png.h"
#include "png_parts.h"

#include <string.h>

#define CHUNK_HEAD 8u
#define ANCILLARY 0x20u /* of a type's first letter */
#define PALETTE_MAX 768u

static dlfw_status bad(struct png_parser *p, dlfw_status status, uint64_t offset, const char *problem)
{
    p->problem = problem;
    p->problem_offset = offset;
    return status;
}

static bool is_type(const struct png_parser *p, const char *type)
{
    return memcmp(p->type, type, 4) == 0;
}

/* The offset of the chunk of which data or CRC are being read. */
static uint64_t chunk_offset(const struct png_parser *p)
{
    return p->offset - (p->length - p->left) - CHUNK_HEAD;
}

uint32_t png_pixel_bits(const struct png_facts *f)
{
    static const uint8_t channels[] = {
        [PNG_GRAY] = 1, [PNG_RGB] = 3, [PNG_PALETTE] = 1, [PNG_GRAY_ALPHA] = 2, [PNG_RGBA] = 4};

    return (uint32_t)channels[f->color] * f->depth;
}

static bool is_depth_possible(uint8_t color, uint8_t depth)
{
    switch (color) {
    case PNG_GRAY:
        return depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
    case PNG_PALETTE:
        return depth == 1 || depth == 2 || depth == 4 || depth == 8;
    case PNG_RGB:
    case PNG_GRAY_ALPHA:
    case PNG_RGBA:
        return depth == 8 || depth == 16;
    default:
        return false;
    }
}

static dlfw_status take_header(struct png_parser *p)
{
    struct png_facts *f = &p->facts;
    const uint8_t *d = p->head;
    const uint64_t at = chunk_offset(p);

    f->columns = png_get32(d);
    f->rows = png_get32(d + 4);
    f->depth = d[8];
    f->color = d[9];
    f->interlace = d[12];
    if (!f->columns || !f->rows || f->columns > PNG_MAX_SIDE || f->rows > PNG_MAX_SIDE)
        return bad(p, DLFW_E_CORRUPT, at, "impossible width or height in the header");
    if (!is_depth_possible(f->color, f->depth))
        return bad(p, DLFW_E_CORRUPT, at, "impossible color type or bit depth in the header");
    if (d[10] || d[11] || f->interlace > 1)
        return bad(p, DLFW_E_CORRUPT, at, "unknown compression, filter or interlace method in the header");
    f->has_header = true;
    return DLFW_OK;
}

static void note_ancillary(struct png_facts *f, const uint8_t *type)
{
    for (uint32_t i = 0; i < f->ancillary_count; i++)
        if (memcmp(f->ancillary[i], type, 4) == 0)
            return;
    if (f->ancillary_count < PNG_NAMED_CHUNKS)
        memcpy(f->ancillary[f->ancillary_count++], type, 4);
}

static dlfw_status begin_image_data(struct png_parser *p, uint64_t at)
{
    struct png_facts *f = &p->facts;

    if (p->data_ended)
        return bad(p, DLFW_E_CORRUPT, at, "image data after other chunks behind the image data");
    if (f->color == PNG_PALETTE && !f->has_palette)
        return bad(p, DLFW_E_CORRUPT, at, "image data before the palette");
    if (!f->data_chunks++)
        f->data_offset = at;
    f->data_bytes += p->length;
    return DLFW_OK;
}

/* The rules of an order of chunks; at is the offset of this one, whose type and length are known. */
static dlfw_status begin_chunk(struct png_parser *p, uint64_t at)
{
    struct png_facts *f = &p->facts;

    if (is_type(p, "IHDR") != !f->has_header)
        return bad(p, DLFW_E_CORRUPT, at, f->has_header ? "a second header" : "a chunk before the header");
    if (!f->has_header)
        return p->length == PNG_IHDR_DATA ? DLFW_OK : bad(p, DLFW_E_CORRUPT, at, "a header that has not 13 bytes");
    if (is_type(p, "IDAT"))
        return begin_image_data(p, at);
    p->data_ended = f->data_chunks > 0;
    if (p->type[0] & ANCILLARY) {
        f->ancillary_bytes += p->length;
        note_ancillary(f, p->type);
        return DLFW_OK;
    }
    if (is_type(p, "PLTE")) {
        if (f->has_palette || f->data_chunks || !p->length || p->length % 3 || p->length > PALETTE_MAX)
            return bad(p, DLFW_E_CORRUPT, at, "a palette of impossible size or at an impossible place");
        f->has_palette = true;
        return DLFW_OK;
    }
    if (!is_type(p, "IEND"))
        return bad(p, DLFW_E_UNSUPPORTED, at, "a critical chunk of unknown type");
    if (p->length || !f->data_chunks)
        return bad(p, DLFW_E_CORRUPT, at, p->length ? "an end with data" : "the image ends without image data");
    return DLFW_OK;
}

static bool are_letters(const uint8_t *type)
{
    for (uint32_t i = 0; i < 4; i++)
        if ((type[i] | 0x20) < 'a' || (type[i] | 0x20) > 'z')
            return false;
    return true;
}

/* Length and type are complete. */
static dlfw_status take_chunk_head(struct png_parser *p)
{
    const uint64_t at = p->offset - CHUNK_HEAD;

    p->length = p->left = png_get32(p->head);
    memcpy(p->type, p->head + 4, 4);
    p->crc = p->host ? p->host->crc32(0, p->type, 4) : 0;
    p->head_len = 0;
    p->place = p->length ? PNG_IN_DATA : PNG_AT_CRC;
    p->facts.chunks++;
    if (!are_letters(p->type))
        return bad(p, DLFW_E_CORRUPT, at, "a chunk whose type is not four letters");
    if (p->length > PNG_MAX_SIDE || p->length > p->size - p->offset)
        return bad(p, DLFW_E_CORRUPT, at, "truncated: a chunk reaches beyond the file");
    return begin_chunk(p, at);
}

static dlfw_status take_crc(struct png_parser *p)
{
    const uint64_t at = p->offset - 4 - p->length - CHUNK_HEAD;

    p->head_len = 0;
    p->place = is_type(p, "IEND") ? PNG_ENDED : PNG_AT_CHUNK;
    if (p->host && png_get32(p->head) != p->crc)
        return bad(p, DLFW_E_CORRUPT, at, "CRC mismatch of a chunk");
    return DLFW_OK;
}

/* Collects need bytes in head. True when they are there. */
static bool collect(struct png_parser *p, uint32_t need, const uint8_t **data, uint64_t *len)
{
    uint32_t n = need - p->head_len;

    if (*len < n)
        n = (uint32_t)*len;
    memcpy(p->head + p->head_len, *data, n);
    p->head_len = (uint8_t)(p->head_len + n);
    *data += n;
    *len -= n;
    p->offset += n;
    return p->head_len == need;
}

/* The next bytes of a chunk's data; those of the header are kept. */
static dlfw_status feed_data(struct png_parser *p, const uint8_t **data, uint64_t *len)
{
    const uint32_t n = *len < p->left ? (uint32_t)*len : p->left;
    dlfw_status st = DLFW_OK;

    if (p->host)
        p->crc = p->host->crc32(p->crc, *data, n);
    if (!p->facts.has_header)
        memcpy(p->head + (p->length - p->left), *data, n);
    *data += n;
    *len -= n;
    p->offset += n;
    p->left -= n;
    if (p->left)
        return DLFW_OK;
    if (!p->facts.has_header)
        st = take_header(p);
    p->place = PNG_AT_CRC;
    return st;
}

dlfw_status png_parse(struct png_parser *p, const uint8_t *data, uint64_t len)
{
    dlfw_status st = DLFW_OK;

    while (len && st >= 0 && p->place != PNG_ENDED) {
        switch (p->place) {
        case PNG_AT_SIGNATURE:
            if (!collect(p, PNG_SIGNATURE_BYTES, &data, &len))
                break;
            p->head_len = 0;
            p->place = PNG_AT_CHUNK;
            if (memcmp(p->head, png_signature, PNG_SIGNATURE_BYTES) != 0)
                st = bad(p, DLFW_E_CORRUPT, 0, "no PNG image begins");
            break;
        case PNG_AT_CHUNK:
            if (collect(p, CHUNK_HEAD, &data, &len))
                st = take_chunk_head(p);
            break;
        case PNG_IN_DATA:
            st = feed_data(p, &data, &len);
            break;
        case PNG_AT_CRC:
            if (collect(p, 4, &data, &len))
                st = take_crc(p);
            break;
        case PNG_ENDED:
            break;
        }
    }
    return st;
}

dlfw_status png_parse_end(struct png_parser *p)
{
    if (p->place == PNG_ENDED)
        return DLFW_OK;
    return bad(p, DLFW_E_CORRUPT, p->offset, "truncated: the end of the image is missing");
}
