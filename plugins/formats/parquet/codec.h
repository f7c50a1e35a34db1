/* SPDX-License-Identifier: Apache-2.0 */
/* The compression of pages: snappy, gzip and zstd through their own libraries. */
#ifndef DLFW_PARQUET_CODEC_H
#define DLFW_PARQUET_CODEC_H

#include "dlfw/base.h"

#include <stdbool.h>

struct codec; /* contexts of the libraries, made when first needed; used by one thread at a time */

struct codec *codec_create(void); /* NULL: out of memory */
void codec_destroy(struct codec *c);

/*
 * Whether stored bytes of this codec (PARQUET_SNAPPY ...) can become so many: what no input of the codec reaches is not
 * worth the memory. DLFW_E_UNSUPPORTED for other codecs. *ret_problem says what.
 */
dlfw_status codec_check(uint32_t codec, uint64_t stored, uint64_t raw, const char **ret_problem);
/* Exactly raw bytes; DLFW_E_CORRUPT otherwise. DLFW_E_NO_MEMORY. *ret_problem says what. */
dlfw_status codec_decompress(struct codec *c, uint32_t codec, const void *stored, uint64_t stored_bytes, void *raw,
                             uint64_t raw_bytes, const char **ret_problem);

/* Bytes that compressing raw bytes may take. */
uint64_t codec_bound(uint32_t codec, uint64_t raw);
/* level: -1 is the codec's own default. */
dlfw_status codec_compress(struct codec *c, uint32_t codec, int level, const void *raw, uint64_t raw_bytes,
                           void *stored, uint64_t cap, uint64_t *ret_bytes, const char **ret_problem);

#endif
