/* SPDX-License-Identifier: Apache-2.0 */
/* Each operation's requests and answers, and what the service's errors mean. */
#include <string.h>
#include <strings.h>

#include "gcs.h"
#include "resource.h"

/* Sharper than a code alone can be; reason is the service's word. */
void gcs_fault_of(int32_t code, const char *reason, struct cloud_fault *fault)
{
    static const char *const slow_down[] = {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded",
                                            "dailyLimitExceeded"};

    for (size_t i = 0; i < sizeof slow_down / sizeof *slow_down; i++) {
        if (code != 403 || strcmp(reason, slow_down[i]) != 0)
            continue;
        fault->status = DLFW_E_THROTTLED;
        fault->flags = DLFW_ERR_RETRYABLE | DLFW_ERR_THROTTLED;
    }
}

/* "Accept-Encoding: gzip" is what makes the service send an object as it is stored, whatever its Content-Encoding. */
static dlfw_status get_build(struct cloud_call *call, dlfw_error *err)
{
    dlfw_status st = gcs_object_request(call, "GET", "?alt=media", err);

    text_str(&call->x.head, "Accept-Encoding: gzip\r\n");
    cloud_build_get(call, &call->x.head);
    gcs_end(call, UINT64_MAX);
    return st;
}

static bool whole_crc32c(const struct cloud_call *call, uint32_t *ret)
{
    size_t cursor = 0, name_len, value_len;
    const char *name, *value;

    if (!gcs_of(call)->checksums)
        return false;
    while (http_header_next(&call->x, &cursor, &name, &name_len, &value, &value_len))
        if (name_len == 11 && strncasecmp(name, "x-goog-hash", 11) == 0 && gcs_hash_header(value, value_len, ret))
            return true;
    return false;
}

static dlfw_status stat_build(struct cloud_call *call, dlfw_error *err)
{
    bool wants_more = call->req->buf && call->req->buf_cap >= sizeof(dlfw_object_info);
    dlfw_status st = gcs_object_request(
        call, "GET",
        wants_more
            ? "?fields=size,updated,crc32c,md5Hash,etag,contentType,contentEncoding,storageClass,generation,metadata"
            : "?fields=size",
        err);

    gcs_end(call, UINT64_MAX);
    return st;
}

static dlfw_status stat_answered(struct cloud_call *call, dlfw_error *err)
{
    struct gcs_object object;
    struct cloud_info info;
    json_t *doc = gcs_json_parse(call->x.reply.data, call->x.reply.len, err);
    dlfw_status st = DLFW_OK;

    if (!doc)
        return DLFW_E_CORRUPT;
    gcs_object_read(doc, &object);
    text_clear(&call->scratch);
    gcs_metadata_lines(object.metadata, &call->scratch);
    info = (struct cloud_info){.size = object.size,
                               .mtime_ns = object.mtime_ns,
                               .has_crc32c = object.has_crc32c,
                               .has_md5 = object.has_md5,
                               .crc32c = object.crc32c,
                               .etag = object.etag,
                               .content_type = object.content_type,
                               .content_encoding = object.content_encoding,
                               .storage_class = object.storage_class,
                               .version = object.generation,
                               .metadata = call->scratch.data};
    memcpy(info.md5, object.md5, sizeof info.md5);
    if (object.has_size && object.size != UINT64_MAX)
        cloud_info_put(call, &info);
    else
        st = dlfw_fail(err, DLFW_E_CORRUPT, "the service does not tell the object's size");
    json_decref(doc);
    return st;
}

static dlfw_status delete_build(struct cloud_call *call, dlfw_error *err)
{
    dlfw_status st = gcs_object_request(call, "DELETE", "", err);

    gcs_end(call, UINT64_MAX);
    return st;
}

static dlfw_status build(struct cloud_call *call, dlfw_error *err)
{
    switch (call->req->op) {
    case DLFW_OP_GET:
        return get_build(call, err);
    case DLFW_OP_PUT:
        return gcs_put_build(call, err);
    case DLFW_OP_STAT:
        return stat_build(call, err);
    case DLFW_OP_DELETE:
        return delete_build(call, err);
    case DLFW_OP_LIST:
        return gcs_list_build(call, err);
    case DLFW_OP_WRITE_BEGIN:
        return gcs_begin_build(call, err);
    case DLFW_OP_WRITE_PART:
        return gcs_part_build(call, err);
    case DLFW_OP_WRITE_COMMIT:
        return gcs_commit_build(call, err);
    case DLFW_OP_WRITE_ABORT:
        return gcs_abort_build(call, err);
    case DLFW_OP_MAKE_ROOT:
    case DLFW_OP_REMOVE_ROOT:
        return gcs_root_build(call, err);
    case DLFW_OP_COPY:
        return gcs_copy_build(call, err);
    default:
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "this backend does not know operation %u", call->req->op);
    }
}

static dlfw_status answered(struct cloud_call *call, dlfw_error *err)
{
    switch (call->req->op) {
    case DLFW_OP_PUT:
        return gcs_put_answered(call, err);
    case DLFW_OP_STAT:
        return stat_answered(call, err);
    case DLFW_OP_LIST:
        return gcs_list_answered(call, err);
    case DLFW_OP_WRITE_BEGIN:
        return gcs_begin_answered(call, err);
    case DLFW_OP_WRITE_PART:
        return gcs_part_answered(call, err);
    case DLFW_OP_WRITE_COMMIT:
        return gcs_commit_answered(call, err);
    case DLFW_OP_WRITE_ABORT:
        return gcs_abort_answered(call, err);
    case DLFW_OP_MAKE_ROOT:
    case DLFW_OP_REMOVE_ROOT:
        return gcs_root_answered(call, err);
    case DLFW_OP_COPY:
        return gcs_copy_answered(call, err);
    default:
        return DLFW_OK;
    }
}

static bool accepts(const struct cloud_call *call)
{
    int32_t code = call->x.code;
    uint16_t op = call->req ? call->req->op : 0;
    bool is_gone = code == 404 || code == 410;

    if (!call->req)
        return gcs_batch_accepts(call);
    switch (op) {
    case DLFW_OP_PUT:
        return call->step == GCS_DROP && code >= 400 && code < 500;
    case DLFW_OP_WRITE_PART:
        return code == 308;
    case DLFW_OP_WRITE_COMMIT:
        return (call->step == GCS_MAIN && (code == 308 || is_gone)) || (call->step == GCS_LOOK && code == 404) ||
               (call->step == GCS_DROP && code >= 400 && code < 500);
    case DLFW_OP_WRITE_ABORT:
        return code == 499 || is_gone || code == 405 || code == 501;
    case DLFW_OP_MAKE_ROOT:
        return call->step == GCS_CREATE ? code == 409 : code == 404 || code == 403;
    case DLFW_OP_REMOVE_ROOT:
        return code == 404 && call->key.len;
    default:
        return false;
    }
}

/* The upload id stands in this header too, and whoever knows it can write: not for uploads. */
static void take_request_id(const struct cloud_call *call, struct cloud_fault *fault)
{
    bool is_upload = call->req && call->req->op >= DLFW_OP_WRITE_BEGIN && call->req->op <= DLFW_OP_WRITE_ABORT;

    if (!is_upload && !http_header_copy(&call->x, "x-guploader-uploadid", fault->request_id, sizeof fault->request_id))
        fault->request_id[0] = '\0';
}

static bool explain(struct cloud_call *call, struct cloud_fault *fault)
{
    uint16_t op = call->req ? call->req->op : DLFW_OP_DELETE;
    bool is_write = op == DLFW_OP_PUT || op == DLFW_OP_WRITE_COMMIT;
    int32_t code = call->x.code;
    char reason[64];

    gcs_fault_read(call->x.reply.data, call->x.reply.len, fault, reason);
    take_request_id(call, fault);
    if (code == 401)
        return call->again == 0 && !call->no_credentials && gcs_auth_refused(&gcs_of(call)->auth, &call->x.head);
    gcs_fault_of(code, reason, fault);
    if (code == 400 && is_write && (strcasestr(fault->message, "crc32c") || strcasestr(fault->message, "hash"))) {
        fault->status = DLFW_E_CORRUPT; /* damaged on its way; a PUT still has the right bytes */
        fault->flags = op == DLFW_OP_PUT ? DLFW_ERR_RETRYABLE : 0;
    }
    if ((code == 404 || code == 410) && op == DLFW_OP_WRITE_PART) {
        fault->status = DLFW_E_IO;
        memcpy(fault->code, "uploadGone", sizeof "uploadGone");
    }
    if (code == 412 && !(call->req && call->req->flags & DLFW_REQ_EXCLUSIVE) &&
        !(call->upload && call->upload->flags & DLFW_REQ_EXCLUSIVE)) {
        fault->status = DLFW_E_UNAVAILABLE; /* a condition that we did not make: somebody writes the same object */
        fault->flags = DLFW_ERR_RETRYABLE;
    }
    return false;
}

const struct cloud_service gcs_service = {
    .name = "Google Cloud Storage",
    .batch_max = 100, /* as documented */
    .parts_in_order = true,
    .build = build,
    .accepts = accepts,
    .answered = answered,
    .whole_crc32c = whole_crc32c,
    .explain = explain,
    .build_batch = gcs_batch_build,
    .answered_batch = gcs_batch_answered,
};
