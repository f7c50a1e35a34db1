/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is kept here but what the compressor itself holds back: whatever it gives out is the caller's at once. */
#include "io/stream_zstd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <zstd.h>

#include "base/str.h"

#define INPUT_BYTES ((size_t)128 << 10)
#define LEVEL_MAX 19 /* above, readers need more memory for the window than these 8 MiB */

struct zstd_stage {
    ZSTD_CCtx *ctx;
    uint8_t *input; /* once it was asked for */
    uint64_t announced, taken;
};

static dlfw_status set(struct zstd_stage *z, ZSTD_cParameter what, int value, dlfw_error *err)
{
    size_t rc = ZSTD_CCtx_setParameter(z->ctx, what, value);

    return ZSTD_isError(rc) ? dlfw_fail(err, DLFW_E_INTERNAL, "zstd: %s", ZSTD_getErrorName(rc)) : DLFW_OK;
}

dlfw_status zstd_stage_create(int32_t level, uint64_t size, struct zstd_stage **ret, dlfw_error *err)
{
    struct zstd_stage *z = xcalloc(1, sizeof *z);
    dlfw_status st = DLFW_OK;

    z->announced = size;
    if (level < 1 || level > LEVEL_MAX)
        st = dlfw_fail(err, DLFW_E_INVALID, "%d is no level of compression; there are 1 to %d", level, LEVEL_MAX);
    if (st >= 0)
        z->ctx = ZSTD_createCCtx();
    if (st >= 0 && !z->ctx)
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a compressor");
    if (st >= 0)
        st = set(z, ZSTD_c_compressionLevel, level, err);
    if (st >= 0)
        st = set(z, ZSTD_c_checksumFlag, 1, err);
    if (st >= 0 && size)
        ZSTD_CCtx_setPledgedSrcSize(z->ctx, size);
    if (st >= 0) {
        *ret = z;
        z = NULL;
    }
    zstd_stage_destroy(z);
    return st;
}

void zstd_stage_destroy(struct zstd_stage *z)
{
    if (!z)
        return;
    ZSTD_freeCCtx(z->ctx);
    free(z->input);
    free(z);
}

void *zstd_stage_input(struct zstd_stage *z, uint64_t *ret_len)
{
    if (!z->input)
        z->input = xmalloc(INPUT_BYTES);
    *ret_len = INPUT_BYTES;
    return z->input;
}

dlfw_status zstd_stage_run(struct zstd_stage *z, const void **data, uint64_t *len, bool end, void *out, uint64_t room,
                           uint64_t *ret_used, bool *ret_done, dlfw_error *err)
{
    ZSTD_inBuffer in = {.src = *data, .size = *len};
    ZSTD_outBuffer to = {.dst = out, .size = room};
    size_t rc;

    if (z->announced && end && z->taken + *len < z->announced)
        return dlfw_fail(err, DLFW_E_INVALID, "%" PRIu64 " bytes were announced, %" PRIu64 " came", z->announced,
                         z->taken + *len);
    if (z->announced && z->taken + *len > z->announced)
        return dlfw_fail(err, DLFW_E_INVALID, "%" PRIu64 " bytes were announced, more came", z->announced);
    rc = ZSTD_compressStream2(z->ctx, &to, &in, end ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(rc))
        return dlfw_fail(err, DLFW_E_INTERNAL, "zstd: %s", ZSTD_getErrorName(rc));
    z->taken += in.pos;
    *data = (const uint8_t *)*data + in.pos;
    *len -= in.pos;
    *ret_used = to.pos;
    *ret_done = *len == 0 && (!end || rc == 0);
    return DLFW_OK;
}

uint64_t zstd_stage_bound(uint64_t size)
{
    return size ? ZSTD_compressBound(size) : 0;
}
