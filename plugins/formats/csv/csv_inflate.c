/* SPDX-License-Identifier: Apache-2.0 */
/* See csv_inflate.h. zlib checks CRC-32 and length of the trailer. */
#include "csv_inflate.h"

#include <stdlib.h>
#include <zlib.h>

#include "common/little_endian.h"

#define BLOCK_BYTES (64u << 10)
#define MAX_RATIO 1032u /* of deflate */
#define GZIP_WINDOW 31  /* zlib: 15 bits, gzip header and trailer */

struct csv_inflate {
    z_stream stream;
    uint64_t left; /* text bytes that may still come */
    bool has_ended;
    uint8_t block[BLOCK_BYTES];
};

struct csv_inflate *csv_inflate_create(void)
{
    struct csv_inflate *z = calloc(1, sizeof *z);

    if (z && inflateInit2(&z->stream, GZIP_WINDOW) != Z_OK) {
        free(z);
        z = NULL;
    }
    return z;
}

void csv_inflate_free(struct csv_inflate *z)
{
    if (z)
        inflateEnd(&z->stream);
    free(z);
}

bool gzip_is_magic(const uint8_t first[2])
{
    return first[0] == GZIP_FIRST_BYTE && first[1] == 0x8b;
}

bool gzip_text_bytes(const uint8_t last[4], uint64_t size, uint64_t *ret)
{
    *ret = get_le32(last);
    return size >= GZIP_MIN_BYTES && *ret <= size * MAX_RATIO;
}

void csv_inflate_begin(struct csv_inflate *z, uint64_t text_bytes)
{
    inflateReset(&z->stream);
    z->stream.avail_in = 0;
    z->left = text_bytes;
    z->has_ended = false;
}

/* What is in avail_in, block by block. */
static const char *inflate_blocks(struct csv_inflate *z,
                                  dlfw_status (*take)(void *ctx, const uint8_t *text, uint64_t len), void *ctx,
                                  dlfw_status *ret)
{
    do {
        uint64_t n;
        int code;

        z->stream.next_out = z->block;
        z->stream.avail_out = BLOCK_BYTES;
        code = inflate(&z->stream, Z_NO_FLUSH);
        if (code == Z_MEM_ERROR)
            return "out of memory to inflate it";
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
            return z->stream.msg ? z->stream.msg : "no valid deflate stream";
        n = BLOCK_BYTES - z->stream.avail_out;
        if (n > z->left)
            return "more text than its gzip trailer says (files of several gzip members are not read)";
        z->left -= n;
        *ret = n ? take(ctx, z->block, n) : DLFW_OK;
        if (*ret < 0)
            return NULL;
        z->has_ended = code == Z_STREAM_END;
    } while (!z->has_ended && (z->stream.avail_in || !z->stream.avail_out));
    return NULL;
}

const char *csv_inflate_feed(struct csv_inflate *z, const uint8_t *data, uint64_t len,
                             dlfw_status (*take)(void *ctx, const uint8_t *text, uint64_t len), void *ctx,
                             dlfw_status *ret)
{
    *ret = DLFW_OK;
    while (len) {
        const uint32_t n = len < (1u << 30) ? (uint32_t)len : 1u << 30;
        const char *wrong;

        if (z->has_ended)
            return "bytes behind the gzip stream (files of several gzip members are not read)";
        z->stream.next_in = (Bytef *)(uintptr_t)data;
        z->stream.avail_in = n;
        wrong = inflate_blocks(z, take, ctx, ret);
        if (wrong || *ret < 0)
            return wrong;
        data += n - z->stream.avail_in;
        len -= n - z->stream.avail_in;
    }
    return NULL;
}

const char *csv_inflate_end(const struct csv_inflate *z)
{
    if (!z->has_ended)
        return "truncated inside the gzip stream";
    return z->left ? "less text than its gzip trailer says" : NULL;
}
