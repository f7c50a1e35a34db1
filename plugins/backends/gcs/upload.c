/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resumable uploads: one session per object, its bytes in order. The service keeps whole chunks only, so the odd bytes
 * behind a part's last chunk (less than one chunk) stay here and go out with what comes next. Each answer tells how
 * much is kept: what is missing is sent again from the part's memory. When an answer did not come, the service is asked
 * before anything is sent.
 *
 * Where things are: bytes [0, base) are kept by the service, [base, next_offset) are in the tail, then comes the part.
 */
#include "gcs.h"

#include <string.h>

#include "resource.h"

#define STALLS_MAX 3u /* answers in a row that keep nothing new */

enum { NOTE_FROM = 0, NOTE_STALLS = 1, NOTE_CRC = 2, NOTE_KNOWN = 3 };

dlfw_status gcs_begin_build(struct cloud_call *call, dlfw_error *err)
{
    struct gcs_place place;
    struct text *target = &call->scratch2, *body = &call->scratch;
    dlfw_status st = gcs_call_place(call, &place, err);

    if (st < 0)
        return st;
    text_clear(target);
    text_str(target, "/upload/storage/v1/b/");
    text_encoded(target, place.bucket, place.bucket_len, false);
    text_str(target, "/o?uploadType=resumable&fields=size,crc32c,generation");
    if (call->req->flags & DLFW_REQ_EXCLUSIVE)
        text_str(target, "&ifGenerationMatch=0");
    st = gcs_begin(call, "POST", target, err);
    text_clear(body);
    text_str(body, "{\"name\":");
    gcs_add_json(body, place.object, place.object_len);
    text_str(body, "}");
    text_str(&call->x.head, "Content-Type: application/json; charset=UTF-8\r\n"
                            "X-Upload-Content-Type: application/octet-stream\r\n");
    gcs_end(call, body->len);
    call->body[0] = (struct iovec){.iov_base = body->data, .iov_len = body->len};
    call->x.body = call->body;
    call->x.body_count = 1;
    return st;
}

/* The session's URL. A server behind a TLS front may not know of the TLS. */
static dlfw_status take_session(struct cloud_call *call, const char *location, dlfw_error *err)
{
    const struct dlfw_backend *be = gcs_of(call);
    struct text *id = &call->upload->id;
    struct http_origin origin = be->origin;
    const char *path = location;
    char host[300];

    if (location[0] != '/') {
        if (http_origin_parse(location, &origin, &path, NULL) < 0)
            return dlfw_fail(err, DLFW_E_CORRUPT, "the service's answer has a 'Location' that is no URL");
        if (be->origin.tls && !origin.tls && strcmp(origin.host, be->origin.host) == 0 &&
            (origin.port == be->origin.port || origin.port == 80))
            origin = be->origin;
        if (be->origin.tls && !origin.tls)
            return dlfw_fail(err, DLFW_E_UNSUPPORTED, "the service wants the upload at 'http://%s', without TLS",
                             origin.host);
    }
    for (const char *c = path; *c; c++)
        if (*c <= ' ' || *c >= 0x7f)
            return dlfw_fail(err, DLFW_E_CORRUPT, "the service's answer has a 'Location' that is no URL");
    http_origin_host(&origin, host, sizeof host);
    text_clear(id);
    text_printf(id, "%s://%s%s", origin.tls ? "https" : "http", host, path);
    return id->failed ? dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for an upload") : DLFW_OK;
}

dlfw_status gcs_begin_answered(struct cloud_call *call, dlfw_error *err)
{
    char location[8192];

    if (!http_header_copy(&call->x, "location", location, sizeof location) || !location[0])
        return dlfw_fail(err, DLFW_E_CORRUPT, "the service began an upload but does not say where");
    return take_session(call, location, err);
}

dlfw_status gcs_kept(const struct cloud_call *call, uint64_t *ret, dlfw_error *err)
{
    size_t len = 0;
    const char *range = http_header(&call->x, "range", &len);

    if (!gcs_range_parse(range ? range : "", len, ret))
        return dlfw_fail(err, DLFW_E_CORRUPT, "the service's answer does not say how much it has of the upload");
    return DLFW_OK;
}

static uint64_t base_of(const struct cloud_upload *up)
{
    return up->next_offset - up->tail.len;
}

/* Where the whole chunks of tail and part end. */
static uint64_t end_of_chunks(const struct cloud_call *call)
{
    const struct cloud_upload *up = call->upload;

    return base_of(up) + (up->tail.len + call->req->length) / GCS_CHUNK * GCS_CHUNK;
}

/* Bytes [from, end) as pieces: what is left of the tail, then of the part. */
static uint32_t pieces(const struct cloud_upload *up, const dlfw_req *req, uint64_t from, uint64_t end,
                       struct iovec *ret)
{
    uint64_t part = up->next_offset;
    uint32_t n = 0;

    if (from < part)
        ret[n++] = (struct iovec){.iov_base = up->tail.data + (from - base_of(up)),
                                  .iov_len = (end < part ? end : part) - from};
    if (end > part) {
        uint64_t skip = from > part ? from - part : 0;

        ret[n++] = (struct iovec){.iov_base = (uint8_t *)req->buf + skip, .iov_len = end - part - skip};
    }
    return n;
}

/* The part is with the service, but for what is less than a chunk. */
static dlfw_status part_done(struct cloud_call *call, dlfw_error *err)
{
    struct cloud_upload *up = call->upload;
    const dlfw_req *req = call->req;
    uint64_t sent = end_of_chunks(call);
    uint64_t part = up->next_offset;
    uint64_t skip = sent > part ? sent - part : 0;

    if (sent > base_of(up)) /* a chunk is more than any tail */
        text_clear(&up->tail);
    text_add(&up->tail, (const char *)req->buf + skip, (size_t)(req->length - skip));
    if (up->tail.failed || !cloud_upload_set_part(up, req->arg, "", 0, req->length, (uint32_t)call->note[NOTE_CRC]))
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for an upload");
    call->comp.bytes = req->length;
    return DLFW_OK;
}

static dlfw_status part_check(struct cloud_call *call, dlfw_error *err)
{
    const struct cloud_upload *up = call->upload;
    const dlfw_req *req = call->req;

    if (req->offset != up->next_offset)
        return dlfw_fail(err, DLFW_E_INVALID, "part %llu begins at %llu, the parts before it end at %llu",
                         (unsigned long long)req->arg, (unsigned long long)req->offset,
                         (unsigned long long)up->next_offset);
    if (req->length > INT64_MAX - req->offset)
        return dlfw_fail(err, DLFW_E_INVALID, "part %llu ends beyond any object", (unsigned long long)req->arg);
    return DLFW_OK;
}

static dlfw_status build_chunks(struct cloud_call *call, uint64_t from, uint64_t end, dlfw_error *err)
{
    dlfw_status st = gcs_begin_session(call, "PUT", err);

    text_printf(&call->x.head, "Content-Range: bytes %llu-%llu/*\r\n", (unsigned long long)from,
                (unsigned long long)end - 1);
    gcs_end(call, end - from);
    call->x.body_count = pieces(call->upload, call->req, from, end, call->body);
    call->x.body = call->body;
    call->upload->unsure = true;
    return st;
}

static bool was_taken(struct cloud_upload *up, uint64_t number)
{
    bool taken;

    pthread_mutex_lock(&up->lock);
    taken = number < up->next_part;
    pthread_mutex_unlock(&up->lock);
    return taken;
}

dlfw_status gcs_part_build(struct cloud_call *call, dlfw_error *err)
{
    struct cloud_upload *up = call->upload;
    dlfw_status st;

    if (was_taken(up, call->req->arg)) { /* the host asks for it once more */
        call->comp.bytes = call->req->length;
        return DLFW_END;
    }
    if (!call->note[NOTE_KNOWN]) {
        st = part_check(call, err);
        if (st < 0)
            return st;
        if (gcs_of(call)->checksums)
            call->note[NOTE_CRC] = call->cloud->host->crc32c(0, call->req->buf, call->req->length);
        call->note[NOTE_FROM] = base_of(up);
        call->note[NOTE_KNOWN] = 1;
        if (up->unsure)
            call->step = GCS_ASK;
    }
    if (call->step == GCS_ASK) {
        st = gcs_begin_session(call, "PUT", err);
        text_str(&call->x.head, "Content-Range: bytes */*\r\n");
        gcs_end(call, 0);
        return st;
    }
    if (end_of_chunks(call) == call->note[NOTE_FROM]) { /* less than a chunk so far */
        st = part_done(call, err);
        return st < 0 ? st : DLFW_END;
    }
    return build_chunks(call, call->note[NOTE_FROM], end_of_chunks(call), err);
}

dlfw_status gcs_part_answered(struct cloud_call *call, dlfw_error *err)
{
    struct cloud_upload *up = call->upload;
    uint64_t end = end_of_chunks(call);
    uint64_t kept;
    dlfw_status st;

    if (call->x.code != 308)
        return dlfw_fail(err, DLFW_E_CORRUPT, "the service takes the object for complete before it is");
    st = gcs_kept(call, &kept, err);
    if (st < 0)
        return st;
    up->unsure = false;
    kept -= kept % GCS_CHUNK;
    if (kept < base_of(up))
        return dlfw_fail(err, DLFW_E_IO, "the service lost a part of the upload: it has %llu bytes of %llu",
                         (unsigned long long)kept, (unsigned long long)base_of(up));
    if (kept > end)
        return dlfw_fail(err, DLFW_E_CORRUPT, "the service has %llu bytes of an upload of %llu",
                         (unsigned long long)kept, (unsigned long long)end);
    if (kept == end)
        return part_done(call, err);
    if (call->step != GCS_ASK && kept <= call->note[NOTE_FROM] && ++call->note[NOTE_STALLS] > STALLS_MAX) {
        st = dlfw_fail(err, DLFW_E_UNAVAILABLE, "the service keeps nothing of what is sent");
        if (err)
            err->flags = DLFW_ERR_RETRYABLE;
        return st;
    }
    call->note[NOTE_FROM] = kept;
    call->step = GCS_MAIN;
    return DLFW_NEED_IO;
}
