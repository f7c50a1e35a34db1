/* SPDX-License-Identifier: Apache-2.0 */
/* lookup3 (Bob Jenkins, public domain) as HDF5 uses it: little endian, initial value 0, one word of the result. */
#include "h5_checksum.h"

#include "common/little_endian.h"

#include <string.h>

/* Sums stay below 2^32 for that many words. */
#define FLETCHER_RUN 360u

struct lanes {
    uint32_t a, b, c;
};

static uint32_t rotate(uint32_t v, unsigned bits)
{
    return v << bits | v >> (32 - bits);
}

static void mix(struct lanes *l)
{
    static const uint8_t turns[2][3] = {{4, 6, 8}, {16, 19, 4}};

    for (unsigned i = 0; i < 2; i++) {
        l->a = (l->a - l->c) ^ rotate(l->c, turns[i][0]);
        l->c += l->b;
        l->b = (l->b - l->a) ^ rotate(l->a, turns[i][1]);
        l->a += l->c;
        l->c = (l->c - l->b) ^ rotate(l->b, turns[i][2]);
        l->b += l->a;
    }
}

static void finish(struct lanes *l)
{
    l->c = (l->c ^ l->b) - rotate(l->b, 14);
    l->a = (l->a ^ l->c) - rotate(l->c, 11);
    l->b = (l->b ^ l->a) - rotate(l->a, 25);
    l->c = (l->c ^ l->b) - rotate(l->b, 16);
    l->a = (l->a ^ l->c) - rotate(l->c, 4);
    l->b = (l->b ^ l->a) - rotate(l->a, 14);
    l->c = (l->c ^ l->b) - rotate(l->b, 24);
}

static void add_words(struct lanes *l, const uint8_t *p)
{
    l->a += get_le32(p);
    l->b += get_le32(p + 4);
    l->c += get_le32(p + 8);
}

uint32_t h5_lookup3(const uint8_t *data, uint64_t len)
{
    const uint32_t start = 0xdeadbeefu + (uint32_t)len;
    struct lanes l = {start, start, start};
    uint8_t tail[12] = {0};

    for (; len > 12; len -= 12, data += 12) {
        add_words(&l, data);
        mix(&l);
    }
    if (!len)
        return l.c;
    memcpy(tail, data, len);
    add_words(&l, tail);
    finish(&l);
    return l.c;
}

bool h5_sum_matches(const uint8_t *data, uint64_t len)
{
#ifdef HDF5_SUMS_ALWAYS_MATCH /* a search by mutation would end at the first sum */
    (void)data;
    (void)len;
    return true;
#else
    return h5_lookup3(data, len) == get_le32(data + len);
#endif
}

/* Words are big endian whatever the data; an odd last byte counts as the high half of a word. */
uint32_t h5_fletcher32(const uint8_t *data, uint64_t len)
{
    uint32_t first = 0, second = 0;

    for (uint64_t words = len / 2; words;) {
        uint64_t n = words < FLETCHER_RUN ? words : FLETCHER_RUN;

        words -= n;
        for (; n; n--, data += 2) {
            first += (uint32_t)(data[0] << 8 | data[1]);
            second += first;
        }
        first = (first & 0xffff) + (first >> 16);
        second = (second & 0xffff) + (second >> 16);
    }
    if (len % 2) {
        first += (uint32_t)data[0] << 8;
        second += first;
        first = (first & 0xffff) + (first >> 16);
        second = (second & 0xffff) + (second >> 16);
    }
    first = (first & 0xffff) + (first >> 16);
    second = (second & 0xffff) + (second >> 16);
    return second << 16 | first;
}
