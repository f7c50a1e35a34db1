/* SPDX-License-Identifier: Apache-2.0 */
/* The two checksums of HDF5: Jenkins' lookup3 over metadata, Fletcher's sum over chunks. */
#ifndef DLFW_HDF5_CHECKSUM_H
#define DLFW_HDF5_CHECKSUM_H

#include <stdbool.h>
#include <stdint.h>

#define H5_CHECKSUM_BYTES 4u

/* Whether the 4 bytes behind data are its lookup3 sum. */
bool h5_sum_matches(const uint8_t *data, uint64_t len);
uint32_t h5_lookup3(const uint8_t *data, uint64_t len);
uint32_t h5_fletcher32(const uint8_t *data, uint64_t len);

#endif
