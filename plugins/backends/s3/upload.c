/* SPDX-License-Identifier: Apache-2.0 */
/* Objects in parts: CreateMultipartUpload, UploadPart, CompleteMultipartUpload, AbortMultipartUpload. */
#include <stdio.h>
#include <string.h>

#include "crc_join.h"
#include "s3.h"

#define UPLOAD_ID_MAX 2048u

static dlfw_status target(struct cloud_call *call, struct s3_request *r, dlfw_error *err)
{
    if (!s3_request_target((dlfw_backend *)call->cloud, &call->upload->key, r) || r->key_len == 0)
        return dlfw_fail(err, DLFW_E_INVALID, "the key names a bucket and no object: 'bucket/key' is needed");
    return DLFW_OK;
}

static bool looks_first(const struct cloud_call *call)
{
    return call->step == S3_START && (call->upload->flags & DLFW_REQ_EXCLUSIVE) &&
           !((const dlfw_backend *)call->cloud)->is_amazon;
}

static dlfw_status build_begin(struct cloud_call *call, struct s3_request *r, dlfw_error *err)
{
    dlfw_backend *be = (dlfw_backend *)call->cloud;

    r->method = "POST";
    r->has_body = true;
    text_str(&r->query, "uploads=");
    s3_request_writing(be, r);
    if (s3_uses_checksums(be)) { /* of the whole object, so that readers can compare it */
        s3_headers_str(&r->headers, "x-amz-checksum-algorithm", "CRC32C");
        s3_headers_str(&r->headers, "x-amz-checksum-type", "FULL_OBJECT");
    }
    return s3_request_send(call, r, err);
}

static void add_upload_id(const struct cloud_upload *up, struct s3_request *r)
{
    text_str(&r->query, "uploadId=");
    text_encoded(&r->query, up->id.data, up->id.len, false);
}

static dlfw_status build_part(struct cloud_call *call, struct s3_request *r, dlfw_error *err)
{
    dlfw_backend *be = (dlfw_backend *)call->cloud;
    const dlfw_req *req = call->req;
    dlfw_status st;

    if (req->arg >= S3_PARTS_MAX)
        return dlfw_fail(err, DLFW_E_INVALID, "an object has at most %u parts, this is number %llu", S3_PARTS_MAX,
                         (unsigned long long)req->arg + 1);
    if (req->length > S3_PART_MAX)
        return dlfw_fail(err, DLFW_E_INVALID, "a part has at most 5 GiB, this one has %llu bytes",
                         (unsigned long long)req->length);
    r->method = "PUT";
    r->data = req->buf;
    r->len = req->length;
    r->has_body = true;
    r->payload = (enum s3_payload)be->options->payload_signing;
    r->checksum = s3_uses_checksums(be);
    text_str(&r->query, "partNumber=");
    text_u64(&r->query, req->arg + 1);
    text_char(&r->query, '&');
    add_upload_id(call->upload, r);
    st = s3_request_send(call, r, err);
    call->note[0] = r->checksum;
    call->note[1] = r->crc32c;
    return st;
}

void s3_add_part(struct text *xml, uint32_t number, const char *tag, const uint32_t *crc32c)
{
    text_printf(xml, "<Part><PartNumber>%u</PartNumber><ETag>", number);
    cloud_xml_escape(xml, tag, strlen(tag));
    text_str(xml, "</ETag>");
    if (crc32c) {
        const uint8_t bytes[4] = {(uint8_t)(*crc32c >> 24), (uint8_t)(*crc32c >> 16), (uint8_t)(*crc32c >> 8),
                                  (uint8_t)*crc32c};

        text_str(xml, "<ChecksumCRC32C>");
        cloud_base64(xml, bytes, sizeof bytes, false);
        text_str(xml, "</ChecksumCRC32C>");
    }
    text_str(xml, "</Part>");
}

/* All parts are there and make up the size that the host says. */
static dlfw_status check_parts(const struct cloud_call *call, dlfw_error *err)
{
    const struct cloud_upload *up = call->upload;
    uint64_t total = 0;

    for (uint32_t i = 0; i < up->part_count; i++) {
        if (!up->parts[i].tag[0])
            return dlfw_fail(err, DLFW_E_INVALID, "part %u of %u was not written", i + 1, up->part_count);
        total += up->parts[i].size;
    }
    if (total != call->req->arg)
        return dlfw_fail(err, DLFW_E_INVALID, "the parts have %llu bytes together, the commit says %llu",
                         (unsigned long long)total, (unsigned long long)call->req->arg);
    return DLFW_OK;
}

static dlfw_status build_complete(struct cloud_call *call, struct s3_request *r, dlfw_error *err)
{
    dlfw_backend *be = (dlfw_backend *)call->cloud;
    struct cloud_upload *up = call->upload;

    text_clear(&call->scratch);
    text_str(&call->scratch, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><CompleteMultipartUpload "
                             "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (uint32_t i = 0; i < up->part_count; i++)
        s3_add_part(&call->scratch, i + 1, up->parts[i].tag, s3_uses_checksums(be) ? &up->parts[i].crc32c : NULL);
    text_str(&call->scratch, "</CompleteMultipartUpload>");
    if (call->scratch.failed)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a request");
    r->method = "POST";
    r->data = call->scratch.data;
    r->len = call->scratch.len;
    r->has_body = true;
    r->payload = S3_PAYLOAD_SIGNED;
    add_upload_id(up, r);
    s3_headers_str(&r->headers, "content-type", "application/xml");
    if (up->flags & DLFW_REQ_EXCLUSIVE)
        s3_headers_str(&r->headers, "if-none-match", "*");
    up->commit_tries++;
    return s3_request_send(call, r, err);
}

static dlfw_status build_abort(struct cloud_call *call, struct s3_request *r, dlfw_error *err)
{
    r->method = "DELETE";
    add_upload_id(call->upload, r);
    return s3_request_send(call, r, err);
}

static dlfw_status build_put_empty(struct cloud_call *call, struct s3_request *r, dlfw_error *err)
{
    dlfw_backend *be = (dlfw_backend *)call->cloud;

    r->method = "PUT";
    r->data = "";
    r->has_body = true;
    r->checksum = s3_uses_checksums(be);
    s3_request_writing(be, r);
    if (call->upload->flags & DLFW_REQ_EXCLUSIVE)
        s3_headers_str(&r->headers, "if-none-match", "*");
    return s3_request_send(call, r, err);
}

static dlfw_status build_commit(struct cloud_call *call, struct s3_request *r, dlfw_error *err)
{
    dlfw_status st = call->step == S3_START ? check_parts(call, err) : DLFW_OK;

    if (st < 0)
        return st;
    if (looks_first(call)) {
        call->step = S3_LOOK;
        return s3_head_build(call, &call->upload->key, err);
    }
    if (call->upload->part_count == 0 && call->step != S3_PUT_EMPTY) {
        call->step = S3_DROP_EMPTY;
        return build_abort(call, r, err);
    }
    return call->step == S3_PUT_EMPTY ? build_put_empty(call, r, err) : build_complete(call, r, err);
}

dlfw_status s3_upload_build(struct cloud_call *call, dlfw_error *err)
{
    struct s3_request r = {0};
    dlfw_status st = target(call, &r, err);

    if (st < 0)
        return st;
    if (call->step == S3_FINISHED)
        return DLFW_END;
    if (call->step == S3_LOOK || call->step == S3_VERIFY || call->step == S3_CHECK_COMMIT)
        return s3_head_build(call, &call->upload->key, err);
    switch (call->req->op) {
    case DLFW_OP_WRITE_BEGIN:
        if (!looks_first(call))
            return build_begin(call, &r, err);
        call->step = S3_LOOK;
        return s3_head_build(call, &call->upload->key, err);
    case DLFW_OP_WRITE_PART:
        return build_part(call, &r, err);
    case DLFW_OP_WRITE_COMMIT:
        return build_commit(call, &r, err);
    default:
        return build_abort(call, &r, err);
    }
}

static dlfw_status begin_answered(struct cloud_call *call, dlfw_error *err)
{
    char id[UPLOAD_ID_MAX];
    const struct s3_pick picks[] = {{"UploadId", id, sizeof id}};
    dlfw_status st = s3_reply_expect(call, "InitiateMultipartUpload", picks, 1, err);

    if (st < 0)
        return st;
    if (!id[0] || strlen(id) + 1 == sizeof id)
        return dlfw_fail(err, DLFW_E_CORRUPT, "the answer names no upload id, or one that is too long");
    text_clear(&call->upload->id);
    text_str(&call->upload->id, id);
    return call->upload->id.failed ? dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for an upload") : DLFW_OK;
}

static dlfw_status part_answered(struct cloud_call *call, dlfw_error *err)
{
    uint32_t theirs = 0, ours = (uint32_t)call->note[1];
    size_t len = 0;
    const char *tag = http_header(&call->x, "etag", &len);

    if (!tag || len == 0 || len >= sizeof call->upload->parts->tag) {
        dlfw_fail(err, DLFW_E_CORRUPT, "the answer has no ETag, which the commit must name");
        if (err)
            err->flags = DLFW_ERR_RETRYABLE;
        return DLFW_E_CORRUPT;
    }
    if (call->note[0] && s3_checksum_of(&call->x, &theirs) && theirs != ours) {
        dlfw_fail(err, DLFW_E_CORRUPT, "the CRC-32C is %08x, the service got %08x", ours, theirs);
        if (err)
            err->flags = DLFW_ERR_RETRYABLE;
        return DLFW_E_CORRUPT;
    }
    if (!cloud_upload_set_part(call->upload, call->req->arg, tag, len, call->req->length, ours))
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a part");
    call->comp.bytes = call->req->length;
    return DLFW_OK;
}

/* The MD5 of the parts' MD5s, as S3 makes the ETag of such an object; false: the parts' ETags are something else. */
static bool whole_tag(const struct cloud_upload *up, char ret[64])
{
    struct text all = {0};
    uint8_t md5[16];
    char hex[33];
    bool ok = true;

    for (uint32_t i = 0; ok && i < up->part_count; i++) {
        const char *tag = up->parts[i].tag;
        unsigned byte;

        tag += *tag == '"';
        ok = strspn(tag, "0123456789abcdefABCDEF") == 32;
        for (size_t k = 0; ok && k < 16; k++) {
            (void)sscanf(tag + 2 * k, "%2x", &byte);
            text_char(&all, (char)byte);
        }
    }
    ok = ok && !all.failed && all.len;
    if (ok) {
        cloud_md5(all.data, all.len, md5);
        cloud_hex(md5, sizeof md5, hex);
        (void)snprintf(ret, 64, "%s-%u", hex, up->part_count);
    }
    text_free(&all);
    return ok;
}

/* HEAD found an object although the upload is gone: is it ours? Its size, and its ETag where that can be known. */
static dlfw_status compare_committed(struct cloud_call *call, dlfw_error *err)
{
    char expected[64], tag[128] = "";
    const char *theirs = tag;
    size_t len;

    (void)http_header_copy(&call->x, "etag", tag, sizeof tag);
    len = strlen(tag);
    if (len >= 2 && tag[0] == '"' && tag[len - 1] == '"') {
        tag[len - 1] = '\0';
        theirs = tag + 1;
    }
    if (call->x.content_length != call->req->arg ||
        (strchr(theirs, '-') && whole_tag(call->upload, expected) && strcasecmp(theirs, expected) != 0) ||
        call->upload->part_count == 0)
        return dlfw_fail(err, DLFW_E_NOT_FOUND, "the upload is gone, and the object there is another one");
    return DLFW_OK;
}

static dlfw_status verify_written(struct cloud_call *call, dlfw_error *err)
{
    const struct cloud_upload *up = call->upload;
    uint32_t crc = 0;

    for (uint32_t i = 0; i < up->part_count; i++)
        crc = s3_crc32c_join(crc, up->parts[i].crc32c, up->parts[i].size);
    return s3_compare_written(call, call->req->arg, s3_uses_checksums((dlfw_backend *)call->cloud) ? &crc : NULL, err);
}

static dlfw_status commit_answered(struct cloud_call *call, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;

    switch (call->step) {
    case S3_LOOK:
        if (call->upload->commit_tries == 0)
            return dlfw_fail(err, DLFW_E_EXISTS, "there is an object with this key already");
        return compare_committed(call, err);
    case S3_CHECK_COMMIT:
        return compare_committed(call, err);
    case S3_VERIFY:
        return verify_written(call, err);
    case S3_DROP_EMPTY:
        call->step = S3_PUT_EMPTY;
        return DLFW_NEED_IO;
    case S3_PUT_EMPTY:
        break;
    default:
        st = s3_reply_expect(call, "CompleteMultipartUpload", NULL, 0, err);
    }
    if (st < 0 || !call->cloud->verify_writes)
        return st;
    call->step = S3_VERIFY;
    return DLFW_NEED_IO;
}

dlfw_status s3_upload_answered(struct cloud_call *call, dlfw_error *err)
{
    switch (call->req->op) {
    case DLFW_OP_WRITE_BEGIN:
        if (call->step == S3_LOOK)
            return dlfw_fail(err, DLFW_E_EXISTS, "there is an object with this key already");
        return begin_answered(call, err);
    case DLFW_OP_WRITE_PART:
        return part_answered(call, err);
    case DLFW_OP_WRITE_COMMIT:
        return commit_answered(call, err);
    default:
        return DLFW_OK;
    }
}
