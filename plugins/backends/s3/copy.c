/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies made by the service: one request, or, where the service says that the source is too large for one, an upload
 * whose parts are ranges of the source. An upload that fails is aborted before the failure is told.
 *
 * note: [0] size of the source, [1] parts done, [2] status and [3] flags of the failure that is told after the abort.
 * scratch: the commit's XML, or the failure's text; scratch2: the upload id.
 */
#include <stdio.h>
#include <string.h>

#include "s3.h"

#define COPY_PART (1ull << 30)

static uint64_t part_size(uint64_t total)
{
    uint64_t least = (total + S3_PARTS_MAX - 1) / S3_PARTS_MAX;

    return least > COPY_PART ? (least + (1u << 20) - 1) >> 20 << 20 : COPY_PART;
}

/* Full key of the source. */
static void source_key(const struct cloud_call *call, struct text *ret)
{
    text_add(ret, call->cloud->prefix, call->cloud->prefix_len);
    text_add(ret, call->req->buf, call->req->length);
}

static dlfw_status add_source(struct cloud_call *call, struct s3_request *r, dlfw_error *err)
{
    struct s3_request from = {0};
    struct text key = {0}, value = {0};
    dlfw_status st = DLFW_OK;

    source_key(call, &key);
    if (!s3_request_target((dlfw_backend *)call->cloud, &key, &from) || from.key_len == 0) {
        st = dlfw_fail(err, DLFW_E_INVALID, "the source names a bucket and no object");
    } else {
        text_char(&value, '/');
        text_encoded(&value, from.bucket, from.bucket_len, false);
        text_char(&value, '/');
        text_encoded(&value, from.key, from.key_len, true);
        s3_headers_add(&r->headers, "x-amz-copy-source", value.data ? value.data : "", value.len);
        r->headers.values.failed |= value.failed || key.failed;
    }
    text_free(&key);
    text_free(&value);
    return st;
}

static void add_upload_id(const struct cloud_call *call, struct s3_request *r)
{
    text_str(&r->query, "uploadId=");
    text_encoded(&r->query, call->scratch2.data, call->scratch2.len, false);
}

static dlfw_status build_part(struct cloud_call *call, struct s3_request *r, dlfw_error *err)
{
    uint64_t size = part_size(call->note[0]);
    uint64_t first = call->note[1] * size;
    uint64_t last = first + size < call->note[0] ? first + size : call->note[0];
    char range[64];
    dlfw_status st = add_source(call, r, err);

    if (st < 0)
        return st;
    (void)snprintf(range, sizeof range, "bytes=%llu-%llu", (unsigned long long)first, (unsigned long long)last - 1);
    s3_headers_str(&r->headers, "x-amz-copy-source-range", range);
    r->method = "PUT";
    r->has_body = true;
    text_str(&r->query, "partNumber=");
    text_u64(&r->query, call->note[1] + 1);
    text_char(&r->query, '&');
    add_upload_id(call, r);
    return s3_request_send(call, r, err);
}

static dlfw_status build_size(struct cloud_call *call, dlfw_error *err)
{
    struct text key = {0};
    dlfw_status st;

    source_key(call, &key);
    st = key.failed ? dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a request") : s3_head_build(call, &key, err);
    text_free(&key);
    return st;
}

dlfw_status s3_copy_build(struct cloud_call *call, dlfw_error *err)
{
    dlfw_backend *be = (dlfw_backend *)call->cloud;
    struct s3_request r = {.method = "POST", .has_body = true};
    dlfw_status st;

    if (call->step == S3_COPY_SIZE)
        return build_size(call, err);
    if (!s3_request_target(be, &call->key, &r) || r.key_len == 0)
        return dlfw_fail(err, DLFW_E_INVALID, "the key names a bucket and no object: 'bucket/key' is needed");
    switch (call->step) {
    case S3_COPY_BEGIN:
        text_str(&r.query, "uploads=");
        s3_request_writing(be, &r);
        break;
    case S3_COPY_PART:
        st = build_part(call, &r, err);
        s3_request_free(&r);
        return st;
    case S3_COPY_COMMIT:
        add_upload_id(call, &r);
        r.data = call->scratch.data;
        r.len = call->scratch.len;
        r.payload = S3_PAYLOAD_SIGNED;
        s3_headers_str(&r.headers, "content-type", "application/xml");
        break;
    case S3_COPY_ABORT:
        r.method = "DELETE";
        r.has_body = false;
        add_upload_id(call, &r);
        break;
    default:
        r.method = "PUT";
        s3_request_writing(be, &r);
        st = add_source(call, &r, err);
        if (st < 0) {
            s3_request_free(&r);
            return st;
        }
    }
    return s3_request_send(call, &r, err);
}

/* Remembers a failure and goes on to the abort. */
static void give_up(struct cloud_call *call, dlfw_status status, uint32_t flags, const char *text)
{
    call->note[2] = (uint64_t)(int64_t)status;
    call->note[3] = flags;
    text_clear(&call->scratch);
    text_str(&call->scratch, text);
    call->step = S3_COPY_ABORT;
}

static dlfw_status told(const struct cloud_call *call, dlfw_error *err)
{
    dlfw_status status = (dlfw_status)(int64_t)call->note[2];

    dlfw_fail(err, status, "%s", call->scratch.data ? call->scratch.data : "failed");
    if (err)
        err->flags = (uint32_t)call->note[3];
    return status;
}

static dlfw_status size_answered(struct cloud_call *call, dlfw_error *err)
{
    call->note[0] = call->x.content_length;
    if (call->x.content_length == UINT64_MAX)
        return dlfw_fail(err, DLFW_E_CORRUPT, "the answer does not tell the source's size");
    if (call->x.content_length <= COPY_PART) /* the copy was refused for another reason */
        return told(call, err);
    call->step = S3_COPY_BEGIN;
    return DLFW_NEED_IO;
}

static dlfw_status begin_answered(struct cloud_call *call, dlfw_error *err)
{
    char id[2048];
    const struct s3_pick picks[] = {{"UploadId", id, sizeof id}};
    dlfw_status st = s3_reply_expect(call, "InitiateMultipartUpload", picks, 1, err);

    if (st < 0)
        return st;
    if (!id[0] || strlen(id) + 1 == sizeof id)
        return dlfw_fail(err, DLFW_E_CORRUPT, "the answer names no upload id, or one that is too long");
    text_clear(&call->scratch2);
    text_str(&call->scratch2, id);
    text_clear(&call->scratch);
    text_str(&call->scratch, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    call->step = S3_COPY_PART;
    return DLFW_NEED_IO;
}

static dlfw_status part_answered(struct cloud_call *call, dlfw_error *err)
{
    char tag[96];
    const struct s3_pick picks[] = {{"ETag", tag, sizeof tag}};
    dlfw_status st = s3_reply_expect(call, "Copy", picks, 1, err);

    if (st < 0) {
        give_up(call, st, err ? err->flags : 0, call->error);
        return DLFW_NEED_IO;
    }
    s3_add_part(&call->scratch, (uint32_t)call->note[1] + 1, tag, NULL);
    if (++call->note[1] * part_size(call->note[0]) >= call->note[0]) {
        text_str(&call->scratch, "</CompleteMultipartUpload>");
        call->step = S3_COPY_COMMIT;
    }
    return DLFW_NEED_IO;
}

dlfw_status s3_copy_answered(struct cloud_call *call, dlfw_error *err)
{
    dlfw_status st;

    switch (call->step) {
    case S3_COPY_SIZE:
        return size_answered(call, err);
    case S3_COPY_BEGIN:
        return begin_answered(call, err);
    case S3_COPY_PART:
        return part_answered(call, err);
    case S3_COPY_COMMIT:
        st = s3_reply_expect(call, "CompleteMultipartUpload", NULL, 0, err);
        if (st < 0) {
            give_up(call, st, err ? err->flags : 0, call->error);
            return DLFW_NEED_IO;
        }
        call->comp.object_size = call->note[0];
        return DLFW_OK;
    case S3_COPY_ABORT:
        return told(call, err);
    default:
        return s3_reply_expect(call, "Copy", NULL, 0, err);
    }
}

/* The failure as a text, as it would have been told. */
static void fault_text(const struct cloud_call *call, const struct cloud_fault *fault, char ret[400])
{
    (void)snprintf(ret, 400, "%d%s%s%s%s%s%s%s", call->x.code, fault->code[0] ? " " : "", fault->code,
                   fault->message[0] ? ": " : "", fault->message, fault->request_id[0] ? " (request id '" : "",
                   fault->request_id, fault->request_id[0] ? "')" : "");
}

bool s3_copy_explain(struct cloud_call *call, const struct cloud_fault *fault)
{
    char text[400];

    fault_text(call, fault, text);
    switch (call->step) {
    case S3_START:
        if (call->x.code != 400 ||
            (strcmp(fault->code, "InvalidRequest") != 0 && strcmp(fault->code, "EntityTooLarge") != 0))
            return false;
        give_up(call, fault->status, fault->flags, text);
        call->step = S3_COPY_SIZE;
        return true;
    case S3_COPY_PART:
    case S3_COPY_COMMIT:
        give_up(call, fault->status, fault->flags, text);
        return true;
    default:
        return false;
    }
}
