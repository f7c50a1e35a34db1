/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C of an object whose pieces come in any order: the exclusive or of what each piece is in its place. */
#ifndef DLFW_CORE_TRANSFER_CRC32C_PLACE_H
#define DLFW_CORE_TRANSFER_CRC32C_PLACE_H

#include <stdint.h>

/* crc: of one piece alone. behind: bytes of the object after it. */
uint32_t crc32c_in_place(uint32_t crc, uint64_t behind);

#endif
