/* SPDX-License-Identifier: Apache-2.0 */
/* The CRC-32C of two pieces of data one after the other, from those of the pieces. */
#ifndef DLFW_CORE_IO_CRC_JOIN_H
#define DLFW_CORE_IO_CRC_JOIN_H

#include <stdint.h>

/* second_bytes: of the second piece. */
uint32_t crc32c_join(uint32_t first, uint32_t second, uint64_t second_bytes);

#endif
