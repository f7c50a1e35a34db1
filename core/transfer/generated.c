/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Repeats lie as far apart as they can (block n is block n modulo the number of unique ones), so that a compressor's
 * window hardly reaches them. The block is the largest power of two up to 1 MiB that divides the objects and whose
 * number the ratio divides, so the ratio holds at each smaller power of two as well, down to 4 KiB. What is left at the
 * end of objects that 4 KiB does not divide repeats among such rests only.
 */
#include "transfer/generated.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "host/content.h"

/* Bytes that a compressor spends on a run of zeros between random bytes: measured with zstd -1 to -19. */
#define RUN_COST 4.0

static uint64_t holes(const char *text)
{
    uint64_t n = 0;

    for (const char *at = strstr(text, "{}"); at; at = strstr(at + 2, "{}"))
        n++;
    return n;
}

static dlfw_status check(const struct generated *g, dlfw_error *err)
{
    uint64_t n = holes(g->key_template);

    if (!*g->key_template || n > 2)
        return dlfw_fail(err, DLFW_E_INVALID, "the name template '%s' needs '{}' for the number, at most twice",
                         g->key_template);
    if (!n && g->count > 1)
        return dlfw_fail(err, DLFW_E_INVALID,
                         "the name template '%s' has no '{}': all %" PRIu64 " objects would get one name",
                         g->key_template, g->count);
    if (!g->count || !g->dedup)
        return dlfw_fail(err, DLFW_E_INVALID, "the number of objects and the dedup ratio are at least 1");
    if (!(g->compress >= 1.0 && g->compress <= GENERATED_COMPRESS_MAX))
        return dlfw_fail(err, DLFW_E_INVALID, "a compression ratio is between 1 and %.0f", GENERATED_COMPRESS_MAX);
    if (g->size > INT64_MAX / g->count)
        return dlfw_fail(err, DLFW_E_INVALID, "%" PRIu64 " objects of %" PRIu64 " bytes are more than can be counted",
                         g->count, g->size);
    return DLFW_OK;
}

static uint64_t up_divided(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

dlfw_status generated_prepare(struct generated *g, dlfw_error *err)
{
    dlfw_status st = check(g, err);
    uint64_t total;

    if (st < 0)
        return st;
    g->block = GENERATED_BLOCK_MAX;
    while (g->block > GENERATED_BLOCK_MIN && (g->size % g->block || g->size / g->block * g->count % g->dedup))
        g->block /= 2;
    g->blocks = g->size / g->block;
    total = g->blocks * g->count;
    g->unique = up_divided(total, g->dedup);
    g->unique_rests = up_divided(g->count, g->dedup);
    g->random_bytes = GENERATED_BLOCK_MIN;
    if (g->compress > 1.0) {
        double bytes = GENERATED_BLOCK_MIN / g->compress - RUN_COST;

        g->random_bytes = bytes > 16 ? (uint32_t)(bytes + 0.5) : 16;
    }
    return DLFW_OK;
}

char *generated_key(const struct generated *g, uint64_t index)
{
    const char *first = strstr(g->key_template, "{}"), *second = first ? strstr(first + 2, "{}") : NULL;

    if (!first)
        return xstrdup(g->key_template);
    if (!second)
        return xformat("%.*s%" PRIu64 "%s", (int)(first - g->key_template), g->key_template, index, first + 2);
    return xformat("%.*s%" PRIu64 "%.*s%" PRIu64 "%s", (int)(first - g->key_template), g->key_template, index,
                   (int)(second - first - 2), first + 2, g->count, second + 2);
}

static void fill_plain(const struct generated *g, uint64_t index, uint64_t offset, void *buf, uint64_t len)
{
    char *key = generated_key(g, index);

    content_fill(g->seed, content_object(key, strlen(key)), offset, buf, len);
    free(key);
}

/* Where the bytes at offset come from: another object, the same offset or another one. Returns how many do. */
static uint64_t origin(const struct generated *g, uint64_t *index, uint64_t *offset)
{
    uint64_t within = *offset % g->block, number;

    if (*offset >= g->blocks * g->block) {
        *index %= g->unique_rests;
        return UINT64_MAX;
    }
    number = (*index * g->blocks + *offset / g->block) % g->unique;
    *index = number / g->blocks;
    *offset = number % g->blocks * g->block + within;
    return g->block - within;
}

static void fill_repeated(const struct generated *g, uint64_t index, uint64_t offset, uint8_t *buf, uint64_t len)
{
    while (len) {
        uint64_t from = index, at = offset, n = origin(g, &from, &at);

        n = n < len ? n : len;
        fill_plain(g, from, at, buf, n);
        buf += n;
        offset += n;
        len -= n;
    }
}

/* The end of every 4 KiB of the object becomes zeros. */
static void clear_ends(const struct generated *g, uint64_t offset, uint8_t *buf, uint64_t len)
{
    for (uint64_t at = 0; at < len;) {
        uint64_t within = (offset + at) % GENERATED_BLOCK_MIN;
        uint64_t n = GENERATED_BLOCK_MIN - within;

        n = n < len - at ? n : len - at;
        if (within + n > g->random_bytes) {
            uint64_t keep = within < g->random_bytes ? g->random_bytes - within : 0;

            memset(buf + at + keep, 0, n - keep);
        }
        at += n;
    }
}

void generated_fill(const struct generated *g, uint64_t index, uint64_t offset, void *buf, uint64_t len)
{
    if (g->dedup == 1)
        fill_plain(g, index, offset, buf, len);
    else
        fill_repeated(g, index, offset, buf, len);
    if (g->random_bytes < GENERATED_BLOCK_MIN)
        clear_ends(g, offset, buf, len);
}
