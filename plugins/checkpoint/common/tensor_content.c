/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Element i of a float tensor is made from the content bytes that lie where it will lie, in place and block by block
 * while they are in the second-level cache. The conversions are plain loops over a fixed number of elements that
 * compilers turn into vector code; each is compiled twice, for any CPU and for AVX2, from the same lines, so the values
 * cannot differ.
 */
#include "common/tensor_content.h"

#include <string.h>

#define BLOCK_BYTES 65536u /* the content stream is seeded per block: entering one at its start costs nothing */
#define GROUP_BYTES 256u   /* converted at a time by the vector loops */
#define WORD_MAX 8u

#define INLINE static inline __attribute__((always_inline))

/* 11 random bits n: n / 2048, exact in half precision. As a float it is made 2^112 times smaller: what is then its
 * exponent with bias 127 is the right one with bias 15. */
INLINE uint16_t half_of(uint16_t random)
{
    float f = (float)(int32_t)(random >> 5) * 0x1p-123f;
    uint32_t bits;

    memcpy(&bits, &f, sizeof bits);
    return (uint16_t)(bits >> 13);
}

/* 8 random bits n: n / 256; a bfloat16 is the upper half of a float */
INLINE uint16_t bfloat_of(uint16_t random)
{
    float f = (float)(int32_t)(random >> 8) * 0x1p-8f;
    uint32_t bits;

    memcpy(&bits, &f, sizeof bits);
    return (uint16_t)(bits >> 16);
}

INLINE uint32_t float_of(uint32_t random)
{
    float f = (float)(int32_t)(random >> 8) * 0x1p-24f;
    uint32_t bits;

    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* 52 random bits: [1, 2) minus 1, because vector units without AVX-512 cannot convert 64-bit integers */
INLINE uint64_t double_of(uint64_t random)
{
    uint64_t bits = random >> 12 | 0x3ff0000000000000ull;
    double d;

    memcpy(&d, &bits, sizeof d);
    d -= 1.0;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

#define CONVERT_GROUPS(word, function)                                                                                 \
    INLINE void function##_groups(uint8_t *p, uint64_t groups)                                                         \
    {                                                                                                                  \
        for (; groups; groups--, p += GROUP_BYTES)                                                                     \
            for (unsigned i = 0; i < GROUP_BYTES; i += (unsigned)sizeof(word)) {                                       \
                word w;                                                                                                \
                                                                                                                       \
                memcpy(&w, p + i, sizeof w);                                                                           \
                w = function(w);                                                                                       \
                memcpy(p + i, &w, sizeof w);                                                                           \
            }                                                                                                          \
    }

CONVERT_GROUPS(uint16_t, half_of)
CONVERT_GROUPS(uint16_t, bfloat_of)
CONVERT_GROUPS(uint32_t, float_of)
CONVERT_GROUPS(uint64_t, double_of)

INLINE void convert_any(enum tensor_type type, uint8_t *p, uint64_t groups)
{
    if (type == TENSOR_FP16)
        half_of_groups(p, groups);
    else if (type == TENSOR_BF16)
        bfloat_of_groups(p, groups);
    else if (type == TENSOR_FP32)
        float_of_groups(p, groups);
    else if (type == TENSOR_FP64)
        double_of_groups(p, groups);
}

static void convert_portable(enum tensor_type type, uint8_t *p, uint64_t groups)
{
    convert_any(type, p, groups);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void convert_avx2(enum tensor_type type, uint8_t *p, uint64_t groups)
{
    convert_any(type, p, groups);
}
#endif

static void convert_groups(enum tensor_type type, uint8_t *p, uint64_t groups)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        convert_avx2(type, p, groups);
        return;
    }
#endif
    convert_portable(type, p, groups);
}

/* Whole elements, any alignment. */
static void convert(enum tensor_type type, uint8_t *p, uint64_t len)
{
    uint64_t whole = len - len % GROUP_BYTES;
    uint8_t rest[GROUP_BYTES] = {0};

    convert_groups(type, p, whole / GROUP_BYTES);
    if (whole == len)
        return;
    memcpy(rest, p + whole, len - whole);
    convert_groups(type, rest, 1);
    memcpy(p + whole, rest, len - whole);
}

/* Random bytes [offset, offset + len) that lie in one block. */
static void fill_block(const struct tensor_content *c, uint64_t object, enum tensor_type type, uint64_t offset,
                       uint8_t *buf, uint64_t len)
{
    uint32_t width = tensor_type_bytes(type);
    uint64_t skip = offset % width, head = skip ? width - skip : 0, tail;
    uint8_t word[WORD_MAX];

    if (head > len)
        head = len;
    if (head) { /* the first element began before offset */
        c->host->content_fill(c->seed, object, offset - skip, word, width);
        convert(type, word, width);
        memcpy(buf, word + skip, head);
    }
    tail = (len - head) % width;
    if (len - head > tail) {
        c->host->content_fill(c->seed, object, offset + head, buf + head, len - head - tail);
        convert(type, buf + head, len - head - tail);
    }
    if (tail) {
        c->host->content_fill(c->seed, object, offset + len - tail, word, width);
        convert(type, word, width);
        memcpy(buf + len - tail, word, tail);
    }
}

static void fill_ones(enum tensor_type type, uint64_t offset, uint8_t *buf, uint64_t len)
{
    static const uint64_t ones[] = {0x3c00, 0x3f80, 0x3f800000, 0x3ff0000000000000ull, 1 /*int8*/, 1 /*uint8*/};
    uint32_t width = tensor_type_bytes(type);
    uint8_t pattern[BLOCK_BYTES / 256];

    for (uint32_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (uint8_t)(ones[type] >> (offset + i) % width * 8);
    for (uint64_t done = 0; done < len; done += sizeof pattern)
        memcpy(buf + done, pattern, len - done < sizeof pattern ? len - done : sizeof pattern);
}

void tensor_content_fill(const struct tensor_content *c, uint64_t object, enum tensor_type type, uint64_t offset,
                         void *buf, uint64_t len)
{
    uint8_t *out = buf;

    if (!c->random) {
        fill_ones(type, offset, out, len);
        return;
    }
    while (len) {
        uint64_t n = BLOCK_BYTES - offset % BLOCK_BYTES;

        if (n > len)
            n = len;
        fill_block(c, object, type, offset, out, n);
        offset += n;
        out += n;
        len -= n;
    }
}

uint64_t tensor_content_check(const struct tensor_content *c, uint64_t object, enum tensor_type type, uint64_t offset,
                              const void *data, uint64_t len)
{
    _Alignas(64) uint8_t expected[BLOCK_BYTES];
    const uint8_t *p = data;
    uint64_t done = 0;

    if (c->random && (type == TENSOR_INT8 || type == TENSOR_UINT8))
        return c->host->content_check(c->seed, object, offset, data, len);
    while (done < len) {
        uint64_t n = BLOCK_BYTES - (offset + done) % BLOCK_BYTES, i = 0;

        if (n > len - done)
            n = len - done;
        tensor_content_fill(c, object, type, offset + done, expected, n);
        if (memcmp(expected, p + done, n) != 0) {
            while (expected[i] == p[done + i])
                i++;
            return done + i;
        }
        done += n;
    }
    return len;
}
