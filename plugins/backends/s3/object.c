/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on one object: GET, HEAD, PUT, DELETE. */
#include <stdio.h>
#include <string.h>

#include "s3.h"

static dlfw_status no_object(const struct cloud_call *call, dlfw_error *err)
{
    (void)call;
    return dlfw_fail(err, DLFW_E_INVALID, "the key names a bucket and no object: 'bucket/key' is needed");
}

/* The target of an object; fails where the key ends after the bucket. */
static dlfw_status target(struct cloud_call *call, const struct text *key, struct s3_request *r, dlfw_error *err)
{
    if (!s3_request_target((dlfw_backend *)call->cloud, key, r) || r->key_len == 0)
        return no_object(call, err);
    return DLFW_OK;
}

dlfw_status s3_get_build(struct cloud_call *call, dlfw_error *err)
{
    dlfw_backend *be = (dlfw_backend *)call->cloud;
    struct s3_request r = {.method = "GET", .presigned = be->options->presigned != 0};
    dlfw_status st = target(call, &call->key, &r, err);

    if (st < 0)
        return st;
    if ((call->req->flags & DLFW_REQ_WHOLE) && be->options->checksums) {
        if (r.presigned)
            text_str(&r.query, "x-amz-checksum-mode=ENABLED");
        else
            s3_headers_str(&r.headers, "x-amz-checksum-mode", "ENABLED");
    }
    cloud_build_get(call, &r.plain);
    return s3_request_send(call, &r, err);
}

dlfw_status s3_head_build(struct cloud_call *call, const struct text *key, dlfw_error *err)
{
    dlfw_backend *be = (dlfw_backend *)call->cloud;
    struct s3_request r = {.method = "HEAD"};
    dlfw_status st = target(call, key, &r, err);

    if (st < 0)
        return st;
    if (be->options->checksums)
        s3_headers_str(&r.headers, "x-amz-checksum-mode", "ENABLED");
    return s3_request_send(call, &r, err);
}

/* ETag as MD5 where it may be one: 32 digits, and no encryption that makes it something else. */
static bool md5_of(const struct http_exchange *x, const char *etag, uint8_t ret[16])
{
    char encryption[64];
    unsigned byte;
    size_t len = strlen(etag);

    if (http_header_copy(x, "x-amz-server-side-encryption", encryption, sizeof encryption) &&
        strcmp(encryption, "AES256") != 0)
        return false;
    if (http_header_copy(x, "x-amz-server-side-encryption-customer-algorithm", encryption, sizeof encryption))
        return false;
    if (len == 34 && etag[0] == '"' && etag[33] == '"') {
        etag++;
        len = 32;
    }
    if (len != 32 || strspn(etag, "0123456789abcdefABCDEF") < 32)
        return false;
    for (size_t i = 0; i < 16; i++) {
        (void)sscanf(etag + 2 * i, "%2x", &byte);
        ret[i] = (uint8_t)byte;
    }
    return true;
}

static void add_metadata(const struct http_exchange *x, struct text *to)
{
    static const char mark[] = "x-amz-meta-";
    const char *name, *value;
    size_t cursor = 0, name_len, value_len;

    text_clear(to);
    while (http_header_next(x, &cursor, &name, &name_len, &value, &value_len)) {
        if (name_len <= strlen(mark) || strncasecmp(name, mark, strlen(mark)) != 0)
            continue;
        text_add(to, name + strlen(mark), name_len - strlen(mark));
        text_str(to, ": ");
        text_add(to, value, value_len);
        text_char(to, '\n');
    }
}

dlfw_status s3_stat_answered(struct cloud_call *call, dlfw_error *err)
{
    const struct http_exchange *x = &call->x;
    char etag[128] = "", type[128] = "", encoding[64] = "", storage[64] = "", version[128] = "", modified[64] = "";
    struct cloud_info info = {.size = x->content_length,
                              .etag = etag,
                              .content_type = type,
                              .content_encoding = encoding,
                              .storage_class = storage,
                              .version = version};

    if (x->content_length == UINT64_MAX)
        return dlfw_fail(err, DLFW_E_CORRUPT, "the answer does not tell the object's size");
    (void)http_header_copy(x, "etag", etag, sizeof etag);
    (void)http_header_copy(x, "content-type", type, sizeof type);
    (void)http_header_copy(x, "content-encoding", encoding, sizeof encoding);
    (void)http_header_copy(x, "x-amz-storage-class", storage, sizeof storage);
    (void)http_header_copy(x, "x-amz-version-id", version, sizeof version);
    if (http_header_copy(x, "last-modified", modified, sizeof modified))
        info.mtime_ns = cloud_time_ns(modified, strlen(modified));
    info.has_md5 = md5_of(x, etag, info.md5);
    info.has_crc32c = s3_checksum_of(x, &info.crc32c);
    add_metadata(x, &call->scratch);
    info.metadata = call->scratch.len ? call->scratch.data : NULL;
    cloud_info_put(call, &info);
    return DLFW_OK;
}

/* An exclusive write looks first where it is not sure that the service keeps If-None-Match. */
static bool must_look(const struct cloud_call *call)
{
    return call->step == S3_START && (call->req->flags & DLFW_REQ_EXCLUSIVE) &&
           !((const dlfw_backend *)call->cloud)->is_amazon;
}

dlfw_status s3_put_build(struct cloud_call *call, dlfw_error *err)
{
    dlfw_backend *be = (dlfw_backend *)call->cloud;
    struct s3_request r = {.method = "PUT",
                           .data = call->req->buf,
                           .len = call->req->length,
                           .has_body = true,
                           .payload = (enum s3_payload)be->options->payload_signing,
                           .checksum = s3_uses_checksums(be)};
    dlfw_status st;

    if (must_look(call))
        call->step = S3_LOOK;
    if (call->step == S3_LOOK || call->step == S3_VERIFY)
        return s3_head_build(call, &call->key, err);
    if (call->req->length > S3_PART_MAX)
        return dlfw_fail(err, DLFW_E_INVALID, "an object of %llu bytes goes in parts, one PUT takes 5 GiB",
                         (unsigned long long)call->req->length);
    st = target(call, &call->key, &r, err);
    if (st < 0)
        return st;
    s3_request_writing(be, &r);
    if (call->req->flags & DLFW_REQ_EXCLUSIVE)
        s3_headers_str(&r.headers, "if-none-match", "*");
    st = s3_request_send(call, &r, err);
    call->note[0] = r.checksum;
    call->note[1] = r.crc32c;
    return st;
}

dlfw_status s3_compare_written(struct cloud_call *call, uint64_t size, const uint32_t *crc32c, dlfw_error *err)
{
    uint32_t theirs = 0;

    if (call->x.content_length != size)
        return dlfw_fail(err, DLFW_E_CORRUPT, "%llu bytes were written, the service has %llu", (unsigned long long)size,
                         (unsigned long long)call->x.content_length);
    if (crc32c && s3_checksum_of(&call->x, &theirs) && theirs != *crc32c)
        return dlfw_fail(err, DLFW_E_CORRUPT, "bytes with the CRC-32C %08x were written, the service has %08x", *crc32c,
                         theirs);
    return DLFW_OK;
}

dlfw_status s3_put_answered(struct cloud_call *call, dlfw_error *err)
{
    uint32_t ours = (uint32_t)call->note[1];
    uint32_t theirs = 0;

    if (call->step == S3_LOOK)
        return dlfw_fail(err, DLFW_E_EXISTS, "there is an object with this key already");
    if (call->step == S3_VERIFY)
        return s3_compare_written(call, call->req->length, call->note[0] ? &ours : NULL, err);
    if (call->note[0] && s3_checksum_of(&call->x, &theirs) && theirs != ours) {
        dlfw_fail(err, DLFW_E_CORRUPT, "the CRC-32C is %08x, the service got %08x", ours, theirs);
        if (err)
            err->flags = DLFW_ERR_RETRYABLE;
        return DLFW_E_CORRUPT;
    }
    call->comp.bytes = call->req->length;
    if (!call->cloud->verify_writes)
        return DLFW_OK;
    call->step = S3_VERIFY;
    return DLFW_NEED_IO;
}

dlfw_status s3_delete_build(struct cloud_call *call, dlfw_error *err)
{
    struct s3_request r = {.method = "DELETE"};
    dlfw_status st = target(call, &call->key, &r, err);

    return st < 0 ? st : s3_request_send(call, &r, err);
}
