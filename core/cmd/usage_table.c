/* SPDX-License-Identifier: Apache-2.0 */
/* An open hash table, at most half full. */
#include "cmd/usage_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define FIRST_ROOM 64u

static uint64_t hash_of(const char *name, size_t len)
{
    uint64_t h = len;

    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)name[i]) * 0x100000001b3ull;
    return hash_mix(h);
}

static struct usage *slot_of(const struct usage_table *t, const char *name, size_t len, uint64_t hash)
{
    uint32_t at = (uint32_t)hash & (t->room - 1);

    for (;; at = (at + 1) & (t->room - 1)) {
        struct usage *u = &t->items[at];

        if (!u->name || (u->hash == hash && strncmp(u->name, name, len) == 0 && !u->name[len]))
            return u;
    }
}

static void grow(struct usage_table *t)
{
    struct usage_table old = *t;

    t->room = old.room ? old.room * 2 : FIRST_ROOM;
    t->items = xcalloc(t->room, sizeof *t->items);
    for (uint32_t i = 0; i < old.room; i++)
        if (old.items[i].name)
            *slot_of(t, old.items[i].name, strlen(old.items[i].name), old.items[i].hash) = old.items[i];
    free(old.items);
}

struct usage *usage_row(struct usage_table *t, const char *name, size_t name_len)
{
    uint64_t hash = hash_of(name, name_len);
    struct usage *u;

    if (2 * t->count >= t->room)
        grow(t);
    u = slot_of(t, name, name_len, hash);
    if (!u->name) {
        *u = (struct usage){.name = xstrndup(name, name_len), .hash = hash};
        t->count++;
    }
    return u;
}

static void add(struct usage_table *t, const char *name, size_t len, uint64_t objects, uint64_t bytes)
{
    struct usage *u = usage_row(t, name, len);

    u->objects += objects;
    u->bytes += bytes;
}

void usage_merge(struct usage_table *into, const struct usage_table *from)
{
    for (uint32_t i = 0; i < from->room; i++)
        if (from->items[i].name)
            add(into, from->items[i].name, strlen(from->items[i].name), from->items[i].objects, from->items[i].bytes);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct usage *)a)->name, ((const struct usage *)b)->name);
}

void usage_finish(struct usage_table *t)
{
    struct usage_table sums = {0};
    uint32_t kept = 0;

    for (uint32_t i = 0; i < t->room; i++) {
        const struct usage *u = &t->items[i];

        for (const char *slash = u->name ? strchr(u->name, '/') : NULL; slash; slash = strchr(slash + 1, '/'))
            add(&sums, u->name, (size_t)(slash + 1 - u->name), u->objects, u->bytes);
    }
    usage_free(t);
    *t = sums;
    for (uint32_t i = 0; i < t->room; i++) {
        struct usage u = t->items[i];

        t->items[i].name = NULL;
        if (u.name)
            t->items[kept++] = u;
    }
    if (kept)
        qsort(t->items, kept, sizeof *t->items, by_name);
}

void usage_free(struct usage_table *t)
{
    for (uint32_t i = 0; i < t->room; i++)
        free(t->items[i].name);
    free(t->items);
    *t = (struct usage_table){0};
}
