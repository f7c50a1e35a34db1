/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of an epoch as arithmetic: no table, so a dataset of billions of samples costs the same memory as a small
 * one, and every rank computes the same order without talking to the others.
 */
#include "loader/sample_order.h"

#include "base/error.h"
#include "base/str.h"

#define GOLDEN 0x9e3779b97f4a7c15ull

/*
 * Six rounds leave no structure that chi-square tests of pairs and distances find from 2^16 on (four do), but the
 * halves of a small domain have few round functions to draw from: a domain of 8 needs 20 rounds until no index prefers
 * a place.
 */
static unsigned rounds_of(unsigned bits)
{
    return bits < 8 ? 24 : bits < 16 ? 10 : 6;
}

static uint64_t low_bits(unsigned count)
{
    return count ? UINT64_MAX >> (64 - count) : 0;
}

static inline uint64_t round_mix(uint64_t half, uint64_t key, unsigned round)
{
    uint64_t x = (half ^ (key + round * GOLDEN)) * 0xbf58476d1ce4e5b9ull;

    x = (x ^ x >> 32) * 0x94d049bb133111ebull;
    return x ^ x >> 32;
}

/*
 * A Feistel network permutes the smallest power of two that holds n; the halves may differ by a bit, so fewer than two
 * walks are needed on average until the result falls below n. Walking a cycle from inside [0, n) back into it is a
 * bijection of [0, n).
 */
static inline __attribute__((always_inline)) uint64_t walk(uint64_t index, uint64_t n, uint64_t key, unsigned bits,
                                                           unsigned rounds)
{
    const unsigned left_bits = bits / 2, right_bits = bits - left_bits;
    const uint64_t left_mask = low_bits(left_bits), right_mask = low_bits(right_bits);

    do {
        uint64_t left = index >> right_bits, right = index & right_mask;

        for (unsigned round = 0; round < rounds; round += 2) { /* each half in turn by the other */
            left ^= round_mix(right, key, round) & left_mask;
            right ^= round_mix(left, key, round + 1) & right_mask;
        }
        index = left << right_bits | right;
    } while (index >= n);
    return index;
}

uint64_t permute_index(uint64_t index, uint64_t n, uint64_t key)
{
    const unsigned bits = n > 1 ? 64 - (unsigned)__builtin_clzll(n - 1) : 0;

    if (n < 2)
        return 0;
    DLFW_BUG_IF(index >= n); /* its cycle may never come below n */
    if (bits >= 16)
        return walk(index, n, key, bits, 6); /* a constant lets the rounds of one index overlap those of the next */
    return walk(index, n, key, bits, rounds_of(bits));
}

void sample_order_init(struct sample_order *o, uint64_t files, uint64_t samples_per_file, uint64_t unit,
                       bool shuffle_files, bool shuffle_samples, uint64_t seed, uint64_t epoch)
{
    *o = (struct sample_order){
        .files = files,
        .samples_per_file = samples_per_file,
        .unit = unit,
        .shuffle_files = shuffle_files,
        .shuffle_samples = shuffle_samples,
        .key = hash_mix((hash_mix(seed + GOLDEN) ^ epoch) + GOLDEN),
        .inverse = samples_per_file ? UINT64_MAX / samples_per_file : 0,
    };
}

/* Among the samples of one file: its full units in a permuted order, each permuted, then the smaller one. */
static uint64_t inside_file(const struct sample_order *o, uint64_t file, uint64_t inside)
{
    const uint64_t full = o->samples_per_file / o->unit, key = hash_mix((~o->key ^ file) + GOLDEN);
    uint64_t unit = inside / o->unit, size = o->unit;

    inside %= o->unit;
    if (unit < full)
        unit = permute_index(unit, full, key);
    else
        size = o->samples_per_file % o->unit;
    return unit * o->unit + permute_index(inside, size, full > 1 ? hash_mix((~key ^ unit) + GOLDEN) : key);
}

/* A division of 64 bits takes longer than the rest of the work. The product with the inverse is too small by one or two
 * at most. */
static uint64_t file_of(const struct sample_order *o, uint64_t position, uint64_t *ret_inside)
{
    uint64_t file = (uint64_t)((unsigned __int128)position * o->inverse >> 64);
    uint64_t inside = position - file * o->samples_per_file;

    for (; inside >= o->samples_per_file; file++)
        inside -= o->samples_per_file;
    *ret_inside = inside;
    return file;
}

struct sample_place sample_order_at(const struct sample_order *o, uint64_t position)
{
    uint64_t file, inside;

    if (o->unit == 1 && o->shuffle_samples)
        position = permute_index(position, o->files * o->samples_per_file, o->key);
    file = file_of(o, position, &inside);
    if (o->unit == 1 && o->shuffle_samples)
        return (struct sample_place){file, inside};
    if (o->shuffle_files)
        file = permute_index(file, o->files, o->key);
    return (struct sample_place){file, o->shuffle_samples ? inside_file(o, file, inside) : inside};
}

uint64_t sample_order_run(const struct sample_order *o, uint64_t position)
{
    uint64_t inside = position % o->samples_per_file;
    uint64_t unit = o->unit - inside % o->unit, file = o->samples_per_file - inside;

    return unit < file ? unit : file;
}

struct shard shard_of(uint64_t samples, uint64_t batch, uint32_t rank, uint32_t ranks)
{
    uint64_t steps = batch && ranks ? samples / ranks / batch : 0;

    return (struct shard){steps, rank * steps * batch, samples - steps * batch * ranks};
}
