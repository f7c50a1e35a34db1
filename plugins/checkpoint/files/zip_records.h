/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of a ZIP file with stored members whose CRC-32 follows the data, each member's data at a multiple of 64
 * bytes: what PyTorch's loader maps and reads. Lengths depend on names, sizes and offsets only, so a file's size is
 * known before it is written.
 */
#ifndef DLFW_CHECKPOINT_ZIP_RECORDS_H
#define DLFW_CHECKPOINT_ZIP_RECORDS_H

#include <stdint.h>

#define ZIP_ALIGNMENT 64u
#define ZIP_NAME_MAX 64u
#define ZIP_RECORD_MAX 256u
#define ZIP_LOCAL_FIXED 30u
#define ZIP_DIR_FIXED 46u
#define ZIP_END_BYTES 22u
#define ZIP_END64_BYTES 56u
#define ZIP_LOCATOR_BYTES 20u
#define ZIP_DESCRIPTOR_MAX 24u

#define ZIP_LOCAL_SIGNATURE 0x04034b50u
#define ZIP_DIR_SIGNATURE 0x02014b50u
#define ZIP_DESCRIPTOR_SIGNATURE 0x08074b50u
#define ZIP_END_SIGNATURE 0x06054b50u
#define ZIP_END64_SIGNATURE 0x06064b50u
#define ZIP_LOCATOR_SIGNATURE 0x07064b50u

struct zip_member {
    const char *name;
    uint64_t offset; /* of its local header */
    uint64_t bytes;
    uint32_t crc;
};

/* Each writes one record and returns its length. */
uint32_t zip_put_local(uint8_t buf[ZIP_RECORD_MAX], const struct zip_member *m);
uint32_t zip_put_descriptor(uint8_t buf[ZIP_RECORD_MAX], const struct zip_member *m);
uint32_t zip_put_dir(uint8_t buf[ZIP_RECORD_MAX], const struct zip_member *m);
/* All end records of a directory. */
uint32_t zip_put_end(uint8_t buf[ZIP_RECORD_MAX], uint64_t members, uint64_t dir_offset, uint64_t dir_bytes);

static inline uint16_t zip_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t zip_get32(const uint8_t *p)
{
    return (uint32_t)zip_get16(p) | (uint32_t)zip_get16(p + 2) << 16;
}

static inline uint64_t zip_get64(const uint8_t *p)
{
    return (uint64_t)zip_get32(p) | (uint64_t)zip_get32(p + 4) << 32;
}

#endif
