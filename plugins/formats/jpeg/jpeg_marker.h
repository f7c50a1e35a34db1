/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The structure of a JPEG file, followed byte by byte in any split: segments with their lengths, scans up to the marker
 * behind them, restart markers in their order, one frame, an end. Nothing is decoded and nothing is kept but facts.
 */
#ifndef DLFW_JPEG_MARKER_H
#define DLFW_JPEG_MARKER_H

#include "dlfw/base.h"

#include <stdbool.h>

#define JPEG_HEAD_BYTES 24u /* of a segment that are looked at: a frame of four components */
#define JPEG_MAX_COMPONENTS 4u

struct jpeg_facts {
    uint8_t frame; /* low byte of its marker, 0xc0 .. 0xcf; 0: no frame yet */
    uint8_t precision;
    uint8_t components;
    uint8_t sampling[JPEG_MAX_COMPONENTS]; /* horizontal << 4 | vertical */
    uint32_t rows;
    uint32_t columns;
    uint32_t restart_interval;
    uint64_t scans;
    uint64_t comment_bytes;
    uint64_t application_bytes;
    bool has_jfif, has_exif, has_icc, has_adobe;
    uint8_t adobe_transform;
};

enum jpeg_place {
    JPEG_AT_START,
    JPEG_AT_START_CODE,
    JPEG_AT_MARKER,
    JPEG_AT_CODE,
    JPEG_AT_LENGTH,
    JPEG_IN_SEGMENT,
    JPEG_IN_SCAN,
    JPEG_IN_SCAN_CODE,
    JPEG_ENDED /* what follows is not part of the image */
};

/* All zero: at the first byte of a file. */
struct jpeg_parser {
    enum jpeg_place place;
    uint8_t code;     /* of the marker that is being read */
    uint8_t restarts; /* of the scan, modulo 8 */
    uint8_t head_len;
    bool stop_at_frame;
    uint32_t length; /* of the segment, with its length field */
    uint32_t left;   /* of the segment */
    uint64_t offset; /* of the next byte */
    uint8_t head[JPEG_HEAD_BYTES];
    struct jpeg_facts facts;
    const char *problem; /* after a failure */
    uint64_t problem_offset;
};

/*
 * The next bytes of the file. DLFW_OK, or DLFW_E_CORRUPT or DLFW_E_UNSUPPORTED with problem and problem_offset. With
 * stop_at_frame the bytes behind the frame header are not looked at.
 */
dlfw_status jpeg_parse(struct jpeg_parser *p, const uint8_t *data, uint64_t len);
/* After the last byte of the file. */
dlfw_status jpeg_parse_end(struct jpeg_parser *p);

#endif
