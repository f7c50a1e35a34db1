/* SPDX-License-Identifier: Apache-2.0 */
/* Listings, buckets, and copies that the service makes. */
#include <stdio.h>
#include <string.h>

#include "gcs.h"
#include "resource.h"

#define PROBE_MAX                                                                                                      \
    (64u << 20) /* of the listing that tells whether a bucket is there; some servers do not heed maxResults */

static dlfw_status no_project(dlfw_error *err)
{
    return dlfw_fail(err, DLFW_E_CONFIG,
                     "buckets belong to a project: give option 'project' or set GOOGLE_CLOUD_PROJECT");
}

static void add_query(struct text *target, const char *name, const char *data, size_t len)
{
    text_char(target, strchr(target->data ? target->data : "", '?') ? '&' : '?');
    text_str(target, name);
    text_char(target, '=');
    text_encoded(target, data, len, false);
}

/* A request without body. */
static dlfw_status bare(struct cloud_call *call, const char *method, dlfw_error *err)
{
    dlfw_status st = gcs_begin(call, method, &call->scratch2, err);

    gcs_end(call, strcmp(method, "POST") == 0 ? 0 : UINT64_MAX);
    return st;
}

static dlfw_status build_buckets(struct cloud_call *call, dlfw_error *err)
{
    const struct dlfw_backend *be = gcs_of(call);
    struct text *target = &call->scratch2;

    if (call->list->recursive)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "all objects of all buckets are not listed at once; name a bucket");
    if (!be->project && be->is_google)
        return no_project(err);
    text_str(target, "/storage/v1/b?fields=nextPageToken,items(name)");
    if (be->project)
        add_query(target, "project", be->project, strlen(be->project));
    if (call->list->token.len)
        add_query(target, "pageToken", call->list->token.data, call->list->token.len);
    return bare(call, "GET", err);
}

static bool lists_buckets(const struct cloud_call *call)
{
    return !gcs_of(call)->bucket[0] && call->list->prefix.len == 0;
}

dlfw_status gcs_list_build(struct cloud_call *call, dlfw_error *err)
{
    const struct cloud_list *list = call->list;
    struct text *target = &call->scratch2;
    struct gcs_place place;
    dlfw_status st;

    text_clear(target);
    if (lists_buckets(call))
        return build_buckets(call, err);
    st = gcs_place_of(gcs_of(call)->bucket, list->prefix.data ? list->prefix.data : "", list->prefix.len, &place, err);
    if (st < 0)
        return st;
    gcs_add_bucket(target, &place);
    text_str(target, "/o?maxResults=1000&fields=nextPageToken,prefixes,items(name,size,updated)");
    if (place.object_len)
        add_query(target, "prefix", place.object, place.object_len);
    if (!list->recursive)
        text_str(target, "&delimiter=%2F");
    if (list->token.len)
        add_query(target, "pageToken", list->token.data, list->token.len);
    return bare(call, "GET", err);
}

dlfw_status gcs_list_answered(struct cloud_call *call, dlfw_error *err)
{
    const struct dlfw_backend *be = gcs_of(call);
    struct cloud_list *list = call->list;
    json_t *doc = gcs_json_parse(call->x.reply.data, call->x.reply.len, err);
    const char *slash;
    dlfw_status st;

    if (!doc)
        return DLFW_E_CORRUPT;
    if (lists_buckets(call)) {
        st = gcs_buckets_read(doc, &call->scratch, list, err);
    } else if (be->bucket[0]) {
        st = gcs_list_read(doc, NULL, 0, &call->scratch, list, err);
    } else {
        slash = memchr(list->prefix.data, '/', list->prefix.len); /* a listing's prefix ends in one */
        st = gcs_list_read(doc, list->prefix.data, (size_t)(slash - list->prefix.data), &call->scratch, list, err);
        list->any = true; /* a bucket is there, also without an object */
    }
    json_decref(doc);
    return st;
}

/* ---- MAKE_ROOT and REMOVE_ROOT ---- */

/* What is asked of an existing bucket: is there anything at this place? */
static dlfw_status build_probe(struct cloud_call *call, const struct gcs_place *place, dlfw_error *err)
{
    struct text *target = &call->scratch2;

    gcs_add_bucket(target, place);
    text_str(target, "/o?maxResults=1&fields=items(name),prefixes");
    call->x.reply_max = PROBE_MAX;
    if (call->req->op == DLFW_OP_REMOVE_ROOT && place->object_len) {
        add_query(target, "prefix", place->object, place->object_len);
        if (place->object[place->object_len - 1] != '/')
            text_str(target, "%2F");
    }
    return bare(call, "GET", err);
}

static dlfw_status build_create(struct cloud_call *call, const struct gcs_place *place, dlfw_error *err)
{
    const struct dlfw_backend *be = gcs_of(call);
    struct text *body = &call->scratch;
    dlfw_status st;

    if (!be->project && be->is_google)
        return no_project(err);
    text_str(&call->scratch2, "/storage/v1/b?fields=name");
    if (be->project)
        add_query(&call->scratch2, "project", be->project, strlen(be->project));
    st = gcs_begin(call, "POST", &call->scratch2, err);
    text_clear(body);
    text_str(body, "{\"name\":");
    gcs_add_json(body, place->bucket, place->bucket_len);
    text_char(body, '}');
    text_str(&call->x.head, "Content-Type: application/json; charset=UTF-8\r\n");
    gcs_end(call, body->len);
    call->body[0] = (struct iovec){.iov_base = body->data, .iov_len = body->len};
    call->x.body = call->body;
    call->x.body_count = 1;
    return st;
}

dlfw_status gcs_root_build(struct cloud_call *call, dlfw_error *err)
{
    struct gcs_place place;
    dlfw_status st;

    if (!gcs_of(call)->bucket[0] && call->key.len == 0)
        return DLFW_END; /* all buckets: neither made nor removed */
    st = gcs_place_of(gcs_of(call)->bucket, call->key.data ? call->key.data : "", call->key.len, &place, err);
    if (st < 0)
        return st;
    text_clear(&call->scratch2);
    if (call->step == GCS_CREATE)
        return build_create(call, &place, err);
    if (call->req->op == DLFW_OP_REMOVE_ROOT && place.object_len == 0) {
        gcs_add_bucket(&call->scratch2, &place);
        return bare(call, "DELETE", err);
    }
    return build_probe(call, &place, err);
}

/* Codes of the probe: 404 there is no such bucket, 403 there is one whose objects we may not list, which is its owner's
 * way of letting others write. */
static dlfw_status root_probed(struct cloud_call *call, dlfw_error *err)
{
    json_t *doc;
    bool is_empty;

    if (call->req->op == DLFW_OP_MAKE_ROOT) {
        if (call->x.code != 404)
            return DLFW_OK;
        call->step = GCS_CREATE;
        return DLFW_NEED_IO;
    }
    if (call->x.code == 404)
        return DLFW_OK; /* no bucket, nothing in it */
    doc = gcs_json_parse(call->x.reply.data, call->x.reply.len, err);
    if (!doc)
        return DLFW_E_CORRUPT;
    is_empty =
        json_array_size(json_object_get(doc, "items")) == 0 && json_array_size(json_object_get(doc, "prefixes")) == 0;
    json_decref(doc);
    return is_empty ? DLFW_OK : dlfw_fail(err, DLFW_E_BUSY, "there are objects below it");
}

dlfw_status gcs_root_answered(struct cloud_call *call, dlfw_error *err)
{
    struct gcs_place place;
    dlfw_status st =
        gcs_place_of(gcs_of(call)->bucket, call->key.data ? call->key.data : "", call->key.len, &place, err);

    if (st < 0)
        return st;
    if (call->step == GCS_CREATE || (call->req->op == DLFW_OP_REMOVE_ROOT && place.object_len == 0))
        return DLFW_OK; /* 409 of a creation: somebody was quicker */
    return root_probed(call, err);
}

/* ---- COPY ---- */

dlfw_status gcs_copy_build(struct cloud_call *call, dlfw_error *err)
{
    const struct dlfw_backend *be = gcs_of(call);
    const dlfw_req *req = call->req;
    struct text from = {0};
    struct text *target = &call->scratch2;
    struct gcs_place source = {0}, place = {0};
    dlfw_status st = gcs_call_place(call, &place, err);

    if (st == DLFW_OK && (req->length == 0 || memchr(req->buf, '\0', req->length)))
        st = dlfw_fail(err, DLFW_E_INVALID, "the source's key is empty or goes on after a NUL byte");
    if (st < 0)
        return st;
    text_add(&from, be->cloud.prefix, be->cloud.prefix_len);
    text_add(&from, req->buf, req->length);
    if (from.failed)
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for the request");
    else
        st = gcs_place_of(be->bucket, from.data, from.len, &source, err);
    if (st == DLFW_OK)
        st = gcs_object_check(&source, err);
    if (st == DLFW_OK) {
        text_clear(target);
        gcs_add_object(target, &source);
        text_str(target, "/rewriteTo/b/");
        text_encoded(target, place.bucket, place.bucket_len, false);
        text_str(target, "/o/");
        text_encoded(target, place.object, place.object_len, false);
        text_str(target, "?fields=done,rewriteToken,objectSize");
        if (req->flags & DLFW_REQ_EXCLUSIVE)
            text_str(target, "&ifGenerationMatch=0");
        if (call->scratch.len)
            add_query(target, "rewriteToken", call->scratch.data, call->scratch.len);
        st = bare(call, "POST", err);
    }
    text_free(&from);
    return st;
}

dlfw_status gcs_copy_answered(struct cloud_call *call, dlfw_error *err)
{
    json_t *doc = gcs_json_parse(call->x.reply.data, call->x.reply.len, err);
    const json_t *token;
    dlfw_status st = DLFW_NEED_IO;

    if (!doc)
        return DLFW_E_CORRUPT;
    token = json_object_get(doc, "rewriteToken");
    if (!json_is_boolean(json_object_get(doc, "done"))) {
        st = dlfw_fail(err, DLFW_E_CORRUPT, "the service does not say whether the copy is done");
    } else if (json_is_true(json_object_get(doc, "done"))) {
        if (!gcs_u64(json_object_get(doc, "objectSize"), &call->comp.object_size))
            call->comp.object_size = UINT64_MAX;
        st = DLFW_OK;
    } else if (!json_is_string(token) || json_string_length(token) == 0) {
        st = dlfw_fail(err, DLFW_E_CORRUPT, "the service has not finished the copy and does not say how to go on");
    } else {
        text_clear(&call->scratch);
        text_add(&call->scratch, json_string_value(token), json_string_length(token));
    }
    json_decref(doc);
    return st;
}
