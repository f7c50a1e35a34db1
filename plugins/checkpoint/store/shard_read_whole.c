/* SPDX-License-Identifier: Apache-2.0 */
/* Zstandard shards that others wrote, or we without a table: one stream of frames, decoded as it arrives. */
#include <inttypes.h>
#include <stdlib.h>
#include <zstd.h>

#include "shard_reading.h"

dlfw_status whole_begin(struct reading *r, dlfw_error *reterr)
{
    r->stream = ZSTD_createDStream();
    r->out_bytes = ZSTD_DStreamOutSize();
    r->out = malloc(r->out_bytes);
    if (!r->stream || !r->out)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate a decoder for '%s'", r->shard->key);
    return DLFW_OK;
}

dlfw_status whole_piece(void *reading, const void *data, uint64_t len, dlfw_error *reterr)
{
    struct reading *r = reading;
    ZSTD_inBuffer in = {data, len, 0};
    bool may_hold_more = false;

    if (r->args->compare_checksums && r->shard->has_crc)
        r->crc = r->args->store->host->crc32c(r->crc, data, len);
    while (in.pos < in.size || may_hold_more) {
        ZSTD_outBuffer out = {r->out, r->out_bytes, 0};
        size_t left = ZSTD_decompressStream(r->stream, &out, &in);
        dlfw_status st;

        if (ZSTD_isError(left))
            return reading_fail(r, DLFW_E_CORRUPT, r->stored_bytes + in.pos, ZSTD_getErrorName(left), reterr);
        r->frame_open = left != 0;
        may_hold_more = r->frame_open && out.pos == out.size;
        st = reading_hand_on(r, r->out, out.pos, reterr);
        if (st < 0)
            return st;
    }
    r->stored_bytes += len;
    return DLFW_OK;
}

dlfw_status whole_end(struct reading *r, dlfw_error *reterr)
{
    return r->frame_open ? reading_fail(r, DLFW_E_CORRUPT, r->stored_bytes, "it ends inside a frame", reterr) : DLFW_OK;
}

void whole_free(struct reading *r)
{
    ZSTD_freeDStream(r->stream);
    free(r->out);
    r->stream = NULL;
    r->out = NULL;
}
