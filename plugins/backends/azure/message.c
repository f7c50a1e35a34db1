/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request's head, with the proof of who sends it. The string to sign is built beside the head from the same fields,
 * so that what is signed is what is sent. It is made for every request: sorting and texts only, no allocation once the
 * call's texts have their size.
 */
#include "azure.h"

#include <string.h>
#include <strings.h>

#define FIELDS_MAX 12u

void az_query(struct az_message *m, const char *name, const char *value, size_t len)
{
    if (m->queries < sizeof m->query / sizeof *m->query)
        m->query[m->queries++] = (struct az_field){name, value, len};
}

void az_query_str(struct az_message *m, const char *name, const char *value)
{
    az_query(m, name, value, strlen(value));
}

void az_header(struct az_message *m, const char *name, const char *value)
{
    if (m->header_count < sizeof m->headers / sizeof *m->headers)
        m->headers[m->header_count++] = (struct az_field){name, value, strlen(value)};
}

static void sort_fields(struct az_field *fields, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        struct az_field one = fields[i];
        uint32_t at = i;

        for (; at && strcmp(fields[at - 1].name, one.name) > 0; at--)
            fields[at] = fields[at - 1];
        fields[at] = one;
    }
}

static void add_target(const struct az_access *access, const struct az_message *m, const struct az_field *query,
                       struct text *head)
{
    text_add(head, access->base->data, access->base->len);
    if (m->place.container_len || m->place.blob_len) {
        text_char(head, '/');
        text_encoded(head, m->place.container, m->place.container_len, false);
    }
    if (m->place.blob_len) {
        text_char(head, '/');
        text_encoded(head, m->place.blob, m->place.blob_len, true);
    }
    if (!m->place.container_len)
        text_char(head, '/');
    for (uint32_t i = 0; i < m->queries; i++) {
        text_char(head, i ? '&' : '?');
        text_str(head, query[i].name);
        text_char(head, '=');
        text_encoded(head, query[i].value, query[i].len, false);
    }
}

/* The fields of a query that stands in a URL, decoded. Their texts lie in `to`, names and values each with a NUL. */
static uint32_t split_query(const char *query, size_t len, struct text *to, struct az_field *fields, dlfw_status *st,
                            dlfw_error *err)
{
    uint32_t n = 0;
    size_t at = 0;

    text_add(to, query, len);
    if (to->failed || !len)
        return 0;
    while (at < len) {
        char *field = to->data + at;
        char *end = memchr(field, '&', len - at);
        size_t field_len = end ? (size_t)(end - field) : len - at;
        char *equals = memchr(field, '=', field_len);
        size_t value_len = equals ? az_decode(equals + 1, field_len - (size_t)(equals + 1 - field)) : 0;

        at += field_len + 1;
        if (n == FIELDS_MAX || value_len == SIZE_MAX) {
            *st = dlfw_fail(err, DLFW_E_CORRUPT, "the redirect's query cannot be read");
            return 0;
        }
        if (end)
            *end = '\0';
        if (equals)
            *equals = '\0';
        fields[n++] = (struct az_field){field, equals ? equals + 1 : "", value_len};
    }
    return n;
}

/* "/account" + path as it is sent + one line for each field of the query */
static void add_resource(struct text *sign, const char *account, const char *path, size_t path_len,
                         const struct az_field *query, uint32_t queries)
{
    text_char(sign, '/');
    text_str(sign, account);
    text_add(sign, path, path_len);
    for (uint32_t i = 0; i < queries; i++) {
        text_char(sign, '\n');
        text_str(sign, query[i].name);
        text_char(sign, ':');
        text_add(sign, query[i].value, query[i].len);
    }
}

static void add_line(struct text *sign, const char *value)
{
    text_str(sign, value ? value : "");
    text_char(sign, '\n');
}

static void add_signed_headers(struct text *sign, const struct az_message *m, const struct az_field *headers,
                               uint32_t n)
{
    add_line(sign, m->method);
    text_str(sign, "\n\n"); /* Content-Encoding, Content-Language */
    if (m->body_len)
        text_u64(sign, m->body_len);
    text_char(sign, '\n');
    add_line(sign, m->content_md5);
    add_line(sign, m->content_type);
    text_str(sign, "\n\n\n"); /* Date (x-ms-date is there), If-Modified-Since, If-Match */
    add_line(sign, m->only_new ? "*" : NULL);
    text_char(sign, '\n'); /* If-Unmodified-Since */
    text_add(sign, m->range, m->range_len);
    text_char(sign, '\n');
    for (uint32_t i = 0; i < n; i++) {
        text_str(sign, headers[i].name);
        text_char(sign, ':');
        text_add(sign, headers[i].value, headers[i].len);
        text_char(sign, '\n');
    }
}

static void add_authorization(const struct az_access *access, const struct text *sign, struct text *head)
{
    uint8_t mac[32];

    if (access->auth == AZ_TOKEN) {
        text_str(head, "Authorization: Bearer ");
        text_str(head, access->token);
        text_str(head, "\r\n");
    }
    if (access->auth != AZ_KEY)
        return;
    cloud_hmac_sha256(access->key->data, access->key->len, sign->data, sign->len, mac);
    text_str(head, "Authorization: SharedKey ");
    text_str(head, access->account);
    text_char(head, ':');
    cloud_base64(head, mac, sizeof mac, false);
    text_str(head, "\r\n");
}

static void add_header_line(struct text *head, const char *name, const char *value, size_t len)
{
    text_str(head, name);
    text_str(head, ": ");
    text_add(head, value, len);
    text_str(head, "\r\n");
}

static void add_headers(const struct az_access *access, const struct az_message *m, const struct az_field *headers,
                        uint32_t n, struct text *head)
{
    if (!m->inner)
        text_add(head, access->fixed->data, access->fixed->len);
    for (uint32_t i = 0; i < n; i++)
        add_header_line(head, headers[i].name, headers[i].value, headers[i].len);
    if (m->range_len)
        add_header_line(head, "Range", m->range, m->range_len);
    if (m->content_type)
        add_header_line(head, "Content-Type", m->content_type, strlen(m->content_type));
    if (m->content_md5)
        add_header_line(head, "Content-MD5", m->content_md5, strlen(m->content_md5));
    if (m->only_new)
        text_str(head, "If-None-Match: *\r\n");
    if (m->has_body || m->inner) {
        text_str(head, "Content-Length: ");
        text_u64(head, m->body_len);
        text_str(head, "\r\n");
    }
}

/* The request line. Returns where the path begins in head, and its length. */
static size_t add_request_line(const struct az_access *access, const struct az_message *m, const struct az_field *query,
                               struct text *head, size_t *path_len)
{
    size_t begin;
    bool has_query;
    const char *mark;

    text_str(head, m->method);
    text_char(head, ' ');
    begin = head->len;
    if (m->target)
        text_add(head, m->target->data, m->target->len);
    else
        add_target(access, m, query, head);
    mark = head->failed ? NULL : memchr(head->data + begin, '?', head->len - begin);
    has_query = mark != NULL;
    *path_len = has_query ? (size_t)(mark - (head->data + begin)) : head->len - begin;
    if (access->auth == AZ_SAS && !(has_query && strstr(mark, "sig="))) {
        text_char(head, has_query ? '&' : '?');
        text_add(head, access->sas->data, access->sas->len);
    }
    text_str(head, " HTTP/1.1\r\n");
    return begin;
}

dlfw_status az_compose(const struct az_access *access, const struct az_message *m, const char *date, struct text *head,
                       struct text *scratch, dlfw_error *err)
{
    struct az_field headers[FIELDS_MAX];
    struct az_field query[FIELDS_MAX];
    struct text split = {0};
    uint32_t n = m->header_count;
    uint32_t queries = m->queries;
    dlfw_status st = DLFW_OK;
    size_t begin, path_len;
    const char *mark;

    memcpy(headers, m->headers, n * sizeof *headers);
    headers[n++] = (struct az_field){"x-ms-date", date, strlen(date)};
    if (!m->inner)
        headers[n++] = (struct az_field){"x-ms-version", AZ_VERSION, sizeof AZ_VERSION - 1};
    sort_fields(headers, n);
    memcpy(query, m->query, queries * sizeof *query);
    sort_fields(query, queries);
    begin = add_request_line(access, m, query, head, &path_len);
    text_clear(scratch);
    if (access->auth == AZ_KEY && !head->failed) {
        if (m->target) {
            mark = memchr(m->target->data, '?', m->target->len);
            queries = mark ? split_query(mark + 1, m->target->len - (size_t)(mark + 1 - m->target->data), &split, query,
                                         &st, err)
                           : 0;
            sort_fields(query, queries);
        }
        add_signed_headers(scratch, m, headers, n);
        add_resource(scratch, access->account, head->data + begin, path_len, query, queries);
    }
    add_headers(access, m, headers, n, head);
    add_authorization(access, scratch, head);
    text_str(head, "\r\n");
    if (head->failed || scratch->failed || split.failed)
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for the request");
    text_free(&split);
    return st;
}
