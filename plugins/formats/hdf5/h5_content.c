/* SPDX-License-Identifier: Apache-2.0 */
#include "h5_content.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK 65536u /* docs/content.md */
#define SLOTS 128u

struct h5_content {
    const dlfw_host *host;
    uint64_t seed, object;
    uint64_t held[SLOTS]; /* number of the block + 1 */
    uint8_t *blocks[SLOTS];
};

struct h5_content *h5_content_create(const dlfw_host *host, uint64_t seed, uint64_t object)
{
    struct h5_content *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->host = host;
    c->seed = seed;
    c->object = object;
    return c;
}

void h5_content_destroy(struct h5_content *c)
{
    for (uint32_t i = 0; c && i < SLOTS; i++)
        free(c->blocks[i]);
    free(c);
}

/* The block, or NULL when there is no memory to keep it. */
static const uint8_t *block(struct h5_content *c, uint64_t number)
{
    const uint32_t slot = (uint32_t)(number % SLOTS);

    if (c->held[slot] == number + 1)
        return c->blocks[slot];
    if (!c->blocks[slot])
        c->blocks[slot] = malloc(BLOCK);
    if (!c->blocks[slot])
        return NULL;
    c->host->content_fill(c->seed, c->object, number * BLOCK, c->blocks[slot], BLOCK);
    c->held[slot] = number + 1;
    return c->blocks[slot];
}

/* Bytes of the next piece: up to the end of its block. */
static uint64_t piece(uint64_t offset, uint64_t len)
{
    const uint64_t left = BLOCK - offset % BLOCK;

    return len < left ? len : left;
}

void h5_content_copy(struct h5_content *c, uint64_t offset, uint8_t *out, uint64_t len)
{
    if (len >= BLOCK) {
        c->host->content_fill(c->seed, c->object, offset, out, len);
        return;
    }
    while (len) {
        const uint64_t n = piece(offset, len);
        const uint8_t *from = block(c, offset / BLOCK);

        if (from)
            memcpy(out, from + offset % BLOCK, n);
        else
            c->host->content_fill(c->seed, c->object, offset, out, n);
        offset += n;
        out += n;
        len -= n;
    }
}

static uint64_t first_difference(const uint8_t *a, const uint8_t *b, uint64_t len)
{
    uint64_t i = 0;

    if (memcmp(a, b, len) == 0)
        return len;
    while (a[i] == b[i])
        i++;
    return i;
}

uint64_t h5_content_compare(struct h5_content *c, uint64_t offset, const uint8_t *data, uint64_t len)
{
    uint64_t done = 0;

    if (len >= BLOCK)
        return c->host->content_check(c->seed, c->object, offset, data, len);
    while (done < len) {
        const uint64_t n = piece(offset + done, len - done);
        const uint8_t *block_data = block(c, (offset + done) / BLOCK);
        uint64_t good;

        if (block_data)
            good = first_difference(block_data + (offset + done) % BLOCK, data + done, n);
        else
            good = c->host->content_check(c->seed, c->object, offset + done, data + done, n);
        done += good;
        if (good < n)
            break;
    }
    return done;
}
