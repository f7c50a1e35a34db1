/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree under construction. Invariant: stack[depth - 1] is the innermost open container, and every node that was
 * made is counted before it is made, so a few lines of nested aliases cannot fill the memory.
 */
#include "config/yaml_build.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

dlfw_status place_fail(struct node_place place, dlfw_error *err, const char *format, ...)
{
    struct str line = STR_EMPTY;
    char text[480];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    utf8_add_escaped(&line, text, strlen(text));
    dlfw_fail(err, DLFW_E_CONFIG, "%s:%u:%u: %s", place.file, place.line, place.column, line.data);
    str_free(&line);
    return DLFW_E_CONFIG;
}

/* bytes: the text of those nodes. */
static dlfw_status count_nodes(struct yaml_builder *b, uint32_t more, uint64_t bytes, struct node_place place,
                               dlfw_error *err)
{
    if (more > YAML_MAX_NODES - b->nodes)
        return place_fail(place, err, "more than %u values (aliases count as often as they are used)", YAML_MAX_NODES);
    if (bytes > YAML_MAX_BYTES - b->bytes)
        return place_fail(place, err, "more than %u MiB of text (aliases count as often as they are used)",
                          YAML_MAX_BYTES >> 20);
    b->nodes += more;
    b->bytes += bytes;
    return DLFW_OK;
}

static dlfw_status remember_anchor(struct yaml_builder *b, const char *name, dlfw_node *node, dlfw_error *err)
{
    struct yaml_anchor *anchor;

    if (!name)
        return DLFW_OK;
    if (b->anchor_count == YAML_MAX_ANCHORS)
        return place_fail(node->place, err, "more than %u anchors", YAML_MAX_ANCHORS);
    b->anchor_count++;
    anchor = arena_alloc(&b->tree->arena, sizeof *anchor);
    anchor->name = name;
    anchor->node = node;
    anchor->nodes = node_count_all(node);
    anchor->bytes = node_text_all(node);
    anchor->height = node_height(node);
    anchor->next = b->anchors;
    b->anchors = anchor;
    return DLFW_OK;
}

/* << takes a mapping or a list of mappings. */
static dlfw_status take_merge(struct yaml_builder *b, struct yaml_frame *frame, dlfw_node *value, dlfw_error *err)
{
    dlfw_node *list = value;

    if (frame->merge)
        return place_fail(frame->key_place, err, "duplicate key '<<'; merge several mappings as a list");
    if (value->kind == DLFW_NODE_MAP) {
        list = node_new(b->tree, DLFW_NODE_LIST, value->place);
        node_append(b->tree, list, NULL, value->place, value);
    }
    if (list->kind != DLFW_NODE_LIST)
        return place_fail(value->place, err, "'<<' wants a mapping or a list of mappings");
    for (uint32_t i = 0; i < list->count; i++)
        if (list->pairs[i].value->kind != DLFW_NODE_MAP)
            return place_fail(list->pairs[i].value->place, err, "'<<' wants mappings only");
    frame->merge = list;
    return DLFW_OK;
}

/* Puts a finished value where it belongs: the root, a list item, or the value of the waiting key. */
static dlfw_status attach(struct yaml_builder *b, dlfw_node *value, dlfw_error *err)
{
    struct yaml_frame *frame;
    dlfw_status st = DLFW_OK;

    if (!b->depth) {
        b->root = value;
        return DLFW_OK;
    }
    frame = &b->stack[b->depth - 1];
    if (frame->node->kind == DLFW_NODE_LIST) {
        node_append(b->tree, frame->node, NULL, value->place, value);
        return DLFW_OK;
    }
    if (frame->key_is_merge)
        st = take_merge(b, frame, value, err);
    else
        node_append(b->tree, frame->node, frame->key, frame->key_place, value);
    frame->key = NULL;
    frame->key_is_merge = false;
    return st;
}

static bool key_comes_next(const struct yaml_builder *b)
{
    const struct yaml_frame *frame = b->depth ? &b->stack[b->depth - 1] : NULL;

    return frame && frame->node->kind == DLFW_NODE_MAP && !frame->key;
}

dlfw_status yaml_build_scalar(struct yaml_builder *b, dlfw_node *scalar, const char *anchor, dlfw_error *err)
{
    dlfw_status st = count_nodes(b, 1, scalar->text_len, scalar->place, err);

    if (st < 0)
        return st;
    st = remember_anchor(b, anchor, scalar, err);
    if (st < 0)
        return st;
    if (key_comes_next(b)) {
        struct yaml_frame *frame = &b->stack[b->depth - 1];

        frame->key = scalar->text;
        frame->key_place = scalar->place;
        frame->key_is_merge = !scalar->quoted && strcmp(scalar->text, "<<") == 0;
        return DLFW_OK;
    }
    if (node_is_null(scalar)) {
        scalar->kind = DLFW_NODE_NULL;
        scalar->text = NULL;
        scalar->text_len = 0;
    }
    return attach(b, scalar, err);
}

dlfw_status yaml_build_open(struct yaml_builder *b, uint32_t kind, const char *anchor, struct node_place place,
                            dlfw_error *err)
{
    dlfw_status st = count_nodes(b, 1, 0, place, err);
    struct yaml_frame *frame;

    if (st < 0)
        return st;
    if (key_comes_next(b))
        return place_fail(place, err, "a key must be a single value");
    if (b->depth == YAML_MAX_DEPTH)
        return place_fail(place, err, "more than %u levels", YAML_MAX_DEPTH);
    frame = &b->stack[b->depth++];
    *frame = (struct yaml_frame){.node = node_new(b->tree, kind, place), .anchor = anchor};
    return DLFW_OK;
}

/* A key of the finished map with its rank: 0 written here, n from the n-th merged mapping. */
struct candidate {
    struct node_pair pair;
    uint32_t rank, order;
};

static int by_key(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    int diff = strcmp(x->pair.key, y->pair.key);

    return diff ? diff : x->order < y->order ? -1 : 1;
}

static int by_order(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    return x->order < y->order ? -1 : 1;
}

static uint32_t collect(const dlfw_node *map, uint32_t rank, struct candidate *all, uint32_t n)
{
    for (uint32_t i = 0; i < map->count; i++, n++)
        all[n] = (struct candidate){.pair = map->pairs[i], .rank = rank, .order = n};
    return n;
}

/* Refuses keys written twice; then adds what << brings and the map itself lacks. Sorting keeps huge maps cheap. */
static dlfw_status settle_keys(struct yaml_builder *b, struct yaml_frame *frame, dlfw_error *err)
{
    dlfw_node *map = frame->node;
    const dlfw_node *merge = frame->merge;
    uint32_t n = map->count, kept = 0;
    struct candidate *all;
    dlfw_status st = DLFW_OK;

    for (uint32_t i = 0; merge && i < merge->count; i++)
        n += merge->pairs[i].value->count;
    all = xcalloc(n, sizeof *all);
    n = collect(map, 0, all, 0);
    for (uint32_t i = 0; merge && i < merge->count; i++)
        n = collect(merge->pairs[i].value, i + 1, all, n);
    qsort(all, n, sizeof *all, by_key);
    for (uint32_t i = 0; i < n; i++) {
        bool again = kept && strcmp(all[kept - 1].pair.key, all[i].pair.key) == 0;

        if (again && all[i].rank == 0) {
            st = place_fail(all[i].pair.key_place, err, "duplicate key '%s', first in line %u", all[i].pair.key,
                            all[kept - 1].pair.key_place.line);
            goto out;
        }
        if (!again)
            all[kept++] = all[i];
    }
    if (merge) {
        qsort(all, kept, sizeof *all, by_order);
        for (uint32_t i = map->count; i < kept; i++)
            node_append(b->tree, map, all[i].pair.key, all[i].pair.key_place, all[i].pair.value);
    }
out:
    free(all);
    return st;
}

dlfw_status yaml_build_close(struct yaml_builder *b, dlfw_error *err)
{
    struct yaml_frame *frame = &b->stack[b->depth - 1];
    dlfw_status st = DLFW_OK;

    if (frame->node->kind == DLFW_NODE_MAP)
        st = settle_keys(b, frame, err);
    if (st < 0)
        return st;
    st = remember_anchor(b, frame->anchor, frame->node, err);
    if (st < 0)
        return st;
    b->depth--;
    return attach(b, frame->node, err);
}

dlfw_status yaml_build_alias(struct yaml_builder *b, const char *name, struct node_place place, dlfw_error *err)
{
    const struct yaml_anchor *anchor = b->anchors;
    dlfw_status st;

    if (key_comes_next(b))
        return place_fail(place, err, "an alias cannot be a key");
    for (uint32_t i = 0; i < b->depth; i++)
        if (b->stack[i].anchor && strcmp(b->stack[i].anchor, name) == 0)
            return place_fail(place, err, "alias '*%s' lies inside its own anchor", name);
    while (anchor && strcmp(anchor->name, name) != 0)
        anchor = anchor->next;
    if (!anchor)
        return place_fail(place, err, "alias '*%s' has no anchor '&%s' before it", name, name);
    st = count_nodes(b, anchor->nodes, anchor->bytes, place, err);
    if (st < 0)
        return st;
    if (b->depth + anchor->height > YAML_MAX_DEPTH)
        return place_fail(place, err, "more than %u levels", YAML_MAX_DEPTH);
    /* A copy each time: an override below one use must not change the others. */
    return attach(b, node_copy(b->tree, anchor->node), err);
}
