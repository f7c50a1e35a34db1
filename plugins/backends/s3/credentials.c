/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOKEN_FILE_MAX (64u << 10)

void s3_chain_init(struct s3_chain *chain, const dlfw_create_args *args, const struct s3_options *options,
                   const struct s3_profiles *profiles, const struct http_client_args *client, const char *region)
{
    *chain = (struct s3_chain){
        .host = args->host, .host_ctx = args->host_ctx, .options = options, .profiles = profiles, .client = *client};
    (void)snprintf(chain->region, sizeof chain->region, "%s", region);
    cloud_token_init(&chain->token);
}

void s3_chain_fini(struct s3_chain *chain)
{
    cloud_token_fini(&chain->token);
}

static const struct {
    const char *name; /* for the message that lists what was tried */
    dlfw_status (*find)(const struct s3_chain *chain, struct s3_found *ret, dlfw_error *err);
} sources[] = {
    {"access_key_id", s3_from_options},
    {"AWS_ACCESS_KEY_ID", s3_from_environment},
    {"AWS_WEB_IDENTITY_TOKEN_FILE", s3_from_web_identity},
    {"the profile", s3_from_profile},
    {"AWS_CONTAINER_CREDENTIALS_FULL_URI", s3_from_container},
    {"instance metadata", s3_from_instance},
};

static dlfw_status nothing_found(const struct s3_chain *chain, const char *why, dlfw_error *err)
{
    return dlfw_fail(
        err, DLFW_E_AUTH,
        "no credentials: not in the options, AWS_ACCESS_KEY_ID, web identity, profile '%.64s', container or "
        "instance metadata (%.90s); set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or anonymous: true for "
        "a public bucket",
        chain->profiles->name, why);
}

static dlfw_status find(void *ctx, struct text *value, uint64_t *expires_s, dlfw_error *err)
{
    const struct s3_chain *chain = ctx;
    struct s3_found found = {.expires_s = UINT64_MAX};
    char why[200] = "";
    dlfw_error inner = {.struct_size = sizeof inner, .message = why, .message_cap = sizeof why};
    dlfw_status st = DLFW_END;

    for (size_t i = 0; i < sizeof sources / sizeof *sources && st == DLFW_END; i++) {
        st = sources[i].find(chain, &found, &inner);
        if (st < 0)
            dlfw_log(chain->host, chain->host_ctx, DLFW_LOG_DEBUG, "s3: credentials from %s: %s", sources[i].name, why);
    }
    if (st == DLFW_OK) {
        text_add(value, found.value.data, found.value.len);
        *expires_s = found.expires_s;
        dlfw_log(chain->host, chain->host_ctx, DLFW_LOG_DEBUG, "s3: credentials from %s%s", found.source,
                 found.expires_s == UINT64_MAX ? "" : ", which end");
    } else if (st == DLFW_END) {
        st = nothing_found(chain, why[0] ? why : "off", err);
    } else {
        dlfw_fail(err, st, "no credentials: %s", why);
        if (err)
            err->flags = inner.flags;
    }
    s3_found_free(&found);
    return st;
}

dlfw_status s3_chain_get(struct s3_chain *chain, struct text *ret, dlfw_error *err)
{
    return cloud_token_get(&chain->token, find, chain, ret, err);
}

void s3_chain_drop(struct s3_chain *chain, const char *value)
{
    cloud_token_drop(&chain->token, value);
}

/* Goes into headers and into lines of its own. */
static bool is_plain(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s <= 0x20 || (unsigned char)*s >= 0x7f)
            return false;
    return true;
}

dlfw_status s3_found_set(struct s3_found *found, const char *id, const char *secret, const char *token,
                         uint64_t expires_s, const char *source, dlfw_error *err)
{
    if (!id || !*id || !secret || !*secret)
        return dlfw_fail(err, DLFW_E_AUTH, "%s: only one of access key and secret key is there, both are needed",
                         source);
    token = token ? token : "";
    if (!is_plain(id) || !is_plain(secret) || !is_plain(token))
        return dlfw_fail(err, DLFW_E_AUTH, "%s: the keys have blanks or letters that keys cannot have", source);
    if (strlen(id) > 256 || strlen(secret) > 1024 || strlen(token) > TOKEN_FILE_MAX)
        return dlfw_fail(err, DLFW_E_AUTH, "%s: the keys are too long to be some", source);
    text_clear(&found->value);
    text_str(&found->value, id);
    text_char(&found->value, '\n');
    text_str(&found->value, secret);
    text_char(&found->value, '\n');
    text_str(&found->value, token);
    found->expires_s = expires_s;
    found->source = source;
    return found->value.failed ? dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for credentials") : DLFW_OK;
}

void s3_found_free(struct s3_found *found)
{
    if (found->value.data)
        explicit_bzero(found->value.data, found->value.room);
    text_free(&found->value);
}

struct s3_parts s3_parts_of(char *value)
{
    struct s3_parts p = {.id = value};
    char *end = strchr(value, '\n');

    p.secret = end ? end + 1 : value + strlen(value);
    if (end)
        *end = '\0';
    end = strchr(p.secret, '\n');
    p.token = end ? end + 1 : p.secret + strlen(p.secret);
    if (end)
        *end = '\0';
    return p;
}

static const char *member(const json_t *root, const char *name)
{
    return json_string_value(json_object_get(root, name));
}

dlfw_status s3_found_json(struct s3_found *found, const char *json, size_t len, const char *token_name,
                          const char *source, dlfw_error *err)
{
    uint64_t expires_s = UINT64_MAX;
    const char *expiration;
    json_error_t wrong;
    dlfw_status st;
    json_t *root;

    root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &wrong);
    if (!json_is_object(root)) {
        json_decref(root);
        return dlfw_fail(err, DLFW_E_AUTH, "%s: the answer is no JSON object", source);
    }
    expiration = member(root, "Expiration");
    if (expiration && *expiration) {
        expires_s = cloud_time_ns(expiration, strlen(expiration)) / 1000000000u;
        if (expires_s == 0) {
            json_decref(root);
            return dlfw_fail(err, DLFW_E_AUTH, "%s: 'Expiration' is no time", source);
        }
    }
    st = s3_found_set(found, member(root, "AccessKeyId"), member(root, "SecretAccessKey"), member(root, token_name),
                      expires_s, source, err);
    json_decref(root);
    return st;
}

dlfw_status s3_read_token_file(const char *path, struct text *ret, dlfw_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    dlfw_status st = DLFW_OK;
    ssize_t n = 1;

    if (fd < 0)
        return dlfw_fail_errno(err, errno, "cannot open the token '%s'", path);
    while (st == DLFW_OK && n > 0) {
        char *at = text_room(ret, 4096);

        n = at ? read(fd, at, 4096) : -1;
        if (!at)
            st = dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a token");
        else if (n < 0 && errno != EINTR)
            st = dlfw_fail_errno(err, errno, "cannot read the token '%s'", path);
        else if (n > 0)
            text_grown(ret, (size_t)n);
        if (ret->len > TOKEN_FILE_MAX)
            st = dlfw_fail(err, DLFW_E_AUTH, "'%s' is too large for a token", path);
        if (n < 0)
            n = 1;
    }
    close(fd);
    while (ret->len > 0 && strchr(" \t\r\n", ret->data[ret->len - 1]))
        ret->data[--ret->len] = '\0';
    if (st == DLFW_OK && (ret->len == 0 || strlen(ret->data) != ret->len))
        st = dlfw_fail(err, DLFW_E_AUTH, "the token '%s' is empty or no text", path);
    return st;
}

/* ---- the two sources that need nothing ---- */

dlfw_status s3_from_options(const struct s3_chain *chain, struct s3_found *ret, dlfw_error *err)
{
    const struct s3_options *o = chain->options;

    if (!o->access_key_id && !o->secret_access_key)
        return DLFW_END;
    return s3_found_set(ret, o->access_key_id, o->secret_access_key, o->session_token, UINT64_MAX,
                        "the options access_key_id and secret_access_key", err);
}

/* A profile named by an option goes before the environment's keys. */
dlfw_status s3_from_environment(const struct s3_chain *chain, struct s3_found *ret, dlfw_error *err)
{
    const char *id = getenv("AWS_ACCESS_KEY_ID");
    const char *secret = getenv("AWS_SECRET_ACCESS_KEY");

    if (chain->options->profile || ((!id || !*id) && (!secret || !*secret)))
        return DLFW_END;
    return s3_found_set(ret, id, secret, getenv("AWS_SESSION_TOKEN"), UINT64_MAX,
                        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", err);
}
