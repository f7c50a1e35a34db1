/* SPDX-License-Identifier: Apache-2.0 */
/* A list in order of use under one lock: entries are few (open files), values large. */
#include "common/object_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct entry *newer, *older;
    void *value;
    void (*free_value)(void *value);
    uint64_t bytes;
    uint64_t size; /* of the object */
    uint32_t refs;
    uint32_t name_len;
    char name[];
};

struct object_cache {
    pthread_mutex_t lock;
    struct entry *newest, *oldest;
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
    free(cache);
}

static struct entry *find(struct object_cache *cache, const char *name, uint32_t name_len, uint64_t size)
{
    for (struct entry *e = cache->newest; e; e = e->older)
        if (e->size == size && e->name_len == name_len && memcmp(e->name, name, name_len) == 0)
            return e;
    return NULL;
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
    const void *value = NULL;
    struct entry *e;

    pthread_mutex_lock(&cache->lock);
    e = find(cache, name, name_len, size);
    if (e)
        value = take(cache, e);
    pthread_mutex_unlock(&cache->lock);
    return value;
}

const void *object_cache_put(struct object_cache *cache, const char *name, uint32_t name_len, uint64_t size, void *value,
                             uint64_t bytes, void (*free_value)(void *value))
{
    struct entry *fresh = calloc(1, sizeof *fresh + name_len), *e;
    const void *result;

    if (!fresh) {
        free_value(value);
        return NULL;
    }
    fresh->value = value;
    fresh->free_value = free_value;
    fresh->bytes = bytes + sizeof *fresh + name_len;
    fresh->size = size;
    fresh->name_len = name_len;
    memcpy(fresh->name, name, name_len);
    pthread_mutex_lock(&cache->lock);
    e = find(cache, name, name_len, size);
    if (e) {
        free_value(value);
        free(fresh);
    } else {
        e = fresh;
        cache->bytes += e->bytes;
        push_newest(cache, e);
    }
    result = take(cache, e);
    evict(cache);
    pthread_mutex_unlock(&cache->lock);
    return result;
}

void object_cache_release(struct object_cache *cache, const void *value)
{
    if (!value)
        return;
    pthread_mutex_lock(&cache->lock);
    for (struct entry *e = cache->newest; e; e = e->older)
        if (e->value == value) {
            e->refs--;
            break;
        }
    evict(cache);
    pthread_mutex_unlock(&cache->lock);
}
