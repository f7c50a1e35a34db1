/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deletes that travel together: a multipart message of small requests, answered by one of small answers. Each carries a
 * number, for they may come in any order. A service without batches is found out by its first answer; then the call
 * deletes its objects one after the other, so nothing is refused that single requests could do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gcs.h"
#include "resource.h"

#define BOUNDARY "dlfw-batch-Zk7Qm2Xw9"
#define REPLY_MAX (4u << 20)

enum { NOTE_SINGLE = 0, NOTE_NEXT = 1 };

/* The place of the batch's object; key holds its name. */
static dlfw_status place_of(const struct cloud_call *call, uint32_t index, struct text *key, struct gcs_place *ret,
                            dlfw_error *err)
{
    const struct dlfw_backend *be = gcs_of(call);
    const dlfw_req *req = call->batch[index];
    dlfw_status st;

    text_clear(key);
    text_add(key, be->cloud.prefix, be->cloud.prefix_len);
    text_add(key, req->key, req->key_len);
    if (key->failed)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for the request");
    if (req->key_len == 0)
        return dlfw_fail(err, DLFW_E_INVALID, "an object needs a key, this one is empty");
    st = gcs_place_of(be->bucket, key->data, key->len, ret, err);
    return st == DLFW_OK ? gcs_object_check(ret, err) : st;
}

/* Names that no object has fail alone. Returns how many requests are in the body. */
static uint32_t add_requests(struct cloud_call *call)
{
    const struct dlfw_backend *be = gcs_of(call);
    struct text key = {0}, *body = &call->scratch;
    uint32_t count = 0;

    text_clear(body);
    for (uint32_t i = 0; i < call->batch_count; i++) {
        char why[200] = "";
        dlfw_error err = {.struct_size = sizeof err, .message = why, .message_cap = sizeof why};
        struct gcs_place place;
        dlfw_status st = place_of(call, i, &key, &place, &err);

        if (st < 0) {
            cloud_batch_set(call, i, st, "", why);
            continue;
        }
        cloud_batch_set(call, i, DLFW_E_UNAVAILABLE, "", "the service's answer does not tell"); /* until it does */
        text_printf(body, "--" BOUNDARY "\r\nContent-Type: application/http\r\nContent-ID: <dlfw+%u>\r\n\r\nDELETE ",
                    i);
        gcs_add_object(body, &place);
        if (be->user_project) {
            text_str(body, "?userProject=");
            text_encoded(body, be->user_project, strlen(be->user_project), false);
        }
        text_str(body, " HTTP/1.1\r\n\r\n\r\n");
        count++;
    }
    text_str(body, "--" BOUNDARY "--\r\n");
    text_free(&key);
    return count;
}

/* One object's delete, for a service without batches. DLFW_END: all have had their turn. */
static dlfw_status build_single(struct cloud_call *call, dlfw_error *err)
{
    struct text key = {0};
    dlfw_status st = DLFW_END;

    call->note[NOTE_SINGLE] = 1;
    for (; call->note[NOTE_NEXT] < call->batch_count && st == DLFW_END; call->note[NOTE_NEXT]++) {
        uint32_t i = (uint32_t)call->note[NOTE_NEXT];
        char why[200] = "";
        dlfw_error inner = {.struct_size = sizeof inner, .message = why, .message_cap = sizeof why};
        struct gcs_place place;

        if (place_of(call, i, &key, &place, &inner) < 0) {
            cloud_batch_set(call, i, inner.status, "", why);
            continue;
        }
        text_clear(&call->scratch2);
        gcs_add_object(&call->scratch2, &place);
        st = gcs_begin(call, "DELETE", &call->scratch2, err);
        gcs_end(call, UINT64_MAX);
    }
    text_free(&key);
    return st;
}

dlfw_status gcs_batch_build(struct cloud_call *call, dlfw_error *err)
{
    struct text *target = &call->scratch2;
    dlfw_status st;

    if (atomic_load_explicit(&gcs_of(call)->no_batches, memory_order_relaxed))
        return build_single(call, err);
    if (add_requests(call) == 0)
        return DLFW_END;
    text_clear(target);
    text_str(target, "/batch/storage/v1");
    st = gcs_begin(call, "POST", target, err);
    text_str(&call->x.head, "Content-Type: multipart/mixed; boundary=" BOUNDARY "\r\n");
    gcs_end(call, call->scratch.len);
    call->body[0] = (struct iovec){.iov_base = call->scratch.data, .iov_len = call->scratch.len};
    call->x.body = call->body;
    call->x.body_count = 1;
    call->x.reply_max = REPLY_MAX;
    return st;
}

bool gcs_batch_accepts(const struct cloud_call *call)
{
    int32_t code = call->x.code;

    if (call->note[NOTE_SINGLE])
        return code >= 400 && code != 401;
    return code == 404 || code == 405 || code == 501;
}

/* What became of one object. */
static void settle(struct cloud_call *call, uint32_t index, int32_t code, const char *body, size_t len)
{
    struct cloud_fault fault = {0};
    char reason[64], text[96];

    if (code >= 200 && code < 300) {
        cloud_batch_set(call, index, DLFW_OK, "", "");
        return;
    }
    cloud_fault_of_code(code, &fault);
    gcs_fault_read(body, len, &fault, reason);
    gcs_fault_of(code, reason, &fault);
    (void)snprintf(text, sizeof text, "%d%s%s", (int)code, reason[0] ? " " : "", reason);
    cloud_batch_set(call, index, fault.status, text, fault.message);
}

/* Finds a word at the beginning of a line. NULL: it is at none. */
static const char *line_with(const char *text, size_t len, const char *word)
{
    const char *end = text + len;
    size_t word_len = strlen(word);

    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));

        if ((size_t)(end - text) >= word_len && strncasecmp(text, word, word_len) == 0)
            return text + word_len;
        text = newline ? newline + 1 : end;
    }
    return NULL;
}

static bool number_at(const char *text, const char *end, uint32_t *ret)
{
    uint32_t value = 0;
    const char *begin = text;

    for (; text < end && *text >= '0' && *text <= '9' && text - begin < 6; text++)
        value = value * 10 + (uint32_t)(*text - '0');
    *ret = value;
    return text > begin;
}

/* The next one that waits for its answer, for services that do not repeat the numbers but keep the order. */
static uint32_t next_waiting(const struct cloud_call *call, uint32_t *place)
{
    while (*place < call->batch_count && call->batch_status[*place] != DLFW_E_UNAVAILABLE)
        ++*place;
    return (*place)++;
}

/* One part: its number from "Content-ID: <response-dlfw+7>", else its place among the parts; then a small answer. */
static void read_part(struct cloud_call *call, uint32_t *place, const char *part, size_t len)
{
    const char *end = part + len;
    const char *id = line_with(part, len, "Content-ID:");
    const char *status = line_with(part, len, "HTTP/1.");
    const char *mark, *body;
    uint32_t index = next_waiting(call, place), code = 0;

    if (!status || end - status < 5 || !number_at(status + 2, end, &code))
        return;
    mark = id ? memmem(id, (size_t)(end - id), "dlfw+", 5) : NULL;
    if (mark && mark < status && !number_at(mark + 5, end, &index))
        return;
    body = memmem(status, (size_t)(end - status), "\r\n\r\n", 4);
    body = body ? body + 4 : end;
    while (body < end && (*body == '\r' || *body == '\n'))
        body++;
    if (index < call->batch_count && call->batch_status[index] == DLFW_E_UNAVAILABLE)
        settle(call, index, (int32_t)code, body, (size_t)(end - body));
}

/* The delimiter of the answer's parts, with its dashes. */
static bool find_boundary(const struct cloud_call *call, char *ret, size_t cap)
{
    char type[256];
    const char *at;
    size_t len;

    if (!http_header_copy(&call->x, "content-type", type, sizeof type))
        return false;
    at = strcasestr(type, "boundary=");
    if (!at)
        return false;
    at += strlen("boundary=");
    if (*at == '"')
        at++;
    len = strcspn(at, "\"; \t");
    return len > 0 && len < 200 && (size_t)snprintf(ret, cap, "--%.*s", (int)len, at) < cap;
}

static dlfw_status read_parts(struct cloud_call *call, dlfw_error *err)
{
    const char *at = call->x.reply.data, *end = at ? at + call->x.reply.len : NULL;
    char boundary[256];
    size_t boundary_len;
    uint32_t place = 0;

    if (!at || !find_boundary(call, boundary, sizeof boundary))
        return dlfw_fail(err, DLFW_E_CORRUPT, "the service's answer to a batch has no parts");
    boundary_len = strlen(boundary);
    at = memmem(at, (size_t)(end - at), boundary, boundary_len);
    while (at) {
        const char *part = at + boundary_len;

        at = memmem(part, (size_t)(end - part), boundary, boundary_len);
        if (at)
            read_part(call, &place, part, (size_t)(at - part));
    }
    return DLFW_OK;
}

dlfw_status gcs_batch_answered(struct cloud_call *call, dlfw_error *err)
{
    struct dlfw_backend *be = gcs_of(call);
    int32_t code = call->x.code;

    if (call->note[NOTE_SINGLE]) {
        settle(call, (uint32_t)call->note[NOTE_NEXT] - 1, code, call->x.reply.data, call->x.reply.len);
        return DLFW_NEED_IO;
    }
    if (code >= 200 && code < 300)
        return read_parts(call, err);
    if (!atomic_exchange(&be->no_batches, true))
        dlfw_log(be->cloud.host, be->cloud.host_ctx, DLFW_LOG_INFO,
                 "gs: the service behind '%s' answers %d to batches; objects are deleted one by one", be->cloud.uri,
                 (int)code);
    return DLFW_NEED_IO;
}
