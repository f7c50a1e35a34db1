/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every request pays for this file, so it makes three digests and one buffer per signature: the signing key of a day
 * comes from the caller, who keeps it.
 */
#include "sign.h"

#include <stdlib.h>
#include <string.h>

#define DAY_LEN 8u
#define ALGORITHM "AWS4-HMAC-SHA256"
#define QUERY_PARAMETERS_MAX 64u

void s3_headers_add(struct s3_headers *h, const char *name, const char *value, size_t len)
{
    uint32_t at = h->count;

    if (h->count == S3_HEADERS_MAX) {
        h->values.failed = true;
        return;
    }
    for (; at > 0 && strcmp(h->rows[at - 1].name, name) > 0; at--)
        h->rows[at] = h->rows[at - 1];
    h->rows[at] = (struct s3_header){name, h->values.len, len};
    h->count++;
    text_add(&h->values, value, len);
}

void s3_headers_str(struct s3_headers *h, const char *name, const char *value)
{
    s3_headers_add(h, name, value, strlen(value));
}

void s3_headers_write(const struct s3_headers *h, struct text *to)
{
    if (h->values.failed) {
        to->failed = true;
        return;
    }
    for (uint32_t i = 0; i < h->count; i++) {
        text_str(to, h->rows[i].name);
        text_add(to, ": ", 2);
        text_add(to, h->values.data + h->rows[i].at, h->rows[i].len);
        text_add(to, "\r\n", 2);
    }
}

void s3_headers_free(struct s3_headers *h)
{
    text_free(&h->values);
    h->count = 0;
}

static void signed_names(struct text *to, const struct s3_headers *h, const char *separator)
{
    for (uint32_t i = 0; i < h->count; i++) {
        if (i > 0)
            text_str(to, separator);
        text_str(to, h->rows[i].name);
    }
}

void s3_signing_key(const char *secret, const char *time, const char *region, const char *service, uint8_t ret[32])
{
    struct text first = {0};

    text_str(&first, "AWS4");
    text_str(&first, secret);
    cloud_hmac_sha256(first.data ? first.data : "", first.len, time, DAY_LEN, ret);
    cloud_hmac_sha256(ret, 32, region, strlen(region), ret);
    cloud_hmac_sha256(ret, 32, service, strlen(service), ret);
    cloud_hmac_sha256(ret, 32, "aws4_request", 12, ret);
    if (first.data)
        explicit_bzero(first.data, first.room);
    text_free(&first);
}

void s3_canonical_request(struct text *to, const char *method, const char *path, const char *query,
                          const struct s3_headers *headers, const char *payload)
{
    text_str(to, method);
    text_char(to, '\n');
    text_str(to, path);
    text_char(to, '\n');
    text_str(to, query);
    text_char(to, '\n');
    if (headers->values.failed) {
        to->failed = true;
        return;
    }
    for (uint32_t i = 0; i < headers->count; i++) {
        text_str(to, headers->rows[i].name);
        text_char(to, ':');
        text_add(to, headers->values.data + headers->rows[i].at, headers->rows[i].len);
        text_char(to, '\n');
    }
    text_char(to, '\n');
    signed_names(to, headers, ";");
    text_char(to, '\n');
    text_str(to, payload);
}

static void add_credential_scope(struct text *to, const struct s3_scope *scope, const char *separator)
{
    text_add(to, scope->time, DAY_LEN);
    text_str(to, separator);
    text_str(to, scope->region);
    text_str(to, separator);
    text_str(to, scope->service);
    text_str(to, separator);
    text_str(to, "aws4_request");
}

/* "algorithm\ntime\nscope\n" and further lines, signed. */
static bool sign_lines(const struct s3_scope *scope, const char *algorithm, const char *const *lines, uint32_t count,
                       char ret[65])
{
    struct text t = {0};
    uint8_t mac[32];
    bool ok;

    text_str(&t, algorithm);
    text_char(&t, '\n');
    text_str(&t, scope->time);
    text_char(&t, '\n');
    add_credential_scope(&t, scope, "/");
    for (uint32_t i = 0; i < count; i++) {
        text_char(&t, '\n');
        text_str(&t, lines[i]);
    }
    ok = !t.failed;
    if (ok)
        cloud_hmac_sha256(scope->key, 32, t.data, t.len, mac);
    else
        memset(mac, 0, sizeof mac);
    cloud_hex(mac, sizeof mac, ret);
    text_free(&t);
    return ok;
}

bool s3_signature(const struct s3_scope *scope, const struct text *canonical, char ret[65])
{
    uint8_t digest[32];
    char hash[65];
    const char *const lines[] = {hash};

    if (canonical->failed || !canonical->data)
        return false;
    cloud_sha256(canonical->data, canonical->len, digest);
    cloud_hex(digest, sizeof digest, hash);
    return sign_lines(scope, ALGORITHM, lines, 1, ret);
}

void s3_authorization(struct text *to, const struct s3_scope *scope, const struct s3_headers *headers,
                      const char *signature)
{
    text_str(to, ALGORITHM " Credential=");
    text_str(to, scope->access_key_id);
    text_char(to, '/');
    add_credential_scope(to, scope, "/");
    text_str(to, ",SignedHeaders=");
    signed_names(to, headers, ";");
    text_str(to, ",Signature=");
    text_str(to, signature);
}

void s3_chunk_signature(const struct s3_scope *scope, const char *previous, const void *data, size_t len, char ret[65])
{
    uint8_t digest[32];
    char hash[65];
    const char *const lines[] = {previous, S3_EMPTY_SHA256, hash};

    cloud_sha256(data, len, digest);
    cloud_hex(digest, sizeof digest, hash);
    (void)sign_lines(scope, ALGORITHM "-PAYLOAD", lines, 3, ret);
}

void s3_trailer_signature(const struct s3_scope *scope, const char *previous, const char *trailer, size_t len,
                          char ret[65])
{
    uint8_t digest[32];
    char hash[65];
    const char *const lines[] = {previous, hash};

    cloud_sha256(trailer, len, digest);
    cloud_hex(digest, sizeof digest, hash);
    (void)sign_lines(scope, ALGORITHM "-TRAILER", lines, 2, ret);
}

void s3_presign(struct text *to, const struct s3_scope *scope, const char *method, const char *path, const char *extra,
                const char *token, uint64_t expires_s, const struct s3_headers *headers)
{
    struct text canonical = {0};
    size_t begin = to->len;
    char signature[65];

    text_str(to, "X-Amz-Algorithm=" ALGORITHM "&X-Amz-Credential=");
    text_encoded(to, scope->access_key_id, strlen(scope->access_key_id), false);
    text_str(to, "%2F");
    add_credential_scope(to, scope, "%2F");
    text_str(to, "&X-Amz-Date=");
    text_str(to, scope->time);
    text_str(to, "&X-Amz-Expires=");
    text_u64(to, expires_s);
    if (token && *token) {
        text_str(to, "&X-Amz-Security-Token=");
        text_encoded(to, token, strlen(token), false);
    }
    text_str(to, "&X-Amz-SignedHeaders=");
    signed_names(to, headers, "%3B");
    if (*extra) {
        text_char(to, '&');
        text_str(to, extra);
    }
    if (to->failed)
        return;
    s3_canonical_request(&canonical, method, path, to->data + begin, headers, S3_UNSIGNED);
    if (s3_signature(scope, &canonical, signature)) {
        text_str(to, "&X-Amz-Signature=");
        text_str(to, signature);
    } else {
        to->failed = true;
    }
    text_free(&canonical);
}

struct parameter {
    const char *at; /* "name=value", encoded anew */
    size_t len;
    size_t name_len;
};

/* By name, then by value; both are plain ASCII by now. */
static int compare_parameters(const void *left, const void *right)
{
    const struct parameter *a = left;
    const struct parameter *b = right;
    size_t shorter = a->name_len < b->name_len ? a->name_len : b->name_len;
    int order = memcmp(a->at, b->at, shorter);

    if (order == 0 && a->name_len != b->name_len)
        return a->name_len < b->name_len ? -1 : 1;
    if (order != 0)
        return order;
    shorter = a->len < b->len ? a->len : b->len;
    order = memcmp(a->at, b->at, shorter);
    return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool encode_anew(struct text *to, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = data[i];

        if (c == '%') {
            int high = i + 2 < len ? hex_value(data[i + 1]) : -1;
            int low = high >= 0 ? hex_value(data[i + 2]) : -1;

            if (low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        text_encoded(to, &c, 1, false);
    }
    return true;
}

bool s3_canonical_query(struct text *to, const char *query, size_t len)
{
    struct parameter rows[QUERY_PARAMETERS_MAX];
    size_t ends[QUERY_PARAMETERS_MAX];
    size_t names[QUERY_PARAMETERS_MAX];
    struct text all = {0};
    const char *end = query + len;
    uint32_t count = 0;
    bool ok = true;

    while (ok && query < end) {
        const char *stop = memchr(query, '&', (size_t)(end - query));
        const char *equals;

        stop = stop ? stop : end;
        equals = memchr(query, '=', (size_t)(stop - query));
        if (stop > query) {
            size_t begin = all.len;

            ok = count < QUERY_PARAMETERS_MAX && encode_anew(&all, query, (size_t)((equals ? equals : stop) - query));
            if (!ok)
                break;
            names[count] = all.len - begin;
            text_char(&all, '=');
            ok = !equals || encode_anew(&all, equals + 1, (size_t)(stop - equals - 1));
            ends[count++] = all.len;
        }
        query = stop + (stop < end);
    }
    ok = ok && !all.failed;
    for (uint32_t i = 0; ok && i < count; i++) {
        size_t begin = i > 0 ? ends[i - 1] : 0;

        rows[i] = (struct parameter){all.data + begin, ends[i] - begin, names[i]};
    }
    if (ok && count > 0)
        qsort(rows, count, sizeof *rows, compare_parameters);
    for (uint32_t i = 0; ok && i < count; i++) {
        if (i > 0)
            text_char(to, '&');
        text_add(to, rows[i].at, rows[i].len);
    }
    text_free(&all);
    return ok && !to->failed;
}
