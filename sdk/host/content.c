/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content stream as docs/content.md defines it: blocks of 64 KiB, each seeded from (seed, object, block number) and
 * made by the step of the SHISHUA generator. Entering at an offset regenerates from the start of its block. Invariant:
 * the bytes depend on the definition only, never on the path, the alignment or how a range is cut into calls.
 */
#include "host/content.h"
#include "host/content_kernels.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#define GOLDEN 0x9e3779b97f4a7c15ull /* splitmix64's increment: 2^64 / golden ratio, odd */
#define FNV_OFFSET 0xcbf29ce484222325ull
#define FNV_PRIME 0x00000100000001b3ull

enum { CHECK_BYTES = 8192 }; /* generated at a time by content_check: stays in the first-level cache beside the data */

static inline void store_le64(uint8_t *out, uint64_t x)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    memcpy(out, &x, sizeof x);
}

/* splitmix64's output function */
static inline uint64_t finalise(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9ull;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

/* ---- the portable path ---- */

/* Word i of a half, taken as a 256-bit number, after a rotation to the right by 160 and by 96 bits. */
static inline uint64_t rotated_160(const uint64_t *w, unsigned i)
{
    return w[(i + 2) % 4] >> 32 | w[(i + 3) % 4] << 32;
}

static inline uint64_t rotated_96(const uint64_t *w, unsigned i)
{
    return w[(i + 1) % 4] >> 32 | w[(i + 2) % 4] << 32;
}

/* One step of one half, four words of out; the other eight words follow from both halves. */
static inline void step_half(uint64_t *restrict a, uint64_t *restrict b, const uint64_t *c, uint8_t *out)
{
    uint64_t u[4], t[4], v[4];

#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; i++)
        b[i] += c[i];
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; i++) {
        u[i] = a[i] >> 1;
        t[i] = rotated_96(b, i);
        v[i] = rotated_160(a, i);
    }
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; i++) {
        store_le64(out + sizeof(uint64_t) * i, u[i] ^ t[i]);
        a[i] = v[i] + u[i];
        b[i] = t[i] + (b[i] >> 3);
    }
}

static void emit_portable(struct content_state *state, uint8_t *out, uint64_t steps)
{
    static const uint64_t increments[4] = {CONTENT_INCREMENTS};
    struct content_state s = *state;

    for (; steps; steps--, out += CONTENT_STEP_BYTES) {
        step_half(s.a, s.b, s.c, out);
        step_half(s.a + 4, s.b + 4, s.c, out + 32);
#pragma GCC unroll 4
        for (unsigned i = 0; i < 4; i++) {
            store_le64(out + 64 + sizeof(uint64_t) * i, s.a[i] ^ s.b[4 + i]);
            store_le64(out + 96 + sizeof(uint64_t) * i, s.a[4 + i] ^ s.b[i]);
            s.c[i] += increments[i];
        }
    }
    *state = s;
}

static void skip_portable(struct content_state *state, uint64_t steps)
{
    uint8_t unused[CONTENT_STEP_BYTES];

    while (steps--)
        emit_portable(state, unused, 1);
}

/* ---- the path ---- */

static const struct content_kernel portable = {"portable", emit_portable, skip_portable};
static _Atomic(const struct content_kernel *) chosen; /* NULL: not yet; threads that race here choose the same */

static const struct content_kernel *best_kernel(void)
{
    const struct content_kernel *k = content_kernel_avx512();

    if (!k)
        k = content_kernel_avx2();
    return k ? k : &portable;
}

static const struct content_kernel *kernel(void)
{
    const struct content_kernel *k = atomic_load_explicit(&chosen, memory_order_acquire);

    if (!k) {
        k = best_kernel();
        atomic_store_explicit(&chosen, k, memory_order_release);
    }
    return k;
}

int content_use_path(const char *name)
{
    const struct content_kernel *const have[] = {&portable, content_kernel_avx2(), content_kernel_avx512()};
    const struct content_kernel *k = name ? NULL : best_kernel();

    for (unsigned i = 0; !k && i < sizeof have / sizeof *have; i++)
        if (have[i] && strcmp(have[i]->name, name) == 0)
            k = have[i];
    if (!k)
        return -1;
    atomic_store_explicit(&chosen, k, memory_order_release);
    return 0;
}

const char *content_path(void)
{
    return kernel()->name;
}

/* ---- the stream ---- */

struct stream {
    struct content_state state; /* after the steps before offset; valid when offset is inside a block */
    const struct content_kernel *kernel;
    uint64_t key[2]; /* of (seed, object) */
    uint64_t offset;
};

/* 16 words: eight splitmix64 outputs from each of two keys, so that two blocks are equal only if 128 bits are. */
static void seed_block(struct stream *s, uint64_t block)
{
    uint64_t x = finalise((s->key[0] ^ block) + GOLDEN), y = finalise((s->key[1] ^ block) + GOLDEN);

    for (unsigned i = 0; i < 8; i++) {
        s->state.a[i] = finalise(x += GOLDEN);
        s->state.b[i] = finalise(y += GOLDEN);
    }
    memset(s->state.c, 0, sizeof s->state.c);
}

static void stream_open(struct stream *s, uint64_t seed, uint64_t object, uint64_t offset)
{
    uint64_t inside = offset % CONTENT_BLOCK_BYTES;

    s->kernel = kernel();
    for (unsigned i = 0; i < 2; i++)
        s->key[i] = finalise((finalise(seed + (i + 1) * GOLDEN) ^ object) + GOLDEN);
    s->offset = offset;
    if (inside) {
        seed_block(s, offset / CONTENT_BLOCK_BYTES);
        s->kernel->skip(&s->state, inside / CONTENT_STEP_BYTES);
    }
}

/* The next len bytes. Every call but the last must end at a multiple of CONTENT_STEP_BYTES. */
static void stream_take(struct stream *s, uint8_t *out, uint64_t len)
{
    while (len) {
        uint64_t inside = s->offset % CONTENT_BLOCK_BYTES;
        uint64_t skip = s->offset % CONTENT_STEP_BYTES;
        uint64_t n = CONTENT_BLOCK_BYTES - inside;

        if (!inside)
            seed_block(s, s->offset / CONTENT_BLOCK_BYTES);
        if (n > len)
            n = len;
        if (skip || n < CONTENT_STEP_BYTES) {
            uint8_t whole[CONTENT_STEP_BYTES];

            if (n > CONTENT_STEP_BYTES - skip)
                n = CONTENT_STEP_BYTES - skip;
            s->kernel->emit(&s->state, whole, 1);
            memcpy(out, whole + skip, n);
        } else {
            n -= n % CONTENT_STEP_BYTES;
            s->kernel->emit(&s->state, out, n / CONTENT_STEP_BYTES);
        }
        out += n;
        len -= n;
        s->offset += n;
    }
}

void content_fill(uint64_t seed, uint64_t object, uint64_t offset, void *buf, uint64_t len)
{
    struct stream s;

    stream_open(&s, seed, object, offset);
    stream_take(&s, buf, len);
}

static uint64_t first_difference(const uint8_t *a, const uint8_t *b, uint64_t len)
{
    uint64_t i = 0;

    while (i < len && a[i] == b[i])
        i++;
    return i;
}

uint64_t content_check(uint64_t seed, uint64_t object, uint64_t offset, const void *data, uint64_t len)
{
    _Alignas(64) uint8_t expected[CHECK_BYTES];
    const uint8_t *p = data;
    uint64_t done = 0;
    struct stream s;

    stream_open(&s, seed, object, offset);
    while (done < len) {
        uint64_t n = CHECK_BYTES - s.offset % CONTENT_STEP_BYTES; /* so that the next piece begins with a step */

        if (n > len - done)
            n = len - done;
        stream_take(&s, expected, n);
        if (memcmp(expected, p + done, n) != 0)
            return done + first_difference(expected, p + done, n);
        done += n;
    }
    return len;
}

uint64_t content_object(const char *key, uint64_t key_len)
{
    uint64_t h = FNV_OFFSET;

    for (uint64_t i = 0; i < key_len; i++)
        h = (h ^ (uint8_t)key[i]) * FNV_PRIME;
    return h;
}
