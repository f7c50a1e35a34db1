/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shards with a lock each; a shard is a table of sets of four entries. A key's set is found from its fingerprint, so a
 * lookup reads two cache lines. Tables grow with use, up to their part of the limit.
 */
#include "io/size_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

#define SHARDS 16u
#define WAYS 4u
#define FIRST_SETS 64u

struct entry {
    uint64_t high, low; /* the fingerprint */
    uint64_t size;
    uint64_t until_ns; /* 0: free */
};

struct shard {
    pthread_mutex_t lock;
    struct entry *entries; /* sets * WAYS */
    uint64_t sets;         /* a power of two */
    uint64_t used;
    uint64_t hits, misses;
};

struct size_cache {
    uint64_t ttl_ns;
    uint64_t sets_max; /* of one shard */
    uint64_t seed;
    struct shard shards[SHARDS];
};

struct size_cache *size_cache_create(uint64_t ttl_ns, uint64_t entries)
{
    struct size_cache *c = xcalloc(1, sizeof *c);

    c->ttl_ns = ttl_ns;
    c->seed = hash_mix(clock_now_ns() ^ (uintptr_t)c);
    c->sets_max = 1;
    while (c->sets_max * 2 * WAYS * SHARDS <= entries)
        c->sets_max *= 2;
    for (uint32_t i = 0; i < SHARDS; i++) {
        struct shard *s = &c->shards[i];

        pthread_mutex_init(&s->lock, NULL);
        s->sets = c->sets_max < FIRST_SETS ? c->sets_max : FIRST_SETS;
        s->entries = xcalloc(s->sets * WAYS, sizeof *s->entries);
    }
    return c;
}

void size_cache_destroy(struct size_cache *c)
{
    if (!c)
        return;
    for (uint32_t i = 0; i < SHARDS; i++) {
        pthread_mutex_destroy(&c->shards[i].lock);
        free(c->shards[i].entries);
    }
    free(c);
}

struct fingerprint {
    uint64_t high, low;
};

static struct fingerprint fingerprint_of(const struct size_cache *c, const void *key, size_t len)
{
    const uint8_t *at = key;
    struct fingerprint f = {c->seed ^ len, hash_mix(c->seed) + len};

    for (; len >= 8; at += 8, len -= 8) {
        uint64_t word;

        memcpy(&word, at, 8);
        f.high = hash_mix(f.high ^ word) + 0x9e3779b97f4a7c15ull;
        f.low = (hash_mix(f.low + word) ^ f.high) * 0xff51afd7ed558ccdull;
    }
    if (len) {
        uint64_t word = 0;

        memcpy(&word, at, len);
        f.high = hash_mix(f.high ^ word) + 0x9e3779b97f4a7c15ull;
        f.low = (hash_mix(f.low + word) ^ f.high) * 0xff51afd7ed558ccdull;
    }
    f.high = hash_mix(f.high);
    f.low = hash_mix(f.low ^ f.high);
    return f;
}

static struct shard *shard_of(struct size_cache *c, struct fingerprint f)
{
    return &c->shards[f.high >> 60];
}

static struct entry *set_of(const struct shard *s, struct fingerprint f)
{
    return &s->entries[(f.low & (s->sets - 1)) * WAYS];
}

static struct entry *find(const struct shard *s, struct fingerprint f)
{
    struct entry *set = set_of(s, f);

    for (uint32_t i = 0; i < WAYS; i++) {
        if (set[i].until_ns && set[i].high == f.high && set[i].low == f.low)
            return &set[i];
    }
    return NULL;
}

/* The entry of the set that is free, or would be the first to end. */
static struct entry *victim(const struct shard *s, struct fingerprint f)
{
    struct entry *set = set_of(s, f), *first = set;

    for (uint32_t i = 1; i < WAYS; i++)
        first = set[i].until_ns < first->until_ns ? &set[i] : first;
    return first;
}

static void place(struct shard *s, const struct entry *e)
{
    struct entry *to = victim(s, (struct fingerprint){e->high, e->low});

    s->used += !to->until_ns;
    *to = *e;
}

static void grow(struct shard *s)
{
    struct entry *old = s->entries;
    uint64_t count = s->sets * WAYS;

    s->sets *= 2;
    s->used = 0;
    s->entries = xcalloc(s->sets * WAYS, sizeof *s->entries);
    for (uint64_t i = 0; i < count; i++) {
        if (old[i].until_ns)
            place(s, &old[i]);
    }
    free(old);
}

void size_cache_put(struct size_cache *c, const void *key, size_t len, uint64_t size, uint64_t now)
{
    struct fingerprint f = fingerprint_of(c, key, len);
    struct shard *s = shard_of(c, f);
    struct entry new = {.high = f.high, .low = f.low, .size = size, .until_ns = now + c->ttl_ns};
    struct entry *e;

    pthread_mutex_lock(&s->lock);
    e = find(s, f);
    if (e) {
        *e = new;
    } else {
        if (s->used * 2 > s->sets * WAYS && s->sets < c->sets_max)
            grow(s);
        place(s, &new);
    }
    pthread_mutex_unlock(&s->lock);
}

void size_cache_drop(struct size_cache *c, const void *key, size_t len)
{
    struct fingerprint f = fingerprint_of(c, key, len);
    struct shard *s = shard_of(c, f);
    struct entry *e;

    pthread_mutex_lock(&s->lock);
    e = find(s, f);
    if (e) {
        e->until_ns = 0;
        s->used--;
    }
    pthread_mutex_unlock(&s->lock);
}

bool size_cache_get(struct size_cache *c, const void *key, size_t len, uint64_t now, uint64_t *ret_size)
{
    struct fingerprint f = fingerprint_of(c, key, len);
    struct shard *s = shard_of(c, f);
    const struct entry *e;
    bool found;

    pthread_mutex_lock(&s->lock);
    e = find(s, f);
    found = e && now < e->until_ns;
    if (found)
        *ret_size = e->size;
    s->hits += found;
    s->misses += !found;
    pthread_mutex_unlock(&s->lock);
    return found;
}

void size_cache_figures(struct size_cache *c, uint64_t *ret_hits, uint64_t *ret_misses)
{
    *ret_hits = *ret_misses = 0;
    for (uint32_t i = 0; i < SHARDS; i++) {
        pthread_mutex_lock(&c->shards[i].lock);
        *ret_hits += c->shards[i].hits;
        *ret_misses += c->shards[i].misses;
        pthread_mutex_unlock(&c->shards[i].lock);
    }
}
