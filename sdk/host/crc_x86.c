/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRCs by carry-less multiplication: several accumulators run over the data side by side, each folded over the distance
 * to its next piece, then into each other, down to 16 bytes whose plain CRC is that of everything before them. The
 * method is in Intel's "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction"; crc.c derives the
 * constants. Compiled for these CPUs function by function, called only on them.
 */
#include "host/crc_kernels.h"

#include <stddef.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define SSE42 __attribute__((target("sse4.2")))
#define CLMUL __attribute__((target("pclmul,sse4.1")))
#define CLMUL_INLINE static inline __attribute__((target("pclmul,sse4.1"), always_inline))
#define WIDE256 __attribute__((target("avx2,pclmul,vpclmulqdq")))
#define WIDE256_INLINE static inline __attribute__((target("avx2,pclmul,vpclmulqdq"), always_inline))
#define WIDE512 __attribute__((target("avx512f,pclmul,vpclmulqdq")))
#define WIDE512_INLINE static inline __attribute__((target("avx512f,pclmul,vpclmulqdq"), always_inline))

SSE42 static uint32_t run_instruction(const struct crc_poly *p, uint32_t reg, const uint8_t *data, uint64_t len)
{
    uint64_t wide = reg;

    (void)p; /* the instruction knows one polynomial */
    for (; len >= 8; data += 8, len -= 8) {
        uint64_t word;

        memcpy(&word, data, sizeof word);
        wide = _mm_crc32_u64(wide, word);
    }
    reg = (uint32_t)wide;
    for (; len; data++, len--)
        reg = _mm_crc32_u8(reg, *data);
    return reg;
}

CLMUL_INLINE __m128i load_16(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

CLMUL_INLINE __m128i constants(struct crc_fold f)
{
    return _mm_set_epi64x((long long)f.high, (long long)f.low);
}

CLMUL_INLINE __m128i fold_16(__m128i acc, __m128i k, __m128i next)
{
    __m128i low = _mm_clmulepi64_si128(acc, k, 0x00), high = _mm_clmulepi64_si128(acc, k, 0x11);

    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

/* acc stands for all bytes so far; data[0 .. len) comes next. */
CLMUL static uint32_t finish(const struct crc_poly *p, __m128i acc, const uint8_t *data, uint64_t len)
{
    __m128i k = constants(p->by_16);
    uint8_t rest[16];

    for (; len >= 16; data += 16, len -= 16)
        acc = fold_16(acc, k, load_16(data));
    _mm_storeu_si128((__m128i *)(void *)rest, acc);
    return p->small(p, p->small(p, 0, rest, sizeof rest), data, len);
}

/* The same for n accumulators that stand one after the other in memory. */
CLMUL static uint32_t finish_many(const struct crc_poly *p, const uint8_t *accs, unsigned n, const uint8_t *data,
                                  uint64_t len)
{
    __m128i k = constants(p->by_16), acc = load_16(accs);

    for (unsigned i = 1; i < n; i++)
        acc = fold_16(acc, k, load_16(accs + (size_t)16 * i));
    return finish(p, acc, data, len);
}

CLMUL static uint32_t run_clmul(const struct crc_poly *p, uint32_t reg, const uint8_t *data, uint64_t len)
{
    __m128i acc[4], k = constants(p->by_64);
    uint8_t accs[64];

    if (len < 16)
        return p->small(p, reg, data, len);
    acc[0] = _mm_xor_si128(load_16(data), _mm_cvtsi32_si128((int)reg));
    if (len < 64)
        return finish(p, acc[0], data + 16, len - 16);
    for (unsigned i = 1; i < 4; i++)
        acc[i] = load_16(data + 16 * i);
    for (data += 64, len -= 64; len >= 64; data += 64, len -= 64) {
#pragma GCC unroll 4
        for (unsigned i = 0; i < 4; i++)
            acc[i] = fold_16(acc[i], k, load_16(data + 16 * i));
    }
    for (unsigned i = 0; i < 4; i++)
        _mm_storeu_si128((__m128i *)(void *)(accs + 16 * i), acc[i]);
    return finish_many(p, accs, 4, data, len);
}

WIDE256_INLINE __m256i load_32(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

WIDE256_INLINE __m256i fold_32(__m256i acc, __m256i k, __m256i next)
{
    __m256i low = _mm256_clmulepi64_epi128(acc, k, 0x00), high = _mm256_clmulepi64_epi128(acc, k, 0x11);

    return _mm256_xor_si256(_mm256_xor_si256(low, high), next);
}

/* Eight accumulators of 32 bytes. */
WIDE256 static uint32_t run_wide256(const struct crc_poly *p, uint32_t reg, const uint8_t *data, uint64_t len)
{
    __m256i acc[8],
        k = _mm256_broadcastsi128_si256(_mm_set_epi64x((long long)p->by_256.high, (long long)p->by_256.low));
    uint8_t accs[256];

    if (len < 512)
        return run_clmul(p, reg, data, len);
    for (unsigned i = 0; i < 8; i++)
        acc[i] = load_32(data + 32 * i);
    acc[0] = _mm256_xor_si256(acc[0], _mm256_zextsi128_si256(_mm_cvtsi32_si128((int)reg)));
    for (data += 256, len -= 256; len >= 256; data += 256, len -= 256) {
#pragma GCC unroll 8
        for (unsigned i = 0; i < 8; i++)
            acc[i] = fold_32(acc[i], k, load_32(data + 32 * i));
    }
    for (unsigned i = 0; i < 8; i++)
        _mm256_storeu_si256((__m256i *)(void *)(accs + 32 * i), acc[i]);
    return finish_many(p, accs, 16, data, len);
}

WIDE512_INLINE __m512i fold_64(__m512i acc, __m512i k, __m512i next)
{
    __m512i low = _mm512_clmulepi64_epi128(acc, k, 0x00), high = _mm512_clmulepi64_epi128(acc, k, 0x11);

    return _mm512_ternarylogic_epi64(low, high, next, 0x96); /* exclusive or of the three */
}

WIDE512_INLINE __m512i constants_64(struct crc_fold f)
{
    return _mm512_broadcast_i32x4(_mm_set_epi64x((long long)f.high, (long long)f.low));
}

/* The four 16-byte parts of acc, which follow each other, as one. */
WIDE512_INLINE __m128i join_lanes(const struct crc_poly *p, __m512i acc)
{
    const __m512i distances =
        _mm512_set_epi64(0, 0, (long long)p->by_16.high, (long long)p->by_16.low, (long long)p->by_32.high,
                         (long long)p->by_32.low, (long long)p->by_48.high, (long long)p->by_48.low);
    const __m512i moved = fold_64(acc, distances, _mm512_setzero_si512());
    const __m128i first = _mm_xor_si128(_mm512_castsi512_si128(moved), _mm512_extracti32x4_epi32(moved, 1));

    return _mm_xor_si128(_mm_xor_si128(first, _mm512_extracti32x4_epi32(moved, 2)), _mm512_extracti32x4_epi32(acc, 3));
}

/* Four accumulators of 64 bytes. */
WIDE512 static uint32_t run_wide512(const struct crc_poly *p, uint32_t reg, const uint8_t *data, uint64_t len)
{
    const __m512i k = constants_64(p->by_256), k64 = constants_64(p->by_64);
    __m512i acc[4], low, high;

    if (len < 256)
        return run_clmul(p, reg, data, len);
    for (unsigned i = 0; i < 4; i++)
        acc[i] = _mm512_loadu_si512(data + 64 * i);
    acc[0] = _mm512_xor_si512(acc[0], _mm512_zextsi128_si512(_mm_cvtsi32_si128((int)reg)));
    for (data += 256, len -= 256; len >= 256; data += 256, len -= 256) {
#pragma GCC unroll 4
        for (unsigned i = 0; i < 4; i++)
            acc[i] = fold_64(acc[i], k, _mm512_loadu_si512(data + 64 * i));
    }
    low = fold_64(acc[0], constants_64(p->by_192), acc[3]);
    high = fold_64(acc[1], constants_64(p->by_128), fold_64(acc[2], k64, _mm512_setzero_si512()));
    acc[0] = _mm512_xor_si512(low, high);
    for (; len >= 64; data += 64, len -= 64)
        acc[0] = fold_64(acc[0], k64, _mm512_loadu_si512(data));
    return finish(p, join_lanes(p, acc[0]), data, len);
}

void crc_paths_x86(const struct crc_path *ret[CRC_PATHS_MAX])
{
    static const struct crc_path wide512 = {"vpclmulqdq-512", run_wide512}, wide256 = {"vpclmulqdq", run_wide256},
                                 clmul = {"pclmulqdq", run_clmul};
    unsigned n = 0;

    if (__builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1")) {
        if (__builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("avx512f"))
            ret[n++] = &wide512;
        if (__builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("avx2"))
            ret[n++] = &wide256;
        ret[n++] = &clmul;
    }
    ret[n] = NULL;
}

crc_run *crc32c_instruction(void)
{
    return __builtin_cpu_supports("sse4.2") ? run_instruction : NULL;
}

#else

void crc_paths_x86(const struct crc_path *ret[CRC_PATHS_MAX])
{
    ret[0] = NULL;
}

crc_run *crc32c_instruction(void)
{
    return NULL;
}

#endif
