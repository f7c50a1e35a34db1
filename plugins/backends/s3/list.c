/* SPDX-License-Identifier: Apache-2.0 */
/* ListObjectsV2, and the list of buckets where the instance has them all. */
#include <string.h>

#include "s3.h"

/* A walk over all buckets' names rather than one bucket's. */
static bool is_bucket_list(const dlfw_backend *be, const struct cloud_list *list)
{
    return !be->root.bucket[0] && list->prefix.len == 0;
}

static dlfw_status build_bucket_list(struct cloud_call *call, dlfw_error *err)
{
    struct s3_request r = {.method = "GET", .bucket = "", .key = ""};

    if (call->list->recursive)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "one bucket is listed at a time: name it, 's3://bucket'");
    if (call->list->token.len) {
        text_str(&r.query, "continuation-token=");
        text_encoded(&r.query, call->list->token.data, call->list->token.len, false);
    }
    return s3_request_send(call, &r, err);
}

dlfw_status s3_list_build(struct cloud_call *call, dlfw_error *err)
{
    dlfw_backend *be = (dlfw_backend *)call->cloud;
    const struct cloud_list *list = call->list;
    struct s3_request r = {.method = "GET"};
    const char *prefix;
    size_t prefix_len;

    if (is_bucket_list(be, list))
        return build_bucket_list(call, err);
    if (!s3_request_target(be, &list->prefix, &r))
        return dlfw_fail(err, DLFW_E_INVALID, "the key does not begin with the name of a bucket");
    prefix = r.key;
    prefix_len = r.key_len;
    r.key = "";
    r.key_len = 0;
    if (list->token.len) {
        text_str(&r.query, "continuation-token=");
        text_encoded(&r.query, list->token.data, list->token.len, false);
        text_char(&r.query, '&');
    }
    text_str(&r.query, list->recursive ? "" : "delimiter=%2F&");
    text_str(&r.query, "encoding-type=url&list-type=2");
    if (be->options->list_page) {
        text_str(&r.query, "&max-keys=");
        text_u64(&r.query, be->options->list_page);
    }
    text_str(&r.query, "&prefix=");
    text_encoded(&r.query, prefix, prefix_len, false);
    return s3_request_send(call, &r, err);
}

struct reading {
    struct cloud_list *list;
    const char *bucket; /* in front of every name; "" where the instance has one bucket */
    size_t bucket_len;
    bool encoded; /* names are percent-encoded */
    bool is_result, no_memory;
    const char *bad; /* what cannot be understood */
    bool truncated;
    struct text key; /* of the entry that is being read */
    uint64_t size, mtime_ns;
    bool has_key, has_size;
};

static void begin_name(struct reading *r)
{
    text_clear(&r->key);
    if (r->bucket_len) {
        text_add(&r->key, r->bucket, r->bucket_len);
        text_char(&r->key, '/');
    }
}

static void take_name(struct reading *r, const char *text, size_t len)
{
    size_t begin;

    begin_name(r);
    begin = r->key.len;
    text_add(&r->key, text, len);
    if (r->encoded && !r->key.failed && len)
        r->key.len = begin + s3_url_decode(r->key.data + begin, len);
    r->has_key = len > 0;
}

static void end_entry(struct reading *r, bool group)
{
    if (!r->has_key || (!group && !r->has_size))
        r->bad = "an entry has no name or no size";
    else if (r->key.failed ||
             !cloud_list_add(r->list, r->key.data, r->key.len, group ? UINT64_MAX : r->size, r->mtime_ns))
        r->no_memory = true;
    r->has_key = r->has_size = false;
    r->mtime_ns = 0;
}

static bool take_object(void *ctx, const char *path, const char *text, size_t len)
{
    static const char root[] = "ListBucketResult";
    struct reading *r = ctx;

    if (strncmp(path, root, strlen(root)) != 0)
        return true;
    r->is_result = true;
    path += strlen(root);
    if (strcmp(path, "/Contents/Key") == 0 || strcmp(path, "/CommonPrefixes/Prefix") == 0) {
        take_name(r, text, len);
    } else if (strcmp(path, "/Contents/Size") == 0) {
        r->has_size = s3_number(text, len, &r->size);
    } else if (strcmp(path, "/Contents/LastModified") == 0) {
        r->mtime_ns = cloud_time_ns(text, len);
    } else if (strcmp(path, "/Contents") == 0) {
        end_entry(r, false);
    } else if (strcmp(path, "/CommonPrefixes") == 0) {
        end_entry(r, true);
    } else if (strcmp(path, "/IsTruncated") == 0) {
        r->truncated = strcmp(text, "true") == 0;
    } else if (strcmp(path, "/NextContinuationToken") == 0) {
        text_add(&r->list->token, text, len);
    }
    return !r->no_memory && !r->bad;
}

static bool take_bucket(void *ctx, const char *path, const char *text, size_t len)
{
    static const char root[] = "ListAllMyBucketsResult";
    struct reading *r = ctx;

    if (strncmp(path, root, strlen(root)) != 0)
        return true;
    r->is_result = true;
    path += strlen(root);
    if (strcmp(path, "/Buckets/Bucket/Name") == 0) {
        begin_name(r);
        text_add(&r->key, text, len);
        text_char(&r->key, '/');
        r->has_key = len > 0;
    } else if (strcmp(path, "/Buckets/Bucket") == 0) {
        end_entry(r, true);
    } else if (strcmp(path, "/ContinuationToken") == 0 && len) {
        text_add(&r->list->token, text, len);
        r->truncated = true;
    }
    return !r->no_memory && !r->bad;
}

dlfw_status s3_list_answered(struct cloud_call *call, dlfw_error *err)
{
    dlfw_backend *be = (dlfw_backend *)call->cloud;
    struct cloud_list *list = call->list;
    struct reading r = {.list = list, .bucket = ""};
    struct cloud_xml xml = {.ctx = &r, .each = take_object};
    const struct text *reply = &call->x.reply;
    struct s3_request place = {0};
    dlfw_status st;

    if (is_bucket_list(be, list)) {
        xml.each = take_bucket;
    } else {
        if (!be->root.bucket[0] && s3_request_target(be, &list->prefix, &place)) {
            r.bucket = place.bucket;
            r.bucket_len = place.bucket_len;
        }
        /* The element may stand behind the names. '<' and '>' in names are escaped: nothing else can look like it. */
        r.encoded = reply->len && memmem(reply->data, reply->len, "EncodingType>url<", 17) != NULL;
    }
    text_clear(&list->token);
    st = cloud_xml_walk(reply->data, reply->len, &xml, err);
    list->last = !r.truncated;
    if (r.no_memory || list->token.failed)
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a page of names");
    else if (r.bad)
        st = dlfw_fail(err, DLFW_E_CORRUPT, "the page of names cannot be read: %s", r.bad);
    else if (st == DLFW_OK && !r.is_result)
        st = s3_reply_expect(call, "ListBucketResult", NULL, 0, err);
    else if (st == DLFW_OK && r.bucket_len && place.key_len == 0)
        list->any = true; /* the bucket is there, whether it has objects or not */
    text_free(&r.key);
    return st;
}
