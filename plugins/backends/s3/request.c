/* SPDX-License-Identifier: Apache-2.0 */
/* A request from its parts: address, headers, checksum, signature, body. */
#include "s3.h"

#include <stdio.h>
#include <string.h>

#include "stream.h"

void s3_request_free(struct s3_request *r)
{
    text_free(&r->query);
    text_free(&r->plain);
    s3_headers_free(&r->headers);
}

bool s3_uses_checksums(const dlfw_backend *be)
{
    return be->options->checksums && !atomic_load_explicit(&be->checksums_refused, memory_order_relaxed);
}

bool s3_request_target(const dlfw_backend *be, const struct text *key, struct s3_request *r)
{
    const char *slash;

    r->key = key->len ? key->data : "";
    r->key_len = key->len;
    if (be->root.bucket[0]) {
        r->bucket = be->root.bucket;
        r->bucket_len = strlen(be->root.bucket);
        return true;
    }
    r->bucket = r->key;
    slash = memchr(r->key, '/', r->key_len);
    r->bucket_len = slash ? (size_t)(slash - r->key) : r->key_len;
    r->key += slash ? r->bucket_len + 1 : r->bucket_len;
    r->key_len -= slash ? r->bucket_len + 1 : r->bucket_len;
    return s3_bucket_valid(r->bucket, r->bucket_len);
}

void s3_request_writing(const dlfw_backend *be, struct s3_request *r)
{
    const struct s3_options *o = be->options;

    if (o->storage_class)
        s3_headers_str(&r->headers, "x-amz-storage-class", o->storage_class);
    if (o->server_side_encryption)
        s3_headers_str(&r->headers, "x-amz-server-side-encryption", o->server_side_encryption);
    if (o->sse_kms_key_id)
        s3_headers_str(&r->headers, "x-amz-server-side-encryption-aws-kms-key-id", o->sse_kms_key_id);
}

/* Where the request goes and as what. */
struct route {
    struct http_origin origin;
    struct text path;  /* encoded */
    struct text query; /* canonical; sent as it is */
    bool sign;
};

static void route_free(struct route *route)
{
    text_free(&route->path);
    text_free(&route->query);
}

static dlfw_status make_route(dlfw_backend *be, const struct s3_request *r, const struct cloud_call *call,
                              struct route *ret, dlfw_error *err)
{
    char region[S3_REGION_MAX + 1];
    const char *target, *question;

    ret->sign = !be->options->anonymous && !(call && call->no_credentials);
    if (!call || call->redirect_origin.port == 0) {
        s3_region_get(be, region);
        s3_settings_address(&be->settings, region, r->bucket, r->bucket_len, &ret->origin, &ret->path);
        text_char(&ret->path, '/');
        text_encoded(&ret->path, r->key, r->key_len, true);
        if (r->key_len == 0 && ret->path.len > 1 && r->bucket_len)
            ret->path.data[--ret->path.len] = '\0'; /* "/bucket" */
        text_add(&ret->query, r->query.data, r->query.len);
        ret->path.failed |= r->query.failed;
        return DLFW_OK;
    }
    ret->origin = call->redirect_origin;
    target = call->redirect_target.data;
    question = strchr(target, '?');
    text_add(&ret->path, target, question ? (size_t)(question - target) : strlen(target));
    if (question && !s3_canonical_query(&ret->query, question + 1, strlen(question + 1)))
        return dlfw_fail(err, DLFW_E_IO, "the service redirects to an address that cannot be read");
    return DLFW_OK;
}

static void add_checksum(dlfw_backend *be, struct s3_request *r)
{
    struct text value = {0};
    uint8_t bytes[4];

    r->crc32c = be->cloud.host->crc32c(0, r->data, r->len);
    bytes[0] = (uint8_t)(r->crc32c >> 24);
    bytes[1] = (uint8_t)(r->crc32c >> 16);
    bytes[2] = (uint8_t)(r->crc32c >> 8);
    bytes[3] = (uint8_t)r->crc32c;
    cloud_base64(&value, bytes, sizeof bytes, false);
    if (r->payload == S3_PAYLOAD_UNSIGNED_TRAILER)
        s3_headers_str(&r->headers, "x-amz-trailer", "x-amz-checksum-crc32c");
    else if (value.data)
        s3_headers_str(&r->headers, "x-amz-checksum-crc32c", value.data);
    r->headers.values.failed |= value.failed;
    text_free(&value);
}

/* What the signature says about the body. hash: room for a digest. */
static const char *payload_word(const struct s3_request *r, char hash[65])
{
    uint8_t digest[32];

    if (!r->has_body || r->len == 0)
        return S3_EMPTY_SHA256;
    switch (r->payload) {
    case S3_PAYLOAD_STREAMING:
        return S3_STREAMING;
    case S3_PAYLOAD_UNSIGNED_TRAILER:
        return S3_UNSIGNED_TRAILER;
    case S3_PAYLOAD_SIGNED:
        cloud_sha256(r->data, r->len, digest);
        cloud_hex(digest, sizeof digest, hash);
        return hash;
    case S3_PAYLOAD_UNSIGNED:
    default:
        return S3_UNSIGNED;
    }
}

static void start_line(struct text *head, const struct s3_request *r, const struct route *route)
{
    text_str(head, r->method);
    text_char(head, ' ');
    text_add(head, route->path.data, route->path.len);
    if (route->query.len) {
        text_char(head, '?');
        text_add(head, route->query.data, route->query.len);
    }
    text_str(head, " HTTP/1.1\r\n");
}

static void rest_of_head(const dlfw_backend *be, const struct s3_request *r, uint64_t body_len, struct text *head)
{
    if (r->plain.len)
        text_add(head, r->plain.data, r->plain.len);
    if (r->has_body) {
        text_str(head, "content-length: ");
        text_u64(head, body_len);
        text_str(head, "\r\n");
    }
    text_str(head, "user-agent: ");
    text_str(head, be->user_agent);
    text_str(head, "\r\n\r\n");
    head->failed |= r->plain.failed;
}

/* Head and signature; *id is who signed, when anybody did. */
static void sign_head(struct s3_request *r, struct route *route, const struct s3_identity *id, struct text *head,
                      char signature[65])
{
    const struct s3_scope base = {.region = id->region, .service = "s3", .access_key_id = id->parts.id, .key = id->key};
    struct s3_scope scope = base;
    struct text canonical = {0}, extra = {0};
    char hash[65];
    const char *payload = payload_word(r, hash);

    memcpy(scope.time, id->time, sizeof scope.time);
    if (r->presigned) {
        text_add(&extra, route->query.data, route->query.len);
        text_clear(&route->query);
        s3_presign(&route->query, &scope, r->method, route->path.data, extra.data ? extra.data : "", id->parts.token,
                   900, &r->headers);
        start_line(head, r, route);
        s3_headers_write(&r->headers, head);
        head->failed |= extra.failed || route->query.failed;
        text_free(&extra);
        return;
    }
    s3_headers_str(&r->headers, "x-amz-content-sha256", payload);
    s3_headers_str(&r->headers, "x-amz-date", id->time);
    if (*id->parts.token)
        s3_headers_str(&r->headers, "x-amz-security-token", id->parts.token);
    s3_canonical_request(&canonical, r->method, route->path.data, route->query.data ? route->query.data : "",
                         &r->headers, payload);
    if (s3_signature(&scope, &canonical, signature)) {
        start_line(head, r, route);
        s3_headers_write(&r->headers, head);
        text_str(head, "authorization: ");
        s3_authorization(head, &scope, &r->headers, signature);
        text_str(head, "\r\n");
    } else {
        head->failed = true;
    }
    text_free(&canonical);
}

struct composed {
    struct http_origin origin;
    uint64_t body_len; /* on the wire */
    struct s3_identity id;
    char signature[65];
    bool is_signed;
};

static dlfw_status compose(dlfw_backend *be, struct s3_request *r, const struct cloud_call *call, struct text *head,
                           struct composed *ret, dlfw_error *err)
{
    struct route route = {0};
    char host[280];
    dlfw_status st = make_route(be, r, call, &route, err);

    if (st == DLFW_OK && route.path.failed)
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a request");
    if (st < 0)
        goto out;
    ret->origin = route.origin;
    ret->is_signed = route.sign;
    if (!route.sign || !r->has_body || r->len == 0) /* chunks without signatures would need nothing that we know */
        r->payload = S3_PAYLOAD_UNSIGNED;
    ret->body_len = r->len;
    if (r->checksum)
        add_checksum(be, r);
    if (r->payload == S3_PAYLOAD_STREAMING || r->payload == S3_PAYLOAD_UNSIGNED_TRAILER)
        ret->body_len = s3_stream_prepare(r);
    if (be->options->request_payer)
        s3_headers_str(&r->headers, "x-amz-request-payer", "requester");
    http_origin_host(&route.origin, host, sizeof host);
    s3_headers_str(&r->headers, "host", host);
    if (route.sign) {
        st = s3_identity_get(be, &ret->id, err);
        if (st < 0)
            goto out;
        sign_head(r, &route, &ret->id, head, ret->signature);
    } else {
        start_line(head, r, &route);
        s3_headers_write(&r->headers, head);
    }
    rest_of_head(be, r, ret->body_len, head);
    if (head->failed)
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a request");
out:
    route_free(&route);
    return st;
}

dlfw_status s3_request_send(struct cloud_call *call, struct s3_request *r, dlfw_error *err)
{
    dlfw_backend *be = (dlfw_backend *)call->cloud;
    struct composed c = {0};
    dlfw_status st;

    if (r->presigned && (be->options->anonymous || call->redirect_origin.port))
        r->presigned = false;
    st = compose(be, r, call, &call->x.head, &c, err);
    call->x.origin = c.origin;
    if (st == DLFW_OK && (r->payload == S3_PAYLOAD_STREAMING || r->payload == S3_PAYLOAD_UNSIGNED_TRAILER)) {
        struct s3_scope scope = {
            .region = c.id.region, .service = "s3", .access_key_id = c.id.parts.id, .key = c.id.key};

        memcpy(scope.time, c.id.time, sizeof scope.time);
        st = s3_stream_body(call, r, &scope, c.signature, err);
    } else if (st == DLFW_OK && r->has_body && r->len) {
        call->body[0] = (struct iovec){(void *)(uintptr_t)r->data, r->len};
        call->x.body = call->body;
        call->x.body_count = 1;
    }
    if (strcmp(r->method, "HEAD") == 0)
        call->x.flags |= HTTP_NO_BODY;
    s3_identity_free(&c.id);
    s3_request_free(r);
    return st;
}

dlfw_status s3_request_fetch(dlfw_backend *be, struct s3_request *r, struct http_exchange *x, dlfw_error *err)
{
    struct cloud_fault fault = {0};
    struct composed c = {0};
    dlfw_status st;

    text_clear(&x->head);
    text_clear(&x->reply);
    x->reply_max = 16u << 20;
    st = compose(be, r, NULL, &x->head, &c, err);
    x->origin = c.origin;
    s3_identity_free(&c.id);
    if (st == DLFW_OK)
        st = http_fetch(be->cloud.client, x, err);
    s3_request_free(r);
    if (st < 0 || (x->code >= 200 && x->code < 300))
        return st;
    cloud_fault_of_code(x->code, &fault);
    s3_read_fault(x, &fault);
    st = dlfw_fail(err, fault.status, "%d%s%s%s%s", x->code, fault.code[0] ? " " : "", fault.code,
                   fault.message[0] ? ": " : "", fault.message);
    if (err)
        err->flags = fault.flags;
    return st;
}
