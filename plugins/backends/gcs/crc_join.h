/* SPDX-License-Identifier: Apache-2.0 */
/* The CRC-32C of two pieces one after the other, from the CRCs of the pieces: an upload's parts are read once, and the
 * service names the CRC of the whole. */
#ifndef DLFW_GCS_CRC_JOIN_H
#define DLFW_GCS_CRC_JOIN_H

#include <stdint.h>

uint32_t gcs_crc32c_join(uint32_t first, uint32_t second, uint64_t second_bytes);

#endif
