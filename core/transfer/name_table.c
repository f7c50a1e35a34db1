/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open addressing with linear steps, at most three quarters full. The keys of the hash are drawn once per table, so
 * that nobody can prepare names that collide; among 2^32 names two meet by chance with a probability of 2^-65.
 */
#include "transfer/name_table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/str.h"

#define FIRST_ROOM 256u

struct name_table {
    struct name_entry *entries;
    uint64_t room; /* power of two */
    uint64_t count;
    uint64_t room_max;
    uint32_t parts, part; /* parts: power of two */
    uint64_t keys[2];
};

struct name_table *name_table_create(uint64_t bytes)
{
    struct name_table *t = xcalloc(1, sizeof *t);

    t->room_max = FIRST_ROOM;
    while (t->room_max * 2 * sizeof *t->entries <= bytes)
        t->room_max *= 2;
    t->room = FIRST_ROOM;
    t->entries = xcalloc(t->room, sizeof *t->entries);
    t->parts = 1;
    if (getrandom(t->keys, sizeof t->keys, GRND_NONBLOCK) != sizeof t->keys) {
        t->keys[0] = hash_mix(clock_now_ns());
        t->keys[1] = hash_mix(t->keys[0] ^ (uintptr_t)t);
    }
    return t;
}

void name_table_destroy(struct name_table *t)
{
    if (!t)
        return;
    free(t->entries);
    free(t);
}

uint32_t name_table_parts(const struct name_table *t)
{
    return t->parts;
}

void name_table_begin(struct name_table *t, uint32_t part)
{
    memset(t->entries, 0, t->room * sizeof *t->entries);
    t->count = 0;
    t->part = part;
}

static void hash_name(const struct name_table *t, const char *name, size_t len, uint64_t hash[2])
{
    uint64_t a = t->keys[0] ^ len, b = t->keys[1];

    for (size_t at = 0; at < len; at += 8) {
        uint64_t word = 0;

        memcpy(&word, name + at, len - at < 8 ? len - at : 8);
        a = hash_mix(a ^ word);
        b = hash_mix(b + word) * 0x9e3779b97f4a7c15ull;
    }
    hash[0] = hash_mix(a);
    hash[1] = hash_mix(b ^ a) | 1; /* never the mark of an empty place */
}

static bool is_covered(const struct name_table *t, const uint64_t hash[2])
{
    return (hash[0] & (t->parts - 1)) == t->part;
}

bool name_table_covers(const struct name_table *t, const char *name, size_t len)
{
    uint64_t hash[2];

    hash_name(t, name, len, hash);
    return is_covered(t, hash);
}

/* Where the hash is, or the empty place where it would go. */
static struct name_entry *place_for(struct name_entry *entries, uint64_t room, const uint64_t hash[2])
{
    for (uint64_t at = hash[1] >> 1;; at++) {
        struct name_entry *e = &entries[at & (room - 1)];

        if (!e->hash[1] || (e->hash[0] == hash[0] && e->hash[1] == hash[1]))
            return e;
    }
}

/* Moves what is still covered into room places. */
static void rebuild(struct name_table *t, uint64_t room)
{
    struct name_entry *old = t->entries;
    uint64_t old_room = t->room;

    t->entries = xcalloc(room, sizeof *t->entries);
    t->room = room;
    t->count = 0;
    for (uint64_t i = 0; i < old_room; i++) {
        if (!old[i].hash[1] || !is_covered(t, old[i].hash))
            continue;
        *place_for(t->entries, room, old[i].hash) = old[i];
        t->count++;
    }
    free(old);
}

static void make_room(struct name_table *t)
{
    if (t->room < t->room_max || t->part > 0) { /* later parts have about as many names as part 0 had */
        rebuild(t, t->room * 2);
        return;
    }
    t->parts *= 2;
    rebuild(t, t->room);
}

void name_table_add(struct name_table *t, const char *name, size_t len, uint64_t size, uint64_t mtime_ns)
{
    struct name_entry *e;
    uint64_t hash[2];

    hash_name(t, name, len, hash);
    while (t->count >= t->room / 4 * 3)
        make_room(t);
    if (!is_covered(t, hash))
        return;
    e = place_for(t->entries, t->room, hash);
    t->count += !e->hash[1];
    *e = (struct name_entry){.hash = {hash[0], hash[1]}, .size = size, .mtime_ns = mtime_ns};
}

struct name_entry *name_table_find(struct name_table *t, const char *name, size_t len)
{
    struct name_entry *e;
    uint64_t hash[2];

    hash_name(t, name, len, hash);
    e = place_for(t->entries, t->room, hash);
    return e->hash[1] ? e : NULL;
}
