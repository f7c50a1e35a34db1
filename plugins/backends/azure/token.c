/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bearer tokens: from the directory for a client secret or a federated token (workload identity), from the machine for
 * a managed identity. cloud_token calls az_token_fetch when one is needed.
 */
#include "azure.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIRECTORY "https://login.microsoftonline.com"
#define METADATA "http://169.254.169.254"
#define SCOPE "https://storage.azure.com/.default"
#define RESOURCE "https://storage.azure.com/"
#define ASSERTION "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

#define ANSWER_MAX (256u << 10)
#define TOKEN_FILE_MAX 65536u
#define FETCH_NS 30000000000u

struct fetching {
    const struct az_identity_source *source;
    struct http_exchange x;
    struct text form;
    struct iovec body;
    const char *place; /* for messages */
};

static const char *env(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

/* Seconds from a number or its digits in quotes: services write both. 0: neither. */
static uint64_t seconds_of(const json_t *value)
{
    const char *text = json_string_value(value);
    json_int_t number = json_integer_value(value);
    unsigned long long parsed = 0;

    if (json_is_integer(value))
        return number > 0 ? (uint64_t)number : 0;
    /* sscanf would take "-5" for a number of many digits, and the token for one that never ends */
    return text && *text >= '0' && *text <= '9' && sscanf(text, "%17llu", &parsed) == 1 ? parsed : 0;
}

/* A header carries the token: nothing but printable characters without blanks. */
static bool is_token(const char *text)
{
    size_t len = text ? strlen(text) : 0;

    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return len > 0 && len < 65536;
}

dlfw_status az_token_parse(const char *json, size_t len, uint64_t now_s, struct text *value, uint64_t *expires_s,
                           dlfw_error *err)
{
    json_t *root = json_loadb(json ? json : "", len, JSON_REJECT_DUPLICATES, NULL);
    const char *token = json_string_value(json_object_get(root, "access_token"));
    uint64_t lasts = seconds_of(json_object_get(root, "expires_in"));
    uint64_t until = seconds_of(json_object_get(root, "expires_on"));
    dlfw_status st = DLFW_OK;

    if (!is_token(token))
        st = dlfw_fail(err, DLFW_E_AUTH, "the answer holds no access_token");
    else
        text_str(value, token);
    *expires_s = until ? until : now_s + (lasts ? lasts : 300);
    json_decref(root);
    return st;
}

/* "unauthorized_client: AADSTS700016: Application with identifier ... was not found": what the directory says, first
 * line. */
static void add_refusal(const struct text *reply, char *buf, size_t cap)
{
    json_t *root = json_loadb(reply->data ? reply->data : "", reply->len, 0, NULL);
    const char *code = json_string_value(json_object_get(root, "error"));
    const char *why = json_string_value(json_object_get(root, "error_description"));
    size_t why_len = why ? strcspn(why, "\r\n") : 0;

    (void)snprintf(buf, cap, "%s%.40s%s%.*s", code || why ? ": " : "", code ? code : "", why ? ": " : "",
                   (int)(why_len < 120 ? why_len : 120), why ? why : "");
    for (char *c = buf; *c; c++)
        if ((unsigned char)*c < 0x20)
            *c = ' ';
    json_decref(root);
}

static dlfw_status refused(const struct fetching *f, dlfw_error *err)
{
    bool again = f->x.code == 429 || f->x.code == 404 || f->x.code == 410 || f->x.code >= 500;
    char why[200];
    dlfw_status st;

    add_refusal(&f->x.reply, why, sizeof why);
    if (again) { /* the metadata service answers 404 and 410 while it is being updated */
        st = dlfw_fail(err, DLFW_E_UNAVAILABLE, "no token from %s: %d%s", f->place, f->x.code, why);
        if (err)
            err->flags |= DLFW_ERR_RETRYABLE;
        return st;
    }
    return dlfw_fail(err, DLFW_E_AUTH, "no token from %s: %d%s", f->place, f->x.code, why);
}

/* Sends what head and form hold. */
static dlfw_status fetch(struct fetching *f, struct http_client *client, struct text *value, uint64_t *expires_s,
                         dlfw_error *err)
{
    char why[256] = "";
    dlfw_error inner = {.struct_size = sizeof inner, .message = why, .message_cap = sizeof why};
    dlfw_status st;

    if (f->x.head.failed || f->form.failed)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory to ask for a token");
    if (f->form.len) {
        f->body = (struct iovec){f->form.data, f->form.len};
        f->x.body = &f->body;
        f->x.body_count = 1;
    }
    f->x.reply_max = ANSWER_MAX;
    f->x.deadline_ns = f->source->host->now_ns() + FETCH_NS;
    st = http_fetch(client, &f->x, &inner);
    if (st < 0) {
        dlfw_fail(err, st, "no token from %s: %s", f->place, why);
        if (err)
            err->flags |= inner.flags;
        return st;
    }
    if (f->x.code != 200)
        return refused(f, err);
    st = az_token_parse(f->x.reply.data, f->x.reply.len, cloud_now_s(), value, expires_s, &inner);
    return st < 0 ? dlfw_fail(err, st, "no token from %s: %s", f->place, why) : DLFW_OK;
}

static void add_field(struct text *form, const char *name, const char *value, size_t len)
{
    if (form->len)
        text_char(form, '&');
    text_str(form, name);
    text_char(form, '=');
    text_encoded(form, value, len, false);
}

static void begin_head(struct fetching *f, const char *method, const char *path)
{
    text_str(&f->x.head, method);
    text_char(&f->x.head, ' ');
    text_str(&f->x.head, path);
}

static void end_head(struct fetching *f)
{
    char host[300];

    http_origin_host(&f->x.origin, host, sizeof host);
    text_printf(&f->x.head, "Host: %s\r\nUser-Agent: dlfw/%s\r\nAccept: application/json\r\n", host,
                f->source->host->version);
    if (f->form.len)
        text_printf(&f->x.head, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n",
                    f->form.len);
    text_str(&f->x.head, "\r\n");
}

static dlfw_status read_token_file(const char *path, struct text *to, dlfw_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *room = text_room(to, TOKEN_FILE_MAX);
    ssize_t n = fd >= 0 && room ? read(fd, room, TOKEN_FILE_MAX) : -1;
    int failure = errno;

    if (fd >= 0)
        close(fd);
    if (!room)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory to ask for a token");
    if (n < 0)
        return dlfw_fail_errno(err, failure, "cannot read '%s', which AZURE_FEDERATED_TOKEN_FILE names", path);
    while (n > 0 && (unsigned char)room[n - 1] <= ' ')
        n--;
    if (n == 0)
        return dlfw_fail(err, DLFW_E_AUTH, "'%s', which AZURE_FEDERATED_TOKEN_FILE names, is empty", path);
    text_grown(to, (size_t)n);
    return DLFW_OK;
}

static dlfw_status from_directory(struct fetching *f, struct text *value, uint64_t *expires_s, dlfw_error *err)
{
    const struct az_settings *s = f->source->settings;
    const char *authority = env("AZURE_AUTHORITY_HOST");
    struct text assertion = {0};
    struct text url = {0};
    const char *path = NULL;
    dlfw_status st = DLFW_OK;

    f->place = authority ? "the directory that AZURE_AUTHORITY_HOST names" : DIRECTORY;
    if (!authority)
        authority = DIRECTORY;
    text_str(&url, strstr(authority, "://") ? "" : "https://");
    text_str(&url, authority);
    text_str(&url, authority[strlen(authority) - 1] == '/' ? "" : "/");
    text_str(&url, s->tenant.data);
    text_str(&url, "/oauth2/v2.0/token");
    add_field(&f->form, "grant_type", "client_credentials", 18);
    add_field(&f->form, "client_id", s->client.data, s->client.len);
    add_field(&f->form, "scope", SCOPE, sizeof SCOPE - 1);
    if (s->identity == AZ_IDENTITY_FEDERATED) {
        st = read_token_file(s->token_file.data, &assertion, err);
        add_field(&f->form, "client_assertion_type", ASSERTION, sizeof ASSERTION - 1);
        add_field(&f->form, "client_assertion", assertion.data, assertion.len);
    } else {
        add_field(&f->form, "client_secret", s->secret.data, s->secret.len);
    }
    if (st == DLFW_OK && url.failed)
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory to ask for a token");
    if (st == DLFW_OK)
        st = http_origin_parse(url.data, &f->x.origin, &path, err);
    if (st == DLFW_OK && !az_origin_is_safe(&f->x.origin))
        st = dlfw_fail(err, DLFW_E_CONFIG, "secrets go to %s over https only", f->place);
    if (st == DLFW_OK) {
        begin_head(f, "POST", path);
        text_str(&f->x.head, " HTTP/1.1\r\n");
        end_head(f);
        st = fetch(f, f->source->client, value, expires_s, err);
    }
    az_wipe(&assertion);
    text_free(&url);
    return st;
}

/* From the service of the platform (IDENTITY_ENDPOINT) or of the virtual machine. */
static dlfw_status from_machine(struct fetching *f, struct text *value, uint64_t *expires_s, dlfw_error *err)
{
    const struct az_settings *s = f->source->settings;
    const char *platform = env("IDENTITY_ENDPOINT");
    const char *secret = env("IDENTITY_HEADER");
    const char *authority = env("AZURE_POD_IDENTITY_AUTHORITY_HOST");
    const char *path = NULL;
    dlfw_status st = http_origin_parse(platform    ? platform
                                       : authority ? authority
                                                   : METADATA,
                                       &f->x.origin, &path, err);

    f->place = platform ? "the managed identity service that IDENTITY_ENDPOINT names"
                        : "the managed identity service of the machine";
    if (st < 0)
        return st;
    begin_head(f, "GET", platform ? path : "/metadata/identity/oauth2/token");
    text_str(&f->x.head, platform && strchr(path, '?') ? "&api-version=" : "?api-version=");
    text_str(&f->x.head, platform ? "2019-08-01&" : "2018-02-01&");
    text_str(&f->x.head, "resource=");
    text_encoded(&f->x.head, RESOURCE, sizeof RESOURCE - 1, false);
    if (s->client.len) {
        text_str(&f->x.head, "&client_id=");
        text_encoded(&f->x.head, s->client.data, s->client.len, false);
    }
    text_str(&f->x.head, " HTTP/1.1\r\n");
    if (!platform)
        text_str(&f->x.head, "Metadata: true\r\n");
    if (platform && secret && !strpbrk(secret, "\r\n"))
        text_printf(&f->x.head, "X-IDENTITY-HEADER: %s\r\n", secret);
    end_head(f);
    return fetch(f, f->source->client, value, expires_s, err);
}

dlfw_status az_token_fetch(void *source, struct text *value, uint64_t *expires_s, dlfw_error *err)
{
    struct fetching f = {.source = source};
    dlfw_status st;

    if (f.source->settings->identity == AZ_IDENTITY_MANAGED)
        st = from_machine(&f, value, expires_s, err);
    else
        st = from_directory(&f, value, expires_s, err);
    az_wipe(&f.form);
    az_wipe(&f.x.reply);
    az_wipe(&f.x.head);
    http_exchange_free(&f.x);
    return st;
}
