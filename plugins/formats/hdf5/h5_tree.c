/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Level by level, so that all nodes of a level are asked for at once. Levels must count down to 0, so no tree is deeper
 * than its root says; and no level may have more nodes than the file has room for, so a node that is named many times
 * does not multiply.
 */
#include "h5_tree.h"

#include "common/little_endian.h"

#include <stdlib.h>
#include <string.h>

#define NODE_HEAD 24u

struct level {
    uint64_t *nodes;
    uint64_t count, cap;
};

struct walk {
    struct h5_source *s;
    const struct h5_tree *tree;
    uint32_t number; /* of the level */
    struct level now, next;
};

static dlfw_status add_node(struct walk *w, uint64_t address, uint64_t place)
{
    struct level *l = &w->next;

    if (l->count >= w->s->object->size / NODE_HEAD)
        return h5_corrupt(w->s, place, "a B-tree of more nodes than fit the file");
    if (l->count == l->cap) {
        uint64_t cap = l->cap ? l->cap * 2 : 32;
        uint64_t *grown = realloc(l->nodes, cap * sizeof *grown);

        if (!grown)
            return h5_no_memory(w->s);
        l->nodes = grown;
        l->cap = cap;
    }
    l->nodes[l->count++] = address;
    return DLFW_OK;
}

static dlfw_status take_node(struct walk *w, uint64_t address)
{
    const uint32_t step = w->tree->key_bytes + 8;
    uint64_t offset;
    uint32_t used;
    const uint8_t *p;
    dlfw_status st = h5_at(w->s, address, NODE_HEAD, &p, &offset);

    if (st != DLFW_OK)
        return st;
    if (memcmp(p, "TREE", 4) != 0 || p[4] != w->tree->type || p[5] != w->number)
        return h5_corrupt(w->s, offset, "no node of the B-tree it should belong to");
    used = get_le16(p + 6);
    st = h5_bytes(w->s, offset, NODE_HEAD + (uint64_t)used * step + w->tree->key_bytes, &p);
    for (uint32_t i = 0; i < used && st == DLFW_OK; i++) {
        const uint8_t *key = p + NODE_HEAD + (size_t)i * step;
        uint64_t child = get_le64(key + w->tree->key_bytes), place = offset + (uint64_t)(key - p);

        st = w->number ? add_node(w, child, place) : w->tree->entry(w->tree->ctx, key, child, place);
    }
    return st;
}

/* All nodes of the level, also behind one that is missing. */
static dlfw_status take_level(struct walk *w)
{
    bool misses = false;

    for (uint64_t i = 0; i < w->now.count; i++) {
        dlfw_status st = take_node(w, w->now.nodes[i]);

        if (st < 0)
            return st;
        misses |= st == DLFW_NEED_IO;
    }
    return misses ? DLFW_NEED_IO : DLFW_OK;
}

dlfw_status h5_tree_walk(struct h5_source *s, uint64_t address, const struct h5_tree *tree)
{
    struct walk w = {.s = s, .tree = tree};
    uint64_t offset;
    const uint8_t *p;
    dlfw_status st = h5_at(s, address, NODE_HEAD, &p, &offset);

    if (st != DLFW_OK)
        return st;
    w.number = p[5];
    st = add_node(&w, address, offset);
    while (st == DLFW_OK) {
        struct level done = w.now;

        w.now = w.next;
        w.next = done;
        w.next.count = 0;
        st = take_level(&w);
        if (!w.number)
            break;
        w.number--;
    }
    free(w.now.nodes);
    free(w.next.nodes);
    return st;
}
