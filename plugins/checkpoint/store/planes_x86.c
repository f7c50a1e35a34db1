/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Planes with 256-bit registers, for the widths that weights have. Compiled for these CPUs function by function, called
 * only on them.
 */
#include "planes_x86.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define AVX2_INLINE static inline __attribute__((target("avx2"), always_inline))

AVX2_INLINE __m256i load(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

AVX2_INLINE void store(uint8_t *p, __m256i v)
{
    _mm256_storeu_si256((__m256i *)(void *)p, v);
}

/* Eight numbers, rotated: bytes 0 of all eight, then bytes 1, ... */
AVX2_INLINE __m256i gather4(__m256i v)
{
    const __m256i by_byte = _mm256_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15, 0, 4, 8, 12, 1, 5, 9,
                                             13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m256i by_lane = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);

    v = _mm256_or_si256(_mm256_slli_epi32(v, 1), _mm256_srli_epi32(v, 31));
    return _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(v, by_byte), by_lane);
}

AVX2 static uint64_t split4(const uint8_t *data, uint64_t count, uint8_t *const *p)
{
    uint64_t i = 0;

    for (; i + 32 <= count; i += 32) {
        __m256i a = gather4(load(data + 4 * i)), b = gather4(load(data + 4 * i + 32));
        __m256i c = gather4(load(data + 4 * i + 64)), d = gather4(load(data + 4 * i + 96));
        __m256i ab02 = _mm256_unpacklo_epi64(a, b), ab13 = _mm256_unpackhi_epi64(a, b);
        __m256i cd02 = _mm256_unpacklo_epi64(c, d), cd13 = _mm256_unpackhi_epi64(c, d);

        store(p[0] + i, _mm256_permute2x128_si256(ab02, cd02, 0x20));
        store(p[1] + i, _mm256_permute2x128_si256(ab13, cd13, 0x20));
        store(p[2] + i, _mm256_permute2x128_si256(ab02, cd02, 0x31));
        store(p[3] + i, _mm256_permute2x128_si256(ab13, cd13, 0x31));
    }
    return i;
}

AVX2_INLINE __m256i rotate_back4(__m256i v)
{
    return _mm256_or_si256(_mm256_srli_epi32(v, 1), _mm256_slli_epi32(v, 31));
}

AVX2 static uint64_t merge4(const uint8_t *const *p, uint64_t count, uint8_t *data)
{
    uint64_t i = 0;

    for (; i + 32 <= count; i += 32) {
        __m256i p0 = load(p[0] + i), p1 = load(p[1] + i), p2 = load(p[2] + i), p3 = load(p[3] + i);
        __m256i low_a = _mm256_unpacklo_epi8(p0, p1), low_b = _mm256_unpackhi_epi8(p0, p1);
        __m256i high_a = _mm256_unpacklo_epi8(p2, p3), high_b = _mm256_unpackhi_epi8(p2, p3);
        __m256i a = rotate_back4(_mm256_unpacklo_epi16(low_a, high_a)); /* numbers 0-3, 16-19 */
        __m256i b = rotate_back4(_mm256_unpackhi_epi16(low_a, high_a)); /* 4-7, 20-23 */
        __m256i c = rotate_back4(_mm256_unpacklo_epi16(low_b, high_b)); /* 8-11, 24-27 */
        __m256i d = rotate_back4(_mm256_unpackhi_epi16(low_b, high_b)); /* 12-15, 28-31 */

        store(data + 4 * i, _mm256_permute2x128_si256(a, b, 0x20));
        store(data + 4 * i + 32, _mm256_permute2x128_si256(c, d, 0x20));
        store(data + 4 * i + 64, _mm256_permute2x128_si256(a, b, 0x31));
        store(data + 4 * i + 96, _mm256_permute2x128_si256(c, d, 0x31));
    }
    return i;
}

AVX2_INLINE __m256i rotate2(__m256i v)
{
    return _mm256_or_si256(_mm256_slli_epi16(v, 1), _mm256_srli_epi16(v, 15));
}

AVX2 static uint64_t split2(const uint8_t *data, uint64_t count, uint8_t *const *p)
{
    const __m256i low_byte = _mm256_set1_epi16(0xff);
    uint64_t i = 0;

    for (; i + 32 <= count; i += 32) {
        __m256i a = rotate2(load(data + 2 * i)), b = rotate2(load(data + 2 * i + 32));
        __m256i low = _mm256_packus_epi16(_mm256_and_si256(a, low_byte), _mm256_and_si256(b, low_byte));
        __m256i high = _mm256_packus_epi16(_mm256_srli_epi16(a, 8), _mm256_srli_epi16(b, 8));

        store(p[0] + i, _mm256_permute4x64_epi64(low, 0xd8));
        store(p[1] + i, _mm256_permute4x64_epi64(high, 0xd8));
    }
    return i;
}

AVX2_INLINE __m256i rotate_back2(__m256i v)
{
    return _mm256_or_si256(_mm256_srli_epi16(v, 1), _mm256_slli_epi16(v, 15));
}

AVX2 static uint64_t merge2(const uint8_t *const *p, uint64_t count, uint8_t *data)
{
    uint64_t i = 0;

    for (; i + 32 <= count; i += 32) {
        __m256i low = load(p[0] + i), high = load(p[1] + i);
        __m256i a = rotate_back2(_mm256_unpacklo_epi8(low, high)); /* numbers 0-7, 16-23 */
        __m256i b = rotate_back2(_mm256_unpackhi_epi8(low, high)); /* 8-15, 24-31 */

        store(data + 2 * i, _mm256_permute2x128_si256(a, b, 0x20));
        store(data + 2 * i + 32, _mm256_permute2x128_si256(a, b, 0x31));
    }
    return i;
}

uint64_t planes_x86_split(uint32_t width, const uint8_t *data, uint64_t count, uint8_t *const *planes)
{
    if (!__builtin_cpu_supports("avx2"))
        return 0;
    return width == 4 ? split4(data, count, planes) : width == 2 ? split2(data, count, planes) : 0;
}

uint64_t planes_x86_merge(uint32_t width, const uint8_t *const *planes, uint64_t count, uint8_t *data)
{
    if (!__builtin_cpu_supports("avx2"))
        return 0;
    return width == 4 ? merge4(planes, count, data) : width == 2 ? merge2(planes, count, data) : 0;
}
#else
uint64_t planes_x86_split(uint32_t width, const uint8_t *data, uint64_t count, uint8_t *const *planes)
{
    (void)width, (void)data, (void)count, (void)planes;
    return 0;
}

uint64_t planes_x86_merge(uint32_t width, const uint8_t *const *planes, uint64_t count, uint8_t *data)
{
    (void)width, (void)planes, (void)count, (void)data;
    return 0;
}
#endif
