/* SPDX-License-Identifier: Apache-2.0 */
/* The request of each operation and step. Names are checked here, before anything is sent. */
#include "azure.h"

#include <stdio.h>
#include <string.h>

struct dlfw_backend *az_backend(const struct cloud_call *call)
{
    return (struct dlfw_backend *)call->cloud;
}

static struct az_place place_of(const struct cloud_call *call, const struct text *key)
{
    const struct dlfw_backend *be = az_backend(call);

    return az_place_of(be->settings.container.data, be->settings.container.len, key->data ? key->data : "", key->len);
}

/* The container and the blob that a call is about. */
static dlfw_status locate(const struct cloud_call *call, struct az_place *ret, dlfw_error *err)
{
    dlfw_status st;

    *ret = place_of(call, call->upload ? &call->upload->key : &call->key);
    st = az_container_name_check(ret->container, ret->container_len, err);
    return st == DLFW_OK ? az_blob_name_check(ret->blob, ret->blob_len, err) : st;
}

dlfw_status az_send(struct cloud_call *call, const struct az_message *m, struct text *to, dlfw_error *err)
{
    struct dlfw_backend *be = az_backend(call);
    bool elsewhere = call->redirect_origin.port != 0;
    struct az_message message = *m;
    struct text fixed = {0};
    struct text token = {0};
    struct az_access access = {.auth = call->no_credentials ? AZ_ANONYMOUS : be->settings.auth,
                               .account = be->settings.account.data,
                               .base = &be->base,
                               .fixed = &be->fixed,
                               .key = &be->settings.key,
                               .sas = &be->settings.sas};
    dlfw_status st = DLFW_OK;
    char date[30], host[300];

    if (elsewhere) {
        http_origin_host(&call->redirect_origin, host, sizeof host);
        text_printf(&fixed, "Host: %s\r\nUser-Agent: dlfw/%s\r\n", host, be->cloud.host->version);
        access.fixed = &fixed;
        message.target = &call->redirect_target;
    }
    if (access.auth == AZ_TOKEN) {
        st = cloud_token_get(&be->token, az_token_fetch, &be->source, &token, err);
        access.token = token.data;
    }
    if (st == DLFW_OK) {
        cloud_time_http((uint64_t)((int64_t)cloud_now_s() + atomic_load_explicit(&be->skew_s, memory_order_relaxed)),
                        date);
        call->x.origin = elsewhere ? call->redirect_origin : be->origin;
        st = fixed.failed ? dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for the request")
                          : az_compose(&access, &message, date, to ? to : &call->x.head, &call->scratch2, err);
    }
    text_free(&fixed);
    az_wipe(&token);
    return st;
}

static void give_body(struct cloud_call *call, struct az_message *m, void *data, uint64_t len)
{
    m->has_body = true;
    m->body_len = len;
    call->body[0] = (struct iovec){data, len};
    call->x.body = call->body;
    call->x.body_count = len ? 1 : 0;
}

static dlfw_status build_get(struct cloud_call *call, dlfw_error *err)
{
    struct az_message m = {.method = "GET"};
    dlfw_status st = locate(call, &m.place, err);
    static const char name[] = "Range: ";

    if (st < 0)
        return st;
    text_clear(&call->scratch);
    cloud_build_get(call, &call->scratch);
    if (call->scratch.len > sizeof name - 1 + 2) {
        m.range = call->scratch.data + sizeof name - 1;
        m.range_len = call->scratch.len - (sizeof name - 1) - 2;
    }
    return az_send(call, &m, NULL, err);
}

static dlfw_status build_head(struct cloud_call *call, dlfw_error *err)
{
    struct az_message m = {.method = "HEAD"};
    dlfw_status st = locate(call, &m.place, err);

    call->x.flags = HTTP_NO_BODY;
    return st < 0 ? st : az_send(call, &m, NULL, err);
}

static dlfw_status build_put(struct cloud_call *call, dlfw_error *err)
{
    struct az_message m = {.method = "PUT", .only_new = (call->req->flags & DLFW_REQ_EXCLUSIVE) != 0};
    struct text md5 = {0};
    dlfw_status st = locate(call, &m.place, err);

    if (st == DLFW_OK && call->req->length > AZ_PUT_MAX)
        st = dlfw_fail(err, DLFW_E_INVALID, "one request takes at most %llu bytes; larger blobs are written in parts",
                       (unsigned long long)AZ_PUT_MAX);
    if (st < 0)
        return st;
    az_header(&m, "x-ms-blob-type", "BlockBlob");
    give_body(call, &m, call->req->buf, call->req->length);
    if (az_backend(call)->md5) {
        uint8_t sum[16];

        cloud_md5(call->req->buf, call->req->length, sum);
        memcpy(&call->note[AZ_NOTE_MD5], sum, sizeof sum);
        call->note[AZ_NOTE_FLAGS] |= AZ_HAS_MD5;
        cloud_base64(&md5, sum, sizeof sum, false);
        m.content_md5 = md5.data;
    }
    st = md5.failed ? dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for the request") : az_send(call, &m, NULL, err);
    text_free(&md5);
    return st;
}

static dlfw_status build_delete(struct cloud_call *call, dlfw_error *err)
{
    struct az_message m = {.method = "DELETE"};
    dlfw_status st = locate(call, &m.place, err);

    return st < 0 ? st : az_send(call, &m, NULL, err);
}

/* The source as a URL of the same account, with the SAS token where that is what proves who we are. */
static dlfw_status add_source(struct cloud_call *call, struct text *to, dlfw_error *err)
{
    const struct dlfw_backend *be = az_backend(call);
    const dlfw_req *req = call->req;
    struct text key = {0};
    struct az_place place;
    dlfw_status st;
    char host[300];

    text_add(&key, be->cloud.prefix, be->cloud.prefix_len);
    text_add(&key, req->buf, req->length);
    if (key.failed) {
        text_free(&key);
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for the request");
    }
    place = place_of(call, &key);
    st = az_container_name_check(place.container, place.container_len, err);
    if (st == DLFW_OK)
        st = az_blob_name_check(place.blob, place.blob_len, err);
    if (st == DLFW_OK) {
        http_origin_host(&be->origin, host, sizeof host);
        text_printf(to, "%s://%s", be->origin.tls ? "https" : "http", host);
        text_add(to, be->base.data, be->base.len);
        text_char(to, '/');
        text_encoded(to, place.container, place.container_len, false);
        text_char(to, '/');
        text_encoded(to, place.blob, place.blob_len, true);
        if (be->settings.auth == AZ_SAS) {
            text_char(to, '?');
            text_add(to, be->settings.sas.data, be->settings.sas.len);
        }
    }
    text_free(&key);
    return st;
}

static dlfw_status build_copy(struct cloud_call *call, dlfw_error *err)
{
    struct az_message m = {.method = "PUT", .only_new = (call->req->flags & DLFW_REQ_EXCLUSIVE) != 0};
    struct text source = {0};
    dlfw_status st = locate(call, &m.place, err);

    if (call->step == AZ_POLL) {
        if (st == DLFW_OK && call->req->deadline_ns && call->cloud->host->now_ns() >= call->req->deadline_ns)
            return dlfw_fail(err, DLFW_E_TIMEOUT, "the deadline passed while the service copies");
        if (call->cloud->host->now_ns() < call->note[AZ_NOTE_WHEN])
            return DLFW_NEED_IO;
        return build_head(call, err);
    }
    if (st == DLFW_OK)
        st = add_source(call, &source, err);
    if (st == DLFW_OK && source.failed)
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for the request");
    if (st == DLFW_OK) {
        az_header(&m, "x-ms-copy-source", source.data);
        give_body(call, &m, NULL, 0);
        st = az_send(call, &m, NULL, err);
    }
    az_wipe(&source);
    return st;
}

static void add_container_query(struct az_message *m)
{
    m->place.blob = NULL;
    m->place.blob_len = 0;
    az_query_str(m, "restype", "container");
}

/* Is there anything below it? */
static dlfw_status build_look(struct cloud_call *call, struct az_message *m, dlfw_error *err)
{
    struct az_place place = m->place;

    text_clear(&call->scratch);
    if (place.blob_len && call->req->op == DLFW_OP_REMOVE_ROOT) {
        text_add(&call->scratch, place.blob, place.blob_len);
        if (place.blob[place.blob_len - 1] != '/')
            text_char(&call->scratch, '/');
    }
    m->method = "GET";
    add_container_query(m);
    az_query_str(m, "comp", "list");
    az_query_str(m, "maxresults", "1");
    if (call->scratch.len)
        az_query(m, "prefix", call->scratch.data, call->scratch.len);
    return az_send(call, m, NULL, err);
}

/* MAKE_ROOT and REMOVE_ROOT. Below a container nothing needs to be made: names with slashes make their groups. */
static dlfw_status build_root(struct cloud_call *call, dlfw_error *err)
{
    struct az_message m = {.method = call->req->op == DLFW_OP_MAKE_ROOT ? "PUT" : "DELETE"};
    dlfw_status st;

    m.place = place_of(call, &call->key);
    if (!m.place.container_len && call->req->op == DLFW_OP_MAKE_ROOT)
        return DLFW_END;
    if (!m.place.container_len)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "storage accounts are not removed this way, only containers");
    st = az_container_name_check(m.place.container, m.place.container_len, err);
    if (st == DLFW_OK && m.place.blob_len)
        st = az_blob_name_check(m.place.blob, m.place.blob_len, err);
    if (st < 0)
        return st;
    if (call->req->op == DLFW_OP_REMOVE_ROOT && call->step == AZ_FIRST)
        call->step = AZ_LOOK;
    if (call->step == AZ_LOOK)
        return build_look(call, &m, err);
    add_container_query(&m);
    if (call->req->op == DLFW_OP_MAKE_ROOT)
        give_body(call, &m, NULL, 0);
    return az_send(call, &m, NULL, err);
}

dlfw_status az_build(struct cloud_call *call, dlfw_error *err)
{
    if (call->step == AZ_SETTLED)
        return DLFW_END;
    switch (call->req->op) {
    case DLFW_OP_GET:
        return build_get(call, err);
    case DLFW_OP_STAT:
        return build_head(call, err);
    case DLFW_OP_PUT:
        return call->step == AZ_VERIFY ? build_head(call, err) : build_put(call, err);
    case DLFW_OP_DELETE:
        return build_delete(call, err);
    case DLFW_OP_COPY:
        return build_copy(call, err);
    case DLFW_OP_LIST:
        return az_build_list(call, err);
    case DLFW_OP_WRITE_COMMIT:
        return call->step == AZ_VERIFY ? build_head(call, err) : az_build_upload(call, err);
    case DLFW_OP_WRITE_BEGIN:
    case DLFW_OP_WRITE_PART:
    case DLFW_OP_WRITE_ABORT:
        return az_build_upload(call, err);
    case DLFW_OP_MAKE_ROOT:
    case DLFW_OP_REMOVE_ROOT:
        return build_root(call, err);
    default:
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "this backend does not know operation %u", call->req->op);
    }
}
