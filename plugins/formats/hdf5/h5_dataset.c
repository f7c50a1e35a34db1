/* SPDX-License-Identifier: Apache-2.0 */
#include "h5_dataset.h"

#include "common/little_endian.h"
#include "h5_message.h"

#include <inttypes.h>

/* Deflate makes at most that many bytes of one; data sets that claim more than their file can hold are refused. */
#define EXPANSION_MAX 1032u
#define SLACK (64u * 1024u)
/* Memory that a filtered chunk may take however small its file is. */
#define CHUNK_MEMORY (64u << 20)

/* What the layout message said. */
struct place {
    struct h5_index_place index;
    uint64_t offset; /* of the message */
};

static dlfw_status ends_early(struct h5_source *s, const struct h5_message *m)
{
    return h5_corrupt(s, m->offset, "a layout message that ends too early");
}

/* Shared by all versions: how many dimensions the chunks have, and their sizes of width bytes. The last is the item. */
static dlfw_status chunk_dims(struct h5_source *s, const struct h5_message *m, uint32_t at, uint32_t count,
                              uint32_t width, struct h5_set *set)
{
    uint64_t last = 0;

    if (count != set->rank + 1 || !set->rank)
        return h5_corrupt(s, m->offset, "chunks of another number of dimensions than their data set");
    if (width < 1 || width > 8 || m->size - at < count * width)
        return ends_early(s, m);
    for (uint32_t i = 0; i < count; i++) {
        last = 0;
        for (uint32_t k = 0; k < width; k++)
            last |= (uint64_t)m->data[at + i * width + k] << 8 * k;
        if (i < set->rank)
            set->chunk_dims[i] = last;
        if (!last)
            return h5_corrupt(s, m->offset, "chunks of no items");
    }
    if (last != set->type.bytes)
        return h5_corrupt(s, m->offset, "chunks of other items than their data set");
    return DLFW_OK;
}

static dlfw_status compact(struct h5_source *s, const struct h5_message *m, struct h5_set *set)
{
    if (m->size < 4)
        return ends_early(s, m);
    set->layout = H5_COMPACT;
    set->offset = m->offset + 4;
    if (get_le16(m->data + 2) > m->size - 4 || get_le16(m->data + 2) < set->bytes)
        return h5_corrupt(s, m->offset, "fewer data than the shape of their data set asks for");
    return DLFW_OK;
}

static dlfw_status contiguous(struct h5_source *s, const struct h5_message *m, struct h5_set *set)
{
    uint64_t address;
    dlfw_status st;

    if (m->size < 18)
        return ends_early(s, m);
    set->layout = H5_CONTIGUOUS;
    address = get_le64(m->data + 2);
    set->offset = H5_UNDEFINED;
    if (address == H5_UNDEFINED)
        return DLFW_OK;
    if (get_le64(m->data + 10) < set->bytes)
        return h5_corrupt(s, m->offset, "fewer data than the shape of their data set asks for");
    st = h5_offset_of(s, address, m->offset, &set->offset);
    if (st >= 0 && set->bytes > s->object->size - set->offset)
        return h5_fail(s->object, DLFW_E_CORRUPT, set->offset, s->err,
                       "'%s' has %" PRIu64 " bytes, which reach beyond the file of %" PRIu64, set->name, set->bytes,
                       s->object->size);
    return st;
}

static dlfw_status chunked_old(struct h5_source *s, const struct h5_message *m, struct h5_set *set, struct place *ret)
{
    if (m->size < 11)
        return ends_early(s, m);
    set->layout = H5_CHUNKED;
    set->index = H5_INDEX_TREE1;
    ret->index.address = get_le64(m->data + 3);
    return chunk_dims(s, m, 11, m->data[2], 4, set);
}

/* Version 4: flags, dimensions, kind of index and its parameters, address. */
static dlfw_status chunked_new(struct h5_source *s, const struct h5_message *m, struct h5_set *set, struct place *ret)
{
    static const uint8_t parameters[] = {0, 0, 0, 1, 5, 6};
    const uint8_t *p = m->data;
    uint32_t at, kind;
    dlfw_status st;

    if (m->size < 5)
        return ends_early(s, m);
    set->layout = H5_CHUNKED;
    st = chunk_dims(s, m, 5, p[3], p[4], set);
    if (st < 0)
        return st;
    at = 5 + (uint32_t)p[3] * p[4];
    if (m->size - at < 1)
        return ends_early(s, m);
    kind = p[at++];
    if (kind < H5_INDEX_SINGLE || kind > H5_INDEX_TREE2)
        return h5_fail(s->object, DLFW_E_UNSUPPORTED, m->offset, s->err, "chunk index of unknown kind %" PRIu32, kind);
    set->index = (enum h5_index)kind;
    ret->index.is_filtered = kind == H5_INDEX_SINGLE && (p[2] & 2);
    if (m->size - at < (ret->index.is_filtered ? 12u : parameters[kind]) + 8u)
        return ends_early(s, m);
    if (ret->index.is_filtered) {
        ret->index.bytes = get_le64(p + at);
        ret->index.mask = get_le32(p + at + 8);
        at += 12;
    }
    at += parameters[kind];
    ret->index.address = get_le64(p + at);
    /* chunks at the edge that were left unfiltered have no bit that says so */
    if ((p[2] & 1) && set->filter_count)
        return h5_beyond(s, "chunks at the edge without filters");
    return DLFW_OK;
}

static dlfw_status layout(struct h5_source *s, const struct h5_message *m, struct h5_set *set, struct place *ret)
{
    if (m->size < 2)
        return ends_early(s, m);
    ret->offset = m->offset;
    if (m->data[0] == 1 || m->data[0] == 2)
        return h5_beyond(s, "a layout of version 1 or 2");
    if (m->data[0] != 3 && m->data[0] != 4)
        return h5_fail(s->object, DLFW_E_UNSUPPORTED, m->offset, s->err, "layout of version %u", m->data[0]);
    switch (m->data[1]) {
    case 0:
        return compact(s, m, set);
    case 1:
        return contiguous(s, m, set);
    case 2:
        return m->data[0] == 3 ? chunked_old(s, m, set, ret) : chunked_new(s, m, set, ret);
    case 3:
        set->layout = H5_VIRTUAL;
        return DLFW_OK;
    default:
        return h5_fail(s->object, DLFW_E_UNSUPPORTED, m->offset, s->err, "layout of class %u", m->data[1]);
    }
}

dlfw_status h5_dataset_derive_chunks(struct h5_source *s, uint64_t place, struct h5_set *set)
{
    set->chunk_bytes = set->type.bytes;
    set->chunk_count = 1;
    for (uint32_t i = 0; i < set->rank; i++) {
        set->grid[i] = set->dims[i] / set->chunk_dims[i] + (set->dims[i] % set->chunk_dims[i] != 0);
        if (__builtin_mul_overflow(set->chunk_bytes, set->chunk_dims[i], &set->chunk_bytes) ||
            __builtin_mul_overflow(set->chunk_count, set->grid[i], &set->chunk_count) || set->chunk_bytes > UINT32_MAX)
            return h5_corrupt(s, place, "chunks of more than 4 GiB");
    }
    return DLFW_OK;
}

dlfw_status h5_dataset_derive(struct h5_source *s, uint64_t place, struct h5_set *set)
{
    set->bytes = set->type.bytes;
    for (uint32_t i = 0; i < set->rank; i++)
        if (__builtin_mul_overflow(set->bytes, set->dims[i], &set->bytes))
            return h5_corrupt(s, place, "a shape that multiplies to more than any file can hold");
    set->row_bytes = set->rank && set->dims[0] ? set->bytes / set->dims[0] : set->bytes;
    return DLFW_OK;
}

static dlfw_status read_messages(struct h5_source *s, const struct h5_object *o, struct h5_set *set, struct place *ret)
{
    const struct h5_message *space = h5_object_find(o, H5_MSG_DATASPACE), *type = h5_object_find(o, H5_MSG_DATATYPE);
    const struct h5_message *fill = h5_object_find(o, H5_MSG_FILL), *filters = h5_object_find(o, H5_MSG_FILTERS);
    dlfw_status st;

    if (!space || !type)
        return h5_corrupt(s, o->offset, "a data set without shape or type");
    if (!fill)
        fill = h5_object_find(o, H5_MSG_OLD_FILL);
    st = h5_message_dataspace(s, space, set);
    if (st == DLFW_OK)
        st = h5_message_datatype(s, type, set);
    if (st == DLFW_OK && fill)
        st = h5_message_fill(s, fill, set);
    if (st == DLFW_OK && filters)
        st = h5_message_filters(s, filters, set);
    if (st == DLFW_OK)
        st = h5_dataset_derive(s, space->offset, set);
    if (st == DLFW_OK)
        st = layout(s, h5_object_find(o, H5_MSG_LAYOUT), set, ret);
    if (st == DLFW_OK && set->layout == H5_CHUNKED)
        st = h5_dataset_derive_chunks(s, ret->offset, set);
    return st;
}

dlfw_status h5_dataset_check(struct h5_source *s, uint64_t place, const struct h5_set *set)
{
    const uint64_t size = s->object->size;
    const uint64_t limit = size > (INT64_MAX - SLACK) / EXPANSION_MAX ? INT64_MAX : size * EXPANSION_MAX + SLACK;

    if (!set->type.dtype)
        return h5_fail(s->object, DLFW_E_UNSUPPORTED, place, s->err,
                       "'%s' has elements of type '%s'; little-endian numbers and booleans are read", set->name,
                       set->type.refused);
    if (!set->bytes)
        return h5_fail(s->object, DLFW_E_CORRUPT, place, s->err, "'%s' holds no items", set->name);
    if (set->bytes > limit)
        return h5_fail(s->object, DLFW_E_CORRUPT, place, s->err,
                       "'%s' claims %" PRIu64 " bytes, more than a file of %" PRIu64 " can hold", set->name, set->bytes,
                       size);
    if (set->layout == H5_VIRTUAL)
        return h5_fail(s->object, DLFW_E_UNSUPPORTED, place, s->err, "the data of '%s' lie in other files", set->name);
    if (set->filter_count && set->layout != H5_CHUNKED)
        return h5_fail(s->object, DLFW_E_CORRUPT, place, s->err, "'%s' has filters but no chunks", set->name);
    if (set->filter_count && set->chunk_bytes > CHUNK_MEMORY && set->chunk_bytes / 4 > size)
        return h5_fail(s->object, DLFW_E_UNSUPPORTED, place, s->err,
                       "compressed chunks of %" PRIu64 " bytes in a file of %" PRIu64, set->chunk_bytes, size);
    return DLFW_OK;
}

dlfw_status h5_dataset_read(struct h5_source *s, uint64_t address, uint32_t what, struct h5_set *set,
                            bool *ret_is_dataset)
{
    struct place place = {.index.address = H5_UNDEFINED};
    struct h5_object object;
    dlfw_status st = h5_object_read(s, address, &object);

    *ret_is_dataset = false;
    if (st != DLFW_OK)
        goto out;
    *ret_is_dataset = h5_object_find(&object, H5_MSG_LAYOUT) != NULL;
    if (!*ret_is_dataset)
        goto out;
    st = read_messages(s, &object, set, &place);
    if (st != DLFW_OK || what == H5_DATASET_SHAPE)
        goto out;
    if (h5_object_find(&object, H5_MSG_EXTERNAL))
        set->layout = H5_VIRTUAL;
    st = h5_dataset_check(s, object.offset, set);
    if (st == DLFW_OK && set->library_decodes)
        st = h5_beyond(s, "another filter than deflate, shuffle, fletcher32 and lzf");
    if (st == DLFW_OK && set->layout == H5_CHUNKED)
        st = h5_chunk_index_read(s, &place.index, set);
out:
    h5_object_free(&object);
    return st;
}
