/* SPDX-License-Identifier: Apache-2.0 */
/* Growable text, always NUL-terminated, and an arena for strings that live together. Out of memory ends the program
 * (xmalloc family): these are for set-up and reports, never for payload. */
#ifndef DLFW_CORE_BASE_STR_H
#define DLFW_CORE_BASE_STR_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    char *data; /* "" before the first append */
    size_t len;
    size_t cap;
};
#define STR_EMPTY                                                                                                      \
    {                                                                                                                  \
        (char *)"", 0, 0                                                                                               \
    }

void str_add(struct str *s, const char *text);
void str_add_len(struct str *s, const char *text, size_t len);
void str_add_format(struct str *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void str_clear(struct str *s); /* keeps the memory */
void str_free(struct str *s);

void *xmalloc(size_t bytes);
void *xcalloc(size_t count, size_t bytes);
void *xrealloc(void *p, size_t bytes);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t len);
char *xformat(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Memory that is freed all at once. */
struct arena {
    struct arena_block *blocks;
};
void *arena_alloc(struct arena *a, size_t bytes); /* zeroed, 16-aligned */
char *arena_strndup(struct arena *a, const char *text, size_t len);
char *arena_format(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *a);

/* splitmix64's finaliser */
static inline uint64_t hash_mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9ull;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

#endif
