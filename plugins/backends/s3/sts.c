/* SPDX-License-Identifier: Apache-2.0 */
/* Roles: keys for a while from the security token service, for keys that we have or a token that somebody else signed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "credentials.h"
#include "settings.h"
#include "sign.h"

#define ASSUMED "an assumed role"
#define WEB_IDENTITY "web identity"
#define TIMEOUT 30000000000ull

struct answer {
    char id[257], secret[257];
    struct text token;
    char expiration[64];
    char code[64], message[200];
    bool too_long;
};

static void keep(struct answer *a, char *to, size_t cap, const char *text, size_t len)
{
    if (len >= cap) {
        a->too_long = true;
        return;
    }
    memcpy(to, text, len);
    to[len] = '\0';
}

static bool ends_in(const char *path, const char *tail)
{
    size_t a = strlen(path), b = strlen(tail);

    return a >= b && strcmp(path + a - b, tail) == 0;
}

static bool take(void *ctx, const char *path, const char *text, size_t len)
{
    struct answer *a = ctx;

    if (ends_in(path, "/Credentials/AccessKeyId"))
        keep(a, a->id, sizeof a->id, text, len);
    else if (ends_in(path, "/Credentials/SecretAccessKey"))
        keep(a, a->secret, sizeof a->secret, text, len);
    else if (ends_in(path, "/Credentials/SessionToken"))
        text_add(&a->token, text, len);
    else if (ends_in(path, "/Credentials/Expiration"))
        keep(a, a->expiration, sizeof a->expiration, text, len);
    else if (ends_in(path, "/Error/Code"))
        keep(a, a->code, sizeof a->code, text, len);
    else if (ends_in(path, "/Error/Message"))
        (void)snprintf(a->message, sizeof a->message, "%s", text);
    return true;
}

static dlfw_status read_answer(const struct text *reply, int32_t code, const char *source, struct s3_found *ret,
                               dlfw_error *err)
{
    struct answer a = {0};
    const struct cloud_xml xml = {.ctx = &a, .each = take};
    dlfw_error inner = {.struct_size = sizeof inner};
    dlfw_status st = cloud_xml_walk(reply->data, reply->len, &xml, &inner);
    uint64_t expires_s;

    if (code != 200) {
        st = dlfw_fail(err, code >= 500 ? DLFW_E_UNAVAILABLE : DLFW_E_AUTH, "%s: STS answered %d%s%s%s%s", source, code,
                       a.code[0] ? " " : "", a.code, a.message[0] ? ": " : "", a.message);
        if (err && code >= 500)
            err->flags |= DLFW_ERR_RETRYABLE;
    } else if (st < 0 || a.too_long || a.token.failed || a.token.len == 0) {
        st = dlfw_fail(err, DLFW_E_AUTH, "%s: the answer of STS has no credentials", source);
    } else {
        expires_s = cloud_time_ns(a.expiration, strlen(a.expiration)) / 1000000000u;
        st = expires_s
                 ? s3_found_set(ret, a.id, a.secret, a.token.data, expires_s, source, err)
                 : dlfw_fail(err, DLFW_E_AUTH, "%s: the answer of STS does not say when its credentials end", source);
    }
    explicit_bzero(a.secret, sizeof a.secret);
    if (a.token.data)
        explicit_bzero(a.token.data, a.token.room);
    text_free(&a.token);
    return st;
}

/* Form fields of one action. */
static void begin_form(struct text *form, const char *action, const struct s3_role *role)
{
    text_str(form, "Action=");
    text_str(form, action);
    text_str(form, "&RoleArn=");
    text_encoded(form, role->arn, strlen(role->arn), false);
    text_str(form, "&RoleSessionName=");
    if (role->session)
        text_encoded(form, role->session, strlen(role->session), false);
    else
        text_printf(form, "dlfw-%ld", (long)getpid());
    if (role->duration) {
        text_str(form, "&DurationSeconds=");
        text_encoded(form, role->duration, strlen(role->duration), false);
    }
    if (role->external_id) {
        text_str(form, "&ExternalId=");
        text_encoded(form, role->external_id, strlen(role->external_id), false);
    }
    text_str(form, "&Version=2011-06-15");
}

static void endpoint_url(const struct s3_chain *chain, struct text *url)
{
    const char *own = getenv("AWS_ENDPOINT_URL_STS");

    if (own && *own)
        text_str(url, own);
    else
        text_printf(url, "https://sts.%s.amazonaws.com%s", chain->region,
                    strncmp(chain->region, "cn-", 3) == 0 ? ".cn" : "");
    while (url->len > 0 && url->data[url->len - 1] == '/')
        url->data[--url->len] = '\0';
    text_char(url, '/');
}

/* Signs a form with the keys that may assume the role. */
static dlfw_status sign_form(const struct s3_chain *chain, const char *url, const struct text *form,
                             const struct s3_found *base, struct text *headers, dlfw_error *err)
{
    struct s3_scope scope = {.region = chain->region, .service = "sts"};
    struct s3_headers h = {0};
    struct text keys = {0}, canonical = {0}, line = {0};
    struct http_origin origin = {0};
    char host[280], signature[65];
    uint8_t digest[32], key[32];
    char hash[65];
    const char *path = "";
    struct s3_parts parts;
    dlfw_status st = http_origin_parse(url, &origin, &path, err);

    if (st < 0)
        return st;
    text_add(&keys, base->value.data, base->value.len);
    text_char(&keys, '\0');
    if (keys.failed)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a request");
    parts = s3_parts_of(keys.data);
    http_origin_host(&origin, host, sizeof host);
    cloud_time_iso(cloud_now_s(), scope.time);
    s3_signing_key(parts.secret, scope.time, scope.region, scope.service, key);
    scope.key = key;
    scope.access_key_id = parts.id;
    s3_headers_str(&h, "host", host);
    s3_headers_str(&h, "content-type", "application/x-www-form-urlencoded; charset=utf-8");
    s3_headers_str(&h, "x-amz-date", scope.time);
    if (*parts.token)
        s3_headers_str(&h, "x-amz-security-token", parts.token);
    cloud_sha256(form->data, form->len, digest);
    cloud_hex(digest, sizeof digest, hash);
    s3_canonical_request(&canonical, "POST", path, "", &h, hash);
    if (s3_signature(&scope, &canonical, signature)) {
        s3_authorization(&line, &scope, &h, signature);
        text_str(headers, "content-type: application/x-www-form-urlencoded; charset=utf-8\r\nx-amz-date: ");
        text_str(headers, scope.time);
        if (*parts.token) {
            text_str(headers, "\r\nx-amz-security-token: ");
            text_str(headers, parts.token);
        }
        text_str(headers, "\r\nauthorization: ");
        text_add(headers, line.data, line.len);
        text_str(headers, "\r\n");
    }
    if (headers->failed || !headers->len)
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a request");
    explicit_bzero(keys.data, keys.room);
    explicit_bzero(key, sizeof key);
    text_free(&keys);
    text_free(&canonical);
    text_free(&line);
    s3_headers_free(&h);
    return st;
}

static dlfw_status post_form(const struct s3_chain *chain, const char *url, const struct text *form,
                             const char *headers, const char *source, struct s3_found *ret, dlfw_error *err)
{
    struct s3_ask ask = {.method = "POST", .url = url, .headers = headers, .body = form->data, .timeout_ns = TIMEOUT};
    char why[200] = "";
    dlfw_error inner = {.struct_size = sizeof inner, .message = why, .message_cap = sizeof why};
    struct text reply = {0};
    int32_t code = 0;
    dlfw_status st = s3_ask(chain, &ask, &reply, &code, &inner);

    if (st < 0) {
        dlfw_fail(err, st, "%s: STS did not answer: %s", source, why);
        if (err)
            err->flags = inner.flags;
    } else {
        st = read_answer(&reply, code, source, ret, err);
    }
    if (reply.data)
        explicit_bzero(reply.data, reply.room);
    text_free(&reply);
    return st;
}

dlfw_status s3_sts_assume_role(const struct s3_chain *chain, const struct s3_role *role, const struct s3_found *base,
                               struct s3_found *ret, dlfw_error *err)
{
    struct text form = {0}, url = {0}, headers = {0};
    dlfw_status st;

    begin_form(&form, "AssumeRole", role);
    endpoint_url(chain, &url);
    if (form.failed || url.failed)
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a request");
    else
        st = sign_form(chain, url.data, &form, base, &headers, err);
    if (st == DLFW_OK)
        st = post_form(chain, url.data, &form, headers.data, ASSUMED, ret, err);
    if (headers.data)
        explicit_bzero(headers.data, headers.room);
    text_free(&form);
    text_free(&url);
    text_free(&headers);
    return st;
}

dlfw_status s3_sts_web_identity(const struct s3_chain *chain, const struct s3_role *role, struct s3_found *ret,
                                dlfw_error *err)
{
    struct text form = {0}, url = {0}, token = {0};
    dlfw_status st = s3_read_token_file(role->token_file, &token, err);

    if (st < 0)
        return st;
    begin_form(&form, "AssumeRoleWithWebIdentity", role);
    text_str(&form, "&WebIdentityToken=");
    text_encoded(&form, token.data, token.len, false);
    endpoint_url(chain, &url);
    st = form.failed || url.failed
             ? dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a request")
             : post_form(chain, url.data, &form, "content-type: application/x-www-form-urlencoded; charset=utf-8\r\n",
                         WEB_IDENTITY, ret, err);
    if (token.data)
        explicit_bzero(token.data, token.room);
    if (form.data)
        explicit_bzero(form.data, form.room);
    text_free(&token);
    text_free(&form);
    text_free(&url);
    return st;
}

dlfw_status s3_from_web_identity(const struct s3_chain *chain, struct s3_found *ret, dlfw_error *err)
{
    struct s3_role role = {.arn = getenv("AWS_ROLE_ARN"),
                           .session = getenv("AWS_ROLE_SESSION_NAME"),
                           .token_file = getenv("AWS_WEB_IDENTITY_TOKEN_FILE")};

    if (chain->options->profile || !role.token_file || !*role.token_file)
        return DLFW_END;
    if (!role.arn || !*role.arn)
        return dlfw_fail(err, DLFW_E_AUTH, "AWS_WEB_IDENTITY_TOKEN_FILE is set, AWS_ROLE_ARN is not: both are needed");
    if (role.session && !*role.session)
        role.session = NULL;
    return s3_sts_web_identity(chain, &role, ret, err);
}
