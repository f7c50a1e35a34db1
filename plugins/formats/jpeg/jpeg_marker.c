/* SPDX-License-Identifier: Apache-2.0 */
#include "jpeg_marker.h"

#include <string.h>

enum {
    CODE_DHT = 0xc4,
    CODE_JPG = 0xc8,
    CODE_DAC = 0xcc,
    CODE_RST0 = 0xd0,
    CODE_RST7 = 0xd7,
    CODE_SOI = 0xd8,
    CODE_EOI = 0xd9,
    CODE_SOS = 0xda,
    CODE_DNL = 0xdc,
    CODE_DRI = 0xdd,
    CODE_APP0 = 0xe0,
    CODE_APP1 = 0xe1,
    CODE_APP2 = 0xe2,
    CODE_APP14 = 0xee,
    CODE_APP15 = 0xef,
    CODE_COM = 0xfe
};

#define FRAME_FIXED 8u /* bytes of a frame header before its components, with the length field */

static dlfw_status bad(struct jpeg_parser *p, dlfw_status status, const char *problem)
{
    p->problem = problem;
    p->problem_offset = p->offset;
    return status;
}

static bool is_frame(uint8_t code)
{
    return code >= 0xc0 && code <= 0xcf && code != CODE_DHT && code != CODE_JPG && code != CODE_DAC;
}

static uint32_t big16(const uint8_t *p)
{
    return (uint32_t)(p[0] << 8 | p[1]);
}

static dlfw_status take_frame(struct jpeg_parser *p)
{
    struct jpeg_facts *f = &p->facts;
    const uint8_t *head = p->head; /* behind the length field */

    if (f->frame)
        return bad(p, DLFW_E_CORRUPT, "a second frame in one image");
    if (p->length < FRAME_FIXED || p->length != FRAME_FIXED + 3u * head[5])
        return bad(p, DLFW_E_CORRUPT, "the frame header has another length than its components need");
    f->precision = head[0];
    f->rows = big16(head + 1);
    f->columns = big16(head + 3);
    f->components = head[5];
    if (f->components < 1 || f->components > JPEG_MAX_COMPONENTS)
        return bad(p, DLFW_E_UNSUPPORTED, "images have 1 to 4 components; another number");
    if (!f->columns)
        return bad(p, DLFW_E_CORRUPT, "an image without columns");
    if (!f->rows)
        return bad(p, DLFW_E_UNSUPPORTED, "an image whose number of rows follows its first scan is not read;");
    for (uint32_t i = 0; i < f->components; i++) {
        f->sampling[i] = head[6 + 3 * i + 1];
        if (f->sampling[i] >> 4 < 1 || f->sampling[i] >> 4 > 4 || (f->sampling[i] & 15) < 1 ||
            (f->sampling[i] & 15) > 4)
            return bad(p, DLFW_E_CORRUPT, "a component's sampling factor is not from 1 to 4");
    }
    f->frame = p->code;
    return DLFW_OK;
}

static bool head_is(const struct jpeg_parser *p, const char *text, uint8_t len)
{
    return p->head_len >= len && memcmp(p->head, text, len) == 0;
}

static void take_application(struct jpeg_parser *p)
{
    struct jpeg_facts *f = &p->facts;

    f->application_bytes += p->length;
    if (p->code == CODE_APP0 && head_is(p, "JFIF", 5))
        f->has_jfif = true;
    if (p->code == CODE_APP1 && head_is(p, "Exif", 5))
        f->has_exif = true;
    if (p->code == CODE_APP2 && head_is(p, "ICC_PROFILE", 12))
        f->has_icc = true;
    if (p->code == CODE_APP14 && head_is(p, "Adobe", 5) && p->head_len >= 12) {
        f->has_adobe = true;
        f->adobe_transform = p->head[11];
    }
}

/* A segment is complete. */
static dlfw_status take_segment(struct jpeg_parser *p)
{
    dlfw_status st = DLFW_OK;

    p->place = JPEG_AT_MARKER;
    if (is_frame(p->code)) {
        st = take_frame(p);
    } else if (p->code == CODE_SOS) {
        p->facts.scans++;
        p->restarts = 0;
        p->place = JPEG_IN_SCAN;
    } else if (p->code == CODE_DRI) {
        if (p->length != 4)
            return bad(p, DLFW_E_CORRUPT, "a restart interval of another length than 4 bytes");
        p->facts.restart_interval = big16(p->head);
    } else if (p->code >= CODE_APP0 && p->code <= CODE_APP15) {
        take_application(p);
    } else if (p->code == CODE_COM) {
        p->facts.comment_bytes += p->length - 2;
    }
    return st;
}

/* The byte behind 0xff, outside of a scan or ending one. */
static dlfw_status take_code(struct jpeg_parser *p, uint8_t code)
{
    if (code == 0xff) /* fill byte */
        return DLFW_OK;
    p->code = code;
    p->place = JPEG_AT_LENGTH;
    p->length = 0;
    p->left = 2;
    p->head_len = 0;
    if (code == CODE_EOI) {
        if (!p->facts.scans)
            return bad(p, DLFW_E_CORRUPT, "the image ends without any scan");
        p->place = JPEG_ENDED;
        return DLFW_OK;
    }
    if (code < 0xc0 || (code >= CODE_RST0 && code <= CODE_SOI) || code == CODE_JPG || (code >= 0xf0 && code < CODE_COM))
        return bad(p, DLFW_E_CORRUPT, "no marker is possible here that has this code");
    if (code == CODE_SOS && !p->facts.frame)
        return bad(p, DLFW_E_CORRUPT, "a scan before the frame header");
    return DLFW_OK;
}

/* The byte behind 0xff in a scan. */
static dlfw_status take_scan_code(struct jpeg_parser *p, uint8_t code)
{
    if (code == 0xff)
        return DLFW_OK;
    p->place = JPEG_IN_SCAN;
    if (code == 0)
        return DLFW_OK;
    if (code < CODE_RST0 || code > CODE_RST7)
        return take_code(p, code);
    if (!p->facts.restart_interval)
        return bad(p, DLFW_E_CORRUPT, "a restart marker in an image without restart interval");
    if (code != CODE_RST0 + p->restarts)
        return bad(p, DLFW_E_CORRUPT, "a restart marker is missing or comes twice");
    p->restarts = (uint8_t)((p->restarts + 1) % 8);
    return DLFW_OK;
}

/* One byte of marker, code or length. */
static dlfw_status take_byte(struct jpeg_parser *p, uint8_t byte)
{
    switch (p->place) {
    case JPEG_AT_START:
    case JPEG_AT_MARKER:
        if (byte != 0xff)
            return bad(p, DLFW_E_CORRUPT,
                       p->place == JPEG_AT_START ? "no JPEG image begins" : "no marker where a segment must begin");
        p->place = p->place == JPEG_AT_START ? JPEG_AT_START_CODE : JPEG_AT_CODE;
        return DLFW_OK;
    case JPEG_AT_START_CODE:
        if (byte != CODE_SOI)
            return bad(p, DLFW_E_CORRUPT, "no JPEG image begins");
        p->place = JPEG_AT_MARKER;
        return DLFW_OK;
    case JPEG_AT_CODE:
        return take_code(p, byte);
    case JPEG_IN_SCAN_CODE:
        return take_scan_code(p, byte);
    case JPEG_AT_LENGTH:
        p->length = p->length << 8 | byte;
        if (--p->left)
            return DLFW_OK;
        if (p->length < 2)
            return bad(p, DLFW_E_CORRUPT, "a segment shorter than its length field");
        p->left = p->length - 2;
        p->place = JPEG_IN_SEGMENT;
        return p->left ? DLFW_OK : take_segment(p);
    case JPEG_IN_SEGMENT:
    case JPEG_IN_SCAN:
    case JPEG_ENDED:
        break;
    }
    return DLFW_OK;
}

static void skip(struct jpeg_parser *p, const uint8_t **data, uint64_t *len, uint64_t n)
{
    *data += n;
    *len -= n;
    p->offset += n;
}

/* As many bytes of the segment as there are; the first ones are kept. */
static dlfw_status feed_segment(struct jpeg_parser *p, const uint8_t **data, uint64_t *len)
{
    uint32_t n = *len < p->left ? (uint32_t)*len : p->left;
    uint32_t kept = JPEG_HEAD_BYTES - p->head_len < n ? JPEG_HEAD_BYTES - p->head_len : n;

    memcpy(p->head + p->head_len, *data, kept);
    p->head_len = (uint8_t)(p->head_len + kept);
    p->left -= n;
    skip(p, data, len, n);
    return p->left ? DLFW_OK : take_segment(p);
}

static void feed_scan(struct jpeg_parser *p, const uint8_t **data, uint64_t *len)
{
    const uint8_t *marker = memchr(*data, 0xff, *len);

    if (!marker) {
        skip(p, data, len, *len);
        return;
    }
    skip(p, data, len, (uint64_t)(marker - *data) + 1);
    p->place = JPEG_IN_SCAN_CODE;
}

dlfw_status jpeg_parse(struct jpeg_parser *p, const uint8_t *data, uint64_t len)
{
    dlfw_status st = DLFW_OK;

    while (len && st >= 0 && p->place != JPEG_ENDED && !(p->stop_at_frame && p->facts.frame)) {
        if (p->place == JPEG_IN_SEGMENT) {
            st = feed_segment(p, &data, &len);
        } else if (p->place == JPEG_IN_SCAN) {
            feed_scan(p, &data, &len);
        } else {
            st = take_byte(p, *data);
            if (st >= 0)
                skip(p, &data, &len, 1);
        }
    }
    return st;
}

dlfw_status jpeg_parse_end(struct jpeg_parser *p)
{
    if (p->place == JPEG_ENDED)
        return DLFW_OK;
    return bad(p, DLFW_E_CORRUPT, p->facts.scans ? "truncated: the end of the image is missing" : "truncated");
}
