/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as byte planes, each stored or coded by itself. The exponent plane is coded at a level so low that the
 * library looks for no matches and only makes Huffman codes: exponents come in no order, and matches among them are
 * chance.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "float_frame.h"
#include "part_coder.h"
#include "part_probe.h"
#include "planes.h"

static dlfw_status need_planes(struct part_coder *coder, uint64_t bytes, dlfw_error *reterr)
{
    uint8_t *more;

    if (coder->planes_bytes >= bytes)
        return DLFW_OK;
    more = realloc(coder->planes, bytes);
    if (!more)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate %" PRIu64 " bytes for planes", bytes);
    coder->planes = more;
    coder->planes_bytes = bytes;
    return DLFW_OK;
}

/* Bit p: plane p of the numbers has uneven values. */
static uint32_t uneven_planes(uint32_t width, const uint8_t *raw, uint64_t count)
{
    uint8_t sample[PLANES_MAX][PROBE_SAMPLE];
    uint8_t *run[PLANES_MAX];
    uint32_t uneven = 0;

    if (count < PROBE_SAMPLE)
        return (1u << width) - 1;
    for (uint32_t i = 0; i < PROBE_RUNS; i++) {
        for (uint32_t p = 0; p < width; p++)
            run[p] = sample[p] + i * PROBE_RUN;
        planes_split(width, raw + probe_run_begin(count, i) * width, PROBE_RUN, run);
    }
    for (uint32_t p = 0; p < width; p++)
        if (probe_is_uneven(sample[p], PROBE_SAMPLE, PROBE_FEW))
            uneven |= 1u << p;
    return uneven;
}

/* Uneven values are coded; whether matches would help beyond that is tried on a sample. */
static ZSTD_CCtx *context_for(struct part_coder *coder, const uint8_t *plane, uint64_t count)
{
    uint64_t n = count < TRIAL_BYTES ? count : TRIAL_BYTES;
    const uint8_t *sample = plane + (count - n) / 2;
    size_t matches = ZSTD_compress2(coder->trial, coder->trial_out, sizeof coder->trial_out, sample, n);
    size_t huffman = ZSTD_compress2(coder->huffman, coder->trial_out, sizeof coder->trial_out, sample, n);

    if (ZSTD_isError(matches) || ZSTD_isError(huffman))
        return coder->huffman;
    return matches < huffman - huffman / 5 ? coder->matches : coder->huffman;
}

/* One coded plane: its size, then a Zstandard frame. */
static dlfw_status put_plane(struct part_coder *coder, const uint8_t *plane, uint64_t count, uint8_t **to,
                             const uint8_t *end, dlfw_error *reterr)
{
    ZSTD_CCtx *by = context_for(coder, plane, count);
    size_t room = (size_t)(end - *to) - PLANE_SIZE_BYTES;
    size_t got = ZSTD_compress2(by, *to + PLANE_SIZE_BYTES, room, plane, count);

    if (ZSTD_isError(got))
        return zstd_fail(got, DLFW_E_INTERNAL, reterr);
    for (uint32_t i = 0; i < PLANE_SIZE_BYTES; i++)
        (*to)[i] = (uint8_t)(got >> 8 * i);
    *to += PLANE_SIZE_BYTES + got;
    return DLFW_OK;
}

/* Stored planes first, in place; then the coded ones; then the bytes that make no whole number. */
static dlfw_status put_planes(struct part_coder *coder, const struct float_frame *frame, const uint8_t *raw,
                              uint8_t **to, const uint8_t *end, dlfw_error *reterr)
{
    uint64_t count = frame->raw_bytes / frame->width, tail = frame->raw_bytes % frame->width;
    uint8_t *at[PLANES_MAX], *scratch = coder->planes;
    dlfw_status st = DLFW_OK;

    for (uint32_t p = 0; p < frame->width; p++) {
        uint8_t **from = frame->coded & 1u << p ? &scratch : to;

        at[p] = *from;
        *from += count;
    }
    planes_split(frame->width, raw, count, at);
    for (uint32_t p = 0; p < frame->width && st >= 0; p++)
        if (frame->coded & 1u << p)
            st = put_plane(coder, at[p], count, to, end, reterr);
    memcpy(*to, raw + frame->raw_bytes - tail, tail);
    *to += tail;
    return st;
}

/* Numbers of one byte are one plane, which is coded when it shrinks. */
static dlfw_status put_bytes(struct part_coder *coder, const uint8_t *raw, uint64_t len, uint8_t **to,
                             const uint8_t *end, dlfw_error *reterr)
{
    size_t room = (size_t)(end - *to) - PLANE_SIZE_BYTES;
    size_t got = ZSTD_compress2(coder->matches, *to + PLANE_SIZE_BYTES, room, raw, len);

    if (ZSTD_isError(got))
        return zstd_fail(got, DLFW_E_INTERNAL, reterr);
    for (uint32_t i = 0; i < PLANE_SIZE_BYTES; i++)
        (*to)[i] = (uint8_t)(got >> 8 * i);
    *to += PLANE_SIZE_BYTES + got;
    return DLFW_OK;
}

dlfw_status float_encode(struct part_coder *coder, uint32_t width, uint32_t raw_crc, const uint8_t *raw, uint64_t len,
                         uint8_t *out, uint64_t *ret_stored, dlfw_error *reterr)
{
    struct float_frame frame = {.width = width, .raw_bytes = (uint32_t)len, .raw_crc = raw_crc};
    uint8_t *to = out + FLOAT_FRAME_HEADER;
    const uint8_t *end = out + part_bound(CODEC_FLOAT, len);
    dlfw_status st = need_planes(coder, len, reterr);

    if (st < 0)
        return st;
    if (len >= width)
        frame.coded = width > 1 ? uneven_planes(width, raw, len / width) : part_shrinks(coder, raw, len);
    if (frame.coded)
        st =
            width > 1 ? put_planes(coder, &frame, raw, &to, end, reterr) : put_bytes(coder, raw, len, &to, end, reterr);
    if (st < 0)
        return st;
    if (!frame.coded || (uint64_t)(to - out) >= FLOAT_FRAME_HEADER + len) {
        frame.coded = 0;
        to = out + FLOAT_FRAME_HEADER;
        memcpy(to, raw, len);
        to += len;
    }
    frame.payload_bytes = (uint32_t)(to - out) - FLOAT_FRAME_HEADER;
    float_frame_write(coder->host, &frame, out);
    *ret_stored = (uint64_t)(to - out);
    return DLFW_OK;
}

/* Takes count bytes of a plane, stored at *from or coded. */
static dlfw_status take_coded(struct part_coder *coder, const uint8_t **from, const uint8_t *end, uint64_t count,
                              uint8_t *to, dlfw_error *reterr)
{
    uint64_t left = (uint64_t)(end - *from), len = 0;
    dlfw_status st;

    for (uint32_t i = 0; i < PLANE_SIZE_BYTES && left >= PLANE_SIZE_BYTES; i++)
        len |= (uint64_t)(*from)[i] << 8 * i;
    if (left < PLANE_SIZE_BYTES || len > left - PLANE_SIZE_BYTES)
        return dlfw_fail(reterr, DLFW_E_CORRUPT, "a plane of %" PRIu64 " bytes where %" PRIu64 " are left", len, left);
    st = part_decode_zstd(coder, *from + PLANE_SIZE_BYTES, len, to, count, reterr);
    *from += PLANE_SIZE_BYTES + len;
    return st;
}

static dlfw_status take_planes(struct part_coder *coder, const struct float_frame *frame, const uint8_t *from,
                               const uint8_t *end, uint8_t *raw, dlfw_error *reterr)
{
    uint64_t count = frame->raw_bytes / frame->width, tail = frame->raw_bytes % frame->width;
    const uint8_t *at[PLANES_MAX];
    uint8_t *scratch = coder->planes;
    dlfw_status st = DLFW_OK;

    for (uint32_t p = 0; p < frame->width; p++) {
        if (frame->coded & 1u << p)
            continue;
        if ((uint64_t)(end - from) < count)
            return dlfw_fail(reterr, DLFW_E_CORRUPT, "a frame of floats ends inside plane %" PRIu32, p);
        at[p] = from;
        from += count;
    }
    for (uint32_t p = 0; p < frame->width && st >= 0; p++) {
        if (!(frame->coded & 1u << p))
            continue;
        st = take_coded(coder, &from, end, count, scratch, reterr);
        at[p] = scratch;
        scratch += count;
    }
    if (st < 0)
        return st;
    if ((uint64_t)(end - from) != tail)
        return dlfw_fail(reterr, DLFW_E_CORRUPT, "%zu bytes behind the planes instead of %" PRIu64,
                         (size_t)(end - from), tail);
    planes_merge(frame->width, at, count, raw);
    memcpy(raw + frame->raw_bytes - tail, from, tail);
    return DLFW_OK;
}

dlfw_status float_decode(struct part_coder *coder, const uint8_t *data, uint64_t len, uint8_t *raw, uint64_t raw_bytes,
                         dlfw_error *reterr)
{
    const uint8_t *from = data + FLOAT_FRAME_HEADER, *end = data + len;
    struct float_frame frame;
    dlfw_status st = float_frame_read(coder->host, data, len, &frame, reterr);

    if (st < 0)
        return st;
    if (frame.raw_bytes != raw_bytes || frame.payload_bytes != len - FLOAT_FRAME_HEADER)
        return dlfw_fail(reterr, DLFW_E_CORRUPT,
                         "a frame of floats says %" PRIu32 " bytes in %" PRIu32 ", the shard %" PRIu64 " in %" PRIu64,
                         frame.raw_bytes, frame.payload_bytes, raw_bytes, len - FLOAT_FRAME_HEADER);
    st = need_planes(coder, raw_bytes, reterr);
    if (st < 0)
        return st;
    if (frame.coded && frame.width > 1)
        return take_planes(coder, &frame, from, end, raw, reterr);
    if (frame.coded) {
        st = take_coded(coder, &from, end, raw_bytes, raw, reterr);
        if (st >= 0 && from != end)
            st = dlfw_fail(reterr, DLFW_E_CORRUPT, "bytes behind the only plane of a frame");
        return st;
    }
    if (frame.payload_bytes != raw_bytes)
        return dlfw_fail(reterr, DLFW_E_CORRUPT, "a stored frame of %" PRIu64 " bytes has %" PRIu32, raw_bytes,
                         frame.payload_bytes);
    memcpy(raw, from, raw_bytes);
    return DLFW_OK;
}
