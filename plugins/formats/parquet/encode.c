/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a file front to back. A page's checksum stands before the page, so a page that does not fit the sink's window
 * is made twice: once for the checksum, once in place. Only compression needs a page in memory.
 */
#include "footer_write.h"

#include "codec.h"
#include "page_maker.h"
#include "parquet_format.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HOT_BYTES (64u * 1024u) /* stays in the cache between making and checksumming */
#define SPEC_MAX_DIMS 32u
#define CHUNKS_MAX (UINT64_C(1) << 26)

struct writing {
    dlfw_format *fmt;
    const dlfw_sink *sink;
    struct layout layout;
    struct page_maker maker;
    uint32_t codec;
    struct codec *codecs; /* with compression, as are the next ones */
    struct written_chunk *chunks;
    uint8_t *raw, *stored;
    uint64_t raw_cap, stored_cap;
    uint8_t hot[HOT_BYTES];
};

/* Bytes of one sample: what the list of bytes holds when the run file states no columns. */
static dlfw_status sample_bytes(const dlfw_encode_spec *spec, uint64_t *ret, dlfw_error *err)
{
#define DTYPE_BYTES(name, number, bytes, text, descr) [number] = (bytes),
    static const uint8_t sizes[] = {DLFW_DTYPE_LIST(DTYPE_BYTES)};
    uint64_t bytes = spec->dtype < sizeof sizes ? sizes[spec->dtype] : 0;

    if (!bytes)
        return dlfw_fail(err, DLFW_E_INVALID, "element type number %" PRIu32 " is not known to this format",
                         spec->dtype);
    if (spec->ndim < 1 || spec->ndim > SPEC_MAX_DIMS || !spec->dims)
        return dlfw_fail(err, DLFW_E_INVALID, "a sample of %" PRIu32 " dimensions; 1 to %u are possible", spec->ndim,
                         SPEC_MAX_DIMS);
    for (uint32_t i = 0; i < spec->ndim; i++)
        if (__builtin_mul_overflow(bytes, spec->dims[i], &bytes))
            return dlfw_fail(err, DLFW_E_INVALID, "the sample's dimensions multiply to more than any file can hold");
    *ret = bytes;
    return bytes ? DLFW_OK : dlfw_fail(err, DLFW_E_UNSUPPORTED, "a sample of no bytes is no list of bytes");
}

static dlfw_status lay_out(dlfw_format *fmt, const dlfw_encode_spec *spec, struct layout *ret, dlfw_error *err)
{
    uint64_t bytes = 0;
    dlfw_status st = DLFW_OK;

    if (spec->samples < 1 || spec->samples > (uint64_t)INT64_MAX)
        return dlfw_fail(err, DLFW_E_INVALID, "a file of %" PRIu64 " samples cannot be written", spec->samples);
    if (!fmt->column_count)
        st = sample_bytes(spec, &bytes, err);
    if (st < 0)
        return st;
    st = layout_init(ret, fmt, bytes, spec->samples, fmt->options->row_group_size, err);
    if (st < 0 || ret->groups <= CHUNKS_MAX / ret->count)
        return st;
    st = dlfw_fail(err, DLFW_E_UNSUPPORTED,
                   "%" PRIu64 " row groups of %" PRIu32 " columns are too many for one footer: raise row_group_size",
                   ret->groups, ret->count);
    layout_free(ret);
    return st;
}

static dlfw_status size_of(const struct layout *l, uint64_t *ret, dlfw_error *err)
{
    struct footer_plan plan = {.layout = l};
    uint64_t footer = 0, bytes = PARQUET_MAGIC_BYTES;
    dlfw_status st;

    for (uint32_t i = 0; i < l->count; i++) {
        uint64_t last = layout_group_rows(l, l->groups - 1);

        bytes += (l->groups - 1) * layout_chunk_bytes(&l->columns[i], l->rows_per_group);
        bytes += layout_chunk_bytes(&l->columns[i], last);
    }
    st = footer_write(&plan, NULL, &footer, err);
    *ret = bytes + footer;
    return st;
}

static bool is_known(struct parquet_known_size *known, uint64_t sample_bytes, uint64_t samples, uint64_t *ret)
{
    bool same;

    pthread_mutex_lock(&known->lock);
    same = samples && known->samples == samples && known->sample_bytes == sample_bytes;
    if (same)
        *ret = known->size;
    pthread_mutex_unlock(&known->lock);
    return same;
}

static void remember(struct parquet_known_size *known, uint64_t sample_bytes, uint64_t samples, uint64_t size)
{
    pthread_mutex_lock(&known->lock);
    known->sample_bytes = sample_bytes;
    known->samples = samples;
    known->size = size;
    pthread_mutex_unlock(&known->lock);
}

dlfw_status parquet_file_size(dlfw_format *fmt, const dlfw_encode_spec *spec, uint64_t *ret, dlfw_error *err)
{
    struct layout l = {0};
    uint64_t bytes = 0, size = UINT64_MAX; /* what compression makes of it is not known before */
    dlfw_status st = DLFW_OK;

    if (!fmt->column_count)
        st = sample_bytes(spec, &bytes, err);
    if (st < 0 || is_known(&fmt->known, bytes, spec->samples, ret))
        return st;
    st = lay_out(fmt, spec, &l, err);
    if (st < 0)
        return st;
    if (parquet_codec(fmt->options) == PARQUET_UNCOMPRESSED)
        st = size_of(&l, &size, err);
    layout_free(&l);
    if (st < 0)
        return st;
    remember(&fmt->known, bytes, spec->samples, size);
    *ret = size;
    return DLFW_OK;
}

uint64_t parquet_unit_samples(dlfw_format *fmt, const dlfw_encode_spec *spec, uint32_t shuffled)
{
    (void)shuffled;
    (void)spec;
    return fmt->options->read_mode == READ_FILE ? 0 : fmt->options->row_group_size;
}

static dlfw_status put_header(struct writing *w, const struct page_header *h, dlfw_error *err)
{
    uint8_t buf[PAGE_HEADER_CAP];

    return w->sink->write(w->sink->ctx, buf, page_header_write(buf, h), err);
}

/* Header and page together in the sink's own memory; DLFW_NEED_IO when they do not fit. */
static dlfw_status write_in_window(struct writing *w, struct page_header *h, dlfw_error *err)
{
    const dlfw_sink *sink = w->sink;
    uint8_t buf[PAGE_HEADER_CAP];
    uint64_t head = page_header_write(buf, h), room = 0;
    void *window = NULL;
    uint8_t *page;
    dlfw_status st = sink->window(sink->ctx, &window, &room, err);

    if (st < 0)
        return st;
    if (room < head + h->stored_bytes)
        return DLFW_NEED_IO;
    page = (uint8_t *)window + head;
    for (uint64_t done = 0; done < h->stored_bytes;) {
        uint64_t n = h->stored_bytes - done < HOT_BYTES ? h->stored_bytes - done : HOT_BYTES;

        page_maker_fill(&w->maker, done, page + done, n);
        h->crc = w->fmt->host->crc32(h->crc, page + done, n);
        done += n;
    }
    page_header_write(window, h);
    return sink->advance(sink->ctx, head + h->stored_bytes, err);
}

static dlfw_status write_plain_page(struct writing *w, struct page_header *h, dlfw_error *err)
{
    const dlfw_sink *sink = w->sink;
    dlfw_status st = write_in_window(w, h, err);

    if (st != DLFW_NEED_IO)
        return st;
    for (uint64_t done = 0; done < h->stored_bytes;) {
        uint64_t n = h->stored_bytes - done < HOT_BYTES ? h->stored_bytes - done : HOT_BYTES;

        page_maker_fill(&w->maker, done, w->hot, n);
        h->crc = w->fmt->host->crc32(h->crc, w->hot, n);
        done += n;
    }
    st = put_header(w, h, err);
    for (uint64_t done = 0; done < h->stored_bytes && st >= 0;) {
        uint64_t left = h->stored_bytes - done, n = 0;
        void *window = NULL;

        st = sink->window(sink->ctx, &window, &n, err);
        if (st < 0)
            break;
        n = n < left ? n : left;
        page_maker_fill(&w->maker, done, window, n);
        st = sink->advance(sink->ctx, n, err);
        done += n;
    }
    return st;
}

static dlfw_status reserve(uint8_t **buf, uint64_t *cap, uint64_t need, dlfw_error *err)
{
    uint8_t *more;

    if (need <= *cap)
        return DLFW_OK;
    more = realloc(*buf, need);
    if (!more)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for a page of %" PRIu64 " bytes", need);
    *buf = more;
    *cap = need;
    return DLFW_OK;
}

/* Compresses w->raw, h->raw_bytes long, and writes it with its header. */
static dlfw_status write_compressed(struct writing *w, struct page_header *h, dlfw_error *err)
{
    uint64_t bound = codec_bound(w->codec, h->raw_bytes), n = 0;
    const char *problem = NULL;
    dlfw_status st = reserve(&w->stored, &w->stored_cap, bound, err);

    if (st < 0)
        return st;
    st = codec_compress(w->codecs, w->codec, (int)w->fmt->options->compression_level, w->raw, h->raw_bytes, w->stored,
                        bound, &n, &problem);
    if (st < 0)
        return dlfw_fail(err, st, "%s", problem);
    if (n > INT32_MAX)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "a page of %" PRIu64 " bytes is too large for Parquet", n);
    h->stored_bytes = (uint32_t)n;
    h->crc = w->fmt->host->crc32(0, w->stored, n);
    st = put_header(w, h, err);
    return st < 0 ? st : w->sink->write(w->sink->ctx, w->stored, n, err);
}

static dlfw_status write_page(struct writing *w, struct page_header *h, dlfw_error *err)
{
    dlfw_status st;

    if (w->codec == PARQUET_UNCOMPRESSED)
        return write_plain_page(w, h, err);
    st = reserve(&w->raw, &w->raw_cap, h->raw_bytes, err);
    if (st < 0)
        return st;
    page_maker_fill(&w->maker, 0, w->raw, h->raw_bytes);
    return write_compressed(w, h, err);
}

static dlfw_status write_dictionary(struct writing *w, const struct layout_column *c, struct page_header *h,
                                    dlfw_error *err)
{
    uint8_t values[DICTIONARY_BYTES];
    dlfw_status st;

    *h = page_maker_dictionary_header();
    page_maker_dictionary(c, values);
    if (w->codec != PARQUET_UNCOMPRESSED) {
        st = reserve(&w->raw, &w->raw_cap, sizeof values, err);
        if (st < 0)
            return st;
        memcpy(w->raw, values, sizeof values);
        return write_compressed(w, h, err);
    }
    h->crc = w->fmt->host->crc32(0, values, sizeof values);
    st = put_header(w, h, err);
    return st < 0 ? st : w->sink->write(w->sink->ctx, values, sizeof values, err);
}

static void count_page(struct written_chunk *chunk, const struct page_header *h)
{
    uint8_t buf[PAGE_HEADER_CAP];
    uint64_t head = page_header_write(buf, h);

    chunk->bytes += head + h->stored_bytes;
    chunk->raw_bytes += head + h->raw_bytes;
}

static dlfw_status write_chunk(struct writing *w, uint32_t column, uint64_t first_row, uint64_t rows,
                               struct written_chunk *chunk, dlfw_error *err)
{
    const struct layout_column *c = &w->layout.columns[column];
    uint64_t content = layout_content(&w->layout, column, first_row, rows);
    struct page_header h;
    dlfw_status st = DLFW_OK;

    if (c->type->kind == VALUE_BYTE) {
        st = write_dictionary(w, c, &h, err);
        if (st < 0)
            return st;
        count_page(chunk, &h);
        chunk->dictionary_bytes = chunk->bytes;
    }
    for (uint64_t done = 0; done < rows && st >= 0;) {
        uint64_t n = rows - done < c->rows_per_page ? rows - done : c->rows_per_page;

        st = page_maker_begin(&w->maker, c, n, content + done * c->payload, err);
        if (st < 0)
            return st;
        h = page_maker_header(c, &w->maker.shape);
        st = write_page(w, &h, err);
        count_page(chunk, &h);
        done += n;
    }
    return st;
}

static dlfw_status write_groups(struct writing *w, dlfw_error *err)
{
    const struct layout *l = &w->layout;
    dlfw_status st = w->sink->write(w->sink->ctx, PARQUET_MAGIC, PARQUET_MAGIC_BYTES, err);

    for (uint64_t g = 0; g < l->groups && st >= 0; g++) {
        uint64_t rows = layout_group_rows(l, g);

        for (uint32_t i = 0; i < l->count && st >= 0; i++) {
            struct written_chunk unused = {0};

            st =
                write_chunk(w, i, g * l->rows_per_group, rows, w->chunks ? &w->chunks[g * l->count + i] : &unused, err);
        }
    }
    return st;
}

static dlfw_status prepare_compression(struct writing *w, dlfw_error *err)
{
    uint64_t chunks = w->layout.groups * w->layout.count;

    w->codecs = codec_create();
    w->chunks = calloc(chunks, sizeof *w->chunks);
    return w->codecs && w->chunks ? DLFW_OK
                                  : dlfw_fail(err, DLFW_E_NO_MEMORY,
                                              "out of memory to compress a file of %" PRIu64 " column chunks", chunks);
}

dlfw_status parquet_encode(dlfw_format *fmt, const dlfw_encode_spec *spec, const dlfw_sink *sink, dlfw_error *err)
{
    struct writing *w = calloc(1, sizeof *w);
    struct footer_plan plan;
    uint64_t footer = 0;
    dlfw_status st;

    if (!w)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory to write a file");
    w->fmt = fmt;
    w->sink = sink;
    w->codec = parquet_codec(fmt->options);
    page_maker_init(&w->maker, fmt->host, spec->seed, spec->object);
    st = lay_out(fmt, spec, &w->layout, err);
    if (st >= 0 && w->codec != PARQUET_UNCOMPRESSED)
        st = prepare_compression(w, err);
    if (st >= 0)
        st = write_groups(w, err);
    plan = (struct footer_plan){.layout = &w->layout, .codec = w->codec, .chunks = w->chunks};
    if (st >= 0)
        st = footer_write(&plan, sink, &footer, err);
    layout_free(&w->layout);
    page_maker_free(&w->maker);
    codec_destroy(w->codecs);
    free(w->chunks);
    free(w->raw);
    free(w->stored);
    free(w);
    return st;
}
