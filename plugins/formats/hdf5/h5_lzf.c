/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The format: a byte below 32 is followed by that many literals plus one. Otherwise its upper three bits are a length
 * (7: the next byte is added) and its lower five the high bits of a distance, whose low byte follows; length + 2 bytes
 * are copied from distance + 1 bytes back.
 */
#include "h5_lzf.h"

#include <stdbool.h>
#include <string.h>

#define LITERALS_MAX 32u
#define LENGTH_MAX 264u
#define DISTANCE_MAX 8192u
#define HASH_BITS 13u

struct writer {
    uint8_t *out;
    uint64_t cap, len;
};

static bool put_literals(struct writer *w, const uint8_t *data, uint64_t count)
{
    while (count) {
        uint64_t n = count < LITERALS_MAX ? count : LITERALS_MAX;

        if (w->cap - w->len < n + 1)
            return false;
        w->out[w->len++] = (uint8_t)(n - 1);
        memcpy(w->out + w->len, data, n);
        w->len += n;
        data += n;
        count -= n;
    }
    return true;
}

static bool put_reference(struct writer *w, uint64_t distance, uint64_t length)
{
    const uint64_t code = length - 2, back = distance - 1;

    if (w->cap - w->len < 3)
        return false;
    w->out[w->len++] = (uint8_t)((code < 7 ? code : 7) << 5 | back >> 8);
    if (code >= 7)
        w->out[w->len++] = (uint8_t)(code - 7);
    w->out[w->len++] = (uint8_t)back;
    return true;
}

static uint32_t hash(const uint8_t *p)
{
    return ((uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2]) * 2654435761u >> (32 - HASH_BITS);
}

uint64_t h5_lzf_compress(const uint8_t *data, uint64_t len, uint8_t *out, uint64_t cap)
{
    uint32_t seen[1u << HASH_BITS] = {0}; /* position + 1 of the last three bytes with that hash */
    struct writer w = {.out = out, .cap = cap};
    uint64_t literals = 0, at = 0;

    if (len > UINT32_MAX - 1)
        return 0;
    while (at + 2 < len) {
        uint32_t *slot = &seen[hash(data + at)];
        uint64_t from = *slot, length = 3;

        *slot = (uint32_t)at + 1;
        if (!from || at - (from - 1) > DISTANCE_MAX || memcmp(data + from - 1, data + at, 3) != 0) {
            at++;
            continue;
        }
        from--;
        while (length < LENGTH_MAX && at + length < len && data[from + length] == data[at + length])
            length++;
        if (!put_literals(&w, data + literals, at - literals) || !put_reference(&w, at - from, length))
            return 0;
        at += length;
        literals = at;
    }
    return put_literals(&w, data + literals, len - literals) ? w.len : 0;
}

uint64_t h5_lzf_expand(const uint8_t *data, uint64_t len, uint8_t *out, uint64_t cap)
{
    uint64_t at = 0, made = 0;

    while (at < len) {
        const uint8_t control = data[at++];
        uint64_t n, distance;

        if (control < LITERALS_MAX) {
            n = control + UINT64_C(1);
            if (n > len - at || n > cap - made)
                return UINT64_MAX;
            memcpy(out + made, data + at, n);
            at += n;
            made += n;
            continue;
        }
        n = control >> 5;
        if (len - at < (n == 7 ? 2u : 1u))
            return UINT64_MAX;
        if (n == 7)
            n += data[at++];
        n += 2;
        distance = ((uint64_t)(control & 31) << 8 | data[at++]) + 1;
        if (distance > made || n > cap - made)
            return UINT64_MAX;
        for (; n; n--, made++)
            out[made] = out[made - distance];
    }
    return made;
}
