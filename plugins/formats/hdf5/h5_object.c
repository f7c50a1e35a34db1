/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A header is a first block of messages and any number of continuation blocks, which messages name. Blocks are bounded
 * in number, so that a header that continues in itself ends.
 */
#include "h5_object.h"

#include "common/little_endian.h"
#include "h5_checksum.h"

#include <stdlib.h>
#include <string.h>

#define BLOCKS_MAX 256u
#define OLD_PREFIX 16u
#define NEW_PREFIX_MIN 7u /* signature, version, flags, a length of one byte */

enum { NEW_TIMES = 1u << 5, NEW_PHASES = 1u << 4, NEW_ORDER = 1u << 2, NEW_LENGTH = 3u };

struct block {
    uint64_t offset, length; /* of the messages, without signature and checksum */
};

struct walk {
    struct h5_source *s;
    struct h5_object *object;
    bool is_new;
    bool misses;           /* some block is not there yet */
    uint32_t header_bytes; /* of a message */
    struct block blocks[BLOCKS_MAX];
    uint32_t block_count;
};

void h5_object_free(struct h5_object *object)
{
    if (object->messages != object->few)
        free(object->messages);
    object->messages = NULL;
    object->count = 0;
}

const struct h5_message *h5_object_find(const struct h5_object *object, uint16_t type)
{
    for (uint32_t i = 0; i < object->count; i++)
        if (object->messages[i].type == type)
            return &object->messages[i];
    return NULL;
}

static dlfw_status add_message(struct walk *w, const struct h5_message *m)
{
    struct h5_object *o = w->object;

    if (o->count == o->cap) {
        struct h5_message *grown = malloc(2 * (size_t)o->cap * sizeof *grown);

        if (!grown)
            return h5_no_memory(w->s);
        memcpy(grown, o->messages, o->count * sizeof *grown);
        if (o->messages != o->few)
            free(o->messages);
        o->messages = grown;
        o->cap *= 2;
    }
    o->messages[o->count++] = *m;
    return DLFW_OK;
}

static dlfw_status add_continuation(struct walk *w, const struct h5_message *m)
{
    struct block b;
    dlfw_status st;

    if (m->size < 16)
        return h5_corrupt(w->s, m->offset, "too short a continuation of an object header");
    if (w->block_count == BLOCKS_MAX)
        return h5_corrupt(w->s, w->object->offset, "an object header in too many pieces");
    st = h5_offset_of(w->s, get_le64(m->data), m->offset, &b.offset);
    if (st < 0)
        return st;
    b.length = get_le64(m->data + 8);
    w->blocks[w->block_count++] = b;
    return DLFW_OK;
}

static dlfw_status take_message(struct walk *w, const struct h5_message *m)
{
    if (m->type == H5_MSG_CONTINUATION)
        return add_continuation(w, m);
    if (m->type > 0x18 && (m->flags & H5_MSG_FAIL_UNKNOWN))
        return h5_fail(w->s->object, DLFW_E_UNSUPPORTED, m->offset, w->s->err, "a message of unknown type %u", m->type);
    return m->type ? add_message(w, m) : DLFW_OK;
}

/* The messages in data, which lies at offset. What is too short for one more message is a gap. */
static dlfw_status take_messages(struct walk *w, const uint8_t *data, uint64_t len, uint64_t offset)
{
    const uint32_t head = w->header_bytes;

    for (uint64_t at = 0; len - at >= head;) {
        const uint8_t *p = data + at;
        struct h5_message m = {.data = p + head, .offset = offset + at + head};
        dlfw_status st;

        if (w->is_new) {
            m.type = p[0];
            m.size = get_le16(p + 1);
            m.flags = p[3];
        } else {
            m.type = get_le16(p);
            m.size = get_le16(p + 2);
            m.flags = p[4];
        }
        if (m.size > len - at - head)
            return h5_corrupt(w->s, offset + at, "a message reaches beyond its object header");
        st = take_message(w, &m);
        if (st < 0)
            return st;
        at += head + m.size;
    }
    return DLFW_OK;
}

static dlfw_status take_continuation(struct walk *w, const struct block *b)
{
    const uint8_t *p;
    dlfw_status st = h5_bytes(w->s, b->offset, b->length, &p);

    if (st != DLFW_OK) {
        w->misses |= st == DLFW_NEED_IO;
        return st;
    }
    if (!w->is_new)
        return take_messages(w, p, b->length, b->offset);
    if (b->length < 8 || memcmp(p, "OCHK", 4) != 0)
        return h5_corrupt(w->s, b->offset, "no continuation of an object header");
    if (!h5_sum_matches(p, b->length - H5_CHECKSUM_BYTES))
        return h5_corrupt(w->s, b->offset, "checksum mismatch of an object header's continuation");
    return take_messages(w, p + 4, b->length - 8, b->offset + 4);
}

static dlfw_status begin_old(struct walk *w, const uint8_t *p)
{
    const uint64_t length = get_le32(p + 8);
    dlfw_status st;

    if (p[0] != 1)
        return h5_corrupt(w->s, w->object->offset, "no object header");
    w->header_bytes = 8;
    st = h5_bytes(w->s, w->object->offset, OLD_PREFIX + length, &p);
    return st != DLFW_OK ? st : take_messages(w, p + OLD_PREFIX, length, w->object->offset + OLD_PREFIX);
}

static dlfw_status begin_new(struct walk *w, const uint8_t *p)
{
    const uint64_t offset = w->object->offset;
    const uint32_t flags = p[5], width = 1u << (flags & NEW_LENGTH);
    uint64_t prefix = 6u + (flags & NEW_TIMES ? 16 : 0) + (flags & NEW_PHASES ? 4 : 0), length = 0;
    dlfw_status st;

    if (p[4] != 2)
        return h5_corrupt(w->s, offset, "an object header of unknown version");
    w->is_new = true;
    w->header_bytes = flags & NEW_ORDER ? 6 : 4;
    st = h5_bytes(w->s, offset, prefix + width, &p);
    if (st != DLFW_OK)
        return st;
    for (uint32_t i = 0; i < width; i++)
        length |= (uint64_t)p[prefix + i] << 8 * i;
    prefix += width;
    if (length > w->s->object->size)
        return h5_corrupt(w->s, offset, "an object header longer than the file");
    st = h5_bytes(w->s, offset, prefix + length + 4, &p);
    if (st != DLFW_OK)
        return st;
    if (!h5_sum_matches(p, prefix + length))
        return h5_corrupt(w->s, offset, "checksum mismatch of an object header");
    return take_messages(w, p + prefix, length, offset + prefix);
}

dlfw_status h5_object_read(struct h5_source *s, uint64_t address, struct h5_object *ret)
{
    struct walk w;
    const uint8_t *p;
    dlfw_status st;

    w.s = s;
    w.object = ret;
    w.is_new = w.misses = false;
    w.block_count = 0;
    ret->messages = ret->few;
    ret->cap = sizeof ret->few / sizeof ret->few[0];
    ret->count = 0;
    st = h5_at(s, address, OLD_PREFIX, &p, &ret->offset);
    if (st != DLFW_OK)
        return st;
    st = memcmp(p, "OHDR", 4) == 0 ? begin_new(&w, p) : begin_old(&w, p);
    if (st != DLFW_OK)
        return st;
    for (uint32_t i = 0; i < w.block_count; i++) {
        st = take_continuation(&w, &w.blocks[i]);
        if (st < 0)
            return st;
    }
    return w.misses ? DLFW_NEED_IO : DLFW_OK;
}
