/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: a service account signs an assertion, a user's file has a refresh token, a machine asks its metadata server.
 * Requests and answers hold secrets and are wiped; messages name who asked whom and what the answer's code was.
 */
#include "auth.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "resource.h"

#define FETCH_NS 30000000000u
#define TOKEN_MAX 16384u
#define SKEW_S 60u /* of our clock, before the token server's own time is used */

#define METADATA_PATH "/computeMetadata/v1/instance/service-accounts/default/token"
#define GRANT_ASSERTION "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"

void gcs_auth_init(struct gcs_auth *auth, const dlfw_host *host, void *host_ctx)
{
    auth->host = host;
    auth->host_ctx = host_ctx;
    cloud_token_init(&auth->token);
}

void gcs_auth_fini(struct gcs_auth *auth)
{
    cloud_token_fini(&auth->token);
    gcs_credentials_free(&auth->credentials);
    http_client_destroy(auth->own_client);
}

static void wipe(struct text *t)
{
    if (t->data)
        explicit_bzero(t->data, t->room);
    text_free(t);
}

/* A token goes into a header: nothing but visible characters. */
static bool is_token(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f)
            return false;
    return len > 0 && len <= TOKEN_MAX;
}

static dlfw_status read_token(const struct http_exchange *x, struct text *value, uint64_t *expires_s, dlfw_error *err)
{
    json_t *doc = gcs_json_parse(x->reply.data, x->reply.len, NULL);
    const char *token = json_string_value(json_object_get(doc, "access_token"));
    json_int_t life = json_integer_value(json_object_get(doc, "expires_in"));
    dlfw_status st = DLFW_OK;

    if (!token || !is_token(token))
        st = dlfw_fail(err, DLFW_E_AUTH, "the answer has no 'access_token'");
    else
        text_str(value, token);
    if (life < 0 || life > 7 * 86400)
        life = 0;
    *expires_s = cloud_now_s() + (life ? (uint64_t)life : 3600);
    json_decref(doc);
    return st;
}

/* What a code other than 200 means. */
static dlfw_status refusal(const struct http_exchange *x, dlfw_error *err)
{
    struct cloud_fault fault = {0};
    char reason[64];
    dlfw_status st;

    cloud_fault_of_code(x->code, &fault);
    gcs_fault_read(x->reply.data, x->reply.len, &fault, reason);
    if (!(fault.flags & DLFW_ERR_RETRYABLE))
        fault.status = DLFW_E_AUTH;
    st = dlfw_fail(err, fault.status, "%d%s%s%s%s", (int)x->code, reason[0] ? " " : "", reason,
                   fault.message[0] ? ": " : "", fault.message);
    if (err)
        err->flags = fault.flags;
    return st;
}

static dlfw_status ask(struct gcs_auth *auth, struct http_exchange *x, dlfw_error *err)
{
    x->deadline_ns = auth->host->now_ns() + FETCH_NS;
    x->reply_max = 65536;
    if (x->head.failed)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for the request of a token");
    return http_fetch(auth->own_client ? auth->own_client : auth->client, x, err);
}

static void add_host(struct text *head, const struct http_origin *origin)
{
    char host[300];

    http_origin_host(origin, host, sizeof host);
    text_printf(head, "Host: %s\r\n", host);
}

/* A form to the token server of the credentials. */
static dlfw_status post_form(struct gcs_auth *auth, const struct text *form, struct http_exchange *x, dlfw_error *err)
{
    struct iovec body = {.iov_base = form->data, .iov_len = form->len};
    const char *path = "";
    dlfw_status st = http_origin_parse(auth->credentials.token_uri, &x->origin, &path, err);

    if (st < 0)
        return st;
    text_printf(&x->head, "POST %s HTTP/1.1\r\n", *path == '/' ? path : "/");
    add_host(&x->head, &x->origin);
    text_printf(
        &x->head,
        "Content-Type: application/x-www-form-urlencoded\r\nAccept: application/json\r\nContent-Length: %zu\r\n\r\n",
        form->len);
    x->body = &body;
    x->body_count = 1;
    st = ask(auth, x, err);
    x->body = NULL;
    return st;
}

static void add_field(struct text *form, const char *name, const char *value)
{
    text_printf(form, "%s%s=", form->len ? "&" : "", name);
    text_encoded(form, value, strlen(value), false);
}

static dlfw_status ask_with_form(struct gcs_auth *auth, uint64_t now_s, struct http_exchange *x, dlfw_error *err)
{
    const struct gcs_credentials *c = &auth->credentials;
    struct text form = {0}, assertion = {0};
    dlfw_status st = DLFW_OK;

    if (c->kind == GCS_SERVICE_ACCOUNT) {
        st = gcs_assertion(c, now_s, &assertion, err);
        text_str(&form, "grant_type=" GRANT_ASSERTION);
        add_field(&form, "assertion", assertion.data ? assertion.data : "");
    } else {
        add_field(&form, "grant_type", "refresh_token");
        add_field(&form, "client_id", c->client_id);
        add_field(&form, "client_secret", c->client_secret);
        add_field(&form, "refresh_token", c->refresh_token);
    }
    if (st == DLFW_OK && form.failed)
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for the request of a token");
    if (st == DLFW_OK)
        st = post_form(auth, &form, x, err);
    wipe(&form);
    wipe(&assertion);
    return st;
}

static dlfw_status ask_metadata(struct gcs_auth *auth, struct http_exchange *x, dlfw_error *err)
{
    x->origin = auth->metadata;
    text_str(&x->head, "GET " METADATA_PATH " HTTP/1.1\r\n");
    add_host(&x->head, &x->origin);
    text_str(&x->head, "Metadata-Flavor: Google\r\n\r\n");
    return ask(auth, x, err);
}

static void exchange_wipe(struct http_exchange *x)
{
    wipe(&x->head);
    wipe(&x->reply);
    http_exchange_free(x);
    *x = (struct http_exchange){0};
}

/* The token server's clock, when ours is wrong enough to spoil an assertion; 0: it is not. */
static uint64_t corrected_now(const struct http_exchange *x)
{
    uint64_t ours = cloud_now_s();
    uint64_t theirs;
    const char *date;
    size_t len;

    date = http_header(x, "date", &len);
    theirs = date ? cloud_time_ns(date, len) / 1000000000u : 0;
    return theirs && (theirs > ours + SKEW_S || theirs + SKEW_S < ours) ? theirs : 0;
}

/* "svc@project...' from 'https://...": who asks whom, for messages. */
static void describe(const struct gcs_auth *auth, char *buf, size_t cap)
{
    const struct gcs_credentials *c = &auth->credentials;

    if (c->kind == GCS_METADATA)
        (void)snprintf(buf, cap,
                       "from the metadata server '%.100s' (give 'credentials', 'access_token' or 'anonymous')",
                       auth->metadata.host);
    else
        (void)snprintf(buf, cap, "for '%.80s' from '%.100s'",
                       c->kind == GCS_SERVICE_ACCOUNT ? c->client_email : c->client_id, c->token_uri);
}

static dlfw_status fetch(void *ctx, struct text *value, uint64_t *expires_s, dlfw_error *err)
{
    struct gcs_auth *auth = ctx;
    struct http_exchange x = {0};
    char why[320] = "", from[224];
    dlfw_error inner = {.struct_size = sizeof inner, .message = why, .message_cap = sizeof why};
    bool is_service = auth->credentials.kind == GCS_SERVICE_ACCOUNT;
    uint64_t now_s = cloud_now_s();
    dlfw_status st;

    describe(auth, from, sizeof from);
    dlfw_log(auth->host, auth->host_ctx, DLFW_LOG_DEBUG, "gs: fetching a token %s", from);
    for (int i = 0; i < 2; i++) {
        st = auth->credentials.kind == GCS_METADATA ? ask_metadata(auth, &x, &inner)
                                                    : ask_with_form(auth, now_s, &x, &inner);
        if (st < 0 || x.code != 400 || !is_service)
            break;
        now_s = corrected_now(&x);
        if (!now_s || i == 1)
            break;
        exchange_wipe(&x);
    }
    if (st == DLFW_OK)
        st = x.code == 200 ? read_token(&x, value, expires_s, &inner) : refusal(&x, &inner);
    exchange_wipe(&x);
    if (st == DLFW_OK)
        return DLFW_OK;
    dlfw_fail(err, st, "cannot get a token %s: %s", from, why);
    if (err)
        err->flags = inner.flags;
    return st;
}

dlfw_status gcs_auth_header(struct gcs_auth *auth, struct text *to, dlfw_error *err)
{
    struct text token = {0};
    dlfw_status st = DLFW_OK;

    if (auth->credentials.kind == GCS_ANONYMOUS)
        return DLFW_OK;
    text_str(to, "Authorization: Bearer ");
    if (auth->credentials.kind == GCS_FIXED_TOKEN) {
        text_str(to, auth->fixed_token);
    } else {
        st = cloud_token_get(&auth->token, fetch, auth, &token, err);
        text_add(to, token.data, token.len);
        wipe(&token);
    }
    text_str(to, "\r\n");
    return st;
}

bool gcs_auth_refused(struct gcs_auth *auth, const struct text *head)
{
    static const char begin[] = "\r\nAuthorization: Bearer ";
    const char *at = head->data ? strstr(head->data, begin) : NULL;
    const char *end = at ? strstr(at + sizeof begin - 1, "\r\n") : NULL;
    struct text token = {0};

    if (!end || auth->credentials.kind == GCS_ANONYMOUS || auth->credentials.kind == GCS_FIXED_TOKEN)
        return false;
    text_add(&token, at + sizeof begin - 1, (size_t)(end - at) - (sizeof begin - 1));
    if (token.data)
        cloud_token_drop(&auth->token, token.data);
    wipe(&token);
    return true;
}
