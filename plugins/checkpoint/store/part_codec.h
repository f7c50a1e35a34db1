/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One part of a shard, encoded and decoded on its own: as it is, as a Zstandard frame, or as a float frame
 * (float_frame.h). Parts whose sample does not shrink are stored inside their frame. One coder per thread.
 */
#ifndef DLFW_CHECKPOINT_STORE_PART_CODEC_H
#define DLFW_CHECKPOINT_STORE_PART_CODEC_H

#include "dlfw/host.h"

#define PART_BYTES_MAX ((uint64_t)64 << 20)

enum codec { CODEC_NONE = 0, CODEC_ZSTD = 1, CODEC_FLOAT = 2 };

/* "none", "zstd", "float" */
extern const char *const codec_names[];
/* "", ".zst", ".dlf" */
const char *codec_suffix(enum codec codec);

struct part_coder;

dlfw_status part_coder_create(const dlfw_host *host, int32_t level, struct part_coder **ret, dlfw_error *reterr);
void part_coder_destroy(struct part_coder *coder); /* NULL is fine */

/* The most bytes a part of raw_bytes may become. */
uint64_t part_bound(enum codec codec, uint64_t raw_bytes);

/*
 * width: bytes of one number in raw, for CODEC_FLOAT. raw_crc: CRC-32C of raw. out: part_bound() bytes. raw_bytes is at
 * most PART_BYTES_MAX. CODEC_NONE copies.
 */
dlfw_status part_encode(struct part_coder *coder, enum codec codec, uint32_t width, uint32_t raw_crc, const void *raw,
                        uint64_t raw_bytes, void *out, uint64_t *ret_stored, dlfw_error *reterr);
/* data: untrusted; CORRUPT unless it decodes to exactly raw_bytes. Compares no checksum. */
dlfw_status part_decode(struct part_coder *coder, enum codec codec, const void *data, uint64_t stored, void *raw,
                        uint64_t raw_bytes, dlfw_error *reterr);

#endif
