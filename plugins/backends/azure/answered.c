/* SPDX-License-Identifier: Apache-2.0 */
/* Good answers, and whether what was written is there as it was sent. */
#include "azure.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define POLL_NS 50000000u
#define METADATA_MAX 8192u

/* The MD5 that a header carries in base64. */
static bool md5_of_header(const struct http_exchange *x, const char *name, uint8_t ret[16])
{
    struct text raw = {0};
    char base64[64];
    bool good = http_header_copy(x, name, base64, sizeof base64) && cloud_base64_decode(&raw, base64, strlen(base64)) &&
                !raw.failed && raw.len == 16;

    if (good)
        memcpy(ret, raw.data, 16);
    text_free(&raw);
    return good;
}

static void add_metadata(const struct http_exchange *x, struct text *to)
{
    static const char mark[] = "x-ms-meta-";
    const char *name, *value;
    size_t name_len, value_len, cursor = 0;

    while (http_header_next(x, &cursor, &name, &name_len, &value, &value_len)) {
        if (name_len < sizeof mark || strncasecmp(name, mark, sizeof mark - 1) != 0 || to->len > METADATA_MAX)
            continue;
        text_add(to, name + sizeof mark - 1, name_len - (sizeof mark - 1));
        text_str(to, ": ");
        text_add(to, value, value_len);
        text_char(to, '\n');
    }
}

static dlfw_status answered_stat(struct cloud_call *call, dlfw_error *err)
{
    const struct http_exchange *x = &call->x;
    struct text metadata = {0};
    char etag[128] = "", type[256] = "", encoding[128] = "", tier[64] = "", version[128] = "", when[64] = "",
         kind[64] = "";
    struct cloud_info info = {.size = x->content_length,
                              .etag = etag,
                              .content_type = type,
                              .content_encoding = encoding,
                              .storage_class = tier,
                              .version = version};
    dlfw_status st = DLFW_OK;

    if (http_header_copy(x, "x-ms-resource-type", kind, sizeof kind) && strcmp(kind, "directory") == 0)
        return dlfw_fail(err, DLFW_E_NOT_FOUND, "it is a directory, not a blob");
    if (x->content_length == UINT64_MAX)
        return dlfw_fail(err, DLFW_E_CORRUPT, "the answer does not say how large the blob is");
    (void)http_header_copy(x, "etag", etag, sizeof etag);
    (void)http_header_copy(x, "content-type", type, sizeof type);
    (void)http_header_copy(x, "content-encoding", encoding, sizeof encoding);
    (void)http_header_copy(x, "x-ms-version-id", version, sizeof version);
    /* page and append blobs have no tier worth a name, but are another thing to a reader */
    if (!http_header_copy(x, "x-ms-access-tier", tier, sizeof tier) &&
        (!http_header_copy(x, "x-ms-blob-type", tier, sizeof tier) || strcmp(tier, "BlockBlob") == 0))
        tier[0] = '\0';
    if (http_header_copy(x, "last-modified", when, sizeof when))
        info.mtime_ns = cloud_time_ns(when, strlen(when));
    info.has_md5 = md5_of_header(x, "content-md5", info.md5);
    add_metadata(x, &metadata);
    info.metadata = metadata.data;
    if (metadata.failed)
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for an answer");
    else
        cloud_info_put(call, &info);
    text_free(&metadata);
    return st;
}

static dlfw_status check_md5(const struct cloud_call *call, const char *what, dlfw_error *err)
{
    uint8_t theirs[16];

    if (!(call->note[AZ_NOTE_FLAGS] & AZ_HAS_MD5) || !md5_of_header(&call->x, "content-md5", theirs) ||
        memcmp(theirs, &call->note[AZ_NOTE_MD5], sizeof theirs) == 0)
        return DLFW_OK;
    (void)dlfw_fail(err, DLFW_E_CORRUPT, "%s has another MD5 than what was sent", what);
    err->flags |= DLFW_ERR_RETRYABLE;
    return DLFW_E_CORRUPT;
}

/* After PUT and COMMIT with verify_writes. */
static dlfw_status check_written(struct cloud_call *call, uint64_t size, dlfw_error *err)
{
    if (call->x.content_length == size)
        return check_md5(call, "the blob", err);
    (void)dlfw_fail(err, DLFW_E_CORRUPT, "the blob has %llu bytes, %llu were written",
                    (unsigned long long)call->x.content_length, (unsigned long long)size);
    err->flags |= DLFW_ERR_RETRYABLE;
    return DLFW_E_CORRUPT;
}

static dlfw_status answered_put(struct cloud_call *call, dlfw_error *err)
{
    dlfw_status st;

    call->comp.bytes = call->req->length;
    if (call->step == AZ_VERIFY)
        return check_written(call, call->req->length, err);
    st = check_md5(call, "what the service received", err);
    if (st < 0 || !call->cloud->verify_writes)
        return st;
    call->step = AZ_VERIFY;
    return DLFW_NEED_IO;
}

static dlfw_status answered_commit(struct cloud_call *call, dlfw_error *err)
{
    dlfw_status st;

    if (call->step == AZ_VERIFY)
        return check_written(call, call->req->arg, err);
    st = az_answered_commit(call, err);
    if (st < 0 || !call->cloud->verify_writes)
        return st;
    call->step = AZ_VERIFY;
    return DLFW_NEED_IO;
}

static dlfw_status answered_part(struct cloud_call *call, dlfw_error *err)
{
    struct text id = {0};
    bool good;

    az_block_id(&call->upload->id, call->req->arg, &id);
    good = !id.failed && cloud_upload_set_part(call->upload, call->req->arg, id.data, id.len, call->req->length, 0);
    text_free(&id);
    call->comp.bytes = call->req->length;
    return good ? DLFW_OK : dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for an upload");
}

static dlfw_status answered_copy(struct cloud_call *call, dlfw_error *err)
{
    char state[32] = "";

    /* a service that says nothing has copied */
    if (!http_header_copy(&call->x, "x-ms-copy-status", state, sizeof state) || strcasecmp(state, "success") == 0)
        return DLFW_OK;
    if (strcasecmp(state, "pending") != 0)
        return dlfw_fail(err, DLFW_E_IO, "the copy ended with '%s'", state);
    call->note[AZ_NOTE_WHEN] = call->cloud->host->now_ns() + POLL_NS;
    call->step = AZ_POLL;
    return DLFW_NEED_IO;
}

/* All of a blob was read. Not every blob has an MD5: those written in parts only have one when the writer gave it. */
dlfw_status az_whole_check(struct cloud_call *call, dlfw_error *err)
{
    uint8_t theirs[16], ours[16];

    if (!az_backend(call)->md5)
        return DLFW_OK;
    /* in the answer to a range, Content-MD5 would be of the range */
    if (!md5_of_header(&call->x, "x-ms-blob-content-md5", theirs) && !md5_of_header(&call->x, "content-md5", theirs))
        return DLFW_OK;
    cloud_md5(call->req->buf, call->x.bytes, ours);
    if (memcmp(ours, theirs, sizeof ours) == 0)
        return DLFW_OK;
    (void)dlfw_fail(err, DLFW_E_CORRUPT,
                    "the bytes have another MD5 than the blob: they were damaged on their way or in store");
    err->flags |= DLFW_ERR_RETRYABLE;
    return DLFW_E_CORRUPT;
}

static bool count_name(void *ctx, const char *name, size_t len, uint64_t size, uint64_t mtime_ns)
{
    (void)name;
    (void)len;
    (void)size;
    (void)mtime_ns;
    ++*(uint32_t *)ctx;
    return true;
}

static dlfw_status answered_remove(struct cloud_call *call, dlfw_error *err)
{
    uint32_t count = 0;
    struct az_page page = {.ctx = &count, .each = count_name};
    const struct dlfw_backend *be = az_backend(call);
    struct az_place place;
    dlfw_status st;

    if (call->step != AZ_LOOK)
        return DLFW_OK;
    st = az_page_parse(call->x.reply.data, call->x.reply.len, &page, err);
    if (st == DLFW_OK && (count || page.next.len))
        st = dlfw_fail(err, DLFW_E_BUSY, "it is not empty");
    text_free(&page.next);
    place = az_place_of(be->settings.container.data, be->settings.container.len, call->key.data ? call->key.data : "",
                        call->key.len);
    if (st < 0 || place.blob_len)
        return st;
    call->step = AZ_REMOVE;
    return DLFW_NEED_IO;
}

dlfw_status az_answered(struct cloud_call *call, dlfw_error *err)
{
    switch (call->req->op) {
    case DLFW_OP_STAT:
        return answered_stat(call, err);
    case DLFW_OP_PUT:
        return answered_put(call, err);
    case DLFW_OP_LIST:
        return az_answered_list(call, err);
    case DLFW_OP_WRITE_PART:
        return answered_part(call, err);
    case DLFW_OP_WRITE_COMMIT:
        return answered_commit(call, err);
    case DLFW_OP_COPY:
        return answered_copy(call, err);
    case DLFW_OP_REMOVE_ROOT:
        return answered_remove(call, err);
    default:
        return DLFW_OK;
    }
}
