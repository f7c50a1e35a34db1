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
uint64_t permute_index(uint64_t index, uint64_t n, uint64_t key)
{
    const unsigned bits = n > 1 ? 64 - (unsigned)__builtin_clzll(n - 1) : 0;
    const unsigned rounds = rounds_of(bits);
    const unsigned left_bits = bits / 2, right_bits = bits - left_bits;
    const uint64_t left_mask = low_bits(left_bits), right_mask = low_bits(right_bits);

    if (n < 2)
        return 0;
    DLFW_BUG_IF(index >= n); /* its cycle may never come below n */
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

void sample_order_init(struct sample_order *o, uint64_t files, uint64_t samples_per_file, uint64_t group,
                       bool shuffle_groups, bool shuffle_inside, uint64_t seed, uint64_t epoch)
{
    *o = (struct sample_order){
        .files = files,
        .samples_per_file = samples_per_file,
        .group = group,
        .shuffle_groups = shuffle_groups,
        .shuffle_inside = shuffle_inside,
        .key = hash_mix((hash_mix(seed + GOLDEN) ^ epoch) + GOLDEN),
    };
}

struct sample_place sample_order_at(const struct sample_order *o, uint64_t position)
{
    uint64_t group = position / o->group, inside = position % o->group, index;

    if (o->shuffle_groups)
        group = permute_index(group, o->files * (o->samples_per_file / o->group), o->key);
    if (o->shuffle_inside)
        inside = permute_index(inside, o->group, hash_mix((~o->key ^ group) + GOLDEN));
    index = group * o->group + inside;
    return (struct sample_place){index / o->samples_per_file, index % o->samples_per_file};
}

struct shard shard_of(uint64_t samples, uint64_t batch, uint32_t rank, uint32_t ranks)
{
    uint64_t steps = batch && ranks ? samples / ranks / batch : 0;

    return (struct shard){steps, rank * steps * batch, samples - steps * batch * ranks};
}
