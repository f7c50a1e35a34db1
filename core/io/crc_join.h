/* SPDX-License-Identifier: Apache-2.0 */
/* The CRC-32C of two pieces of data one after the other, from those of the pieces. */
#ifndef DLFW_CORE_IO_CRC_JOIN_H
#define DLFW_CORE_IO_CRC_JOIN_H

#include <stdint.h>

/* second_bytes: of the second piece. With second 0: what a piece adds to the whole when that many bytes follow it, so
 * that pieces may come in any order and are joined by exclusive or. */
uint32_t crc32c_join(uint32_t first, uint32_t second, uint64_t second_bytes);

#endif
