/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that do not shrink, as a Zstandard frame of raw blocks (RFC 8878): any decoder gives them back, and making the
 * frame is a copy. The library would first look for matches.
 */
#ifndef DLFW_CHECKPOINT_STORE_ZSTD_STORE_H
#define DLFW_CHECKPOINT_STORE_ZSTD_STORE_H

#include <stdint.h>

uint64_t zstd_store_bound(uint64_t len);
/* out: zstd_store_bound(len) bytes. Returns the length of the frame. len < 4 GiB. */
uint64_t zstd_store(const void *data, uint64_t len, void *out);

#endif
