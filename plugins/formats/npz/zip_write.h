/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of a ZIP file as NumPy's savez writes them: local headers that always carry a ZIP64 block, a directory
 * without one unless a value needs it. Small files are byte for byte what NumPy writes.
 */
#ifndef DLFW_NPZ_ZIP_WRITE_H
#define DLFW_NPZ_ZIP_WRITE_H

#include <stdint.h>

struct zip_entry {
    const char *name;
    uint64_t local_offset;
    uint64_t stored_bytes;
    uint64_t bytes;
    uint32_t crc;
    uint16_t method; /* ZIP_STORED or ZIP_DEFLATED */
};

#define ZIP_RECORD_CAP 128u /* the longest record with a name of 5 bytes */

/* Each writes one record and returns its length, which depends on sizes and offsets only, never on the CRC. */
uint32_t zip_write_local(uint8_t buf[ZIP_RECORD_CAP], const struct zip_entry *e);
uint32_t zip_write_dir_entry(uint8_t buf[ZIP_RECORD_CAP], const struct zip_entry *e);
/* The end records of a directory of count entries. */
uint32_t zip_write_end(uint8_t buf[ZIP_RECORD_CAP], uint16_t count, uint64_t dir_offset, uint64_t dir_bytes);

#endif
