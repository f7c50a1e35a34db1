/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content stream with 256 and 512-bit registers, which hold one or both halves of a state variable. Compiled for
 * these CPUs function by function, called only on them.
 */
#include "host/content_kernels.h"

#include <stddef.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define AVX2_INLINE static inline __attribute__((target("avx2"), always_inline))
#define AVX512 __attribute__((target("avx512f")))
#define AVX512_INLINE static inline __attribute__((target("avx512f"), always_inline))

/* a, b: half 0 and half 1 in one register each. */
struct halves256 {
    __m256i a0, a1, b0, b1, c;
};

AVX2_INLINE __m256i load256(const uint64_t *p)
{
    return _mm256_load_si256((const __m256i *)(const void *)p);
}

AVX2_INLINE void store256(void *p, __m256i v)
{
    _mm256_storeu_si256((__m256i *)p, v);
}

/* One step; the four results are out[0..3]. */
AVX2_INLINE void step256(struct halves256 *s, __m256i out[4])
{
    static const _Alignas(32) uint64_t increments[4] = {CONTENT_INCREMENTS};
    const __m256i right_160 = _mm256_setr_epi32(5, 6, 7, 0, 1, 2, 3, 4),
                  right_96 = _mm256_setr_epi32(3, 4, 5, 6, 7, 0, 1, 2);
    __m256i u0, u1, t0, t1;

    s->b0 = _mm256_add_epi64(s->b0, s->c);
    s->b1 = _mm256_add_epi64(s->b1, s->c);
    s->c = _mm256_add_epi64(s->c, load256(increments));
    u0 = _mm256_srli_epi64(s->a0, 1);
    u1 = _mm256_srli_epi64(s->a1, 1);
    t0 = _mm256_permutevar8x32_epi32(s->b0, right_96);
    t1 = _mm256_permutevar8x32_epi32(s->b1, right_96);
    s->a0 = _mm256_add_epi64(_mm256_permutevar8x32_epi32(s->a0, right_160), u0);
    s->a1 = _mm256_add_epi64(_mm256_permutevar8x32_epi32(s->a1, right_160), u1);
    s->b0 = _mm256_add_epi64(t0, _mm256_srli_epi64(s->b0, 3));
    s->b1 = _mm256_add_epi64(t1, _mm256_srli_epi64(s->b1, 3));
    out[0] = _mm256_xor_si256(u0, t0);
    out[1] = _mm256_xor_si256(u1, t1);
    out[2] = _mm256_xor_si256(s->a0, s->b1);
    out[3] = _mm256_xor_si256(s->a1, s->b0);
}

AVX2_INLINE struct halves256 begin256(const struct content_state *state)
{
    return (struct halves256){load256(state->a), load256(state->a + 4), load256(state->b), load256(state->b + 4),
                              load256(state->c)};
}

AVX2_INLINE void end256(const struct halves256 *s, struct content_state *state)
{
    store256(state->a, s->a0);
    store256(state->a + 4, s->a1);
    store256(state->b, s->b0);
    store256(state->b + 4, s->b1);
    store256(state->c, s->c);
}

AVX2 static void emit_avx2(struct content_state *state, uint8_t *out, uint64_t steps)
{
    struct halves256 s = begin256(state);

    for (; steps; steps--, out += CONTENT_STEP_BYTES) {
        __m256i v[4];

        step256(&s, v);
        store256(out, v[0]);
        store256(out + 32, v[1]);
        store256(out + 64, v[2]);
        store256(out + 96, v[3]);
    }
    end256(&s, state);
}

AVX2 static void skip_avx2(struct content_state *state, uint64_t steps)
{
    struct halves256 s = begin256(state);
    __m256i v[4];

    for (; steps; steps--)
        step256(&s, v);
    end256(&s, state);
}

/* a, b: both halves in one register. */
struct halves512 {
    __m512i a, b, c; /* c twice */
};

AVX512_INLINE void step512(struct halves512 *s, __m512i out[2])
{
    static const _Alignas(32) uint64_t increments[4] = {CONTENT_INCREMENTS};
    const __m512i right_160 = _mm512_setr_epi32(5, 6, 7, 0, 1, 2, 3, 4, 13, 14, 15, 8, 9, 10, 11, 12);
    const __m512i right_96 = _mm512_setr_epi32(3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10);
    __m512i u, t;

    s->b = _mm512_add_epi64(s->b, s->c);
    s->c = _mm512_add_epi64(s->c, _mm512_broadcast_i64x4(_mm256_load_si256((const __m256i *)(const void *)increments)));
    u = _mm512_srli_epi64(s->a, 1);
    t = _mm512_permutexvar_epi32(right_96, s->b);
    s->a = _mm512_add_epi64(_mm512_permutexvar_epi32(right_160, s->a), u);
    s->b = _mm512_add_epi64(t, _mm512_srli_epi64(s->b, 3));
    out[0] = _mm512_xor_si512(u, t);
    out[1] = _mm512_xor_si512(s->a, _mm512_shuffle_i64x2(s->b, s->b, 0x4e)); /* halves of b exchanged */
}

AVX512_INLINE struct halves512 begin512(const struct content_state *state)
{
    return (struct halves512){_mm512_load_si512(state->a), _mm512_load_si512(state->b),
                              _mm512_broadcast_i64x4(_mm256_load_si256((const __m256i *)(const void *)state->c))};
}

AVX512_INLINE void end512(const struct halves512 *s, struct content_state *state)
{
    _mm512_store_si512(state->a, s->a);
    _mm512_store_si512(state->b, s->b);
    _mm256_store_si256((__m256i *)(void *)state->c, _mm512_castsi512_si256(s->c));
}

AVX512 static void emit_avx512(struct content_state *state, uint8_t *out, uint64_t steps)
{
    struct halves512 s = begin512(state);

    for (; steps; steps--, out += CONTENT_STEP_BYTES) {
        __m512i v[2];

        step512(&s, v);
        _mm512_storeu_si512(out, v[0]);
        _mm512_storeu_si512(out + 64, v[1]);
    }
    end512(&s, state);
}

AVX512 static void skip_avx512(struct content_state *state, uint64_t steps)
{
    struct halves512 s = begin512(state);
    __m512i v[2];

    for (; steps; steps--)
        step512(&s, v);
    end512(&s, state);
}

const struct content_kernel *content_kernel_avx2(void)
{
    static const struct content_kernel kernel = {"avx2", emit_avx2, skip_avx2};

    return __builtin_cpu_supports("avx2") ? &kernel : NULL;
}

const struct content_kernel *content_kernel_avx512(void)
{
    static const struct content_kernel kernel = {"avx512", emit_avx512, skip_avx512};

    return __builtin_cpu_supports("avx512f") ? &kernel : NULL;
}

#else

const struct content_kernel *content_kernel_avx2(void)
{
    return NULL;
}

const struct content_kernel *content_kernel_avx512(void)
{
    return NULL;
}

#endif
