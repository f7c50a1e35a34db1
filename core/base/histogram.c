/* SPDX-License-Identifier: Apache-2.0 */
#include "base/histogram.h"

/* Values below 2^6 have a bucket each; above, the top 7 significant bits choose it. */
static uint32_t bucket_of(uint64_t ns)
{
    uint32_t shift;

    if (ns < (1u << HISTOGRAM_SUB_BITS))
        return (uint32_t)ns;
    shift = 63u - (uint32_t)__builtin_clzll(ns) - HISTOGRAM_SUB_BITS;
    return ((shift + 1) << HISTOGRAM_SUB_BITS) + (uint32_t)((ns >> shift) & ((1u << HISTOGRAM_SUB_BITS) - 1));
}

static uint64_t bucket_upper(uint32_t bucket)
{
    uint32_t shift = bucket >> HISTOGRAM_SUB_BITS;
    uint64_t low;

    if (!shift)
        return bucket;
    shift--;
    low = (1u << HISTOGRAM_SUB_BITS) + (bucket & ((1u << HISTOGRAM_SUB_BITS) - 1));
    return (low << shift) + ((uint64_t)1 << shift) - 1;
}

void histogram_record(struct histogram *h, uint64_t ns)
{
    if (!h->count || ns < h->min)
        h->min = ns;
    if (ns > h->max)
        h->max = ns;
    h->count++;
    h->sum += ns;
    h->buckets[bucket_of(ns)]++;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    if (!from->count)
        return;
    if (!into->count || from->min < into->min)
        into->min = from->min;
    if (from->max > into->max)
        into->max = from->max;
    into->count += from->count;
    into->sum += from->sum;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
}

uint64_t histogram_percentile(const struct histogram *h, double p)
{
    uint64_t rank, seen = 0;

    if (!h->count)
        return 0;
    rank = (uint64_t)((double)h->count * p / 100.0 + 0.999999);
    if (rank < 1)
        rank = 1;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen >= rank) {
            uint64_t upper = bucket_upper(i);

            return upper < h->max ? upper : h->max;
        }
    }
    return h->max;
}

double histogram_mean(const struct histogram *h)
{
    return h->count ? (double)h->sum / (double)h->count : 0.0;
}
