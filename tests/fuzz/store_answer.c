/* SPDX-License-Identifier: Apache-2.0 */
#include "store_answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/http/answer.h"

dlfw_status __wrap_http_fetch(struct http_client *client, struct http_exchange *x, dlfw_error *err);

static const uint8_t *pieces;
static size_t pieces_len;

static void on_log(void *ctx, uint32_t level, const char *text, uint32_t len)
{
    (void)ctx;
    (void)level;
    DLFW_BUG_IF(len == 0 || len >= 512 || memchr(text, '\0', len));
}

static int32_t is_cancelled(void *ctx)
{
    (void)ctx;
    return 0;
}

static uint64_t now_ns(void)
{
    return 1000000000u;
}

const dlfw_host *store_host(void)
{
    static const uint32_t level = DLFW_LOG_DEBUG;
    static const dlfw_host host = {.struct_size = sizeof host,
                                   .version = "0",
                                   .log_level = &level,
                                   .log = on_log,
                                   .cancelled = is_cancelled,
                                   .now_ns = now_ns};

    return &host;
}

void store_call_begin(struct store_call *c, struct cloud *cloud, uint16_t op)
{
    *c = (struct store_call){.req = {.op = op, .key = "a", .key_len = 1, .buf = c->info, .buf_cap = sizeof c->info}};
    error_slot_init(&c->slot);
    c->call.cloud = cloud;
    c->call.req = &c->req;
    c->call.comp.object_size = UINT64_MAX;
    text_str(&c->call.key, cloud->prefix);
    text_str(&c->call.key, "a");
}

void store_call_end(struct store_call *c)
{
    http_exchange_free(&c->call.x);
    text_free(&c->call.key);
    text_free(&c->call.scratch);
    text_free(&c->call.scratch2);
    text_free(&c->list.prefix);
    text_free(&c->list.token);
    text_free(&c->list.text);
    free(c->list.names);
    text_free(&c->upload.id);
    free(c->upload.parts);
}

void store_list_begin(struct store_call *c, const char *prefix, bool recursive)
{
    c->list.kind = CLOUD_LIST;
    c->list.recursive = recursive;
    c->list.strip = c->call.cloud->prefix_len;
    text_str(&c->list.prefix, prefix);
    c->call.list = &c->list;
}

void store_batch_begin(struct store_call *c, const char *const *keys, uint32_t count, dlfw_status before)
{
    c->call.req = NULL;
    c->call.batch = c->batch;
    c->call.batch_status = c->batch_status;
    c->call.batch_error = c->batch_error;
    c->call.batch_count = count;
    for (uint32_t i = 0; i < count; i++) {
        c->batch_reqs[i] = (dlfw_req){.op = DLFW_OP_DELETE, .key = keys[i], .key_len = (uint32_t)strlen(keys[i])};
        c->batch[i] = &c->batch_reqs[i];
        c->batch_status[i] = before;
    }
}

static void tighten(struct text *t)
{
    char *data = malloc(t->len + 1);

    if (!data)
        abort();
    if (t->len)
        memcpy(data, t->data, t->len);
    data[t->len] = '\0';
    free(t->data);
    *t = (struct text){.data = data, .len = t->len, .room = t->len + 1};
}

void store_body(struct http_exchange *x, const uint8_t *data, size_t size)
{
    x->code = 200;
    x->content_length = size;
    text_clear(&x->reply);
    text_add(&x->reply, data, size);
    if (size)
        tighten(&x->reply);
}

bool store_answer(struct http_exchange *x, const uint8_t *data, size_t size)
{
    struct answer a;

    x->reply_max = 65536;
    answer_begin(&a, x);
    a.now_ns = 1;
    while (size && a.state != ANSWER_DONE && x->status == DLFW_OK) {
        int64_t used = answer_feed(&a, (const char *)data, size);

        if (used <= 0)
            break;
        data += used;
        size -= (size_t)used;
    }
    if (x->status == DLFW_OK)
        answer_closed(&a);
    if (x->status == DLFW_OK && x->reply.len)
        tighten(&x->reply);
    return x->status == DLFW_OK && a.state == ANSWER_DONE;
}

void store_fetches(const uint8_t *data, size_t size)
{
    pieces = data;
    pieces_len = size;
}

bool store_next_piece(const uint8_t **data, size_t *size)
{
    const uint8_t *end;

    if (!pieces_len)
        return false;
    end = memchr(pieces, '\0', pieces_len);
    *data = pieces;
    *size = end ? (size_t)(end - pieces) : pieces_len;
    pieces += end ? *size + 1 : *size;
    pieces_len -= end ? *size + 1 : *size;
    return true;
}

dlfw_status __wrap_http_fetch(struct http_client *client, struct http_exchange *x, dlfw_error *err)
{
    const uint8_t *data;
    size_t size;

    (void)client;
    DLFW_BUG_IF(x->head.failed || x->head.len < 4 || memcmp(x->head.data + x->head.len - 4, "\r\n\r\n", 4) != 0);
    if (!store_next_piece(&data, &size) || !store_answer(x, data, size))
        return dlfw_fail(err, DLFW_E_IO, "the connection was closed");
    return DLFW_OK;
}

void store_message_is_one_line(const char *text)
{
    DLFW_BUG_IF(!*text);
    for (const char *c = text; *c; c++)
        DLFW_BUG_IF((unsigned char)*c < 0x20 || *c == 0x7f);
}

void store_outcome_is_told(const struct store_call *c, dlfw_status status)
{
    DLFW_BUG_IF(status > 0 && status != DLFW_NEED_IO && status != DLFW_END);
    if (status >= 0)
        return;
    DLFW_BUG_IF(c->slot.e.status != status);
    store_message_is_one_line(c->slot.text);
}

void store_list_makes_sense(const struct store_call *c)
{
    const struct cloud_list *list = &c->list;

    DLFW_BUG_IF(list->count > list->room || list->text.failed || list->token.failed);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct cloud_name *name = &list->names[i];
        size_t rest = list->prefix.len - list->strip;

        DLFW_BUG_IF(name->len == 0 || name->at > list->text.len || name->len > list->text.len - name->at);
        DLFW_BUG_IF(name->len < rest);
        DLFW_BUG_IF(rest && memcmp(list->text.data + name->at, list->prefix.data + list->strip, rest) != 0);
    }
}

void store_batch_makes_sense(const struct store_call *c, uint32_t good)
{
    uint32_t done = 0;

    for (uint32_t i = 0; i < c->call.batch_count; i++) {
        DLFW_BUG_IF(c->batch_status[i] > 0 || !memchr(c->batch_error[i], '\0', sizeof c->batch_error[i]));
        done += c->batch_status[i] == DLFW_OK;
    }
    DLFW_BUG_IF(done > good);
}

void store_info_makes_sense(const struct store_call *c)
{
    dlfw_object_info info;

    memcpy(&info, c->info, sizeof info);
    DLFW_BUG_IF(c->call.comp.bytes < sizeof info || c->call.comp.bytes > sizeof c->info);
    DLFW_BUG_IF(info.etag_len && (uint64_t)info.etag_off + info.etag_len > c->call.comp.bytes);
    DLFW_BUG_IF(info.version_len && (uint64_t)info.version_off + info.version_len > c->call.comp.bytes);
    DLFW_BUG_IF(info.metadata_len && (uint64_t)info.metadata_off + info.metadata_len > c->call.comp.bytes);
    DLFW_BUG_IF(info.size != c->call.comp.object_size || info.size == UINT64_MAX);
}

void store_fault_makes_sense(const struct cloud_fault *fault)
{
    DLFW_BUG_IF(fault->status >= 0);
    DLFW_BUG_IF(!memchr(fault->code, '\0', sizeof fault->code));
    DLFW_BUG_IF(!memchr(fault->message, '\0', sizeof fault->message));
    DLFW_BUG_IF(!memchr(fault->request_id, '\0', sizeof fault->request_id));
}

uint32_t store_count(const struct text *body, const char *word)
{
    uint32_t count = 0;
    size_t len = strlen(word);

    for (size_t i = 0; i + len <= body->len; i++)
        count += strncasecmp(body->data + i, word, len) == 0;
    return count;
}
