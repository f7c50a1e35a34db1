/* SPDX-License-Identifier: Apache-2.0 */
#include "codec.h"

#include "parquet_format.h"

#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define GZIP_WINDOW (15 + 16) /* zlib: the gzip wrapper */
#define ANY_WINDOW (15 + 32)  /* zlib: gzip or zlib, as found */
#define PAGE_MAX ((uint64_t)INT32_MAX)

struct codec {
    ZSTD_DCtx *unzstd;
    ZSTD_CCtx *zstd;
    z_stream inflate, deflate;
    bool inflates, deflates; /* the streams are set up */
};

struct codec *codec_create(void)
{
    return calloc(1, sizeof(struct codec));
}

void codec_destroy(struct codec *c)
{
    if (!c)
        return;
    ZSTD_freeDCtx(c->unzstd);
    ZSTD_freeCCtx(c->zstd);
    if (c->inflates)
        inflateEnd(&c->inflate);
    if (c->deflates)
        deflateEnd(&c->deflate);
    free(c);
}

dlfw_status codec_check(uint32_t codec, uint64_t stored, uint64_t raw, const char **ret_problem)
{
    /* snappy: 64 bytes from 3; deflate: 258 bytes from 2 bits; zstd: a block of 128 KiB from 4 bytes */
    static const uint32_t ratio[PARQUET_CODECS] = {
        [PARQUET_SNAPPY] = 22, [PARQUET_GZIP] = 1033, [PARQUET_ZSTD] = 32768};

    *ret_problem = "its codec is not one of UNCOMPRESSED, SNAPPY, GZIP and ZSTD";
    if (codec >= PARQUET_CODECS || !ratio[codec])
        return DLFW_E_UNSUPPORTED;
    *ret_problem = "a page says that it decompresses to more than its codec can do";
    if (stored > PAGE_MAX || raw > PAGE_MAX || raw > stored * ratio[codec])
        return DLFW_E_CORRUPT;
    *ret_problem = NULL;
    return DLFW_OK;
}

static dlfw_status unsnappy(const void *stored, uint64_t stored_bytes, void *raw, uint64_t raw_bytes,
                            const char **ret_problem)
{
    size_t n = 0;

    *ret_problem = "a page is not what snappy writes";
    if (snappy_uncompressed_length(stored, stored_bytes, &n) != SNAPPY_OK || n != raw_bytes)
        return DLFW_E_CORRUPT;
    return snappy_uncompress(stored, stored_bytes, raw, &n) == SNAPPY_OK && n == raw_bytes ? DLFW_OK : DLFW_E_CORRUPT;
}

static dlfw_status ungzip(struct codec *c, const void *stored, uint64_t stored_bytes, void *raw, uint64_t raw_bytes,
                          const char **ret_problem)
{
    z_stream *z = &c->inflate;
    Bytef none;
    int rc = c->inflates ? inflateReset(z) : inflateInit2(z, ANY_WINDOW);

    *ret_problem = "out of memory to inflate a page";
    if (rc != Z_OK)
        return DLFW_E_NO_MEMORY;
    c->inflates = true;
    *ret_problem = "a page is not what gzip writes";
    z->next_in = (Bytef *)(uintptr_t)stored;
    z->avail_in = (uInt)stored_bytes;
    z->next_out = raw_bytes ? raw : &none;
    z->avail_out = (uInt)raw_bytes;
    rc = inflate(z, Z_FINISH);
    if (rc == Z_MEM_ERROR)
        return DLFW_E_NO_MEMORY;
    return rc == Z_STREAM_END && !z->avail_out && !z->avail_in ? DLFW_OK : DLFW_E_CORRUPT;
}

static dlfw_status unzstd(struct codec *c, const void *stored, uint64_t stored_bytes, void *raw, uint64_t raw_bytes,
                          const char **ret_problem)
{
    if (!c->unzstd)
        c->unzstd = ZSTD_createDCtx();
    *ret_problem = "out of memory to decompress a page";
    if (!c->unzstd)
        return DLFW_E_NO_MEMORY;
    *ret_problem = "a page is not what zstd writes";
    return ZSTD_decompressDCtx(c->unzstd, raw, raw_bytes, stored, stored_bytes) == raw_bytes ? DLFW_OK : DLFW_E_CORRUPT;
}

dlfw_status codec_decompress(struct codec *c, uint32_t codec, const void *stored, uint64_t stored_bytes, void *raw,
                             uint64_t raw_bytes, const char **ret_problem)
{
    dlfw_status st = codec_check(codec, stored_bytes, raw_bytes, ret_problem);

    if (st < 0)
        return st;
    switch (codec) {
    case PARQUET_SNAPPY:
        return unsnappy(stored, stored_bytes, raw, raw_bytes, ret_problem);
    case PARQUET_GZIP:
        return ungzip(c, stored, stored_bytes, raw, raw_bytes, ret_problem);
    default:
        return unzstd(c, stored, stored_bytes, raw, raw_bytes, ret_problem);
    }
}

uint64_t codec_bound(uint32_t codec, uint64_t raw)
{
    switch (codec) {
    case PARQUET_SNAPPY:
        return snappy_max_compressed_length(raw);
    case PARQUET_GZIP:
        return compressBound(raw) + 32; /* the wrapper is longer than zlib's */
    default:
        return ZSTD_compressBound(raw);
    }
}

static dlfw_status gzip(struct codec *c, int level, const void *raw, uint64_t raw_bytes, void *stored, uint64_t cap,
                        uint64_t *ret_bytes)
{
    z_stream *z = &c->deflate;
    int rc = c->deflates ? deflateReset(z) : deflateInit2(z, level, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY);

    if (rc != Z_OK)
        return DLFW_E_NO_MEMORY;
    c->deflates = true;
    z->next_in = (Bytef *)(uintptr_t)raw;
    z->avail_in = (uInt)raw_bytes;
    z->next_out = stored;
    z->avail_out = (uInt)cap;
    if (deflate(z, Z_FINISH) != Z_STREAM_END)
        return DLFW_E_INTERNAL;
    *ret_bytes = cap - z->avail_out;
    return DLFW_OK;
}

static dlfw_status zstd(struct codec *c, int level, const void *raw, uint64_t raw_bytes, void *stored, uint64_t cap,
                        uint64_t *ret_bytes)
{
    size_t n;

    if (!c->zstd)
        c->zstd = ZSTD_createCCtx();
    if (!c->zstd)
        return DLFW_E_NO_MEMORY;
    n = ZSTD_compressCCtx(c->zstd, stored, cap, raw, raw_bytes, level < 0 ? ZSTD_CLEVEL_DEFAULT : level);
    if (ZSTD_isError(n))
        return DLFW_E_NO_MEMORY; /* the room is enough and the level was checked */
    *ret_bytes = n;
    return DLFW_OK;
}

dlfw_status codec_compress(struct codec *c, uint32_t codec, int level, const void *raw, uint64_t raw_bytes,
                           void *stored, uint64_t cap, uint64_t *ret_bytes, const char **ret_problem)
{
    size_t n = cap;

    *ret_problem = "out of memory to compress a page";
    switch (codec) {
    case PARQUET_SNAPPY:
        if (snappy_compress(raw, raw_bytes, stored, &n) != SNAPPY_OK)
            return DLFW_E_INTERNAL;
        *ret_bytes = n;
        return DLFW_OK;
    case PARQUET_GZIP:
        return gzip(c, level, raw, raw_bytes, stored, cap, ret_bytes);
    default:
        return zstd(c, level, raw, raw_bytes, stored, cap, ret_bytes);
    }
}
