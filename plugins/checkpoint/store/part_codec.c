/* SPDX-License-Identifier: Apache-2.0 */
/* Coders, whole parts, and what is stored because it would not shrink. float_codec.c does the floats. */
#define ZSTD_STATIC_LINKING_ONLY /* for ZSTD_c_literalCompressionMode alone; a library without it refuses to make a    \
                                    coder */
#include "part_codec.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zstd_errors.h>

#include "float_frame.h"
#include "part_coder.h"
#include "part_probe.h"
#include "planes.h"
#include "zstd_store.h"

#define HUFFMAN_LEVEL (-131072)
#define TRIALS 2u

const char *const codec_names[] = {"none", "zstd", "float", NULL};

const char *codec_suffix(enum codec codec)
{
    return codec == CODEC_ZSTD ? ".zst" : codec == CODEC_FLOAT ? ".dlf" : "";
}

dlfw_status zstd_fail(size_t code, dlfw_status otherwise, dlfw_error *reterr)
{
    bool memory = ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation;

    return dlfw_fail(reterr, memory ? DLFW_E_NO_MEMORY : otherwise, "zstd: %s", ZSTD_getErrorName(code));
}

static dlfw_status set_up(struct part_coder *coder, int32_t level, dlfw_error *reterr)
{
    size_t failed = ZSTD_CCtx_setParameter(coder->matches, ZSTD_c_compressionLevel, level);

    if (!ZSTD_isError(failed))
        failed = ZSTD_CCtx_setParameter(coder->trial, ZSTD_c_compressionLevel, 1);
    if (!ZSTD_isError(failed))
        failed = ZSTD_CCtx_setParameter(coder->huffman, ZSTD_c_compressionLevel, HUFFMAN_LEVEL);
    if (!ZSTD_isError(failed))
        failed = ZSTD_CCtx_setParameter(coder->huffman, ZSTD_c_literalCompressionMode, ZSTD_ps_enable);
    return ZSTD_isError(failed) ? zstd_fail(failed, DLFW_E_UNSUPPORTED, reterr) : DLFW_OK;
}

dlfw_status part_coder_create(const dlfw_host *host, int32_t level, struct part_coder **ret, dlfw_error *reterr)
{
    struct part_coder *coder = calloc(1, sizeof *coder);
    dlfw_status st = DLFW_OK;

    if (!coder)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate a coder");
    coder->host = host;
    coder->matches = ZSTD_createCCtx();
    coder->huffman = ZSTD_createCCtx();
    coder->trial = ZSTD_createCCtx();
    coder->decoder = ZSTD_createDCtx();
    if (!coder->matches || !coder->huffman || !coder->trial || !coder->decoder)
        st = dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate the contexts of a coder");
    else
        st = set_up(coder, level, reterr);
    if (st < 0) {
        part_coder_destroy(coder);
        return st;
    }
    *ret = coder;
    return DLFW_OK;
}

void part_coder_destroy(struct part_coder *coder)
{
    if (!coder)
        return;
    ZSTD_freeCCtx(coder->matches);
    ZSTD_freeCCtx(coder->huffman);
    ZSTD_freeCCtx(coder->trial);
    ZSTD_freeDCtx(coder->decoder);
    free(coder->planes);
    free(coder);
}

uint64_t part_bound(enum codec codec, uint64_t raw_bytes)
{
    uint64_t zstd = ZSTD_COMPRESSBOUND(raw_bytes);

    if (codec == CODEC_NONE)
        return raw_bytes;
    if (codec == CODEC_ZSTD)
        return zstd > zstd_store_bound(raw_bytes) ? zstd : zstd_store_bound(raw_bytes);
    /* each plane coded in vain: ZSTD_COMPRESSBOUND adds a 256th and at most 64 bytes */
    return FLOAT_FRAME_HEADER + raw_bytes + raw_bytes / 256 + PLANES_MAX * (PLANE_SIZE_BYTES + 64 + 1);
}

/* Whether a level-1 search finds something in a few pieces of data. */
static bool repeats(struct part_coder *coder, const uint8_t *data, uint64_t len)
{
    for (uint32_t i = 0; i < TRIALS; i++) {
        uint64_t n = len < TRIAL_BYTES ? len : TRIAL_BYTES;
        size_t got =
            ZSTD_compress2(coder->trial, coder->trial_out, sizeof coder->trial_out, data + (len - n) / TRIALS * i, n);

        if (ZSTD_isError(got) || got < n - n / 32)
            return true; /* let the real thing tell */
    }
    return false;
}

bool part_shrinks(struct part_coder *coder, const uint8_t *data, uint64_t len)
{
    uint8_t sample[PROBE_SAMPLE];

    if (len < PROBE_SAMPLE)
        return true;
    for (uint32_t i = 0; i < PROBE_RUNS; i++)
        memcpy(sample + i * PROBE_RUN, data + probe_run_begin(len, i), PROBE_RUN);
    return probe_is_uneven(sample, sizeof sample, PROBE_ANY) || repeats(coder, data, len);
}

static dlfw_status encode_zstd(struct part_coder *coder, const uint8_t *raw, uint64_t len, uint8_t *out,
                               uint64_t *ret_stored, dlfw_error *reterr)
{
    size_t got;

    if (part_shrinks(coder, raw, len)) {
        got = ZSTD_compress2(coder->matches, out, part_bound(CODEC_ZSTD, len), raw, len);
        if (ZSTD_isError(got))
            return zstd_fail(got, DLFW_E_INTERNAL, reterr);
        if (got < len) {
            *ret_stored = got;
            return DLFW_OK;
        }
    }
    *ret_stored = zstd_store(raw, len, out);
    return DLFW_OK;
}

dlfw_status part_encode(struct part_coder *coder, enum codec codec, uint32_t width, uint32_t raw_crc, const void *raw,
                        uint64_t raw_bytes, void *out, uint64_t *ret_stored, dlfw_error *reterr)
{
    switch (codec) {
    case CODEC_ZSTD:
        return encode_zstd(coder, raw, raw_bytes, out, ret_stored, reterr);
    case CODEC_FLOAT:
        return float_encode(coder, width, raw_crc, raw, raw_bytes, out, ret_stored, reterr);
    case CODEC_NONE:
        break;
    }
    memcpy(out, raw, raw_bytes);
    *ret_stored = raw_bytes;
    return DLFW_OK;
}

dlfw_status part_decode_zstd(struct part_coder *coder, const uint8_t *data, uint64_t len, void *raw, uint64_t raw_bytes,
                             dlfw_error *reterr)
{
    size_t got = ZSTD_decompressDCtx(coder->decoder, raw, raw_bytes, data, len);

    if (ZSTD_isError(got))
        return zstd_fail(got, DLFW_E_CORRUPT, reterr);
    if (got != raw_bytes)
        return dlfw_fail(reterr, DLFW_E_CORRUPT, "a part holds %zu bytes instead of %" PRIu64, got, raw_bytes);
    return DLFW_OK;
}

dlfw_status part_decode(struct part_coder *coder, enum codec codec, const void *data, uint64_t stored, void *raw,
                        uint64_t raw_bytes, dlfw_error *reterr)
{
    switch (codec) {
    case CODEC_ZSTD:
        return part_decode_zstd(coder, data, stored, raw, raw_bytes, reterr);
    case CODEC_FLOAT:
        return float_decode(coder, data, stored, raw, raw_bytes, reterr);
    case CODEC_NONE:
        break;
    }
    if (stored != raw_bytes)
        return dlfw_fail(reterr, DLFW_E_CORRUPT, "a part of %" PRIu64 " bytes instead of %" PRIu64, stored, raw_bytes);
    memcpy(raw, data, raw_bytes);
    return DLFW_OK;
}
