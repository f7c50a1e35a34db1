/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a listing says of each name, in bounded memory: names are kept as 128-bit hashes under a key of this process.
 * When the table is full the names are cut into parts by their hash and only one part is kept: the same listings, run
 * once per part, see all of them. Calls from one thread at a time.
 */
#ifndef DLFW_CORE_TRANSFER_NAME_TABLE_H
#define DLFW_CORE_TRANSFER_NAME_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct name_entry {
    uint64_t hash[2]; /* both 0: empty */
    uint64_t size;
    uint64_t mtime_ns;
    bool seen; /* for the caller */
};

struct name_table;

/* bytes: of memory, about. */
struct name_table *name_table_create(uint64_t bytes);
void name_table_destroy(struct name_table *t);         /* NULL is fine */
uint32_t name_table_parts(const struct name_table *t); /* 1 as long as all names fit */
/* Empties it for part n of the parts there are now. */
void name_table_begin(struct name_table *t, uint32_t part);
/* The name belongs to the part under way. */
bool name_table_covers(const struct name_table *t, const char *name, size_t len);
/* Names of other parts are left out. In part 0 the number of parts may grow, and names go that were there. */
void name_table_add(struct name_table *t, const char *name, size_t len, uint64_t size, uint64_t mtime_ns);
struct name_entry *name_table_find(struct name_table *t, const char *name, size_t len); /* NULL: not there */

#endif
