/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many DELETEs in one request. Keys that XML cannot carry follow one by one, in the steps after the first: step n
 * deletes the key at index n - 1.
 */
#include <stdlib.h>
#include <string.h>

#include "s3.h"

/* The letter at the beginning of s, well-formed UTF-8; its length in *ret_len. UINT32_MAX: none. */
static uint32_t letter(const uint8_t *s, size_t left, size_t *ret_len)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    uint32_t c = s[0];
    size_t more = c < 0x80 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;

    if ((c >= 0x80 && c < 0xc2) || c > 0xf4 || left <= more)
        return UINT32_MAX;
    c = more ? c & (0x3fu >> more) : c;
    for (size_t i = 1; i <= more; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return UINT32_MAX;
        c = c << 6 | (s[i] & 0x3f);
    }
    *ret_len = more + 1;
    return c < least[more] ? UINT32_MAX : c;
}

/* Letters that XML 1.0 has. */
static bool fits_xml(const char *key, size_t key_len)
{
    const uint8_t *s = (const uint8_t *)key;
    size_t len = 1;

    for (size_t i = 0; i < key_len; i += len) {
        uint32_t c = letter(s + i, key_len - i, &len);

        if (c < 0x20 ? c != '\t' && c != '\n' && c != '\r' : c > 0x10ffff)
            return false;
        if ((c >= 0xd800 && c < 0xe000) || c == 0xfffe || c == 0xffff)
            return false;
    }
    return true;
}

/* The first index from `from` on whose key goes by itself; UINT32_MAX: none. */
static uint32_t next_single(const struct cloud_call *call, uint32_t from)
{
    for (uint32_t i = from; i < call->batch_count; i++)
        if (!fits_xml(call->batch[i]->key, call->batch[i]->key_len))
            return i;
    return UINT32_MAX;
}

static dlfw_status build_single(struct cloud_call *call, uint32_t index, dlfw_error *err)
{
    struct s3_request r = {.method = "DELETE"};

    text_clear(&call->scratch2);
    text_add(&call->scratch2, call->cloud->prefix, call->cloud->prefix_len);
    text_add(&call->scratch2, call->batch[index]->key, call->batch[index]->key_len);
    if (!s3_request_target((dlfw_backend *)call->cloud, &call->scratch2, &r) || r.key_len == 0)
        return dlfw_fail(err, DLFW_E_INVALID, "the key names no object");
    return s3_request_send(call, &r, err);
}

dlfw_status s3_batch_build(struct cloud_call *call, dlfw_error *err)
{
    dlfw_backend *be = (dlfw_backend *)call->cloud;
    struct s3_request r = {.method = "POST",
                           .bucket = be->root.bucket,
                           .bucket_len = strlen(be->root.bucket),
                           .key = "",
                           .has_body = true,
                           .payload = S3_PAYLOAD_SIGNED};
    struct text md5_text = {0};
    uint32_t listed = 0;
    uint8_t md5[16];

    if (call->step > 0)
        return build_single(call, call->step - 1, err);
    text_clear(&call->scratch);
    text_str(&call->scratch, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Delete "
                             "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>");
    for (uint32_t i = 0; i < call->batch_count; i++) {
        const dlfw_req *req = call->batch[i];

        if (!fits_xml(req->key, req->key_len))
            continue;
        text_str(&call->scratch, "<Object><Key>");
        cloud_xml_escape(&call->scratch, call->cloud->prefix, call->cloud->prefix_len);
        cloud_xml_escape(&call->scratch, req->key, req->key_len);
        text_str(&call->scratch, "</Key></Object>");
        listed++;
    }
    text_str(&call->scratch, "</Delete>");
    if (call->scratch.failed)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a request");
    if (listed == 0) {
        call->step = 1;
        return build_single(call, 0, err);
    }
    cloud_md5(call->scratch.data, call->scratch.len, md5);
    cloud_base64(&md5_text, md5, sizeof md5, false);
    if (md5_text.data)
        s3_headers_str(&r.headers, "content-md5", md5_text.data);
    text_free(&md5_text);
    s3_headers_str(&r.headers, "content-type", "application/xml");
    text_str(&r.query, "delete=");
    r.data = call->scratch.data;
    r.len = call->scratch.len;
    return s3_request_send(call, &r, err);
}

struct reading {
    struct cloud_call *call;
    struct text key;
    char code[64];
    char message[160];
    bool is_result, is_error, strange;
};

static void keep(char *to, size_t cap, const char *text, size_t len)
{
    if (len >= cap)
        len = cap - 1;
    memcpy(to, text, len);
    to[len] = '\0';
}

static void settle(struct reading *r)
{
    const struct cloud *c = r->call->cloud;
    dlfw_status status = DLFW_E_IO;
    uint32_t flags = 0;
    bool known = false;

    (void)s3_code_meaning(r->code, &status, &flags);
    for (uint32_t i = 0; i < r->call->batch_count; i++) {
        const dlfw_req *req = r->call->batch[i];

        if (r->key.len != c->prefix_len + req->key_len || memcmp(r->key.data, c->prefix, c->prefix_len) != 0 ||
            memcmp(r->key.data + c->prefix_len, req->key, req->key_len) != 0)
            continue;
        cloud_batch_set(r->call, i, status, r->code[0] ? r->code : "failed", r->message);
        known = true;
    }
    r->strange |= !known;
    text_clear(&r->key);
    r->code[0] = r->message[0] = '\0';
}

static bool take(void *ctx, const char *path, const char *text, size_t len)
{
    struct reading *r = ctx;

    r->is_result |= strncmp(path, "DeleteResult", 12) == 0;
    if (strcmp(path, "DeleteResult/Error/Key") == 0) {
        text_clear(&r->key);
        text_add(&r->key, text, len);
    } else if (strcmp(path, "DeleteResult/Error/Code") == 0) {
        keep(r->code, sizeof r->code, text, len);
    } else if (strcmp(path, "DeleteResult/Error/Message") == 0) {
        keep(r->message, sizeof r->message, text, len);
    } else if (strcmp(path, "DeleteResult/Error") == 0) {
        settle(r);
    } else if (strcmp(path, "Error") == 0) {
        r->is_error = true;
    }
    return !r->key.failed;
}

static dlfw_status read_result(struct cloud_call *call, dlfw_error *err)
{
    struct reading r = {.call = call};
    const struct cloud_xml xml = {.ctx = &r, .each = take};
    dlfw_status st;

    text_clear(&r.key);
    text_add(&r.key, "", 0);
    st = cloud_xml_walk(call->x.reply.data, call->x.reply.len, &xml, err);
    if (r.key.failed)
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for an answer");
    else if (r.is_error)
        st = s3_reply_expect(call, "DeleteResult", NULL, 0, err);
    else if (st == DLFW_OK && (!r.is_result || r.strange))
        st = dlfw_fail(err, DLFW_E_CORRUPT,
                       "the answer is no list of deleted objects, or has some that nobody asked for");
    text_free(&r.key);
    return st;
}

/* A single DELETE that fails is explained as a failure of all: they are tried again, which does no harm. */
dlfw_status s3_batch_answered(struct cloud_call *call, dlfw_error *err)
{
    uint32_t next;
    dlfw_status st = call->step == 0 ? read_result(call, err) : DLFW_OK;

    if (st < 0)
        return st;
    next = next_single(call, call->step);
    if (next == UINT32_MAX)
        return DLFW_OK;
    call->step = next + 1;
    return DLFW_NEED_IO;
}
