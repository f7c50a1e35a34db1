/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of requests: where they go, who sends them. */
#include <string.h>

#include "gcs.h"

dlfw_status gcs_call_place(const struct cloud_call *call, struct gcs_place *ret, dlfw_error *err)
{
    const struct text *key = call->upload ? &call->upload->key : &call->key;
    dlfw_status st = gcs_place_of(gcs_of(call)->bucket, key->data, key->len, ret, err);

    return st == DLFW_OK ? gcs_object_check(ret, err) : st;
}

static dlfw_status add_common(struct cloud_call *call, bool may_sign, dlfw_error *err)
{
    struct dlfw_backend *be = gcs_of(call);
    struct text *head = &call->x.head;
    char host[300];

    http_origin_host(&call->x.origin, host, sizeof host);
    text_str(head, " HTTP/1.1\r\nHost: ");
    text_str(head, host);
    text_str(head, "\r\nUser-Agent: dlfw/");
    text_str(head, be->cloud.host->version ? be->cloud.host->version : "0");
    text_str(head, "\r\n");
    return may_sign && !call->no_credentials ? gcs_auth_header(&be->auth, head, err) : DLFW_OK;
}

dlfw_status gcs_begin(struct cloud_call *call, const char *method, const struct text *target, dlfw_error *err)
{
    struct dlfw_backend *be = gcs_of(call);
    struct text *head = &call->x.head;

    text_str(head, method);
    text_char(head, ' ');
    if (call->redirect_origin.port) {
        call->x.origin = call->redirect_origin;
        text_add(head, call->redirect_target.data, call->redirect_target.len);
    } else {
        call->x.origin = be->origin;
        text_str(head, be->base_path);
        text_add(head, target->data, target->len);
        if (be->user_project) {
            text_str(head, target->data && strchr(target->data, '?') ? "&userProject=" : "?userProject=");
            text_encoded(head, be->user_project, strlen(be->user_project), false);
        }
    }
    return add_common(call, true, err);
}

/* The URL is a secret that stands for the session: it needs no token, and a token goes only to the endpoint itself. */
dlfw_status gcs_begin_session(struct cloud_call *call, const char *method, dlfw_error *err)
{
    struct dlfw_backend *be = gcs_of(call);
    const char *path = "";
    dlfw_status st = http_origin_parse(call->upload->id.data, &call->x.origin, &path, err);

    if (st < 0)
        return st;
    text_str(&call->x.head, method);
    text_char(&call->x.head, ' ');
    text_str(&call->x.head, *path ? path : "/");
    return add_common(call,
                      call->x.origin.tls == be->origin.tls && call->x.origin.port == be->origin.port &&
                          strcmp(call->x.origin.host, be->origin.host) == 0,
                      err);
}

void gcs_end(struct cloud_call *call, uint64_t length)
{
    if (length != UINT64_MAX) {
        text_str(&call->x.head, "Content-Length: ");
        text_u64(&call->x.head, length);
        text_str(&call->x.head, "\r\n");
    }
    text_str(&call->x.head, "\r\n");
}

dlfw_status gcs_object_request(struct cloud_call *call, const char *method, const char *query, dlfw_error *err)
{
    struct gcs_place place;
    dlfw_status st = gcs_call_place(call, &place, err);

    if (st < 0)
        return st;
    text_clear(&call->scratch2);
    gcs_add_object(&call->scratch2, &place);
    text_str(&call->scratch2, query);
    return gcs_begin(call, method, &call->scratch2, err);
}
