/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The framing of a record: length (u64), checksum of the length's 8 bytes, data, checksum of the data; little-endian.
 * Checksums are CRC-32C, masked so that the checksum of data that holds checksums stays useful.
 */
#ifndef DLFW_TFRECORD_RECORD_FRAME_H
#define DLFW_TFRECORD_RECORD_FRAME_H

#include <stdint.h>

#define FRAME_HEADER 12u
#define FRAME_FOOTER 4u
#define FRAME_BYTES (FRAME_HEADER + FRAME_FOOTER)

static inline uint32_t crc_mask(uint32_t crc)
{
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

#endif
