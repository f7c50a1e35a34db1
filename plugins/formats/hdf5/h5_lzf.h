/* SPDX-License-Identifier: Apache-2.0 */
/* The LZF codec of h5py's filter 32000: runs of literals and references up to 8 KiB back. */
#ifndef DLFW_HDF5_LZF_H
#define DLFW_HDF5_LZF_H

#include <stdint.h>

/* Bytes written to out, 0 when they would be more than cap: then data is stored as it is. */
uint64_t h5_lzf_compress(const uint8_t *data, uint64_t len, uint8_t *out, uint64_t cap);
/* Bytes written to out; UINT64_MAX when data is damaged or does not fit cap. */
uint64_t h5_lzf_expand(const uint8_t *data, uint64_t len, uint8_t *out, uint64_t cap);

#endif
