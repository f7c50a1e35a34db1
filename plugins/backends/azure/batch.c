/* SPDX-License-Identifier: Apache-2.0 */
/* Many deletes in one request: multipart/mixed, each part a whole request with a signature of its own. The answer
 * has one part for each, found by its Content-ID. */
#include "azure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BOUNDARY "batch_dlfw_e1b0c7a2-55d1-4a0b-9a3b-3f8b9d1c2e47"

/* Lines of the answer, whether they end in CR LF or LF. */
struct lines {
    const char *at;
    const char *end;
};

struct part {
    uint32_t index; /* UINT32_MAX: it does not say */
    int32_t http_status;
    char code[64];
    const char *body;
    size_t body_len;
};

static dlfw_status add_delete(struct cloud_call *call, uint32_t index, struct text *key, dlfw_error *err)
{
    const struct dlfw_backend *be = az_backend(call);
    const dlfw_req *req = call->batch[index];
    struct az_message m = {.method = "DELETE", .inner = true};
    dlfw_status st;

    text_clear(key);
    text_add(key, be->cloud.prefix, be->cloud.prefix_len);
    text_add(key, req->key, req->key_len);
    if (key->failed)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for the request");
    m.place =
        az_place_of(be->settings.container.data, be->settings.container.len, key->data ? key->data : "", key->len);
    st = az_container_name_check(m.place.container, m.place.container_len, err);
    if (st == DLFW_OK && !req->key_len)
        st = dlfw_fail(err, DLFW_E_INVALID, "an object needs a key, this one is empty");
    if (st == DLFW_OK)
        st = az_blob_name_check(m.place.blob, m.place.blob_len, err);
    if (st < 0)
        return st;
    text_printf(&call->scratch,
                "--%s\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: %u\r\n\r\n",
                BOUNDARY, index);
    st = az_send(call, &m, &call->scratch, err);
    return st < 0 ? st : DLFW_OK;
}

/* Names that the service would not keep fail alone; everything else fails all. */
static dlfw_status add_deletes(struct cloud_call *call, uint32_t *ret_count, dlfw_error *err)
{
    struct text key = {0};
    dlfw_status st = DLFW_OK;

    *ret_count = 0;
    text_clear(&call->scratch);
    for (uint32_t i = 0; i < call->batch_count && st == DLFW_OK; i++) {
        char why[200] = "";
        dlfw_error inner = {.struct_size = sizeof inner, .message = why, .message_cap = sizeof why};

        st = add_delete(call, i, &key, &inner);
        if (st == DLFW_E_INVALID) {
            cloud_batch_set(call, i, st, "", why);
            st = DLFW_OK;
            continue;
        }
        if (st < 0)
            dlfw_fail(err, st, "%s", why);
        if (st < 0 && err)
            err->flags |= inner.flags;
        ++*ret_count;
    }
    text_printf(&call->scratch, "--%s--\r\n", BOUNDARY);
    text_free(&key);
    return st;
}

dlfw_status az_build_batch(struct cloud_call *call, dlfw_error *err)
{
    const struct az_settings *s = &az_backend(call)->settings;
    struct az_message m = {.method = "POST", .content_type = "multipart/mixed; boundary=" BOUNDARY, .has_body = true};
    uint32_t count;
    dlfw_status st = add_deletes(call, &count, err);

    if (st < 0 || !count)
        return st < 0 ? st : DLFW_END;
    for (uint32_t i = 0; i < call->batch_count; i++)
        if (call->batch_status[i] == DLFW_OK) /* until the answer says otherwise */
            cloud_batch_set(call, i, DLFW_E_UNAVAILABLE, "", "the answer does not say what became of it");
    m.place = (struct az_place){s->container.data, s->container.len, NULL, 0};
    if (s->container.len)
        az_query_str(&m, "restype", "container");
    az_query_str(&m, "comp", "batch");
    m.body_len = call->scratch.len;
    call->body[0] = (struct iovec){call->scratch.data, call->scratch.len};
    call->x.body = call->body;
    call->x.body_count = 1;
    call->x.reply_max = 16u << 20;
    return az_send(call, &m, NULL, err);
}

/* ---- the answer ---- */

static bool next_line(struct lines *l, const char **line, size_t *len)
{
    const char *end = l->at < l->end ? memchr(l->at, '\n', (size_t)(l->end - l->at)) : NULL;

    if (l->at >= l->end)
        return false;
    *line = l->at;
    *len = (size_t)((end ? end : l->end) - l->at);
    l->at = end ? end + 1 : l->end;
    if (*len && (*line)[*len - 1] == '\r')
        --*len;
    return true;
}

/* The value of a header line when it has that name. */
static const char *header_value(const char *line, size_t len, const char *name, size_t *value_len)
{
    size_t n = strlen(name);

    if (len <= n || line[n] != ':' || strncasecmp(line, name, n) != 0)
        return NULL;
    line += n + 1;
    len -= n + 1;
    while (len && *line == ' ') {
        line++;
        len--;
    }
    *value_len = len;
    return line;
}

static uint32_t number_of(const char *text, size_t len)
{
    uint32_t value = 0;

    if (!len || len > 6)
        return UINT32_MAX;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return UINT32_MAX;
        value = value * 10 + (uint32_t)(text[i] - '0');
    }
    return value;
}

/* "HTTP/1.1 404 The specified blob does not exist." */
static int32_t status_of(const char *line, size_t len)
{
    const char *space = memchr(line, ' ', len);
    uint32_t code;

    if (!space || len < 9 || memcmp(line, "HTTP/", 5) != 0 || (size_t)(line + len - space) < 4)
        return 0;
    code = number_of(space + 1, 3);
    return code >= 100 && code <= 599 ? (int32_t)code : 0;
}

/* The part's own headers, then a status line, its headers, and a body. */
static struct part read_part(const char *data, size_t len)
{
    struct part part = {.index = UINT32_MAX};
    struct lines l = {data, data + len};
    const char *line, *value;
    size_t line_len, value_len;

    while (next_line(&l, &line, &line_len) && line_len)
        if ((value = header_value(line, line_len, "Content-ID", &value_len)))
            part.index = number_of(value, value_len);
    while (!part.http_status && next_line(&l, &line, &line_len))
        part.http_status = status_of(line, line_len);
    while (next_line(&l, &line, &line_len) && line_len) {
        value = header_value(line, line_len, "x-ms-error-code", &value_len);
        if (value && value_len < sizeof part.code) {
            memcpy(part.code, value, value_len);
            part.code[value_len] = '\0';
        }
    }
    part.body = l.at;
    part.body_len = (size_t)(l.end - l.at);
    return part;
}

static void report(const struct part *part, const struct az_batch_sink *sink)
{
    struct cloud_fault fault = {0};

    if (part->http_status < 200 || part->http_status > 299)
        az_error_parse(part->body, part->body_len, &fault);
    if (part->code[0])
        (void)snprintf(fault.code, sizeof fault.code, "%s", part->code);
    sink->each(sink->ctx, part->index, part->http_status, fault.code, fault.message);
}

/* boundary=x or boundary="x" of the header; with the two dashes in front. */
static bool boundary_of(const char *content_type, char *buf, size_t cap)
{
    const char *value = content_type;
    size_t len;

    while (value && strncasecmp(value, "boundary=", 9) != 0) {
        value = strchr(value, ';');
        if (value)
            value += 1 + strspn(value + 1, " ");
    }
    if (!value)
        return false;
    value += 9;
    len = *value == '"' ? strcspn(++value, "\"") : strcspn(value, "; ");
    if (!len || len + 3 > cap)
        return false;
    (void)snprintf(buf, cap, "--%.*s", (int)len, value);
    return true;
}

static bool is_boundary(const char *line, size_t len, const char *boundary)
{
    size_t n = strlen(boundary);

    return len >= n && memcmp(line, boundary, n) == 0 &&
           (len == n || line[n] == ' ' || (len >= n + 2 && line[n] == '-' && line[n + 1] == '-'));
}

dlfw_status az_batch_parse(const char *content_type, const char *data, size_t len, const struct az_batch_sink *sink,
                           dlfw_error *err)
{
    struct lines l = {data, data + len};
    const char *line, *part = NULL;
    char boundary[128];
    size_t line_len;
    bool any = false;

    if (!boundary_of(content_type, boundary, sizeof boundary))
        return dlfw_fail(err, DLFW_E_CORRUPT, "the answer to a batch is no multipart message");
    while (next_line(&l, &line, &line_len)) {
        if (!is_boundary(line, line_len, boundary))
            continue;
        if (part) {
            struct part one = read_part(part, (size_t)(line - part));

            report(&one, sink);
            any = true;
        }
        part = l.at;
        if (line_len >= strlen(boundary) + 2 && line[strlen(boundary)] == '-')
            part = NULL;
    }
    if (!any)
        return dlfw_fail(err, DLFW_E_CORRUPT, "the answer to a batch has no whole part");
    return DLFW_OK;
}

static void settle(struct cloud_call *call, uint32_t index, int32_t http_status, const char *code, const char *message)
{
    struct cloud_fault fault = {0};
    char word[96];

    if (index >= call->batch_count || call->batch_status[index] == DLFW_E_INVALID)
        return;
    if (http_status >= 200 && http_status < 300) {
        cloud_batch_set(call, index, DLFW_OK, "", "");
        return;
    }
    cloud_fault_of_code(http_status, &fault);
    az_fault_of_word(code, &fault);
    (void)snprintf(word, sizeof word, "%d%s%s", http_status, *code ? " " : "", code);
    cloud_batch_set(call, index, fault.status, word, message);
}

static void each_answer(void *ctx, uint32_t index, int32_t http_status, const char *code, const char *message)
{
    struct cloud_call *call = ctx;

    if (index != UINT32_MAX) {
        settle(call, index, http_status, code, message);
        return;
    }
    /* Without an id it is the batch itself that was refused; a good answer without one says nothing. */
    if (http_status < 400 || az_give_up_batches(call, http_status, code))
        return;
    for (uint32_t i = 0; i < call->batch_count; i++)
        settle(call, i, http_status, code, message);
}

dlfw_status az_answered_batch(struct cloud_call *call, dlfw_error *err)
{
    struct az_batch_sink sink = {.ctx = call, .each = each_answer};
    char type[256];

    if (!http_header_copy(&call->x, "content-type", type, sizeof type))
        return dlfw_fail(err, DLFW_E_CORRUPT, "the answer to a batch has no Content-Type");
    return az_batch_parse(type, call->x.reply.data ? call->x.reply.data : "", call->x.reply.len, &sink, err);
}
