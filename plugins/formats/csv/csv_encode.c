/* SPDX-License-Identifier: Apache-2.0 */
/* Generating: the content stream, value by value, as text; a row per sample. Nothing of the file is held but a block.
 */
#include "csv.h"

#include <string.h>
#include <zlib.h>

#include "common/array_content.h"

#define TEXT_BYTES (32u << 10)
#define BLOCK_ITEMS 1024u
#define GZIP_WINDOW 31

struct writer {
    const dlfw_sink *sink;
    z_stream *deflate; /* NULL: plain text */
    uint64_t total;    /* of text */
    uint32_t len;      /* in text */
    char text[TEXT_BYTES];
    uint8_t packed[TEXT_BYTES];
};

dlfw_status csv_file_size(dlfw_format *fmt, const dlfw_encode_spec *spec, uint64_t *ret, dlfw_error *err)
{
    struct array_plan plan;
    dlfw_status st = array_plan(spec, &plan, err);

    if (st < 0)
        return st;
    if (!plan.payload_bytes)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "samples without values cannot be written as rows");
    if (fmt->options->dtype && fmt->options->dtype != spec->dtype)
        return dlfw_fail(err, DLFW_E_CONFIG, "samples of type %s are to be generated where csv.dtype says %s",
                         csv_type_name(spec->dtype), csv_type_name(fmt->options->dtype));
    atomic_store_explicit(&fmt->dtype, spec->dtype, memory_order_relaxed);
    *ret = UINT64_MAX;
    return DLFW_OK;
}

static dlfw_status deflate_text(struct writer *w, int flush, dlfw_error *err)
{
    z_stream *z = w->deflate;
    int code;

    z->next_in = (Bytef *)w->text;
    z->avail_in = w->len;
    do {
        dlfw_status st;

        z->next_out = w->packed;
        z->avail_out = sizeof w->packed;
        code = deflate(z, flush);
        st = w->sink->write(w->sink->ctx, w->packed, sizeof w->packed - z->avail_out, err);
        if (st < 0)
            return st;
    } while (flush == Z_FINISH ? code != Z_STREAM_END : !z->avail_out);
    return DLFW_OK;
}

static dlfw_status put_text(struct writer *w, int flush, dlfw_error *err)
{
    dlfw_status st;

    w->total += w->len;
    if (w->deflate && w->total > UINT32_MAX)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED,
                         "more than 4 GiB of text in one gzip file, whose trailer cannot count them");
    st = w->deflate ? deflate_text(w, flush, err) : w->sink->write(w->sink->ctx, w->text, w->len, err);
    w->len = 0;
    return st;
}

/* n items of the content stream from byte offset on, in columns; *left: values until the end of the row. */
static dlfw_status write_items(struct writer *w, const uint8_t *items, uint32_t n, uint32_t dtype, uint64_t columns,
                               uint64_t *left, dlfw_error *err)
{
    const uint32_t bytes = csv_item_bytes(dtype);

    for (uint32_t i = 0; i < n; i++) {
        if (w->len + CSV_TEXT_MAX + 1 > TEXT_BYTES) {
            dlfw_status st = put_text(w, Z_NO_FLUSH, err);

            if (st < 0)
                return st;
        }
        w->len += csv_number_write(dtype, items + (size_t)i * bytes, w->text + w->len);
        w->text[w->len++] = --*left ? ',' : '\n';
        *left = *left ? *left : columns;
    }
    return DLFW_OK;
}

static dlfw_status write_rows(struct writer *w, dlfw_format *fmt, const dlfw_encode_spec *spec, uint64_t payload_bytes,
                              dlfw_error *err)
{
    const uint32_t bytes = csv_item_bytes(spec->dtype);
    const uint64_t count = payload_bytes / bytes, columns = count / spec->samples;
    uint8_t items[BLOCK_ITEMS * 8];
    uint64_t left = columns;

    for (uint64_t done = 0; done < count; done += BLOCK_ITEMS) {
        const uint32_t n = count - done < BLOCK_ITEMS ? (uint32_t)(count - done) : BLOCK_ITEMS;
        dlfw_status st;

        fmt->host->content_fill(spec->seed, spec->object, done * bytes, items, (uint64_t)n * bytes);
        csv_number_reduce(spec->dtype, items, n);
        st = write_items(w, items, n, spec->dtype, columns, &left, err);
        if (st < 0)
            return st;
    }
    return put_text(w, Z_FINISH, err);
}

dlfw_status csv_encode(dlfw_format *fmt, const dlfw_encode_spec *spec, const dlfw_sink *sink, dlfw_error *err)
{
    struct writer w = {.sink = sink};
    struct array_plan plan;
    z_stream deflate = {0};
    uint64_t size = 0;
    dlfw_status st = csv_file_size(fmt, spec, &size, err);

    if (st >= 0)
        st = array_plan(spec, &plan, err);
    if (st < 0)
        return st;
    if (fmt->options->compression == CSV_COMPRESSION_GZIP) {
        if (deflateInit2(&deflate, (int)fmt->options->compression_level, Z_DEFLATED, GZIP_WINDOW, 8,
                         Z_DEFAULT_STRATEGY) != Z_OK)
            return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory to compress");
        w.deflate = &deflate;
    }
    st = write_rows(&w, fmt, spec, plan.payload_bytes, err);
    if (w.deflate)
        deflateEnd(&deflate);
    return st;
}
