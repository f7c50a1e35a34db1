/* SPDX-License-Identifier: Apache-2.0 */
/* Making and removing the bucket. Below one there is nothing to make: prefixes exist by themselves. */
#include <stdio.h>
#include <string.h>

#include "s3.h"

/* The service has a region for buckets unless it is the first one, which is called by no name. */
static void build_create(struct cloud_call *call, struct s3_request *r)
{
    dlfw_backend *be = (dlfw_backend *)call->cloud;
    char region[S3_REGION_MAX + 1];

    r->method = "PUT";
    r->has_body = true;
    r->payload = S3_PAYLOAD_SIGNED;
    s3_region_get(be, region);
    if (strcmp(region, "us-east-1") == 0)
        return;
    text_clear(&call->scratch);
    text_printf(&call->scratch,
                "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>%s"
                "</LocationConstraint></CreateBucketConfiguration>",
                region);
    r->data = call->scratch.data;
    r->len = call->scratch.len;
}

/* Some services delete a bucket with all that is in it: where we are not sure, its first name is asked for before. */
static void build_remove(struct cloud_call *call, struct s3_request *r)
{
    if (call->step == S3_START && !((const dlfw_backend *)call->cloud)->is_amazon)
        call->step = S3_LOOK;
    if (call->step == S3_LOOK) {
        r->method = "GET";
        text_str(&r->query, "encoding-type=url&list-type=2&max-keys=1");
    } else {
        r->method = "DELETE";
    }
}

dlfw_status s3_bucket_build(struct cloud_call *call, dlfw_error *err)
{
    dlfw_backend *be = (dlfw_backend *)call->cloud;
    struct s3_request r = {.method = "HEAD"};
    bool below;

    if (call->step == S3_FINISHED || (!be->root.bucket[0] && call->key.len == 0))
        return DLFW_END;
    if (!s3_request_target(be, &call->key, &r))
        return dlfw_fail(err, DLFW_E_INVALID, "the key does not begin with the name of a bucket");
    below = r.key_len > 0;
    r.key = "";
    r.key_len = 0;
    call->note[0] = below;
    if (call->req->op == DLFW_OP_REMOVE_ROOT) {
        if (below)
            return DLFW_END;
        build_remove(call, &r);
    } else if (call->step == S3_CREATE_BUCKET) {
        build_create(call, &r);
    }
    return s3_request_send(call, &r, err);
}

dlfw_status s3_bucket_answered(struct cloud_call *call, dlfw_error *err)
{
    char name[8];
    const struct s3_pick picks[] = {{"Contents/Key", name, sizeof name}};
    dlfw_status st;

    if (call->step != S3_LOOK)
        return DLFW_OK;
    st = s3_reply_expect(call, "ListBucketResult", picks, 1, err);
    if (st < 0)
        return st;
    if (name[0])
        return dlfw_fail(err, DLFW_E_BUSY, "there are objects in the bucket");
    call->step = S3_WRITE;
    return DLFW_NEED_IO;
}

bool s3_bucket_explain(struct cloud_call *call, struct cloud_fault *fault)
{
    int32_t code = call->x.code;

    if (call->req->op == DLFW_OP_REMOVE_ROOT) {
        if (code == 409 && fault->status != DLFW_E_BUSY)
            fault->status = DLFW_E_BUSY;
        return false;
    }
    if (call->step == S3_START && (code == 404 || code == 403)) {
        /* Who may only read and write objects must not look at buckets; the objects will tell. */
        call->step = code == 403 && call->note[0] ? S3_FINISHED : S3_CREATE_BUCKET;
        return true;
    }
    if (call->step == S3_CREATE_BUCKET && code == 409 && !(fault->flags & DLFW_ERR_RETRYABLE)) {
        call->step = strcmp(fault->code, "BucketAlreadyOwnedByYou") == 0 ? S3_FINISHED : S3_LOOK_AGAIN;
        return true;
    }
    if (call->step == S3_LOOK_AGAIN && (code == 403 || code == 404)) {
        fault->status = DLFW_E_EXISTS;
        (void)snprintf(fault->message, sizeof fault->message, "the name of the bucket is taken by somebody else");
    }
    return false;
}
