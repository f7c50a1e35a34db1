/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames checked as their bytes arrive: header, data, footer, in whatever pieces. Data are checksummed and, where that
 * is asked for, compared with the content stream while they are in the cache.
 */
#include "tfrecord_reader.h"

#include "common/little_endian.h"
#include "example.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOT_BYTES ((uint64_t)128 << 10)
#define FIRST_CAP ((uint64_t)8 << 20) /* of the first record, kept to be described */

dlfw_status record_fail(const dlfw_reader *r, dlfw_status status, uint64_t record, uint64_t offset, dlfw_error *err,
                        const char *format, ...)
{
    char what[320];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return dlfw_fail(err, status, "'%.*s': record %" PRIu64 ": %s (at offset %" PRIu64 ")", (int)r->object->name_len,
                     r->object->name, record, what, offset);
}

/* A file that was compressed as a whole, by its first bytes. */
static const char *compression_of(const uint8_t *header)
{
    if (header[0] == 0x1f && header[1] == 0x8b)
        return "gzip";
    if (header[0] == 0x78 && (header[1] == 0x01 || header[1] == 0x5e || header[1] == 0x9c || header[1] == 0xda))
        return "zlib";
    return NULL;
}

static dlfw_status wrong_header(const dlfw_reader *r, uint64_t record, uint64_t start, const uint8_t *header,
                                uint64_t length, dlfw_error *err)
{
    const char *compression = record == 0 ? compression_of(header) : NULL;

    if (compression)
        return record_fail(r, DLFW_E_UNSUPPORTED, record, start, err,
                           "the file is compressed with %s as a whole, which is not read; decompress it", compression);
    if (r->where == WHERE_UNIFORM && record)
        return record_fail(r, DLFW_E_CORRUPT, record, start, err,
                           "no record begins here although %" PRIu32 " records of %" PRIu64
                           " bytes would fill the file; it is damaged, or its records are not equally long: then set "
                           "tfrecord.layout: scan or indexed",
                           r->object->samples, r->framed_bytes);
    return record_fail(r, DLFW_E_CORRUPT, record, start, err, "the checksum of its length (%" PRIu64 ") is wrong%s",
                       length, record == 0 ? "; this may be no TFRecord file" : "");
}

static dlfw_status wrong_length(const dlfw_reader *r, uint64_t record, uint64_t start, uint64_t length,
                                uint64_t expected, dlfw_error *err)
{
    if (r->where == WHERE_UNIFORM)
        return record_fail(r, DLFW_E_CORRUPT, record, start, err,
                           "it takes %" PRIu64 " bytes where %" PRIu64
                           " were expected: the file's records are not equally long or not %" PRIu32
                           "; set tfrecord.layout: scan or indexed",
                           length + FRAME_BYTES, expected, r->object->samples);
    return record_fail(r, DLFW_E_CORRUPT, record, start, err,
                       "it takes %" PRIu64 " bytes, its index says %" PRIu64 "; `dlfw index` writes a new one",
                       length + FRAME_BYTES, expected);
}

/* Equal headers have equal checksums: records of one length need it once. */
static bool length_is_right(dlfw_reader *r, const uint8_t *header)
{
    struct record_walk *w = &r->walk;

    if (w->header_known && memcmp(header, w->header, FRAME_HEADER) == 0)
        return true;
    if (get_le32(header + 8) != crc_mask(r->host->crc32c(0, header, 8)))
        return false;
    memcpy(w->header, header, FRAME_HEADER);
    w->header_known = true;
    return true;
}

dlfw_status record_header(dlfw_reader *r, uint64_t record, uint64_t start, const uint8_t *header, uint64_t *ret_length,
                          dlfw_error *err)
{
    const uint64_t length = get_le64(header), room = r->object->size - start - FRAME_BYTES;
    const uint64_t expected = layout_framed(r, record);

    if (r->verify && !length_is_right(r, header))
        return wrong_header(r, record, start, header, length, err);
    if (length > room && record == 0 && compression_of(header))
        return wrong_header(r, record, start, header, length, err);
    if (length > room)
        return record_fail(r, DLFW_E_CORRUPT, record, start, err,
                           "%" PRIu64 " bytes of data where the file ends after %" PRIu64 ": it is truncated", length,
                           room);
    if (expected && length + FRAME_BYTES != expected)
        return wrong_length(r, record, start, length, expected, err);
    *ret_length = length;
    return DLFW_OK;
}

dlfw_status record_room(const dlfw_reader *r, uint64_t record, uint64_t start, dlfw_error *err)
{
    const uint64_t left = r->object->size - start;

    if (left >= FRAME_BYTES)
        return DLFW_OK;
    return record_fail(r, DLFW_E_CORRUPT, record, start, err,
                       "%" PRIu64 " bytes are left, too few for a record: the file is truncated or has bytes behind "
                       "its last record",
                       left);
}

void record_walk_begin(dlfw_reader *r, uint64_t record, uint64_t start)
{
    struct record_walk *w = &r->walk;

    w->next = w->start = start;
    w->record = record;
    w->done = 0;
}

/* A cut header or footer is collected in edge. Returns it once it is complete, else NULL. */
static const uint8_t *take_edge(struct record_walk *w, uint64_t have, uint64_t need, const uint8_t **data,
                                uint64_t *len)
{
    const uint8_t *whole = *data;
    uint64_t n = need - have < *len ? need - have : *len;

    if (n < need) {
        memcpy(w->edge + have, *data, n);
        whole = w->edge;
    }
    *data += n;
    *len -= n;
    w->done += n;
    return have + n == need ? whole : NULL;
}

/* The sample's place in the unit, where the record's data are at hand; data and len are what follows the header. */
static dlfw_status add_place(dlfw_reader *r, const uint8_t *data, uint64_t len, dlfw_error *err)
{
    struct record_walk *w = &r->walk;
    struct sample_place place = {.at = w->start + FRAME_HEADER, .len = w->length};
    dlfw_status st = DLFW_OK;

    w->head_len = 0;
    w->sample_at = 0;
    w->sample_len = w->length;
    w->sample_known = r->fmt->options->payload == PAYLOAD_RAW;
    if (!w->sample_known && len >= w->length) {
        st = record_sample(r, w->record, w->start, data, w->length, &w->sample_at, &w->sample_len, err);
        w->sample_known = st >= 0;
    }
    if (r->place_count == r->place_cap)
        return st; /* the run file does not count this record */
    if (w->sample_known)
        place = (struct sample_place){.at = place.at + w->sample_at, .len = w->sample_len};
    else
        place.len |= PLACE_OF_DATA;
    r->places[r->place_count++] = place;
    return st;
}

static dlfw_status take_header(dlfw_reader *r, const uint8_t **data, uint64_t *len, dlfw_error *err)
{
    struct record_walk *w = &r->walk;
    const uint8_t *header;
    dlfw_status st;

    if (!w->done) {
        st = record_room(r, w->record, w->start, err);
        if (st < 0)
            return st;
    }
    header = take_edge(w, w->done, FRAME_HEADER, data, len);
    if (!header)
        return DLFW_OK;
    st = record_header(r, w->record, w->start, header, &w->length, err);
    w->crc = 0;
    return st < 0 || r->explore ? st : add_place(r, *data, *len, err);
}

static dlfw_status add_facts(dlfw_reader *r, dlfw_error *err)
{
    const struct record_walk *w = &r->walk;
    struct record_facts *f = &r->facts;

    f->payload += w->length;
    f->smallest = w->record == 0 || w->length < f->smallest ? w->length : f->smallest;
    f->largest = w->length > f->largest ? w->length : f->largest;
    if (r->building && record_table_add(r->building, w->start + w->length + FRAME_BYTES) < 0)
        return record_fail(r, DLFW_E_NO_MEMORY, w->record, w->start, err, "out of memory for the table of records");
    return DLFW_OK;
}

static dlfw_status take_footer(dlfw_reader *r, const uint8_t **data, uint64_t *len, dlfw_error *err)
{
    struct record_walk *w = &r->walk;
    const uint8_t *footer = take_edge(w, w->done - FRAME_HEADER - w->length, FRAME_FOOTER, data, len);
    dlfw_status st = DLFW_OK;

    if (!footer)
        return DLFW_OK;
    if (r->verify && get_le32(footer) != crc_mask(w->crc))
        return record_fail(r, DLFW_E_CORRUPT, w->record, w->start, err,
                           "the checksum of its data is wrong (stored %08" PRIx32 ", computed %08" PRIx32 ")",
                           get_le32(footer), crc_mask(w->crc));
    if (r->where == WHERE_STREAM)
        st = add_facts(r, err);
    w->start += w->length + FRAME_BYTES;
    w->record++;
    w->done = 0;
    return st;
}

/* Whether the first `avail` bytes of the record's data tell where its sample lies. */
static enum example_status find_sample(dlfw_reader *r, const uint8_t *data, uint64_t avail)
{
    struct record_walk *w = &r->walk;
    struct example_walk e;
    struct example_entry entry;
    enum example_status st;

    example_begin(&e, data, avail, w->length);
    do
        st = example_next(&e, &entry);
    while (st == EXAMPLE_OK && !example_is_named(&entry, r->fmt->options->feature, r->fmt->feature_len));
    if (st == EXAMPLE_OK)
        st = example_first_bytes(&e, &entry, &w->sample_at, &w->sample_len);
    w->sample_known = st == EXAMPLE_OK;
    return st;
}

/* Bytes [at, at + len) of the record's data against the content stream, as far as they are the sample's. */
static dlfw_status compare(dlfw_reader *r, uint64_t at, const uint8_t *data, uint64_t len, uint64_t *compared,
                           dlfw_error *err)
{
    const struct record_walk *w = &r->walk;
    const uint64_t sample_end = w->sample_at + w->sample_len;
    const uint64_t begin = at > w->sample_at ? at : w->sample_at, end = at + len < sample_end ? at + len : sample_end;
    uint64_t offset, total, good = 0;

    if (begin >= end)
        return DLFW_OK;
    if (w->record > (uint64_t)INT64_MAX / w->sample_len - 1)
        return record_fail(r, DLFW_E_CORRUPT, w->record, w->start, err, "its content cannot be that of any file");
    offset = w->record * w->sample_len + (begin - w->sample_at);
    total = offset + (end - begin) <= r->object->size ? r->object->size : UINT64_MAX;
    if (content_block_check(&r->content, r->host, r->object->content_seed, r->object->content_object, total, offset,
                            data + (begin - at), end - begin, &good) < 0)
        return record_fail(r, DLFW_E_NO_MEMORY, w->record, w->start, err, "out of memory to compare its content");
    *compared += good;
    if (good == end - begin)
        return DLFW_OK;
    return record_fail(r, DLFW_E_CORRUPT, w->record, w->start + FRAME_HEADER + begin + good, err,
                       "it does not hold the generated content: first difference at payload byte %" PRIu64
                       " (was it generated with another content.seed?)",
                       offset + good);
}

/* In a record that pieces cut, the sample's place is looked for in a copy of the beginning. */
static dlfw_status check_content(dlfw_reader *r, const uint8_t *data, uint64_t len, uint64_t *compared, dlfw_error *err)
{
    struct record_walk *w = &r->walk;
    uint64_t at = w->done - FRAME_HEADER, n;
    enum example_status found;
    dlfw_status st = DLFW_OK;

    if (!w->sample_known) {
        n = HEAD_CAP - w->head_len < len ? HEAD_CAP - w->head_len : len;
        memcpy(w->head + w->head_len, data, n);
        w->head_len += (uint32_t)n;
        data += n;
        len -= n;
        at += n;
        found = find_sample(r, w->head, w->head_len);
        if (w->sample_known)
            st = compare(r, 0, w->head, w->head_len, compared, err);
        else if (found == EXAMPLE_SHORT && w->head_len < HEAD_CAP)
            return DLFW_OK;
    }
    if (!w->sample_known)
        return record_fail(r, DLFW_E_CORRUPT, w->record, w->start, err,
                           "its content cannot be compared: no feature '%s' begins in its first %u bytes",
                           r->fmt->options->feature, HEAD_CAP);
    return st < 0 ? st : compare(r, at, data, len, compared, err);
}

/* What describe() needs of the first record. */
static dlfw_status keep_first(dlfw_reader *r, const uint8_t *data, uint64_t len, dlfw_error *err)
{
    const struct record_walk *w = &r->walk;
    struct record_facts *f = &r->facts;
    uint64_t at = w->done - FRAME_HEADER, cap = w->length < FIRST_CAP ? w->length : FIRST_CAP;

    if (!at) {
        free(f->first);
        f->first = malloc(cap);
        f->first_len = 0;
        f->first_total = w->length;
        if (!f->first)
            return record_fail(r, DLFW_E_NO_MEMORY, 0, w->start, err, "out of memory to describe it");
    }
    if (at >= cap)
        return DLFW_OK;
    len = len < cap - at ? len : cap - at;
    memcpy(f->first + at, data, len);
    f->first_len = at + len;
    return DLFW_OK;
}

static dlfw_status take_data(dlfw_reader *r, const uint8_t **data, uint64_t *len, uint64_t *compared, dlfw_error *err)
{
    struct record_walk *w = &r->walk;
    uint64_t left = FRAME_HEADER + w->length - w->done;
    uint64_t n = left < *len ? left : *len;
    dlfw_status st = DLFW_OK;

    if (n > HOT_BYTES && (r->verify_content || r->explore))
        n = HOT_BYTES;
    if (r->verify)
        w->crc = r->host->crc32c(w->crc, *data, n);
    if (r->verify_content)
        st = check_content(r, *data, n, compared, err);
    if (st >= 0 && r->explore && w->record == 0)
        st = keep_first(r, *data, n, err);
    *data += n;
    *len -= n;
    w->done += n;
    return st;
}

dlfw_status record_walk_take(dlfw_reader *r, const uint8_t *data, uint64_t len, uint64_t *compared, dlfw_error *err)
{
    struct record_walk *w = &r->walk;
    dlfw_status st = DLFW_OK;

    w->next += len;
    while (len && st >= 0) {
        if (w->done < FRAME_HEADER)
            st = take_header(r, &data, &len, err);
        else if (w->done < FRAME_HEADER + w->length)
            st = take_data(r, &data, &len, compared, err);
        else
            st = take_footer(r, &data, &len, err);
    }
    return st;
}
