/* SPDX-License-Identifier: Apache-2.0 */
#include "zip_records.h"

#include <stdbool.h>
#include <string.h>

#define VERSION_PLAIN 20u
#define VERSION_ZIP64 45u
#define FLAG_DESCRIPTOR 0x0008u
#define DATE_1980_01_01 0x21u /* the time of writing is not part of a checkpoint */
#define EXTRA_ZIP64 1u
#define EXTRA_PADDING 0x4246u /* "FB": PyTorch's padding */

static uint8_t *put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
    return put16(put16(p, v & 0xffff), v >> 16);
}

static uint8_t *put64(uint8_t *p, uint64_t v)
{
    return put32(put32(p, (uint32_t)v), (uint32_t)(v >> 32));
}

static bool is_wide(uint64_t v)
{
    return v >= UINT32_MAX;
}

/* A 32-bit field; all ones say that the value is in the ZIP64 block. */
static uint32_t narrow(uint64_t v)
{
    return is_wide(v) ? UINT32_MAX : (uint32_t)v;
}

static uint8_t *put_name(uint8_t *p, const char *name)
{
    size_t n = strlen(name);

    memcpy(p, name, n);
    return p + n;
}

uint32_t zip_put_local(uint8_t buf[ZIP_RECORD_MAX], const struct zip_member *m)
{
    const bool wide = is_wide(m->bytes);
    const uint32_t name_len = (uint32_t)strlen(m->name), zip64_len = wide ? 20 : 0;
    const uint64_t unpadded = m->offset + ZIP_LOCAL_FIXED + name_len + zip64_len + 4;
    const uint32_t padding = (uint32_t)((ZIP_ALIGNMENT - unpadded % ZIP_ALIGNMENT) % ZIP_ALIGNMENT);
    uint8_t *p = put32(buf, ZIP_LOCAL_SIGNATURE);

    p = put16(p, wide ? VERSION_ZIP64 : VERSION_PLAIN);
    p = put16(p, FLAG_DESCRIPTOR);
    p = put16(p, 0); /* stored */
    p = put16(p, 0); /* time */
    p = put16(p, DATE_1980_01_01);
    p = put32(p, 0); /* CRC and sizes follow the data */
    p = put32(p, wide ? UINT32_MAX : 0);
    p = put32(p, wide ? UINT32_MAX : 0);
    p = put16(p, name_len);
    p = put16(p, zip64_len + 4 + padding);
    p = put_name(p, m->name);
    if (wide) {
        p = put16(p, EXTRA_ZIP64);
        p = put16(p, 16);
        p = put64(put64(p, 0), 0);
    }
    p = put16(p, EXTRA_PADDING);
    p = put16(p, padding);
    memset(p, 'Z', padding);
    return (uint32_t)(p + padding - buf);
}

uint32_t zip_put_descriptor(uint8_t buf[ZIP_RECORD_MAX], const struct zip_member *m)
{
    uint8_t *p = put32(buf, ZIP_DESCRIPTOR_SIGNATURE);

    p = put32(p, m->crc);
    if (is_wide(m->bytes))
        p = put64(put64(p, m->bytes), m->bytes);
    else
        p = put32(put32(p, (uint32_t)m->bytes), (uint32_t)m->bytes);
    return (uint32_t)(p - buf);
}

uint32_t zip_put_dir(uint8_t buf[ZIP_RECORD_MAX], const struct zip_member *m)
{
    const bool wide_bytes = is_wide(m->bytes), wide_offset = is_wide(m->offset);
    const uint32_t zip64_len = (wide_bytes ? 16u : 0u) + (wide_offset ? 8u : 0u);
    const uint32_t version = zip64_len ? VERSION_ZIP64 : VERSION_PLAIN;
    uint8_t *p = put32(buf, ZIP_DIR_SIGNATURE);

    p = put16(p, version);
    p = put16(p, version);
    p = put16(p, FLAG_DESCRIPTOR);
    p = put16(p, 0); /* stored */
    p = put16(p, 0); /* time */
    p = put16(p, DATE_1980_01_01);
    p = put32(p, m->crc);
    p = put32(p, narrow(m->bytes));
    p = put32(p, narrow(m->bytes));
    p = put16(p, (uint32_t)strlen(m->name));
    p = put16(p, zip64_len ? 4 + zip64_len : 0);
    p = put16(p, 0); /* comment */
    p = put16(p, 0); /* disk */
    p = put16(p, 0); /* attributes */
    p = put32(p, 0);
    p = put32(p, narrow(m->offset));
    p = put_name(p, m->name);
    if (zip64_len)
        p = put16(put16(p, EXTRA_ZIP64), zip64_len);
    if (wide_bytes)
        p = put64(put64(p, m->bytes), m->bytes);
    if (wide_offset)
        p = put64(p, m->offset);
    return (uint32_t)(p - buf);
}

static uint8_t *put_end64(uint8_t *p, uint64_t members, uint64_t dir_offset, uint64_t dir_bytes)
{
    p = put32(p, ZIP_END64_SIGNATURE);
    p = put64(p, ZIP_END64_BYTES - 12); /* bytes that follow */
    p = put16(p, VERSION_ZIP64);
    p = put16(p, VERSION_ZIP64);
    p = put32(p, 0); /* disks */
    p = put32(p, 0);
    p = put64(p, members);
    p = put64(p, members);
    p = put64(p, dir_bytes);
    p = put64(p, dir_offset);
    p = put32(p, ZIP_LOCATOR_SIGNATURE);
    p = put32(p, 0);
    p = put64(p, dir_offset + dir_bytes);
    return put32(p, 1);
}

uint32_t zip_put_end(uint8_t buf[ZIP_RECORD_MAX], uint64_t members, uint64_t dir_offset, uint64_t dir_bytes)
{
    const uint32_t count = members < UINT16_MAX ? (uint32_t)members : UINT16_MAX;
    uint8_t *p = buf;

    if (is_wide(dir_offset) || is_wide(dir_bytes) || members >= UINT16_MAX)
        p = put_end64(p, members, dir_offset, dir_bytes);
    p = put32(p, ZIP_END_SIGNATURE);
    p = put32(p, 0); /* disks */
    p = put16(p, count);
    p = put16(p, count);
    p = put32(p, narrow(dir_bytes));
    p = put32(p, narrow(dir_offset));
    p = put16(p, 0); /* comment */
    return (uint32_t)(p - buf);
}
