/* SPDX-License-Identifier: Apache-2.0 */
/* Objects for the cases, and reading them the way a host reads: widened to the backend's alignment, judged on the
 * wanted bytes. */
#include <stdio.h>
#include <string.h>

#include "host/content.h"
#include "kit_io.h"

static _Thread_local char last_text[320];

const char *kit_text(void)
{
    return last_text;
}

static dlfw_status finish(struct kit_io *io, struct kit_slot *slot)
{
    dlfw_status st = kit_call(io, slot);

    snprintf(last_text, sizeof last_text, "%s: %s", dlfw_status_name(st), st < 0 ? slot->text : "");
    kit_slot_free(slot);
    return st;
}

uint64_t kit_round_up(uint64_t value, uint64_t align)
{
    return (value + align - 1) & ~(align - 1);
}

void kit_content(const char *key, uint64_t offset, void *buf, uint64_t len)
{
    content_fill(1, content_object(key, strlen(key)), offset, buf, len);
}

void kit_limits(struct kit_io *io, const char *key, dlfw_limits *ret)
{
    char text[256];
    dlfw_error err = FAKE_ERROR(text);
    uint32_t *aligns[] = {&ret->mem_align, &ret->read_offset_align, &ret->read_length_align, &ret->write_offset_align,
                          &ret->write_length_align};

    *ret = (dlfw_limits){.struct_size = (uint32_t)sizeof *ret};
    if (io->ops->limits) {
        dlfw_status st = io->ops->limits(io->be, key, (uint32_t)strlen(key), ret, &err);

        kit_check_error(io->kit, st, &err, "limits");
        KIT_CHECK(io->kit, st >= 0, "limits of '%s' fails: %s", key, text);
    }
    for (size_t i = 0; i < sizeof aligns / sizeof *aligns; i++) {
        if (*aligns[i] == 0)
            *aligns[i] = 1;
        KIT_CHECK(io->kit, (*aligns[i] & (*aligns[i] - 1)) == 0 && *aligns[i] <= 4096,
                  "limits: an alignment of %u is no power of two up to 4096", *aligns[i]);
    }
}

static dlfw_status put_in_parts(struct kit_io *io, const char *key, const void *data, uint64_t len, uint16_t flags)
{
    struct kit_slot *slot = kit_slot(io, DLFW_OP_WRITE_BEGIN, key, strlen(key));
    dlfw_status st;
    void *handle;

    slot->req.arg = len;
    slot->req.flags = flags;
    st = kit_call(io, slot);
    handle = slot->comp.handle;
    snprintf(last_text, sizeof last_text, "%s: %s", dlfw_status_name(st), st < 0 ? slot->text : "");
    kit_slot_free(slot);
    if (st < 0)
        return st;
    if (len) {
        slot = kit_slot(io, DLFW_OP_WRITE_PART, key, strlen(key));
        slot->req.handle = handle;
        slot->req.buf = (void *)(uintptr_t)data;
        slot->req.buf_cap = slot->req.length = len;
        st = finish(io, slot);
        if (st < 0)
            return st;
    }
    slot = kit_slot(io, DLFW_OP_WRITE_COMMIT, key, strlen(key));
    slot->req.handle = handle;
    slot->req.arg = len;
    return finish(io, slot);
}

dlfw_status kit_put(struct kit_io *io, const char *key, const void *data, uint64_t len, uint16_t flags)
{
    struct kit_slot *slot;

    if (!kit_can(io, DLFW_OP_PUT)) {
        if (!kit_can(io, DLFW_OP_WRITE_BEGIN))
            kit_skip(io->kit, "the backend cannot write");
        return put_in_parts(io, key, data, len, flags);
    }
    slot = kit_slot(io, DLFW_OP_PUT, key, strlen(key));
    slot->req.flags = flags;
    slot->req.buf = (void *)(uintptr_t)data;
    slot->req.buf_cap = slot->req.length = len;
    return finish(io, slot);
}

dlfw_status kit_stat(struct kit_io *io, const char *key, uint64_t *ret_size)
{
    struct kit_slot *slot;
    dlfw_status st;

    if (!kit_can(io, DLFW_OP_STAT))
        kit_skip(io->kit, "the backend has no STAT");
    slot = kit_slot(io, DLFW_OP_STAT, key, strlen(key));
    st = finish(io, slot);
    if (st >= 0) {
        KIT_CHECK(io->kit, slot->comp.object_size != UINT64_MAX || !kit_has_data(io),
                  "STAT of '%s' succeeds without object_size", key);
        *ret_size = slot->comp.object_size;
    }
    return st;
}

dlfw_status kit_delete(struct kit_io *io, const char *key)
{
    if (!kit_can(io, DLFW_OP_DELETE))
        kit_skip(io->kit, "the backend has no DELETE");
    return finish(io, kit_slot(io, DLFW_OP_DELETE, key, strlen(key)));
}

dlfw_status kit_make_root(struct kit_io *io, const char *key)
{
    if (!kit_can(io, DLFW_OP_MAKE_ROOT))
        return DLFW_OK;
    return finish(io, kit_slot(io, DLFW_OP_MAKE_ROOT, key, strlen(key)));
}

/* What the object named in the quirks file holds: read once, whole, as the reference for every range. */
static struct kit_object existing(struct kit_io *io)
{
    struct kit_object object = {.key = io->kit->settings->object};
    unsigned char *data;
    struct kit_slot *slot;

    if (!object.key)
        kit_skip(io->kit, "the backend cannot write; 'object: KEY' in the quirks file names one to read");
    KIT_CHECK(io->kit, kit_stat(io, object.key, &object.size) >= 0, "STAT of '%s' fails: %s", object.key, kit_text());
    if (!kit_has_data(io))
        return object;
    data = kit_alloc(io->kit, object.size);
    slot = kit_slot(io, DLFW_OP_GET, object.key, strlen(object.key));
    slot->req.flags = DLFW_REQ_WHOLE;
    slot->req.buf = data;
    slot->req.length = object.size;
    slot->req.buf_cap = kit_round_up(object.size + 1, 4096);
    KIT_CHECK(io->kit, finish(io, slot) >= 0, "GET of '%s' fails: %s", object.key, kit_text());
    object.data = data;
    return object;
}

struct kit_object kit_object(struct kit_io *io, const char *key, uint64_t size)
{
    struct kit_object object = {.key = key, .size = size};
    unsigned char *data;

    if (!kit_can(io, DLFW_OP_PUT) && !kit_can(io, DLFW_OP_WRITE_BEGIN))
        return existing(io);
    data = kit_alloc(io->kit, size);
    kit_content(key, 0, data, size);
    KIT_CHECK(io->kit, kit_make_root(io, "") >= 0, "MAKE_ROOT fails: %s", kit_text());
    KIT_CHECK(io->kit, kit_put(io, key, data, size, 0) >= 0, "cannot write '%s' of %llu bytes: %s", key,
              (unsigned long long)size, kit_text());
    if (kit_has_data(io)) {
        object.data = data;
        return object;
    }
    KIT_CHECK(io->kit, kit_stat(io, key, &object.size) >= 0, "STAT of '%s' fails: %s", key, kit_text());
    object.endless = object.size == UINT64_MAX;
    if (object.endless)
        object.size = size;
    return object;
}

static void expect_bytes(struct kit_io *io, const struct kit_object *object, const unsigned char *got, uint64_t offset,
                         uint64_t bytes)
{
    if (!object->data)
        return;
    for (uint64_t i = 0; i < bytes; i++)
        KIT_CHECK(io->kit, got[i] == object->data[offset + i], "%s: '%s' has a wrong byte at offset %llu", io->way,
                  object->key, (unsigned long long)(offset + i));
}

void kit_expect_range(struct kit_io *io, const struct kit_object *object, void *handle, uint64_t offset,
                      uint64_t length)
{
    struct kit_slot *slot = kit_slot(io, DLFW_OP_GET, object->key, strlen(object->key));
    uint64_t begin, cap, wanted, there;
    unsigned char *buf;
    dlfw_limits limits;

    kit_limits(io, object->key, &limits);
    begin = offset & ~(uint64_t)(limits.read_offset_align - 1);
    cap = kit_round_up(offset - begin + length, limits.read_length_align);
    there = offset < object->size ? object->size - offset : 0;
    wanted = length < there ? length : there;
    buf = kit_guarded(io->kit, cap);
    slot->req.handle = handle;
    slot->req.buf = buf;
    slot->req.buf_cap = cap;
    slot->req.offset = begin;
    slot->req.length = cap;
    KIT_CHECK(io->kit, kit_call(io, slot) >= 0, "%s: GET of '%s', offset %llu, length %llu fails: %s", io->way,
              object->key, (unsigned long long)begin, (unsigned long long)cap, slot->text);
    there = slot->comp.bytes > offset - begin ? slot->comp.bytes - (offset - begin) : 0;
    KIT_CHECK(io->kit, there >= wanted,
              "%s: GET of '%s' (%llu bytes), offset %llu, length %llu is short in the middle: %llu bytes came", io->way,
              object->key, (unsigned long long)object->size, (unsigned long long)begin, (unsigned long long)cap,
              (unsigned long long)slot->comp.bytes);
    KIT_CHECK(io->kit, object->endless || begin + slot->comp.bytes <= object->size || slot->comp.bytes == 0,
              "%s: GET of '%s' (%llu bytes), offset %llu gives %llu bytes, beyond the end", io->way, object->key,
              (unsigned long long)object->size, (unsigned long long)begin, (unsigned long long)slot->comp.bytes);
    expect_bytes(io, object, buf + (offset - begin), offset, wanted);
    kit_slot_free(slot);
}

void kit_expect_whole(struct kit_io *io, const struct kit_object *object)
{
    struct kit_slot *slot = kit_slot(io, DLFW_OP_GET, object->key, strlen(object->key));
    uint64_t cap = kit_round_up(object->size, 4096);
    unsigned char *buf = kit_guarded(io->kit, cap);

    slot->req.flags = DLFW_REQ_WHOLE;
    slot->req.buf = buf;
    slot->req.buf_cap = cap;
    slot->req.length = object->size;
    KIT_CHECK(io->kit, kit_call(io, slot) >= 0, "%s: GET of the whole of '%s' fails: %s", io->way, object->key,
              slot->text);
    KIT_CHECK(io->kit, slot->comp.bytes == object->size, "%s: GET of the whole of '%s' gives %llu of %llu bytes",
              io->way, object->key, (unsigned long long)slot->comp.bytes, (unsigned long long)object->size);
    KIT_CHECK(io->kit, slot->comp.object_size == UINT64_MAX || slot->comp.object_size == object->size,
              "%s: GET of '%s' reports an object size of %llu instead of %llu", io->way, object->key,
              (unsigned long long)slot->comp.object_size, (unsigned long long)object->size);
    expect_bytes(io, object, buf, 0, object->size);
    kit_slot_free(slot);
}

unsigned char *kit_guarded(struct kit *kit, uint64_t bytes)
{
    unsigned char *base = kit_alloc(kit, bytes + 2 * (uint64_t)KIT_GUARD);

    memset(base, KIT_GUARD_BYTE, (size_t)bytes + 2 * (size_t)KIT_GUARD);
    return base + KIT_GUARD;
}

void kit_guarded_check(struct kit *kit, const unsigned char *buf, uint64_t bytes, const char *what)
{
    for (uint64_t i = 0; i < KIT_GUARD; i++) {
        KIT_CHECK(kit, buf[bytes + i] == KIT_GUARD_BYTE, "%s: byte %llu behind a buffer of %llu was overwritten", what,
                  (unsigned long long)i, (unsigned long long)bytes);
        KIT_CHECK(kit, buf[-(int64_t)(i + 1)] == KIT_GUARD_BYTE, "%s: a byte before the buffer was overwritten", what);
    }
}
