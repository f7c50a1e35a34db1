/* SPDX-License-Identifier: Apache-2.0 */
#include "zip_write.h"

#include "common/little_endian.h"

#include <stdbool.h>
#include <string.h>

#define VERSION_PLAIN 20u
#define VERSION_ZIP64 45u
#define SYSTEM_UNIX (3u << 8)
#define DATE_1980_01_01 0x21u /* NumPy writes no time */
#define ATTRIBUTES_0600 0x01800000u

/* A 32-bit field's value; 0xffffffff says that the real one is in the ZIP64 block. */
static uint32_t narrow(uint64_t v)
{
    return v < UINT32_MAX ? (uint32_t)v : UINT32_MAX;
}

static bool is_wide(uint64_t v)
{
    return v >= UINT32_MAX;
}

static bool has_wide_sizes(const struct zip_entry *e)
{
    return is_wide(e->bytes) || is_wide(e->stored_bytes);
}

/* method to uncompressed size, the same in both headers. When one size is wide, both are marked so: readers differ in
 * whether they accept one without the other. */
static uint8_t *put_shared(uint8_t *p, const struct zip_entry *e)
{
    p = put_le16(p, e->method);
    p = put_le16(p, 0); /* time */
    p = put_le16(p, DATE_1980_01_01);
    p = put_le32(p, e->crc);
    p = put_le32(p, has_wide_sizes(e) ? UINT32_MAX : (uint32_t)e->stored_bytes);
    p = put_le32(p, has_wide_sizes(e) ? UINT32_MAX : (uint32_t)e->bytes);
    return put_le16(p, (uint16_t)strlen(e->name));
}

static uint8_t *put_name(uint8_t *p, const char *name)
{
    size_t n = strlen(name);

    memcpy(p, name, n);
    return p + n;
}

uint32_t zip_write_local(uint8_t buf[ZIP_RECORD_CAP], const struct zip_entry *e)
{
    uint8_t *p = put_le32(buf, 0x04034b50u);

    p = put_le16(p, has_wide_sizes(e) ? VERSION_ZIP64 : VERSION_PLAIN);
    p = put_le16(p, 0); /* flags */
    p = put_shared(p, e);
    p = put_le16(p, 20); /* extra field */
    p = put_name(p, e->name);
    p = put_le16(p, 1); /* ZIP64 block */
    p = put_le16(p, 16);
    p = put_le64(p, e->bytes);
    p = put_le64(p, e->stored_bytes);
    return (uint32_t)(p - buf);
}

uint32_t zip_write_dir_entry(uint8_t buf[ZIP_RECORD_CAP], const struct zip_entry *e)
{
    const bool wide_offset = is_wide(e->local_offset);
    const uint16_t wide_bytes = (uint16_t)((has_wide_sizes(e) ? 16 : 0) + (wide_offset ? 8 : 0));
    const uint16_t version = wide_bytes ? VERSION_ZIP64 : VERSION_PLAIN;
    uint8_t *p = put_le32(buf, 0x02014b50u);

    p = put_le16(p, version | SYSTEM_UNIX);
    p = put_le16(p, version);
    p = put_le16(p, 0); /* flags */
    p = put_shared(p, e);
    p = put_le16(p, wide_bytes ? (uint16_t)(4 + wide_bytes) : 0);
    p = put_le16(p, 0); /* comment */
    p = put_le16(p, 0); /* disk */
    p = put_le16(p, 0); /* internal attributes */
    p = put_le32(p, ATTRIBUTES_0600);
    p = put_le32(p, narrow(e->local_offset));
    p = put_name(p, e->name);
    if (wide_bytes) {
        p = put_le16(p, 1);
        p = put_le16(p, wide_bytes);
    }
    if (has_wide_sizes(e)) {
        p = put_le64(p, e->bytes);
        p = put_le64(p, e->stored_bytes);
    }
    if (wide_offset)
        p = put_le64(p, e->local_offset);
    return (uint32_t)(p - buf);
}

/* The 64-bit record and its locator, which stand before the end record. */
static uint8_t *put_end64(uint8_t *p, uint16_t count, uint64_t dir_offset, uint64_t dir_bytes)
{
    p = put_le32(p, 0x06064b50u);
    p = put_le64(p, 44); /* bytes that follow */
    p = put_le16(p, VERSION_ZIP64 | SYSTEM_UNIX);
    p = put_le16(p, VERSION_ZIP64);
    p = put_le32(p, 0); /* disks */
    p = put_le32(p, 0);
    p = put_le64(p, count);
    p = put_le64(p, count);
    p = put_le64(p, dir_bytes);
    p = put_le64(p, dir_offset);
    p = put_le32(p, 0x07064b50u);
    p = put_le32(p, 0);
    p = put_le64(p, dir_offset + dir_bytes);
    return put_le32(p, 1);
}

uint32_t zip_write_end(uint8_t buf[ZIP_RECORD_CAP], uint16_t count, uint64_t dir_offset, uint64_t dir_bytes)
{
    uint8_t *p = buf;

    if (is_wide(dir_offset))
        p = put_end64(p, count, dir_offset, dir_bytes);
    p = put_le32(p, 0x06054b50u);
    p = put_le32(p, 0); /* disks */
    p = put_le16(p, count);
    p = put_le16(p, count);
    p = put_le32(p, (uint32_t)dir_bytes);
    p = put_le32(p, narrow(dir_offset));
    p = put_le16(p, 0); /* comment */
    return (uint32_t)(p - buf);
}
