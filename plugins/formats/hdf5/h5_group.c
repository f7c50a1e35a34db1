/* SPDX-License-Identifier: Apache-2.0 */
#include "h5_group.h"

#include "common/little_endian.h"
#include "h5_object.h"
#include "h5_tree.h"

#include <stdlib.h>
#include <string.h>

#define HEAP_HEAD 32u
#define SYMBOLS_HEAD 8u
#define SYMBOL_BYTES 40u
#define SYMBOL_SOFT 2u

/* An old group. */
struct old_group {
    struct h5_source *s;
    struct h5_links *links;
    const uint8_t *names; /* of the heap */
    uint64_t names_bytes, names_offset;
    bool misses;
};

void h5_links_free(struct h5_links *links)
{
    free(links->items);
    *links = (struct h5_links){0};
}

static int compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

    return order ? order : (a_len > b_len) - (a_len < b_len);
}

static int by_name(const void *a, const void *b)
{
    const struct h5_link *left = a, *right = b;

    return compare(left->name, left->len, right->name, right->len);
}

const struct h5_link *h5_links_find(const struct h5_links *links, const char *name, size_t len)
{
    const struct h5_link wanted = {.name = name, .len = (uint32_t)len};

    return links->count ? bsearch(&wanted, links->items, links->count, sizeof wanted, by_name) : NULL;
}

static dlfw_status add_link(struct h5_source *s, struct h5_links *links, const struct h5_link *link)
{
    if (links->count == links->cap) {
        uint64_t cap = links->cap ? links->cap * 2 : 16;
        struct h5_link *grown = realloc(links->items, cap * sizeof *grown);

        if (!grown)
            return h5_no_memory(s);
        links->items = grown;
        links->cap = cap;
    }
    links->items[links->count++] = *link;
    return DLFW_OK;
}

static dlfw_status take_symbol(struct old_group *g, const uint8_t *p, uint64_t offset)
{
    uint64_t at = get_le64(p);
    struct h5_link link = {.is_hard = get_le32(p + 16) != SYMBOL_SOFT, .address = get_le64(p + 8)};
    const uint8_t *end;

    if (at >= g->names_bytes)
        return h5_corrupt(g->s, offset, "a member of a group whose name lies outside the heap");
    link.name = (const char *)g->names + at;
    end = memchr(link.name, '\0', g->names_bytes - at);
    if (!end || end - (g->names + at) > UINT16_MAX)
        return h5_corrupt(g->s, g->names_offset + at, "a name without an end");
    link.len = (uint32_t)(end - (g->names + at));
    return add_link(g->s, g->links, &link);
}

static dlfw_status take_symbols(void *ctx, const uint8_t *key, uint64_t child, uint64_t place)
{
    struct old_group *g = ctx;
    const uint8_t *p;
    uint64_t offset;
    uint32_t count;
    dlfw_status st = h5_at(g->s, child, SYMBOLS_HEAD, &p, &offset);

    (void)key;
    (void)place;
    if (st == DLFW_OK && memcmp(p, "SNOD\1", 5) != 0)
        return h5_corrupt(g->s, offset, "no symbol node");
    if (st == DLFW_OK) {
        count = get_le16(p + 6);
        st = h5_bytes(g->s, offset, SYMBOLS_HEAD + (uint64_t)count * SYMBOL_BYTES, &p);
        for (uint32_t i = 0; i < count && st == DLFW_OK; i++)
            st = take_symbol(g, p + SYMBOLS_HEAD + (size_t)i * SYMBOL_BYTES, offset);
    }
    g->misses |= st == DLFW_NEED_IO; /* the walk goes on, so that all nodes are asked for */
    return st == DLFW_NEED_IO ? DLFW_OK : st;
}

static dlfw_status old_links(struct h5_source *s, const struct h5_message *m, struct h5_links *ret)
{
    struct old_group g = {.s = s, .links = ret};
    const struct h5_tree tree = {.type = H5_TREE_GROUP, .key_bytes = 8, .ctx = &g, .entry = take_symbols};
    const uint8_t *p;
    uint64_t offset;
    dlfw_status st;

    if (m->size < 16)
        return h5_corrupt(s, m->offset, "too short a symbol table message");
    st = h5_at(s, get_le64(m->data + 8), HEAP_HEAD, &p, &offset);
    if (st != DLFW_OK)
        return st;
    if (memcmp(p, "HEAP", 5) != 0)
        return h5_corrupt(s, offset, "no heap of names");
    g.names_bytes = get_le64(p + 8);
    st = h5_at(s, get_le64(p + 24), g.names_bytes, &g.names, &g.names_offset);
    if (st != DLFW_OK)
        return st;
    st = h5_tree_walk(s, get_le64(m->data), &tree);
    return st == DLFW_OK && g.misses ? DLFW_NEED_IO : st;
}

enum { LINK_NAME_WIDTH = 3u, LINK_ORDER = 1u << 2, LINK_TYPE = 1u << 3, LINK_CHARSET = 1u << 4 };

static dlfw_status new_link(struct h5_source *s, const struct h5_message *m, struct h5_links *ret)
{
    const uint8_t *p = m->data;
    uint64_t len = 0;
    uint32_t at, width;
    struct h5_link link = {.is_hard = true};

    if (m->size < 2 || p[0] != 1)
        return h5_corrupt(s, m->offset, "a link of unknown version");
    width = 1u << (p[1] & LINK_NAME_WIDTH);
    at = 2u + (p[1] & LINK_TYPE ? 1 : 0) + (p[1] & LINK_ORDER ? 8 : 0) + (p[1] & LINK_CHARSET ? 1 : 0);
    if (at + width > m->size)
        return h5_corrupt(s, m->offset, "a link that ends too early");
    if (p[1] & LINK_TYPE)
        link.is_hard = p[2] == 0;
    for (uint32_t i = 0; i < width; i++)
        len |= (uint64_t)p[at + i] << 8 * i;
    at += width;
    if (!len || len > m->size - at || (link.is_hard && m->size - at - len < 8))
        return h5_corrupt(s, m->offset, "a link whose name does not fit it");
    link.name = (const char *)p + at;
    link.len = (uint32_t)len;
    if (link.is_hard)
        link.address = get_le64(p + at + len);
    return add_link(s, ret, &link);
}

static dlfw_status new_links(struct h5_source *s, const struct h5_object *group, struct h5_links *ret)
{
    const struct h5_message *info = h5_object_find(group, H5_MSG_LINK_INFO);
    dlfw_status st = DLFW_OK;

    if (info->size < 18 || info->data[0] != 0)
        return h5_corrupt(s, info->offset, "a link info message of unknown version");
    if (get_le64(info->data + (info->data[1] & 1 ? 10 : 2)) != H5_UNDEFINED)
        return h5_beyond(s, "a group of many members (fractal heap)");
    for (uint32_t i = 0; i < group->count && st == DLFW_OK; i++)
        if (group->messages[i].type == H5_MSG_LINK)
            st = new_link(s, &group->messages[i], ret);
    return st;
}

dlfw_status h5_group_links(struct h5_source *s, uint64_t address, struct h5_links *ret)
{
    const struct h5_message *table;
    struct h5_object group;
    dlfw_status st;

    *ret = (struct h5_links){0};
    st = h5_object_read(s, address, &group);
    if (st != DLFW_OK)
        goto out;
    table = h5_object_find(&group, H5_MSG_SYMBOL_TABLE);
    if (table)
        st = old_links(s, table, ret);
    else if (h5_object_find(&group, H5_MSG_LINK_INFO))
        st = new_links(s, &group, ret);
    else
        st = h5_corrupt(s, group.offset, "no group");
    if (st == DLFW_OK && ret->count)
        qsort(ret->items, ret->count, sizeof *ret->items, by_name);
out:
    h5_object_free(&group);
    return st;
}
