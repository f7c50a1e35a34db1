/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the codecs: the coder, which owns its contexts and the memory for planes, so that a part costs no allocation.
 */
#ifndef DLFW_CHECKPOINT_STORE_PART_CODER_H
#define DLFW_CHECKPOINT_STORE_PART_CODER_H

#include <stdbool.h>
#include <zstd.h>

#include "part_codec.h"

#define TRIAL_BYTES 8192u   /* a sample that is searched for matches */
#define PLANE_SIZE_BYTES 4u /* in front of each coded plane */

struct part_coder {
    const dlfw_host *host;
    ZSTD_CCtx *matches; /* at the level asked for */
    ZSTD_CCtx *huffman;
    ZSTD_CCtx *trial; /* level 1, of its own so that small inputs do not resize the others' tables */
    ZSTD_DCtx *decoder;
    uint8_t *planes;
    uint64_t planes_bytes;
    uint8_t trial_out[TRIAL_BYTES * 2];
};

/* The failure of a call of libzstd; otherwise: the status when it was not for want of memory. */
dlfw_status zstd_fail(size_t code, dlfw_status otherwise, dlfw_error *reterr);
/* Whether a sample of data says that it compresses. */
bool part_shrinks(struct part_coder *coder, const uint8_t *data, uint64_t len);
dlfw_status part_decode_zstd(struct part_coder *coder, const uint8_t *data, uint64_t len, void *raw, uint64_t raw_bytes,
                             dlfw_error *reterr);

/* out: part_bound(CODEC_FLOAT, len) bytes */
dlfw_status float_encode(struct part_coder *coder, uint32_t width, uint32_t raw_crc, const uint8_t *raw, uint64_t len,
                         uint8_t *out, uint64_t *ret_stored, dlfw_error *reterr);
dlfw_status float_decode(struct part_coder *coder, const uint8_t *data, uint64_t len, uint8_t *raw, uint64_t raw_bytes,
                         dlfw_error *reterr);

#endif
