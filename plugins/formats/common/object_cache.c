/* SPDX-License-Identifier: Apache-2.0 */
/* A list in order of use and two hash tables, by object and by value, under one lock. */
#include "common/object_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct entry *newer, *older;
    struct entry *next_named, *next_valued; /* in their buckets */
    void *value;
    void (*free_value)(void *value);
    uint64_t hash; /* of name and size */
    uint64_t bytes;
    uint64_t size; /* of the object */
    uint32_t refs;
    uint32_t name_len;
    char name[];
};

struct object_cache {
    pthread_mutex_t lock;
    struct entry *newest, *oldest;
    struct entry **named, **valued;
    uint64_t buckets; /* of each table; a power of two, 0 at first */
    uint64_t count;
    uint64_t bytes, max_bytes;
};

struct object_cache *object_cache_create(uint64_t max_bytes)
{
    struct object_cache *cache = calloc(1, sizeof *cache);

    if (!cache)
        return NULL;
    pthread_mutex_init(&cache->lock, NULL);
    cache->max_bytes = max_bytes;
    return cache;
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 32) * 0x9e3779b97f4a7c15u;
    return x ^ x >> 29;
}

static uint64_t hash_of(const char *name, uint32_t name_len, uint64_t size)
{
    uint64_t hash = mix(size + name_len);

    for (; name_len; name++, name_len--)
        hash = (hash ^ (uint8_t)*name) * 0x100000001b3u;
    return mix(hash);
}

static struct entry **named_bucket(const struct object_cache *cache, uint64_t hash)
{
    return &cache->named[hash & (cache->buckets - 1)];
}

static struct entry **valued_bucket(const struct object_cache *cache, const void *value)
{
    return &cache->valued[mix((uint64_t)(uintptr_t)value) & (cache->buckets - 1)];
}

static void enter_tables(struct object_cache *cache, struct entry *e)
{
    struct entry **named = named_bucket(cache, e->hash), **valued = valued_bucket(cache, e->value);

    e->next_named = *named;
    *named = e;
    e->next_valued = *valued;
    *valued = e;
}

static void leave_tables(struct object_cache *cache, struct entry *e)
{
    struct entry **link = named_bucket(cache, e->hash);

    while (*link != e)
        link = &(*link)->next_named;
    *link = e->next_named;
    link = valued_bucket(cache, e->value);
    while (*link != e)
        link = &(*link)->next_valued;
    *link = e->next_valued;
}

/* Room for one more. False: out of memory. */
static int grow(struct object_cache *cache)
{
    uint64_t buckets = cache->buckets ? cache->buckets * 2 : 64;
    struct entry **named, **valued;

    if (cache->count < cache->buckets)
        return 1;
    named = calloc(buckets, sizeof(struct entry *));
    valued = calloc(buckets, sizeof(struct entry *));
    if (!named || !valued) {
        free(named);
        free(valued);
        return cache->buckets != 0; /* full buckets work as well */
    }
    free(cache->named);
    free(cache->valued);
    cache->named = named;
    cache->valued = valued;
    cache->buckets = buckets;
    for (struct entry *e = cache->newest; e; e = e->older)
        enter_tables(cache, e);
    return 1;
}

static void unlink_entry(struct object_cache *cache, struct entry *e)
{
    *(e->newer ? &e->newer->older : &cache->newest) = e->older;
    *(e->older ? &e->older->newer : &cache->oldest) = e->newer;
    e->newer = e->older = NULL;
}

static void push_newest(struct object_cache *cache, struct entry *e)
{
    e->older = cache->newest;
    e->newer = NULL;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = e;
    cache->newest = e;
}

static void drop(struct object_cache *cache, struct entry *e)
{
    unlink_entry(cache, e);
    leave_tables(cache, e);
    cache->count--;
    cache->bytes -= e->bytes;
    e->free_value(e->value);
    free(e);
}

static void evict(struct object_cache *cache)
{
    struct entry *next;

    for (struct entry *e = cache->oldest; e && cache->bytes > cache->max_bytes; e = next) {
        next = e->newer;
        if (!e->refs)
            drop(cache, e);
    }
}

void object_cache_destroy(struct object_cache *cache)
{
    if (!cache)
        return;
    while (cache->oldest)
        drop(cache, cache->oldest);
    pthread_mutex_destroy(&cache->lock);
    free(cache->named);
    free(cache->valued);
    free(cache);
}

static struct entry *find(struct object_cache *cache, uint64_t hash, const char *name, uint32_t name_len, uint64_t size)
{
    struct entry *e = cache->buckets ? *named_bucket(cache, hash) : NULL;

    while (e && (e->hash != hash || e->size != size || e->name_len != name_len || memcmp(e->name, name, name_len) != 0))
        e = e->next_named;
    return e;
}

static const void *take(struct object_cache *cache, struct entry *e)
{
    e->refs++;
    unlink_entry(cache, e);
    push_newest(cache, e);
    return e->value;
}

const void *object_cache_get(struct object_cache *cache, const char *name, uint32_t name_len, uint64_t size)
{
    const uint64_t hash = hash_of(name, name_len, size);
    const void *value = NULL;
    struct entry *e;

    pthread_mutex_lock(&cache->lock);
    e = find(cache, hash, name, name_len, size);
    if (e)
        value = take(cache, e);
    pthread_mutex_unlock(&cache->lock);
    return value;
}

static struct entry *new_entry(const char *name, uint32_t name_len, uint64_t size, void *value, uint64_t bytes,
                               void (*free_value)(void *value))
{
    struct entry *e = calloc(1, sizeof *e + name_len);

    if (!e)
        return NULL;
    e->value = value;
    e->free_value = free_value;
    e->bytes = bytes + sizeof *e + name_len;
    e->size = size;
    e->hash = hash_of(name, name_len, size);
    e->name_len = name_len;
    memcpy(e->name, name, name_len);
    return e;
}

const void *object_cache_put(struct object_cache *cache, const char *name, uint32_t name_len, uint64_t size,
                             void *value, uint64_t bytes, void (*free_value)(void *value))
{
    struct entry *fresh = new_entry(name, name_len, size, value, bytes, free_value), *e;
    const void *result = NULL;

    pthread_mutex_lock(&cache->lock);
    if (!fresh || !grow(cache))
        goto out;
    e = find(cache, fresh->hash, name, name_len, size);
    if (!e) {
        e = fresh;
        fresh = NULL;
        enter_tables(cache, e);
        cache->count++;
        cache->bytes += e->bytes;
        push_newest(cache, e);
        value = NULL;
    }
    result = take(cache, e);
    evict(cache);
out:
    pthread_mutex_unlock(&cache->lock);
    free(fresh);
    if (value)
        free_value(value);
    return result;
}

void object_cache_release(struct object_cache *cache, const void *value)
{
    struct entry *e;

    if (!value)
        return;
    pthread_mutex_lock(&cache->lock);
    for (e = *valued_bucket(cache, value); e->value != value; e = e->next_valued)
        ;
    e->refs--;
    evict(cache);
    pthread_mutex_unlock(&cache->lock);
}
