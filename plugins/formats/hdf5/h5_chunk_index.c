/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four kinds of index: the B-tree of old files; and of new ones the only chunk, chunks one after the other, and the
 * fixed array. Chunks are numbered in C order, in the new kinds over the maximum shape. Every table is bounded by the
 * bytes that it takes in the file.
 */
#include "h5_chunk_index.h"

#include "common/little_endian.h"
#include "h5_checksum.h"
#include "h5_tree.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_HEAD 28u
#define BLOCK_HEAD 14u

uint32_t h5_chunk_length_width(uint64_t chunk_bytes)
{
    const uint32_t bits = chunk_bytes ? 63 - (uint32_t)__builtin_clzll(chunk_bytes) : 0;
    const uint32_t width = 1 + (bits + 8) / 8;

    return width > 8 ? 8 : width;
}

dlfw_status h5_chunk_table_add(struct h5_source *s, struct h5_set *set, uint64_t *cap, const struct h5_chunk *chunk)
{
    if (set->chunks_written == *cap) {
        uint64_t more = *cap ? *cap * 2 : 64;
        struct h5_chunk *grown = realloc(set->chunks, more * sizeof *grown);

        if (!grown)
            return h5_no_memory(s);
        set->chunks = grown;
        *cap = more;
    }
    set->chunks[set->chunks_written++] = *chunk;
    return DLFW_OK;
}

static int by_offset(const void *a, const void *b)
{
    const struct h5_chunk *left = a, *right = b;

    return left->offset < right->offset ? -1 : left->offset > right->offset;
}

static int by_index(const void *a, const void *b)
{
    const struct h5_chunk *left = a, *right = b;

    return left->index < right->index ? -1 : left->index > right->index;
}

static void sort(struct h5_set *set, int (*compare)(const void *a, const void *b))
{
    for (uint64_t i = 1; i < set->chunks_written; i++)
        if (compare(&set->chunks[i - 1], &set->chunks[i]) > 0) {
            qsort(set->chunks, set->chunks_written, sizeof *set->chunks, compare);
            return;
        }
}

dlfw_status h5_chunk_table_finish(struct h5_source *s, struct h5_set *set)
{
    const uint64_t size = s->object->size;

    sort(set, by_offset);
    for (uint64_t i = 0; i < set->chunks_written; i++) {
        const struct h5_chunk *c = &set->chunks[i];

        if (c->offset > size || c->bytes > size - c->offset)
            return h5_fail(s->object, DLFW_E_CORRUPT, c->offset, s->err,
                           "a chunk of %" PRIu32 " bytes of '%s' reaches beyond the file, which has %" PRIu64 " bytes",
                           c->bytes, set->name, size);
        if (i && c[-1].offset + c[-1].bytes > c->offset)
            return h5_fail(s->object, DLFW_E_CORRUPT, c->offset, s->err, "two chunks of '%s' lie over each other",
                           set->name);
        if (!c->bytes || (!set->filter_count && c->bytes != set->chunk_bytes))
            return h5_fail(s->object, DLFW_E_CORRUPT, c->offset, s->err,
                           "a chunk of '%s' has %" PRIu32 " bytes instead of %" PRIu64, set->name, c->bytes,
                           set->chunk_bytes);
    }
    sort(set, by_index);
    for (uint64_t i = 1; i < set->chunks_written; i++)
        if (set->chunks[i - 1].index == set->chunks[i].index)
            return h5_fail(s->object, DLFW_E_CORRUPT, set->chunks[i].offset, s->err, "a chunk of '%s' is there twice",
                           set->name);
    return DLFW_OK;
}

/* The B-tree of old files. */
struct tree_scan {
    struct h5_source *s;
    struct h5_set *set;
    uint64_t cap;
};

static dlfw_status take_tree_chunk(void *ctx, const uint8_t *key, uint64_t child, uint64_t place)
{
    struct tree_scan *t = ctx;
    const struct h5_set *set = t->set;
    struct h5_chunk chunk = {.bytes = get_le32(key), .mask = get_le32(key + 4)};
    dlfw_status st;

    for (uint32_t i = 0; i < set->rank; i++) {
        uint64_t at = get_le64(key + 8 + 8 * i);

        if (at % set->chunk_dims[i])
            return h5_corrupt(t->s, place, "a chunk that begins inside another one");
        if (at / set->chunk_dims[i] >= set->grid[i]) /* the data set was made smaller */
            return DLFW_OK;
        chunk.index = chunk.index * set->grid[i] + at / set->chunk_dims[i];
    }
    st = h5_offset_of(t->s, child, place, &chunk.offset);
    return st < 0 ? st : h5_chunk_table_add(t->s, t->set, &t->cap, &chunk);
}

static dlfw_status read_tree(struct h5_source *s, const struct h5_index_place *place, struct h5_set *set)
{
    struct tree_scan scan = {.s = s, .set = set};
    const struct h5_tree tree = {
        .type = H5_TREE_CHUNKS, .key_bytes = 8 + 8 * (set->rank + 1), .ctx = &scan, .entry = take_tree_chunk};

    return h5_tree_walk(s, place->address, &tree);
}

static dlfw_status read_single(struct h5_source *s, const struct h5_index_place *place, struct h5_set *set)
{
    struct h5_chunk chunk = {.mask = place->mask};
    uint64_t bytes = place->is_filtered ? place->bytes : set->chunk_bytes, cap = 0;
    dlfw_status st = h5_offset_of(s, place->address, place->address, &chunk.offset);

    if (st < 0)
        return st;
    if (set->chunk_count != 1)
        return h5_corrupt(s, chunk.offset, "a data set of several chunks is indexed as one of a single chunk");
    if (bytes > UINT32_MAX)
        return h5_corrupt(s, chunk.offset, "a chunk of more than 4 GiB");
    chunk.bytes = (uint32_t)bytes;
    return h5_chunk_table_add(s, set, &cap, &chunk);
}

/* Goes through the grid of the current shape; at: the number of the chunk in the grid of the maximum shape. */
struct grid_walk {
    const struct h5_set *set;
    uint64_t index, at;
    uint64_t place[H5_RANK_MAX];
    uint64_t step[H5_RANK_MAX]; /* in at */
};

/* False when the grid of the maximum shape has more chunks than limit. */
static bool grid_begin(struct grid_walk *g, const struct h5_set *set, uint64_t limit, uint64_t *ret_total)
{
    uint64_t total = 1;

    *g = (struct grid_walk){.set = set};
    for (uint32_t i = set->rank; i-- > 0;) {
        uint64_t c = set->chunk_dims[i], count = set->max_dims[i] / c + (set->max_dims[i] % c != 0);

        g->step[i] = total;
        if (!count || total > limit / count)
            return false;
        total *= count;
    }
    *ret_total = total;
    return true;
}

static bool grid_next(struct grid_walk *g)
{
    g->index++;
    for (uint32_t i = g->set->rank; i-- > 0;) {
        g->at += g->step[i];
        if (++g->place[i] < g->set->grid[i])
            return true;
        g->at -= g->place[i] * g->step[i];
        g->place[i] = 0;
    }
    return false;
}

static dlfw_status read_implicit(struct h5_source *s, const struct h5_index_place *place, struct h5_set *set)
{
    struct grid_walk g;
    uint64_t total = 0, first, cap = 0;
    dlfw_status st = h5_offset_of(s, place->address, place->address, &first);

    if (st < 0)
        return st;
    if (set->filter_count)
        return h5_corrupt(s, first, "filtered chunks without an index");
    if (!grid_begin(&g, set, (s->object->size - first) / set->chunk_bytes, &total))
        return h5_fail(s->object, DLFW_E_CORRUPT, first, s->err, "the chunks of '%s' reach beyond the file", set->name);
    do {
        struct h5_chunk chunk = {
            .index = g.index, .offset = first + g.at * set->chunk_bytes, .bytes = (uint32_t)set->chunk_bytes};

        st = h5_chunk_table_add(s, set, &cap, &chunk);
    } while (st == DLFW_OK && grid_next(&g));
    return st;
}

/* A fixed array: a header, then one block of elements, in pages when they are many. */
struct array {
    struct h5_source *s;
    struct h5_set *set;
    uint64_t count;             /* of elements */
    uint64_t page;              /* elements of a page; 0: no pages */
    uint32_t element;           /* bytes */
    uint32_t length_width;      /* of a filtered chunk's length */
    uint64_t offset;            /* of the first element or page */
    const uint8_t *initialised; /* one bit per page */
    uint64_t cap;
};

static dlfw_status take_element(struct array *a, uint64_t index, const uint8_t *p, uint64_t offset)
{
    struct h5_chunk chunk = {.index = index, .bytes = (uint32_t)a->set->chunk_bytes};
    const uint64_t address = get_le64(p);
    uint64_t bytes = 0;
    dlfw_status st;

    if (address == H5_UNDEFINED)
        return DLFW_OK;
    st = h5_offset_of(a->s, address, offset, &chunk.offset);
    if (st < 0)
        return st;
    if (a->length_width) {
        for (uint32_t i = 0; i < a->length_width; i++)
            bytes |= (uint64_t)p[8 + i] << 8 * i;
        chunk.mask = get_le32(p + 8 + a->length_width);
        if (bytes > UINT32_MAX)
            return h5_corrupt(a->s, offset, "a chunk of more than 4 GiB");
        chunk.bytes = (uint32_t)bytes;
    }
    return h5_chunk_table_add(a->s, a->set, &a->cap, &chunk);
}

static dlfw_status check_page(struct array *a, uint64_t page, const uint8_t **ret)
{
    const uint64_t stride = a->page * a->element + H5_CHECKSUM_BYTES;
    const uint64_t left = a->count - page * a->page, n = left < a->page ? left : a->page;
    dlfw_status st = h5_bytes(a->s, a->offset + page * stride, n * a->element + H5_CHECKSUM_BYTES, ret);

    if (st == DLFW_OK && !h5_sum_matches(*ret, n * a->element))
        return h5_corrupt(a->s, a->offset + page * stride, "checksum mismatch of a table of chunks");
    return st;
}

static dlfw_status take_pages(struct array *a, struct grid_walk *g)
{
    uint64_t page = UINT64_MAX;
    const uint8_t *p = NULL;
    dlfw_status st = DLFW_OK;
    bool misses = false;

    do {
        uint64_t wanted = g->at / a->page;

        if (!(a->initialised[wanted / 8] & 0x80 >> wanted % 8))
            continue; /* no chunk of this page was ever written */
        if (wanted != page) {
            page = wanted;
            p = NULL;
            st = check_page(a, page, &p);
            if (st < 0)
                return st;
            misses |= st == DLFW_NEED_IO;
        }
        if (st != DLFW_OK)
            continue;
        st = take_element(a, g->index, p + g->at % a->page * a->element, a->offset);
        if (st < 0)
            return st;
    } while (grid_next(g));
    return misses ? DLFW_NEED_IO : DLFW_OK;
}

static dlfw_status take_block(struct array *a, uint64_t offset, uint64_t header, struct grid_walk *g)
{
    const uint64_t pages = a->page ? (a->count + a->page - 1) / a->page : 0;
    const uint64_t head = BLOCK_HEAD + (pages + 7) / 8, body = pages ? 0 : a->count * a->element;
    const uint8_t *p;
    dlfw_status st = h5_bytes(a->s, offset, head + body + H5_CHECKSUM_BYTES, &p);

    if (st != DLFW_OK)
        return st;
    if (memcmp(p, "FADB", 4) != 0 || p[4] != 0 || p[5] != (a->length_width != 0) || get_le64(p + 6) != header)
        return h5_corrupt(a->s, offset, "no table of chunks");
    if (!h5_sum_matches(p, head + body))
        return h5_corrupt(a->s, offset, "checksum mismatch of a table of chunks");
    a->initialised = p + BLOCK_HEAD;
    a->offset = pages ? offset + head + H5_CHECKSUM_BYTES : offset + head;
    if (pages)
        return take_pages(a, g);
    do {
        st = take_element(a, g->index, p + head + g->at * a->element, a->offset + g->at * a->element);
    } while (st == DLFW_OK && grid_next(g));
    return st;
}

static dlfw_status read_fixed(struct h5_source *s, const struct h5_index_place *place, struct h5_set *set)
{
    struct array a = {
        .s = s, .set = set, .length_width = set->filter_count ? h5_chunk_length_width(set->chunk_bytes) : 0};
    struct grid_walk g;
    uint64_t header, block, total = 0;
    const uint8_t *p;
    dlfw_status st = h5_at(s, place->address, ARRAY_HEAD, &p, &header);

    if (st != DLFW_OK)
        return st;
    if (memcmp(p, "FAHD", 4) != 0 || p[4] != 0)
        return h5_corrupt(s, header, "no header of a table of chunks");
    if (!h5_sum_matches(p, ARRAY_HEAD - H5_CHECKSUM_BYTES))
        return h5_corrupt(s, header, "checksum mismatch of a table of chunks");
    a.element = a.length_width ? 8 + a.length_width + 4 : 8;
    a.count = get_le64(p + 8);
    if (p[5] != (a.length_width != 0) || p[6] != a.element || p[7] > 62 ||
        !grid_begin(&g, set, s->object->size / a.element, &total) || total != a.count)
        return h5_corrupt(s, header, "a table of chunks that does not fit its data set");
    a.page = a.count > UINT64_C(1) << p[7] ? UINT64_C(1) << p[7] : 0;
    if (get_le64(p + 16) == H5_UNDEFINED)
        return DLFW_OK;
    st = h5_offset_of(s, get_le64(p + 16), header, &block);
    return st < 0 ? st : take_block(&a, block, place->address, &g);
}

dlfw_status h5_chunk_index_read(struct h5_source *s, const struct h5_index_place *place, struct h5_set *set)
{
    dlfw_status st = DLFW_OK;

    free(set->chunks);
    set->chunks = NULL;
    set->chunks_written = 0;
    if (place->address == H5_UNDEFINED)
        return DLFW_OK;
    switch (set->index) {
    case H5_INDEX_SINGLE:
        st = read_single(s, place, set);
        break;
    case H5_INDEX_IMPLICIT:
        st = read_implicit(s, place, set);
        break;
    case H5_INDEX_FIXED:
        st = read_fixed(s, place, set);
        break;
    case H5_INDEX_TREE1:
        st = read_tree(s, place, set);
        break;
    case H5_INDEX_EXTENSIBLE:
        return h5_beyond(s, "chunks in an extensible array");
    case H5_INDEX_TREE2:
        return h5_beyond(s, "chunks in a version 2 B-tree");
    case H5_INDEX_NONE:
        return h5_corrupt(s, place->address, "chunks without an index");
    }
    return st == DLFW_OK ? h5_chunk_table_finish(s, set) : st;
}
