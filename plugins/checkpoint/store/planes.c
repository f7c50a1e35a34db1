/* SPDX-License-Identifier: Apache-2.0 */
/* The portable path, and the choice of a path. The vector paths do whole blocks and leave the rest to this one. */
#include "planes_x86.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are taken apart as they lie in memory");

static int portable_only;

void planes_use_portable(int portable)
{
    portable_only = portable;
}

static void split2(const uint8_t *data, uint64_t count, uint8_t *const *p)
{
    uint8_t *restrict p0 = p[0], *restrict p1 = p[1];

    for (uint64_t i = 0; i < count; i++) {
        uint32_t v;

        v = (uint32_t)data[2 * i] | (uint32_t)data[2 * i + 1] << 8;
        v = v << 1 | v >> 15;
        p0[i] = (uint8_t)v;
        p1[i] = (uint8_t)(v >> 8);
    }
}

static void split4(const uint8_t *data, uint64_t count, uint8_t *const *p)
{
    uint8_t *restrict p0 = p[0], *restrict p1 = p[1], *restrict p2 = p[2], *restrict p3 = p[3];

    for (uint64_t i = 0; i < count; i++) {
        uint32_t v;

        memcpy(&v, data + 4 * i, sizeof v);
        v = v << 1 | v >> 31;
        p0[i] = (uint8_t)v;
        p1[i] = (uint8_t)(v >> 8);
        p2[i] = (uint8_t)(v >> 16);
        p3[i] = (uint8_t)(v >> 24);
    }
}

static void split8(const uint8_t *data, uint64_t count, uint8_t *const *p)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t v;

        memcpy(&v, data + 8 * i, sizeof v);
        v = v << 1 | v >> 63;
        for (uint32_t b = 0; b < 8; b++)
            p[b][i] = (uint8_t)(v >> 8 * b);
    }
}

static void merge2(const uint8_t *const *p, uint64_t count, uint8_t *data)
{
    const uint8_t *restrict p0 = p[0], *restrict p1 = p[1];

    for (uint64_t i = 0; i < count; i++) {
        uint32_t v = (uint32_t)p0[i] | (uint32_t)p1[i] << 8;

        v = v >> 1 | v << 15;
        data[2 * i] = (uint8_t)v;
        data[2 * i + 1] = (uint8_t)(v >> 8);
    }
}

static void merge4(const uint8_t *const *p, uint64_t count, uint8_t *data)
{
    const uint8_t *restrict p0 = p[0], *restrict p1 = p[1], *restrict p2 = p[2], *restrict p3 = p[3];

    for (uint64_t i = 0; i < count; i++) {
        uint32_t v = (uint32_t)p0[i] | (uint32_t)p1[i] << 8 | (uint32_t)p2[i] << 16 | (uint32_t)p3[i] << 24;

        v = v >> 1 | v << 31;
        memcpy(data + 4 * i, &v, sizeof v);
    }
}

static void merge8(const uint8_t *const *p, uint64_t count, uint8_t *data)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t v = 0;

        for (uint32_t b = 0; b < 8; b++)
            v |= (uint64_t)p[b][i] << 8 * b;
        v = v >> 1 | v << 63;
        memcpy(data + 8 * i, &v, sizeof v);
    }
}

void planes_split(uint32_t width, const void *data, uint64_t count, uint8_t *const *planes)
{
    uint64_t done = portable_only ? 0 : planes_x86_split(width, data, count, planes);
    const uint8_t *from = (const uint8_t *)data + done * width;
    uint8_t *rest[PLANES_MAX] = {0};

    for (uint32_t b = 0; b < width; b++)
        rest[b] = planes[b] + done;
    if (width == 2)
        split2(from, count - done, rest);
    else if (width == 4)
        split4(from, count - done, rest);
    else
        split8(from, count - done, rest);
}

void planes_merge(uint32_t width, const uint8_t *const *planes, uint64_t count, void *data)
{
    uint64_t done = portable_only ? 0 : planes_x86_merge(width, planes, count, data);
    uint8_t *to = (uint8_t *)data + done * width;
    const uint8_t *rest[PLANES_MAX] = {0};

    for (uint32_t b = 0; b < width; b++)
        rest[b] = planes[b] + done;
    if (width == 2)
        merge2(rest, count - done, to);
    else if (width == 4)
        merge4(rest, count - done, to);
    else
        merge8(rest, count - done, to);
}
