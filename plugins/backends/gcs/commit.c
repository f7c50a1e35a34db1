/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a resumable upload. The last bytes go out with the total size, or the total alone where none are left; the
 * object is there once the service answers with it. Asking "*" "/total" is the same request: a session that has ended
 * answers with its object, so a COMMIT whose answer got lost finds out.
 */
#include "gcs.h"

#include <string.h>

#include "crc_join.h"
#include "resource.h"

#define STALLS_MAX 3u

enum { NOTE_FROM = 0, NOTE_STALLS = 1, NOTE_CRC = 2, NOTE_KNOWN = 3 };

static uint32_t crc_of_parts(const struct cloud_upload *up)
{
    uint32_t crc32c = 0;

    for (uint32_t i = 0; i < up->part_count; i++)
        crc32c = gcs_crc32c_join(crc32c, up->parts[i].crc32c, up->parts[i].size);
    return crc32c;
}

static dlfw_status commit_check(struct cloud_call *call, dlfw_error *err)
{
    const struct cloud_upload *up = call->upload;

    if (call->req->arg != up->next_offset)
        return dlfw_fail(err, DLFW_E_INVALID, "the object shall be %llu bytes, its parts make %llu",
                         (unsigned long long)call->req->arg, (unsigned long long)up->next_offset);
    call->note[NOTE_CRC] = gcs_of(call)->checksums ? crc_of_parts(up) : 0;
    /* After a doubt the first request only asks: it carries none of the last bytes. */
    call->note[NOTE_FROM] = up->unsure ? up->next_offset : up->next_offset - up->tail.len;
    call->note[NOTE_KNOWN] = 1;
    return DLFW_OK;
}

/* Bytes from on, which are the end of the tail; none: the total alone. */
static dlfw_status build_end(struct cloud_call *call, dlfw_error *err)
{
    struct cloud_upload *up = call->upload;
    uint64_t total = up->next_offset, from = call->note[NOTE_FROM];
    struct text *head = &call->x.head;
    dlfw_status st = gcs_begin_session(call, "PUT", err);

    if (from < total)
        text_printf(head, "Content-Range: bytes %llu-%llu/%llu\r\n", (unsigned long long)from,
                    (unsigned long long)total - 1, (unsigned long long)total);
    else
        text_printf(head, "Content-Range: bytes */%llu\r\n", (unsigned long long)total);
    if (gcs_of(call)->checksums) {
        text_str(head, "X-Goog-Hash: crc32c=");
        gcs_add_crc32c(head, (uint32_t)call->note[NOTE_CRC]);
        text_str(head, "\r\n");
    }
    gcs_end(call, total - from);
    if (from < total) {
        call->body[0] =
            (struct iovec){.iov_base = up->tail.data + up->tail.len - (total - from), .iov_len = total - from};
        call->x.body = call->body;
        call->x.body_count = 1;
    }
    up->unsure = true;
    return st;
}

dlfw_status gcs_commit_build(struct cloud_call *call, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;

    if (!call->note[NOTE_KNOWN])
        st = commit_check(call, err);
    if (st < 0)
        return st;
    if (call->step == GCS_MAIN)
        return build_end(call, err);
    if (call->step == GCS_VERIFY || call->step == GCS_DROP)
        return gcs_after_build(call, err);
    st = gcs_object_request(call, "GET", "?fields=size,crc32c", err); /* GCS_LOOK */
    gcs_end(call, UINT64_MAX);
    return st;
}

/* Not complete yet: what is still to be sent? */
static dlfw_status end_missing(struct cloud_call *call, dlfw_error *err)
{
    const struct cloud_upload *up = call->upload;
    uint64_t base = up->next_offset - up->tail.len;
    bool asked_only = call->note[NOTE_FROM] == up->next_offset && up->tail.len;
    uint64_t kept;
    dlfw_status st = gcs_kept(call, &kept, err);

    if (st < 0)
        return st;
    if (kept < up->next_offset)
        kept -= kept % GCS_CHUNK;
    if (kept < base || kept > up->next_offset)
        return dlfw_fail(err, DLFW_E_IO, "the service has %llu bytes of the upload, it was given %llu",
                         (unsigned long long)kept, (unsigned long long)base);
    if (!asked_only && kept <= call->note[NOTE_FROM] && ++call->note[NOTE_STALLS] > STALLS_MAX) {
        st = dlfw_fail(err, DLFW_E_UNAVAILABLE, "the service has all %llu bytes and does not end the upload",
                       (unsigned long long)kept);
        if (err)
            err->flags = DLFW_ERR_RETRYABLE;
        return st;
    }
    call->note[NOTE_FROM] = kept;
    return DLFW_NEED_IO;
}

/* The session is gone after a doubt: an object of this size and content is ours. */
static dlfw_status looked(struct cloud_call *call, dlfw_error *err)
{
    struct gcs_object object;
    bool is_ours = false;
    json_t *doc = call->x.code == 200 ? gcs_json_parse(call->x.reply.data, call->x.reply.len, err) : NULL;

    if (doc) {
        gcs_object_read(doc, &object);
        is_ours = object.has_size && object.size == call->req->arg && object.has_crc32c && gcs_of(call)->checksums &&
                  object.crc32c == (uint32_t)call->note[NOTE_CRC];
        json_decref(doc);
    }
    return is_ours ? DLFW_OK : dlfw_fail(err, DLFW_E_IO, "the service does not know the upload any more");
}

static dlfw_status ended(struct cloud_call *call, dlfw_error *err)
{
    switch (call->step) {
    case GCS_LOOK:
        return looked(call, err);
    case GCS_VERIFY:
    case GCS_DROP:
        return gcs_after_answered(call, call->req->arg, (uint32_t)call->note[NOTE_CRC], err);
    default:
        break;
    }
    if (call->x.code == 308)
        return end_missing(call, err);
    if (call->x.code == 404 || call->x.code == 410) {
        call->step = GCS_LOOK;
        return DLFW_NEED_IO;
    }
    return gcs_written(call, call->req->arg, (uint32_t)call->note[NOTE_CRC], err);
}

dlfw_status gcs_commit_answered(struct cloud_call *call, dlfw_error *err)
{
    dlfw_status st = ended(call, err);

    if (st == DLFW_OK)
        call->comp.object_size = call->req->arg;
    return st;
}

dlfw_status gcs_abort_build(struct cloud_call *call, dlfw_error *err)
{
    dlfw_status st = gcs_begin_session(call, "DELETE", err);

    gcs_end(call, 0);
    return st;
}

dlfw_status gcs_abort_answered(struct cloud_call *call, dlfw_error *err)
{
    (void)err;
    if (call->x.code == 405 || call->x.code == 501)
        dlfw_log(
            call->cloud->host, call->cloud->host_ctx, DLFW_LOG_WARNING,
            "gs: the service behind '%s' cannot cancel uploads; it forgets them by itself, after a week as documented",
            call->cloud->uri);
    return DLFW_OK;
}
