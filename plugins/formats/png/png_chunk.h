/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The structure of a PNG file, followed byte by byte in any split: chunks with their lengths and CRCs, a header first,
 * image data in one run, an end. Nothing is inflated and nothing is kept but facts.
 */
#ifndef DLFW_PNG_CHUNK_H
#define DLFW_PNG_CHUNK_H

#include "dlfw/host.h"

#include <stdbool.h>

enum { PNG_GRAY = 0, PNG_RGB = 2, PNG_PALETTE = 3, PNG_GRAY_ALPHA = 4, PNG_RGBA = 6 };

#define PNG_NAMED_CHUNKS 16u /* kinds of ancillary chunks that are kept by name */

struct png_facts {
    bool has_header;
    uint32_t columns;
    uint32_t rows;
    uint8_t depth; /* bits of a channel */
    uint8_t color; /* PNG_GRAY ... */
    uint8_t interlace;
    bool has_palette;
    uint64_t chunks;
    uint64_t data_chunks;
    uint64_t data_bytes;
    uint64_t data_offset; /* of the first image data */
    uint64_t ancillary_bytes;
    char ancillary[PNG_NAMED_CHUNKS][5];
    uint32_t ancillary_count;
};

enum png_place { PNG_AT_SIGNATURE, PNG_AT_CHUNK, PNG_IN_DATA, PNG_AT_CRC, PNG_ENDED };

/* All zero but the first part: at the first byte of a file. */
struct png_parser {
    const dlfw_host *host; /* NULL: CRCs are not computed */
    uint64_t size;         /* of the file */
    enum png_place place;
    uint32_t length; /* of the chunk's data */
    uint32_t left;   /* of them */
    uint32_t crc;
    bool data_ended; /* another chunk followed the image data */
    uint8_t type[4];
    uint8_t head_len;
    uint8_t head[16];
    uint64_t offset; /* of the next byte */
    struct png_facts facts;
    const char *problem; /* after a failure */
    uint64_t problem_offset;
};

/* The next bytes of the file. DLFW_OK, or DLFW_E_CORRUPT or DLFW_E_UNSUPPORTED with problem and problem_offset. */
dlfw_status png_parse(struct png_parser *p, const uint8_t *data, uint64_t len);
/* After the last byte of the file. */
dlfw_status png_parse_end(struct png_parser *p);

/* Bits of a pixel in the file. */
uint32_t png_pixel_bits(const struct png_facts *f);

#endif
