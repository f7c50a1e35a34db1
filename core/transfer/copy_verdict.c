/* SPDX-License-Identifier: Apache-2.0 */
/* What the storages' answers mean for an object: is it there already, has it changed, are the bytes right? */
#include <inttypes.h>

#include "transfer/copy_parts.h"

static const char *name_of(const struct copy_object *o)
{
    return o->source_key ? o->source_key : o->target_key;
}

bool object_wants_crc(const struct copy_object *o)
{
    return o->phase != PHASE_MOVE || o->w->c->args.checksum || o->w->c->args.read_back;
}

dlfw_status object_changed(struct copy_object *o, uint64_t now)
{
    if (o->phase == PHASE_READ_BACK)
        return object_refuse(o, DLFW_E_CORRUPT,
                             "the copy '%s' has %" PRIu64 " bytes instead of %" PRIu64 "; it was removed",
                             o->target_key, now, o->total);
    if (o->phase == PHASE_SCAN_TARGET)
        return object_refuse(o, DLFW_E_BUSY, "'%s' changed its size while it was compared", o->target_key);
    return object_refuse(o, DLFW_E_BUSY,
                         "'%s' changed its size while it was copied: %" PRIu64 " bytes before, %" PRIu64 " now",
                         name_of(o), o->item.size, now);
}

void object_cut_range(struct copy_object *o)
{
    if (o->item.offset > o->item.size) {
        object_refuse(o, DLFW_E_INVALID, "'%s' has %" PRIu64 " bytes; there is nothing at %" PRIu64, name_of(o),
                      o->item.size, o->item.offset);
        return;
    }
    o->total = o->item.size - o->item.offset;
    if (o->total > o->item.length)
        o->total = o->item.length;
    copy_expect(o);
}

/* False: the answer makes no sense, and the object has failed. */
static bool take_info(struct copy_object *o, struct io_object_info *ret)
{
    struct error_slot why;
    dlfw_status st;

    error_slot_init(&why);
    st = io_info_take(&o->op.io, ret, &why.e);
    if (st < 0)
        object_fail(o, &why.e);
    io_object_info_free(&(struct io_object_info){.etag = ret->etag,
                                                 .content_type = ret->content_type,
                                                 .content_encoding = ret->content_encoding,
                                                 .storage_class = ret->storage_class,
                                                 .version = ret->version,
                                                 .metadata = ret->metadata});
    return st >= 0;
}

void object_take_size(struct copy_object *o)
{
    struct io_object_info info;

    if (!take_info(o, &info))
        return;
    if (info.size == UINT64_MAX) {
        object_refuse(o, DLFW_E_UNSUPPORTED, "cannot copy '%s': its storage does not tell its size", name_of(o));
        return;
    }
    o->item.size = info.size;
    o->item.mtime_ns = info.mtime_ns;
    object_cut_range(o);
}

void object_take_there(struct copy_object *o)
{
    struct io_object_info info;

    if (!take_info(o, &info))
        return;
    if (o->w->c->args.write_flags & DLFW_REQ_EXCLUSIVE)
        o->same = true;
    else if (info.size != o->total)
        o->item.condition = COPY_ALWAYS;
    else if (o->item.condition == COPY_UNLESS_THERE)
        o->same = o->item.mtime_ns && info.mtime_ns >= o->item.mtime_ns;
    o->has_target_crc = info.has_crc32c;
    o->target_crc = info.crc32c;
}

void object_take_source_info(struct copy_object *o)
{
    struct io_object_info info;

    if (!take_info(o, &info))
        return;
    if (info.size != UINT64_MAX && info.size != o->item.size) {
        object_changed(o, info.size);
        return;
    }
    o->has_source_crc = info.has_crc32c;
    o->source_crc = info.crc32c;
}

void object_take_recheck(struct copy_object *o)
{
    if (o->op.io.object_size != UINT64_MAX && o->op.io.object_size != o->item.size)
        object_changed(o, o->op.io.object_size);
}

void object_judge_scans(struct copy_object *o)
{
    o->same = o->has_source_crc && o->has_target_crc && o->source_crc == o->target_crc;
    o->item.condition = COPY_ALWAYS;
}

void object_judge_moved(struct copy_object *o)
{
    if (object_has_failed(o) || !o->has_source_crc || !object_is_whole(o) ||
        !(o->w->c->args.checksum || o->w->c->args.read_back) || o->moved_crc == o->source_crc)
        return;
    object_refuse(o, DLFW_E_CORRUPT, "what was read of '%s' has the CRC-32C %08x, its storage says %08x", name_of(o),
                  o->moved_crc, o->source_crc);
}

void object_judge_copy(struct copy_object *o, uint32_t crc)
{
    o->verified = crc == o->moved_crc;
    if (!o->verified)
        object_refuse(o, DLFW_E_CORRUPT, "the copy '%s' has the CRC-32C %08x, the source %08x; it was removed",
                      o->target_key, crc, o->moved_crc);
}

void object_take_target_info(struct copy_object *o)
{
    struct io_object_info info;

    if (!take_info(o, &info))
        return;
    o->has_target_crc = info.has_crc32c;
    if (info.has_crc32c)
        object_judge_copy(o, info.crc32c);
}
