/* SPDX-License-Identifier: Apache-2.0 */
/* The CRC-32C of two pieces one after the other, from the CRCs of the pieces: threads checksum parts, nobody reads
 * twice. */
#ifndef DLFW_CHECKPOINT_STORE_CRC_JOIN_H
#define DLFW_CHECKPOINT_STORE_CRC_JOIN_H

#include <stdint.h>

uint32_t crc32c_join(uint32_t first, uint32_t second, uint64_t second_bytes);

#endif
