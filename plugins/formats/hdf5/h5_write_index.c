/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two indexes that generated files need: the fixed array (maximum shape known) and the B-tree of version 2 (some
 * dimension without a limit). Both are written front to back in one go, from chunks whose places are known.
 */
#include "h5_write.h"

#include "common/little_endian.h"
#include "h5_checksum.h"
#include "h5_chunk_index.h"

#include <stdlib.h>
#include <string.h>

#define ARRAY_HEAD 28u
#define BLOCK_HEAD 14u
#define PAGE (UINT64_C(1) << H5_PAGE_BITS)
#define TREE_HEAD 38u
#define NODE_FRAME 10u /* signature, version, type, checksum */
#define NODE_MIN 2048u
#define NODE_MAX (1u << 20)
#define TREE_PLAIN 10
#define TREE_FILTERED 11

static uint32_t length_width(const struct h5_plan *plan)
{
    return plan->filter ? h5_chunk_length_width(plan->chunk_bytes) : 0;
}

static struct h5_chunk_place place_of(const struct h5_plan *plan, const struct h5_written *set, uint64_t index)
{
    if (set->places)
        return set->places[index];
    return (struct h5_chunk_place){.offset = set->data + index * plan->chunk_bytes,
                                   .bytes = (uint32_t)plan->chunk_bytes};
}

/* Address, and of filtered chunks length and mask, as both indexes store them. */
static uint8_t *put_place(uint8_t *p, const struct h5_chunk_place *c, uint32_t width)
{
    p = put_le64(p, c->offset);
    if (!width)
        return p;
    for (uint32_t i = 0; i < width; i++)
        *p++ = (uint8_t)((uint64_t)c->bytes >> 8 * i);
    return put_le32(p, c->mask);
}

static uint8_t *put_sum(uint8_t *begin, uint8_t *end)
{
    return put_le32(end, h5_lookup3(begin, (uint64_t)(end - begin)));
}

/* Fixed array */
static uint32_t element_bytes(const struct h5_plan *plan)
{
    return plan->filter ? 8 + length_width(plan) + 4 : 8;
}

static uint64_t page_count(const struct h5_plan *plan)
{
    return plan->table_count > PAGE ? (plan->table_count + PAGE - 1) / PAGE : 0;
}

static uint64_t array_bytes(const struct h5_plan *plan)
{
    const uint64_t pages = page_count(plan);

    return ARRAY_HEAD + BLOCK_HEAD + (pages + 7) / 8 + (pages + 1) * H5_CHECKSUM_BYTES +
           plan->table_count * element_bytes(plan);
}

/* The chunk of the written shape that has this number in the grid of the maximum shape; false: it has none. */
static bool written_index(const struct h5_plan *plan, uint64_t number, uint64_t *ret)
{
    uint64_t scale = 1;

    *ret = 0;
    for (uint32_t i = plan->rank; i-- > 0;) {
        uint64_t at = number % plan->max_grid[i];

        if (at >= plan->grid[i])
            return false;
        *ret += at * scale;
        scale *= plan->grid[i];
        number /= plan->max_grid[i];
    }
    return true;
}

static uint8_t *put_elements(uint8_t *p, const struct h5_plan *plan, const struct h5_written *set, uint64_t first,
                             uint64_t count)
{
    const uint32_t width = length_width(plan);

    for (uint64_t i = first; i < first + count; i++) {
        struct h5_chunk_place c = {.offset = UINT64_MAX};
        uint64_t index;

        if (written_index(plan, i, &index))
            c = place_of(plan, set, index);
        p = put_place(p, &c, width);
    }
    return p;
}

static dlfw_status write_pages(struct h5_out *o, const struct h5_plan *plan, const struct h5_written *set,
                               uint8_t *memory)
{
    dlfw_status st = DLFW_OK;

    for (uint64_t first = 0; first < plan->table_count && st >= 0; first += PAGE) {
        uint64_t left = plan->table_count - first;
        uint8_t *p = put_elements(memory, plan, set, first, left < PAGE ? left : PAGE);

        p = put_sum(memory, p);
        st = h5_out_write(o, memory, (uint64_t)(p - memory));
    }
    return st;
}

static dlfw_status write_array(struct h5_out *o, const struct h5_plan *plan, const struct h5_written *set,
                               uint8_t *memory)
{
    const uint64_t begin = o->offset, pages = page_count(plan);
    uint8_t *p = memory;
    dlfw_status st;

    memcpy(p, "FAHD", 4);
    p[4] = 0;
    p[5] = plan->filter != 0;
    p[6] = (uint8_t)element_bytes(plan);
    p[7] = H5_PAGE_BITS;
    p = put_le64(p + 8, plan->table_count);
    p = put_le64(p, begin + ARRAY_HEAD);
    p = put_sum(memory, p);
    st = h5_out_write(o, memory, (uint64_t)(p - memory));
    if (st < 0)
        return st;
    p = memory;
    memcpy(p, "FADB", 4);
    p[4] = 0;
    p[5] = plan->filter != 0;
    p = put_le64(p + 6, begin);
    for (uint64_t i = 0; i < pages; i += 8) /* all pages are there */
        *p++ = (uint8_t)(pages - i >= 8 ? 0xff : 0xff << (8 - (pages - i)));
    if (!pages)
        p = put_elements(p, plan, set, 0, plan->table_count);
    p = put_sum(memory, p);
    st = h5_out_write(o, memory, (uint64_t)(p - memory));
    return st < 0 || !pages ? st : write_pages(o, plan, set, memory);
}

/* Version 2 B-tree: one leaf, or a root over leaves. */
struct tree {
    uint32_t record;      /* bytes */
    uint32_t leaf_max;    /* records of a leaf */
    uint32_t inner_max;   /* of the root when it is none */
    uint32_t count_width; /* bytes that a child's number of records takes */
    uint64_t leaves;
};

static struct tree tree_of(const struct h5_plan *plan, uint32_t node_bytes)
{
    struct tree t = {.record = (plan->filter ? 8 + length_width(plan) + 4 : 8) + 8 * plan->rank};

    t.leaf_max = (node_bytes - NODE_FRAME) / t.record;
    t.count_width = t.leaf_max < 256 ? 1 : 2;
    t.inner_max = (node_bytes - NODE_FRAME - 8 - t.count_width) / (t.record + 8 + t.count_width);
    /* each leaf but the last is followed by a record of the root */
    t.leaves = plan->chunk_count <= t.leaf_max ? 1 : (plan->chunk_count + 1 + t.leaf_max) / (t.leaf_max + UINT64_C(1));
    return t;
}

bool h5_tree2_node_bytes(const struct h5_plan *plan, uint32_t *ret)
{
    for (*ret = NODE_MIN; *ret <= NODE_MAX; *ret *= 2)
        if (tree_of(plan, *ret).leaves <= tree_of(plan, *ret).inner_max + UINT64_C(1))
            return true;
    return false;
}

static uint8_t *put_record(uint8_t *p, const struct h5_plan *plan, const struct h5_written *set, uint64_t index)
{
    const struct h5_chunk_place c = place_of(plan, set, index);
    uint8_t *end;

    p = put_place(p, &c, length_width(plan));
    end = p + (size_t)8 * plan->rank;
    for (uint32_t i = plan->rank; i-- > 0; index /= plan->grid[i])
        put_le64(p + (size_t)8 * i, index % plan->grid[i]);
    return end;
}

static dlfw_status write_node(struct h5_out *o, const struct h5_plan *plan, uint8_t *memory, uint8_t *end)
{
    end = put_sum(memory, end);
    memset(end, 0, plan->node_bytes - (size_t)(end - memory));
    return h5_out_write(o, memory, plan->node_bytes);
}

static uint8_t *begin_node(const struct h5_plan *plan, uint8_t *memory, const char *signature)
{
    memcpy(memory, signature, 4);
    memory[4] = 0;
    memory[5] = plan->filter ? TREE_FILTERED : TREE_PLAIN;
    return memory + 6;
}

/* Records are spread evenly: what leaf i begins with. The record before it is the root's. */
static uint64_t leaf_begin(const struct h5_plan *plan, const struct tree *t, uint64_t leaf)
{
    const uint64_t in_leaves = plan->chunk_count - (t->leaves - 1);

    return leaf * (in_leaves / t->leaves) + (leaf < in_leaves % t->leaves ? leaf : in_leaves % t->leaves) + leaf;
}

static uint64_t leaf_records(const struct h5_plan *plan, const struct tree *t, uint64_t leaf)
{
    return leaf_begin(plan, t, leaf + 1) - leaf_begin(plan, t, leaf) - 1;
}

static dlfw_status write_root_node(struct h5_out *o, const struct h5_plan *plan, const struct h5_written *set,
                                   const struct tree *t, uint8_t *memory)
{
    const uint64_t first_leaf = o->offset + plan->node_bytes;
    uint8_t *p = begin_node(plan, memory, "BTIN");

    for (uint64_t i = 1; i < t->leaves; i++)
        p = put_record(p, plan, set, leaf_begin(plan, t, i) - 1);
    for (uint64_t i = 0; i < t->leaves; i++) {
        uint64_t records = leaf_records(plan, t, i);

        p = put_le64(p, first_leaf + i * plan->node_bytes);
        *p++ = (uint8_t)records;
        if (t->count_width == 2)
            *p++ = (uint8_t)(records >> 8);
    }
    return write_node(o, plan, memory, p);
}

static dlfw_status write_tree(struct h5_out *o, const struct h5_plan *plan, const struct h5_written *set,
                              uint8_t *memory)
{
    const struct tree t = tree_of(plan, plan->node_bytes);
    uint8_t *p = memory;
    dlfw_status st;

    p = begin_node(plan, p, "BTHD");
    p = put_le32(p, plan->node_bytes);
    p = put_le16(p, (uint16_t)t.record);
    p = put_le16(p, t.leaves > 1);
    *p++ = H5_TREE2_SPLIT;
    *p++ = H5_TREE2_MERGE;
    p = put_le64(p, o->offset + TREE_HEAD);
    p = put_le16(p, (uint16_t)(t.leaves > 1 ? t.leaves - 1 : plan->chunk_count));
    p = put_le64(p, plan->chunk_count);
    p = put_sum(memory, p);
    st = h5_out_write(o, memory, (uint64_t)(p - memory));
    if (st >= 0 && t.leaves > 1)
        st = write_root_node(o, plan, set, &t, memory);
    for (uint64_t leaf = 0; leaf < t.leaves && st >= 0; leaf++) {
        uint64_t begin = leaf_begin(plan, &t, leaf), end = begin + leaf_records(plan, &t, leaf);

        p = begin_node(plan, memory, "BTLF");
        for (uint64_t i = begin; i < end; i++)
            p = put_record(p, plan, set, i);
        st = write_node(o, plan, memory, p);
    }
    return st;
}

static uint64_t tree_bytes(const struct h5_plan *plan)
{
    const struct tree t = tree_of(plan, plan->node_bytes);

    return TREE_HEAD + (t.leaves > 1 ? t.leaves + 1 : 1) * plan->node_bytes;
}

uint64_t h5_index_bytes(const struct h5_plan *plan)
{
    if (!plan->is_chunked)
        return 0;
    return plan->index == H5_INDEX_FIXED ? array_bytes(plan) : plan->index == H5_INDEX_TREE2 ? tree_bytes(plan) : 0;
}

dlfw_status h5_write_index(struct h5_out *o, const struct h5_plan *plan, const struct h5_written *set)
{
    const bool is_tree = plan->index == H5_INDEX_TREE2;
    const uint64_t most = is_tree ? plan->node_bytes : ARRAY_HEAD + BLOCK_HEAD + (page_count(plan) + 7) / 8 + PAGE * 24;
    uint8_t *memory;
    dlfw_status st;

    if (!h5_index_bytes(plan))
        return DLFW_OK;
    memory = malloc(most);
    if (!memory)
        return dlfw_fail(o->err, DLFW_E_NO_MEMORY, "out of memory for an index of chunks");
    st = is_tree ? write_tree(o, plan, set, memory) : write_array(o, plan, set, memory);
    free(memory);
    return st;
}
