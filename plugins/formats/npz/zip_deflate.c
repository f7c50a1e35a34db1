/* SPDX-License-Identifier: Apache-2.0 */
#include "zip_deflate.h"

#include <stdlib.h>
#include <zlib.h>

#define STEP_BYTES (1u << 30) /* zlib counts in 32 bits */
#define SCRATCH_BYTES 4096u
#define RAW_DEFLATE (-MAX_WBITS)
#define MEM_LEVEL 8

struct deflater {
    z_stream z;
    const dlfw_sink *sink;
    uint64_t bytes;
    uint8_t scratch[SCRATCH_BYTES]; /* for counting */
};

dlfw_status deflater_create(const dlfw_sink *sink, int level, struct deflater **ret, dlfw_error *err)
{
    struct deflater *d = calloc(1, sizeof *d);

    if (!d || deflateInit2(&d->z, level, Z_DEFLATED, RAW_DEFLATE, MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(d);
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory to deflate");
    }
    d->sink = sink;
    *ret = d;
    return DLFW_OK;
}

void deflater_destroy(struct deflater *d)
{
    if (!d)
        return;
    deflateEnd(&d->z);
    free(d);
}

/* One call of deflate into the next free memory; *ret is zlib's answer. */
static dlfw_status step(struct deflater *d, int flush, int *ret, dlfw_error *err)
{
    void *window = d->scratch;
    uint64_t room = SCRATCH_BYTES, n;
    dlfw_status st = DLFW_OK;

    if (d->sink)
        st = d->sink->window(d->sink->ctx, &window, &room, err);
    if (st < 0)
        return st;
    d->z.next_out = window;
    d->z.avail_out = room < STEP_BYTES ? (uInt)room : STEP_BYTES;
    room = d->z.avail_out;
    *ret = deflate(&d->z, flush);
    if (*ret == Z_STREAM_ERROR)
        return dlfw_fail(err, DLFW_E_INTERNAL, "zlib cannot deflate: %s", d->z.msg ? d->z.msg : "inconsistent state");
    n = room - d->z.avail_out;
    d->bytes += n;
    return d->sink && n ? d->sink->advance(d->sink->ctx, n, err) : DLFW_OK;
}

dlfw_status deflater_put(struct deflater *d, const void *data, uint64_t len, dlfw_error *err)
{
    const uint8_t *p = data;

    while (len) {
        uInt n = len < STEP_BYTES ? (uInt)len : STEP_BYTES;

        d->z.next_in = (z_const Bytef *)p;
        d->z.avail_in = n;
        p += n;
        len -= n;
        while (d->z.avail_in) {
            int zret = Z_OK;
            dlfw_status st = step(d, Z_NO_FLUSH, &zret, err);

            if (st < 0)
                return st;
        }
    }
    return DLFW_OK;
}

dlfw_status deflater_finish(struct deflater *d, uint64_t *ret_bytes, dlfw_error *err)
{
    int zret = Z_OK;

    while (zret != Z_STREAM_END) {
        dlfw_status st = step(d, Z_FINISH, &zret, err);

        if (st < 0)
            return st;
    }
    *ret_bytes = d->bytes;
    return DLFW_OK;
}
