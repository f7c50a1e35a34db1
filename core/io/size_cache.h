/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sizes of objects that some answer of the storage told, for as long as they may be believed. Keys are kept as 128-bit
 * fingerprints under a seed of the cache's own, so an entry has 32 bytes whatever the names are. [any thread]
 */
#ifndef DLFW_CORE_IO_SIZE_CACHE_H
#define DLFW_CORE_IO_SIZE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIZE_CACHE_ENTRIES ((uint64_t)1 << 20)

struct size_cache;

/* entries: at most; the ones that end first make room. */
struct size_cache *size_cache_create(uint64_t ttl_ns, uint64_t entries);
void size_cache_destroy(struct size_cache *c); /* NULL is fine */
void size_cache_put(struct size_cache *c, const void *key, size_t len, uint64_t size, uint64_t now);
void size_cache_drop(struct size_cache *c, const void *key, size_t len);
bool size_cache_get(struct size_cache *c, const void *key, size_t len, uint64_t now, uint64_t *ret_size);
void size_cache_figures(struct size_cache *c, uint64_t *ret_hits, uint64_t *ret_misses);

#endif
