/* SPDX-License-Identifier: Apache-2.0 */
/* zlib counts in 32 bits; the loops here feed it a gigabyte at a time so that members of any size work. */
#include "zip_inflate.h"

#include <stdlib.h>
#include <zlib.h>

#define SCRATCH_BYTES (64u * 1024u)
#define STEP_BYTES (1u << 30)
#define RAW_DEFLATE (-MAX_WBITS) /* ZIP members have no zlib header */

struct inflater {
    z_stream z;
    const uint8_t *data;
    uint64_t len; /* fed, not yet given to zlib */
    int ended;
    uint8_t scratch[SCRATCH_BYTES];
};

struct inflater *inflater_create(void)
{
    struct inflater *inf = calloc(1, sizeof *inf);

    if (inf && inflateInit2(&inf->z, RAW_DEFLATE) != Z_OK) {
        free(inf);
        inf = NULL;
    }
    return inf;
}

void inflater_destroy(struct inflater *inf)
{
    if (!inf)
        return;
    inflateEnd(&inf->z);
    free(inf);
}

void inflater_reset(struct inflater *inf)
{
    inflateReset(&inf->z);
    inf->z.avail_in = 0;
    inf->len = 0;
    inf->ended = 0;
}

void inflater_feed(struct inflater *inf, const void *data, uint64_t len)
{
    inf->data = data;
    inf->len = len;
}

/* Hands zlib the next part of *data when it has used up the last one. */
static void refill(z_stream *z, const uint8_t **data, uint64_t *len)
{
    if (z->avail_in || !*len)
        return;
    z->avail_in = *len < STEP_BYTES ? (uInt)*len : STEP_BYTES;
    z->next_in = (z_const Bytef *)*data;
    *data += z->avail_in;
    *len -= z->avail_in;
}

static dlfw_status failure(int zret)
{
    return zret == Z_MEM_ERROR ? DLFW_E_NO_MEMORY : DLFW_E_CORRUPT;
}

dlfw_status inflater_next(struct inflater *inf, const uint8_t **ret, uint64_t *ret_len)
{
    int zret;

    *ret = inf->scratch;
    while (!inf->ended) {
        refill(&inf->z, &inf->data, &inf->len);
        inf->z.next_out = inf->scratch;
        inf->z.avail_out = SCRATCH_BYTES;
        zret = inflate(&inf->z, Z_NO_FLUSH);
        if (zret != Z_OK && zret != Z_STREAM_END && zret != Z_BUF_ERROR)
            return failure(zret);
        inf->ended = zret == Z_STREAM_END;
        *ret_len = SCRATCH_BYTES - inf->z.avail_out;
        if (*ret_len)
            return DLFW_OK;
        if (!inf->ended && !inf->z.avail_in && !inf->len)
            return DLFW_NEED_IO;
    }
    *ret_len = inf->len + inf->z.avail_in;
    return DLFW_END;
}

const char *inflater_problem(const struct inflater *inf)
{
    return inf->z.msg ? inf->z.msg : "damaged";
}

static int inflate_all(z_stream *z, const uint8_t *data, uint64_t len, uint8_t *out, uint64_t out_len)
{
    for (;;) {
        int zret;

        refill(z, &data, &len);
        if (!z->avail_out && out_len) {
            z->next_out = out;
            z->avail_out = out_len < STEP_BYTES ? (uInt)out_len : STEP_BYTES;
            out += z->avail_out;
            out_len -= z->avail_out;
        }
        zret = inflate(z, Z_NO_FLUSH);
        if (zret == Z_STREAM_END && (z->avail_in || len || z->avail_out || out_len))
            return Z_BUF_ERROR;
        if (zret != Z_OK)
            return zret;
    }
}

dlfw_status inflate_whole(const void *data, uint64_t len, void *out, uint64_t out_len, const char **ret_problem)
{
    z_stream z = {0};
    int zret;

    *ret_problem = "out of memory";
    if (inflateInit2(&z, RAW_DEFLATE) != Z_OK)
        return DLFW_E_NO_MEMORY;
    zret = inflate_all(&z, data, len, out, out_len);
    inflateEnd(&z);
    if (zret == Z_STREAM_END)
        return DLFW_OK;
    *ret_problem = zret == Z_DATA_ERROR ? "damaged" : "not of the size that the zip directory says";
    return failure(zret);
}
