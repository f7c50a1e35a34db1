/* SPDX-License-Identifier: Apache-2.0 */
/* Little-endian fields at any alignment: ZIP and NPY headers are read and written byte by byte. */
#ifndef DLFW_FORMATS_LITTLE_ENDIAN_H
#define DLFW_FORMATS_LITTLE_ENDIAN_H

#include <stdint.h>

static inline uint16_t get_le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t get_le32(const uint8_t *p)
{
    return (uint32_t)get_le16(p) | (uint32_t)get_le16(p + 2) << 16;
}

static inline uint64_t get_le64(const uint8_t *p)
{
    return (uint64_t)get_le32(p) | (uint64_t)get_le32(p + 4) << 32;
}

/* The put functions return the byte behind the field, so that headers are written in reading order. */
static inline uint8_t *put_le16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    return p + 2;
}

static inline uint8_t *put_le32(uint8_t *p, uint32_t v)
{
    return put_le16(put_le16(p, (uint16_t)v), (uint16_t)(v >> 16));
}

static inline uint8_t *put_le64(uint8_t *p, uint64_t v)
{
    return put_le32(put_le32(p, (uint32_t)v), (uint32_t)(v >> 32));
}

#endif
