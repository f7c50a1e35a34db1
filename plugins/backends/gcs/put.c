/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PUT: one request with the object's metadata, its CRC-32C among it, in front of the bytes; the service compares before
 * the object can be seen. What the answer says is compared again, and verify_writes asks once more.
 */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "gcs.h"
#include "resource.h"

/* A line that the payload cannot hold by chance. */
static dlfw_status add_boundary(struct text *to, dlfw_error *err)
{
    uint8_t bytes[18];

    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return dlfw_fail(err, DLFW_E_INTERNAL, "the system gives no random bytes");
    text_str(to, "dlfw-");
    cloud_base64(to, bytes, sizeof bytes, true);
    return DLFW_OK;
}

static void add_metadata(struct text *to, const struct gcs_place *place, bool has_crc32c, uint32_t crc32c)
{
    text_str(to, "{\"name\":");
    gcs_add_json(to, place->object, place->object_len);
    if (has_crc32c) {
        text_str(to, ",\"crc32c\":\"");
        gcs_add_crc32c(to, crc32c);
        text_char(to, '"');
    }
    text_str(to, "}");
}

/* The body: what is in scratch up to `middle`, the payload, the rest of scratch. */
static void set_body(struct cloud_call *call, size_t middle)
{
    const dlfw_req *req = call->req;
    uint32_t n = 0;

    call->body[n++] = (struct iovec){.iov_base = call->scratch.data, .iov_len = middle};
    if (req->length)
        call->body[n++] = (struct iovec){.iov_base = req->buf, .iov_len = req->length};
    call->body[n++] = (struct iovec){.iov_base = call->scratch.data + middle, .iov_len = call->scratch.len - middle};
    call->x.body = call->body;
    call->x.body_count = n;
}

static dlfw_status build_multipart(struct cloud_call *call, const struct gcs_place *place, dlfw_error *err)
{
    struct text boundary = {0};
    struct text *body = &call->scratch;
    size_t middle = 0;
    dlfw_status st = add_boundary(&boundary, err);

    if (st == DLFW_OK && boundary.failed)
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for the request");
    if (st == DLFW_OK)
        st = gcs_begin(call, "POST", &call->scratch2, err);
    if (st < 0)
        goto out;
    text_printf(&call->x.head, "Content-Type: multipart/related; boundary=\"%s\"\r\n", boundary.data);
    text_clear(body);
    text_printf(body, "--%s\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n", boundary.data);
    add_metadata(body, place, gcs_of(call)->checksums, (uint32_t)call->note[0]);
    text_printf(body, "\r\n--%s\r\nContent-Type: application/octet-stream\r\n\r\n", boundary.data);
    middle = body->len;
    text_printf(body, "\r\n--%s--\r\n", boundary.data);
    if (body->failed) {
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for the request");
        goto out;
    }
    set_body(call, middle);
    gcs_end(call, body->len + call->req->length);
out:
    text_free(&boundary);
    return st;
}

dlfw_status gcs_put_build(struct cloud_call *call, dlfw_error *err)
{
    const dlfw_req *req = call->req;
    struct gcs_place place;
    dlfw_status st;

    if (call->step != GCS_MAIN)
        return gcs_after_build(call, err);
    if (req->offset != 0)
        return dlfw_fail(err, DLFW_E_INVALID, "an object is written from offset 0, not %llu",
                         (unsigned long long)req->offset);
    st = gcs_call_place(call, &place, err);
    if (st < 0)
        return st;
    if (gcs_of(call)->checksums)
        call->note[0] = call->cloud->host->crc32c(0, req->buf, req->length);
    text_clear(&call->scratch2);
    text_str(&call->scratch2, "/upload/storage/v1/b/");
    text_encoded(&call->scratch2, place.bucket, place.bucket_len, false);
    text_str(&call->scratch2, "/o?uploadType=multipart&fields=size,crc32c,generation");
    if (req->flags & DLFW_REQ_EXCLUSIVE)
        text_str(&call->scratch2, "&ifGenerationMatch=0");
    return build_multipart(call, &place, err);
}

dlfw_status gcs_put_answered(struct cloud_call *call, dlfw_error *err)
{
    dlfw_status st;

    if (call->step != GCS_MAIN)
        st = gcs_after_answered(call, call->req->length, (uint32_t)call->note[0], err);
    else
        st = gcs_written(call, call->req->length, (uint32_t)call->note[0], err);
    if (st == DLFW_OK)
        call->comp.bytes = call->comp.object_size = call->req->length;
    return st;
}

/* "" when the object is what was written, else what is wrong with it. */
static void compare(const struct gcs_object *object, uint64_t size, const uint32_t *crc32c, char *why, size_t cap)
{
    why[0] = '\0';
    if (object->has_size && object->size != size)
        (void)snprintf(why, cap, "the service has %llu bytes of the %llu that were written",
                       (unsigned long long)object->size, (unsigned long long)size);
    else if (crc32c && object->has_crc32c && object->crc32c != *crc32c)
        (void)snprintf(why, cap, "the service has CRC-32C %08x of the object, written was %08x", object->crc32c,
                       *crc32c);
}

dlfw_status gcs_written(struct cloud_call *call, uint64_t size, uint32_t crc32c, dlfw_error *err)
{
    const bool checksums = gcs_of(call)->checksums;
    struct gcs_object object;
    char why[160];
    bool drops;
    json_t *doc = gcs_json_parse(call->x.reply.data, call->x.reply.len, err);

    if (!doc)
        return DLFW_E_CORRUPT;
    gcs_object_read(doc, &object);
    compare(&object, size, checksums ? &crc32c : NULL, why, sizeof why);
    /* Only what the answer to this very write names is deleted: a later look may meet another writer's object. */
    drops = why[0] && object.generation && call->step == GCS_MAIN;
    if (drops) {
        text_clear(&call->scratch);
        text_str(&call->scratch, "?generation=");
        text_str(&call->scratch, object.generation);
        call->step = GCS_DROP;
    }
    json_decref(doc);
    if (why[0])
        return drops ? DLFW_NEED_IO : dlfw_fail(err, DLFW_E_CORRUPT, "%s", why);
    if (call->cloud->verify_writes && call->step == GCS_MAIN) {
        call->step = GCS_VERIFY;
        return DLFW_NEED_IO;
    }
    return DLFW_OK;
}

dlfw_status gcs_after_build(struct cloud_call *call, dlfw_error *err)
{
    bool drops = call->step == GCS_DROP;
    dlfw_status st = gcs_object_request(call, drops ? "DELETE" : "GET",
                                        drops ? call->scratch.data : "?fields=size,crc32c,generation", err);

    gcs_end(call, UINT64_MAX);
    return st;
}

dlfw_status gcs_after_answered(struct cloud_call *call, uint64_t size, uint32_t crc32c, dlfw_error *err)
{
    dlfw_status st;

    if (call->step != GCS_DROP)
        return gcs_written(call, size, crc32c, err);
    st = dlfw_fail(err, DLFW_E_CORRUPT, "the service says that the object is not what was written, it was %s",
                   call->x.code < 300 ? "deleted" : "not deleted");
    /* The memory it was written from is still right. */
    if (err && call->req->op == DLFW_OP_PUT)
        err->flags = DLFW_ERR_RETRYABLE;
    return st;
}
