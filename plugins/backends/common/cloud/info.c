/* SPDX-License-Identifier: Apache-2.0 */
/* STAT's long answer: a dlfw_object_info and the texts it points to. */
#include <string.h>

#include "parts.h"

/* A text behind those that are there; one that does not fit is left out. */
static void put_text(const dlfw_req *req, uint64_t *at, const char *text, uint32_t *ret_off, uint32_t *ret_len)
{
    size_t len = text ? strlen(text) : 0;

    if (!len || req->buf_cap - *at < len)
        return;
    memcpy((char *)req->buf + *at, text, len);
    *ret_off = (uint32_t)*at;
    *ret_len = (uint32_t)len;
    *at += len;
}

void cloud_info_put(struct cloud_call *call, const struct cloud_info *info)
{
    const dlfw_req *req = call->req;
    dlfw_object_info out = {.size = info->size, .mtime_ns = info->mtime_ns};
    uint64_t at = sizeof out;

    call->comp.object_size = info->size;
    if (!req->buf || req->buf_cap < sizeof out)
        return;
    if (info->has_crc32c) {
        out.flags |= DLFW_INFO_CRC32C;
        out.crc32c = info->crc32c;
    }
    if (info->has_md5) {
        out.flags |= DLFW_INFO_MD5;
        memcpy(out.md5, info->md5, sizeof out.md5);
    }
    put_text(req, &at, info->etag, &out.etag_off, &out.etag_len);
    put_text(req, &at, info->content_type, &out.content_type_off, &out.content_type_len);
    put_text(req, &at, info->content_encoding, &out.content_encoding_off, &out.content_encoding_len);
    put_text(req, &at, info->storage_class, &out.storage_class_off, &out.storage_class_len);
    put_text(req, &at, info->version, &out.version_off, &out.version_len);
    put_text(req, &at, info->metadata, &out.metadata_off, &out.metadata_len);
    memcpy(req->buf, &out, sizeof out);
    call->comp.bytes = at;
}
