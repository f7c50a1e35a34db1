/* SPDX-License-Identifier: Apache-2.0 */
/* Invariant: what is read is what was written; a page that ends early or is too long is refused. */
#include "workload/file_list_pages.h"

#include <string.h>

static void put_number(struct str *out, uint64_t value)
{
    char bytes[10];
    uint32_t n = 0;

    do {
        bytes[n] = (char)(value & 0x7f);
        value >>= 7;
        if (value)
            bytes[n] |= (char)0x80;
        n++;
    } while (value);
    str_add_len(out, bytes, n);
}

struct page_reader {
    const unsigned char *at, *end;
    bool ok;
};

static uint64_t take_number(struct page_reader *r)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64 && r->at < r->end; shift += 7) {
        unsigned char byte = *r->at++;

        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    r->ok = false;
    return 0;
}

/* Small differences of either sign become small numbers. */
static uint64_t fold(uint64_t difference)
{
    return difference << 1 ^ (uint64_t) - (int64_t)(difference >> 63);
}

static uint64_t unfold(uint64_t value)
{
    return value >> 1 ^ (uint64_t) - (int64_t)(value & 1);
}

static size_t shared_prefix(const char *a, const char *b)
{
    size_t n = 0;

    while (a[n] && a[n] == b[n])
        n++;
    return n;
}

void file_list_page_write(const struct file_list *list, uint64_t first, uint64_t count, struct str *out)
{
    const char *before = "";
    uint64_t size = 0;

    for (uint64_t i = first; i < first + count; i++) {
        put_number(out, fold(list->sizes[i] - size));
        size = list->sizes[i];
        if (list->keys) {
            size_t shared = shared_prefix(before, list->keys[i]);

            put_number(out, shared);
            put_number(out, strlen(list->keys[i]) - shared);
            str_add(out, list->keys[i] + shared);
            before = list->keys[i];
        }
    }
}

static char *take_key(struct file_list *list, const char *before, struct page_reader *r)
{
    uint64_t shared = take_number(r), rest = take_number(r);
    char *key;

    if (!r->ok || shared > strlen(before) || rest > (uint64_t)(r->end - r->at)) {
        r->ok = false;
        return NULL;
    }
    key = arena_alloc(&list->arena, shared + rest + 1);
    memcpy(key, before, shared);
    memcpy(key + shared, r->at, rest);
    key[shared + rest] = '\0';
    r->at += rest;
    return key;
}

bool file_list_page_read(struct file_list *list, uint64_t first, uint64_t count, const char *data, uint64_t len)
{
    struct page_reader r = {(const unsigned char *)data, (const unsigned char *)data + len, true};
    const char *before = "";
    uint64_t size = 0;

    if (first > list->count || count > list->count - first)
        return false;
    for (uint64_t i = first; i < first + count && r.ok; i++) {
        size += unfold(take_number(&r));
        list->sizes[i] = size;
        if (list->keys)
            before = list->keys[i] = take_key(list, before, &r);
    }
    return r.ok && r.at == r.end;
}

void file_list_begin(const struct dataset *ds, const char *extension, uint64_t count, bool names, struct file_list *ret)
{
    *ret = (struct file_list){.dataset = ds, .extension = extension, .count = count};
    ret->sizes = xcalloc(count, sizeof *ret->sizes);
    if (names)
        ret->keys = xcalloc(count, sizeof *ret->keys);
}
