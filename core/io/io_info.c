/* SPDX-License-Identifier: Apache-2.0 */
/* What a storage tells about one object, and copies that it makes by itself. A backend's answer is checked before any
 * of its offsets is followed. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "io/io_queue_parts.h"

static dlfw_status take_text(const struct io_op *op, uint32_t at, uint32_t len, char **ret, dlfw_error *err)
{
    if (!len)
        return DLFW_OK;
    if (at < sizeof(dlfw_object_info) || (uint64_t)at + len > op->bytes)
        return dlfw_fail(err, DLFW_E_INTERNAL, "the backend gave a malformed answer about '%.*s'", (int)op->key_len,
                         op->key);
    *ret = xstrndup((const char *)op->buf + at, len);
    return DLFW_OK;
}

static dlfw_status take_texts(const struct io_op *op, const dlfw_object_info *told, struct io_object_info *ret,
                              dlfw_error *err)
{
    const struct {
        uint32_t at, len;
        char **to;
    } texts[] = {{told->etag_off, told->etag_len, &ret->etag},
                 {told->content_type_off, told->content_type_len, &ret->content_type},
                 {told->content_encoding_off, told->content_encoding_len, &ret->content_encoding},
                 {told->storage_class_off, told->storage_class_len, &ret->storage_class},
                 {told->version_off, told->version_len, &ret->version},
                 {told->metadata_off, told->metadata_len, &ret->metadata}};
    dlfw_status st = DLFW_OK;

    for (size_t i = 0; i < sizeof texts / sizeof *texts && st >= 0; i++)
        st = take_text(op, texts[i].at, texts[i].len, texts[i].to, err);
    return st;
}

dlfw_status io_info_take(const struct io_op *op, struct io_object_info *ret, dlfw_error *err)
{
    dlfw_object_info told;

    *ret = (struct io_object_info){.size = op->object_size};
    if (!op->bytes || !op->buf)
        return DLFW_OK;
    if (op->bytes < sizeof told || op->bytes > op->buf_cap)
        return dlfw_fail(err, DLFW_E_INTERNAL, "the backend gave an answer of %" PRIu64 " bytes about '%.*s'",
                         op->bytes, (int)op->key_len, op->key);
    memcpy(&told, op->buf, sizeof told);
    ret->size = told.size;
    ret->mtime_ns = told.mtime_ns;
    ret->has_crc32c = (told.flags & DLFW_INFO_CRC32C) != 0;
    ret->crc32c = told.crc32c;
    ret->has_md5 = (told.flags & DLFW_INFO_MD5) != 0;
    memcpy(ret->md5, told.md5, sizeof ret->md5);
    return take_texts(op, &told, ret, err);
}

void io_object_info_free(struct io_object_info *info)
{
    free(info->etag);
    free(info->content_type);
    free(info->content_encoding);
    free(info->storage_class);
    free(info->version);
    free(info->metadata);
    *info = (struct io_object_info){0};
}

dlfw_status io_info(struct io_queue *q, const char *key, struct io_object_info *ret, dlfw_error *err)
{
    struct io_op op = {.op = DLFW_OP_STAT, .key = key, .key_len = (uint32_t)strlen(key)};
    dlfw_status st;

    *ret = (struct io_object_info){.size = UINT64_MAX};
    op.buf = xmalloc(IO_INFO_BYTES);
    op.buf_cap = op.length = IO_INFO_BYTES;
    st = io_call(q, &op, err);
    if (st >= 0)
        st = io_info_take(&op, ret, err);
    free(op.buf);
    return st;
}

dlfw_status io_copy(struct io_queue *q, const char *from_key, const char *to_key, dlfw_error *err)
{
    struct io_op op = {.op = DLFW_OP_COPY,
                       .key = to_key,
                       .key_len = (uint32_t)strlen(to_key),
                       .buf = (void *)(uintptr_t)from_key,
                       .buf_cap = strlen(from_key),
                       .length = strlen(from_key)};

    return io_call(q, &op, err);
}
