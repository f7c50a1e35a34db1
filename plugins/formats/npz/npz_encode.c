/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing an npz file front to back: x.npy with the generated array, y.npy with int64 zeros, the directory. The sink
 * only goes forward, so x's CRC (and its deflated size) are patched into the first header at the end, and y, whose
 * bytes are known, is measured before it is written.
 */
#include "npz.h"

#include "common/array_content.h"
#include "zip_deflate.h"
#include "zip_dir.h"
#include "zip_write.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (64u * 1024u)
#define MEMBERS 2u

static const uint8_t zeros[4096];

/* One object being written. */
struct writing {
    const dlfw_host *host;
    const dlfw_encode_spec *spec;
    const dlfw_sink *sink;
    int level; /* of deflate */
    struct zip_entry x, y;
    struct array_plan array;
    uint32_t y_header_len;
    uint8_t y_header[NPY_WRITE_CAP];
};

static dlfw_status lay_out(dlfw_format *fmt, const dlfw_encode_spec *spec, struct writing *w, dlfw_error *err)
{
    const uint16_t method = fmt->options->compression == NPZ_COMPRESSION_ZIP ? ZIP_DEFLATED : ZIP_STORED;
    uint8_t record[ZIP_RECORD_CAP];
    dlfw_status st;

    st = array_plan(spec, &w->array, err);
    if (st < 0)
        return st;
    w->host = fmt->host;
    w->spec = spec;
    w->level = (int)fmt->options->compression_level;
    w->x = (struct zip_entry){.name = "x.npy", .method = method, .bytes = w->array.header_len + w->array.payload_bytes};
    w->x.stored_bytes = w->x.bytes;
    w->y_header_len = npy_header_write(w->y_header, "<i8", NULL, 0, spec->samples);
    w->y = (struct zip_entry){.name = "y.npy", .method = method, .bytes = w->y_header_len + 8 * spec->samples};
    w->y.stored_bytes = w->y.bytes;
    w->y.local_offset = zip_write_local(record, &w->x) + w->x.stored_bytes;
    return DLFW_OK;
}

/* The directory and end records; their length without out. */
static dlfw_status write_directory(struct writing *w, uint64_t dir_offset, uint64_t *ret_bytes, dlfw_error *err)
{
    uint8_t records[(MEMBERS + 1) * ZIP_RECORD_CAP];
    uint32_t n;

    n = zip_write_dir_entry(records, &w->x);
    n += zip_write_dir_entry(records + n, &w->y);
    n += zip_write_end(records + n, MEMBERS, dir_offset, n);
    *ret_bytes = n;
    return w->sink ? w->sink->write(w->sink->ctx, records, n, err) : DLFW_OK;
}

dlfw_status npz_file_size(dlfw_format *fmt, const dlfw_encode_spec *spec, uint64_t *ret, dlfw_error *err)
{
    struct writing w = {0};
    uint8_t record[ZIP_RECORD_CAP];
    uint64_t dir_offset, dir_bytes = 0;
    dlfw_status st;

    st = lay_out(fmt, spec, &w, err);
    if (st < 0)
        return st;
    if (w.x.method == ZIP_DEFLATED) {
        *ret = UINT64_MAX;
        return DLFW_OK;
    }
    dir_offset = w.y.local_offset + zip_write_local(record, &w.y) + w.y.stored_bytes;
    st = write_directory(&w, dir_offset, &dir_bytes, err);
    if (st < 0)
        return st;
    *ret = dir_offset + dir_bytes;
    return DLFW_OK;
}

static dlfw_status deflate_content(struct writing *w, struct deflater *d, uint8_t *chunk, dlfw_error *err)
{
    for (uint64_t done = 0; done < w->array.payload_bytes;) {
        uint64_t left = w->array.payload_bytes - done;
        uint64_t n = left < CHUNK_BYTES ? left : CHUNK_BYTES;
        dlfw_status st;

        w->host->content_fill(w->spec->seed, w->spec->object, done, chunk, n);
        w->x.crc = w->host->crc32(w->x.crc, chunk, n);
        st = deflater_put(d, chunk, n, err);
        if (st < 0)
            return st;
        done += n;
    }
    return DLFW_OK;
}

static dlfw_status write_x_deflated(struct writing *w, dlfw_error *err)
{
    struct deflater *d = NULL;
    uint8_t *chunk = malloc(CHUNK_BYTES);
    dlfw_status st;

    if (!chunk) {
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory to deflate");
        goto out;
    }
    st = deflater_create(w->sink, w->level, &d, err);
    if (st < 0)
        goto out;
    st = deflater_put(d, w->array.header, w->array.header_len, err);
    if (st < 0)
        goto out;
    st = deflate_content(w, d, chunk, err);
    if (st < 0)
        goto out;
    st = deflater_finish(d, &w->x.stored_bytes, err);
out:
    deflater_destroy(d);
    free(chunk);
    return st;
}

static dlfw_status write_x(struct writing *w, dlfw_error *err)
{
    const dlfw_sink *sink = w->sink;
    uint8_t record[ZIP_RECORD_CAP];
    uint32_t record_len = zip_write_local(record, &w->x);
    dlfw_status st;

    st = sink->write(sink->ctx, record, record_len, err); /* patched below */
    if (st < 0)
        return st;
    w->x.crc = w->host->crc32(0, w->array.header, w->array.header_len);
    if (w->x.method == ZIP_DEFLATED) {
        st = write_x_deflated(w, err);
    } else {
        st = sink->write(sink->ctx, w->array.header, w->array.header_len, err);
        if (st < 0)
            return st;
        st = array_write_content(w->host, w->spec, w->array.payload_bytes, sink, &w->x.crc, err);
    }
    if (st < 0)
        return st;
    w->y.local_offset = record_len + w->x.stored_bytes;
    zip_write_local(record, &w->x);
    return sink->patch(sink->ctx, 0, record, record_len, err);
}

/* Header and zeros of y through put. */
static dlfw_status each_y(const struct writing *w,
                          dlfw_status (*put)(void *ctx, const void *data, uint64_t len, dlfw_error *err), void *ctx,
                          dlfw_error *err)
{
    dlfw_status st = put(ctx, w->y_header, w->y_header_len, err);

    for (uint64_t left = 8 * w->spec->samples; left && st >= 0;) {
        uint64_t n = left < sizeof zeros ? left : sizeof zeros;

        st = put(ctx, zeros, n, err);
        left -= n;
    }
    return st;
}

static dlfw_status put_deflater(void *ctx, const void *data, uint64_t len, dlfw_error *err)
{
    return deflater_put(ctx, data, len, err);
}

/* Deflates y into sink, or only counts (NULL); *ret_bytes: its deflated size. */
static dlfw_status deflate_y(const struct writing *w, const dlfw_sink *sink, uint64_t *ret_bytes, dlfw_error *err)
{
    struct deflater *d = NULL;
    dlfw_status st;

    st = deflater_create(sink, w->level, &d, err);
    if (st < 0)
        return st;
    st = each_y(w, put_deflater, d, err);
    if (st >= 0)
        st = deflater_finish(d, ret_bytes, err);
    deflater_destroy(d);
    return st;
}

struct checksum {
    const dlfw_host *host;
    uint32_t crc;
};

static dlfw_status put_checksum(void *ctx, const void *data, uint64_t len, dlfw_error *err)
{
    struct checksum *c = ctx;

    (void)err;
    c->crc = c->host->crc32(c->crc, data, len);
    return DLFW_OK;
}

static dlfw_status write_y(struct writing *w, dlfw_error *err)
{
    const dlfw_sink *sink = w->sink;
    struct checksum sum = {.host = w->host};
    uint8_t record[ZIP_RECORD_CAP];
    dlfw_status st;

    st = each_y(w, put_checksum, &sum, err);
    if (st < 0)
        return st;
    w->y.crc = sum.crc;
    if (w->y.method == ZIP_DEFLATED) {
        st = deflate_y(w, NULL, &w->y.stored_bytes, err);
        if (st < 0)
            return st;
    }
    st = sink->write(sink->ctx, record, zip_write_local(record, &w->y), err);
    if (st < 0)
        return st;
    return w->y.method == ZIP_DEFLATED ? deflate_y(w, sink, &w->y.stored_bytes, err)
                                       : each_y(w, sink->write, sink->ctx, err);
}

dlfw_status npz_encode(dlfw_format *fmt, const dlfw_encode_spec *spec, const dlfw_sink *sink, dlfw_error *err)
{
    struct writing w = {.sink = sink};
    uint8_t record[ZIP_RECORD_CAP];
    uint64_t dir_offset, dir_bytes = 0;
    dlfw_status st;

    st = lay_out(fmt, spec, &w, err);
    if (st < 0)
        return st;
    st = write_x(&w, err);
    if (st < 0)
        return st;
    st = write_y(&w, err);
    if (st < 0)
        return st;
    dir_offset = w.y.local_offset + zip_write_local(record, &w.y) + w.y.stored_bytes;
    return write_directory(&w, dir_offset, &dir_bytes, err);
}
