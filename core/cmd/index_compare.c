/* SPDX-License-Identifier: Apache-2.0 */
/* A sink that keeps nothing: what the format writes is held against the index that is there, which is read in chunks.
 */
#include "cmd/index_compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (256u << 10)
#define CHUNK_ALIGN 4096u
#define ENTRY_CAP 64u /* two numbers of 20 digits, a blank, a newline; the binary one has 16 bytes */

/* What compares the index that is there with the one that the format writes, entry by entry. */
struct comparison {
    const char *key; /* of the index */
    struct io_queue *queue;
    bool binary;
    uint64_t offset, size; /* of the index that is there */
    char *chunk;           /* its bytes from offset on; offset moves when they are used up */
    uint64_t chunk_len, chunk_at;
    uint64_t entries; /* that are equal */
    char entry[ENTRY_CAP];
    uint32_t entry_len;
    char window[4096];
};

static dlfw_status next_chunk(struct comparison *c, dlfw_error *err)
{
    uint64_t left = c->size - c->offset;
    struct io_op op = {.op = DLFW_OP_GET, .key = c->key, .buf = (uint8_t *)c->chunk, .offset = c->offset};
    dlfw_status st;

    op.key_len = (uint32_t)strlen(op.key);
    op.length = left < CHUNK_BYTES ? left : CHUNK_BYTES;
    op.buf_cap = CHUNK_BYTES * 2;
    st = io_call(c->queue, &op, err);
    if (st < 0)
        return st;
    if (op.bytes < op.length)
        return dlfw_fail(err, DLFW_E_CORRUPT, "'%s' ends at byte %" PRIu64 " while it is read", op.key,
                         op.offset + op.bytes);
    memmove(c->chunk, op.data, op.length);
    c->chunk_len = op.length;
    c->chunk_at = 0;
    c->offset += op.length;
    return DLFW_OK;
}

/* The next entry of the index that is there; shorter than len, or not an entry at all, when it is another one. */
static dlfw_status existing_entry(struct comparison *c, char entry[ENTRY_CAP], uint32_t *ret_len, dlfw_error *err)
{
    uint32_t n = 0;

    while (n < (c->binary ? 16 : ENTRY_CAP) && (c->chunk_at < c->chunk_len || c->offset < c->size)) {
        if (c->chunk_at == c->chunk_len) {
            dlfw_status st = next_chunk(c, err);

            if (st < 0)
                return st;
        }
        entry[n++] = c->chunk[c->chunk_at++];
        if (!c->binary && entry[n - 1] == '\n')
            break;
    }
    *ret_len = n;
    return DLFW_OK;
}

static uint64_t le64(const char *p)
{
    uint64_t v = 0;

    for (int i = 7; i >= 0; i--)
        v = v << 8 | (uint8_t)p[i];
    return v;
}

/* An entry for people; bytes that are no text become dots. */
static void entry_text(const struct comparison *c, const char *entry, uint32_t len, char text[ENTRY_CAP])
{
    uint32_t n = 0;

    if (c->binary && len == 16) {
        snprintf(text, ENTRY_CAP, "%" PRIu64 " %" PRIu64, le64(entry), le64(entry + 8));
        return;
    }
    for (; n < len && n < ENTRY_CAP - 1 && entry[n] != '\n'; n++)
        text[n] = entry[n] >= ' ' && entry[n] <= '~' ? entry[n] : '.';
    text[n] = '\0';
}

static dlfw_status entries_differ(const struct comparison *c, const char *found, uint32_t found_len, dlfw_error *err)
{
    char is[ENTRY_CAP], should[ENTRY_CAP];

    entry_text(c, c->entry, c->entry_len, should);
    if (!found_len)
        return dlfw_fail(err, DLFW_E_CORRUPT, "index '%s' ends after entry %" PRIu64 ", the file's next record is '%s'",
                         c->key, c->entries, should);
    entry_text(c, found, found_len, is);
    return dlfw_fail(err, DLFW_E_CORRUPT, "index '%s': entry %" PRIu64 " is '%s', the file's record is '%s'", c->key,
                     c->entries, is, should);
}

static dlfw_status compare_write(void *ctx, const void *data, uint64_t len, dlfw_error *err)
{
    struct comparison *c = ctx;
    const char *p = data;

    for (; len; len--, p++) {
        char found[ENTRY_CAP];
        uint32_t found_len = 0;
        dlfw_status st;

        c->entry[c->entry_len++] = *p;
        if (c->entry_len < ENTRY_CAP && (c->binary ? c->entry_len < 16 : *p != '\n'))
            continue;
        st = existing_entry(c, found, &found_len, err);
        if (st < 0)
            return st;
        if (found_len != c->entry_len || memcmp(found, c->entry, found_len) != 0)
            return entries_differ(c, found, found_len, err);
        c->entry_len = 0;
        c->entries++;
    }
    return DLFW_OK;
}

static dlfw_status compare_window(void *ctx, void **ret, uint64_t *ret_len, dlfw_error *err)
{
    struct comparison *c = ctx;

    (void)err;
    *ret = c->window;
    *ret_len = sizeof c->window;
    return DLFW_OK;
}

static dlfw_status compare_advance(void *ctx, uint64_t n, dlfw_error *err)
{
    struct comparison *c = ctx;

    return compare_write(c, c->window, n, err);
}

static dlfw_status compare_patch(void *ctx, uint64_t offset, const void *data, uint64_t len, dlfw_error *err)
{
    (void)ctx;
    (void)offset;
    (void)data;
    (void)len;
    return dlfw_fail(err, DLFW_E_UNSUPPORTED, "an index that is patched cannot be compared");
}

dlfw_status index_compare(struct storage *storage, const char *key, bool binary, const dlfw_format_ops *ops,
                          dlfw_reader *reader, dlfw_error *err)
{
    struct comparison c = {.key = key, .binary = binary};
    dlfw_sink sink = {.struct_size = sizeof sink,
                      .ctx = &c,
                      .window = compare_window,
                      .advance = compare_advance,
                      .write = compare_write,
                      .patch = compare_patch};
    dlfw_status st;

    c.chunk = aligned_alloc(CHUNK_ALIGN, (size_t)CHUNK_BYTES * 2);
    if (!c.chunk)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory to read index '%s'", key);
    st = io_queue_create(storage, 1, &c.queue, err);
    if (st >= 0)
        st = io_stat(c.queue, key, &c.size, err);
    if (st >= 0)
        st = ops->write_side(reader, 0, &sink, err);
    if (st >= 0 && (c.chunk_at < c.chunk_len || c.offset < c.size))
        st = dlfw_fail(err, DLFW_E_CORRUPT,
                       "index '%s' holds more than the file's %" PRIu64 " records (at its byte %" PRIu64 ")", key,
                       c.entries, c.offset - (c.chunk_len - c.chunk_at));
    io_queue_destroy(c.queue);
    free(c.chunk);
    return st;
}
