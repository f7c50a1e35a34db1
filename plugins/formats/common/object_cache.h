/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a format learnt from an object's metadata (a footer, a chunk table, an index), kept for the next reader of the
 * same object: the loader opens an object once per unit, the metadata are read and parsed once. Shared by all readers
 * of an instance; entries are constant once they are published. Objects do not change during a run; name and size
 * identify them.
 */
#ifndef DLFW_PLUGINS_FORMATS_COMMON_OBJECT_CACHE_H
#define DLFW_PLUGINS_FORMATS_COMMON_OBJECT_CACHE_H

#include <stdint.h>

struct object_cache;

/* Keeps entries until they take max_bytes together; the least recently used go first. NULL: out of memory. */
struct object_cache *object_cache_create(uint64_t max_bytes);
void object_cache_destroy(struct object_cache *cache); /* no reference is held any more. NULL is fine. */
/* The value of the object, with one reference, or NULL. [any] */
const void *object_cache_get(struct object_cache *cache, const char *name, uint32_t name_len, uint64_t size);
/*
 * Publishes value, which takes about bytes of memory and belongs to the cache from now on (free_value ends it when it
 * is evicted and not referenced). Returns the value to use, with one reference: another one if a reader was faster.
 * NULL: out of memory, value was freed. [any]
 */
const void *object_cache_put(struct object_cache *cache, const char *name, uint32_t name_len, uint64_t size, void *value,
                             uint64_t bytes, void (*free_value)(void *value));
void object_cache_release(struct object_cache *cache, const void *value); /* NULL is fine. [any] */

#endif
